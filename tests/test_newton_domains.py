"""Functions that end somewhere: what raises or is not finite in a trial step is a rejected step."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

import newtonkit as nk

MOST_CALLS = 8_000


class Mine(Exception):
    """An exception that nobody else knows."""


FAILURES = {
    "NaN": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "complex": lambda: 1j,
    "None": lambda: None,
    "ValueError": lambda: math.log(-1.0),
    "OverflowError": lambda: math.exp(1e4),
    "ZeroDivisionError": lambda: 1.0 / 0.0,
    "FloatingPointError": lambda: _raise(FloatingPointError("x")),
    "own": lambda: _raise(Mine("out of the domain")),
    "StopIteration": lambda: _raise(StopIteration("not from the callback")),
}


def within_reason(calls):
    """Fail the test, by what is no Exception and so is not taken for a failed step."""
    if calls > MOST_CALLS:
        pytest.fail("it does not end")


def _raise(error):
    raise error


def barrier(mu, failure=FAILURES["ValueError"], fails="fun"):
    """Return x - mu log x, minimal at mu, which fails for x <= 0 in `fails` (and all after it)."""

    def checked(name, function):
        def called(x):
            called.calls += 1
            within_reason(called.calls)
            if x[0] <= 0.0 and ("fun", "jac", "hess").index(fails) <= ("fun", "jac", "hess").index(name):
                return np.full((1,) * ("fun", "jac", "hess").index(name), failure())
            return function(abs(x[0]) or 1.0)

        called.calls = 0
        return called

    return (
        checked("fun", lambda x: x - mu * math.log(x)),
        checked("jac", lambda x: np.array([1.0 - mu / x])),
        checked("hess", lambda x: np.array([[mu / x**2]])),
    )


def solve(functions, x0, **more):
    fun, jac, hess = functions
    return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("fails", ["fun", "jac", "hess"])
def test_an_edge_near_the_minimum_is_a_shorter_step(failure, fails):
    for start in (2.0, 100.0):
        result = solve(barrier(0.01, FAILURES[failure], fails), [start])
        assert result.success, result.message
        assert result.x[0] == pytest.approx(0.01, rel=1e-3)
        assert result.status is nk.Status.CONVERGED
        assert "in a trial step" not in result.message


@pytest.mark.parametrize("mu", [1.0, 1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("start", [1.0, 1e-3, 1e6])
def test_minima_ever_closer_to_the_edge(mu, start):
    result = solve(barrier(mu), [start])
    assert result.success
    assert result.x[0] == pytest.approx(mu, rel=0.01)


@pytest.mark.parametrize(("failure", "fails"), [("NaN", "jac"), ("own", "hess")])
def test_an_edge_of_the_derivatives_that_the_value_runs_into_comes_to_an_end(failure, fails):
    def cut(order, value):
        def called(x):
            called.calls += 1
            within_reason(called.calls)
            if x[0] >= 100.0 and (order > ("fun", "jac").index("jac") or fails == "jac") and order > 0:
                return np.full((1,) * order, FAILURES[failure]())
            return value

        called.calls = 0
        return called

    def fun(x):
        return -x[0]

    result = solve((fun, cut(1, np.array([-1.0])), cut(2, np.zeros((1, 1)))), [0.0])
    assert not result.success
    assert 99.0 < result.x[0] < 100.0, "as near to the edge as can be told"
    assert "in a trial step, " in result.message


FALLING = {  # value, slope and curvature, and what is told of the end
    "raises": (
        lambda x: -math.exp(x),
        lambda x: -math.exp(x),
        lambda x: -math.exp(x),
        "fun raised OverflowError",
    ),
    "-exp": (lambda x: -np.exp(x), lambda x: -np.exp(x), lambda x: -np.exp(x), "fun returned -inf"),
    "-x^2": (lambda x: -(x**2), lambda x: -2.0 * x, lambda x: -2.0, "fun returned -inf"),
    "-x^4": (lambda x: -(x**4), lambda x: -4.0 * x**3, lambda x: -12.0 * x**2, "fun returned -inf"),
}


@pytest.mark.parametrize("name", FALLING)
def test_values_that_fall_to_minus_infinity(name):
    *functions, told = FALLING[name]

    def fun(x):
        fun.calls += 1
        within_reason(fun.calls)
        return functions[0](x[0])

    fun.calls = 0
    with np.errstate(over="ignore"):
        result = solve((fun, lambda x: [functions[1](x[0])], lambda x: functions[2](x[0])), [1.0])
    assert not result.success
    assert result.fun < -1e100
    assert np.isfinite(result.fun)
    assert np.isfinite(result.x).all()
    assert told in result.message


def test_success_does_not_speak_of_failed_steps():
    result = solve(barrier(1e-12), [1.0])
    assert result.success
    assert result.x[0] == pytest.approx(1e-12, rel=1e-6)
    assert "in a trial step" not in result.message


def test_gradients_that_failed_leave_the_last_good_one_in_a_buffer_alone():
    buffer = np.empty(1)

    def jac(x):
        buffer[:] = -1.0 if x[0] < 100.0 else np.nan
        return buffer

    result = solve((lambda x: -x[0], jac, lambda x: np.zeros((1, 1))), [0.0])
    assert 99.0 < result.x[0] < 100.0
    assert result.jac[0] == -1.0


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("fails", ["fun", "jac", "hess"])
def test_what_fails_at_the_start_is_refused_or_passed_on(failure, fails):
    with pytest.raises((ValueError, TypeError, ArithmeticError, Mine, StopIteration)) as caught:
        solve(barrier(0.01, FAILURES[failure], fails), [-1.0])
    if failure in ("NaN", "inf", "-inf"):
        assert str(caught.value) == f"x0 is no start: {fails} is not finite there"
    elif failure in ("complex", "None"):
        assert str(caught.value).startswith(f"{fails} must return real numbers")
    else:
        assert type(caught.value).__name__.startswith(failure.replace("own", "Mine"))


def test_the_message_tells_what_was_raised():
    def fun(x):
        if x[0] != 1.0:
            raise Mine("only x = 1 is allowed")
        return 1.0

    result = solve((fun, lambda x: np.ones(1), lambda x: np.eye(1)), [1.0])
    assert not result.success
    assert "fun raised Mine: only x = 1 is allowed" in result.message
    assert (result.nit, result.x[0]) == (0, 1.0)


@pytest.mark.parametrize("which", ["fun", "jac", "hess"])
@pytest.mark.parametrize("call", [2, 3, 10])
def test_ctrl_c_returns_the_best_point(which, call):
    functions = {"fun": rosen, "jac": rosen_der, "hess": rosen_hess}
    inner, seen = functions[which], []

    def interrupted(x):
        seen.append(1)
        if len(seen) == call:
            raise KeyboardInterrupt
        return inner(x)

    functions[which] = interrupted
    result = solve(functions.values(), [-1.2, 1.0])
    assert result.status == 6
    assert not result.success
    assert len(seen) == call, "nothing is called any more"
    assert result.fun == rosen(result.x)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))
    np.testing.assert_array_equal(result.hess, rosen_hess(result.x))


def test_other_exits_are_no_rejected_steps():
    for error in (SystemExit(3), GeneratorExit()):
        calls = []

        def fun(x, calls=calls, error=error):
            calls.append(1)
            if len(calls) == 3:
                raise error
            return rosen(x)

        with pytest.raises(type(error)):
            solve((fun, rosen_der, rosen_hess), [-1.2, 1.0])


@pytest.mark.parametrize("d", [1, 3, 30])
def test_square_roots(d):
    weights = np.arange(1.0, d + 1.0)

    def fun(x):
        with np.errstate(invalid="raise"):
            return float((weights * x - np.sqrt(x)).sum())

    def jac(x):
        return weights - 0.5 / np.sqrt(x)

    result = solve((fun, jac, lambda x: np.diag(0.25 * x**-1.5)), np.full(d, 3.0))
    assert result.success
    np.testing.assert_allclose(result.x, 0.25 / weights**2, rtol=1e-3)
