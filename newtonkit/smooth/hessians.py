"""Hessians of smooth functions, d x d: written out, or in bands near the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy.linalg
import scipy.sparse

from newtonkit.design import FloatArray, IntArray
from newtonkit.objective import SymmetricOperator

# From this size on, bands narrower than this share of the size are faster than a full matrix.
_LEAST_BANDED, _NARROW = 100, 0.1


class Hessian(SymmetricOperator, Protocol):
    """What a point of a smooth function asks of its Hessian."""

    @property
    def is_finite(self) -> bool:
        """Whether all entries are finite."""
        ...

    @property
    def mass(self) -> float:
        """The sum of the sizes of the diagonal entries."""
        ...

    def moved(self, x: FloatArray) -> FloatArray:
        """Return ``|H| |x|``, shape (d,)."""
        ...


@dataclass(frozen=True)
class DenseHessian:
    """A Hessian written out, shape (d, d)."""

    matrix: FloatArray

    @property
    def is_finite(self) -> bool:
        """See :class:`Hessian`."""
        return bool(np.isfinite(self.matrix).all())

    @property
    def mass(self) -> float:
        """See :class:`Hessian`."""
        return float(np.abs(np.diagonal(self.matrix)).sum())

    def moved(self, x: FloatArray) -> FloatArray:
        """See :class:`Hessian`."""
        moved: FloatArray = np.abs(self.matrix) @ np.abs(x)
        return moved

    def form(self) -> None:
        """See :class:`newtonkit.objective.SymmetricOperator`."""

    def to_dense(self) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        return self.matrix

    def matmat(self, v: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        return self.matrix @ v

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        restricted = steps.T @ self.matrix @ steps
        return 0.5 * (restricted + restricted.T)

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        sizes: FloatArray = np.sum(np.abs(steps) * (np.abs(self.matrix) @ np.abs(steps)), axis=0)
        return sizes


@dataclass(frozen=True)
class BandedHessian:
    """A Hessian whose variables can be ordered so that it has few diagonals.

    Attributes
    ----------
    order : ndarray, shape (d,)
        The variables in the order in which the bands are narrow.
    bands : ndarray, shape (width + 1, d)
        The lower diagonals of ``H[order][:, order]``, as LAPACK and
        ``scipy.linalg.cholesky_banded(lower=True)`` want them, Fortran order.
    given_sparse : bool
        Whether it came as a sparse array.
    """

    order: IntArray
    bands: FloatArray
    given_sparse: bool

    @property
    def is_finite(self) -> bool:
        """See :class:`Hessian`."""
        return bool(np.isfinite(self.bands).all())

    @property
    def mass(self) -> float:
        """See :class:`Hessian`."""
        return float(np.abs(self.bands[0]).sum())

    @property
    def matrix(self) -> Any:
        """The Hessian as an array, or as a CSR array if it was given as a sparse one."""
        width, d = len(self.bands) - 1, len(self.order)
        lower: list[Any] = [self.bands[k, : d - k] for k in range(width + 1)]
        offsets = range(width + 1)
        ordered = scipy.sparse.diags_array(
            [*lower, *lower[1:]], offsets=[*(-k for k in offsets), *offsets[1:]], shape=(d, d)
        )
        place = self.place
        matrix = scipy.sparse.csr_array(ordered)[place][:, place]
        return matrix if self.given_sparse else matrix.toarray()

    @cached_property
    def place(self) -> IntArray:
        """Where each variable stands in `order`."""
        place = np.empty_like(self.order)
        place[self.order] = np.arange(len(place))
        return place

    def ordered_product(self, v: FloatArray, bands: FloatArray | None = None) -> FloatArray:
        """Return ``H[order][:, order] @ v``, shape (d,); or that of other bands of the same shape."""
        bands = self.bands if bands is None else bands
        product: FloatArray = scipy.linalg.blas.dsbmv(len(bands) - 1, 1.0, bands, v, lower=1)
        return product

    @cached_property
    def row_sums(self) -> FloatArray:
        """The sums of the sizes of the entries of each row, shape (d,), in the order of the bands."""
        return self.ordered_product(np.ones(len(self.order)), np.abs(self.bands))

    def moved(self, x: FloatArray) -> FloatArray:
        """See :class:`Hessian`."""
        return self.ordered_product(np.abs(x)[self.order], np.abs(self.bands))[self.place]

    def form(self) -> None:
        """See :class:`newtonkit.objective.SymmetricOperator`."""

    def to_dense(self) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        dense: FloatArray = self.matrix.toarray() if self.given_sparse else self.matrix
        return dense

    def matmat(self, v: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        columns = [self.ordered_product(column[self.order])[self.place] for column in v.T]
        return np.stack(columns, axis=1) if columns else np.empty_like(v)

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        restricted = steps.T @ self.matmat(steps)
        return 0.5 * (restricted + restricted.T)

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        moved = [np.abs(step) @ self.moved(step) for step in steps.T]
        return np.array(moved, dtype=float)


def hessian_of(matrix: Any) -> DenseHessian | BandedHessian:
    """Return a real array or sparse array (d, d) as the Hessian that is cheapest to factorise.

    Rounding that leaves it short of symmetric is averaged away.
    """
    d = matrix.shape[0]
    is_sparse = bool(scipy.sparse.issparse(matrix))
    if is_sparse:
        return _from_sparse(scipy.sparse.csr_array(matrix)) if d >= _LEAST_BANDED else _full(matrix.toarray())
    if d < _LEAST_BANDED:
        return _full(matrix)
    width = max(scipy.linalg.bandwidth(matrix))
    if width > _NARROW * d:
        return _full(matrix)
    bands = np.zeros((width + 1, d), order="F")
    for k in range(width + 1):
        bands[k, : d - k] = 0.5 * (np.diagonal(matrix, -k) + np.diagonal(matrix, k))
    return BandedHessian(np.arange(d), bands, given_sparse=False)


def _full(matrix: FloatArray) -> DenseHessian:
    return DenseHessian(0.5 * (matrix + matrix.T))


def _from_sparse(matrix: Any) -> DenseHessian | BandedHessian:
    """Order the variables by reverse Cuthill-McKee, and see how narrow that makes the bands."""
    d = matrix.shape[0]
    matrix = 0.5 * (matrix + matrix.T)
    matrix.sum_duplicates()
    order = scipy.sparse.csgraph.reverse_cuthill_mckee(matrix, symmetric_mode=True).astype(np.intp)
    place = np.empty_like(order)
    place[order] = np.arange(d)
    entries = matrix.tocoo()
    row, column = place[entries.coords[0]], place[entries.coords[1]]
    width = int(np.abs(row - column).max(initial=0))
    if width > _NARROW * d:
        return DenseHessian(matrix.toarray())
    below = row >= column
    bands = np.zeros((width + 1, d), order="F")
    bands[(row - column)[below], column[below]] = entries.data[below]
    return BandedHessian(order, bands, given_sparse=True)
