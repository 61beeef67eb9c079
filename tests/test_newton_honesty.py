"""``nk.newton`` never says success where there is no minimum, and finds its way off saddles."""

import numpy as np
import pytest
from scipy.optimize import minimize

import newtonkit as nk


def solve(functions, x0, **more):
    fun, jac, hess = functions
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return minimize(fun, x0, jac=jac, hess=hess, method=nk.newton, **more)


def scalar(fun, first, second):
    """Return a function of one variable as fun, jac and hess of a vector."""
    return (
        lambda x: float(fun(x[0])),
        lambda x: np.array([first(x[0])]),
        lambda x: np.array([[second(x[0])]]),
    )


def logistic(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


LINE = scalar(lambda x: -x, lambda x: -1.0, lambda x: 0.0)
ENDLESS = {
    "exp(-x)": scalar(lambda x: np.exp(-x), lambda x: -np.exp(-x), lambda x: np.exp(-x)),
    "-x": LINE,
    "-x^2": scalar(lambda x: -(x**2), lambda x: -2.0 * x, lambda x: -2.0),
    "-x^4": scalar(lambda x: -(x**4), lambda x: -4.0 * x**3, lambda x: -12.0 * x**2),
    "-exp(x)": scalar(lambda x: -np.exp(x), lambda x: -np.exp(x), lambda x: -np.exp(x)),
    "1/(1 + x^2)": scalar(
        lambda x: 1.0 / (1.0 + x * x),
        lambda x: -2.0 * x / (1.0 + x * x) ** 2,
        lambda x: (6.0 * x * x - 2.0) / (1.0 + x * x) ** 3,
    ),
    "logistic": scalar(
        logistic,
        lambda x: logistic(x) * logistic(-x),
        lambda x: logistic(x) * logistic(-x) * (1.0 - 2.0 * logistic(x)),
    ),
    "softplus": scalar(lambda x: np.logaddexp(0.0, x), logistic, lambda x: logistic(x) * logistic(-x)),
    "exp(-x^2/2)": scalar(
        lambda x: np.exp(-0.5 * x * x),
        lambda x: -x * np.exp(-0.5 * x * x),
        lambda x: (x * x - 1.0) * np.exp(-0.5 * x * x),
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_functions_without_a_minimum(name):
    fun, jac, hess = ENDLESS[name]
    for start in (0.0, -3.0, 20.0, 300.0):
        result = solve((fun, jac, hess), [start], options={"maxiter": 60})
        assert not result.success, start
        assert result.status in (2, 3, 5)
        assert np.isfinite(result.fun)
        assert result.fun <= fun(np.array([start]))


def test_an_endless_function_of_many_variables():
    result = solve(
        (lambda x: float(np.exp(-x).sum()), lambda x: -np.exp(-x), lambda x: np.diag(np.exp(-x))), np.zeros(5)
    )
    assert not result.success
    assert result.fun < 1e-9


BOUNDED = {
    "log(1 + x^2)": scalar(
        lambda x: np.log1p(x * x),
        lambda x: 2.0 * x / (1.0 + x * x),
        lambda x: 2.0 * (1.0 - x * x) / (1.0 + x * x) ** 2,
    ),
    "-1/(1 + x^2)": scalar(
        lambda x: -1.0 / (1.0 + x * x),
        lambda x: 2.0 * x / (1.0 + x * x) ** 2,
        lambda x: (2.0 - 6.0 * x * x) / (1.0 + x * x) ** 3,
    ),
    "-exp(-x^2/2)": scalar(
        lambda x: -np.exp(-0.5 * x * x),
        lambda x: x * np.exp(-0.5 * x * x),
        lambda x: (1.0 - x * x) * np.exp(-0.5 * x * x),
    ),
    "tanh(x)^2": scalar(
        lambda x: np.tanh(x) ** 2,
        lambda x: 2.0 * np.tanh(x) * (1.0 - np.tanh(x) ** 2),
        lambda x: 2.0 * (1.0 - np.tanh(x) ** 2) * (1.0 - 3.0 * np.tanh(x) ** 2),
    ),
}


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("start", [0.0, 0.5, 1.0, 3.0, -10.0, 30.0, 100.0, 1e4, 1e8])
def test_a_plateau_far_out_is_left_or_told(name, start):
    result = solve(BOUNDED[name], [start])
    if result.success:
        assert abs(result.x[0]) < 1e-3
    assert result.success or abs(start) > 15.0, "nearer, there is a slope to see"


def test_a_place_too_flat_to_leave_that_is_no_minimum():
    """The slope of (exp(x) - 0.3)^2 at -50 is far below the last digit of the value."""
    slope = 2.0 * 0.3 * np.exp(-50.0)
    result = solve(scalar(lambda x: (np.exp(x) - 0.3) ** 2, lambda x: -slope, lambda x: -slope), [-50.0])
    assert (result.success, result.status, result.nit) == (False, 5, 0)
    assert result.message.startswith("No step makes progress, though the Hessian shows no minimum here. (")


def plane(fun, jac, hess):
    return (
        lambda x: float(fun(*x)),
        lambda x: np.array(jac(*x), dtype=float),
        lambda x: np.array(hess(*x), dtype=float),
    )


SADDLES = {  # with the least value, and starts at which the gradient vanishes or leads to a saddle
    "x^2 - y^2 + y^4": (
        plane(
            lambda x, y: x**2 - y**2 + y**4,
            lambda x, y: [2 * x, 4 * y**3 - 2 * y],
            lambda x, y: [[2, 0], [0, 12 * y**2 - 2]],
        ),
        -0.25,
        [[0.0, 0.0], [1.0, 0.0], [-7.0, 0.0], [1e-9, 0.0]],
    ),
    "maximum": (
        plane(
            lambda x, y: -(x**2) - y**2 + 0.5 * (x**4 + y**4),
            lambda x, y: [2 * x**3 - 2 * x, 2 * y**3 - 2 * y],
            lambda x, y: [[6 * x**2 - 2, 0], [0, 6 * y**2 - 2]],
        ),
        -1.0,
        [[0.0, 0.0], [1.0, 0.0], [0.0, -1.0]],
    ),
    "(x y - 1)^2": (
        plane(
            lambda x, y: (x * y - 1) ** 2,
            lambda x, y: [2 * y * (x * y - 1), 2 * x * (x * y - 1)],
            lambda x, y: [[2 * y * y, 4 * x * y - 2], [4 * x * y - 2, 2 * x * x]],
        ),
        0.0,
        [[0.0, 0.0], [1.0, -1.0], [-3.0, 3.0], [2.0, 3.0], [1e3, 1e-3]],
    ),
    "cos x + cos y": (
        plane(
            lambda x, y: np.cos(x) + np.cos(y),
            lambda x, y: [-np.sin(x), -np.sin(y)],
            lambda x, y: [[-np.cos(x), 0], [0, -np.cos(y)]],
        ),
        -2.0,
        [[0.0, 0.0], [np.pi, 0.0], [0.0, np.pi], [1.0, 0.0]],
    ),
}


@pytest.mark.parametrize("name", SADDLES)
def test_saddles_and_maxima_are_left(name):
    functions, least, starts = SADDLES[name]
    for start in starts:
        result = solve(functions, start)
        assert result.success, start
        assert result.fun == pytest.approx(least, abs=1e-9)
        assert np.linalg.eigvalsh(functions[2](result.x))[0] >= -1e-9


FLAT_STARTS = {
    "monkey saddle": plane(
        lambda x, y: x**3 - 3 * x * y**2,
        lambda x, y: [3 * x**2 - 3 * y**2, -6 * x * y],
        lambda x, y: [[6 * x, -6 * y], [-6 * y, -6 * x]],
    ),
    "x^3 + y^3": plane(
        lambda x, y: x**3 + y**3, lambda x, y: [3 * x**2, 3 * y**2], lambda x, y: [[6 * x, 0], [0, 6 * y]]
    ),
    "-x^4 - y^4": plane(
        lambda x, y: -(x**4) - y**4,
        lambda x, y: [-4 * x**3, -4 * y**3],
        lambda x, y: [[-12 * x**2, 0], [0, -12 * y**2]],
    ),
}


@pytest.mark.parametrize("name", FLAT_STARTS)
def test_a_start_without_gradient_and_curvature_is_no_success(name):
    assert not solve(FLAT_STARTS[name], [0.0, 0.0]).success


@pytest.mark.parametrize("power", [4, 6, 8])
@pytest.mark.parametrize("start", [0.0, 1.0, -10.0, 100.0])
def test_minima_without_curvature(power, start):
    functions = scalar(
        lambda x: x**power,
        lambda x: power * x ** (power - 1.0),
        lambda x: power * (power - 1) * x ** (power - 2.0),
    )
    result = solve(functions, [start])
    assert result.success
    assert result.fun <= 1e-9
    assert abs(result.x[0]) < 0.02


def test_a_valley_of_minima_and_a_variable_that_does_nothing():
    for start in ([3.0, 5.0], [0.0, -7.0]):
        result = solve(
            plane(lambda x, y: (x - 1) ** 2, lambda x, y: [2 * (x - 1), 0], lambda x, y: [[2, 0], [0, 0]]),
            start,
        )
        assert result.success
        assert result.x[0] == pytest.approx(1.0)
        assert result.x[1] == start[1], "what does nothing stays"


RNG = np.random.default_rng(7)
A = RNG.standard_normal((40, 3))
B = RNG.random(40)
B /= B.sum()
PROBLEMS = [
    nk.SoftmaxRegression(A, B, ridge=1e-3),
    nk.SoftmaxCrossEntropy(A, B),
    nk.ExpRegression(A, B),
    nk.EntropySoftmaxRegression(A, B, entropy_weight=0.1, ridge=1e-3),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem.outer).__name__)
def test_our_own_problems_as_plain_functions(problem):
    ours = nk.minimize(problem)
    for second in ({"hess": problem.hess}, {"hessp": problem.hessp}):
        result = minimize(
            problem.fun, np.zeros(3), jac=problem.jac, method=nk.newton, options={"gtol": 1e-10}, **second
        )
        assert ours.success
        assert result.success
        np.testing.assert_allclose(result.x, ours.x, rtol=1e-5, atol=1e-7)


def test_a_saturated_softmax_is_no_success():
    problem = nk.SoftmaxRegression(A, B)
    row = A[np.argmax(np.linalg.norm(A, axis=1))]
    for far in (200.0, 1e3, 1e4):
        start = far * row
        result = minimize(problem.fun, start, jac=problem.jac, hess=problem.hess, method=nk.newton)
        assert not result.success or result.fun < 0.5 * problem.fun(start)


def test_a_gradient_that_does_not_fit_the_values_comes_to_an_end():
    """A term is missing in it: steps that it likes go on without end, but change nothing."""
    c = np.array([0.5, -1.0, 2.0, 0.3])
    result = minimize(
        lambda x: np.sum(np.cosh(x - c)) + 0.1 * (x @ x) ** 2,
        np.zeros(4),
        jac=lambda x: np.sinh(x - c),
        hess=lambda x: np.diag(np.cosh(x - c)) + 0.4 * (x @ x) * np.eye(4) + 0.8 * np.outer(x, x),
        method=nk.newton,
    )
    assert result.status is nk.Status.STALLED
    assert result.nit < 150
    assert "check_grad" in result.message
