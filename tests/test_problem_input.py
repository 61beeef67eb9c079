"""Bad input to problems is refused before any work, with the name of the argument."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Exp, NormalisedSquares, Power, Problem, Regression, RowwiseLoss
from tests.family import MEMBERS

A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
B = np.array([0.1, 0.2, 0.3, 0.4])

BAD_VECTORS: list[tuple[Any, type[Exception]]] = [
    ([1.0, 2.0, 3.0], ValueError),
    ([1.0, 2.0, 3.0, np.nan], ValueError),
    ([1.0, 2.0, 3.0, np.inf], ValueError),
    (np.ones((4, 2)), ValueError),
    (np.ones((2, 2)), ValueError),
    ([[1.0], [2.0, 3.0]], ValueError),
    (np.ma.masked_equal(B, 0.2), ValueError),
    (["a", "b", "c", "d"], TypeError),
    (pd.Series(["a", "b", "c", "d"], dtype="category"), TypeError),
    ([1j, 2.0, 3.0, 4.0], TypeError),
    (sparse.csr_array([[1.0, 2.0, 3.0, 4.0]]), TypeError),
    ([{}, {}, {}, {}], TypeError),
    (np.array(["2020", "2021", "2022", "2023"], dtype="datetime64[Y]"), TypeError),
]


@pytest.mark.parametrize(("value", "error"), BAD_VECTORS)
@pytest.mark.parametrize("argument", ["b", "sample_weight", "penalty_weights", "offset"])
def test_vectors_over_the_rows(argument: str, value: Any, error: type[Exception]) -> None:
    for name in ("ExpRegression", "SoftmaxRegression", "SoftmaxCrossEntropy", "rescaled softplus"):
        with pytest.raises(error, match=rf"^{argument}\b"):
            MEMBERS[name].make(A, **{"b": B, argument: value})


@pytest.mark.parametrize("value", [[-1.0, 1.0, 1.0, 1.0], [0.0] * 4])
def test_weights_are_not_negative_and_not_all_zero(value: list[float]) -> None:
    for name in MEMBERS:
        with pytest.raises(ValueError, match="sample_weight must be at least 0"):
            MEMBERS[name].make(A, B, sample_weight=value)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1.0, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        ([1.0], ValueError),
        ([1.0, 2.0, 3.0], ValueError),
        ([1.0, -1.0], ValueError),
        (np.ones((2, 2)), ValueError),
        ("much", TypeError),
        (1j, TypeError),
        (["a", "b"], TypeError),
        ({}, TypeError),
    ],
)
def test_ridge(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^ridge"):
        nk.ExpRegression(A, B, ridge=value)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        [[1, 2, 3, 4]],
        7,
        [1.0, np.nan, 1.0, 2.0],
        ["a", None, "b", "b"],
        pd.Series(["a", pd.NA, "b", "b"]),
        pd.Categorical(["a", None, "b", "b"]),
        np.array(["2020", "NaT", "2020", "2021"], dtype="datetime64[Y]"),
    ],
)
def test_groups(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^groups"):
        nk.SoftmaxRegression(A, B, groups=value)


def test_groups_and_weights_that_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="sample_weight must be constant within each of the groups"):
        nk.SoftmaxRegression(A, B, groups=[1, 1, 2, 2], sample_weight=[1.0, 2.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="groups have no meaning"):
        Regression(A, B, structure="elementwise", activation="exp", groups=[1, 1, 2, 2])
    with pytest.raises(TypeError, match="groups"):
        nk.ExpRegression(A, B, groups=[1, 1, 2, 2])  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("value", "error"),
    [(np.ones(3), ValueError), ([["a"]], TypeError), (np.ones((4, 0)), ValueError), (None, ValueError)],
)
def test_design_matrix(value: Any, error: type[Exception]) -> None:
    for member in MEMBERS.values():
        with pytest.raises(error, match=r"^A\b"):
            member.make(value, B)


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("structure", "centred", ValueError),
        ("structure", None, ValueError),
        ("activation", "tanh", ValueError),
        ("activation", np.exp, TypeError),
        ("activation", Exp, TypeError),
        ("entropy_weight", -0.1, ValueError),
        ("entropy_weight", np.nan, ValueError),
        ("entropy_weight", "much", TypeError),
    ],
)
def test_what_a_regression_is_made_of(argument: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"^{argument}"):
        Regression(A, B, **{"structure": "normalised", "activation": "exp", argument: value})


@pytest.mark.parametrize("structure", ["elementwise", "rescaled", "normalised"])
def test_entropy_needs_a_softmax(structure: str) -> None:
    activation = "cosh" if structure == "normalised" else "exp"
    with pytest.raises(ValueError, match=r"^entropy_weight"):
        Regression(A, B, structure=structure, activation=activation, entropy_weight=0.1)  # type: ignore[arg-type]


def test_cross_entropy_takes_no_negative_counts() -> None:
    with pytest.raises(ValueError, match=r"^b must be at least 0"):
        nk.SoftmaxCrossEntropy(A, [1.0, -1.0, 0.0, 0.0])


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3", None, np.nan])
def test_exponents(k: Any) -> None:
    with pytest.raises(ValueError, match=r"^k must be a whole number"):
        Power(k)


@pytest.mark.parametrize("method", ["fun", "jac", "hess", "predict"])
@pytest.mark.parametrize(
    ("x", "error"),
    [
        ([1.0], ValueError),
        ([1.0, 2.0, 3.0], ValueError),
        ([[1.0, 2.0]], ValueError),
        ([[1.0], [2.0, 3.0]], ValueError),
        (1.0, ValueError),
        (["a", "b"], TypeError),
        ([1j, 2.0], TypeError),
        (None, TypeError),
    ],
)
def test_points(method: str, x: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^x\b"):
        getattr(nk.ExpRegression(A, B), method)(x)


@pytest.mark.parametrize(
    ("v", "error"), [([1.0], ValueError), (2.0, ValueError), (["a", "b"], TypeError), ([1j, 2.0], TypeError)]
)
def test_directions(v: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^v\b"):
        nk.ExpRegression(A, B).hessp([0.0, 0.0], v)


def test_prediction_for_new_rows() -> None:
    problem, x = nk.SoftmaxRegression(A, B, fit_intercept=True), [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"^A must have 2 columns, got 3"):
        problem.predict(x, np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"^A must be finite"):
        problem.predict(x, [[np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"^offset must have length 4"):
        problem.predict(x, A, offset=[1.0])
    with pytest.raises(ValueError, match=r"^offset belongs to new rows"):
        problem.predict(x, offset=B)
    with pytest.raises(ValueError, match=r"^groups belong to new rows"):
        problem.predict(x, groups=[1, 1, 2, 2])
    with pytest.raises(ValueError, match=r"^groups must have shape"):
        problem.predict(x, A, groups=[1, 2])
    with pytest.raises(ValueError, match=r"^A must have 2 columns, got 3"):
        problem.predict(x, np.ones((4, 3)), groups=[1, 1, 2, 2])
    with pytest.raises(ValueError, match=r"^x must have length 3"):
        problem.predict([0.0, 0.0], A)


class Squares(RowwiseLoss):
    def terms(self, u, b):
        return 0.5 * (u - b) ** 2, u - b, np.ones_like(u)


@pytest.mark.parametrize(("value", "error"), BAD_VECTORS[1:])
@pytest.mark.parametrize("argument", ["b", "sample_weight"])
def test_losses_of_ones_own(argument: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^{argument}\b"):
        Squares(**{"b": B, argument: value})


def test_problems_of_ones_own() -> None:
    with pytest.raises(TypeError, match=r"^outer must be an OuterFunction"):
        Problem(A, B)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^A has 4 rows, but outer has 3"):
        Problem(A, Squares([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match=r"^A has 4 rows, but outer has 3"):
        Problem(A, NormalisedSquares(np.ones(3), Exp()))
    with pytest.raises(NotImplementedError, match="Squares defines no prediction"):
        Problem(A, Squares(B)).predict([0.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"problem": np.eye(3)}, TypeError, "problem must be a Problem, got ndarray"),
        ({"x": [1.0]}, ValueError, "x must have shape"),
        ({"x": ["a", "b", "c"]}, TypeError, "x must hold real numbers"),
        ({"x": [np.nan, 0.0, 0.0]}, ValueError, "x must be finite"),
        ({"x": [1e4, 1e4, 1e4]}, ValueError, "x must lie where the loss is defined and finite"),
        ({"directions": 0}, ValueError, "directions must be at least 1"),
        ({"directions": 1.5}, TypeError, "directions must be an integer"),
        ({"directions": True}, TypeError, "directions must be an integer"),
    ],
)
def test_check_of_derivatives(arguments: dict[str, Any], error: type[Exception], match: str) -> None:
    problem, x = nk.ExpRegression(np.eye(3), np.ones(3)), np.zeros(3)
    with pytest.raises(error, match=match):
        nk.check_derivatives(**{"problem": problem, "x": x, **arguments})


def test_names_of_problems_say_their_size() -> None:
    problem = nk.SoftmaxRegression(A, B, groups=[1, 1, 2, 2], fit_intercept=True)
    assert repr(problem) == "SoftmaxRegression(n=4, d=3, groups=2)"
    assert repr(Power(3)) == "Power(3)"
    assert repr(Exp()) == "Exp()"
