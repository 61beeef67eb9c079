"""What tests of bad input share: clean data, and one way to say what has to happen."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import newtonkit as nk

RNG = np.random.default_rng(20)
# Small whole numbers: every type of number can hold them.
A = RNG.integers(0, 4, (16, 3)).astype(float)
B = RNG.integers(1, 5, 16).astype(float)
SHARES = B / B.sum()
GROUPS = np.repeat([0, 1, 2, 3], 4)

Refusal = tuple[type[Exception], str]


def solved(problem: nk.problems.Problem, **options: Any) -> nk.MinimizeResult:
    """Minimise with warnings as errors; whatever comes back is a number and holds no NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = nk.minimize(problem, **options)
    assert np.isfinite(result.x).all()
    assert np.isfinite(result.jac).all()
    assert np.isfinite(result.fun)
    return result


def assert_same_solution(given: nk.problems.Problem, clean: nk.problems.Problem) -> None:
    """Two problems have the same value, derivatives and solution."""
    ours, theirs = solved(given), solved(clean)
    assert ours.success
    assert theirs.success
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-10, atol=1e-12)
    assert ours.fun == pytest.approx(theirs.fun, rel=1e-12)
    x = np.linspace(-0.1, 0.1, len(ours.x))
    np.testing.assert_allclose(given.jac(x), clean.jac(x), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(given.hess(x)), np.asarray(clean.hess(x)), rtol=1e-12)


def assert_refused(call: Callable[[], Any], refusal: Refusal) -> None:
    """An error of that very type names the argument in its first words, in one line, without a warning."""
    error, pattern = refusal
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=pattern) as caught:
            call()
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
