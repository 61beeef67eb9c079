"""What design matrices refuse, and what they leave alone."""

import copy
import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from newtonkit.design import as_design
from newtonkit.design.door import as_vector
from tests.test_design import FLOAT32_FORMS, FLOAT64_FORMS, example, tall

GOOD = [[1.0, 2.0], [3.0, 4.0]]


def with_entry(entry: Any, dtype: Any = np.float64) -> np.ndarray:
    a = np.array(GOOD).astype(dtype)
    a[1, 0] = entry
    return a


def masked() -> np.ma.MaskedArray:
    return np.ma.masked_equal(np.array(GOOD), 3.0)


NOT_NUMBERS: dict[str, Any] = {
    "strings": [["a", "b"], ["c", "d"]],
    "digits as text": [["1", "2"], ["3", "4"]],
    "bytes": np.array([[b"1"], [b"2"]]),
    "an object": [[object()], [object()]],
    "objects with text": np.array([[1.0, "a"], [2.0, 3.0]], dtype=object),
    "complex": np.array(GOOD) + 0j,
    "objects with complex": np.array([[1j, 1.0]], dtype=object),
    "sparse complex": sparse.csr_array(np.array(GOOD) + 0j),
    "dates": np.array([["2020-01-01"], ["2021-01-01"]], dtype="datetime64[D]"),
    "durations": np.array([[1], [2]], dtype="timedelta64[s]"),
    "a dictionary": {"a": 1},
    "records": np.array([(1.0, 2)], dtype=[("a", float), ("b", int)]),
}

BAD_VALUES: dict[str, Any] = {
    "NaN": with_entry(np.nan),
    "infinity": with_entry(np.inf),
    "minus infinity": with_entry(-np.inf),
    "float32 NaN": with_entry(np.nan, np.float32),
    "sparse NaN": sparse.csr_array(with_entry(np.nan)),
    "sparse infinity": sparse.coo_array(with_entry(np.inf)),
    "masked": masked(),
    "frame with NaN": pd.DataFrame(with_entry(np.nan)),
    "frame with missing values": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1.0, 2.0]}),
    "objects with None": np.array([[1.0, None], [2.0, 3.0]], dtype=object),
    "None": None,
    "a number": 3.0,
    "one dimension": [1.0, 2.0],
    "three dimensions": np.ones((2, 2, 2)),
    "sparse of one dimension": sparse.coo_array(np.array([1.0, 2.0])),
    "a series": pd.Series([1.0, 2.0]),
    "no rows": np.ones((0, 3)),
    "no columns": np.ones((3, 0)),
    "sparse without rows": sparse.csr_array((0, 3)),
    "an empty list": [],
    "ragged lists": [[1.0, 2.0], [3.0]],
}


@pytest.mark.parametrize("case", NOT_NUMBERS)
def test_what_is_not_numbers_is_refused_by_name(case: str) -> None:
    with pytest.raises(TypeError, match=r"\bdata\b"):
        as_design(NOT_NUMBERS[case], name="data")


@pytest.mark.parametrize("case", BAD_VALUES)
def test_bad_values_and_shapes_are_refused_by_name(case: str) -> None:
    with pytest.raises(ValueError, match=r"\bdata\b"):
        as_design(BAD_VALUES[case], name="data")


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (0, 3)])
def test_a_bad_shape_is_quoted(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        as_design(np.ones(shape))


def test_one_nan_in_the_last_block_is_found() -> None:
    a = tall(150_000, 3, 1.0)
    a[-1, -1] = np.nan
    for container in (np.asarray, np.asfortranarray, sparse.csr_array):
        with pytest.raises(ValueError, match="A must be finite"):
            as_design(container(a))


@pytest.mark.parametrize(
    "column",
    [
        ["x", "y"],
        pd.Categorical(["x", "y"]),
        pd.to_datetime(["2020-01-01", "2021-01-01"]),
        pd.to_timedelta([1, 2], unit="s"),
        pd.period_range("2020", periods=2, freq="D"),
        [1j, 2j],
        [{}, {}],
    ],
    ids=["text", "category", "date", "duration", "period", "complex", "object"],
)
def test_frames_name_the_columns_that_are_not_numbers(column: Any) -> None:
    frame = pd.DataFrame({"fine": [1.0, 2.0], "the culprit": column})
    with pytest.raises(TypeError, match=r"A must hold numbers.*the culprit") as caught:
        as_design(frame)
    assert "fine" not in str(caught.value)


class OtherFrame:
    """A data frame of another library, whose types are known by their names alone."""

    def __init__(self, *dtypes: str) -> None:
        self.columns, self.dtypes = [f"column {k}" for k in range(len(dtypes))], list(dtypes)

    def to_numpy(self) -> np.ndarray:
        return np.arange(2.0 * len(self.columns)).reshape(2, -1)


def test_frames_of_other_libraries() -> None:
    assert as_design(OtherFrame("Int64", "UInt8", "Float32", "Boolean")).shape == (2, 4)
    with pytest.raises(TypeError, match="these columns do not: column 1, column 2"):
        as_design(OtherFrame("Int64", "String", "Datetime(time_unit='us')"))


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (["a", "b"], TypeError),
        ([1j, 2.0], TypeError),
        (sparse.csr_array([[1.0, 2.0]]), TypeError),
        ([1.0, np.nan], ValueError),
        ([1.0, np.inf], ValueError),
        ([[1.0, 2.0]], ValueError),
        ([1.0, 2.0, 3.0], ValueError),
        (1.0, ValueError),
        (np.ma.masked_equal([1.0, 2.0], 2.0), ValueError),
    ],
)
def test_vectors_are_refused_by_name(values: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"\btarget\b"):
        as_vector(values, "target", 2)


@pytest.mark.parametrize(
    "values",
    [
        (1, 2),
        pd.Series([1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        pd.DataFrame({"only": [1, 2]}),
        np.array([[1.0], [2.0]]),
        np.array([1, 2], dtype=">i2"),
        np.array([1.0, 2.0], dtype=np.float32),
        np.array([2.0, 1.0])[::-1],
    ],
)
def test_vectors_of_many_kinds(values: Any) -> None:
    vector = as_vector(values, "target", 2)
    assert vector.dtype == np.float64
    assert vector.dtype.isnative
    np.testing.assert_array_equal(vector, [1.0, 2.0])


def parts(data: Any) -> list[np.ndarray]:
    """Every array that holds a piece of the caller's data."""
    if sparse.issparse(data):
        names = ("data", "indices", "indptr", "row", "col", "offsets", "rows")
        return [np.asarray(getattr(data, name)) for name in names if hasattr(data, name)]
    return [np.asarray(data)]


UNSAFE = {**FLOAT64_FORMS, **{f"float32 {name}": form for name, form in FLOAT32_FORMS.items()}}


@pytest.mark.parametrize("form", [name for name in UNSAFE if name != "Design"])
def test_the_callers_data_is_never_changed(form: str) -> None:
    data = UNSAFE[form](example())
    before, state = copy.deepcopy(parts(data)), pickle.dumps(data)
    design = as_design(data, fit_intercept=True)
    design.sandwich(np.linspace(-1.0, 1.0, 9))
    design.transposed_product(np.ones(9))
    design.square_transposed_product(np.ones(9))
    design.block_group_sums(design.blocks[0], np.ones((9, 1)), np.array([0, 4]))
    assert design.row_norms.max() > 0.0
    for old, new in zip(before, parts(data), strict=True):
        assert old.dtype == new.dtype
        np.testing.assert_array_equal(old, new)
    if not sparse.issparse(data):  # sparse matrices remember what they found out about themselves
        assert pickle.dumps(data) == state


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dense_data_is_used_where_it_lies(dtype: type, order: str) -> None:
    larger = np.asarray(np.ones((8, 3)), dtype=dtype, order=order)
    strided = larger[::2] if order == "C" else larger[:, ::2]  # the other axis keeps its unit stride
    for view in (larger, strided, larger[:, 1:], larger[2:5], larger.T):
        design = as_design(view, fit_intercept=True)
        assert np.shares_memory(design._inner._array, view)  # type: ignore[attr-defined]
        assert design.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
def test_sorted_csr_data_is_used_where_it_lies(dtype: type, container: Callable[..., Any]) -> None:
    matrix = container(example().astype(dtype))
    design = as_design(matrix)
    assert np.shares_memory(design._matrix.data, matrix.data)  # type: ignore[attr-defined]
    assert design.dtype == dtype


def test_no_operation_copies_large_float32_data_as_a_whole() -> None:
    a = np.ones((400_000, 4), dtype=np.float32)
    design = as_design(a)
    x, v = np.ones(4), np.ones(len(a))
    tracemalloc.start()
    design.transposed_product(v)
    design.square_transposed_product(v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * a.nbytes, "a float64 copy would be twice the size of the data"
    np.testing.assert_array_equal(design.product(x), 4.0)
