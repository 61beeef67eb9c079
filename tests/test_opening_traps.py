"""Data on which a sample of the rows tells too little: the first phase must not lead astray, nor fail."""

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.problems import Power, Regression
from newtonkit.results import Status


def rows(n: int = 60_000, d: int = 20) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.random(n)


@pytest.mark.parametrize("activation", ["sinh", Power(3)], ids=str)
@pytest.mark.parametrize("n", [1000, 60_000])
def test_a_sum_of_zero_has_an_infinite_value(activation: object, n: int) -> None:
    a, b = rows(n)
    problem = Regression(a, b / n, structure="normalised", activation=activation)
    assert problem.fun(np.zeros(20)) == np.inf


def test_a_sample_without_any_of_the_target() -> None:
    a, _ = rows()
    b = np.zeros(60_000)
    b[[5, 17, 300]] = 1 / 3
    result = nk.minimize(nk.SoftmaxCrossEntropy(a, b, ridge=1e-3), np.full(20, 0.1), method="sketched")
    assert result.success


@pytest.mark.parametrize("seed", range(12, 18))
def test_a_direction_that_the_sample_does_not_see(seed: int) -> None:
    """One row carries it alone, and is hardly ever drawn: along it the sample knows no way."""
    rng = np.random.default_rng(8)
    a = rng.normal(size=(12_000, 25))
    a[:, -1] = 0.0
    row = rng.choice(12_000, 1, replace=False)[0]
    a[row, -1] = 3.0
    a = a @ np.linalg.qr(rng.normal(size=(25, 25)))[0]
    b = np.exp(a @ (0.2 * rng.normal(size=25))) * rng.uniform(0.8, 1.2, 12_000)
    problem = nk.ExpRegression(a, b)
    result = nk.minimize(problem, method="sketched", rng=seed)
    assert result.success
    assert result.fun == pytest.approx(nk.minimize(problem, method="exact").fun, rel=1e-10)


@pytest.mark.parametrize("size", [1e-150, 1e140])
def test_weights_whose_multiples_leave_the_range(size: float) -> None:
    a, b = rows()
    weights = np.full(60_000, size)
    if size < 1.0:
        weights[[11, 22, 33]] = 1.0
    result = nk.minimize(nk.ExpRegression(a, b, sample_weight=weights), method="sketched")
    assert result.status is not Status.STALLED


def test_penalties_whose_squares_overflow() -> None:
    a, b = rows()
    problem = nk.ExpRegression(a, b / 60_000, penalty_weights=np.full(60_000, 1e77))
    assert nk.minimize(problem, np.full(20, 0.1), method="sketched").success


def test_ctrl_c_in_the_first_phase_leaves_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = rows()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("newtonkit.approximate.opening.Opening.point", interrupted)
    result = nk.minimize(nk.ExpRegression(a, b), method="sketched")
    assert result.status is Status.INTERRUPTED
    assert len(result.history) == 1
