"""The inverse of an information matrix, as far as there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from newtonkit.design import FloatArray
from newtonkit.problems.evaluation import Evaluation
from newtonkit.statistics.gram import CentredGram, Gram

_TRUSTED = 1e-7
_RANK_FLOOR = 1e-22  # of squares: a direction counts down to 1e-11 of what columns of unit size allow
_FREE = 1e-6


@dataclass(frozen=True)
class Inverse:
    """T T^T with T^T H T = I: the inverse of H on the directions in which it is curved.

    Attributes
    ----------
    matrix : CentredGram
        H.
    strong : ndarray, shape (d, p)
        The columns of T that the dense H determines well.
    weak : ndarray, shape (d, q)
        The other columns of T.
    weak_rows : ndarray, shape (n, q)
        A times `weak`.
    identified : ndarray of bool, shape (d,)
        Which coefficients stay as they are along all directions without curvature.
    """

    matrix: CentredGram
    strong: FloatArray
    weak: FloatArray
    weak_rows: FloatArray
    identified: NDArray[np.bool_]

    @classmethod
    def of(cls, matrix: CentredGram) -> Inverse:
        """Invert H.

        Columns are brought to unit size, as if nothing had been taken off the rows and D had
        no signs, so that rounding is of one size in all of H.  Eigenvalues are then trusted
        down to 1e-7; what lies below is computed again from rows, as a sum of squares.

        Raises
        ------
        ValueError
            If H has negative curvature.
        """
        sizes = matrix.sizes()
        alive = sizes > 0.0
        scale = 1.0 / np.sqrt(np.where(alive, sizes, 1.0))
        values, vectors = scipy.linalg.eigh(scale[:, None] * matrix.dense() * scale)
        _check_sign(values, _TRUSTED)
        kept = values > _TRUSTED
        strong = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
        weak, rows, null = _resolved(matrix, scale[:, None] * vectors[:, ~kept])
        loose = scipy.linalg.qr(null / scale[:, None], mode="economic")[0]
        return cls(matrix, strong, weak, rows, np.linalg.norm(loose, axis=1) <= _FREE)

    @property
    def rank(self) -> int:
        """In how many directions H is curved."""
        return int(self.strong.shape[1] + self.weak.shape[1])

    def congruence(self, meat: Gram) -> FloatArray:
        """Return T^T M T; its weak part from rows, since T magnifies the rounding of a dense M."""
        p = self.strong.shape[1]
        reduced = np.empty((self.rank, self.rank))
        reduced[:p, :p] = self.strong.T @ meat.dense() @ self.strong
        if self.weak.shape[1]:
            pulled = self.matrix.problem.design.transposed_product(meat.row_product(self.weak_rows))
            reduced[p:, p:] = meat.restricted(self.weak, self.weak_rows)
            reduced[:p, p:] = self.strong.T @ pulled
            reduced[p:, :p] = reduced[:p, p:].T
        return 0.5 * (reduced + reduced.T)

    def around(self, reduced: FloatArray | None = None) -> FloatArray:
        """Return T R T^T, (d, d), for R = T^T M T, or T T^T; NaN for coefficients that are not identified."""
        transform = np.concatenate((self.strong, self.weak), axis=1)
        total = transform @ transform.T if reduced is None else transform @ reduced @ transform.T
        total[:, ~self.identified] = np.nan
        return 0.5 * (total + total.T)  # rows become NaN too

    def decrement(self, evaluation: Evaluation) -> float:
        """Return g^T H^-1 g, the squared length of the Newton step in the metric of H."""
        strong = self.strong.T @ evaluation.gradient
        weak = evaluation.slopes(self.weak, self.weak_rows)[0]
        return float(strong @ strong + weak @ weak)


def _resolved(matrix: CentredGram, rest: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sort the directions below the floor of the dense H into weak ones, with their rows, and null ones.

    Each round settles those within 1e-7 of the most curved that is left.
    """
    rows = matrix.problem.design.product(rest)
    weak, weak_rows = [rest[:, :0]], [rows[:, :0]]
    while rest.shape[1] > 0:
        values, vectors = scipy.linalg.eigh(matrix.restricted(rest, rows))
        floor = max(_TRUSTED * float(np.abs(values).max()), _RANK_FLOOR * len(rest))
        _check_sign(values, floor)
        kept = values > floor
        if not kept.any():
            break
        scaled = vectors[:, kept] / np.sqrt(values[kept])
        weak.append(rest @ scaled)
        weak_rows.append(rows @ scaled)
        rest, rows = rest @ vectors[:, ~kept], rows @ vectors[:, ~kept]
    return np.concatenate(weak, axis=1), np.concatenate(weak_rows, axis=1), rest


def _check_sign(values: FloatArray, floor: float) -> None:
    if float(values[0]) < -floor:
        raise ValueError("solution is no minimum: the problem has negative curvature there")
