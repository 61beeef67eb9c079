"""Checks of what a problem is given: points, ridges and choices of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from newtonkit.design import FloatArray, IntArray
from newtonkit.design.door import as_bounded_vector, as_real_array, as_vector, refuse_masked
from newtonkit.problems.rows import Groups

if TYPE_CHECKING:
    from newtonkit.problems.problem import Problem


def as_point(values: ArrayLike, name: str, d: int, most_axes: int = 1) -> NDArray[Any]:
    """Return real numbers of shape (d,), or (d, c) if two axes are allowed, as they are."""
    refuse_masked(values, name)
    try:
        point = np.asarray(values)
    except ValueError:
        raise ValueError(f"{name} must have shape ({d},), but is not rectangular") from None
    if point.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, got {point.dtype}")
    if point.shape[:1] != (d,) or point.ndim > most_axes:
        raise ValueError(f"{name} must have shape ({d},), got {point.shape}")
    return point


def ridge_vector(ridge: ArrayLike, d: int, fit_intercept: bool) -> FloatArray:
    """Return the penalty of each coefficient, shape (d,), from a scalar or an array."""
    values = as_real_array(ridge, "ridge")
    if values.ndim == 0:
        vector = np.full(d, as_bounded_vector(values[None], "ridge")[0])
        if fit_intercept:
            vector[-1] = 0.0
    else:
        vector = as_bounded_vector(values, "ridge")
        if fit_intercept and len(vector) == d - 1:
            vector = np.append(vector, 0.0)
        vector = as_vector(vector, "ridge", d)
    if (vector < 0.0).any():
        raise ValueError(f"ridge must be at least 0, got {vector.min()}")
    return vector


def chosen_rows(rows: ArrayLike, problem: Problem) -> tuple[IntArray, Groups, IntArray, IntArray | None]:
    """Return which rows of the design are meant, their groups, which groups these are, and their order.

    The order is None where the rows come as they were given; else it says where each of them
    was, as in ``problem.row_order``.
    """
    n, groups = problem.design.shape[0], problem.outer.groups
    indices = _as_indices(rows, n)
    if problem.row_order is not None:
        place = np.empty(n, dtype=np.intp)
        place[problem.row_order] = np.arange(n)
        indices = place[indices]
    if problem.outer.is_sum_over_rows:
        return indices, Groups.single(len(indices)), np.zeros(1, dtype=np.intp), None
    group_of = np.searchsorted(groups.starts, indices, side="right") - 1
    kept, counts = np.unique(group_of, return_counts=True)
    if (counts != groups.counts[kept]).any():
        what = "all rows are in one group" if len(groups) == 1 else "some are torn"
        raise ValueError(f"rows must hold whole groups, but {what}")
    order = np.argsort(group_of, kind="stable")
    own = None if (order == np.arange(len(order))).all() else order
    return indices[order], Groups(np.cumsum(counts) - counts, len(indices)), kept, own


def _as_indices(rows: ArrayLike, n: int) -> IntArray:
    refuse_masked(rows, "rows")
    array = np.asarray(rows)
    if array.ndim != 1 or array.dtype.kind not in "biu":
        raise TypeError(f"rows must be integers, or a boolean for each row, got {array.dtype} {array.shape}")
    if array.dtype.kind == "b":
        if len(array) != n:
            raise ValueError(f"rows must have shape ({n},) where it is boolean, got {array.shape}")
        array = np.flatnonzero(array)
    if not len(array):
        raise ValueError("rows must hold at least one row")
    if (array < 0).any() or (array >= n).any():
        raise ValueError(f"rows must be from 0 to {n - 1}, got {array.min()} to {array.max()}")
    if len(np.unique(array)) != len(array):
        raise ValueError("rows must not hold a row twice")
    return array.astype(np.intp)
