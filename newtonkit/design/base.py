"""The design matrix: every touch of the data A goes through here, one row block at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newtonkit.design.scatter import SignScatter, TargetArray
from newtonkit.design.threads import map_blocks

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.intp]

_ENTRIES_SMALL = 2**17
_ENTRIES_LARGE = 2**20
_MAX_RUNS = 8
_SMALL_DESIGN = 1_000_000  # entries: up to here plain NumPy and SciPy are used, and Numba is not loaded
_BUFFER_ENTRIES = 2**23
_TILE_ENTRIES = 2**18


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


class Design(ABC):
    """An n x d matrix that is only read, by blocks of consecutive rows.

    A subclass says what one block does (``block_product`` and so on); this class spreads
    the blocks over threads and adds up their results in one fixed order.  Products take
    and return float64 whatever the type in which the entries are kept.

    Attributes
    ----------
    shape : tuple of int
        (n, d).
    dtype : numpy.dtype
        Type in which the entries are kept, float64 or float32.
    blocks : tuple of slice
        The row blocks.
    """

    shape: tuple[int, int]
    dtype: np.dtype[np.floating]
    blocks: tuple[slice, ...]

    @abstractmethod
    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """Return ``A[block] @ x`` for x of shape (d,) or (d, k)."""

    @abstractmethod
    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """Return ``A[block].T @ v`` for v of shape (rows,) or (rows, k)."""

    @abstractmethod
    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """Return ``A[block].T @ diag(weights) @ A[block]`` for weights of any sign."""

    @abstractmethod
    def block_square_sums(self, block: slice) -> FloatArray:
        """Return the squared Euclidean norm of every row of the block."""

    @abstractmethod
    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """Return ``(A[block] ** 2).T @ v`` for v of shape (rows,)."""

    @abstractmethod
    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """Return ``columns[g].T @ A[g]`` for every run g of rows, shape (runs, k, d).

        `columns` has shape (rows, k); run g begins at row ``starts[g]`` of the block.
        """

    @abstractmethod
    def rows(self, indices: IntArray) -> Design:
        """Return the design of the given rows, in the given order (a copy)."""

    def dense_rows(self, rows: slice) -> NDArray[Any]:
        """Return consecutive rows (any, not only a block) as an array in the type they are kept in."""
        return self.rows(np.arange(rows.start, rows.stop)).to_dense()

    def block_square_norms(
        self, block: slice, transform: FloatArray, offset: FloatArray | None = None
    ) -> FloatArray:
        """Return the squared norms of the rows of ``A[block] @ transform + offset``, shape (rows,)."""
        image = self.block_product(block, transform)
        if offset is not None:
            image = image + offset
        return np.asarray(np.einsum("ij,ij->i", image, image))

    def add_embedded(
        self, rows: slice, targets: TargetArray, coefficients: FloatArray, out: FloatArray
    ) -> None:
        """Add ``coefficients[i, j] * A[rows][i]`` to ``out[targets[i, j]]`` for all i and j.

        `rows` are any consecutive rows; `out` is in C order.  Each entry of it is summed in
        a fixed order.
        """
        dense = np.ascontiguousarray(self.dense_rows(rows))
        if self.is_small:
            ends = targets.shape[1] * np.arange(len(targets) + 1)
            matrix = csr_array((coefficients.ravel(), targets.ravel(), ends), shape=(len(targets), len(out)))
            out += matrix.T @ dense.astype(np.float64, copy=False)
            return
        from newtonkit.design.kernels import scatter_rows  # noqa: PLC0415  (Numba: only for large data)

        scatter_rows(dense, targets, coefficients, out)  # type: ignore[no-untyped-call]

    @property
    def n_entries(self) -> int:
        """How many entries a product has to read: those that are kept."""
        return self.shape[0] * self.shape[1]

    @property
    def is_small(self) -> bool:
        """Whether plain NumPy and SciPy are quick enough, so that Numba need not be loaded."""
        return self.shape[0] * self.shape[1] <= _SMALL_DESIGN

    def product(self, x: FloatArray) -> FloatArray:
        """Return ``A @ x`` for x of shape (d,) or (d, k)."""
        out = np.empty((self.shape[0], *x.shape[1:]), order="F")  # columns are used one by one

        def fill(block: slice) -> None:
            out[block] = self.block_product(block, x)

        map_blocks(fill, self.blocks)
        return out

    def transposed_product(self, v: FloatArray) -> FloatArray:
        """Return ``A.T @ v`` for v of shape (n,) or (n, k)."""
        return self.sum_blocks(lambda block: self.block_transposed_product(block, v[block]))

    def square_transposed_product(self, v: FloatArray) -> FloatArray:
        """Return ``(A ** 2).T @ v`` for v of shape (n,)."""
        return self.sum_blocks(lambda block: self.block_square_transposed_product(block, v[block]))

    def square_norms(self, transform: FloatArray) -> FloatArray:
        """Return the squared norms of the rows of ``A @ transform`` for a (d, k) array, shape (n,)."""
        out = np.empty(self.shape[0])
        contiguous = np.ascontiguousarray(transform)

        def fill(block: slice) -> None:
            out[block] = self.block_square_norms(block, contiguous)

        map_blocks(fill, self.blocks)
        return out

    def embed(self, scatter: SignScatter, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A for a sparse embedding S, shape (scatter.n_rows, d).

        Every row goes with random signs into a few rows of the output, see
        :class:`SignScatter`.  A fixed number of runs of rows have an output each, added up
        last; together they hold at most 64 MB, or twice the output where that is more.
        """
        n, d = self.shape
        fitting = _BUFFER_ENTRIES // (scatter.n_rows * d)
        count = 1 if self.is_small else max(2, min(_MAX_RUNS, fitting))
        edges = [n * k // count for k in range(count + 1)]
        tile = min(max(_TILE_ENTRIES // d, 64), 8192)  # what is hashed, or copied, stays in cache
        hashed = scatter.hashed if self.is_small else scatter.compiled_hash

        def embed_run(run: slice) -> FloatArray:
            out = np.zeros((scatter.n_rows, d))
            for first in range(run.start, run.stop, tile):
                rows = slice(first, min(first + tile, run.stop))
                targets, coefficients = hashed(rows, None if scale is None else scale[rows])
                self.add_embedded(rows, targets, coefficients, out)
            return out

        outs = map_blocks(embed_run, [slice(a, b) for a, b in pairwise(edges)])
        for out in outs[1:]:
            outs[0] += out
        return outs[0]

    def gram_product(self, weights: FloatArray, x: FloatArray) -> FloatArray:
        """Return ``A.T @ diag(weights) @ A @ x`` for x of shape (d,) or (d, k), in one sweep over A."""
        if x.ndim == 2 and x.shape[1] == 1:
            return self.gram_product(weights, x[:, 0])[:, None]

        def one(block: slice) -> FloatArray:
            rows = self.block_product(block, x)
            return self.block_transposed_product(block, (weights[block] * rows.T).T)

        return self.sum_blocks(one)

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """Return ``A.T @ diag(weights) @ A`` for weights of any sign, shape (d, d)."""
        return self.sum_blocks(lambda block: self.block_gram(block, weights[block]))

    def sum_blocks(self, function: Callable[[slice], FloatArray]) -> FloatArray:
        """Add up `function` over the blocks, in an order that never changes.

        Consecutive blocks are added within a few fixed runs and the runs are added last,
        so that memory does not grow with the number of blocks.
        """

        def add_run(run: Sequence[slice]) -> FloatArray:
            total = function(run[0])
            for block in run[1:]:
                total += function(block)
            return total

        totals = map_blocks(add_run, self._runs)
        for total in totals[1:]:
            totals[0] += total
        return totals[0]

    @cached_property
    def _runs(self) -> list[tuple[slice, ...]]:
        count = min(_MAX_RUNS, len(self.blocks))
        edges = [len(self.blocks) * k // count for k in range(count + 1)]
        return [self.blocks[a:b] for a, b in pairwise(edges)]

    @cached_property
    def row_norms(self) -> FloatArray:
        """Euclidean norm of every row, shape (n,)."""
        out = np.empty(self.shape[0])

        def fill(block: slice) -> None:
            out[block] = np.sqrt(self.block_square_sums(block))

        map_blocks(fill, self.blocks)
        return out

    @cached_property
    def column_norms(self) -> FloatArray:
        """Euclidean norm of every column, shape (d,)."""
        return np.sqrt(self.square_transposed_product(np.ones(self.shape[0])))

    def block_rows(self, block: slice) -> FloatArray:
        """Return the rows of a block as a float64 array, which may be a view of the data."""
        return self.block_product(block, np.eye(self.shape[1]))

    def to_dense(self) -> FloatArray:
        """Return the matrix as a float64 array, shape (n, d)."""
        out = np.empty(self.shape)
        for block in self.blocks:
            out[block] = self.block_rows(block)
        return out
