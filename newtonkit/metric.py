"""The metric of the trust region: coordinates in which the natural length of a step is Euclidean."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray, map_blocks
from newtonkit.objective import Measured, PointEvaluation, SymmetricOperator

_EPS = float(np.finfo(float).eps)
_TRUSTED = 1e-7
_CHUNK = 256


def size_of(v: FloatArray) -> float:
    """Return the Euclidean norm of a vector whose squares may leave the range of floats."""
    return float(scipy.linalg.norm(v, check_finite=False))


class Coordinates(Protocol):
    """Coordinates z of steps s = T z in which the natural length of a step is ||z||."""

    @property
    def rank(self) -> int:
        """The number of coordinates."""
        ...

    def steps(self, z: FloatArray) -> FloatArray:
        """Return ``T @ z``, shape (d, c)."""
        ...

    def dual(self, gradient: FloatArray) -> FloatArray:
        """Return ``T.T @ gradient``."""
        ...

    def congruence(self, hessian: SymmetricOperator) -> FloatArray:
        """Return ``T.T @ H @ T``."""
        ...

    def slopes(self, evaluation: PointEvaluation) -> FloatArray:
        """Return ``T.T @ gradient``."""
        ...

    def slopes_rounding(self, evaluation: PointEvaluation) -> FloatArray:
        """Return how much of each entry of the slopes may be rounding."""
        ...


class Euclidean:
    """T = I: the length of a step is its Euclidean norm.

    Parameters
    ----------
    d : int
        The number of variables.
    """

    def __init__(self, d: int) -> None:
        self.rank = d

    def steps(self, z: FloatArray) -> FloatArray:
        """Return z."""
        return z

    def dual(self, gradient: FloatArray) -> FloatArray:
        """Return the gradient."""
        return gradient

    def congruence(self, hessian: SymmetricOperator) -> FloatArray:
        """Return H."""
        return hessian.to_dense()

    def slopes(self, evaluation: PointEvaluation) -> FloatArray:
        """Return the gradient."""
        return evaluation.gradient

    def slopes_rounding(self, evaluation: PointEvaluation) -> FloatArray:
        """Return the rounding of the gradient."""
        return evaluation.gradient_rounding


class Metric:
    """Coordinates z with s = T z and ||s||_M = ||z||, on the range of M.

    Columns are brought to unit length first, so that nothing depends on their units.  The
    eigenvalues of M are then trusted down to 1e-7 of the largest.  What lies below is
    computed again from the rows A s of those weak directions, where their length is a sum
    of squares rather than the small difference of large numbers: directions that A
    shrinks by 1e14 are still told from those it annihilates.

    Parameters
    ----------
    objective : Measured
        Gives M and the rows A s of steps.
    mass : float
        Curvature mass of an ordinary point.

    Attributes
    ----------
    strong : ndarray, shape (d, p)
        The columns of T that the dense M determines well.
    weak : ndarray, shape (d, q)
        The other columns of T.
    weak_rows : ndarray, shape (n, q)
        A times `weak`.
    null : ndarray, shape (d, d - p - q)
        Orthonormal basis of the null space of M.
    note : str
        Anything out of the ordinary about how it was found.
    """

    note = ""

    def __init__(self, objective: Measured, mass: float) -> None:
        operator = objective.step_metric(mass)
        gram = operator.to_dense()
        lengths = np.sqrt(np.diagonal(gram))
        alive = lengths > 0.0
        inverse = np.where(alive, 1.0 / np.where(alive, lengths, 1.0), 0.0)
        values, vectors = scipy.linalg.eigh(inverse[:, None] * gram * inverse)
        kept = values > _TRUSTED * max(float(values[-1]), 0.0)
        self.strong = inverse[:, None] * vectors[:, kept] / np.sqrt(values[kept])
        rest = np.where(alive, inverse, 1.0)[:, None] * vectors[:, ~kept]
        self._resolve_weak(objective, operator, rest)

    @classmethod
    def of_transform(cls, transform: FloatArray, n_rows: int) -> Metric:
        """Return the metric with given T (d, d), regular and so well determined that nothing is weak."""
        metric = cls.__new__(cls)
        d = len(transform)
        metric.strong = transform
        metric.weak, metric.weak_rows = np.zeros((d, 0)), np.zeros((n_rows, 0))
        metric.null = np.zeros((d, 0))
        return metric

    def _resolve_weak(self, objective: Measured, operator: SymmetricOperator, rest: FloatArray) -> None:
        """Sort the directions below the floor of the dense M into weak ones and null ones.

        Each round settles those within 1e-7 of the longest that is left.
        """
        weak: list[FloatArray] = [rest[:, :0]]
        weak_rows: list[FloatArray] = [objective.row_steps(rest[:, :0])]
        while rest.shape[1] > 0:
            basis = np.concatenate((self.strong, *weak), axis=1)
            for _ in range(2):  # once is not enough: the first correction is as rough as M
                rest = rest - basis @ (basis.T @ operator.matmat(rest))
            rows = objective.row_steps(rest)
            values, vectors = scipy.linalg.eigh(operator.restricted(rest, rows))
            floor = (64.0 * _EPS) ** 2 * (len(rest) + len(rows))
            kept = values > max(_TRUSTED * float(values[-1]), floor)
            if not kept.any():
                break
            scaled = vectors[:, kept] / np.sqrt(values[kept])
            weak.append(rest @ scaled)
            weak_rows.append(rows @ scaled)
            rest = rest @ vectors[:, ~kept]
        self.weak = np.concatenate(weak, axis=1)
        self.weak_rows = np.concatenate(weak_rows, axis=1)
        self.null = np.linalg.qr(rest)[0]

    @property
    def rank(self) -> int:
        """The number of coordinates."""
        return int(self.strong.shape[1] + self.weak.shape[1])

    @property
    def frame_gram(self) -> FloatArray | None:
        """The metric in the frame, in which preconditioners are kept: I, which is not written out."""
        return None

    @property
    def frame_pivots(self) -> FloatArray:
        """The pivots of the metric in the frame, shape (rank,): ones."""
        return np.ones(self.rank)

    def framed(self, hessian: SymmetricOperator) -> FloatArray:
        """Return H in the frame, which is that of the coordinates themselves."""
        return self.congruence(hessian)

    def from_frame(self, matrix: FloatArray) -> FloatArray:
        """Return a matrix in the frame as one in coordinates."""
        return matrix

    def frame_steps(self, z: FloatArray) -> FloatArray:
        """Return the step in the frame that has coordinates z."""
        return z

    def frame_dual(self, gradient: FloatArray) -> FloatArray:
        """Return a gradient in the frame as one in coordinates."""
        return gradient

    def into_frame(self, residual: FloatArray) -> FloatArray:
        """Return a residual in coordinates as one in the frame."""
        return residual

    def out_of_frame(self, step: FloatArray) -> FloatArray:
        """Return the coordinates of a step in the frame."""
        return step

    def steps(self, z: FloatArray) -> FloatArray:
        """Return ``T @ z``, shape (d, c), each as short as it can be in the Euclidean norm."""
        split = self.strong.shape[1]
        steps = self.strong @ z[:split] + self.weak @ z[split:]
        return steps - self.null @ (self.null.T @ steps)

    def dual(self, gradient: FloatArray) -> FloatArray:
        """Return ``T.T @ gradient``."""
        return np.concatenate((self.strong.T @ gradient, self.weak.T @ gradient))

    def congruence(self, hessian: SymmetricOperator) -> FloatArray:
        """Return ``T.T @ H @ T``; its weak part from rows, since T magnifies the rounding of a dense H."""
        p = self.strong.shape[1]
        reduced = np.empty((self.rank, self.rank))
        reduced[:p, :p] = _congruent(hessian.to_dense(), self.strong)
        if self.weak.shape[1]:
            reduced[p:, p:] = hessian.restricted(self.weak, self.weak_rows)
            reduced[:p, p:] = self.strong.T @ hessian.matmat(self.weak)
            reduced[p:, :p] = reduced[:p, p:].T
        return 0.5 * (reduced + reduced.T)

    def slopes(self, evaluation: PointEvaluation) -> FloatArray:
        """Return ``T.T @ gradient``; weak directions by their rows, which tell more than the gradient."""
        if self.weak.shape[1] == 0:
            return self.strong.T @ evaluation.gradient
        weak = evaluation.slopes(self.weak, self.weak_rows)[0]
        return np.concatenate((self.strong.T @ evaluation.gradient, weak))

    def slopes_rounding(self, evaluation: PointEvaluation) -> FloatArray:
        """Return how much of each entry of the slopes may be rounding."""
        if self.weak.shape[1] == 0:
            return np.abs(self.strong).T @ evaluation.gradient_rounding
        weak = evaluation.slopes(self.weak, self.weak_rows)[1]
        return np.concatenate((np.abs(self.strong).T @ evaluation.gradient_rounding, weak))


def _congruent(matrix: FloatArray, transform: FloatArray) -> FloatArray:
    """Return ``T.T @ M @ T``, a few columns at a time in threads."""
    edges = range(0, max(transform.shape[1], 1), _CHUNK)
    parts = map_blocks(lambda k: transform.T @ (matrix @ transform[:, k : k + _CHUNK]), edges)
    return np.concatenate(parts, axis=1)
