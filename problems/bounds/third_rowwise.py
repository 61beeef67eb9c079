"""The third derivative of a sum over rows."""

from __future__ import annotations

from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.rowwise import RowwiseLoss


def rowwise_bound(ball: RowBall, outer: RowwiseLoss) -> float:
    """Bound |D^3 L| for l(u) = sum_i s_i loss(u_i, b_i) over a ball.

    D^3 L[v, v, v] = sum_i s_i loss'''(u_i) omega_i^3, and |omega_i| <= nu_i, so the largest
    eigenvalue of X^T A^T diag(c) A X with c_i = s_i nu_i max |loss'''| bounds it; the maximum
    is over the interval u_i -+ radius nu_i.  For l = 1/2 <s r, r>, r = f - b,
    loss''' = 3 f' f'' + r f'''.  Derived here.
    """
    third = outer.ranges(ball.predictions, outer.target)[1]
    return ball.rows.largest(ball.counted(third.magnitude() * ball.rows.norms))
