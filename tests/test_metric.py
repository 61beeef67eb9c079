"""The metric of steps: orthonormal coordinates for any units, coherent rows and deficient rank."""

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.metric import Metric
from tests.quadratic import Quadratic

BASE = np.random.default_rng(0).normal(size=(150, 6))


def with_spectrum(condition: float) -> np.ndarray:
    left, _, right = np.linalg.svd(BASE, full_matrices=False)
    return (left * (np.sqrt(150.0) * np.logspace(0, -np.log10(condition), 6))) @ right


def coherent(size: float) -> np.ndarray:
    a = BASE.copy()
    a[[3, 70]] *= size
    return a


def lonely(size: float) -> np.ndarray:
    """One row carries a direction alone."""
    a = BASE.copy()
    a[:, -1] = 0.0
    a[0] = 0.0
    a[0, -1] = size
    return a


def metric_of(a: np.ndarray, ridge: float = 0.0, mass: float = 1.0) -> Metric:
    return Metric(nk.SinhRegression(a, np.zeros(len(a)), ridge=ridge), mass)


def gram(metric: Metric, a: np.ndarray, ridge: float = 0.0) -> np.ndarray:
    """T^T (A^T A / n + ridge) T in extended precision, T as it is used in steps."""
    t = metric.steps(np.eye(metric.rank)).astype(np.longdouble)
    rows = a.astype(np.longdouble) @ t
    return np.asarray(rows.T @ rows / len(a) + ridge * t.T @ t, dtype=float)


DESIGNS = {
    "plain": BASE,
    "columns 1e6": BASE * np.logspace(0, -6, 6),
    "columns 1e12": BASE * np.logspace(6, -6, 6),
    "columns 1e200": BASE * np.logspace(100, -100, 6),
    "directions 1e2": with_spectrum(1e2),
    "directions 1e5": with_spectrum(1e5),
    "coherent 1e3": coherent(1e3),
    "coherent 1e6": coherent(1e6),
    "lonely 1e-6": lonely(1e-6),
    "lonely 1e6": lonely(1e6),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_coordinates_are_orthonormal(name: str) -> None:
    a = DESIGNS[name]
    metric = metric_of(a)
    assert metric.rank == 6
    np.testing.assert_allclose(gram(metric, a), np.eye(6), atol=1e-10)


@pytest.mark.parametrize(("condition", "accuracy"), [(1e7, 1e-8), (1e9, 1e-6), (1e11, 1e-4)])
def test_weak_directions_are_as_long_as_their_rows_say(condition: float, accuracy: float) -> None:
    a = with_spectrum(condition)
    metric = metric_of(a)
    assert metric.rank == 6
    assert metric.weak.shape[1] > 0
    np.testing.assert_allclose(gram(metric, a), np.eye(6), atol=accuracy)
    rows = metric.weak_rows
    np.testing.assert_allclose(rows, a @ metric.weak, atol=1e2 * accuracy)
    np.testing.assert_allclose(rows.T @ rows / 150, np.eye(rows.shape[1]), atol=0.1 * accuracy)


@pytest.mark.parametrize("columns", [12, 20])
def test_many_weak_directions_are_settled_in_rounds(columns: int) -> None:
    left, _, right = np.linalg.svd(np.random.default_rng(9).normal(size=(150, columns)), full_matrices=False)
    a = (left * (np.sqrt(150.0) * np.logspace(0, -11, columns))) @ right
    metric = metric_of(a)
    assert metric.rank == columns
    np.testing.assert_allclose(gram(metric, a), np.eye(columns), atol=1e-4)


@pytest.mark.parametrize("ridge", [1e-12, 1e-3, 1e6])
def test_a_ridge_counts_beside_the_rows(ridge: float) -> None:
    for a in (BASE, with_spectrum(1e5), BASE[:4]):
        metric = metric_of(a, ridge)
        np.testing.assert_allclose(gram(metric, a, ridge), np.eye(6), atol=1e-9)
        assert metric.rank == 6


def test_the_mass_weighs_the_ridge() -> None:
    np.testing.assert_allclose(gram(metric_of(BASE, 0.5, 10.0), BASE, 0.05), np.eye(6), atol=1e-10)


DEFICIENT = {
    "a column twice": (np.column_stack((BASE, BASE[:, 2])), 6),
    "twice in other units": (np.column_stack((BASE, 1e9 * BASE[:, 2])), 6),
    "zeros": (np.column_stack((BASE[:, :2], np.zeros((150, 2)))), 2),
    "only zeros": (np.zeros((150, 3)), 0),
    "few rows": (BASE[:4], 4),
    "one row": (BASE[:1], 1),
    "equal rows": (np.repeat(BASE[:1], 50, axis=0), 1),
    "a sum": (np.column_stack((BASE, BASE.sum(axis=1))), 6),
    "a sum, coherent": (np.column_stack((coherent(1e4), coherent(1e4).sum(axis=1))), 6),
    "a sum, columns 1e6": (np.column_stack((BASE, BASE @ np.logspace(0, -5, 6))) * np.logspace(3, -3, 7), 6),
}


@pytest.mark.parametrize("name", DEFICIENT)
def test_rank_and_null_space(name: str) -> None:
    a, rank = DEFICIENT[name]
    metric = metric_of(a)
    assert metric.rank == rank
    null = metric.null
    assert null.shape == (a.shape[1], a.shape[1] - rank)
    np.testing.assert_allclose(null.T @ null, np.eye(a.shape[1] - rank), atol=1e-12)
    size = np.sqrt((a * a).sum(axis=0)) @ np.abs(null)
    assert (np.sqrt(((a @ null) ** 2).sum(axis=0)) <= 1e-10 * size + 1e-300).all()
    np.testing.assert_allclose(gram(metric, a), np.eye(rank), atol=1e-8)
    steps = metric.steps(np.random.default_rng(1).normal(size=(rank, 3)))
    assert steps.shape == (a.shape[1], 3)
    np.testing.assert_allclose(null.T @ steps, 0.0, atol=1e-13 * np.abs(steps).max(initial=1.0))


def test_steps_and_dual_are_transposes() -> None:
    metric = metric_of(with_spectrum(1e9))
    z = np.random.default_rng(1).normal(size=(6, 1))
    gradient = np.random.default_rng(2).normal(size=6)
    assert float(gradient @ metric.steps(z)[:, 0]) == pytest.approx(
        float(metric.dual(gradient) @ z[:, 0]), rel=1e-9
    )


def test_sparse_and_dense_designs_have_one_metric() -> None:
    a = BASE * (np.random.default_rng(3).random(BASE.shape) < 0.5)
    one = metric_of(a)
    other = Metric(nk.SinhRegression(sparse.csr_array(a), np.zeros(150)), 1.0)
    t, s = one.steps(np.eye(6)), other.steps(np.eye(6))
    np.testing.assert_allclose(t @ t.T, s @ s.T, rtol=1e-9, atol=1e-12)


def test_any_operator_gives_a_metric() -> None:
    root = np.random.default_rng(4).normal(size=(5, 5)) + 2 * np.eye(5)
    q = Quadratic(np.zeros(5), np.eye(5), root.T @ root)
    t = Metric(q, 1.0).steps(np.eye(5))
    np.testing.assert_allclose(t.T @ q.norm @ t, np.eye(5), atol=1e-10)
