"""The sampled curvature model: the papers' algorithm, a Newton step from a sampled Hessian.

Every iteration draws rows anew, by the leverage scores of the point, and factorises
H~ = B^T diag(D / p) B + R + diag(ridge) instead of H.  With (1 - e) H <= H~ <= (1 + e) H the
error contracts by e / (1 - e) a step at least, near a minimum (arXiv:2304.10411 takes
e <= 0.1; the rate follows from H~^-1 H lying within 1 / (1 + e) and 1 / (1 - e)).
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np

from newtonkit.approximate.preconditioner import SampledPreconditioner
from newtonkit.approximate.sampled_hessian import SampledHessian
from newtonkit.approximate.sampler import HessianSampler
from newtonkit.approximate.sketched import SketchedModel
from newtonkit.convergence import is_at_tolerance
from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.exact import ExactModel
from newtonkit.metric import Metric, size_of
from newtonkit.objective import PointEvaluation
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.shifting import ShiftedForm, shifted_form
from newtonkit.spectral import overflow_allowed

_COLUMNS = 16
_LEAST_EPSILON = 1e-3
_TOO_FAR = 0.3  # a Newton step would contract by hardly more than the 0.4 that is promised
_POOR = 0.25
_CHECK_FORCING = 0.1
_EPS = float(np.finfo(float).eps)


def rows_per_dimension(epsilon: float) -> float:
    """Return how many rows for each dimension make the spectral error of a sample about `epsilon`.

    A whitened sample with c rows for each dimension has its eigenvalues within
    (1 - 1/sqrt(c))^2 and (1 + 1/sqrt(c))^2 (the law of Marchenko and Pastur), that is an
    error of 2/sqrt(c) + 1/c.  :func:`newtonkit.sketching.sparsify` takes more, for a bound
    that fails with a given probability at most, whatever the design.
    """
    return ((math.sqrt(1.0 + epsilon) + 1.0) / max(epsilon, _EPS)) ** 2


class SampledModel:
    """The second-order model of a point with a sampled Hessian, and its true Hessian for verdicts.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : Metric
        The norm of steps.
    evaluation : Evaluation
        The point.
    form : ShiftedForm
        Its Hessian on shifted rows.
    sampled : SampledHessian
        The stand-in for its Hessian.
    rng : Generator
        Where the search for negative curvature starts from.
    """

    def __init__(
        self,
        problem: Problem,
        metric: Metric,
        evaluation: Evaluation,
        form: ShiftedForm,
        sampled: SampledHessian,
        rng: np.random.Generator,
    ) -> None:
        self._problem = problem
        self._metric = metric
        self._evaluation = evaluation
        self._form = form
        self._sampled = sampled
        self._rng = rng
        self._model = ExactModel(problem, metric, evaluation, sampled)
        self._leaves_the_sample = False
        self._last: Step | None = None
        self.rows_sampled = sampled.n_rows
        self.note = ""

    @cached_property
    def _check(self) -> SketchedModel:
        """The model with the true Hessian: a small gradient proves nothing about a sample."""
        return SketchedModel(
            self._problem,
            self._metric,
            self._evaluation,
            self._form,
            SampledPreconditioner(self._metric, self._sampled),
            _CHECK_FORCING,
            self._rng,
        )

    @property
    def stand_in(self) -> SampledHessian:
        """The sampled Hessian."""
        return self._sampled

    @property
    def passes(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._model.passes + (self._check.passes if "_check" in self.__dict__ else 0)

    @property
    def inner_iterations(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`: products for verdicts only."""
        return self._check.inner_iterations if "_check" in self.__dict__ else 0

    @property
    def smallest_curvature(self) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`: that of the sample."""
        return self._model.smallest_curvature

    @property
    def is_convex(self) -> bool:
        """See :class:`newtonkit.curvature.CurvatureModel`: that of the true Hessian."""
        is_convex = self._check.is_convex
        self._leaves_the_sample |= not is_convex
        return is_convex

    def take_in_weak_directions(self) -> None:
        """Take steps by the true Hessian from here on if the sample has hardly any curvature somewhere.

        There its rounding may hide how far the way to the minimum is.
        """
        self._check.take_in_weak_directions()
        self._leaves_the_sample |= self._check.inner_iterations > 0

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.curvature.CurvatureModel`: those of the true Hessian."""
        return self._check.flat_directions()

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return size_of(self._metric.dual(gradient))

    def step(self, radius: float) -> Step:
        """See :class:`newtonkit.curvature.CurvatureModel`.

        Where the true Hessian has shown negative curvature, or the sample hardly any, the
        step is the true model's.
        """
        model = self._check if self._leaves_the_sample else self._model
        self._last = model.step(radius)
        return self._last

    def error_along_step(self) -> float:
        """Return ||(H~ - H) s|| / ||H~ s|| for the last step, in the norm dual to that of H~; one sweep.

        It is about half the spectral error of the sample, and the share of the gradient that
        a Newton step leaves behind near a minimum.
        """
        if self._last is None or not self._last.s.any():
            return 0.0
        s, hessian = self._last.s, self._evaluation.hessian
        with overflow_allowed():
            true = hessian.design.transposed_product(hessian.row_product(self._last.a_s)) + hessian.ridge * s
            stand_in = self._sampled.matmat(s)
            return self._model.inverse_norm(true - stand_in) / self._model.inverse_norm(stand_in)


class SampledBuilder:
    """Makes a sampled model of every point, with more rows when steps contract too slowly.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : Metric
        The norm of steps.
    gtol : float
        Tolerance of the solve.
    epsilon : float
        The spectral error that a sample is to have, less than 1.
    seed : int
        What the random streams are keyed by.
    """

    def __init__(self, problem: Problem, metric: Metric, gtol: float, epsilon: float, seed: int) -> None:
        self._problem = problem
        self._metric = metric
        self._gtol = gtol
        self._epsilon = epsilon
        self._seed = seed
        self._sampler = HessianSampler(seed, metric, _COLUMNS)
        self._models = self._own_passes = 0
        self.factorisations = 0
        self._previous: SampledModel | None = None
        self._reason = metric.note
        self._kept_all = False

    @property
    def passes(self) -> int:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        return self._own_passes + self._sampler.passes

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        if self._previous is not None and not self._kept_all and not self._reason:
            self._own_passes += 1
            error = self._previous.error_along_step()
            # A poor ratio may be the sample's fault or that of the quadratic model: the error tells.
            if error > (self._epsilon if ratio < _POOR else max(self._epsilon, _TOO_FAR)):
                self._grow(f"the sample was off by {error:.2g} along the step")
        rows = rows_per_dimension(self._epsilon)
        self._form = shifted_form(evaluation.hessian)
        draw = self._sampler.draw(evaluation.hessian, self._form, rows, is_rough=False)
        self._sampled = draw.sampled
        self._own_passes += self._form.passes
        self._sampled.form()
        self._kept_all = self._sampled.n_rows == len(evaluation.u)
        self._note = "; ".join(part for part in (self._reason, draw.note) if part)
        self._reason = ""

    def _grow(self, reason: str) -> None:
        if not self._kept_all and self._epsilon > _LEAST_EPSILON:
            self._epsilon *= 0.5
            self._reason = f"{reason}: epsilon is now {self._epsilon:.2g}"

    def build(self, evaluation: PointEvaluation) -> SampledModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        self._models += 1
        self.factorisations += 1
        rng = np.random.default_rng((self._seed, 0, self._models))
        model = SampledModel(self._problem, self._metric, evaluation, self._form, self._sampled, rng)
        if is_at_tolerance(evaluation, self._gtol):  # it may be an end
            model.take_in_weak_directions()
        model.note = self._note
        self._previous = model
        return model

    def strengthen(self) -> bool:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        self._grow("no step helps")
        return bool(self._reason)
