"""Preconditioners against dense algebra, in plain coordinates and in the frame of a triangular metric."""

from functools import cache
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.approximate.preconditioner import Preconditioner, SampledPreconditioner, ScaledMetric
from newtonkit.approximate.sampled_hessian import SampledHessian
from newtonkit.design.dense import DenseDesign
from newtonkit.metric import Metric
from newtonkit.problems.shifting import shifted_form
from newtonkit.triangular import TriangularMetric

N, D = 500, 12
RNG = np.random.default_rng(0)
A = RNG.normal(size=(N, D)) * np.logspace(3, -3, D)
METRICS = ("plain", "triangular")
SIGMAS = (1e-6, 1e-3, 1.0, 1e4)


@cache
def metrics() -> tuple[Metric, TriangularMetric, np.ndarray]:
    """Two metrics with one T, and T."""
    triangular = TriangularMetric.of_gram(A.T @ A / N)
    assert triangular is not None
    t = triangular.steps(np.eye(D))
    return Metric.of_transform(t, N), triangular, t


def weights_of(case: str) -> np.ndarray:
    """The weights of rows; eigenvalues of P come out of the order of 1, but for what the case is about."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.5, 2.0, N) / N
    if case == "ten orders":
        weights = 10.0 ** rng.uniform(-10, 0, N) / N
    elif case == "signed":
        weights *= rng.choice([-1.0, 1.0], N)
    elif case == "low rank":
        weights[7:] = 0.0
    elif case == "zero":
        weights[:] = 0.0
    return weights


def sample(case: str) -> tuple[SampledHessian, np.ndarray]:
    """A sample of a Hessian, and its positive part as a dense matrix."""
    hessian = nk.ExpRegression(A, np.ones(N), ridge=2.0 if case == "ridge" else 0.0).hess(np.zeros(D))
    weights, rows = weights_of(case), A
    if case == "few rows":
        weights, rows = weights[:5], A[:5]
    elif case == "a flat direction":
        _, _, t = metrics()
        q = np.linalg.qr(np.random.default_rng(2).normal(size=(D, D)))[0]
        rows, weights = (q * np.sqrt([*np.ones(D - 2), 1e-9, 1e-11])).T @ np.linalg.inv(t), np.ones(D)
    remainder = positive = None
    if case == "remainder":
        root = np.random.default_rng(3).normal(size=(D, 2)) * np.logspace(3, -3, D)[:, None]
        y, z = root.T
        remainder = np.outer(y, z) + np.outer(z, y)
        values, vectors = np.linalg.eigh(remainder)
        positive = (vectors[:, -1:] * values[-1]) @ vectors[:, -1:].T
    dense = rows.T @ (np.abs(weights)[:, None] * rows) + np.diag(hessian.ridge)
    dense = dense if positive is None else dense + positive
    return SampledHessian(hessian, DenseDesign(rows), weights, remainder), dense


REGULAR = ("plain", "ten orders", "signed", "ridge", "remainder")
DEFICIENT = {"low rank": 7, "few rows": 5, "zero": 0}


def made(name: str, case: str) -> tuple[SampledPreconditioner, np.ndarray]:
    """A preconditioner, and T^T P T as a dense matrix."""
    plain, triangular, t = metrics()
    sampled, dense = sample(case)
    reduced = t.T @ dense @ t
    return SampledPreconditioner(plain if name == "plain" else triangular, sampled), 0.5 * (
        reduced + reduced.T
    )


def at(preconditioner: SampledPreconditioner, sigma: float) -> None:
    """Make it factorise for this very sigma, not for one within a factor of 2 of it."""
    preconditioner.solve(np.ones(D), 1e3 * sigma)
    preconditioner.solve(np.ones(D), sigma)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("case", [*REGULAR, *DEFICIENT, "a flat direction"])
@pytest.mark.parametrize("name", METRICS)
def test_solves_and_norms_are_those_of_p_and_sigma(name: str, case: str, sigma: float) -> None:
    preconditioner, p = made(name, case)
    assert preconditioner.note == ""
    at(preconditioner, sigma)
    lifted = p + sigma * np.eye(D)
    condition = np.linalg.cond(lifted)
    right = np.random.default_rng(4).normal(size=D)
    wanted = np.linalg.solve(lifted, right)
    slack = 1e-13 * condition * np.linalg.norm(wanted) + 1e-12 * np.linalg.norm(wanted)
    assert np.linalg.norm(preconditioner.solve(right, sigma) - wanted) <= slack
    np.testing.assert_allclose(preconditioner.solve(np.eye(D), sigma) @ right, wanted, atol=2 * slack)
    expected = float(np.sqrt(right @ wanted))
    assert preconditioner.norm(right, sigma) == pytest.approx(expected, rel=1e-12 + 1e-14 * condition)


@pytest.mark.parametrize("name", METRICS)
def test_a_factor_serves_sigmas_within_a_factor_of_two(name: str) -> None:
    preconditioner, p = made(name, "ten orders")
    right = np.random.default_rng(5).normal(size=D)

    def exact(sigma: float) -> float:
        return float(np.sqrt(right @ np.linalg.solve(p + sigma * np.eye(D), right)))

    rng = np.random.default_rng(6)
    for sigma in 10.0 ** rng.uniform(-4, 4, 40):
        found = preconditioner.norm(right, sigma)
        assert exact(2.0001 * sigma) <= found <= exact(sigma / 2.0001)


@pytest.mark.parametrize("case", [*REGULAR, "low rank"])
@pytest.mark.parametrize("name", METRICS)
def test_roots_and_products(name: str, case: str) -> None:
    preconditioner, p = made(name, case)
    largest = np.linalg.eigvalsh(p)[-1]
    half = preconditioner.half_inverse(np.eye(D))
    if case in REGULAR:
        slack = 1e-12 * np.linalg.cond(p) + 1e-11  # of it, P is lifted by some 1e-13 of its size
        np.testing.assert_allclose(half.T @ p @ half, np.eye(D), atol=slack)
        alone = preconditioner.half_inverse(np.ones(D))
        np.testing.assert_allclose(alone, half @ np.ones(D), atol=slack * np.linalg.norm(half))
    else:  # P is lifted in its null space, where the root is huge
        np.testing.assert_allclose(np.linalg.eigvalsh(half.T @ p @ half)[-7:], 1.0, atol=1e-4)
    assert 0.3 * 1e-7 * largest <= preconditioner.floor <= 1e-7 * D * largest
    z = np.random.default_rng(7).normal(size=(D, 3))
    wanted = p @ z + preconditioner.floor * z
    np.testing.assert_allclose(preconditioner.product(z), wanted, atol=1e-12 * largest)
    np.testing.assert_allclose(preconditioner.product(z[:, 0]), wanted[:, 0], atol=1e-12 * largest)
    spread = preconditioner.spread(np.eye(D))
    values = np.linalg.eigvalsh(spread.T @ (p + preconditioner.floor * np.eye(D)) @ spread)
    assert values[0] >= 0.49
    assert values[-1] <= 2.01


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("case", [*REGULAR, *DEFICIENT])
def test_rank_and_weak_directions(name: str, case: str) -> None:
    preconditioner, p = made(name, case)
    rank = DEFICIENT.get(case, D)
    assert preconditioner.rank == rank
    weak = preconditioner.weak_directions()
    assert weak.shape == (D, D - rank)
    np.testing.assert_allclose(weak.T @ weak, np.eye(D - rank), atol=1e-12)
    assert np.abs(p @ weak).max(initial=0.0) <= 1e-7 * max(np.linalg.norm(p, 2), 1e-300)


@pytest.mark.parametrize("name", METRICS)
def test_flat_directions_come_with_the_flattest_first(name: str) -> None:
    preconditioner, p = made(name, "a flat direction")
    assert preconditioner.rank == D
    weak = preconditioner.weak_directions()
    values, vectors = np.linalg.eigh(p)
    assert weak.shape == (D, 2)
    np.testing.assert_allclose(np.abs(vectors[:, :2].T @ weak), np.eye(2), atol=1e-3)
    assert values[0] < 1e-10 < values[1] < 1e-8


@pytest.mark.parametrize("radius", [1e-4, 0.1, 1.0, 10.0, 1e9])
@pytest.mark.parametrize("case", [*REGULAR, *DEFICIENT])
@pytest.mark.parametrize("name", METRICS)
def test_the_first_step_is_about_the_minimiser_within_the_radius(name: str, case: str, radius: float) -> None:
    preconditioner, p = made(name, case)
    slopes = np.random.default_rng(8).normal(size=D)
    if case in DEFICIENT and radius > 1e8:
        slopes = p @ slopes  # or it would go on until rounding ends it
    z, sigma = preconditioner.first(slopes, radius)
    length = np.linalg.norm(z)
    if sigma > 0.0:
        assert 0.999 * radius <= length <= 1.1001 * radius
        left = p @ z + sigma * z + slopes
        assert np.linalg.norm(left) <= 1e-9 * np.linalg.norm(slopes)
    elif case != "zero":
        assert length <= 1.1001 * radius
        assert np.linalg.norm(p @ z + slopes) <= 1e-6 * np.linalg.norm(slopes)
    else:
        assert (slopes == 0.0).all()
        assert length == 0.0


@pytest.mark.parametrize("case", [*REGULAR, *DEFICIENT])
def test_both_kinds_of_coordinates_tell_the_same(case: str) -> None:
    (one, p), (other, _) = made("plain", case), made("triangular", case)
    right, sigma = np.random.default_rng(9).normal(size=D), 0.01 * max(np.linalg.norm(p, 2), 1.0)
    np.testing.assert_allclose(one.solve(right, sigma), other.solve(right, sigma), rtol=1e-8, atol=1e-10)
    assert one.norm(right, sigma) == pytest.approx(other.norm(right, sigma), rel=1e-10)
    assert one.rank == other.rank
    z, multiplier = one.first(right, 0.3)
    y, other_multiplier = other.first(right, 0.3)
    np.testing.assert_allclose(z, y, rtol=1e-4, atol=1e-6)
    assert multiplier == pytest.approx(other_multiplier, rel=1e-4, abs=1e-12)


def test_what_is_not_finite_is_refused() -> None:
    hessian = nk.ExpRegression(A, np.ones(N)).hess(np.zeros(D))
    weights = np.ones(N)
    weights[3] = np.inf
    for metric in metrics()[:2]:
        with pytest.raises(ValueError, match=r"inf|nan|NaN"), np.errstate(invalid="ignore", over="ignore"):
            SampledPreconditioner(metric, SampledHessian(hessian, DenseDesign(A), weights))


@pytest.mark.parametrize("kind", [nk.ResNetSoftmaxRegression, nk.SoftmaxRegression])
def test_all_rows_of_a_hessian_precondition_it_perfectly(kind: Any) -> None:
    """Near an exact fit the positive part is the Hessian itself, by other rows than those of A."""
    rng = np.random.default_rng(10)
    a = rng.normal(size=(N, D))
    f = np.exp(0.1 * a.sum(axis=1)) + (0.1 * a.sum(axis=1) if kind is nk.ResNetSoftmaxRegression else 0.0)
    hessian = kind(a, f / f.sum(), ridge=1e-6).hess(np.full(D, 0.1))
    form = shifted_form(hessian)
    metric = TriangularMetric.of_gram(a.T @ a / N)
    assert metric is not None
    preconditioner = SampledPreconditioner(
        metric, SampledHessian(hessian, form.design, form.weights, form.remainder)
    )
    t = metric.steps(np.eye(D))
    exact = t.T @ np.asarray(hessian) @ t
    found = np.column_stack([preconditioner.product(e) for e in np.eye(D)])
    np.testing.assert_allclose(found, exact, atol=3e-7 * np.abs(exact).max())


@pytest.mark.parametrize("curvature", [1e-9, 1.0, 1e6])
def test_a_scaled_metric_is_a_multiple_of_the_identity(curvature: float) -> None:
    preconditioner: Preconditioner = ScaledMetric(D, curvature)
    z = np.random.default_rng(11).normal(size=(D, 2))
    v = z[:, 0]
    for sigma in (0.0, 1e-3 * curvature, 10.0 * curvature):
        whole = (curvature + sigma) * np.eye(D)
        np.testing.assert_allclose(preconditioner.solve(z, sigma), np.linalg.solve(whole, z), rtol=1e-12)
        expected = np.sqrt(v @ np.linalg.solve(whole, v))
        assert preconditioner.norm(v, sigma) == pytest.approx(expected, rel=1e-12)
    half = preconditioner.half_inverse(np.eye(D))
    np.testing.assert_allclose(half.T @ (curvature * np.eye(D)) @ half, np.eye(D), atol=1e-12)
    assert preconditioner.rank == D
    assert preconditioner.floor == pytest.approx(1e-7 * curvature)
    assert preconditioner.weak_directions().shape == (D, 0)
    np.testing.assert_allclose(preconditioner.product(z), (curvature + preconditioner.floor) * z)
    length = np.linalg.norm(v)
    for radius in (1e-3 * length / curvature, 0.5 * length / curvature, 3.0 * length / curvature):
        step, sigma = preconditioner.first(v, radius)
        np.testing.assert_allclose((curvature + sigma) * step, -v, rtol=1e-12)
        expected = min(radius, length / curvature)
        assert np.linalg.norm(step) == pytest.approx(expected, rel=1e-12)
        assert (sigma > 0.0) == (radius < length / curvature)
