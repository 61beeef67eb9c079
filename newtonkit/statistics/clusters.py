"""Clusters of rows that may have errors in common, in the order that a problem keeps its rows in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from newtonkit.design import IntArray
from newtonkit.problems.labels import sorted_by_group
from newtonkit.problems.problem import Problem
from newtonkit.problems.rows import Groups


@dataclass(frozen=True)
class Clusters:
    """A partition of the rows of a problem.

    Attributes
    ----------
    numbers : ndarray of int, shape (n,)
        The cluster of each row.
    runs : Groups
        Runs of rows, once the rows are in `order`.
    order : ndarray of int, shape (n,), or None
        The rows cluster by cluster; None where they are so already.
    """

    numbers: IntArray
    runs: Groups
    order: IntArray | None

    @classmethod
    def of(cls, labels: ArrayLike, problem: Problem) -> Clusters:
        """Return the clusters from labels in the caller's order of rows.

        Raises
        ------
        TypeError
            If a label cannot be hashed.
        ValueError
            If there is not one label for each row, one is missing, or a group of the problem has
            several.
        """
        n = problem.design.shape[0]
        runs, order = sorted_by_group(labels, n, "clusters")
        numbers = np.repeat(np.arange(len(runs)), runs.counts)
        if order is not None:
            numbers[order] = numbers.copy()
        row_order = getattr(problem, "row_order", None)
        if row_order is not None:
            numbers = numbers[row_order]
            runs, order = sorted_by_group(numbers, n)
        groups = problem.outer.groups
        if len(groups) > 1:
            lowest = np.minimum.reduceat(numbers, groups.starts)
            if (lowest != np.maximum.reduceat(numbers, groups.starts)).any():
                raise ValueError("clusters must be constant within each of the groups")
        return cls(numbers, runs, order)

    def count(self, counted: NDArray[np.bool_]) -> int:
        """Return the number of clusters with rows that count, refusing less than two."""
        number = len(np.unique(self.numbers[counted]))
        if number < 2:
            raise ValueError(f"clusters must be at least 2, got {number}")
        return number
