"""Names of coefficients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

INTERCEPT = "intercept"


def default_names(d: int, *, has_intercept: bool) -> tuple[str, ...]:
    """Return x1, x2, ... and the intercept last, if there is one."""
    plain = tuple(f"x{k}" for k in range(1, d - has_intercept + 1))
    return (*plain, INTERCEPT) if has_intercept else plain


def checked_names(names: Any, d: int, last: str) -> tuple[str, ...]:
    """Return a name for each coefficient from an iterable or the columns of a frame.

    One less than there are coefficients will do where `last` is the intercept.

    Raises
    ------
    TypeError
        If `names` is not an iterable, or a single string.
    ValueError
        If their number does not fit.
    """
    given = getattr(names, "columns", names)
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"names must be a list of names or a data frame, got {names!r}")
    found = tuple(str(name) for name in given)
    if len(found) == d - 1 and last == INTERCEPT:
        found = (*found, INTERCEPT)
    if len(found) != d:
        raise ValueError(f"names must have {d} entries, got {len(found)}")
    return found
