"""Kernels for few columns: products with some of them at once, and Gram matrices of few."""

from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design import as_design, kernels

FORMS = ("compiled", "python")


def form_of(name: str, form: str) -> Any:
    kernel = getattr(kernels, name)
    return kernel if form == "compiled" else kernel.py_func


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", FORMS)
def test_products_with_a_few_columns(form: str, dtype: type) -> None:
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(37, 5)).astype(dtype), rng.normal(size=(3, 5))
    image = np.full((37, 3), np.nan)
    form_of("dense_products", form)(rows, columns, image)
    np.testing.assert_allclose(image, rows.astype(float) @ columns.T, atol=1e-13)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 200])
@pytest.mark.parametrize("form", FORMS)
def test_gram_matrices_of_few_columns(form: str, n: int) -> None:
    rng = np.random.default_rng(n)
    rows, weights = rng.normal(size=(n, 4)), rng.normal(size=n)
    out = np.ones((4, 4))
    form_of("thin_gram", form)(rows, weights, out)
    expected = np.tril(rows.T @ (weights[:, None] * rows)) + 1.0
    np.testing.assert_allclose(out, expected, atol=1e-12)


@pytest.mark.parametrize("d", [1, 7, 32, 33])
def test_designs_use_them_for_large_data(d: int) -> None:
    n = 1_100_000 // d
    rng = np.random.default_rng(d)
    a, weights, x = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=(d, 3))
    design = as_design(a)
    near = {"rtol": 1e-10, "atol": 1e-8}
    np.testing.assert_allclose(design.sandwich(weights), a.T @ (weights[:, None] * a), **near)
    np.testing.assert_allclose(design.product(x), a @ x, **near)


def test_the_same_bits_for_any_number_of_threads() -> None:
    a = np.random.default_rng(0).normal(size=(60_000, 20))
    weights, before, found = np.random.default_rng(1).normal(size=60_000), nk.get_num_threads(), []
    for threads in (1, 2, 3):
        nk.set_num_threads(threads)
        found.append(as_design(a).sandwich(weights))
    nk.set_num_threads(before)
    assert (found[0] == found[1]).all() and (found[0] == found[2]).all()
