"""The shares of a softmax over a ball."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE, Rows

_EPS = float(np.finfo(np.float64).eps)
_TINY = 1e-300
_DEEPEST = 750.0  # exp(-750) is 0


@dataclass(frozen=True)
class Shares:
    """The softmax shares over a ball of radius r.

    With K(z) = log E_x[exp(omega)] for the step z, p_i(y) = p_i(x) exp(omega_i - K).  K is
    convex with gradient E_y[omega] and Hessian Cov_y(omega), so that, with eta >= |E_x[omega]|
    (rounding alone keeps it from 0) and sigma^2 >= E_y[omega^2] for directions of length 1,

        -r eta <= K <= min(r eta + r^2 sigma^2 / 2, r max nu),
        p_i(x) exp(-r nu_i - max K) <= p_i(y) <= min(1 / s_i, p_i(x) exp(r (nu_i + eta))),
        |alpha| <= min(eta + r sigma^2, sigma).

    sigma^2 is the largest eigenvalue of sum_i s_i p_i omega_i^2 with the upper ends of p, or
    their trace in one group alone, or max nu^2.

    Attributes
    ----------
    rows : Rows
        The centred rows.
    at_centre : ndarray, shape (n,)
        p at x.
    p : Interval, shape (n,)
        p over the ball.
    sigma : ndarray, shape (m,)
        sigma of each group.
    alpha : ndarray, shape (m,)
        A bound of alpha in each group.
    log_factor : ndarray, shape (m,)
        The upper bound of K.
    """

    rows: Rows
    at_centre: FloatArray
    p: Interval
    sigma: FloatArray
    alpha: FloatArray
    log_factor: FloatArray

    @classmethod
    def over(cls, ball: RowBall) -> Shares:
        """Return the shares over a ball."""
        groups, s, r = ball.problem.outer.groups, ball.weights, ball.radius
        f = np.exp(ball.u - ball.spread(np.maximum.reduceat(ball.u, groups.starts)))
        p = f / ball.spread(groups.sums(s * f))
        error = np.expm1(2.0 * float(ball.error.max()) + _EPS * (groups.counts.max() + 2.0 * _DEEPEST + 20.0))
        rows, eta = ball.rows.centred(s * p, float(error))
        nu = rows.norms
        most_nu = np.maximum.reduceat(np.where(s > 0.0, nu, 0.0), groups.starts)
        cap = np.where(s > 0.0, 1.0 / np.where(s > 0.0, s, 1.0), np.inf)
        above = (p * (1.0 + error) + _TINY) * np.exp(r * (nu + ball.spread(eta)) * ABOVE) * ABOVE
        above = np.where(np.isnan(above), np.inf, above)
        p_hi = np.minimum(cap * ABOVE, above)
        traces = groups.sums(ball.counted(p_hi) * nu**2) * ABOVE
        square = np.minimum(np.minimum(rows.largest(ball.counted(p_hi)), traces), most_nu**2 * ABOVE)
        log_factor = np.minimum(r * eta + 0.5 * r * r * square, r * most_nu) * ABOVE
        below = p * (1.0 - error) * np.exp(-(r * nu + ball.spread(log_factor)) * ABOVE) / ABOVE
        sigma = np.sqrt(square) * ABOVE
        alpha = np.minimum(eta + r * square, sigma) * ABOVE
        return cls(rows, p, Interval(np.maximum(below, 0.0), p_hi), sigma, alpha, log_factor)


def surprise(ball: RowBall, shares: Shares) -> Interval:
    """Return tau = u - E[u] over the ball; any number may be taken from u first."""
    groups, s = ball.problem.outer.groups, ball.weights
    mean = groups.sums(s * shares.at_centre * ball.u)
    u = Interval.around(ball.u, (ball.radius * shares.rows.norms + ball.error) * ABOVE)
    moved = u - ball.spread(mean)
    return moved - ball.spread_interval(ball.sums(shares.p * moved))
