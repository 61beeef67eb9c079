"""The promise of the sampler, over many draws: the spectral bound and the number of rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.linalg import eigh

from newtonkit.design import as_design
from newtonkit.sketching import Leverage, RowSample, leverage_scores, sparsify

EPSILON, DELTA = 0.5, 0.01
N, D = 4000, 6
DRAWS = 200


def gaussian(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    return rng.standard_normal((N, D)), np.ones(N)


def heavy_rows(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """The last column is 0 but in one row, which carries that direction alone; another row is very long."""
    a = rng.standard_normal((N, D))
    a[:, -1] = 0.0
    a[1234, -1] = 1e-3
    a[77] *= 1e4
    return a, rng.uniform(0.5, 2.0, N)


def compressed_rows(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """Two columns of twelve in use in each row, some columns much rarer than others."""
    columns = np.minimum(rng.geometric(0.35, (N, 2)) - 1, 11)
    dense = np.zeros((N, 12))
    dense[np.arange(N)[:, None], columns] = rng.standard_normal((N, 2))
    dense[:12] += np.eye(12)
    return sparse.csr_array(dense), rng.uniform(0.0, 1.0, N)


def uneven_weights(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """As where a softmax has piled up: weights over ten orders of magnitude, and zeros."""
    weights = 10.0 ** rng.uniform(-10.0, 0.0, N)
    weights[rng.random(N) < 0.1] = 0.0
    return rng.standard_normal((N, D)), weights


def rank_deficient(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    return rng.standard_normal((N, 3)) @ rng.standard_normal((3, D)), rng.exponential(size=N)


def narrow_floats(rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """Columns of very different size, in float32, and an intercept."""
    a = (rng.standard_normal((N, D)) * 10.0 ** np.arange(D)).astype(np.float32)
    return as_design(a, fit_intercept=True), np.ones(N)


DESIGNS: dict[str, Callable[[np.random.Generator], tuple[Any, np.ndarray]]] = {
    function.__name__: function
    for function in (gaussian, heavy_rows, compressed_rows, uneven_weights, rank_deficient, narrow_floats)
}


def made(name: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the design, its weights and the design as an array."""
    a, weights = DESIGNS[name](np.random.default_rng(9050))
    return a, weights, as_design(a).to_dense()


def gram(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return rows.T @ (weights[:, None] * rows)


class Errors:
    """Spectral errors of samples of A^T D A, relative to A^T abs(D) A, on its range."""

    def __init__(self, dense: np.ndarray, weights: np.ndarray) -> None:
        # Rows in orthonormal coordinates: the error is an ordinary norm, whatever the condition.
        root = np.sqrt(np.abs(weights))[:, None] * dense
        lengths = np.linalg.norm(root, axis=0)
        u, sizes, _ = np.linalg.svd(root / np.where(lengths > 0.0, lengths, 1.0), full_matrices=False)
        self.rows = u[:, sizes > 1e-10 * sizes[0]]
        self.rank = self.rows.shape[1]
        self.sizes = np.abs(weights)
        self.target = gram(self.rows, np.sign(weights))

    def of(self, sample: RowSample) -> float:
        rows = self.rows[sample.indices]
        error = gram(rows, sample.weights / self.sizes[sample.indices]) - self.target
        return float(np.abs(np.linalg.eigvalsh(error)).max())


def row_limit(d: int) -> float:
    return 6.0 * d * np.log(2.0 * d / DELTA) / EPSILON**2


@pytest.mark.parametrize("method", ["approximate", "exact"])
@pytest.mark.parametrize("name", DESIGNS)
def test_at_most_a_share_delta_of_draws_breaks_the_bound(name: str, method: str) -> None:
    a, weights, dense = made(name)
    errors = Errors(dense, weights)
    scheme = Leverage(method)
    draws = DRAWS if method == "approximate" else DRAWS // 2
    samples = [sparsify(a, weights, EPSILON, DELTA, seed, scheme=scheme) for seed in range(draws)]
    found = np.array([errors.of(sample) for sample in samples])
    assert np.mean(found > EPSILON) <= DELTA
    # The bound has room to spare, but not for weights or probabilities of another size.
    assert 0.02 < np.median(found) < 0.4
    sizes = [len(sample) for sample in samples]
    assert np.mean(sizes) < min(row_limit(dense.shape[1]), 0.6 * N)
    ranks = {np.linalg.matrix_rank(errors.rows[sample.indices]) for sample in samples[:20]}
    assert ranks == {errors.rank}


@pytest.mark.parametrize("name", ["gaussian", "heavy_rows", "uneven_weights"])
def test_weights_of_both_signs_keep_the_signed_bound(name: str) -> None:
    a, weights, dense = made(name)
    weights *= np.random.default_rng(9051).choice([-1.0, 1.0, 1.0], N)
    errors = Errors(dense, weights)
    samples = [sparsify(a, weights, EPSILON, DELTA, seed) for seed in range(DRAWS)]
    assert np.mean([errors.of(sample) > EPSILON for sample in samples]) <= DELTA
    assert np.mean([len(sample) for sample in samples]) < row_limit(D)
    for sample in samples[:10]:
        assert (np.sign(sample.weights) == np.sign(weights[sample.indices])).all()


def test_the_bound_is_two_sided_by_generalised_eigenvalues() -> None:
    """The plain statement of the promise: A^T D~ A between 1 - epsilon and 1 + epsilon times A^T D A."""
    a, weights, dense = made("gaussian")
    whole = gram(dense, weights)
    broken = 0
    for seed in range(DRAWS):
        sample = sparsify(a, weights, EPSILON, DELTA, seed)
        values = eigh(gram(dense[sample.indices], sample.weights), whole, eigvals_only=True)
        broken += values[0] < 1.0 - EPSILON or values[-1] > 1.0 + EPSILON
    assert broken <= DELTA * DRAWS


def test_scores_estimated_from_random_columns_keep_the_bound() -> None:
    """With more columns than the estimates are made from, and rows of very different size."""
    rng = np.random.default_rng(9054)
    dense = rng.standard_normal((12_000, 60)) * np.exp(rng.standard_normal((12_000, 1)))
    errors = Errors(dense, np.ones(12_000))
    samples = [sparsify(dense, epsilon=0.9, rng=seed) for seed in range(10)]
    assert max(errors.of(sample) for sample in samples) < 0.5
    assert np.mean([len(sample) for sample in samples]) < 6.0 * 60 * np.log(120.0 / DELTA) / 0.9**2


def test_a_tighter_bound_needs_more_rows_and_is_kept() -> None:
    rng = np.random.default_rng(9052)
    dense = rng.standard_normal((60_000, 3))
    errors = Errors(dense, np.ones(60_000))
    found, sizes = [], []
    for seed in range(20):
        sample = sparsify(dense, epsilon=0.1, rng=seed, scheme=Leverage("exact"))
        found.append(errors.of(sample))
        sizes.append(len(sample))
    assert max(found) < 0.1
    assert np.mean(sizes) < 6.0 * 3 * np.log(600.0) / 0.1**2
    assert np.mean(sizes) == pytest.approx(2.0 * (1.0 + 0.1 / 3.0) * np.log(600.0) / 0.01 * 3, rel=0.02)


def test_uniform_sampling_loses_a_heavy_row_and_leverage_scores_do_not() -> None:
    """At the same number of rows, all draws by leverage scores keep the bound, hardly any uniform one."""
    a, weights, dense = made("heavy_rows")
    errors = Errors(dense, weights)
    broken = {}
    for scheme in ("leverage", "uniform", "row-norm"):
        samples = [sparsify(a, weights, rng=seed, scheme=scheme, rows=600) for seed in range(60)]
        assert np.mean([len(sample) for sample in samples]) == pytest.approx(600.0, rel=0.05)
        broken[scheme] = np.mean([errors.of(sample) > EPSILON for sample in samples])
    assert broken["leverage"] == 0.0
    assert broken["uniform"] > 0.9
    assert broken["row-norm"] > 0.9  # the row that carries a direction alone is short


@pytest.mark.parametrize("name", ["gaussian", "heavy_rows", "uneven_weights"])
@pytest.mark.parametrize("sign", ["positive", "of both signs"])
def test_groups_kept_as_a_whole_keep_the_bound(name: str, sign: str) -> None:
    a, weights, dense = made(name)
    rng = np.random.default_rng(9053)
    if sign != "positive":
        weights *= rng.choice([-1.0, 1.0], N)
    groups = rng.integers(0, N // 4, N)
    errors = Errors(dense, weights)
    used = weights != 0.0
    found = []
    for seed in range(100):
        sample = sparsify(a, weights, EPSILON, DELTA, seed, groups=groups, scheme=Leverage("exact"))
        found.append(errors.of(sample))
        kept = np.isin(groups, groups[sample.indices]) & used
        assert (np.flatnonzero(kept) == sample.indices).all()
        assert len(sample) < 0.95 * np.count_nonzero(used)
    assert np.mean(np.array(found) > EPSILON) <= DELTA


def test_a_ridge_spares_the_rows_that_it_holds() -> None:
    """With a ridge the error is relative to A^T D A + ridge."""
    a, weights, dense = made("gaussian")
    ridge = np.array([0.0, 0.0, 1e5, 1e5, 1e5, 1e5])
    whole = gram(dense, weights)
    metric = whole + np.diag(ridge)
    plain = np.mean([len(sparsify(a, weights, rng=seed)) for seed in range(20)])
    sizes, found = [], []
    for seed in range(100):
        sample = sparsify(a, weights, EPSILON, DELTA, seed, ridge=ridge)
        sizes.append(len(sample))
        error = gram(dense[sample.indices], sample.weights) - whole
        found.append(np.abs(eigh(error, metric, eigvals_only=True)).max())
    assert np.mean(np.array(found) > EPSILON) <= DELTA
    assert np.mean(sizes) < 0.5 * plain


@pytest.mark.parametrize("name", DESIGNS)
def test_probabilities_are_those_of_the_bound(name: str) -> None:
    """Exactly min(1, c tau) for exact scores: neither more rows than promised for, nor fewer."""
    a, weights, dense = made(name)
    d = dense.shape[1]
    multiple = 2.0 * (1.0 + 0.4 / 3.0) * np.log(2.0 * d / 0.02) / 0.4**2
    scores = leverage_scores(a, weights, method="exact")
    sample = sparsify(a, weights, 0.4, 0.02, 0, scheme=Leverage("exact"))
    assert len(sample) < N
    assert_allclose(sample.probabilities, np.minimum(1.0, multiple * scores[sample.indices]), rtol=1e-12)
    assert_allclose(sample.weights * sample.probabilities, weights[sample.indices], rtol=1e-14)
    certain = np.flatnonzero(multiple * scores >= 1.0)
    assert np.isin(certain, sample.indices).all()
    assert sample.n_certain == len(certain)
    assert (sample.weights[np.isin(sample.indices, certain)] == weights[certain]).all()
