"""Ends that a sample must not hide: directions that few rows carry, empty designs, far starts."""

import numpy as np
import pytest

import newtonkit as nk

METHODS = ("sketched", "sampled")


def lonely(target: float) -> nk.ExpRegression:
    """Row 7 alone carries column 50; its target sends u_7 to log(target), to minus infinity if that is 0."""
    rng = np.random.default_rng(0)
    a = np.zeros((4000, 51))
    a[:, :50] = rng.standard_normal((4000, 50)) / 6
    a[7] = 0.0
    a[7, 50] = 1.0
    b = np.exp(a @ rng.standard_normal(51))
    b[7] = target
    return nk.ExpRegression(a, b)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_a_direction_that_runs_off_is_no_minimum(method: str, seed: int) -> None:
    """The gradient is at tolerance long before: it holds exp(2 u_7) only."""
    result = nk.minimize(lonely(0.0), method=method, rng=seed)
    assert not result.success
    assert result.x[50] < -25.0
    if method == "sketched":
        assert result.history[-1].rows_sampled < 4000


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", range(3))
def test_a_far_minimum_along_it_is_gone_to(method: str, seed: int) -> None:
    result = nk.minimize(lonely(1e-12), method=method, rng=seed)
    assert result.success
    assert result.x[50] == pytest.approx(np.log(1e-12), abs=0.05)
    assert nk.minimize(lonely(1e-12), method="exact").x[50] == pytest.approx(np.log(1e-12), abs=0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxRegression, nk.ResNetSoftmaxRegression])
def test_a_design_of_zeros(kind: type, method: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing can be factorised, and LAPACK has nothing to say on it."""
    problem = kind(np.zeros((400, 5)), np.full(400, 1 / 400))
    result = nk.minimize(problem, method=method)
    assert result.status is nk.minimize(problem, method="exact").status
    assert result.rank == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("far", [1e3, 1e4, 1e5])
def test_p_on_a_wrong_row_stays_saturated(method: str, far: float) -> None:
    rng = np.random.default_rng(3)
    a, truth = rng.standard_normal((6000, 40)), 0.3 * rng.standard_normal(40)
    p = np.exp(a @ truth)
    result = nk.minimize(nk.SoftmaxRegression(a, p / p.sum()), -far * truth, method=method)
    assert result.status is nk.Status.SATURATED


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [700.0, 740.0])
def test_starts_at_the_edge_of_floats(method: str, size: float) -> None:
    rng = np.random.default_rng(4)
    a, x0 = rng.standard_normal((300, 40)), rng.standard_normal(40)
    problem = nk.SoftmaxRegression(a, np.full(300, 1 / 300), ridge=1e-6)
    result = nk.minimize(problem, x0 * size / np.abs(a @ x0).max(), method=method)
    assert result.success


@pytest.mark.parametrize("method", METHODS)
def test_weights_over_hundreds_of_orders_of_magnitude(method: str) -> None:
    rng = np.random.default_rng(5)
    a, offset = rng.standard_normal((300, 40)), np.zeros(300)
    offset[::3] = 300.0
    assert nk.minimize(nk.ExpRegression(a, np.ones(300), offset=offset), method=method).success


def test_the_smallest_epsilon_keeps_all_rows() -> None:
    a = np.random.default_rng(6).standard_normal((500, 4))
    result = nk.minimize(nk.ExpRegression(a, np.ones(500)), method="sampled", epsilon=1e-17)
    assert result.success
    assert result.history[0].rows_sampled == 500


def test_success_at_tolerance_zero_is_named_by_the_point_computed_anew() -> None:
    """A gradient of exactly 0 there meets gtol = 0; anything more is working precision."""
    rng = np.random.default_rng(7)
    successes = 0
    for _ in range(20):
        a = rng.standard_normal((40, 3))
        result = nk.minimize(nk.SinhRegression(a, np.sinh(a @ rng.standard_normal(3))), gtol=0.0)
        if result.success:
            successes += 1
            assert (result.status is nk.Status.CONVERGED) == (not result.jac.any())
    assert successes >= 15
