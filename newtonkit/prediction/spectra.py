"""True spectral errors of sampled Hessians, and how often a promise on them is broken."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.linalg

from newtonkit.approximate import SampledBuilder
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.metric import Metric
from newtonkit.problems import Evaluation, Problem
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.rows import Groups
from newtonkit.problems.shifting import shifted_form
from newtonkit.sketching import sparsify

_GTOL = 1e-8


class SampleError(NamedTuple):
    """A sample: its true spectral error, and the share of the rows that it kept."""

    error: float
    share: float


class SolverSamples:
    """The samples from which ``method="sampled"`` makes its steps, at one point.

    Parameters
    ----------
    problem : Problem
        The problem.
    x : ndarray, shape (d,)
        The point; H is positive definite there.
    """

    def __init__(self, problem: Problem, x: FloatArray) -> None:
        self._problem = problem
        self._evaluation: Evaluation = problem.evaluate(x)
        self._metric: Metric = embedded_metric(problem, self._evaluation.curvature_mass, 0)[0]
        with one_blas_thread():
            self._true = self._metric.congruence(self._evaluation.hessian)

    def error(self, epsilon: float, seed: int) -> SampleError:
        """Return ||H^-1/2 H~ H^-1/2 - I|| for one sampled Hessian.

        Parameters
        ----------
        epsilon : float
            The error that is asked for.
        seed : int
            Of the sample.
        """
        with one_blas_thread():
            builder = SampledBuilder(self._problem, self._metric, _GTOL, epsilon, seed)
            builder.prepare(self._evaluation, math.nan)
            model = builder.build(self._evaluation)
            sampled = self._metric.congruence(model.stand_in)
            values = scipy.linalg.eigh(sampled, self._true, eigvals_only=True)
        return SampleError(float(np.abs(values - 1.0).max()), model.rows_sampled / len(self._evaluation.u))


class PromisedSamples:
    """Samples of :func:`newtonkit.sketching.sparsify`, with its promise, of the Hessian at one point.

    The Hessian is taken as B^T diag(D) B + R on shifted rows, where the sample stands for the
    first part (see :mod:`newtonkit.problems.shifting`).

    Parameters
    ----------
    problem : Problem
        The problem.
    x : ndarray, shape (d,)
        The point.
    """

    def __init__(self, problem: Problem, x: FloatArray) -> None:
        evaluation = problem.evaluate(x)
        self._form = shifted_form(evaluation.hessian)
        self._ridge = evaluation.hessian.ridge
        metric = embedded_metric(problem, evaluation.curvature_mass, 0)[0]
        with one_blas_thread():
            size = metric.congruence(self._hessian(np.abs(self._form.weights), self._ridge))
            factor = np.linalg.cholesky(size)
            # In the coordinates of its columns B^T |D| B + diag(ridge) is I.
            inverse = scipy.linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
            self._transform = metric.steps(inverse.T)
            self._true = self._gram(self._form.design.product(self._transform), self._form.weights)

    def error(self, epsilon: float, delta: float, seed: int) -> SampleError:
        """Return the spectral error of B^T (D~ - D) B relative to B^T |D| B + diag(ridge), for one draw."""
        with one_blas_thread():
            sample = sparsify(
                self._form.design, self._form.weights, epsilon, delta, rng=seed, ridge=self._ridge
            )
            rows = self._form.design.rows(sample.indices).product(self._transform)
            apart = self._gram(rows, sample.weights) - self._true
        return SampleError(float(np.linalg.norm(apart, 2)), sample.share)

    def _hessian(self, weights: FloatArray, ridge: FloatArray) -> StructuredHessian:
        design = self._form.design
        return StructuredHessian(design, Groups.single(len(weights)).blocks(design.blocks), weights, ridge)

    @staticmethod
    def _gram(rows: FloatArray, weights: FloatArray) -> FloatArray:
        return np.asarray(rows.T @ (weights[:, None] * rows))


def failure_interval(failures: int, draws: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson for a share of failures.

    Its ends are the shares with which so many failures or more, and so many or fewer, have
    probability (1 - confidence) / 2 (Biometrika 26, 1934); they are quantiles of beta laws.

    Parameters
    ----------
    failures, draws : int
        Failures among independent draws.
    confidence : float, default 0.95
        The probability, at least, with which it holds the true share.

    Examples
    --------
    >>> from newtonkit.prediction.spectra import failure_interval
    >>> low, high = failure_interval(0, 1000)
    >>> low, round(high, 5)
    (0.0, 0.00368)
    """
    from scipy.special import betaincinv  # noqa: PLC0415  (for the last table alone)

    tail = 0.5 * (1.0 - confidence)
    low = float(betaincinv(failures, draws - failures + 1, tail)) if failures else 0.0
    high = float(betaincinv(failures + 1, draws - failures, 1.0 - tail)) if failures < draws else 1.0
    return low, high
