"""Random smooth functions: a success of ``nk.newton`` is a minimum, by independent measures."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime, minimize

import newtonkit as nk

GTOL = 1e-5


@dataclass(frozen=True)
class Smooth:
    """w_q/2 ||R x - c||^2 + w_e sum exp(E x) + w_c sum cos(C x + 1) + w_4 sum x^4 + tilt . x."""

    seed: int
    d: int
    quadratic: float
    exponential: float
    cosine: float
    quartic: float
    tilt: float
    scale: float

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        rank = max(1, self.d - self.seed % 3)
        shapes = {"R": (rank, self.d), "E": (3, self.d), "C": (4, self.d), "c": rank, "b": self.d}
        for name, shape in shapes.items():
            object.__setattr__(self, name, rng.standard_normal(shape))
        object.__setattr__(self, "start", 2.0 * rng.standard_normal(self.d))

    def fun(self, x):
        return self.scale * float(
            0.5 * self.quadratic * np.sum((self.R @ x - self.c) ** 2)
            + self.exponential * np.exp(self.E @ x).sum()
            + self.cosine * np.cos(self.C @ x + 1.0).sum()
            + self.quartic * (x**4).sum()
            + self.tilt * self.b @ x
        )

    def jac(self, x):
        return self.scale * (
            self.quadratic * self.R.T @ (self.R @ x - self.c)
            + self.exponential * self.E.T @ np.exp(self.E @ x)
            - self.cosine * self.C.T @ np.sin(self.C @ x + 1.0)
            + 4.0 * self.quartic * x**3
            + self.tilt * self.b
        )

    def hess(self, x):
        return self.scale * (
            self.quadratic * self.R.T @ self.R
            + self.exponential * self.E.T @ (np.exp(self.E @ x)[:, None] * self.E)
            - self.cosine * self.C.T @ (np.cos(self.C @ x + 1.0)[:, None] * self.C)
            + 12.0 * self.quartic * np.diag(x**2)
        )


WEIGHTS = st.sampled_from([0.0, 0.01, 1.0, 10.0])
FUNCTIONS = st.builds(
    Smooth,
    seed=st.integers(0, 10_000),
    d=st.integers(1, 8),
    quadratic=WEIGHTS,
    exponential=WEIGHTS,
    cosine=WEIGHTS,
    quartic=WEIGHTS,
    tilt=st.sampled_from([0.0, 1.0]),
    scale=st.sampled_from([1e-9, 1.0, 1e6]),
)


def solve(function, form=lambda hessian: hessian, **options):
    with np.errstate(over="ignore", invalid="ignore"):
        return minimize(
            function.fun,
            function.start,
            jac=function.jac,
            hess=lambda x: form(function.hess(x)),
            method=nk.newton,
            options={"maxiter": 300, **options},
        )


def test_the_derivatives_are_those_of_the_function():
    function = Smooth(3, 4, 1.0, 0.01, 1.0, 1.0, 1.0, 1.0)
    x = 0.3 * function.start
    np.testing.assert_allclose(approx_fprime(x, function.fun), function.jac(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(approx_fprime(x, function.jac), function.hess(x), rtol=1e-5, atol=1e-4)


@given(FUNCTIONS)
@settings(max_examples=100, deadline=None, derandomize=True)
@example(Smooth(0, 1, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0))
@example(Smooth(1, 3, 0.0, 0.0, 1.0, 0.0, 0.0, 1e-9))
def test_success_is_a_minimum(function):
    result = solve(function)
    hessian, gradient = function.hess(result.x), function.jac(result.x)
    assert result.fun == function.fun(result.x) <= function.fun(function.start)
    np.testing.assert_array_equal(result.jac, gradient)
    values = [record.value for record in result.history]
    noise = 1e-8 * max(abs(value) for value in values)  # of what is judged by the gradient
    assert all(later <= earlier + noise for earlier, later in itertools.pairwise(values))
    if not result.success:
        assert result.status in (2, 3, 5)
        return
    size = np.abs(hessian) @ np.abs(result.x) + function.scale * 30.0 * (1.0 + function.exponential)
    assert np.linalg.norm(gradient) <= max(GTOL, 1e-11 * np.linalg.norm(size))
    least = np.linalg.eigvalsh(0.5 * (hessian + hessian.T))[0]
    assert least >= -1e-10 * max(np.abs(hessian).max(), 1e-300)
    for step in np.vstack((np.eye(function.d), np.random.default_rng(0).standard_normal((10, function.d)))):
        near = [function.fun(result.x + sign * 1e-3 * step) for sign in (1.0, -1.0)]
        slack = 1e-6 * max(function.fun(function.start) - result.fun, 0.0) + 1e-12 * abs(result.fun)
        assert min(near) >= result.fun - slack - 2e-3 * np.linalg.norm(gradient)


@given(FUNCTIONS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_what_has_a_minimum_for_certain_gets_there(function):
    if function.quartic == 0.0 or function.scale < 1.0:
        return  # no claim: there may be no minimum
    assert solve(function).success


@given(FUNCTIONS.filter(lambda function: function.d <= 5))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_sparse_and_dense_hessians_take_the_same_path(function):
    dense, sparse = solve(function), solve(function, scipy.sparse.csc_array)
    np.testing.assert_array_equal(dense.x, sparse.x)
    assert (dense.status, dense.nfev) == (sparse.status, sparse.nfev)


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_beside_scipy_on_convex_functions(seed):
    function = Smooth(seed, 6, 1.0, 0.01, 0.0, 0.01, 1.0, 1.0)
    given = {"jac": function.jac, "hess": function.hess}
    theirs = minimize(function.fun, function.start, method="trust-exact", tol=1e-9, **given)
    result = solve(function, gtol=1e-6)
    assert result.success
    np.testing.assert_allclose(result.x, theirs.x, atol=1e-5)
    assert result.fun <= theirs.fun + 1e-9
