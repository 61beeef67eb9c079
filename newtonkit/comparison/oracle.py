"""What the methods of ``scipy.optimize.minimize`` are given: counted derivatives that share evaluations."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from newtonkit.comparison.monitor import Monitor
from newtonkit.comparison.start import Limits, Start
from newtonkit.design import FloatArray
from newtonkit.problems import Evaluation, Problem


@dataclass(eq=False)
class _Visit:
    """A point that a method has been to, and what it has asked for there."""

    evaluation: Evaluation
    asked: set[str] = field(default_factory=set)


class Oracle:
    """fun, jac, hess, hessp and callbacks for one run of one method.

    Work is counted, not calls: asking twice for the gradient at one point counts once.
    The last two points are kept, because a trust region that rejects a step goes back to
    where it was, and would otherwise pay for its Hessian products with a fresh evaluation.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    start : Start
        The common start.
    limits : Limits
        Seconds and iterations from now on.
    gradients_at_iterates : bool, default False
        Whether the method asks for gradients at its iterates alone, so that they tell where
        it is.  Otherwise its callback must say so, by :meth:`iteration`.
    caps_iterations : bool, default False
        See :class:`Monitor`.
    unit : float, default 1.0
        What the problem is multiplied by for the method: a power of 2, so that nothing is rounded.

    Attributes
    ----------
    monitor : Monitor
        Iterates and time.
    unit : float
        As given.
    best_x, best_value : ndarray of shape (d,), float
        The lowest point seen.
    factorisations : int or None
        Matrices of d columns factorised, as far as whoever runs the method has counted.
    """

    def __init__(
        self,
        problem: Problem,
        start: Start,
        limits: Limits,
        *,
        gradients_at_iterates: bool = False,
        caps_iterations: bool = False,
        unit: float = 1.0,
    ) -> None:
        self._problem = problem
        self.unit = unit
        self._visits: deque[_Visit] = deque(maxlen=2)
        self._counts = dict.fromkeys(("fun", "jac", "hess", "hessp"), 0)
        self._gradients_at_iterates = gradients_at_iterates
        self.best_x, self.best_value = start.x, np.inf
        self.factorisations: int | None = 0
        self.monitor = Monitor(start, limits, caps_iterations=caps_iterations)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Values, gradients, Hessians and Hessian-vector products computed."""
        return (self._counts["fun"], self._counts["jac"], self._counts["hess"], self._counts["hessp"])

    def _at(self, x: FloatArray) -> _Visit:
        self.monitor.check_clock()
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
        return self.unit * here.value

    def jac(self, x: FloatArray) -> FloatArray:
        """Return the gradient at x; end the run if it is at tolerance."""
        here = self._asked(x, "jac")
        gradient = here.gradient
        with self.monitor.clock_stopped():
            if self._gradients_at_iterates and not np.array_equal(here.x, self.monitor.iterate):
                self.monitor.moved(here.x, here.value)
            norm = float(np.linalg.norm(gradient))
            self.monitor.judge(here.x, here.value, norm, here.gradient_scale)
        return self.unit * gradient

    def hess(self, x: FloatArray) -> FloatArray:
        """Return the Hessian at x, shape (d, d)."""
        return self.unit * self._asked(x, "hess").hessian.to_dense()

    def hessp(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return the Hessian at x times v."""
        here = self._at(x).evaluation
        self._counts["hessp"] += 1
        return self.unit * here.hessian.matvec(v)

    def iteration(self, x: FloatArray, value: float | None = None) -> None:
        """Take note of an iteration that ended at x; the value that the method saw may be left out."""
        with self.monitor.clock_stopped():
            self.monitor.moved(x, self._value_at(x) if value is None else float(value) / self.unit)

    def _value_at(self, x: FloatArray) -> float:
        for visit in self._visits:
            if np.array_equal(visit.evaluation.x, x):
                return visit.evaluation.value
        return self._problem.evaluate(x).value
