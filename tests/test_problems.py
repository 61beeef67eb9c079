"""What every problem has to satisfy: invariances, weights, groups, prediction, shared evaluations."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import newtonkit as nk
from newtonkit.problems import Problem
from tests.family import LAYOUTS, MEMBERS, random_rows

UNGROUPED = {name: member for name, member in MEMBERS.items() if member.structure == "elementwise"}
GROUPED = {name: member for name, member in MEMBERS.items() if member.takes_groups}
SHIFT_FREE = ("SoftmaxRegression", "EntropySoftmaxRegression", "SoftmaxCrossEntropy")
row_labels = np.array(["b", "a", "a", "c", "b", "a", "c", "c", "b", "a", "c", "b"])


def example(name: str, n: int = 12, d: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
    """Rows, target, a point, and an offset that keeps problems with a pole inside their domain."""
    rng = np.random.default_rng(len(name))
    b = rng.random(n)
    b = b / b.sum()
    low = 2.5 if MEMBERS[name].changes_sign else 0.2
    return random_rows(n, d, rng), b, 0.3 * rng.standard_normal(d), {"offset": rng.uniform(low, low + 1, n)}


def assert_same(one: Problem, other: Problem, x: np.ndarray, rtol: float = 1e-12) -> None:
    """Value, gradient and Hessian agree at x, relative to their sizes."""
    assert np.isfinite(one.fun(x))
    assert_allclose(one.fun(x), other.fun(x), rtol=rtol)
    for mine, its in ((one.jac(x), other.jac(x)), (one.hess(x).to_dense(), other.hess(x).to_dense())):
        assert_allclose(mine, its, rtol=0.0, atol=rtol * np.abs(its).max())


@pytest.mark.parametrize("name", SHIFT_FREE)
def test_a_constant_added_to_u_in_each_group_changes_nothing(name: str) -> None:
    a, b, x, _ = example(name)
    constants = np.select([row_labels == "a", row_labels == "b"], [3.0, -7.0], 100.0)
    plain = MEMBERS[name].make(a, b, groups=row_labels)
    assert_same(MEMBERS[name].make(a, b, groups=row_labels, offset=constants), plain, x)
    with pytest.raises(AssertionError):  # one group would notice
        assert_same(MEMBERS[name].make(a, b, offset=constants), MEMBERS[name].make(a, b), x)


@pytest.mark.parametrize("name", ["CoshRegression", "RescaledRegression cosh", "normalised cosh"])
def test_cosh_is_even(name: str) -> None:
    a, b, x, _ = example(name)
    problem = MEMBERS[name].make(a, b, ridge=0.1)
    assert problem.fun(-x) == problem.fun(x)
    assert_array_equal(problem.jac(-x), -problem.jac(x))
    assert_allclose(problem.hess(-x).to_dense(), problem.hess(x).to_dense(), rtol=1e-14)
    assert_array_equal(problem.jac(0 * x), 0 * x)


def test_sinh_is_odd() -> None:
    a, b, x, _ = example("SinhRegression")
    up, down = nk.SinhRegression(a, b), nk.SinhRegression(a, -b)
    assert up.fun(x) == down.fun(-x)
    assert_array_equal(up.jac(x), -down.jac(-x))


@pytest.mark.parametrize("name", MEMBERS)
def test_rows_may_come_in_any_order(name: str) -> None:
    a, b, x, options = example(name)
    order = np.random.default_rng(3).permutation(len(b))
    row_wise = {**options, "penalty_weights": np.linspace(-1.0, 1.0, len(b))}
    if MEMBERS[name].takes_groups:
        row_wise["groups"] = row_labels
        row_wise["sample_weight"] = np.select([row_labels == "a", row_labels == "b"], [2.0, 0.5], 1.0)
    here = MEMBERS[name].make(a, b, **row_wise)
    there = MEMBERS[name].make(a[order], b[order], **{key: value[order] for key, value in row_wise.items()})
    assert_same(here, there, x)
    assert_allclose(there.predict(x), here.predict(x)[order], rtol=1e-13)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_sample_weight_means_repeated_rows(name: str, layout: str) -> None:
    a, b, x, options = example(name)
    times = np.array([1, 2, 0, 3, 1, 1, 0, 2, 1, 4, 1, 1])
    container = LAYOUTS[layout]
    weighted = MEMBERS[name].make(container(a), b, sample_weight=times, **options)
    longer = {key: np.repeat(value, times) for key, value in options.items()}
    repeated = MEMBERS[name].make(container(np.repeat(a, times, axis=0)), np.repeat(b, times), **longer)
    assert_same(weighted, repeated, x)
    assert_allclose(np.repeat(weighted.predict(x), times), repeated.predict(x), rtol=1e-12)


@pytest.mark.parametrize("name", GROUPED)
def test_the_weight_of_a_group_means_repeated_groups(name: str) -> None:
    a, b, x, options = example(name)
    times = {"a": 2, "b": 1, "c": 3}
    weights = np.array([times[label] for label in row_labels])
    weighted = MEMBERS[name].make(a, b, groups=row_labels, sample_weight=weights, **options)
    pieces = [(label, copy) for label in times for copy in range(times[label])]
    rows = np.concatenate([np.flatnonzero(row_labels == label) for label, _ in pieces])
    copies = np.repeat(np.arange(len(pieces)), [(row_labels == label).sum() for label, _ in pieces])
    longer = {key: value[rows] for key, value in options.items()}
    repeated = MEMBERS[name].make(a[rows], b[rows], groups=copies, **longer)
    assert_same(weighted, repeated, x)


@pytest.mark.parametrize("name", GROUPED)
def test_groups_are_problems_of_their_own_added_up(name: str) -> None:
    a, b, x, options = example(name)
    whole = MEMBERS[name].make(a, b, groups=row_labels, **options)
    parts = []
    for label in "abc":
        rows = row_labels == label
        parts.append(MEMBERS[name].make(a[rows], b[rows], **{k: v[rows] for k, v in options.items()}))
        assert_allclose(whole.predict(x)[rows], parts[-1].predict(x), rtol=1e-12)
    assert_allclose(whole.fun(x), sum(part.fun(x) for part in parts), rtol=1e-12)
    assert_allclose(whole.jac(x), sum(part.jac(x) for part in parts), rtol=1e-10, atol=1e-14)
    total = sum(part.hess(x).to_dense() for part in parts)
    assert_allclose(whole.hess(x).to_dense(), total, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", MEMBERS)
def test_fit_intercept_is_a_column_of_ones(name: str) -> None:
    a, b, x, options = example(name)
    extended = np.append(x, 0.2)
    by_hand = np.column_stack((a, np.ones(len(a))))
    for ridge, ridge_by_hand in (
        (0.5, [0.5, 0.5, 0.5, 0.0]),
        ([1.0, 2, 3], [1.0, 2, 3, 0]),
        ([1.0, 2, 3, 4],) * 2,
    ):
        problem = MEMBERS[name].make(a, b, fit_intercept=True, ridge=ridge, **options)
        assert problem.n_parameters == 4
        assert_same(problem, MEMBERS[name].make(by_hand, b, ridge=ridge_by_hand, **options), extended)
    assert_allclose(problem.predict(extended, a[:5]), problem.predict(extended, a[:5].tolist()))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_predict_in_the_callers_order(layout: str) -> None:
    a, b, x, _ = example("SoftmaxRegression")
    offset = np.linspace(-1.0, 1.0, len(b))
    problem = nk.SoftmaxRegression(LAYOUTS[layout](a), b, groups=row_labels, offset=offset)
    e = np.exp(LAYOUTS["dense float32"](a).astype(float) @ x + offset if "32" in layout else a @ x + offset)
    wanted = np.array([e[i] / e[row_labels == row_labels[i]].sum() for i in range(len(e))])
    assert_allclose(problem.predict(x), wanted, rtol=1e-13)
    new = problem.predict(x, LAYOUTS[layout](a), groups=row_labels, offset=offset)
    assert_allclose(new, wanted, rtol=1e-13)
    assert_allclose(
        problem.predict(x, LAYOUTS[layout](a[:4]), offset=offset[:4]), e[:4] / e[:4].sum(), rtol=1e-13
    )


@pytest.mark.parametrize("name", MEMBERS)
def test_predict_for_new_rows(name: str) -> None:
    a, b, x, options = example(name)
    problem = MEMBERS[name].make(a, b, sample_weight=np.arange(12) % 3, fit_intercept=True, **options)
    x = np.append(x, 0.3)
    u = a[:5] @ x[:-1] + 0.3 + options["offset"][:5]
    f = problem.outer.activation.value(u)
    wanted = f if MEMBERS[name].structure == "elementwise" else f / f.sum()
    assert_allclose(problem.predict(x, a[:5], offset=options["offset"][:5]), wanted, rtol=1e-12)


def test_frames_lists_and_arrays_give_the_same_problem() -> None:
    a, b, x, _ = example("EntropySoftmaxRegression")
    frame = pd.DataFrame(a, columns=["x", "y", "z"]).assign(label=row_labels, target=b, weight=1.5)
    from_frame = nk.EntropySoftmaxRegression(
        frame[["x", "y", "z"]],
        frame["target"],
        entropy_weight=0.3,
        groups=frame["label"],
        sample_weight=frame["weight"],
    )
    from_lists = nk.EntropySoftmaxRegression(
        a.tolist(), b.tolist(), entropy_weight=0.3, groups=row_labels.tolist(), sample_weight=[1.5] * 12
    )
    for form in (pd.Categorical(row_labels), row_labels.astype(object), row_labels.astype("S1")):
        again = nk.EntropySoftmaxRegression(a, b, entropy_weight=0.3, groups=form, sample_weight=[1.5] * 12)
        assert_same(again, from_lists, x)
    assert_same(from_frame, from_lists, x)


def test_labels_of_different_types_stay_different() -> None:
    labels = np.array([1, "1", 2.5, (3,), 1, "1"], dtype=object)
    problem = nk.SoftmaxRegression(np.eye(6), np.ones(6), groups=labels)
    assert len(problem.outer.groups) == 4


@pytest.mark.parametrize("name", ["ExpRegression", "EntropySoftmaxRegression", "RescaledRegression sinh"])
def test_fun_jac_and_hess_share_one_evaluation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, x, options = example(name)
    problem = MEMBERS[name].make(a, b, **options)
    product, seen = problem.design.product, []

    def counted(v: np.ndarray) -> np.ndarray:
        if np.array_equal(v, x) or np.array_equal(v, 2 * x):
            seen.append(v.copy())
        return product(v)

    monkeypatch.setattr(problem.design, "product", counted)
    problem.fun(x), problem.jac(x), problem.hess(x), problem.predict(x), problem.fun(x.copy())
    assert len(seen) == 1
    problem.hessp(x, 3 * x)
    assert len(seen) == 1  # A x is known
    problem.jac(2 * x), problem.fun(2 * x)
    assert len(seen) == 2


def test_results_follow_an_array_that_is_changed_in_place() -> None:
    a, b, x, _ = example("ExpRegression")
    problem = nk.ExpRegression(a, b)
    before = problem.fun(x)
    x += 0.5
    assert problem.fun(x) == nk.ExpRegression(a, b).fun(x) != before
    gradient = problem.jac(x)
    gradient[:] = 0.0
    assert np.abs(problem.jac(x)).max() > 0.0


@pytest.mark.parametrize("name", MEMBERS)
def test_along_a_step_is_the_problem_at_the_other_end(name: str) -> None:
    a, b, x, options = example(name)
    problem = MEMBERS[name].make(a, b, penalty_weights=b, ridge=0.1, **options)
    step = np.array([0.1, -0.2, 0.05])
    moved = problem.evaluate(x).along(step, a @ step)
    assert moved is not None
    assert not moved.fresh
    for evaluation in (moved, moved.refreshed()):
        assert_allclose(evaluation.value, problem.fun(x + step), rtol=1e-12)
        assert_allclose(evaluation.gradient, problem.jac(x + step), rtol=1e-9, atol=1e-14)
    assert moved.refreshed().fresh
