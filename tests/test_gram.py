"""Weighted Gram matrices of whole designs and of chosen rows, for every path through the sums."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from newtonkit.design import KroneckerDesign, as_design, gram
from newtonkit.design.base import Design
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.design.threads import get_num_threads, set_num_threads

FEW, MANY = 12, 700  # columns: below the first limit of gram.py, and above the last


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(13)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def strided(a: np.ndarray) -> np.ndarray:
    larger = np.full((2 * a.shape[0], a.shape[1]), 77.0, dtype=a.dtype)
    larger[::2] = a
    return larger[::2]


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


def long_indices(a: np.ndarray) -> sparse.csr_array:
    matrix = sparse.csr_array(a)
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "strided rows": strided,
    "read-only": read_only,
    "float32": lambda a: a.astype(np.float32),
    "float32 Fortran": lambda a: np.asfortranarray(a.astype(np.float32)),
    "CSR": sparse.csr_array,
    "CSR float32": lambda a: sparse.csr_array(a.astype(np.float32)),
    "CSR long indices": long_indices,
}


def example(rng: np.random.Generator, n: int, d: int, density: float = 1.0) -> np.ndarray:
    """Numbers that float32 holds too, with a row of zeros."""
    a = (rng.standard_normal((n, d)) * (rng.random((n, d)) < density)).astype(np.float32)
    a[n // 2] = 0.0
    return a.astype(np.float64)


def with_intercept(form: Callable[[np.ndarray], object]) -> Callable[..., tuple[Design, np.ndarray]]:
    def make(a: np.ndarray, rng: np.random.Generator) -> tuple[Design, np.ndarray]:
        return as_design(form(a), fit_intercept=True), np.column_stack((a, np.ones(len(a))))

    return make


def shifted(form: Callable[[np.ndarray], object], m: int) -> Callable[..., tuple[Design, np.ndarray]]:
    def make(a: np.ndarray, rng: np.random.Generator) -> tuple[Design, np.ndarray]:
        starts = np.linspace(0, len(a) - 1, m, dtype=np.intp)
        shifts, centres = rng.standard_normal(len(a)), rng.standard_normal((m, a.shape[1] + 1))
        rows = np.column_stack((a, np.ones(len(a))))
        which = np.searchsorted(starts, np.arange(len(a)), side="right") - 1
        inner = as_design(form(a), fit_intercept=True)
        return ShiftedDesign(inner, shifts, centres, starts), rows - shifts[:, None] * centres[which]

    return make


MAKERS: dict[str, Callable[..., tuple[Design, np.ndarray]]] = {
    **{name: lambda a, rng, form=form: (as_design(form(a)), a) for name, form in FORMS.items()},
    "intercept": with_intercept(np.asarray),
    "CSR intercept": with_intercept(sparse.csr_array),
    "shifted": shifted(np.asarray, 1),
    "shifted by group": shifted(np.asfortranarray, 3),
    "CSR shifted": shifted(sparse.csr_array, 3),
}


def weights_of(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    signed = rng.standard_normal(n)
    return {
        "signed": signed,
        "some zero": signed * (rng.random(n) < 0.5),
        "positive": np.abs(signed),
        "not negative": np.abs(signed) * (rng.random(n) < 0.5),
        "negative": -np.abs(signed),
        "zero": np.zeros(n),
    }[kind]


KINDS = ("signed", "some zero", "positive", "not negative", "negative", "zero")
SIZES = [(9, 4), (40, 40), (3_000, 1), (100_000, FEW), (20_000, 60), (1_600, MANY)]


def assert_gram(found: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> None:
    assert_allclose(found, rows.T @ (weights[:, None] * rows), rtol=1e-11, atol=1e-10 * len(rows) ** 0.5)
    assert_array_equal(found, found.T)


@pytest.mark.parametrize("density", [1.0, 0.05], ids=["full", "thin"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("maker", MAKERS)
def test_whole_and_chosen_rows_against_numpy(maker, size, density, rng):
    design, rows = MAKERS[maker](example(rng, *size, density), rng)
    n = len(rows)
    chosen = np.flatnonzero(rng.random(n) < 0.3)
    for kind in KINDS if n * rows.shape[1] < 10**6 else KINDS[1:3]:
        weights = weights_of(kind, n, rng)
        assert_gram(design.sandwich(weights), rows, weights)
        assert_gram(design.sandwich_rows(chosen, weights[chosen]), rows[chosen], weights[chosen])


def test_chosen_rows_of_a_kronecker_product(rng):
    first, second = rng.standard_normal((50, 3)), rng.standard_normal((70, 4))
    chosen, rows = np.arange(0, 3500, 3), np.kron(first, second)
    weights = rng.standard_normal(len(chosen))
    design = KroneckerDesign(first, second)
    assert_gram(design.sandwich_rows(chosen, weights), rows[chosen], weights)
    plain = ShiftedDesign(design, np.ones(3500), rows[:1].copy(), np.array([0]))
    assert_gram(plain.sandwich_rows(chosen, weights), rows[chosen] - rows[0], weights)


def test_scaled_rows_of_a_kronecker_product(rng):
    first, second = rng.standard_normal((50, 3)), rng.standard_normal((70, 4))
    chosen, factors = np.arange(0, 3500, 3), rng.standard_normal(1167)
    out = np.full((1167, 14), np.nan)
    KroneckerDesign(first, second).fill_scaled(chosen, factors, out)
    assert_allclose(out[:, :12], factors[:, None] * np.kron(first, second)[chosen], rtol=1e-14)
    assert np.isnan(out[:, 12:]).all()


@pytest.mark.parametrize(("d", "shared"), [(600, False), (MANY, True)])
def test_threads_share_one_output_of_many_columns(d, shared, rng, monkeypatch):
    calls, plain = [], gram._shared_gram
    monkeypatch.setattr(gram, "_shared_gram", lambda *given: (calls.append(1), plain(*given))[1])
    as_design(example(rng, 2_000, d)).sandwich(np.ones(2_000))
    assert bool(calls) == shared


@pytest.mark.parametrize("maker", MAKERS)
def test_no_rows_chosen(maker, rng):
    design, rows = MAKERS[maker](example(rng, 30, 50), rng)
    none = np.empty(0, dtype=np.intp)
    assert_array_equal(design.sandwich_rows(none, np.empty(0)), np.zeros((rows.shape[1],) * 2))


@pytest.mark.parametrize("size", [(100_000, FEW), (20_000, 60), (3_200, MANY)], ids=str)
@pytest.mark.parametrize("maker", MAKERS)
def test_results_do_not_depend_on_threads(maker, size, rng, threads):
    a = example(rng, *size, 0.1)
    weights, chosen = rng.standard_normal(len(a)), np.arange(0, len(a), 2)
    found = []
    for count in (1, 2, 3):
        threads(count)
        design, _ = MAKERS[maker](a, np.random.default_rng(1))
        found.append((design.sandwich(weights), design.sandwich_rows(chosen, weights[chosen])))
    for other in found[1:]:
        assert_array_equal(found[0][0], other[0])
        assert_array_equal(found[0][1], other[1])


@pytest.mark.parametrize("size", [(9, 4), (20, 40), (100_000, FEW), (20_000, 60), (1_600, MANY)], ids=str)
@pytest.mark.parametrize("form", ["C order", "Fortran order"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_weights_that_are_not_finite_are_not_hidden(form, size, bad, sign, rng):
    a = np.where(example(rng, *size) == 0.0, 1.0, example(rng, *size))
    weights = np.abs(rng.standard_normal(len(a)))
    weights[1], weights[2] = bad, sign
    with np.errstate(invalid="ignore"):
        found = as_design(FORMS[form](a)).sandwich(weights)
    assert not np.isfinite(np.diag(found)).any()


@pytest.mark.parametrize("d", [1, 31, 64, 65, 200])
def test_mirror(d, rng):
    a = rng.standard_normal((d, d))
    assert_array_equal(gram.mirror(a.copy()), np.tril(a) + np.tril(a, -1).T)


@pytest.mark.parametrize(("d", "count"), [(1, 8), (3, 8), (700, 8), (9_700, 4)])
def test_stripes_have_equal_areas(d, count):
    found = gram.stripes(d, count)
    assert sorted(i for stripe in found for i in range(stripe.start, stripe.stop)) == list(range(d))
    areas = [stripe.stop**2 - stripe.start**2 for stripe in found]
    assert d < 100 or max(areas) < 1.02 * min(areas) + 4 * d


@pytest.mark.parametrize(("n", "d"), [(200_000, 10), (10_000, 300), (4_000, 600), (3_000, 1_000)])
@pytest.mark.parametrize("form", ["C order", "Fortran order", "CSR", "CSR long indices"])
def test_memory_beside_the_output(form, n, d, rng, threads):
    density = 1.0 if "order" in form else 0.02
    design = as_design(FORMS[form](example(rng, n, d, density)))
    weights, chosen = rng.standard_normal(n), np.arange(0, n, 2)
    for call in (lambda: design.sandwich(weights), lambda: design.sandwich_rows(chosen, weights[chosen])):
        threads(3)
        call()  # compiles
        threads(2)  # new threads, which have no memory yet
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - 8 * d**2 < 16 * 2**20


def test_sparse_data_of_many_columns_is_summed_by_stripes(rng, threads):
    matrix = sparse.csr_array(sparse.random_array((9_000, 1_500), density=0.004, rng=rng))
    weights = rng.standard_normal(9_000)
    found = []
    for count in (1, 3):
        threads(count)
        found.append(as_design(matrix).sandwich(weights))
    assert_allclose(found[0], (matrix.T @ (matrix * weights[:, None])).toarray(), rtol=1e-11, atol=1e-12)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[0].T)
