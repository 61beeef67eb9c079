"""Blocks of rows and the groups in them: the one unit of work of an outer function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray, IntArray


@dataclass(frozen=True)
class RowBlock:
    """Consecutive rows, and the groups they belong to.

    Attributes
    ----------
    rows : slice
        The rows of the block.
    first_group : int
        The group of its first row.
    starts : ndarray of int, shape (k,)
        Where each of its k groups begins, counted from the block's first row; the first
        group may have begun in an earlier block, the last may go on in the next one.
    compiled : bool
        Whether to use compiled loops: the data are so large that they pay.
    """

    rows: slice
    first_group: int
    starts: IntArray
    compiled: bool = False

    @property
    def groups(self) -> slice:
        """The groups that have rows in the block."""
        return slice(self.first_group, self.first_group + len(self.starts))

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up rows (on the first axis) within each group."""
        if len(self.starts) == 1:
            return np.add.reduce(values, axis=0, keepdims=True)
        return np.add.reduceat(values, self.starts, axis=0)

    def dots(self, *pairs: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Return the inner product of each pair of vectors within each group, shape (k, pairs)."""
        if len(self.starts) == 1:
            return np.array([[np.dot(a, b) for a, b in pairs]])
        return np.stack([np.add.reduceat(a * b, self.starts) for a, b in pairs], axis=1)

    def lowest(self, values: FloatArray) -> FloatArray:
        """Return the least value of each group."""
        if len(self.starts) == 1:
            return np.asarray(np.min(values, keepdims=True))
        return np.minimum.reduceat(values, self.starts)

    def highest(self, values: FloatArray) -> FloatArray:
        """Return the greatest value of each group."""
        if len(self.starts) == 1:
            return np.asarray(np.max(values, keepdims=True))
        return np.maximum.reduceat(values, self.starts)

    def spread(self, per_group: FloatArray) -> FloatArray:
        """Give every row the value of its group, from an array over all groups."""
        local = per_group[self.groups]
        if len(self.starts) == 1:
            return local[0]  # type: ignore[no-any-return]  # a scalar, or a row: it broadcasts
        n_rows = self.rows.stop - self.rows.start
        return np.repeat(local, np.diff(self.starts, append=n_rows), axis=0)


class Groups:
    """A partition of n rows into runs of consecutive rows.

    Parameters
    ----------
    starts : ndarray of int, shape (m,)
        Where each group begins; ``starts[0] == 0``.
    n_rows : int
        The number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Groups
    >>> groups = Groups(np.array([0, 2]), 5)
    >>> len(groups), groups.counts
    (2, array([2, 3]))
    """

    def __init__(self, starts: IntArray, n_rows: int) -> None:
        self.starts = starts
        self.n_rows = n_rows

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def counts(self) -> IntArray:
        """The number of rows in each group, shape (m,)."""
        return np.diff(self.starts, append=self.n_rows)

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up one value for each row within each group, shape (m,)."""
        return np.add.reduceat(values, self.starts)

    @classmethod
    def single(cls, n_rows: int) -> Groups:
        """All rows in one group."""
        return cls(np.zeros(1, dtype=np.intp), n_rows)

    def block(self, rows: slice, *, compiled: bool = False) -> RowBlock:
        """Return the rows of a slice with their groups."""
        first = int(np.searchsorted(self.starts, rows.start, side="right")) - 1
        last = int(np.searchsorted(self.starts, rows.stop, side="left"))
        return RowBlock(rows, first, np.maximum(self.starts[first:last] - rows.start, 0), compiled)

    def blocks(self, slices: Sequence[slice], *, compiled: bool = False) -> tuple[RowBlock, ...]:
        """Return one :class:`RowBlock` for each slice of rows."""
        return tuple(self.block(rows, compiled=compiled) for rows in slices)
