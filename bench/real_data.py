"""Two exp regressions on real data, with optima known to all digits of a double."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newtonkit.datasets import cpssw8_data, diamonds_data


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
    return _with_ones("diamonds", diamonds_data(), 0.0222233302705162)


def cpssw8() -> ExpData:
    """Return the hourly earnings of 61395 people on age, age squared and categories; 8 columns."""
    return _with_ones("CPSSW8", cpssw8_data(), 0.110836753437)


def _with_ones(name: str, data: tuple[NDArray[np.float64], NDArray[np.float64]], optimum: float) -> ExpData:
    features, target = data
    return ExpData(name, np.column_stack([features, np.ones(len(features))]), target, optimum)
