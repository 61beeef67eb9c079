"""A virtual column of ones after the last column: never a copy of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.gram import threaded_gram
from newtonkit.design.scatter import SignScatter


class InterceptDesign(Design):
    """``[A, 1]`` for a design A; the coefficient of the ones comes last."""

    def __init__(self, inner: Design) -> None:
        self._inner = inner
        self.shape = (inner.shape[0], inner.shape[1] + 1)
        self.dtype = inner.dtype
        self.blocks = inner.blocks

    @property
    def inner(self) -> Design:
        """A."""
        return self._inner

    @property
    def n_entries(self) -> int:
        """See :attr:`Design.n_entries`."""
        return self._inner.n_entries + self.shape[0]

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """See :attr:`Design.sweeps`."""
        return self._inner.sweeps

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        out: FloatArray = self._inner.block_product(block, x[:-1]) + x[-1]
        return out

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        product = self._inner.block_transposed_product(block, v)
        return np.concatenate((product, v.sum(axis=0, keepdims=True)))

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_gram_product`."""
        last = -x[-1:] if offset is None else offset - x[-1]
        product, image = self._inner.block_gram_product(block, weights, x[:-1], last)
        return np.append(product, weights @ (image - last)), image + x[-1]

    def block_squares(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_squares`."""
        rows, columns = self._inner.block_squares(block)
        return rows + 1.0, np.append(columns, float(len(rows)))

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        d = self.shape[1]
        out = np.empty((d, d))
        out[:-1, :-1] = self._inner.block_gram(block, weights)
        out[:-1, -1] = out[-1, :-1] = self._inner.block_transposed_product(block, weights)
        out[-1, -1] = weights.sum()
        return out

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich`."""
        d = self.shape[1]
        out = np.empty((d, d))
        out[:-1, :-1] = self._inner.sandwich(weights)
        out[:-1, -1] = out[-1, :-1] = self._inner.transposed_product(weights)
        out[-1, -1] = weights.sum()
        return out

    def sandwich_rows(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich_rows`; only a block of the rows is ever written out."""
        return threaded_gram(self.fill_scaled, indices, weights, self.shape[1])

    def fill_scaled(self, indices: IntArray, factors: FloatArray, out: FloatArray) -> None:
        """See :meth:`Design.fill_scaled`."""
        self._inner.fill_scaled(indices, factors, out)
        out[:, self.shape[1] - 1] = factors

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        return self._inner.block_square_sums(block) + 1.0

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        return np.append(self._inner.block_square_transposed_product(block, v), v.sum())

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        sums = self._inner.block_group_sums(block, columns, starts)
        return np.concatenate((sums, np.add.reduceat(columns, starts, axis=0)[:, :, None]), axis=2)

    def block_rows(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_rows`."""
        rows = self._inner.block_rows(block)
        return np.concatenate((rows, np.ones((len(rows), 1))), axis=1)

    def rows(self, indices: IntArray) -> InterceptDesign:
        """See :meth:`Design.rows`."""
        return InterceptDesign(self._inner.rows(indices))

    def kernel_rows(self, rows: slice) -> tuple[tuple[NDArray[Any], ...], bool] | None:
        """See :meth:`Design.kernel_rows`."""
        found = self._inner.kernel_rows(rows)
        return None if found is None or found[1] else (found[0], True)

    def dense_rows(self, rows: slice) -> NDArray[Any]:
        """See :meth:`Design.dense_rows`."""
        inner = self._inner.dense_rows(rows)
        return np.concatenate((inner, np.ones((len(inner), 1), dtype=inner.dtype)), axis=1)

    def block_square_norms(
        self, block: slice, transform: FloatArray, offset: FloatArray | None = None
    ) -> FloatArray:
        """See :meth:`Design.block_square_norms`."""
        last = transform[-1] if offset is None else transform[-1] + offset
        return self._inner.block_square_norms(block, transform[:-1], last)

    def embed(self, scatter: SignScatter, scale: FloatArray | None = None) -> FloatArray:
        """See :meth:`Design.embed`."""
        column = np.zeros(scatter.n_rows)
        hashed = scatter.hashed if self.is_small else scatter.compiled_hash
        for block in self.blocks:
            targets, coefficients = hashed(block, None if scale is None else scale[block])
            column += np.bincount(targets.ravel(), coefficients.ravel(), minlength=len(column))
        return np.column_stack((self._inner.embed(scatter, scale), column))
