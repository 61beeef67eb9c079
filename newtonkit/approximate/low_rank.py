"""A diagonal preconditioner with the heaviest rows taken in exactly: diagonal plus low rank."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.design import Design, FloatArray, IntArray, map_blocks
from newtonkit.design.gram import cut
from newtonkit.design.pages import paged_zeros
from newtonkit.metric import size_of

_HEAVY = 3.0  # times the mean
_MOST_ROWS = 1000
_SHARE = 0.1  # of the data that the rows kept, and their matrix, may take
_BYTES_AN_ENTRY = 12
_LEAST_LEFT = 1e-3
_WRITTEN_OUT, _FOR_A_THREAD = 8, 32


def heavy_rows(design: Design, weights: FloatArray) -> IntArray:
    """Return the rows whose |w_i| ||a_i||^2 is more than 3 times the mean, the largest if they are many.

    So few are taken that their copy and their matrix are small beside the data.
    """
    sizes = np.abs(weights) * np.square(design.row_norms)
    data = _SHARE * _BYTES_AN_ENTRY * design.n_entries
    room = int(min(_MOST_ROWS, _SHARE * len(weights), np.sqrt(data / 8.0)))
    with np.errstate(invalid="ignore", over="ignore"):
        chosen = np.flatnonzero(sizes > _HEAVY * sizes.mean())
    if len(chosen) > room:
        chosen = chosen[np.argpartition(-sizes[chosen], room - 1)[:room]] if room else chosen[:0]
    return np.sort(chosen)


def _row_gram(rows: Design, scale: FloatArray) -> FloatArray:
    """Return ``B diag(scale)^2 B.T``, shape (k, k), a few rows of B written out at a time."""
    k, squares = rows.shape[0], np.square(scale)
    out = paged_zeros((k, k), order="F")  # so that it is factorised where it is
    count = max(1, min(_WRITTEN_OUT, rows.n_entries // (4 * rows.shape[1])))  # one, if they are sparse

    def fill(few: slice) -> None:
        for part in cut(few.start, few.stop, count):
            columns = np.ascontiguousarray((squares * rows.dense_rows(part)).T)
            product = rows.block_product(slice(0, k), columns if count > 1 else columns[:, 0])
            out[:, part] = product.reshape(k, -1)

    map_blocks(fill, cut(0, k, _FOR_A_THREAD))
    for first in range(0, k, _WRITTEN_OUT):  # symmetric to the last bit, without another matrix
        part = slice(first, first + _WRITTEN_OUT)
        mean = 0.5 * (out[part] + out[:, part].T)
        out[part], out[:, part] = mean, mean.T
    return out


class LowRankPreconditioner(DiagonalPreconditioner):
    """P = T^T (diag(sizes) + B^T diag(w) B) T for some heavy rows B; see :class:`Preconditioner`.

    In a design with more columns than rows a few rows of large weight spread the curvature over
    orders of magnitude, which no diagonal in the space of the columns sees.  The inverse is that
    of Sherman, Morrison and Woodbury, by a matrix of the size of the rows.

    Parameters
    ----------
    metric : DiagonalMetric
        The coordinates.
    sizes : ndarray, shape (d,)
        The diagonal of A^T |D| A + diag(ridge), B included.
    rows : Design
        B.
    weights : ndarray, shape (k,)
        w > 0.
    """

    def __init__(self, metric: DiagonalMetric, sizes: FloatArray, rows: Design, weights: FloatArray) -> None:
        taken = rows.square_transposed_product(weights)
        super().__init__(metric, np.maximum(sizes - taken, _LEAST_LEFT * sizes))
        self._metric = metric
        self._rows = rows
        self._roots = np.sqrt(weights)
        scale = metric.steps(1.0 / np.sqrt(self._lifted(0.0)))
        matrix = _row_gram(rows, scale)
        matrix *= self._roots
        matrix *= self._roots[:, None]
        matrix[np.diag_indices_from(matrix)] += 1.0
        self._factor = scipy.linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)

    def _forward(self, z: FloatArray) -> FloatArray:
        return (self._roots * self._rows.product(self._metric.steps(z)).T).T

    def _back(self, v: FloatArray) -> FloatArray:
        return self._metric.dual(self._rows.transposed_product((self._roots * v.T).T))

    def solve(self, right: FloatArray, sigma: float) -> FloatArray:
        """See :class:`Preconditioner`; the rows count as they do for sigma = 0."""
        near = super().solve(right, sigma)
        inner = scipy.linalg.cho_solve(self._factor, self._forward(near), check_finite=False)
        return np.asarray(near - super().solve(self._back(inner), sigma))

    def norm(self, right: FloatArray, sigma: float) -> float:
        """See :class:`Preconditioner`."""
        return float(np.sqrt(max(float(right @ self.solve(right, sigma)), 0.0)))

    def first(self, slopes: FloatArray, radius: float) -> tuple[FloatArray, float]:
        """See :class:`Preconditioner`: the minimiser of the model without a radius, made short enough."""
        z = -self.solve(slopes, 0.0)
        length = size_of(z)
        return z * min(1.0, radius / length) if length > 0.0 else z, 0.0

    def product(self, z: FloatArray) -> FloatArray:
        """See :class:`Preconditioner`."""
        return super().product(z) + self._back(self._forward(z))
