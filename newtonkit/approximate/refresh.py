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
        if not known.any():
            return "the weights of all sampled rows have vanished"
        change = float(np.abs(np.log(now[known] / self._weights[known])).mean())
        if change > _MOVED:
            return f"weights moved by exp({change:.2f}) in the mean"
        total = float(weights.sum())
        if abs(np.log(total / self._total)) > _MOVED:
            return f"the sum of the weights changed by a factor of {total / self._total:.2g}"
        return ""
