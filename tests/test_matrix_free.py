"""Solves that form nothing of size d x d, on problems small enough for the exact method to judge them."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import newtonkit as nk
from newtonkit.approximate.diagonal import DiagonalMetric, DiagonalPreconditioner
from newtonkit.approximate.low_rank import LowRankPreconditioner
from newtonkit.design import as_design

KINDS = (nk.ExpRegression, nk.SoftmaxRegression, nk.SoftmaxCrossEntropy, nk.ResNetSoftmaxRegression)


@pytest.fixture
def wide_from_20(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("newtonkit.methods.LEAST_WIDE", "newtonkit.minimizer.LEAST_WIDE"):
        monkeypatch.setattr(place, 20)


def data(n: int, d: int) -> tuple[csr_array, np.ndarray]:
    rng = np.random.default_rng(0)
    a = np.where(rng.random((n, d)) < 0.3, rng.normal(size=(n, d)), 0.0)
    target = np.exp(a @ rng.normal(size=d) / np.sqrt(d)) * rng.lognormal(sigma=0.2, size=n)
    return csr_array(a), target / target.sum() * n


@pytest.mark.usefixtures("wide_from_20")
@pytest.mark.parametrize("shape", [(400, 30), (40, 60)], ids=["tall", "wide"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_finds_what_the_exact_method_finds(kind: Any, shape: tuple[int, int]) -> None:
    a, b = data(*shape)
    if kind is not nk.ExpRegression:
        b = b / b.sum()
    problem = kind(a, b, ridge=1e-2 if kind is nk.ExpRegression else 1e-2 / len(b))
    result, exact = nk.minimize(problem, method="sketched"), nk.minimize(problem, method="exact")
    assert exact.success and result.success
    # A wide design fits its target nearly: what is left is compared with the loss, not with itself.
    assert abs(result.fun - exact.fun) <= 1e-10 * problem.evaluate(np.zeros(shape[1])).loss_scale


@pytest.mark.parametrize("n_heavy", [0, 5])
def test_preconditioners_are_the_inverses_they_say(n_heavy: int) -> None:
    rng = np.random.default_rng(1)
    rows, weights = rng.normal(size=(n_heavy, 12)), rng.uniform(1.0, 9.0, n_heavy)
    rest = rng.uniform(0.5, 2.0, 12)
    metric = DiagonalMetric(rng.uniform(0.5, 2.0, 12))
    sizes = rest + (weights[:, None] * rows**2).sum(axis=0)
    made = DiagonalPreconditioner(metric, sizes)
    if n_heavy:
        made = LowRankPreconditioner(metric, sizes, as_design(rows), weights)
    coordinates = metric.steps(np.eye(12))
    dense = coordinates.T @ (np.diag(rest) + rows.T @ (weights[:, None] * rows)) @ coordinates
    z = rng.normal(size=12)
    np.testing.assert_allclose(made.solve(dense @ z, 0.0), z, rtol=1e-8)
    assert made.norm(z, 0.0) == pytest.approx(np.sqrt(z @ np.linalg.solve(dense, z)), rel=1e-8)
