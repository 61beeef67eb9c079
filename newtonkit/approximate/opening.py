"""A first phase on a sample of the rows: most of the way to the minimum for a few passes over the data.

Rows drawn with equal probability, each standing for n / m of them, have their minimum within
about sqrt(d / m) of that of all rows, in the size of u.  To get there takes as many steps as
with all rows, at m / n of the price.  What is left is solved with all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from newtonkit.approximate.sketched_builder import SketchedBuilder
from newtonkit.convergence import Criteria, Reference
from newtonkit.curvature import CurvatureModel, Step
from newtonkit.descent import Descent
from newtonkit.meter import Limits, Meter
from newtonkit.metric import Metric
from newtonkit.objective import PointEvaluation
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.results import Status

_ROWS_PER_COLUMN, _MORE_ROWS = 5, 1000
_SHARE = 1 / 32  # of the rows, at least
_MOST = 1 / 5
_MOST_STEPS = 25
_SMALL = 0.25
_HALVINGS = 4
_FAR_OUT = 4.0
_STREAM = (7, 2)  # of random numbers: no other, and not one that a user's seed may lead to


@dataclass(frozen=True)
class SampleCriteria(Criteria):
    """Criteria that are content with what a sample can tell: the step left is lost in its noise."""

    def verdict(
        self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step, patience_used: int
    ) -> Status | None:
        """See :meth:`Criteria.verdict`."""
        assert isinstance(evaluation, Evaluation)
        if not newton.on_boundary and newton.predicted <= _SMALL * _noise(evaluation) < np.inf:
            return Status.STALLED  # no success is claimed, so that nothing is verified
        return super().verdict(evaluation, model, newton, patience_used)


def _noise(evaluation: Evaluation) -> float:
    """Return how far the minimum of a sample lies above that of all rows, on these: about.

    Far from the minimum the slopes of the rows tell too much; of a sum of squares no more than
    the share d / m can be fitted to noise.
    """
    share = len(evaluation.x) / len(evaluation.u)
    return min(evaluation.sampling_noise, share * abs(evaluation.value))


@dataclass(frozen=True)
class Opening:
    """Finds a start near the minimum from some of the rows.

    Attributes
    ----------
    problem : Problem
        What is minimised.
    metric : Metric
        The norm of steps.
    gtol : float
        Tolerance of the solve.
    seed : int
        Which rows.
    """

    problem: Problem
    metric: Metric
    gtol: float
    seed: int

    @property
    def n_rows(self) -> int:
        """How many rows are drawn; 0 where the data has too few for that to pay."""
        n, d = self.problem.design.shape
        if self.metric.weak.shape[1] > 0:  # it goes by all rows
            return 0
        wanted = max(_ROWS_PER_COLUMN * d + _MORE_ROWS, math.ceil(_SHARE * n))
        return wanted if wanted <= _MOST * n else 0

    def point(
        self, start: PointEvaluation, limits: Limits, meter: Meter
    ) -> tuple[PointEvaluation, str] | None:
        """Return a better point than the start and what was done, or None.

        Raises
        ------
        KeyboardInterrupt
            If it is interrupted.
        """
        n, m = self.problem.design.shape[0], self.n_rows
        if m == 0:
            return None
        indices = np.sort(np.random.default_rng((self.seed, *_STREAM)).choice(n, m, replace=False))
        sample = self.problem.sampled(indices)
        first = None if sample is None else sample.evaluate(start.x)
        if sample is None or first is None or not _is_usable(first):
            return None
        own = Meter()
        descent = Descent(
            SketchedBuilder(sample, self.metric, self.gtol, self.seed, is_rough=True),
            SampleCriteria(self.gtol, Reference(sample, first)),
            Limits(_MOST_STEPS, limits.deadline),
            own,
            None,
            first,
        )
        status = descent.run()
        meter.charge("opening", math.ceil(own.passes * m / n))
        if status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if status is Status.SATURATED or status is Status.MAX_TIME:
            return None
        end = self.problem.evaluate(descent.evaluation.x)
        meter.values += 1
        meter.charge("opening", 1)
        # Where rows that were not drawn carry a direction, the sample goes astray along it.
        seen, all_of_it = _largest_change(first, descent.evaluation), _largest_change(start, end)
        found = _best_on_the_way(start, end) if all_of_it <= _FAR_OUT * seen else None
        if found is None or not self.problem.outer.path_is_inside(start.u, found.u):
            return None
        way = "" if found is end else ", a part of the way"
        return found, f"from the minimum of {m} rows{way}, {len(descent.history) - 1} steps"


def _best_on_the_way(start: PointEvaluation, end: Evaluation) -> PointEvaluation | None:
    """Return the end if it is better than the start, else the first such point on the way back, or None.

    Rows that were not drawn may be far out: what is best for the others may be bad for them.
    """
    step, a_step = end.x - start.x, end.u - start.u
    for k in range(_HALVINGS + 1):
        point: PointEvaluation | None = end
        if k > 0:
            point = start.along(0.5**k * step, 0.5**k * a_step)
        if point is not None and point.value < start.value and point.has_derivatives:
            return point
    return None


def _largest_change(start: PointEvaluation, end: PointEvaluation) -> float:
    """Return the largest change of u over the rows."""
    return float(np.abs(end.u - start.u).max(initial=0.0))


def _is_usable(start: Evaluation) -> bool:
    finite = np.isfinite(start.value) and start.has_derivatives
    return bool(finite and 0.0 < start.curvature_mass < np.inf)
