"""Dense design matrices: C or Fortran order, float64 or float32, never copied."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from newtonkit.design.base import Design, FloatArray, IntArray, row_blocks


def group_selector(columns: FloatArray, starts: IntArray) -> csr_array:
    """Return the sparse S, (runs * k) x rows, with ``S @ A`` the weighted sums of each run of rows."""
    n_rows, k = columns.shape
    ends = np.append(starts[1:], n_rows)
    counts = np.repeat(ends - starts, k)
    indptr = np.concatenate(([0], np.cumsum(counts)))
    rows = np.concatenate([np.tile(np.arange(a, b), k) for a, b in zip(starts, ends, strict=True)])
    which = np.repeat(np.tile(np.arange(k), len(starts)), counts)
    return csr_array((columns[rows, which], rows, indptr), shape=(len(counts), n_rows))


class DenseDesign(Design):
    """A two-dimensional array; float32 entries are widened one block at a time."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array
        self.shape = (int(array.shape[0]), int(array.shape[1]))
        self.dtype = array.dtype
        self.blocks = row_blocks(*self.shape)

    def _block(self, block: slice) -> FloatArray:
        return self._array[block].astype(np.float64, copy=False)

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        return np.matmul(self._block(block), x)

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        return np.matmul(self._block(block).T, v)

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        kept = np.flatnonzero(weights)
        if 10 * len(kept) > 9 * len(weights):
            scaled = self._array[block] * np.sqrt(weights)[:, None]
        else:
            scaled = self._array[block][kept] * np.sqrt(weights[kept])[:, None]
        return np.matmul(scaled.T, scaled)  # NumPy sees the transpose: half the work of a product

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        rows = self._block(block)
        return np.einsum("ij,ij->i", rows, rows)

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        rows = self._block(block)
        return np.einsum("ij,ij,i->j", rows, rows, v)

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        rows = self._block(block)
        if len(starts) == 1:
            return np.matmul(columns.T, rows)[None]
        sums = group_selector(columns, starts) @ rows
        return np.asarray(sums).reshape(len(starts), columns.shape[1], self.shape[1])

    def rows(self, indices: IntArray) -> DenseDesign:
        """See :meth:`Design.rows`."""
        return DenseDesign(self._array[indices])
