"""When to stop: first-order tolerance, second-order check, saturation, the rounding floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.curvature import CurvatureModel, Step
from newtonkit.design import FloatArray
from newtonkit.metric import size_of
from newtonkit.objective import Function, PointEvaluation
from newtonkit.results import Status

_EPS = float(np.finfo(float).eps)
_STILL = 1e-5
GRADIENT_FLOOR = 256.0 * _EPS
_STUCK_FLOOR = 1e4 * _EPS
_VALUE_NOISE = 16.0
_FLAT_MASS = 1e-10
_LOST_CURVATURE = 1e-8
_LOST_SHARE = 1e-6
_PATIENCE, _PATIENCE_WITH_FITS = 8, 40
_FITTED = 1e-10
_EDGE = 1e-6
_FAR = tuple(4.0**k for k in range(1, 11))


class Reference:
    """How curved the function is at an ordinary point, to tell a saturated one by.

    The ordinary point is x = 0, or the start where the function has no curvature at 0.

    Parameters
    ----------
    objective : Function
        The function.
    start : PointEvaluation
        The start of the solve.

    Attributes
    ----------
    mass : float
        The lesser curvature mass of the two points; 1 if there is none at either.
    """

    def __init__(self, objective: Function, start: PointEvaluation) -> None:
        origin = objective.origin()
        ordinary = np.isfinite(origin.value) and origin.curvature_mass > 0.0
        self._point = origin if ordinary else start
        masses = [point.curvature_mass for point in (start, self._point)]
        self.mass = min((mass for mass in masses if mass > 0.0), default=1.0)

    def has_lost_curvature(self, evaluation: PointEvaluation, model: CurvatureModel) -> bool:
        """Tell whether the function has gone flat, far and wide, where it used to be curved.

        Three kinds of directions have no curvature at a point: those that never have any
        (the constant shift of a softmax), tangents of a valley of minima, along which a
        move of one unit of u leaves the valley and raises the value, and those along which
        the function has saturated.  Only the last were curved at x = 0 and
        stay flat for a whole unit.
        """
        steps, rows = model.flat_directions()
        curvatures, turn = np.linalg.eigh(self._point.hessian.restricted(steps, rows))
        curved = np.abs(curvatures) > _LOST_CURVATURE * self._point.curvature_mass
        if any(
            _stays_flat(evaluation, steps @ w, rows @ w, curvature)
            for curvature, w in zip(np.abs(curvatures[curved]), turn[:, curved].T, strict=True)
        ):
            return True
        # An offset may have saturated the function at x = 0 as well, which then tells nothing.
        return bool(self._point.u.any()) and any(
            _changes_far_away(evaluation, steps @ w, rows @ w) for w in turn[:, ~curved].T
        )


def _stays_flat(evaluation: PointEvaluation, step: FloatArray, a_step: FloatArray, curvature: float) -> bool:
    """Tell whether a move of one unit of u, either way, meets next to nothing of `curvature`."""
    unit = 1.0 / float(np.abs(a_step).max())
    usual = 0.5 * curvature * unit * unit
    for sign in (unit, -unit):
        moved = evaluation.along(sign * step, sign * a_step)
        if moved is not None and abs(moved.value - evaluation.value) <= _LOST_SHARE * usual:
            return True
    return False


def _changes_far_away(evaluation: PointEvaluation, step: FloatArray, a_step: FloatArray) -> bool:
    """Tell whether the value stays as it is for one unit of u either way, but not for good.

    Where a step changes nothing at all, like the constant shift of a softmax, no distance
    does; on a plateau there is an edge somewhere.
    """
    unit = 1.0 / float(np.abs(a_step).max())
    change, noise = _EDGE * evaluation.loss_scale, value_noise(evaluation)
    for sign in (unit, -unit):
        for distance in (1.0, *_FAR):
            moved = evaluation.along(sign * distance * step, sign * distance * a_step)
            if distance == 1.0 and (moved is None or abs(moved.value - evaluation.value) > noise):
                break
            if moved is None or abs(moved.value - evaluation.value) > change:
                return True
    return False


def _rises_all_around(evaluation: PointEvaluation, model: CurvatureModel) -> bool:
    """Tell whether a move of one unit of u along any flat direction, either way, raises the value."""
    noise = value_noise(evaluation)
    for step, a_step in zip(*(columns.T for columns in model.flat_directions()), strict=True):
        unit = 1.0 / float(np.abs(a_step).max())
        for sign in (unit, -unit):
            moved = evaluation.along(sign * step, sign * a_step)
            if moved is not None and moved.value <= evaluation.value + noise:
                return False
    return True


def relative_gradient(evaluation: PointEvaluation) -> float:
    """Return ||grad|| / S(x), 0 where both vanish; infinite where S(x) alone is too small for a float."""
    size, scale = size_of(evaluation.gradient), evaluation.gradient_scale
    if size == 0.0:
        return 0.0
    return size / scale if scale > 0.0 else np.inf


def is_at_tolerance(evaluation: PointEvaluation, gtol: float) -> bool:
    """Tell whether ||grad|| / S is at the tolerance, or at the level of its own rounding."""
    return relative_gradient(evaluation) <= max(gtol, GRADIENT_FLOOR)


def value_noise(evaluation: PointEvaluation) -> float:
    """Return how much of a difference of values may be rounding."""
    return _VALUE_NOISE * evaluation.value_rounding


def relative_motion(evaluation: PointEvaluation, step: Step) -> float:
    """Return the largest change of u that a step makes, relative to 1 + |u|, or its length if more.

    The length counts where a penalty pulls on x along directions that leave u alone.
    """
    return max(float((np.abs(step.a_s) / (1.0 + np.abs(evaluation.u))).max(initial=0.0)), step.norm)


@dataclass(frozen=True)
class Criteria:
    """What makes a point an end of the solve.

    Attributes
    ----------
    gtol : float
        Tolerance on ||grad|| / S(x).
    reference : Reference
        How curved the function ordinarily is.
    """

    gtol: float
    reference: Reference

    def at_tolerance(self, evaluation: PointEvaluation) -> bool:
        """Tell whether the gradient is at tolerance, or at the level of its own rounding."""
        return self.met(evaluation) or is_at_tolerance(evaluation, 0.0)

    def met(self, evaluation: PointEvaluation) -> bool:
        """Tell whether the gradient is at tolerance."""
        return relative_gradient(evaluation) <= self.gtol

    def is_still(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> bool:
        """Tell whether the model is convex and its minimiser hardly moves u."""
        if newton.on_boundary:
            return False
        bound = min(max(0.1 * np.sqrt(self.gtol), _STILL), 0.01)
        # The order matters: a model may have to look for negative curvature first.
        return bool(self.motion(evaluation, newton) <= bound and model.is_convex)

    def motion(self, evaluation: PointEvaluation, step: Step) -> float:
        """Return how far a step moves u, relative to its size."""
        return relative_motion(evaluation, step)

    def leaves_as_is(self, evaluation: PointEvaluation, step: Step, ulps: float) -> bool:
        """Tell whether a step changes nothing but so many units in the last place."""
        return self.motion(evaluation, step) <= ulps * _EPS

    def verdict(
        self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step, patience_used: int
    ) -> Status | None:
        """Tell whether the point is an end, given the step of the model from it.

        A small gradient alone proves little: where p sits on a wrong row, or runs off to
        infinity, the gradient is tiny and so is the Hessian, while the Newton step keeps
        its length.  So a minimum needs a Newton step that hardly moves u, and directions
        without curvature must have had none to begin with.
        """
        small = self.at_tolerance(evaluation)
        settled = self.leaves_as_is(evaluation, newton, 1.0)
        if (settled or small) and self.is_still(evaluation, model, newton):
            return self.minimum_or_saturated(evaluation, model)
        flat = small and evaluation.curvature_mass <= _FLAT_MASS * self.reference.mass
        # A loss that falls to 0 can always fall further; beside its size that is nothing.
        size = _VALUE_NOISE * _EPS * evaluation.loss_scale
        drowned = newton.predicted <= max(value_noise(evaluation), size)
        # A loss of about 0 may be on its way into an exact fit, however flat it is there.
        fitted = abs(evaluation.value) <= _FITTED * evaluation.loss_scale
        patience = _PATIENCE_WITH_FITS if fitted else _PATIENCE
        worn_out = (flat and not fitted) or patience_used >= patience
        return Status.SATURATED if drowned and worn_out else None

    def verdict_when_stuck(self, evaluation: PointEvaluation, model: CurvatureModel, newton: Step) -> Status:
        """Tell what a point is from which no step was accepted."""
        if self.at_tolerance(evaluation):
            return Status.SATURATED
        at_floor = relative_gradient(evaluation) <= _STUCK_FLOOR
        settled = self.leaves_as_is(evaluation, newton, 4.0)
        if (at_floor or settled) and self.is_still(evaluation, model, newton):
            return self.minimum_or_saturated(evaluation, model)
        return Status.STALLED

    def minimum_or_saturated(self, evaluation: PointEvaluation, model: CurvatureModel) -> Status:
        """Tell what a point is at which the gradient is small and the Newton step leads nowhere."""
        if evaluation.curvature_mass == 0.0:
            saturated = not _rises_all_around(evaluation, model)
        else:
            saturated = self.has_lost_curvature(evaluation, model)
        if saturated:
            return Status.SATURATED
        return Status.CONVERGED if self.met(evaluation) else Status.WORKING_PRECISION

    def has_lost_curvature(self, evaluation: PointEvaluation, model: CurvatureModel) -> bool:
        """Tell whether directions without curvature had some to begin with."""
        return self.reference.has_lost_curvature(evaluation, model)
