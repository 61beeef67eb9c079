"""Columns become numbers, levels or labels; whatever is missing or not a number is named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from newtonkit.shell.mistakes import MistakeError
from newtonkit.shell.reading import DataFile

if TYPE_CHECKING:
    from newtonkit.design import FloatArray

MOST_LEVELS = 1000
Level = str | int | float | bool


def is_text(file: DataFile, name: str) -> bool:
    """Tell whether a column holds text."""
    import pyarrow as pa  # noqa: PLC0415

    kind = file.column(name).type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def numbers(file: DataFile, name: str, hint: str, *, keep_single: bool = False) -> FloatArray:
    """Return a column as finite float64 numbers.

    Parameters
    ----------
    file : DataFile
        The file.
    name : str
        The column.
    hint : str
        What the user can do if it is not numbers.
    keep_single : bool, default False
        Leave float32 numbers float32.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    MistakeError
        If there is no such column, or a value is missing, infinite or no number.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    column, types = file.column(name), pa.types
    kind = column.type
    if is_text(file, name):
        raise MistakeError(f"column {name!r} of {file.name} holds text{first_text(file, name)}; {hint}")
    if not (
        types.is_boolean(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_null(kind)
    ):
        raise MistakeError(f"column {name!r} of {file.name} holds {_in_words(kind)}; {hint}")
    _check_complete(file, name, column)
    if types.is_decimal(kind):
        column = column.cast(pa.string()).cast(pa.float64())  # the direct cast rounds twice
    values: FloatArray = _array(column)
    if not (keep_single and types.is_float32(kind)):
        values = values.astype(np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        what = "missing (NaN)" if np.isnan(values[bad]).all() else "not finite"
        raise MistakeError(
            f"column {name!r} of {file.name} has {_values(int(bad.sum()))} {what}, the first in row {row + 1}"
        )
    return values


def labels(file: DataFile, name: str) -> Any:
    """Return a column as labels of groups, as pandas would hold it; none may be missing."""
    import pyarrow as pa  # noqa: PLC0415

    column, types = file.column(name), pa.types
    if types.is_nested(column.type) or types.is_binary(column.type):
        raise MistakeError(
            f"column {name!r} of {file.name} holds {_in_words(column.type)}, no labels of groups"
        )
    _check_complete(file, name, column)
    if types.is_decimal(column.type) or types.is_time(column.type):
        column = column.cast(pa.string())
    return (
        _array(column)
        if types.is_primitive(column.type) and not types.is_temporal(column.type)
        else column.to_numpy()
    )


def _array(column: Any) -> Any:
    """Return a column of numbers or booleans without missing values as an array.

    ``column.to_numpy()`` would do the same, but imports pandas wherever it is installed.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    return np.concatenate([np.from_dlpack(chunk) for chunk in column.chunks])


def coded_levels(file: DataFile, name: str) -> tuple[Any, list[Level]]:
    """Return for each row which of the distinct values it has, and these values as they come.

    Raises
    ------
    MistakeError
        If values are missing, are neither text nor numbers, or are too many.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    column, types = file.column(name), pa.types
    kind = column.type
    if not (
        is_text(file, name) or types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)
    ):
        raise MistakeError(
            f"column {name!r} of {file.name} holds {_in_words(kind)}; --categorical takes text and numbers"
        )
    _check_complete(file, name, column)
    coded = column.combine_chunks().dictionary_encode()
    levels = coded.dictionary.to_pylist()
    if any(level != level for level in levels):  # noqa: PLR0124  (NaN differs from itself)
        raise MistakeError(f"column {name!r} of {file.name} has missing values (NaN)")
    if any(isinstance(level, float) and math.isinf(level) for level in levels):
        raise MistakeError(f"column {name!r} of {file.name} has levels that are not finite")
    if len(levels) > MOST_LEVELS:
        raise MistakeError(
            f"column {name!r} of {file.name} has {len(levels)} levels; --categorical takes {MOST_LEVELS}"
        )
    return np.from_dlpack(coded.indices).astype(np.intp), levels


def first_text(file: DataFile, name: str) -> str:
    """Return where a column of text has the first value that is no number."""
    for row, value in enumerate(file.column(name).to_pylist(), start=1):
        try:
            float(value)
        except (TypeError, ValueError):
            shown = repr(value) if value is None or len(value) <= 24 else f"{value[:24]!r}..."
            return f" ({shown} in row {row})"
    return ""


def _check_complete(file: DataFile, name: str, column: Any) -> None:
    """Refuse missing values; in a column of text an empty one is missing too."""
    import pyarrow.compute as pc  # noqa: PLC0415

    gone = pc.fill_null(pc.equal(column, ""), True) if is_text(file, name) else column.is_null()
    count = pc.sum(gone).as_py() or 0
    if count:
        row = pc.index(gone, True).as_py() + 1
        raise MistakeError(
            f"column {name!r} of {file.name} has {_values(count)} missing, the first in row {row}; "
            "fill them in, or leave those rows or the column out"
        )


def _values(count: int) -> str:
    return f"{count} value{'s' * (count > 1)}"


def _in_words(kind: Any) -> str:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_temporal(kind):
        return f"dates or times ({kind})"
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "bytes that are not UTF-8 text"
    return f"{kind}, not numbers"
