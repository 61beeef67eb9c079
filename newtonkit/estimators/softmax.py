"""Softmax regression as an estimator: y is about a total, shared out by a softmax over the rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import logsumexp
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from newtonkit.design import FloatArray
from newtonkit.estimators.base import NewtonEstimator
from newtonkit.estimators.documentation import documented
from newtonkit.estimators.grouping import Grouping, grouping_of
from newtonkit.estimators.shares import as_shares, checked_target, mass
from newtonkit.options import checked_number
from newtonkit.problems import EntropySoftmaxRegression, Problem, SoftmaxRegression
from newtonkit.problems.outer import quiet

_documented = documented(
    "Has no effect on coefficients and predictions, since a constant cancels in a softmax; taken\n"
    "        so that the estimators can be exchanged for one another.",
    "log(total of y / normaliser) of the fit; 0 if it was within groups.",
)


@_documented
class SoftmaxRegressor(RegressorMixin, NewtonEstimator):  # type: ignore[misc]
    """Softmax regression: y is shared out over the rows as a softmax of X coef_.

    The target is turned into shares b = y / total, the total being the sum of y over all rows, or
    within each of the `groups`: a distribution is taken as it is, amounts and counts need no
    preparation.  With p = exp(u) / a, u = X coef_ and a = sum exp(u) over the rows (of the group),
    n rows and m groups (1 without `groups`), the objective is

        1/n sum_i 1/2 (n/m p_i - n/m b_i)^2 + alpha/2 ||coef_||^2,

    the mean squared error of shares in units of the average share m/n, so that one `alpha` serves
    data of any length.  It is that of :class:`newtonkit.SoftmaxRegression` with target b and
    ``ridge = alpha * m**2 / n``, times n / m^2.  With `sample_weight` n is the sum of weights over
    rows and m that over groups.  Not convex: what is found is a minimum, not always the lowest.

    Fitted without groups, the model keeps total and normaliser of the fit in `intercept_` and
    predicts exp(X coef_ + intercept_), each row by itself.  With groups given to ``predict`` it
    predicts shares that sum to 1 within each.

    Parameters
    ----------
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss; the `ridge` of the problem is
        ``alpha * m**2 / n``.
    {shared parameters}

    Notes
    -----
    {metadata routing}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = nk.SoftmaxRegressor(alpha=0.0).fit(X, np.array([1.0, 2.0, 4.0, 8.0]) / 15.0)
    >>> model.coef_.round(6), (15.0 * model.predict(X)).round(4)
    (array([0.693147]), array([1., 2., 4., 8.]))
    >>> model.predict(X, groups=["a", "a", "b", "b"]).round(4)
    array([0.3333, 0.6667, 0.3333, 0.6667])
    """

    _is_grouped: bool

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The rows.  Dense float64 and float32 and CSR are used where they lie, memory maps too,
            unless groups are not in one piece each.
        y : array_like, shape (n_samples,)
            Shares or amounts, at least 0, with a positive sum (in each group).
        groups : array_like of shape (n_samples,), optional
            Labels; each group has a softmax of its own.
        sample_weight : array_like of shape (n_samples,), optional
            Multiplicity of each row, or of a whole group (then equal in all its rows); 0 leaves
            it out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are out of range.
        TypeError
            If a parameter is of the wrong type.

        Warns
        -----
        ConvergenceWarning
            If no minimum was found; ``result_.message`` says why.
        """
        options = self._options()
        settings = self._settings()
        X, y = self._training_data(X, y, numeric=True)
        weights = self._weights(sample_weight, X)
        grouping = None if groups is None else Grouping(groups, len(y))
        shares, total = as_shares(y.astype(np.float64, copy=False), grouping, weights)
        n, m = mass(len(y), grouping, weights)
        problem = self._problem(
            X,
            shares,
            groups=groups,
            sample_weight=weights,
            ridge=options.alpha * m * m / n,
            **{name: value * m / n for name, value in settings.items()},
        )
        result = self._solve(options, problem, np.zeros(problem.n_parameters))
        self._keep(result, has_intercept=False)
        self._is_grouped = total is None
        if total is not None:
            log_normaliser = logsumexp(problem.evaluate(result.x).u, b=weights)
            self.intercept_ = float(np.log(total) - log_normaliser)
        return self

    def predict(self, X: Any, groups: Any = None) -> FloatArray:
        """Return exp(X coef_ + intercept_), or shares within groups.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The rows.
        groups : array_like of shape (n_samples,), optional
            Labels; shares then sum to 1 within each group.  Needed if the fit had groups.

        Returns
        -------
        ndarray, shape (n_samples,)
            In the units of y without groups, shares with them.

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        u = self._utilities(X)
        grouping = grouping_of(groups, len(u), needed=self._is_grouped)
        if grouping is not None:
            return grouping.shares(u)
        with quiet():
            return np.exp(u)

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """Return R^2 of the prediction; with groups, of the shares within them.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The rows.
        y : array_like, shape (n_samples,)
            Shares or amounts; with groups they are divided by the sum of their group.
        groups : array_like of shape (n_samples,), optional
            Labels, as in :meth:`predict`.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        predicted = self.predict(X, groups)
        if groups is not None:
            y = checked_target(y, len(predicted))
            y, _ = as_shares(y, Grouping(groups, len(y)), None)
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def _settings(self) -> dict[str, float]:
        """Return what the problem takes besides data and ridge, per mean loss."""
        return {}

    def _problem(self, *args: Any, **options: Any) -> Problem:
        return SoftmaxRegression(*args, **options)


@_documented
class EntropySoftmaxRegressor(SoftmaxRegressor):
    """Softmax regression that is rewarded for the entropy of its prediction.

    With the notation of :class:`SoftmaxRegressor` and H(p) = -<p, log p>, the entropy
    (creativity), the objective is

        1/n sum_i 1/2 (n/m p_i - n/m b_i)^2 - entropy_weight (mean of H over groups)
            + alpha/2 ||coef_||^2.

    It is that of :class:`newtonkit.EntropySoftmaxRegression` with target b,
    ``ridge = alpha * m**2 / n`` and gamma = ``entropy_weight * m / n``, times n / m^2
    (arXiv:2306.02295).  The larger the weight, the more even the prediction.

    Parameters
    ----------
    entropy_weight : float, default 0.1
        Reward for entropy per mean loss, at least 0; gamma, the `entropy_weight` of the problem,
        is ``entropy_weight * m / n``.
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss; the `ridge` of the problem is
        ``alpha * m**2 / n``.
    {shared parameters}

    Notes
    -----
    {metadata routing}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 4.0, 8.0]) / 15.0
    >>> nk.EntropySoftmaxRegressor(entropy_weight=0.5).fit(X, y).predict(X).round(2)
    array([0.11, 0.18, 0.28, 0.43])
    """

    def __init__(
        self,
        *,
        entropy_weight: float = 0.1,
        alpha: float = 1e-3,
        fit_intercept: bool = True,
        solver: str = "auto",
        max_iter: int = 200,
        tol: float = 1e-10,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            alpha=alpha,
            fit_intercept=fit_intercept,
            solver=solver,
            max_iter=max_iter,
            tol=tol,
            warm_start=warm_start,
            random_state=random_state,
            verbose=verbose,
        )
        self.entropy_weight = entropy_weight

    def _settings(self) -> dict[str, float]:
        return {"entropy_weight": checked_number(self.entropy_weight, "entropy_weight")}

    def _problem(self, *args: Any, **options: Any) -> Problem:
        return EntropySoftmaxRegression(*args, **options)
