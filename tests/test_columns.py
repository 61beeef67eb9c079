"""Large dense data in Fortran order: the numbers are those of C order, by kernels that follow the columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import as_design, kernels
from newtonkit.design.columns import ColumnDesign
from newtonkit.design.dense import DenseDesign
from newtonkit.problems import Problem
from tests.kernel_forms import FORMS, take_form

ROWS = [1, 3, 127, 128, 511, 512, 513, 1300]
COLUMNS = [1, 2, 3, 4, 5, 8, 33]


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take_form(kernels, request.param, monkeypatch)
    return str(request.param)


def data(n: int, d: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return more rows than are meant, transposed, then those that are meant, their ends, and numbers."""
    rng = np.random.default_rng(100 * n + d)
    whole = np.asfortranarray(rng.standard_normal((n + 7, d)).astype(dtype))
    ends = np.array([3, n + 3])
    return whole.T, whole[3 : n + 3].astype(float), ends, rng.standard_normal(n + d + 5)


def agree(found: np.ndarray, wanted: np.ndarray, size: np.ndarray) -> None:
    """Sums of n terms in any order."""
    assert (np.abs(found - wanted) <= 1e-14 * size + 1e-300).all()


SIZES = [(n, d) for n in ROWS for d in COLUMNS if n * d <= 6000]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_products(form: str, n: int, d: int, dtype: str) -> None:
    columns, rows, ends, numbers = data(n, d, dtype)
    x, image = numbers[:d], np.full(n, np.nan)
    kernels.column_product(columns, ends, x, image)
    agree(image, rows @ x, np.abs(rows) @ np.abs(x))
    v = np.stack((numbers[:n], numbers[5 : n + 5]))
    out = np.ones((2, d))
    kernels.column_transposed_product(columns, ends, v, out)
    agree(out, 1.0 + v @ rows, 1.0 + np.abs(v) @ np.abs(rows))


@pytest.mark.parametrize("offset", ["none", "one", "each"])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_gram_product(form: str, n: int, d: int, offset: str) -> None:
    columns, rows, ends, numbers = data(n, d)
    x, weights = numbers[-d:], numbers[:n]
    moved = {"none": np.zeros(1), "one": np.array([0.7]), "each": numbers[2 : n + 2]}[offset]
    image, out = np.full(n, np.nan), np.ones(d)
    kernels.column_gram_product(columns, ends, weights, x, moved, image, out)
    size = np.abs(rows) @ np.abs(x)
    agree(image, rows @ x, size)
    wanted = 1.0 + rows.T @ (weights * (rows @ x - moved))
    agree(out, wanted, 1.0 + np.abs(rows.T) @ (np.abs(weights) * (size + np.abs(moved))))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "d"), SIZES)
def test_squares_and_gram(form: str, n: int, d: int, dtype: str) -> None:
    columns, rows, ends, numbers = data(n, d, dtype)
    by_row, by_column, out = np.full(n, np.nan), np.ones(d), np.triu(np.full((d, d), np.nan), 1)
    out[np.tril_indices(d)] = 1.0
    kernels.column_square_sums(columns, ends, by_row, by_column)
    agree(by_row, (rows**2).sum(axis=1), (rows**2).sum(axis=1))
    agree(by_column, 1.0 + (rows**2).sum(axis=0), 1.0 + (rows**2).sum(axis=0))
    weights = numbers[:n]
    kernels.column_thin_gram(columns, ends, weights, out)
    lower = np.tril_indices(d)
    wanted = 1.0 + (rows.T * weights) @ rows
    size = 1.0 + (np.abs(rows.T) * np.abs(weights)) @ np.abs(rows)
    agree(out[lower], wanted[lower], size[lower])
    assert np.isnan(out[np.triu_indices(d, 1)]).all()


def problems(maker: Callable[..., Problem], n: int, d: int, dtype: str, **given: Any) -> list[Problem]:
    """Return one problem on data in C order and in Fortran order."""
    rng = np.random.default_rng(d)
    a = (rng.standard_normal((n, d)) / np.sqrt(d)).astype(dtype)
    b = rng.random(n)
    return [maker(A, b / b.sum(), **given) for A in (a, np.asfortranarray(a))]


@pytest.mark.parametrize("extras", [{}, {"fit_intercept": True, "ridge": 0.1}], ids=["plain", "intercept"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("n", "d"), [(150_001, 7), (40_000, 33), (4001, 300)])
@pytest.mark.parametrize(
    "maker", [nk.ExpRegression, nk.CoshRegression, nk.SoftmaxRegression, nk.SoftmaxCrossEntropy]
)
def test_a_problem_is_the_same_in_both_orders(
    maker: Callable[..., Problem], n: int, d: int, dtype: str, extras: dict[str, Any]
) -> None:
    one, other = problems(maker, n, d, dtype, sample_weight=np.arange(n) % 3 + 0.0, **extras)
    assert type(one.design) is type(other.design) or isinstance(other.design, ColumnDesign)
    x, v = np.random.default_rng(0).standard_normal((2, one.n_parameters)) * 0.5
    assert other.fun(x) == pytest.approx(one.fun(x), rel=1e-12)
    scale = one.evaluate(x).gradient_scale
    assert np.linalg.norm(other.jac(x) - one.jac(x)) <= 1e-13 * scale
    products = [each.hessp(x, v) for each in (one, other)]
    denses = [each.hess(x).to_dense() for each in (one, other)]
    assert np.linalg.norm(products[1] - products[0]) <= 1e-11 * np.linalg.norm(denses[0], 2)
    assert np.linalg.norm(denses[1] - denses[0], 2) <= 1e-11 * np.linalg.norm(denses[0], 2)
    np.testing.assert_allclose(other.design.row_norms, one.design.row_norms, rtol=1e-13)
    np.testing.assert_allclose(other.design.column_norms, one.design.column_norms, rtol=1e-12)


@pytest.mark.parametrize("k", [0, 1, 2, 4, 5, 9])
def test_products_with_several_columns(k: int) -> None:
    rng = np.random.default_rng(k)
    a = np.asfortranarray(rng.standard_normal((40_000, 30)))
    x, v = rng.standard_normal((30, k)), rng.standard_normal((40_000, k))
    design = as_design(a)
    assert isinstance(design, ColumnDesign)
    np.testing.assert_allclose(design.product(x), a @ x, atol=1e-12)
    np.testing.assert_allclose(design.transposed_product(v), a.T @ v, atol=1e-9)


def test_results_do_not_depend_on_the_threads() -> None:
    _, problem = problems(nk.SoftmaxRegression, 100_000, 12, "float64")
    found, before = [], nk.get_num_threads()
    for threads in (1, 2, 3):
        nk.set_num_threads(threads)
        result = nk.minimize(type(problem)(problem.design.to_dense(), problem.outer.target), gtol=1e-9)
        found.append((result.x.tobytes(), result.fun, result.nit))
    nk.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_who_is_swept_by_columns() -> None:
    a = np.ones((50_000, 21))
    assert type(as_design(np.asfortranarray(a))) is ColumnDesign
    assert type(as_design(a)) is DenseDesign
    assert type(as_design(np.asfortranarray(a[:4000]))) is DenseDesign  # small
    assert type(as_design(np.asfortranarray(a)[::2])) is DenseDesign  # columns with gaps
    assert type(as_design(np.ones((1_500_000, 1)))) is DenseDesign  # in both orders at once
