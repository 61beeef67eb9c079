"""The third derivative of the normalised squared loss where the logarithm of |f| is smooth.

Shares p = f/a do not change when all f of a group are multiplied by the same factor, so along
u + t omega the curves f exp(-kappa t) serve as well for any kappa, and the formula of
``third_normalised`` holds with the derivatives V_k (over a) of these in place of v_k omega^k:

    D^3 L[v, v, v] = <s e, V_3> + 3 <s V_1, V_2> - 3 alpha_1 (<s q, V_2> + 2 <s V_1, V_1>)
                     - 3 alpha_2 lambda + 6 alpha_1^2 mu,
    alpha_k = <s, V_k>,   lambda = <s (q - P), V_1>,   mu = <s (q + p - P), V_1>.

With kappa = <m, X v>, m = A^T (s v_1) at the centre x of the ball, alpha_1 vanishes at x: what is
common to all rows has cancelled, as in the Gauss-Newton rows v_1i a_i - p_i m.  lambda is the same
as without kappa, because <s p, q> = P; mu is less by P kappa.  Where f is not 0 in the ball,
with g = log |f| and chi = g' omega - kappa,

    V_1 = p chi,   V_2 = p (chi^2 + g'' omega^2),   V_3 = p (chi^3 + 3 chi g'' omega^2 + g''' omega^3),

so that the row adds at most, with |chi| <= chi_ = ||X^T (g'(x) a - m)|| + max |g' - g'(x)| nu,

    s |p| (|e + 3 p| chi_ + 3 A |q + 2 p| + 3 Lambda) chi^2
    + s |p| (3 |q g''| chi_ + |e g'''| nu + 3 A |q g''| + 3 Lambda |g''|) omega^2.

Where f may be 0, p is small and kappa is written out: with |kappa| <= K and
2 |kappa omega| <= kappa^2 + omega^2,

    |V_1| <= z = |v_1| nu + |p| K,    V_1^2 <= 2 v_1^2 omega^2 + 2 p^2 kappa^2,
    |V_2| <= (|v_2| + |v_1|) omega^2 + (|v_1| + |p|) kappa^2,
    |V_3| <= (|v_3| nu + 3 |v_2| K) omega^2 + (3 |v_1| nu + |p| K) kappa^2.

The forms in chi^2, omega^2 and kappa^2 are bounded one by one; chi^2 by Minkowski from the rows
g'(x) a - m and the change of g' over the ball.  All derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import ABOVE, DesignRows, ScaledRows


@dataclass(frozen=True)
class NormalisedRanges:
    """What the normalised loss is made of over a ball; the names of ``third_normalised``.

    Attributes
    ----------
    f, p, v1, v2, v3, e, q : Interval, shape (n,)
        Activation, shares, derivatives over a, and residuals.
    squares : Interval, shape (m,)
        P.
    lam, mu : ndarray, shape (m,)
        Bounds of the two sums.
    """

    f: tuple[Interval, ...]
    p: Interval
    v1: Interval
    v2: Interval
    v3: Interval
    e: Interval
    q: Interval
    squares: Interval
    lam: FloatArray
    mu: FloatArray


@dataclass(frozen=True)
class LogarithmicParts:
    """What the formula is bounded with; the names of the module.

    Attributes
    ----------
    scaled : ScaledRows
        The rows g'(x) a - m.
    moved : ndarray, shape (n,)
        How far g' may be from g'(x).
    chi, second, third : ndarray, shape (n,)
        Bounds of |chi|, |g''| and |g^(3)|, infinite where f may be 0.
    alpha, kappa : ndarray, shape (m,)
        Bounds of |alpha_1| and |kappa|.
    """

    scaled: ScaledRows
    moved: FloatArray
    chi: FloatArray
    second: FloatArray
    third: FloatArray
    alpha: FloatArray
    kappa: FloatArray


def logarithmic_parts(ball: RowBall, known: NormalisedRanges) -> LogarithmicParts:
    """Return what the formula is bounded with.

    alpha_1 = <s v_1, omega> - kappa is the change of v_1 over the ball, and the rounding of kappa.
    """
    rows, groups = ball.rows, ball.problem.outer.groups
    assert isinstance(rows, DesignRows)
    f, first, second, third = known.f
    inverse = f.reciprocal()
    g1, relative = first * inverse, second * inverse
    g2 = relative - g1.square()
    g3 = third * inverse - 3.0 * g1 * relative + 2.0 * g1 * g1.square()
    middle = known.v1.middle()
    pull = ball.weights * middle
    scaled = ScaledRows.made(rows, g1.middle(), rows.group_sums(pull))
    moved = g1.reach_from(g1.middle())
    change = ball.counted(known.v1.reach_from(middle)) * rows.norms
    alpha = groups.sums(change + np.abs(pull) * rows.rounding) * ABOVE
    kappa = rows.sums(pull, np.zeros(len(pull)))
    chi = scaled.norms + moved * rows.norms
    return LogarithmicParts(scaled, moved, chi, g2.magnitude(), g3.magnitude(), alpha, kappa)


def row_weights(
    ball: RowBall, known: NormalisedRanges, parts: LogarithmicParts
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return the weights of (chi^2, omega^2) by the logarithm, and of (omega^2, kappa^2) without it.

    In either way they bound what a row adds to all but the last term of the formula.
    """
    nu, chi = ball.rows.norms, parts.chi
    a, lam, k = ball.spread(parts.alpha), ball.spread(known.lam), ball.spread(parts.kappa)
    p, e, q, v1, v2, v3 = (
        values.magnitude() for values in (known.p, known.e, known.q, known.v1, known.v2, known.v3)
    )
    cubic, mixed = (known.e + 3.0 * known.p).magnitude(), (known.q + 2.0 * known.p).magnitude()
    on_chi = p * (cubic * chi + 3.0 * a * mixed + 3.0 * lam)
    on_omega = p * (3.0 * (q * (chi + a) + lam) * parts.second + e * parts.third * nu)
    of_v2 = 3.0 * (v1 * nu + p * k + a * q + lam)
    plain_omega = e * (v3 * nu + 3.0 * v2 * k) + of_v2 * (v2 + v1) + 12.0 * a * v1**2
    plain_kappa = e * (3.0 * v1 * nu + p * k) + of_v2 * (v1 + p) + 12.0 * a * p**2
    return (on_chi, on_omega), (plain_omega, plain_kappa)


def logarithmic_bound(ball: RowBall, known: NormalisedRanges, t: FloatArray) -> float:
    """Bound |D^3 L| as the module says: in every row by the logarithm or not, whichever is less."""
    rows, parts = ball.rows, logarithmic_parts(ball, known)
    (on_chi, on_omega), (plain_omega, plain_kappa) = row_weights(ball, known, parts)
    nu, k, t_rows = rows.norms, ball.spread(parts.kappa), ball.spread(t)
    smooth = on_chi * parts.chi**2 + on_omega * nu**2 < plain_omega * nu**2 + plain_kappa * k**2
    on_chi = t_rows * ball.counted(np.where(smooth, on_chi, 0.0))
    on_omega = t_rows * ball.counted(np.where(smooth, on_omega, plain_omega))
    rest = t_rows * ball.counted(np.where(smooth, 0.0, plain_kappa * k**2))
    moved = np.where(smooth, parts.moved, 0.0)
    by_chi = np.sqrt(parts.scaled.largest(on_chi)) + np.sqrt(rows.largest(on_chi * moved**2))
    mu = known.mu + known.squares.magnitude() * parts.kappa
    constant = float(rest.sum() + np.dot(t, 6.0 * parts.alpha**2 * mu))
    return float((by_chi**2 + rows.largest(on_omega) + constant) * ABOVE)
