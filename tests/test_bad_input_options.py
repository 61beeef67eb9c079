"""Targets, weights, penalties and flags of a problem work as their clean copies, or are refused by name."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Problem, Regression, RowwiseLoss
from tests.bad_input import SHARES, A, B, Refusal, assert_refused, assert_same_solution, solved
from tests.family import NAMED

VECTORS = ("b", "sample_weight", "penalty_weights", "offset")
# Between 1 and 4, whole: good for each of them.
GIVEN = B.copy()

SAME: dict[str, Callable[[], Any]] = {
    "a list": GIVEN.tolist,
    "a tuple of ints": lambda: tuple(map(int, GIVEN)),
    "a range-like array": lambda: GIVEN.astype(np.int16),
    "uint8": lambda: GIVEN.astype(np.uint8),
    "float16": lambda: GIVEN.astype(np.float16),
    "float32": lambda: GIVEN.astype(np.float32),
    "longdouble": lambda: GIVEN.astype(np.longdouble),
    "big-endian": lambda: GIVEN.astype(">i4"),
    "fractions": lambda: np.array([Fraction(int(v)) for v in GIVEN], dtype=object),
    "one column": lambda: GIVEN[:, None],
    "a frame of one column": lambda: pd.DataFrame({"b": GIVEN}),
    "a series with another index": lambda: pd.Series(GIVEN, index=range(16, 0, -1)),
    "a nullable series": lambda: pd.Series(GIVEN, dtype="Int64"),
    "an Arrow array": lambda: pa.array(GIVEN),
    "every other one": lambda: np.repeat(GIVEN, 2)[::2],
    "negative strides": lambda: GIVEN[::-1].copy()[::-1],
    "read-only": lambda: np.frombuffer(GIVEN.tobytes()),
    "nothing masked": lambda: np.ma.masked_invalid(GIVEN),
}


def changed(value: Any) -> np.ndarray:
    b = GIVEN.astype(object)
    b[5] = value
    return b


NOT_NUMBERS = (TypeError, r"^{} must (be|hold) (real|numbers|a dense)")
WRONG_SHAPE = (ValueError, r"^{} must (be one-dimensional|have length 16)")
NOT_FINITE = (ValueError, r"^{} must be finite")

REFUSED: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "NaN": (lambda: np.where(GIVEN > 3, np.nan, GIVEN), NOT_FINITE),
    "infinity": (lambda: np.where(GIVEN > 3, -np.inf, GIVEN), NOT_FINITE),
    "None inside": (lambda: changed(None), NOT_FINITE),
    "a null of Arrow": (lambda: pa.array([None, *GIVEN[1:]]), NOT_FINITE),
    "a longdouble beyond float64": (lambda: GIVEN * np.longdouble("1e4000"), NOT_FINITE),
    "a whole number beyond float64": (lambda: changed(-(10**400)), (ValueError, "^{} must fit into")),
    "too large to square": (lambda: GIVEN * 1e300, (ValueError, r"^{} has largest entry .*e\+300")),
    "masked": (lambda: np.ma.masked_equal(GIVEN, 2.0), (ValueError, "^{} has masked entries")),
    "too short": (lambda: GIVEN[:-1], WRONG_SHAPE),
    "too long": (lambda: np.append(GIVEN, 1.0), WRONG_SHAPE),
    "empty": (lambda: [], WRONG_SHAPE),
    "a row": (lambda: GIVEN[None], WRONG_SHAPE),
    "two columns": (lambda: np.c_[GIVEN, GIVEN], WRONG_SHAPE),
    "a number": (lambda: 1.0, WRONG_SHAPE),
    "an array of no axis": (lambda: np.array(1.0), WRONG_SHAPE),
    "ragged": (lambda: [[1.0]] * 15 + [[1.0, 2.0]], (ValueError, "^{} must be a rectangular")),
    "text": (lambda: GIVEN.astype(str), NOT_NUMBERS),
    "text inside": (lambda: changed("4"), NOT_NUMBERS),
    "complex": (lambda: GIVEN + 0j, NOT_NUMBERS),
    "dates": (lambda: np.arange(16).astype("datetime64[D]"), NOT_NUMBERS),
    "durations": (lambda: pd.Series(pd.to_timedelta(GIVEN, unit="s")), NOT_NUMBERS),
    "categories": (lambda: pd.Series(GIVEN.astype(str), dtype="category"), NOT_NUMBERS),
    "pd.NA inside": (lambda: changed(pd.NA), NOT_NUMBERS),
    "a generator": (lambda: (v for v in GIVEN), NOT_NUMBERS),
    "a set": (lambda: set(GIVEN), NOT_NUMBERS),
    "a dictionary": (lambda: dict(enumerate(GIVEN)), NOT_NUMBERS),
    "sparse": (lambda: sparse.csr_array(GIVEN[:, None]), NOT_NUMBERS),
    "a frame with text": (
        lambda: pd.DataFrame({"b": ["a"] * 16}),
        (TypeError, "^{} must hold numbers.*: b$"),
    ),
}


@pytest.mark.parametrize("argument", VECTORS)
@pytest.mark.parametrize("kind", SAME)
def test_vectors_work_as_their_clean_copy_does(argument, kind):
    clean, given = {"b": B}, {"b": B}
    clean[argument], given[argument] = GIVEN, SAME[kind]()
    maker = nk.SoftmaxCrossEntropy if argument == "offset" else nk.ExpRegression
    assert_same_solution(maker(A, **given), maker(A, **clean))


@pytest.mark.parametrize("argument", VECTORS)
@pytest.mark.parametrize("kind", REFUSED)
def test_vectors_are_refused_by_name(argument, kind):
    make, (error, pattern) = REFUSED[kind]
    for name in ("ExpRegression", "RescaledRegression cosh", "SoftmaxCrossEntropy"):
        options = {"b": B, argument: make()}
        assert_refused(lambda o=options, n=name: NAMED[n].make(A, **o), (error, pattern.format(argument)))


class Squares(RowwiseLoss):
    def terms(self, u, b):
        return 0.5 * (u - b) ** 2, u - b, np.ones_like(u)


@pytest.mark.parametrize("kind", [kind for kind in REFUSED if kind not in ("too short", "too long", "empty")])
def test_targets_of_ones_own_losses_are_refused_by_name(kind):
    make, (error, pattern) = REFUSED[kind]
    pattern = pattern.replace("have length 16", "have length|$").format("b")
    if kind == "a row" or kind == "two columns":
        pattern = "^b must be one-dimensional"
    assert_refused(lambda: Squares(make()), (error, pattern))


def test_booleans_are_zeros_and_ones():
    yes = B > 2
    assert_same_solution(
        nk.SoftmaxRegression(A, yes, ridge=0.1), nk.SoftmaxRegression(A, yes * 1.0, ridge=0.1)
    )
    weighed = [nk.ExpRegression(A, B, sample_weight=weight) for weight in (yes, yes.astype(float))]
    assert_same_solution(*weighed)
    assert_same_solution(nk.ExpRegression(A, B, ridge=np.True_), nk.ExpRegression(A, B, ridge=1.0))


def test_denormal_numbers_are_numbers():
    least = 5e-324
    assert_same_solution(nk.ExpRegression(A, B, offset=np.full(16, least)), nk.ExpRegression(A, B))
    assert_same_solution(nk.ExpRegression(A, B, ridge=least), nk.ExpRegression(A, B))
    penalised = nk.ExpRegression(A, B, penalty_weights=np.full(16, least))
    assert_same_solution(penalised, nk.ExpRegression(A, B))
    assert_same_solution(nk.ExpRegression(A - 1.5, B * least), nk.ExpRegression(A - 1.5, B * 0.0))


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (-np.ones(16), (ValueError, "^sample_weight must be at least 0")),
        (np.zeros(16), (ValueError, "^sample_weight must be at least 0, and positive somewhere")),
        (-np.zeros(16), (ValueError, "^sample_weight must be at least 0, and positive somewhere")),
        (np.full(16, 5e-324), (ValueError, "^sample_weight has largest entry")),
    ],
)
def test_weights_that_weigh_nothing(value, refusal):
    for member in NAMED.values():
        assert_refused(lambda m=member: m.make(A, SHARES, sample_weight=value), refusal)


RIDGES: dict[str, tuple[Any, Refusal]] = {
    "negative": (-1e-300, (ValueError, "^ridge must be at least 0")),
    "NaN": (np.nan, (ValueError, "^ridge must be finite")),
    "infinity": (np.array(np.inf), (ValueError, "^ridge must be finite")),
    "None": (None, (ValueError, "^ridge must be finite")),
    "one of them NaN": ([1.0, np.nan, 1.0], (ValueError, "^ridge must be finite")),
    "masked": (np.ma.masked, (ValueError, "^ridge has masked entries")),
    "one of them masked": (np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), (ValueError, "^ridge has masked")),
    "too large to square": (1e300, (ValueError, "^ridge has largest entry")),
    "a whole number beyond float64": (10**400, (ValueError, "^ridge must fit into")),
    "a longdouble beyond float64": (np.longdouble("1e4000"), (ValueError, "^ridge must be finite")),
    "too short": ([1.0, 2.0], (ValueError, "^ridge must have length 3")),
    "empty": ([], (ValueError, "^ridge must have length 3")),
    "two axes": (np.ones((3, 3)), (ValueError, "^ridge must be one-dimensional")),
    "ragged": ([[1.0], [1.0, 2.0]], (ValueError, "^ridge must be a rectangular")),
    "text": ("0.1", (TypeError, "^ridge must hold numbers")),
    "complex": (1 + 0j, (TypeError, "^ridge must be real")),
    "a set": ({1.0}, (TypeError, "^ridge must hold numbers")),
    "a generator": ((v for v in (1.0, 1.0, 1.0)), (TypeError, "^ridge must hold numbers")),
    "sparse": (sparse.csr_array([[1.0, 1.0, 1.0]]), (TypeError, "^ridge must be a dense array")),
    "a dictionary": ({"a": 1.0}, (TypeError, "^ridge must hold numbers")),
}


@pytest.mark.parametrize("kind", RIDGES)
def test_ridges_are_refused_by_name(kind):
    value, refusal = RIDGES[kind]
    assert_refused(lambda: nk.SoftmaxRegression(A, SHARES, ridge=value), refusal)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2), np.int8(2), [2, 2, 2], (2.0,) * 3])
def test_ridges_of_many_kinds(value):
    assert_same_solution(nk.ExpRegression(A, B, ridge=value), nk.ExpRegression(A, B, ridge=2.0))


FLAGS = ["no", "", 1, 0, None, np.nan, np.array(True), [True], np.array([True, False])]


@pytest.mark.parametrize("value", FLAGS, ids=repr)
def test_only_true_and_false_say_whether_there_is_an_intercept(value):
    refusal = (TypeError, "^fit_intercept must be True or False")
    for member in NAMED.values():
        assert_refused(lambda m=member: m.make(A, SHARES, fit_intercept=value), refusal)
    assert_refused(lambda: nk.design.as_design(A, fit_intercept=value), refusal)
    assert_refused(lambda: Problem(A, Squares(B), fit_intercept=value), refusal)
    assert nk.ExpRegression(A, B, fit_intercept=np.True_).n_parameters == 4


@pytest.mark.parametrize(
    ("value", "refusal"),
    [
        (-0.1, (ValueError, "^entropy_weight must be at least 0")),
        (np.nan, (ValueError, "^entropy_weight must be finite")),
        (None, (ValueError, "^entropy_weight must be finite")),
        (1e300, (ValueError, "^entropy_weight has largest entry")),
        (10**400, (ValueError, "^entropy_weight must fit into")),
        ([0.1], (ValueError, "^entropy_weight must be one-dimensional")),
        (np.ma.masked, (ValueError, "^entropy_weight must be a rectangular")),
        ("0.1", (TypeError, "^entropy_weight must hold numbers")),
        (0.1j, (TypeError, "^entropy_weight must be real")),
    ],
    ids=lambda part: str(part)[:30],
)
def test_entropy_weights(value, refusal):
    assert_refused(lambda: nk.EntropySoftmaxRegression(A, SHARES, entropy_weight=value), refusal)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), Fraction(1, 2)], ids=repr)
def test_entropy_weights_of_many_kinds(value):
    given, clean = (nk.EntropySoftmaxRegression(A, SHARES, entropy_weight=w) for w in (value, 0.5))
    assert_same_solution(given, clean)


@pytest.mark.parametrize("value", [None, 3, np.exp, b"exp", ["exp"], nk.problems.Exp])
def test_activations_that_are_none(value):
    refusal = (TypeError, "^activation must be a name or an Activation")
    assert_refused(lambda: nk.RescaledRegression(A, B, activation=value), refusal)


@pytest.mark.parametrize("value", ["EXP", "tanh", ""])
def test_activations_of_no_such_name(value):
    refusal = (ValueError, "^activation must be one of")
    assert_refused(lambda: nk.RescaledRegression(A, B, activation=value), refusal)


@pytest.mark.parametrize("value", [None, "grouped", 1, ("elementwise",), b"elementwise"])
def test_structures_of_no_such_name(value):
    refusal = (ValueError, "^structure must be elementwise, rescaled or normalised")
    assert_refused(lambda: Regression(A, B, structure=value, activation="exp"), refusal)


def test_a_target_of_zeros_is_no_choice():
    """The cross-entropy is 0 everywhere: that is no success."""
    assert not solved(nk.SoftmaxCrossEntropy(A, np.zeros(16))).success
    assert_refused(lambda: nk.SoftmaxCrossEntropy(A, -B), (ValueError, "^b must be at least 0"))


@pytest.mark.parametrize("offset", [100.0, 800.0, 1e6])
@pytest.mark.parametrize("maker", [nk.SoftmaxRegression, nk.ResNetSoftmaxRegression])
def test_an_offset_that_saturates_the_softmax_at_the_start_is_no_minimum(maker, offset):
    """All of p lies on one row with a flat loss around: far from there the loss is lower."""
    problem = maker(A - 1.5, SHARES, offset=np.r_[offset, np.zeros(15)])
    result = solved(problem)
    assert not result.success
    assert result.status is nk.Status.SATURATED


@pytest.mark.parametrize("mask", [-65504.0, -1e9, -1e30, float(np.finfo(np.float32).min)])
@pytest.mark.parametrize("maker", [nk.SoftmaxRegression, nk.SoftmaxCrossEntropy])
def test_rows_masked_by_an_offset_are_as_good_as_left_out(maker, mask):
    kept = np.arange(16) % 4 != 1
    target = np.where(kept, SHARES, 0.0)
    ones = np.c_[A, np.ones(16)]  # with a direction that a softmax does not see
    masked = maker(ones, target, offset=np.where(kept, 0.0, mask))
    left_out = maker(ones[kept], target[kept])
    ours, theirs = solved(masked), solved(left_out)
    assert ours.success
    assert ours.fun == pytest.approx(theirs.fun, rel=1e-10)
    np.testing.assert_allclose(masked.predict(ours.x)[kept], left_out.predict(theirs.x), rtol=1e-5)
    assert (masked.predict(ours.x)[~kept] == 0.0).all()
