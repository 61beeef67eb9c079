"""A target of shares or amounts: checked, divided by its total, counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import column_or_1d

from newtonkit.design import FloatArray
from newtonkit.estimators.grouping import Grouping


def checked_target(y: Any, n: int) -> FloatArray:
    """Return y as a vector with a value for each of n rows."""
    target: FloatArray = column_or_1d(y, warn=True).astype(np.float64)
    if len(target) != n:
        raise ValueError(f"y must have shape ({n},), got {target.shape}")
    return target


def as_shares(
    y: FloatArray, grouping: Grouping | None, weights: FloatArray | None
) -> tuple[FloatArray, float | None]:
    """Return the target as shares, and its total where there is one."""
    if (y < 0.0).any():
        raise ValueError(f"y must be at least 0 to be shared out, got {y.min()}")
    if grouping is None:
        total = float(y.sum() if weights is None else np.dot(weights, y))
        if not 0.0 < total < np.inf:
            raise ValueError(f"y must have a positive sum over the rows that count, got {total}")
        return y / total, total
    sums = grouping.sums(y)
    if weights is not None:
        sums[(sums == 0.0) & (grouping.first(weights) == 0.0)] = 1.0  # groups that are left out
    if not (sums > 0.0).all():
        raise ValueError("y must have a positive sum in each of the groups")
    return y / grouping.spread(sums), None


def mass(n_rows: int, grouping: Grouping | None, weights: FloatArray | None) -> tuple[float, float]:
    """Return how many rows and how many groups there are, each as often as it counts."""
    n = float(n_rows) if weights is None else float(weights.sum())
    if grouping is None:
        return n, 1.0
    return n, float(len(grouping) if weights is None else grouping.first(weights).sum())
