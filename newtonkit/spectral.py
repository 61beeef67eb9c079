"""A curvature model diagonalised in the metric of the trust region, whole or in a subspace.

With s = T z the model is g~ . z + 1/2 z . H~ z, and its Hessian on the span of orthonormal
columns V is diag(lambda): the minimiser within any radius costs O(d k), see
:mod:`newtonkit.secular`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.linalg

from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.metric import Coordinates, size_of
from newtonkit.objective import Function, PointEvaluation, SymmetricOperator
from newtonkit.secular import DiagonalQuadratic

_RUNGS = 4
_SHRINK = 0.25
_MOST_REFINED = 64
_DOUBT = 1e-7
_CANCELLED = 1e-13
_QUADRATIC_REGION = 0.05
_EPS = float(np.finfo(float).eps)


class SpectralModel:
    """A second-order model at a point, in coordinates in which it is diagonal.

    Parameters
    ----------
    objective : Function
        What is minimised.
    metric : Coordinates
        The norm of steps.
    evaluation : PointEvaluation
        The point.
    hessian : SymmetricOperator
        The curvature of the model.
    curvatures : ndarray, shape (k,)
        Eigenvalues of the Hessian in the metric, in increasing order.
    vectors : ndarray, shape (rank, k)
        Their vectors, orthonormal; less than `rank` of them confine steps to a subspace.
    """

    def __init__(
        self,
        objective: Function,
        metric: Coordinates,
        evaluation: PointEvaluation,
        hessian: SymmetricOperator,
        curvatures: FloatArray,
        vectors: FloatArray,
    ) -> None:
        self._objective = objective
        self._evaluation = evaluation
        self._metric = metric
        self._hessian = hessian
        self.curvatures, self._vectors = curvatures, vectors
        self.passes = 0
        with overflow_allowed():
            self._refine_doubtful()
            slopes = self._reduced_gradient()
        self._quadratic = DiagonalQuadratic(self.curvatures, slopes, self._noise)
        self._ladder: list[Step] = []
        self.rows_sampled = len(evaluation.u)
        self.inner_iterations = 0
        self.note = ""

    def _refine_doubtful(self) -> None:
        """Compute small eigenvalues again, as sums over rows, where rounding may have made them.

        Where D and the low-rank part cancel, as for a p on one row, what is left of the sum is
        rounding, however large it is beside the other eigenvalues: it becomes 0.
        """
        largest = float(np.abs(self.curvatures).max(initial=0.0))
        doubt = max(_DOUBT * largest, _CANCELLED * self._evaluation.curvature_mass)
        doubtful = np.flatnonzero(np.abs(self.curvatures) <= doubt)
        # What is computed again is either 0 or true; the rest, if there is too much of it, is not.
        self._noise = 1e-12 * largest if len(doubtful) > _MOST_REFINED else 0.0
        doubtful = doubtful[:_MOST_REFINED]
        if len(doubtful) == 0 or largest == 0.0:
            return
        directions = self._metric.steps(self._vectors[:, doubtful])
        rows = self._row_steps(directions, self._vectors[:, doubtful])
        values, turn = scipy.linalg.eigh(self._hessian.restricted(directions, rows))
        # The directions are rounded too, and so hold a little of those with curvature.
        rounding = 32.0 * _EPS * self._hessian.sizes(directions @ turn, rows @ turn)
        rounding += (32.0 * _EPS) ** 2 * largest
        self._vectors[:, doubtful] = self._vectors[:, doubtful] @ turn
        self.curvatures[doubtful] = np.where(np.abs(values) <= rounding, 0.0, values)
        order = np.argsort(self.curvatures, kind="stable")
        self.curvatures, self._vectors = self.curvatures[order], self._vectors[:, order]

    def _reduced_gradient(self) -> FloatArray:
        """Return the gradient in the eigenbasis, with 0 for what is rounding alone."""
        slopes: FloatArray = self._vectors.T @ self._metric.slopes(self._evaluation)
        flat = np.abs(self.curvatures) <= self._noise
        if not flat.any():
            return slopes
        rounding = np.abs(self._vectors).T @ self._metric.slopes_rounding(self._evaluation)
        return np.where(flat & (np.abs(slopes) <= 8.0 * rounding), 0.0, slopes)

    @property
    def size(self) -> int:
        """The number of directions in the model."""
        return len(self.curvatures)

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`CurvatureModel`."""
        return size_of(self._metric.dual(gradient))

    def inverse_norm(self, gradient: FloatArray) -> float:
        """Return the norm of a gradient (d,) under the inverse of the Hessian without its signs."""
        parts = self._vectors.T @ self._metric.dual(gradient)
        sizes = np.maximum(np.abs(self.curvatures), _EPS * float(np.abs(self.curvatures).max(initial=0.0)))
        return size_of(np.divide(parts, np.sqrt(sizes), out=np.zeros_like(parts), where=sizes > 0.0))

    @property
    def smallest_curvature(self) -> float:
        """See :class:`CurvatureModel`."""
        return float(self.curvatures[0]) if len(self.curvatures) else 0.0

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`CurvatureModel`."""
        flat = np.flatnonzero(np.abs(self.curvatures) <= self._noise)[:_MOST_REFINED]
        steps = self._metric.steps(self._vectors[:, flat])
        return steps, self._row_steps(steps, self._vectors[:, flat])

    @property
    def is_convex(self) -> bool:
        """See :class:`CurvatureModel`."""
        return self.smallest_curvature >= -self._noise

    def step(self, radius: float) -> Step:
        """See :class:`CurvatureModel`."""
        with overflow_allowed():
            return self._step(radius)

    def _step(self, radius: float) -> Step:
        top = min(radius, self._quadratic.newton_length)
        for rung in self._ladder:
            if abs(rung.norm - top) <= 1e-6 * top:
                return rung
        self._ladder = self._new_ladder(radius, top)
        return self._ladder[0]

    def _new_ladder(self, radius: float, top: float) -> list[Step]:
        """Return the step of length `top`, the minimiser within `radius`, and shorter ones for no more."""
        shares = np.array([_SHRINK**k for k in range(_RUNGS)])
        if top < radius and top <= _QUADRATIC_REGION:
            return self._shortened(shares)
        return self._rungs(top * shares)

    def _rungs(self, radii: FloatArray) -> list[Step]:
        """Return the minimisers of the model within each radius; one block product for all."""
        reduced = self._quadratic.minimisers(radii)
        predicted = self._quadratic.decreases(reduced)
        steps, rows = self._steps(reduced)
        return [
            Step(
                s=np.ascontiguousarray(steps[:, k]),
                a_s=np.ascontiguousarray(rows[:, k]),
                predicted=float(predicted[k]),
                norm=float(radius),
                on_boundary=bool(radius < self._quadratic.newton_length),
                negative_curvature=self.smallest_curvature < -self._noise,
            )
            for k, radius in enumerate(radii)
        ]

    def _shortened(self, shares: FloatArray) -> list[Step]:
        """Return the minimiser of the model and steps along it.

        So near to the minimum the first is hardly ever rejected: the others need not be the
        best of their length, and so cost no product.
        """
        top = self._rungs(np.array([self._quadratic.newton_length]))[0]
        return [
            replace(
                top,
                s=share * top.s,
                a_s=share * top.a_s,
                predicted=share * (2.0 - share) * top.predicted,
                norm=share * top.norm,
                on_boundary=share < 1.0,
            )
            for share in shares.tolist()
        ]

    def _row_steps(self, steps: FloatArray, z: FloatArray) -> FloatArray:
        """Return A S for steps S with coordinates z, counted."""
        self.passes += 1 if steps.size else 0
        return self._objective.row_steps(steps)

    def _steps(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the steps with coordinates `reduced` in the eigenbasis, and their rows."""
        z = self._vectors @ reduced
        steps = self._metric.steps(z)
        return steps, self._row_steps(steps, z)


def overflow_allowed() -> np.errstate:
    """Let bounds on rounding, and steps that lead nowhere, leave the range of floats."""
    return np.errstate(over="ignore", invalid="ignore")
