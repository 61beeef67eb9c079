"""Numba kernels over rows; each has a NumPy oracle in the tests.

To the row kernels the activation comes in as arrays f, f' and f'', so that one kernel serves
every activation, one's own included.  The sweeps know activations by their number.  A sum of f
that is 0 gives infinity or NaN.  `weights` of length 1 count for all rows.  Groups are runs of
rows that begin at `starts`.
"""

from __future__ import annotations

import math

import numpy as np

from newtonkit.design.kernels import (
    column_product,
    column_transposed_product,
    compiled,
    compiled_as_written,
    csr_product,
    csr_transposed_product,
    csr_transposed_products,
    dense_product,
    dense_transposed_product,
)

# How many rows of a sweep are dealt with at a time: their entries stay in cache.
_TILE_ENTRIES, _LEAST_TILE, _LEAST_TALL, _MOST_TILE = 2**15, 16, 128, 512


@compiled
def residual_squares(f, b, weights):  # type: ignore[no-untyped-def]
    """Return ``sum(weights * (f - b) ** 2)``."""
    varies = len(weights) > 1
    total = 0.0
    for i in range(len(f)):
        r = f[i] - b[i]
        total += r * r * (weights[i] if varies else weights[0])
    return total


@compiled
def elementwise_rows(f, first, second, b, weights, gradient, diagonal, magnitude):  # type: ignore[no-untyped-def]
    """Fill l', D and the size of l' of the squared loss of f - b."""
    varies = len(weights) > 1
    for i in range(len(f)):
        s = weights[i] if varies else weights[0]
        r = f[i] - b[i]
        gradient[i] = s * (first[i] * r)
        diagonal[i] = s * (first[i] * first[i] + second[i] * r)
        magnitude[i] = s * (abs(first[i]) * (abs(f[i]) + abs(b[i])))


@compiled
def _sum_group(f, u, b, weights, constants, out):  # type: ignore[no-untyped-def]
    """Do what ``normalised_sums`` does for one group."""
    varies = len(weights) > 1
    scale, a = constants[0], constants[1]
    rr, pr, pp, pb, pu = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(f)):
        s = weights[i] if varies else weights[0]
        p = f[i] / a
        r, sp = p - b[i], s * p
        rr += s * r * r
        pr += sp * r
        pp += sp * p
        pb += abs(sp) * abs(b[i])
        pu += sp * (u[i] - scale)
    out[0], out[1], out[2], out[3], out[4] = rr, pr, pp, pb, pu


@compiled
def normalised_sums(f, u, b, weights, starts, constants, out):  # type: ignore[no-untyped-def]
    """Fill `out`, shape (groups, 5), with the sums over the rows of each group that the totals hold.

    With p = f / a, r = p - b and s the weights these are <s r, r>, <s p, r>, <s p, p>,
    <s |p|, |b|> and <s p, u - scale>.  `constants` holds scale and a of each group.
    """
    for g in range(len(starts)):
        start = starts[g]
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        weighted = weights[start:last] if len(weights) > 1 else weights
        _sum_group(f[start:last], u[start:last], b[start:last], weighted, constants[g], out[g])  # type: ignore[no-untyped-call]


@compiled
def _fill_group(  # type: ignore[no-untyped-def]  # noqa: PLR0912
    f,
    first,
    second,
    u,
    b,
    weights,
    constants,
    entropy_weight,
    gradient,
    diagonal,
    magnitude,
    column,
    other_column,
):
    """Do what ``normalised_rows`` does for one group."""
    scale, a, c, size = constants[0], constants[1], constants[2], constants[3]
    t, mean = constants[4], constants[5]
    for i in range(len(f)):
        gradient[i] = (f[i] / a - b[i]) - c
    for i in range(len(f)):
        column[i] = first[i] / a
    for i in range(len(f)):
        diagonal[i] = second[i] / a * gradient[i] + column[i] * column[i]
    for i in range(len(f)):
        gradient[i] *= column[i]
    for i in range(len(f)):
        magnitude[i] = abs(column[i]) * (abs(f[i] / a) + abs(b[i]) + size)
    if entropy_weight != 0.0:
        for i in range(len(f)):
            weighted = entropy_weight * (f[i] / a)
            surprise = (u[i] - scale) - mean
            gradient[i] += weighted * surprise
            diagonal[i] += weighted * (1.0 + surprise)
            magnitude[i] += abs(weighted * surprise)
    for array in (column, gradient, diagonal, magnitude):
        if len(weights) > 1:
            for i in range(len(f)):
                array[i] *= weights[i]
        elif weights[0] != 1.0:
            for i in range(len(f)):
                array[i] *= weights[0]
    for i in range(len(f)):
        other_column[i] = column[i] * (f[i] / a) + gradient[i]
    if t != 1.0:
        for array in (gradient, diagonal, magnitude):
            for i in range(len(f)):
                array[i] *= t


@compiled
def normalised_rows(  # type: ignore[no-untyped-def]
    f,
    first,
    second,
    u,
    b,
    weights,
    starts,
    constants,
    entropy_weight,
    gradient,
    diagonal,
    magnitude,
    column,
    other_column,
):
    """Fill l', D, the size of l' and the columns of U of the squared loss of f / a - b, less an entropy.

    `constants` holds for each group: the scale of f, a, c, what c would be if nothing
    cancelled in it, the weight t of the group, and <s p, u - scale>.  There are several short
    loops, over slices, because only such are made of vector instructions.
    """
    for g in range(len(starts)):
        start = starts[g]
        last = starts[g + 1] if g + 1 < len(starts) else len(f)
        _fill_group(  # type: ignore[no-untyped-call]
            f[start:last],
            first[start:last],
            second[start:last],
            u[start:last],
            b[start:last],
            weights[start:last] if len(weights) > 1 else weights,
            constants[g],
            entropy_weight,
            gradient[start:last],
            diagonal[start:last],
            magnitude[start:last],
            column[start:last],
            other_column[start:last],
        )


# exp(v) = 2^k exp(r) with k = round(v / log 2), log 2 in two parts so that r keeps its digits, and
# |r| < 0.35 where the Taylor polynomial of degree 13 is exact to rounding: within 1.1 units in the
# last place in all, mostly 0.7.  Adding _ROUNDER rounds to an integer and leaves it in the lowest bits.

_LOG2E, _LOG2_HIGH, _LOG2_LOW = 1.4426950408889634, 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUNDER = 6755399441055744.0
_LEAST_EXPONENT, _MOST_EXPONENT = -708.0, 709.782712893384
_TAYLOR = tuple(1.0 / math.factorial(k) for k in range(14))
_SINE = tuple(1.0 / math.factorial(2 * k + 1) for k in range(9))


@compiled_as_written
def exponentials(x, shift, sign, out, scratch):  # type: ignore[no-untyped-def]
    """Fill `out` with ``exp(sign * x - shift)``, eight or so at a time; results below 1e-307 are 0."""
    t, bits = _TAYLOR, scratch.view(np.int64)
    for i in range(len(x)):
        v = min(max(sign * x[i] - shift, -708.0), 709.9)
        rounded = v * _LOG2E + _ROUNDER
        scratch[i] = rounded
        k = rounded - _ROUNDER
        r = (v - k * _LOG2_HIGH) - k * _LOG2_LOW
        square = r * r
        low = (t[2] + t[3] * r) + square * (t[4] + t[5] * r)
        middle = (t[6] + t[7] * r) + square * (t[8] + t[9] * r)
        high = (t[10] + t[11] * r) + square * (t[12] + t[13] * r)
        fourth = square * square
        out[i] = 2.0 * (1.0 + (r + square * (low + fourth * (middle + fourth * high))))
    for i in range(len(x)):
        bits[i] = (bits[i] + 1022) << 52
    for i in range(len(x)):
        v = sign * x[i] - shift
        e = out[i] * scratch[i]
        e = e if v >= _LEAST_EXPONENT else 0.0
        e = e if v <= _MOST_EXPONENT else np.inf
        out[i] = v if np.isnan(v) else e


@compiled_as_written
def scaled_activations(kind, u, scale, f, first, second, scratch):  # type: ignore[no-untyped-def]
    """Fill f(u), f'(u) and f''(u), all times exp(-scale), for the activations that have a number."""
    exponentials(u, scale, 1.0, second, scratch)  # type: ignore[no-untyped-call]
    unit = np.exp(-scale)
    if kind == 0:
        for i in range(len(u)):
            f[i] = second[i]
            first[i] = second[i]
    elif kind == 3:
        for i in range(len(u)):
            f[i] = second[i] + u[i] * unit
            first[i] = second[i] + unit
    else:
        exponentials(u, scale, -1.0, first, scratch)  # type: ignore[no-untyped-call]
        t = _SINE
        for i in range(len(u)):
            v, even, odd = u[i], 0.5 * (second[i] + first[i]), 0.5 * (second[i] - first[i])
            s = min(v * v, 1.0)
            short = (t[0] + s * (t[1] + s * (t[2] + s * t[3]))) + (s * s) * (s * s) * (
                t[4] + s * (t[5] + s * (t[6] + s * (t[7] + s * t[8])))
            )
            odd = v * short * unit if abs(v) < 1.0 else odd  # without cancellation
            f[i] = even if kind == 1 else odd
            first[i] = odd if kind == 1 else even
            second[i] = f[i]


@compiled
def _tile_scale(kind, u, scale):  # type: ignore[no-untyped-def]
    """Return the larger of `scale` and the logarithmic scale of f in a tile."""
    if kind in (0, 3):
        for i in range(len(u)):
            scale = max(scale, u[i])
    else:
        for i in range(len(u)):
            scale = max(scale, abs(u[i]))
    return max(scale, 0.0) if kind == 3 else scale


# What the row kernels do, for activations that have a number: a few rows at a time, whose f, f' and
# f'' are never written to memory.

_FEW_ROWS = 512


@compiled
def _activate(kind, u, scale, work):  # type: ignore[no-untyped-def]
    """Fill the first rows of `work` with f, f' and f'' times exp(-scale)."""
    count = len(u)
    f, first, second, scratch = work[0, :count], work[1, :count], work[2, :count], work[3, :count]
    scaled_activations(kind, u, scale, f, first, second, scratch)  # type: ignore[no-untyped-call]


@compiled
def numbered_squares(kind, u, b, weights):  # type: ignore[no-untyped-def]
    """Do what ``residual_squares`` does."""
    work, total = np.empty((4, _FEW_ROWS)), 0.0
    for first in range(0, len(u), _FEW_ROWS):
        last = min(first + _FEW_ROWS, len(u))
        _activate(kind, u[first:last], 0.0, work)  # type: ignore[no-untyped-call]
        weighted = weights[first:last] if len(weights) > 1 else weights
        total += residual_squares(work[0, : last - first], b[first:last], weighted)  # type: ignore[no-untyped-call]
    return total


@compiled
def numbered_elementwise_rows(kind, u, b, weights, gradient, diagonal, magnitude):  # type: ignore[no-untyped-def]
    """Do what ``elementwise_rows`` does."""
    work = np.empty((4, _FEW_ROWS))
    for first in range(0, len(u), _FEW_ROWS):
        last = min(first + _FEW_ROWS, len(u))
        _activate(kind, u[first:last], 0.0, work)  # type: ignore[no-untyped-call]
        f = work[:, : last - first]
        elementwise_rows(  # type: ignore[no-untyped-call]
            f[0],
            f[1],
            f[2],
            b[first:last],
            weights[first:last] if len(weights) > 1 else weights,
            gradient[first:last],
            diagonal[first:last],
            magnitude[first:last],
        )


@compiled
def numbered_scale_and_sum(kind, u, weights):  # type: ignore[no-untyped-def]
    """Return the logarithmic scale of f in one group, and ``sum(weights * f)`` times exp(-scale)."""
    scale, total = _tile_scale(kind, u, -np.inf), 0.0  # type: ignore[no-untyped-call]
    work = np.empty((4, _FEW_ROWS))
    for first in range(0, len(u), _FEW_ROWS):
        count = min(_FEW_ROWS, len(u) - first)
        f = work[0, :count]
        _activate(kind, u[first : first + count], scale, work)  # type: ignore[no-untyped-call]
        part = 0.0
        if len(weights) > 1:
            weighted = weights[first : first + count]
            for i in range(count):
                part += weighted[i] * f[i]
        else:
            for i in range(count):
                part += weights[0] * f[i]
        total += part
    return scale, total


@compiled
def numbered_sums(kind, u, b, weights, constants, out):  # type: ignore[no-untyped-def]
    """Do what ``normalised_sums`` does for one group, `out` of shape (5,)."""
    work, part = np.empty((4, _FEW_ROWS)), np.empty(5)
    out[:] = 0.0
    for first in range(0, len(u), _FEW_ROWS):
        last = min(first + _FEW_ROWS, len(u))
        _activate(kind, u[first:last], constants[0], work)  # type: ignore[no-untyped-call]
        weighted = weights[first:last] if len(weights) > 1 else weights
        f = work[0, : last - first]
        _sum_group(f, u[first:last], b[first:last], weighted, constants, part)  # type: ignore[no-untyped-call]
        out += part


@compiled
def numbered_rows(  # type: ignore[no-untyped-def]
    kind, u, b, weights, constants, entropy_weight, gradient, diagonal, magnitude, column, other_column
):
    """Do what ``normalised_rows`` does for one group."""
    work = np.empty((4, _FEW_ROWS))
    for first in range(0, len(u), _FEW_ROWS):
        last = min(first + _FEW_ROWS, len(u))
        _activate(kind, u[first:last], constants[0], work)  # type: ignore[no-untyped-call]
        f = work[:, : last - first]
        _fill_group(  # type: ignore[no-untyped-call]
            f[0],
            f[1],
            f[2],
            u[first:last],
            b[first:last],
            weights[first:last] if len(weights) > 1 else weights,
            constants,
            entropy_weight,
            gradient[first:last],
            diagonal[first:last],
            magnitude[first:last],
            column[first:last],
            other_column[first:last],
        )


@compiled
def _fill_columns(u, b, weights, kind, is_normalised, scale, work, columns):  # type: ignore[no-untyped-def]
    """Fill the columns of a tile: l' of the squared loss, or s f' f, s f' b and s f' times the scale."""
    f, first = work[0, : len(u)], work[1, : len(u)]
    _activate(kind, u, scale, work)  # type: ignore[no-untyped-call]
    if len(weights) > 1:
        for i in range(len(u)):
            first[i] *= weights[i]
    elif weights[0] != 1.0:
        for i in range(len(u)):
            first[i] *= weights[0]
    top = columns[0]
    if is_normalised:
        second, third = columns[1], columns[2]
        for i in range(len(u)):
            top[i] = first[i] * f[i]
            second[i] = first[i] * b[i]
            third[i] = first[i]
    else:
        for i in range(len(u)):
            top[i] = first[i] * (f[i] - b[i])


@compiled
def _next_tile(image, offset, b, weights, kind, is_normalised, scale, work, columns, out, sums):  # type: ignore[no-untyped-def]
    """Fill the columns of a tile from its image, sums brought to its scale where larger; return the scale."""
    tile = work[4, : len(image)]
    if len(offset) > 1:
        for i in range(len(image)):
            tile[i] = image[i] + offset[i]
    else:
        for i in range(len(image)):
            tile[i] = image[i] + offset[0]
    if is_normalised:
        larger = _tile_scale(kind, tile, scale)  # type: ignore[no-untyped-call]
        if larger > scale:
            ratio = np.exp(scale - larger)
            out[0] *= ratio * ratio
            out[1] *= ratio
            out[2] *= ratio
            sums[0] *= ratio * ratio
            sums[1] *= ratio
            sums[2] *= ratio
            scale = larger
        _fill_columns(tile, b, weights, kind, True, scale, work, columns)  # type: ignore[no-untyped-call]
    else:
        _fill_columns(tile, b, weights, kind, False, 0.0, work, columns)  # type: ignore[no-untyped-call]
    for j in range(len(out)):
        column, total = columns[j, : len(image)], 0.0
        for i in range(len(image)):
            total += column[i]
        sums[j] += total
    return scale


@compiled
def dense_sweep(rows, x, offset, b, weights, kind, is_normalised, image, out, sums):  # type: ignore[no-untyped-def]
    """Fill `image` with ``rows @ x``, add the columns' ``c @ rows`` to `out` and their sums to `sums`.

    Returns the logarithmic scale that f has in them, 0 if it is not normalised.
    """
    n_rows, n_columns = rows.shape
    length = min(max(_TILE_ENTRIES // n_columns, _LEAST_TILE), _MOST_TILE)
    scale = -np.inf if is_normalised else 0.0
    work, columns = np.empty((5, length)), np.empty((len(out), length))
    for first in range(0, n_rows, length):
        last = min(first + length, n_rows)
        part = image[first:last]
        dense_product(rows[first:last], x, part)  # type: ignore[no-untyped-call]
        shift = offset[first:last] if len(offset) > 1 else offset
        weighted = weights[first:last] if len(weights) > 1 else weights
        given = (part, shift, b[first:last], weighted, kind, is_normalised, scale, work, columns, out, sums)
        scale = _next_tile(*given)  # type: ignore[no-untyped-call]
        dense_transposed_product(rows[first:last], columns[:, : last - first], out)  # type: ignore[no-untyped-call]
    return scale


@compiled
def column_sweep(columns, ends, x, offset, b, weights, kind, is_normalised, image, out, sums):  # type: ignore[no-untyped-def]
    """Do what ``dense_sweep`` does for rows in Fortran order, see ``column_product``."""
    length = min(max(_TILE_ENTRIES // len(columns), _LEAST_TALL), _MOST_TILE)
    scale = -np.inf if is_normalised else 0.0
    work, pulls = np.empty((5, length)), np.empty((len(out), length))
    rows = np.empty(2, dtype=np.intp)
    for first in range(0, len(image), length):
        last = min(first + length, len(image))
        part = image[first:last]
        rows[0], rows[1] = ends[0] + first, ends[0] + last
        column_product(columns, rows, x, part)  # type: ignore[no-untyped-call]
        shift = offset[first:last] if len(offset) > 1 else offset
        weighted = weights[first:last] if len(weights) > 1 else weights
        given = (part, shift, b[first:last], weighted, kind, is_normalised, scale, work, pulls, out, sums)
        scale = _next_tile(*given)  # type: ignore[no-untyped-call]
        column_transposed_product(columns, rows, pulls[:, : last - first], out)  # type: ignore[no-untyped-call]
    return scale


@compiled
def csr_sweep(data, indices, indptr, x, offset, b, weights, kind, is_normalised, image, out, sums):  # type: ignore[no-untyped-def]
    """Do what ``dense_sweep`` does for rows in CSR."""
    n_rows = len(image)
    scale = -np.inf if is_normalised else 0.0
    work, columns = np.empty((5, _MOST_TILE)), np.empty((len(out), _MOST_TILE))
    by_row, totals = np.empty((_MOST_TILE, len(out))), np.zeros((out.shape[1], len(out)))
    for first in range(0, n_rows, _MOST_TILE):
        last = min(first + _MOST_TILE, n_rows)
        part, ends = image[first:last], indptr[first : last + 1]
        csr_product(data, indices, ends, x, part)  # type: ignore[no-untyped-call]
        shift = offset[first:last] if len(offset) > 1 else offset
        weighted = weights[first:last] if len(weights) > 1 else weights
        before = scale
        given = (part, shift, b[first:last], weighted, kind, is_normalised, scale, work, columns, out, sums)
        scale = _next_tile(*given)  # type: ignore[no-untyped-call]
        if len(out) == 1:
            csr_transposed_product(data, indices, ends, columns[0], out[0])  # type: ignore[no-untyped-call]
            continue
        if scale > before:
            ratio = np.exp(before - scale)
            for k in range(len(totals)):
                totals[k, 0] *= ratio * ratio
                totals[k, 1] *= ratio
                totals[k, 2] *= ratio
        for i in range(last - first):
            for j in range(3):
                by_row[i, j] = columns[j, i]
        csr_transposed_products(data, indices, ends, by_row[: last - first], totals)  # type: ignore[no-untyped-call]
    if len(out) > 1:
        for j in range(3):
            for k in range(len(totals)):
                out[j, k] += totals[k, j]
    return scale
