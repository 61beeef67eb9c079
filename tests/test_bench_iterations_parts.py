"""Minima, starts, steps and samples are measured as ``newtonkit bench iterations`` says they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

import newtonkit as nk
from newtonkit.approximate import sampled
from newtonkit.certificates.contraction import contraction
from newtonkit.datasets import make_planted
from newtonkit.prediction.minimum import SINGULAR, minimum_of, newton_step
from newtonkit.prediction.region import Start, certified_start, entered
from newtonkit.prediction.solves import Way, contractions, near_solve, whole_solve
from newtonkit.prediction.spectra import PromisedSamples, SolverSamples, failure_interval
from newtonkit.sketching import sparsify
from tests.certificate_stub import stub


@pytest.fixture(scope="module", name="level")
def _level():
    """A problem that is all but quadratic on the way from a start to its minimum."""
    planted = make_planted("exp", 3000, 4, condition=100.0, saturation=0.01, rng=0)
    return planted, minimum_of(planted.problem)


class TestMinimum:
    @pytest.mark.parametrize("kind", ["exp", "softmax", "cross-entropy"])
    def test_is_the_planted_solution(self, kind):
        planted = make_planted(kind, 500, 4, condition=1e3, rng=0)
        least = minimum_of(planted.problem)
        dense = np.asarray(planted.problem.hess(least.x))
        step = planted.solution - least.x
        assert least.distance(planted.solution) == pytest.approx(
            np.sqrt(step @ dense @ step), rel=1e-6, abs=0
        )
        assert least.distance(planted.solution) <= least.floor < 1e-9 * least.distance(np.zeros(4))
        assert np.linalg.norm(step) <= least.euclidean_floor < 1e-6 * np.linalg.norm(least.x)
        np.testing.assert_allclose(least.axes.T @ dense @ least.axes, np.eye(4), atol=1e-9)

    def test_is_where_exact_gradients_vanish_though_rounded_ones_do_not(self, monkeypatch):
        planted = make_planted("exp", 500, 4, noise=0.1, rng=0)
        error = np.full(4, 1e-3)
        monkeypatch.setattr(
            "newtonkit.prediction.minimum.enclosed_gradient", lambda problem, x: (problem.jac(x) + error, 0.0)
        )
        least = minimum_of(planted.problem)
        np.testing.assert_allclose(planted.problem.jac(least.x), -error, rtol=1e-6)
        # The solver went elsewhere: all of the way between is in the floor.
        way = newton_step(planted.problem.evaluate(least.x))
        assert least.floor >= 9.9 * least.distance(least.x + way) > 1e-6

    def test_of_what_has_none_is_refused(self):
        separable = nk.SoftmaxCrossEntropy([[0.0], [1.0]], [0.0, 1.0])
        with pytest.raises(ValueError, match="the exact method finds no minimum"):
            minimum_of(separable)

    @pytest.mark.parametrize("tilt", [0.0, 1e-8])
    def test_where_the_hessian_is_singular_it_is_called_so(self, tilt):
        A = np.random.default_rng(0).normal(size=(300, 2))
        A = np.column_stack((A, A[:, 0] + tilt * A[:, 1]))
        with pytest.raises(ValueError, match=f"^{SINGULAR}$"):
            minimum_of(nk.ExpRegression(A, np.exp(A @ [0.3, -0.2, 0.1])))

    def test_a_hessian_that_is_nearly_singular_is_not_called_so(self):
        planted = make_planted("softmax", 1200, 3, condition=1e7, noise=0.1, rng=0)
        assert minimum_of(planted.problem).floor < 1e-6

    def test_a_singular_system_is_called_so(self):
        with pytest.raises(ValueError, match=f"^{SINGULAR}$"):
            newton_step(nk.ExpRegression(np.ones((4, 2)), np.ones(4)).evaluate(np.zeros(2)))

    def test_directions_are_of_length_one(self, level):
        _, least = level
        generator = np.random.default_rng(0)
        steps = [least.direction(generator) for _ in range(400)]
        np.testing.assert_allclose([least.distance(least.x + step) for step in steps], 1.0, rtol=1e-9)
        # All directions count the same in that norm: T^T H s is uniform on the sphere.
        coordinates = np.array([np.linalg.solve(least.axes, step) for step in steps])
        np.testing.assert_allclose(coordinates.T @ coordinates / 400, np.eye(4) / 4, atol=0.06)


class TestRegion:
    def test_a_start_is_as_far_out_as_a_third_of_a_try_allows(self, level):
        planted, least = level

        def certify(_, x):
            return stub(least.distance(x) <= limit)

        limit = math.inf
        far = certified_start(planted.problem, least, certify, np.random.default_rng(0))
        change = planted.problem.design.product(far.x - least.x)
        assert np.abs(change).max() == pytest.approx(0.5)
        limit = 1e-3 * far.reach
        start = certified_start(planted.problem, least, certify, np.random.default_rng(0))
        assert limit / 3.0 < start.reach <= limit
        assert least.distance(start.x) == pytest.approx(start.reach)
        again = certified_start(planted.problem, least, certify, np.random.default_rng(1), start.reach)
        assert again.reach == start.reach

    def test_there_is_none_below_rounding(self, level):
        planted, least = level
        tried = []
        never = certified_start(
            planted.problem,
            least,
            lambda _, x: tried.append(least.distance(x)) or stub(inside=False),
            np.random.default_rng(0),
            1e4 * least.floor,
        )
        assert never is None
        assert len(tried) == 9  # 3^9 > 1e4
        assert min(tried) > least.floor

    @pytest.mark.parametrize("first", range(7))
    @pytest.mark.parametrize("guess", range(6))
    def test_it_is_entered_where_certificates_begin(self, first, guess):
        points = [np.array([float(k)]) for k in range(6)]
        found = entered(None, points, guess, lambda _, x: stub(x[0] >= first))
        assert found == (first if first < 6 else None)


class TestSteps:
    def test_of_a_quadratic_contract_by_the_error_of_the_sample(self, level):
        planted, least = level
        start = Start(least.x + 0.02 * least.direction(np.random.default_rng(0)), stub(), 0.02)
        solves = {
            (method, epsilon): near_solve(planted.problem, least, start, method, epsilon, 0)
            for method, epsilon in (("exact", None), ("sampled", 0.2), ("sampled", 0.5))
        }
        assert max(solves["exact", None].factors) < 2e-3
        samples = SolverSamples(planted.problem, least.x)
        for epsilon in (0.2, 0.5):
            factors = solves["sampled", epsilon].factors
            errors = [samples.error(epsilon, seed).error for seed in range(50)]
            assert len(factors) >= 3
            assert max(factors) <= 1.1 * contraction(0.0, max(errors))
            assert max(factors) >= 0.1 * min(errors)
        for solve in solves.values():
            assert [count.to for count in solve.counts] == [1e-2, 1e-4, 1e-6, 1e-8]
            counted = [count.observed for count in solve.counts]
            assert counted == sorted(counted)
        assert all(count.papers is None for count in solves["sampled", 0.2].counts)
        assert {(count.predicted, count.papers) for count in solves["exact", None].counts} == {(99, 99)}

    def test_are_counted_as_the_solver_goes(self, level):
        planted, least = level
        start = Start(least.x + 0.1 * least.direction(np.random.default_rng(0)), stub(), 0.1)
        solve = near_solve(planted.problem, least, start, "sampled", 0.5, 3)
        points = []
        nk.minimize(
            planted.problem, start.x, method="sampled", epsilon=0.5, gtol=1e-15, rng=3,
            callback=lambda record: points.append(record.x),
        )  # fmt: skip
        distances = [float(np.linalg.norm(x - least.x)) for x in points]
        for count in solve.counts:
            k = count.observed
            assert distances[k] <= count.to * solve.distance < distances[k - 1]

    def test_an_opening_counts_as_a_step_and_not_as_a_contraction(self):
        planted = make_planted("exp", 8000, 4, noise=0.1, rng=0)
        least = minimum_of(planted.problem)
        way = Way(least)
        x0 = least.x + 2.0 * least.direction(np.random.default_rng(0))
        result = nk.minimize(planted.problem, x0, method="sketched", gtol=1e-15, rng=0, callback=way)
        assert "from the minimum of" in result.history[1].note
        assert way.opened == 1
        assert way.distances[1] > 0.4 * way.distances[0]
        start = Start(x0, stub(), 2.0)
        solve = near_solve(planted.problem, least, start, "sketched", None, 0)
        assert max(solve.factors) < 0.4
        assert solve.counts[0].observed > 1
        exact = Way(least)
        nk.minimize(planted.problem, x0, method="exact", callback=exact)
        assert exact.opened == 0

    def test_stop_at_the_minimum(self, level):
        planted, least = level
        whole = whole_solve(
            planted.problem, least, lambda _, x: stub(least.distance(x) < 1.0), 1e-3, "exact", None, 0
        )
        assert whole.status is None
        way = Way(least)
        nk.minimize(planted.problem, method="exact", gtol=1e-15, callback=way)
        assert whole.before == next(k for k, distance in enumerate(way.distances) if distance < 1.0)
        assert whole.inside == len(way.distances) - 1 - whole.before
        assert way.distances[-1] <= least.floor < way.distances[-2]

    def test_factors_leave_rounding_out(self):
        assert contractions([8.0, 2.0, 1.0, 1e-20, 3e-20], 1e-16) == (0.25, 0.5)
        assert contractions([8.0, 1e-20], 1.0) == (0.125,)
        assert contractions([1e-20, 1.0], 1e-16) == ()


class TestSamples:
    @pytest.mark.parametrize("kind", ["exp", "softmax", "resnet-softmax", "entropy-softmax"])
    def test_of_the_solver_have_the_error_of_their_dense_hessians(self, kind, monkeypatch):
        planted = make_planted(kind, 3000, 4, condition=10.0, noise=0.1, rng=0)
        x, drawn = minimum_of(planted.problem).x, []
        real = sampled.SampledModel.__init__
        monkeypatch.setattr(
            sampled.SampledModel, "__init__", lambda self, *args: drawn.append(args[4]) or real(self, *args)
        )
        found = SolverSamples(planted.problem, x).error(0.5, 1)
        values = scipy.linalg.eigh(
            drawn[0].to_dense(), np.asarray(planted.problem.hess(x)), eigvals_only=True
        )
        assert found.error == pytest.approx(np.abs(values - 1.0).max(), rel=1e-6)
        assert 0.02 < found.error < 1.0
        assert found.share == drawn[0].n_rows / 3000

    def test_of_all_rows_have_none(self):
        planted = make_planted("softmax", 200, 4, noise=0.1, rng=0)
        samples = SolverSamples(planted.problem, minimum_of(planted.problem).x)
        assert samples.error(0.1, 0).error < 1e-10
        assert samples.error(0.1, 0).share == 1.0

    def test_with_a_promise_have_the_error_relative_to_the_positive_part(self):
        planted = make_planted("exp", 4000, 3, noise=1.0, condition=10.0, rng=0)
        x = minimum_of(planted.problem).x
        weights = planted.problem.evaluate(x).hessian.row_diagonal
        assert (weights < 0.0).mean() > 0.02
        promised = PromisedSamples(planted.problem, x)
        sample = sparsify(planted.A, weights, 0.4, 0.05, rng=7)
        rows = planted.A[sample.indices]
        apart = rows.T @ (sample.weights[:, None] * rows) - planted.A.T @ (weights[:, None] * planted.A)
        values = scipy.linalg.eigh(
            apart, planted.A.T @ (np.abs(weights)[:, None] * planted.A), eigvals_only=True
        )
        found = promised.error(0.4, 0.05, 7)
        assert found.error == pytest.approx(np.abs(values).max(), rel=1e-9)
        assert found.share == sample.share < 0.5

    @pytest.mark.parametrize(("failures", "draws"), [(0, 30), (1, 30), (17, 30), (30, 30), (3, 1000)])
    def test_the_interval_is_that_of_clopper_and_pearson(self, failures, draws):
        expected = scipy.stats.binomtest(failures, draws).proportion_ci(0.95, method="exact")
        assert failure_interval(failures, draws) == pytest.approx((expected.low, expected.high))

    def test_nothing_is_known_of_no_draws(self):
        assert failure_interval(0, 0) == (0.0, 1.0)
