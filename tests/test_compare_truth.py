"""Verdicts of ``compare``: what is true of a point, whatever the method said of it."""

import time

import numpy as np
import pytest
from scipy import optimize

import newtonkit as nk
from newtonkit.comparison import METHODS, own, truth
from newtonkit.comparison.judgement import judge
from newtonkit.comparison.method import Run
from newtonkit.comparison.monitor import ToleranceMet
from newtonkit.comparison.oracle import Oracle
from newtonkit.comparison.start import Limits, Start
from newtonkit.datasets import digits_softmax
from tests.comparing import GTOL, cosh_problem, exp_data, fragile_problem, slow_problem


@pytest.fixture(scope="module")
def data():
    return exp_data()


@pytest.fixture(scope="module")
def at_a_saddle():
    problem = cosh_problem()
    return problem, nk.compare(problem)


def a_run(name, x):
    return Run(name, x, 1, 1, 1, 1, 0, 1.0, "own", "", True)


class TestWhatIsTrue:
    def test_stopped_at_a_saddle(self, at_a_saddle):
        problem, comparison = at_a_saddle
        assert comparison.stationary_start
        assert np.linalg.eigvalsh(problem.hess(np.zeros(2)).to_dense())[0] < 0
        stuck = {report.name for report in comparison.reports if not report.x.any()}
        assert {"L-BFGS-B", "BFGS", "CG"} <= stuck
        for report in comparison.reports:
            assert report.outcome == ("saddle" if report.name in stuck else "reached")
        assert comparison["BFGS"].claimed_success
        assert comparison["BFGS"].smallest_curvature < -0.1

    def test_newtonkit_leaves_the_saddle(self, at_a_saddle):
        problem, comparison = at_a_saddle
        report = comparison["newtonkit"]
        assert report.reached
        assert np.linalg.eigvalsh(problem.hess(report.x).to_dense())[0] > 0
        assert report.relative_gradient == pytest.approx(
            np.linalg.norm(problem.jac(report.x)) / problem.evaluate(report.x).gradient_scale, rel=0.01
        )

    def test_time_cap(self):
        began = time.perf_counter()
        comparison = nk.compare(slow_problem(), max_time=0.1, gtol=1e-12)
        assert time.perf_counter() - began < 8.0
        for report in comparison.reports:
            assert report.outcome == "time cap", report
            assert 0.1 <= report.seconds < 0.5
            assert report.value <= comparison.start_value
        assert comparison.best is None

    def test_iteration_cap(self, data):
        comparison = nk.compare(nk.ExpRegression(*data), max_iter=2)
        for report in comparison.reports:
            assert report.iterations == 2
            assert report.outcome == "iteration cap"

    def test_a_method_that_raises_is_reported(self):
        comparison = nk.compare(fragile_problem())
        failed = [report for report in comparison.reports if report.outcome == "failed"]
        assert 0 < len(failed) < len(METHODS)
        for report in failed:
            assert report.said == "ArithmeticError: u is too large [for me]"
            assert report.claimed_success is None
            assert not report.reached
            assert f"{report.name} raised ArithmeticError: u is too large [for me]" in str(comparison)

    def test_newtonkit_that_raises_is_reported(self, data, monkeypatch):
        def broken(*args, **kwargs):
            raise RuntimeError

        monkeypatch.setattr(own, "minimize", broken)
        comparison = nk.compare(nk.ExpRegression(*data), methods=["newtonkit", "BFGS"])
        assert comparison["newtonkit"].outcome == "failed"
        assert comparison["newtonkit"].said == "RuntimeError"
        assert comparison["newtonkit"].nfev is None
        assert comparison["BFGS"].reached

    def test_interruption_is_passed_on(self, data, monkeypatch):
        def interrupted(*args, **kwargs):
            return optimize.OptimizeResult(x=np.zeros(5), status=nk.Status.INTERRUPTED, message="")

        monkeypatch.setattr(own, "minimize", interrupted)
        with pytest.raises(KeyboardInterrupt):
            nk.compare(nk.ExpRegression(*data))

    def test_stopped_early_though_success_is_claimed(self):
        """L-BFGS-B takes a decrease that is lost in rounding for convergence."""
        comparison = nk.compare(digits_softmax(), methods=["newtonkit", "L-BFGS-B", "trust-exact"])
        report = comparison["L-BFGS-B"]
        assert report.claimed_success
        assert report.outcome == "stopped early"
        assert report.relative_gradient > 1e-8
        assert comparison["newtonkit"].reached
        assert "L-BFGS-B claimed success: " in str(comparison)

    @pytest.mark.parametrize("name", ["BFGS", "Newton-CG", "trust-krylov"])
    def test_a_small_loss_is_no_handicap(self, name):
        """Absolute thresholds inside SciPy's methods would end them on a softmax of 1797 rows."""
        assert nk.compare(digits_softmax(), methods=name)[name].reached

    def test_a_minimum_without_curvature_is_one(self):
        """(cosh(u) - 1)^2 grows like u^4 from an exact fit at the start."""
        problem = nk.CoshRegression(np.eye(3), np.ones(3))
        assert not problem.hess(np.zeros(3)).to_dense().any()
        assert nk.compare(problem, methods="BFGS")["BFGS"].outcome == "reached"

    def test_saturated(self):
        """All of p on one row: no gradient and no curvature, and a loss of nearly 1/2."""
        A = np.random.default_rng(0).normal(size=(200, 4))
        problem = nk.SoftmaxRegression(A, np.full(200, 1 / 200))
        x = 20 * np.array([-30.0, 20.0, 10.0, 5.0])
        comparison = nk.compare(problem, x)
        assert comparison.best_value > 0.4
        assert all(report.outcome == "saturated" for report in comparison.reports)
        assert comparison.best is None
        assert "No method reached the minimum." in str(comparison)

    def test_a_column_that_changes_nothing_is_no_saddle(self):
        """A column that is constant in every group has no curvature, but rounding of either sign."""
        rng = np.random.default_rng(0)
        groups = np.repeat(np.arange(60), 4)
        A = np.column_stack([rng.normal(size=(240, 2)), 30.0 + rng.normal(size=60)[groups]])
        b = np.zeros(240)
        b[4 * np.arange(60) + rng.integers(4, size=60)] = 1.0
        problem = nk.SoftmaxCrossEntropy(A, b, groups=groups)
        comparison = nk.compare(problem, methods=["newtonkit", "BFGS"])
        assert [report.outcome for report in comparison.reports] == ["reached", "reached"]
        assert abs(problem.hess(comparison["newtonkit"].x).to_dense()[2]).max() < 1e-9

    def test_other_minimum(self):
        problem = nk.ExpRegression([[1.0], [-1.0]], [10.0, 5.0])
        start = Start.of(problem, np.array([-0.5]), GTOL)
        ends = [nk.minimize(problem, [x], gtol=0.0).x for x in (-1.0, 1.0)]
        runs = {name: [a_run(name, x)] for name, x in zip("ab", ends, strict=True)}
        (worse, better), best = judge(problem, runs, start, 1.0)
        assert (worse.outcome, better.outcome) == ("other minimum", "reached")
        assert worse.found_other_minimum
        assert not better.found_other_minimum
        assert best == better.value
        assert worse.gap == pytest.approx(problem.fun(ends[0]) - problem.fun(ends[1]))

    def test_a_coarse_tolerance_is_no_other_minimum(self, data):
        """A point that a Newton step would still bring down is short of the minimum, not beside it."""
        comparison = nk.compare(nk.ExpRegression(*data), gtol=0.05)
        assert {report.outcome for report in comparison.reports} == {"reached"}
        assert max(report.gap for report in comparison.reports) > 1e-6 * comparison.start_value

    def test_start_at_the_minimum(self, data):
        """||g0|| is rounding itself: nobody is asked for 1e-8 of that."""
        problem = nk.ExpRegression(*data)
        x = nk.minimize(problem, gtol=0.0).x
        comparison = nk.compare(problem, x, methods=["newtonkit", "BFGS", "trust-exact"])
        assert comparison.start == "given"
        assert all(report.reached for report in comparison.reports)

    def test_start_next_to_the_minimum(self, data):
        """1e-8 ||g0|| is below rounding: then rounding is enough."""
        problem = nk.ExpRegression(*data)
        x = nk.minimize(problem, gtol=0.0).x
        comparison = nk.compare(problem, x + 1e-10, methods=["newtonkit", "trust-krylov"])
        assert not comparison.stationary_start
        report = comparison["newtonkit"]
        assert report.relative_gradient > GTOL
        assert report.reached

    def test_negative_curvature_in_small_units_counts(self):
        smallest, *_ = truth._curvature(np.diag([1e12, 1.0, -1e-6]), np.zeros(3))
        assert smallest == pytest.approx(-1.0)
        assert truth._curvature(np.zeros((2, 2)), np.zeros(2))[:2] == (0.0, 0.0)

    def test_promised_decrease_is_that_of_a_newton_step(self):
        rng = np.random.default_rng(5)
        root, g = rng.normal(size=(6, 4)), rng.normal(size=4)
        H = root.T @ root
        assert truth._curvature(H, g)[1] == pytest.approx(0.5 * g @ np.linalg.solve(H, g))

    def test_no_eigenvalues_for_large_d(self, monkeypatch, data):
        monkeypatch.setattr(truth, "LARGEST_CHECKED", 4)
        report = nk.compare(nk.ExpRegression(*data), methods="BFGS")["BFGS"]
        assert report.smallest_eigenvalue is None
        assert report.smallest_curvature is None
        assert report.reached

    def test_a_trial_step_onto_a_plateau_does_not_end_a_run(self):
        """Far out there is no gradient either, but a value above the iterate's: the step is rejected."""
        A = np.random.default_rng(0).normal(size=(200, 4))
        problem = nk.SoftmaxRegression(A, np.full(200, 1 / 200) + A[:, 0] / 1e4)
        start = Start.of(problem, np.zeros(4), GTOL)
        oracle = Oracle(problem, start, Limits(10.0))
        plateau = np.array([-600.0, 400.0, 200.0, 100.0])
        assert np.linalg.norm(problem.jac(plateau)) <= GTOL * start.gradient_norm
        assert np.linalg.norm(oracle.jac(plateau)) <= GTOL * start.gradient_norm
        with pytest.raises(ToleranceMet):
            oracle.jac(nk.minimize(problem, gtol=0.0).x)

    def test_warnings_are_kept_and_not_given(self, at_a_saddle):
        """trust-ncg divides by its gradient of zero; with warnings as errors, this test would fail."""
        assert any("divide" in text for text in at_a_saddle[1]["trust-ncg"].warned)
