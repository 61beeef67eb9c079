"""A method of SciPy watched from within: ended when it arrives, or when its time is up."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from bench.speed.plain import Point
from newtonkit.design import FloatArray

# How far above the lowest value so far, relatively, a point may lie and still be one that is gone to.
_LEVEL = 1e-9


class Ended(Exception):
    """Raised through a method to end it; no StopIteration, which some methods take for their own."""


class Arrived(Ended):
    """The gradient is small enough."""


class OutOfTime(Ended):
    """The deadline has passed."""


class Watch:
    """fun, jac, hess and hessp for one run of one method; the clock starts when it is made.

    The last two points are kept, because a trust region that rejects a step goes back to where
    it was.

    Parameters
    ----------
    at : callable
        Evaluates the problem at x.
    goal : float
        The norm of the gradient at which the method has arrived.
    seconds : float
        What it may take.
    unit : float, default 1.0
        What the problem is multiplied by for the method, a power of 2.

    Attributes
    ----------
    seconds : float or None
        When a gradient that small was first returned; None if it never was.
    x : ndarray or None
        Where.
    """

    def __init__(
        self, at: Callable[[FloatArray], Point], goal: float, seconds: float, unit: float = 1.0
    ) -> None:
        self._at_point, self._goal, self._limit, self._unit = at, goal, seconds, unit
        self._points: deque[Point] = deque(maxlen=2)
        self._lowest = np.inf
        self.seconds: float | None = None
        self.x: FloatArray | None = None
        self._began = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Wall time since the start."""
        return time.perf_counter() - self._began

    def _at(self, x: FloatArray) -> Point:
        if self.elapsed >= self._limit:
            raise OutOfTime
        for point in self._points:
            if np.array_equal(point.x, x):
                return point
        self._points.append(self._at_point(x))
        return self._points[-1]

    def fun(self, x: FloatArray) -> float:
        """Return the value at x."""
        value = self._at(x).value
        self._lowest = min(self._lowest, value)
        return self._unit * value

    def jac(self, x: FloatArray) -> FloatArray:
        """Return the gradient at x; end the run if it is small enough.

        Not where the value is above the lowest so far: a trial step far out onto a plateau has
        next to no gradient, and is about to be rejected.
        """
        point = self._at(x)
        gradient = point.gradient
        self._lowest = min(self._lowest, point.value)
        level = point.value <= self._lowest + _LEVEL * abs(self._lowest)
        if level and float(np.linalg.norm(gradient)) <= self._goal:
            self.seconds, self.x = self.elapsed, np.array(x, dtype=np.float64)
            raise Arrived
        return self._unit * gradient

    def hess(self, x: FloatArray) -> FloatArray:
        """Return the Hessian at x, shape (d, d)."""
        return self._unit * self._at(x).hessian

    def hessp(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return the Hessian at x times v."""
        return self._unit * self._at(x).product(v)
