"""The sampled and the sketched method on every sort of data: layouts, ranks, sizes, a user's own loss."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Problem, RowwiseLoss

APPROXIMATE = ("sketched", "sampled")


class Poisson(RowwiseLoss):
    """A user's own loss."""

    def terms(self, u, b):
        mean = np.exp(u)
        return mean - b * u, mean - b, mean


@pytest.mark.parametrize("method", APPROXIMATE)
def test_a_users_own_loss(method: Any) -> None:
    rng = np.random.default_rng(2)
    a = rng.normal(size=(6000, 36)) / 6.0
    problem = Problem(a, Poisson(rng.poisson(np.exp(a @ rng.normal(size=36))).astype(float)))
    exact, other = nk.minimize(problem, method="exact"), nk.minimize(problem, method=method, rng=0)
    assert other.success
    assert other.status is exact.status
    np.testing.assert_allclose(other.x, exact.x, atol=1e-6)


@pytest.mark.parametrize("layout", ["dense", "Fortran", "float32", "CSR", "CSR float32"])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("method", APPROXIMATE)
def test_layouts_and_intercepts(method: Any, fit_intercept: bool, layout: str) -> None:
    rng = np.random.default_rng(3)
    dense = rng.normal(size=(5000, 34)) * (rng.random((5000, 34)) < 0.3) / 4.0
    a: Any = {
        "dense": dense,
        "Fortran": np.asfortranarray(dense),
        "float32": dense.astype(np.float32),
        "CSR": sparse.csr_array(dense),
        "CSR float32": sparse.csr_array(dense.astype(np.float32)),
    }[layout]
    b = np.exp(dense @ rng.normal(size=34) + 0.2 * rng.normal(size=5000))
    for problem in (
        nk.SoftmaxRegression(a, b / b.sum(), fit_intercept=fit_intercept),
        nk.SinhRegression(a, b, fit_intercept=fit_intercept, offset=np.full(5000, 0.1)),
    ):
        exact, other = (nk.minimize(problem, method=m, rng=0) for m in ("exact", method))
        assert exact.success
        assert other.status is exact.status
        assert other.rank == exact.rank
        assert other.fun == pytest.approx(exact.fun, rel=1e-10)


@pytest.mark.parametrize("deficiency", ["constant", "zero", "twice", "sum"])
@pytest.mark.parametrize("kind", [nk.SoftmaxRegression, nk.ExpRegression])
@pytest.mark.parametrize("method", APPROXIMATE)
def test_rank_deficient_designs_give_the_shortest_change(method: Any, kind: Any, deficiency: str) -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(size=(5000, 38)) / 6.0
    extra = {"constant": np.ones(5000), "zero": np.zeros(5000), "twice": 2.0 * a[:, 0], "sum": a.sum(axis=1)}
    a = np.column_stack((a, extra[deficiency]))
    b = np.exp(a @ rng.normal(size=39) + 0.2 * rng.normal(size=5000))
    problem = kind(a, b / b.sum() if kind is nk.SoftmaxRegression else b)
    exact, other = (nk.minimize(problem, method=m, rng=0) for m in ("exact", method))
    assert exact.success
    assert other.status is exact.status
    assert other.rank == exact.rank
    assert other.fun == pytest.approx(exact.fun, rel=1e-10)
    if deficiency != "constant":  # which shift of a softmax is found is a matter of the metric
        np.testing.assert_allclose(other.x, exact.x, atol=1e-5)


@pytest.mark.parametrize("n", range(1, 6))
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("method", APPROXIMATE)
def test_the_smallest_problems(method: Any, d: int, n: int) -> None:
    rng = np.random.default_rng([n, d])
    a, b = rng.normal(size=(n, d)), rng.random(n) + 0.1
    for problem in (
        nk.ExpRegression(a, b),
        nk.SinhRegression(a, b, ridge=0.1),
        nk.SoftmaxRegression(a, b / b.sum(), ridge=1e-3),
        nk.SoftmaxCrossEntropy(a, b, ridge=1e-3),
        nk.EntropySoftmaxRegression(a, b / b.sum(), entropy_weight=0.1, ridge=1e-3),
    ):
        exact, other = (nk.minimize(problem, method=m, rng=0) for m in ("exact", method))
        assert other.success == exact.success
        assert other.fun == pytest.approx(exact.fun, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("method", ["exact", *APPROXIMATE])
def test_columns_of_zeros(method: Any) -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(4000, 40)) / 6.0
    a[:, ::2] = 0.0
    result = nk.minimize(nk.ExpRegression(a, np.exp(a.sum(axis=1))), method=method, rng=0)
    assert result.success
    assert result.rank == 20
    np.testing.assert_allclose(result.x, np.where(np.arange(40) % 2, 1.0, 0.0), atol=1e-6)
