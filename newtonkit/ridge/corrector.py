"""Corrections of a predicted point: quasi-Newton steps of one sweep over the data each.

A step is that of a fixed factor, a Hessian from elsewhere on the path, updated by the last
changes of the gradient (Nocedal, Updating quasi-Newton matrices with limited storage, 1980),
those on the path so far included.  Value and gradient at its end come from one sweep.  There
are neither trials nor verdicts: what has been reached is handed to the solver, which judges it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from newtonkit.convergence import relative_gradient
from newtonkit.design import FloatArray
from newtonkit.penalised import Factor
from newtonkit.problems.evaluation import Evaluation

_MOST_CORRECTIONS = 15
_LEAST_GAIN = 0.5
_MOST_PAIRS = 12


@dataclass
class Secants:
    """The inverse of a Hessian: that of a stand-in, updated by pairs of steps and changes of the gradient.

    Attributes
    ----------
    factor : Factor
        Of the stand-in with the ridge.
    ridge : ndarray, shape (d,)
        The ridge.
    pairs : list of (ndarray, ndarray)
        Steps, and the changes of the gradient of the loss without the ridge, oldest first.
    """

    factor: Factor
    ridge: FloatArray
    pairs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)

    def add(self, step: FloatArray, change: FloatArray) -> None:
        """Take in a pair, with the change of the whole gradient."""
        self.pairs = [*self.pairs, (step, change - self.ridge * step)][-_MOST_PAIRS:]

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the inverse times a vector: the two loops of Nocedal."""
        curved = []
        for step, of_loss in self.pairs:
            change = of_loss + self.ridge * step
            if (curvature := float(step @ change)) > 0.0:
                curved.append((step, change, 1.0 / curvature))
        rest, shares = right, []
        for step, change, inverse in reversed(curved):
            shares.append(inverse * float(step @ rest))
            rest = rest - shares[-1] * change
        out = self.factor.solve(rest)
        for (step, change, inverse), share in zip(curved, reversed(shares), strict=True):
            out = out + (share - inverse * float(change @ out)) * step
        return out


def corrected(start: Evaluation, secants: Secants, gtol: float, deadline: float) -> tuple[Evaluation, int]:
    """Return a point nearer to the minimum, and how many sweeps that took.

    Parameters
    ----------
    start : Evaluation
        The predicted point.
    secants : Secants
        About the inverse of the Hessian there; it takes in what is seen on the way.
    gtol : float
        Tolerance on ||grad|| / S.
    deadline : float
        Value of ``time.perf_counter()`` at which to stop.
    """
    here, size = start, secants.factor.norm(start.gradient)
    for count in range(_MOST_CORRECTIONS):
        if relative_gradient(here) <= gtol or time.perf_counter() >= deadline:
            return here, count
        end = start.problem.evaluate(here.x - secants.solve(here.gradient))
        if not (np.isfinite(end.value) and end.has_derivatives):
            return here, count + 1
        if not start.problem.outer.path_is_inside(here.u, end.u):
            return here, count + 1
        secants.add(end.x - here.x, end.gradient - here.gradient)
        left = secants.factor.norm(end.gradient)
        if not left <= _LEAST_GAIN * size:
            return (end if left < size and end.value <= here.value else here), count + 1
        here, size = end, left
    return here, _MOST_CORRECTIONS
