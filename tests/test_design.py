"""Design matrices of every kind against plain NumPy."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from newtonkit.design import Design, as_design
from newtonkit.design.kernels import csr_gram


def example(seed: int = 0) -> np.ndarray:
    """A small matrix with exact zeros, a zero row, a zero column and two equal rows."""
    rng = np.random.default_rng(seed)
    a = np.round(rng.standard_normal((9, 5)), 2) * (rng.random((9, 5)) < 0.6)
    a[3] = 0.0
    a[:, 2] = 0.0
    a[7] = a[1]
    return a


def unaligned(a: np.ndarray) -> np.ndarray:
    memory = bytearray(a.nbytes + 1)
    view = np.frombuffer(memory, dtype=np.float64, offset=1).reshape(a.shape)
    view[:] = a
    return view


def inside(a: np.ndarray, row_step: int, column_step: int) -> np.ndarray:
    """The same numbers as a strided view into a larger array full of others."""
    rows, columns = abs(row_step), abs(column_step)
    larger = np.full((rows * a.shape[0], columns * a.shape[1]), 77.0, dtype=a.dtype)
    view = larger[::rows, ::columns][:: np.sign(row_step), :: np.sign(column_step)]
    view[:] = a
    return view


def read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


def with_long_indices(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return matrix


def unsorted(a: np.ndarray) -> sparse.csr_array:
    matrix = sparse.csr_array(a)
    for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[start:stop] = matrix.indices[start:stop][::-1]
        matrix.data[start:stop] = matrix.data[start:stop][::-1]
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=a.shape)


def with_duplicates(a: np.ndarray) -> sparse.csr_array:
    """Every entry stored as two halves side by side."""
    matrix = sparse.csr_array(a)
    halves = (np.repeat(0.5 * matrix.data, 2), np.repeat(matrix.indices, 2), 2 * matrix.indptr)
    return sparse.csr_array(halves, shape=a.shape)


def with_stored_zeros(a: np.ndarray) -> sparse.csr_array:
    n, d = a.shape
    return sparse.csr_array((a.ravel(), np.tile(np.arange(d), n), d * np.arange(n + 1)), shape=a.shape)


FLOAT64_FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "strided rows": lambda a: inside(a, 2, 1),
    "strided columns": lambda a: inside(a, 1, 2),
    "strided both": lambda a: inside(a, 3, 2),
    "negative row stride": lambda a: inside(a, -1, 1),
    "negative column stride": lambda a: inside(a, 1, -1),
    "negative strides": lambda a: inside(a, -2, -2),
    "read-only": read_only,
    "big-endian": lambda a: a.astype(">f8"),
    "unaligned": unaligned,
    "long double": lambda a: a.astype(np.longdouble),
    "lists": lambda a: a.tolist(),
    "unmasked masked array": np.ma.asarray,
    "frame": pd.DataFrame,
    "object array of numbers": lambda a: a.astype(object),
    "CSR array": sparse.csr_array,
    "CSR matrix": sparse.csr_matrix,
    "CSC array": sparse.csc_array,
    "CSC matrix": sparse.csc_matrix,
    "COO array": sparse.coo_array,
    "COO matrix": sparse.coo_matrix,
    "LIL array": sparse.lil_array,
    "DOK array": sparse.dok_array,
    "BSR array": sparse.bsr_array,
    "DIA array": sparse.dia_array,
    "CSR with int64 indices": lambda a: with_long_indices(sparse.csr_array(a)),
    "CSC with int64 indices": lambda a: with_long_indices(sparse.csc_array(a)),
    "CSR unsorted": unsorted,
    "CSR with duplicates": with_duplicates,
    "CSR with stored zeros": with_stored_zeros,
    "Design": as_design,
}

FLOAT32_FORMS: dict[str, Callable[[np.ndarray], object]] = {
    "C order": lambda a: a.astype(np.float32),
    "Fortran order": lambda a: np.asfortranarray(a.astype(np.float32)),
    "strided rows": lambda a: inside(a.astype(np.float32), 2, 1),
    "big-endian": lambda a: a.astype(">f4"),
    "CSR array": lambda a: sparse.csr_array(a.astype(np.float32)),
    "CSC array": lambda a: sparse.csc_array(a.astype(np.float32)),
    "CSR unsorted": lambda a: unsorted(a.astype(np.float32)),
}


def assert_operations_match(design: Design, a: np.ndarray, rtol: float = 1e-13) -> None:
    """Compare every operation with plain NumPy on the dense float64 matrix `a`."""
    rng = np.random.default_rng(1)
    n, d = a.shape
    close = {"rtol": rtol, "atol": rtol * np.abs(a).max() ** 2 * np.sqrt(n)}
    assert design.shape == a.shape
    for x in (rng.standard_normal(d), rng.standard_normal((d, 3))):
        assert_allclose(design.product(x), a @ x, **close)
    for v in (rng.standard_normal(n), rng.standard_normal((n, 3))):
        assert_allclose(design.transposed_product(v), a.T @ v, **close)
    signed = rng.standard_normal(n) * (rng.random(n) < 0.7)
    for weights in (signed, np.abs(signed), -np.abs(signed), np.abs(rng.standard_normal(n)), np.zeros(n)):
        gram = design.sandwich(weights)
        assert_allclose(gram, a.T @ (weights[:, None] * a), **close)
    assert_allclose(design.row_norms, np.sqrt((a * a).sum(axis=1)), **close)
    assert_allclose(design.square_transposed_product(signed), (a * a).T @ signed, **close)
    assert_allclose(design.to_dense(), a, rtol=0.0, atol=0.0)
    indices = rng.integers(n, size=7)
    assert_allclose(design.rows(indices).to_dense(), a[indices], rtol=0.0, atol=0.0)
    assert_group_sums_match(design, a, close)


def assert_group_sums_match(design: Design, a: np.ndarray, close: dict[str, float]) -> None:
    rng = np.random.default_rng(2)
    for block in design.blocks:
        n_rows = block.stop - block.start
        columns = rng.standard_normal((n_rows, 2))
        for starts in (np.array([0]), np.array([0, 1, n_rows // 2]), np.arange(min(n_rows, 9))):
            ends = np.append(starts[1:], n_rows)
            runs = zip(starts, ends, strict=True)
            rows = a[block]
            wanted = np.array([columns[first:last].T @ rows[first:last] for first, last in runs])
            assert_allclose(design.block_group_sums(block, columns, starts), wanted, **close)


@pytest.mark.parametrize("fit_intercept", [False, True], ids=["plain", "intercept"])
@pytest.mark.parametrize("form", FLOAT64_FORMS)
def test_operations_on_float64_data(form: str, fit_intercept: bool) -> None:
    a = example()
    design = as_design(FLOAT64_FORMS[form](a), fit_intercept=fit_intercept)
    assert design.dtype == np.float64
    assert_operations_match(design, np.column_stack((a, np.ones(len(a)))) if fit_intercept else a)


@pytest.mark.parametrize("fit_intercept", [False, True], ids=["plain", "intercept"])
@pytest.mark.parametrize("form", FLOAT32_FORMS)
def test_operations_on_float32_data(form: str, fit_intercept: bool) -> None:
    a = example().astype(np.float32).astype(np.float64)
    design = as_design(FLOAT32_FORMS[form](a), fit_intercept=fit_intercept)
    assert design.dtype == np.float32
    assert_operations_match(design, np.column_stack((a, np.ones(len(a)))) if fit_intercept else a)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int32, np.int64, np.float16])
@pytest.mark.parametrize("container", [np.asarray, sparse.coo_array], ids=["dense", "sparse"])
def test_other_numbers_become_float64(container: Callable[..., object], dtype: type) -> None:
    a = (np.abs(example()) > 0.5).astype(dtype)
    design = as_design(container(a) if dtype is not np.float16 else a)
    assert design.dtype == np.float64
    assert_operations_match(design, a.astype(np.float64))


def test_frames_of_mixed_and_nullable_columns() -> None:
    a = example()
    frame = pd.DataFrame(
        {
            "real": a[:, 0],
            "narrow": a[:, 1].astype(np.float32),
            "whole": np.arange(9),
            "truth": a[:, 3] > 0.0,
            "nullable whole": pd.array(np.arange(9) % 4, dtype="Int64"),
            "nullable truth": pd.array(a[:, 4] > 0.0, dtype="boolean"),
            "nullable real": pd.array(a[:, 4], dtype="Float64"),
            "sparse": pd.arrays.SparseArray(a[:, 0]),
        }
    )
    wanted = np.column_stack([frame[name].to_numpy(dtype=np.float64) for name in frame.columns])
    assert_operations_match(as_design(frame), wanted)
    assert_operations_match(as_design(frame[["truth", "nullable truth"]]), wanted[:, [3, 5]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 40)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_extreme_shapes(container: Callable[..., object], shape: tuple[int, int]) -> None:
    a = np.random.default_rng(3).standard_normal(shape)
    design = as_design(container(a))
    assert_allclose(design.product(np.ones(shape[1])), a.sum(axis=1), rtol=1e-14, atol=1e-14)
    assert_allclose(design.sandwich(-np.ones(shape[0])), -a.T @ a, rtol=1e-14, atol=1e-14)
    assert_allclose(as_design(a, fit_intercept=True).to_dense(), np.column_stack((a, np.ones(shape[0]))))


def test_a_design_passes_through() -> None:
    design = as_design(example())
    assert as_design(design) is design
    assert as_design(design, fit_intercept=True).shape == (9, 6)


def tall(n: int, d: int, density: float) -> np.ndarray:
    rng = np.random.default_rng(4)
    return rng.standard_normal((n, d)) * (rng.random((n, d)) < density)


@pytest.mark.parametrize("fit_intercept", [False, True], ids=["plain", "intercept"])
@pytest.mark.parametrize(
    "container",
    [
        np.asarray,
        np.asfortranarray,
        lambda a: a.astype(np.float32),
        sparse.csr_array,
        lambda a: sparse.csc_array(a.astype(np.float32)),
    ],
    ids=["C", "Fortran", "float32", "CSR", "float32 CSC"],
)
def test_operations_over_many_blocks(container: Callable[..., object], fit_intercept: bool) -> None:
    a = tall(150_000, 4, 0.7).astype(np.float32).astype(np.float64)
    design = as_design(container(a), fit_intercept=fit_intercept)
    assert len(design.blocks) > 1
    assert design.blocks[0].start == 0
    assert design.blocks[-1].stop == len(a)
    assert_operations_match(design, np.column_stack((a, np.ones(len(a)))) if fit_intercept else a, 1e-11)


@pytest.mark.parametrize(
    "container", [np.asarray, np.asfortranarray, lambda a: a.astype(np.float32), sparse.csr_array]
)
def test_operations_on_wide_data(container: Callable[..., object]) -> None:
    a = tall(2_000, 150, 0.5).astype(np.float32).astype(np.float64)
    assert_operations_match(as_design(container(a)), a, 1e-12)


def test_large_and_thin_sparse_data_goes_through_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    a = tall(150_000, 12, 0.18)
    calls = []
    monkeypatch.setattr(
        "newtonkit.design.kernels.csr_gram", lambda *given: (calls.append(1), csr_gram(*given))
    )
    design = as_design(sparse.csr_array(a))
    weights = np.random.default_rng(5).standard_normal(len(a))
    assert_allclose(design.sandwich(weights), a.T @ (weights[:, None] * a), rtol=1e-11, atol=1e-9)
    assert len(calls) > 1
