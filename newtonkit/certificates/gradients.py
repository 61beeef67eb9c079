"""The gradient with a bound on every rounding error, in double-double ball arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.certificates.balls import Ball, outwards, quietly
from newtonkit.certificates.products import product, transposed_product
from newtonkit.certificates.slopes import outer_gradient
from newtonkit.design import FloatArray
from newtonkit.problems import Problem
from newtonkit.problems.arguments import as_point
from newtonkit.problems.outer import quiet


def enclosed_gradient(problem: Problem, x: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the gradient at x in float64, and a bound on the error of each entry.

    The true gradient is that of the exact function of real numbers, A^T (l'(u) + w^2 * (A x)) +
    ridge * x with u = A x + offset, of the data as they are stored and of x as a float64 vector;
    for w^2 stands the stored ``problem.row_penalty``.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    x : array_like, shape (d,)
        The point.

    Returns
    -------
    gradient : ndarray, shape (d,)
        The gradient, rounded to float64.
    error : ndarray, shape (d,)
        ``|true - gradient| <= error``, entry by entry: half a unit in the last place of the
        gradient, and beside that about 1e-28 of the sizes that are summed; infinite where something
        overflows, or x may lie outside the domain.

    Raises
    ------
    TypeError
        If the outer function, the activation or the design is not one of the package's own, or
        `x` does not hold real numbers.
    ValueError
        If `x` does not have shape (d,), or is not finite.

    Examples
    --------
    >>> import newtonkit as nk
    >>> from newtonkit.certificates.gradients import enclosed_gradient
    >>> gradient, error = enclosed_gradient(nk.ExpRegression([[1.0], [1.0]], [1.0, 3.0]), [0.0])
    >>> gradient, error < 1e-28
    (array([-2.]), array([ True]))
    """
    ball = gradient_ball(problem, x)
    return ball.hi, total_error(ball)


@quietly
def total_error(ball: Ball) -> FloatArray:
    """Return how far numbers in a ball may be from its upper part hi."""
    return outwards(np.abs(ball.lo) + ball.radius)


def gradient_ball(problem: Problem, x: ArrayLike) -> Ball:
    """Return the gradient at x as balls of shape (d,); see :func:`enclosed_gradient`."""
    point = _checked_point(problem, x)
    a_x = prediction_ball(problem, point)
    u = a_x if problem.offset is None else a_x + problem.offset
    rows = outer_gradient(problem.outer, u)
    if problem.row_penalty is not None:
        rows = rows + a_x * problem.row_penalty
    return transposed_product(problem.design, rows[None])[0] + Ball.exact(problem.ridge) * point


def prediction_ball(problem: Problem, x: ArrayLike) -> Ball:
    """Return A x as balls of shape (n,), without the offset; raises as :func:`enclosed_gradient` does."""
    return product(problem.design, Ball.exact(_checked_point(problem, x))[None])[0]


def _checked_point(problem: Problem, x: ArrayLike) -> FloatArray:
    with quiet():
        point = as_point(x, "x", problem.n_parameters).astype(np.float64)
    if not np.isfinite(point).all():
        raise ValueError("x must be finite, but holds NaN or infinity")
    return point
