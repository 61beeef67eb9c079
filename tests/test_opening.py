"""The first phase on a sample of the rows: a short cut that never costs a verdict, a point or a bit."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.approximate.embedded import step_metric
from newtonkit.approximate.opening import Opening
from newtonkit.convergence import Reference
from newtonkit.meter import Limits, Meter
from newtonkit.problems import Problem
from newtonkit.results import IterationRecord, Status
from tests.independent import verdict

N, D = 8000, 10
MOST_KINDS = ("exp", "cosh", "softmax", "resnet-softmax", "entropy-softmax", "cross-entropy")
OPENED = "from the minimum of"


def solve(problem: Problem, x0: Any = None, **options: Any) -> nk.MinimizeResult:
    return nk.minimize(problem, x0, **{"method": "sketched", "rng": 0, **options})


def planted(kind: str, noise: float = 0.3, n: int = N, d: int = D, seed: int = 0) -> Problem:
    return nk.datasets.make_planted(kind, n, d, condition=10.0, noise=noise, rng=seed).problem


def has_opened(result: nk.MinimizeResult) -> bool:
    return any(OPENED in record.note for record in result.history)


def opening_of(problem: Problem, x: np.ndarray, seed: int = 0) -> Opening:
    metric, _ = step_metric(problem, Reference(problem, problem.evaluate(x)).mass, seed)
    return Opening(problem, metric, 1e-8, seed)


@pytest.mark.parametrize("kind", MOST_KINDS)
def test_it_leads_most_of_the_way_and_the_rest_is_as_ever(kind: str) -> None:
    problem, x0 = planted(kind), np.full(D, 0.1)  # at 0 the loss of cosh is stationary
    exact, result = nk.minimize(problem, x0, method="exact"), solve(problem, x0)
    assert exact.success and result.success
    assert result.fun == pytest.approx(exact.fun, rel=1e-9)
    if exact.nit >= 3:
        assert has_opened(result)
        first, second = result.history[:2]
        assert OPENED not in first.note and OPENED in second.note
        assert np.isnan(first.smallest_curvature) and np.isnan(second.ratio)
        assert first.value - second.value > 0.9 * (first.value - exact.fun)
        assert second.step_norm > 0.0
        assert result.nit <= exact.nit + 1
    assert [record.iteration for record in result.history] == list(range(result.nit + 1))
    passes = [record.passes for record in result.history]
    assert (np.diff(passes) > 0).all() and result.passes >= passes[-1] > 0


@pytest.mark.parametrize("kind", MOST_KINDS)
def test_a_warm_start_at_a_solution_returns_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = planted(kind)
    end = solve(problem, np.full(D, 0.1))
    monkeypatch.setattr(Problem, "sampled", lambda *given: pytest.fail("no sample is needed"))
    for result in (solve(problem, end.x), solve(problem, end.x, rng=5)):
        assert result.success
        assert result.nit == 0
        assert not has_opened(result)
        np.testing.assert_array_equal(result.x, end.x)


@pytest.mark.parametrize("kind", MOST_KINDS)
def test_a_point_is_offered_only_where_it_is_better(kind: str) -> None:
    """Near the minimum of all rows the minimum of some of them is worse."""
    problem, rng = planted(kind), np.random.default_rng(1)
    end, refused = solve(problem, np.full(D, 0.1), gtol=1e-11), 0
    for share in (0.0, 1e-6, 1e-3, 0.1, 1.0):
        for seed in range(2):
            x = end.x + share * rng.normal(size=D) * 0.2
            start, meter = problem.evaluate(x), Meter()
            found = opening_of(problem, x, seed).point(start, Limits(200, np.inf), meter)
            if found is None:
                refused += 1
                continue
            assert found[0].value < start.value
            assert found[0].value == pytest.approx(problem.fun(found[0].x.copy()), rel=1e-13)
            assert meter.passes >= 1
    assert refused >= 2
    warm = solve(problem, end.x + 1e-6)
    assert warm.success and warm.history[0].value >= warm.history[-1].value


@pytest.mark.parametrize(
    ("n", "d", "rows"), [(5249, 10, 0), (5250, 10, 1050), (40_000, 10, 1250), (6274, 51, 0)]
)
def test_how_many_rows(n: int, d: int, rows: int) -> None:
    a = np.random.default_rng(0).normal(size=(n, d)) / 10.0
    problem = nk.ExpRegression(a, np.exp(a.sum(axis=1)))
    opening = opening_of(problem, np.zeros(d))
    assert opening.n_rows == rows
    found = opening.point(problem.evaluate(np.zeros(d)), Limits(200, np.inf), Meter())
    assert (found is not None) == (rows > 0)
    if found is not None:
        assert f"{OPENED} {rows} rows" in found[1]


def test_what_has_no_sample_has_no_opening() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(N, D)) / 3.0, rng.random(N)
    grouped = nk.SoftmaxCrossEntropy(a, b, groups=np.arange(N) // 4)
    q = np.linalg.qr(rng.normal(size=(D, D)))[0]
    directions = (q * np.logspace(0, -11, D)) @ q.T
    weak = nk.ExpRegression(a @ directions, np.exp(0.3 * a[:, 0]))  # its metric goes by all rows
    for problem in (grouped, weak):
        result = solve(problem)
        assert result.success and result.nit >= 1
        assert not has_opened(result)


def interrupting(problem: Problem, monkeypatch: pytest.MonkeyPatch, which: int, action: Any) -> list[int]:
    """Let `action` happen before a sample of the problem computes its value for the so-maniest time."""
    original, calls = Problem.sampled, [0]

    def sampled(self: Problem, indices: Any) -> Problem | None:
        sample = original(self, indices)
        assert sample is not None
        value = sample.outer.value

        def noticed(totals: Any) -> float:
            calls[0] += 1
            if calls[0] == which:
                action()
            return float(value(totals))

        sample.outer.value = noticed  # type: ignore[method-assign]
        return sample

    monkeypatch.setattr(Problem, "sampled", sampled)
    return calls


def control_c() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["exp", "softmax", "resnet-softmax"])
@pytest.mark.parametrize("which", [1, 2, 4])
def test_ctrl_c_in_it_returns_the_best_point(kind: str, which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, x0 = planted(kind), np.full(D, 0.01)
    interrupting(problem, monkeypatch, which, control_c)
    result = solve(problem, x0)
    assert result.status is Status.INTERRUPTED and not result.success
    assert result.message.startswith(Status.INTERRUPTED.sentence)
    np.testing.assert_array_equal(result.x, x0)
    assert result.fun == problem.fun(x0)
    assert result.nit == 0
    np.testing.assert_allclose(result.jac, problem.jac(x0))


@pytest.mark.parametrize("late", [1, 2, 4])
def test_the_deadline_holds_in_it(late: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, now = planted("softmax"), [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("newtonkit.meter.time", clock)
    calls = interrupting(problem, monkeypatch, late, lambda: now.__setitem__(0, 1e300))
    result = solve(problem, max_time=1e9)
    assert result.status is Status.MAX_TIME and result.nit == 0
    assert not result.x.any()
    assert calls[0] <= late + 3  # it does not go on for long


def test_limits_of_iterations() -> None:
    problem = planted("softmax")
    none, one, two = (solve(problem, max_iter=k) for k in range(3))
    assert none.status is Status.MAX_ITER and none.nit == 0 and not none.x.any() and not has_opened(none)
    assert one.status is Status.MAX_ITER and one.nit == 1 and has_opened(one)
    assert none.fun > one.fun > two.fun
    assert one.history[1].value == pytest.approx(one.fun, rel=1e-12)
    assert two.nit == 2
    assert solve(problem, max_time=1e-9).status is Status.MAX_TIME


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_callback_may_stop_it(stop: int) -> None:
    problem, seen, x0 = planted("softmax"), [], np.full(D, 0.01)

    def callback(record: IterationRecord) -> None:
        seen.append(record)
        if record.iteration == stop:
            raise StopIteration

    result = solve(problem, x0, callback=callback)
    assert result.status is Status.STOPPED_BY_CALLBACK
    assert [record.iteration for record in seen] == list(range(stop + 1))
    assert len(result.history) == stop + 1
    np.testing.assert_array_equal(seen[0].x, x0)
    np.testing.assert_array_equal(result.x, seen[-1].x)
    assert result.fun == pytest.approx(seen[-1].value, rel=1e-12)
    assert [OPENED in record.note for record in seen] == [k == 1 for k in range(stop + 1)]


def bits(result: nk.MinimizeResult) -> list[Any]:
    records = [(r.value, r.gradient_norm, r.step_norm, r.passes, r.note) for r in result.history]
    return [result.x.tobytes(), result.fun, result.jac.tobytes(), result.status, repr(records)]


@pytest.mark.parametrize("kind", ["exp", "softmax", "resnet-softmax"])
def test_threads_change_no_bit(kind: str) -> None:
    """More than a million entries: with compiled kernels, several blocks and pieces."""
    before, found = nk.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            nk.set_num_threads(threads)
            found.append(solve(planted(kind, n=70_000, d=15), max_iter=4))
    finally:
        nk.set_num_threads(before)
    assert has_opened(found[0])
    assert bits(found[0]) == bits(found[1]) == bits(found[2])


def test_the_seed_says_which_rows() -> None:
    problem = planted("softmax")
    one, same, other = (solve(problem, rng=seed) for seed in (3, 3, 4))
    assert bits(one) == bits(same)
    assert one.history[1].value != other.history[1].value
    assert one.fun == pytest.approx(other.fun, rel=1e-9)
    assert bits(solve(problem, rng=None)) == bits(solve(problem, rng=None))


@pytest.mark.parametrize("kept", [1, 3, 40, 400])
@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxRegression, nk.SoftmaxCrossEntropy])
def test_weights_of_zero_on_almost_all_rows(kind: Any, kept: int) -> None:
    rng = np.random.default_rng(6)
    a, b, s = rng.normal(size=(N, D)), rng.random(N) + 0.5, np.zeros(N)
    s[rng.choice(N, kept, replace=False)] = rng.uniform(0.5, 2.0, kept)
    b = b if kind is nk.ExpRegression else b / (s @ b)
    problem = kind(a, b, sample_weight=s, ridge=1e-3)
    exact = nk.minimize(problem, method="exact")
    for seed in range(3):
        result = solve(problem, rng=seed)
        assert result.success == exact.success
        assert abs(result.fun - exact.fun) <= 1e-8 * problem.evaluate(np.zeros(D)).loss_scale


def test_a_sample_that_is_separable_is_not_the_whole() -> None:
    """One or two choices of thirty are in the sample, so far out that its loss has no least; the data has."""
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(N, D)), np.zeros(N)
    chosen = np.arange(0, N, N // 30)
    a[chosen] *= 3.0
    b[chosen] = 1.0
    problem = nk.SoftmaxCrossEntropy(a, b)
    exact = nk.minimize(problem, method="exact")
    assert exact.success
    separable = 0
    for seed in range(6):
        indices = np.sort(np.random.default_rng(seed).choice(N, 1080, replace=False))
        keep = np.concatenate((indices[b[indices] == 0.0], indices[b[indices] > 0.0][:1]))
        sample = problem.sampled(np.sort(keep))
        assert sample is not None
        separable += not nk.minimize(sample, method="exact").success
        result = solve(problem, rng=seed)
        assert result.success
        assert result.fun == pytest.approx(exact.fun, rel=1e-9)
    assert separable >= 4


def test_data_that_is_separable_is_no_success() -> None:
    a, b = np.random.default_rng(8).normal(size=(N, D)), np.zeros(N)
    b[np.argmax(a[:, 0])] = 1.0
    assert not solve(nk.SoftmaxCrossEntropy(a, b)).success


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gamma", [0.0, 1e-4])
def test_non_convex_losses_end_verified_from_any_start(gamma: float, seed: int) -> None:
    """Targets that have nothing to do with A: D is negative in many rows on the way."""
    rng = np.random.default_rng([9, seed])
    a = rng.normal(size=(6000, 5))
    b = rng.gamma(0.05, size=6000) + 1e-12
    raw = SimpleNamespace(A=a, b=b / b.sum(), groups=None, offset=None, penalty_weights=None, ridge=0.0)
    raw.structure, raw.activation, raw.entropy_weight = "normalised", "exp", gamma
    problem = nk.EntropySoftmaxRegression(a, raw.b, entropy_weight=gamma)
    for size in (0.0, 0.3, 1.0, 3.0):
        x0 = size * rng.normal(size=5)
        judged = [
            verdict(SimpleNamespace(raw=raw), nk.minimize(problem, x0, method=method, rng=seed))
            for method in ("exact", "sketched")
        ]
        for each in judged:
            assert each.verified or each.honest_saturated, str(each)
        assert judged[1].verified or not judged[0].verified, str(judged[1])


def test_several_starts_open_each() -> None:
    problem = planted("softmax")
    result = solve(problem, np.full(D, 0.3), starts=3)
    assert len(result.starts) == 3 and result.success
    assert result.fun == pytest.approx(solve(problem).fun, rel=1e-9)
