"""Sparse design matrices in compressed rows (CSR)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.dense import group_selector, weighted_gram
from newtonkit.design.pieces import row_blocks
from newtonkit.design.scatter import SignScatter
from newtonkit.design.threads import map_blocks

_DENSE_GRAM_ENTRIES = 1_000_000
_DENSE_GRAM_DENSITY = 0.2
_CACHED_ENTRIES = 2**20
_LEAST_RANGES = 4
_TILE_ROWS = 2**20
_HASHED_ROWS = 2**16


def cut(first: int, last: int, length: int) -> list[slice]:
    """Return consecutive slices of a given length, the last of which may be shorter."""
    return [slice(k, min(k + length, last)) for k in range(first, last, length)]


class SparseDesign(Design):
    """A CSR matrix with sorted indices and no duplicates; its blocks are views."""

    def __init__(self, matrix: csr_array[Any]) -> None:
        self._matrix = matrix
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.dtype = matrix.data.dtype
        # A block's sum is a dense vector of d entries: keep it small beside the block itself.
        per_row = matrix.nnz / max(1, self.shape[0])
        self.blocks = row_blocks(*self.shape, entries_per_row=per_row)

    @property
    def n_entries(self) -> int:
        """See :attr:`Design.n_entries`."""
        return int(self._matrix.nnz)

    @cached_property
    def _views(self) -> dict[int, csr_array[Any]]:
        data, indices, indptr = self._matrix.data, self._matrix.indices, self._matrix.indptr
        views = {}
        for block in self.blocks:
            first, last = indptr[block.start], indptr[block.stop]
            views[block.start] = csr_array(
                (data[first:last], indices[first:last], indptr[block.start : block.stop + 1] - first),
                shape=(block.stop - block.start, self.shape[1]),
                copy=False,
            )
        return views

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        return np.asarray(self._views[block.start] @ x)

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        return np.asarray(self._views[block.start].T @ v)

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        rows = self._views[block.start]
        n_entries = self.shape[0] * self.shape[1]
        dense_enough = rows.nnz >= _DENSE_GRAM_DENSITY * rows.shape[0] * rows.shape[1]
        if n_entries <= _DENSE_GRAM_ENTRIES or dense_enough:
            return weighted_gram(rows.toarray(), weights)
        from newtonkit.design.kernels import csr_gram  # noqa: PLC0415  (Numba: only for large data)

        out = np.zeros((self.shape[1],) * 2)
        csr_gram(rows.data, rows.indices, rows.indptr, weights, out)  # type: ignore[no-untyped-call]
        return out

    def _squares(self, block: slice) -> csr_array[Any]:
        rows = self._views[block.start]
        squares = rows.data.astype(np.float64) ** 2
        return csr_array((squares, rows.indices, rows.indptr), shape=rows.shape, copy=False)

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        return np.asarray(self._squares(block) @ np.ones(self.shape[1]))

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        return np.asarray(self._squares(block).T @ v)

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        sums = group_selector(columns, starts) @ self._views[block.start]
        return np.asarray(sums.toarray()).reshape(len(starts), columns.shape[1], self.shape[1])

    def block_rows(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_rows`."""
        return self._views[block.start].toarray().astype(np.float64, copy=False)

    def rows(self, indices: IntArray) -> SparseDesign:
        """See :meth:`Design.rows`."""
        return SparseDesign(self._matrix[indices])

    def dense_rows(self, rows: slice) -> NDArray[Any]:
        """See :meth:`Design.dense_rows`."""
        return np.asarray(self._matrix[rows].toarray())

    def block_square_norms(
        self, block: slice, transform: FloatArray, offset: FloatArray | None = None
    ) -> FloatArray:
        """See :meth:`Design.block_square_norms`."""
        if self.is_small:
            return super().block_square_norms(block, transform, offset)
        from newtonkit.design.kernels import csr_square_norms  # noqa: PLC0415  (Numba: only for large data)

        rows = self._views[block.start]
        out = np.empty(rows.shape[0])
        given = np.zeros(transform.shape[1]) if offset is None else offset
        csr_square_norms(rows.data, rows.indices, rows.indptr, transform, given, out)  # type: ignore[no-untyped-call]
        return out

    def embed(self, scatter: SignScatter, scale: FloatArray | None = None) -> FloatArray:
        """See :meth:`Design.embed`; threads fill different rows of one output."""
        if self.is_small:
            return super().embed(scatter, scale)
        from newtonkit.design.kernels import scatter_csr_rows  # noqa: PLC0415  (Numba: only for large data)

        n, d = self.shape
        out = np.zeros((scatter.n_rows, d))
        length = max(1, min(_CACHED_ENTRIES // d, -(-scatter.n_rows // _LEAST_RANGES)))
        ranges = cut(0, scatter.n_rows, length)
        matrix = self._matrix
        for tile in cut(0, n, _TILE_ROWS):
            pieces = cut(tile.start, tile.stop, _HASHED_ROWS)
            hashed = map_blocks(
                lambda rows: scatter.compiled_hash(rows, None if scale is None else scale[rows]), pieces
            )
            targets, coefficients = (np.concatenate(parts) for parts in zip(*hashed, strict=True))
            indptr = matrix.indptr[tile.start : tile.stop + 1]
            given = (matrix.data, matrix.indices, indptr, targets, coefficients)

            def fill(part: slice, given: Any = given) -> None:
                arguments = (*given, part.start, part.stop, out)
                scatter_csr_rows(*arguments)  # type: ignore[no-untyped-call]

            map_blocks(fill, ranges)
        return out
