"""A Hessian on shifted rows: the same matrix for every problem, and products against a dense oracle."""

from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import Design, as_design
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.problems import Problem
from newtonkit.problems.shifting import ShiftedForm, shifted_form
from tests.family import LAYOUTS, MEMBERS, NAMED, random_problem

CENTRED = ("SoftmaxRegression", "EntropySoftmaxRegression", "SoftmaxCrossEntropy")


def dense_of(form: ShiftedForm) -> np.ndarray:
    rows = form.design.to_dense()
    total = rows.T @ (form.weights[:, None] * rows)
    return total if form.remainder is None else total + form.remainder


def assert_is_hessian(problem: Problem, x: np.ndarray, rtol: float = 1e-11) -> ShiftedForm:
    """The rows, their weights and the remainder make up the Hessian without its ridge."""
    hessian = problem.hess(x)
    form = shifted_form(hessian)
    expected = np.asarray(hessian) - np.diag(problem.ridge)
    rows = problem.design.to_dense()
    size = np.abs(rows.T @ (np.abs(hessian.row_diagonal)[:, None] * rows)).max()
    np.testing.assert_allclose(dense_of(form), expected, rtol=rtol, atol=rtol * size)
    return form


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "offset": {"offset": True},
    "sample weights": {"weights": "some"},
    "weights of zero": {"weights": "some zero"},
    "row penalties": {"penalty": True},
    "ridge": {"ridge": "vector"},
    "intercept": {"fit_intercept": True, "offset": True},
    "sorted groups": {"groups": "sorted"},
    "shuffled groups": {"groups": "unsorted", "weights": "some"},
    "groups of one row": {"groups": "some of one row", "penalty": True},
    "weighted groups": {"groups": "sorted", "weights": "some zero", "fit_intercept": True},
    "CSR": {"layout": "CSR float64", "groups": "sorted"},
    "CSR with intercept": {"layout": "CSR float32", "fit_intercept": True, "penalty": True},
    "float32": {"layout": "dense float32", "groups": "unsorted"},
}


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", MEMBERS)
def test_the_form_is_the_hessian_of_every_problem(name: str, option: str) -> None:
    for seed in range(2):
        rng = np.random.default_rng([seed, len(name), len(option)])
        problem, x = random_problem(MEMBERS[name], rng, n=24, d=4, **OPTIONS[option])
        form = assert_is_hessian(problem, x)
        no_remainder = problem.outer.rank == 0 or (name in CENTRED and problem.row_penalty is None)
        assert (form.remainder is None) == no_remainder
        if problem.outer.rank == 0:
            assert form.design is problem.design


@pytest.mark.parametrize("name", [name for name, member in NAMED.items() if member.takes_groups])
@pytest.mark.parametrize("grouping", ["one", "several", "pairs", "two in one block"])
def test_the_form_is_the_hessian_over_many_blocks(name: str, grouping: str) -> None:
    """Groups that begin in one block of rows and end in another, and many that fit into one."""
    n = 9000
    rng = np.random.default_rng([7, len(name)])
    labels = {
        "one": None,
        "several": np.sort(rng.integers(5, size=n)),
        "pairs": np.arange(n) // 2,
        "two in one block": np.minimum(np.arange(n), 2) // 2,
    }[grouping]
    member = NAMED[name]
    options = {} if labels is None else {"groups": labels}
    a = rng.normal(size=(n, 40))
    problem = member.make(a, rng.random(n), offset=np.full(n, 1.0 + member.changes_sign), **options)
    assert len(problem.design.blocks) > 2
    assert_is_hessian(problem, 0.02 * rng.normal(size=40))


@pytest.mark.parametrize("kind", nk.datasets.PLANTED_KINDS)
def test_at_a_planted_solution_the_shifted_rows_are_all_there_is(kind: str) -> None:
    """Where the residual vanishes they are the rows of the Jacobian: no remainder, no sign."""
    planted = nk.datasets.make_planted(kind, 300, 6, condition=1e3, rng=1)
    form = assert_is_hessian(planted.problem, planted.solution)
    if kind == "entropy-softmax":
        return  # has a residual
    assert (form.weights >= 0.0).all()
    if form.remainder is not None:
        assert np.abs(form.remainder).max() <= 1e-9 * np.abs(dense_of(form)).max()
    jittered = assert_is_hessian(planted.problem, 1.1 * planted.solution)
    assert (jittered.remainder is None) == (form.remainder is None)


@pytest.mark.parametrize("name", CENTRED)
def test_a_constant_column_has_no_curvature_left_in_a_softmax(name: str) -> None:
    """Centred rows lose it to the last digits, where A^T D A and the low-rank part have to cancel."""
    rng = np.random.default_rng(3)
    a = np.column_stack((rng.normal(size=(500, 3)), np.full(500, 1e3)))
    problem = NAMED[name].make(a, rng.random(500) / 250)
    form = assert_is_hessian(problem, np.array([0.3, -0.2, 0.1, 0.7]))
    np.testing.assert_allclose(form.design.to_dense()[:, 3], 0.0, atol=1e-9)


def test_what_is_positive_for_certain() -> None:
    a, b = np.random.default_rng(0).normal(size=(50, 3)), np.full(50, 0.02)
    x = np.zeros(3)

    def form(problem: Problem) -> ShiftedForm:
        return shifted_form(problem.hess(x))

    assert form(nk.SoftmaxCrossEntropy(a, b)).is_positive
    assert form(nk.ExpRegression(a, b)).is_positive
    assert form(nk.ExpRegression(a, -b)).is_positive
    assert not form(nk.CoshRegression(a, b + 2.0)).is_positive
    assert not form(nk.ResNetSoftmaxRegression(a, b)).is_positive  # there is a remainder
    assert not form(nk.SoftmaxCrossEntropy(a, b, penalty_weights=np.ones(50))).is_positive
    overflowing = shifted_form(nk.ExpRegression(a * 1e3, b).hess(np.ones(3)))
    assert not np.isfinite(overflowing.weights).all()


@pytest.mark.parametrize(
    ("problem", "passes"), [(nk.ExpRegression, 0), (nk.SoftmaxRegression, 0), (nk.ResNetSoftmaxRegression, 1)]
)
def test_sweeps_are_counted(problem: type, passes: int) -> None:
    """The centre of a single group comes with the gradient; those of several take a sweep."""
    a, b = np.random.default_rng(0).normal(size=(50, 3)), np.full(50, 0.02)
    assert shifted_form(problem(a, b).hess(np.zeros(3))).passes == passes
    if passes or problem is nk.SoftmaxRegression:
        grouped = problem(a, 5.0 * b, groups=np.repeat(np.arange(5), 10))
        assert shifted_form(grouped.hess(np.zeros(3))).passes == passes + 1


# ShiftedDesign

N, D = 12_000, 40
STARTS = {
    "one group": [0],
    "several": [0, 3, 1000, 1001, 4500],
    "pairs": list(range(0, N, 2)),
    "each row its own": list(range(N)),
}


def shifted(layout: str, grouping: str) -> tuple[ShiftedDesign, np.ndarray]:
    """Return a shifted design and the same as an array, written out by its definition."""
    rng = np.random.default_rng(5)
    a = rng.normal(size=(N, D)) * (rng.random((N, D)) < 0.5)
    inner: Design = as_design(LAYOUTS[layout](a))
    starts = np.array(STARTS[grouping], dtype=np.intp)
    shifts, centres = rng.normal(size=N), rng.normal(size=(len(starts), D))
    groups = np.repeat(np.arange(len(starts)), np.diff(starts, append=N))
    design = ShiftedDesign(inner, shifts, centres, starts)
    assert len(design.blocks) > 1
    return design, inner.to_dense() - shifts[:, None] * centres[groups]


def near(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max(initial=0.0))


@pytest.mark.parametrize("grouping", STARTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_method_of_a_shifted_design_against_its_array(layout: str, grouping: str) -> None:
    design, dense = shifted(layout, grouping)
    rng = np.random.default_rng(6)
    assert design.shape == (N, D)
    near(design.to_dense(), dense)
    for c in ((), (3,)):
        x, v = rng.normal(size=(D, *c)), rng.normal(size=(N, *c))
        near(design.product(x), dense @ x)
        near(design.transposed_product(v), dense.T @ v)
        weights = rng.normal(size=N)
        near(design.gram_product(weights, x), dense.T @ (weights * (dense @ x).T).T)
    near(design.sandwich(weights), dense.T @ (weights[:, None] * dense))
    near(design.square_transposed_product(weights), (dense**2).T @ weights)
    near(design.row_norms, np.linalg.norm(dense, axis=1))
    near(design.column_norms, np.linalg.norm(dense, axis=0))
    transform = rng.normal(size=(D, 4))
    near(design.square_norms(transform), ((dense @ transform) ** 2).sum(axis=1))
    offset = rng.normal(size=4)
    for block in design.blocks[:2]:
        moved = dense[block] @ transform + offset
        near(design.block_square_norms(block, transform, offset), (moved**2).sum(axis=1))
        near(np.asarray(design.block_rows(block)), dense[block])
    indices = np.sort(rng.choice(N, 200, replace=False))
    near(design.rows(indices).to_dense(), dense[indices])
    near(design.rows(np.zeros(0, dtype=np.intp)).to_dense(), dense[:0])


@pytest.mark.parametrize("grouping", STARTS)
@pytest.mark.parametrize("layout", ["dense float64", "CSR float64"])
def test_group_sums_and_rows_across_blocks(layout: str, grouping: str) -> None:
    design, dense = shifted(layout, grouping)
    rng = np.random.default_rng(7)
    for block in design.blocks:
        rows = block.stop - block.start
        columns, starts = rng.normal(size=(rows, 2)), np.array([0, rows // 3, rows // 2], dtype=np.intp)
        ends = [*starts[1:], rows]
        expected = np.stack([columns[i:j].T @ dense[block][i:j] for i, j in zip(starts, ends, strict=True)])
        near(design.block_group_sums(block, columns, starts), expected)
    edge = design.blocks[0].stop
    for rows in (slice(edge - 7, edge + 5), slice(0, 1), slice(2, 4), slice(N - 3, N)):
        near(np.asarray(design.dense_rows(rows), dtype=np.float64), dense[rows])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_embedding_of_shifted_rows_is_that_of_their_array(layout: str) -> None:
    design, dense = shifted(layout, "several")
    embedding = nk.sketching.SparseSign(200, seed=3)
    scale = np.random.default_rng(8).random(N)
    near(embedding.apply(design, scale), embedding.apply(as_design(dense), scale))
