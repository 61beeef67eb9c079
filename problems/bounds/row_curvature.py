"""The Hessian of a loss in u, known within bounds of its rounding errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.activations import Exp
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.grouped import RescaledSquares
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.rowwise import RowwiseLoss

if TYPE_CHECKING:
    from newtonkit.problems.evaluation import Evaluation


@dataclass(frozen=True)
class RowCurvature:
    """D, U and C of the Hessian diag(D) + U C U^T in u at a point, each entry within an interval.

    Attributes
    ----------
    diagonal : Interval, shape (n,)
        D.
    low_rank : tuple of Interval, k of shape (n,)
        The columns of U.
    cores : tuple of tuples of Interval, k x k of shape (m,)
        C of each group.
    is_centring : bool
        Whether rows may be taken less any centre of their group.
    """

    diagonal: Interval
    low_rank: tuple[Interval, ...] = ()
    cores: tuple[tuple[Interval, ...], ...] = ()
    is_centring: bool = False

    @property
    def is_positive(self) -> bool:
        """Whether there is certainly no negative curvature, whatever A is.

        On rows less their mean under the shares, U C U^T takes nothing from diag(D).
        """
        return (not self.low_rank or self.is_centring) and bool((self.diagonal.lo >= 0.0).all())

    @property
    def column_intervals(self) -> Interval:
        """U, shape (n, k)."""
        lo, hi = ([getattr(column, end) for column in self.low_rank] for end in ("lo", "hi"))
        return Interval(np.stack(lo, axis=1), np.stack(hi, axis=1))

    @property
    def core_intervals(self) -> Interval:
        """C, shape (m, k, k)."""
        ends = [
            np.stack([np.stack([getattr(core, end) for core in row], axis=-1) for row in self.cores], axis=-2)
            for end in ("lo", "hi")
        ]
        return Interval(*ends)


def middle(values: Interval) -> tuple[FloatArray, FloatArray]:
    """Return the midpoints of intervals and how far the ends are from them; infinitely where unknown."""
    centre = 0.5 * values.lo + 0.5 * values.hi
    centre = np.where(np.isfinite(centre), centre, 0.0)
    return centre, values.reach_from(centre)


def row_curvature(evaluation: Evaluation) -> RowCurvature:
    """Return D, U and C at a point, for u exact within its rounding; see ``outer.py`` and its siblings.

    Raises
    ------
    NotImplementedError
        If the activation or loss is one's own and has no ``ranges``.
    """
    outer, ball = evaluation.problem.outer, RowBall.about(evaluation, 0.0, None)
    if isinstance(outer, RowwiseLoss):
        return RowCurvature(_counted(ball, outer.ranges(ball.predictions, outer.target)[0]))
    if isinstance(outer, RescaledSquares):
        return _rescaled(ball, outer)
    if isinstance(outer, SoftmaxLogLoss):
        return _cross_entropy(ball, outer)
    assert isinstance(outer, NormalisedSquares)
    return _normalised(ball, outer)


def _counted(ball: RowBall, values: Interval) -> Interval:
    """Return s * values; exactly 0 where s is 0."""
    product, counts = values * ball.weights, ball.weights > 0.0
    return Interval(np.where(counts, product.lo, 0.0), np.where(counts, product.hi, 0.0))


def _rank_two(corner: Interval, t: FloatArray) -> tuple[tuple[Interval, ...], ...]:
    """Return t [[corner, -1], [-1, 0]]."""
    minus, zero = Interval.exactly(-t), Interval.exactly(np.zeros_like(t))
    return (corner * t, minus), (minus, zero)


def _rescaled(ball: RowBall, outer: RescaledSquares) -> RowCurvature:
    b, t = Interval.exactly(outer.target), outer.group_weights
    f, first, second, _ = outer.activation.ranges(ball.predictions)
    r = f - ball.spread_interval(ball.sums(f)) * b
    e = r - ball.spread_interval(ball.sums(r * b))
    column = _counted(ball, first)
    diagonal = _counted(ball, first.square() + second * e) * ball.spread(t)
    return RowCurvature(diagonal, (column, column * b), _rank_two(ball.sums(b.square()), t))


def _shares(ball: RowBall, outer: NormalisedSquares | SoftmaxLogLoss) -> tuple[Interval, ...]:
    """Return f/a, f'/a and f''/a; for the softmax of u less its maximum, which changes nothing."""
    u = ball.predictions
    if type(outer.activation) is Exp:
        u = u - ball.spread(np.maximum.reduceat(ball.u, outer.groups.starts))
    f = outer.activation.ranges(u)[:3]
    total = ball.sums(f[0])
    inverse = ball.spread_interval(total.reciprocal())
    if not (total.lo > 0.0).all():  # outside, or not known to be inside
        inverse = Interval(np.full_like(inverse.lo, -np.inf), np.full_like(inverse.hi, np.inf))
    return tuple(values * inverse for values in f)


def _cross_entropy(ball: RowBall, outer: SoftmaxLogLoss) -> RowCurvature:
    mass = ball.sums(Interval.exactly(outer.target)) * outer.group_weights
    share = _counted(ball, _shares(ball, outer)[0])
    return RowCurvature(share * ball.spread_interval(mass), (share,), ((-mass,),), is_centring=True)


def _normalised(ball: RowBall, outer: NormalisedSquares) -> RowCurvature:
    b, t, gamma = outer.target, outer.group_weights, outer.entropy_weight
    p, v, second = _shares(ball, outer)
    squares = ball.sums(p.square())
    e = p - b - ball.spread_interval(squares - ball.sums(p * b))
    slope, bend = v * e, second * e + v.square()
    if gamma != 0.0:
        shifted = ball.predictions - ball.spread(np.maximum.reduceat(ball.u, outer.groups.starts))
        surprise = shifted - ball.spread_interval(ball.sums(p * shifted))
        weighted = p * gamma
        slope, bend = slope + weighted * surprise, bend + weighted * (surprise + 1.0)
    found = RowCurvature(
        _counted(ball, bend) * ball.spread(t),
        (_counted(ball, v), _counted(ball, v * p + slope)),
        _rank_two(squares - gamma, t),
    )
    return replace(found, is_centring=outer.is_centring)
