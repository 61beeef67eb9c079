"""No pair of points in a ball breaks its bounds: ten thousand pairs and more over the whole family."""

from itertools import pairwise

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import KroneckerDesign
from newtonkit.problems import Activation, Exp, Power, Problem, RowwiseLoss
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.third_derivatives import third_derivative_bound
from tests.family import LAYOUTS, MEMBERS, Softplus, random_problem
from tests.third import largest_value, third_tensor

KNOWN = [name for name, member in MEMBERS.items() if member.activation != "softplus"]
RADII = (1e-6, 1e-3, 0.05, 0.3, 2.0)
POINTS = 15  # in each ball: 105 pairs of them
EPS = float(np.finfo(float).eps)
SETTINGS = (
    {},
    {"groups": "sorted", "weights": "all"},
    {"weights": "some zero", "offset": True, "penalty": True},
    {"groups": "unsorted", "ridge": "vector", "layout": "CSR float64"},
    {"fit_intercept": True, "ridge": "scalar", "layout": "dense float32"},
)


def points_of(problem: Problem, x: np.ndarray, radius: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Points of the ball: on random and on special lines through x, most of them at its edge."""
    d = len(x)
    directions = list(rng.standard_normal((POINTS // 2 - 2, d)))
    directions.append(np.linalg.eigh(problem.hess(x).to_dense())[1][:, -1])
    directions.append(largest_value(third_tensor(problem, x), rng, starts=2)[1])
    steps = [radius * v / np.linalg.norm(v) for v in directions]
    inner = rng.random(len(steps))
    return [x, *(x + 0.999999 * s for s in steps), *(x - t * s for s, t in zip(steps, inner, strict=True))]


def check_ball(problem: Problem, x: np.ndarray, radius: float, rng: np.random.Generator) -> int:
    """Check l and M over a ball, and return how many pairs were tried."""
    bounds = problem.curvature_bounds(x, radius)
    assert not np.isnan(bounds).any()
    points = [y for y in points_of(problem, x, radius, rng) if np.isfinite(problem.fun(y))]
    operators = [problem.hess(y) for y in points]
    hessians = [operator.to_dense() for operator in operators]
    tried = 0
    for k, (y, hessian) in enumerate(zip(points, hessians, strict=True)):
        noise = 1e-12 * operators[k].diagonal_sizes().sum()
        assert np.linalg.eigvalsh(hessian)[0] >= bounds.l - noise
        for z, other in zip(points[:k], hessians[:k], strict=True):
            apart = float(np.linalg.norm(y - z))
            if apart > 0.0:
                change = float(np.abs(np.linalg.eigvalsh(hessian - other)).max())
                assert change <= bounds.M * apart + 2.0 * noise
                tried += int(np.isfinite(bounds.M))
    return tried


@pytest.mark.parametrize("name", KNOWN)
def test_no_pair_breaks_the_bounds(name):
    tried = 0
    for seed, settings in enumerate(SETTINGS):
        for radius in RADII[seed % 3 :: 3]:
            rng = np.random.default_rng(100 * seed + KNOWN.index(name))
            problem, x = random_problem(MEMBERS[name], rng, n=8, d=2 + seed % 2, **settings)
            tried += check_ball(problem, x, radius, rng)
    assert tried >= 720  # for each of fourteen kinds


@pytest.mark.parametrize("name", KNOWN)
def test_the_bound_holds_in_other_coordinates(name):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        settings = {"groups": "sorted"} if seed % 2 else {"penalty": True}
        problem, x = random_problem(MEMBERS[name], rng, n=7, d=2, **settings)
        transform = rng.standard_normal((2, 2)) * 10.0 ** rng.uniform(-2, 1, 2)
        for radius in (0.0, 0.1):
            bound = third_derivative_bound(problem.evaluate(x), radius, transform)
            z = rng.standard_normal((2, 2))
            for step in radius * z / np.linalg.norm(z, axis=1)[:, None]:
                tensor = third_tensor(problem, x + transform @ step, transform)
                assert largest_value(tensor, rng)[0] <= bound * (1.0 + 1e-6) + 1e-9 * np.abs(tensor).max()


@pytest.mark.parametrize("name", KNOWN)
def test_the_layout_of_the_data_does_not_matter(name):
    found = []
    for layout in LAYOUTS:
        problem, x = random_problem(MEMBERS[name], np.random.default_rng(3), layout=layout)
        found.append(problem.curvature_bounds(x, 0.01))
    for one, other in pairwise(found):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)


def test_attention_on_a_kronecker_design():
    rng = np.random.default_rng(0)
    A1, A2 = rng.standard_normal((3, 2)), rng.standard_normal((4, 2))
    queries = np.repeat(np.arange(3), 4)
    for kind in (nk.SoftmaxRegression, nk.SoftmaxCrossEntropy):
        b, x = rng.random(12), 0.3 * rng.standard_normal(4)
        formed = kind(np.kron(A1, A2), b, groups=queries)
        implicit = kind(KroneckerDesign(A1, A2), b, groups=queries)
        assert implicit.curvature_bounds(x, 0.1) == pytest.approx(formed.curvature_bounds(x, 0.1), rel=1e-9)
        check_ball(implicit, x, 0.1, rng)


@pytest.mark.parametrize("name", KNOWN)
def test_far_out_there_are_no_numbers_that_are_none(name):
    problem, x = random_problem(MEMBERS[name], np.random.default_rng(1))
    for factor in (1.0, 1e3, 1e200):
        for radius in (0.0, 1.0, 1e10, 1e300):
            l, M = problem.curvature_bounds(factor * x, radius)  # noqa: E741
            assert not np.isnan([l, M]).any()
            assert M >= 0.0
            assert l < np.inf


def test_rows_of_weight_zero_may_be_as_large_as_they_like():
    A, s = np.array([[1.0], [0.5], [500.0]]), np.array([1.0, 2.0, 0.0])
    for kind in (nk.ExpRegression, nk.SoftmaxRegression, nk.SoftmaxCrossEntropy, nk.ResNetSoftmaxRegression):
        whole = kind(A, [1.0, 0.3, 0.2], sample_weight=s).curvature_bounds([2.0], 0.01)
        part = kind(A[:2], [1.0, 0.3], sample_weight=s[:2]).curvature_bounds([2.0], 0.01)
        assert whole == pytest.approx(part, rel=1e-6)


def test_with_many_columns_nothing_of_their_square_is_formed():
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((30, 4100)) / 50.0, np.zeros(4100)
    problem = nk.ExpRegression(A, rng.random(30), ridge=0.5)
    bounds = problem.curvature_bounds(x, 0.01)
    c = 4.0 - problem.outer.target
    top = np.linalg.eigvalsh((A * (c * problem.design.row_norms)[:, None]) @ A.T)[-1]  # the same eigenvalues
    assert top <= bounds.M <= 100.0 * top
    assert bounds.l == pytest.approx(0.5)


@pytest.mark.parametrize("name", KNOWN)
def test_the_worst_case_of_the_papers_holds_too(name):
    member = MEMBERS[name]
    for seed in range(3):
        rng = np.random.default_rng(seed)
        problem, _ = random_problem(member, rng, n=6, d=2, penalty=seed % 2 == 1, groups="sorted")
        R = float(np.linalg.norm(problem.design.to_dense(), 2))
        l, M = problem.paper_bounds(R)  # noqa: E741
        assert problem.curvature_bounds(np.zeros(2), 0.1).M <= M
        edge = rng.standard_normal((4, 2))
        for y in R * edge / np.linalg.norm(edge, axis=1)[:, None]:
            with np.errstate(all="ignore"):
                hessian, tensor = problem.hess(y).to_dense(), third_tensor(problem, y)
            if np.isfinite(problem.fun(y)):
                assert np.linalg.eigvalsh(hessian)[0] >= l - 1e-12 * np.abs(hessian).max()
                assert largest_value(tensor, rng)[0] <= M * (1.0 + 1e-6)


def test_the_worst_case_needs_a_large_enough_bound():
    problem = nk.ExpRegression([[3.0], [4.0]], [1.0, 1.0])
    with pytest.raises(ValueError, match=r"R must be at least the spectral norm of A, 5, got 4\.9"):
        problem.paper_bounds(4.9)
    assert pytest.approx(125.0 * 4.0 * np.exp(50.0), rel=1e-6) == problem.paper_bounds(5.0).M


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], 1.0), r"x must have shape \(2,\)"),
        (([0.0, np.nan], 1.0), "x must be finite"),
        (([0.0, 0.0], -1.0), "radius must be at least 0"),
        (([0.0, 0.0], np.nan), "radius must be at least 0"),
        (([0.0, 0.0], np.inf), "radius must be finite"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    problem = nk.ExpRegression([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    with pytest.raises(ValueError, match=message):
        problem.curvature_bounds(*arguments)


class Poisson(RowwiseLoss):
    def terms(self, u, b):
        mean = np.exp(u)
        return mean - b * u, mean - b, mean


class BoundedPoisson(Poisson):
    def ranges(self, u, b):
        return u.exp(), u.exp()


class Doubled(Exp):
    """Inherits ``ranges`` from Exp, which would be wrong here."""

    def __call__(self, u):
        f = 2.0 * np.exp(u)
        return f, f, f


class Bounded(Softplus):
    """Softplus with bounds: f'' is at most 1/4, f''' at most 0.1."""

    def ranges(self, u):
        lowest, highest = self(u.lo), self(u.hi)
        rising = (Interval(lowest[k], highest[k]) * 1.0 for k in range(2))
        return *rising, Interval(0.0 * u.lo, 0.0 * u.lo + 0.25), Interval(0.0 * u.lo - 0.1, 0.0 * u.lo + 0.1)


def test_what_is_not_known_is_named():
    A, b, x = [[1.0], [2.0]], [1.0, 0.5], [0.1]
    with pytest.raises(
        TypeError, match=r"third derivative of Poisson: write ranges\(u, b\), see RowwiseLoss"
    ):
        Problem(A, Poisson(b)).curvature_bounds(x, 1.0)
    for activation in (Softplus(), Doubled()):
        for structure in ("elementwise", "rescaled", "normalised"):
            problem = nk.problems.Regression(A, b, structure=structure, activation=activation)
            with pytest.raises(TypeError, match=f"of {type(activation).__name__}: write ranges"):
                problem.curvature_bounds(x, 1.0)
    with pytest.raises(NotImplementedError, match="Softplus has no bounds"):
        Activation.ranges(Softplus(), None)


def test_ones_own_loss_and_activation_serve_once_they_have_ranges():
    rng = np.random.default_rng(0)
    A, b, x = rng.standard_normal((6, 2)), rng.random(6), np.array([0.2, -0.1])
    problems = [Problem(A, BoundedPoisson(b))]
    structures = ("elementwise", "rescaled", "normalised")
    problems += [nk.problems.Regression(A, b, structure=s, activation=Bounded()) for s in structures]
    for problem in problems:
        check_ball(problem, x, 0.2, rng)
        assert np.inf > problem.curvature_bounds(x, 0.2).M


def test_quadratics_have_no_third_derivative():
    problem = nk.problems.Regression([[1.0], [2.0]], [1.0, 0.5], structure="elementwise", activation=Power(1))
    l, M = problem.curvature_bounds([0.3], 10.0)  # noqa: E741
    assert 0.0 <= M <= 1e-140  # what underflow may lose is allowed for
    assert l == pytest.approx(5.0)
