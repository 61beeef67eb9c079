"""Folds: which rows are held out together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray, IntArray
from newtonkit.problems import Problem
from newtonkit.problems.labels import sorted_by_group


def folds_of(
    problem: Problem, folds: Any, groups: ArrayLike | None, rng: np.random.Generator
) -> list[IntArray]:
    """Return the rows of each fold, in the caller's order.

    Parameters
    ----------
    problem : Problem
        What the rows belong to.
    folds : int, or array_like of int with shape (n,)
        How many, or the fold of each row.
    groups : array_like of shape (n,), optional
        Labels of what is held out together, beside the groups of the problem.
    rng : Generator
        What draws them.
    """
    units = _units(problem, groups)
    n_units = int(units.max()) + 1
    if isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        if not 2 <= folds <= n_units:
            raise ValueError(
                f"folds must be from 2 to {n_units}, the number of what is held out, got {folds}"
            )
        of_unit = rng.permutation(np.arange(n_units) % int(folds))
        numbers = of_unit[units]
    else:
        numbers = _given_folds(folds, units)
    return [np.flatnonzero(numbers == fold) for fold in np.unique(numbers)]


def _units(problem: Problem, groups: ArrayLike | None) -> IntArray:
    """Return the number of what each row is held out with, in the caller's order."""
    n, outer = problem.design.shape[0], problem.outer
    own = np.arange(n)
    if not outer.is_sum_over_rows:
        if len(outer.groups) == 1:
            raise ValueError(
                "problem has all rows in one group: every prediction depends on all of them, and none can be "
                "held out; give the problem groups"
            )
        own = np.repeat(np.arange(len(outer.groups)), outer.groups.counts)
        if problem.row_order is not None:
            own[problem.row_order] = own.copy()
    if groups is None:
        return own
    found, order = sorted_by_group(groups, n)
    labels = np.repeat(np.arange(len(found)), found.counts)
    if order is not None:
        labels[order] = labels.copy()
    first = np.full(int(own.max()) + 1, -1)
    first[own] = labels
    if (first[own] != labels).any():
        raise ValueError("groups must not tear the groups of the problem")
    return labels


def _given_folds(folds: Any, units: IntArray) -> IntArray:
    numbers = np.asarray(folds)
    if numbers.shape != units.shape or numbers.dtype.kind not in "iu":
        raise TypeError(f"folds must be an integer, or integers of shape {units.shape}, got {folds!r}")
    if len(np.unique(numbers)) < 2:
        raise ValueError("folds must be at least 2, but all rows are in one")
    first = np.zeros(int(units.max()) + 1, dtype=numbers.dtype)
    first[units] = numbers
    if (first[units] != numbers).any():
        raise ValueError("folds must not tear what is held out together")
    return np.asarray(numbers, dtype=np.intp)


def row_amounts(problem: Problem) -> FloatArray:
    """Return how much each row counts, in the caller's order: rows, or groups, by their multiplicity.

    A group counts as its weight, spread over its rows.
    """
    outer: Any = problem.outer
    if outer.is_sum_over_rows:
        weights = outer.row_weights
        return np.ones(problem.design.shape[0]) if weights is None else np.array(weights)
    counts = outer.groups.counts
    spread: FloatArray = np.repeat(outer.group_weights / counts, counts)
    if problem.row_order is not None:
        spread[problem.row_order] = spread.copy()
    return spread
