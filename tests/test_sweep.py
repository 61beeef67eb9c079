"""Value and gradient from one sweep over the data are what two sweeps give."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import newtonkit as nk
from newtonkit.problems import Problem, Regression, kernels, sweep
from newtonkit.problems.evaluation import Evaluation

N, D = 60_000, 20
STRUCTURES = ("elementwise", "normalised")
ACTIVATIONS = ("exp", "cosh", "sinh", "exp_plus_identity")


def data(layout: str) -> tuple[Any, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = 0.3 * rng.normal(size=(N, D))
    if layout == "csr":
        a[rng.random((N, D)) < 0.5] = 0.0
    target = np.exp(a.sum(axis=1)) * rng.lognormal(size=N)
    kinds = {"float32": a.astype(np.float32), "csr": csr_array(a), "fortran": np.asfortranarray(a)}
    kept = kinds.get(layout, a)
    return kept, target / target.sum(), 0.4 * rng.normal(size=D)


def assert_same(problem: Problem, x: np.ndarray) -> None:
    once, twice = Evaluation.at(problem, x), Evaluation(problem, x, problem.design.product(x))
    assert once.gradient_passes == 0 and twice.gradient_passes == 1
    np.testing.assert_allclose(once.u, twice.u, rtol=0, atol=1e-13 * np.abs(twice.u).max())
    assert abs(once.value - twice.value) <= 1e-13 * twice.loss_scale
    assert np.abs(once.gradient - twice.gradient).max() <= 1e-14 * twice.gradient_scale
    np.testing.assert_allclose(once._pulls[1:], twice._pulls[1:], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("layout", ["float64", "float32", "csr", "fortran"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_sweep_is_as_good_as_two(structure: str, activation: str, layout: str) -> None:
    a, b, x = data(layout)
    offset = np.random.default_rng(1).normal(size=N) + 3.0  # sums of f are positive
    problem = Regression(a, b, structure=structure, activation=activation, offset=offset, fit_intercept=True)
    assert_same(problem, np.append(x, 0.2))


@pytest.mark.parametrize("layout", ["float64", "csr"])
@pytest.mark.parametrize("extra", ["sample_weight", "zeros", "penalty_weights", "large offset", "entropy"])
def test_with_everything_a_problem_can_have(extra: str, layout: str) -> None:
    a, b, x = data(layout)
    rng = np.random.default_rng(2)
    weights = rng.uniform(0.5, 2.0, N)
    options: dict[str, dict[str, Any]] = {
        "sample_weight": {"sample_weight": weights},
        "zeros": {"sample_weight": np.where(rng.random(N) < 0.3, 0.0, weights)},
        "penalty_weights": {"penalty_weights": weights / N, "ridge": 0.1},
        "large offset": {"offset": 500.0 + 10.0 * rng.normal(size=N)},
        "entropy": {"entropy_weight": 0.2 / N},
    }
    kind = nk.EntropySoftmaxRegression if extra == "entropy" else nk.SoftmaxRegression
    assert_same(kind(a, b, **options[extra]), x)


@pytest.mark.parametrize("make", [nk.SoftmaxCrossEntropy, nk.RescaledRegression])
def test_the_other_structures(make: Any) -> None:
    a, b, x = data("float64")
    assert_same(make(a, b, **({} if make is nk.SoftmaxCrossEntropy else {"activation": "cosh"})), x)


@pytest.mark.parametrize("form", ["compiled", "python"])
@pytest.mark.parametrize("is_normalised", [False, True])
@pytest.mark.parametrize("kind", range(4))
def test_the_kernels_are_sums_over_rows(kind: int, is_normalised: bool, form: str) -> None:
    rng = np.random.default_rng(3)
    a, b, w = rng.normal(size=(300, 4)), rng.random(300), rng.uniform(0.5, 2.0, 300)
    x, offset = rng.normal(size=4), np.array([0.3])
    u = a @ x + 0.3
    e, even, odd = np.exp(u), np.cosh(u), np.sinh(u)
    f, first = [(e, e), (even, odd), (odd, even), (e + u, e + 1.0)][kind]
    columns = np.array([w * first * f, w * first * b, w * first] if is_normalised else [w * first * (f - b)])
    sparse = csr_array(a)
    for name, arrays in (("dense_sweep", (a,)), ("csr_sweep", (sparse.data, sparse.indices, sparse.indptr))):
        kernel = getattr(kernels, name) if form == "compiled" else getattr(kernels, name).py_func
        image, out, sums = np.empty(300), np.zeros((len(columns), 4)), np.zeros(len(columns))
        scale = kernel(*arrays, x, offset, b, w, kind, is_normalised, image, out, sums)
        powers = np.array([2.0, 1.0, 1.0] if is_normalised else [0.0])[: len(columns)]
        np.testing.assert_allclose(image, a @ x, atol=1e-13)
        np.testing.assert_allclose(out * np.exp(powers * scale)[:, None], columns @ a, rtol=1e-10)
        np.testing.assert_allclose(sums * np.exp(powers * scale), columns.sum(axis=1), rtol=1e-10)


def test_overflow_is_an_infinite_value_without_a_warning() -> None:
    a, b, x = data("float64")
    assert nk.ExpRegression(a, b).fun(1e4 * x) == np.inf
    assert np.isfinite(nk.SoftmaxRegression(a, b).fun(1e4 * x))
    assert np.isfinite(nk.SoftmaxRegression(a, b).jac(1e4 * x)).all()


def test_the_same_bits_for_any_number_of_threads() -> None:
    a, b, x = data("float64")
    before, found = nk.get_num_threads(), []
    for threads in (1, 2, 3):
        nk.set_num_threads(threads)
        found.append(nk.SoftmaxRegression(a, b).jac(x))
    nk.set_num_threads(before)
    assert (found[0] == found[1]).all() and (found[0] == found[2]).all()


def test_small_problems_and_many_groups_go_the_plain_way() -> None:
    a, b, _ = data("float64")
    assert not sweep.can_sweep(nk.SoftmaxRegression(a[:100], b[:100]))
    assert not sweep.can_sweep(nk.SoftmaxRegression(a, b, groups=np.arange(N) // 4))
