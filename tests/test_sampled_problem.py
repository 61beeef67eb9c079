"""A problem on rows drawn at random stands for the whole: value and gradient are right on average."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Power, Problem, Regression

N, D, M, DRAWS = 6000, 4, 1500, 100
KINDS: dict[str, Any] = {
    "exp": nk.ExpRegression,
    "power": partial(Regression, structure="elementwise", activation=Power(2)),
    "rescaled": partial(nk.RescaledRegression, activation="exp"),
    "softmax": nk.SoftmaxRegression,
    "entropy": partial(nk.EntropySoftmaxRegression, entropy_weight=1e-4),
    "resnet": nk.ResNetSoftmaxRegression,
    "cross-entropy": nk.SoftmaxCrossEntropy,
}
OPTIONS = ("nothing", "sample_weight", "offset", "ridge", "penalty_weights", "fit_intercept", "all")
# Of DRAWS draws the mean is compared within 6 standard errors: 3e-9 a number, were it normal; with a t
# distribution of 99 degrees of freedom 4e-8, and less than 1e-5 for all 49 cases of up to 6 numbers.
ERRORS = 6.0


def whole(kind: str, option: str) -> tuple[Problem, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(N, D))
    drawn: dict[str, Any] = {
        "sample_weight": rng.uniform(0.0, 3.0, N) * (rng.random(N) < 0.7),
        "offset": rng.normal(size=N) / 4.0 + 1.0,
        "ridge": rng.random(D + (option == "all")) * (N / 10 if kind in ("exp", "power") else 1e-4),
        "penalty_weights": rng.normal(size=N) / (1.0 if kind in ("exp", "power") else N),
        "fit_intercept": True,
    }
    given = drawn if option == "all" else {option: drawn[option]} if option in drawn else {}
    b = rng.random(N) * (2.0 if kind in ("exp", "power") else 2.0 / N)
    problem = KINDS[kind](a, b, **given)
    x = 0.2 * rng.normal(size=problem.n_parameters)
    x[-1] = 0.2  # the intercept, where there is one: exp(u) + u stays positive
    return problem, x


def numbers(problem: Problem, x: np.ndarray) -> np.ndarray:
    return np.array([problem.fun(x), *problem.jac(x)])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_value_and_gradient_are_right_on_average(kind: str, option: str) -> None:
    """Where rows interact a sample is biased by about 1 / M of the size of the numbers."""
    problem, x = whole(kind, option)
    rng, found = np.random.default_rng([1, DRAWS]), []
    for _ in range(DRAWS):
        sample = problem.sampled(np.sort(rng.choice(N, M, replace=False)))
        assert sample is not None
        found.append(numbers(sample, x))
    wanted = numbers(problem, x)
    evaluation = problem.evaluate(x)
    sizes = np.array([evaluation.loss_scale, *np.full(len(x), evaluation.gradient_scale / D)])
    bias = 0.0 if kind in ("exp", "power") else 3.0 / M * sizes
    error = np.std(found, axis=0, ddof=1) / np.sqrt(DRAWS)
    assert (error < 0.02 * sizes).all()  # else it would prove nothing
    assert (np.abs(np.mean(found, axis=0) - wanted) <= ERRORS * error + bias).all()


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_all_rows_are_the_problem_itself(kind: str, option: str) -> None:
    problem, x = whole(kind, option)
    same = problem.sampled(np.arange(N))
    assert same is not None
    one, other = problem.evaluate(x), same.evaluate(x)
    assert abs(one.value - other.value) <= 1e-13 * one.loss_scale
    assert np.linalg.norm(one.gradient - other.gradient) <= 1e-13 * one.gradient_scale
    h, g = np.asarray(one.hessian), np.asarray(other.hessian)
    np.testing.assert_allclose(h, g, atol=1e-12 * np.abs(h).max())
    assert one.curvature_mass == pytest.approx(other.curvature_mass, rel=1e-12)
    assert one.gradient_scale == pytest.approx(other.gradient_scale, rel=1e-12)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_the_problem_on_its_rows_each_so_many_times(kind: str, option: str) -> None:
    """Repeating every row of a third of the data three times over makes the same problem."""
    problem, x = whole(kind, option)
    indices = np.sort(np.random.default_rng(2).choice(N, N // 3, replace=False))
    sample = problem.sampled(indices)
    assert sample is not None
    rows = np.repeat(indices, 3)
    options: dict[str, Any] = {"ridge": problem.ridge}
    a = problem.design.to_dense()[rows]
    if problem.outer.row_weights is not None:
        options["sample_weight"] = problem.outer.row_weights[rows]
    if problem.offset is not None:
        options["offset"] = problem.offset[rows]
    if problem.row_penalty is not None:
        options["penalty_weights"] = np.sqrt(problem.row_penalty[rows])
    repeated = KINDS[kind](a, problem.outer.target[rows], **options)
    one, other = sample.evaluate(x), repeated.evaluate(x)
    assert abs(one.value - other.value) <= 1e-12 * one.loss_scale
    assert np.linalg.norm(one.gradient - other.gradient) <= 1e-12 * one.gradient_scale
    h, g = np.asarray(one.hessian), np.asarray(other.hessian)
    np.testing.assert_allclose(h, g, atol=1e-11 * np.abs(h).max())


@pytest.mark.parametrize("layout", ["float32", "CSR", "Fortran"])
def test_any_layout_can_be_sampled(layout: str) -> None:
    problem, x = whole("softmax", "nothing")
    a: Any = problem.design.to_dense()
    a = {"float32": a.astype(np.float32), "CSR": sparse.csr_array(a), "Fortran": np.asfortranarray(a)}[layout]
    indices = np.arange(0, N, 7)
    one = nk.SoftmaxRegression(a, problem.outer.target).sampled(indices)
    other = problem.sampled(indices)
    assert one is not None and other is not None
    np.testing.assert_allclose(one.jac(x), other.jac(x), rtol=1e-4 if layout == "float32" else 1e-10)


class Poisson(nk.problems.RowwiseLoss):
    """A loss of one's own."""

    def terms(self, u, b):
        mean = np.exp(u)
        return mean - b * u, mean - b, mean


def test_what_is_not_known_is_not_sampled() -> None:
    rng, indices = np.random.default_rng(3), np.arange(0, 300, 3)
    a, b = rng.normal(size=(300, 3)), rng.random(300)
    assert Problem(a, Poisson(b)).sampled(indices) is None
    for kind, make in KINDS.items():
        problem = make(a, b / b.sum())
        assert problem.sampled(indices) is not None
        problem.outer.__class__ = type("Own", (type(problem.outer),), {})  # it may hold more
        assert problem.sampled(indices) is None
        if kind not in ("exp", "power"):
            grouped = make(a, b / b.sum(), groups=np.arange(300) // 2)
            assert grouped.sampled(indices) is None
            one_group = make(a, b / b.sum(), groups=np.zeros(300), sample_weight=np.full(300, 2.0))
            sample = one_group.sampled(np.arange(300))
            assert sample is not None
            assert sample.fun(np.ones(3)) == pytest.approx(one_group.fun(np.ones(3)), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_without_weight_is_none(kind: str) -> None:
    rng = np.random.default_rng(4)
    a, b, s = rng.normal(size=(300, 3)), rng.random(300), np.zeros(300)
    s[10:12] = 1.0
    problem = KINDS[kind](a, b / b.sum(), sample_weight=s)
    assert problem.sampled(np.arange(20, 300)) is None
    assert problem.sampled(np.arange(11, 300)) is not None


def test_the_noise_of_sampling_is_about_what_it_is_said_to_be() -> None:
    """Over draws, the value of all rows at the minimum of M less its least: 1/2 tr(H^-1 Cov), on average."""
    problem, _ = whole("exp", "nothing")
    least = nk.minimize(problem, method="exact")
    rng, excess, said = np.random.default_rng(5), [], []
    for _ in range(40):
        sample = problem.sampled(rng.choice(N, M, replace=False))
        assert sample is not None
        end = nk.minimize(sample, least.x, method="exact")
        assert end.success
        excess.append(problem.fun(end.x) - least.fun)
        said.append(sample.evaluate(end.x).sampling_noise)
    assert 1 / 3 < np.mean(excess) / np.mean(said) < 3
