"""The Hessian of a problem, A^T (diag(D) + U C U^T) A + diag(ridge), as an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from newtonkit.design import Design, FloatArray, map_blocks, one_blas_thread
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.problems.outer import quiet
from newtonkit.problems.rows import RowBlock


class StructuredHessian:
    """A^T (diag(D) + U C U^T) A + diag(ridge), with U C U^T a sum over groups of rows.

    It is an operator first: ``matvec``, ``matmat`` and ``diagonal`` never form a d x d
    array.  ``to_dense`` does, once, and NumPy does so through ``__array__``, which is how
    ``scipy.optimize.minimize`` takes it from a ``hess`` callable.

    Parameters
    ----------
    design : Design
        A, shape (n, d).
    blocks : sequence of RowBlock
        The row blocks of A with their groups.
    diagonal : ndarray, shape (n,)
        D, of any sign.
    ridge : ndarray, shape (d,)
        The diagonal added in the space of the coefficients.
    low_rank : ndarray of shape (n, k), optional
        U.
    cores : ndarray of shape (m, k, k), optional
        C for each of the m groups.
    shift : ndarray of shape (n,), optional
        How far rows are moved towards the centre of their group, see
        :func:`newtonkit.problems.shifting.shifted_form`.
    is_centring : bool, default False
        Whether moved rows take in the low-rank part without remainder.
    centre : ndarray of shape (1, d), optional
        A^T U_1 where it is known already and there is one group.

    Attributes
    ----------
    shape : tuple of int
        (d, d).

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> hessian = nk.ExpRegression([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0]).hess([0.0, 0.0])
    >>> hessian.matvec(np.array([1.0, 2.0])), hessian.to_dense().shape
    (array([1., 2.]), (2, 2))
    """

    ndim = 2
    dtype = np.dtype(np.float64)

    def __init__(
        self,
        design: Design,
        blocks: Sequence[RowBlock],
        diagonal: FloatArray,
        ridge: FloatArray,
        low_rank: FloatArray | None = None,
        cores: FloatArray | None = None,
        *,
        shift: FloatArray | None = None,
        is_centring: bool = False,
        centre: FloatArray | None = None,
    ) -> None:
        self.design = design
        self.blocks = blocks
        self.row_diagonal = diagonal
        self.ridge = ridge
        self.low_rank = low_rank
        self.cores = np.zeros((1, 0, 0)) if cores is None else cores
        self.shift = shift
        self.is_centring = is_centring
        self.centre = centre
        self.shape = (design.shape[1], design.shape[1])

    @property
    def is_positive(self) -> bool:
        """Whether its parts tell that it has no negative curvature, whatever A is."""
        centred = self.low_rank is None or self.is_centring
        return centred and bool((self.row_diagonal >= 0.0).all())

    def row_product(self, z: FloatArray) -> FloatArray:
        """Return ``(diag(D) + U C U^T) z`` for z = A v of shape (n,) or (n, c)."""
        columns = z[:, None] if z.ndim == 1 else z
        out = self.row_diagonal[:, None] * columns
        if self.low_rank is not None:
            self._add_low_rank(columns, out)
        return out.reshape(z.shape)

    def _add_low_rank(self, z: FloatArray, out: FloatArray) -> None:
        u = self.low_rank
        assert u is not None
        parts = map_blocks(lambda b: b.sums(u[b.rows, :, None] * z[b.rows, None, :]), self.blocks)
        coordinates = np.zeros((len(self.cores), u.shape[1], z.shape[1]))
        for part, block in zip(parts, self.blocks, strict=True):
            coordinates[block.groups] += part
        coordinates = np.matmul(self.cores, coordinates)

        def add(block: RowBlock) -> None:
            rows = block.rows
            out[rows] += (u[rows, :, None] * block.spread(coordinates)).sum(axis=1)

        map_blocks(add, self.blocks)

    def matvec(self, v: FloatArray) -> FloatArray:
        """Return ``H @ v`` for v of shape (d,)."""
        return self.matmat(v)

    def matmat(self, v: FloatArray) -> FloatArray:
        """Return ``H @ V`` for V of shape (d, c)."""
        with quiet():  # where the loss overflows, so does its Hessian
            return self.row_part(v) + (self.ridge * v.T).T

    def row_part(self, v: FloatArray) -> FloatArray:
        """Return the product of H less its ridge with v of shape (d,) or (d, c)."""
        if v.ndim == 1 and len(self.cores) == 1:
            return self._swept(v)
        return self.design.transposed_product(self.row_product(self.design.product(v)))

    def _swept(self, v: FloatArray) -> FloatArray:
        """Return the product without the ridge in one sweep, for one group; U^T A may take another, once."""
        if self.low_rank is None:
            return self.design.gram_product(self.row_diagonal, v)
        if self._centred is not None:
            return self._centred.gram_product(self.row_diagonal, v)
        pulled = self._pulled_columns
        product = self.design.gram_product(self.row_diagonal, v)
        return np.asarray(product + pulled.T @ (self.cores[0] @ (pulled @ v)))

    @cached_property
    def _centred(self) -> ShiftedDesign | None:
        """The rows less their centre, where that takes in the low-rank part and is known."""
        if not self.is_centring or self.centre is None or self.shift is None:
            return None
        return ShiftedDesign(self.design, self.shift, self.centre, np.zeros(1, dtype=np.intp))

    @cached_property
    def _pulled_columns(self) -> FloatArray:
        """U^T A, shape (k, d)."""
        assert self.low_rank is not None
        return np.ascontiguousarray(self.design.transposed_product(self.low_rank).T)

    def dot(self, other: Any) -> FloatArray:
        """Return ``H @ other`` for anything array-like of shape (d,) or (d, c)."""
        v = np.asarray(other)
        if v.dtype.kind not in "biuf":
            raise TypeError(f"v must hold real numbers, got {v.dtype}")
        if v.ndim not in (1, 2) or len(v) != self.shape[0]:
            raise ValueError(f"v must have {self.shape[0]} rows and one or two axes, got shape {v.shape}")
        return self.matmat(v.astype(np.float64, copy=False))

    __matmul__ = dot

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """Return ``S.T @ H @ S``, shape (c, c), from steps S (d, c) and the rows A S (n, c).

        Each entry is a sum over rows: more accurate than ``S.T @ to_dense() @ S`` in
        directions that A nearly annihilates.
        """
        total = a_steps.T @ self.row_product(a_steps) + steps.T @ (self.ridge * steps.T).T
        symmetric: FloatArray = 0.5 * (total + total.T)
        return symmetric

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """Return the size of ``s @ H @ s`` for each step if D had no signs and nothing cancelled."""
        rows = np.abs(self.row_diagonal) @ (a_steps * a_steps)
        return np.asarray(rows + self.ridge @ (steps * steps))

    def diagonal_sizes(self) -> FloatArray:
        """Return :meth:`sizes` of the unit vectors, shape (d,), for one pass over the data."""
        rows = self.design.square_transposed_product(np.abs(self.row_diagonal))
        return np.asarray(rows + self.ridge)

    def low_rank_gram(self) -> FloatArray:
        """Return ``A^T U C U^T A``, shape (d, d)."""

        def gram(w: FloatArray, cores: FloatArray) -> FloatArray:
            flat = w.reshape(-1, w.shape[-1])
            return np.asarray(flat.T @ np.matmul(cores, w).reshape(flat.shape))

        total = self._sum_over_groups(gram, self.shape)
        symmetric: FloatArray = 0.5 * (total + total.T)
        return symmetric

    def _sum_over_groups(
        self, function: Callable[[FloatArray, FloatArray], FloatArray], shape: tuple[int, ...]
    ) -> FloatArray:
        """Add up ``function(W, C)`` over groups, with W_g = U_g^T A_g of shape (k, d).

        Groups inside one block are dealt with in it; those that reach over a boundary are
        put together from their parts first.
        """
        if self.low_rank is None:
            return np.zeros(shape)
        u, by_start = self.low_rank, {block.rows.start: block for block in self.blocks}
        edges: dict[int, tuple[FloatArray, FloatArray]] = {}

        def inner(rows: slice) -> FloatArray:
            block = by_start[rows.start]
            w = self.design.block_group_sums(rows, u[rows], block.starts)
            edges[rows.start] = (w[0].copy(), w[-1].copy())
            inside = slice(block.first_group + 1, block.groups.stop - 1)
            return function(w[1:-1], self.cores[inside])

        total = self.design.sum_blocks(inner)
        boundary: dict[int, FloatArray] = {}
        for block in self.blocks:
            first, last = edges[block.rows.start]
            ends = [(block.first_group, first)]
            if len(block.starts) > 1:
                ends.append((block.groups.stop - 1, last))
            for group, w in ends:
                boundary[group] = boundary[group] + w if group in boundary else w
        which = np.fromiter(boundary, dtype=np.intp)
        return total + function(np.stack(list(boundary.values())), self.cores[which])

    def diagonal(self) -> FloatArray:
        """Return the diagonal of H, shape (d,), without forming H."""
        with quiet():
            rows = self.design.square_transposed_product(self.row_diagonal)
            low_rank = self._sum_over_groups(
                lambda w, cores: np.add.reduce(w * np.matmul(cores, w), axis=(0, 1)), self.ridge.shape
            )
            return rows + low_rank + self.ridge

    @cached_property
    def _dense(self) -> FloatArray:
        with one_blas_thread(), quiet():
            total = self.design.sandwich(self.row_diagonal) + self.low_rank_gram()
        total[np.diag_indices_from(total)] += self.ridge
        total.flags.writeable = False
        return total

    def form(self) -> None:
        """Write it out once, for :meth:`to_dense` and whoever else asks."""
        self.to_dense()

    def to_dense(self) -> FloatArray:
        """Return H as a (d, d) array (read-only, formed once)."""
        return self._dense

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        dense = self._dense if dtype is None else self._dense.astype(dtype, copy=False)
        return dense.copy() if copy is not False and dense is self._dense else dense

    def __repr__(self) -> str:
        rank = 0 if self.low_rank is None else self.low_rank.shape[1]
        return (
            f"StructuredHessian(shape={self.shape}, rows={self.design.shape[0]}, "
            f"rank={rank} in each of {len(self.cores)} groups)"
        )
