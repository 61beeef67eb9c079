"""The log-likelihood behind a loss, and what its derivatives say row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import FloatArray
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.grouped import GroupedOuter
from newtonkit.problems.outer import quiet
from newtonkit.problems.problem import Problem
from newtonkit.problems.rowwise import ElementwiseSquares

_EXACT = 1e-12


@dataclass(frozen=True)
class Likelihood:
    """Row derivatives of minus the log-likelihood, times the dispersion, without penalties.

    Attributes
    ----------
    n_observations : float
        Sum of the multiplicities of rows, or of choices.
    counted : ndarray of bool, shape (n,)
        Which rows count at all.
    scores : ndarray, shape (n,)
        First derivatives, multiplicities included.
    expected, observed : ndarray, shape (n,)
        Weights of rows in the two information matrices.
    products : ndarray, shape (n,)
        Weights of rows in the sum of squared scores over single observations.
    shares : ndarray of shape (n,), or None
        How the rows of a group are averaged before they are taken off each row, see
        :class:`~newtonkit.statistics.gram.CentredGram`.
    squares : float or None
        Sum of squared residuals; None where there is no dispersion to estimate.
    loss : float
        Minus the log-likelihood times the dispersion, without constants.
    """

    n_observations: float
    counted: NDArray[np.bool_]
    scores: FloatArray
    expected: FloatArray
    observed: FloatArray
    products: FloatArray
    shares: FloatArray | None
    squares: float | None
    loss: float

    def value(self, dispersion: float) -> float:
        """Return the log-likelihood at a dispersion."""
        if self.squares is None:
            return -self.loss
        n = self.n_observations
        return -0.5 * (self.squares / dispersion + n * float(np.log(2.0 * np.pi * dispersion)))


def check_has_likelihood(problem: Problem) -> None:
    """Refuse problems whose loss is not known to be a log-likelihood of independent observations."""
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a newtonkit problem, got {type(problem).__name__}")
    outer = problem.outer
    if type(outer) in (ElementwiseSquares, SoftmaxLogLoss):
        return
    why = f"its loss, {type(outer).__name__}, is not known to be one"
    if isinstance(outer, GroupedOuter):
        why = (
            "its residuals share the sum of their group, so rows are no independent observations, "
            "and squared differences of shares are no log-likelihood"
        )
    raise TypeError(
        f"problem must have a likelihood: {type(problem).__name__} has none ({why}); "
        "elementwise regressions and SoftmaxCrossEntropy have one"
    )


def likelihood_at(evaluation: Evaluation) -> Likelihood:
    """Return the likelihood of a problem that has one, at a point."""
    outer = evaluation.problem.outer
    if isinstance(outer, SoftmaxLogLoss):
        return _of_choices(evaluation, outer)
    assert isinstance(outer, ElementwiseSquares)
    return _of_squares(evaluation, outer)


def _of_squares(evaluation: Evaluation, outer: ElementwiseSquares) -> Likelihood:
    """Independent Gaussian errors of one variance: b_i = f(u_i) + e_i, s_i times."""
    f, first, second = outer.activation(evaluation.problem.shown(evaluation.u))
    residual = f - outer.target
    weights = np.ones_like(f) if outer.row_weights is None else outer.row_weights
    with quiet():
        squares = float(weights @ (residual * residual))
        size = float(weights @ (outer.target * outer.target))
        expected = weights * first * first
        likelihood = Likelihood(
            n_observations=float(weights.sum()),
            counted=weights > 0.0,
            scores=weights * first * residual,
            expected=expected,
            observed=expected + weights * second * residual,
            products=weights * (first * residual) ** 2,
            shares=None,
            squares=squares,
            loss=0.5 * squares,
        )
    if squares <= _EXACT * _EXACT * size:
        raise ValueError("solution fits b to rounding: there are no errors whose variance could be estimated")
    return likelihood


def _of_choices(evaluation: Evaluation, outer: SoftmaxLogLoss) -> Likelihood:
    """Independent choices within each group, row i with probability p_i and c_i = s_i b_i times."""
    if (outer.target != np.rint(outer.target)).any():
        raise ValueError(
            "problem must count choices, but its b holds fractions: shares do not tell of how many choices"
        )
    groups = outer.groups
    counts = outer.target if outer.row_weights is None else outer.row_weights * outer.target
    shares = evaluation._rows.low_rank
    assert shares is not None
    q = np.ascontiguousarray(shares[:, 0])
    multiplicities = np.repeat(outer.group_weights, groups.counts)
    masses = outer.group_weights * groups.sums(counts)
    expected = np.repeat(masses, groups.counts) * q
    products = multiplicities * counts
    return Likelihood(
        n_observations=float(masses.sum()),
        counted=np.repeat(masses > 0.0, groups.counts),
        scores=expected - products,
        expected=expected,
        observed=expected,
        products=products,
        shares=q,
        squares=None,
        loss=outer.value(evaluation._totals),
    )
