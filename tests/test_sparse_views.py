"""Rows of sparse data are looked at where they are, and what a sweep sums up is let go."""

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.design import as_design


@pytest.mark.parametrize("n", [300, 3000])
def test_the_rows_of_a_block_are_no_copy(n: int) -> None:
    matrix = sparse.random_array((n, 800), density=0.05, format="csr", rng=0)
    design = as_design(matrix)
    for rows in (*design.blocks, slice(7, 31)):
        view = design._view(rows)
        assert np.shares_memory(view.data, matrix.data)
        assert np.shares_memory(view.indices, matrix.indices)
        assert view.has_canonical_format
        np.testing.assert_array_equal(view.toarray(), matrix[rows].toarray())


@pytest.mark.parametrize("maker", [nk.ExpRegression, nk.SoftmaxRegression])
def test_the_sums_of_a_sweep_go_once_the_gradient_is_known(maker: type) -> None:
    rng = np.random.default_rng(0)
    b = rng.random(40_000)
    problem = maker(rng.standard_normal((40_000, 30)) / 30.0, b / b.sum())
    evaluation = problem.evaluate(np.ones(30))
    assert evaluation.gradient_passes == 0
    assert evaluation._swept_pulls is not None
    gradient = evaluation.gradient
    assert evaluation._swept_pulls is None
    assert evaluation.gradient_passes == 0
    moved = evaluation.under(problem.with_ridge(2.0))
    assert moved.gradient_passes == 0
    np.testing.assert_allclose(moved.gradient - gradient, 2.0 * np.ones(30), rtol=1e-12)
