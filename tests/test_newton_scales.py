"""The unit of the value, the units of the variables and an offset do not decide what is a minimum."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

import newtonkit as nk

START = np.array([-1.2, 1.0])


def solve(fun=rosen, x0=START, jac=rosen_der, hess=rosen_hess, **more):
    return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


def scaled(factor, units=1.0, x0=START):
    """Solve factor times Rosenbrock's function of x / units."""
    units = np.broadcast_to(units, len(x0)).astype(float)
    return solve(
        lambda x: factor * rosen(x / units),
        x0 * units,
        lambda x: factor * rosen_der(x / units) / units,
        lambda x: factor * rosen_hess(x / units) / np.outer(units, units),
    )


@pytest.mark.parametrize("factor", [1e-300, 1e-150, 1e-100, 1e-20, 1e-12, 1e-6, 1e6, 1e12, 1e100])
def test_the_unit_of_the_value(factor):
    result = scaled(factor)
    assert result.success
    assert result.nit > 10
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-4)
    assert result.fun <= 1e-9 * factor * rosen(START)


@pytest.mark.parametrize("first", [1e-6, 1e-3, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("second", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_the_units_of_the_variables(first, second):
    result = scaled(1.0, [first, second])
    assert result.success
    np.testing.assert_allclose(result.x / [first, second], 1.0, rtol=1e-2)
    assert result.fun <= 1e-5 * rosen(START)


def test_both_at_once_for_more_variables():
    d = 6
    units = 10.0 ** np.linspace(-6, 6, d)
    for factor in (1e-12, 1.0, 1e12):
        result = scaled(factor, units, np.full(d, 1.3))
        assert result.success
        assert result.fun <= 1e-5 * factor * rosen(np.full(d, 1.3))


@pytest.mark.parametrize("factor", [1e-6, 1e-12, 1e-20])
@pytest.mark.parametrize("gtol", [1e-5, 1e-3, 1.0])
def test_a_tiny_function_is_no_success_at_its_start(factor, gtol):
    for x0 in (START, [0.5, 0.5], [1.01, 1.0]):
        result = solve(
            lambda x: factor * rosen(x),
            x0,
            lambda x: factor * rosen_der(x),
            lambda x: factor * rosen_hess(x),
            options={"gtol": gtol},
        )
        assert result.success
        assert result.nit > 0
        assert result.fun <= 1e-3 * factor * rosen(np.asarray(x0))


@pytest.mark.parametrize("offset", [1e3, 1e6, 1e8, 1e10, 1e12, -1e8])
def test_an_offset_that_swallows_digits(offset):
    result = solve(lambda x: offset + rosen(x))
    assert result.success
    assert np.linalg.norm(result.jac) <= 1e-5 * 10
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-3)


def test_an_offset_that_swallows_a_tiny_function():
    """Not one digit of the differences is left in the value: the gradient alone leads."""
    result = solve(
        lambda x: 1e8 + 1e-12 * rosen(x),
        jac=lambda x: 1e-12 * rosen_der(x),
        hess=lambda x: 1e-12 * rosen_hess(x),
    )
    assert result.fun == 1e8
    assert not result.success or np.allclose(result.x, 1.0, rtol=1e-2)


@pytest.mark.parametrize("digits", [14, 12, 10, 8, 6, 4])
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4])
def test_values_of_few_digits(digits, offset):
    def fun(x):
        return float(f"{offset + rosen(x):.{digits - 1}e}")

    result = solve(fun)
    near = rosen(result.x) <= max(offset, 1e-3) * 10.0 ** (2 - digits) * 10
    assert near, "as near as the digits of the value allow"
    if result.success:
        assert np.linalg.norm(result.jac) <= 1e-4
    else:
        assert result.status == 5


def test_noisy_values_end():
    for seed in range(10):
        noise = np.random.default_rng(seed)
        result = solve(lambda x, noise=noise: (1.0 + rosen(x)) * (1.0 + 1e-10 * noise.standard_normal()))
        assert rosen(result.x) <= 1e-7
        assert not result.success or np.linalg.norm(result.jac) <= 1e-4
        assert result.success or result.status in (2, 5)


@pytest.mark.parametrize("noise", [1e-12, 1e-9, 1e-6, 1e-3])
def test_noisy_hessians_as_from_finite_differences(noise):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        result = solve(
            hess=lambda x, rng=rng: rosen_hess(x) * (1.0 + noise * rng.standard_normal((2, 2))),
            x0=[-1.2, 1.0],
        )
        assert result.success
        np.testing.assert_allclose(result.x, 1.0, rtol=1e-3)


def test_finite_differences_of_the_gradient():
    def hess(x):
        steps = 1e-7 * np.maximum(np.abs(x), 1.0)
        return np.stack([(rosen_der(x + h) - rosen_der(x)) / h.sum() for h in np.diag(steps)])

    result = solve(hess=hess)
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, rtol=1e-6)


def quadratic(d, condition, seed=0):
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    matrix = (q * np.geomspace(1.0 / condition, 1.0, d)) @ q.T
    matrix = 0.5 * (matrix + matrix.T)
    minimum = rng.standard_normal(d)
    return (
        lambda x: float(0.5 * (x - minimum) @ matrix @ (x - minimum)),
        lambda x: matrix @ (x - minimum),
        lambda x: matrix,
        minimum,
    )


@pytest.mark.parametrize("condition", [1.0, 1e5, 1e10])
def test_quadratics_of_200_variables(condition):
    fun, jac, hess, minimum = quadratic(200, condition)
    result = solve(fun, np.zeros(200), jac, hess)
    assert result.success
    assert result.nit <= 12
    assert result.fun <= 1e-7 * fun(np.zeros(200))
    np.testing.assert_allclose(result.x, minimum, atol=1e-7 * condition)


@pytest.mark.parametrize("size", [1e-100, 1e-20, 1e-8, 1e8, 1e15])
def test_starts_very_near_and_very_far(size):
    result = solve(lambda x: float(x @ x), size * START, lambda x: 2.0 * x, lambda x: 2.0 * np.eye(2))
    assert result.success
    assert np.abs(result.x).max() <= 1e-8 * max(size, 1.0)
