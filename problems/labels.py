"""Labels of groups: any kind of label, in any order, becomes runs of consecutive rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import IntArray
from newtonkit.design.door import refuse_masked
from newtonkit.problems.rows import Groups


def _numbered(labels: NDArray[np.object_], name: str) -> IntArray:
    """Return numbers for labels of any kind, in the order in which they appear."""
    numbers: dict[Any, int] = {}
    codes = np.empty(len(labels), dtype=np.intp)
    for row, label in enumerate(labels):
        same = label == label  # noqa: PLR0124  (NaN and its like differ from themselves)
        if label is None or not isinstance(same, bool | np.bool_) or not same:
            raise ValueError(f"{name} must have a label for every row, but some are missing")
        try:
            codes[row] = numbers.setdefault(label, len(numbers))
        except TypeError:
            raise TypeError(f"{name} must have labels that can be hashed, got {label!r}") from None
    return codes


def sorted_by_group(labels: Any, n_rows: int, name: str = "groups") -> tuple[Groups, IntArray | None]:
    """Return the groups of rows, and the order that makes each one consecutive if need be.

    Raises
    ------
    TypeError
        If a label cannot be hashed.
    ValueError
        If `labels` is not one label for each row, or a label is missing.
    """
    refuse_masked(labels, name)
    try:
        array = np.asarray(labels)
    except ValueError:
        raise ValueError(f"{name} must have shape ({n_rows},), but is not rectangular") from None
    if array.dtype.kind == "T" or (array.dtype.kind in "US" and isinstance(labels, list | tuple)):
        array = np.array(labels, dtype=object)  # where not all was text, None and NaN must not become it
    if array.shape != (n_rows,):
        raise ValueError(f"{name} must have shape ({n_rows},), got {array.shape}")
    if array.dtype == object:
        array = _numbered(array, name)
    elif array.dtype.kind in "fcmM" and np.isnan(array).any():
        raise ValueError(f"{name} must have a label for every row, but some are missing")
    starts = np.flatnonzero(np.append(True, array[1:] != array[:-1]))
    _, codes = np.unique(array, return_inverse=True)
    if len(starts) == codes.max() + 1:
        return Groups(starts, n_rows), None
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    return Groups(np.concatenate(([0], np.cumsum(sizes)[:-1])), n_rows), order
