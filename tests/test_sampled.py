"""The sampled method: steps from a sampled Hessian contract as promised, verdicts are the true Hessian's."""

from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.approximate.sampled import rows_per_dimension
from newtonkit.problems import Problem
from newtonkit.results import Status
from tests.test_sketched import cosh_at_a_saddle, lowest_curvature

KINDS = ("exp", "softmax", "resnet-softmax", "entropy-softmax")
NEAR = 0.1  # no row has its u off by more


def minimize(problem: Problem, x0: Any = None, **options: Any) -> nk.MinimizeResult:
    return nk.minimize(problem, x0, **{"method": "sampled", "rng": 0, **options})


@pytest.mark.parametrize("condition", [1.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("kind", KINDS)
def test_near_the_solution_errors_contract_by_the_rate_of_the_papers(kind: str, condition: float) -> None:
    """By 0.4 or better in the norm of H(x*), as long as the error is above rounding."""
    n, d = 12_000, 12
    planted = nk.datasets.make_planted(kind, n, d, condition=condition, rng=6)
    problem, star = planted.problem, planted.solution
    hessian = np.asarray(problem.hess(star))
    points: list[np.ndarray] = []
    result = minimize(problem, epsilon=0.1, gtol=1e-11, callback=lambda record: points.append(record.x))
    assert result.success
    # Where a first sample of an exponential loss proves too rough, it grows up to all rows.
    assert all(record.rows_sampled < n for record in result.history[: 1 if kind == "exp" else None])
    errors = np.array([np.sqrt((x - star) @ hessian @ (x - star)) for x in points])
    near = np.array([np.abs(problem.design.product(x - star)).max() for x in points]) <= NEAR
    told_apart = errors > 1e-8 * errors[0]
    ratios = (errors[1:] / errors[:-1])[near[:-1] & told_apart[:-1]]
    assert len(ratios) >= 2
    assert ratios.max() <= 0.4


def test_a_smaller_epsilon_takes_more_rows_and_contracts_faster() -> None:
    planted = nk.datasets.make_planted("softmax", 20_000, 8, rng=7)
    rows, iterations = [], []
    for epsilon in (0.8, 0.4, 0.2, 0.1):
        result = minimize(planted.problem, planted.solution * 0.97, epsilon=epsilon, gtol=1e-10)
        assert result.success
        rows.append(result.history[0].rows_sampled)
        assert rows[-1] == pytest.approx(8 * rows_per_dimension(epsilon), rel=0.4)
        iterations.append(result.nit)
    assert (np.diff(rows) > 0).all()
    assert iterations[-1] < iterations[0]


def test_rows_for_an_error_follow_the_law_of_marchenko_and_pastur() -> None:
    """A Gaussian matrix with c rows for each dimension has its singular values at 1 +- 1 / sqrt(c)."""
    rng, d = np.random.default_rng(0), 40
    for epsilon in (0.2, 0.5):
        m = round(rows_per_dimension(epsilon) * d)
        a = rng.normal(size=(m, d)) / np.sqrt(m)
        values = np.linalg.eigvalsh(a.T @ a)
        assert max(1.0 - values[0], values[-1] - 1.0) == pytest.approx(epsilon, rel=0.15)


@pytest.mark.parametrize("kind", nk.datasets.PLANTED_KINDS)
def test_every_kind_ends_where_the_exact_method_does(kind: str) -> None:
    planted = nk.datasets.make_planted(kind, 6000, 12, condition=30.0, noise=0.2, rng=2)
    start = 0.9 * planted.solution
    exact = nk.minimize(planted.problem, start, method="exact")
    sampled = minimize(planted.problem, start, epsilon=0.5)
    assert exact.success
    assert sampled.status is exact.status
    assert sampled.fun == pytest.approx(exact.fun, rel=1e-9)
    assert sampled.history[0].rows_sampled < 1500


@pytest.mark.parametrize("d", [33, 60])
def test_a_stationary_point_with_negative_curvature_is_left(d: int) -> None:
    """Though a sample may well have none: the true Hessian is asked."""
    for seed in range(2):
        problem = cosh_at_a_saddle(d, -1e-2, seed)
        result = minimize(problem, rng=seed, epsilon=0.5)
        assert result.nit > 0
        assert result.fun < problem.fun(np.zeros(d))
        if result.success:
            assert lowest_curvature(problem, result.x) > -1e-6


def test_a_softmax_on_a_wrong_row_is_saturated() -> None:
    rng = np.random.default_rng(0)
    a, truth = rng.normal(size=(6000, 40)), rng.normal(size=40) / 6.0
    b = np.exp(a @ truth)
    result = minimize(nk.SoftmaxRegression(a, b / b.sum()), -1e3 * truth, epsilon=0.5)
    assert result.status is Status.SATURATED
    assert not result.success


def test_slow_steps_make_the_sample_grow_and_say_so() -> None:
    """Three rows for each dimension are too few: the gradient falls too slowly."""
    planted = nk.datasets.make_planted("exp", 20_000, 10, rng=8)
    result = minimize(planted.problem, epsilon=0.99)
    assert result.success
    rows = [record.rows_sampled for record in result.history]
    notes = [record.note for record in result.history if "epsilon is now" in record.note]
    assert notes
    assert max(rows) > 1.5 * rows[0]


def test_passes_are_counted_and_rows_are_those_of_the_sample() -> None:
    planted = nk.datasets.make_planted("softmax", 8000, 10, rng=3)
    result = minimize(planted.problem, epsilon=0.5)
    passes = [record.passes for record in result.history]
    assert all(isinstance(each, int) for each in [*passes, result.passes])
    assert (np.diff(passes) >= 4).all()  # a gradient, centres, scores and a step
    assert result.passes >= passes[-1]
    assert all(0 < record.rows_sampled < 8000 for record in result.history)
    assert all(record.inner_iterations == 0 for record in result.history[:-1])
