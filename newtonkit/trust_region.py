"""One trust-region loop for convex and non-convex functions.

At each point the curvature model proposes a step.  Along it the function costs O(n), so
rejected steps are tried again shorter on the same model, and steps that do better than
predicted are tried again longer, before the next Hessian is formed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from newtonkit.convergence import value_noise
from newtonkit.curvature import CurvatureModel, Step
from newtonkit.design import FloatArray
from newtonkit.objective import PointEvaluation

_ACCEPT = 1e-4
_POOR = 0.25
_GOOD = 0.75
_BETTER_THAN_PREDICTED = 1.2
SHRINK = 0.25
_GROW = 2.0
_MOST_TRIALS = 40
_WIDEST = 1e3
# A change of the value by less than this share of it may be rounding that nobody knew of.
_DOUBTFUL_SHARE = 1e-9


@dataclass(frozen=True)
class Move:
    """What came of the trials from one point.

    Attributes
    ----------
    evaluation : PointEvaluation or None
        The new point; None if no step was accepted.
    step_norm : float
        Length of the accepted step.
    ratio : float
        Actual over predicted decrease of the accepted step, NaN where only the gradient was judged.
    radius : float
        Trust radius for the next model.
    trials : int
        Values computed.
    note : str
        Anything out of the ordinary.
    """

    evaluation: PointEvaluation | None
    step_norm: float
    ratio: float
    radius: float
    trials: int
    note: str = ""


@dataclass(frozen=True)
class _Trial:
    """A step tried: where it leads, and the actual over the predicted decrease."""

    step: Step
    end: PointEvaluation
    ratio: float

    def accepted(self, radius: float, trials: int) -> Move:
        """Return the move that this trial amounts to."""
        return Move(self.end, self.step.norm, self.ratio, radius, trials)


@dataclass
class _Trials:
    """Steps tried from one point, counted."""

    start: PointEvaluation
    out_of_time: Callable[[], bool]
    count: int = 0

    def end(self, s: FloatArray, a_s: FloatArray) -> PointEvaluation | None:
        """Return the evaluation after a step, None if there is no finite value."""
        self.count += 1
        end = self.start.along(s, a_s)
        return end if end is not None and np.isfinite(end.value) else None

    def attempt(self, step: Step) -> _Trial | None:
        """Try a step of the model; None if there is no finite value after it."""
        end = self.end(step.s, step.a_s)
        if end is None:
            return None
        decrease = self.start.value - end.value
        return _Trial(step, end, decrease / step.predicted if step.predicted > 0.0 else -np.inf)

    @property
    def exhausted(self) -> bool:
        """Whether it is time to stop trying."""
        return self.count >= _MOST_TRIALS or self.out_of_time()


def move(
    start: PointEvaluation, model: CurvatureModel, radius: float, out_of_time: Callable[[], bool]
) -> Move:
    """Return the best point that the model leads to from `start`."""
    trials = _Trials(start, out_of_time)
    step = model.step(radius)
    while step.on_boundary and step.predicted <= value_noise(start) and radius < _widest(start):
        radius *= 16.0  # too short to be judged by the value
        step = model.step(radius)
    if step.predicted <= value_noise(start):
        return _judge_by_gradient(trials, model, step, radius)
    first, trial = step, trials.attempt(step)
    while trial is None or trial.ratio < _ACCEPT:
        if trials.exhausted or step.predicted <= value_noise(start):
            if first.predicted <= _DOUBTFUL_SHARE * abs(start.value):
                return _judge_by_gradient(trials, model, first, first.norm)
            return Move(None, 0.0, -np.inf, SHRINK * step.norm, trials.count, "no shorter step helps")
        step = model.step(SHRINK * step.norm)
        radius = step.norm
        trial = trials.attempt(step)
    if trial.ratio < _POOR:
        return _shorten(trials, model, trial)
    trial = _lengthen(trials, model, trial)
    if trial.ratio > _BETTER_THAN_PREDICTED and not trial.step.on_boundary:
        return _stretch(trials, trial, radius)
    grown = _GROW if trial.ratio > _GOOD else 1.0
    return trial.accepted(max(grown * trial.step.norm, radius), trials.count)


def _widest(start: PointEvaluation) -> float:
    """Return how far a step may go that the value cannot judge, in units of u."""
    return _WIDEST * (1.0 + float(np.abs(start.u).max(initial=0.0)))


def _shorten(trials: _Trials, model: CurvatureModel, trial: _Trial) -> Move:
    """Go down the ladder of shorter steps as long as the value falls."""
    while not trials.exhausted:
        shorter = trials.attempt(model.step(SHRINK * trial.step.norm))
        if shorter is None or shorter.end.value >= trial.end.value:
            break
        trial = shorter
    change = 2.0 if trial.ratio > _GOOD else SHRINK if trial.ratio < _POOR else 1.0
    return trial.accepted(change * trial.step.norm, trials.count)


def _lengthen(trials: _Trials, model: CurvatureModel, trial: _Trial) -> _Trial:
    """Widen the radius on the same model as long as its predictions hold."""
    while trial.step.on_boundary and trial.ratio > _GOOD and not trials.exhausted:
        longer = trials.attempt(model.step(_GROW * trial.step.norm))
        if longer is None or longer.end.value >= trial.end.value:
            break
        trial = longer
    return trial


def _stretch(trials: _Trials, trial: _Trial, radius: float) -> Move:
    """Go further along a Newton step that does better than predicted, at O(n) a trial."""
    start, step, end, factor = trials.start, trial.step, trial.end, 1.0
    while not trials.exhausted:
        further = trials.end(2.0 * factor * step.s, 2.0 * factor * step.a_s)
        if further is None or end.value - further.value <= 0.1 * (start.value - end.value):
            break
        end, factor = further, 2.0 * factor
    ratio = (start.value - end.value) / step.predicted
    return Move(end, factor * step.norm, ratio, max(_GROW * factor * step.norm, radius), trials.count)


def _judge_by_gradient(trials: _Trials, model: CurvatureModel, step: Step, radius: float) -> Move:
    """Take a step that makes the gradient smaller and raises the value in its last digits at most.

    This is for where the decrease is predicted to drown in rounding, and for where no step of
    the model lowers a value that it predicts to fall in its last digits only: there is then
    more rounding than was thought.
    """
    end, start = trials.end(step.s, step.a_s), trials.start
    note = "judged by the gradient: the decrease is below rounding"
    doubt = max(value_noise(start), _DOUBTFUL_SHARE * abs(start.value))
    level = end is not None and end.value - start.value <= doubt
    if end is not None and level and model.dual_norm(end.gradient) < model.dual_norm(start.gradient):
        return Move(end, step.norm, np.nan, max(radius, step.norm), trials.count, note)
    return Move(None, 0.0, np.nan, radius, trials.count, note)
