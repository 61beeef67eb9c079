"""What ``scipy.optimize.minimize(method=nk.newton)`` may be given, and what is refused by name."""

import functools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import (
    BFGS,
    SR1,
    Bounds,
    LinearConstraint,
    NonlinearConstraint,
    OptimizeWarning,
    basinhopping,
    minimize,
    rosen,
    rosen_der,
    rosen_hess,
)
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import newtonkit as nk
from tests.bad_input import assert_refused

START = [-1.2, 1.0, 0.5]


def solve(fun=rosen, x0=START, jac=rosen_der, hess=rosen_hess, **more):
    return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


CLEAN = solve()


class WithArray:
    def __init__(self, matrix):
        self.matrix = matrix

    def __array__(self, dtype=None, copy=None):
        return self.matrix.astype(dtype) if dtype else self.matrix


def matrix_free(x):
    hessian = rosen_hess(x)
    return LinearOperator(hessian.shape, matvec=lambda v: hessian @ v, dtype=float)


FORMS = {
    "list": lambda x: rosen_hess(x).tolist(),
    "Fortran": lambda x: np.asfortranarray(rosen_hess(x)),
    "strided": lambda x: np.repeat(np.repeat(rosen_hess(x), 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda x: rosen_hess(x)[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda x: np.broadcast_to(rosen_hess(x), (3, 3)),
    "np.matrix": lambda x: sp.csr_matrix(rosen_hess(x)).todense(),
    "longdouble": lambda x: rosen_hess(x).astype(np.longdouble),
    "csr_array": lambda x: sp.csr_array(rosen_hess(x)),
    "csc_matrix": lambda x: sp.csc_matrix(rosen_hess(x)),
    "coo_array": lambda x: sp.coo_array(rosen_hess(x)),
    "dia_array": lambda x: sp.dia_array(rosen_hess(x)),
    "LinearOperator": lambda x: aslinearoperator(rosen_hess(x)),
    "a LinearOperator of a function": matrix_free,
    "__array__": lambda x: WithArray(rosen_hess(x)),
    "not quite symmetric": lambda x: (
        rosen_hess(x) + 1e-3 * np.triu(np.ones((3, 3)), 1) - 1e-3 * np.tri(3, k=-1)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_hessian_takes_the_same_path(form):
    result = solve(hess=FORMS[form])
    np.testing.assert_allclose(result.x, CLEAN.x, rtol=1e-9)
    assert (result.status, result.nit, result.nfev) == (CLEAN.status, CLEAN.nit, CLEAN.nfev)
    np.testing.assert_allclose(result.hess, rosen_hess(result.x), rtol=1e-9)


VALUES = {
    "np.float32": lambda x: np.float32(x @ x),
    "0-d": lambda x: np.array(x @ x),
    "(1, 1)": lambda x: np.full((1, 1), x @ x),
    "list of one": lambda x: [x @ x],
}


@pytest.mark.parametrize("form", VALUES)
def test_every_form_of_value(form):
    result = solve(VALUES[form], [3.0, 4.0], lambda x: 2.0 * x, lambda x: 2.0 * np.eye(2))
    assert result.success
    assert type(result.fun) is float
    np.testing.assert_allclose(result.x, 0.0, atol=1e-9)


def test_whole_numbers_throughout():
    result = solve(lambda x: 3, [1, 2], lambda x: np.zeros(2, dtype=int), lambda x: np.eye(2, dtype=int))
    assert result.success
    assert (result.fun, result.nit) == (3.0, 0)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_every_form_of_gradient(shape):
    np.testing.assert_array_equal(solve(jac=lambda x: rosen_der(x).reshape(shape)).x, CLEAN.x)
    np.testing.assert_array_equal(solve(jac=lambda x: np.repeat(rosen_der(x), 2)[::2]).x, CLEAN.x)


@pytest.mark.parametrize("hessian", [2.0, [2.0], [[2.0]], np.float32(2.0), sp.csr_array([[2.0]])])
@pytest.mark.parametrize("x0", [3.0, [3], np.float32(3.0), np.array([3.0]), np.array(3), True])
def test_one_variable(hessian, x0):
    result = solve(lambda x: float(x[0] ** 2), x0, lambda x: 2.0 * x, lambda x: hessian)
    assert result.success
    assert result.x.shape == (1,)
    assert result.x.dtype == np.float64
    assert abs(result.x[0]) < 1e-8


STARTS = {
    "ints": np.array([-1, 1, 0]),
    "float32": np.array([-1.0, 1.0, 0.0], dtype=np.float32),
    "tuple": (-1.0, 1.0, 0.0),
    "strided": np.array([-1.0, 9.0, 1.0, 9.0, 0.0])[::2],
    "objects": np.array([-1.0, 1, 0], dtype=object),
    "big-endian": np.array([-1.0, 1.0, 0.0], dtype=">f8"),
}


@pytest.mark.parametrize("form", STARTS)
def test_every_form_of_start(form):
    result = solve(x0=STARTS[form])
    np.testing.assert_array_equal(result.x, solve(x0=[-1.0, 1.0, 0.0]).x)
    assert result.x.dtype == np.float64


NO_START = {
    "2-d": ([[1.0, 2.0]], (ValueError, "one.dimension")),
    "infinite": ([np.inf, 1.0], (ValueError, "^x0 must be finite")),
    "dates": (np.array(["2020-01-01"], dtype="M8[D]"), (TypeError, "^x0 must hold numbers")),
    "None in it": ([None, 1.0], (ValueError, "^x0 must be finite")),
    "a dictionary": ({"x": 1.0}, (TypeError, "^x0 must hold numbers")),
}


@pytest.mark.parametrize("kind", NO_START)
def test_no_start(kind):
    x0, refusal = NO_START[kind]
    assert_refused(lambda: solve(x0=x0), refusal)
    assert_refused(lambda: nk.newton(rosen, x0, jac=rosen_der, hess=rosen_hess), refusal)


@pytest.mark.parametrize("jac", [None, False, 0, "2-point", "3-point", "cs", "exact", np.True_])
def test_gradients_by_name_are_refused(jac):
    message = "^jac is required: a callable, or jac=True .* finite differences are not supported"
    assert_refused(lambda: solve(jac=jac), (ValueError, message))
    if jac is not None:
        direct = (TypeError, f"^jac must be callable, got {jac!r}")
        assert_refused(lambda: nk.newton(rosen, START, jac=jac, hess=rosen_hess), direct)


@pytest.mark.parametrize(
    "hess",
    ["2-point", "3-point", "cs", BFGS(), SR1(), True, np.eye(3)],
    ids=lambda hess: str(hess).split(" at ")[0],
)
def test_hessians_by_name_are_refused(hess):
    refusal = (ValueError, "^hess must be callable.*'cs' and HessianUpdateStrategy .* not supported")
    assert_refused(lambda: solve(hess=hess), refusal)
    assert_refused(lambda: solve(hess=None, hessp=hess), (TypeError, "^hessp must be callable"))
    assert_refused(lambda: solve(hessp=hess), (TypeError, "^hessp must be callable"))


def test_without_second_derivatives():
    assert_refused(lambda: solve(hess=None), (ValueError, "^hess or hessp is required"))


def test_hessp_of_another_shape():
    refusal = (ValueError, r"^hessp must return 3 numbers, got shape \(2,\)")
    assert_refused(lambda: solve(hess=None, hessp=lambda x, v: v[:2]), refusal)
    assert_refused(
        lambda: solve(hess=None, hessp=lambda x, v: v + 0j), (TypeError, "^hessp must return real")
    )


def test_fun_is_no_function():
    assert_refused(lambda: solve(3.0), (TypeError, "^fun must be callable, got float"))


def nothing(x):
    return 0.0


LIMITED = [
    {"bounds": Bounds(0.0, 1.0)},
    {"bounds": Bounds()},
    {"bounds": [(0.0, 1.0)] * 3},
    {"bounds": [(None, None)] * 3},
    {"bounds": ((0.0, None),) * 3},
    {"bounds": np.zeros((3, 2))},
    {"constraints": {"type": "eq", "fun": nothing}},
    {"constraints": [{"type": "ineq", "fun": nothing}]},
    {"constraints": LinearConstraint(np.eye(3), 0.0, 1.0)},
    {"constraints": [NonlinearConstraint(nothing, 0.0, 1.0)]},
]


@pytest.mark.parametrize("limit", LIMITED, ids=lambda limit: str(next(iter(limit.values())))[:20])
def test_bounds_and_constraints_are_refused(limit):
    (name,) = limit
    assert_refused(lambda: solve(**limit), (ValueError, f"^{name} are not supported by newton"))


@pytest.mark.parametrize("empty", [None, (), [], {}])
def test_no_bounds_and_no_constraints(empty):
    np.testing.assert_array_equal(solve(bounds=empty, constraints=empty).x, CLEAN.x)


def test_options_that_are_not_known_are_named():
    with pytest.warns(OptimizeWarning, match="^Unknown solver options: eta, xtol$") as caught:
        result = solve(options={"eta": 0.1, "xtol": 1e-3})
    assert len(caught) == 1
    np.testing.assert_array_equal(result.x, CLEAN.x)


def test_tol_is_gtol_and_gtol_goes_first():
    for options in ({"tol": 1e-1}, {"options": {"gtol": 1e-1}}, {"tol": 1e-13, "options": {"gtol": 1e-1}}):
        rough = solve(x0=[5.0, 5.0, 5.0], **options)
        assert rough.success
        assert 1e-9 < np.linalg.norm(rough.jac) <= 1e-1
    for tol, told in (({"tol": 3e-9}, "3.0e-09"), ({"options": {"gtol": 2e-3}}, "2.0e-03"), ({}, "1.0e-05")):
        options = {"maxiter": 0} | tol.pop("options", {})
        assert f"gtol = {told}" in solve(**tol, options=options).message
    strict = solve(x0=[5.0, 5.0, 5.0], tol=1e-1, options={"gtol": 1e-9})
    assert strict.success
    assert np.linalg.norm(strict.jac) <= 1e-9
    exact = solve(options={"gtol": 0.0})
    assert exact.success
    assert exact.status in (0, 1)
    np.testing.assert_allclose(exact.x, 1.0, rtol=1e-9)


BAD_OPTIONS = {
    "maxiter": [(-1, ValueError), (1.5, TypeError), (10.0, TypeError), (True, TypeError), ("5", TypeError)],
    "max_time": [(-1.0, ValueError), (np.nan, ValueError), ("1", TypeError)],
    "initial_trust_radius": [(0.0, ValueError), (-1.0, ValueError), (np.nan, ValueError), (None, TypeError)],
    "gtol": [(-1e-9, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("1", TypeError)],
    "return_all": [("yes", TypeError), (None, TypeError)],
    "disp": [("yes", TypeError)],
}


@pytest.mark.parametrize(
    ("name", "value", "error"), [(name, *case) for name, cases in BAD_OPTIONS.items() for case in cases]
)
def test_options_out_of_range(name, value, error):
    assert_refused(lambda: solve(options={name: value}), (error, f"^{name} must be "))


def test_limits():
    for iterations in (0, 1, 3, np.int64(4)):
        result = solve(options={"maxiter": iterations})
        assert (result.status, result.success, result.nit) == (3, False, iterations)
        assert result.fun == rosen(result.x)
        assert "The iteration limit was reached" in result.message
    assert solve(options={"maxiter": CLEAN.nit}).success, "the last allowed iteration is judged too"
    assert not solve(options={"maxiter": CLEAN.nit - 1}).success
    assert solve(x0=[1.0, 1.0, 1.0], options={"maxiter": 0}).success, "a start that is a minimum"
    late = solve(options={"max_time": 0.0})
    assert (late.status, late.success, late.nit) == (4, False, 0)
    for endless in (None, np.inf):
        assert solve(options={"max_time": endless, "maxiter": None}).success


@pytest.mark.parametrize("radius", [1e-9, 1e-3, 1e3, 1e300])
def test_any_first_radius(radius):
    assert solve(options={"initial_trust_radius": radius}).success


def test_inside_basinhopping():
    def fun(x):
        return float(np.cos(14.5 * x[0] - 0.3) + (x[0] + 0.2) * x[0])

    def jac(x):
        return -14.5 * np.sin(14.5 * x - 0.3) + 2.0 * x + 0.2

    def hess(x):
        return [[-(14.5**2) * np.cos(14.5 * x[0] - 0.3) + 2.0]]

    inner = {"method": nk.newton, "jac": jac, "hess": hess}
    steps = np.random.default_rng(1)
    result = basinhopping(
        fun,
        [1.0],
        niter=50,
        minimizer_kwargs=inner,
        take_step=lambda x: x + steps.uniform(-0.5, 0.5, x.shape),
    )
    assert result.lowest_optimization_result.success
    assert result.x[0] == pytest.approx(-0.195, abs=1e-3)
    assert result.minimization_failures == 0
    partial = functools.partial(nk.newton, initial_trust_radius=0.01)
    assert minimize(fun, [0.1], jac=jac, hess=hess, method=partial).success
