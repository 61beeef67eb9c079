"""The third derivative of the normalised squared loss for any activation."""

from __future__ import annotations

import numpy as np

from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import DesignRows
from newtonkit.problems.bounds.third_logarithmic import NormalisedRanges, logarithmic_bound
from newtonkit.problems.normalised import NormalisedSquares


def normalised_bound(ball: RowBall, outer: NormalisedSquares) -> float:
    """Bound |D^3 L| for l(u) = 1/2 <s r, r>, r = f/a - b, a = <s, f>, over a ball.

    Let p = f/a, v_k = f^(k)/a, alpha_k = <s v_k, omega^k>, P = <s p, p>, c = <s p, r>, e = r - c
    and q = e + p.  From p a = f, along u + t omega,

        p'   = v_1 omega - alpha_1 p,
        p''  = v_2 omega^2 - 2 alpha_1 v_1 omega + (2 alpha_1^2 - alpha_2) p,
        p''' = v_3 omega^3 - 3 alpha_1 p'' - 3 alpha_2 p' - alpha_3 p,

    and in D^3 L[v, v, v] = 3 <s p', p''> + <s r, p'''> all that has c as a factor cancels:

        D^3 L[v, v, v] = <s (e v_3 + 3 v_1 v_2), omega^3>
                         - 3 alpha_1 <s (q v_2 + 2 v_1^2), omega^2>
                         - 3 lambda <s v_2, omega^2> + 6 alpha_1^2 mu,
        lambda = <s (q - P) v_1, omega>,   mu = <s (q + p - P) v_1, omega>.

    With bounds A, Lambda, Mu of |alpha_1|, |lambda|, |mu| (their sums at x and the change over the
    ball, row by row) it is at most a form with weights

        s (|e v_3 + 3 v_1 v_2| nu + 3 A |q v_2 + 2 v_1^2| + 3 Lambda |v_2|)

    plus 6 A^2 Mu; groups with weights t.  Infinite where a may be 0 in the ball.  Derived here;
    :mod:`newtonkit.problems.bounds.third_logarithmic` takes out what is common to all rows, and the
    less is taken.
    """
    known = normalised_ranges(ball, outer)
    if known is None:
        return float("inf")
    t, v1, v2 = outer.group_weights, known.v1, known.v2
    whole = ball.functional(v1, v1.middle())
    cubic = (known.e * known.v3 + 3.0 * v1 * v2).magnitude() * ball.rows.norms
    mixed = ball.spread(whole) * (known.q * v2 + 2.0 * v1.square()).magnitude()
    weights = ball.counted(cubic + 3.0 * mixed + 3.0 * ball.spread(known.lam) * v2.magnitude())
    rest = float(np.dot(t, 6.0 * whole**2 * known.mu))
    plain = ball.rows.largest(ball.spread(t) * weights) + rest
    if not isinstance(ball.rows, DesignRows):
        return plain
    return float(np.fmin(plain, logarithmic_bound(ball, known, t)))


def normalised_ranges(ball: RowBall, outer: NormalisedSquares) -> NormalisedRanges | None:
    """Return what the loss is made of over a ball; None if a may be 0 in it."""
    b, f = outer.target, outer.activation.ranges(ball.predictions)
    total = ball.sums(f[0])
    if not (total.lo > 0.0).all():
        return None
    share = ball.spread_interval(total.reciprocal())
    p, v1, v2, v3 = (derivative * share for derivative in f)
    squares, beta = ball.sums(p.square()), ball.sums(p * b)
    e = p - b - ball.spread_interval(squares - beta)
    q = 2.0 * p - b - ball.spread_interval(squares - beta)
    pull = q - ball.spread_interval(squares)
    lam, mu = (ball.functional(values, values.middle()) for values in (pull * v1, (pull + p) * v1))
    return NormalisedRanges(f, p, v1, v2, v3, e, q, squares, lam, mu)
