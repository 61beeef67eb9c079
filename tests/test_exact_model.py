"""The exact model: its steps are the minimisers within the radius, easy case, hard case and between."""

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.curvature import Step
from newtonkit.exact import ExactModel
from newtonkit.metric import Metric
from tests.quadratic import Quadratic

RADII = (1e-6, 1e-3, 0.1, 1.0, 10.0, 1e4)


def spread(values: list[float], seed: int) -> np.ndarray:
    """A symmetric matrix with the given eigenvalues."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return (q * np.array(values)) @ q.T


CURVATURES = {
    "convex": [0.5, 1.0, 2.0, 10.0],
    "indefinite": [-3.0, -0.1, 0.5, 4.0],
    "negative": [-3.0, -2.0, -1.5, -1.0],
    "wide": [-1e-3, 1e-6, 1.0, 1e5],
    "twice the lowest": [-2.0, -2.0, 1.0, 3.0],
    "one variable up": [2.0],
    "one variable down": [-2.0],
}


def quadratic(name: str, seed: int, plain: bool = False) -> Quadratic:
    values = CURVATURES[name]
    d = len(values)
    rng = np.random.default_rng([seed, d])
    root = np.eye(d) if plain else rng.normal(size=(d, d)) + 2.0 * np.eye(d)
    return Quadratic(rng.normal(size=d), root.T @ spread(values, seed) @ root, root.T @ root)


def model_of(q: Quadratic) -> ExactModel:
    x = q.origin()
    return ExactModel(q, Metric(q, 1.0), x)


def assert_minimiser(q: Quadratic, step: Step, radius: float, slack: float = 1e-6) -> None:
    """Check the conditions of More and Sorensen, necessary and sufficient: (H + sigma M) s = -g and so on."""
    s, length = step.s, q.length(step.s)
    assert length <= radius * (1.0 + 1e-8)
    assert step.norm == pytest.approx(length, rel=1e-7)
    np.testing.assert_array_equal(step.a_s, s)
    pull = q.slope + q.matrix @ s
    m_s = q.norm @ s
    sigma = max(0.0, -float(pull @ s) / float(s @ m_s)) if length > 0 else 0.0
    size = np.linalg.norm(q.slope) + np.linalg.norm(q.matrix @ s) + sigma * np.linalg.norm(m_s)
    assert np.linalg.norm(pull + sigma * m_s) <= slack * size
    low = np.linalg.cholesky(q.norm)
    relative = np.linalg.solve(low, np.linalg.solve(low, q.matrix + sigma * q.norm).T)
    values = np.linalg.eigvalsh(0.5 * (relative + relative.T))
    assert values[0] >= -1e-12 * values[-1] - slack * (sigma + abs(values[0]))
    if step.on_boundary:
        assert length == pytest.approx(radius, rel=1e-8)
    else:
        assert sigma * length <= slack * np.linalg.norm(q.slope)
    rounding = 1e-14 * float(np.abs(s) @ (np.abs(q.slope) + np.abs(q.matrix) @ np.abs(s)))
    assert step.predicted == pytest.approx(-q.change(s), rel=1e-9, abs=rounding)
    assert step.predicted > 0.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", CURVATURES)
@pytest.mark.parametrize("radius", RADII)
def test_a_step_is_the_minimiser_within_the_radius(name: str, radius: float, seed: int) -> None:
    q = quadratic(name, seed)
    step = model_of(q).step(radius)
    assert_minimiser(q, step, radius)
    assert step.negative_curvature == (min(CURVATURES[name]) < 0.0)
    newton = -np.linalg.solve(q.matrix, q.slope)
    convex = min(CURVATURES[name]) > 0.0
    assert step.on_boundary == (not convex or q.length(newton) > radius)
    if not step.on_boundary:
        np.testing.assert_allclose(step.s, newton, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("radius", RADII)
def test_a_step_beats_every_point_of_a_fine_grid(radius: float) -> None:
    q = quadratic("indefinite", 1, plain=True)
    q = Quadratic(q.slope[:2], q.matrix[:2, :2], q.norm[:2, :2])
    step = model_of(q).step(radius)
    angles = np.linspace(0.0, 2 * np.pi, 2001)
    circle = np.stack((np.cos(angles), np.sin(angles)))
    best = min(
        float((q.slope @ s + 0.5 * np.einsum("ik,ij,jk->k", s, q.matrix, s)).min())
        for s in (size * circle for size in np.linspace(0.0, radius, 101))
    )
    assert -step.predicted <= best + 1e-12 * abs(best)
    assert -step.predicted == pytest.approx(best, rel=1e-3)


def hard(inner: float, sign: float = 1.0) -> Quadratic:
    """No slope along the lowest curvature, -2; elsewhere the stationary point has length `inner`."""
    matrix = np.diag([-2.0, 1.0, 4.0])
    slope = np.array([0.0, 3.0 * inner * 0.6, 6.0 * inner * 0.8 * sign])
    return Quadratic(slope, matrix, np.eye(3))


@pytest.mark.parametrize("radius", [0.3, 0.999, 1.5, 100.0])
def test_the_hard_case_goes_on_along_the_lowest_curvature(radius: float) -> None:
    q = hard(1.0)
    step = model_of(q).step(radius)
    assert_minimiser(q, step, radius)
    assert step.on_boundary
    if radius > 1.0:
        assert abs(step.s[0]) == pytest.approx(np.sqrt(radius**2 - 1.0), rel=1e-8)
        np.testing.assert_allclose(step.s[1:], [-0.6, -0.8], rtol=1e-8)
    else:
        assert step.s[0] == 0.0


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("radius", [0.3, 5.0])
def test_the_hard_case_with_the_lowest_curvature_twice(radius: float, seed: int) -> None:
    """Rounding splits the two and gives each a slope of 1e-16."""
    matrix = spread([-2.0, -2.0, 1.0, 3.0], seed)
    upper = matrix + 2.0 * np.eye(4)
    q = Quadratic(upper @ np.array([0.3, -0.2, 0.5, 0.1]), matrix, np.eye(4))
    assert_minimiser(q, model_of(q).step(radius), radius)


@pytest.mark.parametrize("radius", [0.1, 7.0])
def test_a_stationary_point_is_left_along_the_lowest_curvature(radius: float) -> None:
    q = Quadratic(np.zeros(3), np.diag([-2.0, 1.0, -0.5]), np.eye(3))
    model = model_of(q)
    step = model.step(radius)
    np.testing.assert_allclose(np.abs(step.s), [radius, 0.0, 0.0], rtol=1e-12, atol=1e-12)
    assert step.predicted == pytest.approx(radius**2)
    assert step.on_boundary
    assert step.negative_curvature
    assert model.smallest_curvature == pytest.approx(-2.0)
    assert not model.is_convex


@pytest.mark.parametrize("along", [1e-15, -1e-15, 1e-12, -1e-8, 1e-4])
def test_near_the_hard_case_the_step_goes_down_the_slope(along: float) -> None:
    q = hard(1.0)
    q.slope[0] = along
    step = model_of(q).step(5.0)
    assert abs(step.s[0]) == pytest.approx(np.sqrt(24.0), rel=1e-3)
    assert step.s[0] * along < 0.0
    assert step.predicted == pytest.approx(-q.change(step.s), rel=1e-9)


@pytest.mark.parametrize("curvature", [0.0, 1e-18])
def test_a_direction_without_slope_or_curvature_is_left_alone(curvature: float) -> None:
    q = Quadratic(np.array([0.0, 3.0]), np.diag([curvature, 2.0]), np.eye(2))
    step = model_of(q).step(10.0)
    np.testing.assert_allclose(step.s, [0.0, -1.5], atol=1e-12)
    assert not step.on_boundary
    assert not step.negative_curvature


def test_a_slope_without_curvature_is_followed_to_the_boundary() -> None:
    q = Quadratic(np.array([1e-3, 3.0]), np.diag([0.0, 2.0]), np.eye(2))
    step = model_of(q).step(10.0)
    assert_minimiser(q, step, 10.0)
    assert step.on_boundary
    assert step.s[0] < -9.0


@pytest.mark.parametrize("name", CURVATURES)
@pytest.mark.parametrize("radius", [0.05, 1e4])
def test_shorter_steps_on_the_ladder_cost_no_product(name: str, radius: float) -> None:
    q = quadratic(name, 4)
    model = model_of(q)
    before = q.products
    top = model.step(radius)
    assert q.products == before + 1
    assert q.columns[-1] == 4
    for k in range(4):
        shorter = model.step(top.norm * 0.25**k)
        assert shorter.norm == pytest.approx(top.norm * 0.25**k, rel=1e-6)
        if k:
            assert shorter.on_boundary
            assert_minimiser(q, shorter, shorter.norm)
    assert q.products == before + 1
    between = model.step(0.5 * top.norm)
    assert q.products == before + 2
    assert_minimiser(q, between, 0.5 * top.norm)


@pytest.mark.parametrize("size", [1e-9, 1e-5, 1e-3, 1e-1])
def test_steps_shorter_than_a_small_newton_step_predict_what_they_gain(size: float) -> None:
    q = quadratic("convex", 7)
    q.slope *= size
    model = model_of(q)
    top = model.step(1e3)
    before = q.products
    assert not top.on_boundary
    for k in (1, 2, 3):
        shorter = model.step(top.norm * 0.25**k)
        assert shorter.on_boundary
        assert shorter.norm == pytest.approx(top.norm * 0.25**k, rel=1e-6)
        assert q.length(shorter.s) == pytest.approx(shorter.norm, rel=1e-7)
        assert shorter.predicted == pytest.approx(-q.change(shorter.s), rel=1e-9)
        np.testing.assert_array_equal(shorter.a_s, shorter.s)
    assert q.products == before


@pytest.mark.parametrize("name", CURVATURES)
def test_longer_radii_predict_more(name: str) -> None:
    q = quadratic(name, 5)
    model = model_of(q)
    steps = [model.step(radius) for radius in np.logspace(-4, 4, 33)]
    predicted = np.array([step.predicted for step in steps])
    assert (np.diff(predicted) >= -1e-12 * predicted[1:]).all()
    assert all(
        step.norm <= radius * (1 + 1e-8) for step, radius in zip(steps, np.logspace(-4, 4, 33), strict=True)
    )


def test_the_dual_norm_is_dual_to_the_norm_of_steps() -> None:
    q = quadratic("convex", 6)
    gradient = np.random.default_rng(0).normal(size=4)
    s = np.linalg.solve(q.norm, gradient)
    assert model_of(q).dual_norm(gradient) == pytest.approx(float(gradient @ s) / q.length(s), rel=1e-10)


def test_flat_directions_are_those_without_curvature() -> None:
    q = Quadratic(np.ones(4), np.diag([0.0, 1.0, 1e-17, 2.0]), np.eye(4))
    steps, rows = model_of(q).flat_directions()
    assert steps.shape == rows.shape == (4, 2)
    np.testing.assert_allclose(np.abs(steps[[1, 3]]), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=0), 1.0)


def test_curvature_of_rows_that_hardly_count_is_computed_from_the_rows() -> None:
    """Rows of curvature 1 and of 1e-10, in mixed columns: a dense Hessian rounds at 1e-16."""
    rng = np.random.default_rng(0)
    a = np.zeros((100, 4))
    a[:50, :2], a[50:, 2:] = rng.normal(size=(2, 50, 2))
    mix, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    offset = np.where(np.arange(100) < 50, 0.0, -12.5)
    f = np.exp(offset)
    p = nk.ExpRegression(a @ mix, 0.5 * f, offset=offset)
    model = ExactModel(p, Metric(p, 1.0), p.evaluate(np.zeros(4)))
    weights = 1.5 * f * f
    exact, newton = [], []
    for rows, columns in ((slice(50, 100), slice(2, 4)), (slice(0, 50), slice(0, 2))):
        part = a[rows, columns]
        low = np.linalg.cholesky(part.T @ part / 100)
        hessian = (part.T * weights[rows]) @ part
        inner = np.linalg.solve(low, np.linalg.solve(low, hessian).T)
        exact += list(np.linalg.eigvalsh(inner))
        newton.insert(0, -np.linalg.solve(hessian, part.T @ (0.5 * f * f)[rows]))
    assert exact[1] < 1e-7 * exact[2]
    np.testing.assert_allclose(model.curvatures, exact, rtol=1e-9)
    step = model.step(1e3)
    assert not step.on_boundary
    np.testing.assert_allclose(mix @ step.s, np.concatenate(newton), rtol=1e-2)
