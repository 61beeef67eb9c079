"""Kernels on dense rows against NumPy, compiled and as plain Python, and the designs that use them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from newtonkit.design import as_design, kernels
from newtonkit.design.dense import DenseDesign
from newtonkit.design.threads import get_num_threads, set_num_threads

N = 23  # no multiple of four
CLOSE = {"rtol": 1e-13, "atol": 1e-12}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture(params=[True, False], ids=["compiled", "plain Python"])
def kernel(request: pytest.FixtureRequest) -> Callable[[str], Callable[..., None]]:
    def find(name: str) -> Callable[..., None]:
        function = getattr(kernels, name)
        return function if request.param else function.py_func

    return find


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> type:
    return request.param


@pytest.fixture(params=[1, 7, kernels._LONG_ROWS + 3], ids=["one column", "short rows", "long rows"])
def rows(request: pytest.FixtureRequest, rng: np.random.Generator, dtype: type) -> np.ndarray:
    a = rng.standard_normal((N, request.param)).astype(dtype)
    a[3] = 0.0
    a.flags.writeable = False
    return a


@pytest.fixture
def wide(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.float64)


def test_product(kernel, rows, wide, rng):
    x, image = rng.standard_normal(rows.shape[1]), np.full(N, np.nan)
    kernel("dense_product")(rows, x, image)
    assert_allclose(image, wide @ x, **CLOSE)


@pytest.mark.parametrize("columns", [1, 3, 8])
def test_transposed_product_adds(kernel, rows, wide, rng, columns):
    v, out = rng.standard_normal((columns, N)), np.ones((columns, rows.shape[1]))
    kernel("dense_transposed_product")(rows, v, out)
    assert_allclose(out, 1.0 + v @ wide, **CLOSE)


@pytest.mark.parametrize("varies", [False, True], ids=["one offset", "offsets"])
def test_gram_product_adds(kernel, rows, wide, rng, varies):
    weights, x = rng.standard_normal(N), rng.standard_normal(rows.shape[1])
    offset = rng.standard_normal(N if varies else 1)
    image, out = np.full(N, np.nan), np.ones(rows.shape[1])
    kernel("dense_gram_product")(rows, weights, x, offset, image, out)
    assert_allclose(image, wide @ x, **CLOSE)
    assert_allclose(out, 1.0 + wide.T @ (weights * (wide @ x - offset)), **CLOSE)


def test_square_sums(kernel, rows, wide):
    row_sums, column_sums = np.full(N, np.nan), np.ones(rows.shape[1])
    kernel("dense_square_sums")(rows, row_sums, column_sums)
    assert_allclose(row_sums, (wide**2).sum(axis=1), **CLOSE)
    assert_allclose(column_sums, 1.0 + (wide**2).sum(axis=0), **CLOSE)


def test_square_norms(kernel, rows, wide, rng):
    transform, offset = rng.standard_normal((5, rows.shape[1])), rng.standard_normal(5)
    out = np.full(N, np.nan)
    kernel("dense_square_norms")(rows, transform, offset, out)
    assert_allclose(out, ((wide @ transform.T + offset) ** 2).sum(axis=1), **CLOSE)


@pytest.mark.parametrize("name", ["dense_scaled_rows", "dense_scaled_columns"])
def test_scaled_rows(kernel, rows, wide, rng, name):
    indices, factors = np.array([22, 0, 3, 3, 17]), rng.standard_normal(5)
    out = np.full((5, rows.shape[1] + 2), np.nan)
    if name == "dense_scaled_rows":
        kernel(name)(rows, indices, factors, out)
    else:
        kernel(name)(np.ascontiguousarray(rows.T), indices, factors, out.T)
    assert_allclose(out[:, :-2], factors[:, None] * wide[indices], **CLOSE)
    assert np.isnan(out[:, -2:]).all()


def test_shifted_rows(kernel, wide, rng):
    d = wide.shape[1]
    shifts, factors = rng.standard_normal(N), rng.standard_normal(N)
    centres, groups = rng.standard_normal((3, d)), rng.integers(3, size=N)
    out = np.full((N, d + 2), np.nan)
    out[:, :d] = wide
    kernel("shift_rows")(shifts, groups, centres, factors, out)
    assert_allclose(out[:, :d], factors[:, None] * (wide - shifts[:, None] * centres[groups]), **CLOSE)
    assert np.isnan(out[:, d:]).all()


def test_a_row_that_is_its_centre_vanishes(kernel, wide, rng):
    out = wide.copy()
    kernel("shift_rows")(np.ones(N), np.arange(N), wide.copy(), rng.standard_normal(N), out)
    assert not out.any()


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


@pytest.mark.parametrize("d", [20, kernels._LONG_ROWS + 3])
def test_a_large_design_whatever_the_threads(rng, dtype, d, threads):
    n = 1_500_000 // d
    a = rng.standard_normal((n, d)).astype(dtype)
    wide = a.astype(np.float64)
    x, v, weights = rng.standard_normal(d), rng.standard_normal((n, 3)), rng.standard_normal(n)
    transform = rng.standard_normal((d, 4))
    wanted = (
        wide @ x,
        wide.T @ v[:, 0],
        wide.T @ v,
        wide.T @ (weights * (wide @ x)),
        wide @ x,
        np.sqrt((wide**2).sum(axis=1)),
        np.sqrt((wide**2).sum(axis=0)),
        ((wide @ transform) ** 2).sum(axis=1),
    )
    found = []
    for count in (1, 2, 3):
        threads(count)
        design = as_design(a)
        assert isinstance(design, DenseDesign)
        assert not design.is_small
        found.append(
            (
                design.product(x),
                design.transposed_product(v[:, 0]),
                design.transposed_product(v),
                *design.gram_product_and_image(weights, x),
                design.row_norms,
                design.column_norms,
                design.square_norms(transform),
            )
        )
    for one, right in zip(found[0], wanted, strict=True):
        assert_allclose(one, right, rtol=1e-10, atol=1e-9)
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            assert_array_equal(one, two)
