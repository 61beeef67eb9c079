"""Files become tables: CSV, TSV, Parquet and NPZ, each mistake in one line."""

from __future__ import annotations

import gzip
import os
import re
import zipfile
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newtonkit.shell.mistakes import MistakeError, listed, suggestion

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".npz")
_ARRAYS = ("b", "groups", "sample_weight", "offset")
_SNIFFED = 4096
_LONGEST_MESSAGE = 160


@dataclass(frozen=True)
class DataFile:
    """A file that has been read.

    Attributes
    ----------
    name : str
        The file, as the user called it.
    table : pyarrow.Table
        Its columns, each name once.
    is_matrix : bool
        Whether it was an NPZ file with arrays A and b, whose other arrays have their uses by
        their names.
    """

    name: str
    table: Any
    is_matrix: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self.table.num_rows)

    def column(self, name: str) -> Any:
        """Return a column as a ``pyarrow.ChunkedArray``, dictionaries decoded and views resolved.

        Raises
        ------
        MistakeError
            If there is no such column.
        """
        import pyarrow as pa  # noqa: PLC0415

        if name not in self.names:
            raise MistakeError(f"{self.name} has no column {name!r}{suggestion(name, self.names)}")
        column = self.table.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        # Much of pyarrow computes with plain text alone.
        return column.cast(pa.large_string()) if pa.types.is_string_view(column.type) else column


def read(path: str, text: Collection[str] = ()) -> DataFile:
    """Read a file, by the end of its name.

    Parameters
    ----------
    path : str
        A file whose name ends in one of SUFFIXES.
    text : collection of str, default ()
        Columns that CSV and TSV files are to be read as text, even if all of it looks like
        numbers or dates.

    Returns
    -------
    DataFile

    Raises
    ------
    MistakeError
        If there is no such file, or it is not what its name says, or holds no rows, or
        names a column twice.
    """
    kind = _suffix(path)
    _check_readable(path)
    is_matrix = False
    if kind == ".parquet":
        table = _parquet(path)
    elif kind == ".npz":
        table, is_matrix = _npz(path)
    else:
        table = _text(path, "\t" if kind.startswith(".tsv") else ",", text)
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise MistakeError(f"{path} has more than one column called {listed(map(repr, twice))}")
    if table.num_rows == 0:
        raise MistakeError(f"{path} has no rows below its header")
    return DataFile(path, table, is_matrix)


def _suffix(path: str) -> str:
    lower = path.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return suffix
    if os.path.exists(path) and not os.path.isdir(path):
        raise MistakeError(f"cannot tell what {path} is: its name must end in {listed(SUFFIXES, 'or')}")
    return ""


def _check_readable(path: str) -> None:
    if Path(path).is_dir():
        raise MistakeError(f"cannot read {path}: it is a directory")
    try:
        with open(path, "rb") as file:
            first = file.read(1)
    except (OSError, ValueError) as error:
        raise MistakeError(f"cannot read {path}: {getattr(error, 'strerror', error)}") from error
    if not first:
        raise MistakeError(f"{path} is empty")
    if any("\ud800" <= letter <= "\udfff" for letter in path):
        # What stands for bytes that are no letters; pyarrow opens no such file.
        raise MistakeError(f"cannot read {path}: its name is not UTF-8")


def _text(path: str, delimiter: str, text: Collection[str]) -> Any:
    from pyarrow import csv, lib, string  # noqa: PLC0415

    try:
        with gzip.open(path) if path.lower().endswith(".gz") else open(path, "rb") as file:
            if b"\0" in file.read(_SNIFFED):
                raise MistakeError(f"{path} is not a text file")
        options = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
        types = csv.ConvertOptions(column_types=dict.fromkeys(text, string()))
        table = csv.read_csv(path, parse_options=options, convert_options=types)
        _ = table.column_names  # the header is decoded only here
    except UnicodeDecodeError as error:
        raise MistakeError(f"the header of {path} is not UTF-8 text") from error
    except (lib.ArrowException, EOFError, OSError) as error:
        raise MistakeError(f"cannot read {path}: {_parse_error(str(error), delimiter)}") from error
    return table


def _parse_error(message: str, delimiter: str) -> str:
    """Return a message of the CSV reader without the rows that it quotes."""
    if "Empty CSV" in message:
        return "it is empty"
    ragged = re.search(r"Expected (\d+) columns, got (\d+)", message)
    if ragged:
        apart = f"; columns are separated by {'tabs' if delimiter == chr(9) else 'commas'}"
        one = ragged[1] == "1"
        return f"its header has {ragged[1]} column{'s' * (not one)}, but a row has {ragged[2]}{apart * one}"
    return _short(message)


def _short(message: str) -> str:
    line = "".join(c if c.isprintable() else "?" for c in message.splitlines()[0])
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}..."


def _parquet(path: str) -> Any:
    from pyarrow import lib, parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except (lib.ArrowException, OSError, UnicodeDecodeError) as error:
        raise MistakeError(f"cannot read {path} as Parquet: {_short(str(error))}") from error
    # Where pandas kept an index that has no name, it is no column of the data.
    return table.drop_columns([n for n in table.column_names if re.fullmatch(r"__index_level_\d+__", n)])


def _npz(path: str) -> tuple[Any, bool]:
    import numpy as np  # noqa: PLC0415

    if not zipfile.is_zipfile(path):
        raise MistakeError(f"{path} is not an NPZ file")
    arrays = {}
    name = ""
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                arrays[name] = file[name]
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise MistakeError(
                f"array {name!r} of {path} holds Python objects, which are not read: they could run code"
            ) from error
        raise MistakeError(f"cannot read array {name!r} of {path}: {_short(str(error))}") from error
    except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, SyntaxError) as error:
        raise MistakeError(f"cannot read {path}: {_short(str(error) or 'it is cut off')}") from error
    is_matrix = "A" in arrays and getattr(arrays["A"], "ndim", 0) == 2
    if is_matrix:
        arrays = _columns_of_matrix(path, arrays)
    return _table_of_arrays(path, arrays), is_matrix


def _columns_of_matrix(path: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return A by its columns x1 ... xd, and what stands beside it."""
    matrix = arrays.pop("A")
    unknown = [name for name in arrays if name not in _ARRAYS]
    if unknown:
        raise MistakeError(
            f"{path} has an array A, beside which {listed(_ARRAYS, 'and')} have a meaning, "
            f"but {listed(map(repr, unknown))} {'has' if len(unknown) == 1 else 'have'} none"
        )
    return {f"x{k + 1}": matrix[:, k] for k in range(matrix.shape[1])} | arrays


def _table_of_arrays(path: str, arrays: dict[str, Any]) -> Any:
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if not arrays:
        raise MistakeError(f"{path} holds no arrays")
    columns = {}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.ndim != 1:
            raise MistakeError(
                f"array {name!r} of {path} has shape {np.shape(array)}; "
                "give one array of shape (n,) for each column, or A of shape (n, d) and b of shape (n,)"
            )
        if array.dtype.kind not in "biufUM":
            raise MistakeError(f"array {name!r} of {path} holds {array.dtype}, not numbers or text")
        try:
            columns[name] = pa.array(array.astype(_known_to_arrow(array.dtype), copy=False))
        except UnicodeDecodeError as error:
            raise MistakeError(f"array {name!r} of {path} holds text that is not Unicode") from error
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        shown = listed(f"{name!r} {length}" for name, length in lengths.items())
        raise MistakeError(f"the arrays of {path} differ in length: {shown}")
    return pa.table(columns)


def _known_to_arrow(dtype: Any) -> Any:
    """Return the type nearest to a type of NumPy that pyarrow has too."""
    import numpy as np  # noqa: PLC0415

    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float64)
    if dtype.kind == "M" and np.datetime_data(dtype)[0] not in ("D", "s", "ms", "us", "ns"):
        return np.dtype("M8[s]")
    return dtype.newbyteorder("=")
