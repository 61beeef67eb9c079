"""What the docstrings of all estimators share, written once."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

_SHARED = """
    fit_intercept : bool, default True
        {intercept}
    solver : {{"auto", "exact", "sampled", "sketched"}}, default "auto"
        The method of :func:`newtonkit.minimize`.
    max_iter : int, default 200
        Limit on iterations, at least 1.
    tol : float, default 1e-10
        Tolerance on the gradient relative to its size if nothing cancelled in it: the `gtol`
        of :func:`newtonkit.minimize`.
    warm_start : bool, default False
        Start from the previous fit, if there is one and its loss on the new data is finite.
    random_state : int, RandomState or None, default None
        Seed of the samples of "sampled" and "sketched".  None takes the same seed every time,
        so that every fit can be repeated.
    verbose : int, default 0
        1 prints a line for each iteration.

    Attributes
    ----------
    coef_ : ndarray, shape (n_features,)
        The coefficients x.
    intercept_ : float
        {kept_intercept}
    n_iter_ : int
        Iterations; 0 where the start was a minimum.
    result_ : MinimizeResult
        How the solve ended, in the units of the problem: value, status, message, history.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of str, shape (n_features_in_,)
        The names of the columns, if X was a frame with names that are all text.
"""

_ROUTING = """
    In pipelines, searches and cross-validations of scikit-learn, `groups` reach `fit` and `score` only
    if metadata routing is enabled, ``sklearn.set_config(enable_metadata_routing=True)``, and they are
    asked for, ``set_fit_request(groups=True).set_score_request(groups=True)``.  Without routing,
    ``GridSearchCV(...).fit(X, y, groups=groups)`` splits by them, fits without them, and does not say so.
"""


def documented(intercept: str, kept_intercept: str) -> Any:
    """Put what estimators share in place of {shared parameters} and {metadata routing} in a docstring."""

    def fill(cls: type) -> type:
        if cls.__doc__ is None:  # python -OO
            return cls
        text = _SHARED.format(intercept=intercept, kept_intercept=kept_intercept)
        whole = inspect.cleandoc(cls.__doc__)
        for place, shared in (("{shared parameters}", text), ("{metadata routing}", _ROUTING)):
            whole = whole.replace(place, textwrap.dedent(shared).strip())
        cls.__doc__ = whole
        return cls

    return fill
