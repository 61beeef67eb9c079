"""The parts of a path: prediction, correction, and the proof that there is no negative curvature."""

import math

import numpy as np
import pytest
from numpy.polynomial import Polynomial

import newtonkit as nk
from newtonkit.approximate.convexity import can_be_proven_convex, is_proven_convex
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.approximate.preconditioner import SampledPreconditioner
from newtonkit.metric import Metric
from newtonkit.penalised import Penalised
from newtonkit.problems.shifting import shifted_form
from newtonkit.ridge.corrector import Secants, corrected
from newtonkit.ridge.trail import Trail, Waypoint, _extrapolation

RNG = np.random.default_rng(0)


def positive(d, rng):
    half = rng.normal(size=(d, d))
    return half @ half.T + 0.1 * np.eye(d)


class TestPrediction:
    @pytest.mark.parametrize("count", [1, 2, 3, 4])
    @pytest.mark.parametrize("sloping", [False, True])
    def test_weights_are_exact_for_polynomials(self, count, sloping):
        rng = np.random.default_rng(count)
        nodes, place = np.cumsum(rng.uniform(0.3, 1.0, size=count)), -0.7
        polynomial = Polynomial(rng.normal(size=2 * count if sloping else count))
        weights = _extrapolation(nodes, place, sloping)
        found = sum(
            w * polynomial(t) + s * polynomial.deriv()(t) for t, (w, s) in zip(nodes, weights, strict=True)
        )
        assert found == pytest.approx(polynomial(place), rel=1e-8)

    @pytest.mark.parametrize("count", [1, 3])
    def test_is_exact_for_a_quadratic_loss(self, count):
        """L = 1/2 x.M x - c.x + ridge/2 x.R x has x = (M + ridge R)^-1 c."""
        rng = np.random.default_rng(1)
        matrix, c, pattern = positive(5, rng), rng.normal(size=5), np.array([1.0, 2.0, 0.0, 1.0, 0.5])

        def solution(ridge):
            return np.linalg.solve(matrix + ridge * np.diag(pattern), c)

        trail = Trail(pattern)
        for ridge in (100.0, 10.0, 1.0)[:count]:
            x = solution(ridge)
            slope = -np.linalg.solve(matrix + ridge * np.diag(pattern), ridge * pattern * x)
            trail.add(Waypoint(ridge, x, slope), matrix)
        for ridge in (0.1, 0.0):
            factor = Penalised(matrix, ridge * pattern).factor()
            np.testing.assert_allclose(trail.prediction(ridge, matrix, factor), solution(ridge), rtol=1e-9)

    def test_goes_by_what_was_best_before(self):
        """Along x = t^2 with M = 0 three points are enough and fewer are not; the slopes are wrong."""
        trail, nothing = Trail(np.ones(1)), np.zeros((1, 1))
        for t in (5.0, 4.0, 3.0, 2.0, 1.0):
            ridge = math.exp(t)
            if trail.points:
                trail.prediction(ridge, nothing, Penalised(nothing, np.full(1, ridge)).factor())
            trail.add(Waypoint(ridge, np.array([t * t / ridge]), np.zeros(1)), nothing)
        factor = Penalised(nothing, np.ones(1)).factor()
        found = trail.prediction(1.0, nothing, factor)
        assert found == pytest.approx([0.0], abs=1e-9)


class TestFactor:
    def test_solves_and_measures(self):
        matrix, right = positive(6, RNG), RNG.normal(size=6)
        ridge = np.geomspace(1e-6, 1e6, 6)
        factor = Penalised(matrix, ridge).factor()
        expected = np.linalg.solve(matrix + np.diag(ridge), right)
        np.testing.assert_allclose(factor.solve(right), expected, rtol=1e-9)
        assert factor.norm(right) == pytest.approx(math.sqrt(right @ expected), rel=1e-10)

    @pytest.mark.parametrize(
        "matrix", [-np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]]), np.full((2, 2), np.nan)]
    )
    def test_is_none_where_there_is_none(self, matrix):
        assert Penalised(matrix, np.zeros(2)).factor() is None


class TestCorrection:
    def test_meets_the_secant_equation_under_any_ridge(self):
        matrix, d = positive(5, RNG), 5
        factor = Penalised(np.eye(d), np.full(d, 3.0)).factor()
        pairs = []
        for ridge in (np.zeros(d), np.full(d, 3.0)):
            secants = Secants(factor, ridge, pairs)
            step = RNG.normal(size=d)
            secants.add(step, (matrix + np.diag(ridge)) @ step)
            np.testing.assert_allclose(secants.solve((matrix + np.diag(ridge)) @ step), step, rtol=1e-9)
            pairs = secants.pairs
        last = Secants(factor, np.ones(d), pairs)
        step, of_loss = pairs[-1]
        np.testing.assert_allclose(last.solve(of_loss + step), step, rtol=1e-9)

    def problem(self):
        return nk.datasets.make_planted("exp", 400, 5, noise=0.1, rng=0).problem.with_ridge(1.0)

    def test_goes_to_the_minimum(self):
        problem = self.problem()
        exact = nk.minimize(problem, gtol=1e-13).x
        start = problem.evaluate(exact + 0.02)
        factor = Penalised(np.asarray(start.hessian), np.zeros(5)).factor()
        end, count = corrected(start, Secants(factor, problem.ridge), 1e-10, math.inf)
        np.testing.assert_allclose(end.x, exact, atol=1e-8)
        assert 2 <= count <= 10

    def test_does_not_go_astray_by_a_bad_factor(self):
        problem = self.problem()
        start = problem.evaluate(np.zeros(5))
        for size in (1e-8, 1e8):
            factor = Penalised(size * np.eye(5), np.zeros(5)).factor()
            end, count = corrected(start, Secants(factor, problem.ridge), 1e-10, math.inf)
            assert end.value <= start.value
            assert count <= 2

    def test_looks_at_the_clock(self):
        start = self.problem().evaluate(np.zeros(5))
        factor = Penalised(np.eye(5), np.zeros(5)).factor()
        assert corrected(start, Secants(factor, np.zeros(5)), 0.0, -math.inf) == (start, 0)


class TestConvexity:
    """What is proven from a sample holds for the Hessian itself, dense and whole."""

    def verdicts(self, seed):
        """Return what is proven, and the least eigenvalue, with some rows out of the way."""
        rng = np.random.default_rng(seed)
        n, d = 3000, 8
        A = rng.normal(size=(n, d))
        x = 0.3 * rng.normal(size=d) / math.sqrt(d)
        b = np.exp(A @ x)
        wrong = rng.random(n) < 10.0 ** rng.uniform(-3.0, -0.7)
        b[wrong] *= 10.0 ** rng.uniform(0.3, 2.0)  # D = f (2 f - b) < 0
        problem = nk.ExpRegression(A, b)
        evaluation = problem.evaluate(x)
        form = shifted_form(evaluation.hessian)
        metric, _ = embedded_metric(problem, evaluation.curvature_mass, seed)
        kept = rng.random(n) < 0.2
        weights = np.abs(form.weights[kept]) / 0.2
        stand_in = (A[kept].T * weights) @ A[kept]
        factor = SampledPreconditioner(metric, Penalised(stand_in, problem.ridge))
        proven = can_be_proven_convex(form) and is_proven_convex(form, metric, factor)
        return proven, float(np.linalg.eigvalsh(np.asarray(evaluation.hessian))[0])

    def test_is_never_claimed_wrongly(self):
        found = [self.verdicts(seed) for seed in range(60)]
        assert all(least > 0.0 for proven, least in found if proven)
        assert sum(proven for proven, _ in found) >= 10
        assert sum(least < 0.0 for _, least in found) >= 10

    def test_many_rows_of_negative_curvature_are_not_looked_at(self):
        problem = nk.ExpRegression(RNG.normal(size=(100, 2)), np.where(np.arange(100) < 30, 5.0, 1.0))
        assert not can_be_proven_convex(shifted_form(problem.evaluate(np.zeros(2)).hessian))
        assert isinstance(embedded_metric(problem, 1.0, 0)[0], Metric)
