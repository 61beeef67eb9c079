"""Parts of the sketched and the sampled method: subspaces, preconditioning, verdicts on true curvature."""

from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.approximate.sampled import SampledModel
from newtonkit.approximate.sampled_hessian import SampledHessian
from newtonkit.approximate.subspace import Subspace
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.problems.shifting import shifted_form
from tests.test_sketched import cosh_at_a_saddle, inner, minimize


def subspace(problem: Problem, x: np.ndarray) -> tuple[Subspace, np.ndarray]:
    """Return an empty subspace at x, and T^T H T from the rows A T."""
    evaluation = problem.evaluate(x)
    metric, _ = embedded_metric(problem, evaluation.curvature_mass, 0)
    rows = problem.row_steps(metric.steps(np.eye(metric.rank)))
    hessian = evaluation.hessian
    space = Subspace(metric, hessian, shifted_form(hessian))
    return space, rows.T @ hessian.row_product(rows)


@pytest.mark.parametrize("kind", nk.datasets.PLANTED_KINDS)
@pytest.mark.parametrize("condition", [1.0, 1e6, 1e10])
def test_a_subspace_is_orthonormal_and_has_the_hessian_on_it(kind: str, condition: float) -> None:
    """From 1e8 on directions count as weak."""
    planted = nk.datasets.make_planted(kind, 3000, 20, condition=condition, noise=0.3, rng=4)
    space, dense = subspace(planted.problem, 0.8 * planted.solution)
    rng = np.random.default_rng(1)
    slack = min(max(1e-18 * condition**2, 1e-10), 1e-5) * np.abs(dense).max()
    assert space.size == space.passes == 0
    assert space.add(rng.normal(size=20))
    one = space.passes
    assert one in (1, 2)
    assert space.add(rng.normal(size=(20, 3)))
    assert space.size == 4
    assert space.passes == 2 * one
    assert not space.add(space.basis @ rng.normal(size=4))
    assert not space.add(np.zeros(20))
    assert not space.add(np.full(20, np.nan))
    np.testing.assert_allclose(space.products, dense @ space.basis, atol=slack)
    space.complete()
    assert space.is_complete
    assert space.passes >= 3 * one
    np.testing.assert_allclose(space.basis.T @ space.basis, np.eye(20), atol=1e-12)
    values, expected = np.linalg.eigvalsh(space.reduced()), np.linalg.eigvalsh(dense)
    np.testing.assert_allclose(values, expected, atol=slack)


def concentrated(kind: Any) -> tuple[Problem, np.ndarray]:
    """Weights over ten orders of magnitude, and groups of columns that only heavy or only light rows have."""
    rng = np.random.default_rng(2)
    a = np.zeros((8000, 40))
    for k in range(4):
        rows, columns = slice(2000 * k, 2000 * (k + 1)), slice(10 * k, 10 * (k + 1))
        a[rows, columns] = rng.normal(size=(2000, 10)) / 6.0
    offset = -3.0 * (np.arange(8000) // 2000)
    truth = rng.normal(size=40)
    f = np.exp(a @ truth + offset)
    return kind(a, f if kind is nk.ExpRegression else f / f.sum(), offset=offset), truth


@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxRegression, nk.SoftmaxCrossEntropy])
def test_a_preconditioner_makes_up_for_weights_of_any_size(kind: Any) -> None:
    problem, _ = concentrated(kind)
    result = minimize(problem)
    assert result.success
    assert all(record.rows_sampled < 4000 for record in result.history)
    assert inner(result) <= 10.0


@pytest.mark.parametrize("d", [10, 40])
def test_a_positive_sample_does_not_hide_negative_curvature(d: int) -> None:
    """The stand-in has none, the Hessian has: it is no minimum, and the step is the true model's."""
    problem = cosh_at_a_saddle(d, -0.05, 3)
    evaluation = problem.evaluate(np.zeros(d))
    metric = Metric(problem, evaluation.curvature_mass)
    form = shifted_form(evaluation.hessian)
    positive = SampledHessian(evaluation.hessian, form.design, np.abs(form.weights))
    model = SampledModel(problem, metric, evaluation, form, positive, np.random.default_rng(0))
    step = model.step(1.0)
    assert step.norm == 0.0
    assert not step.negative_curvature
    assert not model.is_convex
    left = model.step(0.01)
    assert left.negative_curvature
    assert left.norm == pytest.approx(0.01)
    assert problem.fun(left.s) < problem.fun(np.zeros(d))
