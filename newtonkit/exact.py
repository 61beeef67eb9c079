"""The exact curvature model: the full Hessian, diagonalised in the metric of the trust region.

With s = T z the model is g~ . z + 1/2 z . H~ z, H~ = T^T H T = V diag(lambda) V^T, so that
the minimiser within any radius costs O(d^2): (lambda_i + sigma) c_i = -gamma_i, with sigma
the root of the secular equation ||c(sigma)|| = radius (Conn, Gould and Toint, Trust-Region
Methods, 2000, section 7.3).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.linalg

from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.metric import Metric
from newtonkit.objective import Objective, PointEvaluation

_RUNGS = 4
_SHRINK = 0.25
_MOST_REFINED = 64
_DOUBT = 1e-7


class ExactModel:
    """The second-order Taylor model at a point.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    evaluation : PointEvaluation
        The point.
    metric : Metric
        The norm of steps.
    """

    def __init__(self, objective: Objective, evaluation: PointEvaluation, metric: Metric) -> None:
        self._objective = objective
        self._evaluation = evaluation
        self._metric = metric
        self.curvatures, self._vectors = scipy.linalg.eigh(self._reduced_hessian())
        self._refine_doubtful()
        self._slopes = self._reduced_gradient()
        self._ladder: list[Step] = []
        self.rows_sampled = len(evaluation.u)

    def _reduced_hessian(self) -> FloatArray:
        """Return T^T H T; its weak part from rows, since T magnifies the rounding of a dense H."""
        hessian, strong, weak = self._evaluation.hessian, self._metric.strong, self._metric.weak
        p = strong.shape[1]
        reduced = np.empty((self._metric.rank,) * 2)
        reduced[:p, :p] = strong.T @ hessian.to_dense() @ strong
        if weak.shape[1]:
            reduced[p:, p:] = hessian.restricted(weak, self._metric.weak_rows)
            reduced[:p, p:] = strong.T @ hessian.matmat(weak)
            reduced[p:, :p] = reduced[:p, p:].T
        return 0.5 * (reduced + reduced.T)

    def _refine_doubtful(self) -> None:
        """Compute small eigenvalues again, as sums over rows, where rounding may have made them."""
        largest = float(np.abs(self.curvatures).max(initial=0.0))
        doubtful = np.flatnonzero(np.abs(self.curvatures) <= _DOUBT * largest)[:_MOST_REFINED]
        if len(doubtful) == 0 or largest == 0.0:
            return
        directions = self._metric.steps(self._vectors[:, doubtful])
        rows = self._objective.row_steps(directions)
        values, turn = scipy.linalg.eigh(self._evaluation.hessian.restricted(directions, rows))
        self._vectors[:, doubtful] = self._vectors[:, doubtful] @ turn
        self.curvatures[doubtful] = values
        order = np.argsort(self.curvatures, kind="stable")
        self.curvatures, self._vectors = self.curvatures[order], self._vectors[:, order]

    def _reduced_gradient(self) -> FloatArray:
        """Return the gradient in the eigenbasis, with 0 for what is rounding alone."""
        evaluation, metric = self._evaluation, self._metric
        weak, weak_rounding = evaluation.slopes(metric.weak, metric.weak_rows)
        strong = metric.strong.T @ evaluation.gradient
        strong_rounding = np.abs(metric.strong).T @ evaluation.gradient_rounding
        slopes = self._vectors.T @ np.concatenate((strong, weak))
        rounding = np.abs(self._vectors).T @ np.concatenate((strong_rounding, weak_rounding))
        flat = np.abs(self.curvatures) <= self._noise
        return np.where(flat & (np.abs(slopes) <= 8.0 * rounding), 0.0, slopes)

    @cached_property
    def _noise(self) -> float:
        """Size of an eigenvalue that rounding alone can make."""
        return 1e-12 * float(np.abs(self.curvatures).max(initial=0.0))

    @cached_property
    def _slope(self) -> float:
        return float(np.linalg.norm(self._slopes))

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`CurvatureModel`."""
        return float(np.linalg.norm(self._metric.dual(gradient)))

    @property
    def smallest_curvature(self) -> float:
        """See :class:`CurvatureModel`."""
        return float(self.curvatures[0]) if len(self.curvatures) else 0.0

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`CurvatureModel`."""
        flat = np.flatnonzero(np.abs(self.curvatures) <= self._noise)[:_MOST_REFINED]
        steps = self._metric.steps(self._vectors[:, flat])
        return steps, self._objective.row_steps(steps)

    @property
    def is_convex(self) -> bool:
        """See :class:`CurvatureModel`."""
        return self.smallest_curvature >= -1e3 * self._noise

    def step(self, radius: float) -> Step:
        """See :class:`CurvatureModel`."""
        for rung in self._ladder:
            if abs(rung.norm - radius) <= 1e-6 * radius:
                return rung
        first = self._coordinates(radius)
        top = float(np.linalg.norm(first[0]))
        coordinates = [first, *(self._coordinates(_SHRINK**k * top) for k in range(1, _RUNGS))]
        reduced = np.stack([c for c, _ in coordinates], axis=1)
        steps = self._metric.steps(self._vectors @ reduced)
        rows = self._objective.row_steps(steps)
        self._ladder = [
            Step(
                s=np.ascontiguousarray(steps[:, k]),
                a_s=np.ascontiguousarray(rows[:, k]),
                predicted=-float(np.dot(self._slopes, c) + 0.5 * np.dot(self.curvatures * c, c)),
                norm=float(np.linalg.norm(c)),
                on_boundary=held,
                negative_curvature=self.smallest_curvature < -self._noise,
            )
            for k, (c, held) in enumerate(coordinates)
        ]
        return self._ladder[0]

    def _coordinates(self, radius: float) -> tuple[FloatArray, bool]:
        """Return the minimiser within `radius` in the eigenbasis, and whether the radius held it."""
        newton = self._newton_coordinates()
        if newton is not None and float(np.linalg.norm(newton)) <= radius:
            return newton, False
        return self._boundary_coordinates(radius), True

    def _newton_coordinates(self) -> FloatArray | None:
        """Return the minimiser of the model if it has one; directions of pure noise are left alone."""
        noise = self._noise
        if self.smallest_curvature < -noise:
            return None
        curved = self.curvatures > noise
        if self._slopes[~curved].any():
            return None
        return np.where(curved, -self._slopes / np.where(curved, self.curvatures, 1.0), 0.0)

    def _boundary_coordinates(self, radius: float) -> FloatArray:
        lowest = self.smallest_curvature
        least = max(0.0, -lowest)
        flat = self.curvatures - lowest <= 1e-14 * max(abs(lowest), self._noise)
        if lowest <= 0.0 and (np.abs(self._slopes[flat]) <= 1e-14 * self._slope).all():
            # The hard case: beyond the pseudo-inverse step, go along the lowest curvature.
            shift = np.where(flat, 1.0, self.curvatures + least)
            c = np.where(flat, 0.0, -self._slopes / np.where(shift > 0.0, shift, 1.0))
            length = float(np.linalg.norm(c))
            if length < radius:
                first = int(np.flatnonzero(flat)[0])
                sign = -1.0 if self._slopes[first] > 0.0 else 1.0
                c[first] = sign * np.sqrt((radius - length) * (radius + length))
                return c
        return -self._slopes / (self.curvatures + self._multiplier(radius, least))

    def _multiplier(self, radius: float, least: float) -> float:
        """Solve ||c(sigma)|| = radius for sigma > least: Newton on 1 / ||c||, kept in a bracket."""
        slope = self._slope
        low, high = least, max(least, slope / radius - self.smallest_curvature)
        high += 1e-15 * (abs(high) + slope / radius)
        sigma = high
        for _ in range(100):
            shifted = self.curvatures + sigma
            c = self._slopes / shifted
            length = float(np.linalg.norm(c))
            if abs(length - radius) <= 1e-10 * radius:
                break
            low, high = (sigma, high) if length > radius else (low, sigma)
            bend = float(np.dot(c, c / shifted))
            sigma += (length - radius) / radius * length * length / bend
            if not low < sigma < high:
                sigma = max(0.5 * (low + high), np.sqrt(max(low, 0.0) * high))
        return sigma
