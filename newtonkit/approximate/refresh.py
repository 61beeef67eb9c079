"""When a sample of the rows no longer stands for them."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, map_blocks
from newtonkit.design.pieces import vector_pieces
from newtonkit.sketching import RowSample

_MOVED = 0.5
_LONGEST = 10.0
_FAR = np.log(4.0)
_LARGE_SCORE, _SMALL_SHARE = 0.05, 0.02
_ENOUGH = 2**13


class Freshness:
    """How far weights have moved since a sample was drawn by them.

    Rows count by their scores: a change of weights that are no part of the Hessian, then or
    now, is none.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        D when the sample was drawn, of any sign: its size counts, then and now.
    sizes : ndarray of shape (n,), or None
        Score of each row by its weight; None if all rows were kept.
    sample : RowSample, optional
        The rows kept: means over all rows are taken from these.
    """

    def __init__(
        self, weights: FloatArray, sizes: FloatArray | None, sample: RowSample | None = None
    ) -> None:
        self._weights = weights
        self._sizes = sizes
        self._sample = sample

    def _on_sample(self, weights: FloatArray) -> tuple[Freshness, FloatArray]:
        """Return the same on the rows kept, and the weights of these."""
        if self._sample is None or self._sizes is None:
            return self, weights
        kept = self._sample.indices
        sizes = self._sizes[kept] / self._sample.probabilities
        return Freshness(self._weights[kept], sizes), weights[kept]

    def _changes(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return |log (new / old)| of each row, and its score by the larger of its two weights."""
        new, old = np.abs(weights), np.abs(self._weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            changes = np.abs(np.log(new) - np.log(old))
        changes[np.isnan(changes)] = 0.0  # 0 then and now
        larger = np.maximum(new, old)
        return changes, larger if self._sizes is None else larger * self._sizes

    def moved(self, weights: FloatArray) -> str:
        """Return how the weights have moved, in words; empty if not far in the mean."""
        kept, theirs = self._on_sample(weights)
        change = kept._mean_change(theirs)
        if kept is not self:  # rows that were of no weight are not in the sample
            some = slice(None, None, max(1, len(weights) // _ENOUGH))
            sizes = None if self._sizes is None else self._sizes[some]
            change = max(change, Freshness(self._weights[some], sizes)._mean_change(weights[some]))
        return f"weights moved by exp({change:.2f}) in the mean" if change > _MOVED else ""

    def _mean_change(self, weights: FloatArray) -> float:
        """Return the mean of the changes of the logarithms, the longest cut off."""
        changes, scores = self._changes(weights)
        total = float(scores.sum())
        return float(np.minimum(changes, _LONGEST) @ (scores / total)) if total > 0.0 else 0.0

    def spread(self, weights: FloatArray) -> float:
        """Return by how much the changes of the weights differ from row to row, as a mean of logarithms."""
        kept, weights = self._on_sample(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            logarithms = np.log(np.abs(weights)) - np.log(np.abs(kept._weights))
            ratios = np.exp(np.clip(logarithms, -_LONGEST, _LONGEST))
        ratios[np.isnan(ratios)] = 1.0  # 0 then and now
        return spread_of(ratios, kept._changes(weights)[1])

    def holds_everywhere(self, weights: FloatArray) -> bool:
        """Tell whether no direction of the sample can have changed by more than a factor of about 4.

        The mean may hide a row that carries a direction alone.
        """

        def look(piece: slice) -> tuple[float, float, float]:
            sizes = None if self._sizes is None else self._sizes[piece]
            changes, scores = Freshness(self._weights[piece], sizes)._changes(weights[piece])
            far = scores[changes > _FAR]
            if self._sizes is None and len(far):
                return np.inf, np.inf, 0.0
            return float(far.max(initial=0.0)), float(far.sum()), float(scores.sum())

        largest, far, total = np.array(map_blocks(look, vector_pieces(len(weights)))).T
        return bool(largest.max() <= _LARGE_SCORE and far.sum() <= _SMALL_SHARE * total.sum())


def spread_of(values: FloatArray, importance: FloatArray) -> float:
    """Return the mean distance of log(values) from their mean, weighted; infinite where nothing counts."""
    total = float(importance.sum())
    if not 0.0 < total < np.inf:
        return np.inf
    with np.errstate(divide="ignore"):
        logarithms = np.maximum(np.log(values), np.log(values.max()) - 2.0 * _LONGEST)
    shares = importance / total
    return float(shares @ np.abs(logarithms - shares @ logarithms))
