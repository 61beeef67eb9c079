"""What all estimators share: their parameters, the checks of data, the solve and what is kept of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from newtonkit.design import FloatArray, as_design
from newtonkit.design.door import checked_flag
from newtonkit.methods import METHODS
from newtonkit.minimizer import minimize
from newtonkit.options import checked_count, checked_number
from newtonkit.problems import Problem
from newtonkit.results import MinimizeResult, Status

_SAME = 1e-9
_KINDS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32)}


@dataclass(frozen=True)
class Options:
    """The parameters of an estimator, checked."""

    alpha: float
    fit_intercept: bool
    warm_start: bool
    solver: dict[str, Any]


class NewtonEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """The base of all estimators; their parameters are those of the front page classes."""

    coef_: FloatArray
    intercept_: float
    n_iter_: int
    result_: MinimizeResult
    n_features_in_: int

    def __init__(
        self,
        *,
        alpha: float = 1e-3,
        fit_intercept: bool = True,
        solver: str = "auto",
        max_iter: int = 200,
        tol: float = 1e-10,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _options(self) -> Options:
        """Return the parameters, refusing those out of range before any data are read."""
        if not isinstance(self.solver, str) or self.solver not in METHODS:
            raise ValueError(f"solver must be one of {', '.join(map(repr, METHODS))}, got {self.solver!r}")
        verbose = int(self.verbose) if isinstance(self.verbose, bool | np.bool_) else self.verbose
        return Options(
            alpha=checked_number(self.alpha, "alpha"),
            fit_intercept=checked_flag(self.fit_intercept, "fit_intercept"),
            warm_start=checked_flag(self.warm_start, "warm_start"),
            solver={
                "method": self.solver,
                "max_iter": checked_count(self.max_iter, "max_iter", 1),
                "gtol": checked_number(self.tol, "tol"),
                "rng": self._seed(),
                "verbose": checked_count(verbose, "verbose", 0),
            },
        )

    def _seed(self) -> int | None:
        """Return the seed of the samples; None leaves them the same in every fit."""
        state = self.random_state
        if state is None:
            return None
        generator = check_random_state(state)
        return int(generator.randint(2**31 - 1)) if isinstance(state, np.random.RandomState) else int(state)

    def _training_data(self, X: Any, y: Any, *, numeric: bool) -> tuple[Any, Any]:
        """Return X and y checked; dense floats and CSR stay where they are."""
        return validate_data(self, X, y, y_numeric=numeric, **_KINDS)  # type: ignore[no-any-return]

    def _weights(self, sample_weight: Any, X: Any) -> FloatArray | None:
        """Return the multiplicities of the rows, None where each counts once."""
        if sample_weight is None:
            return None
        weights: FloatArray = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weights.any():
            raise ValueError("sample_weight must be positive somewhere, but all weights are zero")
        return weights

    def _utilities(self, X: Any) -> FloatArray:
        """Return u = X @ coef_ + intercept_ of new rows, without a copy of them."""
        check_is_fitted(self)
        design = as_design(validate_data(self, X, reset=False, **_KINDS), name="X")
        return design.product(self.coef_) + self.intercept_

    def _starts(self, options: Options, problem: Problem, cold: Sequence[FloatArray]) -> Sequence[FloatArray]:
        """Return where to start from: the previous fit if that is asked for, else the cold starts."""
        if not options.warm_start or not hasattr(self, "result_"):
            return cold
        if len(self.coef_) != self.n_features_in_:
            raise ValueError(
                f"warm_start needs the features of the previous fit: there were {len(self.coef_)}, "
                f"X has {self.n_features_in_}"
            )
        intercept = [self.intercept_] if problem.fit_intercept else []
        previous = np.append(self.coef_, intercept)
        return [previous] if np.isfinite(problem.fun(previous)) else cold

    def _solve(self, options: Options, problem: Problem, *cold: FloatArray) -> MinimizeResult:
        """Return the best minimum from the starts, and warn where it is none."""
        best: MinimizeResult | None = None
        for start in self._starts(options, problem, cold):
            result = minimize(problem, start, **options.solver)
            if result.status is Status.INTERRUPTED:  # a search over parameters must not go on
                raise KeyboardInterrupt
            if best is None or _is_better(result, best):
                best = result
        assert best is not None
        if not best.success:
            # The caller's line is that of fit.
            warnings.warn(f"{type(self).__name__}: {best.message}", ConvergenceWarning, stacklevel=3)
        return best

    def _keep(self, result: MinimizeResult, *, has_intercept: bool) -> Self:
        """Set the fitted attributes."""
        x: FloatArray = result.x
        self.result_ = result
        self.n_iter_ = result.nit
        self.coef_ = (x[:-1] if has_intercept else x).copy()
        self.intercept_ = float(x[-1]) if has_intercept else 0.0
        return self


def _is_better(result: MinimizeResult, best: MinimizeResult) -> bool:
    """Tell whether a result is better than an earlier one, and not just by rounding."""
    if result.success != best.success:
        return bool(result.success)
    return bool(result.fun < best.fun - _SAME * abs(best.fun))
