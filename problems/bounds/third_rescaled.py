"""The third derivative of the rescaled squared loss."""

from __future__ import annotations

import numpy as np

from newtonkit.problems.activations import Ranges
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.grouped import RescaledSquares


def rescaled_bound(ball: RowBall, outer: RescaledSquares) -> float:
    """Bound |D^3 L| for l(u) = 1/2 <s r, r>, r = f - S b, S = <s, f>, over a ball.

    Along u + t omega the derivatives are r^(k) = f^(k) omega^k - b <s f^(k), omega^k>.  With
    B = <s b, b>, c = <s b, r> = <s (b - B), f> and e = r - c,

        D^3 L[v, v, v] = 3 <s r', r''> + <s r, r'''>
                       = sum_i s_i (e f''' + 3 f' f'')_i omega_i^3
                         - 3 sum_i s_i f''_i omega_i^2 (b_i beta + beta_B),

    beta = <s f', omega>, beta_B = <s f' (b - B), omega>.  All is a form with the weights

        c_i = s_i (max|e f''' + 3 f' f''| nu_i + 3 max|f''| (|b_i| max|beta| + max|beta_B|)),

    the sum over groups with weights t.  Derived here.
    """
    b, t = outer.target, ball.spread(outer.group_weights)
    (_, first, second, third), e = rescaled_errors(ball, outer)
    centred = Interval.exactly(b) - ball.spread_interval(ball.sums(Interval.exactly(b).square()))
    slopes = outer.activation(ball.u)[1]
    beta = ball.functional(first, slopes)
    beta_b = ball.functional(first * centred, slopes * centred.middle())
    cubic = (e * third + 3.0 * first * second).magnitude() * ball.rows.norms
    mixed = second.magnitude() * (np.abs(b) * ball.spread(beta) + ball.spread(beta_b))
    return ball.rows.largest(t * ball.counted(cubic + 3.0 * mixed))


def rescaled_errors(ball: RowBall, outer: RescaledSquares) -> tuple[Ranges, Interval]:
    """Return f and its derivatives, and e = r - c, over a ball."""
    b, f = outer.target, outer.activation.ranges(ball.predictions)
    centred = Interval.exactly(b) - ball.spread_interval(ball.sums(Interval.exactly(b).square()))
    total, pull = ball.sums(f[0]), ball.sums(centred * f[0])
    return f, f[0] - ball.spread_interval(total) * b - ball.spread_interval(pull)
