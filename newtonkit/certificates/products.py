r"""Products with a design matrix in balls: A x and A^T v with bounds on all rounding errors.

Data are cut into tiles that stay in cache.  In a tile the products of entries are exact up to
u^2 of their size (:func:`double_double.two_product`), and are added in a tree; the sums of
tiles are added as balls, one after the other.  With a vector of exact numbers the error of an
entry is at most (17 + number of tiles) 2^-100 of the sizes summed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from newtonkit.certificates import double_double as dd
from newtonkit.certificates.balls import Ball, concatenated, outwards, quietly
from newtonkit.design import Design, FloatArray, IntArray, KroneckerDesign
from newtonkit.design.dense import DenseDesign
from newtonkit.design.intercept import InterceptDesign
from newtonkit.design.sparse import SparseDesign

_TILE = 2**14  # entries: with all that is made of them they stay in the cache
_TILE_COLUMNS = 128
_FEW = 4  # vectors that a tile is multiplied with at a time
_PIECE = 2**15
_TERM_ERROR = 2.0**-104  # 4 u^2, see _terms


def product(design: Design, x: Ball) -> Ball:
    """Return ``A @ x`` for each row x of a ball of shape (k, d), shape (k, n).

    Raises
    ------
    TypeError
        If the design is not one of the package's own kinds.
    """
    if isinstance(design, InterceptDesign):
        return product(design.inner, x[:, :-1]) + x[:, -1:]
    if isinstance(design, KroneckerDesign):
        return _kronecker_product(design, x)
    _check(design)
    out = Ball.zeros((x.shape[0], design.shape[0]))
    for few in _cut(x.shape[0], _FEW):
        if isinstance(design, SparseDesign):
            _add_sparse_product(design, x[few], out[few])
        else:
            _add_dense_product(design, x[few], out[few])
    return out


def transposed_product(design: Design, v: Ball) -> Ball:
    """Return ``A.T @ v`` for each row v of a ball of shape (k, n), shape (k, d).

    Raises
    ------
    TypeError
        If the design is not one of the package's own kinds.
    """
    if isinstance(design, InterceptDesign):
        return concatenated((transposed_product(design.inner, v), _row_sums(v)))
    if isinstance(design, KroneckerDesign):
        return _kronecker_transposed_product(design, v)
    _check(design)
    out = Ball.zeros((v.shape[0], design.shape[1]))
    for few in _cut(v.shape[0], _FEW):
        if isinstance(design, SparseDesign):
            _add_sparse_transposed_product(design, v[few], out[few])
        else:
            _add_dense_transposed_product(design, v[few], out[few])
    return out


def _check(design: Design) -> None:
    if not isinstance(design, DenseDesign | SparseDesign):
        raise TypeError(f"{type(design).__name__} has no products with error bounds")


def _cut(stop: int, length: int) -> Iterator[slice]:
    return (slice(a, b) for a, b in pairwise([*range(0, stop, length), stop]))


def _terms(a: FloatArray, x: Ball, is_float: bool) -> tuple[dd.Pair, FloatArray | None]:
    """Return the products with float64 entries, and what the radii of x do to them.

    The product with hi is exact; that with lo, at most u |hi|, and the sum of the two lower
    parts are rounded, by at most u^2 and 2.1 u^2 of the product.
    """
    hi, lo = dd.two_product(a, x.hi)
    if is_float:
        return (hi, lo), None
    return (hi, lo + a * x.lo), np.abs(a) * x.radius


def _summed(terms: dd.Pair, radius: FloatArray | None, axis: int) -> Ball:
    """Return the sums of terms along an axis; their arrays are overwritten."""
    count = terms[0].shape[axis]
    error = (dd.fold_error(count) + _TERM_ERROR) * np.abs(terms[0]).sum(axis)
    if radius is not None:
        error += radius.sum(axis)
    return Ball.guarded(*dd.fold(*terms, axis), outwards(error, count))


@quietly
def _add_dense_product(design: Design, x: Ball, out: Ball) -> None:
    """Add ``A @ x`` to `out`, for a few x, in place."""
    is_float = x.is_float
    for rows, columns in _tiles(*design.shape, x.shape[0]):
        a = _tile(design, rows, columns)
        part = x[:, columns].map(lambda array: np.ascontiguousarray(array.T)[:, :, None])
        total = _summed(*_terms(a[:, None, :], part, is_float), axis=0)
        key = slice(None), rows
        out.store(key, total if columns.start == 0 else out[key] + total)


@quietly
def _add_dense_transposed_product(design: Design, v: Ball, out: Ball) -> None:
    """Add ``A.T @ v`` to `out`, for a few v, in place."""
    is_float = v.is_float
    for rows, columns in _tiles(*design.shape, v.shape[0]):
        a = _tile(design, rows, columns)
        total = _summed(*_terms(a[:, None, :], v[None, :, rows], is_float), axis=2).map(np.transpose)
        key = slice(None), columns
        out.store(key, total if rows.start == 0 else out[key] + total)


def _tiles(n: int, d: int, k: int) -> Iterator[tuple[slice, slice]]:
    """Cut an array into tiles, of as many rows as their columns leave for products with k vectors."""
    width = min(d, _TILE_COLUMNS // k)
    for rows in _cut(n, max(1, _TILE // (width * k))):
        for columns in _cut(d, width):
            yield rows, columns


def _tile(design: Design, rows: slice, columns: slice) -> FloatArray:
    """Return a tile transposed, in an array of its own: vectors over the rows are long."""
    return np.ascontiguousarray(design.dense_rows(rows)[:, columns].T, dtype=np.float64)


def _row_sums(v: Ball) -> Ball:
    """Return the sums over all rows, shape (k, 1)."""
    total = Ball.zeros((v.shape[0], 1))
    for rows in _cut(v.shape[1], _PIECE):
        total = total + v[:, rows].sum(1)[:, None]
    return total


def _entry_pieces(design: SparseDesign, k: int) -> Iterator[tuple[slice, slice, IntArray]]:
    """Cut the entries into pieces; yield each, the rows it has entries of, and where these begin in it.

    A long row may be cut, so that no piece is longer than the rest.
    """
    ends = design.entries[2]
    for piece in _cut(int(ends[-1]), _PIECE // k):
        first = int(np.searchsorted(ends, piece.start, side="right")) - 1
        last = int(np.searchsorted(ends, piece.stop, side="left"))
        starts = np.maximum(ends[first:last].astype(np.intp), piece.start) - piece.start
        yield piece, slice(first, last), starts


@quietly
def _add_sparse_product(design: SparseDesign, x: Ball, out: Ball) -> None:
    is_float = x.is_float
    data, indices, _ = design.entries
    for piece, rows, starts in _entry_pieces(design, x.shape[0]):
        terms = _terms(data[piece].astype(np.float64), x[:, indices[piece]], is_float)
        key = slice(None), rows
        out.store(key, out[key] + _segments_summed(*terms, starts))


@quietly
def _add_sparse_transposed_product(design: SparseDesign, v: Ball, out: Ball) -> None:
    is_float = v.is_float
    data, indices, _ = design.entries
    for piece, rows, starts in _entry_pieces(design, v.shape[0]):
        counts = np.diff(starts, append=piece.stop - piece.start)
        order = np.argsort(indices[piece], kind="stable")
        columns = indices[piece][order]
        begins = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
        chosen = np.repeat(np.arange(rows.start, rows.stop), counts)[order]
        terms = _terms(data[piece][order].astype(np.float64), v[:, chosen], is_float)
        key = slice(None), columns[begins]
        out.store(key, out[key] + _segments_summed(*terms, begins))


def _segments_summed(terms: dd.Pair, radius: FloatArray | None, starts: NDArray[np.intp]) -> Ball:
    """Return the sums of runs of terms along the last axis, 0 for empty ones."""
    count = terms[0].shape[-1]
    full = np.diff(starts, append=count) > 0

    def sums(values: FloatArray) -> FloatArray:
        out = np.zeros((*values.shape[:-1], len(starts)))
        out[..., full] = np.add.reduceat(values, starts[full], axis=-1)
        return out

    error = (dd.fold_error(count) + _TERM_ERROR) * sums(np.abs(terms[0]))
    if radius is not None:
        error += sums(radius)
    return Ball.guarded(*dd.fold_segments(*terms, starts), outwards(error, count))


def _kronecker_product(design: KroneckerDesign, x: Ball) -> Ball:
    """Return A1 X A2^T, flattened, for each x."""
    first, second = design.factors
    k, d1, d2 = x.shape[0], first.shape[1], second.shape[1]
    columns = x.map(lambda a: a.reshape(k, d1, d2).transpose(0, 2, 1).reshape(k * d2, d1))
    half = product(first, columns)  # (k d2, n1)
    queries = half.map(lambda a: a.reshape(k, d2, -1).transpose(0, 2, 1).reshape(-1, d2))
    return product(second, queries).map(lambda a: a.reshape(k, -1))


def _kronecker_transposed_product(design: KroneckerDesign, v: Ball) -> Ball:
    """Return A1^T V A2, flattened, for each v."""
    first, second = design.factors
    k, n1, d2 = v.shape[0], first.shape[0], second.shape[1]
    half = transposed_product(second, v.map(lambda a: a.reshape(k * n1, -1)))  # (k n1, d2)
    answers = half.map(lambda a: a.reshape(k, n1, d2).transpose(0, 2, 1).reshape(k * d2, n1))
    sums = transposed_product(first, answers)  # (k d2, d1)
    return sums.map(lambda a: a.reshape(k, d2, -1).transpose(0, 2, 1).reshape(k, -1))
