"""The builder of sketched models: keeps a preconditioner for as long as it serves."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from newtonkit.approximate.convexity import can_be_proven_convex, is_proven_convex
from newtonkit.approximate.preconditioner import Preconditioner, SampledPreconditioner, ScaledMetric
from newtonkit.approximate.sampler import Draw, HessianSampler
from newtonkit.approximate.sketched import SketchedModel
from newtonkit.convergence import is_at_tolerance, relative_gradient
from newtonkit.design import FloatArray
from newtonkit.metric import Metric
from newtonkit.objective import PointEvaluation
from newtonkit.penalised import Penalised
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import shifted_form

_ROWS_PER_DIMENSION = 8.0
_MOST_ROWS_PER_DIMENSION = 160.0
_MANY_INNER = 12
_MANY_COLUMNS = 400
_ROUGH_FORCING = 0.3
_LEAN_ROWS_PER_DIMENSION, _LEAN_FORCING, _MANY_LEAN, _DEAR = 4.0, 0.15, 12, 3.0
_MOST_FOR_LITTLE, _CHEAP, _SMALL_SHARE = 64.0, 84.0, 0.06
_COLUMNS = 8
_LOOSEST = 0.03
_ENOUGH = 0.2  # of the tolerance on the gradient, for what an inner solver leaves of it


def rows_per_dimension(problem: Problem) -> float:
    """Return how many sampled rows for each dimension make a solve the shortest.

    Conjugate gradients under a sample of c rows a dimension gain a digit in about 2 / log10(c)
    products (the law of Marchenko and Pastur), and its Gram matrix costs about c d^2 / (24 n)
    products as measured: with few columns, more rows cost next to nothing.
    """
    n, d = problem.design.shape
    rows = problem.design.n_entries / d
    few = min(_CHEAP * rows / d**2, _SMALL_SHARE * n / d, _MOST_FOR_LITTLE)
    return max(few, _ROWS_PER_DIMENSION)


def forcing(size: float, gtol: float) -> float:
    """Return how far to reduce inner residuals at a relative gradient: ever further, so superlinearly."""
    enough = min(_ENOUGH * gtol / size, _LOOSEST) if size > 0.0 else 0.0
    return max(min(_LOOSEST, math.sqrt(size)), enough)


def is_gram_dear(problem: Problem) -> bool:
    """Tell whether the Gram matrix of a sample costs more than the products that it saves."""
    d = problem.design.shape[1]
    if d < _MANY_COLUMNS:
        return False
    return _ROWS_PER_DIMENSION * d**2 / 24.0 > _DEAR * problem.design.n_entries / d


class SketchedBuilder:
    """Makes a sketched model of every point, with one preconditioner for as long as it serves.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : Metric
        The norm of steps.
    gtol : float
        Tolerance of the solve, beyond which no inner residual needs to go.
    seed : int
        What the random streams are keyed by.
    is_rough : bool, default False
        Whether steps need only be about right, as on a sample of the rows.
    keeps : bool, default False
        Whether to keep what a builder for another ridge can go on with, see :meth:`resumed`.

    Attributes
    ----------
    stand_in : ndarray of shape (d, d), or None
        About the Hessian without its ridge, without negative curvature, where it is kept.
    """

    stand_in: FloatArray | None = None

    def __init__(
        self,
        problem: Problem,
        metric: Metric,
        gtol: float,
        seed: int,
        *,
        is_rough: bool = False,
        keeps: bool = False,
    ) -> None:
        self._problem = problem
        self._metric = metric
        self._gtol = gtol
        self._seed = seed
        self._sampler = HessianSampler(seed, metric, _COLUMNS)
        self._is_rough, self._keeps = is_rough, keeps
        # The metric alone is the preconditioner for as long as few products are needed.
        self._is_lean = is_rough or is_gram_dear(problem)
        self._oversampling = _LEAN_ROWS_PER_DIMENSION if self._is_lean else rows_per_dimension(problem)
        self._models = self._own_passes = 0
        self.factorisations = 0
        self._previous: SketchedModel | None = None
        self._preconditioner: Preconditioner
        self._forced = ""
        self._is_fresh = False
        self._kept_all = False
        self._note = ""
        self._metric_note = metric.note

    @property
    def passes(self) -> int:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        return self._own_passes + self._sampler.passes

    @property
    def rank(self) -> int:
        """The number of directions with curvature in the sample."""
        return self._preconditioner.rank

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        weights = evaluation.hessian.row_diagonal
        self._may_end = is_at_tolerance(evaluation, self._gtol)
        if self._is_lean and self._stays_lean(evaluation):
            self._form = shifted_form(evaluation.hessian)
            self._own_passes += self._form.passes
            self._preconditioner = ScaledMetric(self._metric.rank, evaluation.curvature_mass)
            self._rows_sampled = 0
            return
        if self._is_lean and not self._may_end:
            self._oversampling = max(self._oversampling, _ROWS_PER_DIMENSION)
        self._is_lean = False
        reason = self._reason(weights)
        self._is_fresh = bool(reason)
        self._note = reason
        self._form = shifted_form(evaluation.hessian)
        self._own_passes += self._form.passes
        if not reason:
            return
        draw = self._drawn(evaluation.hessian, is_rough=True)
        if self.rank < self._metric.rank and len(draw.indices) < len(weights):
            reason += "; a rough sample lost rank: scores from an embedding"
            draw = self._drawn(evaluation.hessian, is_rough=False)
        self._freshness = draw.freshness
        self._sampler.remember(self._preconditioner, self._freshness)
        self._rows_sampled = draw.sampled.n_rows
        self._kept_all = self._rows_sampled == len(weights)
        lost = self._metric.rank - self.rank
        loss = f"{lost} of {self._metric.rank} directions have no curvature in the sample" if lost else ""
        notes = (reason, self._metric_note, draw.note, self._preconditioner.note, loss)
        self._metric_note = ""
        self._note = "; ".join(part for part in notes if part)

    def _drawn(self, hessian: StructuredHessian, *, is_rough: bool) -> Draw:
        """Draw a sample and factorise it."""
        draw = self._sampler.draw(hessian, self._form, self._oversampling, is_rough=is_rough)
        if self._keeps:
            self.stand_in = np.array(draw.sampled.positive().to_dense())
            self.stand_in[np.diag_indices_from(self.stand_in)] -= hessian.ridge
            kept = Penalised(self.stand_in, hessian.ridge)
            self._preconditioner = SampledPreconditioner(self._metric, kept)
        else:
            self._preconditioner = SampledPreconditioner(self._metric, draw.sampled)
        self.factorisations += 1
        return draw

    def resumed(self, problem: Problem, metric: Metric) -> SketchedBuilder:
        """Return a builder for the same rows under another ridge, which goes on with the last sample.

        Parameters
        ----------
        problem : Problem
            The same problem with another ridge.
        metric : Metric
            The norm of steps there, without weak directions.
        """
        other = SketchedBuilder(problem, metric, self._gtol, self._seed, keeps=True)
        if self.stand_in is None:
            return other
        kept = Penalised(self.stand_in, problem.ridge)
        other.stand_in, other._preconditioner = self.stand_in, SampledPreconditioner(metric, kept)
        other._is_lean, other._oversampling = self._is_lean, self._oversampling
        other._freshness, other._rows_sampled = self._freshness, self._rows_sampled
        other._kept_all, other._models = self._kept_all, self._models
        other._sampler.resume(self._sampler, other._preconditioner, self._freshness)
        other.factorisations = 1
        return other

    def _stays_lean(self, evaluation: Evaluation) -> bool:
        """Whether the metric has been a good enough preconditioner so far."""
        used = 0 if self._previous is None else self._previous.step_iterations
        # An end is not claimed before a sample has shown which directions have lost their curvature.
        ends = self._may_end and not self._is_rough
        return not ends and used <= _MANY_LEAN and 0.0 < evaluation.curvature_mass < np.inf

    def _reason(self, weights: np.ndarray) -> str:
        """Return why a new sample is needed; empty if the old one serves."""
        if not self._sampler.has_drawn:
            return "first sample"
        reason, self._forced = self._forced, ""
        if reason:
            return reason
        inner = self._previous.step_iterations if self._previous else 0
        if inner > _MANY_INNER and not self._kept_all:
            if self._is_fresh:
                self._grow()
                return f"{inner} inner iterations: sample of {self._oversampling:g} rows per dimension"
            return f"{inner} inner iterations: new sample"
        moved = self._freshness.moved(weights)
        if not moved and self._may_end and not self._freshness.holds_everywhere(weights):
            moved = "the gradient is small and some weights have moved far"
        return f"{moved}: new sample" if moved else ""

    def _grow(self) -> None:
        self._oversampling = min(2.0 * self._oversampling, _MOST_ROWS_PER_DIMENSION)

    def build(self, evaluation: PointEvaluation) -> SketchedModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        self._models += 1
        proof = None
        if self._keeps and not self._is_lean and can_be_proven_convex(self._form):
            assert isinstance(self._preconditioner, SampledPreconditioner)
            proof = partial(is_proven_convex, self._form, self._metric, self._preconditioner)
        model = SketchedModel(
            self._problem,
            self._metric,
            evaluation,
            self._form,
            self._preconditioner,
            self._forcing(evaluation),
            np.random.default_rng((self._seed, 0, self._models)),
            proof=proof,
        )
        if self._may_end:
            model.take_in_weak_directions()
        model.rows_sampled = self._rows_sampled
        model.note = self._note
        self._previous = model
        return model

    def _forcing(self, evaluation: Evaluation) -> float:
        if self._is_rough:
            return _ROUGH_FORCING
        if self._may_end:
            return _LEAN_FORCING
        return forcing(relative_gradient(evaluation), self._gtol)

    def strengthen(self) -> bool:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        if not self._is_fresh:
            self._forced = "no step helps: new sample"
            return True
        if self._kept_all or self._oversampling >= _MOST_ROWS_PER_DIMENSION:
            return False
        self._grow()
        self._forced = f"no step helps: sample of {self._oversampling:g} rows per dimension"
        return True
