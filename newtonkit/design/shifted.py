"""Rows shifted towards a centre of their group: a_i - k_i c_g, the centred rows of a softmax."""

from __future__ import annotations

import numpy as np

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.dense import DenseDesign
from newtonkit.design.gram import threaded_gram, weighted_gram
from newtonkit.design.pieces import vector_pieces
from newtonkit.design.scatter import SignScatter
from newtonkit.design.threads import map_blocks

_HASHED_ROWS = 2**17
_VANISHED = 1e-12
_GATHERED = 512


class ShiftedDesign(Design):
    """A - diag(k) G C for a design A, shifts k (n,) and a centre C_g (d,) for each group of rows.

    G (n, m) says which group a row belongs to.  Products cost those with A and O(n + m d);
    only gathered rows and blocks of a Gram matrix are ever written out.

    Parameters
    ----------
    inner : Design
        A, shape (n, d).
    shifts : ndarray, shape (n,)
        k.
    centres : ndarray, shape (m, d)
        C.
    starts : ndarray of int, shape (m,)
        Where each group of consecutive rows begins.
    """

    def __init__(self, inner: Design, shifts: FloatArray, centres: FloatArray, starts: IntArray) -> None:
        self._inner = inner
        self._shifts = shifts
        self._centres = centres
        self._starts = starts
        self.shape = inner.shape
        self.dtype = inner.dtype
        self.blocks = inner.blocks

    @property
    def n_groups(self) -> int:
        """The number m of groups."""
        return len(self._starts)

    def _runs_of(self, block: slice) -> tuple[slice, IntArray]:
        """Return the groups that have rows in a block, and where in it each begins."""
        first = int(np.searchsorted(self._starts, block.start, side="right")) - 1
        last = int(np.searchsorted(self._starts, block.stop, side="left"))
        return slice(first, last), np.maximum(self._starts[first:last] - block.start, 0)

    def _spread(self, block: slice, per_group: FloatArray) -> FloatArray:
        """Give every row of a block k_i times what its group has, from an array over the block's groups."""
        _, starts = self._runs_of(block)
        shifts = self._shifts[block].reshape(-1, *(1,) * (per_group.ndim - 1))
        if len(starts) == 1:
            return np.asarray(shifts * per_group[0])
        counts = np.diff(starts, append=block.stop - block.start)
        return np.asarray(shifts * np.repeat(per_group, counts, axis=0))

    def _centre_rows(self, block: slice) -> FloatArray:
        return self._centres[self._runs_of(block)[0]]

    def _gathered(self, block: slice) -> FloatArray:
        """Return the shifted rows of a block as a dense array."""
        rows = self._inner.block_rows(block)
        return rows - self._spread(block, self._centre_rows(block))

    @property
    def sweeps(self) -> tuple[slice, ...]:
        """See :attr:`Design.sweeps`."""
        return self._inner.sweeps

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        return self._inner.block_product(block, x) - self._spread(block, self._centre_rows(block) @ x)

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        groups, starts = self._runs_of(block)
        pulled = self._shifts[block].reshape(-1, *(1,) * (v.ndim - 1)) * v
        sums = np.add.reduceat(pulled, starts, axis=0)
        return self._inner.block_transposed_product(block, v) - self._centres[groups].T @ sums

    def block_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """See :meth:`Design.block_gram_product`."""
        if self._is_plain:
            return self._plain_gram_product(block, weights, x, offset)
        shift = self._spread(block, self._centre_rows(block) @ x)
        whole = shift if offset is None else shift + offset
        product, image = self._inner.block_gram_product(block, weights, x, whole)
        groups, starts = self._runs_of(block)
        pulled = self._shifts[block] * (weights * (image - whole))
        product -= self._centres[groups].T @ np.add.reduceat(pulled, starts)
        return product, image - shift

    @property
    def _is_plain(self) -> bool:
        """Whether all rows are shifted by the same, and so in one number rather than in a vector."""
        return len(self._starts) == 1 and self._shifts.strides == (0,)

    def _plain_gram_product(
        self, block: slice, weights: FloatArray, x: FloatArray, offset: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        factor, centre = self._shifts[:1], self._centres[0]
        shift = factor * (centre @ x)
        whole = shift if offset is None else shift + offset
        product, image = self._inner.block_gram_product(block, weights, x, whole)
        image -= shift
        left = image if offset is None else image - offset
        product -= (factor * (weights @ left)) * centre
        return product, image

    def unshifted(self, image: FloatArray, x: FloatArray) -> FloatArray:
        """Return ``A @ x`` from the image of x (d, c) under the shifted rows (n, c), without a sweep."""
        out = np.empty(image.shape, order="F")

        def fill(block: slice) -> None:
            np.add(image[block], self._spread(block, self._centre_rows(block) @ x), out=out[block])

        map_blocks(fill, vector_pieces(len(image)))
        return out

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`."""
        return weighted_gram(self.fill_scaled, np.arange(block.start, block.stop), weights, self.shape[1])

    def sandwich(self, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich`."""
        return threaded_gram(self.fill_scaled, None, weights, self.shape[1])

    def sandwich_rows(self, indices: IntArray, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.sandwich_rows`; only a block of the rows is ever written out."""
        return threaded_gram(self.fill_scaled, indices, weights, self.shape[1])

    def fill_scaled(self, indices: IntArray, factors: FloatArray, out: FloatArray) -> None:
        """See :meth:`Design.fill_scaled`."""
        self._inner.fill_scaled(indices, np.ones(len(indices)), out)
        groups = np.searchsorted(self._starts, indices, side="right") - 1
        shifts = self._shifts[indices]
        if self.is_small or not out.flags.c_contiguous:
            rows = out[:, : self.shape[1]]
            rows -= shifts[:, None] * self._centres[groups]
            rows *= factors[:, None]
            return
        from newtonkit.design.kernels import shift_rows  # noqa: PLC0415  (Numba: only for large data)

        shift_rows(shifts, groups, self._centres, factors, out)  # type: ignore[no-untyped-call]

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        rows = self._gathered(block)
        return np.asarray(np.einsum("ij,ij->i", rows, rows))

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        rows = self._gathered(block)
        return np.asarray(np.einsum("ij,ij,i->j", rows, rows, v))

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        return DenseDesign(self._gathered(block)).block_group_sums(
            slice(0, block.stop - block.start), columns, starts
        )

    def block_rows(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_rows`."""
        return self._gathered(block)

    def dense_rows(self, rows: slice) -> FloatArray:
        """See :meth:`Design.dense_rows`."""
        shift = self._spread(rows, self._centre_rows(rows))
        return np.asarray(np.subtract(self._inner.dense_rows(rows), shift, out=shift))

    def embed(self, scatter: SignScatter, scale: FloatArray | None = None) -> FloatArray:
        """See :meth:`Design.embed`; with one group S A is embedded as it is, and S k C taken from it."""
        if len(self._starts) > 1:
            return super().embed(scatter, scale)
        whole = self._inner.embed(scatter, scale)
        centre = np.outer(self._embedded_shifts(scatter, scale), self._centres[0])
        left = whole - centre
        # A column that is the same in all rows vanishes: what is left of it is rounding.
        sizes = np.abs(whole).max(axis=0) + np.abs(centre).max(axis=0)
        left[:, np.abs(left).max(axis=0) <= _VANISHED * sizes] = 0.0
        return left

    def _embedded_shifts(self, scatter: SignScatter, scale: FloatArray | None) -> FloatArray:
        """Return S diag(scale) k."""
        hashed = scatter.hashed if self.is_small else scatter.compiled_hash
        out = np.zeros(scatter.n_rows)
        for first in range(0, self.shape[0], _HASHED_ROWS):
            rows = slice(first, min(first + _HASHED_ROWS, self.shape[0]))
            factors = self._shifts[rows] if scale is None else self._shifts[rows] * scale[rows]
            targets, coefficients = hashed(rows, factors)
            out += np.bincount(targets.ravel(), weights=coefficients.ravel(), minlength=len(out))
        return out

    def rows(self, indices: IntArray) -> DenseDesign:
        """See :meth:`Design.rows`; shifted rows are dense whatever A is."""
        out = np.empty((len(indices), self.shape[1]))

        def gather(first: int) -> None:
            chosen = indices[first : first + _GATHERED]
            which = np.searchsorted(self._starts, chosen, side="right") - 1
            part = out[first : first + _GATHERED]
            np.multiply(self._shifts[chosen, None], self._centres[which], out=part)
            np.subtract(self._inner.rows(chosen).to_dense(), part, out=part)

        map_blocks(gather, range(0, len(indices), _GATHERED))
        return DenseDesign(out)
