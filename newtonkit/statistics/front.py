"""``inference``: the front door of the statistics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import ArrayLike
from scipy.optimize import OptimizeResult

from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.design.door import as_vector, checked_flag
from newtonkit.options import point_of
from newtonkit.problems.problem import Problem
from newtonkit.statistics.clusters import Clusters
from newtonkit.statistics.fit import Fit, Information
from newtonkit.statistics.likelihood import check_has_likelihood
from newtonkit.statistics.names import checked_names, default_names
from newtonkit.statistics.record import KINDS, Inference, Kind, checked_kind


def inference(
    problem: Problem,
    solution: OptimizeResult | ArrayLike,
    *,
    kind: Kind | None = None,
    clusters: ArrayLike | None = None,
    information: Information | None = None,
    small_sample: bool | None = None,
    names: Iterable[Any] | None = None,
) -> Inference:
    """Tell how certain a solution is: covariance, standard errors, tests and information criteria.

    Two families of problems are likelihoods.  An elementwise regression is least squares with
    independent Gaussian errors of one variance, b = f(u) + e; a softmax cross-entropy whose b
    counts choices is the conditional logit, each choice made within its group of rows with
    probabilities p = softmax(u).  The binary logit is one with groups of two rows, of which
    one is zero: the outside option.

    With l'_i the derivative of row i, F the information matrix of the data, H that with the
    penalties added and phi the dispersion (1 for choices), the covariances are

    ===========  ============================================================
    classical    phi H^-1 F H^-1, which is phi F^-1 where there is no penalty
    sandwich     H^-1 (sum of s s^T over observations) H^-1, s their scores
    clustered    H^-1 (sum of s s^T over clusters) H^-1, s sums of scores
    ===========  ============================================================

    F is A^T diag(f'^2) A for the expected (Gauss-Newton) information of an elementwise
    regression and A^T diag(f'^2 + f'' r) A for the observed one, r = f - b; for choices both
    are sum over groups of A~^T diag(p) A~ with A~ the rows less their mean A^T p.

    Parameters
    ----------
    problem : Problem
        An elementwise regression (exp, cosh, sinh, or any activation), or
        :class:`newtonkit.SoftmaxCrossEntropy` with whole numbers in b.
    solution : MinimizeResult, or array_like of shape (d,)
        Its minimum.  Where it is a pandas Series, its index gives the names.
    kind : {"classical", "sandwich", "clustered"}, optional
        What standard errors and tables are taken from unless they are told; "clustered" where
        there are clusters, else "classical".
    clusters : array_like of shape (n,), optional
        A label for each row of A: what belongs together, and may have errors in common.
        All rows of a choice are in one cluster.
    information : {"expected", "observed"}, optional
        Which information matrix is inverted.  By default the expected one for classical and the
        observed one for the others, which stays right where f is not: as statsmodels' GLM does.
    small_sample : bool, optional
        Whether to multiply the sandwich by n / (n - d) (then called HC1 rather than HC0) and the
        clustered one by G / (G - 1) * (n - 1) / (n - d), G the number of clusters.  By default
        only the latter.
    names : iterable of str, or data frame, optional
        Names of the coefficients, or the frame whose columns they are; x1, x2, ... by default,
        as in the shell.  The intercept may be left out.

    Returns
    -------
    Inference

    Raises
    ------
    TypeError
        If the problem is not a likelihood, or an argument is of the wrong type.
    ValueError
        If `solution` is no minimum, shapes do not fit, b holds shares rather than counts, or
        no degrees of freedom are left for the dispersion.

    Notes
    -----
    A solution is refused where the solve did not succeed, where there is negative curvature,
    and where a Newton step would still go more than a thousandth of a standard error.

    ``sample_weight`` means multiplicity: all is as if rows, or choices, were there so many
    times, and n is their sum.

    With a ridge or ``penalty_weights`` the covariance is that of the penalised estimator
    around its own mean.  The bias of it is in no standard error and no confidence limit, and
    a test is one of the penalised coefficient; degrees of freedom are the trace of H^-1 F.

    Coefficients that the data does not determine (a column that is a combination of others, or
    one that is constant within all choices) have NaN for a standard error; the others are as if
    those columns were left out, and degrees of freedom count the rank.

    The log-likelihood of an elementwise regression is taken at the unbiased dispersion, and AIC
    and BIC do not count it as a parameter: as statsmodels' GLM does.  With the maximised one,
    R's AIC is ``-2 * maximised_log_likelihood + 2 * (degrees_of_freedom + 1)``.

    Two or three Gram matrices are formed, and one more for clusters; nothing is kept of the data.

    Source: White (1982), Maximum likelihood estimation of misspecified models; Liang and Zeger
    (1986), Longitudinal data analysis using generalized linear models; McFadden (1974),
    Conditional logit analysis of qualitative choice behavior; Gray (1992), Flexible methods for
    analyzing survival data using splines, for penalised covariance and degrees of freedom.

    Examples
    --------
    >>> import newtonkit as nk
    >>> A = [[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]]
    >>> problem = nk.SoftmaxCrossEntropy(A, [0, 1, 0, 1, 1, 0], groups=[1, 1, 2, 2, 3, 3])
    >>> print(nk.inference(problem, nk.minimize(problem), names=["price"]))
    SoftmaxCrossEntropy(n=6, d=1, groups=3)
    classical standard errors (expected information)
    n = 3, degrees of freedom 1
    log-likelihood -1.9095425, AIC 5.819085, BIC 4.9176973
    <BLANKLINE>
                         estimate std error         z         p     2.5 %    97.5 %
    -------------------------------------------------------------------------------
    price                   0.693      1.22      0.57    0.5714     -1.71      3.09
    """
    check_has_likelihood(problem)
    x, given_names = _checked_solution(solution, problem.n_parameters)
    offered = KINDS[:2] if clusters is None else KINDS
    usual = "classical" if clusters is None else "clustered"
    chosen = checked_kind(usual if kind is None else kind, offered)
    if information is not None and information not in ("expected", "observed"):
        raise ValueError(f"information must be 'expected' or 'observed', got {information!r}")
    corrected = None if small_sample is None else checked_flag(small_sample, "small_sample")
    labels = _labels(problem, names if given_names is None or names is not None else given_names)
    partition = None if clusters is None else Clusters.of(clusters, problem)
    with one_blas_thread():
        fit = Fit.at(problem, x, information, partition)
        return fit.inference(chosen, labels, corrected)


def _labels(problem: Problem, names: Iterable[Any] | None) -> tuple[str, ...]:
    usual = default_names(problem.n_parameters, has_intercept=problem.fit_intercept)
    return usual if names is None else checked_names(names, len(usual), usual[-1])


def _checked_solution(solution: Any, d: int) -> tuple[FloatArray, Any]:
    """Return x, and the names of its entries where it has some."""
    if isinstance(solution, OptimizeResult) and not solution.get("success", False):
        raise ValueError(f"solution is no minimum: {solution.get('message', 'it was not found')}")
    solution = point_of(solution, "solution")
    x = as_vector(solution, "solution", d)
    index = getattr(solution, "index", None)
    named = index is not None and not callable(index) and any(isinstance(name, str) for name in index)
    return x, index if named else None
