"""Gradients with error bounds, against the formulas of l' in 60 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import newtonkit as nk
from newtonkit.certificates import balls, products
from newtonkit.certificates import double_double as dd
from newtonkit.certificates.gradients import enclosed_gradient, gradient_ball, prediction_ball
from newtonkit.problems import NormalisedSquares, Power, Problem, Regression, RowwiseLoss
from tests.family import LAYOUTS, MEMBERS, Member, Softplus, random_problem, regression

OWN = {name: member for name, member in MEMBERS.items() if member.activation != "softplus"}
DIGITS = 60


def numbers(values) -> list:
    return [mpmath.mpf(float(value)) for value in values]


def activation(name: str, u):
    """f(u) and f'(u)."""
    e = mpmath.exp
    if name.startswith("power"):
        k = int(name[5:])
        return u**k, k * u ** (k - 1)
    return {
        "exp": lambda: (e(u), e(u)),
        "cosh": lambda: (mpmath.cosh(u), mpmath.sinh(u)),
        "sinh": lambda: (mpmath.sinh(u), mpmath.cosh(u)),
        "exp_plus_identity": lambda: (e(u) + u, e(u) + 1),
    }[name]()


def part_of_group(member, u: list, b: list, s: list) -> tuple:
    """l and l' of one group, unweighted by t."""
    f, f1 = zip(*(activation(member.activation, value) for value in u), strict=True)
    rows, dot = range(len(u)), lambda *x: mpmath.fsum(mpmath.fprod(row) for row in zip(*x, strict=True))
    if member.structure == "elementwise":
        r = [f[i] - b[i] for i in rows]
        return dot(s, r, r) / 2, [s[i] * f1[i] * r[i] for i in rows]
    a = dot(s, f)
    if member.structure == "rescaled":
        r = [f[i] - a * b[i] for i in rows]
        c = dot(s, b, r)
        return dot(s, r, r) / 2, [s[i] * f1[i] * (r[i] - c) for i in rows]
    p = [value / a for value in f]
    if member.structure == "cross-entropy":
        B = dot(s, b)
        return B * mpmath.log(a) - dot(s, b, u), [s[i] * (B * p[i] - b[i]) for i in rows]
    r = [p[i] - b[i] for i in rows]
    c, gamma = dot(s, p, r), mpmath.mpf(member.entropy_weight)
    value, slopes = dot(s, r, r) / 2, [s[i] * f1[i] / a * (r[i] - c) for i in rows]
    if gamma:
        mean = dot(s, p, u)
        value -= gamma * (mpmath.log(a) - mean)
        slopes = [slopes[i] + gamma * s[i] * p[i] * (u[i] - mean) for i in rows]
    return value, slopes


def truth(member, problem, x: list) -> tuple:
    """L(x) and its gradient, from the formulas alone."""
    A, n = [numbers(row) for row in problem.design.to_dense()], problem.design.shape[0]
    outer, ridge = problem.outer, numbers(problem.ridge)
    zeros = np.zeros(n)
    a_x = [mpmath.fdot(row, x) for row in A]
    u = [
        p + q for p, q in zip(a_x, numbers(zeros if problem.offset is None else problem.offset), strict=True)
    ]
    w2 = numbers(zeros if problem.row_penalty is None else problem.row_penalty)
    b, s = numbers(outer.target), numbers(zeros + 1 if outer.row_weights is None else outer.row_weights)
    t = numbers(getattr(outer, "group_weights", [1.0]))
    value, slopes = mpmath.mpf(0), []
    for g, (first, count) in enumerate(zip(outer.groups.starts, outer.groups.counts, strict=True)):
        rows = slice(first, first + count)
        loss, part = part_of_group(member, u[rows], b[rows], s[rows])
        value += t[g] * loss
        slopes += [t[g] * slope for slope in part]
    value += mpmath.fdot(w2, [v * v for v in a_x]) / 2 + mpmath.fdot(ridge, [v * v for v in x]) / 2
    slopes = [slopes[i] + w2[i] * a_x[i] for i in range(n)]
    gradient = [mpmath.fdot([row[j] for row in A], slopes) + ridge[j] * x[j] for j in range(len(x))]
    return value, gradient


def check(member, problem, x, limit: float = 1e-20) -> None:
    """Hold the enclosures against the truth, and their errors against the size of the gradient."""
    scale = problem.evaluate(x).gradient_scale
    ball = gradient_ball(problem, x)
    gradient, error = enclosed_gradient(problem, x)
    with mpmath.workdps(DIGITS):
        true = truth(member, problem, numbers(x))[1]
        for j, value in enumerate(true):
            middle = mpmath.mpf(float(ball.hi[j])) + mpmath.mpf(float(ball.lo[j]))
            assert abs(value - middle) <= float(ball.radius[j])
            assert abs(value - float(gradient[j])) <= float(error[j])
    assert (ball.radius <= limit * scale + 1e-290).all()
    assert (error <= 2.0**-52 * np.abs(gradient) + limit * scale + 1e-290).all()


OPTIONS = [
    {"groups": "sorted", "weights": "some", "offset": True, "ridge": "scalar"},
    {"groups": "unsorted", "penalty": True, "fit_intercept": True, "reach": 4.0},
    {"weights": "some zero", "ridge": "vector", "penalty": True, "offset": True},
    {"groups": "some of one row", "weights": "some zero", "fit_intercept": True},
]


@pytest.mark.parametrize("name", OWN)
class TestEveryStructure:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_holds_the_true_gradient(self, name, layout):
        rng = np.random.default_rng(3)
        for options in OPTIONS:
            problem, x = random_problem(OWN[name], rng, layout=layout, **options)
            check(OWN[name], problem, x)

    def test_is_the_derivative_of_the_value(self, name):
        """The formulas of l' themselves, against central differences in 60 digits."""
        member = OWN[name]
        problem, x = random_problem(member, np.random.default_rng(4), **OPTIONS[0], penalty=True)
        gradient, error = enclosed_gradient(problem, x)
        with mpmath.workdps(DIGITS):
            h = mpmath.mpf(10) ** -15
            for j in range(len(x)):
                ends = [numbers(x), numbers(x)]
                ends[0][j] -= h
                ends[1][j] += h
                low, high = (truth(member, problem, end)[0] for end in ends)
                assert abs((high - low) / (2 * h) - float(gradient[j])) <= float(error[j]) + 1e-26

    def test_across_pieces_of_rows(self, name, monkeypatch):
        monkeypatch.setattr("newtonkit.certificates.slopes._PIECE", 5)
        for options in OPTIONS[:3]:
            problem, x = random_problem(OWN[name], np.random.default_rng(5), n=23, **options)
            check(OWN[name], problem, x)

    def test_radii_are_of_the_size_of_the_errors(self, name):
        problem, x = random_problem(OWN[name], np.random.default_rng(6), **OPTIONS[0])
        distances = self.distances(name, problem, x)
        assert max(distances) > 1e-6 * gradient_ball(problem, x).radius.max()

    def test_without_rounding_in_the_radii_it_misses(self, name, monkeypatch):
        for constant in ("OPERATION_ERROR", "UNDERFLOW"):
            monkeypatch.setattr(balls, constant, 0.0)
        monkeypatch.setattr(dd, "EXPONENTIAL_ERROR", 0.0)
        monkeypatch.setattr(dd, "fold_error", lambda count: 0.0)
        monkeypatch.setattr(products, "_TERM_ERROR", 0.0)
        missed = 0
        for seed in range(8):  # a quotient still measures its own residual
            problem, x = random_problem(OWN[name], np.random.default_rng(seed), **OPTIONS[0])
            missed += int((self.distances(name, problem, x) > gradient_ball(problem, x).radius).sum())
        assert missed > 0

    def distances(self, name, problem, x) -> np.ndarray:
        """How far the midpoints are from the true gradient."""
        ball = gradient_ball(problem, x)
        with mpmath.workdps(DIGITS):
            middles = zip(numbers(ball.hi), numbers(ball.lo), strict=True)
            true = truth(OWN[name], problem, numbers(x))[1]
            return np.array([float(abs(a - (hi + lo))) for a, (hi, lo) in zip(true, middles, strict=True)])


class TestExtremes:
    @pytest.mark.parametrize("name", ["SoftmaxRegression", "SoftmaxCrossEntropy", "EntropySoftmaxRegression"])
    @pytest.mark.parametrize("shift", [0.0, 1e4, -3e7])
    def test_a_large_constant_in_u_cancels(self, name, shift):
        A, b = np.random.default_rng(0).standard_normal((9, 2)), np.arange(1.0, 10.0) / 45
        problem = OWN[name].make(A * 300.0, b, offset=np.full(9, shift))
        check(OWN[name], problem, np.array([0.5, -1.0]), limit=1e-20)

    def test_hyperbolic_normalisers_do_not_overflow(self):
        A, b = np.random.default_rng(1).standard_normal((8, 2)), np.ones(8) / 8
        problem = OWN["normalised cosh"].make(1000.0 * A, b)
        x = np.array([1.0, -2.0])
        check(OWN["normalised cosh"], problem, x)

    def test_overflow_has_no_bound(self):
        gradient, error = enclosed_gradient(nk.ExpRegression([[1.0], [2.0]], [1.0, 2.0]), [500.0])
        assert error.tolist() == [np.inf] and np.isfinite(gradient).all()

    @pytest.mark.parametrize("offset", [-3.0, -0.5671432904097838])
    def test_outside_the_domain_there_is_no_bound(self, offset):
        """exp(u) + u < 0, and 0 but for rounding."""
        problem = nk.ResNetSoftmaxRegression([[0.0], [0.0]], [0.5, 0.5], offset=[offset, offset])
        value = enclosed_gradient(problem, [1.0])
        with mpmath.workdps(DIGITS):
            sure = mpmath.exp(offset) + offset > 0
        assert (value[1] < np.inf).all() == sure

    def test_rows_of_weight_zero_do_not_spoil(self):
        A, s = np.array([[1.0], [900.0], [2.0]]), np.array([1.0, 0.0, 2.0])
        for name in (
            "ExpRegression",
            "RescaledRegression exp",
            "SoftmaxRegression",
            "EntropySoftmaxRegression",
        ):
            problem = OWN[name].make(A, [0.2, 0.5, 0.3], sample_weight=s)
            rest = OWN[name].make(A[[0, 2]], [0.2, 0.3], sample_weight=s[[0, 2]])
            check(OWN[name], rest, [1.5])
            found, alone = gradient_ball(problem, [1.5]), gradient_ball(rest, [1.5])
            assert found.radius[0] <= 2 * alone.radius[0]
            assert abs(found.hi[0] - alone.hi[0]) <= 1e-15 * abs(alone.hi[0])

    def test_a_stationary_point_is_known_as_one(self):
        """cosh at x = 0: the true gradient is exactly 0."""
        gradient, error = enclosed_gradient(nk.CoshRegression([[1.0], [2.0]], [3.0, 4.0]), [0.0])
        assert gradient[0] == 0.0 and error[0] <= 1e-290

    def test_near_a_minimiser_it_is_far_more_accurate_than_float64(self):
        rng = np.random.default_rng(2)
        A = rng.standard_normal((200, 4))
        problem = nk.ExpRegression(A, np.exp(A @ np.full(4, 0.2)) + 0.1 * rng.standard_normal(200))
        x = nk.minimize(problem, gtol=1e-13).x
        check(OWN["ExpRegression"], problem, x, limit=1e-27)


class TestRefusals:
    def test_of_what_is_not_the_packages_own(self):
        class Own(RowwiseLoss):
            def terms(self, u, b):
                return u * u / 2, u, np.ones_like(u)

        class OwnSquares(NormalisedSquares):
            pass

        A, b = np.eye(3)[:, :2], np.ones(3)
        given = {
            "Own": Problem(A, Own(b)),
            "OwnSquares": Problem(A, OwnSquares(b, nk.problems.Exp())),
            "Softplus": Regression(A, b, structure="elementwise", activation=Softplus()),
        }
        for name, problem in given.items():
            with pytest.raises(TypeError, match=name):
                enclosed_gradient(problem, [0.0, 0.0])

    @pytest.mark.parametrize("x", [[0.0], [np.nan, 0.0], [np.inf, 0.0], [[0.0, 0.0]]])
    def test_of_points(self, x):
        with pytest.raises(ValueError, match="x must"):
            enclosed_gradient(nk.ExpRegression(np.eye(2), [1.0, 1.0]), x)


def test_large_data_agree_with_the_plain_gradient():
    rng = np.random.default_rng(12)
    A = rng.standard_normal((30_000, 40))
    problem = nk.SoftmaxRegression(A, rng.random(30_000) / 15_000, groups=np.repeat(np.arange(300), 100))
    x = 0.1 * rng.standard_normal(40)
    gradient, error = enclosed_gradient(problem, x)
    evaluation = problem.evaluate(x)
    assert (np.abs(gradient - evaluation.gradient) <= 10 * evaluation.gradient_rounding).all()
    assert (error <= 2.0**-52 * np.abs(gradient) + 1e-26 * evaluation.gradient_scale).all()
    u = prediction_ball(problem, x)
    assert np.abs(u.hi - A @ x).max() < 1e-14
    assert problem.outer.groups.counts.max() == 100


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("structure", ["elementwise", "rescaled", "normalised"])
def test_whole_powers(structure, k):
    power = Member(regression(structure, Power(k)), structure, f"power{k}")
    rng = np.random.default_rng(k)
    problem = power.make(rng.standard_normal((10, 2)), rng.random(10), offset=np.full(10, 3.0))
    check(power, problem, np.array([0.3, -0.2]))
