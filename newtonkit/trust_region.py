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
_BETTER_THAN_PREDICTED = 1.1
_SHRINK = 0.25
_GROW = 4.0
_MOST_TRIALS = 40
_WIDEST = 1e3


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


@dataclass
class _Trials:
    """Values along steps from one point, counted."""

    start: PointEvaluation
    out_of_time: Callable[[], bool]
    count: int = 0

    def __call__(self, s: FloatArray, a_s: FloatArray) -> PointEvaluation | None:
        self.count += 1
        trial = self.start.along(s, a_s)
        return trial if trial is not None and np.isfinite(trial.value) else None

    @property
    def exhausted(self) -> bool:
        return self.count >= _MOST_TRIALS or self.out_of_time()


def move(
    start: PointEvaluation, model: CurvatureModel, radius: float, out_of_time: Callable[[], bool]
) -> Move:
    """Return the best point that the model leads to from `start`."""
    trials = _Trials(start, out_of_time)
    step = model.step(radius)
    while step.on_boundary and step.predicted <= value_noise(start) and radius < _WIDEST:
        radius *= _GROW**2  # too short to be judged by the value
        step = model.step(radius)
    if step.predicted <= value_noise(start):
        return _judge_by_gradient(trials, model, step, radius)
    while True:
        trial = trials(step.s, step.a_s)
        ratio = -np.inf if trial is None else (start.value - trial.value) / step.predicted
        if trial is not None and ratio >= _ACCEPT:
            break
        if trials.exhausted or step.predicted <= value_noise(start):
            return Move(None, 0.0, ratio, _SHRINK * step.norm, trials.count, "no shorter step helps")
        step = model.step(_SHRINK * step.norm)
    if ratio < _POOR:
        return _shorten(trials, model, step, trial, ratio)
    if ratio > _GOOD and step.on_boundary:
        step, trial, ratio = _lengthen(trials, model, step, trial, ratio)
    if ratio > _BETTER_THAN_PREDICTED and not step.on_boundary:
        return _stretch(trials, step, trial, ratio, radius)
    grown = _GROW * step.norm if ratio > _GOOD else step.norm
    return Move(trial, step.norm, ratio, max(grown, radius) if ratio > _POOR else grown, trials.count)


def _shorten(
    trials: _Trials, model: CurvatureModel, step: Step, trial: PointEvaluation, ratio: float
) -> Move:
    """Go down the ladder of shorter steps as long as the value falls."""
    start = trials.start
    while not trials.exhausted:
        shorter = model.step(_SHRINK * step.norm)
        better = trials(shorter.s, shorter.a_s)
        if better is None or better.value >= trial.value:
            break
        step, trial = shorter, better
        ratio = (start.value - trial.value) / step.predicted
    radius = 2.0 * step.norm if ratio > _GOOD else _SHRINK * step.norm if ratio < _POOR else step.norm
    return Move(trial, step.norm, ratio, radius, trials.count)


def _lengthen(
    trials: _Trials, model: CurvatureModel, step: Step, trial: PointEvaluation, ratio: float
) -> tuple[Step, PointEvaluation, float]:
    """Widen the radius on the same model as long as its predictions hold."""
    while step.on_boundary and ratio > _GOOD and not trials.exhausted:
        longer = model.step(_GROW * step.norm)
        better = trials(longer.s, longer.a_s)
        if better is None or better.value >= trial.value:
            break
        step, trial = longer, better
        ratio = (trials.start.value - trial.value) / step.predicted
    return step, trial, ratio


def _stretch(trials: _Trials, step: Step, trial: PointEvaluation, ratio: float, radius: float) -> Move:
    """Go further along a Newton step that does better than predicted, at O(n) a trial."""
    factor, predicted = 1.0, step.predicted
    while not trials.exhausted:
        better = trials(2.0 * factor * step.s, 2.0 * factor * step.a_s)
        gain = -np.inf if better is None else trial.value - better.value
        if better is None or gain <= 0.1 * (trials.start.value - trial.value):
            break
        factor, trial = 2.0 * factor, better
    norm = factor * step.norm
    ratio = (trials.start.value - trial.value) / predicted
    return Move(trial, norm, ratio, max(_GROW * norm, radius), trials.count)


def _judge_by_gradient(trials: _Trials, model: CurvatureModel, step: Step, radius: float) -> Move:
    """Take a step whose decrease drowns in rounding if it makes the gradient smaller."""
    trial = trials(step.s, step.a_s)
    start = trials.start
    note = "judged by the gradient: the decrease is below rounding"
    level = trial is not None and trial.value - start.value <= value_noise(start)
    if trial is not None and level and model.dual_norm(trial.gradient) < model.dual_norm(start.gradient):
        return Move(trial, step.norm, np.nan, max(radius, step.norm), trials.count, note)
    return Move(None, 0.0, np.nan, radius, trials.count, note)
