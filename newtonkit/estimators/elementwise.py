"""The elementwise regressions as estimators: y is about f(X coef_ + intercept_)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin

from newtonkit.design import FloatArray
from newtonkit.estimators.base import NewtonEstimator
from newtonkit.estimators.documentation import documented
from newtonkit.problems import CoshRegression, ExpRegression, SinhRegression
from newtonkit.problems.outer import quiet
from newtonkit.results import MinimizeResult

_documented = documented("Add an intercept, which is not penalised.", "The intercept; 0 without one.")


class _ElementwiseRegressor(RegressorMixin, NewtonEstimator):  # type: ignore[misc]
    """Least squares between y and f(X coef_ + intercept_)."""

    _problem: ClassVar[type[ExpRegression | CoshRegression | SinhRegression]]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the coefficients.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The rows.  Dense float64 and float32 and CSR are used where they lie, memory maps too.
        y : array_like, shape (n_samples,)
            The target.
        sample_weight : array_like of shape (n_samples,), optional
            Multiplicity of each row; 0 leaves it out.

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
        X, y = self._training_data(X, y, numeric=True)
        target = y.astype(np.float64, copy=False)
        weights = self._weights(sample_weight, X)
        total = float(len(target)) if weights is None else float(weights.sum())
        problem = self._problem(
            X,
            target,
            sample_weight=weights,
            ridge=options.alpha * total,
            fit_intercept=options.fit_intercept,
        )
        constants = self._constants(target, weights) if options.fit_intercept else (0.0,)
        starts = [np.append(np.zeros(problem.n_parameters - 1), constant) for constant in constants]
        result = self._settled(self._solve(options, problem, *starts))
        return self._keep(result, has_intercept=options.fit_intercept)

    def predict(self, X: Any) -> FloatArray:
        """Return f(X coef_ + intercept_); infinite where it overflows.

        Parameters
        ----------
        X : array_like, sparse or frame, shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray, shape (n_samples,)
        """
        u = self._utilities(X)
        with quiet():
            return self._activation(u)

    @staticmethod
    @abstractmethod
    def _activation(u: FloatArray) -> FloatArray:
        """Return f(u)."""

    @staticmethod
    @abstractmethod
    def _constants(y: FloatArray, weights: FloatArray | None) -> tuple[float, ...]:
        """Return where to start the intercept: where f has the size of y."""

    def _settled(self, result: MinimizeResult) -> MinimizeResult:
        """Choose among solutions that say the same."""
        return result


@_documented
class ExpRegressor(_ElementwiseRegressor):
    """Exp regression: y is about exp(X coef_ + intercept_), by least squares.

    The objective is, with multiplicities s and their sum S = s_1 + ... + s_n,

        1/(2 S) sum_i s_i (exp(u_i) - y_i)^2 + alpha/2 ||coef_||^2,   u = X coef_ + intercept_.

    It is that of :class:`newtonkit.ExpRegression` with ``ridge = alpha * S``, divided by S; S = n
    without `sample_weight`.  The start is a constant of the size of y.  Not convex: what is found is a
    minimum, not always the lowest.

    Any real y is accepted, as measurements of something positive may fall below 0.  Where y is
    negative to a great part, though, no exponential is a good fit; scikit-learn's tag
    `poor_score` says so of its standard data.

    Parameters
    ----------
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss; the `ridge` of the problem is
        ``alpha * n``, or alpha times the sum of the weights.  The loss is in squares of y: the
        smaller y, the more a given alpha weighs.
    {shared parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> model = nk.ExpRegressor(alpha=0.0).fit(X, [3.0, 6.0, 12.0, 24.0])
    >>> model.predict([[4.0]]).round(4)
    array([48.])
    """

    _problem = ExpRegression

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Of the squares of scikit-learn's standard target more than half lie below 0.
        tags.regressor_tags.poor_score = True
        return tags

    @staticmethod
    def _activation(u: FloatArray) -> FloatArray:
        return np.exp(u)

    @staticmethod
    def _constants(y: FloatArray, weights: FloatArray | None) -> tuple[float, ...]:
        size = _size(y, weights)
        return (float(np.log(size)) if size > 0.0 else 0.0,)


@_documented
class CoshRegressor(_ElementwiseRegressor):
    """Cosh regression: y is about cosh(X coef_ + intercept_), by least squares.

    The objective is, with multiplicities s and their sum S = s_1 + ... + s_n,

        1/(2 S) sum_i s_i (cosh(u_i) - y_i)^2 + alpha/2 ||coef_||^2,   u = X coef_ + intercept_.

    It is that of :class:`newtonkit.CoshRegression` with ``ridge = alpha * S``, divided by S; S = n
    without `sample_weight`.  Not convex: what is found is a minimum, not always the lowest.

    u and -u say the same.  The solution is the one whose largest coefficient is positive (the
    intercept counts if all others are 0).  There are two starts, of which the better end is taken: a
    constant of the size of y, and u = 0, a stationary point which the solver leaves along negative
    curvature; only the latter without intercept.  As cosh is at least 1, data mostly below are no
    good fit; scikit-learn's tag `poor_score` says so of its standard data.

    Parameters
    ----------
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss; the `ridge` of the problem is
        ``alpha * n``, or alpha times the sum of the weights.  The loss is in squares of y: the
        smaller y, the more a given alpha weighs.
    {shared parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X = np.array([[-1.0], [0.5], [1.0], [2.0]])
    >>> model = nk.CoshRegressor(alpha=0.0, fit_intercept=False).fit(X, np.cosh(0.7 * X[:, 0]))
    >>> model.coef_.round(6)
    array([0.7])
    """

    _problem = CoshRegression

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # Scikit-learn's standard target lies below 1, which cosh never does, to the greater part.
        tags.regressor_tags.poor_score = True
        return tags

    @staticmethod
    def _activation(u: FloatArray) -> FloatArray:
        return np.cosh(u)

    @staticmethod
    def _constants(y: FloatArray, weights: FloatArray | None) -> tuple[float, ...]:
        # From the first all of u stays on one side of 0 where the data allow; the second leaves
        # a stationary point, and finds u that change sign.
        size = _size(y, weights)
        return (float(np.arccosh(size)), 0.0) if size > 1.0 else (0.0,)

    def _settled(self, result: MinimizeResult) -> MinimizeResult:
        """Turn the sign so that the largest coefficient is positive."""
        coefficients = result.x[: self.n_features_in_]
        largest = coefficients[np.argmax(np.abs(coefficients))]
        if (largest if largest != 0.0 else result.x[-1]) < 0.0:
            result.update(x=-result.x, jac=-result.jac)
        return result


@_documented
class SinhRegressor(_ElementwiseRegressor):
    """Sinh regression: y is about sinh(X coef_ + intercept_), by least squares.

    The objective is, with multiplicities s and their sum S = s_1 + ... + s_n,

        1/(2 S) sum_i s_i (sinh(u_i) - y_i)^2 + alpha/2 ||coef_||^2,   u = X coef_ + intercept_.

    It is that of :class:`newtonkit.SinhRegression` with ``ridge = alpha * S``, divided by S; S = n
    without `sample_weight`.  The start is a constant of the size of y.  Not convex: what is found is a
    minimum, not always the lowest.

    Parameters
    ----------
    alpha : float, default 1e-3
        Penalty on the coefficients per mean loss; the `ridge` of the problem is
        ``alpha * n``, or alpha times the sum of the weights.  The loss is in squares of y: the
        smaller y, the more a given alpha weighs.
    {shared parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> X = np.array([[-1.0], [0.5], [1.0], [2.0]])
    >>> model = nk.SinhRegressor(alpha=0.0).fit(X, np.sinh(0.7 * X[:, 0] - 0.2))
    >>> model.coef_.round(6), round(model.intercept_, 6)
    (array([0.7]), -0.2)
    """

    _problem = SinhRegression

    @staticmethod
    def _activation(u: FloatArray) -> FloatArray:
        return np.sinh(u)

    @staticmethod
    def _constants(y: FloatArray, weights: FloatArray | None) -> tuple[float, ...]:
        return (float(np.arcsinh(np.average(y, weights=weights))),)


def _size(y: FloatArray, weights: FloatArray | None) -> float:
    """Return the root mean square of y, which unlike the mean does not cancel."""
    return float(np.sqrt(np.average(y * y, weights=weights)))
