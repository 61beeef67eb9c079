"""Numba kernels on plain arrays; each has a NumPy oracle in the tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

# Sums may be taken in another order, so that loops over columns become vector instructions;
# infinities and NaN keep their meaning.
_REORDERED, _AS_WRITTEN = frozenset({"reassoc", "contract"}), frozenset({"contract"})


def compiled(function: F, relaxed: frozenset[str] = _REORDERED) -> F:
    """Compile without the GIL, keeping the machine code on disk where a place can be written.

    A division by zero gives infinity or NaN, as in NumPy.
    """
    make = partial(numba.njit, nogil=True, fastmath=set(relaxed), error_model="numpy")
    try:
        return cast(F, make(cache=True)(function))
    except RuntimeError:  # Numba: "cannot cache function: no locator available"
        return cast(F, make()(function))


def compiled_as_written(function: F) -> F:
    """Compile as :func:`compiled` does, sums in the order in which they are written."""
    return compiled(function, _AS_WRITTEN)


# Dense rows in C order, each read from memory once, whatever is done with it.  Entries may be
# float32, all else is float64.  One row at a time goes through memory in the order that processors
# foresee.  Short rows are added up four at a time, which share what is loaded and stored of the
# sums; so are rows so long that the sums leave the fastest cache meanwhile, in pieces.

_SHORT_ROWS, _LONG_ROWS = 320, 640
_ROWS_AT_ONCE = 16
_PIECE = 512
_TURNED = 128


@compiled
def _add_long_rows(rows, first, last, factors, total):  # type: ignore[no-untyped-def]
    """Add ``factors @ rows[first:last]`` to `total`; `factors` has an entry for each of these rows."""
    n_columns = rows.shape[1]
    in_fours = first + (last - first) // 4 * 4
    for start in range(0, n_columns, _PIECE):
        stop = min(start + _PIECE, n_columns)
        out = total[start:stop]
        for i in range(first, in_fours, 4):
            a, b = rows[i, start:stop], rows[i + 1, start:stop]
            c, d = rows[i + 2, start:stop], rows[i + 3, start:stop]
            p, q, r, s = (
                factors[i - first],
                factors[i + 1 - first],
                factors[i + 2 - first],
                factors[i + 3 - first],
            )
            for k in range(stop - start):
                out[k] += (p * a[k] + q * b[k]) + (r * c[k] + s * d[k])
        for i in range(in_fours, last):
            a, p = rows[i, start:stop], factors[i - first]
            for k in range(stop - start):
                out[k] += p * a[k]


@compiled
def dense_product(rows, x, image):  # type: ignore[no-untyped-def]
    """Fill `image` with ``rows @ x``."""
    n_rows, n_columns = rows.shape
    for i in range(n_rows):
        row = rows[i]
        total = 0.0
        for k in range(n_columns):
            total += row[k] * x[k]
        image[i] = total


@compiled
def dense_products(rows, columns, image):  # type: ignore[no-untyped-def]
    """Fill `image`, shape (n_rows, k), with ``rows @ columns.T`` for a few columns of shape (k, d)."""
    n_rows, n_columns = rows.shape
    for i in range(n_rows):
        row = rows[i]
        for j in range(len(columns)):
            x = columns[j]
            total = 0.0
            for k in range(n_columns):
                total += row[k] * x[k]
            image[i, j] = total


@compiled
def thin_gram(rows, weights, out):  # type: ignore[no-untyped-def]
    """Add ``rows.T @ diag(weights) @ rows`` to the lower triangle of `out`, for few columns.

    A few rows at a time are turned, so that an entry is the inner product of two short vectors.
    """
    n_rows, d = rows.shape
    turned, weighted = np.empty((d, _TURNED)), np.empty((d, _TURNED))
    for first in range(0, n_rows, _TURNED):
        count = min(_TURNED, n_rows - first)
        for i in range(count):
            row, weight = rows[first + i], weights[first + i]
            for k in range(d):
                turned[k, i] = row[k]
                weighted[k, i] = row[k] * weight
        for i in range(count, _TURNED):
            for k in range(d):
                turned[k, i] = 0.0
                weighted[k, i] = 0.0
        for k in range(d):
            a = turned[k]
            for j in range(k + 1):
                b = weighted[j]
                total = 0.0
                for i in range(_TURNED):
                    total += a[i] * b[i]
                out[k, j] += total


@compiled
def _add_short_rows(a, b, c, d, factors, total):  # type: ignore[no-untyped-def]
    """Add ``factors @ (a, b, c, d)`` to `total`."""
    p, q, r, s = factors[0], factors[1], factors[2], factors[3]
    for k in range(len(total)):
        total[k] += (p * a[k] + q * b[k]) + (r * c[k] + s * d[k])


@compiled
def _add_four_rows(a, b, c, d, factors, first, second, third):  # type: ignore[no-untyped-def]
    """Add ``factors @ (a, b, c, d)`` to three sums; `factors` has shape (3, 4)."""
    p, q, r = factors[0], factors[1], factors[2]
    p0, p1, p2, p3 = p[0], p[1], p[2], p[3]
    q0, q1, q2, q3 = q[0], q[1], q[2], q[3]
    r0, r1, r2, r3 = r[0], r[1], r[2], r[3]
    for k in range(len(first)):
        v0, v1, v2, v3 = a[k], b[k], c[k], d[k]
        first[k] += p0 * v0 + p1 * v1 + p2 * v2 + p3 * v3
        second[k] += q0 * v0 + q1 * v1 + q2 * v2 + q3 * v3
        third[k] += r0 * v0 + r1 * v1 + r2 * v2 + r3 * v3


@compiled
def _add_rows(rows, first, columns, out):  # type: ignore[no-untyped-def]
    """Add ``columns[:, first:] @ rows[first:]`` to `out`, a row at a time."""
    n_columns = rows.shape[1]
    for i in range(first, len(rows)):
        row = rows[i]
        for j in range(len(columns)):
            factor, total = columns[j, i], out[j]
            for k in range(n_columns):
                total[k] += factor * row[k]


@compiled
def dense_transposed_product(rows, columns, out):  # type: ignore[no-untyped-def]
    """Add ``columns @ rows`` to `out`, for columns of shape (k, n_rows).

    For three columns, those of the gradient of a normalised problem, four rows at a time: all
    that is loaded serves twelve products, and a sum is stored once for four.
    """
    n_rows, n_columns = rows.shape
    done = 0
    if len(columns) == 3:
        done = n_rows - n_rows % 4
        for i in range(0, done, 4):
            factors = columns[:, i : i + 4]
            a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
            _add_four_rows(a, b, c, d, factors, out[0], out[1], out[2])  # type: ignore[no-untyped-call]
    elif len(columns) == 1 and n_columns <= _SHORT_ROWS:
        done = n_rows - n_rows % 4
        for i in range(0, done, 4):
            a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
            _add_short_rows(a, b, c, d, columns[0, i : i + 4], out[0])  # type: ignore[no-untyped-call]
    elif n_columns >= _LONG_ROWS:
        done = n_rows
        for first in range(0, n_rows, _ROWS_AT_ONCE):
            last = min(first + _ROWS_AT_ONCE, n_rows)
            for j in range(len(columns)):
                _add_long_rows(rows, first, last, columns[j, first:last], out[j])  # type: ignore[no-untyped-call]
    _add_rows(rows, done, columns, out)  # type: ignore[no-untyped-call]


@compiled
def dense_gram_product(rows, weights, x, offset, image, out):  # type: ignore[no-untyped-def]
    """Fill `image` with ``rows @ x`` and add ``rows.T @ (weights * (image - offset))`` to `out`.

    An `offset` of length 1 counts for all rows.
    """
    n_rows, n_columns = rows.shape
    varies = len(offset) > 1
    at_once = 1
    if n_columns <= _SHORT_ROWS:
        at_once = 4
    elif n_columns >= _LONG_ROWS:
        at_once = _ROWS_AT_ONCE
    factors = np.empty(at_once)
    for first in range(0, n_rows, at_once):
        last = min(first + at_once, n_rows)
        for i in range(first, last):
            row = rows[i]
            total = 0.0
            for k in range(n_columns):
                total += row[k] * x[k]
            image[i] = total
            factors[i - first] = (total - (offset[i] if varies else offset[0])) * weights[i]
        if at_once == 4 and last - first == 4:
            a, b, c, d = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
            _add_short_rows(a, b, c, d, factors, out)  # type: ignore[no-untyped-call]
        elif at_once > 1:
            _add_long_rows(rows, first, last, factors, out)  # type: ignore[no-untyped-call]
        else:
            row, factor = rows[first], factors[0]
            for k in range(n_columns):
                out[k] += factor * row[k]


@compiled
def dense_square_sums(rows, row_sums, column_sums):  # type: ignore[no-untyped-def]
    """Fill `row_sums` with the sums of squares of the rows, and add those of the columns to `column_sums`."""
    n_rows, n_columns = rows.shape
    for i in range(n_rows):
        a = rows[i]
        total = 0.0
        for k in range(n_columns):
            square = np.float64(a[k]) * np.float64(a[k])
            total += square
            column_sums[k] += square
        row_sums[i] = total


@compiled
def dense_square_norms(rows, transform, offset, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the squared norms of the rows of ``rows @ transform.T + offset``.

    `transform` has shape (k, d): every row of it is used for four rows of the data, which
    stay in cache meanwhile.
    """
    n_rows, n_columns = rows.shape
    whole = n_rows - n_rows % 4
    for i in range(0, whole, 4):
        a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        pp, qq, rr, ss = 0.0, 0.0, 0.0, 0.0
        for j in range(len(transform)):
            x = transform[j]
            p, q, r, s = 0.0, 0.0, 0.0, 0.0
            for k in range(n_columns):
                p += a[k] * x[k]
                q += b[k] * x[k]
                r += c[k] * x[k]
                s += d[k] * x[k]
            p, q, r, s = p + offset[j], q + offset[j], r + offset[j], s + offset[j]
            pp, qq, rr, ss = pp + p * p, qq + q * q, rr + r * r, ss + s * s
        out[i], out[i + 1], out[i + 2], out[i + 3] = pp, qq, rr, ss
    for i in range(whole, n_rows):
        a = rows[i]
        pp = 0.0
        for j in range(len(transform)):
            x = transform[j]
            p = offset[j]
            for k in range(n_columns):
                p += a[k] * x[k]
            pp += p * p
        out[i] = pp


@compiled
def dense_scaled_rows(rows, indices, factors, out):  # type: ignore[no-untyped-def]
    """Fill the first columns of `out` with ``factors[:, None] * rows[indices]``."""
    n_columns = rows.shape[1]
    for i in range(len(indices)):
        row = rows[indices[i]]
        factor = factors[i]
        target = out[i, :n_columns]
        for k in range(n_columns):
            target[k] = factor * row[k]


@compiled
def dense_scaled_columns(columns, indices, factors, out):  # type: ignore[no-untyped-def]
    """Do what ``dense_scaled_rows`` does for rows in Fortran order, given transposed as is `out`."""
    for k in range(len(columns)):
        column = columns[k]
        target = out[k]
        for i in range(len(indices)):
            target[i] = factors[i] * column[indices[i]]


@compiled
def shift_rows(shifts, groups, centres, factors, out):  # type: ignore[no-untyped-def]
    """Replace the first columns of ``out[i]`` by ``factors[i] * (out[i] - shifts[i] * centres[groups[i]])``.

    In this order a column that is its own centre vanishes exactly.
    """
    n_columns = centres.shape[1]
    for i in range(len(shifts)):
        shift, factor = shifts[i], factors[i]
        centre = centres[groups[i]]
        target = out[i, :n_columns]
        for k in range(n_columns):
            target[k] = factor * (target[k] - shift * centre[k])


# Dense data in Fortran order, given transposed: `columns` has shape (d, n) in C order, and
# ``ends`` holds the first row that is meant and the one after the last.  A few hundred rows at a
# time stay in cache from a product to the next; sums run along the columns.

_TALL = 512
_TALL_WEIGHTED = 128


@compiled
def _add_columns(columns, first, last, x, image):  # type: ignore[no-untyped-def]
    """Fill `image` with the product of the rows `first` to `last` with x, four columns at a time."""
    d = len(columns)
    image[:] = 0.0
    for k in range(0, d - d % 4, 4):
        p, q, r, s = x[k], x[k + 1], x[k + 2], x[k + 3]
        a, b = columns[k, first:last], columns[k + 1, first:last]
        c, e = columns[k + 2, first:last], columns[k + 3, first:last]
        for i in range(len(image)):
            image[i] += (p * a[i] + q * b[i]) + (r * c[i] + s * e[i])
    for k in range(d - d % 4, d):
        p, a = x[k], columns[k, first:last]
        for i in range(len(image)):
            image[i] += p * a[i]


@compiled
def _add_inner_products(columns, first, last, v, out):  # type: ignore[no-untyped-def]
    """Add the inner products of v with the rows `first` to `last` of each column to `out`."""
    d = len(columns)
    for k in range(0, d - d % 4, 4):
        a, b = columns[k, first:last], columns[k + 1, first:last]
        c, e = columns[k + 2, first:last], columns[k + 3, first:last]
        p, q, r, s = 0.0, 0.0, 0.0, 0.0
        for i in range(len(v)):
            p += v[i] * a[i]
            q += v[i] * b[i]
            r += v[i] * c[i]
            s += v[i] * e[i]
        out[k] += p
        out[k + 1] += q
        out[k + 2] += r
        out[k + 3] += s
    for k in range(d - d % 4, d):
        p, a = 0.0, columns[k, first:last]
        for i in range(len(v)):
            p += v[i] * a[i]
        out[k] += p


@compiled
def column_product(columns, ends, x, image):  # type: ignore[no-untyped-def]
    """Do what ``dense_product`` does."""
    for first in range(ends[0], ends[1], _TALL):
        last = min(first + _TALL, ends[1])
        part = image[first - ends[0] : last - ends[0]]
        _add_columns(columns, first, last, x, part)  # type: ignore[no-untyped-call]


@compiled
def column_transposed_product(columns, ends, v, out):  # type: ignore[no-untyped-def]
    """Do what ``dense_transposed_product`` does, for v of shape (k, n_rows)."""
    for first in range(ends[0], ends[1], _TALL):
        last = min(first + _TALL, ends[1])
        for j in range(len(v)):
            part = v[j, first - ends[0] : last - ends[0]]
            _add_inner_products(columns, first, last, part, out[j])  # type: ignore[no-untyped-call]


@compiled
def column_gram_product(columns, ends, weights, x, offset, image, out):  # type: ignore[no-untyped-def]
    """Do what ``dense_gram_product`` does."""
    pull = np.empty(_TALL)
    for first in range(ends[0], ends[1], _TALL):
        a = first - ends[0]
        last = min(first + _TALL, ends[1])
        part, factors = image[a : last - ends[0]], pull[: last - first]
        _add_columns(columns, first, last, x, part)  # type: ignore[no-untyped-call]
        weighted = weights[a : last - ends[0]]
        if len(offset) > 1:
            moved = offset[a : last - ends[0]]
            for i in range(len(part)):
                factors[i] = (part[i] - moved[i]) * weighted[i]
        else:
            for i in range(len(part)):
                factors[i] = (part[i] - offset[0]) * weighted[i]
        _add_inner_products(columns, first, last, factors, out)  # type: ignore[no-untyped-call]


@compiled
def column_square_sums(columns, ends, row_sums, column_sums):  # type: ignore[no-untyped-def]
    """Do what ``dense_square_sums`` does."""
    row_sums[:] = 0.0
    for first in range(ends[0], ends[1], _TALL):
        last = min(first + _TALL, ends[1])
        part = row_sums[first - ends[0] : last - ends[0]]
        for k in range(len(columns)):
            a, total = columns[k, first:last], 0.0
            for i in range(len(a)):
                square = np.float64(a[i]) * np.float64(a[i])
                part[i] += square
                total += square
            column_sums[k] += total


@compiled
def column_thin_gram(columns, ends, weights, out):  # type: ignore[no-untyped-def]
    """Do what ``thin_gram`` does."""
    d = len(columns)
    weighted = np.empty((d, _TALL_WEIGHTED))
    sums = np.empty(d)
    for first in range(ends[0], ends[1], _TALL_WEIGHTED):
        last = min(first + _TALL_WEIGHTED, ends[1])
        factors = weights[first - ends[0] : last - ends[0]]
        for k in range(d):
            a, target = columns[k, first:last], weighted[k]
            for i in range(len(factors)):
                target[i] = factors[i] * a[i]
            sums[: k + 1] = 0.0
            given = weighted[: k + 1], 0, last - first, columns[k, first:last], sums
            _add_inner_products(*given)  # type: ignore[no-untyped-call]
            for j in range(k + 1):
                out[k, j] += sums[j]


# Sparse rows (CSR): `indptr` has the ends of the rows that are meant within all of `data` and
# `indices`.  Both are wanted as unsigned integers, which Numba uses as they are; of signed ones it
# asks each time whether they count from the end, which takes up to half of the time.

_ONE = np.uint64(1)


@compiled
def csr_product(data, indices, indptr, x, image):  # type: ignore[no-untyped-def]
    """Fill `image` with ``A @ x``."""
    a = np.uint64(indptr[0])
    for i in range(len(image)):
        last = np.uint64(indptr[i + 1])
        total = 0.0
        while a < last:
            total += data[a] * x[indices[a]]
            a += _ONE
        image[i] = total


@compiled
def csr_transposed_product(data, indices, indptr, v, out):  # type: ignore[no-untyped-def]
    """Add ``A.T @ v`` to `out`, for v of shape (n_rows,)."""
    a = np.uint64(indptr[0])
    for i in range(len(indptr) - 1):
        factor, last = v[i], np.uint64(indptr[i + 1])
        while a < last:
            out[indices[a]] += factor * data[a]
            a += _ONE


@compiled
def _csr_transposed_three(data, indices, indptr, v, out):  # type: ignore[no-untyped-def]
    """Do what ``csr_transposed_products`` does for three columns, without the innermost loop."""
    a = np.uint64(indptr[0])
    for i in range(len(indptr) - 1):
        p, q, r, last = v[i, 0], v[i, 1], v[i, 2], np.uint64(indptr[i + 1])
        while a < last:
            value, target = data[a], out[indices[a]]
            target[0] += value * p
            target[1] += value * q
            target[2] += value * r
            a += _ONE


@compiled
def csr_transposed_products(data, indices, indptr, v, out):  # type: ignore[no-untyped-def]
    """Add ``A.T @ v`` to `out`, for v of shape (n_rows, k)."""
    columns = v.shape[1]
    if columns == 3:
        _csr_transposed_three(data, indices, indptr, v, out)  # type: ignore[no-untyped-call]
        return
    a = np.uint64(indptr[0])
    for i in range(len(indptr) - 1):
        row, last = v[i], np.uint64(indptr[i + 1])
        while a < last:
            value, target = data[a], out[indices[a]]
            for k in range(columns):
                target[k] += value * row[k]
            a += _ONE


@compiled
def csr_gram_product(data, indices, indptr, weights, x, offset, image, out):  # type: ignore[no-untyped-def]
    """Fill `image` with ``A @ x`` and add ``A.T @ (weights * (image - offset))`` to `out`.

    An `offset` of length 1 counts for all rows.  Rows of two entries, as two encoded categories
    have, go without loops, which would take a quarter of the time.
    """
    varies = len(offset) > 1
    first = np.uint64(indptr[0])
    for i in range(len(image)):
        last = np.uint64(indptr[i + 1])
        if last - first == 2:
            second = first + _ONE
            j, k = indices[first], indices[second]
            p, q = data[first], data[second]
            total = p * x[j] + q * x[k]
            image[i] = total
            total = (total - (offset[i] if varies else offset[0])) * weights[i]
            out[j] += total * p
            out[k] += total * q
        else:
            total = 0.0
            a = first
            while a < last:
                total += data[a] * x[indices[a]]
                a += _ONE
            image[i] = total
            total = (total - (offset[i] if varies else offset[0])) * weights[i]
            a = first
            while a < last:
                out[indices[a]] += total * data[a]
                a += _ONE
        first = last


@compiled
def csr_square_sums(data, indices, indptr, row_sums, column_sums):  # type: ignore[no-untyped-def]
    """Fill `row_sums` with the sums of squares of the rows, and add those of the columns to `column_sums`."""
    for i in range(len(indptr) - 1):
        total = 0.0
        for a in range(indptr[i], indptr[i + 1]):
            square = np.float64(data[a]) * np.float64(data[a])
            total += square
            column_sums[indices[a]] += square
        row_sums[i] = total


@compiled
def csr_scaled_rows(data, indices, starts, stops, factors, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the rows between `starts` and `stops`, each times its factor."""
    for i in range(len(starts)):
        target = out[i]
        target[:] = 0.0
        for a in range(starts[i], stops[i]):
            target[indices[a]] = factors[i] * data[a]


@compiled
def csr_gram(data, indices, starts, stops, weights, first, last, out):  # type: ignore[no-untyped-def]
    """Add ``sum_i weights[i] * outer(row_i, row_i)`` to the rows `first` to `last` of a lower triangle.

    Row i lies between ``starts[i]`` and ``stops[i]``; rows of weight zero are skipped.  Indices
    are sorted within each row.  Two rows of `out` at a time share what is loaded, and half as
    many short loops come to an end that the processor did not foresee.
    """
    for i in range(len(starts)):
        weight = weights[i]
        if weight == 0.0:
            continue
        begin, end = np.uint64(starts[i]), np.uint64(stops[i])
        a = begin
        while a < end and indices[a] < first:
            a += _ONE
        while a < end and indices[end - _ONE] >= last:
            end -= _ONE
        while a < end:
            upper, p = out[indices[a]], weight * data[a]
            b = begin
            if a + _ONE == end:
                while b <= a:
                    upper[indices[b]] += p * data[b]
                    b += _ONE
                break
            lower, q = out[indices[a + _ONE]], weight * data[a + _ONE]
            while b <= a:
                column, value = indices[b], data[b]
                upper[column] += p * value
                lower[column] += q * value
                b += _ONE
            lower[indices[b]] += q * data[b]
            a = b + _ONE


@compiled
def hash_rows(first_row, scale, key, edges, targets, coefficients):  # type: ignore[no-untyped-def]
    """Fill the output rows and coefficients of consecutive rows; see ``SignScatter.hashed``.

    One `scale` counts for all rows.
    """
    n_rows, nonzeros = targets.shape
    root = np.sqrt(float(nonzeros))
    for i in range(n_rows):
        size = (scale[i] if len(scale) > 1 else scale[0]) / root
        counter = np.uint64(first_row + i) * np.uint64(8)
        for j in range(nonzeros):
            z = (counter + np.uint64(j + 1)) * np.uint64(0x9E3779B97F4A7C15) + key
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            length = np.uint64(edges[j + 1] - edges[j])
            targets[i, j] = edges[j] + np.int64(((z >> np.uint64(32)) * length) >> np.uint64(32))
            coefficients[i, j] = size if z & np.uint64(1) else -size


@compiled
def scatter_rows(rows, targets, coefficients, out):  # type: ignore[no-untyped-def]
    """Add ``coefficients[i, j] * rows[i]`` to the first columns of ``out[targets[i, j]]``.

    Rows are taken as slices: with plain indices the inner loop is not vectorised and takes
    twice as long.
    """
    n_rows, n_columns = rows.shape
    for i in range(n_rows):
        row = rows[i]
        for j in range(targets.shape[1]):
            coefficient = coefficients[i, j]
            if coefficient != 0.0:
                target = out[targets[i, j], :n_columns]
                for k in range(n_columns):
                    target[k] += coefficient * row[k]


@compiled
def scatter_csr_rows(data, indices, indptr, targets, coefficients, first, last, out):  # type: ignore[no-untyped-def]
    """Do what ``scatter_rows`` does for rows in CSR, to the rows `first` to `last` of `out` alone.

    A sparse row touches the output at random: rows of it that fit into the cache are filled
    at a time, which pays although targets are read again, and threads need no output each.
    """
    for j in range(targets.shape[1]):
        for i in range(len(indptr) - 1):
            if first <= targets[i, j] < last:
                coefficient = coefficients[i, j]
                if coefficient != 0.0:
                    target = out[targets[i, j]]
                    for a in range(indptr[i], indptr[i + 1]):
                        target[indices[a]] += coefficient * data[a]


@compiled
def csr_square_norms(data, indices, indptr, transform, offset, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the squared norms of the rows of ``A @ transform + offset``."""
    columns = transform.shape[1]
    image = np.empty(columns)
    for i in range(len(indptr) - 1):
        for k in range(columns):
            image[k] = offset[k]
        for a in range(indptr[i], indptr[i + 1]):
            value = data[a]
            row = transform[indices[a]]
            for k in range(columns):
                image[k] += value * row[k]
        total = 0.0
        for k in range(columns):
            total += image[k] * image[k]
        out[i] = total
