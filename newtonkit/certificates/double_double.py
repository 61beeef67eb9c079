r"""Double-double arithmetic on arrays: a number is an unevaluated sum hi + lo of two float64.

With u = 2^-53 and |lo| <= u |hi| this holds about 106 bits.  The algorithms are those of
T. J. Dekker (1971), "A floating-point technique for extending the available precision", and
D. E. Knuth's TwoSum; the bounds on their relative errors are those of M. Joldes, J.-M. Muller
and V. Popescu (2017), "Tight and rigorous error bounds for basic building blocks of double-word
arithmetic".  Each of them holds for finite results without underflow; underflow adds at most
1e-305, and a result that overflows is not finite in one of its two parts.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import FloatArray

Pair: TypeAlias = tuple[FloatArray, FloatArray]
"""hi and lo."""

EXPONENTIAL_ERROR = 2.0**-99
"""Relative error of :func:`exponential_parts`, see there."""

_SPLITTER = 134217729.0  # 2^27 + 1
# ln 2 in three parts; the first two have 42 bits, so that their products with k are exact.
_LN2 = tuple(map(float.fromhex, ("0x1.62e42fefa38p-1", "0x1.ef35793c76p-45", "0x1.cc01f97b57a08p-87")))
_HALVINGS = 4
_EXACT_TERMS, _ALL_TERMS = 7, 14


def two_sum(a: FloatArray, b: FloatArray) -> Pair:
    """Return the rounded sum and its error, exactly (Knuth)."""
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def fast_two_sum(a: FloatArray, b: FloatArray) -> Pair:
    """Return the rounded sum and its error, exactly, where |a| >= |b| (Dekker)."""
    total = a + b
    return total, b - (total - a)


def _split(a: FloatArray) -> Pair:
    """Return two halves of 26 bits with sum a (Veltkamp); not finite where |a| > 2^996."""
    scaled = _SPLITTER * a
    upper = scaled - (scaled - a)
    return upper, a - upper


def two_product(a: FloatArray, b: FloatArray) -> Pair:
    """Return the rounded product and its error, exactly (Dekker)."""
    product = a * b
    (a1, a2), (b1, b2) = _split(a), _split(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def add(x: Pair, y: Pair) -> Pair:
    """Return x + y, within 3.1 u^2 of its size whatever cancels (AccurateDWPlusDW)."""
    total, error = two_sum(x[0], y[0])
    low, low_error = two_sum(x[1], y[1])
    total, error = fast_two_sum(total, error + low)
    return fast_two_sum(total, low_error + error)


def multiply(x: Pair, y: Pair) -> Pair:
    """Return x * y, within 8 u^2 of its size (DWTimesDW1)."""
    product, error = two_product(x[0], y[0])
    return fast_two_sum(product, error + (x[0] * y[1] + x[1] * y[0]))


def divide(x: Pair, y: Pair) -> Pair:
    """Return about x / y; how near it is follows from the residual x - q y."""
    first = x[0] / y[0]
    product, error = two_product(first, y[0])
    rest = (x[0] - product) - error + (x[1] - first * y[1])
    return fast_two_sum(first, rest / y[0])


def scale(x: Pair, power: float) -> Pair:
    """Return x times a power of two, exactly."""
    return x[0] * power, x[1] * power


def fold(hi: FloatArray, lo: FloatArray, axis: int = 0) -> Pair:
    r"""Return the sum of hi + lo along an axis; both arrays are overwritten.

    In a tree of L = ceil(log2 m) levels the upper parts are added by TwoSum, and the lower
    parts and the errors of TwoSum in float64.  With T the sum of |hi| and lower parts of at most
    3 u |hi|, the errors of TwoSum add up to at most u L T, so that all lower parts together have
    size (L + 4) u T, of which the 2 L roundings on the way of each lose 2 L u: the error is at
    most 2 L (L + 5) u^2 T (derived here, see :func:`fold_error`; compare T. Ogita, S. M. Rump and
    S. Oishi, 2005, "Accurate sum and dot product").
    """
    hi, lo = np.moveaxis(hi, axis, 0), np.moveaxis(lo, axis, 0)
    if not len(hi):
        return np.zeros(hi.shape[1:]), np.zeros(hi.shape[1:])
    while len(hi) > 1:
        half = (len(hi) + 1) // 2
        rest = len(hi) - half
        hi[:rest], error = two_sum(hi[:rest], hi[half:])
        lo[:rest] += lo[half:]
        lo[:rest] += error
        hi, lo = hi[:half], lo[:half]
    return two_sum(hi[0], lo[0])


def fold_segments(hi: FloatArray, lo: FloatArray, starts: NDArray[np.intp]) -> Pair:
    """Return the sums of runs of consecutive entries along the last axis, as :func:`fold` does.

    Run g begins at ``starts[g]`` and ends where the next one begins; it may be empty.
    """
    counts = np.diff(starts, append=hi.shape[-1])
    shape = (*hi.shape[:-1], len(starts))
    total, low = np.zeros(shape), np.zeros(shape)
    which = np.arange(len(starts))
    while True:
        done = counts == 1
        total[..., which[done]], low[..., which[done]] = hi[..., starts[done]], lo[..., starts[done]]
        left = counts > 1
        which, starts, counts = which[left], starts[left], counts[left]
        if not len(which):
            return two_sum(total, low)
        hi, lo, starts, counts = _neighbours_added(hi, lo, starts, counts)


def _neighbours_added(
    hi: FloatArray, lo: FloatArray, starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Add entries 2 j and 2 j + 1 of each run of at least two entries."""
    halves = (counts + 1) // 2
    ends = np.cumsum(halves)
    first = np.repeat(starts - 2 * (ends - halves), halves) + 2 * np.arange(ends[-1])
    single = ends[counts % 2 == 1] - 1
    second = first + 1
    second[single] = first[single]
    others, other_lows = hi[..., second], lo[..., second]
    others[..., single], other_lows[..., single] = 0.0, 0.0
    sums, errors = two_sum(hi[..., first], others)
    return sums, lo[..., first] + other_lows + errors, ends - halves, halves


def fold_error(count: int) -> float:
    """Return the error of a sum of so many pairs relative to the sum of |hi|."""
    levels = max(count - 1, 0).bit_length()
    return float(2 * levels * (levels + 5) + 1) * 2.0**-106


def _inverse_factorial(j: int) -> tuple[float, float]:
    """Return 1 / j! as a double-double."""
    hi = 1 / factorial(j)
    return hi, float(Fraction(1, factorial(j)) - Fraction(hi))


_COEFFICIENTS = tuple(_inverse_factorial(j) for j in range(_ALL_TERMS + 1))


def exponential_parts(x: Pair) -> tuple[NDArray[np.int32], Pair]:
    r"""Return k and s with exp(x) = 2^k (1 + s), for |x| <= 1000; k = 0 where |x| < 0.34.

    Of exp(x), and where k = 0 of exp(x) - 1 too, the relative error is at most 2^-99.

    Reduction: r = x - k ln 2 has |r| <= 0.347.  The first difference is exact (Sterbenz), two
    additions lose 3.1 u^2 |r| each, and ln 2 is known to 2^-140: 2.3 u^2 in all, and nothing
    where k = 0.  Series: with z = r / 16, |z| <= 2^-5.5, the terms from z^8 on are summed in
    float64, which loses 3 u of 2^-53.8 of the whole, those before by Horner's rule, whose last
    step loses 4 u^2 and each earlier one less than 0.02 of what it would alone: P has relative
    error 6.3 u^2, and s_0 = z P, which is exp(z) - 1, at most 15 u^2.  Squaring: four times
    s <- 2 s + s^2, each of which raises a relative error by at most 1 + |s|/2 (1.17 for all four) and
    adds 5 u^2: at most 40 u^2 |s|.  As |s| <= 0.42 (1 + s), exp(x) has at most
    17 u^2 + 2.3 u^2, and 4 u^2 when 1 is added.  Of 2^-99 = 128 u^2 that is a fifth (derived here).
    """
    k = np.rint(x[0] / _LN2[0])
    rest = two_sum(x[0] - k * _LN2[0], x[1])
    for part in _LN2[1:]:
        rest = add(rest, (-k * part, np.zeros_like(k)))
    z = scale(rest, 0.5**_HALVINGS)
    tail = np.full_like(k, _COEFFICIENTS[-1][0])
    for hi, _ in _COEFFICIENTS[_ALL_TERMS - 1 : _EXACT_TERMS : -1]:
        tail = tail * z[0] + hi
    series: Pair = tail, np.zeros_like(tail)
    for hi, lo in _COEFFICIENTS[_EXACT_TERMS:0:-1]:
        series = add((np.full_like(k, hi), np.full_like(k, lo)), multiply(series, z))
    s = multiply(series, z)
    for _ in range(_HALVINGS):
        s = add(scale(s, 2.0), multiply(s, s))
    return k.astype(np.int32), s
