"""Points with a small gradient and no negative curvature that are no minima, and flat ones that are."""

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der, rosen_hess

import newtonkit as nk


def solve(terms, start, **options):
    """Minimise a sum of c x_i^p over the terms (i, c, p)."""
    x0 = np.array(start, dtype=float)

    def derivative(order):
        def at(x):
            parts = np.zeros_like(x)
            for i, c, p in terms:
                factors = np.prod([p - k for k in range(order)]) if order else 1.0
                parts[i] += c * factors * x[i] ** (p - order) if p >= order else 0.0
            return parts

        return at

    return minimize(
        lambda x: derivative(0)(x).sum(),
        x0,
        jac=derivative(1),
        hess=lambda x: np.diag(derivative(2)(x)),
        method=nk.newton,
        options=options,
    )


@pytest.mark.parametrize("start", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("power", [3, 5, 7])
def test_an_inflection_is_no_minimum(power, start):
    result = solve([(0, 1.0, power)], [start])
    assert not result.success
    assert abs(result.jac[0]) <= 1e-5


@pytest.mark.parametrize("start", [1.0, -3.0, 10.0])
@pytest.mark.parametrize("power", [2, 4, 6])
def test_a_flat_minimum_is_one(power, start):
    result = solve([(0, 1.0, power)], [start])
    assert result.success
    assert result.fun < 1e-8


@pytest.mark.parametrize("last", [(1, 1.0, 3), (1, -1.0, 3), (1, -1.0, 4)])
def test_a_degenerate_saddle_is_no_minimum(last):
    result = solve([(0, 1.0, 2), last], [1.0, 0.0], maxiter=60)
    assert not result.success


def test_a_degenerate_minimum_reached_in_one_step_is_one():
    result = solve([(0, 1.0, 2), (1, 1.0, 4)], [1.0, 0.0])
    assert result.success
    np.testing.assert_array_equal(result.x, [0.0, 0.0])


def test_the_length_of_x_sets_the_scale():
    """x - 1e-18 log x is minimal at 1e-18: a step of 1e-17 is not nothing there."""
    result = minimize(
        lambda x: x[0] - 1e-18 * np.log(x[0]) if x[0] > 0.0 else np.nan,
        [1e-3],
        jac=lambda x: 1.0 - 1e-18 / x,
        hess=lambda x: np.diag(1e-18 / x**2),
        method=nk.newton,
    )
    assert result.success
    assert result.x[0] == pytest.approx(1e-18, rel=1e-4, abs=0.0)


def test_a_far_start():
    result = solve([(0, 1.0, 2), (1, 1.0, 2)], [1e20, 1.0])
    assert result.success
    np.testing.assert_allclose(result.x, 0.0, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_noisy_values_end_at_the_minimum(seed):
    """The tenth digit of the value is random: the gradient tells where the minimum is."""
    rng = np.random.default_rng(seed)

    def fun(x):
        return (100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 1) * (1 + 1e-10 * rng.normal())

    def jac(x):
        return np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])

    def hess(x):
        return np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])

    result = minimize(fun, [-1.2, 1.0], jac=jac, hess=hess, method=nk.newton)
    assert result.success
    np.testing.assert_allclose(result.x, 1.0, atol=1e-4)


@pytest.mark.parametrize("digits", [6, 8])
def test_values_too_coarse_for_any_step_leave_a_minimum_at_tolerance(digits):
    """No step lowers a value of so few digits, but the Newton step from here leads nowhere."""
    result = minimize(
        lambda x: float(f"{1.0 + rosen(x):.{digits - 1}e}"),
        [1.001, 1.001],
        jac=rosen_der,
        hess=rosen_hess,
        method=nk.newton,
        options={"gtol": 1e-2},
    )
    assert result.status is nk.Status.CONVERGED
    assert np.linalg.norm(result.jac) <= 1e-2
