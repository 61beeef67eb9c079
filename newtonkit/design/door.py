"""The door: data of any accepted kind becomes a design matrix, checked once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from newtonkit.design.base import Design, FloatArray
from newtonkit.design.columns import ColumnDesign
from newtonkit.design.dense import DenseDesign
from newtonkit.design.intercept import InterceptDesign
from newtonkit.design.pieces import row_blocks
from newtonkit.design.sparse import SparseDesign
from newtonkit.design.threads import map_blocks

_LEAST_SIZE = 1e-140
# Objects that float() would take, or drop half of, without a word.
_NOT_NUMBERS = (str, bytes, bytearray, complex, np.complexfloating, np.datetime64, np.timedelta64)


def as_design(A: Any, *, fit_intercept: bool = False, name: str = "A") -> Design:
    """Return `A` as a design matrix.

    Parameters
    ----------
    A : array_like, sparse matrix or array, data frame, or Design, shape (n, d)
        Float64 and float32 arrays are used where they lie (C or Fortran order, strided
        rows, read-only); CSR with sorted indices likewise.  Everything else (integers,
        booleans, lists, frames, CSC and other sparse formats) is converted once.
    fit_intercept : bool, default False
        Add a virtual column of ones after the last column.
    name : str, default "A"
        What error messages call the argument.

    Returns
    -------
    Design

    Raises
    ------
    TypeError
        If `A` holds text, objects or complex numbers, or `fit_intercept` is not a boolean.
    ValueError
        If `A` is not two-dimensional, is empty, holds NaN or infinity, is scaled so that
        squares of its entries leave the range of floating-point numbers, or is sparse with
        indices that point outside.

    Examples
    --------
    >>> from newtonkit.design import as_design
    >>> as_design([[1, 2], [3, 4], [5, 6]], fit_intercept=True).shape
    (3, 3)
    """
    intercept = checked_flag(fit_intercept, "fit_intercept")
    if isinstance(A, Design):
        design = A
    elif sparse.issparse(A):
        design = _sparse_design(A, name)
    else:
        design = _dense_design(A, name)
    return InterceptDesign(design) if intercept else design


def as_real_array(values: Any, name: str) -> NDArray[Any]:
    """Return `values` as a float64 or float32 array, refusing what is not numbers."""
    if sparse.issparse(values):
        raise TypeError(f"{name} must be a dense array, got a sparse {type(values).__name__}")
    if hasattr(values, "dtypes") and hasattr(values, "columns"):
        values = _frame_values(values, name)
    refuse_masked(values, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            array = np.asarray(values)
    except (ValueError, TypeError, Warning) as error:
        raise ValueError(f"{name} must be a rectangular array of numbers: {error}") from None
    if array.dtype == object:
        array = _object_values(array, name)
    kind = array.dtype.kind
    if kind == "c":
        raise TypeError(f"{name} must be real, got complex numbers ({array.dtype})")
    if kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got {array.dtype}")
    if array.dtype.kind == "f" and array.dtype.itemsize in (4, 8):
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return array.astype(np.float64)


def refuse_masked(values: Any, name: str) -> None:
    """Refuse masked entries, whose hidden values NumPy would bring back."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries; fill or drop them first")


def checked_flag(value: Any, name: str) -> bool:
    """Return a boolean, refusing everything else that Python takes for true or false."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_vector(values: ArrayLike, name: str, length: int | None = None) -> FloatArray:
    """Return `values` as a finite float64 vector, of the given length if there is one."""
    array = as_real_array(values, name)
    if array.ndim == 2 and array.shape[1] == 1 and length is not None:
        array = array[:, 0]  # a frame of one column
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} must have length {length}, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    return array.astype(np.float64, copy=False)


def checked_weights(sample_weight: ArrayLike, n: int) -> FloatArray:
    """Return weights as a vector, refusing negative ones and all zeros."""
    weights = as_vector(sample_weight, "sample_weight", n)
    if (weights < 0.0).any() or not (weights > 0.0).any():
        raise ValueError("sample_weight must be at least 0, and positive somewhere")
    check_size(float(weights.max()), "sample_weight")
    return weights


def as_bounded_vector(values: ArrayLike, name: str, length: int | None = None) -> FloatArray:
    """Return `values` as :func:`as_vector` does, refusing entries whose squares would overflow."""
    vector = as_vector(values, name, length)
    check_size(float(np.abs(vector).max(initial=0.0)), name, least=0.0)
    return vector


def _frame_values(frame: Any, name: str) -> Any:
    """Take the numbers out of a data frame (pandas' or a lookalike), naming text columns."""
    kinds = zip(frame.columns, frame.dtypes, strict=True)
    refused = [str(column) for column, kind in kinds if not _is_number(kind)]
    if refused:
        raise TypeError(f"{name} must hold numbers, but these columns do not: {', '.join(refused)}")
    values = frame.to_numpy()
    if values.dtype != object:
        return values
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} has missing values; fill or drop them first") from None


def _is_number(kind: Any) -> bool:
    """Tell whether the type of a column is boolean, integer or real."""
    if hasattr(kind, "kind"):  # pandas
        return str(kind.kind) in "biuf"
    return str(kind).startswith(("Bool", "Int", "UInt", "Float"))  # polars


def _object_values(array: NDArray[Any], name: str) -> FloatArray:
    kinds = {type(value) for value in array.ravel()}
    if any(issubclass(kind, _NOT_NUMBERS) for kind in kinds):
        raise TypeError(f"{name} must hold real numbers, got text, dates or complex entries")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must hold numbers: {error}") from None
    except OverflowError as error:
        raise ValueError(f"{name} must fit into floating-point numbers: {error}") from None


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 2:
        raise ValueError(f"{name} must be two-dimensional, got shape {shape}")
    if 0 in shape:
        raise ValueError(f"{name} must have at least one row and one column, got shape {shape}")


def check_size(largest: float, name: str, least: float = _LEAST_SIZE) -> None:
    """Refuse entries that are not finite, and scales at which squares leave the range of floats."""
    if not np.isfinite(largest):
        raise ValueError(f"{name} must be finite, but holds NaN or infinity")
    if largest != 0.0 and not least <= largest <= 1.0 / _LEAST_SIZE:
        raise ValueError(
            f"{name} has largest entry {largest:.1e}; {least:g} to {1 / _LEAST_SIZE:g} is allowed"
        )


def is_in_range(values: FloatArray) -> bool:
    """Tell whether weights or penalties would be accepted: not all 0, and of a size to be squared."""
    largest = float(values.max(initial=0.0))
    return _LEAST_SIZE <= largest <= 1.0 / _LEAST_SIZE


def _dense_design(A: Any, name: str) -> DenseDesign:
    array = as_real_array(A, name)
    _check_shape(array.shape, name)
    item = array.itemsize
    if not any(
        fast == item and slow > 0 and slow % item == 0 and slow >= item
        for fast, slow in (array.strides, array.strides[::-1])
    ):
        array = np.ascontiguousarray(array)  # BLAS wants one axis with unit stride
    largest = map_blocks(lambda block: float(np.abs(array[block]).max()), row_blocks(*array.shape))
    check_size(max(largest, key=lambda size: np.inf if np.isnan(size) else size), name)
    design = DenseDesign(array)
    by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
    return ColumnDesign(array) if by_columns and not design.is_small else design


def _sparse_design(A: Any, name: str) -> SparseDesign:
    _check_shape(A.shape, name)
    if A.dtype.kind == "c":
        raise TypeError(f"{name} must be real, got complex numbers ({A.dtype})")
    if A.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got {A.dtype}")
    try:
        with warnings.catch_warnings(), np.errstate(over="ignore"):
            warnings.simplefilter("error")
            matrix = _as_csr(A)
    except (ValueError, TypeError, IndexError, Warning) as error:
        raise ValueError(f"{name} is not a valid sparse matrix: {error}") from None
    # Not by np.abs: a copy of the entries would be the peak of memory of many a solve.
    check_size(max(float(matrix.data.max(initial=0.0)), -float(matrix.data.min(initial=0.0))), name)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # the caller's matrix is never changed
        matrix.sum_duplicates()
    return SparseDesign(matrix)


def _as_csr(A: Any) -> sparse.csr_array[Any]:
    """Return `A` in compressed rows of floats, its indices checked before anything follows them."""
    _check_indices(A)
    if A.dtype.kind in "iu":
        A = A.astype(np.float64)  # sums of duplicates would wrap around
    matrix = sparse.csr_array(A)
    matrix.check_format(full_check=True)
    return matrix if matrix.dtype in (np.float64, np.float32) else matrix.astype(np.float64)


def _check_indices(A: Any) -> None:
    """Refuse a sparse matrix whose parts do not fit together: SciPy would write beside its arrays."""
    if A.format in ("csc", "bsr"):
        type(A)(A).check_format(full_check=True)
    elif A.format == "dia":
        sparse.dia_array((A.data, A.offsets), shape=A.shape)
    elif A.format == "lil":
        if [len(row) for row in A.rows] != [len(row) for row in A.data]:
            raise ValueError("it does not have a value for every index")
    elif A.format == "coo":
        for indices, length in zip((A.row, A.col), A.shape, strict=True):
            if len(indices) != len(A.data) or indices.min(initial=0) < 0 or indices.max(initial=0) >= length:
                raise ValueError("its indices do not fit its shape or its data")
