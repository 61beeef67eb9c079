r"""l'(u) of every structure in balls, row by row; u holds the linear prediction.

With f the activation, s the weights of the rows, t those of the groups, and sums <.,.> over the
rows of a group, one pass over the rows gives the sums, and a second one l':

    elementwise    s f' (f - b)
    rescaled       t s f' (f - S b - c),  S = <s, f>, c = <s b, f> - S <s b, b>
    normalised     t s (v (p - b - c) + gamma p (u - <s p, u>)),  a = <s, f>, p = f/a, v = f'/a,
                   c = <s f, f> / a^2 - <s f, b> / a
    cross-entropy  t s (B p - b),  B = <s, b>

Where only quotients of f matter, all of f is scaled by a power of e.  Rows of weight 0 give
exactly 0, whatever f is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from newtonkit.certificates.balls import Ball
from newtonkit.certificates.functions import Slopes, slopes_of
from newtonkit.design import FloatArray
from newtonkit.problems import (
    ElementwiseSquares,
    NormalisedSquares,
    OuterFunction,
    RescaledSquares,
    RowBlock,
    SoftmaxLogLoss,
)
from newtonkit.problems.grouped import GroupedOuter

_PIECE = 2**13  # rows: with all that is made of them they stay in the cache


def outer_gradient(outer: OuterFunction, u: Ball) -> Ball:
    """Return l'(u) for balls u of shape (n,).

    The radius is infinite where something overflows, and in the rows of a group with a sum a
    that is not known to be positive: l may not be defined there.

    Raises
    ------
    TypeError
        If the outer function or its activation is not one of the package's own.
    """
    n = u.shape[0]
    blocks = outer.groups.blocks([slice(first, min(first + _PIECE, n)) for first in range(0, n, _PIECE)])
    out = Ball.zeros(n)
    if isinstance(outer, ElementwiseSquares) and type(outer) is ElementwiseSquares:
        slopes, unscaled = slopes_of(outer.activation), np.zeros(1)
        for block in blocks:
            rows = _Rows.of(outer.target, outer.row_weights, slopes, u, block, unscaled)
            out.store(block.rows, rows.weighted(rows.first * (rows.f - rows.b)))
        return out
    if not isinstance(outer, GroupedOuter) or type(outer) not in _STRUCTURES:
        raise TypeError(f"{type(outer).__name__} has no gradient with error bounds")
    slopes, structure = slopes_of(outer.activation), _STRUCTURES[type(outer)](outer)
    scales = _log_scales(outer, u) if structure.is_quotient else np.zeros(len(outer.groups))
    totals = [Ball.zeros(len(outer.groups)) for _ in range(structure.n_sums)]
    for block in blocks:
        rows = _Rows.of(outer.target, outer.row_weights, slopes, u, block, scales)
        for total, part in zip(totals, structure.sums(rows), strict=True):
            total.store(block.groups, total[block.groups] + part)
    constants = structure.constants(totals)
    for block in blocks:
        rows = _Rows.of(outer.target, outer.row_weights, slopes, u, block, scales)
        values = structure.slopes(rows, [constant.map(block.spread) for constant in constants])
        out.store(block.rows, rows.weighted(values * block.spread(outer.group_weights)))
    return out


def _log_scales(outer: GroupedOuter, u: Ball) -> FloatArray:
    """Return the scale of each group; rows of weight 0 have no say."""
    lowest = highest = u.hi
    if outer.row_weights is not None:
        counted = outer.row_weights > 0.0
        lowest, highest = np.where(counted, u.hi, np.inf), np.where(counted, u.hi, -np.inf)
    starts = outer.groups.starts
    return outer.activation.log_scale(
        np.minimum.reduceat(lowest, starts), np.maximum.reduceat(highest, starts)
    )


@dataclass(frozen=True)
class _Rows:
    """Some consecutive rows: target b, weights s, u - log_scale, and f and f' times exp(-log_scale)."""

    block: RowBlock
    b: FloatArray
    s: FloatArray | None
    shifted: Ball
    f: Ball
    first: Ball

    @classmethod
    def of(
        cls,
        target: FloatArray,
        weights: FloatArray | None,
        slopes: Slopes,
        u: Ball,
        block: RowBlock,
        log_scales: FloatArray,
    ) -> _Rows:
        rows, scale = block.rows, np.asarray(block.spread(log_scales))
        s = None if weights is None else weights[rows]
        part = u[rows]
        return cls(block, target[rows], s, part - scale, *slopes(part, scale))

    def weighted(self, values: Ball) -> Ball:
        """Return s times the values; exactly 0 where s is."""
        return values if self.s is None else (values * self.s).where(self.s > 0.0)

    def sums(self, values: Ball) -> Ball:
        """Return the sums of s times the values within each group."""
        return self.weighted(values).segment_sums(self.block.starts)


class _Structure(Protocol):
    """How l' / (s t) follows from sums over the rows of each group.

    Attributes
    ----------
    n_sums : int
        The number of sums.
    is_quotient : bool
        Whether l knows only quotients of f, so that f may be scaled.
    """

    n_sums: ClassVar[int]
    is_quotient: ClassVar[bool]

    def sums(self, rows: _Rows) -> Sequence[Ball]:
        """Return what some rows add to the sums of their groups."""
        ...

    def constants(self, totals: Sequence[Ball]) -> Sequence[Ball]:
        """Return what the rows need to know of their group, from the sums over all its rows."""
        ...

    def slopes(self, rows: _Rows, constants: Sequence[Ball]) -> Ball:
        """Return l' / (s t) of some rows."""
        ...


class _Rescaled:
    n_sums: ClassVar[int] = 3
    is_quotient: ClassVar[bool] = False

    def __init__(self, outer: GroupedOuter) -> None:
        pass

    def sums(self, rows: _Rows) -> Sequence[Ball]:
        b = Ball.exact(rows.b)
        return rows.sums(rows.f), rows.sums(rows.f * b), rows.sums(b.square())

    def constants(self, totals: Sequence[Ball]) -> Sequence[Ball]:
        total, cross, squares = totals
        return total, cross - total * squares

    def slopes(self, rows: _Rows, constants: Sequence[Ball]) -> Ball:
        total, centre = constants
        return rows.first * (rows.f - total * rows.b - centre)


def _inverse_sums(sums: Ball) -> Ball:
    """Return 1 / a, not known where a may be 0 or less."""
    return (1.0 / sums).widened(np.where(sums.lowest > 0.0, 0.0, np.inf))


class _Normalised:
    n_sums: ClassVar[int] = 4
    is_quotient: ClassVar[bool] = True

    def __init__(self, outer: GroupedOuter) -> None:
        assert isinstance(outer, NormalisedSquares)
        self._entropy_weight = outer.entropy_weight

    def sums(self, rows: _Rows) -> Sequence[Ball]:
        f = rows.f
        logs = f * rows.shifted if self._entropy_weight else Ball.zeros(f.shape)
        return tuple(rows.sums(values) for values in (f, f.square(), f * rows.b, logs))

    def constants(self, totals: Sequence[Ball]) -> Sequence[Ball]:
        total, squares, cross, logs = totals
        inverse = _inverse_sums(total)
        return inverse, (squares * inverse - cross) * inverse, logs * inverse

    def slopes(self, rows: _Rows, constants: Sequence[Ball]) -> Ball:
        inverse, centre, logs = constants
        p = rows.f * inverse
        values = rows.first * inverse * (p - rows.b - centre)
        if self._entropy_weight:
            values = values + p * (rows.shifted - logs) * self._entropy_weight
        return values


class _CrossEntropy:
    n_sums: ClassVar[int] = 2
    is_quotient: ClassVar[bool] = True

    def __init__(self, outer: GroupedOuter) -> None:
        pass

    def sums(self, rows: _Rows) -> Sequence[Ball]:
        return rows.sums(rows.f), rows.sums(Ball.exact(rows.b))

    def constants(self, totals: Sequence[Ball]) -> Sequence[Ball]:
        total, mass = totals
        return (mass * _inverse_sums(total),)

    def slopes(self, rows: _Rows, constants: Sequence[Ball]) -> Ball:
        return rows.f * constants[0] - rows.b


_STRUCTURES: dict[type[OuterFunction], Callable[[GroupedOuter], _Structure]] = {
    RescaledSquares: _Rescaled,
    NormalisedSquares: _Normalised,
    SoftmaxLogLoss: _CrossEntropy,
}
