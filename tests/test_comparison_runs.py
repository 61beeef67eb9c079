"""How runs are watched and merged: the clock, idle runs, traces, seeds."""

import json
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.comparison import TracePoint, judgement, registry
from newtonkit.comparison.judgement import milestones
from newtonkit.comparison.method import Method, Run
from newtonkit.comparison.monitor import (
    IterationsUsedUp,
    MethodEnded,
    Monitor,
    NoMovement,
    TimeIsUp,
    ToleranceMet,
)
from newtonkit.comparison.oracle import Oracle
from newtonkit.comparison.start import Limits, Start
from newtonkit.problems import StructuredHessian
from tests.comparing import GTOL, exp_data, slow_problem


@pytest.fixture(scope="module")
def problem():
    return nk.ExpRegression(*exp_data())


@pytest.fixture
def start(problem):
    return Start.of(problem, np.zeros(5), GTOL)


class TestMonitor:
    def test_the_clock_stands_still_for_the_comparison(self, start):
        monitor = Monitor(start, Limits(0.05))
        with monitor.clock_stopped():
            time.sleep(0.1)
            monitor.moved(np.ones(5), 1.0)
        assert monitor.trace[-1].seconds <= monitor.seconds < 0.05
        monitor.check_clock()
        time.sleep(0.05)
        with pytest.raises(TimeIsUp):
            monitor.check_clock()

    def test_iterates_and_their_times(self, start):
        monitor = Monitor(start, Limits(10.0))
        for k in (1, 2, 3):
            monitor.moved(np.full(5, 0.1 * k), 10.0 - k)
        assert [point.iteration for point in monitor.trace] == [0, 1, 2, 3]
        assert [point.value for point in monitor.trace] == [start.value, 9.0, 8.0, 7.0]
        seconds = [point.seconds for point in monitor.trace]
        assert seconds == sorted(seconds)
        monitor.conclude(np.full(5, 0.1 * 3), 7.0, 3)
        assert len(monitor.trace) == 4  # there already
        monitor.conclude(np.full(5, 0.4), 6.0, 3)
        assert monitor.trace[-1].value == 6.0

    def test_no_movement(self, start):
        monitor = Monitor(start, Limits(10.0))
        with pytest.raises(NoMovement):
            for _ in range(200):
                monitor.moved(start.x, start.value)
        assert monitor.iterations == 100

    def test_iterations_used_up(self, start):
        monitor = Monitor(start, Limits(10.0, 2), caps_iterations=True)
        monitor.moved(np.ones(5), 1.0)
        with pytest.raises(IterationsUsedUp):
            monitor.moved(np.zeros(5), 0.5)

    def test_tolerance_ends_the_iteration_on_the_way(self, start):
        monitor = Monitor(start, Limits(10.0))
        monitor.judge(np.ones(5), 1.0, 1.0, 1.0)
        monitor.judge(np.ones(5), start.value + 1.0, 0.0, 1.0)  # above the iterate: a plateau
        assert monitor.iterations == 0
        with pytest.raises(ToleranceMet):
            monitor.judge(np.ones(5), 1.0, 0.0, 1.0)
        assert monitor.trace[-1][::2] == (1, 1.0)

    def test_endings_are_not_what_methods_take_for_their_own(self):
        """TNC lets StopIteration escape, others end quietly: neither may happen."""
        assert not issubclass(MethodEnded, StopIteration)
        assert issubclass(MethodEnded, Exception)


class TestOracle:
    def test_slsqp_is_where_it_asks_for_gradients(self, problem, start):
        oracle = Oracle(problem, start, Limits(10.0), gradients_at_iterates=True)
        for k in (0, 1, 1, 2):
            oracle.fun(np.full(5, 0.1 * k)), oracle.jac(np.full(5, 0.1 * k))
        oracle.fun(np.full(5, 0.3))
        assert oracle.monitor.iterations == 2
        assert [p.value for p in oracle.monitor.trace] == [problem.fun(np.full(5, 0.1 * k)) for k in range(3)]

    def test_the_value_at_an_iterate_may_be_left_out(self, problem, start):
        oracle = Oracle(problem, start, Limits(10.0))
        here, elsewhere = np.full(5, 0.1), np.full(5, 0.2)
        oracle.fun(here)
        oracle.iteration(here)
        oracle.iteration(elsewhere)  # where it never asked for a value
        assert [p.value for p in oracle.monitor.trace[1:]] == [problem.fun(here), problem.fun(elsewhere)]
        assert oracle.counts[0] == 1

    def test_time_spent_on_notes_is_not_charged(self, start, monkeypatch):
        problem = slow_problem()  # 0.02 s for each evaluation
        oracle = Oracle(problem, Start.of(problem, np.zeros(2), GTOL), Limits(10.0))
        oracle.fun(np.full(2, 0.01))
        before, began = oracle.monitor.seconds, time.perf_counter()
        oracle.iteration(np.full(2, 0.02))
        assert time.perf_counter() - began > 0.02 > oracle.monitor.seconds - before


def test_hessians_are_formed_once_before_the_first_clock_starts(monkeypatch):
    """That compiles what forms them for large sparse designs: nobody is charged for it."""
    known, happened = StructuredHessian.to_dense, []

    def to_dense(self):
        happened.append("formed")
        return known(self)

    monkeypatch.setattr(StructuredHessian, "to_dense", to_dense)
    nk.compare(nk.ExpRegression(*exp_data()), methods=["newtonkit"], callback=happened.append)
    assert happened[:2] == ["formed", "newtonkit"]


class TestMilestones:
    def test_the_first_iterate_within_each_share(self):
        values = [100.0, 3.0, 0.9, 1.5, 0.005, 1e-7, 0.0]
        trace = [TracePoint(k, 0.1 * k, value) for k, value in enumerate(values)]
        found = milestones(trace, 100.0, 0.0)
        assert [m.gap for m in found] == [1e-2, 1e-4, 1e-8]
        assert [m.iterations for m in found] == [2, 4, 5]
        assert [m.seconds for m in found] == pytest.approx([0.2, 0.4, 0.5])

    def test_never(self):
        found = milestones([TracePoint(0, 0.0, 100.0), TracePoint(1, 0.1, 0.5)], 100.0, 0.0)
        assert [m.iterations for m in found] == [1, None, None]
        assert found[1].seconds is None

    def test_relative_to_the_best_value(self):
        found = milestones([TracePoint(0, 0.0, 11.0), TracePoint(1, 0.1, 10.009)], 11.0, 10.0)
        assert [m.iterations for m in found] == [1, None, None]


class TestTrace:
    def test_long_ones_are_thinned_and_keep_their_ends(self):
        trace = tuple(TracePoint(k, 0.0, float(-k)) for k in range(12_345))
        thinned = judgement._thinned(trace)
        assert thinned[:500] == trace[:500]
        assert thinned[-1] == trace[-1]
        assert 900 < len(thinned) <= 1000
        assert judgement._thinned(trace[:700]) == trace[:700]

    def test_every_method_has_one(self, problem):
        comparison = nk.compare(problem)
        for report, figures in zip(comparison.reports, comparison.to_dict()["reports"], strict=True):
            iterations = [point.iteration for point in report.trace]
            assert iterations == list(range(report.iterations + 1)), report.name
            assert report.trace[0] == (0, 0.0, comparison.start_value)
            assert report.trace[-1].value == pytest.approx(report.value, rel=1e-12)
            assert report.trace[-1].seconds <= report.seconds
            seconds = [point.seconds for point in report.trace]
            assert seconds == sorted(seconds)
            assert figures["trace"] == [list(point) for point in report.trace]
            assert report.trace[0].seconds < report.milestones[-1].seconds <= report.trace[-1].seconds


@dataclass(frozen=True, kw_only=True)
class Wandering(Method):
    """Takes as many Newton steps as its generator says, so that its runs differ; at most 9, or else 1."""

    fails: bool = False

    def run(self, problem, start, limits, rng):
        steps = int(rng.integers(1, 10))
        fails = self.fails and steps % 2
        x = start.x if fails else nk.minimize(problem, start.x, gtol=0.0).x
        trace = (TracePoint(0, 0.0, start.value), TracePoint(steps, 0.1 * steps, problem.fun(x)))
        return Run(
            self.name, x, steps, 1, 1, 1, 0, 0.1 * steps, "own", "", True, factorisations=0, trace=trace
        )


class TestSeeds:
    @pytest.fixture
    def registered(self, monkeypatch):
        def register(**how):
            monkeypatch.setitem(
                registry.REGISTRY, "wandering", Wandering(name="wandering", randomised=True, **how)
            )

        register()
        return register

    def test_one_run_for_each_seed_and_their_median(self, problem, registered):
        report = nk.compare(problem, methods=["wandering", "BFGS"], seeds=5, rng=3)["wandering"]
        counts = [run.iterations for run in report.seeds]
        assert len(counts) == 5
        assert len(set(counts)) > 1
        assert report.iterations == np.median(counts)
        assert report.seconds == pytest.approx(0.1 * np.median(counts))
        assert report.iterations_range == (min(counts), max(counts))
        assert report.seconds_range == pytest.approx((0.1 * min(counts), 0.1 * max(counts)))
        assert report.reached

    def test_the_median_of_an_even_number(self, problem, registered):
        comparison = nk.compare(problem, methods="wandering", seeds=4, rng=1)
        report = comparison["wandering"]
        counts = sorted(run.iterations for run in report.seeds)
        assert report.iterations == counts[1]
        assert report.seconds == pytest.approx(0.05 * (counts[1] + counts[2]))
        assert report.passes == pytest.approx(report.seconds / comparison.pass_seconds)

    def test_deterministic_methods_run_once(self, problem, registered):
        comparison = nk.compare(problem, methods=["newtonkit", "BFGS"], seeds=5)
        assert comparison.seeds == 5
        assert all(report.seeds == () for report in comparison.reports)
        assert comparison["BFGS"].seconds_range is None
        assert comparison["BFGS"].iterations_range is None
        randomised = {name for name, method in registry.REGISTRY.items() if method.randomised}
        assert randomised == {"wandering", "newton-sketched", "newton-sampled"}

    @pytest.mark.parametrize("rng", [7, lambda: np.random.default_rng(7)])
    def test_runs_repeat_with_the_same_rng(self, problem, registered, rng):
        def counts():
            given = rng() if callable(rng) else rng
            report = nk.compare(problem, methods="wandering", seeds=6, rng=given)["wandering"]
            return [run.iterations for run in report.seeds]

        assert counts() == counts()
        other = nk.compare(problem, methods="wandering", seeds=6, rng=8)["wandering"]
        assert counts() != [run.iterations for run in other.seeds]

    def test_one_seed_that_fails_is_not_hidden(self, problem, registered):
        registered(fails=True)
        comparison = nk.compare(problem, methods="wandering", seeds=8, rng=3)
        report = comparison["wandering"]
        reached = sum(run.outcome == "reached" for run in report.seeds)
        assert 0 < reached < 8
        assert not report.reached
        assert report.outcome == "stopped early"
        text = " ".join(str(comparison).split())
        assert f"wandering: medians of 8 seeds; {report.iterations_range[0]} to" in text
        assert f"{reached} of 8 reached the minimum" in text

    @pytest.mark.parametrize("seconds", [0.1, 2.5, 9.0])
    def test_the_one_that_failed_is_the_one_shown(self, problem, seconds):
        report = nk.compare(problem, methods="BFGS")["BFGS"]
        failed = replace(report, outcome="saddle", seconds=seconds)
        merged = judgement._merged([replace(report, seconds=s) for s in (1.0, 2.0, 3.0)] + [failed])
        assert merged.outcome == "saddle"
        assert [run.outcome for run in merged.seeds] == 3 * ["reached"] + ["saddle"]
        assert merged.seconds == np.median([1.0, 2.0, 3.0, seconds])
        assert merged.passes == pytest.approx(report.passes * merged.seconds / seconds)

    def test_in_json_and_csv(self, problem, registered):
        comparison = nk.compare(problem, methods="wandering", seeds=3, rng=0)
        (figures,) = json.loads(comparison.to_json())["reports"]
        assert [run["iterations"] for run in figures["seeds"]] == [
            run.iterations for run in comparison["wandering"].seeds
        ]
        assert set(figures["seeds"][0]) == {"seconds", "iterations", "value", "outcome"}
        assert (
            comparison.to_csv()
            .splitlines()[0]
            .endswith("seeds,seconds_min,seconds_max,iterations_min,iterations_max")
        )


@pytest.mark.parametrize("most", [2**31, 10**30])
def test_more_iterations_than_compiled_code_can_count_are_any_number(problem, most):
    comparison = nk.compare(problem, max_iter=most)
    assert {report.outcome for report in comparison.reports} == {"reached"}
    assert comparison.max_iter == most
