"""Taylor remainders along a line, and what power of the step they fall with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.evaluation import Evaluation

Verdict = Literal["right", "wrong", "exact", "undecided"]

_EPS = float(np.finfo(np.float64).eps)
_LARGEST_MOVE = 0.5  # the largest change of A x that is tried
_HALVINGS = 30
_MARGIN = 100.0  # how far above rounding a remainder has to be: then it bends a slope by 1 % at most
_WINDOW = 5  # how many steps, each half the last, a slope is fitted to
_SHORTEST_WINDOW = 4
_SLACK = 0.3  # how far from the expected slope still counts as that slope
_VISIBLE = 1e-6  # the relative error of a derivative that must be visible where nothing else is


@dataclass(frozen=True)
class SlopeTest:
    """What one kind of remainder says in one direction.

    Attributes
    ----------
    slope : float
        The power of h that it falls with; NaN where too few steps stand out of rounding.
    verdict : {"right", "wrong", "exact", "undecided"}
        "exact" where the remainder is nothing but rounding at every step.
    """

    slope: float
    verdict: Verdict


class Line:
    """The remainders along one direction, each with the rounding noise in it.

    Displaced points are reached as the solver reaches them, ``A x + h A v``: the rounding
    of A x is then the same at all of them and drops out of the differences.
    """

    def __init__(self, start: Evaluation, v: FloatArray) -> None:
        problem, x = start.problem, start.x
        self.start, self.v, self.a_v = start, v, problem.design.product(v)
        self.value, self.product = problem.fun(x), problem.hess(x) @ v
        self.slope = float(np.dot(problem.jac(x), v))
        self.curvature = float(np.dot(v, self.product))
        # NaN in D must not hide what the gradient is worth.
        weights = np.nan_to_num(np.abs(start.hessian.row_diagonal), posinf=0.0)
        ridge = problem.ridge * v
        self.slope_size = start.gradient_scale * float(np.linalg.norm(v))
        self.curvature_size = float(np.dot(weights, self.a_v * self.a_v) + np.dot(ridge, v))
        self.product_size = product_size(start, v, self.a_v)

    def tests(self) -> tuple[SlopeTest, SlopeTest, SlopeTest]:
        """Return the tests of the gradient, of the Hessian, and of its product with v."""
        h, first, second, third, value_noise, gradient_noise = np.array(list(self._rows())).reshape(-1, 6).T
        gradient = _judge(first, value_noise, h * self.slope_size, order=2)
        hessian = _judge(second, value_noise, 0.5 * h * h * self.curvature_size, order=3)
        product = _judge(third, gradient_noise, h * self.product_size, order=2)
        if hessian.verdict == "wrong" and (hessian.slope <= 1.0 + _SLACK or product.verdict == "right"):
            # A small error of the gradient shows only once the term in h^2 is taken away.
            gradient = SlopeTest(gradient.slope, "wrong")
        return gradient, hessian, product

    def _rows(self) -> Iterator[tuple[float, ...]]:
        """Yield h, the three remainders, and the noise in values and in gradients."""
        reach = float(np.abs(self.a_v).max())
        h, lost = _LARGEST_MOVE / reach if reach > 0.0 else 1.0, 0
        for _ in range(_HALVINGS + 1):
            ahead = self.start.along(h * self.v, h * self.a_v)
            behind = self.start.along(-h * self.v, -h * self.a_v)
            if ahead is not None and behind is not None and np.isfinite(ahead.value + behind.value):
                row = (h, *self._remainders(h, ahead, behind), *self._noise(h, ahead, behind))
                yield row
                remainders, noises = np.array(row[1:4]), np.array([row[4], row[4], row[5]])
                lost = lost + 1 if (remainders < _MARGIN * noises).all() else 0
            if lost == _SHORTEST_WINDOW:
                return
            h *= 0.5

    def _remainders(self, h: float, ahead: Evaluation, behind: Evaluation) -> tuple[float, float, float]:
        """Return the remainders, for values the larger of those at h and at -h.

        On one side two orders may cancel at some h, which looks like a slope of its own.
        """
        first = np.array([ahead.value - h * self.slope, behind.value + h * self.slope]) - self.value
        second = first - 0.5 * h * h * self.curvature
        change = ahead.gradient - self.start.gradient - h * self.product
        return float(np.abs(first).max()), float(np.abs(second).max()), float(np.linalg.norm(change))

    def _noise(self, h: float, ahead: Evaluation, behind: Evaluation) -> tuple[float, float]:
        start = self.start
        # Rounding in u moves f by its share of u.
        unit = _EPS * (1.0 + float(max(np.abs(ahead.u).max(), np.abs(behind.u).max())))
        values = start.loss_scale + max(ahead.loss_scale, behind.loss_scale)
        values += h * self.slope_size + h * h * self.curvature_size
        gradients = start.gradient_scale + ahead.gradient_scale + h * self.product_size
        return unit * values, unit * gradients


def product_size(at: Evaluation, v: FloatArray, a_v: FloatArray) -> float:
    """Return the size that H v would have if nothing cancelled in A^T D A v + ridge * v."""
    rows = np.abs(at.hessian.row_diagonal * a_v)
    return float(np.dot(at.problem.design.row_norms, rows) + np.linalg.norm(at.problem.ridge * v))


def _judge(remainders: FloatArray, noises: FloatArray, sizes: FloatArray, *, order: int) -> SlopeTest:
    """Decide from remainders at falling steps whether they fall with the expected order.

    `sizes` is what the remainder could reach if the derivative under test were all wrong.
    """
    if not np.isfinite(remainders).all():
        return SlopeTest(np.nan, "wrong")
    window = _last_window(remainders > _MARGIN * noises)
    if window is None:
        first = slice(0, _SHORTEST_WINDOW)
        hidden = np.where(sizes[first] > 0.0, _MARGIN * noises[first], 0.0)
        seen = remainders[first] + hidden <= _VISIBLE * sizes[first]
        return SlopeTest(np.nan, "exact" if len(seen) and seen.all() else "undecided")
    halvings = -np.arange(window.stop - window.start)
    slope = float(np.polyfit(halvings, np.log2(remainders[window]), 1)[0])
    if slope >= order - _SLACK:
        return SlopeTest(slope, "right")
    return SlopeTest(slope, "wrong" if slope <= order - 1 + _SLACK else "undecided")


def _last_window(clear: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> slice | None:
    """Return the last run of clear remainders long enough for a slope, cut to its smallest steps."""
    run = 0
    best: slice | None = None
    for k, is_clear in enumerate(clear):
        run = run + 1 if is_clear else 0
        if run >= _SHORTEST_WINDOW:
            best = slice(k + 1 - min(run, _WINDOW), k + 1)
    return best
