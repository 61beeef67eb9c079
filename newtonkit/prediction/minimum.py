"""Where a problem has its minimum, and below which distance from it everything is rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.certificates.gradients import enclosed_gradient
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.metric import size_of
from newtonkit.minimizer import minimize
from newtonkit.problems import Evaluation, Problem
from newtonkit.problems.hessian import StructuredHessian

SINGULAR = "the Hessian is singular in float64 at this condition"
_GTOL = 1e-14
_POLISHES = 3
_FLOOR = 10.0
PARTS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where A x is cut in two by :func:`carried`."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """A minimum x*, and how well floating point can know it.

    Attributes
    ----------
    x : ndarray, shape (d,)
        x*.
    hessian : StructuredHessian
        H(x*).
    floor : float
        Distances below this, in the H(x*) norm, may be rounding.
    euclidean_floor : float
        The same for Euclidean distances.
    axes : ndarray, shape (d, d)
        T with T^T H(x*) T = I.
    """

    x: FloatArray
    hessian: StructuredHessian
    floor: float
    euclidean_floor: float
    axes: FloatArray

    def distance(self, x: FloatArray) -> float:
        """Return ||x - x*|| in the H(x*) norm."""
        return length(self.hessian, x - self.x)

    def direction(self, generator: np.random.Generator) -> FloatArray:
        """Return a random step of length 1 in the H(x*) norm, all directions of which count the same."""
        z = np.asarray(generator.standard_normal(self.axes.shape[1]))
        return np.asarray(self.axes @ (z / size_of(z)))


def length(hessian: StructuredHessian, step: FloatArray) -> float:
    """Return the length of a step in the norm of a Hessian, as a sum over rows."""
    with one_blas_thread():
        columns = step[:, None]
        square = hessian.restricted(columns, hessian.design.product(columns))[0, 0]
    return float(np.sqrt(max(float(square), 0.0)))


def newton_step(evaluation: Evaluation, gradient: FloatArray | None = None) -> FloatArray:
    """Return the exact Newton step, whatever the sign of the curvature.

    Parameters
    ----------
    evaluation : Evaluation
        The point.
    gradient : ndarray of shape (d,), optional
        A better gradient than the one that it has.

    Raises
    ------
    ValueError
        If the Hessian is singular.
    """
    slope = evaluation.gradient if gradient is None else gradient
    dense = evaluation.hessian.to_dense()
    scale = 1.0 / np.sqrt(np.abs(np.diagonal(dense)))
    try:
        step = np.linalg.solve(scale[:, None] * dense * scale, -scale * slope)
    except np.linalg.LinAlgError as error:
        raise ValueError(SINGULAR) from error
    return np.asarray(scale * step)


def carried(problem: Problem, x: FloatArray, part: float) -> Evaluation:
    """Return the evaluation at x with A x from two parts, as a solver carries it along its steps."""
    begin = problem.evaluate(part * x)
    rest = x - begin.x
    end = begin.along(rest, problem.design.product(rest))
    return problem.evaluate(x) if end is None else end


def minimum_of(problem: Problem, x0: FloatArray | None = None) -> Minimum:
    """Return the minimum of a problem to which the exact method leads.

    Its end is polished by Newton steps with gradients in double-double arithmetic.  The floor
    is ten times the longest of: the last of these steps; the way that they went in all; the
    Newton step that float64 gradients still see at x*, with A x* computed at once and as a
    solver carries it along, which no iterate can escape.

    Parameters
    ----------
    problem : Problem
        The problem.
    x0 : ndarray of shape (d,), optional
        The start; zeros by default.

    Raises
    ------
    ValueError
        If the end is no minimum, or the Hessian there is singular in float64.
    """
    result = minimize(problem, x0, method="exact", gtol=_GTOL, max_iter=500)
    if result.status.name == "INTERRUPTED":
        raise KeyboardInterrupt
    if not result.success:
        raise ValueError(f"the exact method finds no minimum: {result.message}")
    x, step = np.asarray(result.x), np.zeros_like(result.x)
    for _ in range(_POLISHES):
        here = problem.evaluate(x)
        step = newton_step(here, enclosed_gradient(problem, x)[0])
        x = x + step
    here = problem.evaluate(x)
    ends = [here, *(carried(problem, x, part) for part in PARTS)]
    errors = [step, x - result.x, *(newton_step(end) for end in ends)]
    return Minimum(
        x,
        here.hessian,
        _FLOOR * max(length(here.hessian, error) for error in errors),
        _FLOOR * max(size_of(error) for error in errors),
        _axes(here.hessian),
    )


def _axes(hessian: StructuredHessian) -> FloatArray:
    """Return T with T^T H T = I, from H with a unit diagonal."""
    dense = hessian.to_dense()
    scale = 1.0 / np.sqrt(np.abs(np.diagonal(dense)))
    values, vectors = np.linalg.eigh(scale[:, None] * dense * scale)
    # The entries of H are rounded: below this, even the sign of an eigenvalue may be wrong.
    if abs(values[0]) <= _FLOOR * len(values) * np.finfo(float).eps * values[-1]:
        raise ValueError(SINGULAR)
    if not values[0] > 0.0:
        raise ValueError(f"scaled to a unit diagonal, H(x*) has the eigenvalue {values[0]:.2g}")
    return np.asarray(scale[:, None] * vectors / np.sqrt(values))
