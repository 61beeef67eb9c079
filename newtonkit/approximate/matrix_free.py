"""The builder of models for very many columns: conjugate gradients under a diagonal preconditioner."""

from __future__ import annotations

import numpy as np

from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.approximate.sketched import MOST_INNER, SketchedModel
from newtonkit.approximate.sketched_builder import forcing
from newtonkit.convergence import is_at_tolerance, relative_gradient
from newtonkit.objective import PointEvaluation
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import ShiftedForm, shifted_form

_LEAST_INNER = 16
_BYTES_AN_ENTRY = 12
_SHARE = 0.25  # of the data that a basis and its products may take


def diagonal_metric(problem: Problem, mass: float) -> DiagonalMetric:
    """Return diag(A^T A / n + ridge / mass) as the metric of steps."""
    n = problem.design.shape[0]
    return DiagonalMetric(np.sqrt(np.square(problem.design.column_norms) / n + problem.ridge / mass))


class MatrixFreeBuilder:
    """Makes a model of every point from products with the Hessian and its diagonal alone.

    The diagonal of A^T |D| A + diag(ridge) is taken anew at every point, for one sweep.  What is
    kept beside the data are vectors and the basis of the subspace of a step, for which there is
    a limit.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : DiagonalMetric
        The norm of steps.
    gtol : float
        Tolerance of the solve.
    seed : int
        What random directions are keyed by.
    """

    def __init__(self, problem: Problem, metric: DiagonalMetric, gtol: float, seed: int) -> None:
        self._problem = problem
        self._metric = metric
        self._gtol = gtol
        self._seed = seed
        self._models = self.passes = self.factorisations = 0
        room = _SHARE * _BYTES_AN_ENTRY * problem.design.n_entries / (16.0 * problem.design.shape[1])
        self._most_inner = int(min(max(room, _LEAST_INNER), MOST_INNER))

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        self._preconditioner = DiagonalPreconditioner(self._metric, evaluation.hessian.diagonal_sizes())
        self.passes += 1

    def build(self, evaluation: PointEvaluation) -> SketchedModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        self._models += 1
        model = SketchedModel(
            self._problem,
            self._metric,
            evaluation,
            _form(evaluation.hessian),
            self._preconditioner,
            forcing(relative_gradient(evaluation), self._gtol),
            np.random.default_rng((self._seed, 0, self._models)),
            self._most_inner,
        )
        if is_at_tolerance(evaluation, self._gtol):
            model.take_in_weak_directions()
        return model

    def strengthen(self) -> bool:
        """See :class:`newtonkit.curvature.ModelBuilder`: there is nothing better."""
        return False


def _form(hessian: StructuredHessian) -> ShiftedForm | None:
    """Return the Hessian on shifted rows where that needs no more than vectors, else None."""
    if hessian.low_rank is None or (hessian.is_centring and hessian.centre is not None):
        return shifted_form(hessian)
    return None
