"""fun, jac, hess and hessp handed to scipy.optimize.minimize as they are."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import approx_fprime, check_grad, minimize

import newtonkit as nk
from newtonkit.problems import Problem

METHODS = ["Newton-CG", "dogleg", "trust-ncg", "trust-krylov", "trust-exact", "trust-constr"]
WITHOUT_HESSP = ("dogleg", "trust-exact")
OPTIONS = {"Newton-CG": {"xtol": 1e-10}, "trust-constr": {"gtol": 1e-10, "xtol": 1e-14}}


def choices() -> Problem:
    """A convex problem: a conditional logit with a penalty."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal((60, 4))
    chosen = np.zeros(60)
    chosen[np.arange(0, 60, 3) + rng.integers(3, size=20)] = 1.0
    return nk.SoftmaxCrossEntropy(a, chosen, groups=np.arange(60) // 3, ridge=0.1)


def exponential() -> Problem:
    rng = np.random.default_rng(1)
    a = rng.standard_normal((50, 4)) / 3
    b = np.exp(a @ [0.5, -0.5, 1.0, 0.2]) + 0.01 * rng.standard_normal(50)
    return nk.ExpRegression(sparse.csr_array(a), b, fit_intercept=True, ridge=1e-3)


def entropic() -> Problem:
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((40, 3)), rng.random(40)
    groups = np.arange(40) % 8
    b /= np.bincount(groups, b)[groups]
    return nk.EntropySoftmaxRegression(a, b, groups=groups, entropy_weight=0.05, ridge=0.01)


PROBLEMS = {"cross-entropy": choices, "exp": exponential, "entropy": entropic}


def options_of(method: str) -> dict[str, float]:
    return OPTIONS.get(method, {"gtol": 1e-9})


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("method", METHODS)
def test_methods_that_use_a_hessian_reach_the_same_minimum(method: str, name: str) -> None:
    problem = PROBLEMS[name]()
    start = np.zeros(problem.n_parameters)
    reference = minimize(problem.fun, start, jac=problem.jac, method="BFGS", options={"gtol": 1e-9})
    result = minimize(
        problem.fun, start, jac=problem.jac, hess=problem.hess, method=method, options=options_of(method)
    )
    assert np.linalg.norm(problem.jac(result.x)) < 1e-7
    assert_allclose(result.x, reference.x, rtol=0.0, atol=1e-6)
    assert result.fun == pytest.approx(reference.fun, rel=1e-12)
    assert np.linalg.eigvalsh(problem.hess(result.x)).min() > 0.0


@pytest.mark.parametrize("method", [method for method in METHODS if method not in WITHOUT_HESSP])
def test_methods_that_use_products_with_the_hessian(method: str) -> None:
    problem = choices()
    start = np.zeros(problem.n_parameters)
    arguments = {"jac": problem.jac, "method": method, "options": options_of(method)}
    by_product = minimize(problem.fun, start, hessp=problem.hessp, **arguments)
    by_array = minimize(problem.fun, start, hess=problem.hess, **arguments)
    assert np.linalg.norm(problem.jac(by_product.x)) < 1e-7
    assert_allclose(by_product.x, by_array.x, rtol=0.0, atol=1e-7)


@pytest.mark.parametrize("method", ["L-BFGS-B", "CG", "TNC", "SLSQP", "Nelder-Mead"])
def test_methods_that_use_no_hessian(method: str) -> None:
    problem = choices()
    start = np.zeros(problem.n_parameters)
    jac = None if method == "Nelder-Mead" else problem.jac
    result = minimize(problem.fun, start, jac=jac, method=method)
    assert result.success
    assert np.linalg.norm(problem.jac(result.x)) < 1e-2


@pytest.mark.parametrize("name", PROBLEMS)
def test_scipys_own_check_of_the_gradient(name: str) -> None:
    problem = PROBLEMS[name]()
    x = np.linspace(-0.2, 0.3, problem.n_parameters)
    assert check_grad(problem.fun, problem.jac, x) < 1e-5
    assert_allclose(approx_fprime(x, problem.jac), problem.hess(x).to_dense(), rtol=0.0, atol=1e-5)
