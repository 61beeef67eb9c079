"""Checks of options that several front doors share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_NO_NUMBERS = (bool, np.timedelta64)  # though Python and NumPy count them among the integers


def checked_number(value: Any, name: str, *, positive: bool = False, endless: bool = False) -> float:
    """Return a finite number of at least 0, or a positive one; infinity only if `endless`."""
    if isinstance(value, _NO_NUMBERS) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not (value > 0.0 if positive else value >= 0.0):
        raise ValueError(f"{name} must be {'positive' if positive else 'at least 0'}, got {value!r}")
    if not _fits(value) and not (endless and value == math.inf):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def _fits(value: Any) -> bool:
    """Tell whether a number becomes a finite float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def checked_count(value: Any, name: str, least: int) -> int:
    """Return a whole number of at least `least`."""
    if isinstance(value, _NO_NUMBERS) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return int(value)


def checked_callback(callback: Any) -> Callable[..., Any] | None:
    """Return a callable or None."""
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {callback!r}")
    checked: Callable[..., Any] | None = callback
    return checked


def checked_generator(rng: Any) -> np.random.Generator:
    """Return a generator from a seed, a Generator or None (SPEC 7)."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng must be a seed, a Generator or None: {error}") from None
