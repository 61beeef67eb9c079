"""Numba kernels over rows, given the activation and its derivatives; each has a NumPy oracle in the tests.

The activation comes in as arrays f, f' and f'', so that one kernel serves every activation,
one's own included, and the exponentials are those of NumPy.  A sum of f that is 0 gives infinity
or NaN.  `weights` of length 1 count for
all rows.  Groups are runs of rows that begin at `starts`.
"""

from __future__ import annotations

import numpy as np

from newtonkit.design.kernels import (
    compiled,
    csr_product,
    csr_transposed_products,
    dense_product,
    dense_transposed_product,
)

# How many rows of a sweep are dealt with at a time: their entries stay in cache.
_TILE_ENTRIES, _LEAST_TILE, _MOST_TILE = 2**15, 16, 256


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


@compiled
def _scaled_activation(kind, u, scale):  # type: ignore[no-untyped-def]
    """Return f(u) and f'(u) times exp(-scale) for the activations that have a number."""
    if kind == 0:
        f = np.exp(u - scale)
        return f, f
    if kind == 3:
        e, unit = np.exp(u - scale), np.exp(-scale)
        return e + u * unit, e + unit
    up, down = np.exp(u - scale), np.exp(-u - scale)
    even, odd = 0.5 * (up + down), 0.5 * (up - down)
    if abs(u) < 1.0:
        odd = np.sinh(u) * np.exp(-scale)  # without cancellation
    return (even, odd) if kind == 1 else (odd, even)


@compiled
def _tile_scale(kind, u, scale):  # type: ignore[no-untyped-def]
    """Return the larger of `scale` and the logarithmic scale of f in a tile."""
    for i in range(len(u)):
        size = u[i] if kind in (0, 3) else abs(u[i])
        scale = max(scale, size)
    return max(scale, 0.0) if kind == 3 else scale


@compiled
def _fill_columns(u, b, weights, kind, is_normalised, scale, columns):  # type: ignore[no-untyped-def]
    """Fill the columns of a tile: l' of the squared loss, or s f' f, s f' b and s f' times the scale."""
    varies = len(weights) > 1
    for i in range(len(u)):
        f, first = _scaled_activation(kind, u[i], scale)  # type: ignore[no-untyped-call]
        pull = first * (weights[i] if varies else weights[0])
        if is_normalised:
            columns[0, i], columns[1, i], columns[2, i] = pull * f, pull * b[i], pull
        else:
            columns[0, i] = pull * (f - b[i])


@compiled
def _next_tile(image, offset, b, weights, kind, is_normalised, scale, u, columns, out, sums):  # type: ignore[no-untyped-def]
    """Fill the columns of a tile from its image, sums brought to its scale where larger; return the scale."""
    for i in range(len(image)):
        u[i] = image[i] + (offset[i] if len(offset) > 1 else offset[0])
    tile = u[: len(image)]
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
        _fill_columns(tile, b, weights, kind, True, scale, columns)  # type: ignore[no-untyped-call]
    else:
        _fill_columns(tile, b, weights, kind, False, 0.0, columns)  # type: ignore[no-untyped-call]
    for j in range(len(out)):
        for i in range(len(image)):
            sums[j] += columns[j, i]
    return scale


@compiled
def dense_sweep(rows, x, offset, b, weights, kind, is_normalised, image, out, sums):  # type: ignore[no-untyped-def]
    """Fill `image` with ``rows @ x``, add the columns' ``c @ rows`` to `out` and their sums to `sums`.

    Returns the logarithmic scale that f has in them, 0 if it is not normalised.
    """
    n_rows, n_columns = rows.shape
    length = min(max(_TILE_ENTRIES // n_columns, _LEAST_TILE), _MOST_TILE)
    scale = -np.inf if is_normalised else 0.0
    u, columns = np.empty(length), np.empty((len(out), length))
    for first in range(0, n_rows, length):
        last = min(first + length, n_rows)
        part = image[first:last]
        dense_product(rows[first:last], x, part)  # type: ignore[no-untyped-call]
        shift = offset[first:last] if len(offset) > 1 else offset
        weighted = weights[first:last] if len(weights) > 1 else weights
        given = (part, shift, b[first:last], weighted, kind, is_normalised, scale, u, columns, out, sums)
        scale = _next_tile(*given)  # type: ignore[no-untyped-call]
        dense_transposed_product(rows[first:last], columns[:, : last - first], out)  # type: ignore[no-untyped-call]
    return scale


@compiled
def csr_sweep(data, indices, indptr, x, offset, b, weights, kind, is_normalised, image, out, sums):  # type: ignore[no-untyped-def]
    """Do what ``dense_sweep`` does for rows in CSR."""
    n_rows = len(image)
    scale = -np.inf if is_normalised else 0.0
    u, columns = np.empty(_MOST_TILE), np.empty((len(out), _MOST_TILE))
    by_row, totals = np.empty((_MOST_TILE, len(out))), np.zeros((out.shape[1], len(out)))
    for first in range(0, n_rows, _MOST_TILE):
        last = min(first + _MOST_TILE, n_rows)
        part, ends = image[first:last], indptr[first : last + 1]
        csr_product(data, indices, ends, x, part)  # type: ignore[no-untyped-call]
        shift = offset[first:last] if len(offset) > 1 else offset
        weighted = weights[first:last] if len(weights) > 1 else weights
        before = scale
        given = (part, shift, b[first:last], weighted, kind, is_normalised, scale, u, columns, out, sums)
        scale = _next_tile(*given)  # type: ignore[no-untyped-call]
        if is_normalised and scale > before:
            ratio = np.exp(before - scale)
            for k in range(len(totals)):
                totals[k, 0] *= ratio * ratio
                totals[k, 1] *= ratio
                totals[k, 2] *= ratio
        for i in range(last - first):
            for j in range(len(out)):
                by_row[i, j] = columns[j, i]
        csr_transposed_products(data, indices, ends, by_row[: last - first], totals)  # type: ignore[no-untyped-call]
    for j in range(len(out)):
        for k in range(len(totals)):
            out[j, k] = totals[k, j]
    return scale
