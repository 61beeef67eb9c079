"""The contract of nk.minimize: results, options, limits, interruptions, callbacks, multistart."""

import copy
import pickle
import time
from enum import IntEnum
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

import newtonkit as nk
from newtonkit.results import IterationRecord

TRUTH = np.array([0.5, -0.3, 0.2])


def planted(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    a = np.random.default_rng(0).normal(size=(n, 3))
    return a, np.exp(a @ TRUTH)


def problem() -> nk.ExpRegression:
    return nk.ExpRegression(*planted())


def test_the_result_is_an_optimize_result_with_every_field() -> None:
    p = problem()
    result = nk.minimize(p)
    assert isinstance(result, OptimizeResult)
    assert isinstance(result, nk.MinimizeResult)
    np.testing.assert_allclose(result.x, TRUTH, atol=1e-8)
    assert result.fun == p.fun(result.x)
    np.testing.assert_array_equal(result.jac, p.jac(result.x))
    assert result.success is True
    assert isinstance(result.status, IntEnum)
    assert result.status is nk.Status.CONVERGED
    assert result.status == 0
    assert result.message == nk.Status.CONVERGED.sentence
    assert 0 < result.nit < result.nfev
    assert result.njev == result.nhev == result.nit + 1
    assert 0 < result.nit <= result.passes
    assert result.seconds > 0.0
    assert result.rank == 3
    assert result.method == "exact"
    assert result.starts == ((result.fun, result.status),)
    assert "fun" in repr(result)
    assert {"x", "fun", "history"} <= set(dir(result))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = result.nothing_of_the_kind


@pytest.mark.parametrize("status", nk.Status)
def test_every_status_is_a_sentence(status: nk.Status) -> None:
    assert status.sentence[0].isupper()
    assert status.sentence.endswith(".")
    assert status.success == (status.name in ("CONVERGED", "WORKING_PRECISION"))


def test_history_has_a_record_per_iteration() -> None:
    p = problem()
    result = nk.minimize(p)
    history = result.history
    assert len(history) == result.nit + 1
    assert [record.iteration for record in history] == list(range(result.nit + 1))
    assert all(isinstance(record, IterationRecord) for record in history)
    assert history[0].value == p.fun(np.zeros(3))
    assert history[-1].value == pytest.approx(result.fun, rel=1e-12)
    assert history[-1].gradient_norm == pytest.approx(np.linalg.norm(result.jac), rel=1e-12)
    assert history[-1].relative_gradient <= 1e-8
    assert history[-1].passes <= result.passes
    assert np.isnan(history[0].ratio)
    assert history[0].step_norm == history[0].trials == 0
    for before, after in pairwise(history):
        assert after.value < before.value
        assert after.passes > before.passes
        assert after.seconds >= before.seconds
        assert after.step_norm > 0.0
        assert after.trials >= 1
        assert after.radius > 0.0
        assert after.rows_sampled == 60
        assert after.x is None
        work = {"value", "gradient", "metric", "hessian", "factor", "step", "verdict", "trials"}
        assert work == set(after.phases)
        assert sum(after.phase_passes.values()) == after.passes
    assert sum(record.trials for record in history) <= result.nfev
    with pytest.raises(AttributeError):
        history[0].value = 1.0


def test_the_radius_is_carried_from_step_to_step() -> None:
    """From the wrong side of a softmax it grows, shrinks where the model turns, and grows again."""
    a, _ = planted()
    shares = np.exp(3.0 * a @ TRUTH)
    result = nk.minimize(nk.SoftmaxRegression(a, shares / shares.sum()), -3.0 * TRUTH)
    radii = np.array([record.radius for record in result.history])
    assert result.success
    assert radii.max() >= 4.0
    assert (radii[1:] < 0.5 * radii[:-1]).any()
    assert (radii[1:] > 1.2 * radii[:-1]).any()


@pytest.mark.parametrize(
    "kind", [nk.ExpRegression, nk.CoshRegression, nk.SinhRegression, nk.SoftmaxRegression]
)
def test_values_never_rise_except_where_the_gradient_decides(kind: type) -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(size=(80, 4))
    b = rng.random(80) * (1.0 / 40.0 if kind is nk.SoftmaxRegression else 3.0)
    result = nk.minimize(kind(a, b), x0=rng.normal(size=4), gtol=0.0)
    assert result.success
    for before, after in pairwise(result.history):
        slack = 1e-12 * abs(before.value) if after.note else 0.0
        assert after.value <= before.value + slack


BAD = [
    ({"gtol": -1e-9}, ValueError),
    ({"gtol": np.nan}, ValueError),
    ({"gtol": "small"}, TypeError),
    ({"gtol": None}, TypeError),
    ({"gtol": True}, TypeError),
    ({"gtol": 1j}, TypeError),
    ({"max_iter": -1}, ValueError),
    ({"max_iter": 2.0}, TypeError),
    ({"max_iter": True}, TypeError),
    ({"max_iter": None}, TypeError),
    ({"max_time": -1.0}, ValueError),
    ({"max_time": np.nan}, ValueError),
    ({"max_time": "1 s"}, TypeError),
    ({"starts": 0}, ValueError),
    ({"starts": 1.5}, TypeError),
    ({"starts": True}, TypeError),
    ({"method": "newton"}, ValueError),
    ({"method": None}, ValueError),
    ({"callback": 3}, TypeError),
    ({"x0": [1.0, 2.0]}, ValueError),
    ({"x0": 0.0}, ValueError),
    ({"x0": np.zeros((1, 3))}, ValueError),
    ({"x0": [np.nan, 0.0, 0.0]}, ValueError),
    ({"x0": [0.0, np.inf, 0.0]}, ValueError),
    ({"x0": [1j, 0.0, 0.0]}, TypeError),
    ({"x0": ["a", "b", "c"]}, TypeError),
    ({"x0": [500.0, 0.0, 0.0]}, ValueError),
    ({"x0": [1e308, 1e308, 0.0]}, ValueError),
]


@pytest.mark.parametrize(("options", "error"), BAD, ids=[str(options) for options, _ in BAD])
def test_a_bad_option_is_refused_by_name(options: dict, error: type[Exception]) -> None:
    called: list[object] = []
    options.setdefault("callback", called.append)
    (name,) = {*options} - {"callback"} or {"callback"}
    with pytest.raises(error, match=name):
        nk.minimize(problem(), **options)
    assert not called


def test_what_is_no_problem_is_refused() -> None:
    with pytest.raises(TypeError, match="problem"):
        nk.minimize(np.sum)


def test_a_start_outside_the_domain_is_refused() -> None:
    a = np.abs(np.random.default_rng(0).normal(size=(50, 2)))
    p = nk.ResNetSoftmaxRegression(a, np.full(50, 0.02))
    with pytest.raises(ValueError, match="x0"):
        nk.minimize(p, x0=[-3.0, -3.0])


def test_options_of_numpy_types_are_taken() -> None:
    result = nk.minimize(
        problem(), gtol=np.float32(1e-6), max_iter=np.int64(50), starts=np.int32(1), max_time=10
    )
    assert result.success


def test_no_iterations_return_the_start() -> None:
    x0 = np.array([0.1, 0.2, 0.3])
    result = nk.minimize(problem(), x0, max_iter=0)
    np.testing.assert_array_equal(result.x, x0)
    assert result.status is nk.Status.MAX_ITER
    assert not result.success
    assert result.nit == 0
    assert "limit" in result.message
    assert "gtol" in result.message


@pytest.mark.parametrize("max_iter", [1, 3, 4])
def test_the_iteration_limit_returns_the_best_point_so_far(max_iter: int) -> None:
    result = nk.minimize(problem(), max_iter=max_iter)
    whole = nk.minimize(problem())
    assert result.nit == max_iter < whole.nit
    assert result.status is nk.Status.MAX_ITER
    assert not result.success
    assert result.fun == pytest.approx(min(record.value for record in result.history), rel=1e-9)
    assert result.fun == pytest.approx(whole.history[max_iter].value, rel=1e-9)


def test_enough_iterations_are_a_success_to_the_last_one() -> None:
    whole = nk.minimize(problem())
    assert nk.minimize(problem(), max_iter=whole.nit).success


def test_the_time_limit_returns_the_best_point_so_far() -> None:
    none = nk.minimize(problem(), max_time=0)
    assert none.status is nk.Status.MAX_TIME
    assert (none.nit, none.success) == (0, False)
    assert none.fun == problem().fun(np.zeros(3))

    some = nk.minimize(problem(), max_time=0.3, callback=lambda _: time.sleep(0.12))
    assert some.status is nk.Status.MAX_TIME
    assert not some.success
    assert 0 < some.nit < 6
    assert some.fun == pytest.approx(min(record.value for record in some.history), rel=1e-12)


def test_the_time_limit_holds_for_all_starts_together() -> None:
    result = nk.minimize(problem(), max_time=0, starts=1000, rng=0)
    assert result.status is nk.Status.MAX_TIME
    assert len(result.starts) == 1


def test_the_result_does_not_hang_on_arrays_of_the_caller() -> None:
    a, b = planted()
    x0 = np.full(3, 0.1)
    p = nk.ExpRegression(a, b)
    result = nk.minimize(p, x0)
    kept = copy.deepcopy(result)
    x0[:] = 7.0
    result.x[:] = np.nan
    result.jac[:] = np.nan
    again = nk.minimize(p, kept.x)
    np.testing.assert_array_equal(again.x, kept.x)
    np.testing.assert_array_equal(again.jac, kept.jac)
    np.testing.assert_array_equal(p.jac(kept.x), kept.jac)


def test_a_warm_start_at_a_solution_returns_at_once() -> None:
    for p in (problem(), nk.CoshRegression(planted()[0], np.full(60, 3.0))):
        result = nk.minimize(p)
        again = nk.minimize(p, result.x)
        assert again.nit == 0
        assert again.success
        np.testing.assert_array_equal(again.x, result.x)
        assert again.fun == result.fun
        assert nk.minimize(p, result.x, max_iter=0).success


def test_a_result_survives_pickling() -> None:
    result = nk.minimize(problem())
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert type(other) is nk.MinimizeResult
        np.testing.assert_array_equal(other.x, result.x)
        assert other.status is nk.Status.CONVERGED
        assert len(other.history) == len(result.history)
        assert other.history[-1] == result.history[-1]
        assert other.message == result.message
