"""Design matrices of every kind work as their clean copy does, or are refused by name."""

import datetime
import decimal
import fractions
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

import newtonkit as nk
from tests.bad_input import RNG, A, B, Refusal, assert_refused, assert_same_solution

ROW = sparse.coo_array(A)


class Marked(np.ndarray):
    """A subclass of ndarray."""


def with_object(entry: Any) -> np.ndarray:
    a = A.astype(object)
    a[3, 1] = entry
    return a


def with_value(value: float) -> np.ndarray:
    a = A.copy()
    a[3, 1] = value
    return a


def read_only() -> np.ndarray:
    a = A.copy()
    a.flags.writeable = False
    return a


def unaligned() -> np.ndarray:
    return np.frombuffer(b"?" + A.tobytes(), dtype=float, offset=1).reshape(A.shape)


def packed_field() -> np.ndarray:
    records = np.zeros(len(A), dtype=[("flag", "u1"), ("row", "f8", (A.shape[1],))])
    records["row"] = A
    return records["row"]


def with_room_to_spare() -> sparse.csr_array:
    """A CSR array whose arrays are longer than its rows say: what lies beyond is not data."""
    matrix = sparse.csr_array(A)
    matrix.data, matrix.indices = np.append(matrix.data, np.nan), np.append(matrix.indices, 99)
    return matrix


def unsorted_with_duplicates() -> sparse.csr_array:
    """Every entry in two halves, columns in falling order."""
    twice = np.concatenate([np.repeat(row[::-1] / 2.0, 2) for row in A])
    columns = np.tile(np.repeat(np.arange(3)[::-1], 2), len(A))
    return sparse.csr_array((twice, columns, np.arange(0, 6 * len(A) + 1, 6)), shape=A.shape)


def wide_indices() -> sparse.csr_array:
    matrix = sparse.csr_array(A)
    return sparse.csr_array((matrix.data, matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)))


def corrupted(kind: str, part: str, place: int, value: Any) -> Callable[[], Any]:
    def make() -> Any:
        matrix = sparse.csr_array(A).asformat(kind).copy()
        getattr(matrix, part)[place] = value
        return matrix

    return make


def coo_outside() -> sparse.coo_array:
    matrix = ROW.copy()
    matrix.coords = (matrix.coords[0] + 10**6, matrix.coords[1])
    return matrix


def dia_of_another_shape() -> sparse.dia_array:
    matrix = sparse.dia_array(A)
    matrix.offsets = np.arange(50)
    return matrix


SAME: dict[str, Callable[[], Any]] = {
    "lists of lists": A.tolist,
    "tuples of lists": lambda: tuple(map(list, A)),
    "a list of rows": lambda: list(A),
    "float32": lambda: A.astype(np.float32),
    "float16": lambda: A.astype(np.float16),
    "longdouble": lambda: A.astype(np.longdouble),
    "int8": lambda: A.astype(np.int8),
    "uint8, which would wrap around in a product": lambda: A.astype(np.uint8),
    "uint64": lambda: A.astype(np.uint64),
    "big-endian": lambda: A.astype(">f8"),
    "objects that are numbers": lambda: A.astype(object),
    "fractions and decimals": lambda: np.array(
        [[fractions.Fraction(a), decimal.Decimal(b), int(c)] for a, b, c in A], dtype=object
    ),
    "read-only": read_only,
    "Fortran order": lambda: np.asfortranarray(A),
    "every other row": lambda: np.repeat(A, 2, axis=0)[::2],
    "every other column": lambda: np.repeat(A, 2, axis=1)[:, ::2],
    "negative strides": lambda: A[::-1, ::-1].copy()[::-1, ::-1],
    "unaligned": unaligned,
    "a field of packed records": packed_field,
    "nothing masked": lambda: np.ma.masked_array(A, mask=False),
    "np.matrix": lambda: A.view(np.matrix),
    "a subclass": lambda: A.view(Marked),
    "negative zeros": lambda: np.where(A == 0.0, -0.0, A),
    "a frame": lambda: pd.DataFrame(A, index=range(100, 116)),
    "a frame of several types": lambda: pd.DataFrame(A).astype({0: "int16", 1: "Int64", 2: "Float32"}),
    "a frame with the same name twice": lambda: pd.DataFrame(A, columns=["a", "a", "b"]),
    "a sparse frame": lambda: pd.DataFrame(A).astype(pd.SparseDtype(float, 0.0)),
    "an Arrow table": lambda: pa.table({str(k): column for k, column in enumerate(A.T)}),
    **{f"{kind} array": lambda kind=kind: ROW.asformat(kind) for kind in ("csr", "csc", "bsr", "dia", "lil")},
    "dok array": lambda: sparse.dok_array(A),
    "coo array": lambda: ROW,
    "csr matrix": lambda: sparse.csr_matrix(A),
    "dia matrix": lambda: sparse.dia_matrix(A),
    "sparse int8": lambda: sparse.csc_array(A.astype(np.int8)),
    "sparse longdouble": lambda: sparse.csr_array(A.astype(np.longdouble)),
    "unsorted, with duplicates": unsorted_with_duplicates,
    "int64 indices": wide_indices,
    "explicit zeros": lambda: sparse.csr_array((A.ravel(), np.tile(range(3), 16), np.arange(0, 49, 3))),
    "room to spare": with_room_to_spare,
}

EQUIVALENT: dict[str, tuple[Any, np.ndarray]] = {
    "booleans": (A > 1, (A > 1).astype(float)),
    "a frame of booleans": (pd.DataFrame(A > 1).astype("boolean"), (A > 1).astype(float)),
    "sparse booleans": (sparse.csr_array(A > 1), (A > 1).astype(float)),
    "rows that are one": (np.broadcast_to([[1.0, 0.0, 2.0]], (16, 3)), np.tile([1.0, 0.0, 2.0], (16, 1))),
    "overlapping windows": (
        np.lib.stride_tricks.sliding_window_view(np.arange(18.0) % 5, 3),
        np.array([np.arange(k, k + 3) % 5 for k in range(16)], dtype=float),
    ),
    "a row, n = 1": (A[:1] + 1.0, (A[:1] + 1.0).copy()),
    "a column, d = 1": (A[:, :1], A[:, :1].copy()),
    "fewer rows than columns": (A[:2], A[:2].copy()),
    "a column of zeros": (A * [1.0, 0.0, 1.0], A * [1.0, 0.0, 1.0]),
    "nothing but zeros": (sparse.csr_array((16, 3)), np.zeros((16, 3))),
    "sums of int8 that leave int8": (
        sparse.coo_array(
            (np.full(32, 100, np.int8), (np.repeat(range(16), 2), np.tile(0, 32))), shape=(16, 1)
        ),
        np.full((16, 1), 200.0),
    ),
    "integers near the largest": (
        np.c_[np.full(16, 2**62), A[:, 0].astype(np.int64)],
        np.c_[np.full(16, 2.0**62), A[:, 0]],
    ),
}

NOT_NUMBERS = (TypeError, r"^A must (be|hold) (real|numbers)")
NOT_FINITE = (ValueError, r"^A must be finite")
NO_SPARSE = (ValueError, r"^A is not a valid sparse matrix")

REFUSED: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "NaN": (lambda: with_value(np.nan), NOT_FINITE),
    "infinity": (lambda: with_value(-np.inf), NOT_FINITE),
    "a longdouble beyond float64": (lambda: A * np.longdouble("1e4000"), NOT_FINITE),
    "a sparse longdouble beyond": (lambda: sparse.csr_array(A * np.longdouble("1e4000")), NOT_FINITE),
    "a whole number beyond float64": (
        lambda: with_object(10**400),
        (ValueError, "^A must fit into floating"),
    ),
    "a decimal NaN": (lambda: with_object(decimal.Decimal("NaN")), NOT_FINITE),
    "None inside": (lambda: with_object(None), NOT_FINITE),
    "pd.NA inside": (lambda: with_object(pd.NA), NOT_NUMBERS),
    "a null in an Arrow table": (lambda: pa.table({"a": [None, *A[1:, 0]]}), NOT_FINITE),
    "text inside": (lambda: with_object("3"), NOT_NUMBERS),
    "bytes inside": (lambda: with_object(b"3"), NOT_NUMBERS),
    "a bytearray inside": (lambda: with_object(bytearray(b"3")), NOT_NUMBERS),
    "a single-precision complex number inside": (lambda: with_object(np.complex64(1j)), NOT_NUMBERS),
    "a date inside": (lambda: with_object(datetime.date(2020, 1, 1)), NOT_NUMBERS),
    "a NumPy date inside": (lambda: with_object(np.datetime64("2020")), NOT_NUMBERS),
    "a NumPy duration inside": (lambda: with_object(np.timedelta64(1, "s")), NOT_NUMBERS),
    "an array inside": (lambda: with_object(np.ones(2)), NOT_NUMBERS),
    "text": (lambda: A.astype(str), NOT_NUMBERS),
    "complex": (lambda: A + 0j, NOT_NUMBERS),
    "sparse complex": (lambda: sparse.csc_array(A + 0j), NOT_NUMBERS),
    "void": (lambda: np.zeros((16, 3), "V8"), NOT_NUMBERS),
    "a set": (lambda: {1.0, 2.0}, NOT_NUMBERS),
    "a generator": (lambda: (row for row in A), NOT_NUMBERS),
    "a class": (lambda: np.ndarray, NOT_NUMBERS),
    "a list that holds itself": (lambda: (x := [], x.append(x))[0], (ValueError, "^A must be a rectangular")),
    "ragged lists": (lambda: [[1.0, 2.0, 3.0]] * 15 + [[1.0]], (ValueError, "^A must be a rectangular")),
    "masked": (lambda: np.ma.masked_equal(A, 2.0), (ValueError, "^A has masked entries")),
    "one axis": (lambda: A[:, 0], (ValueError, r"^A must be two-dimensional, got shape \(16,\)")),
    "three axes": (lambda: A[None], (ValueError, r"^A must be two-dimensional, got shape \(1, 16, 3\)")),
    "no axis": (lambda: np.array(1.0), (ValueError, r"^A must be two-dimensional, got shape \(\)")),
    "None": (lambda: None, (ValueError, r"^A must be two-dimensional")),
    "n = 0": (lambda: A[:0], (ValueError, "^A must have at least one row")),
    "d = 0": (lambda: A[:, :0], (ValueError, "^A must have at least one row and one column")),
    "a frame without columns": (lambda: pd.DataFrame(index=range(16)), (ValueError, "^A must have at least")),
    "sparse, d = 0": (lambda: sparse.csr_array((16, 0)), (ValueError, "^A must have at least one row")),
    "a frame with text": (lambda: pd.DataFrame({"x": ["a"] * 16}), (TypeError, "^A must hold .* not: x$")),
    "a frame with categories": (lambda: pd.DataFrame({"x": pd.Categorical(B)}), (TypeError, "^A must.*: x$")),
    "a frame with a missing value": (
        lambda: pd.DataFrame({"x": pd.array([None, *B[1:]], dtype="Float64"), "y": B}),
        (ValueError, "^A (has missing|must be finite)"),
    ),
    "too large to square": (lambda: A * 1e300, (ValueError, r"^A has largest entry 3\.0e\+300")),
    "denormal": (lambda: A * 5e-324, (ValueError, "^A has largest entry")),
    "sparse NaN": (lambda: sparse.csr_array(with_value(np.nan)), NOT_FINITE),
    "csr: a negative index": (corrupted("csr", "indices", 0, -1), NO_SPARSE),
    "csr: an index outside": (corrupted("csr", "indices", 0, 3), NO_SPARSE),
    "csr: rows out of order": (corrupted("csr", "indptr", 3, 10**6), NO_SPARSE),
    "csc: an index outside": (corrupted("csc", "indices", 0, 10**6), NO_SPARSE),
    "bsr: an index outside": (corrupted("bsr", "indices", 0, 10**6), NO_SPARSE),
    "lil: values without index": (corrupted("lil", "rows", 0, [2]), NO_SPARSE),
    "lil: an index outside": (corrupted("lil", "rows", 0, [7, 8, 9]), NO_SPARSE),
    "coo: an index outside": (coo_outside, NO_SPARSE),
    "dia: more offsets than diagonals": (dia_of_another_shape, NO_SPARSE),
}


@pytest.mark.parametrize("kind", SAME)
def test_works_as_the_clean_copy_does(kind):
    given = SAME[kind]()
    assert_same_solution(nk.ExpRegression(given, B), nk.ExpRegression(A, B))
    assert_same_solution(nk.SoftmaxCrossEntropy(given, B), nk.SoftmaxCrossEntropy(A, B))


@pytest.mark.parametrize("kind", EQUIVALENT)
def test_works_as_these_numbers_do(kind):
    given, clean = EQUIVALENT[kind]
    b = B[: len(clean)]
    if kind == "integers near the largest":  # exp of them is out of reach; the softmax does not see them
        given, clean = nk.SoftmaxCrossEntropy(given, b), nk.SoftmaxCrossEntropy(clean, b)
        ours, theirs = nk.minimize(given, max_iter=3), nk.minimize(clean, max_iter=3)
        np.testing.assert_array_equal(ours.x, theirs.x)
        return
    assert_same_solution(nk.ExpRegression(given, b), nk.ExpRegression(clean, b))


def test_works_from_a_memory_map(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, A)
    for mode in ("r", "c"):
        assert_same_solution(nk.ExpRegression(np.load(path, mmap_mode=mode), B), nk.ExpRegression(A, B))


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_by_name(kind):
    make, refusal = REFUSED[kind]
    assert_refused(lambda: nk.ExpRegression(make(), B), refusal)
    if kind != "None":  # which here means the rows of the problem
        problem = nk.SoftmaxRegression(A, B)
        assert_refused(lambda: problem.predict(np.zeros(3), make()), refusal)


def test_the_callers_sparse_matrix_is_left_as_it_was():
    """Checking must not sort, prune or sum what belongs to the caller."""
    for matrix in (
        unsorted_with_duplicates(),
        with_room_to_spare(),
        ROW.asformat("csc"),
        ROW.asformat("bsr"),
    ):
        before = [getattr(matrix, part).copy() for part in ("data", "indices", "indptr")]
        nk.ExpRegression(matrix, B)
        for old, part in zip(before, ("data", "indices", "indptr"), strict=True):
            np.testing.assert_array_equal(old, getattr(matrix, part))


def test_rows_and_their_targets_stay_together_whatever_the_index():
    shuffled = RNG.permutation(16)
    frame, series = pd.DataFrame(A, index=shuffled), pd.Series(B, index=shuffled[::-1])
    assert_same_solution(nk.ExpRegression(frame, series), nk.ExpRegression(A, B))
