"""Kernels on sparse rows against dense NumPy, compiled and as plain Python, and the designs that use them."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from newtonkit.design import as_design, kernels
from newtonkit.design.sparse import SparseDesign, entry_runs
from newtonkit.design.threads import get_num_threads, set_num_threads

N, D = 37, 11
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> type:
    return request.param


@pytest.fixture(params=[np.uint32, np.uint64], ids=["32-bit indices", "64-bit indices"])
def index(request: pytest.FixtureRequest) -> type:
    return request.param


@pytest.fixture(params=[True, False], ids=["compiled", "plain Python"])
def kernel(request: pytest.FixtureRequest) -> Callable[[str], Callable[..., None]]:
    def find(name: str) -> Callable[..., None]:
        function = getattr(kernels, name)
        return function if request.param else function.py_func

    return find


@pytest.fixture
def dense(rng: np.random.Generator, dtype: type) -> np.ndarray:
    """Rows of no, one, two and many entries, of odd and of even number."""
    a = rng.standard_normal((N, D)) * (rng.random((N, D)) < 0.3)
    a[4], a[N - 1], a[9] = 0.0, 0.0, rng.standard_normal(D)
    a[5], a[6] = np.eye(D)[3], 2.0 * np.eye(D)[0] - np.eye(D)[D - 1]
    return a.astype(dtype).astype(np.float64)


@pytest.fixture
def rows(rng: np.random.Generator) -> slice:
    return slice(3, N)


@pytest.fixture
def arrays(dense: np.ndarray, dtype: type, index: type, rows: slice) -> Arrays:
    """The whole matrix, with the ends of some of its rows; nothing may be written to."""
    matrix = sparse.csr_array(dense)
    found = (
        matrix.data.astype(dtype),
        matrix.indices.astype(index),
        matrix.indptr.astype(index)[rows.start : rows.stop + 1],
    )
    for array in found:
        array.flags.writeable = False
    return found


CLOSE = {"rtol": 1e-13, "atol": 1e-13}


def test_product(kernel, arrays, dense, rows, rng):
    x, image = rng.standard_normal(D), np.full(N - 3, np.nan)
    kernel("csr_product")(*arrays, x, image)
    assert_allclose(image, dense[rows] @ x, **CLOSE)


def test_transposed_product_adds(kernel, arrays, dense, rows, rng):
    v, out = rng.standard_normal(N - 3), np.ones(D)
    kernel("csr_transposed_product")(*arrays, v, out)
    assert_allclose(out, 1.0 + dense[rows].T @ v, **CLOSE)


@pytest.mark.parametrize("columns", [1, 2, 8])
def test_transposed_products_add(kernel, arrays, dense, rows, rng, columns):
    v, out = rng.standard_normal((N - 3, columns)), np.ones((D, columns))
    kernel("csr_transposed_products")(*arrays, v, out)
    assert_allclose(out, 1.0 + dense[rows].T @ v, **CLOSE)


@pytest.mark.parametrize("varies", [False, True], ids=["one offset", "offsets"])
def test_gram_product_adds(kernel, arrays, dense, rows, rng, varies):
    weights, x = rng.standard_normal(N - 3), rng.standard_normal(D)
    offset = rng.standard_normal(N - 3 if varies else 1)
    image, out = np.full(N - 3, np.nan), np.ones(D)
    kernel("csr_gram_product")(*arrays, weights, x, offset, image, out)
    assert_allclose(image, dense[rows] @ x, **CLOSE)
    assert_allclose(out, 1.0 + dense[rows].T @ (weights * (dense[rows] @ x - offset)), **CLOSE)


def test_square_sums(kernel, arrays, dense, rows):
    row_sums, column_sums = np.full(N - 3, np.nan), np.ones(D)
    kernel("csr_square_sums")(*arrays, row_sums, column_sums)
    assert_allclose(row_sums, (dense[rows] ** 2).sum(axis=1), **CLOSE)
    assert_allclose(column_sums, 1.0 + (dense[rows] ** 2).sum(axis=0), **CLOSE)


def test_scaled_rows(kernel, arrays, dense, rows, rng):
    data, indices, indptr = arrays
    chosen, factors = np.array([0, 5, 5, 2, 1, 33]), rng.standard_normal(6)
    out = np.full((6, D + 2), np.nan)
    kernel("csr_scaled_rows")(data, indices, indptr[chosen], indptr[chosen + 1], factors, out)
    assert_allclose(out[:, :D], factors[:, None] * dense[rows][chosen], **CLOSE)


@pytest.mark.parametrize("stripe", [(0, D), (0, 4), (4, 9), (9, D), (5, 5)], ids=str)
def test_gram_adds_to_a_stripe_of_the_lower_triangle(kernel, arrays, dense, rows, rng, stripe):
    data, indices, indptr = arrays
    weights = rng.standard_normal(N - 3) * (rng.random(N - 3) < 0.8)
    out = np.ones((D, D))
    kernel("csr_gram")(data, indices, indptr[:-1], indptr[1:], weights, *stripe, out)
    wanted = np.ones((D, D))
    inside = slice(*stripe)
    wanted[inside] += np.tril(dense[rows].T @ (weights[:, None] * dense[rows]))[inside]
    assert_allclose(out, wanted, **CLOSE)


@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_a_large_design_against_scipy(rng: np.random.Generator, dtype: type, index: type) -> None:
    matrix = large(rng, 40_000, 60, 0.05).astype(dtype)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    matrix.data.flags.writeable = False
    design = as_design(matrix)
    a, n, d = matrix.astype(np.float64), *matrix.shape
    x, v, weights = rng.standard_normal(d), rng.standard_normal((n, 8)), rng.standard_normal(n)
    close = {"rtol": 1e-11, "atol": 1e-10}
    assert isinstance(design, SparseDesign)
    assert not design.is_small
    assert_allclose(design.product(x), a @ x, **close)
    assert_allclose(design.product(np.outer(x, [1.0, 2.0])), np.outer(a @ x, [1.0, 2.0]), **close)
    for columns in (v[:, 0], v[:, :3], v, np.hstack((v, v))):
        assert_allclose(design.transposed_product(columns), a.T @ columns, **close)
    product, image = design.gram_product_and_image(weights, x)
    assert_allclose(image, a @ x, **close)
    assert_allclose(product, a.T @ (weights * (a @ x)), **close)
    block = slice(11, 397)
    product, image = design.block_gram_product(block, weights[block], x, weights[block])
    assert_allclose(image, a[block] @ x, **close)
    assert_allclose(product, a[block].T @ (weights[block] * (a[block] @ x - weights[block])), **close)
    assert_allclose(design.row_norms, sparse.linalg.norm(a, axis=1), **close)
    assert_allclose(design.column_norms, sparse.linalg.norm(a, axis=0), **close)
    assert_allclose(design.square_norms(v[:d]), ((a @ v[:d]) ** 2).sum(axis=1), **close)


def large(rng: np.random.Generator, n: int, d: int, density: float) -> sparse.csr_array:
    matrix = sparse.random_array((n, d), density=density, rng=rng, data_sampler=rng.standard_normal)
    return sparse.csr_array(matrix)


def two_a_row(rng: np.random.Generator, n: int, first: int, second: int) -> sparse.csr_array:
    columns = np.column_stack((rng.integers(first, size=n), first + rng.integers(second, size=n)))
    return sparse.csr_array((np.ones(2 * n), columns.ravel(), 2 * np.arange(n + 1)), (n, first + second))


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: large(rng, 200_000, 30, 0.1),
        lambda rng: two_a_row(rng, 300_000, 500, 20),
        lambda rng: large(rng, 5_000, 20_000, 0.01),
    ],
    ids=["thin", "two a row", "wide"],
)
def test_results_do_not_depend_on_threads(make, rng, threads):
    matrix = make(rng)
    n, d = matrix.shape
    x, v = rng.standard_normal(d), rng.standard_normal((n, 3))
    found = []
    for count in (1, 2, 3):
        threads(count)
        design = as_design(matrix)
        assert len(design.sweeps) > 1
        found.append(
            (
                design.product(x),
                design.transposed_product(v[:, 0]),
                design.transposed_product(v),
                *design.gram_product_and_image(v[:, 1], x),
                design.row_norms,
                design.column_norms,
            )
        )
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert_array_equal(one, two)


class TestRuns:
    def test_share_the_work_whatever_the_rows_hold(self):
        lengths = np.concatenate((np.full(10, 100_000), np.zeros(500_000, dtype=int), np.ones(500_000, int)))
        runs = entry_runs(np.concatenate(([0], np.cumsum(lengths))), 10)
        assert [run.stop for run in runs[:-1]] == [run.start for run in runs[1:]]
        assert (runs[0].start, runs[-1].stop) == (0, len(lengths))
        work = [int(lengths[run].sum()) + run.stop - run.start for run in runs]
        assert len(runs) == 9
        assert max(work) < 2 * sum(work) / len(work)

    @pytest.mark.parametrize(
        ("n_rows", "per_row", "n_columns", "count"),
        [(1_000_000, 10, 1000, 32), (20_000, 50, 50_000, 2), (100_000, 2, 9_700, 1), (10**6, 10, 10**6, 1)],
    )
    def test_are_few_where_sums_are_long(self, n_rows, per_row, n_columns, count):
        runs = entry_runs(per_row * np.arange(n_rows + 1), n_columns)
        assert len(runs) == count
        assert all(a.stop == b.start for a, b in pairwise(runs))

    def test_hold_no_more_than_16_megabytes_of_sums(self):
        assert len(entry_runs(10**5 * np.arange(1001), 10**6)) == 2

    def test_of_no_entries(self):
        assert entry_runs(np.zeros(8, dtype=int), 3) == (slice(0, 7),)
