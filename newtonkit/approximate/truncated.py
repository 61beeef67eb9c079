"""Steps by truncated conjugate gradients, for so many columns that no basis of steps is kept.

A step is the minimiser of the exact second-order model as far as conjugate gradients have come
(Steihaug, The conjugate gradient method and trust regions in large scale optimization, 1983;
Toint, 1981).  Its length is that of the natural metric, ||A s||^2 / n + <ridge s, s> / mass, for
which no matrix is needed as A s comes with every product.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from newtonkit.approximate.check import Check
from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.metric import size_of
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.shifting import ShiftedForm
from newtonkit.spectral import overflow_allowed

_MOST_INNER = 200
_NEGLIGIBLE = 1e-14


@dataclass(frozen=True)
class Setting:
    """What a truncated model is made of, the point apart.

    Attributes
    ----------
    problem : Problem
        What is minimised.
    metric : DiagonalMetric
        Coordinates for verdicts, and the norm of gradients.
    preconditioner : DiagonalPreconditioner
        P in these coordinates.
    ridge : ndarray, shape (d,)
        The ridge over the curvature mass of an ordinary point, for the length of steps.
    forcing : float
        Residuals are reduced by this factor in the norm of P^-1.
    rng : Generator
        Where the random start of the search for negative curvature comes from.
    """

    problem: Problem
    metric: DiagonalMetric
    preconditioner: DiagonalPreconditioner
    ridge: FloatArray
    forcing: float
    rng: np.random.Generator


@dataclass
class _Path:
    """Where conjugate gradients have come to: a step, its rows, its product with H, its length squared."""

    s: FloatArray
    a_s: FloatArray
    h_s: FloatArray
    length: float = 0.0


class TruncatedModel:
    """The exact second-order model at a point, minimised by truncated conjugate gradients.

    Parameters
    ----------
    setting : Setting
        What it is made of.
    evaluation : Evaluation
        The point.
    form : ShiftedForm or None
        The Hessian on shifted rows, where a product with it is one sweep.
    """

    def __init__(self, setting: Setting, evaluation: Evaluation, form: ShiftedForm | None) -> None:
        self._setting = setting
        self._evaluation = evaluation
        self._form = form
        self._longest: Step | None = None
        self._curvature_along = 0.0
        self._products = 0
        self._sweeps = 0
        self._met_negative = False
        self.rows_sampled = 0
        self.note = ""

    @cached_property
    def _check(self) -> Check:
        """The model on a subspace, for what a verdict asks beyond a step."""
        setting = self._setting
        return Check(
            setting.problem,
            setting.metric,
            self._evaluation,
            self._form,
            setting.preconditioner,
            setting.forcing,
            setting.rng,
        )

    @property
    def _has_check(self) -> bool:
        return "_check" in self.__dict__

    @property
    def passes(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._sweeps + (self._check.passes if self._has_check else 0)

    @property
    def inner_iterations(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._products + (self._check.inner_iterations if self._has_check else 0)

    @property
    def smallest_curvature(self) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`: that along the step, or met in a verdict."""
        has_met = self._has_check and self._check.has_directions
        return self._check.smallest_curvature if has_met else self._curvature_along

    @property
    def is_convex(self) -> bool:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return not self._met_negative and self._check.is_convex

    def take_in_weak_directions(self) -> None:
        """Look at what has hardly any curvature, for verdicts."""
        self._check.take_in_weak_directions()

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._check.flat_directions()

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return size_of(self._setting.metric.dual(gradient))

    def step(self, radius: float) -> Step:
        """See :class:`newtonkit.curvature.CurvatureModel`; shorter steps go the same way."""
        longest = self._longest
        if longest is None or (longest.on_boundary and radius > longest.norm * (1.0 + 1e-6)):
            with overflow_allowed():
                self._longest = longest = self._minimised(radius)
        if radius >= longest.norm * (1.0 - 1e-6):
            return longest
        share = radius / longest.norm
        slope = float(self._evaluation.gradient @ longest.s)
        bend = -2.0 * (longest.predicted + slope)  # <s, H s>
        return Step(
            s=share * longest.s,
            a_s=share * longest.a_s,
            predicted=-share * slope - 0.5 * share * share * bend,
            norm=radius,
            on_boundary=True,
            negative_curvature=longest.negative_curvature,
        )

    def _product(self, direction: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return H p and A p."""
        hessian = self._evaluation.hessian
        self._products += 1
        self._sweeps += 1
        if self._form is None:
            self._sweeps += 1
            return hessian.matmat(direction), hessian.design.product(direction)
        product, image = self._form.product_and_image(direction)
        rows = self._form.unshifted(image[:, None], direction[:, None])[:, 0]
        return product + hessian.ridge * direction, rows

    def _length(self, s: FloatArray, a_s: FloatArray) -> float:
        """Return the natural length of a step, squared."""
        return float(a_s @ a_s) / len(a_s) + float(self._setting.ridge @ (s * s))

    def _solved(self, residual: FloatArray) -> FloatArray:
        """Return P^-1 r for a gradient r."""
        metric = self._setting.metric
        return metric.steps(self._setting.preconditioner.solve(metric.dual(residual), 0.0))

    def _minimised(self, radius: float) -> Step:
        """Return the step that conjugate gradients find within `radius`."""
        gradient = self._evaluation.gradient
        path = _Path(np.zeros_like(gradient), np.zeros(len(self._evaluation.u)), np.zeros_like(gradient))
        residual = gradient.copy()
        pulled = self._solved(residual)
        size = float(residual @ pulled)
        aim, direction = self._setting.forcing**2 * size, -pulled
        for _ in range(_MOST_INNER):
            if not size > aim:
                break
            product, rows = self._product(direction)
            curvature = float(direction @ product)
            extent = self._length(direction, rows)
            self._curvature_along = curvature / extent if extent > 0.0 else 0.0
            self._met_negative |= curvature < -_NEGLIGIBLE * size_of(product) * size_of(direction)
            t = size / curvature if curvature > 0.0 else np.inf
            edge = _to_boundary(path, direction, rows, extent, radius, self._setting.ridge)
            if not t < edge:
                _advance(path, edge, direction, rows, product)
                return self._as_step(path, radius, on_boundary=True)
            _advance(path, t, direction, rows, product)
            path.length = self._length(path.s, path.a_s)
            residual = gradient + path.h_s
            pulled = self._solved(residual)
            fresh = float(residual @ pulled)
            direction = (fresh / size) * direction - pulled
            size = fresh
        return self._as_step(path, float(np.sqrt(path.length)), on_boundary=False)

    def _as_step(self, path: _Path, norm: float, *, on_boundary: bool) -> Step:
        gradient = self._evaluation.gradient
        return Step(
            s=path.s,
            a_s=path.a_s,
            predicted=max(0.0, -float(gradient @ path.s) - 0.5 * float(path.s @ path.h_s)),
            norm=norm,
            on_boundary=on_boundary,
            negative_curvature=self._met_negative,
        )


def _advance(path: _Path, t: float, direction: FloatArray, rows: FloatArray, product: FloatArray) -> None:
    """Go on along a direction."""
    path.s += t * direction
    path.a_s += t * rows
    path.h_s += t * product


def _to_boundary(
    path: _Path, direction: FloatArray, rows: FloatArray, extent: float, radius: float, ridge: FloatArray
) -> float:
    """Return how far along a direction the natural length of the step becomes the radius."""
    if not extent > 0.0:
        return np.inf
    cross = float(path.a_s @ rows) / len(rows) + float(ridge @ (path.s * direction))
    left = max(radius * radius - path.length, 0.0)
    root = float(np.sqrt(cross * cross + extent * left))
    return left / (cross + root) if cross > 0.0 else (root - cross) / extent
