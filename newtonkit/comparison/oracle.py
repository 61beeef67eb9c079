"""What every method of a comparison is given: counted derivatives, one stopping rule, one clock."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems import Evaluation, Problem

# A gradient this small beside S(x), the size it would have if nothing cancelled, is zero up to rounding.
_STATIONARY = 1e-12
# No gradient can be asked to be smaller than this share of S(x): that is what rounding leaves of zero.
_ROUNDING = 16.0 * float(np.finfo(float).eps)
# How far above the current iterate, relatively, a trial value may lie and still count as level with it.
_LEVEL = 1e-12
# A trust region that has shrunk below rounding rejects steps for ever: that many in a row are enough.
MOST_IDLE_ITERATIONS = 100


class MethodEnded(Exception):
    """Base of what is raised through a method to end it; never seen outside of a comparison."""

    ending = ""


class ToleranceMet(MethodEnded):
    """The gradient is at tolerance."""

    ending = "tolerance"


class TimeIsUp(MethodEnded):
    """The time cap was hit."""

    ending = "time"


class NoMovement(MethodEnded):
    """Many iterations in a row left x where it was."""

    ending = "idle"


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


@dataclass(eq=False)
class _Visit:
    """A point that a method has been to, and what it has asked for there."""

    evaluation: Evaluation
    asked: set[str] = field(default_factory=set)


class Oracle:
    """fun, jac, hess, hessp and callback for one run of one method.

    Work is counted, not calls: asking twice for the gradient at one point counts once.
    The last two points are kept, because a trust region that rejects a step goes back to
    where it was, and would otherwise pay for its Hessian products with a fresh evaluation.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    start : Start
        The common start.
    max_time : float
        Seconds from now until the run is ended.
    """

    def __init__(self, problem: Problem, start: Start, max_time: float) -> None:
        self._problem = problem
        self._start = start
        self._visits: deque[_Visit] = deque(maxlen=2)
        self._counts = dict.fromkeys(("fun", "jac", "hess", "hessp"), 0)
        self._iterate, self._iterate_value = start.x, start.value
        self._idle = 0
        self.best_x, self.best_value = start.x, np.inf
        self.iterations = 0
        self._deadline = time.perf_counter() + max_time

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Values, gradients, Hessians and Hessian-vector products computed."""
        return (self._counts["fun"], self._counts["jac"], self._counts["hess"], self._counts["hessp"])

    def _check_clock(self) -> None:
        if time.perf_counter() >= self._deadline:
            raise TimeIsUp

    def _at(self, x: FloatArray) -> _Visit:
        self._check_clock()
        for visit in self._visits:
            if np.array_equal(visit.evaluation.x, x):
                self._visits.remove(visit)
                break
        else:
            visit = _Visit(self._problem.evaluate(x))
        self._visits.append(visit)
        return visit

    def _asked(self, x: FloatArray, what: str) -> Evaluation:
        visit = self._at(x)
        if what not in visit.asked:
            visit.asked.add(what)
            self._counts[what] += 1
        return visit.evaluation

    def fun(self, x: FloatArray) -> float:
        """Return the value at x."""
        here = self._asked(x, "fun")
        if here.value < self.best_value:
            self.best_x, self.best_value = here.x, here.value
        return here.value

    def jac(self, x: FloatArray) -> FloatArray:
        """Return the gradient at x; end the run if it is at tolerance.

        Trial points that lie above the current iterate do not end the run: a step far out
        onto a flat plateau has next to no gradient, and the method is about to reject it.
        """
        here = self._asked(x, "jac")
        gradient, scale = here.gradient, here.gradient_scale
        norm = float(np.linalg.norm(gradient))
        level = self._iterate_value + _LEVEL * abs(self._iterate_value)
        if here.value <= level and self._start.ends_at(here.x, norm, scale):
            self.best_x, self.best_value = here.x, here.value
            # A method on its way to a new iterate is in an iteration that it has not reported yet.
            self.iterations += not np.array_equal(here.x, self._iterate)
            raise ToleranceMet
        return gradient.copy()

    def hess(self, x: FloatArray) -> FloatArray:
        """Return the Hessian at x, shape (d, d)."""
        return self._asked(x, "hess").hessian.to_dense().copy()

    def hessp(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return the Hessian at x times v."""
        here = self._at(x).evaluation
        self._counts["hessp"] += 1
        return here.hessian.matvec(v)

    def iteration(self, x: FloatArray, value: float) -> None:
        """Take note of an iteration that ended at x."""
        self._idle = self._idle + 1 if np.array_equal(x, self._iterate) else 0
        self._iterate, self._iterate_value = x.copy(), float(value)
        self.iterations += 1
        if self._idle >= MOST_IDLE_ITERATIONS:
            raise NoMovement
        self._check_clock()
