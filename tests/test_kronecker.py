"""Kronecker designs, their scores and their samples, against the matrix written out."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import eigh

import newtonkit as nk
from newtonkit.design import KroneckerDesign, as_design, kronecker
from newtonkit.problems.activations import Exp
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.normalised import NormalisedSquares
from newtonkit.problems.rows import Groups
from newtonkit.sketching import KroneckerScores, kronecker_scores, leverage_scores, sparsify
from tests.test_design import assert_operations_match

FORMS: dict[str, Any] = {
    "dense": np.asarray,
    "Fortran order": np.asfortranarray,
    "float32": lambda a: a.astype(np.float32),
    "CSR": sparse.csr_array,
    "intercept": lambda a: as_design(a[:, :-1], fit_intercept=True) if a.shape[1] > 1 else a,
}
# Rows and columns of either factor, and the rows of a block: several j in a block, one j, one block.
SHAPES = [((7, 3), (5, 2), 12), ((6, 2), (70, 3), 60), ((40, 4), (9, 1), 90), ((1, 1), (8, 2), 10**5)]


def factors(shape1: tuple[int, int], shape2: tuple[int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two factors that float32 holds exactly, with zeros and a last column of ones."""
    rng = np.random.default_rng(seed)
    a1, a2 = (np.round(rng.standard_normal(s), 2).astype(np.float32).astype(float) for s in (shape1, shape2))
    for a in (a1, a2):
        a[rng.random(a.shape) < 0.3] = 0.0
        a[:, -1] = 1.0
    return a1, a2


class TestDesign:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize(("shape1", "shape2", "rows"), SHAPES)
    def test_every_operation_is_that_of_the_written_out_matrix(
        self, monkeypatch: pytest.MonkeyPatch, form: str, shape1: Any, shape2: Any, rows: int
    ) -> None:
        monkeypatch.setattr(kronecker, "_BLOCK_ROWS", rows)
        monkeypatch.setattr(kronecker, "_PAIR_ENTRIES", 1)
        a1, a2 = factors(shape1, shape2)
        design = KroneckerDesign(FORMS[form](a1), FORMS[form](a2))
        assert len(design.blocks) == max(1, min(len(a1), round(len(a1) * len(a2) / rows)))
        assert_operations_match(design, np.kron(a1, a2), rtol=1e-12)

    def test_a_product_is_that_of_the_matrix_of_coefficients(self) -> None:
        a1, a2 = factors((11, 3), (13, 4))
        x = np.random.default_rng(1).standard_normal((3, 4))
        product = KroneckerDesign(a1, a2).product(x.ravel())
        assert_allclose(product.reshape(11, 13), a1 @ x @ a2.T, rtol=1e-13, atol=1e-13)

    def test_a_gram_of_many_pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Longer than the pieces in which products of columns are made, with weights of both signs."""
        monkeypatch.setattr(kronecker, "_PAIR_ENTRIES", 2500)
        a1, a2 = factors((150, 8), (120, 7))
        weights = np.random.default_rng(1).standard_normal(150 * 120)
        design = KroneckerDesign(a1, a2)
        dense = np.kron(a1, a2)
        wanted = dense.T @ (weights[:, None] * dense)
        assert_allclose(design.sandwich(weights), wanted, rtol=1e-11, atol=1e-9)

    def test_no_columns_at_all(self) -> None:
        design = KroneckerDesign(*factors((4, 3), (5, 2)))
        assert design.product(np.empty((6, 0))).shape == (20, 0)
        assert design.transposed_product(np.empty((20, 0))).shape == (6, 0)

    @pytest.mark.parametrize("outer", ["softmax", "cross-entropy"])
    @pytest.mark.parametrize("group_size", [9, 3, 27], ids=["one j", "part of a j", "three j"])
    def test_a_softmax_in_groups_is_that_of_the_written_out_problem(
        self, monkeypatch: pytest.MonkeyPatch, outer: str, group_size: int
    ) -> None:
        monkeypatch.setattr(kronecker, "_BLOCK_ROWS", 45)
        a1, a2 = factors((30, 3), (9, 2))
        rng = np.random.default_rng(2)
        b = rng.random(270) / 9.0
        groups = Groups(np.arange(0, 270, group_size), 270)
        loss = NormalisedSquares(b, Exp(), groups) if outer == "softmax" else SoftmaxLogLoss(b, groups)
        ours, theirs = (
            nk.problems.Problem(a, loss, ridge=0.1) for a in (KroneckerDesign(a1, a2), np.kron(a1, a2))
        )
        x = rng.standard_normal(6)
        assert ours.fun(x) == pytest.approx(theirs.fun(x), rel=1e-13)
        assert_allclose(ours.jac(x), theirs.jac(x), rtol=1e-11, atol=1e-13)
        ours_hess, theirs_hess = ours.hess(x), theirs.hess(x)
        assert_allclose(np.asarray(ours_hess), np.asarray(theirs_hess), rtol=1e-11, atol=1e-12)
        assert_allclose(ours_hess.diagonal(), np.diag(theirs_hess), rtol=1e-11)
        assert_allclose(ours.hessp(x, x), theirs.hessp(x, x), rtol=1e-11, atol=1e-12)

    def test_one_layer_of_attention_is_solved(self) -> None:
        """Targets made by known queries are found again by the regression with a softmax for each j."""
        rng = np.random.default_rng(3)
        a1, a2 = rng.standard_normal((60, 3)), rng.standard_normal((20, 2))
        x = 0.5 * rng.standard_normal(6)
        scores = np.exp(a1 @ x.reshape(3, 2) @ a2.T)
        b = (scores / scores.sum(axis=1, keepdims=True)).ravel()
        problem = nk.SoftmaxCrossEntropy(KroneckerDesign(a1, a2), b, groups=np.repeat(np.arange(60), 20))
        result = nk.minimize(problem)
        assert result.success
        assert_allclose(result.x, x, atol=1e-6)

    def test_the_same_bits_for_any_number_of_threads(self) -> None:
        a1, a2 = factors((600, 4), (900, 3))
        v = np.random.default_rng(0).standard_normal(600 * 900)
        before, found = nk.get_num_threads(), []
        try:
            for n_threads in (1, 2):
                nk.set_num_threads(n_threads)
                design = KroneckerDesign(a1, a2)
                found.append((design.transposed_product(v), design.sandwich(v), design.product(v[:12])))
        finally:
            nk.set_num_threads(before)
        assert len(design.blocks) > 1
        for one, two in zip(*found, strict=True):
            assert (one == two).all()


class TestScores:
    @pytest.mark.parametrize("form", ["dense", "CSR", "float32"])
    def test_are_the_leverage_scores_of_the_written_out_matrix(self, form: str) -> None:
        a1, a2 = factors((30, 4), (20, 3))
        a1[:, 1] = 2.0 * a1[:, 0]  # rank 3
        scores = kronecker_scores(FORMS[form](a1), FORMS[form](a2))
        wanted = leverage_scores(np.kron(a1, a2), method="exact")
        assert_allclose(scores.of(np.arange(600)), wanted, rtol=1e-9, atol=1e-12)
        assert scores.sum() == pytest.approx(9.0, rel=1e-10)
        assert scores[123] == pytest.approx(wanted[123])
        assert len(scores) == 600

    def test_estimates_are_near(self) -> None:
        rng = np.random.default_rng(0)
        a1, a2 = rng.standard_normal((20_000, 4)), rng.standard_normal((20_000, 4))
        exact, near = kronecker_scores(a1, a2), kronecker_scores(a1, a2, "approximate", 0)
        ratio = near.of(np.arange(0, 20_000**2, 100_003)) / exact.of(np.arange(0, 20_000**2, 100_003))
        assert not (ratio == 1.0).all()
        assert 0.25 < ratio.min() <= ratio.max() < 4.0

    @pytest.mark.parametrize("spread", [0.0, 1.0, 6.0], ids=["equal", "uneven", "over many magnitudes"])
    def test_draws_keep_each_row_with_its_own_probability(self, spread: float) -> None:
        """Each of 2 * 600 counts within 5 standard deviations, and their variance as of independent draws.

        A right sampler fails with probability below 1e-3.
        """
        rng = np.random.default_rng(4)
        t, s = np.exp(spread * rng.standard_normal(30)), np.exp(spread * rng.standard_normal(20))
        t[3] = 0.0
        scores = KroneckerScores(t / t.max(), s / s.max())
        p = np.minimum(3.0 * scores.of(np.arange(600)), 1.0) if spread else np.full(600, 0.3)
        p[60:80] = 0.0
        multiple = 3.0 if spread else 0.3
        repeats = 1500
        counts, totals = np.zeros(600), np.zeros(repeats)
        for k in range(repeats):
            sample = scores.sample(multiple, rng)
            counts[sample.indices] += 1.0
            totals[k] = len(sample)
            assert_allclose(sample.probabilities, p[sample.indices], rtol=1e-12)
        assert (counts[p == 0.0] == 0.0).all()
        assert (counts[p == 1.0] == repeats).all()
        deviation = np.sqrt(repeats * p * (1.0 - p))
        # 8 is for rows drawn less than once on average, where counts are far from normal
        assert (np.abs(counts - repeats * p) <= np.maximum(5.0 * deviation, 8.0)).all()
        assert np.var(totals) == pytest.approx((p * (1.0 - p)).sum(), rel=0.15)

    def test_a_sample_is_sorted_and_says_what_is_certain(self) -> None:
        scores = KroneckerScores(np.array([0.1, 1.0, 0.1]), np.array([0.2, 1.0, 0.01]))
        sample = scores.sample(5.0, np.random.default_rng(0))
        assert {3, 4, 1 * 3 + 0} <= set(sample.indices.tolist())
        assert sample.n_certain == 2
        assert (np.diff(sample.indices) > 0).all()
        assert sample.n_rows == 9

    def test_nothing_to_draw_from(self) -> None:
        sample = KroneckerScores(np.zeros(3), np.ones(4)).sample(5.0, np.random.default_rng(0))
        assert len(sample) == 0
        zero = sparsify(KroneckerDesign(np.zeros((100, 1)), np.ones((100, 1))), rng=0)
        assert len(zero) == 0
        assert zero.n_rows == 10_000


class TestSparsify:
    def test_ten_thousand_million_rows_in_the_memory_of_the_factors(self) -> None:
        """The Gram of the product is the product of the Grams, so that the bound is seen exactly."""
        rng = np.random.default_rng(5)
        n, d = 100_000, 5
        a1, a2 = rng.standard_normal((n, d)), rng.standard_normal((n, d))
        a1 *= np.exp(2.0 * rng.standard_normal((n, 1)))
        a2[17] *= 1e4  # leads in its direction, with every row of the other factor
        design = KroneckerDesign(a1, a2)
        gram = np.kron(a1.T @ a1, a2.T @ a2)
        limit = 6.0 * d * d * np.log(2.0 * d * d / 0.01) / 0.5**2
        tracemalloc.start()
        samples = [sparsify(design, rng=seed) for seed in range(10)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20 * (a1.nbytes + a2.nbytes)
        for sample in samples:
            rows = design.rows(sample.indices)
            values = eigh(rows.sandwich(sample.weights), gram, eigvals_only=True)
            assert np.abs(values - 1.0).max() < 0.5
            assert len(sample) < limit
            assert (sample.indices % n == 17).any()

    def test_every_row_where_there_are_few(self) -> None:
        sample = sparsify(KroneckerDesign(*factors((5, 2), (4, 2))), rng=0)
        assert sample.indices.tolist() == list(range(20))
        assert (sample.weights == 1.0).all()

    def test_weights_go_the_general_way(self) -> None:
        rng = np.random.default_rng(6)
        a1, a2 = rng.standard_normal((150, 2)), rng.standard_normal((200, 2))
        weights = rng.standard_normal(30_000)
        dense, design = np.kron(a1, a2), KroneckerDesign(a1, a2)
        gram = dense.T @ (np.abs(weights)[:, None] * dense)
        sample = sparsify(design, weights, rng=0)
        rows = dense[sample.indices]
        error = rows.T @ (sample.weights[:, None] * rows) - dense.T @ (weights[:, None] * dense)
        assert np.abs(eigh(error, gram, eigvals_only=True)).max() < 0.5
        assert len(sample) < 3000

    def test_a_wanted_number_of_rows(self) -> None:
        rng = np.random.default_rng(7)
        design = KroneckerDesign(rng.standard_normal((1000, 2)), rng.standard_normal((1000, 2)))
        sizes = [len(sparsify(design, rng=seed, rows=200)) for seed in range(20)]
        assert np.mean(sizes) == pytest.approx(200.0, abs=16.0)

    def test_the_same_seed_gives_the_same_sample(self) -> None:
        rng = np.random.default_rng(8)
        design = KroneckerDesign(rng.standard_normal((40_000, 4)), rng.standard_normal((1000, 2)))
        before, found = nk.get_num_threads(), []
        try:
            for n_threads in (1, 2):
                nk.set_num_threads(n_threads)
                found.append(sparsify(design, rng=3))
        finally:
            nk.set_num_threads(before)
        assert (found[0].indices == found[1].indices).all()
        assert (found[0].weights == found[1].weights).all()
        assert not np.array_equal(found[0].indices, sparsify(design, rng=4).indices)
