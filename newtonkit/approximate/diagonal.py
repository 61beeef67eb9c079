"""Diagonal metric and preconditioner, for so many columns that nothing of size d x d is formed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from newtonkit.approximate.preconditioner import MOST_WEAK, WEAK
from newtonkit.design import FloatArray
from newtonkit.metric import Metric, size_of
from newtonkit.objective import PointEvaluation, SymmetricOperator
from newtonkit.secular import DiagonalQuadratic

_EPS = float(np.finfo(float).eps)


class DiagonalMetric(Metric):
    """M = diag(A^T A / n + ridge / mass): a step of length 1 changes u by 1 if columns were orthogonal.

    Columns of zeros without a ridge have no coordinate.

    Parameters
    ----------
    lengths : ndarray, shape (d,)
        The square roots of the diagonal of M.
    """

    def __init__(self, lengths: FloatArray) -> None:
        self._d = len(lengths)
        self._kept = np.flatnonzero(lengths > 0.0)
        self._lengths = lengths[self._kept]
        self.weak, self.weak_rows = np.zeros((self._d, 0)), np.zeros((0, 0))
        self.null = np.zeros((self._d, 0))

    @property
    def rank(self) -> int:
        """The number of coordinates."""
        return len(self._kept)

    def steps(self, z: FloatArray) -> FloatArray:
        """Return ``T @ z``, shape (d, c)."""
        steps = np.zeros((self._d, *z.shape[1:]))
        steps[self._kept] = (z.T / self._lengths).T
        return steps

    def dual(self, gradient: FloatArray) -> FloatArray:
        """Return ``T.T @ gradient``."""
        return (gradient[self._kept].T / self._lengths).T

    def reduced_diagonal(self, sizes: FloatArray) -> FloatArray:
        """Return the diagonal of ``T.T @ diag(sizes) @ T``."""
        return sizes[self._kept] / np.square(self._lengths)

    def congruence(self, hessian: SymmetricOperator) -> FloatArray:
        """Refuse: nothing of size d x d is formed."""
        raise NotImplementedError("a diagonal metric is for Hessians that are not formed")

    def slopes(self, evaluation: PointEvaluation) -> FloatArray:
        """Return ``T.T @ gradient``."""
        return self.dual(evaluation.gradient)

    def slopes_rounding(self, evaluation: PointEvaluation) -> FloatArray:
        """Return how much of each entry of the slopes may be rounding."""
        return self.dual(evaluation.gradient_rounding)


class DiagonalPreconditioner:
    """P = T^T diag(sizes) T in the coordinates of a diagonal metric; see :class:`Preconditioner`.

    Parameters
    ----------
    metric : DiagonalMetric
        The coordinates.
    sizes : ndarray, shape (d,)
        The diagonal of A^T |D| A + diag(ridge).
    """

    note = ""

    def __init__(self, metric: DiagonalMetric, sizes: FloatArray) -> None:
        self._curvatures = metric.reduced_diagonal(sizes)
        largest = float(self._curvatures.max(initial=0.0))
        self.floor = WEAK * largest
        self._rounding = max(64.0 * _EPS * largest, float(np.finfo(float).tiny))

    @property
    def rank(self) -> int:
        """How many directions have curvature beyond rounding."""
        return int(np.count_nonzero(self._curvatures > self._rounding))

    def weak_directions(self) -> FloatArray:
        """See :class:`Preconditioner`."""
        flat = np.flatnonzero(self._curvatures <= self.floor)
        flat = flat[np.argsort(self._curvatures[flat], kind="stable")][:MOST_WEAK]
        directions = np.zeros((len(self._curvatures), len(flat)))
        directions[flat, np.arange(len(flat))] = 1.0
        return directions

    def _lifted(self, sigma: float) -> FloatArray:
        return self._curvatures + max(sigma, self._rounding)

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """See :class:`Preconditioner`."""
        return (right.T / self._lifted(sigma)).T

    def norm(self, right: FloatArray, sigma: float) -> float:
        """See :class:`Preconditioner`."""
        return size_of(right / np.sqrt(self._lifted(sigma)))

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return (z.T / np.sqrt(self._lifted(0.0))).T

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self._curvatures, kind="stable")

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """See :class:`Preconditioner`."""
        quadratic = DiagonalQuadratic(self._lifted(0.0)[self._order], slopes[self._order], 0.0)
        z = np.empty_like(slopes)
        z[self._order] = quadratic.minimisers(np.array([radius]))[:, 0]
        return z, quadratic.multiplier(radius)

    def product(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return ((self._curvatures + self.floor) * z.T).T

    def spread(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return np.asarray(z / np.sqrt(self._lifted(self.floor)))
