"""A quadratic model in coordinates in which its Hessian is diagonal: minimisers within any radius.

The minimiser of gamma . c + 1/2 sum_i lambda_i c_i^2 within ||c|| <= radius solves
(lambda_i + sigma) c_i = -gamma_i, with sigma the root of the secular equation
||c(sigma)|| = radius (Conn, Gould and Toint, Trust-Region Methods, 2000, section 7.3).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.metric import size_of

_MOST_SECULAR = 100


class DiagonalQuadratic:
    """gamma . c + 1/2 sum_i lambda_i c_i^2.

    Parameters
    ----------
    curvatures : ndarray, shape (k,)
        lambda, in increasing order.
    slopes : ndarray, shape (k,)
        gamma.
    noise : float
        Curvatures up to this size are none.
    """

    def __init__(self, curvatures: FloatArray, slopes: FloatArray, noise: float) -> None:
        self._curvatures = curvatures
        self._slopes = slopes
        self._noise = noise

    @property
    def lowest(self) -> float:
        """The least curvature."""
        return float(self._curvatures[0]) if len(self._curvatures) else 0.0

    def decreases(self, reduced: FloatArray) -> FloatArray:
        """Return how much the quadratic falls from 0 to each column, shape (c,)."""
        return -(self._slopes @ reduced) - 0.5 * (self._curvatures @ (reduced * reduced))

    @cached_property
    def newton(self) -> FloatArray | None:
        """The minimiser of the model if it has one; directions of pure noise are left alone."""
        noise = self._noise
        if self.lowest < -noise:
            return None
        curved = self._curvatures > noise
        if self._slopes[~curved].any():
            return None
        return np.where(curved, -self._slopes / np.where(curved, self._curvatures, 1.0), 0.0)

    @cached_property
    def newton_length(self) -> float:
        """The length of the minimiser; infinite if there is none."""
        return np.inf if self.newton is None else float(np.linalg.norm(self.newton))

    def minimisers(self, radii: FloatArray) -> FloatArray:
        """Return the minimisers within each radius in the eigenbasis, shape (rank, radii)."""
        lowest = self.lowest
        inner, length = self.newton, self.newton_length
        if inner is None and lowest <= 0.0:
            inner, length = self._hard_case()
        reduced = np.empty((len(self._slopes), len(radii)))
        held = radii < length
        if held.any():
            shifted = (self._curvatures - lowest)[:, None] + self._multipliers(radii[held])
            slopes = np.broadcast_to(-self._slopes[:, None], shifted.shape)
            reduced[:, held] = np.divide(slopes, shifted, out=np.zeros(shifted.shape), where=shifted > 0.0)
        if inner is not None and not held.all():
            reduced[:, ~held] = inner[:, None]
            if self.newton is None:
                beyond = np.sqrt((radii[~held] - length) * (radii[~held] + length))
                reduced[0, ~held] = np.where(self._slopes[0] > 0.0, -beyond, beyond)
        return reduced

    def _hard_case(self) -> tuple[FloatArray | None, float]:
        """Return the shortest stationary point of the model and its length, in the hard case.

        The gradient then has no part along the lowest curvature, and within any radius
        beyond that length the minimiser goes on along it.
        """
        lowest = self.lowest
        flat = self._curvatures - lowest <= 1e-14 * max(abs(lowest), self._noise)
        if (np.abs(self._slopes[flat]) > 1e-14 * size_of(self._slopes)).any():
            return None, np.inf
        shift = np.where(flat, 1.0, self._curvatures - lowest)
        inner = np.where(flat, 0.0, -self._slopes / shift)
        return inner, float(np.linalg.norm(inner))

    def _multipliers(self, radii: FloatArray) -> FloatArray:
        """Return tau = lambda_1 + sigma for each radius: Newton on 1 / ||c||, kept in a bracket.

        With tau in place of sigma, lambda_i + sigma = (lambda_i - lambda_1) + tau keeps its
        digits however close sigma is to -lambda_1.  Every single |c_i| is at most the length
        of c, which bounds tau from below; from that side Newton's iteration is monotone.
        """
        gaps = (self._curvatures - self.lowest)[:, None]
        low = np.maximum((np.abs(self._slopes[:, None]) / radii - gaps).max(axis=0), 0.0)
        low = np.maximum(low, self.lowest)
        high = np.maximum(low, size_of(self._slopes) / radii) * (1.0 + 1e-12)
        tau: FloatArray = np.where(low > 0.0, low, high)
        with np.errstate(all="ignore"):  # squares may leave the range of floats: then bisect
            for _ in range(_MOST_SECULAR):
                shifted = gaps + tau
                c = self._slopes[:, None] / shifted
                squares = np.add.reduce(c * c, axis=0)
                length = np.sqrt(squares)
                if (np.abs(length - radii) <= 1e-10 * radii).all():
                    break
                too_low = ~(length <= radii)
                low, high = np.where(too_low, tau, low), np.where(too_low, high, tau)
                newton = tau + (length / radii - 1.0) * squares / np.add.reduce(c * c / shifted, axis=0)
                middle = np.maximum(0.5 * (low + high), np.sqrt(low * high))
                tau = np.asarray(np.where((low <= newton) & (newton <= high), newton, middle))
        return tau

    def multiplier(self, radius: float) -> float:
        """Return the sigma >= 0 of the minimiser within `radius`."""
        if self.newton_length <= radius or not self._slopes.any():
            return max(0.0, -self.lowest)
        return max(0.0, float(self._multipliers(np.array([radius]))[0]) - self.lowest)
