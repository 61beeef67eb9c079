"""The positive part of a sampled Hessian, diagonalised: what conjugate directions are taken in."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.approximate.sampler import SampledHessian
from newtonkit.design import FloatArray
from newtonkit.metric import Metric
from newtonkit.secular import DiagonalQuadratic

_EPS = float(np.finfo(float).eps)
_WEAK = 1e-7
_MOST_WEAK = 64


class Preconditioner:
    """P = T^T (B^T diag(|w|) B + R_+ + diag(ridge)) T = Z diag(pi) Z^T in the coordinates of the metric.

    With the metric equal to I there, P + sigma I is as cheap for every sigma.

    Parameters
    ----------
    metric : Metric
        The coordinates.
    sampled : SampledHessian
        Any sample; its positive part is taken.

    Attributes
    ----------
    values : ndarray, shape (rank of the metric,)
        pi, the eigenvalues, in increasing order.
    floor : float
        What is as good as no curvature: 1e-7 of the largest eigenvalue.
    """

    def __init__(self, metric: Metric, sampled: SampledHessian) -> None:
        positive = sampled.positive()
        positive.form()
        reduced = metric.congruence(positive)
        self.values, self._vectors = scipy.linalg.eigh(reduced)
        self.largest = float(self.values[-1]) if len(self.values) else 0.0
        self.floor = _WEAK * self.largest
        self._rounding = max(64.0 * _EPS * len(self.values) * self.largest, np.finfo(float).tiny)
        self.values = np.maximum(self.values, 0.0)

    @property
    def rank(self) -> int:
        """How many directions have curvature beyond rounding."""
        return int(np.count_nonzero(self.values > self._rounding))

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """Return ``(P + sigma I)^-1 right``, with what P lacks made up by its rounding."""
        lifted = self.values + max(sigma, self._rounding)
        return np.asarray(self._vectors @ ((self._vectors.T @ right) / lifted))

    def norm(self, right: FloatArray, sigma: float) -> float:
        """Return the norm of a residual under ``(P + sigma I)^-1``."""
        inner = self._vectors.T @ right
        return float(np.sqrt(np.sum(inner * inner / (self.values + max(sigma, self._rounding)))))

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """Return the minimiser within `radius` of slopes . z + 1/2 z . P z, and its multiplier."""
        quadratic = DiagonalQuadratic(self.values + self._rounding, self._vectors.T @ slopes, 0.0)
        reduced = quadratic.minimisers(np.array([radius]))[:, 0]
        return self._vectors @ reduced, quadratic.multiplier(radius)

    def product(self, z: FloatArray) -> FloatArray:
        """Return ``(P + floor I) z``."""
        inner = self._vectors.T @ z
        return np.asarray(self._vectors @ (((self.values + self.floor) * inner.T).T))

    def spread(self, z: FloatArray) -> FloatArray:
        """Return ``(P + floor I)^-1/2 z``: of a random vector, so that all directions count alike."""
        return np.asarray(self._vectors @ (z / np.sqrt(self.values + self.floor + self._rounding)))

    def weak_directions(self) -> FloatArray:
        """Return directions with hardly any curvature in P, the flattest first."""
        weak = np.flatnonzero(self.values <= _WEAK * self.largest)[:_MOST_WEAK]
        return np.asarray(self._vectors[:, weak])
