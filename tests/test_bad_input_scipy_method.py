"""Functions and arguments that go wrong in ``scipy.optimize.minimize(method=nk.newton)``."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

import newtonkit as nk
from tests.bad_input import assert_refused

START = [-1.0, 2.0, 0.5]


def solve(fun=rosen, x0=START, jac=rosen_der, hess=rosen_hess, **more):
    return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


def spoilt_by_fun(x):
    value = rosen(x)
    x[:] = np.nan
    return value


BUFFER = np.empty(3)


def gradient_in_one_buffer(x):
    BUFFER[:] = rosen_der(x)
    return BUFFER


WORKS = {
    "ints as a start": {"x0": [-1, 2, 1]},
    "an array of one value": {"fun": lambda x: np.array([rosen(x)])},
    "value and gradient together": {"fun": lambda x: (rosen(x), rosen_der(x)), "jac": True},
    "a gradient that is a row": {"jac": lambda x: rosen_der(x)[None]},
    "a gradient that is a list": {"jac": lambda x: rosen_der(x).tolist()},
    "a gradient in a buffer used again": {"jac": gradient_in_one_buffer},
    "a Hessian that is a list": {"hess": lambda x: rosen_hess(x).tolist()},
    "a function that spoils x": {"fun": spoilt_by_fun},
    "a callback that spoils x": {"callback": lambda x: x.fill(np.nan)},
    "more arguments": {
        "fun": lambda x, a: a * rosen(x),
        "jac": lambda x, a: a * rosen_der(x),
        "hess": lambda x, a: a * rosen_hess(x),
        "args": (2.0,),
    },
    "tol": {"tol": 1e-9},
}

NAN3 = np.full(3, np.nan)

REFUSED = {
    "x0 NaN": ({"x0": [np.nan, 0.0, 0.0]}, (ValueError, "^x0 must be finite")),
    "x0 text": ({"x0": ["a", "b", "c"]}, (TypeError, "^x0 must hold numbers")),
    "x0 complex": ({"x0": [1j, 0.0, 0.0]}, (TypeError, "^x0 must be real")),
    "fun NaN": ({"fun": lambda x: np.nan}, (ValueError, "^x0 is no start: fun is not finite")),
    "fun None": ({"fun": lambda x: None}, (TypeError, "^fun must return real numbers")),
    "fun text": ({"fun": lambda x: "1"}, (TypeError, "^fun must return real numbers")),
    "fun complex": ({"fun": lambda x: 1j}, (TypeError, "^fun must return real numbers")),
    "fun of two values": ({"fun": lambda x: x[:2]}, (ValueError, "^fun must return a number")),
    "no jac": ({"jac": None}, (ValueError, "^jac is required")),
    "jac too short": ({"jac": lambda x: x[:2]}, (ValueError, "^jac must return 3 numbers")),
    "jac NaN": ({"jac": lambda x: NAN3}, (ValueError, "^x0 is no start: jac is not finite")),
    "jac text": ({"jac": lambda x: ["1"] * 3}, (TypeError, "^jac must return real numbers")),
    "no hess": ({"hess": None}, (ValueError, "^hess or hessp is required")),
    "hess NaN": ({"hess": lambda x: np.diag(NAN3)}, (ValueError, "^x0 is no start: hess is not finite")),
    "hess of another shape": ({"hess": lambda x: np.eye(2)}, (ValueError, "^hess must return shape")),
    "hess of one axis": ({"hess": lambda x: np.ones(3)}, (ValueError, "^hess must return shape")),
    "bounds": ({"bounds": [(0, 1)] * 3}, (ValueError, "^bounds are not supported")),
    "gtol negative": ({"options": {"gtol": -1.0}}, (ValueError, "^gtol must be at least 0")),
    "gtol NaN": ({"options": {"gtol": np.nan}}, (ValueError, "^gtol must be at least 0")),
    "tol text": ({"tol": "small"}, (TypeError, "^gtol must be a number")),
    "maxiter negative": ({"options": {"maxiter": -1}}, (ValueError, "^maxiter must be at least 0")),
    "maxiter a float": ({"options": {"maxiter": 1.5}}, (TypeError, "^maxiter must be an integer")),
}

WRONG = {
    "a gradient of the wrong sign": {"jac": lambda x: -rosen_der(x)},
    "a gradient ten times too large": {"jac": lambda x: 10.0 * rosen_der(x)},
    "a Hessian of the wrong sign": {"hess": lambda x: -rosen_hess(x), "options": {"maxiter": 100}},
    "a Hessian of zeros": {"hess": lambda x: np.zeros((3, 3)), "options": {"maxiter": 100}},
    "a function without a minimum": {
        "fun": lambda x: float(x.sum()),
        "jac": lambda x: np.ones(3),
        "hess": lambda x: np.zeros((3, 3)),
        "options": {"maxiter": 20},
    },
}


@pytest.mark.parametrize("kind", WORKS)
def test_works(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = solve(**WORKS[kind])
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-6)


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(kind):
    arguments, refusal = REFUSED[kind]
    assert_refused(lambda: solve(**arguments), refusal)


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_derivatives_are_no_success_away_from_the_minimum(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = solve(**WRONG[kind])
    assert np.isfinite(result.x).all()
    assert np.isfinite(result.fun)
    assert not result.success or np.allclose(result.x, 1.0, atol=1e-3)


def test_no_iterations_at_all():
    result = solve(options={"maxiter": 0})
    assert not result.success
    assert result.nit == 0
    np.testing.assert_array_equal(result.x, START)


@pytest.mark.parametrize("which", ["fun", "jac", "hess", "callback"])
def test_what_a_function_raises_comes_out(which):
    error = RuntimeError("mine")

    def broken(x, *args):
        raise error

    with pytest.raises(RuntimeError) as caught:
        solve(**{which: broken})
    assert caught.value is error
