"""Rows of steps from the images of a basis: A s as if A had been swept, for no sweep."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.approximate.preconditioner import ScaledMetric
from newtonkit.approximate.sketched import SketchedModel
from newtonkit.approximate.subspace import Subspace
from newtonkit.curvature import Step
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.problems.shifting import shifted_form
from newtonkit.triangular import TriangularMetric

EPS = float(np.finfo(float).eps)
D = 22
KINDS: dict[str, Any] = {
    "plain": nk.ExpRegression,
    "softmax": nk.SoftmaxRegression,
    "cross-entropy": nk.SoftmaxCrossEntropy,
    "resnet": nk.ResNetSoftmaxRegression,
    "rescaled": partial(nk.RescaledRegression, activation="exp"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "intercept": {"fit_intercept": True},
    "groups": {"groups": True},
    "unsorted groups, intercept": {"groups": "unsorted", "fit_intercept": True},
    "penalties": {"penalty_weights": True, "ridge": 0.1},
    "weights, offset": {"sample_weight": True, "offset": True},
    "float32": {"layout": "float32"},
    "CSR": {"layout": "CSR"},
}
LARGE = 50_000  # n d > 1e6: compiled


def problem_of(kind: str, option: str, n: int) -> tuple[Problem, np.ndarray]:
    rng = np.random.default_rng(0)
    a: Any = rng.normal(size=(n, D)) * np.logspace(1, -1, D)
    given, asked = dict(OPTIONS[option]), {}
    layout = given.pop("layout", "")
    if layout:
        a = a.astype(np.float32) if layout == "float32" else sparse.csr_array(a * (rng.random(a.shape) < 0.4))
    labels = rng.integers(n // 20, size=n)
    drawn = {
        "groups": labels if given.get("groups") == "unsorted" else np.sort(labels),
        "penalty_weights": rng.normal(size=n) / n,
        "sample_weight": rng.uniform(0.0, 2.0, n) * (labels > 3),
        "offset": rng.uniform(0.5, 1.5, n),
    }
    asked = {name: drawn.get(name, value) for name, value in given.items()}
    b = rng.random(n) if kind == "plain" else rng.random(n) / n
    problem = KINDS[kind](a, b, **asked)
    x = rng.normal(size=problem.n_parameters)
    return problem, 0.5 * x / np.abs(problem.design.product(x)).max()


def metric_of(problem: Problem, name: str) -> Metric:
    mass = problem.origin().curvature_mass
    if name == "embedded":
        return embedded_metric(problem, mass, 0)[0]
    found = TriangularMetric.of_gram(problem.step_metric(mass).to_dense())
    assert found is not None
    return found


def cases(*kinds: str, among: Any = OPTIONS) -> list[Any]:
    found = [(kind, option) for kind in kinds for option in among]
    return [each for each in found if not (each[0] == "plain" and "groups" in each[1])]


def assert_rows(problem: Problem, steps: np.ndarray, rows: np.ndarray, extra: Any = 0.0) -> None:
    """Rows are A S within rounding: of sums of |a_ij s_j|, and of steps of size `extra` that cancel."""
    a = problem.design.to_dense()
    allowed = 64 * EPS * (np.abs(a) @ np.abs(steps) + np.linalg.norm(a, axis=1).max() * extra)
    wanted = a.astype(np.longdouble) @ steps
    assert rows.shape == wanted.shape
    assert (np.abs(rows - wanted) <= allowed).all()


@pytest.mark.parametrize(("kind", "option"), cases(*KINDS))
def test_rows_of_steps_are_those_of_a_sweep(kind: str, option: str) -> None:
    problem, x = problem_of(kind, option, 1600)
    is_plain = "weights" in option  # both kinds of metric have their turn
    metric, hessian = metric_of(problem, "embedded" if is_plain else "triangular"), problem.hess(x)
    space = Subspace(metric, hessian, shifted_form(hessian))
    rng = np.random.default_rng(1)
    for k in range(4):
        assert space.add(rng.normal(size=metric.rank) * 10.0 ** rng.uniform(-9, 9))
        assert space.has_images
        inner = rng.normal(size=(k + 1, 3)) * 10.0 ** rng.uniform(-6, 6, 3)
        steps = metric.steps(space.basis @ inner)
        passes = space.passes
        rows = space.rows(steps, inner)
        assert space.passes == passes
        assert rows is not None
        extra = np.abs(metric.steps(space.basis)).max(axis=0) @ np.abs(inner) * np.sqrt(D)
        assert_rows(problem, steps, rows, extra)


@pytest.mark.parametrize(
    ("kind", "option"), cases(*KINDS, among=("nothing", "intercept", "unsorted groups, intercept"))
)
def test_rows_of_steps_of_large_data_are_too(kind: str, option: str) -> None:
    problem, x = problem_of(kind, option, LARGE)
    metric, hessian = metric_of(problem, "triangular"), problem.hess(x)
    space = Subspace(metric, hessian, shifted_form(hessian))
    rng = np.random.default_rng(2)
    for _ in range(3):
        space.add(rng.normal(size=metric.rank))
    inner = rng.normal(size=(3, 2))
    steps = metric.steps(space.basis @ inner)
    rows = space.rows(steps, inner)
    assert rows is not None
    assert_rows(problem, steps, rows, np.abs(metric.steps(space.basis)).max() * np.sqrt(D) * 10.0)


def test_images_are_kept_while_they_are_few_and_all_there() -> None:
    problem, x = problem_of("softmax", "nothing", 3000)
    metric, hessian = metric_of(problem, "triangular"), problem.hess(x)
    rng = np.random.default_rng(3)
    space = Subspace(metric, hessian, shifted_form(hessian))
    for _ in range(16):
        space.add(rng.normal(size=D))
        assert space.has_images
    for _ in range(2):  # once they are lost, they are not at hand again
        space.add(rng.normal(size=D))
        assert not space.has_images
        assert space.rows(np.ones((D, 1)), np.ones((space.size, 1))) is None
    together = Subspace(metric, hessian, shifted_form(hessian))
    together.add(rng.normal(size=D))
    assert not together.add(together.basis[:, 0])
    assert together.has_images
    together.add(rng.normal(size=(D, 2)))
    assert not together.has_images
    assert together.rows(np.ones((D, 1)), np.ones((3, 1))) is None


@pytest.mark.parametrize("kind", KINDS)
def test_the_hessian_on_the_subspace_is_the_same_with_and_without_images(kind: str) -> None:
    problem, x = problem_of(kind, "intercept", 3000)
    metric, hessian = metric_of(problem, "triangular"), problem.hess(x)
    columns = np.random.default_rng(4).normal(size=(D + 1, 4))
    one, other = (Subspace(metric, hessian, shifted_form(hessian)) for _ in range(2))
    for column in columns.T:
        one.add(column)
    other.add(columns)
    dense = metric.congruence(hessian)
    for space in (one, other):
        wanted = dense @ space.basis
        np.testing.assert_allclose(space.products, wanted, atol=1e-12 * np.abs(dense).max())
    assert (one.passes, other.passes) == (4, 1)


def model_of(problem: Problem, x: np.ndarray, curvature: float) -> SketchedModel:
    evaluation = problem.evaluate(x)
    metric, form = metric_of(problem, "triangular"), shifted_form(evaluation.hessian)
    scaled = ScaledMetric(metric.rank, curvature * evaluation.curvature_mass)
    return SketchedModel(problem, metric, evaluation, form, scaled, 0.1, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("kind", "option"),
    cases(
        *("plain", "softmax", "resnet", "cross-entropy"),
        among=("nothing", "intercept", "groups", "penalties", "weights, offset"),
    ),
)
def test_a_step_of_the_model_comes_with_its_rows_for_no_sweep(kind: str, option: str) -> None:
    problem, x = problem_of(kind, option, 3000)
    model = model_of(problem, x, 1.0)
    for radius in (1.0, 0.25, 1e-3, 0.9, 1e6):
        step: Step = model.step(radius)
        assert step.norm <= radius * (1.0 + 1e-12)
        assert_rows(problem, step.s[:, None], step.a_s[:, None], 10.0 * np.abs(step.s).max())
        passes = model.passes
        shorter = model.step(0.25 * step.norm)
        assert model.passes == passes  # a quarter of the length costs no sweep
        extra = 10.0 * np.abs(shorter.s).max()
        assert_rows(problem, shorter.s[:, None], shorter.a_s[:, None], extra)


@pytest.mark.parametrize("kind", ["plain", "softmax"])
def test_a_model_without_images_has_rows_too(kind: str) -> None:
    """More directions than images are kept: the rows come from a sweep, which is counted."""
    problem, x = problem_of(kind, "nothing", 3000)
    model = model_of(problem, x, 1.0)
    model._space.add(np.random.default_rng(5).normal(size=(D, 2)))
    assert not model._space.has_images
    before = model._space.passes
    step = model.step(0.5)
    assert model.passes > before + (model._space.size - 2)
    assert_rows(problem, step.s[:, None], step.a_s[:, None])
    passes = model.passes
    assert model.step(0.25 * step.norm).norm == pytest.approx(0.25 * step.norm)
    assert model.passes == passes
