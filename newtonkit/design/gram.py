"""Weighted Gram matrices A^T diag(w) A: rows are scaled into scratch memory and multiplied there.

With the root of |w| on every row, and the rows of positive and of negative weight put apart, the
matrix is a difference of two products of a matrix with its own transpose, which cost BLAS half as
much as any other.  Only one triangle is kept until the end, so that the result is symmetric to the
bit.  Which rows are added where depends on the shape alone, never on the number of threads.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cython_blas

from newtonkit.design.threads import map_blocks

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]
Order: TypeAlias = Literal["C", "F"]
# add(indices, weights, stripe, out) adds a part of A^T diag(w) A to some rows of a lower triangle.
Add: TypeAlias = Callable[[IntArray, FloatArray, slice, FloatArray], None]
# fill(indices, factors, out) writes factors[:, None] * A[indices] to the first columns of out.
Fill: TypeAlias = Callable[[IntArray, FloatArray, FloatArray], None]

_CACHED_ENTRIES = 2**17  # of scaled rows: what stays in a processor's own cache
_SHARED_ENTRIES = 2**20  # of scaled rows, where threads share them
_FEWEST_ROWS, _MOST_ROWS = 256, 8192
_TOTALS_ENTRIES = 3 * 2**19  # of all partial sums together: 12 MB
_MOST_TOTALS, _FEWEST_TOTALS = 8, 4
_STRIPES = 8
THIN = 32
_PAIRED_TOTALS_ENTRIES = 2**21
_PAIRED_ROWS = 2**14
_PAIRED_STRIPES = 4
_MIRRORED = 64


def _blas(name: str, *types: Any) -> Any:
    """Return a routine of SciPy's BLAS that is called without the GIL, which SciPy's own wrapper keeps."""
    capsule = vars(cython_blas)["__pyx_capi__"][name]
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None, *types)(pointer_of(capsule, name_of(capsule)))


_INT, _DOUBLE = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_double)
_CHAR, _ARRAY = ctypes.c_char_p, ctypes.c_void_p
_dsyrk = _blas("dsyrk", _CHAR, _CHAR, _INT, _INT, _DOUBLE, _ARRAY, _INT, _DOUBLE, _ARRAY, _INT)
_dgemm = _blas(
    "dgemm", _CHAR, _CHAR, _INT, _INT, _INT, _DOUBLE, _ARRAY, _INT, _ARRAY, _INT, _DOUBLE, _ARRAY, _INT
)


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _double(value: float) -> Any:
    return ctypes.byref(ctypes.c_double(value))


def _add_stripe(rows: FloatArray, sign: float, stripe: slice, out: FloatArray) -> None:
    """Add ``sign * rows.T @ rows`` to the rows `stripe` of `out`, up to the diagonal.

    `rows` are consecutive rows of an array in C or Fortran order; `out` is square, in C order.
    """
    count, d = len(rows), len(out)
    if count == 0:
        return
    first, width = stripe.start, stripe.stop - stripe.start
    by_rows = rows.strides[1] == rows.itemsize and rows.shape[1] <= rows.strides[0] // rows.itemsize
    leading = _int(max(rows.strides) // rows.itemsize)
    here, there = rows.ctypes.data, rows.ctypes.data + first * rows.strides[1]
    target = out.ctypes.data + first * out.strides[0]
    plain, other = (b"N", b"T") if by_rows else (b"T", b"N")
    size, depth, one, signed = _int(width), _int(count), _double(1.0), _double(sign)
    # BLAS counts by columns: to it `out` is transposed, and rows in C order are columns.
    diagonal = target + first * out.strides[1]
    _dsyrk(b"U", plain, size, depth, signed, there, leading, one, diagonal, _int(d))
    if first > 0:
        given = here, leading, there, leading
        _dgemm(plain, other, _int(first), size, depth, signed, *given, one, target, _int(d))


class _Scratch(threading.local):
    """Memory of this thread, used again: fresh pages for every block would cost as much as the product."""

    def __init__(self) -> None:
        self._memory: FloatArray = np.empty(0)

    def array(self, shape: tuple[int, int], order: Order) -> FloatArray:
        """Return an array, contents undefined, until the next call."""
        size = shape[0] * shape[1]
        if self._memory.size < size:
            self._memory = np.empty(size)
        return self._memory[:size].reshape(shape, order=order)


_scratch = _Scratch()


def _by_sign(indices: IntArray, weights: FloatArray) -> tuple[IntArray, FloatArray, int]:
    """Return the rows that count, the roots of their |weight|, and how many have a positive one.

    Those come first, and rows of weight zero are left out if there are any of negative weight.
    """
    negative = weights < 0.0
    if not negative.any():
        return indices, np.sqrt(weights), len(indices)
    up, down = np.flatnonzero(~negative & (weights != 0.0)), np.flatnonzero(negative)
    order = np.concatenate((up, down))
    return indices[order], np.sqrt(np.abs(weights[order])), len(up)


def _add_block(fill: Fill, indices: IntArray, weights: FloatArray, order: Order, out: FloatArray) -> None:
    """Add the Gram matrix of a block of rows to the lower triangle of `out`."""
    d = len(out)
    if d <= THIN:  # so few that BLAS is quicker with a product of two matrices
        both = _scratch.array((2 * len(indices), d), "C")
        rows, scaled = both[: len(indices)], both[len(indices) :]
        fill(indices, np.ones(len(indices)), rows)
        np.multiply(rows, weights[:, None], out=scaled)
        out += rows.T @ scaled
        return
    chosen, roots, positive = _by_sign(indices, weights)
    rows = _scratch.array((len(chosen), d), order)
    fill(chosen, roots, rows)
    _add_stripe(rows[:positive], 1.0, slice(0, d), out)
    _add_stripe(rows[positive:], -1.0, slice(0, d), out)


def mirror(out: FloatArray) -> FloatArray:
    """Copy the lower triangle to the upper, in place, and return the array."""
    d = len(out)
    for first in range(0, d, _MIRRORED):
        last = min(first + _MIRRORED, d)
        out[:first, first:last] = out[first:last, :first].T
        square = out[first:last, first:last]
        above = np.triu_indices(last - first, 1)
        square[above] = square.T[above]
    return out


def stripes(d: int, count: int) -> list[slice]:
    """Cut the rows of a lower triangle into stripes of nearly equal area, the largest to do first."""
    edges = sorted({round(d * (k / count) ** 0.5) for k in range(count + 1)})
    return [slice(a, b) for a, b in pairwise(edges)][::-1]


def cut(first: int, last: int, length: int) -> list[slice]:
    """Return consecutive slices of a given length, the last of which may be shorter."""
    return [slice(k, min(k + length, last)) for k in range(first, last, length)]


def weighted_gram(fill: Fill, indices: IntArray, weights: FloatArray, d: int) -> FloatArray:
    """Return ``A[indices].T @ diag(weights) @ A[indices]`` in float64, without threads.

    Weights may have any sign.
    """
    out = np.zeros((d, d))
    for part in cut(0, len(indices), _block_length(d)):
        _add_block(fill, indices[part], weights[part], "C", out)
    return mirror(out)


def _chosen(indices: IntArray | None, part: slice) -> IntArray:
    return np.arange(part.start, part.stop) if indices is None else indices[part]


def _block_length(d: int) -> int:
    return min(max(_CACHED_ENTRIES // d, _FEWEST_ROWS), _MOST_ROWS)


def threaded_gram(
    fill: Fill, indices: IntArray | None, weights: FloatArray, d: int, order: Order = "C"
) -> FloatArray:
    """Return ``A[indices].T @ diag(weights) @ A[indices]`` in float64, in threads.

    With few columns a fixed number of runs of rows have a sum each, added up last; with many
    every block of scaled rows is shared, and threads fill different rows of one output.  All
    that is kept beside the output takes 12 MB, and 1 to 2 MB for each thread.

    Parameters
    ----------
    fill : callable
        ``fill(indices, factors, out)`` writes ``factors[:, None] * A[indices]`` to the first
        columns of `out`, of C or Fortran order.
    indices : ndarray of int, shape (m,), or None
        The rows; None for the first m.
    weights : ndarray, shape (m,)
        Their weights, of any sign.
    d : int
        The number of columns.
    order : {"C", "F"}, default "C"
        How `out` is to be laid out, that of the data being quickest.

    Returns
    -------
    ndarray, shape (d, d)
        Symmetric to the last bit.
    """
    blocks = cut(0, len(weights), _block_length(d))
    count = min(_MOST_TOTALS, _TOTALS_ENTRIES // d**2)
    if count < _FEWEST_TOTALS:
        return _shared_gram(fill, indices, weights, d, order)
    count = max(1, min(count, len(blocks)))
    edges = [len(blocks) * k // count for k in range(count + 1)]

    def add_run(run: slice) -> FloatArray:
        out = np.zeros((d, d))
        for block in blocks[run]:
            _add_block(fill, _chosen(indices, block), weights[block], order, out)
        return out

    totals = map_blocks(add_run, [slice(a, b) for a, b in pairwise(edges)])
    for total in totals[1:]:
        totals[0] += total
    return mirror(totals[0])


def run_gram(add: Callable[[slice, FloatArray], None], n: int, d: int) -> FloatArray:
    """Return a Gram matrix of n rows, which ``add(run, out)`` adds to a lower triangle by runs of rows."""
    edges = [n * k // _MOST_TOTALS for k in range(_MOST_TOTALS + 1)]

    def summed(run: slice) -> FloatArray:
        out = np.zeros((d, d))
        add(run, out)
        return out

    totals = map_blocks(summed, [slice(a, b) for a, b in pairwise(edges)])
    for total in totals[1:]:
        totals[0] += total
    return mirror(totals[0])


def _shared_gram(
    fill: Fill, indices: IntArray | None, weights: FloatArray, d: int, order: Order
) -> FloatArray:
    out = np.zeros((d, d))
    length = max(_SHARED_ENTRIES // d, _FEWEST_ROWS // 2)
    memory = np.empty(min(length, len(weights)) * d)
    for block in cut(0, len(weights), length):
        chosen, roots, positive = _by_sign(_chosen(indices, block), weights[block])
        rows = memory[: len(chosen) * d].reshape((len(chosen), d), order=order)

        def prepare(
            part: slice, chosen: IntArray = chosen, roots: FloatArray = roots, rows: FloatArray = rows
        ) -> None:
            fill(chosen[part], roots[part], rows[part])

        def add(stripe: slice, rows: FloatArray = rows, positive: int = positive) -> None:
            _add_stripe(rows[:positive], 1.0, stripe, out)
            _add_stripe(rows[positive:], -1.0, stripe, out)

        map_blocks(prepare, cut(0, len(chosen), max(1, -(-len(chosen) // _STRIPES))))
        map_blocks(add, stripes(d, _STRIPES))
    return mirror(out)


def pairwise_gram(add: Add, indices: IntArray | None, weights: FloatArray, d: int) -> FloatArray:
    """Return a Gram matrix summed from pairs of entries of sparse rows, in threads.

    Up to 1024 columns a few runs of rows have a sum each; with more, runs would take too much
    memory, and threads go through all rows, each for different rows of one output.
    """
    m = len(weights)
    count = min(_MOST_TOTALS, _PAIRED_TOTALS_ENTRIES // d**2)
    shared = count < 2
    outs = [np.zeros((d, d)) for _ in range(1 if shared else count)]
    runs = [slice(m * k // len(outs), m * (k + 1) // len(outs)) for k in range(len(outs))]
    parts = stripes(d, _PAIRED_STRIPES) if shared else [slice(0, d)]

    def add_all(given: tuple[slice, FloatArray, slice]) -> None:
        run, out, stripe = given
        for part in cut(run.start, run.stop, _PAIRED_ROWS):
            add(_chosen(indices, part), weights[part], stripe, out)

    tasks = [(run, out, stripe) for run, out in zip(runs, outs, strict=True) for stripe in parts]
    map_blocks(add_all, tasks)
    for out in outs[1:]:
        outs[0] += out
    return mirror(outs[0])
