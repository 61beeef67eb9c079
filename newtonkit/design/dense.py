"""Dense design matrices: C or Fortran order, float64 or float32, never copied."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.gram import THIN, Order, run_gram, threaded_gram, weighted_gram
from newtonkit.design.pieces import row_blocks, row_runs
from newtonkit.design.threads import map_blocks

FEW_COLUMNS = 8
FEW_PRODUCTS = 4
_FEW_PROJECTED = 16
_TILE_ENTRIES = 2**16
_GATHERED = 512


def group_selector(columns: FloatArray, starts: IntArray) -> csr_array:
    """Return the sparse S, (runs * k) x rows, with ``S @ A`` the weighted sums of each run of rows."""
    n_rows, k = columns.shape
    ends = np.append(starts[1:], n_rows)
    counts = np.repeat(ends - starts, k)
    indptr = np.concatenate(([0], np.cumsum(counts)))
    rows = np.concatenate([np.tile(np.arange(a, b), k) for a, b in zip(starts, ends, strict=True)])
    which = np.repeat(np.tile(np.arange(k), len(starts)), counts)
    return csr_array((columns[rows, which], rows, indptr), shape=(len(counts), n_rows))


def _root_gram(rows: FloatArray, weights: FloatArray) -> FloatArray:
    """Return ``rows.T @ diag(weights) @ rows`` by NumPy from the roots of the weights, all at least 0."""
    scaled = rows * np.sqrt(weights)[:, None]
    return np.asarray(scaled.T @ scaled)


class DenseDesign(Design):
    """A two-dimensional array; float32 entries are widened one block at a time."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        self.shape = (int(array.shape[0]), int(array.shape[1]))
        self.dtype = array.dtype
        self.blocks = row_blocks(*self.shape)

    def _block(self, block: slice) -> FloatArray:
        return self._array[block].astype(np.float64, copy=False)

    @property
    def _has_kernels(self) -> bool:
        """Whether blocks are swept by compiled kernels, which want rows that lie in one piece."""
        return not self.is_small and self._array.flags.c_contiguous

    @property
    def is_thin(self) -> bool:
        """Whether there are so few columns that BLAS is slower than inner products of a few rows."""
        return self.shape[1] <= THIN

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """See :attr:`Design.sweeps`."""
        return row_runs(*self.shape) if self._has_kernels else self.blocks

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        if x.ndim == 1 and self._has_kernels:
            from newtonkit.design.kernels import dense_product  # noqa: PLC0415  (Numba: only for large data)

            image = np.empty(block.stop - block.start)
            dense_product(self._array[block], np.ascontiguousarray(x), image)  # type: ignore[no-untyped-call]
            return image
        if self._has_kernels and x.shape[1] <= FEW_PRODUCTS:
            from newtonkit.design.kernels import dense_products  # noqa: PLC0415  (Numba: only for large data)

            images = np.empty((block.stop - block.start, x.shape[1]))
            dense_products(self._array[block], np.ascontiguousarray(x.T), images)  # type: ignore[no-untyped-call]
            return images
        rows = self._block(block)
        if x.ndim == 1 or x.shape[1] > FEW_COLUMNS:
            return rows @ x
        out = np.empty((len(rows), x.shape[1]))
        columns = np.ascontiguousarray(x)
        tile = max(_TILE_ENTRIES // max(rows.shape[1], 1), 8)  # stays in cache between two columns
        for first in range(0, len(rows), tile):
            np.matmul(rows[first : first + tile], columns, out=out[first : first + tile])
        return out

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        if self._has_kernels and (v.ndim == 1 or v.shape[1] <= FEW_COLUMNS):
            from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
                dense_transposed_product,
            )

            columns = np.ascontiguousarray(v.T).reshape(-1, len(v))
            out = np.zeros((len(columns), self.shape[1]))
            dense_transposed_product(self._array[block], columns, out)  # type: ignore[no-untyped-call]
            return out.T.reshape(self.shape[1], *v.shape[1:])
        rows = self._block(block)
        if v.ndim == 2 and v.shape[1] <= FEW_COLUMNS:
            return np.asarray(v.T @ rows).T  # this way round, BLAS goes through the rows once
        return rows.T @ v

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_gram_product`; every row is read once."""
        if not self._has_kernels:
            return super().block_gram_product(block, weights, x, offset)
        from newtonkit.design.kernels import dense_gram_product  # noqa: PLC0415  (Numba: only for large data)

        image, out = np.empty(block.stop - block.start), np.zeros(self.shape[1])
        given = np.zeros(1) if offset is None else np.ascontiguousarray(offset)
        arguments = np.ascontiguousarray(weights), np.ascontiguousarray(x), given, image, out
        dense_gram_product(self._array[block], *arguments)  # type: ignore[no-untyped-call]
        return out, image

    def block_squares(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_squares`."""
        if not self._has_kernels:
            return super().block_squares(block)
        from newtonkit.design.kernels import dense_square_sums  # noqa: PLC0415  (Numba: only for large data)

        rows, columns = np.empty(block.stop - block.start), np.zeros(self.shape[1])
        dense_square_sums(self._array[block], rows, columns)  # type: ignore[no-untyped-call]
        return rows, columns

    def block_square_norms(
        self, block: slice, transform: FloatArray, offset: FloatArray | None = None
    ) -> FloatArray:
        """See :meth:`Design.block_square_norms`."""
        if not self._has_kernels or transform.shape[1] > _FEW_PROJECTED:
            return super().block_square_norms(block, transform, offset)
        from newtonkit.design.kernels import dense_square_norms  # noqa: PLC0415  (Numba: only for large data)

        out = np.empty(block.stop - block.start)
        given = np.zeros(transform.shape[1]) if offset is None else np.ascontiguousarray(offset)
        dense_square_norms(self._array[block], np.ascontiguousarray(transform.T), given, out)  # type: ignore[no-untyped-call]
        return out

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        if self.is_small and not (weights < 0.0).any():
            return _root_gram(self._block(block), weights)
        return weighted_gram(self.fill_scaled, np.arange(block.start, block.stop), weights, self.shape[1])

    @property
    def _gram_order(self) -> Order:
        return "F" if self._array.strides[0] < self._array.strides[1] else "C"

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich`."""
        if self.is_small and not (weights < 0.0).any():
            return super().sandwich(weights)
        if self.is_thin and self._has_kernels:
            from newtonkit.design.kernels import thin_gram  # noqa: PLC0415  (Numba: only for large data)

            def add(run: slice, out: FloatArray) -> None:
                thin_gram(self._array[run], weights[run], out)  # type: ignore[no-untyped-call]

            return run_gram(add, *self.shape)
        return threaded_gram(self.fill_scaled, None, weights, self.shape[1], self._gram_order)

    def sandwich_rows(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich_rows`; only a block of the rows is ever written out."""
        return threaded_gram(self.fill_scaled, indices, weights, self.shape[1], self._gram_order)

    def fill_scaled(self, indices: IntArray, factors: FloatArray, out: FloatArray) -> None:
        """See :meth:`Design.fill_scaled`."""
        if self._has_kernels and out.flags.c_contiguous:
            from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
                dense_scaled_rows,
            )

            dense_scaled_rows(self._array, indices, factors, out)  # type: ignore[no-untyped-call]
        elif not self.is_small and self._array.flags.f_contiguous and out.strides[0] == out.itemsize:
            from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
                dense_scaled_columns,
            )

            dense_scaled_columns(self._array.T, indices, factors, out.T)  # type: ignore[no-untyped-call]
        else:
            np.multiply(self._array[indices], factors[:, None], out=out[:, : self.shape[1]])

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        rows = self._block(block)
        return np.asarray(np.einsum("ij,ij->i", rows, rows))

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        rows = self._block(block)
        return np.asarray(np.einsum("ij,ij,i->j", rows, rows, v))

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        rows = self._block(block)
        if len(starts) == 1:
            return np.asarray(columns.T @ rows)[None]
        sums = group_selector(columns, starts) @ rows
        return np.asarray(sums).reshape(len(starts), columns.shape[1], self.shape[1])

    def block_rows(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_rows`."""
        return self._block(block)

    def rows(self, indices: IntArray) -> DenseDesign:
        """See :meth:`Design.rows`."""
        out = np.empty((len(indices), self.shape[1]), dtype=self.dtype)

        def gather(first: int) -> None:
            out[first : first + _GATHERED] = self._array[indices[first : first + _GATHERED]]

        map_blocks(gather, range(0, len(indices), _GATHERED))
        return DenseDesign(out)

    def kernel_rows(self, rows: slice) -> tuple[tuple[NDArray[Any], ...], bool] | None:
        """See :meth:`Design.kernel_rows`."""
        return ((self._array[rows],), False) if self._has_kernels else None

    def dense_rows(self, rows: slice) -> NDArray[Any]:
        """See :meth:`Design.dense_rows`; a view."""
        return self._array[rows]
