"""What is true of a point, whatever the method that returned it said: judged from the problem alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from newtonkit.comparison.method import Run
from newtonkit.comparison.start import Start
from newtonkit.design import FloatArray
from newtonkit.problems import Evaluation, Problem

LARGEST_CHECKED = 2000
# Rounding in a Gram matrix with cancelling terms stays well under this share of its largest eigenvalue.
_CURVATURE_NOISE = 1e-10
# An entry this small beside the terms that it is a sum of is rounding: a column that changes
# nothing, such as one that is constant in every group, has no curvature of either sign.
_CANCELLED = 1e-13
# The share of its ordinary size below which curvature counts as gone, and the share of the
# value at the start below which a loss counts as fitted, so that it may well be gone.
_FLAT, _FITTED = 1e-10, 1e-6
# A fitted loss that a Newton step moves u this far from has no minimum near: it falls for ever,
# as on classes that can be separated.  Near a minimum, u moves by the root of the loss or so.
_FAR = 0.5
# What a gap must exceed to be another minimum: a share of the decrease from the start, the
# rounding of the values, and ten times what a Newton step from the point still promises.
_SHARE_OF_DECREASE = 1e-6
_ROUNDING = 1e-12
_NEWTON_STEPS = 10.0

_CUT_OFF = {"time": "time cap", "iterations": "iteration cap", "raised": "failed"}


@dataclass(frozen=True)
class Finding:
    """A point examined.

    Attributes
    ----------
    value : float
        L(x).
    relative_gradient : float
        ||g(x)|| relative to ||g(x0)||.
    tolerance_met : bool
        Whether that satisfies the tolerance.
    flat : bool
        Whether there is no curvature left though the loss is not about 0, or so little
        that a Newton step towards 0 leads far away.
    smallest_eigenvalue : float or None
        Of the Hessian; None if it was not computed.
    smallest_curvature : float or None
        The same of the Hessian with its columns brought to one scale, relative to the
        largest in size; None if it was not computed.
    promised : float
        The decrease that a Newton step from x promises; 0 if it was not computed.
    """

    value: float
    relative_gradient: float
    tolerance_met: bool
    flat: bool
    smallest_eigenvalue: float | None
    smallest_curvature: float | None
    promised: float

    @property
    def saddle(self) -> bool:
        """Whether there is negative curvature beyond rounding."""
        return self.smallest_curvature is not None and self.smallest_curvature < -_CURVATURE_NOISE


def examine(problem: Problem, run: Run, start: Start) -> Finding:
    """Evaluate the problem anew where a run ended."""
    here = problem.evaluate(run.x)
    norm = float(np.linalg.norm(here.gradient))
    relative = start.relative_gradient(norm, here.gradient_scale)
    met = start.tolerance_met(norm, here.gradient_scale)
    fitted = abs(here.value) <= _FITTED * abs(start.value)
    flat = met and not fitted and bool((np.abs(here.hessian.diagonal()) <= _FLAT * start.curvature).all())
    eigenvalue, curvature, promised = None, None, 0.0
    if problem.n_parameters <= LARGEST_CHECKED and np.isfinite(here.value):
        hessian = here.hessian.to_dense()
        eigenvalue = _smallest_eigenvalue(hessian)
        if met:
            sizes = np.sqrt(here.hessian.diagonal_sizes())
            cancelled = np.abs(hessian) <= _CANCELLED * sizes[:, None] * sizes
            curvature, promised, step = _curvature(np.where(cancelled, 0.0, hessian), here.gradient)
            far = float(np.abs(problem.row_steps(step[:, None])).max()) > _FAR
            flat = flat or (fitted and (far or (not hessian.any() and _is_level(problem, here))))
    return Finding(here.value, relative, met, flat, eigenvalue, curvature, promised)


def outcome(run: Run, finding: Finding, start: Start, best_value: float) -> str:
    """Say in two words at most how a run ended, in truth.

    A point at tolerance is saturated, or a saddle, or another minimum than the best, or
    else "reached".  One that is not is named by what cut the method off, or "stopped early"
    if nothing did.
    """
    if run.ending == "raised" or not finding.tolerance_met:
        return _CUT_OFF.get(run.ending, "stopped early")
    if finding.flat:
        return "saturated"  # and its Hessian is rounding: the signs of its eigenvalues mean nothing
    if finding.saddle:
        return "saddle"
    gap = finding.value - best_value
    noise = _ROUNDING * max(abs(best_value), abs(start.value))
    small = max(_SHARE_OF_DECREASE * (start.value - best_value), _NEWTON_STEPS * finding.promised, noise)
    return "reached" if gap <= small else "other minimum"


def _is_level(problem: Problem, here: Evaluation) -> bool:
    """Tell whether some move of one unit of u along a coordinate leaves the value as it is."""
    units = np.eye(problem.n_parameters)
    rows = problem.row_steps(units)
    for unit, row in zip(units, rows.T, strict=True):
        length = max(float(np.abs(row).max()), float(np.finfo(float).tiny))
        for step in (1.0 / length, -1.0 / length):
            moved = here.along(step * unit, step * row)
            if moved is not None and moved.value <= here.value:
                return True
    return False


def _smallest_eigenvalue(hessian: FloatArray) -> float | None:
    if not np.isfinite(hessian).all():
        return None
    return float(scipy.linalg.eigh(hessian, eigvals_only=True, subset_by_index=(0, 0))[0])


def _curvature(hessian: FloatArray, gradient: FloatArray) -> tuple[float, float, FloatArray]:
    """Return the smallest eigenvalue relative to the largest, half the Newton decrement, and the step.

    Rows and columns are first divided by the same numbers until their largest entries are
    near 1, which changes no sign of an eigenvalue: otherwise the negative curvature of a
    column in small units would drown in the rounding of one in large units.
    """
    scaled, scale = hessian.copy(), np.ones(len(hessian))
    for _ in range(4):
        largest = np.abs(scaled).max(axis=1)
        factor = 1.0 / np.sqrt(np.where(largest > 0.0, largest, 1.0))
        scaled = factor[:, None] * scaled * factor
        scale = scale * factor
    eigenvalues, vectors = scipy.linalg.eigh(scaled)
    size = float(np.abs(eigenvalues).max())
    if size == 0.0:
        return 0.0, 0.0, np.zeros_like(gradient)
    along = vectors.T @ (scale * gradient)
    kept = eigenvalues > _CURVATURE_NOISE * size
    promised = 0.5 * float(np.sum(along[kept] ** 2 / eigenvalues[kept]))
    step = scale * (vectors[:, kept] @ (along[kept] / eigenvalues[kept]))
    return float(eigenvalues[0]) / size, promised, step
