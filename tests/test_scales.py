"""The sizes that value and gradient would have without cancellation: what tolerances are relative to."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from newtonkit.problems import Problem, RowwiseLoss
from tests.family import MEMBERS, Member, random_problem, regression


def group_sums(values: np.ndarray, problem: Problem) -> np.ndarray:
    """Give every row the sum over its group."""
    groups = problem.outer.groups
    return np.repeat(np.add.reduceat(values, groups.starts), groups.counts)


def magnitudes(member: Member, problem: Problem, x: np.ndarray) -> np.ndarray:
    """|l'| row by row with every difference replaced by the sum of the absolute values."""
    evaluation, outer = problem.evaluate(x), problem.outer
    f, first, _ = map(np.abs, outer.activation(evaluation.u))
    b, f_signed = np.abs(outer.target), outer.activation.value(evaluation.u)
    s = np.ones_like(b) if outer.row_weights is None else outer.row_weights
    t = 1.0
    if member.takes_groups:
        t = np.repeat(outer.group_weights, outer.groups.counts)
    if member.structure == "elementwise":
        rows = s * first * (f + b)
    elif member.structure == "rescaled":
        scaled = np.abs(group_sums(s * f_signed, problem)) * b
        rows = s * first * (f + scaled + group_sums(s * b * (f + scaled), problem))
    else:
        whole = group_sums(s * f_signed, problem)
        p, v = f / whole, first / whole
        if member.structure == "cross-entropy":
            rows = s * (group_sums(s * b, problem) * p + b)
        else:
            rows = s * v * (p + b + group_sums(s * p * (p + b), problem))
        surprise = evaluation.u - group_sums(s * p * evaluation.u, problem)
        rows = rows + member.entropy_weight * s * p * np.abs(surprise)
    penalty = 0.0 if problem.row_penalty is None else problem.row_penalty * np.abs(evaluation.a_x)
    return t * rows + penalty


@pytest.mark.parametrize("groups", ["none", "sorted"])
@pytest.mark.parametrize("weights", ["none", "positive"])
@pytest.mark.parametrize("name", MEMBERS)
def test_the_scale_of_the_gradient(name: str, weights: str, groups: str) -> None:
    rng = np.random.default_rng(0)
    problem, x = random_problem(
        MEMBERS[name], rng, n=15, groups=groups, weights=weights, penalty=True, ridge="vector", offset=True
    )
    evaluation = problem.evaluate(x)
    rows = problem.design.to_dense()
    wanted = np.linalg.norm(rows, axis=1) @ magnitudes(MEMBERS[name], problem, x)
    assert evaluation.gradient_scale == pytest.approx(wanted + np.linalg.norm(problem.ridge * x), rel=1e-12)
    assert np.linalg.norm(evaluation.gradient) <= evaluation.gradient_scale
    assert abs(evaluation.value) <= evaluation.loss_scale * (1 + 1e-12)


@pytest.mark.parametrize("name", MEMBERS)
def test_gradient_and_its_scale_change_alike_with_the_unit_of_the_columns(name: str) -> None:
    rng = np.random.default_rng(1)
    problem, x = random_problem(MEMBERS[name], rng, n=15)
    rows, offset = problem.design.to_dense(), problem.offset
    other = MEMBERS[name].make(1024.0 * rows, problem.outer.target, offset=offset)
    here, there = problem.evaluate(x), other.evaluate(x / 1024.0)
    assert there.gradient_scale == pytest.approx(1024.0 * here.gradient_scale, rel=1e-12)
    assert_allclose(there.gradient, 1024.0 * here.gradient, rtol=1e-12)
    assert there.loss_scale == pytest.approx(here.loss_scale, rel=1e-12)


def test_a_loss_of_ones_own_gets_its_scale_from_the_target() -> None:
    class Squares(RowwiseLoss):
        def terms(self, u, b):
            return 0.5 * (u - b) ** 2, u - b, np.ones_like(u)

    a = np.array([[1.0], [2.0], [4.0]])
    problem = Problem(a, Squares([1.0, 2.0, 4.0], [1.0, 2.0, 3.0]))
    evaluation = problem.evaluate([1.0])
    assert evaluation.value == 0.0
    assert evaluation.gradient_scale == pytest.approx(1 * 1 * 2 + 2 * 2 * 4 + 3 * 4 * 8)
    assert evaluation.loss_scale == pytest.approx(1 * 1 + 2 * 4 + 3 * 16)


@pytest.mark.parametrize("name", [name for name in MEMBERS if MEMBERS[name].structure != "cross-entropy"])
def test_the_scales_do_not_vanish_at_a_solution(name: str) -> None:
    rng = np.random.default_rng(2)
    a, x = rng.standard_normal((20, 3)), np.array([0.1, 0.2, 0.3])
    options = {"offset": np.full(20, 2.0)}
    b = MEMBERS[name].make(a, np.zeros(20), **options).predict(x)
    structure, f = MEMBERS[name].structure, MEMBERS[name].make(a, b, **options).outer.activation
    evaluation = regression(structure, f)(a, b, **options).evaluate(x)  # without entropy: a perfect fit
    fitted = b * f.value(evaluation.u).sum() if structure == "rescaled" else b
    assert evaluation.value < 1e-25 * (fitted @ fitted)
    assert np.linalg.norm(evaluation.gradient) < 1e-11 * evaluation.gradient_scale
    assert evaluation.loss_scale == pytest.approx(0.5 * (2 * fitted) @ (2 * fitted), rel=1e-9)
