"""The exact curvature model of a banded Hessian: Cholesky factors instead of eigenvectors.

The minimiser of the quadratic model within a radius solves (H + sigma I) s = -g with
H + sigma I positive semidefinite and ||s|| = radius, or sigma = 0 within (More and
Sorensen, Computing a trust region step, 1983; Conn, Gould and Toint, Trust-Region
Methods, 2000, section 7.3).  A factor of a band of width w costs O(d w^2), so that
functions of very many variables, each tied to few others, can be minimised.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from newtonkit.curvature import Step
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.metric import size_of
from newtonkit.objective import PointEvaluation
from newtonkit.smooth.hessians import BandedHessian

_EPS = float(np.finfo(float).eps)
_ON_RADIUS = 1e-3
_MOST_SECULAR = 60
_MOST_FLAT = 64
_MOST_REDUCED = 2000
_MOST_ITERATIONS = 30


class BandedModel:
    """The second-order Taylor model at a point, with the Euclidean norm.

    Parameters
    ----------
    hessian : BandedHessian
        The Hessian at the point.
    evaluation : PointEvaluation
        The point.
    """

    def __init__(self, hessian: BandedHessian, evaluation: PointEvaluation) -> None:
        self._hessian = hessian
        self._order = hessian.order
        self._gradient = evaluation.gradient[self._order]
        self._slope = size_of(self._gradient)
        # Gershgorin: no eigenvalue is larger in size.
        self._largest = float(hessian.row_sums.max(initial=0.0))
        self._noise = 32.0 * _EPS * self._largest
        self._steps: dict[float, Step] = {}
        self.rows_sampled = len(self._gradient)
        self.passes = self.inner_iterations = 0
        self.note = ""

    def _factor(self, shift: float) -> FloatArray | None:
        """Return the Cholesky factor of H + shift I; None if that is not positive definite."""
        shifted = self._hessian.bands.copy()
        shifted[0] += shift
        try:
            factor: FloatArray = scipy.linalg.cholesky_banded(shifted, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return None
        return factor

    @staticmethod
    def _solve(factor: FloatArray, right: FloatArray) -> FloatArray:
        solution: FloatArray = scipy.linalg.cho_solve_banded((factor, True), right, check_finite=False)
        return solution

    @cached_property
    def _plain_factor(self) -> FloatArray | None:
        """The factor of H, if it is positive definite."""
        return self._factor(0.0)

    @cached_property
    def _convex_factor(self) -> FloatArray | None:
        """The factor of H, or of H lifted by rounding; None if there is negative curvature."""
        if self._plain_factor is None and self._lowest[0] >= -self._noise:
            return self._factor(2.0 * self._noise)
        return self._plain_factor

    @cached_property
    def _lowest(self) -> tuple[float, FloatArray]:
        """The least eigenvalue and its vector, by Lanczos on the inverse of a shifted H.

        Where H itself cannot be factorised, the shift brings all eigenvalues above 0 and is
        refined once: the nearer it is to the least one, the better that is told from the next.
        """
        vector = np.full(self.rows_sampled, self.rows_sampled**-0.5)
        if self._plain_factor is not None:
            return self._nearest(0.0, self._plain_factor, vector, 1e-2)
        shift, value = 1.01 * self._largest + np.finfo(float).tiny, 0.0
        for tolerance in (1e-2, 1e-8):
            factor = self._factor(shift)
            if factor is None:
                break
            value, vector = self._nearest(shift, factor, vector, tolerance)
            shift = -value + 0.02 * (shift + value)
        return value, vector

    def _nearest(
        self, shift: float, factor: FloatArray, vector: FloatArray, tolerance: float
    ) -> tuple[float, FloatArray]:
        """Return the eigenvalue of H next above -shift, and its vector, given the factor of H + shift I."""
        d = self.rows_sampled
        solve = partial(self._solve, factor)
        inverse: Any = scipy.sparse.linalg.LinearOperator((d, d), matvec=solve, dtype=np.dtype(float))
        try:
            with one_blas_thread():
                top, vectors = scipy.sparse.linalg.eigsh(inverse, k=1, v0=vector, tol=tolerance, maxiter=30)
            if np.isfinite(top[0]) and np.isfinite(vectors).all():
                return 1.0 / float(top[0]) - shift, vectors[:, 0]
        except scipy.sparse.linalg.ArpackError:  # eigenvalues too close together, or all 0
            pass
        return self._by_reduction() if d <= _MOST_REDUCED else self._by_iteration(solve, vector)

    def _by_reduction(self) -> tuple[float, FloatArray]:
        """Return the least eigenvalue and its vector in O(d^3), and never in vain."""
        values, vectors = scipy.linalg.eig_banded(
            self._hessian.bands, lower=True, select="i", select_range=(0, 0), check_finite=False
        )
        return float(values[0]), np.asarray(vectors[:, 0], dtype=float)

    def _by_iteration(
        self, solve: Callable[[FloatArray], FloatArray], vector: FloatArray
    ) -> tuple[float, FloatArray]:
        """Return a bound from above on the least eigenvalue, and a vector that attains it."""
        for _ in range(_MOST_ITERATIONS):
            longer = solve(vector)
            length = size_of(longer)
            if not 0.0 < length < np.inf:
                break
            vector = longer / length
        return float(vector @ self._hessian.ordered_product(vector)), vector

    @property
    def smallest_curvature(self) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._lowest[0]

    @property
    def is_convex(self) -> bool:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._convex_factor is not None

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.curvature.CurvatureModel`; the unit vectors without entries in H."""
        flat = self._order[self._hessian.row_sums <= self._noise][:_MOST_FLAT]
        steps = np.zeros((self.rows_sampled, len(flat)))
        steps[flat, np.arange(len(flat))] = 1.0
        return steps, steps

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return size_of(gradient)

    @cached_property
    def _newton(self) -> FloatArray | None:
        factor = self._convex_factor
        return None if factor is None else -self._solve(factor, self._gradient)

    @cached_property
    def _newton_length(self) -> float:
        return np.inf if self._newton is None else size_of(self._newton)

    def step(self, radius: float) -> Step:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        if radius not in self._steps:
            inside = self._newton is not None and self._newton_length <= radius
            s = self._newton if inside else self._on_boundary(radius)
            assert s is not None
            self._steps[radius] = self._as_step(s, on_boundary=not inside)
        return self._steps[radius]

    def _as_step(self, ordered: FloatArray, *, on_boundary: bool) -> Step:
        s = np.empty_like(ordered)
        s[self._order] = ordered
        predicted = -(self._gradient @ ordered) - 0.5 * (ordered @ self._hessian.ordered_product(ordered))
        return Step(
            s=s,
            a_s=s,
            predicted=max(float(predicted), 0.0),
            norm=size_of(s),
            on_boundary=on_boundary,
            negative_curvature=not self.is_convex,
        )

    def _on_boundary(self, radius: float) -> FloatArray:
        """Return the minimiser of the model on the sphere: Newton on 1 / ||s(sigma)||, in a bracket."""
        lowest = 0.0 if self.is_convex else self._lowest[0]
        low = max(-lowest, 0.0)
        high = max(self._slope / radius - lowest, low) * (1.0 + 1e-10) + self._noise
        sigma, s = low + 1e-3 * (high - low), np.zeros_like(self._gradient)
        for _ in range(_MOST_SECULAR):
            factor = self._factor(sigma)
            if factor is None:
                low = sigma
                sigma = low + 0.1 * (high - low)
                continue
            s = -self._solve(factor, self._gradient)
            length = size_of(s)
            if abs(length - radius) <= _ON_RADIUS * radius:
                break
            if length < radius and sigma - max(-lowest, 0.0) <= 1e-10 * max(abs(lowest), self._noise):
                return self._along_lowest(s, radius)  # the hard case
            low, high = (sigma, high) if length > radius else (low, sigma)
            bend = float(s @ self._solve(factor, s))
            newton = sigma + (length / radius - 1.0) * length * length / bend if bend > 0.0 else high
            sigma = newton if low < newton < high else low + 0.05 * (high - low)
        return s * (radius / size_of(s)) if size_of(s) > radius else s

    def _along_lowest(self, s: FloatArray, radius: float) -> FloatArray:
        """Go on from s along the direction of least curvature as far as the sphere, whichever way is down."""
        v: Any = self._lowest[1]
        middle = float(s @ v)
        reach = np.sqrt(middle * middle + (radius * radius - float(s @ s)))
        ends = [s + (sign * reach - middle) * v for sign in (1.0, -1.0)]
        return min(ends, key=lambda end: float(self._gradient @ end))
