"""A metric of steps kept as a triangular factor: coordinates for the price of triangular solves."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import scipy.linalg
from scipy.linalg import blas, lapack

from newtonkit.design import FloatArray
from newtonkit.metric import Metric
from newtonkit.objective import PointEvaluation, SymmetricOperator

_KEPT_GRAM = 800  # columns from which the Gram matrix is rather made again than kept
_TRUSTED = 1e-12  # reciprocal condition of M: T then magnifies rounding by 1e6 at most


class TriangularMetric(Metric):
    """M = E L L^T E with E diagonal and L lower triangular, so that T = E^-1 L^-T.

    T is not written out.  A preconditioner may be kept in the *frame*, the coordinates
    E s, where it need not be multiplied by T from both sides.

    Parameters
    ----------
    lower : ndarray, shape (d, d)
        L, in Fortran order.
    lengths : ndarray, shape (d,)
        The diagonal of E.
    """

    def __init__(self, lower: FloatArray, lengths: FloatArray) -> None:
        self._lower = lower
        self._lengths = lengths
        self._gram: FloatArray | None = None
        d = len(lower)
        self.weak, self.weak_rows = np.zeros((d, 0)), np.zeros((0, 0))
        self.null = np.zeros((d, 0))

    @classmethod
    def of_gram(cls, gram: FloatArray) -> TriangularMetric | None:
        """Return the metric with M = `gram`, or None where its Cholesky factor is not safely regular."""
        lengths = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
        if not (np.isfinite(gram).all() and (lengths > 0.0).all()):
            return None
        scaled = np.asfortranarray(gram / lengths / lengths[:, None])
        lower, failed = lapack.dpotrf(scaled, lower=1, clean=1)
        if failed:
            return None
        reciprocal, _ = lapack.dpocon(lower, float(scipy.linalg.norm(scaled, 1)), uplo="L")
        if not reciprocal > _TRUSTED:
            return None
        metric = cls(np.asarray(lower), lengths)
        if len(lower) < _KEPT_GRAM:
            metric._gram = scaled
        return metric

    @cached_property
    def strong(self) -> FloatArray:  # type: ignore[override]
        """T itself, shape (d, d)."""
        return self.steps(np.eye(len(self._lower)))

    @property
    def rank(self) -> int:
        """The number of coordinates."""
        return len(self._lower)

    def steps(self, z: FloatArray) -> FloatArray:
        """Return ``T @ z``, shape (d, c)."""
        return (self._solve(z, transposed=True).T / self._lengths).T

    def dual(self, gradient: FloatArray) -> FloatArray:
        """Return ``T.T @ gradient``."""
        return self._solve((gradient.T / self._lengths).T, transposed=False)

    def _solve(self, right: FloatArray, *, transposed: bool) -> FloatArray:
        trans: Literal["N", "T"] = "T" if transposed else "N"
        return np.asarray(
            scipy.linalg.solve_triangular(self._lower, right, lower=True, trans=trans, check_finite=False)
        )

    def congruence(self, hessian: SymmetricOperator) -> FloatArray:
        """Return ``T.T @ H @ T``."""
        return self.from_frame(self.framed(hessian))

    def framed(self, hessian: SymmetricOperator) -> FloatArray:
        """Return E^-1 H E^-1 in Fortran order: H in the frame."""
        return np.asfortranarray(hessian.to_dense() / self._lengths / self._lengths[:, None])

    def from_frame(self, matrix: FloatArray) -> FloatArray:
        """Return L^-1 H L^-T for H in the frame."""
        half = self._solve(matrix, transposed=False)
        whole = self._solve(half.T, transposed=False)
        return 0.5 * (whole + whole.T)

    @property
    def frame_gram(self) -> FloatArray:
        """L L^T: M in the frame, in Fortran order."""
        if self._gram is None:
            self._gram = np.asarray(blas.dtrmm(1.0, self._lower, np.asfortranarray(self._lower.T), lower=1))
        return self._gram

    @property
    def frame_pivots(self) -> FloatArray:
        """The squares of the diagonal of L, shape (d,)."""
        return np.square(np.diagonal(self._lower))

    def frame_steps(self, z: FloatArray) -> FloatArray:
        """Return ``L^-T @ z``: the step in the frame that has coordinates z."""
        return self._solve(z, transposed=True)

    def frame_dual(self, gradient: FloatArray) -> FloatArray:
        """Return ``L^-1 @ g``: a gradient in the frame as one in coordinates."""
        return self._solve(gradient, transposed=False)

    def into_frame(self, residual: FloatArray) -> FloatArray:
        """Return ``L @ r``: a residual in coordinates as one in the frame."""
        if residual.ndim == 1:
            return np.asarray(blas.dtrmv(self._lower, residual, lower=1))
        return np.asarray(blas.dtrmm(1.0, self._lower, residual, lower=1))

    def out_of_frame(self, step: FloatArray) -> FloatArray:
        """Return ``L.T @ s``: the coordinates of a step in the frame."""
        if step.ndim == 1:
            return np.asarray(blas.dtrmv(self._lower, step, lower=1, trans=1))
        return np.asarray(blas.dtrmm(1.0, self._lower, step, lower=1, trans_a=1))

    def slopes(self, evaluation: PointEvaluation) -> FloatArray:
        """Return ``T.T @ gradient``."""
        return self.dual(evaluation.gradient)
