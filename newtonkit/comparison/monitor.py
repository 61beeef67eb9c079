"""The clock and the notebook of one run: iterates, time, and the exceptions that end the run from within."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from newtonkit.comparison.start import Limits, Start
from newtonkit.design import FloatArray

# How far above the current iterate, relatively, a trial value may lie and still count as level with it.
_LEVEL = 1e-12
# A trust region that has shrunk below rounding rejects steps for ever: that many in a row are enough.
MOST_IDLE_ITERATIONS = 100


class MethodEnded(Exception):
    """Base of what is raised through a method to end it; never seen outside of a comparison.

    It is no StopIteration, which some methods take for their own and others let escape.
    """

    ending = ""


class ToleranceMet(MethodEnded):
    """The gradient is at tolerance."""

    ending = "tolerance"


class TimeIsUp(MethodEnded):
    """The time cap was hit."""

    ending = "time"


class IterationsUsedUp(MethodEnded):
    """The iteration cap was hit."""

    ending = "iterations"


class NoMovement(MethodEnded):
    """Many iterations in a row left x where it was."""

    ending = "idle"


STOPPED_BY_US = {
    "tolerance": "stopped by the comparison: gradient at tolerance",
    "time": "stopped by the comparison: time cap",
    "iterations": "stopped by the comparison: iteration cap",
    "idle": f"stopped by the comparison: x has not moved for {MOST_IDLE_ITERATIONS} iterations",
}


class TracePoint(NamedTuple):
    """An iterate on the way of a method.

    Attributes
    ----------
    iteration : int
        0 for the start.
    seconds : float
        When the method was there, since its start.
    value : float
        L(x).
    """

    iteration: int
    seconds: float
    value: float


class Monitor:
    """Watches one run from the moment it is made.

    Parameters
    ----------
    start : Start
        The common start.
    limits : Limits
        Seconds and iterations allowed.
    caps_iterations : bool, default False
        Whether to end the run after ``limits.max_iter`` iterations, for methods that
        cannot be told to stop there by themselves.

    Attributes
    ----------
    iterations : int
        Iterations so far.
    iterate, value : ndarray of shape (d,), float
        The current iterate and L there.
    trace : list of TracePoint
        The iterates so far, the start first.
    """

    def __init__(self, start: Start, limits: Limits, *, caps_iterations: bool = False) -> None:
        self._start = start
        self._limits = limits
        self._caps_iterations = caps_iterations
        self.iterations = 0
        self.iterate, self.value = start.x, start.value
        self.trace = [TracePoint(0, 0.0, start.value)]
        self._idle = 0
        self._overhead = 0.0
        self._stopped_at: float | None = None
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time since the start of the run, without what the comparison spent on itself."""
        now = time.perf_counter() if self._stopped_at is None else self._stopped_at
        return now - self._began - self._overhead

    @contextmanager
    def clock_stopped(self) -> Iterator[None]:
        """Do not charge the time inside to the method; not to be nested."""
        self._stopped_at = time.perf_counter()
        try:
            yield
        finally:
            self._overhead += time.perf_counter() - self._stopped_at
            self._stopped_at = None

    def check_clock(self) -> None:
        """End the run if its time is up."""
        if self.seconds >= self._limits.max_time:
            raise TimeIsUp

    def moved(self, x: FloatArray, value: float) -> None:
        """Take note of an iteration that ended at x."""
        self._idle = self._idle + 1 if np.array_equal(x, self.iterate) else 0
        self.iterations += 1
        self._note(x, value)
        if self._idle >= MOST_IDLE_ITERATIONS:
            raise NoMovement
        if self._caps_iterations and self.iterations == self._limits.max_iter:
            raise IterationsUsedUp
        self.check_clock()

    def rejected(self, count: int) -> None:
        """End the run if `count` points in a row, all since the last iterate, were no better."""
        if count >= MOST_IDLE_ITERATIONS:
            raise NoMovement

    def judge(self, x: FloatArray, value: float, norm: float, scale: float) -> None:
        """End the run if the gradient at x is at tolerance.

        Trial points that lie above the current iterate do not end the run: a step far out
        onto a flat plateau has next to no gradient, and the method is about to reject it.
        """
        level = self.value + _LEVEL * abs(self.value)
        if not (value <= level and self._start.ends_at(x, norm, scale)):
            return
        if not np.array_equal(x, self.iterate):
            # A method on its way to a new iterate is in an iteration that it has not reported yet.
            self.iterations += 1
            self._note(x, value)
        raise ToleranceMet

    def conclude(self, x: FloatArray, value: float, iterations: int) -> None:
        """Take note of the point returned, if it is no iterate noted before."""
        self.iterations = iterations
        if not np.array_equal(x, self.iterate):
            self._note(x, value)

    def _note(self, x: FloatArray, value: float) -> None:
        self.iterate, self.value = x.copy(), float(value)
        self.trace.append(TracePoint(self.iterations, self.seconds, self.value))
