"""When to stop: first-order tolerance, second-order check, saturation, the rounding floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.curvature import CurvatureModel, Step
from newtonkit.objective import PointEvaluation
from newtonkit.results import Status

_STILL = 1e-3
_GRADIENT_FLOOR = 256.0 * np.finfo(float).eps
_STUCK_FLOOR = 1e4 * np.finfo(float).eps
_VALUE_NOISE = 32.0 * np.finfo(float).eps
_FLAT_MASS = 1e-10
_PATIENCE = 8


@dataclass(frozen=True)
class Tolerances:
    """What a solve is held to.

    Attributes
    ----------
    gtol : float
        Bound on ||grad|| / S(x).
    mass : float
        Curvature mass of an ordinary point: the lesser of start and reference.
    """

    gtol: float
    mass: float


def relative_gradient(evaluation: PointEvaluation) -> float:
    """Return ||grad|| / S(x), 0 where both vanish."""
    size = float(np.linalg.norm(evaluation.gradient))
    return size / evaluation.gradient_scale if size > 0.0 else 0.0


def value_noise(evaluation: PointEvaluation) -> float:
    """Return how much of a difference of values may be rounding."""
    return _VALUE_NOISE * max(evaluation.loss_scale, abs(evaluation.value))


def relative_motion(evaluation: PointEvaluation, step: Step) -> float:
    """Return the largest change of u that a step makes, relative to 1 + |u|."""
    return float((np.abs(step.a_s) / (1.0 + np.abs(evaluation.u))).max(initial=0.0))


def at_tolerance(evaluation: PointEvaluation, tolerances: Tolerances) -> bool:
    """Tell whether the gradient is at tolerance, or at the level of its own rounding."""
    return relative_gradient(evaluation) <= max(tolerances.gtol, _GRADIENT_FLOOR)


def verdict(
    evaluation: PointEvaluation,
    model: CurvatureModel,
    newton: Step,
    tolerances: Tolerances,
    patience_used: int,
) -> Status | None:
    """Tell whether the point is an end, given the step of the model from it.

    A small gradient alone proves little: where p sits on a wrong row, or runs off to
    infinity, the gradient is tiny and so is the Hessian, while the Newton step keeps its
    length.  So a minimum needs a Newton step that hardly moves u.
    """
    if not at_tolerance(evaluation, tolerances):
        return None
    if _is_minimum(evaluation, model, newton):
        met = relative_gradient(evaluation) <= tolerances.gtol
        return Status.CONVERGED if met else Status.WORKING_PRECISION
    flat = model.is_flat or evaluation.curvature_mass <= _FLAT_MASS * tolerances.mass
    drowned = newton.predicted <= value_noise(evaluation)
    return Status.SATURATED if drowned and (flat or patience_used >= _PATIENCE) else None


def verdict_when_stuck(
    evaluation: PointEvaluation, model: CurvatureModel, newton: Step, tolerances: Tolerances
) -> Status:
    """Tell what a point is from which no step was accepted."""
    if at_tolerance(evaluation, tolerances):
        return Status.SATURATED
    at_floor = relative_gradient(evaluation) <= _STUCK_FLOOR
    if at_floor and _is_minimum(evaluation, model, newton):
        return Status.WORKING_PRECISION
    return Status.STALLED


def _is_minimum(evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> bool:
    if model.is_flat or not model.is_convex or newton.on_boundary:
        return False
    return relative_motion(evaluation, newton) <= _STILL
