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
from newtonkit.design.threads import OrderedSum, map_blocks

FloatArray: TypeAlias = NDArray[np.float64]
"""An array of float64, of any shape."""
IntArray: TypeAlias = NDArray[np.intp]
"""An array of indices, as wide as a pointer of the machine, of any shape."""
_MAX_RUNS = 8
_FEW_SWEPT = 8  # columns
_FEW_ROWS = 512  # gathered at a time
_SMALL_DESIGN = 1_000_000  # entries: up to here plain NumPy and SciPy are used, and Numba is not loaded
_BUFFER_ENTRIES = 2**23
_TILE_ENTRIES = 2**18


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

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """What a thread goes through at a time where each row is dealt with for itself: a few long runs.

        Blocks, unless a subclass has kernels that keep only single rows in cache.
        """
        return self.blocks

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

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return ``A[block].T @ (weights * (A[block] @ x - offset))`` and ``A[block] @ x``.

        For x of shape (d,) and weights (rows,); an `offset` has shape (rows,), or (1,) for all rows.
        """
        image = self.block_product(block, x)
        return self.block_transposed_product(
            block, weights * (image if offset is None else image - offset)
        ), image

    def block_squares(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """Return the sums of squares of the rows of the block, and those of its columns."""
        ones = np.ones(block.stop - block.start)
        return self.block_square_sums(block), self.block_square_transposed_product(block, ones)

    @abstractmethod
    def rows(self, indices: IntArray) -> Design:
        """Return the design of the given rows, in the given order (a copy)."""

    def kernel_rows(self, rows: slice) -> tuple[tuple[NDArray[Any], ...], bool] | None:
        """Return (rows,), (columns, ends) or (data, indices, indptr), and whether ones are to follow."""
        return None

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

        map_blocks(fill, self._pieces(x))
        return out

    def _pieces(self, columns: FloatArray) -> tuple[slice, ...]:
        return self.sweeps if columns.ndim == 1 or columns.shape[1] <= _FEW_SWEPT else self.blocks

    def transposed_product(self, v: FloatArray) -> FloatArray:
        """Return ``A.T @ v`` for v of shape (n,) or (n, k)."""
        return self.sum_blocks(lambda block: self.block_transposed_product(block, v[block]), self._pieces(v))

    def square_transposed_product(self, v: FloatArray) -> FloatArray:
        """Return ``(A ** 2).T @ v`` for v of shape (n,)."""
        return self.sum_blocks(lambda block: self.block_square_transposed_product(block, v[block]))

    def square_norms(self, transform: FloatArray) -> FloatArray:
        """Return the squared norms of the rows of ``A @ transform`` for a (d, k) array, shape (n,)."""
        out = np.empty(self.shape[0])
        contiguous = np.ascontiguousarray(transform)

        def fill(block: slice) -> None:
            out[block] = self.block_square_norms(block, contiguous)

        map_blocks(fill, self._pieces(contiguous))
        return out

    def embed(self, scatter: SignScatter, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A for a sparse embedding S, shape (scatter.n_rows, d).

        Every row goes with random signs into a few rows of the output, see
        ``SignScatter``.  A fixed number of runs of rows have an output each, added up
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
        if x.ndim == 1:
            return self.gram_product_and_image(weights, x)[0]

        def one(block: slice) -> FloatArray:
            rows = self.block_product(block, x)
            return self.block_transposed_product(block, (weights[block] * rows.T).T)

        return self.sum_blocks(one)

    def gram_product_and_image(self, weights: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ``A.T @ diag(weights) @ A @ x`` and ``A @ x`` for x of shape (d,), in one sweep over A."""
        image = np.empty(self.shape[0])

        def one(block: slice) -> FloatArray:
            total, image[block] = self.block_gram_product(block, weights[block], x)
            return total

        return self.sum_blocks(one, self.sweeps), image

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """Return ``A.T @ diag(weights) @ A`` for weights of any sign, shape (d, d)."""
        return self.sum_blocks(lambda block: self.block_gram(block, weights[block]))

    def sandwich_rows(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """Return ``A[indices].T @ diag(weights) @ A[indices]`` for weights of any sign, shape (d, d)."""
        return self.rows(indices).sandwich(weights)

    def fill_scaled(self, indices: IntArray, factors: FloatArray, out: FloatArray) -> None:
        """Write ``factors[:, None] * A[indices]`` to the first d columns of `out`, without threads."""
        for part in (slice(k, k + _FEW_ROWS) for k in range(0, len(indices), _FEW_ROWS)):
            rows = self.rows(indices[part]).to_dense()
            np.multiply(rows, factors[part, None], out=out[part, : self.shape[1]])

    def sum_blocks(
        self, function: Callable[[slice], FloatArray], pieces: tuple[slice, ...] | None = None
    ) -> FloatArray:
        """Add up `function` over the blocks, or other pieces, in an order that never changes.

        Consecutive blocks are added within a few fixed runs and the runs are added last,
        so that memory does not grow with the number of blocks.
        """

        def add_run(run: Sequence[slice]) -> FloatArray:
            total = function(run[0])
            for block in run[1:]:
                total += function(block)
            return total

        blocks = self.blocks if pieces is None else pieces
        count = min(_MAX_RUNS, len(blocks))
        edges = [len(blocks) * k // count for k in range(count + 1)]
        runs, whole = [blocks[a:b] for a, b in pairwise(edges)], OrderedSum()
        map_blocks(lambda k: whole.take(k, add_run(runs[k])), range(count))
        return whole.total

    @cached_property
    def _norms(self) -> tuple[FloatArray, FloatArray]:
        rows = np.empty(self.shape[0])

        def one(block: slice) -> FloatArray:
            sums, columns = self.block_squares(block)
            np.sqrt(sums, out=rows[block])
            return columns

        return rows, np.sqrt(self.sum_blocks(one, self.sweeps))

    @property
    def row_norms(self) -> FloatArray:
        """Euclidean norm of every row, shape (n,)."""
        return self._norms[0]

    @property
    def column_norms(self) -> FloatArray:
        """Euclidean norm of every column, shape (d,)."""
        return self._norms[1]

    def block_rows(self, block: slice) -> FloatArray:
        """Return the rows of a block as a float64 array, which may be a view of the data."""
        return self.block_product(block, np.eye(self.shape[1]))

    def to_dense(self) -> FloatArray:
        """Return the matrix as a float64 array, shape (n, d)."""
        out = np.empty(self.shape)
        for block in self.blocks:
            out[block] = self.block_rows(block)
        return out
