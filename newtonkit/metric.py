"""The metric of the trust region: coordinates in which the natural length of a step is Euclidean."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray


class Metric:
    """Coordinates z with s = T z and ||s||_M = ||z||, on the range of M.

    Columns are brought to unit length before the rank is decided, so that the decision
    does not depend on their units.

    Parameters
    ----------
    gram : ndarray, shape (d, d)
        M, positive semidefinite.

    Attributes
    ----------
    basis : ndarray, shape (d, r)
        T, with T^T M T = I.
    null : ndarray, shape (d, d - r)
        Orthonormal basis of the null space of M.
    rank : int
        r.
    condition : float
        Ratio of the largest to the smallest eigenvalue of M, columns brought to length 1.
    """

    def __init__(self, gram: FloatArray) -> None:
        lengths = np.sqrt(np.diagonal(gram))
        alive = lengths > 0.0
        inverse = np.where(alive, 1.0 / np.where(alive, lengths, 1.0), 0.0)
        values, vectors = scipy.linalg.eigh(inverse[:, None] * gram * inverse)
        floor = 32.0 * np.finfo(float).eps * np.sqrt(len(gram)) * max(float(values[-1]), 0.0)
        kept = values > floor
        self.basis = inverse[:, None] * vectors[:, kept] / np.sqrt(values[kept])
        self.rank = int(kept.sum())
        self.condition = float(values[-1] / values[kept][0]) if self.rank else 1.0
        unscaled = np.where(alive, inverse, 1.0)[:, None] * vectors[:, ~kept]
        self.null = np.linalg.qr(unscaled)[0]

    def without_null(self, steps: FloatArray) -> FloatArray:
        """Return the shortest steps (d, c), in the Euclidean norm, that change A x as these do."""
        if self.null.shape[1] == 0:
            return steps
        return steps - self.null @ (self.null.T @ steps)
