"""The common start of a comparison, its limits, and the one stopping rule that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems import Problem

# A gradient this small beside S(x), the size it would have if nothing cancelled, is zero up to rounding.
_STATIONARY = 1e-12
# No gradient can be asked to be smaller than this share of S(x): that is what rounding leaves of zero.
_ROUNDING = 16.0 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class Limits:
    """What each method may take.

    Attributes
    ----------
    max_time : float
        Seconds.
    max_iter : int or None
        Iterations; None for any number.
    """

    max_time: float
    max_iter: int | None = None


@dataclass(frozen=True)
class Start:
    """The common start, and the tolerance that follows from it.

    Attributes
    ----------
    x : ndarray, shape (d,)
        The start.
    value, gradient_norm : float
        L(x) and ||g(x)|| there.
    curvature : ndarray, shape (d,)
        The diagonal of the Hessian there or at 0, whichever is larger in size: what is
        ordinary for the problem.
    stationary : bool
        Whether the gradient there is zero up to rounding.  Tolerances are then relative to
        S at the point judged, and no method is stopped at the start itself.
    gtol : float
        The relative tolerance.
    """

    x: FloatArray
    value: float
    gradient_norm: float
    curvature: FloatArray
    stationary: bool
    gtol: float

    @classmethod
    def of(cls, problem: Problem, x: FloatArray, gtol: float) -> Start:
        """Evaluate the start."""
        here = problem.evaluate(x)
        norm = float(np.linalg.norm(here.gradient))
        curvature = np.abs(here.hessian.diagonal())
        origin = problem.evaluate(np.zeros_like(x))
        if np.isfinite(origin.value):
            curvature = np.fmax(curvature, np.abs(origin.hessian.diagonal()))
        stationary = norm <= _STATIONARY * here.gradient_scale
        return cls(here.x, here.value, norm, curvature, stationary, gtol)

    def unit(self, length: float) -> float:
        """Return the power of 2 that brings the norm of the first gradient nearest to a length.

        1 if the start is stationary.  Powers of 2 round nothing.
        """
        if self.stationary or not self.gradient_norm > 0.0:
            return 1.0
        return float(2.0 ** np.round(np.log2(length / self.gradient_norm)))

    def relative_gradient(self, norm: float, scale: float) -> float:
        """Return ||g|| relative to ||g0||, or to S(x) if the start is stationary."""
        reference = scale if self.stationary else self.gradient_norm
        return norm / reference if reference > 0.0 else norm

    def tolerance_met(self, norm: float, scale: float) -> bool:
        """Tell whether a gradient of that norm, at a point with that S, is at tolerance or at rounding."""
        return self.relative_gradient(norm, scale) <= self.gtol or bool(norm <= _ROUNDING * scale)

    def ends_at(self, x: FloatArray, norm: float, scale: float) -> bool:
        """Tell whether a method that is at x is to be stopped."""
        if self.stationary and np.array_equal(x, self.x):
            return False
        return self.tolerance_met(norm, scale)
