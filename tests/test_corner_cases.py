"""Problems at the edges: tiny slopes at saddles, flat directions, huge starts, data out of range."""

from __future__ import annotations

import numpy as np
import pytest

import newtonkit as nk

B = np.random.default_rng(0).normal(size=(300, 5))
Y = np.exp(B @ np.full(5, 0.3))


@pytest.mark.parametrize("size", [1e-16, 1e-40, 1e-160, 1e-300])
def test_a_saddle_is_left_however_small_the_gradient(size: float) -> None:
    result = nk.minimize(nk.CoshRegression(B, np.full(300, 3.0)), np.full(5, size))
    assert result.success
    assert result.fun < 0.9 * 0.5 * 300 * 4.0  # the loss at the saddle x = 0


def test_a_penalty_pulls_where_the_rows_say_nothing() -> None:
    zero_column = np.c_[B, np.zeros(300)]
    result = nk.minimize(nk.SinhRegression(zero_column, np.zeros(300), ridge=1e-3), [0, 0, 0, 0, 0, 5.0])
    assert result.success
    assert result.fun < 1e-25
    result = nk.minimize(nk.ExpRegression(np.zeros((4, 2)), np.ones(4), ridge=1.0), [1.0, 1.0])
    assert result.success
    assert result.fun == 0.0


def test_a_tiny_penalty_pulls_in_the_null_space_of_a_wide_design() -> None:
    A = np.random.default_rng(7).normal(size=(12, 20))
    problem = nk.ExpRegression(A, np.exp(A @ np.full(20, 0.1)), ridge=1e-9)
    least = nk.minimize(problem)
    away = nk.minimize(problem, least.x + 100.0 * np.linalg.svd(A)[2][15])
    assert away.success
    assert away.fun == pytest.approx(least.fun, rel=1e-6)


def test_a_squared_loss_that_falls_to_zero_at_infinity_is_saturated() -> None:
    target = np.zeros(300)
    target[np.argmax(B @ [0.6, -0.4, 0.3, 0.0, -0.2])] = 1.0
    result = nk.minimize(nk.SoftmaxRegression(B, target))
    assert result.status is nk.Status.SATURATED
    assert result.nit < 100


def test_groups_of_one_row_leave_nothing_to_choose() -> None:
    result = nk.minimize(nk.SoftmaxRegression(B, np.ones(300), groups=np.arange(300)))
    assert result.success
    assert result.fun == 0.0
    assert result.nit == 0


def test_a_huge_start_raises_no_warning() -> None:
    result = nk.minimize(nk.ExpRegression(B, Y), [100.0, 0.0, 0.0, 0.0, 0.0])
    assert np.isfinite(result.fun)
    assert result.fun < 1e-100 * nk.ExpRegression(B, Y).fun([100.0, 0.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_data_whose_squares_leave_the_range_of_floats_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=r"^A has largest entry"):
        nk.ExpRegression(scale * B, Y)


@pytest.mark.parametrize(
    ("option", "value"),
    [("verbose", "yes"), ("rng", "a"), ("gtol", 1j), ("method", np.array(["a", "b"]))],
)
def test_options_are_refused_by_name(option: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=option):
        nk.minimize(nk.ExpRegression(B, Y), **{option: value})  # type: ignore[arg-type]


def test_an_interruption_between_two_starts_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    from newtonkit import minimizer  # noqa: PLC0415

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(minimizer, "_random_start", interrupted)
    result = nk.minimize(nk.ExpRegression(B, Y), starts=3, rng=0)
    assert result.success
    assert len(result.starts) == 1
