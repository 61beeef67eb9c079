"""Embeddings: against plain NumPy, against their spectral promise, on any number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import newtonkit as nk
from newtonkit.design import Design, KroneckerDesign, as_design
from newtonkit.design import base as design_base
from newtonkit.design import sparse as design_sparse
from newtonkit.design.kernels import csr_square_norms, hash_rows, scatter_csr_rows, scatter_rows
from newtonkit.design.scatter import SignScatter
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.sketching import Cosine, CountSketch, Gaussian, SparseSign

CONTAINERS: dict[str, Callable[[np.ndarray], Any]] = {
    "C": np.asarray,
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "float32": lambda a: a.astype(np.float32),
    "CSR": sparse.csr_array,
    "float32 CSR": lambda a: sparse.csr_array(a.astype(np.float32)),
}
EMBEDDINGS: dict[str, Callable[[int, int], Any]] = {
    "CountSketch": CountSketch,
    "SparseSign 2": lambda m, seed: SparseSign(m, 2, seed),
    "SparseSign 4": lambda m, seed: SparseSign(m, 4, seed),
    "SparseSign 8": lambda m, seed: SparseSign(m, 8, seed),
    "Cosine": Cosine,
    "Gaussian": Gaussian,
}
RUNS = {"compiled": lambda kernel: kernel, "plain Python": lambda kernel: kernel.py_func}


@pytest.fixture(autouse=True)
def threads_restored() -> Iterator[None]:
    before = nk.get_num_threads()
    yield
    nk.set_num_threads(before)


def numbers(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Numbers that float32 holds, a third of them zero."""
    rng = np.random.default_rng(seed)
    a = np.round(4.0 * rng.standard_normal((n, d)), 1) * (rng.random((n, d)) < 0.67)
    return a.astype(np.float32).astype(np.float64)


def splitmix64(state: int) -> int:
    """The published generator's output function, in Python's integers."""
    z = state % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def matrix_of(scatter: SignScatter, n: int) -> np.ndarray:
    """S, entry by entry."""
    golden = 0x9E3779B97F4A7C15
    key = splitmix64(scatter.seed * golden + golden)
    out = np.zeros((scatter.n_rows, n))
    for i in range(n):
        for j in range(scatter.nonzeros):
            word = splitmix64((8 * i + j + 1) * golden + key)
            first, end = (k * scatter.n_rows // scatter.nonzeros for k in (j, j + 1))
            target = first + ((word >> 32) * (end - first) >> 32)
            out[target, i] = (1.0 if word % 2 else -1.0) / np.sqrt(scatter.nonzeros)
    return out


def spiked(n: int, r: int, seed: int) -> np.ndarray:
    """Orthonormal columns, half of which live on one row each."""
    rng = np.random.default_rng(seed)
    q = np.zeros((n, r))
    spikes = rng.choice(n, r // 2, replace=False)
    q[spikes, np.arange(r // 2)] = 1.0
    rest = np.setdiff1d(np.arange(n), spikes)
    q[rest, r // 2 :] = np.linalg.qr(rng.standard_normal((len(rest), r - r // 2)))[0]
    return q


def spread(n: int, r: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, r)))[0]


def waves(n: int, r: int, seed: int) -> np.ndarray:
    """What the cosine transform would bring together on r rows, were it not for the signs."""
    angles = np.pi / n * np.outer(np.arange(n) + 0.5, seed + 1 + np.arange(r))
    return np.sqrt(2.0 / n) * np.cos(angles)


class TestHash:
    @pytest.mark.parametrize("nonzeros", range(1, 9))
    def test_is_the_published_one(self, nonzeros):
        scatter = SignScatter(29, nonzeros, 2**63 - 1)
        targets, coefficients = scatter.hashed(slice(0, 40), None)
        got = np.zeros((29, 40))
        np.add.at(got, (targets, np.arange(40)[:, None]), coefficients)
        assert_array_equal(got, matrix_of(scatter, 40))
        assert_allclose((got**2).sum(axis=0), 1.0, rtol=1e-14)
        assert ((got != 0.0).sum(axis=0) == nonzeros).all()

    @pytest.mark.parametrize("run", RUNS)
    def test_of_the_kernel_is_that_of_numpy(self, run):
        scatter, rows = SignScatter(1000, 3, 5), slice(2**33, 2**33 + 500)
        scale = np.random.default_rng(0).random(500) * (np.arange(500) % 3 > 0)
        targets, coefficients = np.empty((500, 3), dtype=np.int32), np.empty((500, 3))
        with np.errstate(over="ignore"):  # words wrap around
            RUNS[run](hash_rows)(rows.start, scale, scatter.key, scatter.edges, targets, coefficients)
        wanted = scatter.hashed(rows, scale)
        assert_array_equal(targets, wanted[0])
        assert_allclose(coefficients, wanted[1], rtol=1e-15)

    def test_depends_on_the_row_and_not_on_where_a_block_begins(self):
        scatter = SignScatter(50, 4, 1)
        whole, part = scatter.hashed(slice(0, 100), None), scatter.hashed(slice(30, 60), None)
        assert_array_equal(whole[0][30:60], part[0])
        assert_array_equal(whole[1][30:60], part[1])
        assert_array_equal(scatter.compiled_hash(slice(30, 60), None)[0], part[0])

    def test_looks_random(self):
        """Counts of targets and sums of signs within 5 standard deviations: fails once in 1e4 seeds."""
        targets, coefficients = SignScatter(64, 4, 3).hashed(slice(0, 160_000), None)
        counts = np.bincount(targets.ravel(), minlength=64)
        assert np.abs(counts - 10_000).max() < 5 * 100
        assert np.abs((2.0 * coefficients).sum(axis=0)).max() < 5 * 400
        pairs = np.histogram2d(targets[:, 0], targets[:, 1], bins=16)[0]
        assert np.abs(pairs - 625).max() < 5 * 25


class TestKernels:
    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_scatter(self, run, dtype):
        a = numbers(60, 7)
        scatter = SignScatter(20, 3, 2)
        scale = np.linspace(0.0, 2.0, 60)
        targets, coefficients = scatter.hashed(slice(0, 60), scale)
        wanted = 1.0 + matrix_of(scatter, 60) @ (scale[:, None] * a)
        matrix = sparse.csr_array(a.astype(dtype))
        dense, csr = np.ones((20, 7)), np.ones((20, 7))
        RUNS[run](scatter_rows)(a.astype(dtype), targets, coefficients, dense)
        given = (matrix.data, matrix.indices, matrix.indptr, targets, coefficients)
        for first, last in ((0, 9), (9, 10), (10, 20)):
            RUNS[run](scatter_csr_rows)(*given, first, last, csr)
            assert (csr[last:] == 1.0).all()
        for out in (dense, csr):
            assert_allclose(out, wanted, rtol=1e-13, atol=1e-13)

    @pytest.mark.parametrize("run", RUNS)
    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_square_norms(self, run, dtype):
        a, rng = numbers(40, 6), np.random.default_rng(1)
        transform, offset = rng.standard_normal((6, 4)), rng.standard_normal(4)
        matrix = sparse.csr_array(a.astype(dtype))
        out = np.empty(40)
        RUNS[run](csr_square_norms)(matrix.data, matrix.indices, matrix.indptr, transform, offset, out)
        assert_allclose(out, ((a @ transform + offset) ** 2).sum(axis=1), rtol=1e-13)


def both_sizes(monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    if large:  # and cut into many pieces
        monkeypatch.setattr(design_base, "_SMALL_DESIGN", 0)
        monkeypatch.setattr(design_base, "_TILE_ENTRIES", 100)
        monkeypatch.setattr(design_sparse, "_TILE_ROWS", 200)
        monkeypatch.setattr(design_sparse, "_HASHED_ROWS", 64)


@pytest.mark.parametrize("large", [False, True], ids=["plain NumPy", "kernels"])
@pytest.mark.parametrize("fit_intercept", [False, True], ids=["plain", "intercept"])
@pytest.mark.parametrize("container", CONTAINERS)
class TestDesigns:
    def test_embed(self, container, fit_intercept, large, monkeypatch):
        both_sizes(monkeypatch, large)
        a = numbers(500, 9)
        design = as_design(CONTAINERS[container](a), fit_intercept=fit_intercept)
        a = np.column_stack((a, np.ones(500))) if fit_intercept else a
        scatter = SignScatter(40, 3, 7)
        scale = np.random.default_rng(1).random(500) * (np.arange(500) % 4 > 0)
        s = matrix_of(scatter, 500)
        assert_allclose(design.embed(scatter), s @ a, rtol=1e-12, atol=1e-12)
        assert_allclose(design.embed(scatter, scale), s @ (scale[:, None] * a), rtol=1e-12, atol=1e-12)

    def test_square_norms(self, container, fit_intercept, large, monkeypatch):
        both_sizes(monkeypatch, large)
        a = numbers(400, 9)
        design = as_design(CONTAINERS[container](a), fit_intercept=fit_intercept)
        a = np.column_stack((a, np.ones(400))) if fit_intercept else a
        for k in (0, 1, 8, 9, 20):
            transform = np.random.default_rng(k).standard_normal((a.shape[1], k))
            wanted = ((a @ transform) ** 2).sum(axis=1)
            assert_allclose(design.square_norms(transform), wanted, rtol=1e-12, atol=1e-12)
            fortran = design.square_norms(np.asfortranarray(transform))
            assert_allclose(fortran, wanted, rtol=1e-12, atol=1e-12)

    def test_dense_rows_are_any_rows(self, container, fit_intercept, large, monkeypatch):
        both_sizes(monkeypatch, large)
        a = numbers(30, 4)
        design = as_design(CONTAINERS[container](a), fit_intercept=fit_intercept)
        a = np.column_stack((a, np.ones(30))) if fit_intercept else a
        assert_array_equal(design.dense_rows(slice(11, 17)), a[11:17])
        assert_array_equal(Design.dense_rows(design, slice(11, 17)), a[11:17])


@pytest.mark.parametrize("large", [False, True], ids=["plain NumPy", "kernels"])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
class TestDerivedDesigns:
    def assert_embedded(self, design, a):
        scatter, scale = SignScatter(40, 3, 7), np.random.default_rng(1).random(len(a))
        wanted = matrix_of(scatter, len(a)) @ (scale[:, None] * a)
        assert_allclose(design.embed(scatter, scale), wanted, rtol=1e-12, atol=1e-12)
        assert_array_equal(design.dense_rows(slice(17, 250)), a[17:250])
        transform = np.random.default_rng(2).standard_normal((a.shape[1], 10))
        norms = ((a @ transform) ** 2).sum(axis=1)
        assert_allclose(design.square_norms(transform), norms, rtol=1e-11, atol=1e-11)

    def test_shifted_rows(self, container, large, monkeypatch):
        both_sizes(monkeypatch, large)
        a, rng = numbers(300, 6), np.random.default_rng(3)
        starts, shifts = np.array([0, 40, 41, 200]), rng.integers(0, 3, 300) / 4.0
        centres = numbers(4, 6, 1)
        shifted = ShiftedDesign(as_design(container(a)), shifts, centres, starts)
        groups = np.repeat(np.arange(4), np.diff(starts, append=300))
        self.assert_embedded(shifted, a - shifts[:, None] * centres[groups])

    def test_kronecker_product(self, container, large, monkeypatch):
        both_sizes(monkeypatch, large)
        first, second = numbers(15, 2), numbers(20, 3, 1)
        self.assert_embedded(KroneckerDesign(container(first), container(second)), np.kron(first, second))


@pytest.mark.parametrize("container", CONTAINERS)
def test_bits_are_the_same_for_any_number_of_threads(container):
    a = CONTAINERS[container](numbers(150_000, 7))
    scale = np.random.default_rng(2).random(150_000)
    transform = np.random.default_rng(3).standard_normal((8, 10))
    every = []
    for n_threads in (1, 2):
        nk.set_num_threads(n_threads)
        design = as_design(a, fit_intercept=True)
        assert len(design.blocks) > 3
        found = [SparseSign(60, 4, 1).apply(design, scale), design.square_norms(transform)]
        found += [Gaussian(5, 1).apply(design, scale), Cosine(60, 1).apply(design, scale)]
        every.append(found)
    for one, two in zip(*every, strict=True):
        assert_array_equal(one, two)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
class TestEmbeddings:
    def test_are_linear_maps_with_unit_columns_in_the_mean(self, embedding):
        """S from S I; E ||S e_i||^2 = 1 (exactly, except for Cosine and Gaussian)."""
        n, m = 300, 64
        made = EMBEDDINGS[embedding](m, 3)
        s = made.apply(as_design(np.eye(n)))
        a, scale = numbers(n, 5), np.linspace(0.0, 1.0, n)
        assert s.shape == (m, n) == (made.n_rows, n)
        assert_allclose(made.apply(as_design(a), scale), s @ (scale[:, None] * a), rtol=1e-11, atol=1e-11)
        squares = (s**2).sum(axis=0)
        assert abs(squares.mean() - 1.0) < (0.05 if embedding in ("Cosine", "Gaussian") else 1e-12)

    def test_another_seed_is_another_map_and_the_same_is_the_same(self, embedding):
        design = as_design(numbers(200, 3))
        one, again, other = (EMBEDDINGS[embedding](32, seed).apply(design) for seed in (1, 1, 2))
        assert_array_equal(one, again)
        assert np.abs(one - other).max() > 0.1

    @pytest.mark.parametrize("q", [spread, spiked, waves], ids=["spread", "spiked", "waves"])
    def test_keeps_lengths_of_a_subspace(self, embedding, q):
        """Singular values of S Q at 8 rows per column: 1 +- 0.36 for Gaussian S in the limit.

        Bounds 0.5 and 1.5 (0.4 and 1.6 with one nonzero) in 18 of 20 seeds; CountSketch of
        spikes needs of the order of r^2 rows, and gets them.
        """
        r = 20
        coarse = embedding == "CountSketch"
        m = 8 * r if not (coarse and q is spiked) else 4 * r * r
        low, high = (0.4, 1.6) if coarse else (0.5, 1.5)
        good = 0
        for seed in range(20):
            design = as_design(q(1500, r, seed))
            values = np.linalg.svd(EMBEDDINGS[embedding](m, seed).apply(design), compute_uv=False)
            good += bool(low < values.min() and values.max() < high)
        assert good >= 18


def test_tiles_of_a_gaussian_embedding_are_independent():
    """Singular values within 1 +- 0.2 (1 +- 0.15 in the limit); repeated columns would make some vanish."""
    values = np.linalg.svd(Gaussian(12_000).apply(as_design(np.eye(260))), compute_uv=False)
    assert values.min() > 0.8
    assert values.max() < 1.2
