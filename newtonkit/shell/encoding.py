"""Which columns of a file are the design, and how they become its numbers, now and when predicting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newtonkit.shell.arguments import Wish
from newtonkit.shell.columns import Level, coded_levels, first_text, is_text, numbers
from newtonkit.shell.mistakes import MistakeError, listed
from newtonkit.shell.reading import DataFile

if TYPE_CHECKING:
    from newtonkit.design import FloatArray


@dataclass(frozen=True)
class Encoding:
    """From columns to a design matrix.

    Attributes
    ----------
    columns : tuple of str
        The columns of the file, in order.
    levels : mapping of str to tuple
        The levels of those that are categorical, sorted; the first has no column of its own.
    means, scales : tuple of float or None
        What is taken off each column of the design, and what it is then divided by.
    """

    columns: tuple[str, ...]
    levels: Mapping[str, tuple[Level, ...]]
    means: tuple[float, ...] | None = None
    scales: tuple[float, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns of the design: ``age``, or ``region=north`` for a level."""
        found: list[str] = []
        for column in self.columns:
            if column in self.levels:
                found += [f"{column}={level}" for level in self.levels[column][1:]]
            else:
                found.append(column)
        return tuple(found)

    @property
    def levels_of_text(self) -> tuple[str, ...]:
        """The columns whose levels are text: they stay text where all of a file looks like numbers."""
        return tuple(c for c, levels in self.levels.items() if all(isinstance(k, str) for k in levels))

    def matrix(self, file: DataFile, hint: str) -> FloatArray:
        """Return the design matrix of a file, shape (n, d).

        Raises
        ------
        MistakeError
            If a column is missing or has a value that the encoding has no place for.
        """
        plain = _filled(file, self.columns, self.levels, hint)
        return plain if self.means is None else _standardised(plain, self.means, self.scales or ())


def fitted_encoding(file: DataFile, wish: Wish, uses: Mapping[str, str]) -> tuple[Encoding, FloatArray]:
    """Return the encoding of a file as it is wished, and the design matrix.

    Parameters
    ----------
    file : DataFile
        The file.
    wish : Wish
        What the options ask for.
    uses : mapping of str to str
        The columns that have another use, with that use.

    Raises
    ------
    MistakeError
        If columns are missing, are no numbers, are constant and to be standardised, or are none.
    """
    for column in (*wish.drop, *wish.categorical):
        file.column(column)
    if wish.features is None:
        columns = tuple(name for name in file.names if name not in uses and name not in wish.drop)
        if "" in columns:
            raise MistakeError(
                f"column {file.names.index('') + 1} of {file.name} has no name; leave it out by --drop '', "
                "or choose the --features"
            )
    else:
        columns = wish.features
    if not columns:
        raise MistakeError(f"{file.name} has no column left to be a feature")
    _refuse_text(file, [c for c in columns if c not in wish.categorical and is_text(file, c)])
    levels = {column: _sorted_levels(file, column) for column in columns if column in wish.categorical}
    encoding = Encoding(columns, levels)
    names = encoding.names
    if len(set(names)) < len(names):
        twice = listed(repr(name) for name in dict.fromkeys(names) if names.count(name) > 1)
        raise MistakeError(f"the levels of --categorical give more than one column called {twice}")
    plain = _filled(file, columns, levels, "leave it out by --drop, or choose the --features")
    if not wish.standardise:
        return encoding, plain
    means, scales = _means_and_scales(plain, names)
    return Encoding(columns, levels, means, scales), _standardised(plain, means, scales)


def _refuse_text(file: DataFile, columns: list[str]) -> None:
    if not columns:
        return
    shown = listed(map(repr, columns), most=99)
    where = first_text(file, columns[0]) if len(columns) == 1 else ""
    options = " ".join(column if column.isidentifier() else repr(column) for column in columns)
    one = len(columns) == 1
    raise MistakeError(
        f"column{'' if one else 's'} {shown} of {file.name} hold{'s' if one else ''} text{where}: "
        f"make numbers of {'it' if one else 'them'} by --categorical {options}, "
        f"or leave {'it' if one else 'them'} out by --drop {options}"
    )


def _sorted_levels(file: DataFile, column: str) -> tuple[Level, ...]:
    found = sorted(coded_levels(file, column)[1])
    if len(found) == 1:
        raise MistakeError(
            f"column {column!r} of {file.name} has one level only, {found[0]!r}; leave it out by --drop"
        )
    return tuple(found)


def _filled(
    file: DataFile, columns: tuple[str, ...], levels: Mapping[str, tuple[Level, ...]], hint: str
) -> FloatArray:
    """Return the design matrix before it is standardised."""
    import numpy as np  # noqa: PLC0415

    parts = [
        _one_hot(file, column, levels[column])
        if column in levels
        else numbers(file, column, hint, keep_single=True)[:, None]
        for column in columns
    ]
    matrix = np.empty((file.n_rows, sum(part.shape[1] for part in parts)), np.result_type(*parts))
    at = 0
    for part in parts:
        matrix[:, at : at + part.shape[1]] = part
        at += part.shape[1]
    return matrix


def _one_hot(file: DataFile, column: str, levels: tuple[Level, ...]) -> FloatArray:
    import numpy as np  # noqa: PLC0415

    codes, found = coded_levels(file, column)
    place = {level: k for k, level in enumerate(levels)}
    unknown = [level for level in found if level not in place]
    if unknown:
        row = int(np.argmax(codes == found.index(unknown[0]))) + 1
        raise MistakeError(
            f"column {column!r} of {file.name} has the level {unknown[0]!r} (row {row}), "
            f"which the solution does not know; it knows {listed(map(repr, levels))}"
        )
    own = np.array([place[level] for level in found])[codes]
    columns: FloatArray = (own[:, None] == np.arange(1, len(levels))).astype(np.float64)
    return columns


def _means_and_scales(
    matrix: FloatArray, names: tuple[str, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    import numpy as np  # noqa: PLC0415

    with np.errstate(over="ignore", invalid="ignore"):
        means, scales = matrix.mean(axis=0, dtype=np.float64), matrix.std(axis=0, dtype=np.float64)
    varying = (matrix.max(axis=0) > matrix.min(axis=0)) & (scales > 0.0)
    if not varying.all():
        constant = [name for name, varies in zip(names, varying, strict=True) if not varies]
        raise MistakeError(
            f"--standardise cannot bring what is constant to variance 1: leave {listed(constant, most=99)} "
            "out by --drop"
        )
    if not np.isfinite(scales).all():
        raise MistakeError("the features are too large for --standardise: their squares overflow")
    return tuple(means.tolist()), tuple(scales.tolist())


def _standardised(matrix: FloatArray, means: tuple[float, ...], scales: tuple[float, ...]) -> FloatArray:
    import numpy as np  # noqa: PLC0415

    out: FloatArray = (matrix - np.array(means)) / np.array(scales)
    return out
