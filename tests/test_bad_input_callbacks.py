"""Callbacks and losses of one's own that raise, spoil or return what they should not."""

import traceback
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from tests.bad_input import SHARES, A, B, assert_refused, solved

PROBLEM = nk.ExpRegression(A - 1.0, B)
CLEAN = nk.minimize(PROBLEM)
START = np.array([1.0, 0.0, -1.0])


def raises(error: BaseException) -> Callable[[Any], None]:
    def callback(record):
        if record.iteration == 1:
            raise error

    return callback


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mine"),
        ValueError("x"),
        ZeroDivisionError(),
        SystemExit(3),
        GeneratorExit(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_callback_raises_comes_out_with_its_traceback(error):
    for options in ({}, {"verbose": 1}, {"starts": 2, "rng": 0}):
        with pytest.raises(type(error)) as caught:
            nk.minimize(PROBLEM, callback=raises(error), **options)
        assert caught.value is error
        frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert frames[-1] == "callback"
        assert "minimize" in frames
    assert solved(PROBLEM).success, "the problem is as good as before"
    assert nk.get_num_threads() >= 1


def test_stop_iteration_and_ctrl_c_end_the_solve_with_the_best_point():
    for error, status in ((StopIteration(), 99), (KeyboardInterrupt(), 6)):
        result = solved(PROBLEM, callback=raises(error), starts=3, rng=0)
        assert result.status == status
        assert not result.success
        assert result.nit == 1
        assert result.fun < PROBLEM.fun(np.zeros(3))
        assert result.fun == PROBLEM.fun(result.x)


def test_a_callback_with_another_signature():
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        nk.minimize(PROBLEM, callback=lambda: None)


@pytest.mark.parametrize(
    "solve",
    [
        lambda callback: nk.minimize(PROBLEM, callback=callback),
        lambda callback: nk.path(PROBLEM, [1.0], callback=callback),
        lambda callback: nk.compare(PROBLEM, methods=["newtonkit"], callback=callback),
        nk.ProgressBar,
    ],
    ids=["minimize", "path", "compare", "ProgressBar"],
)
def test_a_class_in_place_of_its_instance(solve):
    refusal = (TypeError, r"^callback must be an instance, got the class ProgressBar: write ProgressBar\(\)")
    assert_refused(lambda: solve(nk.ProgressBar), refusal)


def test_a_callback_that_spoils_its_record_spoils_nothing_else():
    def spoil(record):
        record.x[:] = np.nan
        record.phases.clear()
        with pytest.raises(FrozenInstanceError):
            record.value = -np.inf

    result = solved(PROBLEM, callback=spoil)
    np.testing.assert_array_equal(result.x, CLEAN.x)
    assert [record.value for record in result.history] == [record.value for record in CLEAN.history]
    assert all(record.x is None and record.phases for record in result.history)


def test_a_callback_that_spoils_the_start_spoils_nothing():
    x0 = START.copy()
    result = solved(PROBLEM, x0=x0, callback=lambda record: x0.fill(np.nan))
    np.testing.assert_array_equal(result.x, solved(PROBLEM, x0=START).x)


def test_a_callback_that_solves_the_same_problem():
    inner = []
    result = solved(PROBLEM, callback=lambda record: inner.append(nk.minimize(PROBLEM, START).success))
    assert all(inner)
    np.testing.assert_array_equal(result.x, CLEAN.x)


@pytest.mark.parametrize("spoilt", ["x", "jac"])
def test_results_can_be_spoilt_without_harm_to_the_problem(spoilt):
    result = nk.minimize(PROBLEM)
    result[spoilt][:] = np.nan
    np.testing.assert_array_equal(nk.minimize(PROBLEM).x, CLEAN.x)
    assert np.isfinite(PROBLEM.jac(CLEAN.x)).all()


class BadLoss(nk.problems.RowwiseLoss):
    """A user's own loss that returns what it should not."""

    wrong: Any = None

    def terms(self, u, b):
        right = 0.5 * (u - b) ** 2, u - b, np.ones_like(u)
        return self.wrong(*right)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda loss, first, second: (loss * np.nan, first, second),
        lambda loss, first, second: (loss, first * np.nan, second),
        lambda loss, first, second: (loss * np.inf, first, second),
    ],
)
def test_losses_of_ones_own_that_are_not_finite(wrong):
    loss = type("Wrong", (BadLoss,), {"wrong": staticmethod(wrong)})(SHARES)
    refusal = (ValueError, "^x0 is no start: the problem has no finite value and gradient")
    assert_refused(lambda: nk.minimize(nk.problems.Problem(A, loss)), refusal)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda loss, first, second: (loss, first),
        lambda loss, first, second: None,
        lambda loss, first, second: (loss, first[:-1], second),
        lambda loss, first, second: (loss, first, second[:, None] * np.ones(3)),
        lambda loss, first, second: (loss, first * np.nan, second * np.nan),
        lambda loss, first, second: (loss, first, second * np.nan),
        lambda loss, first, second: 1 / 0,
    ],
)
def test_losses_of_ones_own_that_are_wrong_never_succeed(wrong):
    loss = type("Wrong", (BadLoss,), {"wrong": staticmethod(wrong)})(SHARES)
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
        nk.minimize(nk.problems.Problem(A, loss))
