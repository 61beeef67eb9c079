"""How rows are cut into pieces: by the shape of the data alone, never by the number of threads."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newtonkit.design.threads import map_blocks

FloatArray: TypeAlias = NDArray[np.float64]

_ENTRIES_SMALL = 2**17
_ENTRIES_LARGE = 2**20
_LONG_RUNS = 32
_RUN_WORK = 2**18
_SUMS_ENTRIES = 2**21
_PIECE_ROWS = 2**15


def row_blocks(n_rows: int, n_columns: int, entries_per_row: float | None = None) -> tuple[slice, ...]:
    """Cut rows into blocks whose size depends on the shape alone, never on the threads.

    A block holds about 1 MB of doubles, more when there are so many columns that its
    Gram matrix would cost more to add up than to form, and never more than 8 MB.
    """
    width = max(1.0, n_columns if entries_per_row is None else entries_per_row)
    rows = min(max(_ENTRIES_SMALL / width, 4 * n_columns), _ENTRIES_LARGE / width)
    count = max(1, round(n_rows / max(rows, 256.0)))
    edges = [n_rows * k // count for k in range(count + 1)]
    return tuple(slice(a, b) for a, b in pairwise(edges))


def vector_pieces(n_rows: int) -> tuple[slice, ...]:
    """Cut vectors over the rows into pieces that stay in cache, some arrays of them together."""
    count = max(1, round(n_rows / _PIECE_ROWS))
    edges = [n_rows * k // count for k in range(count + 1)]
    return tuple(slice(a, b) for a, b in pairwise(edges))


def row_runs(n_rows: int, n_columns: int) -> tuple[slice, ...]:
    """Cut rows into runs of nearly equal length: a few, that threads have little to hand over.

    There are 32, or fewer if a run would be swept as quickly as it is handed over.
    """
    count = min(max(2 * round(n_rows * n_columns / (2 * _ENTRIES_SMALL)), 2), _LONG_RUNS)
    edges = [n_rows * k // count for k in range(count + 1)]
    return tuple(slice(a, b) for a, b in pairwise(edges))


def entry_runs(indptr: NDArray[Any], n_columns: int) -> tuple[slice, ...]:
    """Cut sparse rows into runs of nearly equal work, fewer where the sums of a run are long beside it.

    A run has enough entries that starting a thread on it costs little, and 8 for each
    column; the sums of all runs together take at most 16 MB.
    """
    n_rows, n_entries = len(indptr) - 1, int(indptr[-1])
    work = n_entries + n_rows
    fitting = min(work // _RUN_WORK, n_entries // (8 * n_columns), _SUMS_ENTRIES // n_columns)
    count = min(_LONG_RUNS, fitting)
    inner = (
        bisect_left(range(n_rows), work * k // count, key=lambda i: int(indptr[i]) + i)
        for k in range(1, count)
    )
    edges = sorted({0, *inner, n_rows})
    return tuple(slice(a, b) for a, b in pairwise(edges))


def vector_sum(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the sum of two vectors over the rows, in threads."""
    out = np.empty(len(a))

    def add(piece: slice) -> None:
        np.add(a[piece], b[piece], out=out[piece])

    map_blocks(add, vector_pieces(len(a)))
    return out
