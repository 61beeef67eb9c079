"""The exact curvature model: the full Hessian, diagonalised in the metric of the trust region.

With s = T z the model is g~ . z + 1/2 z . H~ z, H~ = T^T H T = V diag(lambda) V^T, so that
the minimiser within any radius costs O(d^2): (lambda_i + sigma) c_i = -gamma_i, with sigma
the root of the secular equation ||c(sigma)|| = radius (Conn, Gould and Toint, Trust-Region
Methods, 2000, section 7.3).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
import scipy.linalg

from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.metric import Coordinates, size_of
from newtonkit.objective import Function, PointEvaluation

_RUNGS = 4
_SHRINK = 0.25
_MOST_REFINED = 64
_DOUBT = 1e-7
_CANCELLED = 1e-13
_MOST_SECULAR = 100
_QUADRATIC_REGION = 0.05
_EPS = float(np.finfo(float).eps)


class ExactModel:
    """The second-order Taylor model at a point.

    Parameters
    ----------
    objective : Function
        What is minimised.
    metric : Coordinates
        The norm of steps.
    evaluation : PointEvaluation
        The point.
    """

    def __init__(self, objective: Function, metric: Coordinates, evaluation: PointEvaluation) -> None:
        self._objective = objective
        self._evaluation = evaluation
        self._metric = metric
        self.curvatures, self._vectors = scipy.linalg.eigh(metric.congruence(evaluation.hessian))
        with _overflow_allowed():
            self._refine_doubtful()
            self._slopes = self._reduced_gradient()
        self._ladder: list[Step] = []
        self.rows_sampled = len(evaluation.u)

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
        rows = self._objective.row_steps(directions)
        hessian = self._evaluation.hessian
        values, turn = scipy.linalg.eigh(hessian.restricted(directions, rows))
        rounding = 32.0 * _EPS * hessian.sizes(directions @ turn, rows @ turn)
        self._vectors[:, doubtful] = self._vectors[:, doubtful] @ turn
        self.curvatures[doubtful] = np.where(np.abs(values) <= rounding, 0.0, values)
        order = np.argsort(self.curvatures, kind="stable")
        self.curvatures, self._vectors = self.curvatures[order], self._vectors[:, order]

    def _reduced_gradient(self) -> FloatArray:
        """Return the gradient in the eigenbasis, with 0 for what is rounding alone."""
        slopes, rounding = self._metric.slopes(self._evaluation)
        slopes, rounding = self._vectors.T @ slopes, np.abs(self._vectors).T @ rounding
        flat = np.abs(self.curvatures) <= self._noise
        return np.where(flat & (np.abs(slopes) <= 8.0 * rounding), 0.0, slopes)

    @cached_property
    def _slope(self) -> float:
        return size_of(self._slopes)

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`CurvatureModel`."""
        return size_of(self._metric.dual(gradient))

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
        return self.smallest_curvature >= -self._noise

    def step(self, radius: float) -> Step:
        """See :class:`CurvatureModel`."""
        with _overflow_allowed():
            return self._step(radius)

    def _step(self, radius: float) -> Step:
        for rung in self._ladder:
            if abs(rung.norm - radius) <= 1e-6 * radius:
                return rung
        top = min(radius, self._newton_length)
        shares = np.array([_SHRINK**k for k in range(_RUNGS)])
        if top < radius and top <= _QUADRATIC_REGION:
            self._ladder = self._shortened(shares)
        else:
            self._ladder = self._rungs(top * shares)
        return self._ladder[0]

    def _rungs(self, radii: FloatArray) -> list[Step]:
        """Return the minimisers of the model within each radius; one block product for all."""
        reduced = self._minimisers(radii)
        predicted = -(self._slopes @ reduced) - 0.5 * (self.curvatures @ (reduced * reduced))
        steps, rows = self._steps(reduced)
        return [
            Step(
                s=np.ascontiguousarray(steps[:, k]),
                a_s=np.ascontiguousarray(rows[:, k]),
                predicted=float(predicted[k]),
                norm=float(radius),
                on_boundary=bool(radius < self._newton_length),
                negative_curvature=self.smallest_curvature < -self._noise,
            )
            for k, radius in enumerate(radii)
        ]

    def _shortened(self, shares: FloatArray) -> list[Step]:
        """Return the minimiser of the model and steps along it.

        So near to the minimum the first is hardly ever rejected: the others need not be the
        best of their length, and so cost no product.
        """
        top = self._rungs(np.array([self._newton_length]))[0]
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

    def _steps(self, reduced: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the steps with coordinates `reduced` in the eigenbasis, and their rows."""
        steps = self._metric.steps(self._vectors @ reduced)
        return steps, self._objective.row_steps(steps)

    @cached_property
    def _newton(self) -> FloatArray | None:
        """The minimiser of the model if it has one; directions of pure noise are left alone."""
        noise = self._noise
        if self.smallest_curvature < -noise:
            return None
        curved = self.curvatures > noise
        if self._slopes[~curved].any():
            return None
        return np.where(curved, -self._slopes / np.where(curved, self.curvatures, 1.0), 0.0)

    @cached_property
    def _newton_length(self) -> float:
        return np.inf if self._newton is None else float(np.linalg.norm(self._newton))

    def _minimisers(self, radii: FloatArray) -> FloatArray:
        """Return the minimisers within each radius in the eigenbasis, shape (rank, radii)."""
        lowest = self.smallest_curvature
        inner, length = self._newton, self._newton_length
        if inner is None and lowest <= 0.0:
            inner, length = self._hard_case()
        reduced = np.empty((len(self._slopes), len(radii)))
        held = radii < length
        if held.any():
            shifted = (self.curvatures - lowest)[:, None] + self._multipliers(radii[held])
            slopes = np.broadcast_to(-self._slopes[:, None], shifted.shape)
            reduced[:, held] = np.divide(slopes, shifted, out=np.zeros(shifted.shape), where=shifted > 0.0)
        if inner is not None and not held.all():
            reduced[:, ~held] = inner[:, None]
            if self._newton is None:
                beyond = np.sqrt((radii[~held] - length) * (radii[~held] + length))
                reduced[0, ~held] = np.where(self._slopes[0] > 0.0, -beyond, beyond)
        return reduced

    def _hard_case(self) -> tuple[FloatArray | None, float]:
        """Return the shortest stationary point of the model and its length, in the hard case.

        The gradient then has no part along the lowest curvature, and within any radius
        beyond that length the minimiser goes on along it.
        """
        lowest = self.smallest_curvature
        flat = self.curvatures - lowest <= 1e-14 * max(abs(lowest), self._noise)
        if (np.abs(self._slopes[flat]) > 1e-14 * self._slope).any():
            return None, np.inf
        shift = np.where(flat, 1.0, self.curvatures - lowest)
        inner = np.where(flat, 0.0, -self._slopes / shift)
        return inner, float(np.linalg.norm(inner))

    def _multipliers(self, radii: FloatArray) -> FloatArray:
        """Return tau = lambda_1 + sigma for each radius: Newton on 1 / ||c||, kept in a bracket.

        With tau in place of sigma, lambda_i + sigma = (lambda_i - lambda_1) + tau keeps its
        digits however close sigma is to -lambda_1.  Every single |c_i| is at most the length
        of c, which bounds tau from below; from that side Newton's iteration is monotone.
        """
        gaps = (self.curvatures - self.smallest_curvature)[:, None]
        low = np.maximum((np.abs(self._slopes[:, None]) / radii - gaps).max(axis=0), 0.0)
        low = np.maximum(low, self.smallest_curvature)
        high = np.maximum(low, self._slope / radii) * (1.0 + 1e-12)
        tau: FloatArray = np.where(low > 0.0, low, high)
        with np.errstate(all="ignore"):  # squares may leave the range of floats: then bisect
            for _ in range(_MOST_SECULAR):
                shifted = gaps + tau
                c = self._slopes[:, None] / shifted
                squares = np.add.reduce(c * c, axis=0)
                length = np.sqrt(squares)
                if (np.abs(length - radii) <= 1e-10 * radii).all():
                    break
                too_low = ~(length <= radii)
                low, high = np.where(too_low, tau, low), np.where(too_low, high, tau)
                newton = tau + (length / radii - 1.0) * squares / np.add.reduce(c * c / shifted, axis=0)
                middle = np.maximum(0.5 * (low + high), np.sqrt(low * high))
                tau = np.asarray(np.where((low <= newton) & (newton <= high), newton, middle))
        return tau


def _overflow_allowed() -> np.errstate:
    """Let bounds on rounding, and steps that lead nowhere, leave the range of floats."""
    return np.errstate(over="ignore", invalid="ignore")
