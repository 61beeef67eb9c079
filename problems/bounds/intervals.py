"""Interval arithmetic in float64: what a function can be when its argument is known within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

import numpy as np

from newtonkit.design import FloatArray, IntArray

_EPS = float(np.finfo(np.float64).eps)
_LARGEST = float(np.finfo(np.float64).max)
_TINY = 1e-300  # far above what an underflow loses
_SUBNORMAL = 1e-290
_ULPS = 2  # of one rounded operation: more than the half that it may lose
_FUNCTION_ULPS = 8  # of exp, sinh, cosh and whole powers in any mathematics library

Operand: TypeAlias = Union["Interval", FloatArray, float]


@dataclass(frozen=True)
class Interval:
    """Numbers x with lo <= x <= hi, entry by entry.

    Sums, products and functions of intervals hold every value of the exact operation on real
    numbers out of the intervals: results are widened by more than what rounding can lose (IEEE
    754), and an overflow ends at infinity, never at NaN.  An argument that occurs twice counts as
    two, so results may be wider than needed.

    Attributes
    ----------
    lo, hi : ndarray, shape (...)
        The ends, of one shape; infinite where nothing is known.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems.bounds.intervals import Interval
    >>> x = Interval(np.array([-1.0]), np.array([2.0]))
    >>> x.square().hi.round(6), (x * x).lo.round(6), x.magnitude()
    (array([4.]), array([-2.]), array([2.]))
    """

    lo: FloatArray
    hi: FloatArray

    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    @classmethod
    def exactly(cls, values: Operand) -> Interval:
        """Return intervals that hold nothing but the given numbers."""
        if isinstance(values, Interval):
            return values
        array = np.asarray(values, dtype=np.float64)
        return cls(array, array)

    @classmethod
    def around(cls, values: FloatArray, reach: FloatArray | float) -> Interval:
        """Return the numbers within `reach` >= 0 of the given ones."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _outward(values - reach, values + reach)

    def __add__(self, other: Operand) -> Interval:
        b = Interval.exactly(other)
        with np.errstate(over="ignore", invalid="ignore"):
            return _outward(self.lo + b.lo, self.hi + b.hi)

    def __sub__(self, other: Operand) -> Interval:
        b = Interval.exactly(other)
        with np.errstate(over="ignore", invalid="ignore"):
            return _outward(self.lo - b.hi, self.hi - b.lo)

    def __mul__(self, other: Operand) -> Interval:
        b = Interval.exactly(other)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            pairs = ((self.lo, b.lo), (self.lo, b.hi), (self.hi, b.lo), (self.hi, b.hi))
            products = [_times(x, y) for x, y in pairs]
            whole = _outward(np.minimum.reduce(products), np.maximum.reduce(products))
            vanished = [
                (p == 0.0) & (x != 0.0) & (y != 0.0) for p, (x, y) in zip(products, pairs, strict=True)
            ]
            lost = np.where(np.logical_or.reduce(vanished), _TINY, 0.0)
            return Interval(whole.lo - lost, whole.hi + lost)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo)

    def __rsub__(self, other: Operand) -> Interval:
        return -self + other

    def __getitem__(self, rows: slice | IntArray) -> Interval:
        return Interval(self.lo[rows], self.hi[rows])

    def magnitude(self) -> FloatArray:
        """Return the largest absolute value."""
        return np.maximum(np.abs(self.lo), np.abs(self.hi))

    def mignitude(self) -> FloatArray:
        """Return the least absolute value."""
        return np.maximum(np.maximum(self.lo, -self.hi), 0.0)

    def middle(self) -> FloatArray:
        """Return a finite number for each, about the middle where the interval is bounded."""
        middle = 0.5 * self.lo + 0.5 * self.hi
        return np.where(np.isfinite(middle), middle, 0.0)

    def reach_from(self, values: FloatArray) -> FloatArray:
        """Return how far the ends lie from given numbers at most."""
        with np.errstate(over="ignore", invalid="ignore"):
            reach = np.maximum(self.hi - values, values - self.lo) * (1.0 + _ULPS * _EPS)
        return np.where(np.isnan(reach), np.inf, reach)

    def reciprocal(self) -> Interval:
        """Return 1/x; everything where 0 is in the interval."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore", under="ignore"):
            inside = (self.lo <= 0.0) & (self.hi >= 0.0)
            whole = _outward(1.0 / self.hi, 1.0 / self.lo)
            lo, hi = np.where(inside, -np.inf, whole.lo), np.where(inside, np.inf, whole.hi)
        return Interval(lo, hi)

    def square(self) -> Interval:
        """Return x^2."""
        return self.power(2)

    def power(self, k: int) -> Interval:
        """Return x^k for a whole k >= 0."""
        if k <= 1:
            return self if k else Interval.exactly(np.ones_like(self.lo))
        ends = (self.lo, self.hi) if k % 2 else (self.mignitude(), self.magnitude())
        with np.errstate(over="ignore", under="ignore"):
            lo, hi = (end**k for end in ends)
            result = _outward(lo, hi, _FUNCTION_ULPS)
        lost = [
            np.where((end != 0.0) & (value == 0.0), _TINY, 0.0)
            for end, value in zip(ends, (lo, hi), strict=True)
        ]
        return Interval(result.lo - lost[0], result.hi + lost[1])

    def exp(self) -> Interval:
        """Return exp(x)."""
        with np.errstate(over="ignore", under="ignore"):
            result = _outward(np.exp(self.lo), np.exp(self.hi), _FUNCTION_ULPS)
        tiny = np.where(self.hi == -np.inf, 0.0, _TINY)
        return Interval(np.maximum(result.lo - _TINY, 0.0), np.maximum(result.hi, tiny))

    def sinh(self) -> Interval:
        """Return sinh(x)."""
        with np.errstate(over="ignore", under="ignore"):
            return _outward(np.sinh(self.lo), np.sinh(self.hi), _FUNCTION_ULPS)

    def cosh(self) -> Interval:
        """Return cosh(x)."""
        with np.errstate(over="ignore"):
            result = _outward(np.cosh(self.mignitude()), np.cosh(self.magnitude()), _FUNCTION_ULPS)
        return Interval(np.maximum(result.lo, 1.0), result.hi)

    def sums(self, starts: IntArray) -> Interval:
        """Return the sums over runs of consecutive entries, of which each begins where `starts` says.

        The rounding of a sum of k numbers is at most k eps times the sum of their sizes.
        """
        counts = np.diff(starts, append=len(self.lo))
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = np.add.reduceat(self.magnitude(), starts)
            lost = _EPS * (counts + 2) * sizes
            lo, hi = (np.add.reduceat(end, starts) for end in (self.lo, self.hi))
            return _outward(lo - lost, hi + lost)


def _times(x: FloatArray, y: FloatArray) -> FloatArray:
    """Return products in which an infinite end times an exact 0 is 0."""
    product = x * y
    return np.where((x == 0.0) | (y == 0.0), 0.0, product)


def _outward(lo: FloatArray, hi: FloatArray, ulps: int = _ULPS) -> Interval:
    """Return rounded ends moved outwards by some units in the last place.

    An end that is NaN says nothing; a lower end that overflowed is as large as a number can be.
    Among the subnormal numbers the loss is no multiple of the result; an exact 0 stays one.
    """
    lo, hi = np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi)
    lo, hi = np.minimum(lo, _LARGEST), np.maximum(hi, -_LARGEST)
    ends = []
    for end, sign in ((lo, -1.0), (hi, 1.0)):
        size = np.abs(end)
        moved = ulps * _EPS * size + np.where((size < _SUBNORMAL) & (size > 0.0), _TINY, 0.0)
        ends.append(end + sign * moved)
    return Interval(*ends)
