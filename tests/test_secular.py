"""The quadratic in diagonal form: its minimisers within a radius against brute force."""

import numpy as np
import pytest

from newtonkit.secular import DiagonalQuadratic

RADII = np.array([1e-8, 1e-3, 0.1, 0.7, 1.0, 3.0, 50.0, 1e6])

CURVATURES = {
    "convex": [0.5, 1.0, 2.0, 10.0],
    "indefinite": [-3.0, -0.1, 0.5, 4.0],
    "negative": [-3.0, -2.0, -1.5, -1.0],
    "wide": [-1e-3, 1e-6, 1.0, 1e5],
    "semidefinite": [0.0, 0.0, 1.0, 2.0],
    "twice the lowest": [-2.0, -2.0, 1.0, 3.0],
    "none": [0.0, 0.0, 0.0, 0.0],
    "one up": [2.0],
    "one flat": [0.0],
    "one down": [-2.0],
}


def multiplier(curvatures: np.ndarray, slopes: np.ndarray, radius: float) -> np.longdouble:
    """Return sigma by bisection of the secular equation, in extended precision."""
    values, pull = curvatures.astype(np.longdouble), slopes.astype(np.longdouble)
    low = max(-values[0], np.longdouble(0))
    tiny = np.finfo(np.longdouble).tiny

    def length(sigma: np.longdouble) -> np.longdouble:
        with np.errstate(over="ignore"):
            return np.sqrt(np.sum((pull / np.maximum(values + sigma, tiny)) ** 2))

    if not pull.any() or length(low) <= radius:
        return low
    high = low + np.linalg.norm(slopes) / radius + 1
    for _ in range(150):
        middle = (low + high) / 2
        low, high = (middle, high) if length(middle) > radius else (low, middle)
    return high


def decrease(curvatures: np.ndarray, slopes: np.ndarray, c: np.ndarray) -> np.ndarray:
    return -(slopes @ c) - 0.5 * curvatures @ (c * c)


def assert_minimiser(curvatures: np.ndarray, slopes: np.ndarray, c: np.ndarray, radius: float) -> None:
    """Check the conditions of More and Sorensen with the multiplier found by bisection."""
    sigma = float(multiplier(curvatures, slopes, radius))
    length = float(np.linalg.norm(c))
    assert length <= radius * (1.0 + 1e-9)
    pull = slopes + curvatures * c
    size = np.linalg.norm(slopes) + np.linalg.norm(curvatures * c) + sigma * length
    assert np.linalg.norm(pull + sigma * c) <= 1e-8 * size
    if sigma > 0.0:
        assert length == pytest.approx(radius, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", CURVATURES)
def test_minimisers_and_multipliers_are_those_of_bisection(name: str, seed: int) -> None:
    curvatures = np.array(CURVATURES[name])
    slopes = np.random.default_rng([seed, len(name)]).normal(size=len(curvatures)) * 10.0 ** (3 * seed - 5)
    quadratic = DiagonalQuadratic(curvatures, slopes, 0.0)
    found = quadratic.minimisers(RADII)
    assert found.shape == (len(curvatures), len(RADII))
    for c, radius in zip(found.T, RADII, strict=True):
        assert_minimiser(curvatures, slopes, c, radius)
        exact = float(multiplier(curvatures, slopes, radius))
        assert quadratic.multiplier(radius) == pytest.approx(exact, rel=1e-8, abs=1e-10 * abs(exact) + 1e-300)
    np.testing.assert_allclose(quadratic.decreases(found), decrease(curvatures, slopes, found), rtol=1e-12)
    assert (np.diff(quadratic.decreases(found)) >= -1e-12 * quadratic.decreases(found)[1:]).all()


@pytest.mark.parametrize("name", CURVATURES)
def test_no_point_of_a_cloud_is_lower(name: str) -> None:
    """Random points on and within the sphere, and those around the minimiser itself."""
    curvatures = np.array(CURVATURES[name])
    rng = np.random.default_rng(len(name))
    slopes = rng.normal(size=len(curvatures))
    quadratic = DiagonalQuadratic(curvatures, slopes, 0.0)
    for radius in (0.01, 0.5, 2.0, 40.0):
        best = quadratic.minimisers(np.array([radius]))
        cloud = rng.normal(size=(len(curvatures), 4000))
        near = best + 0.1 * radius * rng.normal(size=cloud.shape)
        for directions in (cloud, near):
            points = radius * directions / np.linalg.norm(directions, axis=0)
            points[:, ::2] *= rng.random(2000)
            values = decrease(curvatures, slopes, points)
            assert values.max() <= quadratic.decreases(best)[0] * (1.0 + 1e-10)


@pytest.mark.parametrize("radius", [0.3, 0.999, 1.5, 100.0])
def test_the_hard_case_goes_on_along_the_lowest_curvature(radius: float) -> None:
    """No slope along -2; elsewhere the stationary point has length 1."""
    curvatures, slopes = np.array([-2.0, 1.0, 4.0]), np.array([0.0, 1.8, 4.8])
    quadratic = DiagonalQuadratic(curvatures, slopes, 0.0)
    c = quadratic.minimisers(np.array([radius]))[:, 0]
    assert np.linalg.norm(c) == pytest.approx(radius, rel=1e-9)
    assert_minimiser(curvatures, slopes, c, radius)
    if radius > 1.0:
        np.testing.assert_allclose(c[1:], [-0.6, -0.8], rtol=1e-9)
        assert quadratic.multiplier(radius) == pytest.approx(2.0, rel=1e-9)
    else:
        assert c[0] == 0.0
        assert quadratic.multiplier(radius) > 2.0


@pytest.mark.parametrize("along", [1e-15, -1e-12, 1e-8, -1e-3])
def test_near_the_hard_case_it_goes_down_the_slope(along: float) -> None:
    curvatures, slopes = np.array([-2.0, 1.0, 4.0]), np.array([along, 1.8, 4.8])
    c = DiagonalQuadratic(curvatures, slopes, 0.0).minimisers(np.array([5.0]))[:, 0]
    assert abs(c[0]) == pytest.approx(np.sqrt(24.0), rel=1e-2)
    assert c[0] * along < 0.0
    assert_minimiser(curvatures, slopes, c, 5.0)


@pytest.mark.parametrize("name", CURVATURES)
def test_without_slopes_only_negative_curvature_leads_anywhere(name: str) -> None:
    curvatures = np.array(CURVATURES[name])
    quadratic = DiagonalQuadratic(curvatures, np.zeros(len(curvatures)), 0.0)
    c = quadratic.minimisers(np.array([0.1, 7.0]))
    if curvatures[0] < 0.0:
        np.testing.assert_allclose(np.linalg.norm(c, axis=0), [0.1, 7.0], rtol=1e-12)
        np.testing.assert_allclose(curvatures @ (c * c), curvatures[0] * np.array([0.01, 49.0]), rtol=1e-12)
        assert quadratic.multiplier(3.0) == -curvatures[0]
        assert quadratic.newton is None
        assert quadratic.newton_length == np.inf
    else:
        np.testing.assert_array_equal(c, 0.0)
        assert quadratic.multiplier(3.0) == 0.0
        assert quadratic.newton_length == 0.0


def test_a_slope_without_curvature_is_followed_to_the_boundary() -> None:
    quadratic = DiagonalQuadratic(np.array([0.0, 2.0]), np.array([1e-3, 3.0]), 0.0)
    c = quadratic.minimisers(np.array([10.0]))[:, 0]
    assert np.linalg.norm(c) == pytest.approx(10.0, rel=1e-9)
    assert c[0] < -9.0
    assert quadratic.newton is None


def test_curvature_within_the_noise_is_none() -> None:
    """A slope along it is followed to the boundary; without one it is left alone."""
    curvatures = np.array([-1e-13, 1e-13, 2.0])
    still = DiagonalQuadratic(curvatures, np.array([0.0, 0.0, 3.0]), 1e-12)
    np.testing.assert_array_equal(still.newton, [0.0, 0.0, -1.5])
    np.testing.assert_array_equal(still.minimisers(np.array([10.0]))[:, 0], [0.0, 0.0, -1.5])
    moving = DiagonalQuadratic(curvatures, np.array([0.0, 1e-3, 3.0]), 1e-12)
    assert moving.newton is None
    assert abs(moving.minimisers(np.array([10.0]))[1, 0]) > 9.0


def test_an_inner_minimiser_has_no_multiplier() -> None:
    curvatures, slopes = np.array([0.5, 2.0]), np.array([1.0, -3.0])
    quadratic = DiagonalQuadratic(curvatures, slopes, 0.0)
    np.testing.assert_allclose(quadratic.newton, [-2.0, 1.5], rtol=1e-15)
    assert quadratic.newton_length == pytest.approx(2.5, rel=1e-15)
    assert quadratic.multiplier(2.6) == 0.0
    assert 0.0 < quadratic.multiplier(2.4) < 0.1


@pytest.mark.parametrize("power", [-100, 100])
def test_slopes_and_curvatures_of_any_size(power: int) -> None:
    """The minimisers of c times a quadratic are its own, and its multipliers c times as large."""
    size = 10.0**power
    curvatures, slopes = np.array([-1.0, 2.0, 5.0]), np.array([0.3, 1.0, -2.0])
    plain, scaled = (DiagonalQuadratic(c * curvatures, c * slopes, 0.0) for c in (1.0, size))
    np.testing.assert_allclose(scaled.minimisers(RADII), plain.minimisers(RADII), rtol=1e-8)
    assert scaled.multiplier(0.5) == pytest.approx(size * plain.multiplier(0.5), rel=1e-8)


def test_no_dimension_at_all() -> None:
    empty = DiagonalQuadratic(np.zeros(0), np.zeros(0), 0.0)
    assert empty.lowest == 0.0
    assert empty.minimisers(np.array([1.0, 2.0])).shape == (0, 2)
    assert empty.multiplier(1.0) == 0.0
    assert empty.newton_length == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_the_multiplier_solves_the_shifted_equation_of_a_dense_matrix(seed: int) -> None:
    """(H + sigma I) c = -g in the coordinates that H came in."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(7, 7))
    matrix, slope = root + root.T, rng.normal(size=7)
    values, vectors = np.linalg.eigh(matrix)
    quadratic = DiagonalQuadratic(values, vectors.T @ slope, 0.0)
    for radius in (0.01, 1.0, 30.0):
        c = vectors @ quadratic.minimisers(np.array([radius]))[:, 0]
        sigma = quadratic.multiplier(radius)
        shifted = matrix + sigma * np.eye(7)
        np.testing.assert_allclose(shifted @ c, -slope, atol=1e-8 * np.linalg.norm(shifted @ c))
        assert np.linalg.eigvalsh(shifted)[0] >= -1e-9 * sigma
