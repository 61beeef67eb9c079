"""A Gram matrix of the rows that is kept, with one ridge after the other."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray


class Penalised:
    """M + diag(ridge) for a dense M: the part of a Hessian that belongs to the rows, and a penalty.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
        M, symmetric.
    ridge : ndarray, shape (d,)
        The penalty.
    """

    def __init__(self, matrix: FloatArray, ridge: FloatArray) -> None:
        self.matrix = matrix
        self.ridge = ridge

    def positive(self) -> Penalised:
        """Return itself: M is positive already."""
        return self

    def form(self) -> None:
        """See :class:`newtonkit.objective.SymmetricOperator`."""

    def to_dense(self) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        dense = np.array(self.matrix)
        dense[np.diag_indices_from(dense)] += self.ridge
        return dense

    def matmat(self, v: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        return np.asarray(self.matrix @ v + (self.ridge * v.T).T)

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`; the rows A S are not asked."""
        total = steps.T @ self.matmat(steps)
        return np.asarray(0.5 * (total + total.T))

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`; M >= 0, so that nothing cancels."""
        return np.asarray((steps * self.matmat(steps)).sum(axis=0))

    def factor(self) -> Factor | None:
        """Return a factor to solve with, None where the matrix is not positive definite."""
        dense = self.to_dense()
        diagonal = np.diagonal(dense)
        if not (np.isfinite(dense).all() and (diagonal > 0.0).all()):
            return None
        scale = 1.0 / np.sqrt(diagonal)
        lower, failed = scipy.linalg.lapack.dpotrf(scale[:, None] * dense * scale, lower=1, clean=1)
        return None if failed else Factor(np.asarray(lower), scale)


class Factor:
    """L of E^-1 M E^-1 = L L^T, for E = diag(1 / scale).

    Parameters
    ----------
    lower : ndarray, shape (d, d)
        L.
    scale : ndarray, shape (d,)
        What makes the diagonal of M one.
    """

    def __init__(self, lower: FloatArray, scale: FloatArray) -> None:
        self._lower = lower
        self._scale = scale

    def solve(self, right: FloatArray) -> FloatArray:
        """Return ``M^-1 right`` for a vector (d,)."""
        inner = scipy.linalg.cho_solve((self._lower, True), self._scale * right, check_finite=False)
        return np.asarray(self._scale * inner)

    def norm(self, right: FloatArray) -> float:
        """Return the norm of a vector (d,) under M^-1."""
        half = scipy.linalg.solve_triangular(self._lower, self._scale * right, lower=True, check_finite=False)
        return float(np.linalg.norm(half))
