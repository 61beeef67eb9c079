"""One solve after the other along a path of ridges, each with what the last one knows.

From one ridge to the next go: the Gram matrix that the metric is made from, the sample that
preconditions, the solutions so far, which tell where the next one is, and a stand-in for the
Hessian, under which the predicted point is corrected.  The solver then judges it as it does
any point, by the true Hessian.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from newtonkit.approximate import SketchedBuilder
from newtonkit.approximate.embedded import sampled_gram
from newtonkit.approximate.opening import Opening
from newtonkit.convergence import Criteria, Reference, relative_gradient
from newtonkit.descent import Callback, Descent
from newtonkit.design import FloatArray
from newtonkit.exact import ExactBuilder, ExactModel
from newtonkit.meter import Limits, Meter
from newtonkit.methods import LEAST_WIDE, Setting, prepared
from newtonkit.metric import Metric
from newtonkit.minimizer import evaluated_start, result_of
from newtonkit.objective import PointEvaluation
from newtonkit.penalised import Factor, Penalised
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.results import MinimizeResult, Status
from newtonkit.ridge.corrector import Secants, corrected
from newtonkit.ridge.result import PREDICTED
from newtonkit.ridge.trail import Trail, Waypoint
from newtonkit.triangular import TriangularMetric
from newtonkit.trust_region import Move


class KeptMeasure:
    """What the metric is made from, with the Gram matrix of the rows kept for all ridges.

    Parameters
    ----------
    problem : Problem
        The problem with its ridge.
    gram : ndarray, shape (d, d)
        A^T A / n.
    """

    def __init__(self, problem: Problem, gram: FloatArray) -> None:
        self._problem = problem
        self._gram = gram

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return A S."""
        return self._problem.row_steps(steps)

    def step_metric(self, mass: float) -> _KeptMetric:
        """Return A^T A / n + diag(ridge) / mass."""
        return _KeptMetric(self._problem.step_metric(mass), self._gram)


class _KeptMetric(Penalised):
    """The dense matrix is made of the one kept; products are those of the rows."""

    def __init__(self, rows: StructuredHessian, gram: FloatArray) -> None:
        super().__init__(gram, rows.ridge)
        self._rows = rows

    def matmat(self, v: FloatArray) -> FloatArray:
        return self._rows.matmat(v)

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        return self._rows.restricted(steps, a_steps)


class KeepingBuilder(ExactBuilder):
    """The exact builder, which keeps its last Hessian, without the ridge, for the next problem."""

    stand_in: FloatArray | None = None

    def build(self, evaluation: PointEvaluation) -> ExactModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        self.stand_in = np.array(evaluation.hessian.to_dense())
        self.stand_in[np.diag_indices_from(self.stand_in)] -= evaluation.problem.ridge
        return super().build(evaluation)


@dataclass
class Follower:
    """Solves one problem for one ridge after the other, the largest first.

    Attributes
    ----------
    problem : Problem
        The problem, whatever its ridge.
    trail : Trail
        The solutions so far.
    method, reason : str
        The method, never "auto", and why it was chosen.
    gtol : float
        Tolerance of each solve.
    max_iter : int
        Limit on the iterations of each solve.
    deadline : float
        Value of ``time.perf_counter()`` at which to stop.
    seed : int
        What random streams are keyed by.
    show : callable
        Returns the callback of a solve from its title.
    """

    problem: Problem
    trail: Trail
    method: str
    reason: str
    gtol: float
    max_iter: int
    deadline: float
    seed: int
    show: Callable[[str], Callback | None]
    _gram: FloatArray | None = None
    _builder: KeepingBuilder | SketchedBuilder | None = None
    _last: Evaluation | None = None
    _pairs: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)

    @property
    def _keeps(self) -> bool:
        """Whether the method has anything to hand on."""
        return self.method == "exact" or (
            self.method == "sketched" and self.problem.n_parameters < LEAST_WIDE
        )

    def solve(self, ridge: float) -> MinimizeResult:
        """Return the solution for one ridge."""
        problem = self.problem.with_ridge(ridge * self.trail.pattern)
        meter, limits = Meter(), Limits(self.max_iter, self.deadline)
        start, note = self._start(problem, ridge, meter)
        criteria = Criteria(self.gtol, _reference(problem, start))
        with meter.phase("metric"):
            setting = self._setting(problem, criteria.reference, meter)
        descent = Descent(setting.builder, criteria, limits, meter, self.show(setting.title), start)
        descent.opening = setting.opening
        if note:
            descent.last = Move(start, 0.0, math.nan, descent.radius, 1, note)
        status = descent.run()
        self._remember(ridge, descent, status)
        return result_of(setting, meter, [(descent, status)])

    def _remember(self, ridge: float, descent: Descent, status: Status) -> None:
        assert isinstance(descent.evaluation, Evaluation)
        if status in (Status.SATURATED, Status.STALLED):
            return  # no place to start from
        self._last = descent.evaluation
        stand_in = None if self._builder is None else self._builder.stand_in
        if not status.success or stand_in is None:
            return
        pull = ridge * self.trail.pattern
        factor = Penalised(stand_in, pull).factor()
        if factor is not None:
            x = descent.evaluation.x
            slope = -Secants(factor, pull, self._pairs).solve(pull * x)
            self.trail.add(Waypoint(ridge, x, slope), stand_in)

    def _start(self, problem: Problem, ridge: float, meter: Meter) -> tuple[Evaluation, str]:
        """Return where to start, and how that was found."""
        if self._last is None:
            first = evaluated_start(problem, self.method, np.zeros(problem.n_parameters), meter)
            assert isinstance(first, Evaluation)
            return first, ""
        here = self._last.under(problem)
        stand_in = None if self._builder is None else self._builder.stand_in
        if stand_in is None or not self.trail.points:
            return here, "from the ridge before"
        factor = Penalised(stand_in, problem.ridge).factor()
        if factor is None:
            return here, "from the ridge before"
        with meter.phase("prediction"):
            end = problem.evaluate(self.trail.prediction(ridge, stand_in, factor))
            lower = end.value <= here.value and end.has_derivatives
            if not (lower and problem.outer.path_is_inside(here.u, end.u)):
                meter.charge("prediction", 1)
                return here, "from the ridge before: the prediction is no better"
            return self._corrected(end, factor, meter)

    def _corrected(self, point: Evaluation, factor: Factor, meter: Meter) -> tuple[Evaluation, str]:
        """Return a better point than the predicted one, and what was done."""
        problem = point.problem
        if self.method == "exact" and relative_gradient(point) > self.gtol:
            point.hessian.form()  # it serves all corrections
            meter.charge("prediction", 1)
            meter.hessians += 1
            factor = Penalised(point.hessian.to_dense(), np.zeros(len(point.x))).factor() or factor
        secants = Secants(factor, problem.ridge, self._pairs if self.method != "exact" else [])
        end, count = corrected(point, secants, self.gtol, self.deadline)
        self._pairs = secants.pairs
        meter.charge("prediction", count * (1 + point.gradient_passes))
        meter.values += count
        meter.gradients += count
        return end, f"{PREDICTED}; corrections: {count}"

    def _setting(self, problem: Problem, reference: Reference, meter: Meter) -> Setting:
        metric = self._metric(problem, reference.mass, meter) if self._keeps else None
        if metric is None:
            setting = prepared(self.method, self.reason, problem, reference, self.gtol, None, self.seed)
            meter.charge("metric", setting.passes)
            self._builder = None
            return setting if self._last is None else replace(setting, opening=None)
        opening = None
        if self.method == "exact":
            builder: KeepingBuilder | SketchedBuilder = KeepingBuilder(problem, metric)
        elif isinstance(self._builder, SketchedBuilder):
            builder = self._builder.resumed(problem, metric)
        else:
            builder = SketchedBuilder(problem, metric, self.gtol, self.seed, keeps=True)
            opening = Opening(problem, metric, self.gtol, self.seed).point if self._last is None else None
        self._builder = builder
        return Setting(self.method, self.reason, metric, builder, 0, opening)

    def _metric(self, problem: Problem, mass: float, meter: Meter) -> Metric | None:
        """Return the metric of steps from the Gram matrix that is kept, None where there is none to keep."""
        if self.method == "exact":
            if self._gram is None:
                self._gram = problem.with_ridge(0.0).step_metric(1.0).to_dense()
                meter.charge("metric", 1)
            metric = Metric(KeptMeasure(problem, self._gram), mass)
            meter.charge("metric", int(self._last is None or metric.weak.shape[1] > 0))
            return metric
        if self._gram is None:
            self._gram = sampled_gram(problem, self.seed)
            meter.charge("metric", 1)
        if self._gram is None:
            return None
        return TriangularMetric.of_gram(Penalised(self._gram, problem.ridge / mass).to_dense())


def _reference(problem: Problem, start: Evaluation) -> Reference:
    """Return how curved the problem ordinarily is: not as it is at a start that may have gone flat before."""
    origin = problem.origin()
    is_ordinary = np.isfinite(origin.value) and origin.curvature_mass > 0.0
    return Reference(problem, origin if is_ordinary else start)
