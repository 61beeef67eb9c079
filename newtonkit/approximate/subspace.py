"""A growing subspace with the exact Hessian on it."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray, map_blocks
from newtonkit.design.pieces import vector_pieces
from newtonkit.metric import Metric
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import ShiftedForm

_NEGLIGIBLE = 1e-10
_BLOCK = 16
_MOST_IMAGES = 16


class Subspace:
    """Orthonormal columns Q in the coordinates of a metric, and H Q.

    Parameters
    ----------
    metric : Metric
        The coordinates z of steps s = T z.
    hessian : StructuredHessian
        H, of which only products are taken: one for each column.
    form : ShiftedForm
        The same on shifted rows, on which a product is a single sweep.

    Attributes
    ----------
    basis : ndarray, shape (rank, k)
        Q.
    products : ndarray, shape (rank, k)
        T^T H T Q.
    passes : int
        Sweeps over the data so far.
    """

    def __init__(self, metric: Metric, hessian: StructuredHessian, form: ShiftedForm) -> None:
        self._metric = metric
        self._hessian = hessian
        self._form = form
        self._images: list[FloatArray] | None = []  # A T Q, column by column; None where some are missing
        self.basis: FloatArray = np.zeros((metric.rank, 0))
        self.products: FloatArray = np.zeros((metric.rank, 0))
        self.passes = 0

    @property
    def size(self) -> int:
        """The dimension k."""
        return len(self.basis.T)

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
            block = fresh[:, begin : begin + _BLOCK]
            self.products = np.concatenate((self.products, self._times_hessian(block)), axis=1)
        self.basis = np.concatenate((self.basis, fresh), axis=1)
        return len(fresh.T) > 0

    @property
    def has_images(self) -> bool:
        """Whether A S is at hand for every step S of the subspace."""
        return self._images is not None

    def rows(self, steps: FloatArray, coordinates: FloatArray) -> FloatArray | None:
        """Return A S for steps S = T Q C (d, c) and their coordinates C (k, c), for no sweep.

        None where not all images of the basis are at hand.
        """
        if self._images is None:
            return None
        rows = np.zeros((len(self._hessian.row_diagonal), coordinates.shape[1]), order="F")

        def fill(piece: slice) -> None:
            for row, image in zip(coordinates, self._images or (), strict=True):
                for k, factor in enumerate(row):
                    rows[piece, k] += factor * image[piece]

        map_blocks(fill, vector_pieces(len(rows)))
        return self._form.unshifted(rows, steps)

    def complete(self) -> None:
        """Take in everything that is left."""
        full = np.eye(len(self.basis))
        if self.size:
            full = np.asarray(scipy.linalg.qr(self.basis)[0], dtype=np.float64)
        self.add(full[:, self.size :])

    def reduced(self) -> FloatArray:
        """Return ``Q.T @ H @ Q``, shape (k, k)."""
        reduced = self.basis.T @ self.products
        return np.asarray(0.5 * (reduced + reduced.T))

    def _orthonormal(self, columns: FloatArray) -> FloatArray:
        """Return an orthonormal basis of what the columns add."""
        lengths = np.linalg.norm(columns, axis=0)
        usable = np.isfinite(lengths) & (lengths > 0.0)
        left = columns[:, usable] / lengths[usable]
        for _ in range(2):
            left = left - self.basis @ (self.basis.T @ left)
        basis, triangle, _ = scipy.linalg.qr(left, mode="economic", pivoting=True)
        fresh: FloatArray = basis[:, np.abs(np.diagonal(triangle)) > _NEGLIGIBLE]
        fresh = fresh - self.basis @ (self.basis.T @ fresh)
        return np.linalg.qr(fresh)[0][:, : len(self.basis) - self.size]

    def _times_hessian(self, z: FloatArray) -> FloatArray:
        """Return ``T.T @ H @ T @ z``; weak directions by their rows, as T magnifies rounding there."""
        metric, hessian = self._metric, self._hessian
        steps = metric.steps(z)
        penalty = (hessian.ridge * steps.T).T
        if metric.weak.shape[1] == 0:
            self.passes += 1
            form = self._form
            product = self._gram_product(steps) + penalty
            return metric.dual(product if form.remainder is None else product + form.remainder @ steps)
        self.passes += 2
        self._images = None
        split = metric.strong.shape[1]
        rows = hessian.design.product(metric.strong @ z[:split]) + metric.weak_rows @ z[split:]
        pull = hessian.row_product(rows)
        strong = metric.strong.T @ (hessian.design.transposed_product(pull) + penalty)
        return np.concatenate((strong, metric.weak_rows.T @ pull + metric.weak.T @ penalty))

    def _gram_product(self, steps: FloatArray) -> FloatArray:
        """Return the product of the Hessian on shifted rows with steps (d, c), keeping their images."""
        design, weights = self._form.design, self._form.weights
        kept = self._images is not None and len(self._images) < _MOST_IMAGES
        if steps.shape[1] > 1 or not kept:
            self._images = None
            return design.gram_product(weights, steps)
        product, image = design.gram_product_and_image(weights, steps[:, 0])
        if self._images is not None:
            self._images.append(image)
        return product[:, None]
