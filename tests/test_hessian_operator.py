"""The Hessian as an operator, over many blocks and groups across their borders, against dense algebra."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import OuterFunction, Problem, RowDerivatives, StructuredHessian
from newtonkit.problems.rows import Groups
from tests.family import MEMBERS, random_problem

N_ROWS, N_COLUMNS = 150_000, 4


def group_sizes(kind: str) -> np.ndarray:
    """Sizes of groups of consecutive rows that add up to N_ROWS."""
    rng = np.random.default_rng(0)
    if kind == "one group":
        return np.array([N_ROWS])
    # Where groups reach over several blocks, some blocks lie inside one group.
    few = np.array([3, 1, 100_000, 1, 2, 30_000, 1])
    sizes = rng.integers(1, 60, N_ROWS) if kind == "many groups" else few
    sizes = sizes[np.cumsum(sizes) < N_ROWS]
    return np.append(sizes, N_ROWS - sizes.sum())


def large_problem(kind: str, container: Callable[[np.ndarray], Any], **options: Any) -> tuple[Any, ...]:
    """An entropy softmax over several blocks, with its dense rows and sizes of groups."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((N_ROWS, N_COLUMNS)) * (rng.random((N_ROWS, N_COLUMNS)) < 0.7)
    sizes = group_sizes(kind)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    weights = rng.uniform(0.5, 2.0, len(sizes))[labels]
    problem = nk.EntropySoftmaxRegression(
        container(a), rng.random(N_ROWS), entropy_weight=0.2, groups=labels, sample_weight=weights, **options
    )
    return problem, a, sizes


def group_sums(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return np.add.reduceat(values, starts, axis=0)


def dense_hessian(
    hessian: StructuredHessian, a: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A^T diag(D) A + diag(ridge), and A^T U C U^T A, from D, U and C, by plain NumPy."""
    assert hessian.low_rank is not None
    w = group_sums(hessian.low_rank[:, :, None] * a[:, None, :], sizes)
    low_rank = np.einsum("gki,gkl,glj->ij", w, hessian.cores, w)
    return (a * hessian.row_diagonal[:, None]).T @ a + np.diag(hessian.ridge), low_rank


@pytest.mark.parametrize("kind", ["one group", "many groups", "groups over several blocks"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
def test_every_form_of_the_hessian_over_many_blocks(container: Callable[..., Any], kind: str) -> None:
    problem, a, sizes = large_problem(kind, container, ridge=[1.0, 2.0, 0.0, 3.0])
    assert len(problem.design.blocks) > 2
    rng = np.random.default_rng(2)
    x = 0.3 * rng.standard_normal(N_COLUMNS)
    hessian = problem.hess(x)
    diagonal_part, low_rank = dense_hessian(hessian, a, sizes)
    full = diagonal_part + low_rank
    close = {"rtol": 0.0, "atol": 1e-12 * max(np.abs(diagonal_part).max(), np.abs(low_rank).max())}
    v, block = rng.standard_normal(N_COLUMNS), rng.standard_normal((N_COLUMNS, 3))
    assert_allclose(hessian.low_rank_gram(), low_rank, **close)
    assert_allclose(hessian.to_dense(), full, **close)
    assert_allclose(np.asarray(hessian), full, **close)
    assert_allclose(hessian.diagonal(), np.diag(full), **close)
    assert_allclose(hessian.matvec(v), full @ v, **close)
    assert_allclose(hessian.matmat(block), full @ block, **close)
    assert_allclose(hessian @ v, full @ v, **close)
    assert_allclose(hessian.dot(block), full @ block, **close)
    assert_allclose(hessian.restricted(block, a @ block), block.T @ full @ block, **close)
    slopes, rounding = problem.evaluate(x).slopes(block, a @ block)
    assert (np.abs(slopes - block.T @ problem.jac(x)) <= 100 * rounding).all()
    assert 0.0 < rounding.max() < 1e-10 * np.abs(slopes).max()


@pytest.mark.parametrize("kind", ["one group", "many groups", "groups over several blocks"])
def test_value_and_gradient_over_many_blocks(kind: str) -> None:
    problem, a, sizes = large_problem(kind, np.asarray)
    x = np.array([0.5, -0.3, 0.2, 0.1])
    e = np.exp(a @ x)
    p = e / np.repeat(group_sums(e, sizes), sizes)
    r = p - problem.outer.target
    each = group_sums(0.5 * r * r + 0.2 * p * np.log(p), sizes)
    weights = problem.outer.group_weights
    assert problem.fun(x) == pytest.approx(float(weights @ each), rel=1e-12)
    slope = r + 0.2 * (1.0 + np.log(p))  # d loss / d p
    rows = p * (slope - np.repeat(group_sums(p * slope, sizes), sizes)) * np.repeat(weights, sizes)
    assert_allclose(problem.jac(x), a.T @ rows, rtol=0.0, atol=1e-12 * np.abs(a.T @ np.abs(rows)).max())
    assert_allclose(problem.predict(x), p, rtol=1e-12)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("groups", ["none", "some of one row"])
def test_small_hessians_agree_in_every_form(name: str, groups: str) -> None:
    rng = np.random.default_rng(4)
    problem, x = random_problem(
        MEMBERS[name], rng, n=15, d=4, groups=groups, ridge="vector", fit_intercept=True
    )
    hessian = problem.hess(x)
    dense = hessian.to_dense()
    close = {"rtol": 0.0, "atol": 1e-13 * np.abs(dense).max()}
    identity = np.eye(5)
    assert hessian.shape == dense.shape == (5, 5)
    assert_allclose(dense, dense.T, **close)
    assert_allclose(hessian @ identity, dense, **close)
    assert_allclose(hessian.diagonal(), np.diag(dense), **close)
    for column in identity:
        assert_allclose(problem.hessp(x, column), dense @ column, **close)
        assert_allclose(hessian @ column.tolist(), dense @ column, **close)


def test_the_array_of_a_hessian() -> None:
    problem, x = random_problem(MEMBERS["ExpRegression"], np.random.default_rng(5))
    hessian = problem.hess(x)
    array = np.asarray(hessian)
    array[:] = 0.0  # NumPy gets an array of its own
    assert np.abs(np.array(hessian)).max() > 0.0
    assert np.asarray(hessian, dtype=np.float32).dtype == np.float32
    assert not hessian.to_dense().flags.writeable
    assert hessian.ndim == 2
    assert np.linalg.eigvalsh(hessian).shape == (3,)
    assert "rows=12" in repr(hessian)


class LogSumOfProjections(OuterFunction):
    """l(u) = 1/2 <u, u> + log <exp(W^T u), 1>: one group, and a low-rank part of rank 3."""

    rank = 3

    def __init__(self, projections: np.ndarray) -> None:
        self.projections = projections
        self.groups = Groups.single(len(projections))

    def partials(self, stage, u, block, totals):
        w = self.projections[block.rows]
        return np.append(0.5 * np.dot(u, u), u @ w)[None, :]

    def value(self, totals):
        return float(totals[0][0, 0] + np.log(np.exp(totals[0][0, 1:]).sum()))

    def loss_scale(self, totals):
        return abs(self.value(totals))

    def derivatives(self, u, block, totals):
        w = self.projections[block.rows]
        gradient = u + w @ self.shares(totals)
        return RowDerivatives(gradient, np.ones_like(u), np.abs(u) + np.abs(w).sum(axis=1), w)

    def shares(self, totals):
        e = np.exp(totals[0][0, 1:])
        return e / e.sum()

    def cores(self, totals):
        p = self.shares(totals)
        return (np.diag(p) - np.outer(p, p))[None]


@pytest.mark.parametrize("n", [30, 120_000])
def test_an_outer_function_of_rank_three(n: int) -> None:
    rng = np.random.default_rng(6)
    a, w = rng.standard_normal((n, 5)), rng.standard_normal((n, 3)) / np.sqrt(n)
    problem = Problem(a, LogSumOfProjections(w))
    x = rng.standard_normal(5)
    hessian, p = problem.hess(x), problem.outer.shares(problem.evaluate(x)._totals)
    wanted = a.T @ a + a.T @ w @ (np.diag(p) - np.outer(p, p)) @ w.T @ a
    assert_allclose(hessian.to_dense(), wanted, rtol=0.0, atol=1e-12 * n)
    assert_allclose(hessian @ x, wanted @ x, rtol=0.0, atol=1e-11 * n)
    assert_allclose(hessian.diagonal(), np.diag(wanted), rtol=0.0, atol=1e-12 * n)
    if n < 100:
        assert nk.check_derivatives(problem, x, rng=0).ok
