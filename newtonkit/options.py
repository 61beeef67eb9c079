"""Checks of options that several front doors share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    """Return a callable or None.

    Of a class with methods for the start and the end of a solve an instance is meant.
    """
    if isinstance(callback, type) and any(hasattr(callback, name) for name in ("begin", "end")):
        name = callback.__name__
        raise TypeError(f"callback must be an instance, got the class {name}: write {name}() instead")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {callback!r}")
    checked: Callable[..., Any] | None = callback
    return checked


def point_of(solution: Any, name: str) -> Any:
    """Return the point that a result holds, or the point itself; it is yet to be checked as a vector.

    A result is anything with an `x`, such as a MinimizeResult or one of SciPy's.  Arrays, series
    and sequences are points, whatever they call their entries.

    Raises
    ------
    TypeError
        If it is an estimator, which says nothing of the problem that it has solved.
    """
    if isinstance(solution, Sequence) or hasattr(solution, "__array__"):
        return solution
    if callable(getattr(solution, "fit", None)):
        raise TypeError(
            f"{name} must be a result or a point, got {type(solution).__name__}: give the result_ of the "
            "fitted estimator, and the problem that it solves ('With scikit-learn' in the manual shows how)"
        )
    return getattr(solution, "x", solution)


def checked_generator(rng: Any) -> np.random.Generator:
    """Return a generator from a seed, a Generator or None (SPEC 7)."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng must be a seed, a Generator or None: {error}") from None
