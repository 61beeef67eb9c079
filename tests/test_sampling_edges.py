"""Row samples at the edges: few rows, one column, nothing at all, any unit of the weights."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose

from newtonkit.design import as_design
from newtonkit.sketching import RowSample, sparsify
from newtonkit.sketching.sparsifying import sparsify_design
from tests.test_sampling import GROUPS, A, D

EDGES: dict[str, tuple[Callable[[], RowSample], list[int]]] = {
    "one row": (lambda: sparsify([[2.0]], [3.0], rng=0), [0]),
    "one row of zeros": (lambda: sparsify([[0.0, 0.0]], rng=0), [0]),
    "weights all zero": (lambda: sparsify(A, np.zeros(90), rng=0), []),
    "weights all zero, rows wanted": (lambda: sparsify(A, np.zeros(90), rng=0, rows=5), []),
    "one weight": (lambda: sparsify(A, np.eye(90)[4], rng=0, rows=5), [4]),
    "fewer rows than columns": (lambda: sparsify(A[:2], rng=0), [0, 1]),
    "more rows wanted than there are": (lambda: sparsify(A, rng=0, rows=1e9), list(range(90))),
    "no error allowed": (lambda: sparsify(A, epsilon=1e-200, rng=0), list(range(90))),
    "no failure allowed": (lambda: sparsify(A, delta=5e-324, rng=0), list(range(90))),
    "few rows": (lambda: sparsify(A, D, rng=0), np.flatnonzero(D).tolist()),
    "few rows in groups": (lambda: sparsify(A, D, rng=0, groups=GROUPS), np.flatnonzero(D).tolist()),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str) -> None:
    call, wanted = EDGES[name]
    sample = call()
    assert sample.indices.tolist() == wanted
    assert sample.n_certain == len(wanted)
    assert (sample.probabilities == 1.0).all()
    assert repr(sample).startswith(f"RowSample({len(wanted)} of {sample.n_rows} rows")


def test_all_rows_keep_their_weights() -> None:
    sample = sparsify(A, D, rng=0)
    assert (sample.weights == D[D != 0.0]).all()


def test_all_rows_as_soon_as_the_bound_asks_for_as_many() -> None:
    a = np.random.default_rng(70).standard_normal((440, 3))
    expected = 2.0 * 2.0 * (1.0 + 0.5 / 3.0) * np.log(600.0) / 0.25 * 3  # 358
    assert len(sparsify(a[: int(expected)], rng=0)) == int(expected)
    assert len(sparsify(a, rng=0)) < 400


def test_zero_designs_give_samples_of_nothing() -> None:
    assert len(sparsify(np.zeros((3000, 2)), rng=0)) == 0
    assert len(sparsify(np.zeros((3000, 2)), rng=0, scheme="row-norm")) == 0


def test_one_column() -> None:
    a = np.random.default_rng(67).standard_normal((3000, 1))
    for seed in range(20):
        sample = sparsify(a, rng=seed)
        assert 0.5 < sample.weights @ np.square(a[sample.indices, 0]) / np.square(a).sum() < 1.5
        assert len(sample) < 6.0 * np.log(200.0) / 0.25


@pytest.mark.parametrize("size", [1e-130, 1e130])
@pytest.mark.parametrize("scheme", ["leverage", "row-norm"])
def test_the_unit_of_the_weights_does_not_matter(size: float, scheme: str) -> None:
    rng = np.random.default_rng(68)
    a, weights = rng.standard_normal((3000, 3)), rng.standard_normal(3000)
    one, other = (sparsify(a, scale * weights, rng=1, scheme=scheme) for scale in (1.0, size))
    assert (one.indices == other.indices).all()
    assert_allclose(other.weights / size, one.weights, rtol=1e-9)


def test_unchecked_entry_does_the_same() -> None:
    rng = np.random.default_rng(69)
    a, weights = rng.standard_normal((3000, 3)), rng.standard_normal(3000)
    one = sparsify(a, weights, 0.6, 0.05, 3)
    two = sparsify_design(as_design(a), weights, 0.6, 0.05, np.random.default_rng(3))
    assert (one.indices == two.indices).all()
    assert (one.weights == two.weights).all()
