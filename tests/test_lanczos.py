"""The search for negative curvature that keeps no basis, against dense eigenvalues."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from scipy.sparse import csr_array

import newtonkit as nk
from newtonkit.approximate.check import Check
from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.approximate.lanczos import least_ritz, ritz_vector
from newtonkit.approximate.low_rank import LowRankPreconditioner
from newtonkit.approximate.matrix_free import diagonal_metric
from newtonkit.approximate.sketched import SketchedModel
from newtonkit.design import as_design


def pencil(d: int, least: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return H and P > 0 whose least relative eigenvalue is `least`, the others between 0.1 and 2."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(d, d)) + 3.0 * np.eye(d)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    values = np.concatenate(([least], rng.uniform(0.1, 2.0, d - 1)))
    return factor @ (turn * values) @ turn.T @ factor.T, factor @ factor.T


def operators(h: np.ndarray, p: np.ndarray) -> tuple[Any, Any]:
    factor = scipy.linalg.cho_factor(p)
    return lambda z: h @ z, lambda z: scipy.linalg.cho_solve(factor, z)


@pytest.mark.parametrize("least", [-0.5, -1e-2, 0.0, 1e-2])
@pytest.mark.parametrize("seed", range(5))
def test_it_goes_to_the_least_eigenvalue_and_its_vector(least: float, seed: int) -> None:
    h, p = pencil(60, least, seed)
    given = (*operators(h, p), np.random.default_rng(seed + 100).normal(size=60))
    found = least_ritz(*given, 60, lambda k, value, left: left <= 1e-8)
    assert found.value == pytest.approx(least, abs=1e-8)
    y = ritz_vector(*given, found.weights)
    assert y @ p @ y == pytest.approx(1.0)
    assert y @ h @ y == pytest.approx(found.value, abs=1e-9)
    residual = h @ y - found.value * (p @ y)
    assert np.sqrt(residual @ np.linalg.solve(p, residual)) == pytest.approx(found.left, rel=1e-2, abs=1e-10)


def test_values_stay_in_the_spectrum_long_after_orthogonality_is_lost() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate(([0.01], rng.uniform(0.5, 1.0, 150), [1e4, 2e4, 4e4]))
    seen: list[float] = []
    start = rng.normal(size=len(values))
    vectors: list[np.ndarray] = []

    def times(z: np.ndarray) -> np.ndarray:
        vectors.append(z)
        return values * z

    least_ritz(times, lambda z: z, start, 400, lambda k, value, left: seen.append(value) is not None)
    overlap = np.array(vectors) @ np.array(vectors).T - np.eye(len(vectors))
    assert len(seen) == 400 and np.abs(overlap).max() > 0.1  # ghosts there are
    assert min(seen) >= 0.01 - 1e-12 * values.max()  # but none beyond the ends
    assert seen[-1] == pytest.approx(0.01, rel=1e-6)


def test_an_invariant_subspace_ends_it() -> None:
    h = np.diag([2.0, 1.0, -3.0])
    start = np.array([1.0, 1.0, 0.0])
    found = least_ritz(lambda z: h @ z, lambda z: z, start, 9, lambda k, value, left: False)
    assert found.value == pytest.approx(1.0) and len(found.weights) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("at", [0, 3])
def test_a_product_that_is_not_finite_tells_nothing(bad: float, at: int) -> None:
    count = iter(range(100))
    scale = np.linspace(0.5, 2.0, 20)

    def times(z: np.ndarray) -> np.ndarray:
        out = scale * z
        if next(count) == at:
            out[0] = bad
        return out

    with np.errstate(over="ignore", invalid="ignore"):
        found = least_ritz(times, lambda z: z, np.ones(20), 20, lambda k, value, left: False)
    assert np.isnan(found.value) and not len(found.weights)


def model_of(kind: type[SketchedModel], problem: Any, x: np.ndarray, seed: int, n_heavy: int) -> Any:
    evaluation = problem.evaluate(x)
    metric: DiagonalMetric = diagonal_metric(problem, evaluation.curvature_mass)
    sizes = evaluation.hessian.diagonal_sizes()
    preconditioner = DiagonalPreconditioner(metric, sizes)
    if n_heavy:
        weights = np.abs(evaluation.hessian.row_diagonal)
        heavy = np.sort(np.argsort(-weights)[:n_heavy])
        rows = problem.design.rows(heavy)
        preconditioner = LowRankPreconditioner(metric, sizes, rows, weights[heavy])
    rng = np.random.default_rng(seed)
    return kind(problem, metric, evaluation, None, preconditioner, 0.1, rng)


def softmax(seed: int, ridge: float) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(seed)
    a = csr_array(np.where(rng.random((120, 60)) < 0.3, rng.normal(size=(120, 60)), 0.0))
    b = rng.lognormal(sigma=1.5, size=120)
    return nk.SoftmaxRegression(a, b / b.sum(), ridge=ridge), 0.3 * rng.normal(size=60)


@pytest.mark.parametrize("n_heavy", [0, 10])
@pytest.mark.parametrize("ridge", [1e-6, 3e-4, 3e-2])
@pytest.mark.parametrize("seed", range(6))
def test_its_verdict_is_that_of_the_dense_hessian(seed: int, ridge: float, n_heavy: int) -> None:
    problem, x = softmax(seed, ridge)
    model = model_of(Check, problem, x, seed, n_heavy)
    least = float(np.linalg.eigvalsh(problem.hess(x).to_dense())[0])
    assert model.is_convex == (least >= 0.0)
    if least < 0.0:
        assert model.smallest_curvature < 0.0 and model.has_directions
    if model.has_directions and model._space.size:  # as many products again for the vector
        assert model.passes <= 2 * 40
    else:
        assert model.passes <= 40


def test_the_cases_above_are_of_both_kinds() -> None:
    signs = [
        np.linalg.eigvalsh(problem.hess(x).to_dense())[0] >= 0.0
        for problem, x in (softmax(seed, ridge) for seed in range(6) for ridge in (1e-6, 3e-4, 3e-2))
    ]
    assert 4 <= sum(signs) <= len(signs) - 4


def test_a_point_whose_products_are_not_finite_is_not_called_convex(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, x = softmax(0, 3e-2)
    assert model_of(Check, problem, x, 0, 0).is_convex
    model = model_of(Check, problem, x, 0, 0)
    monkeypatch.setattr(model._space, "times", lambda z: np.full_like(z, np.nan))
    assert not model.is_convex


def test_the_vector_of_next_to_no_curvature_is_made_and_computed_anew() -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(size=(140, 35))
    a[:, 0] = 1.0  # the constant shift of a softmax changes nothing
    b = rng.lognormal(size=140)
    problem = nk.SoftmaxRegression(csr_array(a), b / b.sum())
    model = model_of(Check, problem, nk.minimize(problem, method="exact").x, 0, 0)
    assert model.is_convex and model._space.size == 1
    z = model._space.basis[:, 0]
    step = model._metric.steps(z)
    assert np.abs(step[1:]).max() <= 1e-2 * abs(step[0])  # it is about that shift
    assert 0.0 <= model.smallest_curvature <= 1e-6


def test_a_search_keeps_a_few_vectors_where_a_basis_keeps_all() -> None:
    n, d, per_row = 1000, 20_000, 20
    rng = np.random.default_rng(1)
    columns = rng.integers(0, d, (n, per_row))
    a = csr_array((rng.normal(size=n * per_row), columns.ravel(), per_row * np.arange(n + 1)), (n, d))
    b = rng.lognormal(sigma=1.0, size=n)
    problem, peaks = nk.SoftmaxRegression(a, b / b.sum(), ridge=1e-3), {}
    for kind in (Check, SketchedModel):
        assert model_of(kind, problem, np.zeros(d), 0, 0).is_convex  # kernels are compiled, or loaded, here
        model = model_of(kind, problem, np.zeros(d), 0, 0)
        tracemalloc.start()
        assert model.is_convex and model.passes > 8
        peaks[kind] = tracemalloc.get_traced_memory()[1] / (8 * d)
        tracemalloc.stop()
    assert peaks[Check] <= 16.0 < peaks[SketchedModel]


def test_heavy_rows_have_the_same_matrix_one_by_one_and_together() -> None:
    from newtonkit.approximate.low_rank import _row_gram  # noqa: PLC0415  (no public name)

    rng = np.random.default_rng(2)
    scale = rng.uniform(0.5, 2.0, 300)
    thin = np.where(rng.random((20, 300)) < 0.02, 1.0, 0.0) * rng.normal(size=(20, 300))
    for rows in (thin, rng.normal(size=(40, 300))):
        expected = rows @ (scale[:, None] ** 2 * rows.T)
        for design in (as_design(rows), as_design(csr_array(rows))):
            found = _row_gram(design, scale)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
            assert np.array_equal(found, found.T)
