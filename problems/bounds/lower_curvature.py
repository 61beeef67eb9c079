"""Row weights from which the Hessian cannot fall over a ball: lower bounds of curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.activations import Exp
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE
from newtonkit.problems.bounds.shares import Shares, surprise
from newtonkit.problems.bounds.third_normalised import normalised_ranges
from newtonkit.problems.bounds.third_rescaled import rescaled_errors
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.grouped import RescaledSquares
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.rowwise import RowwiseLoss

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class CurvatureWeights:
    """Row weights c with l'' >= diag(c), or, if centred, >= diag(c) on rows less their own mean.

    Attributes
    ----------
    weights : ndarray, shape (n,)
        c, -inf where nothing is known; at least 0 if centred.
    centred : bool
        Whether it is sum_i c_i (omega_i - m)^2, m the mean of omega under c in each group, that
        the second derivative of l along omega is at least.
    """

    weights: FloatArray
    centred: bool = False


def curvature_weights(ball: RowBall) -> CurvatureWeights:
    """Return weights from which the second derivative of l cannot fall over a ball.

    Along omega, with the notation of the files of third derivatives (all derived here):

    ==============  ==============================================================================
    sum over rows   <s loss'', omega^2>: c = s min loss''
    rescaled        <s r', r'> + <s e f'', omega^2>: c = s min(e f'')
    softmax         E[g omega^^2], g = 2 p - b - (P - beta) + gamma (1 + tau): where g >= 0 a
                    variance under unnormalised weights, least at its own mean and with the least
                    weights, c = s min(p) min(g), centred; else c = -max(-g) s max(p), because
                    E[omega^^2] <= E[omega^2]
    cross-entropy   the same with g = <s b, 1>
    normalised      <s p', p'> + <s e v_2, omega^2> - 2 alpha_1 <s e v_1, omega>:
                    c = s min(e v_2) - 2 ||s v_1|| ||s e v_1|| (Cauchy and Schwarz)
    ==============  ==============================================================================

    all times the weight t of the group.
    """
    outer = ball.problem.outer
    if isinstance(outer, RowwiseLoss):
        second = outer.ranges(ball.predictions, outer.target)[0]
        return CurvatureWeights(_counted_lower(ball, second))
    if isinstance(outer, RescaledSquares):
        (_, _, second, _), e = rescaled_errors(ball, outer)
        return CurvatureWeights(_counted_lower(ball, ball.spread(outer.group_weights) * (e * second)))
    if isinstance(outer, SoftmaxLogLoss):
        mass = ball.sums(Interval.exactly(outer.target))
        return _of_shares(ball, Shares.over(ball), ball.spread_interval(mass), outer.group_weights)
    assert isinstance(outer, NormalisedSquares)
    if type(outer.activation) is not Exp:
        return _normalised(ball, outer)
    shares, b = Shares.over(ball), outer.target
    p = shares.p
    g = 2.0 * p - b - ball.spread_interval(ball.sums(p.square()) - ball.sums(p * b))
    if outer.entropy_weight != 0.0:
        g = g + outer.entropy_weight * (surprise(ball, shares) + 1.0)
    return _of_shares(ball, shares, g, outer.group_weights)


def _counted_lower(ball: RowBall, values: Interval) -> FloatArray:
    """Return s times the lower ends; 0 where s is 0."""
    return np.where(ball.weights > 0.0, (values * ball.weights).lo, 0.0)


def _of_shares(ball: RowBall, shares: Shares, g: Interval, t: FloatArray) -> CurvatureWeights:
    starts = ball.problem.outer.groups.starts
    deepest = np.maximum.reduceat(np.where(ball.weights > 0.0, -g.lo, -np.inf), starts)
    if (deepest <= 0.0).all():
        lower = (Interval(shares.p.lo, shares.p.lo) * g).lo
        weights = np.where(ball.weights > 0.0, ball.spread(t) * ball.weights * lower, 0.0)
        return CurvatureWeights(np.maximum(weights / ABOVE, 0.0), centred=True)
    falls = ball.counted(shares.p.hi * ball.spread(np.maximum(t * deepest, 0.0)))
    return CurvatureWeights(-falls * ABOVE)


def _normalised(ball: RowBall, outer: NormalisedSquares) -> CurvatureWeights:
    known = normalised_ranges(ball, outer)
    if known is None:
        return CurvatureWeights(np.full(len(ball.u), -np.inf))
    e, v1, v2 = known.e, known.v1, known.v2
    starts = outer.groups.starts
    norms = [np.sqrt(np.add.reduceat(ball.counted(v.magnitude()) ** 2, starts)) for v in (v1, e * v1)]
    falls = ball.spread(2.0 * outer.group_weights * norms[0] * norms[1]) * ABOVE
    return CurvatureWeights(_counted_lower(ball, ball.spread(outer.group_weights) * (e * v2)) - falls)
