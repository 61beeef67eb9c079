"""scikit-learn's own checks of estimators: all of them pass, none is marked as expected to fail."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import newtonkit as nk

ROOT = Path(__file__).resolve().parent.parent
ESTIMATORS = [
    nk.ExpRegressor(),
    nk.CoshRegressor(),
    nk.SinhRegressor(),
    nk.SoftmaxRegressor(),
    nk.EntropySoftmaxRegressor(),
    nk.ChoiceClassifier(),
    nk.ChoiceClassifier(loss="squared"),
    nk.ChoiceClassifier(solver="sketched"),
    nk.ExpRegressor(fit_intercept=False),
]

# SciPy must have been imported with this set for the check of array namespaces to run.
_ARRAY_NAMESPACES = """
from sklearn.utils.estimator_checks import check_array_api_input
from tests.test_estimators_sklearn import ESTIMATORS
for estimator in ESTIMATORS:
    name = type(estimator).__name__
    check_array_api_input(name, estimator, array_namespace="numpy", expect_only_array_outputs=False)
    print(estimator)
"""


def _name(check):
    return check.func.__name__ if isinstance(check, partial) else check.__name__


@pytest.fixture(scope="module")
def passed_with_array_namespaces():
    done = subprocess.run(
        [sys.executable, "-c", _ARRAY_NAMESPACES],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        timeout=120,
    )
    return done.stdout.splitlines(), done.stderr


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn(estimator, check, request):
    if _name(check) == "check_array_api_input":
        passed, errors = request.getfixturevalue("passed_with_array_namespaces")
        assert repr(estimator) in passed, errors
    else:
        check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_tags_leave_no_check_out(estimator):
    tags = get_tags(estimator)
    assert not (tags.no_validation or tags._skip_test or tags.non_deterministic)
    assert tags.requires_fit
    assert tags.target_tags.required
    assert tags.input_tags.sparse
    assert not tags.input_tags.positive_only
    assert tags.classifier_tags is None or not tags.classifier_tags.poor_score


def _standard_regression():
    X, y = make_regression(n_samples=200, n_features=10, n_informative=1, bias=5.0, noise=20, random_state=42)
    return StandardScaler().fit_transform(X), scale(y)


# What f cannot fall below, and so what of the target nothing can be said about.
LEAST = {nk.ExpRegressor: 0.0, nk.CoshRegressor: 1.0}
REGRESSORS = [estimator for estimator in ESTIMATORS if get_tags(estimator).regressor_tags is not None]


@pytest.mark.parametrize("estimator", REGRESSORS, ids=repr)
def test_a_poor_score_is_claimed_only_where_no_coefficients_have_a_better_one(estimator):
    """R^2 <= 1 - (squares of y below the least value of f) / (squares of y), which is under 0.5."""
    least = LEAST.get(type(estimator))
    assert get_tags(estimator).regressor_tags.poor_score == (least is not None)
    if least is not None:
        _, y = _standard_regression()
        below = np.minimum(y - least, 0.0)
        assert 1.0 - below @ below / (y @ y) < 0.5


@pytest.mark.parametrize("estimator", REGRESSORS, ids=repr)
def test_the_score_is_good_where_the_target_is_positive(estimator):
    X, y = _standard_regression()
    # Without intercept f is 1 in the middle.
    y = y + 1.0 - y.min() if estimator.fit_intercept else np.exp(0.3 * y)
    assert clone(estimator).fit(X, y).score(X, y) > 0.5
