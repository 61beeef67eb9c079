"""The choice model as a classifier: conditional logit, or a choice against an outside option."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import column_or_1d

from newtonkit.design import FloatArray
from newtonkit.estimators.base import NewtonEstimator
from newtonkit.estimators.binary import BinaryLogLoss, BinarySquares
from newtonkit.estimators.documentation import documented
from newtonkit.estimators.grouping import Grouping, grouping_of, warn_of_a_fit_without_groups
from newtonkit.estimators.marks import number_of_choices, two_labels
from newtonkit.problems import Problem, SoftmaxCrossEntropy, SoftmaxRegression

_GROUPED_PROBLEMS = {"log": SoftmaxCrossEntropy, "squared": SoftmaxRegression}
_BINARY_LOSSES = {"log": BinaryLogLoss, "squared": BinarySquares}


@documented(
    "Add an intercept, which is not penalised.  With groups it cancels, and none is fitted.",
    "The intercept; 0 without one, or if the fit had groups.",
)
class ChoiceClassifier(ClassifierMixin, NewtonEstimator):  # type: ignore[misc]
    """Discrete choice: one alternative of each group is taken, or a row against an outside option.

    With `groups` the rows are alternatives, and those of a group make up a choice; y marks the one
    that was taken.  The utility of a row is u = X coef_ and its probability the softmax of u in its
    group (the conditional logit model).  Without groups each row is a choice of its own
    between the row, of utility u = X coef_ + intercept_, and an outside option of utility 0; its
    probability is 1 / (1 + exp(-u)).

    With p_k the probabilities of the alternatives in choice k (the outside option is one), b_k one-hot
    for what was taken, multiplicities s and their sum S over choices, the objective is

        1/S sum_k s_k loss_k + alpha/2 ||coef_||^2,
        loss_k = -<b_k, log p_k> ("log") or 1/2 ||p_k - b_k||^2 ("squared").

    It is that of :class:`newtonkit.SoftmaxCrossEntropy` or :class:`newtonkit.SoftmaxRegression` with
    ``ridge = alpha * S``, divided by S; S is the number of choices without `sample_weight`.  "log" is
    convex; without groups it is logistic regression, with ``C = 1 / (alpha * S)`` in scikit-learn's terms.
    "squared" is not convex, and forgives choices that the model holds for impossible.

    Parameters
    ----------
    loss : {"log", "squared"}, default "log"
        The loss of a choice.
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss of a choice; the `ridge` of the problem is
        ``alpha`` times the number of choices, or times the sum of their weights.
    {shared parameters}
    classes_ : ndarray, shape (2,)
        The labels: not taken, taken.

    Notes
    -----
    Two labels, the greater of which means taken: 1 of (0, 1), True of (False, True).

    {metadata routing}

    Who asks a model that was fitted without groups for predictions within groups is warned: they are
    those of rows of which exactly one is taken, by utilities that were fitted to something else.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X = np.array([[2.0], [1.0], [3.0], [2.5], [2.0], [1.5]])  # prices
    >>> model = nk.ChoiceClassifier().fit(X, [0, 1, 0, 1, 1, 0], groups=[1, 1, 2, 2, 3, 3])
    >>> model.predict(X, groups=[1, 1, 2, 2, 3, 3])
    array([0, 1, 0, 1, 0, 1])
    >>> model.predict_proba([[1.0], [1.2], [2.0]], groups=[7, 7, 7])[:, 1].round(1)
    array([0.5, 0.4, 0.1])
    """

    classes_: NDArray[Any]
    _is_grouped: bool

    def __init__(
        self,
        *,
        loss: str = "log",
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
        self.loss = loss

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The alternatives.  Dense float64 and float32 and CSR are used where they lie, memory
            maps too, unless groups are not in one piece each.
        y : array_like, shape (n_samples,)
            Two labels, the greater for what was taken: one row of each group.
        groups : array_like of shape (n_samples,), optional
            Labels of the choices; without them each row is a choice against the outside option.
        sample_weight : array_like of shape (n_samples,), optional
            Multiplicity of each choice (equal in all rows of a group); 0 leaves it out.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are out of range, or not one row of each group is taken.
        TypeError
            If a parameter is of the wrong type.

        Warns
        -----
        ConvergenceWarning
            If no minimum was found; ``result_.message`` says why.
        """
        options = self._options()
        if not isinstance(self.loss, str) or self.loss not in _BINARY_LOSSES:
            raise ValueError(f"loss must be 'log' or 'squared', got {self.loss!r}")
        X, y = self._training_data(X, y, numeric=False)
        weights = self._weights(sample_weight, X)
        classes = two_labels(y if weights is None else y[weights > 0.0])
        taken = (y == classes[1]).astype(np.float64)
        if groups is None:
            problem = self._against_outside(X, taken, weights, options.alpha, options.fit_intercept)
        else:
            problem = self._within_groups(X, taken, groups, weights, options.alpha)
        result = self._solve(options, problem, np.zeros(problem.n_parameters))
        self.classes_ = classes
        self._is_grouped = groups is not None
        return self._keep(result, has_intercept=problem.fit_intercept)

    def _against_outside(
        self, X: Any, taken: FloatArray, weights: FloatArray | None, alpha: float, fit_intercept: bool
    ) -> Problem:
        total = float(len(taken)) if weights is None else float(weights.sum())
        loss = _BINARY_LOSSES[self.loss](taken, weights)
        return Problem(X, loss, ridge=alpha * total, fit_intercept=fit_intercept)

    def _within_groups(
        self, X: Any, taken: FloatArray, groups: Any, weights: FloatArray | None, alpha: float
    ) -> Problem:
        ridge = alpha * number_of_choices(taken, Grouping(groups, len(taken)), weights)
        kind = _GROUPED_PROBLEMS[self.loss]
        return kind(X, taken, groups=groups, sample_weight=weights, ridge=ridge)

    def decision_function(self, X: Any, groups: Any = None) -> FloatArray:
        """Return how far the utility of each row is above that of the best other alternative.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The alternatives.
        groups : array_like of shape (n_samples,), optional
            Labels of the choices.  Needed if the fit had groups.

        Returns
        -------
        ndarray, shape (n_samples,)
            X coef_ + intercept_ without groups, where the other is the outside option; infinite for
            a row alone in its group.

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        u, grouping = self._choices(X, groups)
        return u if grouping is None else grouping.margins(u)

    def predict_proba(self, X: Any, groups: Any = None) -> FloatArray:
        """Return the probabilities that each row is not taken, and that it is.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The alternatives.
        groups : array_like of shape (n_samples,), optional
            Labels of the choices.  Needed if the fit had groups.

        Returns
        -------
        ndarray, shape (n_samples, 2)
            The second column sums to 1 within each group.

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        u, grouping = self._choices(X, groups)
        if grouping is None:
            return np.column_stack((expit(-u), expit(u)))
        shares = grouping.shares(u)
        return np.column_stack((1.0 - shares, shares))

    def predict(self, X: Any, groups: Any = None) -> NDArray[Any]:
        """Return the label of each row: in each group the row of highest utility is taken.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The alternatives.
        groups : array_like of shape (n_samples,), optional
            Labels of the choices.  Needed if the fit had groups.

        Returns
        -------
        ndarray, shape (n_samples,)
            One row of each group is taken, the first of equal ones; without groups, those with
            a utility above 0.

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        return self._labels(*self._choices(X, groups))

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """Return the share of choices that are predicted right.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The alternatives.
        y : array_like, shape (n_samples,)
            The labels.
        groups : array_like of shape (n_samples,), optional
            Labels of the choices.  Needed if the fit had groups.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float
            The accuracy of rows without groups.  With groups, the share of the rows taken that
            were predicted to be: top-1 accuracy over choices.

        Raises
        ------
        ValueError
            If the fit had groups and none are given, or shapes do not fit.
        """
        predicted = self._labels(*self._choices(X, groups))
        if groups is None:
            return float(accuracy_score(y, predicted, sample_weight=sample_weight))
        taken = column_or_1d(y, warn=True) == self.classes_[1]
        if len(taken) != len(predicted) or not taken.any():
            raise ValueError(f"y must have shape ({len(predicted)},) and mark what was taken")
        weights = self._weights(sample_weight, X)
        hits = predicted[taken] == self.classes_[1]
        return float(np.average(hits, weights=None if weights is None else weights[taken]))

    def _choices(self, X: Any, groups: Any) -> tuple[FloatArray, Grouping | None]:
        """Return utilities and the groups they compete in."""
        u = self._utilities(X)
        if groups is not None and not self._is_grouped:
            warn_of_a_fit_without_groups()
        return u, grouping_of(groups, len(u), needed=self._is_grouped)

    def _labels(self, u: FloatArray, grouping: Grouping | None) -> NDArray[Any]:
        taken = u > 0.0 if grouping is None else grouping.is_best(u)
        labels: NDArray[Any] = self.classes_[taken.astype(np.intp)]
        return labels
