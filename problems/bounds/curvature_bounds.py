"""Bounds of the curvature of a problem over a ball: l below every eigenvalue, M of how fast they move."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.problems.bounds.lower_curvature import curvature_weights
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE, DesignRows
from newtonkit.problems.bounds.third_derivatives import require_ranges, third_bound, third_derivative_bound
from newtonkit.problems.bounds.verified import VerifiedHessian, verified_hessian
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.outer import quiet
from newtonkit.problems.problem import Problem
from newtonkit.problems.proofs import CurvatureBounds

_MOST_DENSE = 2000
_SAME = 1e-9  # how far a norm that was computed in another way may be off


def bounds_over_ball(problem: Problem, x: FloatArray, radius: float) -> CurvatureBounds:
    """Return l and M over the ball ||y - x|| <= radius; see :meth:`Problem.curvature_bounds`."""
    require_ranges(problem.outer)
    at = problem.evaluate(x).refreshed()
    if not np.isfinite(at.x).all():
        raise ValueError("x must be finite, but holds NaN or infinity")
    return bounds_about(at, radius, verified_hessian(at))


def bounds_about(at: Evaluation, radius: float, hessian: VerifiedHessian) -> CurvatureBounds:
    """Return l and M over a ball about a point whose Hessian is known."""
    problem, here, bound = at.problem, hessian.lowest, third_derivative_bound(at, radius)
    with quiet(), one_blas_thread():
        fall = bound * radius * ABOVE if radius > 0.0 else 0.0
        near = here - fall - 1e-15 * (abs(here) + fall) if np.isfinite(here + fall) else -np.inf
        return CurvatureBounds(max(near, _from_rows(problem, RowBall.about(at, radius, None))), bound)


def _from_rows(problem: Problem, ball: RowBall) -> float:
    """Return a lower bound of the eigenvalues in a ball from weights that hold all over it.

    H(y) >= A^T diag(c + w^2) A + diag(ridge), or with centred rows in the part of c; with more
    than 2000 columns the least entry of the ridge, where c + w^2 >= 0.
    """
    known, rows = curvature_weights(ball), ball.rows
    assert isinstance(rows, DesignRows)
    penalty, ridge = problem.row_penalty, problem.ridge
    c = known.weights if penalty is None or known.centred else known.weights + penalty
    if not np.isfinite(c).all():
        return -np.inf
    least = float(ridge.min()) if (c >= 0.0).all() else -np.inf
    if len(ridge) > _MOST_DENSE:
        return least
    size = float(np.dot(np.abs(c), rows.norms**2)) + float(ridge.max())
    off = 0.0
    if known.centred:
        gram, size, off = _centred_gram(problem, rows, c, size)
        if penalty is not None:
            gram = gram + rows.gram(penalty)
            size += float(np.dot(penalty, rows.norms**2))
    else:
        gram = rows.gram(c)
    gram = gram + np.diag(ridge)
    if not np.isfinite(gram).all():
        return least
    return max(least, rows.lowest(gram, size) - off)


def _centred_gram(
    problem: Problem, rows: DesignRows, c: FloatArray, size: float
) -> tuple[FloatArray, float, float]:
    """Return the Gram of rows less their mean under c, its trace, and what the mean may be off."""
    groups = problem.outer.groups
    sums = groups.sums(c)
    shares = c / np.repeat(np.where(sums > 0.0, sums, 1.0), groups.counts)
    centred, off = rows.centred(shares, 4.0 * float(np.finfo(float).eps) * len(c))
    slack = float(np.dot(c, centred.sizes**2)) * 1e-15 * len(problem.ridge)
    return centred.gram(c), size + slack, float(np.dot(sums, off**2)) * ABOVE


def worst_case_bounds(problem: Problem, R: float) -> CurvatureBounds:
    """Return l and M in the worst case of the papers; see :meth:`Problem.paper_bounds`."""
    require_ranges(problem.outer)
    rows, (n, d) = DesignRows.of(problem, None), problem.design.shape
    with quiet(), one_blas_thread():
        ones, trace = np.ones(n), float(np.sum(rows.norms**2))
        smallest = rows.lowest(rows.gram(ones), trace) if d <= _MOST_DENSE else 0.0
        norm = float(np.sqrt(rows.largest(ones)))
        if norm > R * (1.0 + _SAME):
            raise ValueError(f"R must be at least the spectral norm of A, {norm:.6g}, got {R:.6g}")
        ball = RowBall.worst(problem, max(norm, R), R)
        known = curvature_weights(ball).weights
        penalty = 0.0 if problem.row_penalty is None else float(problem.row_penalty.min())
        least = penalty + min(0.0, float(known.min()))
        spread = max(smallest, 0.0) if least >= 0.0 else max(norm, R) * max(norm, R)
        lowest = float(problem.ridge.min()) + spread * least
        return CurvatureBounds(lowest - 1e-10 * abs(lowest), third_bound(ball))
