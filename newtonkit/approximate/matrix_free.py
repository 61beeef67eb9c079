"""The builder of models for very many columns: conjugate gradients under a diagonal preconditioner."""

from __future__ import annotations

import numpy as np

from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.approximate.low_rank import LowRankPreconditioner, heavy_rows
from newtonkit.approximate.sketched_builder import forcing
from newtonkit.approximate.truncated import Setting, TruncatedModel
from newtonkit.convergence import is_at_tolerance, relative_gradient
from newtonkit.objective import PointEvaluation
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import ShiftedForm, shifted_form


def diagonal_metric(problem: Problem, mass: float) -> DiagonalMetric:
    """Return diag(A^T A / n + ridge / mass) as the metric of steps."""
    n = problem.design.shape[0]
    return DiagonalMetric(np.sqrt(np.square(problem.design.column_norms) / n + problem.ridge / mass))


class MatrixFreeBuilder:
    """Makes a model of every point from products with the Hessian and its diagonal alone.

    The diagonal of A^T |D| A + diag(ridge) is taken anew at every point, for one sweep.  Nothing but
    vectors is kept beside the data.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    metric : DiagonalMetric
        The norm of steps.
    gtol : float
        Tolerance of the solve.
    mass : float
        Curvature mass of an ordinary point, against which the ridge counts in the length of steps.
    seed : int
        What random directions are keyed by.
    """

    def __init__(self, problem: Problem, metric: DiagonalMetric, gtol: float, mass: float, seed: int) -> None:
        self._problem = problem
        self._metric = metric
        self._gtol = gtol
        self._seed = seed
        self._ridge = problem.ridge / mass
        self._models = self.passes = self.factorisations = 0
        self._preconditioner: DiagonalPreconditioner | None = None

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        hessian, design = evaluation.hessian, self._problem.design
        self._preconditioner = None  # the last one goes before there is another beside it
        sizes = hessian.diagonal_sizes()
        self.passes += 1
        heavy = heavy_rows(design, hessian.row_diagonal)
        self._preconditioner = DiagonalPreconditioner(self._metric, sizes)
        self._note = f"{len(heavy)} heavy rows in the preconditioner" if len(heavy) else ""
        if len(heavy) and not np.isfinite(sizes).all():
            self._note = "the curvature is not finite: no heavy rows in the preconditioner"
        elif len(heavy):
            weights = np.abs(hessian.row_diagonal[heavy])
            self._preconditioner = LowRankPreconditioner(self._metric, sizes, design.rows(heavy), weights)

    def build(self, evaluation: PointEvaluation) -> TruncatedModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        assert isinstance(evaluation, Evaluation)
        assert self._preconditioner is not None
        self._models += 1
        setting = Setting(
            self._problem,
            self._metric,
            self._preconditioner,
            self._ridge,
            forcing(relative_gradient(evaluation), self._gtol),
            np.random.default_rng((self._seed, 0, self._models)),
        )
        model = TruncatedModel(setting, evaluation, _form(evaluation.hessian))
        model.note = self._note
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
