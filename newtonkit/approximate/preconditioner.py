"""The positive part of a sampled Hessian, factorised: what conjugate directions are taken in."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.linalg

from newtonkit.approximate.sampler import SampledHessian
from newtonkit.design import FloatArray
from newtonkit.metric import Metric, size_of

_EPS = float(np.finfo(float).eps)
_WEAK = 1e-7
_MOST_WEAK = 64
_NEAR_RADIUS = 0.1
_MOST_FACTORS = 30
_LIFT = 100.0


class Preconditioner:
    """P = T^T (B^T diag(|w|) B + R_+ + diag(ridge)) T in the coordinates of the metric.

    The metric is I there, so that P + sigma I belongs to the multiplier sigma of a trust
    region.  A Cholesky factor serves all sigma within a factor of 2 of its own.

    Parameters
    ----------
    metric : Metric
        The coordinates.
    sampled : SampledHessian
        Any sample; its positive part is taken.

    Attributes
    ----------
    floor : float
        What is as good as no curvature: 1e-7 of the largest.
    note : str
        What was done where P could not be factorised; empty if it could.
    """

    def __init__(self, metric: Metric, sampled: SampledHessian) -> None:
        positive = sampled.positive()
        positive.form()
        self._matrix = np.asarray_chkfinite(metric.congruence(positive))
        largest = float(scipy.linalg.norm(self._matrix, 1)) if len(self._matrix) else 0.0
        self._largest = largest
        self.floor = _WEAK * largest
        self._rounding = max(64.0 * _EPS * len(self._matrix) * largest, float(np.finfo(float).tiny))
        self._sigma, self._factor = self._factorised(0.0)
        self.note = ""
        if self._sigma > self._rounding:
            self.floor = max(self.floor, 2.0 * self._sigma)  # less is not known to be positive
            self.note = f"no Cholesky factor: curvature lifted by {self._sigma / largest:.0e} of the largest"

    def _factorised(self, sigma: float) -> tuple[float, FloatArray]:
        """Return the lower Cholesky factor of P + sigma I, and sigma, made larger until there is one."""
        lift = max(sigma, self._rounding)
        while True:
            lifted = self._matrix.copy()
            lifted[np.diag_indices_from(lifted)] += lift
            factor, failed = scipy.linalg.lapack.dpotrf(lifted, lower=1, clean=1)
            if not failed:
                return lift, np.asarray(factor)
            lift *= _LIFT

    def _factor_for(self, sigma: float) -> FloatArray:
        sigma = max(sigma, self._rounding)
        if not 0.5 * self._sigma <= sigma <= 2.0 * self._sigma:
            self._sigma, self._factor = self._factorised(sigma)
        return self._factor

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray]:
        values, vectors = scipy.linalg.eigh(self._matrix)
        return values, vectors

    @cached_property
    def is_safely_regular(self) -> bool:
        """Whether no curvature in P is near to none: then its eigenvalues need not be computed."""
        if not len(self._matrix):
            return True
        reciprocal, _ = scipy.linalg.lapack.dpocon(self._factor_for(0.0), self._largest, uplo="L")
        return bool(reciprocal > 10.0 * _WEAK)

    @property
    def rank(self) -> int:
        """How many directions have curvature beyond rounding."""
        if self.is_safely_regular:
            return len(self._matrix)
        return int(np.count_nonzero(self._spectrum[0] > self._rounding))

    def weak_directions(self) -> FloatArray:
        """Return directions with hardly any curvature in P, the flattest first."""
        if self.is_safely_regular:
            return np.zeros((len(self._matrix), 0))
        values, vectors = self._spectrum
        return np.asarray(vectors[:, np.flatnonzero(values <= self.floor)[:_MOST_WEAK]])

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """Return ``(P + sigma I)^-1 right`` for about that sigma."""
        return np.asarray(scipy.linalg.cho_solve((self._factor_for(sigma), True), right, check_finite=False))

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """Return ``L^-T z`` for P = L L^T, so that P is I in these coordinates."""
        factor = self._factor_for(0.0)
        return np.asarray(scipy.linalg.solve_triangular(factor, z, lower=True, trans=1, check_finite=False))

    def norm(self, right: FloatArray, sigma: float) -> float:
        """Return the norm of a residual under ``(P + sigma I)^-1``, for about that sigma."""
        half = scipy.linalg.solve_triangular(self._factor_for(sigma), right, lower=True, check_finite=False)
        return size_of(half)

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """Return about the minimiser within `radius` of slopes . z + 1/2 z . P z, and its multiplier.

        Newton's iteration on 1 / ||z(sigma)||, monotone from below (More and Sorensen,
        Computing a trust region step, 1983); the length need only be about right.
        """
        sigma = 0.0
        for _ in range(_MOST_FACTORS):
            sigma, factor = self._factorised(sigma)
            self._sigma, self._factor = sigma, factor
            z: FloatArray = -scipy.linalg.cho_solve((factor, True), slopes, check_finite=False)
            length = size_of(z)
            if length <= (1.0 + _NEAR_RADIUS) * radius:
                break
            half = scipy.linalg.solve_triangular(factor, z, lower=True, check_finite=False)
            newton = sigma + (length / size_of(half)) ** 2 * (length - radius) / radius
            sigma = newton if np.isfinite(newton) else size_of(slopes) / radius  # there z is short enough
        return z, 0.0 if sigma <= self._rounding else sigma

    def product(self, z: FloatArray) -> FloatArray:
        """Return ``(P + floor I) z``."""
        return np.asarray(self._matrix @ z + self.floor * z)

    def spread(self, z: FloatArray) -> FloatArray:
        """Return a vector in which all directions count alike under P, from a random one."""
        factor = self._factor_for(self.floor)
        return np.asarray(scipy.linalg.solve_triangular(factor, z, lower=True, trans=1, check_finite=False))
