"""Products of every kind of design with balls hold the exact ones: against fractions."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from newtonkit.certificates import double_double as dd
from newtonkit.certificates import products
from newtonkit.certificates.balls import Ball
from newtonkit.design import KroneckerDesign, as_design
from newtonkit.design.intercept import InterceptDesign
from newtonkit.design.shifted import ShiftedDesign


def designs() -> dict:
    rng = np.random.default_rng(8)
    A = rng.standard_normal((41, 7)) * 10.0 ** rng.integers(-3, 4, (41, 7)) * (rng.random((41, 7)) < 0.4)
    A[5:9] = 0.0
    single = A.astype(np.float32)
    some = {
        "C": A,
        "Fortran": np.asfortranarray(A),
        "float32": single,
        "strided rows": np.repeat(A, 2, axis=0)[::2],
        "CSR": sparse.csr_array(A),
        "CSR float32": sparse.csr_array(single),
        "one long row": sparse.csr_array(rng.standard_normal((1, 50))),
        "nothing but zeros": sparse.csr_array(np.diag([0.0, 0.0, 1.0])),
        "Kronecker": KroneckerDesign(rng.standard_normal((7, 3)), rng.standard_normal((5, 2))),
        "sparse Kronecker": KroneckerDesign(single, sparse.csr_array(A[:6])),
    }
    return {name: as_design(a) for name, a in some.items()} | {
        f"{name} with intercept": as_design(some[name], fit_intercept=True)
        for name in ("C", "CSR", "Kronecker")
    }


DESIGNS = designs()


def fractions(A) -> np.ndarray:
    return np.array([[Fraction(float(a)) for a in row] for row in A], dtype=object)


def exact_entries(design) -> np.ndarray:
    """Return the entries as fractions: those of a Kronecker product are no floats."""
    if isinstance(design, InterceptDesign):
        inner = exact_entries(design.inner)
        return np.concatenate((inner, np.full((len(inner), 1), Fraction(1))), axis=1)
    if isinstance(design, KroneckerDesign):
        return np.kron(*(exact_entries(factor) for factor in design.factors))
    return fractions(design.to_dense())


@pytest.mark.parametrize("name", DESIGNS)
class TestProducts:
    @pytest.mark.parametrize("small", [False, True])
    @pytest.mark.parametrize("transposed", [False, True])
    def test_hold_the_exact_products(self, name, small, transposed, monkeypatch):
        if small:  # many tiles, in both directions
            for constant, value in {"_TILE": 24, "_TILE_COLUMNS": 4, "_PIECE": 9, "_FEW": 2}.items():
                monkeypatch.setattr(products, constant, value)
        design, rng = DESIGNS[name], np.random.default_rng(9)
        A = exact_entries(design).T if transposed else exact_entries(design)
        for lows in (0.0, 1.0):
            hi = rng.standard_normal((3, A.shape[1]))
            v = Ball(*dd.two_sum(hi, lows * 1e-17 * rng.standard_normal(hi.shape)), lows * 1e-25 * np.abs(hi))
            found = (products.transposed_product if transposed else products.product)(design, v)
            assert found.shape == (3, A.shape[0])
            self.compare(A, v, found, rng.choice([-1, 0, 1], hi.shape))

    def compare(self, A, v, found, signs):
        for k in range(3):
            given = zip(v.hi[k], v.lo[k], signs[k] * v.radius[k], strict=True)
            numbers = [sum(Fraction(float(part)) for part in parts) for parts in given]
            for i, row in enumerate(A):
                true = sum((a * b for a, b in zip(row, numbers, strict=True)), Fraction(0))
                middle = Fraction(float(found.hi[k, i])) + Fraction(float(found.lo[k, i]))
                assert abs(true - middle) <= Fraction(float(found.radius[k, i]))
        sizes = np.abs(A).astype(np.float64).T
        size, own = np.abs(v.hi) @ sizes, v.radius @ sizes
        assert (found.radius <= 1.01 * own + 1e-27 * size + 1e-290).all()


def test_products_without_the_rounding_of_sums_miss(monkeypatch):
    monkeypatch.setattr(dd, "fold_error", lambda count: 0.0)
    monkeypatch.setattr(products, "_TERM_ERROR", 0.0)
    monkeypatch.setattr(products, "_TILE_COLUMNS", 1024)  # one tile: tiles are added as balls
    test = TestProducts()
    rng = np.random.default_rng(9)
    A, v = rng.standard_normal((3, 200)), Ball.exact(rng.standard_normal((3, 200)))
    found = products.product(as_design(A), v)
    with pytest.raises(AssertionError):
        test.compare(fractions(A), v, found, np.zeros((3, 200)))


def test_scratch_does_not_grow_with_the_rows():
    peaks = []
    for n in (50_000, 200_000):
        design, x = as_design(np.ones((n, 5))), Ball.exact(np.ones((1, 5)))
        tracemalloc.start()
        v = products.product(design, x)
        products.transposed_product(design, v)
        peaks.append(tracemalloc.get_traced_memory()[1] - 24 * n)
        tracemalloc.stop()
        assert v.hi[0, 0] == 5.0
    assert peaks[1] < 1.2 * peaks[0] + 1e5 < 30e6


def test_designs_whose_rows_are_rounded_are_refused():
    shifted = ShiftedDesign(as_design(np.eye(2)), np.ones(2), np.ones((1, 2)), np.zeros(1, dtype=np.intp))
    for call in (products.product, products.transposed_product):
        with pytest.raises(TypeError, match="ShiftedDesign"):
            call(shifted, Ball.zeros((1, 2)))
