"""Points, directions, new rows: what problems are asked at; copies and pickles of what they answer."""

import copy
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import newtonkit as nk
from tests.bad_input import GROUPS, SHARES, A, B, Refusal, assert_refused
from tests.family import NAMED

X = np.array([1.0, 0.0, 2.0])
OFFSET = np.full(16, 1.5)  # keeps sums of f above 0

SAME: dict[str, Callable[[], Any]] = {
    "a list": X.tolist,
    "a tuple of ints": lambda: (1, 0, 2),
    "int8": lambda: X.astype(np.int8),
    "uint8": lambda: X.astype(np.uint8),
    "float16": lambda: X.astype(np.float16),
    "longdouble": lambda: X.astype(np.longdouble),
    "big-endian": lambda: X.astype(">f8"),
    "a series with another index": lambda: pd.Series(X, index=[5, 6, 7]),
    "read-only": lambda: np.frombuffer(X.tobytes()),
    "negative strides": lambda: X[::-1].copy()[::-1],
    "nothing masked": lambda: np.ma.masked_array(X, mask=False),
}

NOT_REAL = (TypeError, r"^{} must hold real numbers")
WRONG_SHAPE = (ValueError, r"^{} must have shape \(3,\)")
NOT_FINITE = (ValueError, r"^{} must be finite")

REFUSED: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "NaN": (lambda: [np.nan, 0.0, 0.0], NOT_FINITE),
    "infinity": (lambda: [0.0, -np.inf, 0.0], NOT_FINITE),
    "a longdouble beyond float64": (lambda: X * np.longdouble("1e4000"), NOT_FINITE),
    "masked": (lambda: np.ma.masked_equal(X, 2.0), (ValueError, "^{} has masked entries")),
    "too short": (lambda: [0.0, 0.0], WRONG_SHAPE),
    "too long": (lambda: np.zeros(4), WRONG_SHAPE),
    "empty": (lambda: [], WRONG_SHAPE),
    "a number": (lambda: 0.0, WRONG_SHAPE),
    "a row": (lambda: X[None], WRONG_SHAPE),
    "a matrix": (lambda: X[None].view(np.matrix), WRONG_SHAPE),
    "three axes": (lambda: np.zeros((3, 1, 1)), WRONG_SHAPE),
    "ragged": (lambda: [[0.0], [0.0, 1.0], [0.0]], WRONG_SHAPE),
    "text": (lambda: ["0", "0", "0"], NOT_REAL),
    "complex": (lambda: X + 0j, NOT_REAL),
    "dates": (lambda: np.arange(3).astype("datetime64[D]"), NOT_REAL),
    "None": (lambda: None, NOT_REAL),
    "None inside": (lambda: [None, 0.0, 0.0], NOT_REAL),
    "objects": (lambda: [Fraction(1, 2)] * 3, NOT_REAL),
    "a whole number beyond float64": (lambda: [10**400, 0, 0], NOT_REAL),
    "a generator": (lambda: (v for v in X), NOT_REAL),
    "a set": (lambda: {1.0, 2.0, 3.0}, NOT_REAL),
    "sparse": (lambda: sparse.csr_array(X[None]), NOT_REAL),
}


def all_at(problem: nk.problems.Problem, x: Any, v: Any) -> list[np.ndarray]:
    hessian = problem.hess(x)
    answers = [problem.fun(x), problem.jac(x), np.asarray(hessian), problem.hessp(x, v), problem.predict(x)]
    return [np.asarray(answer) for answer in answers]


@pytest.mark.parametrize("kind", SAME)
def test_points_and_directions_work_as_their_clean_copy_does(kind):
    problem = nk.SoftmaxRegression(A, SHARES, groups=GROUPS)
    for given, clean in zip(all_at(problem, SAME[kind](), SAME[kind]()), all_at(problem, X, X), strict=True):
        np.testing.assert_array_equal(given, clean)
        assert given.dtype == np.float64


@pytest.mark.parametrize("method", ["jac", "hess", "hessp", "predict", "fun"])
@pytest.mark.parametrize("kind", REFUSED)
def test_points_are_refused_by_name(method, kind):
    make, (error, pattern) = REFUSED[kind]
    more = (X,) if method == "hessp" else ()
    for member in ("CoshRegression", "SoftmaxCrossEntropy"):
        problem = NAMED[member].make(A, SHARES)
        if method == "fun" and pattern is NOT_FINITE[1]:  # SciPy's methods may wander there
            assert problem.fun(make()) == np.inf
        else:
            refusal = (error, pattern.format("x"))
            assert_refused(lambda p=problem: getattr(p, method)(make(), *more), refusal)


@pytest.mark.parametrize("kind", REFUSED)
def test_directions_are_refused_by_name(kind):
    make, (error, pattern) = REFUSED[kind]
    problem = nk.ExpRegression(A, B)
    assert_refused(lambda: problem.hessp(X, make()), (error, pattern.format("v")))


@pytest.mark.parametrize(
    ("v", "refusal"),
    [
        (None, (TypeError, "^v must hold real numbers")),
        (["a", "b", "c"], (TypeError, "^v must hold real numbers")),
        (X + 0j, (TypeError, "^v must hold real numbers")),
        (np.ones(2), (ValueError, "^v must have 3 rows and one or two axes")),
        (np.ones((2, 3)), (ValueError, "^v must have 3 rows")),
        (np.ones((3, 1, 1)), (ValueError, "^v must have 3 rows and one or two axes")),
        (1.0, (ValueError, "^v must have 3 rows")),
    ],
)
def test_factors_of_a_hessian_are_refused_by_name(v, refusal):
    assert_refused(lambda: nk.ExpRegression(A, B).hess(X) @ v, refusal)


@pytest.mark.parametrize("name", NAMED)
def test_points_where_f_overflows_warn_nowhere(name):
    """The value is infinite or true; shares of rows never are anything but shares."""
    problem = NAMED[name].make(A, SHARES, offset=OFFSET)
    far = np.array([1e4, 1e4, -1.0])
    assert problem.fun(far) > problem.fun(np.zeros(3)) or NAMED[name].structure == "normalised"
    problem.jac(far), problem.hess(far).to_dense(), problem.hess(far).diagonal(), problem.hessp(far, X)
    for prediction in (problem.predict(far), problem.predict(far, A, offset=OFFSET)):
        assert not np.isnan(prediction).any()
        if NAMED[name].structure != "elementwise":
            assert prediction.sum() == pytest.approx(1.0)


def test_there_are_no_shares_of_nothing():
    refusal = (ValueError, r"^x has no prediction: f\(A x\) overflows, or sums to 0 in a group")
    assert_refused(lambda: nk.RescaledRegression(A, B, activation="sinh").predict(np.zeros(3)), refusal)
    opposite = np.array([[1.0], [-1.0], [2.0], [1.0]])
    problem = nk.RescaledRegression(opposite, np.ones(4), activation="sinh", groups=[1, 1, 2, 2])
    assert_refused(lambda: problem.predict([1.0]), refusal)
    assert_refused(lambda: problem.predict([1.0], opposite, groups=[1, 1, 2, 2]), refusal)


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"A": A[:, :2]}, (ValueError, "^A must have 3 columns, got 2")),
        ({"A": A[0]}, (ValueError, "^A must be two-dimensional")),
        ({"A": A, "offset": np.full(16, np.nan)}, (ValueError, "^offset must be finite")),
        ({"A": A, "offset": np.full(16, 1e300)}, (ValueError, "^offset has largest entry")),
        ({"A": A, "offset": [1.0]}, (ValueError, "^offset must have length 16")),
        ({"A": A, "offset": "1"}, (TypeError, "^offset must hold numbers")),
        ({"A": A, "offset": [1.0], "groups": GROUPS}, (ValueError, "^offset must have length 16")),
        ({"offset": OFFSET}, (ValueError, "^offset belongs to new rows")),
        ({"groups": GROUPS}, (ValueError, "^groups belong to new rows")),
    ],
)
def test_new_rows_and_what_belongs_to_them(more, refusal):
    assert_refused(lambda: nk.SoftmaxRegression(A, SHARES).predict(X, **more), refusal)


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({"problem": nk.ExpRegression}, (TypeError, "^problem must be a Problem, got ")),
        ({"problem": None}, (TypeError, "^problem must be a Problem, got NoneType")),
        ({"x": [np.inf, 0.0, 0.0]}, (ValueError, "^x must be finite")),
        ({"x": np.ma.masked_equal(X, 2.0)}, (ValueError, "^x has masked entries")),
        ({"x": None}, (TypeError, "^x must hold real numbers")),
        ({"directions": np.array([3])}, (TypeError, "^directions must be an integer")),
        ({"directions": -1}, (ValueError, "^directions must be at least 1")),
        ({"directions": None}, (TypeError, "^directions must be an integer")),
        ({"rng": "seed"}, (TypeError, "^rng must be a seed")),
        ({"rng": -1}, (ValueError, "^rng must be a seed")),
        ({"rng": 0.5}, (TypeError, "^rng must be a seed")),
    ],
)
def test_checks_of_derivatives(arguments, refusal):
    given = {"problem": nk.ExpRegression(A, B), "x": np.zeros(3), **arguments}
    assert_refused(lambda: nk.check_derivatives(**given), refusal)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize("name", NAMED)
def test_copies_of_problems_and_results_are_the_same(name, copied):
    for a in (A, sparse.csr_array(A)):
        options = {"groups": GROUPS[::-1]} if NAMED[name].takes_groups else {}
        problem = NAMED[name].make(a, SHARES, offset=OFFSET, ridge=0.01, **options)
        result = nk.minimize(problem)  # leaves an evaluation behind
        twin, same = copied(problem), copied(result)
        for ours, theirs in zip(all_at(twin, X, X), all_at(problem, X, X), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert repr(twin) == repr(problem)
        np.testing.assert_array_equal(nk.minimize(twin).x, result.x)
        np.testing.assert_array_equal(same.x, result.x)
        assert (same.fun, same.status, same.message, same.nit) == (
            result.fun,
            result.status,
            result.message,
            result.nit,
        )
        assert type(same) is nk.MinimizeResult
        assert same.status.sentence == result.status.sentence
        assert repr(same.history) == repr(result.history)
