"""Products with transposed rows, for one, three and more columns, against NumPy and SciPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from newtonkit.design import kernels
from tests.kernel_forms import EPS, FORMS, take_form

LONG_ROWS = kernels._LONG_ROWS
COLUMNS = (1, 2, 3, 4, 5)
INDICES = (np.int32, np.uint32, np.int64, np.uint64)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take_form(kernels, request.param, monkeypatch)
    return request.param


def assert_sum(found: np.ndarray, wanted: np.ndarray, size: np.ndarray, terms: int) -> None:
    assert (np.abs(found - wanted) <= (terms + 2) * EPS * size).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 35])
def test_dense_rows_of_any_number(form: str, n: int, columns: int, dtype: type) -> None:
    rng = np.random.default_rng(n)
    rows, v = rng.normal(size=(n, 6)).astype(dtype), rng.normal(size=(columns, n))
    out = rng.normal(size=(columns, 6))
    before, wide = out.copy(), rows.astype(float)
    kernels.dense_transposed_product(rows, v, out)
    assert_sum(out, before + v @ wide, np.abs(before) + np.abs(v) @ np.abs(wide), n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("d", [1, 2, 3, 8, 9, 320, 321, LONG_ROWS - 1, LONG_ROWS, LONG_ROWS + 1, 1027])
def test_dense_rows_of_any_length(form: str, d: int, columns: int, dtype: type) -> None:
    n = 22 if form == "compiled" else 6
    rng = np.random.default_rng(d)
    rows, v = rng.normal(size=(n, d)).astype(dtype), rng.normal(size=(columns, n))
    out, wide = np.ones((columns, d)), rows.astype(float)
    kernels.dense_transposed_product(rows, v, out)
    assert_sum(out, 1.0 + v @ wide, 1.0 + np.abs(v) @ np.abs(wide), n)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("d", [5, LONG_ROWS + 2])
def test_dense_columns_may_be_part_of_longer_ones(form: str, d: int, columns: int) -> None:
    """As in sweeps, whose last tile is shorter; what lies beyond must not be used."""
    rng = np.random.default_rng(1)
    longer = np.full((columns, 20), np.nan)
    longer[:, :7] = rng.normal(size=(columns, 7))
    rows, out = rng.normal(size=(7, d)), np.zeros((columns, d))
    kernels.dense_transposed_product(rows, longer[:, :7], out)
    assert_allclose(out, longer[:, :7] @ rows, atol=1e-14)


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("d", [5, LONG_ROWS + 2])
def test_each_row_and_column_counts_once(form: str, d: int, columns: int) -> None:
    """Rows and columns of one entry that is not 0: whole numbers, and so no rounding."""
    n = 11
    for i in range(n):
        rows, v = np.zeros((n, d)), np.zeros((columns, n))
        rows[i] = np.arange(1, d + 1)
        v[:, i] = 10.0 ** np.arange(columns)
        out = np.zeros((columns, d))
        kernels.dense_transposed_product(rows, v, out)
        assert_array_equal(out, v[:, i, None] * rows[i])


@pytest.mark.parametrize("columns", COLUMNS)
@pytest.mark.parametrize("row", [0, 3, 4, 6])
def test_infinities_and_nan_stay_in_their_column(form: str, row: int, columns: int) -> None:
    rng = np.random.default_rng(2)
    rows, v = rng.normal(size=(7, 9)), np.abs(rng.normal(size=(columns, 7))) + 0.1
    rows[row, 2], rows[row, 5], rows[row, 8] = np.inf, -np.inf, np.nan
    out = np.zeros((columns, 9))
    kernels.dense_transposed_product(rows, v, out)
    wanted = np.zeros((columns, 9))
    wanted[:, 2], wanted[:, 5], wanted[:, 8] = np.inf, -np.inf, np.nan
    assert_array_equal(out[:, [2, 5, 8]], wanted[:, [2, 5, 8]])
    assert np.isfinite(np.delete(out, [2, 5, 8], axis=1)).all()


# Sparse rows


def sparse_rows(seed: int, n: int = 29, d: int = 12) -> sparse.csr_array:
    """Rows of no, of one and of many entries, the first and the last empty."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.3)
    a[[0, 7, 8, n - 1]] = 0.0
    a[5], a[6] = np.eye(d)[3], rng.normal(size=d)
    return sparse.csr_array(a)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("columns", [0, *COLUMNS])
def test_sparse_rows_add(form: str, columns: int, index: type, dtype: type) -> None:
    """`columns` 0 is the product with a vector."""
    a = sparse_rows(3).astype(dtype)
    rng, first = np.random.default_rng(4), 4
    arrays = a.data, a.indices.astype(index), a.indptr.astype(index)[first:]
    n, wide = a.shape[0] - first, a.toarray().astype(float)[first:]
    v, out = rng.normal(size=(n, max(columns, 1))), rng.normal(size=(a.shape[1], max(columns, 1)))
    wanted, size = out + wide.T @ v, np.abs(out) + np.abs(wide).T @ np.abs(v)
    if columns == 0:
        out = out[:, 0].copy()
        kernels.csr_transposed_product(*arrays, v[:, 0].copy(), out)
        assert_sum(out, wanted[:, 0], size[:, 0], n)
    else:
        kernels.csr_transposed_products(*arrays, v, out)
        assert_sum(out, wanted, size, n)


@pytest.mark.parametrize("columns", [1, 3, 4])
def test_sparse_rows_may_be_few_or_none(form: str, columns: int) -> None:
    a = sparse_rows(5)
    for first, last in [(0, 0), (0, 1), (6, 6), (6, 7), (6, 9), (28, 29), (29, 29)]:
        ends = a.indptr.astype(np.uint32)[first : last + 1]
        v = np.full((30, columns), np.nan)  # longer than there are rows, as in sweeps
        v[: last - first] = np.arange(1.0, 1.0 + (last - first) * columns).reshape(-1, columns)
        out, single = np.zeros((12, columns)), np.zeros(12)
        kernels.csr_transposed_products(a.data, a.indices.astype(np.uint32), ends, v, out)
        kernels.csr_transposed_product(a.data, a.indices.astype(np.uint32), ends, v[:, 0].copy(), single)
        wanted = a.toarray()[first:last].T @ v[: last - first]
        assert_allclose(out, wanted, atol=1e-13)
        assert_allclose(single, wanted[:, 0], atol=1e-13)


@pytest.mark.parametrize("columns", [1, 3, 4])
def test_sparse_entries_of_one_place_add_up(form: str, columns: int) -> None:
    data, indices = np.array([1.0, 2.0, 4.0, 8.0]), np.array([2, 0, 2, 2], dtype=np.uint32)
    ends, out = np.array([0, 3, 4], dtype=np.uint32), np.zeros((3, columns))
    v = np.array([[1.0], [10.0]]) * np.arange(1, columns + 1)
    kernels.csr_transposed_products(data, indices, ends, v, out)
    assert_array_equal(out, np.array([[2.0], [0.0], [85.0]]) * np.arange(1, columns + 1))
