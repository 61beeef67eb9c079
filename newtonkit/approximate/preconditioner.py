"""The positive part of a sampled Hessian, factorised: what conjugate directions are taken in."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy.linalg

from newtonkit.approximate.sampled_hessian import SampledHessian
from newtonkit.design import FloatArray
from newtonkit.metric import Metric, size_of
from newtonkit.penalised import Penalised

_EPS = float(np.finfo(float).eps)
WEAK = 1e-7
MOST_WEAK = 64
_NEAR_RADIUS = 0.1
_MOST_FACTORS = 30
_LIFT = 100.0
_POWERS = 6
_SAFE_PIVOT = 1e-4


class Preconditioner(Protocol):
    """P >= 0 in the coordinates of the metric, in which the metric is I.

    P + sigma I belongs to the multiplier sigma of a trust region.

    Attributes
    ----------
    floor : float
        What is as good as no curvature: 1e-7 of the largest.
    note : str
        What was done where P could not be factorised; empty if it could.
    """

    floor: float
    note: str

    @property
    def rank(self) -> int:
        """How many directions have curvature beyond rounding."""
        ...

    def weak_directions(self) -> FloatArray:
        """Return directions with hardly any curvature in P, the flattest first."""
        ...

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """Return ``(P + sigma I)^-1 right`` for about that sigma."""
        ...

    def norm(self, right: FloatArray, sigma: float) -> float:
        """Return the norm of a residual under ``(P + sigma I)^-1``, for about that sigma."""
        ...

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """Return ``P^-1/2 z`` for some root, so that P is I in these coordinates."""
        ...

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """Return about the minimiser within `radius` of slopes . z + 1/2 z . P z, and its multiplier."""
        ...

    def product(self, z: FloatArray) -> FloatArray:
        """Return ``(P + floor I) z``."""
        ...

    def spread(self, z: FloatArray) -> FloatArray:
        """Return a vector in which all directions count alike under P, from a random one."""
        ...


def _power(times: Callable[[FloatArray], FloatArray], size: int) -> float:
    """Return about the largest eigenvalue of a positive operator, from below; always the same."""
    z = np.random.default_rng(size).standard_normal(size)
    length = 0.0
    for _ in range(_POWERS):
        z = times(z / size_of(z))
        length = size_of(z)
        if not 0.0 < length < np.inf:
            break
    return length


class ScaledMetric:
    """P = c I: the metric itself, as if all rows had the same weight.

    Parameters
    ----------
    rank : int
        The number of coordinates.
    curvature : float
        c, positive.
    """

    note = ""

    def __init__(self, rank: int, curvature: float) -> None:
        self.rank = rank
        self._curvature = curvature
        self.floor = WEAK * curvature

    def weak_directions(self) -> FloatArray:
        """See :class:`Preconditioner`: none."""
        return np.zeros((self.rank, 0))

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """See :class:`Preconditioner`."""
        return right / (self._curvature + sigma)

    def norm(self, right: FloatArray, sigma: float) -> float:
        """See :class:`Preconditioner`."""
        return size_of(right) / float(np.sqrt(self._curvature + sigma))

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return z / float(np.sqrt(self._curvature))

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """See :class:`Preconditioner`."""
        sigma = max(0.0, size_of(slopes) / radius - self._curvature)
        return -self.solve(slopes, sigma), sigma

    def product(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return (self._curvature + self.floor) * z

    def spread(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return z


class SampledPreconditioner:
    """P = T^T (B^T diag(|w|) B + R_+ + diag(ridge)) T in the coordinates of the metric.

    It is kept, and factorised, in the frame of the metric.  A Cholesky factor serves all sigma
    within a factor of 2 of its own.

    Parameters
    ----------
    metric : Metric
        The coordinates.
    sampled : SampledHessian or Penalised
        Any sample; its positive part is taken.
    """

    def __init__(self, metric: Metric, sampled: SampledHessian | Penalised) -> None:
        positive = sampled.positive()
        positive.form()
        self._metric = metric
        self._matrix = np.asarray_chkfinite(metric.framed(positive))
        largest = self._largest_curvature()
        self._largest = largest
        self.floor = WEAK * largest
        self._rounding = max(64.0 * _EPS * len(self._matrix) * largest, float(np.finfo(float).tiny))
        self._sigma, self._factor = self._factorised(0.0)
        self.note = ""
        if self._sigma > self._rounding:
            self.floor = max(self.floor, 2.0 * self._sigma)  # less is not known to be positive
            self.note = f"no Cholesky factor: curvature lifted by {self._sigma / largest:.0e} of the largest"

    def _largest_curvature(self) -> float:
        """Return about the largest eigenvalue of P."""
        if self._metric.frame_gram is None:
            return float(scipy.linalg.norm(self._matrix, 1)) if len(self._matrix) else 0.0
        return _power(self._times, len(self._matrix))

    def _times(self, z: FloatArray) -> FloatArray:
        """Return ``P z``."""
        return self._metric.frame_dual(self._matrix @ self._metric.frame_steps(z))

    def _factorised(self, sigma: float) -> tuple[float, FloatArray]:
        """Return the lower Cholesky factor of P + sigma I, and sigma, made larger until there is one."""
        lift, gram = max(sigma, self._rounding), self._metric.frame_gram
        while True:
            if gram is None:
                lifted = np.array(self._matrix, order="F")
                lifted[np.diag_indices_from(lifted)] += lift
            else:
                lifted = np.multiply(gram, lift, order="F")
                lifted += self._matrix
            factor, failed = scipy.linalg.lapack.dpotrf(lifted, lower=1, clean=1, overwrite_a=1)
            if not failed:
                return lift, np.asarray(factor)
            lift *= _LIFT

    def _factor_for(self, sigma: float) -> FloatArray:
        sigma = max(sigma, self._rounding)
        if not 0.5 * self._sigma <= sigma <= 2.0 * self._sigma:
            self._sigma, self._factor = self._factorised(sigma)
        return self._factor

    def _settled(self, sigma: float) -> float:
        """Factorise for this very sigma, if it is another one; return what it was lifted to."""
        if max(sigma, self._rounding) != self._sigma:
            self._sigma, self._factor = self._factorised(sigma)
        return self._sigma

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray]:
        values, vectors = scipy.linalg.eigh(self._metric.from_frame(self._matrix))
        return values, vectors

    @cached_property
    def is_safely_regular(self) -> bool:
        """Whether no curvature in P is near to none: then its eigenvalues need not be computed."""
        if not len(self._matrix):
            return True
        if not self._largest > 0.0:
            return False
        factor = self._factor_for(0.0)
        if self._metric.frame_gram is None:
            reciprocal, _ = scipy.linalg.lapack.dpocon(factor, self._largest, uplo="L")
            return bool(reciprocal > 10.0 * WEAK)
        # The iteration finds the least curvature from above, within a small factor.
        return 1.0 / _power(lambda z: self.solve(z, 0.0), len(factor)) > 100.0 * self.floor

    @property
    def _keeps_pivots(self) -> bool:
        """Whether no pivot of P has vanished beside that of the metric, as one does where P loses rank."""
        if not self._largest > 0.0:
            return False
        pivots = np.square(np.diagonal(self._factor_for(0.0))) / self._metric.frame_pivots
        return bool(pivots.min(initial=np.inf) > _SAFE_PIVOT * self._largest)

    @property
    def rank(self) -> int:
        """How many directions have curvature beyond rounding."""
        if self._keeps_pivots or self.is_safely_regular:
            return len(self._matrix)
        return int(np.count_nonzero(self._spectrum[0] > self._rounding))

    def weak_directions(self) -> FloatArray:
        """See :class:`Preconditioner`."""
        if self.is_safely_regular:
            return np.zeros((len(self._matrix), 0))
        values, vectors = self._spectrum
        return np.asarray(vectors[:, np.flatnonzero(values <= self.floor)[:MOST_WEAK]])

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """See :class:`Preconditioner`."""
        factor, residual = self._factor_for(sigma), self._metric.into_frame(right)
        step = np.asarray(scipy.linalg.cho_solve((factor, True), residual, check_finite=False))
        return self._metric.out_of_frame(step)

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """Return ``L^-T z`` for P = L L^T, so that P is I in these coordinates."""
        return self._half_solved(z, 0.0)

    def _half_solved(self, z: FloatArray, sigma: float) -> FloatArray:
        factor = self._factor_for(sigma)
        step = scipy.linalg.solve_triangular(factor, z, lower=True, trans=1, check_finite=False)
        return self._metric.out_of_frame(np.asarray(step))

    def norm(self, right: FloatArray, sigma: float) -> float:
        """See :class:`Preconditioner`."""
        residual = self._metric.into_frame(right)
        factor = self._factor_for(sigma)
        return size_of(scipy.linalg.solve_triangular(factor, residual, lower=True, check_finite=False))

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """See :class:`Preconditioner`.

        Newton's iteration on 1 / ||z(sigma)||, monotone from below (More and Sorensen,
        Computing a trust region step, 1983); the length need only be about right.
        """
        sigma = 0.0
        for _ in range(_MOST_FACTORS):
            sigma = self._settled(sigma)
            z: FloatArray = -self.solve(slopes, sigma)
            length = size_of(z)
            if length <= (1.0 + _NEAR_RADIUS) * radius:
                break
            newton = sigma + (length / self.norm(z, sigma)) ** 2 * (length - radius) / radius
            sigma = newton if np.isfinite(newton) else size_of(slopes) / radius  # there z is short enough
        return z, 0.0 if sigma <= self._rounding else sigma

    def product(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return self._times(z) + self.floor * z

    def spread(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return self._half_solved(z, self.floor)
