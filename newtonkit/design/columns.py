"""Large dense data in Fortran order, as frames hand them over: swept along the columns, never copied."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from newtonkit.design.base import FloatArray
from newtonkit.design.dense import FEW_COLUMNS, FEW_PRODUCTS, DenseDesign
from newtonkit.design.gram import run_gram
from newtonkit.design.pieces import row_runs


def _ends(block: slice) -> NDArray[np.intp]:
    return np.array([block.start, block.stop])


class ColumnDesign(DenseDesign):
    """A two-dimensional array in Fortran order with more entries than plain NumPy is quick enough for."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__(array)
        self._columns = array.T

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """See :attr:`Design.sweeps`."""
        return row_runs(*self.shape)

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        if x.ndim > 1 and x.shape[1] > FEW_PRODUCTS:
            return super().block_product(block, x)
        from newtonkit.design.kernels import column_product  # noqa: PLC0415  (Numba: only for large data)

        steps = np.ascontiguousarray(x.T).reshape(-1, len(x))
        images = np.empty((len(steps), block.stop - block.start))
        for step, image in zip(steps, images, strict=True):
            column_product(self._columns, _ends(block), step, image)  # type: ignore[no-untyped-call]
        return images.T.reshape(block.stop - block.start, *x.shape[1:])

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        if v.ndim > 1 and v.shape[1] > FEW_COLUMNS:
            return super().block_transposed_product(block, v)
        from newtonkit.design.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            column_transposed_product,
        )

        given = np.ascontiguousarray(v.T).reshape(-1, len(v))
        out = np.zeros((len(given), self.shape[1]))
        column_transposed_product(self._columns, _ends(block), given, out)  # type: ignore[no-untyped-call]
        return out.T.reshape(self.shape[1], *v.shape[1:])

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_gram_product`; every row is read once."""
        from newtonkit.design.kernels import column_gram_product  # noqa: PLC0415  (Numba: only for large data)

        image, out = np.empty(block.stop - block.start), np.zeros(self.shape[1])
        given = np.zeros(1) if offset is None else np.ascontiguousarray(offset)
        arguments = np.ascontiguousarray(weights), np.ascontiguousarray(x), given, image, out
        column_gram_product(self._columns, _ends(block), *arguments)  # type: ignore[no-untyped-call]
        return out, image

    def block_squares(self, block: slice) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_squares`."""
        from newtonkit.design.kernels import column_square_sums  # noqa: PLC0415  (Numba: only for large data)

        rows, columns = np.empty(block.stop - block.start), np.zeros(self.shape[1])
        column_square_sums(self._columns, _ends(block), rows, columns)  # type: ignore[no-untyped-call]
        return rows, columns

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich`."""
        if not self.is_thin:
            return super().sandwich(weights)
        from newtonkit.design.kernels import column_thin_gram  # noqa: PLC0415  (Numba: only for large data)

        def add(run: slice, out: FloatArray) -> None:
            column_thin_gram(self._columns, _ends(run), weights[run], out)  # type: ignore[no-untyped-call]

        return run_gram(add, *self.shape)

    def kernel_rows(self, rows: slice) -> tuple[tuple[NDArray[Any], ...], bool] | None:
        """See :meth:`Design.kernel_rows`."""
        return (self._columns, _ends(rows)), False
