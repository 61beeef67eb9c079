"""``nk.newton`` calls what it is given as often as it says, with x of its own and SciPy's arguments."""

import functools
import pickle

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess, rosen_hess_prod

import newtonkit as nk

START = [-1.2, 1.0, 0.5]


def solve(fun=rosen, x0=START, jac=rosen_der, hess=rosen_hess, **more):
    return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


CLEAN = solve()


def counted(function):
    @functools.wraps(function)
    def counting(*args):
        counting.calls += 1
        counting.points.append(args[0].tobytes())
        return function(*args)

    counting.calls, counting.points = 0, []
    return counting


def same_path(result, other=CLEAN):
    """Tell whether two runs took the same steps, up to rounding in the derivatives."""
    np.testing.assert_allclose(result.x, other.x, rtol=1e-9)
    values = [[record.value for record in run.history] for run in (result, other)]
    np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-14)
    return (result.status, result.nit, result.nfev) == (other.status, other.nit, other.nfev)


@pytest.mark.parametrize("x0", [START, [1.0, 1.0, 1.0], [3.0, -2.0, 5.0], [0.0, 0.0, 0.0]])
def test_counts_are_the_true_calls(x0):
    fun, jac, hess = counted(rosen), counted(rosen_der), counted(rosen_hess)
    result = solve(fun, x0, jac, hess)
    assert (result.nfev, result.njev, result.nhev) == (fun.calls, jac.calls, hess.calls)
    assert len(set(jac.points)) == jac.calls == hess.calls == result.nit + 1


def test_counts_are_the_true_calls_where_steps_fail():
    def steep(x):
        return 1.0 - 1e-3 / x if x[0] > 0.0 else x * np.nan

    fun = counted(lambda x: x[0] - 1e-3 * np.log(np.abs(x[0])))
    jac, hess = counted(steep), counted(lambda x: np.array([[1e-3 / x[0] ** 2]]) + 0.0 * steep(x)[0])
    result = solve(fun, [2.0], jac, hess)
    assert result.success
    assert jac.calls > result.nit + 1, "some steps led to where there is no gradient"
    assert (result.nfev, result.njev, result.nhev) == (fun.calls, jac.calls, hess.calls)


def test_a_function_that_returns_its_gradient_too_is_called_once_for_both():
    both = counted(lambda x: (rosen(x), rosen_der(x)))
    result = solve(both, jac=True)
    assert both.calls == result.nfev == CLEAN.nfev
    assert result.njev == CLEAN.njev, "gradients that were used"
    np.testing.assert_array_equal(result.x, CLEAN.x)


class Model:
    """A function object with a gradient of its own, which only looks like SciPy's for jac=True."""

    def __init__(self):
        self.gradients = 0

    def __call__(self, x):
        return rosen(x)

    def jac(self, x):
        self.gradients += 1
        return rosen_der(x)


def test_the_gradient_of_a_function_object_is_asked_for_where_it_is_needed_only():
    model = Model()
    result = solve(model, jac=model.jac)
    assert model.gradients == result.njev == CLEAN.njev


def test_hessp_alone_costs_d_products_a_point():
    hessp = counted(rosen_hess_prod)
    result = solve(hess=None, hessp=hessp)
    assert same_path(result)
    assert result.nhev == hessp.calls == 3 * (result.nit + 1)


def test_hess_wins_over_hessp():
    hessp = counted(rosen_hess_prod)
    assert same_path(solve(hessp=hessp))
    assert hessp.calls == 0


@pytest.mark.parametrize("given", [(2.0, 1.0), 2.0, [2.0], "2", np.array([2.0]), ((2.0, 1.0),)])
def test_extra_arguments_arrive_as_scipy_sends_them(given):
    expected = given if isinstance(given, tuple) else (given,)

    def with_args(function):
        def called(*args):
            extra = args[-len(expected) :]
            assert all(one is other for one, other in zip(extra, expected, strict=True))
            return function(*args[: -len(expected)])

        return called

    fun, jac, hess, hessp = (with_args(f) for f in (rosen, rosen_der, rosen_hess, rosen_hess_prod))
    for second in ({"hess": hess}, {"hess": None, "hessp": hessp}):
        assert same_path(solve(fun, jac=jac, args=given, **second))
        assert same_path(nk.newton(fun, START, jac=jac, args=given, **second))
        together = with_args(lambda x: (rosen(x), rosen_der(x)))
        assert same_path(solve(together, jac=True, args=given, **second))


def test_called_directly():
    result = nk.newton(rosen, START, jac=rosen_der, hess=rosen_hess)
    np.testing.assert_array_equal(result.x, CLEAN.x)
    positional = nk.newton(lambda x, a: a * rosen(x), START, (1.0,), jac=lambda x, a: rosen_der(x),
                           hess=lambda x, a: rosen_hess(x))  # fmt: skip
    np.testing.assert_array_equal(positional.x, CLEAN.x)


def test_two_runs_give_the_same_bits():
    again = solve()
    assert again.x.tobytes() == CLEAN.x.tobytes()
    assert again.jac.tobytes() == CLEAN.jac.tobytes()
    assert [r.value for r in again.history] == [r.value for r in CLEAN.history]


def test_results_survive_pickling():
    copy = pickle.loads(pickle.dumps(CLEAN))
    assert type(copy) is nk.MinimizeResult
    assert copy.keys() == CLEAN.keys()
    assert (copy.status, copy.message) == (CLEAN.status, CLEAN.message)
    np.testing.assert_array_equal(copy.x, CLEAN.x)
    assert [repr(record) for record in copy.history] == [repr(record) for record in CLEAN.history]


def test_a_start_that_fun_uses_for_a_buffer():
    buffer = np.array([100.0, 3.0])

    def fun(x):
        buffer[:] = x
        return float(np.log1p(buffer @ buffer))

    def jac(x):
        return 2.0 * x / (1.0 + x @ x)

    def hess(x):
        size = 1.0 + x @ x
        return 2.0 * np.eye(2) / size - 4.0 * np.outer(x, x) / size**2

    clean = solve(lambda x: float(np.log1p(x @ x)), buffer.copy(), jac, hess)
    assert clean.success
    result = solve(fun, buffer, jac, hess)
    np.testing.assert_array_equal(result.x, clean.x)
    assert [r.value for r in result.history] == [r.value for r in clean.history]


def test_the_start_is_left_alone():
    start = np.array(START)
    start.flags.writeable = False
    result = solve(x0=start)
    np.testing.assert_array_equal(start, START)
    assert not np.shares_memory(result.x, start)
    at_once = solve(x0=np.ones(3))
    at_once.x[:] = 7.0
    assert at_once.nit == 0


def test_functions_that_keep_and_spoil_what_they_are_given():
    kept = []

    def spoiling(function):
        def called(x):
            value = function(x)
            kept.append(x)
            x.fill(np.nan)
            return value

        return called

    result = solve(spoiling(rosen), jac=spoiling(rosen_der), hess=spoiling(rosen_hess))
    np.testing.assert_array_equal(result.x, CLEAN.x)
    assert np.isnan(kept).all(), "each call had an x of its own"


def test_functions_that_write_their_results_into_one_buffer():
    gradient, hessian = np.empty(3), np.empty((3, 3))

    def jac(x):
        gradient[:] = rosen_der(x)
        return gradient

    def hess(x):
        hessian[:] = rosen_hess(x)
        return hessian

    result = solve(jac=jac, hess=hess)
    np.testing.assert_array_equal(result.x, CLEAN.x)
    gradient.fill(7.0)
    hessian.fill(7.0)
    np.testing.assert_array_equal(result.jac, CLEAN.jac)
    np.testing.assert_array_equal(result.hess, CLEAN.hess)
