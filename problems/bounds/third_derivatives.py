"""Bounds of the third derivative of a problem over a ball: the Lipschitz constant of its Hessian.

D^3 L is a symmetric form of three directions, and the norm of such a form is attained with all
three the same (Banach 1938), so a bound of |D^3 L[v, v, v]| for all v of length 1 bounds
|D^3 L[w, v, v]| too, and

    |v^T (H(y) - H(z)) v| = |integral of D^3 L[y - z, v, v]| <= M ||y - z||.

Ridge and row penalties are quadratic and add nothing.  Each structure has its own file:
``third_rowwise``, ``third_rescaled``, ``third_softmax``, ``third_normalised`` and ``third_logarithmic``.
"""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.problems.activations import Activation, Exp
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE
from newtonkit.problems.bounds.third_normalised import normalised_bound
from newtonkit.problems.bounds.third_rescaled import rescaled_bound
from newtonkit.problems.bounds.third_rowwise import rowwise_bound
from newtonkit.problems.bounds.third_softmax import cross_entropy_bound, softmax_squares_bound
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.grouped import RescaledSquares
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.outer import OuterFunction, quiet
from newtonkit.problems.rowwise import ElementwiseSquares, RowwiseLoss

LOSSES = (ElementwiseSquares, RescaledSquares, NormalisedSquares, SoftmaxLogLoss)
"""The losses of which all is known; what derives from them may be another function."""
_UNDERFLOW = 1e-150  # products of three numbers of 1e-140 vanish: what may be lost by that, and more


def third_derivative_bound(
    evaluation: Evaluation, radius: float, transform: FloatArray | None = None
) -> float:
    """Return M >= |D^3 L(y)[w, v, v]| for all ||w|| = ||v|| = 1 and all y in a ball.

    Parameters
    ----------
    evaluation : Evaluation
        The problem at the centre x.
    radius : float
        The ball is y = x + X z with ||z|| <= radius.
    transform : ndarray of shape (d, d), optional
        X; the identity by default.  Derivatives are with respect to z.

    Returns
    -------
    float
        M, rounding errors included; infinite where nothing is known.

    Raises
    ------
    TypeError
        If the loss or its activation is of one's own and has no ``ranges``.
    """
    require_ranges(evaluation.problem.outer)
    with quiet(), one_blas_thread():
        if not np.isfinite(evaluation.x).all():
            return float("inf")
        return third_bound(RowBall.about(evaluation.refreshed(), radius, transform))


def third_bound(ball: RowBall) -> float:
    """Return M over a ball that is given through its rows."""
    outer = ball.problem.outer
    if isinstance(outer, RowwiseLoss):
        bound = rowwise_bound(ball, outer)
    elif isinstance(outer, RescaledSquares):
        bound = rescaled_bound(ball, outer)
    elif isinstance(outer, SoftmaxLogLoss):
        bound = cross_entropy_bound(ball, outer)
    else:
        assert isinstance(outer, NormalisedSquares)
        is_softmax = type(outer.activation) is Exp  # what derives from it may be another function
        bound = softmax_squares_bound(ball, outer) if is_softmax else normalised_bound(ball, outer)
    largest = float(np.where(ball.weights > 0.0, ball.rows.norms, 0.0).max(initial=0.0))
    lost = _UNDERFLOW * (1.0 + largest * largest)
    return float("inf") if np.isnan(bound) else bound * ABOVE + lost


def require_ranges(outer: OuterFunction) -> None:
    """Raise TypeError unless all that a bound needs is known of an outer function."""
    is_own = type(outer) not in LOSSES
    if is_own and not (isinstance(outer, RowwiseLoss) and _has_ranges(type(outer), "terms", RowwiseLoss)):
        how = "write ranges(u, b), see RowwiseLoss" if isinstance(outer, RowwiseLoss) else "it is not known"
        raise TypeError(f"curvature bounds need the third derivative of {type(outer).__name__}: {how}")
    activation = getattr(outer, "activation", None)
    if activation is not None and not _has_ranges(type(activation), "__call__", Activation):
        name = type(activation).__name__
        raise TypeError(
            f"curvature bounds need the third derivative of {name}: write ranges(u), see Activation"
        )


def _has_ranges(kind: type, method: str, base: type) -> bool:
    """Tell whether ``ranges`` was written for a class, and belongs to the function it has now."""
    order = kind.__mro__
    ranges = next(k for k, c in enumerate(order) if "ranges" in vars(c))
    return order[ranges] is not base and ranges <= next(k for k, c in enumerate(order) if method in vars(c))
