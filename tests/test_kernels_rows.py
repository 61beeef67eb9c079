"""Row kernels: compiled and as plain Python, against the definitions in extended precision."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from newtonkit.problems import Activation, Power, Problem, Regression, kernels
from tests.extended import Point
from tests.family import Softplus

LONG = np.longdouble
EPS = float(np.finfo(float).eps)
FORMS = ("compiled", "python")
STARTS = {"one": [0], "several": [0, 1, 7, 20, 21], "single rows": list(range(23)), "last alone": [0, 22]}
N_FEW = 23


class Hinge(Activation):
    """One's own, with the scale left alone: f(u) = u^2 for u > 0, in float32 beyond f itself."""

    name = "hinge"

    def __call__(self, u):
        positive = (u > 0.0).astype(np.float32)
        return np.square(np.maximum(u, 0.0)), 2.0 * positive * u, 2.0 * positive


def kernel(name: str, form: str) -> Callable[..., Any]:
    found = getattr(kernels, name)
    return found if form == "compiled" else found.py_func


def few(seed: int) -> list[np.ndarray]:
    """f, f', f'', u, b and weights of a few rows."""
    rng = np.random.default_rng(seed)
    f, first, second, u, b = rng.normal(size=(5, N_FEW)) * np.array([[1.0], [2.0], [0.5], [3.0], [1.0]])
    return [np.abs(f) + 0.1, first, second, u, b, rng.uniform(0.0, 3.0, N_FEW)]


def long(*arrays: Any) -> list[np.ndarray]:
    return [np.asarray(each, dtype=LONG) for each in arrays]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weighted", [False, True])
def test_elementwise_kernels_are_what_they_say(form: str, weighted: bool) -> None:
    f, first, second, _, b, s = few(0)
    weights = s if weighted else np.array([1.75])
    out = np.full((3, N_FEW), np.nan)
    assert kernel("elementwise_rows", form)(f, first, second, b, weights, *out) is None
    F, F1, F2, B, S = long(f, first, second, b, np.broadcast_to(weights, N_FEW))
    expected = [S * F1 * (F - B), S * (F1**2 + F2 * (F - B)), S * abs(F1) * (abs(F) + abs(B))]
    sizes = [expected[2], S * (F1**2 + abs(F2) * (abs(F) + abs(B))), expected[2]]
    for found, wanted, size in zip(out, expected, sizes, strict=True):
        assert (np.abs(found - wanted) <= 8 * EPS * size).all()
    squares = kernel("residual_squares", form)(f, b, weights)
    assert squares == pytest.approx(float((S * (F - B) ** 2).sum()), rel=1e-14)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", STARTS)
def test_sums_of_groups_are_what_they_say(form: str, weighted: bool, groups: str) -> None:
    f, _, _, u, b, s = few(1)
    starts = np.array(STARTS[groups])
    weights = s if weighted else np.array([1.75])
    constants = np.random.default_rng(2).uniform(0.5, 4.0, (len(starts), 2))
    out = np.full((len(starts), 5), np.nan)
    kernel("normalised_sums", form)(f, u, b, weights, starts, constants, out)
    which = np.searchsorted(starts, np.arange(N_FEW), side="right") - 1
    for g in range(len(starts)):
        F, U, B, S = (each[which == g] for each in long(f, u, b, np.broadcast_to(weights, N_FEW)))
        scale, a = constants[g].astype(LONG)
        p = F / a
        terms = [S * (p - B) ** 2, S * p * (p - B), S * p * p, S * abs(p) * abs(B), S * p * (U - scale)]
        for found, each in zip(out[g], terms, strict=True):
            assert abs(found - each.sum()) <= 64 * EPS * (1.0 + float(np.abs(each).sum()))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("entropy_weight", [0.0, 0.7])
@pytest.mark.parametrize("groups", STARTS)
def test_rows_of_groups_are_what_they_say(
    form: str, weighted: bool, entropy_weight: float, groups: str
) -> None:
    f, first, second, u, b, s = few(3)
    starts = np.array(STARTS[groups])
    weights = s if weighted else np.array([1.75])
    constants = np.random.default_rng(4).uniform(0.5, 4.0, (len(starts), 6))
    out, low_rank = np.full((3, N_FEW), np.nan), np.full((2, N_FEW), np.nan)
    given = f, first, second, u, b, weights, starts, constants, entropy_weight
    kernel("normalised_rows", form)(*given, *out, *low_rank)
    which = np.searchsorted(starts, np.arange(N_FEW), side="right") - 1
    scale, a, c, size, t, mean = constants[which].T.astype(LONG)
    F, F1, F2, U, B, S = long(f, first, second, u, b, np.broadcast_to(weights, N_FEW))
    p, v, w, e = F / a, F1 / a, F2 / a, U - scale - mean
    pull = entropy_weight * S * p
    slope = S * v * (p - B - c) + pull * e
    expected = [
        t * slope,
        t * (S * (w * (p - B - c) + v * v) + pull * (1 + e)),
        t * (S * abs(v) * (abs(p) + abs(B) + size) + abs(pull * e)),
        S * v,
        S * v * p + slope,
    ]
    for found, wanted in zip([*out, *low_rank], expected, strict=True):
        np.testing.assert_allclose(found, wanted.astype(float), rtol=1e-13, atol=1e-13)


def test_a_large_constant_in_u_costs_the_entropy_nothing() -> None:
    """Sums may be taken in another order, but not this one: u - scale is exact before the mean goes off."""
    f, first, second, u, b, _ = few(5)
    u = np.round(u * 64) / 64
    results = []
    for constant in (0.0, 1e12):
        constants = np.array([[constant, 30.0, 0.1, 0.2, 1.0, 1 / 3]])
        out, low_rank = np.empty((3, N_FEW)), np.empty((2, N_FEW))
        given = f, first, second, u + constant, b, np.ones(1), np.zeros(1, dtype=np.intp), constants, 0.5
        kernels.normalised_rows(*given, *out, *low_rank)
        sums = np.empty((1, 5))
        kernels.normalised_sums(f, u + constant, b, np.ones(1), given[6], constants[:, :2], sums)
        results.append(np.concatenate((out.ravel(), low_rank.ravel(), sums.ravel())))
    np.testing.assert_array_equal(*results)


# Large problems


N, D = 70_000, 15
ACTIVATIONS: dict[str, Any] = {
    "exp": "exp",
    "cosh": "cosh",
    "sinh": "sinh",
    "exp_plus_identity": "exp_plus_identity",
    "power3": Power(3),
    "softplus": Softplus(),
    "hinge": Hinge(),
}
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"sample_weight": True},
    "weights, penalty, intercept": {"sample_weight": True, "penalty_weights": True, "fit_intercept": True},
    "groups": {"groups": True},
    "weighted groups": {"groups": True, "sample_weight": True, "ridge": 0.1},
}


def large(structure: str, activation: Any, case: str, entropy_weight: float = 0.0) -> tuple[Problem, Any]:
    rng = np.random.default_rng(6)
    a = rng.normal(size=(N, D)) / 4.0
    asked = dict(CASES[case])
    labels = np.sort(rng.integers(3000, size=N)) if asked.pop("groups", False) else None
    s = rng.uniform(0.0, 3.0, N) * (rng.random(N) < 0.9)
    options: dict[str, Any] = {"offset": rng.uniform(1.0, 2.0, N), "entropy_weight": entropy_weight}
    if labels is not None:
        options["groups"], s = labels, rng.uniform(0.5, 3.0, 3000)[labels]
    if asked.pop("sample_weight", False):
        options["sample_weight"] = s
    if asked.pop("penalty_weights", False):
        options["penalty_weights"] = rng.normal(size=N) / 100.0
    b = rng.random(N) / (1.0 if structure == "elementwise" else 100.0)
    problem = Regression(a, b, structure=structure, activation=activation, **options, **asked)
    return problem, 0.3 * rng.normal(size=problem.n_parameters)


def without_kernels(problem: Problem) -> Problem:
    """The same problem, made to take the path of small data."""
    assert all(block.compiled for block in problem.pieces)
    problem.pieces = tuple(replace(block, compiled=False) for block in problem.pieces)
    problem._last = None
    return problem


ALL = [
    *(("elementwise", kind, case) for kind in ACTIVATIONS for case in CASES if "groups" not in case),
    *(("normalised", kind, case) for kind in (*ACTIVATIONS, "entropy") for case in CASES),
]


@pytest.mark.parametrize(("structure", "kind", "case"), ALL)
def test_a_large_problem_is_what_it_is_without_kernels(structure: str, kind: str, case: str) -> None:
    gamma = 0.3 if kind == "entropy" else 0.0
    problem, x = large(structure, ACTIVATIONS.get(kind, "exp"), case, gamma)
    one = problem.evaluate(x)
    rows, gradient = one._rows, one.gradient
    other = without_kernels(problem).evaluate(x)
    assert one is not other
    assert np.isfinite(one.value)
    assert abs(one.value - other.value) <= 1e-13 * one.loss_scale
    assert one.loss_scale == pytest.approx(other.loss_scale, rel=1e-12)
    assert one.value_rounding == pytest.approx(other.value_rounding, rel=1e-10)
    assert np.linalg.norm(gradient - other.gradient) <= 1e-13 * one.gradient_scale
    for name in ("gradient", "diagonal", "magnitude", "low_rank", "shift"):
        found, wanted = getattr(rows, name), getattr(other._rows, name)
        assert (found is None) == (wanted is None)
        if wanted is not None and name != "shift":
            size = np.abs(wanted) + np.reshape(rows.magnitude, (N, *(1,) * (wanted.ndim - 1)))
            assert (np.abs(found - wanted) <= 1e-12 * size).all(), name
    np.testing.assert_array_equal(rows.shift is None, structure == "elementwise")


@pytest.mark.parametrize("structure", ["elementwise", "normalised"])
@pytest.mark.parametrize("activation", ["exp", "exp_plus_identity"])
def test_a_large_problem_is_what_the_definition_says(structure: str, activation: str) -> None:
    gamma = 0.3 if (structure, activation) == ("normalised", "exp") else 0.0
    problem, x = large(structure, activation, "plain", gamma)

    class Raw:
        A, b, offset = problem.design.to_dense(), problem.outer.target, problem.offset
        groups, penalty_weights, ridge, entropy_weight = None, None, 0.0, gamma

    Raw.structure, Raw.activation = structure, activation
    point = Point(Raw, x)
    assert abs(problem.fun(x) - point.loss) <= 1e-13 * point.loss_scale
    assert np.linalg.norm(problem.jac(x) - point.gradient) <= 1e-13 * point.gradient_scale


@pytest.mark.parametrize("size", [1.0, 1.01])
def test_kernels_are_for_large_problems(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def noted(name: str) -> Callable[..., Any]:
        original = getattr(kernels, name)
        return lambda *given: (used.append(name), original(*given))[1]

    names = ("numbered_squares", "numbered_elementwise_rows", "numbered_sums", "numbered_rows")
    for name in names:
        monkeypatch.setattr(kernels, name, noted(name))
    n = int(100_000 * size)
    a, b = np.full((n, 10), 0.1), np.full(n, 1.0 / n)
    for structure in ("elementwise", "normalised"):
        problem = Regression(a, b, structure=structure, activation="exp")
        assert np.isfinite(problem.jac(np.ones(10))).all()
        assert np.isfinite(problem.hess(np.ones(10)).row_diagonal).all()
    assert set(used) == (set() if size == 1.0 else set(names))


@pytest.mark.parametrize("reach", [400.0, 800.0, 1e200, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("structure", ["elementwise", "normalised"])
def test_overflow_is_the_same_infinity_without_a_warning(structure: str, kind: str, reach: float) -> None:
    problem, _ = large(structure, ACTIVATIONS[kind], "weights")
    x = np.zeros(D)
    x[0] = reach
    value = problem.fun(x)
    derivatives = problem.evaluate(x).gradient
    other = without_kernels(problem).evaluate(x)
    assert not np.isnan(value)
    assert value == pytest.approx(other.value, rel=1e-12)
    np.testing.assert_array_equal(np.isfinite(derivatives), np.isfinite(other.gradient))


def test_rows_that_do_not_count_may_overflow() -> None:
    rng = np.random.default_rng(7)
    a, s = rng.normal(size=(N, D)), np.ones(N)
    a[::50] *= 1e4
    s[::50] = 0.0
    b = rng.random(N)
    for structure in ("elementwise", "normalised"):
        problem = Regression(a, b, structure=structure, activation="exp", sample_weight=s)
        kept = Regression(a[s > 0.0], b[s > 0.0], structure=structure, activation="exp")
        x = np.full(D, 0.1)
        assert problem.fun(x) == pytest.approx(kept.fun(x), rel=1e-11)
        np.testing.assert_allclose(problem.jac(x), kept.jac(x), rtol=1e-9, atol=1e-9 * abs(kept.jac(x)).max())
