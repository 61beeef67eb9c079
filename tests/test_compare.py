"""``compare``: equal terms for every method, and honest counts."""

import numpy as np
import pytest
from scipy import optimize

import newtonkit as nk
from newtonkit.comparison import METHODS, MethodReport
from newtonkit.comparison.oracle import Oracle
from newtonkit.comparison.scipy_minimize import ScipyMinimize
from newtonkit.comparison.start import Limits, Start
from newtonkit.design.threads import one_blas_thread
from tests.comparing import GTOL, UNASKED, Counting, exp_data, exp_gradient, slow_problem


@pytest.fixture(scope="module")
def data():
    return exp_data()


@pytest.fixture(scope="module")
def comparison(data):
    return nk.compare(nk.ExpRegression(*data), gtol=GTOL)


class TestEqualTerms:
    def test_every_method_runs_in_order(self, comparison):
        assert tuple(report.name for report in comparison.reports) == UNASKED
        assert METHODS[:3] == ("newtonkit", "newton-sketched", "newton-sampled")
        assert len(METHODS) == len(UNASKED) + 2 == 16

    def test_reached_means_that_the_gradient_is_at_tolerance(self, data, comparison):
        first = np.linalg.norm(exp_gradient(data, np.zeros(5)))
        assert comparison.start_gradient_norm == pytest.approx(first)
        for report in comparison.reports:
            relative = np.linalg.norm(exp_gradient(data, report.x)) / first
            assert report.relative_gradient == pytest.approx(relative, rel=0.01, abs=1e-13)
            assert report.reached == (relative <= GTOL), report

    def test_all_reach_a_well_conditioned_minimum(self, comparison):
        assert all(report.reached for report in comparison.reports)
        assert all(0.0 <= report.gap <= 1e-12 * comparison.best_value for report in comparison.reports)
        assert all(report.smallest_curvature > 1e-3 for report in comparison.reports)

    def test_methods_stop_at_the_first_point_that_qualifies(self, data):
        """A looser tolerance is met sooner, and no method is left running to its own one."""
        problem = nk.ExpRegression(*data)
        loose = nk.compare(problem, gtol=1e-2)
        for report, tight in zip(loose.reports, nk.compare(problem, gtol=1e-10).reports, strict=True):
            assert report.reached
            assert report.relative_gradient <= 1e-2
            assert report.iterations < tight.iterations

    def test_runs_repeat_exactly(self, data, comparison):
        again = nk.compare(nk.ExpRegression(*data), gtol=GTOL)
        for one, other in zip(comparison.reports, again.reports, strict=True):
            assert np.array_equal(one.x, other.x)
            assert (one.iterations, one.nfev, one.nhessp) == (other.iterations, other.nfev, other.nhessp)

    def test_no_method_finds_the_start_evaluated(self, data, monkeypatch):
        problem, at_start = nk.ExpRegression(*data), []
        x0 = np.full(5, 0.1)
        known = ScipyMinimize.run

        def spy(*args):
            at_start.append(np.array_equal(problem._last.x, x0))
            return known(*args)

        monkeypatch.setattr(ScipyMinimize, "run", spy)
        nk.compare(problem, x0, methods=["BFGS", "trust-exact"])
        assert at_start
        assert not any(at_start)

    def test_quick_runs_are_repeated_and_slow_ones_are_not(self, comparison):
        assert all(report.repeats == 5 for report in comparison.reports if report.seconds < 0.05)
        slow = nk.compare(slow_problem(), methods="trust-exact", max_time=0.3)
        assert slow["trust-exact"].repeats == 1


class TestCounts:
    """Counts and iterations are those that SciPy gives for the same stopping point."""

    @pytest.mark.parametrize("name", ["BFGS", "CG", "trust-ncg", "trust-exact"])
    def test_agree_with_scipy(self, data, comparison, name):
        wanted = {"BFGS": 30.0, "CG": 1e4}.get(name, 1.0)
        unit = 2.0 ** round(np.log2(wanted / comparison.start_gradient_norm))
        problem = nk.ExpRegression(*data, sample_weight=np.full(len(data[1]), unit))
        options = {"gtol": GTOL * unit * comparison.start_gradient_norm, "maxiter": 10_000}
        if name in ("BFGS", "CG"):
            options["norm"] = 2.0
        second = {"hess": problem.hess} if name.startswith("trust") else {}
        with one_blas_thread():
            own = optimize.minimize(
                problem.fun, np.zeros(5), jac=problem.jac, method=name, options=options, **second
            )
        report = comparison[name]
        assert own.success
        assert report.iterations == own.nit
        assert (report.nfev, report.njev) == (own.nfev, own.njev)
        np.testing.assert_allclose(report.x, own.x, rtol=1e-12)
        if second:
            # trust-exact asks for the Hessian of its last point too, to return it.
            assert 0 <= own.nhev - (report.nhev + report.nhessp) <= 1

    def test_l_bfgs_b_agrees_with_scipy_stopped_in_its_callback(self, data, comparison):
        problem = nk.ExpRegression(*data)
        goal = GTOL * comparison.start_gradient_norm
        iterates = []

        def callback(x):
            iterates.append(x)
            if np.linalg.norm(exp_gradient(data, x)) <= goal:
                raise StopIteration

        with one_blas_thread():
            options = {"gtol": 0.0, "ftol": 0.0, "maxls": 50}
            optimize.minimize(
                problem.fun,
                np.zeros(5),
                jac=problem.jac,
                method="L-BFGS-B",
                callback=callback,
                options=options,
            )
        assert comparison["L-BFGS-B"].iterations == len(iterates)
        assert np.array_equal(comparison["L-BFGS-B"].x, iterates[-1])

    def test_newtonkit_agrees_with_minimize(self, data, comparison):
        goal = GTOL * comparison.start_gradient_norm
        history = nk.minimize(nk.ExpRegression(*data), gtol=0.0).history
        assert comparison["newtonkit"].iterations == next(
            record.iteration for record in history if record.gradient_norm <= goal
        )

    def test_work_is_counted_and_not_calls(self, data):
        problem = Counting(*data)
        oracle = Oracle(problem, Start.of(problem, np.zeros(5), GTOL), Limits(10.0))
        here, there = np.full(5, 0.1), np.full(5, 0.2)
        problem.evaluate(there)
        problem.asked = 0
        for _ in range(3):
            oracle.fun(here), oracle.jac(here), oracle.hess(here)
        assert (oracle.counts, problem.asked) == ((1, 1, 1, 0), 1)
        # A rejected step: back to the point before, without paying for it again.
        oracle.fun(there), oracle.hessp(here, here), oracle.fun(0.5 * there), oracle.hessp(here, there)
        assert oracle.counts == (2, 1, 1, 2)  # 0.5 * there is `here`
        oracle.fun(-there), oracle.hessp(here, there)
        assert (oracle.counts, problem.asked) == ((3, 1, 1, 3), 3)
        oracle.hessp(here, there), oracle.fun(-there)
        assert (oracle.counts, problem.asked) == ((3, 1, 1, 4), 3)


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"gtol": 0.0}, ValueError, "gtol must be positive"),
            ({"gtol": "1"}, TypeError, "gtol must be a number"),
            ({"gtol": np.nan}, ValueError, "gtol must be positive"),
            ({"max_time": -1}, ValueError, "max_time must be positive"),
            ({"max_time": True}, TypeError, "max_time must be a number"),
            ({"max_iter": 0}, ValueError, "max_iter must be at least 1"),
            ({"max_iter": 1.5}, TypeError, "max_iter must be an integer"),
            ({"methods": "Powell"}, ValueError, "methods must be among newtonkit, .*; got 'Powell'"),
            ({"methods": 3}, TypeError, "methods must be a name or a sequence of names"),
            ({"seeds": 0}, ValueError, "seeds must be at least 1"),
            ({"seeds": 2.0}, TypeError, "seeds must be an integer"),
            ({"rng": "a"}, TypeError, "rng must be a seed"),
            ({"rng": -1}, ValueError, "rng must be a seed"),
            ({"methods": []}, ValueError, "methods must name at least one"),
            ({"methods": [3]}, ValueError, "got 3"),
            ({"x0": np.zeros(4)}, ValueError, "x0"),
            ({"x0": np.full(5, 1e6)}, ValueError, "no finite value"),
        ],
    )
    def test_wrong(self, data, arguments, error, message):
        with pytest.raises(error, match=message):
            nk.compare(nk.ExpRegression(*data), **arguments)

    def test_not_a_problem(self):
        with pytest.raises(TypeError, match=r"problem must be a newtonkit\.problems\.Problem, got function"):
            nk.compare(lambda x: x @ x)

    def test_methods_by_name(self, data):
        called = []
        comparison = nk.compare(
            nk.ExpRegression(*data),
            methods=["bfgs", "NewtonKit", "BFGS"],
            callback=called.append,
            description="mine",
        )
        assert [report.name for report in comparison.reports] == called == ["BFGS", "newtonkit"]
        assert comparison.problem == "mine"
        assert isinstance(comparison.reports[0], MethodReport)
