"""When a sample of the rows has to be drawn anew, and when it has to be larger."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, IntArray

_MOVED = 0.5


class Freshness:
    """How far weights have moved since a sample was drawn by them.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        |D| when the sample was drawn.
    indices : ndarray of int, shape (m,)
        The rows of the sample.
    """

    def __init__(self, weights: FloatArray, indices: IntArray) -> None:
        self._indices = indices
        self._weights = weights[indices]
        self._total = float(weights.sum())

    def moved(self, weights: FloatArray) -> str:
        """Return how the weights have moved, in words; empty if not far."""
        now = weights[self._indices]
        known = (now > 0.0) & (self._weights > 0.0)
        if len(now) and not known.any():
            return "the weights of all sampled rows have vanished"
        change = float(np.abs(np.log(now[known] / self._weights[known])).mean()) if known.any() else 0.0
        if change > _MOVED:
            return f"weights moved by exp({change:.2f}) in the mean"
        total = float(weights.sum())
        if max(total, self._total) > np.exp(_MOVED) * min(total, self._total):
            return f"the sum of the weights went from {self._total:.2g} to {total:.2g}"
        return ""
