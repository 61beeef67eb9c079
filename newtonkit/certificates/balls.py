r"""Balls: numbers known within a radius, the midpoint in double-double arithmetic.

Every operation returns a ball that holds the exact result for all numbers in its arguments
(F. Johansson, 2017, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic").  Its
radius is what the radii of the arguments can do, plus the error of the double-double operation,
less than 2^-100 of the size of the midpoint and 1e-300 for underflow.  Radii are float64 and are
rounded outwards.  What overflows or is not a number has the midpoint 0 and an infinite radius.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeAlias, TypeVar, Union

import numpy as np
from numpy.typing import NDArray

from newtonkit.certificates import double_double as dd
from newtonkit.design import FloatArray

OPERATION_ERROR = 2.0**-100
"""More than the relative error of one sum or product of double-doubles."""
UNDERFLOW = 1e-300
"""Far more than what an underflow loses."""

_OUTWARDS = 1.0 + 2.0**-30
_ULP = 2.0**-52

Operand: TypeAlias = Union["Ball", FloatArray, float]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def quietly(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let overflow and what is not a number end in an infinite radius, without a warning."""

    @wraps(function)
    def inner(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return inner


@quietly
def outwards(radius: FloatArray, terms: int = 1) -> FloatArray:
    """Return a radius with more added than the rounding of some float64 operations on numbers >= 0.

    These are fewer than 2^20 operations one after the other, and a sum of so many `terms`.
    """
    return radius * (_OUTWARDS + 2.0 * terms * _ULP) + UNDERFLOW * terms


@dataclass(frozen=True)
class Ball:
    """The numbers within `radius` of hi + lo, entry by entry.

    Attributes
    ----------
    hi, lo : ndarray
        The midpoint; hi is hi + lo rounded to float64.
    radius : ndarray
        At least 0, and infinite where nothing is known.  All three have the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.certificates.balls import Ball
    >>> third = Ball.exact(np.ones(2)) / np.array([3.0, 0.0])
    >>> third.hi, third.radius < 1e-30
    (array([0.33333333, 0.        ]), array([ True, False]))
    """

    hi: FloatArray
    lo: FloatArray
    radius: FloatArray

    __array_ufunc__ = None  # so that an array on the left leaves the operation to this class

    @classmethod
    def exact(cls, values: Operand) -> Ball:
        """Return balls of radius 0 around float64 numbers; a ball is returned as it is."""
        if isinstance(values, Ball):
            return values
        array = np.asarray(values, dtype=np.float64)
        zeros = np.zeros_like(array)
        return cls.guarded(array, zeros, zeros)

    @classmethod
    def zeros(cls, shape: int | tuple[int, ...]) -> Ball:
        """Return balls of radius 0 around 0, in arrays of their own."""
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    @classmethod
    def guarded(cls, hi: FloatArray, lo: FloatArray, radius: FloatArray) -> Ball:
        """Return a ball that is all numbers where one of the three is not finite."""
        good = np.isfinite(hi) & np.isfinite(lo) & np.isfinite(radius)
        if good.all():
            return cls(hi, lo, radius)
        return cls(np.where(good, hi, 0.0), np.where(good, lo, 0.0), np.where(good, radius, np.inf))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all three arrays."""
        return self.hi.shape

    @property
    def is_float(self) -> bool:
        """Whether all balls are single float64 numbers."""
        return not (self.lo.any() or self.radius.any())

    @property
    def _pair(self) -> dd.Pair:
        return self.hi, self.lo

    @property
    @quietly
    def size(self) -> FloatArray:
        """At least the size of each number in the ball."""
        return outwards(np.abs(self.hi) + self.radius)

    @property
    @quietly
    def lowest(self) -> FloatArray:
        """At most each number in the ball; minus infinity where nothing is known."""
        slack = outwards(self.radius + _ULP * np.abs(self.hi))
        return self.hi - slack - _ULP * np.abs(self.hi - slack)

    def map(self, function: Any) -> Ball:
        """Apply a function that only moves entries about to all three arrays."""
        return Ball(function(self.hi), function(self.lo), function(self.radius))

    def __getitem__(self, key: Any) -> Ball:
        return self.map(lambda array: array[key])

    def store(self, key: Any, part: Ball) -> None:
        """Overwrite some entries: for the filling of arrays piece by piece."""
        self.hi[key], self.lo[key], self.radius[key] = part.hi, part.lo, part.radius

    def where(self, mask: NDArray[np.bool_]) -> Ball:
        """Return the balls where `mask` holds, and exactly 0 elsewhere."""
        return self.map(lambda array: np.where(mask, array, 0.0))

    @quietly
    def widened(self, radius: FloatArray) -> Ball:
        """Return the numbers within another `radius` of those in the ball."""
        return Ball.guarded(self.hi, self.lo, outwards(self.radius + radius))

    def __neg__(self) -> Ball:
        return Ball(-self.hi, -self.lo, self.radius)

    @quietly
    def __add__(self, other: Operand) -> Ball:
        other = Ball.exact(other)
        hi, lo = dd.add(self._pair, other._pair)
        return Ball.guarded(hi, lo, outwards(self.radius + other.radius + OPERATION_ERROR * np.abs(hi)))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Ball:
        return self + -Ball.exact(other)

    def __rsub__(self, other: Operand) -> Ball:
        return -self + other

    @quietly
    def __mul__(self, other: Operand) -> Ball:
        """Return the product: |x y - m n| <= |m| r + |n| s + r s for x within s of m, y within r of n."""
        other = Ball.exact(other)
        hi, lo = dd.multiply(self._pair, other._pair)
        spread = np.abs(self.hi) * other.radius + self.radius * (np.abs(other.hi) + other.radius)
        return Ball.guarded(hi, lo, outwards(spread + OPERATION_ERROR * np.abs(hi)))

    __rmul__ = __mul__

    @quietly
    def __truediv__(self, other: Operand) -> Ball:
        """Return the quotient: |x / y - q| = |x - q y| / |y|, with the residual as a ball."""
        other = Ball.exact(other)
        q = dd.divide(self._pair, other._pair)
        residual = self - Ball.guarded(*q, np.zeros_like(q[0])) * other
        least = np.abs(other.hi) * (1.0 - 4.0 * _ULP) - outwards(other.radius)
        radius = np.where(least > 0.0, residual.size / (least * (1.0 - _ULP)), np.inf)
        return Ball.guarded(*q, outwards(radius))

    def __rtruediv__(self, other: Operand) -> Ball:
        return Ball.exact(other) / self

    def square(self) -> Ball:
        """Return the square of each number."""
        return self * self

    def power(self, k: int) -> Ball:
        """Return each number to the power of a whole k >= 0, by repeated squaring."""
        if k == 0:
            return Ball.exact(np.ones(self.shape))
        root = self.power(k // 2)
        return root.square() * self if k % 2 else root.square()

    @quietly
    def sum(self, axis: int = 0) -> Ball:
        """Return the sums along an axis, in a tree; see :func:`double_double.fold`."""
        count = self.shape[axis]
        radius = self.radius.sum(axis) + dd.fold_error(count) * np.abs(self.hi).sum(axis)
        hi, lo = dd.fold(self.hi.copy(), self.lo.copy(), axis)
        return Ball.guarded(hi, lo, outwards(radius, count))

    @quietly
    def segment_sums(self, starts: NDArray[np.intp]) -> Ball:
        """Return the sums of runs of entries along the last axis, each at least one entry long."""
        if len(starts) == 1:
            return self.sum(-1)[..., None]
        count = self.shape[-1]
        sizes = np.add.reduceat(np.abs(self.hi), starts, axis=-1)
        radius = np.add.reduceat(self.radius, starts, axis=-1) + dd.fold_error(count) * sizes
        return Ball.guarded(*dd.fold_segments(self.hi, self.lo, starts), outwards(radius, count))


def concatenated(parts: Sequence[Ball], axis: int = -1) -> Ball:
    """Return balls one after the other along an axis."""
    return Ball(
        *(np.concatenate([getattr(part, name) for part in parts], axis) for name in ("hi", "lo", "radius"))
    )
