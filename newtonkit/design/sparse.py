"""Sparse design matrices in compressed rows (CSR)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.dense import group_selector
from newtonkit.design.gram import cut, mirror, pairwise_gram, threaded_gram, weighted_gram
from newtonkit.design.pieces import entry_runs, row_blocks
from newtonkit.design.scatter import SignScatter
from newtonkit.design.threads import map_blocks

_DENSE_GRAM_ENTRIES = 1_000_000
_DENSE_GRAM_DENSITY = 0.2
_CACHED_ENTRIES = 2**20
_LEAST_RANGES = 4
_FEW_COLUMNS = 8
_TILE_ROWS = 2**20
_HASHED_ROWS = 2**16
_SQUARED = 2**15


def _of_parts(
    data: NDArray[Any], indices: NDArray[Any], indptr: NDArray[Any], shape: tuple[int, ...]
) -> csr_array[Any]:
    """Return a matrix of canonical parts as they are: SciPy's constructor copies those of a larger array."""
    out: csr_array[Any] = csr_array(shape, dtype=data.dtype)
    out.data, out.indices, out.indptr = data, indices, indptr
    out.has_sorted_indices = out.has_canonical_format = True
    return out


class SparseDesign(Design):
    """A CSR matrix with sorted indices and no duplicates; its blocks are views."""

    def __init__(self, matrix: csr_array[Any]) -> None:
        self._matrix = matrix
        self.shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.dtype = matrix.data.dtype
        self._kept_views: dict[tuple[int, int], csr_array[Any]] = {}
        # A block's sum is a dense vector of d entries: keep it small beside the block itself.
        per_row = matrix.nnz / max(1, self.shape[0])
        self.blocks = row_blocks(*self.shape, entries_per_row=per_row)

    @property
    def n_entries(self) -> int:
        """See :attr:`Design.n_entries`."""
        return int(self._matrix.nnz)

    @property
    def entries(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The entries, their columns and the ends of the rows."""
        return self._matrix.data, self._matrix.indices, self._matrix.indptr

    @cached_property
    def _arrays(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The entries, their columns and the ends of the rows, these as unsigned integers for the kernels."""
        indices, indptr = self._matrix.indices, self._matrix.indptr
        return self._matrix.data, indices.view(f"u{indices.itemsize}"), indptr.view(f"u{indptr.itemsize}")

    def kernel_rows(self, rows: slice) -> tuple[tuple[NDArray[Any], ...], bool] | None:
        """See :meth:`Design.kernel_rows`."""
        return None if self.is_small else (self._kernel_rows(rows), False)

    def _kernel_rows(self, rows: slice) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        return (*self._arrays[:2], self._arrays[2][rows.start : rows.stop + 1])

    def _view(self, rows: slice) -> csr_array[Any]:
        """Return consecutive rows without a copy of their entries; those of blocks and sweeps are kept."""
        key = rows.start, rows.stop
        found = self._kept_views.get(key)
        if found is None:
            data, indices, indptr = self._matrix.data, self._matrix.indices, self._matrix.indptr
            first, last = indptr[rows.start], indptr[rows.stop]
            ends = indptr[rows.start : rows.stop + 1] - first
            shape = rows.stop - rows.start, self.shape[1]
            found = _of_parts(data[first:last], indices[first:last], ends, shape)
            self._kept_views[key] = found
        return found

    @cached_property
    def _runs(self) -> tuple[slice, ...]:
        return entry_runs(self._matrix.indptr, self.shape[1])

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """See :attr:`Design.sweeps`."""
        return self.blocks if self.is_small else self._runs

    def _fill_product(self, rows: slice, x: FloatArray, image: FloatArray) -> None:
        from newtonkit.design.kernels import csr_product  # noqa: PLC0415  (Numba: only for large data)

        csr_product(*self._kernel_rows(rows), np.ascontiguousarray(x), image)  # type: ignore[no-untyped-call]

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        if x.ndim == 2 or self.is_small:
            return np.asarray(self._view(block) @ x)
        image = np.empty(block.stop - block.start)
        self._fill_product(block, x, image)
        return image

    def product(self, x: FloatArray) -> FloatArray:
        """See :meth:`Design.product`; beside few entries in a row, a copy of the result would cost time."""
        if x.ndim == 2 or self.is_small:
            return super().product(x)
        image = np.empty(self.shape[0])
        map_blocks(lambda run: self._fill_product(run, x, image[run]), self.sweeps)
        return image

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        if self.is_small or (v.ndim == 2 and v.shape[1] > _FEW_COLUMNS):
            return np.asarray(self._view(block).T @ v)
        from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            csr_transposed_product,
            csr_transposed_products,
        )

        out = np.zeros((self.shape[1], *v.shape[1:]))
        kernel = csr_transposed_product if v.ndim == 1 else csr_transposed_products
        kernel(*self._kernel_rows(block), np.ascontiguousarray(v), out)  # type: ignore[no-untyped-call]
        return out

    def _add_gram_product(
        self, rows: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None, image: FloatArray
    ) -> FloatArray:
        from newtonkit.design.kernels import csr_gram_product  # noqa: PLC0415  (Numba: only for large data)

        out = np.zeros(self.shape[1])
        given = np.zeros(1) if offset is None else np.ascontiguousarray(offset)
        arguments = np.ascontiguousarray(weights), np.ascontiguousarray(x), given, image, out
        csr_gram_product(*self._kernel_rows(rows), *arguments)  # type: ignore[no-untyped-call]
        return out

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_gram_product`; every row is read from memory once."""
        if self.is_small:
            return super().block_gram_product(block, weights, x, offset)
        image = np.empty(block.stop - block.start)
        return self._add_gram_product(block, weights, x, offset, image), image

    def gram_product_and_image(self, weights: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.gram_product_and_image`."""
        if self.is_small:
            return super().gram_product_and_image(weights, x)
        image = np.empty(self.shape[0])
        total = self.sum_blocks(
            lambda run: self._add_gram_product(run, weights[run], x, None, image[run]), self.sweeps
        )
        return total, image

    def block_squares(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_squares`."""
        if self.is_small:
            return super().block_squares(block)
        from newtonkit.design.kernels import csr_square_sums  # noqa: PLC0415  (Numba: only for large data)

        rows, columns = np.empty(block.stop - block.start), np.zeros(self.shape[1])
        csr_square_sums(*self._kernel_rows(block), rows, columns)  # type: ignore[no-untyped-call]
        return rows, columns

    @property
    def _is_thin(self) -> bool:
        """Whether a Gram matrix is summed from pairs of entries, and not from rows written out."""
        n_entries = self.shape[0] * self.shape[1]
        return n_entries > _DENSE_GRAM_ENTRIES and self._matrix.nnz < _DENSE_GRAM_DENSITY * n_entries

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        d = self.shape[1]
        indices = np.arange(block.start, block.stop)
        if not self._is_thin:
            return weighted_gram(self.fill_scaled, indices, weights, d)
        out = np.zeros((d, d))
        self._add_pairs(indices, weights, slice(0, d), out)
        return mirror(out)

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich`."""
        return self._gram(None, weights)

    def sandwich_rows(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich_rows`; the entries of the rows are used where they are."""
        return self._gram(indices, weights)

    def _gram(self, indices: IntArray | None, weights: FloatArray) -> FloatArray:
        if self._is_thin:
            return pairwise_gram(self._add_pairs, indices, weights, self.shape[1])
        return threaded_gram(self.fill_scaled, indices, weights, self.shape[1])

    def _add_pairs(self, rows: IntArray, weights: FloatArray, stripe: slice, out: FloatArray) -> None:
        """Add the given rows' part of a Gram matrix to the rows `stripe` of the lower triangle `out`."""
        from newtonkit.design.kernels import csr_gram  # noqa: PLC0415  (Numba: only for large data)

        data, indices, indptr = self._arrays
        arguments = indptr[rows], indptr[rows + 1], weights, stripe.start, stripe.stop, out
        csr_gram(data, indices, *arguments)  # type: ignore[no-untyped-call]

    def fill_scaled(self, indices: IntArray, factors: FloatArray, out: FloatArray) -> None:
        """See :meth:`Design.fill_scaled`."""
        if self.is_small or not out.flags.c_contiguous:
            rows = self._matrix[indices].toarray()
            np.multiply(rows, factors[:, None], out=out[:, : self.shape[1]])
            return
        from newtonkit.design.kernels import csr_scaled_rows  # noqa: PLC0415  (Numba: only for large data)

        data, columns, indptr = self._arrays
        csr_scaled_rows(data, columns, indptr[indices], indptr[indices + 1], factors, out)  # type: ignore[no-untyped-call]

    def _squares(self, block: slice) -> csr_array[Any]:
        rows = self._view(block)
        squares = rows.data.astype(np.float64) ** 2
        return _of_parts(squares, rows.indices, rows.indptr, rows.shape)

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        return np.asarray(self._squares(block) @ np.ones(self.shape[1]))

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`; the squares of some rows at a time."""
        if self.is_small:
            return np.asarray(self._squares(block).T @ v)
        from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            csr_transposed_product,
        )

        out, tile = np.zeros(self.shape[1]), max(1, _SQUARED * self.shape[0] // max(1, self.n_entries))
        for rows in cut(block.start, block.stop, tile):
            data, indices, indptr = self._kernel_rows(rows)
            entries, part = slice(int(indptr[0]), int(indptr[-1])), v[rows.start - block.start :]
            given = indices[entries], indptr - indptr[0], np.ascontiguousarray(part[: len(indptr) - 1]), out
            csr_transposed_product(np.square(data[entries], dtype=np.float64), *given)  # type: ignore[no-untyped-call]
        return out

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        sums = group_selector(columns, starts) @ self._view(block)
        return np.asarray(sums.toarray()).reshape(len(starts), columns.shape[1], self.shape[1])

    def block_rows(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_rows`."""
        return self._view(block).toarray().astype(np.float64, copy=False)

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

        out = np.empty(block.stop - block.start)
        given = np.zeros(transform.shape[1]) if offset is None else np.ascontiguousarray(offset)
        csr_square_norms(*self._kernel_rows(block), np.ascontiguousarray(transform), given, out)  # type: ignore[no-untyped-call]
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
