"""Curvature models of a smooth function: by eigenvectors, or by Cholesky factors of a band."""

from __future__ import annotations

from newtonkit.curvature import CurvatureModel
from newtonkit.design import one_blas_thread
from newtonkit.exact import ExactModel
from newtonkit.metric import Euclidean
from newtonkit.objective import PointEvaluation
from newtonkit.smooth.banded import BandedModel
from newtonkit.smooth.function import SmoothFunction
from newtonkit.smooth.hessians import BandedHessian


class SmoothBuilder:
    """Makes the exact model of every point, in the kind that fits its Hessian.

    Parameters
    ----------
    function : SmoothFunction
        What is minimised.
    """

    passes = 0  # there are no data to sweep over

    def __init__(self, function: SmoothFunction) -> None:
        self._function = function
        self.factorisations = 0

    def prepare(self, evaluation: PointEvaluation, ratio: float) -> None:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        evaluation.hessian.form()

    def build(self, evaluation: PointEvaluation) -> CurvatureModel:
        """See :class:`newtonkit.curvature.ModelBuilder`."""
        hessian = evaluation.hessian
        self.factorisations += 1
        if isinstance(hessian, BandedHessian):
            return BandedModel(hessian, evaluation)
        with one_blas_thread():  # for as long as our own work lasts, not the user's
            return ExactModel(self._function, Euclidean(len(evaluation.x)), evaluation)

    def strengthen(self) -> bool:
        """See :class:`newtonkit.curvature.ModelBuilder`: there is nothing better."""
        return False
