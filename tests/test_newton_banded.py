"""Banded Hessians: their bands, and the model by Cholesky factors beside the one by eigenvectors."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp
from scipy import optimize
from scipy.sparse.linalg import ArpackNoConvergence

import newtonkit as nk
from newtonkit.exact import ExactModel
from newtonkit.metric import Euclidean
from newtonkit.smooth import banded
from newtonkit.smooth.banded import BandedModel
from newtonkit.smooth.hessians import BandedHessian, DenseHessian, hessian_of

KINDS = ("indefinite", "convex", "singular", "hard case", "scaled")
RADII = (1e-3, 0.1, 1.0, 10.0, 1e3)


@dataclass
class Point:
    """A quadratic at x = 0, as much of it as the models ask for."""

    hessian: object
    gradient: np.ndarray

    @property
    def u(self):
        return np.zeros_like(self.gradient)

    @property
    def gradient_rounding(self):
        return 1e-16 * np.abs(self.gradient)

    @property
    def curvature_mass(self):
        return self.hessian.mass

    def row_steps(self, steps):
        return steps


def band(rng, d, width):
    matrix = np.zeros((d, d))
    for k in range(width + 1):
        entries = rng.normal(size=d - k)
        matrix += np.diag(entries, k) + (np.diag(entries, -k) if k else 0.0)
    return matrix


def quadratic(kind, seed):
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    d = int(rng.integers(100, 150))
    matrix, gradient = band(rng, d, seed % 5), rng.normal(size=d)
    lowest, vectors = np.linalg.eigh(matrix)
    if kind in ("convex", "singular"):
        matrix += ((1e-3 if kind == "convex" else 0.0) - lowest[0]) * np.eye(d)
    if kind == "hard case":
        gradient -= vectors[:, 0] * (vectors[:, 0] @ gradient)
    if kind == "scaled":
        matrix *= 10.0 ** rng.uniform(-12, 12)
        gradient *= 10.0 ** rng.uniform(-6, 6)
    order = rng.permutation(d)
    return matrix[np.ix_(order, order)], gradient[order]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
def test_steps_are_as_good_as_with_eigenvectors(kind, seed):
    """Within a hundredth of the best decrease, on any radius, whatever the order of the variables."""
    matrix, gradient = quadratic(kind, seed)
    hessian = hessian_of(sp.csr_array(matrix))
    assert isinstance(hessian, BandedHessian)
    assert len(hessian.bands) <= 2 * (seed % 5) + 1
    ours = BandedModel(hessian, Point(hessian, gradient))
    dense = Point(DenseHessian(matrix), gradient)
    exact = ExactModel(dense, Euclidean(len(gradient)), dense)
    size = np.abs(exact.curvatures).max()
    assert ours.smallest_curvature == pytest.approx(exact.smallest_curvature, abs=1e-6 * size)
    assert ours.is_convex == (exact.smallest_curvature >= -1e-13 * size)
    for radius in RADII:
        step, best = ours.step(radius), exact.step(radius)
        promised = -(gradient @ step.s + 0.5 * step.s @ matrix @ step.s)
        assert step.predicted == pytest.approx(promised, rel=1e-6)
        assert step.predicted >= 0.99 * best.predicted
        assert step.norm == pytest.approx(np.linalg.norm(step.s))
        assert step.norm <= 1.002 * radius
        assert step.on_boundary == best.on_boundary
        assert step.negative_curvature != ours.is_convex


@pytest.mark.parametrize("kind", ["convex", "indefinite"])
def test_without_lanczos_a_bound_on_the_least_eigenvalue_does(kind, monkeypatch):
    """Where Lanczos does not converge and the matrix is too large to be reduced."""

    def in_vain(*args, **kwargs):
        raise ArpackNoConvergence("no convergence", np.array([]), np.array([[]]))

    monkeypatch.setattr(banded.scipy.sparse.linalg, "eigsh", in_vain)
    monkeypatch.setattr(banded, "_MOST_REDUCED", 50)
    matrix, gradient = quadratic(kind, 2)
    hessian = hessian_of(sp.csr_array(matrix))
    ours = BandedModel(hessian, Point(hessian, gradient))
    dense = Point(DenseHessian(matrix), gradient)
    exact = ExactModel(dense, Euclidean(len(gradient)), dense)
    assert ours.smallest_curvature >= exact.smallest_curvature - 1e-9
    assert ours.is_convex == (kind == "convex")
    for radius in RADII[:4]:
        assert ours.step(radius).predicted >= 0.95 * exact.step(radius).predicted


@pytest.mark.parametrize("given", ["dense", "sparse"])
def test_products_and_sizes(given):
    matrix, x = band(np.random.default_rng(0), 120, 3), np.linspace(-1.0, 2.0, 120)
    hessian = hessian_of(matrix if given == "dense" else sp.coo_array(matrix))
    assert isinstance(hessian, BandedHessian)
    v = np.random.default_rng(1).normal(size=(120, 4))
    np.testing.assert_array_equal(hessian.to_dense(), matrix)
    assert sp.issparse(hessian.matrix) == (given == "sparse")
    np.testing.assert_allclose(hessian.matmat(v), matrix @ v, atol=1e-12)
    np.testing.assert_allclose(hessian.restricted(v, v), v.T @ matrix @ v, atol=1e-11)
    np.testing.assert_allclose(hessian.sizes(v, v), np.sum(abs(v) * (abs(matrix) @ abs(v)), axis=0))
    np.testing.assert_allclose(hessian.moved(x), abs(matrix) @ abs(x))
    assert hessian.mass == pytest.approx(np.abs(np.diagonal(matrix)).sum())
    assert hessian.is_finite
    matrix[5, 6] = matrix[6, 5] = np.nan
    assert not hessian_of(matrix).is_finite


def test_what_is_not_banded_is_dense():
    rng = np.random.default_rng(0)
    full = rng.normal(size=(120, 120))
    for matrix in (full, sp.csr_array(full), band(rng, 99, 1), sp.csr_array(band(rng, 99, 1))):
        assert isinstance(hessian_of(matrix), DenseHessian)
    np.testing.assert_allclose(hessian_of(full).matrix, 0.5 * (full + full.T))


def test_rounding_that_is_not_symmetric_is_averaged():
    matrix = band(np.random.default_rng(0), 100, 1)
    matrix[1, 0] += 2e-9
    for given in (matrix, sp.csr_array(matrix)):
        np.testing.assert_allclose(hessian_of(given).to_dense(), 0.5 * (matrix + matrix.T), atol=1e-15)


def chain(d):
    """The extended Rosenbrock chain with a sparse Hessian, its variables shuffled."""
    order = np.random.default_rng(0).permutation(d)
    inverse = np.argsort(order)

    def hess(x):
        y = x[order]
        diagonal = np.full(d, 202.0)
        diagonal[0], diagonal[-1] = 2.0, 200.0
        diagonal[:-1] += 1200.0 * y[:-1] ** 2 - 400.0 * y[1:]
        off = -400.0 * y[:-1]
        matrix = sp.diags_array([off, diagonal, off], offsets=[-1, 0, 1], format="csr")
        return matrix[inverse][:, inverse]

    return (
        lambda x: optimize.rosen(x[order]),
        lambda x: optimize.rosen_der(x[order])[inverse],
        hess,
    )


def test_a_sparse_hessian_of_many_variables():
    """Ten thousand variables in any order: a full matrix would have 800 MB."""
    d = 10_000
    fun, jac, hess = chain(d)
    result = optimize.minimize(fun, np.full(d, 0.7), jac=jac, hess=hess, method=nk.newton)
    assert result.success
    assert sp.issparse(result.hess)
    np.testing.assert_allclose(result.x, 1.0, atol=1e-6)


WEIGHTS = np.arange(1.0, 101.0)
# Each with what is hard about its Hessian: value, gradient, second derivatives, the start, the minimum.
SEPARABLE = {
    "condition 1e16": (
        lambda x: 0.5 * np.logspace(0, 16, 100) @ (x * x),
        lambda x: np.logspace(0, 16, 100) * x,
        lambda x: np.logspace(0, 16, 100),
        np.ones(100),
        np.zeros(100),
    ),
    "many edges": (
        lambda x: np.sum(WEIGHTS * x - np.sqrt(x)),
        lambda x: WEIGHTS - 0.5 / np.sqrt(x),
        lambda x: 0.25 * x**-1.5,
        np.ones(100),
        0.25 / WEIGHTS**2,
    ),
}


@pytest.mark.parametrize("name", SEPARABLE)
def test_eigenvalues_that_lie_close_or_far_apart(name):
    fun, jac, second, start, minimum = SEPARABLE[name]
    with np.errstate(invalid="ignore"):
        result = optimize.minimize(fun, start, jac=jac, hess=lambda x: np.diag(second(x)), method=nk.newton)
    assert result.success
    np.testing.assert_allclose(result.x, minimum, atol=1e-5)


def test_a_linear_function_is_no_success():
    result = optimize.minimize(
        np.sum,
        np.zeros(120),
        jac=np.ones_like,
        hess=lambda x: sp.csr_array((120, 120)),
        method=nk.newton,
        options={"maxiter": 5},
    )
    assert result.status is nk.Status.MAX_ITER


def test_the_same_path_as_with_eigenvectors():
    d = 120
    fun, jac, hess = chain(d)
    start = np.where(np.arange(d) % 2, 1.0, -1.2)
    ends = [
        optimize.minimize(fun, start, jac=jac, hess=h, method=nk.newton, options={"gtol": 1e-10})
        for h in (hess, lambda x: hess(x).toarray() + 1e-300)
    ]
    assert all(end.success for end in ends)
    assert [sp.issparse(end.hess) for end in ends] == [True, False]
    assert abs(ends[0].nit - ends[1].nit) <= 0.2 * ends[1].nit
