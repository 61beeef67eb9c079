"""A growing subspace with the exact Hessian on it."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray, map_blocks
from newtonkit.design.pieces import vector_pieces
from newtonkit.metric import Metric, size_of
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import ShiftedForm

_NEGLIGIBLE = 1e-10
_BLOCK = 16
_MOST_IMAGES = 16
_FIRST_ROOM, _MORE_ROOM = 8, 16


class _Columns:
    """Columns that more are appended to, without a copy each time."""

    def __init__(self, n_rows: int) -> None:
        self._room = np.empty((n_rows, 0), order="F")  # many a subspace is never entered
        self.size = 0

    @property
    def array(self) -> FloatArray:
        """The columns, a view."""
        return self._room[:, : self.size]

    def append(self, columns: FloatArray) -> None:
        """Take in more columns."""
        size = self.size + columns.shape[1]
        if size > self._room.shape[1]:
            more = _MORE_ROOM if self.size else min(len(self._room), _FIRST_ROOM)
            room = np.empty((len(self._room), max(size, self._room.shape[1] + more)), order="F")
            room[:, : self.size] = self.array
            self._room = room
        self._room[:, self.size : size] = columns
        self.size = size


class Subspace:
    """Orthonormal columns Q in the coordinates of a metric, and H Q.

    Parameters
    ----------
    metric : Metric
        The coordinates z of steps s = T z.
    hessian : StructuredHessian
        H, of which only products are taken: one for each column.
    form : ShiftedForm, optional
        The same on shifted rows, on which a product is a single sweep and gives A T Q as well.

    Attributes
    ----------
    passes : int
        Sweeps over the data so far.
    """

    def __init__(self, metric: Metric, hessian: StructuredHessian, form: ShiftedForm | None) -> None:
        self._metric = metric
        self._hessian = hessian
        self._form = form
        self._images: list[FloatArray] | None = []  # A T Q, column by column; None where some are missing
        self._reduced: FloatArray = np.zeros((0, 0))
        self._basis, self._products = _Columns(metric.rank), _Columns(metric.rank)
        self.passes = 0

    @property
    def basis(self) -> FloatArray:
        """Q."""
        return self._basis.array

    @property
    def products(self) -> FloatArray:
        """T^T H T Q."""
        return self._products.array

    @property
    def size(self) -> int:
        """The dimension k."""
        return self._basis.size

    @property
    def is_complete(self) -> bool:
        """Whether it is the whole space."""
        return self.size == len(self.basis)

    def add(self, columns: FloatArray) -> bool:
        """Take in more directions (rank,) or (rank, c); tell whether any was new."""
        if len(self.basis) == self.size:
            return False
        fresh = self._orthonormal(columns.reshape(len(columns), -1))
        for begin in range(0, fresh.shape[1], _BLOCK):
            self._products.append(self._times_hessian(fresh[:, begin : begin + _BLOCK]))
        self._basis.append(fresh)
        return len(fresh.T) > 0

    @property
    def has_images(self) -> bool:
        """Whether A S is at hand for every step S of the subspace."""
        return bool(self._images)

    def rows(self, steps: FloatArray, coordinates: FloatArray) -> FloatArray | None:
        """Return A S for steps S = T Q C (d, c) and their coordinates C (k, c), for no sweep.

        None where not all images of the basis are at hand.
        """
        if self._images is None or not self._images:
            return None
        rows = np.zeros((len(self._hessian.row_diagonal), coordinates.shape[1]), order="F")

        def fill(piece: slice) -> None:
            for row, image in zip(coordinates, self._images or (), strict=True):
                for k, factor in enumerate(row):
                    rows[piece, k] += factor * image[piece]

        map_blocks(fill, vector_pieces(len(rows)))
        assert self._form is not None
        return self._form.unshifted(rows, steps)

    def complete(self) -> None:
        """Take in everything that is left."""
        full = np.eye(len(self.basis))
        if self.size:
            full = np.asarray(scipy.linalg.qr(self.basis)[0], dtype=np.float64)
        self.add(full[:, self.size :])

    def reduced(self) -> FloatArray:
        """Return ``Q.T @ H @ Q``, shape (k, k)."""
        known, size = len(self._reduced), self.size
        if known < size:
            reduced = np.empty((size, size))
            reduced[:known, :known] = self._reduced
            fresh = self.basis[:, known:]
            reduced[:known, known:] = 0.5 * (self.basis[:, :known].T @ self.products[:, known:])
            reduced[:known, known:] += 0.5 * (fresh.T @ self.products[:, :known]).T
            reduced[known:, :known] = reduced[:known, known:].T
            corner = fresh.T @ self.products[:, known:]
            reduced[known:, known:] = 0.5 * (corner + corner.T)
            self._reduced = reduced
        return self._reduced

    def _orthonormal(self, columns: FloatArray) -> FloatArray:
        """Return an orthonormal basis of what the columns add."""
        if columns.shape[1] == 1:
            return self._normalised(columns)
        lengths = np.linalg.norm(columns, axis=0)
        usable = np.isfinite(lengths) & (lengths > 0.0)
        left = columns[:, usable] / lengths[usable]
        for _ in range(2):
            left = left - self.basis @ (self.basis.T @ left)
        basis, triangle, _ = scipy.linalg.qr(left, mode="economic", pivoting=True)
        fresh: FloatArray = basis[:, np.abs(np.diagonal(triangle)) > _NEGLIGIBLE]
        fresh = fresh - self.basis @ (self.basis.T @ fresh)
        return np.linalg.qr(fresh)[0][:, : len(self.basis) - self.size]

    def _normalised(self, column: FloatArray) -> FloatArray:
        """Return the unit vector that a column (rank, 1) adds; without a column if it adds none."""
        length = size_of(column)
        if not 0.0 < length < np.inf:
            return column[:, :0]
        fresh = column / length
        fresh = fresh - self.basis @ (self.basis.T @ fresh)
        left = size_of(fresh)
        if left <= _NEGLIGIBLE:
            return column[:, :0]
        fresh /= left
        for _ in range(2):  # what is left of few digits is not orthogonal at once
            fresh -= self.basis @ (self.basis.T @ fresh)
            fresh /= size_of(fresh)
        return fresh

    def times(self, z: FloatArray) -> FloatArray:
        """Return ``T.T @ H @ T @ z`` for one z (rank,), of which nothing is kept; T has no weak part."""
        self.passes += 1
        steps = self._metric.steps(z)
        rows = self._hessian.row_part(steps) if self._form is None else self._form.product(steps)
        return self._metric.dual(rows + self._hessian.ridge * steps)

    def _times_hessian(self, z: FloatArray) -> FloatArray:
        """Return ``T.T @ H @ T @ z``; weak directions by their rows, as T magnifies rounding there."""
        metric, hessian = self._metric, self._hessian
        steps = metric.steps(z)
        penalty = (hessian.ridge * steps.T).T
        if metric.weak.shape[1] == 0:
            self.passes += 1
            return metric.dual(self._row_product(steps) + penalty)
        self.passes += 2
        self._images = None
        split = metric.strong.shape[1]
        rows = hessian.design.product(metric.strong @ z[:split]) + metric.weak_rows @ z[split:]
        pull = hessian.row_product(rows)
        strong = metric.strong.T @ (hessian.design.transposed_product(pull) + penalty)
        return np.concatenate((strong, metric.weak_rows.T @ pull + metric.weak.T @ penalty))

    def _row_product(self, steps: FloatArray) -> FloatArray:
        """Return the product of the Hessian less its ridge with steps (d, c), keeping their images."""
        kept = self._images is not None and len(self._images) < _MOST_IMAGES
        if steps.shape[1] > 1 or not kept or self._form is None:
            self._images = None
            times = self._hessian.row_part if self._form is None else self._form.product
            return times(steps) if steps.shape[1] > 1 else times(steps[:, 0])[:, None]
        product, image = self._form.product_and_image(steps[:, 0])
        if self._images is not None:
            self._images.append(image)
        return product[:, None]
