"""The exact curvature model: the full Hessian, diagonalised in the metric of the trust region."""

from __future__ import annotations

import scipy.linalg

from newtonkit.metric import Coordinates
from newtonkit.objective import Function, PointEvaluation, SymmetricOperator
from newtonkit.spectral import SpectralModel


class ExactModel(SpectralModel):
    """The second-order Taylor model at a point: H~ = T^T H T = V diag(lambda) V^T.

    Parameters
    ----------
    objective : Function
        What is minimised.
    metric : Coordinates
        The norm of steps.
    evaluation : PointEvaluation
        The point.
    hessian : SymmetricOperator, optional
        The curvature of the model; by default the Hessian at the point.
    """

    def __init__(
        self,
        objective: Function,
        metric: Coordinates,
        evaluation: PointEvaluation,
        hessian: SymmetricOperator | None = None,
    ) -> None:
        hessian = evaluation.hessian if hessian is None else hessian
        curvatures, vectors = scipy.linalg.eigh(metric.congruence(hessian))
        super().__init__(objective, metric, evaluation, hessian, curvatures, vectors)


class ExactBuilder:
    """Makes the exact model of every point.

    Parameters
    ----------
    objective : Function
        What is minimised.
    metric : Coordinates
        The norm of steps.
    """

    def __init__(self, objective: Function, metric: Coordinates) -> None:
        self._objective = objective
        self._metric = metric
        self.passes = self.factorisations = 0

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        evaluation.hessian.form()
        self.passes += 1

    def build(self, evaluation: PointEvaluation) -> ExactModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        self.factorisations += 1
        return ExactModel(self._objective, self._metric, evaluation)

    def strengthen(self) -> bool:
        """See :class:`newtonkit.curvature.ModelBuilder`: there is nothing better."""
        return False
