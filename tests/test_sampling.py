"""Row samples: draws, probabilities, schemes; unbiased and repeatable."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

import newtonkit as nk
from newtonkit.design import Design, FloatArray, as_design
from newtonkit.sketching import (
    Blocks,
    Leverage,
    RowNorm,
    Scheme,
    Uniform,
    bernoulli_sample,
    sampling_probabilities,
    sparsify,
)

RNG = np.random.default_rng(60)
A = RNG.standard_normal((90, 3)) * np.exp(RNG.standard_normal((90, 1)))
D = RNG.standard_normal(90)
D[::7] = 0.0
GROUPS = np.arange(90) // 5 * 17 % 23

SCHEMES: dict[str, Scheme] = {
    "leverage": Leverage("exact"),
    "uniform": Uniform(),
    "row-norm": RowNorm(),
    "groups by leverage": Blocks(GROUPS, Leverage("exact")),
    "groups by row norm": Blocks(GROUPS, "row-norm"),
}


def larger(kind: str) -> Any:
    """A design of several row blocks, so that threads share it."""
    rng = np.random.default_rng(61)
    if kind == "CSR":
        kept = rng.random((40_000, 30)) < 0.3
        return sparse.csr_array(np.where(kept, rng.random((40_000, 30)), 0.0))
    a = rng.standard_normal((40_000, 20))
    return as_design(a.astype(np.float32), fit_intercept=True) if kind == "intercept, float32" else a


class TestDraws:
    def test_each_row_by_its_own_probability(self) -> None:
        """Counts over 4000 draws within 5 standard deviations: fails for a right sampler in 1 of 1e4 runs."""
        rng = np.random.default_rng(62)
        p = np.concatenate(([0.0, 1.0], rng.random(48)))
        counts = np.zeros(50)
        pairs = np.zeros((50, 50))
        for _ in range(4000):
            kept = np.zeros(50)
            kept[bernoulli_sample(np.ones(50), p, rng).indices] = 1.0
            counts += kept
            pairs += np.outer(kept, kept)
        assert (np.abs(counts - 4000 * p) <= 5.0 * np.sqrt(4000 * p * (1.0 - p))).all()
        both = np.outer(p, p)[~np.eye(50, dtype=bool)]  # independent of one another
        off = pairs[~np.eye(50, dtype=bool)] - 4000 * both
        assert (np.abs(off) <= 5.5 * np.sqrt(4000 * both * (1.0 - both))).all()

    def test_rows_come_sorted_with_weights_over_probabilities(self) -> None:
        values = np.array([2.0, -3.0, 0.0, 5.0, -1.0])
        p = np.array([1.0, 0.5, 1.0, 1e-300, 1.0])
        sample = bernoulli_sample(values, p, np.random.default_rng(0))
        assert sample.indices.dtype == np.intp
        assert sample.indices.tolist() == [0, 1, 4]
        assert sample.weights.tolist() == [2.0, -6.0, -1.0]
        assert sample.probabilities.tolist() == [1.0, 0.5, 1.0]
        assert (sample.n_rows, sample.n_certain, len(sample), sample.share) == (5, 2, 3, 0.6)
        assert repr(sample) == "RowSample(3 of 5 rows, share 0.6, 2 certain)"
        with pytest.raises(AttributeError):
            sample.n_rows = 4  # type: ignore[misc]

    def test_groups_stay_together(self) -> None:
        labels = np.array([0, 1, 0, 2, 1, 0])
        seen = {
            tuple(bernoulli_sample(np.ones(6), np.full(6, 0.5), np.random.default_rng(seed), labels).indices)
            for seed in range(100)
        }
        whole = [np.flatnonzero(np.isin(labels, chosen)) for chosen in ([], [0], [1], [2])]
        assert {tuple(rows) for rows in whole} <= seen
        assert len(seen) == 8


class TestProbabilities:
    @pytest.mark.parametrize("seed", range(20))
    def test_spend_the_rows_in_proportion_to_the_scores(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        scores = rng.exponential(size=70) ** rng.integers(1, 30)
        scores[rng.random(70) < 0.2] = 0.0
        sizes = rng.integers(1, 9, 70).astype(float) if seed % 2 else np.ones(70)
        rows = rng.uniform(0.0, sizes[scores > 0.0].sum())
        p = sampling_probabilities(scores, rows, sizes if seed % 2 else None)
        assert (p * sizes).sum() == pytest.approx(rows, rel=1e-12)
        free = (p < 1.0) & (scores > 0.0)
        assert_allclose(p[free] / scores[free], (p[free] / scores[free])[:1].repeat(free.sum()), rtol=1e-12)
        # those at 1 would be above it in proportion
        if free.any():
            assert (scores[p == 1.0] * (p[free] / scores[free])[0] >= 1.0 - 1e-12).all()
        assert (p[scores == 0.0] == 0.0).all()

    def test_all_rows_with_a_score_where_there_are_few(self) -> None:
        assert sampling_probabilities(np.array([0.0, 1e-300, 1e300]), 2.0).tolist() == [0.0, 1.0, 1.0]
        assert sampling_probabilities(np.zeros(3), 2.0).tolist() == [0.0, 0.0, 0.0]

    def test_scores_that_differ_by_all_there_is(self) -> None:
        assert sampling_probabilities(np.array([1e-300, 1e300, 1.0]), 1.0)[1] == pytest.approx(1.0)


class TestSchemes:
    @pytest.mark.parametrize("name", SCHEMES)
    def test_are_unbiased(self, name: str) -> None:
        """The mean of 1000 draws of A^T D~ A within 5 standard errors in every entry.

        A right scheme fails in 1 of 3e5 runs, for 6 entries.
        """
        rng = np.random.default_rng(63)
        upper = np.triu_indices(3)
        found = []
        for _ in range(1000):
            sample = sparsify(A, D, rng=rng, scheme=SCHEMES[name], rows=30)
            rows = A[sample.indices]
            found.append((rows.T @ (sample.weights[:, None] * rows))[upper])
        wanted = (A.T @ (D[:, None] * A))[upper]
        deviation = np.std(found, axis=0) / np.sqrt(len(found))
        assert (deviation > 0.0).all()
        assert (np.abs(np.mean(found, axis=0) - wanted) < 5.0 * deviation).all()

    @pytest.mark.parametrize("name", SCHEMES)
    def test_spend_the_rows_they_are_given(self, name: str) -> None:
        rng = np.random.default_rng(64)
        sizes = [len(sparsify(A, D, rng=rng, scheme=SCHEMES[name], rows=30)) for _ in range(400)]
        assert np.mean(sizes) == pytest.approx(30.0, abs=5.0 * np.std(sizes) / 20.0)

    def test_give_probabilities_in_proportion_to_what_they_say(self) -> None:
        def chances(scheme: Scheme | str) -> FloatArray:
            out = np.zeros(90)
            for seed in range(300):
                sample = sparsify(A, D, rng=seed, scheme=scheme, rows=6)
                out[sample.indices] = sample.probabilities
            return out

        uniform = chances("uniform")
        assert set(uniform[D != 0.0].tolist()) == {6 / np.count_nonzero(D)}
        assert (uniform[D == 0.0] == 0.0).all()
        norms = chances("row-norm")
        sizes = np.abs(D) * (A * A).sum(axis=1)
        seen = norms > 0.0
        assert seen.sum() > 40
        assert_allclose(norms[seen], sampling_probabilities(sizes, 6.0)[seen], rtol=1e-10)

    def test_a_group_has_the_scores_of_its_rows(self) -> None:
        scores = Leverage("exact").scores(as_design(A), D, 0.0, np.random.default_rng(0))
        grouped = Blocks(GROUPS, Leverage("exact")).scores(as_design(A), D, 0.0, np.random.default_rng(0))
        assert_allclose(grouped, [scores[label == GROUPS].sum() for label in GROUPS], rtol=1e-12)

    def test_a_scheme_of_ones_own(self) -> None:
        class Last:
            slack = None
            labels = None

            def scores(
                self, design: Design, weights: FloatArray, ridge: Any, rng: np.random.Generator
            ) -> FloatArray:
                return np.arange(design.shape[0]) >= 80.0

        sample = sparsify(A, rng=0, scheme=Last(), rows=10)
        assert sample.indices.tolist() == list(range(80, 90))

    def test_groups_may_be_any_labels_in_any_order(self) -> None:
        names = np.array([f"g{label}" for label in GROUPS])
        one = sparsify(A, D, rng=5, groups=GROUPS, rows=30)
        assert len(one) > 0
        for labels in (names, GROUPS - 11.5, names.astype(object), pd.Series(GROUPS, index=range(90, 0, -1))):
            other = sparsify(A, D, rng=5, groups=labels, rows=30)
            kept = np.isin(GROUPS, GROUPS[other.indices]) & (D != 0.0)
            assert (np.flatnonzero(kept) == other.indices).all()
        same = sparsify(A, D, rng=5, scheme=Blocks(GROUPS), rows=30)
        assert (same.indices == one.indices).all()

    def test_estimates_add_up_to_at_most_the_columns(self) -> None:
        design = as_design(np.random.default_rng(65).standard_normal((6000, 4)))
        for seed in range(10):
            scores = Leverage().scores(design, np.ones(6000), 0.0, np.random.default_rng(seed))
            assert scores.sum() <= 4.0 * (1.0 + 1e-12)


class TestRepeatable:
    @pytest.mark.parametrize("kind", ["dense", "CSR", "intercept, float32"])
    @pytest.mark.parametrize("scheme", ["leverage", "uniform", "row-norm"])
    def test_same_seed_same_bits_for_any_number_of_threads(self, kind: str, scheme: str) -> None:
        a = larger(kind)
        weights = np.random.default_rng(66).standard_normal(40_000)
        before, found = nk.get_num_threads(), []
        try:
            for n_threads in (1, 2):
                nk.set_num_threads(n_threads)
                found.append(sparsify(a, weights, epsilon=0.9, rng=7, scheme=scheme))
        finally:
            nk.set_num_threads(before)
        assert len(as_design(a).blocks) > 1
        for name in ("indices", "weights", "probabilities"):
            assert (getattr(found[0], name) == getattr(found[1], name)).all()
        other = sparsify(a, weights, epsilon=0.9, rng=8, scheme=scheme)
        assert not np.array_equal(other.indices, found[0].indices)

    def test_a_generator_goes_on(self) -> None:
        rng = np.random.default_rng(0)
        one, two, again = (sparsify(A, rng=source, rows=20) for source in (rng, rng, 0))
        assert not np.array_equal(one.indices, two.indices)
        assert (again.indices == one.indices).all()

    def test_data_from_the_same_seed_do_not_decide(self) -> None:
        """The mean of 1000 of 2000 numbers between 0 and 1 within 5 standard deviations."""
        values = np.random.default_rng(3).random(2000)
        sample = sparsify(np.ones((2000, 1)), values, rng=3, scheme="uniform", rows=1000)
        assert np.mean(values[sample.indices]) == pytest.approx(values.mean(), abs=0.032)

    def test_no_seed_differs_each_time(self) -> None:
        samples = {tuple(sparsify(A, rows=20).indices.tolist()) for _ in range(5)}
        assert len(samples) > 1

    def test_the_inputs_stay_as_they_are(self) -> None:
        a, weights = A.copy(), D.copy()
        sample = sparsify(a, weights, rng=0)
        sample.weights[:] = 7.0
        assert (a == A).all()
        assert (weights == D).all()
