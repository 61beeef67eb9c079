"""A likelihood at its minimum: information inverted, covariances put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.problem import Problem
from newtonkit.statistics.clusters import Clusters
from newtonkit.statistics.gram import CentredGram, ClusterGram
from newtonkit.statistics.inverse import Inverse
from newtonkit.statistics.likelihood import Likelihood, likelihood_at
from newtonkit.statistics.record import Inference, Kind

Information = Literal["expected", "observed"]

_MOST_DENSE = 15_000
_STILL = 1e-3  # standard errors that a Newton step from a minimum may still go


@dataclass(frozen=True)
class Fit:
    """What all covariances are made from.

    Attributes
    ----------
    evaluation : Evaluation
        The problem at x.
    likelihood : Likelihood
        Its likelihood there.
    information : {"expected", "observed"} or None
        Which information was asked for.
    classical, robust : Inverse
        The inverse of the information (with the penalties) for the classical covariance and for
        the other ones.
    degrees_of_freedom : float
        Coefficients that the data tells.
    dispersion : float
        Variance of the errors; 1 for choices.
    clusters : Clusters or None
        Clusters of rows.
    n_clusters : int or None
        Those with rows that count.
    """

    evaluation: Evaluation
    likelihood: Likelihood
    information: Information | None
    classical: Inverse
    robust: Inverse
    degrees_of_freedom: float
    dispersion: float
    clusters: Clusters | None
    n_clusters: int | None

    @classmethod
    def at(
        cls, problem: Problem, x: FloatArray, information: Information | None, clusters: Clusters | None
    ) -> Fit:
        """Return the fit at x, which has to be a minimum.

        Raises
        ------
        ValueError
            If x is none, or no degrees of freedom are left for the dispersion.
        """
        evaluation, likelihood = _evaluated(problem, x)
        n_clusters = None if clusters is None else clusters.count(likelihood.counted)
        observed = Inverse.of(CentredGram(problem, likelihood.observed, likelihood.shares, penalised=True))
        expected = observed
        if likelihood.expected is not likelihood.observed and information != "observed":
            expected = Inverse.of(
                CentredGram(problem, likelihood.expected, likelihood.shares, penalised=True)
            )
        degrees = float(expected.rank)
        if _is_penalised(problem):
            degrees = float(np.trace(expected.congruence(_data_information(expected))))
        dispersion = _dispersion(likelihood, degrees)
        if observed.decrement(evaluation) > _STILL * _STILL * dispersion:
            raise ValueError(
                "solution is no minimum: a Newton step from it would move it by more than "
                f"{_STILL:g} standard errors; minimise to a smaller gtol"
            )
        robust = expected if information == "expected" else observed
        return cls(
            evaluation, likelihood, information, expected, robust, degrees, dispersion, clusters, n_clusters
        )

    def covariances(self, small_sample: bool | None) -> dict[str, FloatArray]:
        """Return all covariances that there are, by kind."""
        problem, n = self.evaluation.problem, self.likelihood.n_observations
        residual_degrees = n - self.degrees_of_freedom
        classical = self.classical.around(
            self.classical.congruence(_data_information(self.classical)) if _is_penalised(problem) else None
        )
        found = {"classical": self.dispersion * classical}
        squares = CentredGram(problem, self.likelihood.products, self.likelihood.shares)
        factor = _quotient(n, residual_degrees) if small_sample else 1.0
        found["sandwich"] = factor * self.robust.around(self.robust.congruence(squares))
        if self.clusters is not None and self.n_clusters is not None:
            sums = ClusterGram(
                problem.design, self.likelihood.scores, self.clusters.runs, self.clusters.order
            )
            factor = self.n_clusters / (self.n_clusters - 1) * _quotient(n - 1, residual_degrees)
            factor = 1.0 if small_sample is False else factor
            found["clustered"] = factor * self.robust.around(self.robust.congruence(sums))
        return found

    def inference(self, kind: Kind, names: tuple[str, ...], small_sample: bool | None) -> Inference:
        """Return what is shown of it."""
        likelihood, problem = self.likelihood, self.evaluation.problem
        squares, n = likelihood.squares, likelihood.n_observations
        usual: Information = "expected" if kind == "classical" else "observed"
        return Inference(
            problem=repr(problem),
            names=names,
            estimates=self.evaluation.x.copy(),
            kind=kind,
            information=f"{self.information or usual} information",
            n_observations=n,
            n_clusters=self.n_clusters,
            degrees_of_freedom=self.degrees_of_freedom,
            dispersion=self.dispersion,
            log_likelihood=likelihood.value(self.dispersion),
            maximised_log_likelihood=likelihood.value(1.0 if squares is None else squares / n),
            penalised=_is_penalised(problem),
            _covariances=self.covariances(small_sample),
        )


def _evaluated(problem: Problem, x: FloatArray) -> tuple[Evaluation, Likelihood]:
    if problem.n_parameters > _MOST_DENSE:
        raise ValueError(
            f"problem has {problem.n_parameters} coefficients, and their covariance is a dense matrix; "
            f"it is meant for up to {_MOST_DENSE}"
        )
    evaluation = problem.evaluate(x)
    if not np.isfinite(evaluation.value) or not evaluation.has_derivatives:
        raise ValueError("solution is no minimum: the problem has no finite value and gradient there")
    likelihood = likelihood_at(evaluation)
    if not np.isfinite(likelihood.products.sum() + likelihood.observed.sum()):
        raise ValueError("solution is no minimum: second derivatives overflow there")
    return evaluation, likelihood


def _is_penalised(problem: Problem) -> bool:
    return problem.row_penalty is not None or bool(problem.ridge.any())


def _data_information(inverse: Inverse) -> CentredGram:
    """Return the matrix that was inverted, without the penalties."""
    matrix = inverse.matrix
    return CentredGram(matrix.problem, matrix.weights, matrix.shares)


def _dispersion(likelihood: Likelihood, degrees: float) -> float:
    if likelihood.squares is None:
        return 1.0
    left = likelihood.n_observations - degrees
    if left <= 1e-8:  # a sum of multiplicities and a trace, with their rounding
        raise ValueError(
            f"problem has {likelihood.n_observations:g} observations for {degrees:g} degrees of freedom: "
            "none are left to estimate the variance of the errors"
        )
    return likelihood.squares / left


def _quotient(top: float, bottom: float) -> float:
    """Return top / bottom; there is no correction for a sample smaller than its coefficients."""
    return top / bottom if bottom > 0.0 else float("nan")
