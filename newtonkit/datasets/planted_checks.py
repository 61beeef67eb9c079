"""What may be asked of a planted problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["PlantedSettings", "checked_settings"]

_LARGEST_CONDITION = 1e12
_LARGEST_SATURATION = 100.0
_LARGEST_NOISE = 1000.0
_MOST_ENTRIES = 2**40
_NOT_NUMBERS = (bool, np.timedelta64)  # though Python or NumPy count them among the integers


@dataclass(frozen=True)
class PlantedSettings:
    """The arguments of ``make_planted``, checked and of plain Python types."""

    n: int
    d: int
    condition: float
    coherence: float
    density: float
    noise: float
    groups: int
    saturation: float
    dtype: np.dtype[Any]


def checked_settings(
    kinds: tuple[str, ...],
    kind: Any,
    n: Any,
    d: Any,
    condition: Any,
    coherence: Any,
    density: Any,
    noise: Any,
    groups: Any,
    saturation: Any,
    dtype: Any,
) -> PlantedSettings:
    """Return the arguments of ``make_planted``, or raise an error that names the wrong one."""
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}; got {kind!r}")
    settings = PlantedSettings(
        n=_whole("n", n),
        d=_whole("d", d),
        condition=_number("condition", condition, 1.0, _LARGEST_CONDITION),
        coherence=_number("coherence", coherence, 0.0, 1.0),
        density=_number("density", density, 0.0, 1.0),
        noise=_number("noise", noise, 0.0, _LARGEST_NOISE),
        groups=_whole("groups", groups),
        saturation=_number("saturation", saturation, 0.0, _LARGEST_SATURATION),
        dtype=_checked_dtype(dtype),
    )
    _check_together(settings, kind)
    return settings


def _check_together(settings: PlantedSettings, kind: str) -> None:
    n, d, groups = settings.n, settings.d, settings.groups
    if n * d > _MOST_ENTRIES:
        raise ValueError(f"n times d must be at most 2^40, got {n} x {d}")
    if settings.coherence == 1.0:
        raise ValueError("coherence must be less than 1, or all rows but the heavy ones would be zero")
    if settings.saturation == 0.0:
        raise ValueError("saturation must be positive, got 0")
    if d == 1 and settings.condition != 1.0:
        raise ValueError(f"condition must be 1 for a single column (d = 1), got {settings.condition:g}")
    if settings.density * d < 1.0 - 1e-12:
        raise ValueError(f"density must be at least 1 / d = {1.0 / d:.3g}, got {settings.density:g}")
    elementwise = kind in ("exp", "cosh", "sinh")
    if elementwise and groups != 1:
        raise ValueError(f"groups must be 1 for kind {kind!r}, got {groups}")
    if 2 * groups > n and not elementwise:
        raise ValueError(f"groups must leave two rows for each: at most {n // 2} for n = {n}, got {groups}")
    least = d + (0 if elementwise else groups) + (d if settings.coherence > 0.0 else 0)
    if n < least:
        raise ValueError(f"n must be at least {least} for kind {kind!r} and d = {d}, got {n}")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, _NOT_NUMBERS) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value!r}")
    return int(value)


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, _NOT_NUMBERS) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not least <= value <= most:
        raise ValueError(f"{name} must lie within {least:g} and {most:g}, got {value!r}")
    return float(value)


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    try:
        found: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError):
        found = None
    if found is None or found not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"dtype must be float64 or float32, got {dtype!r}")
    return found
