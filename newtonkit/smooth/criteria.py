"""When a smooth function, of which nothing more is known, is at a minimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.convergence import Criteria, value_noise
from newtonkit.curvature import CurvatureModel, Step
from newtonkit.metric import size_of
from newtonkit.objective import PointEvaluation
from newtonkit.results import Status

_LEAST_SHARE, _MOST_SHARE = 1e-10, 1e-4
_UNMOVED = 1e-8
_FREE = 1e6
_FAR, _NEAR = 64.0, 1e-2
_MORE_THAN_ROUNDING = 1e-9
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class SmoothCriteria(Criteria):
    """The gradient tolerance is absolute, as in SciPy; the other conditions have no units.

    A small gradient alone proves nothing of a function that is small itself.  So the
    Newton step must also promise next to nothing beside the decrease since the start, or
    leave x where it is.

    Attributes
    ----------
    start_value : float
        The value at the start.
    """

    start_value: float

    def met(self, evaluation: PointEvaluation) -> bool:
        """Tell whether ||grad|| <= gtol."""
        return size_of(evaluation.gradient) <= self.gtol

    def motion(self, evaluation: PointEvaluation, step: Step) -> float:
        """See :class:`newtonkit.convergence.Criteria`."""
        return float((np.abs(step.s) / (1.0 + np.abs(evaluation.x))).max(initial=0.0))

    def leaves_as_is(self, evaluation: PointEvaluation, step: Step, ulps: float) -> bool:
        """See :class:`newtonkit.convergence.Criteria`."""
        return size_of(step.s) <= ulps * _EPS * size_of(evaluation.x)

    def is_still(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> bool:
        """See :class:`newtonkit.convergence.Criteria`."""
        if not super().is_still(evaluation, model, newton):
            return False
        share = min(max(0.01 * self.gtol, _LEAST_SHARE), _MOST_SHARE)
        little = share * (self.start_value - evaluation.value)
        unmoved = size_of(newton.s) <= _UNMOVED * size_of(evaluation.x)
        return unmoved or newton.predicted <= max(little, value_noise(evaluation))

    def verdict(
        self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step, patience_used: int
    ) -> Status | None:
        """See :class:`newtonkit.convergence.Criteria`."""
        status = super().verdict(evaluation, model, newton, patience_used)
        return self._without_radius(evaluation, model) if status is Status.SATURATED else status

    def verdict_when_stuck(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> Status:
        """See :class:`newtonkit.convergence.Criteria`."""
        if self.at_tolerance(evaluation):
            status = self._without_radius(evaluation, model)
        else:
            status = super().verdict_when_stuck(evaluation, model, newton)
        return Status.STALLED if status is Status.SATURATED else status

    def _without_radius(self, evaluation: PointEvaluation, model: CurvatureModel) -> Status:
        """Tell what a point is from which the value sees no way on: a minimum if the Newton step is still.

        Where values are noisy the radius collapses, and the step within it tells nothing.
        """
        if not self.at_tolerance(evaluation) or not model.is_convex:
            return Status.SATURATED
        newton = model.step(_FREE * (1.0 + size_of(evaluation.x)))
        still = super().is_still(evaluation, model, newton)
        return self.minimum_or_saturated(evaluation, model) if still else Status.SATURATED

    def minimum_or_saturated(self, evaluation: PointEvaluation, model: CurvatureModel) -> Status:
        """See :class:`newtonkit.convergence.Criteria`; an inflection is told by a look further along."""
        status = super().minimum_or_saturated(evaluation, model)
        if status.success and self._falls_beyond(evaluation, model):
            return Status.SATURATED
        return status

    def _falls_beyond(self, evaluation: PointEvaluation, model: CurvatureModel) -> bool:
        """Tell whether the value is lower far along the Newton step, or near by along flat directions.

        Beyond a minimum the value rises, however flat it is: for x^4 as well, not for x^3.
        """
        newton = model.step(_FREE * (1.0 + size_of(evaluation.x)))
        looks = [_FAR * newton.s] if newton.s.any() else []
        looks += [sign * _NEAR * step for step in model.flat_directions()[0].T for sign in (1.0, -1.0)]
        lower = evaluation.value - _MORE_THAN_ROUNDING * abs(evaluation.value)
        ends = (evaluation.along(look, look) for look in looks)
        return any(end is not None and end.value < lower for end in ends)

    def has_lost_curvature(self, evaluation: PointEvaluation, model: CurvatureModel) -> bool:
        """Tell nothing: a flat direction may be a valley of minima as well as a plateau."""
        return False
