"""The sketched method: few iterations, few products, and never a saddle for a minimum."""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigh

import newtonkit as nk
from newtonkit.problems import Problem
from newtonkit.results import Status

KINDS = ("exp", "softmax", "resnet-softmax", "entropy-softmax")
CONDITIONS = (1.0, 1e2, 1e4, 1e6)


def minimize(problem: Problem, x0: Any = None, **options: Any) -> nk.MinimizeResult:
    return nk.minimize(problem, x0, **{"method": "sketched", "rng": 0, **options})


def inner(result: nk.MinimizeResult) -> float:
    """Inner iterations for each point: most have their step, the last its check."""
    return sum(record.inner_iterations for record in result.history) / len(result.history)


def lowest_curvature(problem: Problem, x: np.ndarray) -> float:
    """Least eigenvalue of the Hessian relative to A^T |D| A and the ridge, by dense algebra."""
    hessian = problem.hess(x)
    size = problem.design.sandwich(np.abs(hessian.row_diagonal)) + np.diag(problem.ridge)
    size += 1e-12 * np.diag(np.diagonal(size))
    return float(eigh(np.asarray(hessian), size, eigvals_only=True, subset_by_index=[0, 0])[0])


def assert_like_exact(kind: str, n: int, d: int, condition: float, seed: int) -> None:
    planted = nk.datasets.make_planted(kind, n, d, condition=condition, rng=seed)
    problem = planted.problem
    exact, sketched = nk.minimize(problem, method="exact"), minimize(problem, rng=seed)
    assert exact.success
    assert sketched.status is exact.status
    assert sketched.nit <= exact.nit + 2
    assert inner(sketched) <= 10.0
    assert all(record.rows_sampled < 0.1 * n for record in sketched.history)
    motion = np.abs(problem.design.product(sketched.x - exact.x)).max()
    assert motion <= 1e-5
    scale = problem.evaluate(np.zeros(d)).loss_scale
    assert abs(sketched.fun - exact.fun) <= 1e-10 * scale


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_planted_problems_take_as_many_steps_as_exact_ones(kind: str, condition: float) -> None:
    assert_like_exact(kind, 20_000, 40, condition, 1)


@pytest.mark.heavy
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_large_planted_problems_take_as_many_steps_as_exact_ones(kind: str, condition: float) -> None:
    for seed in range(2):
        assert_like_exact(kind, 200_000, 100, condition, seed)


@pytest.mark.parametrize("kind", nk.datasets.PLANTED_KINDS)
def test_every_kind_ends_where_the_exact_method_does(kind: str) -> None:
    planted = nk.datasets.make_planted(kind, 6000, 36, condition=30.0, noise=0.2, coherence=0.3, rng=2)
    start = 0.9 * planted.solution
    exact, sketched = (nk.minimize(planted.problem, start, method=m, rng=3) for m in ("exact", "sketched"))
    assert exact.success
    assert sketched.status is exact.status
    assert sketched.fun == pytest.approx(exact.fun, rel=1e-9)
    assert sketched.history[0].rows_sampled < 6000


# Saddles


def cosh_at_a_saddle(d: int, least: float, seed: int, n: int = 3000) -> nk.CoshRegression:
    """At x = 0, D = 1 - b and the gradient vanishes; the least curvature relative to |D| is as given."""
    rng = np.random.default_rng([d, seed])
    a, signs = rng.normal(size=(n, d)), rng.choice([-1.0, 1.0], n)
    low, high = 0.0, 1.0
    for _ in range(14):
        middle = 0.5 * (low + high)
        problem = nk.CoshRegression(a, 1.0 - (signs + middle))
        low, high = (middle, high) if lowest_curvature(problem, np.zeros(d)) < least else (low, middle)
    return nk.CoshRegression(a, 1.0 - (signs + low))


@pytest.mark.parametrize("least", [-0.1, -1e-2, -1e-3])
@pytest.mark.parametrize("d", [33, 60, 90])
def test_a_stationary_point_with_negative_curvature_is_left(d: int, least: float) -> None:
    for seed in range(2):
        problem = cosh_at_a_saddle(d, least, seed)
        assert not problem.jac(np.zeros(d)).any()
        assert lowest_curvature(problem, np.zeros(d)) == pytest.approx(least, abs=1e-4)
        result = minimize(problem, rng=seed)
        assert result.nit > 0
        assert result.fun < problem.fun(np.zeros(d))
        assert result.history[0].rows_sampled < 3000
        assert result.history[0].smallest_curvature <= 0.0
        if result.success:
            assert lowest_curvature(problem, result.x) > -1e-6


@pytest.mark.parametrize("least", [1e-2, 0.1])
def test_a_cosh_origin_that_is_a_minimum_is_one(least: float) -> None:
    for seed in range(3):
        result = minimize(cosh_at_a_saddle(50, least, seed), rng=seed)
        assert result.status is Status.CONVERGED
        assert result.nit == 0


@pytest.mark.parametrize("kind", [nk.SoftmaxRegression, nk.ResNetSoftmaxRegression])
@pytest.mark.parametrize("seed", range(3))
def test_a_saddle_by_symmetry_is_left(kind: Any, seed: int) -> None:
    """Rows a and -a with the same target: the loss of a softmax is even in x."""
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(2000, 40))
    b = np.concatenate([np.where(np.arange(2000) < 3, 0.1, 1e-5)] * 2)
    problem = kind(np.concatenate((half, -half)), b, ridge=1e-9)
    assert lowest_curvature(problem, np.zeros(40)) < -1e-3
    exact, sketched = nk.minimize(problem, method="exact"), minimize(problem, rng=seed)
    assert sketched.nit > 0
    assert sketched.fun < problem.fun(np.zeros(40))
    assert sketched.success == exact.success
    if sketched.success:
        assert lowest_curvature(problem, sketched.x) > -1e-6


# Plateaus


@pytest.mark.parametrize("size", [1e3, 1e4, 1e5])
def test_a_softmax_on_a_wrong_row_is_saturated(size: float) -> None:
    rng = np.random.default_rng(0)
    a, truth = rng.normal(size=(6000, 40)), rng.normal(size=40) / 6.0
    b = np.exp(a @ truth)
    for seed in range(2):
        result = minimize(nk.SoftmaxRegression(a, b / b.sum()), -size * truth, rng=seed)
        assert result.fun > 0.4
        assert result.status is Status.SATURATED
        assert not result.success


def test_separable_choices_have_no_minimiser() -> None:
    """One-hot targets at the largest u of each group: x runs off to infinity."""
    rng = np.random.default_rng(1)
    a, labels = rng.normal(size=(4000, 36)), np.arange(4000) // 4
    u = (a @ rng.normal(size=36)).reshape(-1, 4)
    b = (u == u.max(axis=1, keepdims=True)).astype(float).ravel()
    for seed in range(2):
        result = minimize(nk.SoftmaxCrossEntropy(a, b, groups=labels), rng=seed)
        assert not result.success


# What may be asked of it


def test_passes_are_counted_and_cover_the_products() -> None:
    planted = nk.datasets.make_planted("resnet-softmax", 8000, 36, condition=10.0, rng=3)
    result = minimize(planted.problem)
    passes = [record.passes for record in result.history]
    assert all(isinstance(each, int) for each in passes)
    assert (np.diff(passes) > 0).all()
    done = np.cumsum([record.inner_iterations for record in result.history])
    assert (np.array([*passes[1:], result.passes]) >= done).all()
    assert result.passes >= passes[-1]
    opened = "from the minimum of" in result.history[1].note  # then no step is taken from the start
    assert all(record.inner_iterations >= 1 for record in result.history[opened:-1])


@pytest.mark.parametrize("kind", ["softmax", "cosh"])
def test_several_starts(kind: str) -> None:
    planted = nk.datasets.make_planted(kind, 5000, 34, rng=4)
    result = minimize(planted.problem, starts=3)
    assert len(result.starts) == 3
    assert result.fun == pytest.approx(
        min(value for value, status in result.starts if status.success), abs=1e-12
    )


class Bent(nk.problems.OuterFunction):
    """1/2 <u, u> + 1/2 exp(<v, u>): low rank, and no shift."""

    rank = 1

    def __init__(self, v: np.ndarray) -> None:
        self.v = v
        self.groups = nk.problems.rows.Groups.single(len(v))

    def partials(self, stage, u, block, totals):
        v = self.v[block.rows]
        return np.array([[u @ u, v @ u]])

    def value(self, totals):
        return float(0.5 * totals[0][0, 0] + np.exp(totals[0][0, 1]))

    def loss_scale(self, totals):
        return self.value(totals)

    def derivatives(self, u, block, totals):
        v, e = self.v[block.rows], np.exp(totals[0][0, 1])
        return nk.problems.outer.RowDerivatives(
            u + e * v, np.ones_like(u), np.abs(u) + e * np.abs(v), v[:, None]
        )

    def cores(self, totals):
        return np.array([[[np.exp(totals[0][0, 1])]]])


@pytest.mark.parametrize("method", ["sketched", "sampled"])
def test_a_users_low_rank_without_a_shift_is_a_remainder(method: Any) -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(5000, 36))
    problem = Problem(a, Bent(rng.normal(size=5000) / 50.0))
    exact, other = nk.minimize(problem, method="exact"), minimize(problem, method=method, epsilon=None)
    assert exact.success
    assert other.success
    assert other.fun == pytest.approx(exact.fun, rel=1e-10)
    np.testing.assert_allclose(other.x, exact.x, atol=1e-6)
