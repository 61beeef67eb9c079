"""Kronecker products of two designs: n1 n2 rows, of which only n1 + n2 are kept."""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from newtonkit.design.base import Design, FloatArray, IntArray
from newtonkit.design.dense import DenseDesign, group_selector
from newtonkit.design.door import as_design

_BLOCK_ROWS = 2**17
_PAIR_ENTRIES = 2**18


class KroneckerDesign(Design):
    """The design A1 (x) A2, never formed.

    Row ``j * n2 + i`` is the Kronecker product of row j of A1 and row i of A2, and column
    ``p * d2 + q`` that of columns p and q.  With X the (d1, d2) array of the coefficients in
    row-major order, ``A @ x`` is ``A1 @ X @ A2.T``, flattened: the scores of attention, where
    each row of A1 asks each row of A2.  A softmax for each j is a problem with groups of n2
    consecutive rows.

    Every product costs O(n1 n2) numbers times the columns of one factor, not of both.  The
    weighted Gram is sum_j (a_j a_j^T) (x) (A2^T D_j A2), about n1 n2 d2^2 operations.  Row
    blocks are whole values of j.

    Parameters
    ----------
    A1 : array_like, sparse matrix or array, data frame, or Design, shape (n1, d1)
        The factor whose rows vary slowly.
    A2 : array_like, sparse matrix or array, data frame, or Design, shape (n2, d2)
        The factor whose rows vary quickly.

    Attributes
    ----------
    factors : tuple of Design
        A1 and A2.
    shape : tuple of int
        (n1 * n2, d1 * d2).

    Raises
    ------
    TypeError, ValueError
        If a factor is not a design matrix (see :func:`newtonkit.design.as_design`), or there
        are more rows than an index can count.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import KroneckerDesign
    >>> A1, A2 = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[1.0, 1.0], [3.0, 0.0], [0.0, 2.0]])
    >>> design = KroneckerDesign(A1, A2)
    >>> design.shape
    (6, 4)
    >>> bool((design.to_dense() == np.kron(A1, A2)).all())
    True
    """

    def __init__(self, A1: Any, A2: Any) -> None:
        self.factors = (as_design(A1, name="A1"), as_design(A2, name="A2"))
        (n1, d1), (n2, d2) = (factor.shape for factor in self.factors)
        if n1 * n2 > np.iinfo(np.intp).max:
            raise ValueError(f"A1 and A2 have too many rows, {n1} times {n2}, for indices of this machine")
        self.shape = (n1 * n2, d1 * d2)
        self.dtype = np.dtype(np.float64)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:  # type: ignore[override]  # of very many rows, few ask for all blocks
        """The row blocks: whole values of j."""
        n1, n2 = self.factors[0].shape[0], self.factors[1].shape[0]
        count = min(n1, max(1, round(n1 * n2 / _BLOCK_ROWS)))
        edges = [n2 * (n1 * k // count) for k in range(count + 1)]
        return tuple(slice(a, b) for a, b in pairwise(edges))

    def _outer_rows(self, block: slice) -> FloatArray:
        """Return the rows of A1 that a block is made of."""
        n2 = self.factors[1].shape[0]
        return self.factors[0].rows(np.arange(block.start // n2, block.stop // n2)).to_dense()

    @cached_property
    def _inner_rows(self) -> FloatArray:
        return self.factors[1].to_dense()

    @cached_property
    def _inner_square_sums(self) -> FloatArray:
        second = self.factors[1]
        return np.concatenate([second.block_square_sums(block) for block in second.blocks])

    def block_product(self, block: slice, x: FloatArray) -> FloatArray:
        """See :meth:`Design.block_product`."""
        second = self.factors[1]
        outer = self._outer_rows(block)
        k = math.prod(x.shape[1:])
        queries = outer @ x.reshape(outer.shape[1], second.shape[1] * k)
        queries = queries.reshape(len(outer), second.shape[1], k)
        columns = queries.transpose(1, 0, 2).reshape(second.shape[1], len(outer) * k)
        out = np.empty((len(outer), second.shape[0], k))
        for part in second.blocks:  # one after the other: blocks of this design are what threads share
            product = second.block_product(part, columns)
            out[:, part] = product.reshape(len(product), len(outer), k).transpose(1, 0, 2)
        return out.reshape(block.stop - block.start, *x.shape[1:])

    def block_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_transposed_product`."""
        second = self.factors[1]
        outer = self._outer_rows(block)
        k = math.prod(v.shape[1:])
        values = v.reshape(len(outer), second.shape[0], k)
        total = np.zeros((second.shape[1], len(outer) * k))
        for part in second.blocks:
            columns = values[:, part].transpose(1, 0, 2).reshape(part.stop - part.start, total.shape[1])
            total += second.block_transposed_product(part, columns)
        sums = total.reshape(second.shape[1], len(outer), k).transpose(1, 0, 2)
        product = outer.T @ sums.reshape(len(outer), second.shape[1] * k)
        return np.asarray(product).reshape(self.shape[1], *v.shape[1:])

    def block_gram(self, block: slice, weights: FloatArray) -> FloatArray:
        """See :meth:`Design.block_gram`.

        With the products of pairs of columns of either factor as the columns of P1 and P2, the
        entries of the Gram are those of P1^T W P2, W the weights as an array (j, i).
        """
        outer, inner = self._outer_rows(block), self._inner_rows
        d1, d2 = outer.shape[1], inner.shape[1]
        pairs1, pairs2 = np.triu_indices(d1), np.triu_indices(d2)
        m1, m2 = len(pairs1[0]), len(pairs2[0])
        table = weights.reshape(len(outer), len(inner))
        total = np.zeros((m1, m2))
        step1, step2 = max(64, _PAIR_ENTRIES // max(m1, m2)), max(64, _PAIR_ENTRIES // m2)
        for j in range(0, len(outer), step1):
            first = outer[j : j + step1]
            sums = np.zeros((len(first), m2))
            for i in range(0, len(inner), step2):
                sums += table[j : j + step1, i : i + step2] @ _pair_products(inner[i : i + step2], pairs2)
            total += _pair_products(first, pairs1).T @ sums
        return _from_pairs(total, pairs1, pairs2, d1, d2)

    def block_square_sums(self, block: slice) -> FloatArray:
        """See :meth:`Design.block_square_sums`."""
        outer = self._outer_rows(block)
        return np.asarray(np.outer(np.einsum("jp,jp->j", outer, outer), self._inner_square_sums)).ravel()

    def block_square_transposed_product(self, block: slice, v: FloatArray) -> FloatArray:
        """See :meth:`Design.block_square_transposed_product`."""
        second = self.factors[1]
        outer = self._outer_rows(block)
        sums = np.square(outer).T @ v.reshape(len(outer), -1)
        total = np.zeros((outer.shape[1], second.shape[1]))
        for p, row in enumerate(sums):
            for part in second.blocks:
                total[p] += second.block_square_transposed_product(part, row[part])
        return total.ravel()

    def block_group_sums(self, block: slice, columns: FloatArray, starts: IntArray) -> FloatArray:
        """See :meth:`Design.block_group_sums`."""
        outer, inner = self._outer_rows(block), self._inner_rows
        n2, k = len(inner), columns.shape[1]
        # Runs are cut where j changes: within a piece, every row has the same row of A1.
        pieces = np.union1d(starts, np.arange(0, len(columns), n2))
        if len(pieces) == len(outer):
            sums = np.einsum("jik,iq->jkq", columns.reshape(len(outer), n2, k), inner, optimize=True)
        else:
            selector = group_selector(columns, pieces)
            wrapped = csr_array(
                (selector.data, selector.indices % n2, selector.indptr), (len(pieces) * k, n2)
            )
            sums = np.asarray(wrapped @ inner).reshape(len(pieces), k, -1)
        rows = outer[pieces // n2]
        products = (rows[:, None, :, None] * sums[:, :, None, :]).reshape(len(pieces), k, -1)
        return np.add.reduceat(products, np.searchsorted(pieces, starts), axis=0)

    def rows(self, indices: IntArray) -> DenseDesign:
        """See :meth:`Design.rows`."""
        j, i = np.divmod(indices, self.factors[1].shape[0])
        first, second = self.factors[0].rows(j).to_dense(), self.factors[1].rows(i).to_dense()
        return DenseDesign((first[:, :, None] * second[:, None, :]).reshape(len(first), -1))


def _pair_products(rows: FloatArray, pairs: tuple[IntArray, IntArray]) -> FloatArray:
    """Return the products of the columns of each pair, shape (rows, pairs)."""
    return rows[:, pairs[0]] * rows[:, pairs[1]]


def _from_pairs(
    total: FloatArray, pairs1: tuple[IntArray, ...], pairs2: tuple[IntArray, ...], d1: int, d2: int
) -> FloatArray:
    """Return the (d1 d2, d1 d2) array whose entry (p q, p' q') stands at the pairs (p, p'), (q, q')."""
    where1, where2 = np.empty((d1, d1), dtype=np.intp), np.empty((d2, d2), dtype=np.intp)
    for where, pairs in ((where1, pairs1), (where2, pairs2)):
        where[pairs] = where[pairs[::-1]] = np.arange(len(pairs[0]))
    return total[where1[:, None, :, None], where2[None, :, None, :]].reshape(d1 * d2, -1)
