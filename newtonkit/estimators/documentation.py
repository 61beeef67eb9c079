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


def documented(intercept: str, kept_intercept: str) -> Any:
    """Put what all estimators share in place of {shared parameters} in a docstring."""

    def fill(cls: type) -> type:
        if cls.__doc__ is None:  # python -OO
            return cls
        text = _SHARED.format(intercept=intercept, kept_intercept=kept_intercept)
        shared = textwrap.dedent(text).strip()
        cls.__doc__ = inspect.cleandoc(cls.__doc__).replace("{shared parameters}", shared)
        return cls

    return fill
