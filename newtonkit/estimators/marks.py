"""Marks of what was chosen: two labels, and one row of each group."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from newtonkit.design import FloatArray
from newtonkit.estimators.grouping import Grouping


def two_labels(y: NDArray[Any]) -> NDArray[Any]:
    """Return the labels of the rows that count, refusing more or fewer than two."""
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(f"y must have two classes, but the rows that count have one class: {classes[0]}")
    return classes


def number_of_choices(taken: FloatArray, grouping: Grouping, weights: FloatArray | None) -> float:
    """Return how many choices there are, each as often as it counts, refusing those without one row taken."""
    counts = np.ones(len(grouping)) if weights is None else grouping.first(weights)
    numbers = grouping.sums(taken)
    odd = numbers[(counts > 0.0) & (numbers != 1.0)]
    if len(odd):
        raise ValueError(
            f"y must mark one row of each of the groups as taken, but in one it marks {odd[0]:g}"
        )
    return float(counts.sum())
