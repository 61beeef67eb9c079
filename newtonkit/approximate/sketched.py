"""The sketched curvature model: exact Hessian products, a sampled Hessian to precondition them.

Steps minimise the exact second-order model on a subspace that grows by preconditioned
residuals,

    z+ = (P + sigma I)^-1 ((H + sigma I) z + g),

where sigma is the multiplier of the trust region.  With sigma = 0 these are the conjugate
gradients of Steihaug and Toint; where the radius or negative curvature holds the step back
the subspace gives the minimiser within it all the same (Gould, Lucidi, Roma and Toint,
Solving the trust-region subproblem using the Lanczos method, 1999).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg

from newtonkit.approximate.preconditioner import Preconditioner
from newtonkit.approximate.subspace import Subspace
from newtonkit.curvature import Step
from newtonkit.design import FloatArray
from newtonkit.metric import Metric, size_of
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.shifting import ShiftedForm
from newtonkit.secular import DiagonalQuadratic
from newtonkit.spectral import SpectralModel, overflow_allowed

MOST_INNER = 60
_COMPLETED = 32
LEAST_CHECKS, MOST_CHECKS = 8, 40
CLEARLY_NEGATIVE = 1e-3
SETTLED = 0.3


class _SubspaceModel(SpectralModel):
    """The model on a subspace that holds the rows of its basis: steps cost no sweep.

    Parameters
    ----------
    space : Subspace
        Where steps are.
    problem, metric, evaluation
        See :class:`SpectralModel`.
    values : ndarray, shape (k,)
        Eigenvalues of the Hessian on the subspace, in increasing order.
    vectors : ndarray, shape (k, k)
        Their vectors, in the basis of the subspace.
    """

    def __init__(
        self,
        space: Subspace,
        problem: Problem,
        metric: Metric,
        evaluation: Evaluation,
        values: FloatArray,
        vectors: FloatArray,
    ) -> None:
        self._space = space
        super().__init__(problem, metric, evaluation, evaluation.hessian, values, space.basis @ vectors)

    def _row_steps(self, steps: FloatArray, z: FloatArray) -> FloatArray:
        rows = self._space.rows(steps, self._space.basis.T @ z)
        return super()._row_steps(steps, z) if rows is None else rows

    def _new_ladder(self, radius: float, top: float) -> list[Step]:
        if not self._space.has_images:
            return super()._new_ladder(radius, top)
        return self._rungs(np.array([top]))  # shorter ones cost no sweep either


class SketchedModel:
    """The second-order model at a point on a subspace, extended as far as a step needs it.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : Metric
        The norm of steps.
    evaluation : Evaluation
        The point.
    form : ShiftedForm, optional
        Its Hessian on shifted rows, where a product with it is one sweep.
    preconditioner : Preconditioner
        P.
    forcing : float
        Residuals are reduced by this factor in the norm of P^-1.
    rng : Generator
        Where the random start of the search for negative curvature comes from.
    most_inner : int, optional
        Limit on the dimension of the subspace for a step.
    proof : callable, optional
        Tells, for one sweep, whether the Hessian is known to be convex; asked before a search.
    """

    def __init__(
        self,
        problem: Problem,
        metric: Metric,
        evaluation: Evaluation,
        form: ShiftedForm | None,
        preconditioner: Preconditioner,
        forcing: float,
        rng: np.random.Generator,
        most_inner: int = MOST_INNER,
        proof: Callable[[], bool] | None = None,
    ) -> None:
        self._problem = problem
        self._metric = metric
        self._evaluation = evaluation
        self._preconditioner = preconditioner
        self._forcing = forcing
        self._most_inner = most_inner
        self._is_proven_convex = evaluation.hessian.is_positive if form is None else form.is_positive
        self._rng, self._proof = rng, proof
        with overflow_allowed():
            self._slopes = metric.slopes(evaluation)
        self._space = Subspace(metric, evaluation.hessian, form)
        self._is_searched = self._has_weak_directions = False
        self._spectral: SpectralModel | None = None
        self._spent = 0
        self._slopes_size = (-1.0, 0.0)  # for which multiplier, and the norm
        self._radii: tuple[float, float] = (np.inf, 0.0)  # those that the subspace serves
        self.step_iterations = 0
        self.rows_sampled = 0
        self.note = ""

    @property
    def passes(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._spent + self._space.passes + (self._spectral.passes if self._spectral else 0)

    @property
    def inner_iterations(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return self._space.size

    def _model(self) -> SpectralModel:
        """Return the model on the subspace as it is now."""
        if self._spectral is None or self._spectral.size != self._space.size:
            if self._spectral is not None:
                self._spent += self._spectral.passes
            values, vectors = scipy.linalg.eigh(self._space.reduced())
            self._spectral = _SubspaceModel(
                self._space, self._problem, self._metric, self._evaluation, values, vectors
            )
        return self._spectral

    def step(self, radius: float) -> Step:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        lowest, highest = self._radii
        if not lowest <= radius <= highest:
            before = self._space.size
            with overflow_allowed():
                self._extend(radius)
            self.step_iterations += self._space.size - before
            self._radii = min(radius, lowest) / 100.0, radius
        return self._model().step(radius)

    def _extend(self, radius: float) -> None:
        """Extend the subspace until it holds the minimiser of the whole model within `radius`."""
        space, preconditioner = self._space, self._preconditioner
        sigma = 0.0
        if space.size == 0:
            first, sigma = preconditioner.first(self._slopes, radius)
            space.add(first)
        for _ in range(self._most_inner):
            if space.is_complete or space.size == 0:
                return
            values, vectors = scipy.linalg.eigh(space.reduced())
            quadratic = DiagonalQuadratic(values, vectors.T @ (space.basis.T @ self._slopes), 0.0)
            inner = vectors @ quadratic.minimisers(np.array([radius]))[:, 0]
            sigma = quadratic.multiplier(radius)
            residual = self._slopes + space.products @ inner + sigma * (space.basis @ inner)
            fresh = preconditioner.solve(residual, sigma)
            if not np.sqrt(residual @ fresh) > self._forcing * self._size_of_slopes(sigma):
                return
            if not space.add(fresh):
                return

    def _size_of_slopes(self, sigma: float) -> float:
        """Return the norm of the slopes under (P + sigma I)^-1, for about that sigma."""
        known, size = self._slopes_size
        if not 0.5 * known <= sigma <= 2.0 * known:
            size = self._preconditioner.norm(self._slopes, sigma)
            self._slopes_size = sigma, size
        return size

    def take_in_weak_directions(self) -> None:
        """Extend the subspace by what has hardly any curvature in the sample.

        A point that may be an end needs it before its step is taken: a long way may be left
        in a direction that counts for next to nothing in the gradient.
        """
        if self._has_weak_directions:
            return
        self._has_weak_directions = True
        weak = self._preconditioner.weak_directions()
        if weak.shape[1] == 0:
            return
        self._radii = (np.inf, 0.0)  # steps are sought anew
        with overflow_allowed():
            if self._metric.rank <= _COMPLETED:
                self._space.complete()
            else:
                self._space.add(weak)

    def _search(self) -> None:
        """Look for negative curvature beyond the directions met so far."""
        if self._is_searched:
            return
        self._is_searched = True
        self.take_in_weak_directions()
        if self._is_proven_convex:
            return
        self._radii = (np.inf, 0.0)
        with overflow_allowed():
            if self._metric.rank <= _COMPLETED:
                self._space.complete()
            else:
                self._look_for_negative_curvature()

    def _look_for_negative_curvature(self) -> None:
        """Follow the least eigenvalue of H relative to P from a random start, until its sign is clear."""
        space, preconditioner = self._space, self._preconditioner
        space.add(preconditioner.spread(self._rng.standard_normal(self._metric.rank)))
        for checks in range(MOST_CHECKS):
            if space.is_complete:
                return
            positive = space.basis.T @ preconditioner.product(space.basis)
            values, vectors = scipy.linalg.eigh(
                space.reduced(), 0.5 * (positive + positive.T), subset_by_index=[0, 0]
            )
            least, inner = float(values[0]), vectors[:, 0]
            residual = space.products @ inner - least * preconditioner.product(space.basis @ inner)
            left = preconditioner.norm(residual, preconditioner.floor)
            if least < -CLEARLY_NEGATIVE:
                return
            if checks >= LEAST_CHECKS and left <= SETTLED * max(least, CLEARLY_NEGATIVE):
                return
            if not space.add(preconditioner.solve(residual, preconditioner.floor)):
                return

    @property
    def smallest_curvature(self) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`: the least met so far."""
        return self._model().smallest_curvature

    @property
    def is_convex(self) -> bool:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        if not self._is_proven_convex and self._proof is not None:
            self._is_proven_convex, self._proof = self._proof(), None
            self._spent += 1
        if self._is_proven_convex:
            return True
        self._search()
        return self._model().is_convex

    def flat_directions(self) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        self._search()
        return self._model().flat_directions()

    def dual_norm(self, gradient: FloatArray) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return size_of(self._metric.dual(gradient))
