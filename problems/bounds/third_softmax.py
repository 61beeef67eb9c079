"""The third derivative of losses of a softmax: squares, entropy, cross-entropy.

For f = exp a number added to u in a group changes nothing, so rows may be taken less any m: here
m = sum_i s_i p_i a_i at the centre x of the ball, which makes alpha = E[omega] vanish there.  E is
the mean under the shares s p at a point y of the ball, omega_i = <a_i - m, X v>, and
omega^ = omega - alpha.  Since p' = p omega^ along v and the same for every function of p,

    D^3 L[v, v, v] = t (E[w omega^^3] - 3 E[lambda omega^] E[omega^^2]),

                    w                              lambda
    squares         4 p - b - (P - beta)           2 p - b - (2 P - beta)
    - gamma H(p)    gamma (2 + tau)                gamma tau
    cross-entropy   <s b, 1>                       0

with P = <s p, p>, beta = <s p, b>, tau = u - E[u].  (The last line is a third cumulant; the second
kappa_4(v, v, v, u) + 2 kappa_3(v, v, v), because H = log a - E[u].)

With |omega_i| <= nu_i, |alpha| <= alpha_ and |E[lambda omega]| <= Lambda this is at most
sum_i rho_i omega^_i^2 for rho = t s p (|w| (nu + alpha_) + 3 Lambda), hence (Minkowski) at most

    (sqrt(largest eigenvalue of X^T A~^T diag(rho) A~ X) + sqrt(sum rho alpha_^2))^2,

and, E being a mean, at most the sum over groups of t max_i (|w_i| (nu_i + alpha_) + 3 Lambda)
(nu_i + alpha_)^2.  All derived here; :class:`Shares` says how p, alpha and E[omega^2] are bounded.
"""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE
from newtonkit.problems.bounds.shares import Shares, surprise
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.normalised import NormalisedSquares


def softmax_squares_bound(ball: RowBall, outer: NormalisedSquares) -> float:
    """Bound |D^3 L| for the squared loss of a softmax with entropy; see the module.

    Lambda is the lesser of two: |E[lambda omega]| at x plus the change row by row, and
    sqrt(E[lambda^2]) sigma.
    """
    shares, b = Shares.over(ball), outer.target
    p, t = shares.p, outer.group_weights
    squares, beta = ball.sums(p.square()), ball.sums(p * b)
    w = 4.0 * p - b - ball.spread_interval(squares - beta)
    pull = 2.0 * p - b - ball.spread_interval(2.0 * squares - beta)
    if outer.entropy_weight != 0.0:
        tau = outer.entropy_weight * surprise(ball, shares)
        w, pull = w + tau + 2.0 * outer.entropy_weight, pull + tau
    centred = RowBall(ball.problem, shares.rows, ball.u, ball.error, ball.radius)
    by_sum = centred.functional(p * pull, shares.at_centre * pull.middle())
    by_spread = np.sqrt(ball.sums(p * pull.square()).hi) * shares.sigma * ABOVE
    return _cubic_form(ball, shares, w.magnitude(), np.minimum(by_sum, by_spread), t)


def cross_entropy_bound(ball: RowBall, outer: SoftmaxLogLoss) -> float:
    """Bound |D^3 L| for the softmax cross-entropy: a third cumulant; see the module."""
    shares, none = Shares.over(ball), np.zeros(len(outer.groups))
    mass = ball.sums(Interval.exactly(outer.target)).magnitude()
    return _cubic_form(ball, shares, ball.spread(mass), none, outer.group_weights)


def _cubic_form(ball: RowBall, shares: Shares, w: FloatArray, pull: FloatArray, t: FloatArray) -> float:
    """Bound t (E[w omega^^3] - 3 E[lambda omega^] E[omega^^2]) from |w| and Lambda; see the module."""
    groups, alpha = ball.problem.outer.groups, ball.spread(shares.alpha)
    reach = shares.rows.norms + alpha
    cubic = w * reach + 3.0 * ball.spread(pull)
    rho = ball.spread(t) * ball.counted(shares.p.hi * cubic)
    rest = float(np.sum(np.where(shares.alpha > 0.0, groups.sums(rho) * shares.alpha**2, 0.0)))
    by_form = (np.sqrt(shares.rows.largest(rho)) + np.sqrt(rest)) ** 2
    top = np.where(ball.weights > 0.0, cubic * reach**2, 0.0)
    by_mean = float(np.dot(t, np.maximum.reduceat(top, groups.starts)))
    return float(np.fmin(by_form, by_mean)) * ABOVE
