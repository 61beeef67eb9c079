"""When a smooth function, of which nothing more is known, is at a minimum."""

from __future__ import annotations

from dataclasses import dataclass

from newtonkit.convergence import Criteria, value_noise
from newtonkit.curvature import CurvatureModel, Step
from newtonkit.metric import size_of
from newtonkit.objective import PointEvaluation
from newtonkit.results import Status

_LEAST_SHARE, _MOST_SHARE = 1e-10, 1e-4
_UNMOVED = 1e-8


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

    def is_still(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> bool:
        """See :class:`newtonkit.convergence.Criteria`."""
        if not super().is_still(evaluation, model, newton):
            return False
        share = min(max(0.01 * self.gtol, _LEAST_SHARE), _MOST_SHARE)
        little = share * (self.start_value - evaluation.value)
        unmoved = size_of(newton.s) <= _UNMOVED * size_of(evaluation.x)
        return unmoved or newton.predicted <= max(little, value_noise(evaluation))

    def verdict_when_stuck(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> Status:
        """See :class:`newtonkit.convergence.Criteria`.

        Where the gradient is at tolerance and no step lowers the value, rounding hides what
        is left to gain, unless the Hessian says that there is a way down.
        """
        if self.at_tolerance(evaluation) and model.is_convex and not newton.on_boundary:
            return self.minimum_or_saturated(evaluation, model)
        status = super().verdict_when_stuck(evaluation, model, newton)
        return Status.STALLED if status is Status.SATURATED else status

    def has_lost_curvature(self, evaluation: PointEvaluation, model: CurvatureModel) -> bool:
        """Tell nothing: a flat direction may be a valley of minima as well as a plateau."""
        return False
