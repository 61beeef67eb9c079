"""How near the bounds are: within a factor of 4 where rows allow, of 50 on real data."""

from functools import cache

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import datasets
from newtonkit.problems import Problem
from tests.family import MEMBERS, random_problem
from tests.third import largest_along, largest_value, third_tensor

KNOWN = [name for name, member in MEMBERS.items() if member.activation != "softplus"]
REAL = {
    "diamonds": datasets.diamonds_exp,
    "CPSSW8": datasets.cpssw8_exp,
    "digits": datasets.digits_exp,
    "digits, softmax": datasets.digits_softmax,
    "digits, grouped": datasets.digits_grouped,
    "diabetes, softmax": datasets.diabetes_softmax,
    "diabetes, cross-entropy": datasets.diabetes_grouped,
    "modechoice, cross-entropy": datasets.modechoice_cross_entropy,
    "modechoice, grouped": datasets.modechoice_grouped,
}
REACH = {"modechoice, grouped": 1e-3}  # the features are not standardised: prices by the hundred


def seen_in(problem: Problem, x: np.ndarray, radius: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return the least eigenvalue and the largest third derivative at the centre and some of the edge."""
    steps = rng.standard_normal((3, len(x)))
    points = [x, *(x + radius * steps / np.linalg.norm(steps, axis=1)[:, None])]
    lowest = min(np.linalg.eigvalsh(problem.hess(y).to_dense())[0] for y in points)
    return lowest, max(largest_value(third_tensor(problem, y), rng)[0] for y in points)


@pytest.mark.parametrize("name", KNOWN)
def test_a_factor_of_four_would_be_seen(name):
    """M is never less than what is seen, nor far from it where the radius is small."""
    ratios = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        groups = "sorted" if seed % 3 == 2 else "none"
        problem, x = random_problem(MEMBERS[name], rng, n=5 + seed % 3, d=1 + seed % 2, groups=groups)
        radius = (1e-5, 1e-4)[seed % 2] / max(1.0, problem.design.row_norms.max())
        bound = problem.curvature_bounds(x, radius).M
        ratios.append(bound / seen_in(problem, x, radius, rng)[1])
    assert min(ratios) >= 1.0 - 1e-6
    assert np.median(ratios) <= 6.0
    assert min(ratios) <= 2.0


@pytest.mark.parametrize("name", KNOWN)
def test_so_would_one_of_the_lowest_curvature(name):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem, x = random_problem(
            MEMBERS[name], rng, n=8, d=2, groups="sorted", ridge="scalar", penalty=True
        )
        radius = 1e-5 / problem.design.row_norms.max()
        low = seen_in(problem, x, radius, rng)[0]
        assert low - 0.01 * abs(low) - 1e-3 <= problem.curvature_bounds(x, radius).l <= low + 1e-12 * abs(low)


@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxCrossEntropy, nk.SoftmaxRegression])
def test_l_stays_positive_in_a_ball_of_the_size_of_the_data(kind):
    """Where rows are known to curve upwards, l is more than the curvature at x less M radius."""
    rng = np.random.default_rng(0)
    A, x = rng.standard_normal((40, 2)), np.array([0.3, -0.2])
    f = np.exp(A @ x)
    problem = kind(A, 0.9 * f if kind is nk.ExpRegression else f / f.sum())
    here = np.linalg.eigvalsh(problem.hess(x).to_dense())[0]
    radius = 0.1 if kind is not nk.SoftmaxRegression else 0.04
    l, M = problem.curvature_bounds(x, radius)  # noqa: E741
    assert here / 4.0 < l <= here
    assert l > here - M * radius


@cache
def solved(name: str) -> tuple[Problem, np.ndarray]:
    problem = REAL[name]()
    return problem, nk.minimize(problem).x


@pytest.mark.parametrize("name", REAL)
def test_on_real_data_they_are_within_a_factor_of_fifty(name):
    problem, x = solved(name)
    rng = np.random.default_rng(0)
    for point in (x,) if name == "diamonds" else (np.zeros_like(x), x):
        seen = largest_along(problem, point, rng, starts=1, steps=8)
        lowest = np.linalg.eigvalsh(problem.hess(point).to_dense())[0]
        for radius in (0.0, REACH.get(name, 0.01)):
            l, M = problem.curvature_bounds(point, radius)  # noqa: E741
            assert seen * (1.0 - 1e-4) <= M <= 50.0 * seen
            assert l <= lowest
            if radius == 0.0 and lowest > 0.0:
                assert l >= lowest / 50.0


def test_on_real_data_l_is_positive_in_a_ball():
    for name, radius in (
        ("diamonds", 0.01),
        ("CPSSW8", 0.1),
        ("digits", 0.01),
        ("diabetes, cross-entropy", 0.1),
    ):
        problem, x = solved(name)
        lowest = np.linalg.eigvalsh(problem.hess(x).to_dense())[0]
        assert problem.curvature_bounds(x, radius).l >= (
            lowest / 50.0 if name != "CPSSW8" else lowest / 100.0
        )
