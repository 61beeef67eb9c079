"""Labels of groups of every kind work as plain numbers do, or are refused by name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse

import newtonkit as nk
from tests.bad_input import GROUPS, SHARES, A, B, Refusal, assert_refused, assert_same_solution

NAMES = np.array(["one", "two", "three", ""])[GROUPS]
ORDER = np.random.default_rng(0).permutation(16)


def mixed(*labels: Any) -> list[Any]:
    """Return four labels, each for four rows."""
    return [label for label in labels for _ in range(4)]


SAME: dict[str, Callable[[], Any]] = {
    "a list": GROUPS.tolist,
    "a range for each row": lambda: [k // 4 for k in range(16)],
    "floats": lambda: GROUPS / 3.0,
    "infinities": lambda: mixed(-np.inf, 0.0, 1.0, np.inf),
    "gaps and negative numbers": lambda: np.array([7, -100, 2**40, 0])[GROUPS],
    "uint8": lambda: GROUPS.astype(np.uint8),
    "int64 near the largest": lambda: GROUPS + (2**63 - 4),
    "complex": lambda: GROUPS * 1j,
    "text, one of it empty": lambda: NAMES,
    "a list of text": NAMES.tolist,
    "bytes": lambda: NAMES.astype("S"),
    "dates": lambda: GROUPS.astype("datetime64[D]"),
    "durations": lambda: pd.Series(pd.to_timedelta(GROUPS, unit="h")),
    "categories, one of them empty": lambda: pd.Categorical(NAMES, [*np.unique(NAMES), "nobody"]),
    "a series with another index": lambda: pd.Series(NAMES, index=range(16, 0, -1)),
    "nullable numbers": lambda: pd.array(GROUPS, dtype="Int64"),
    "nullable text": lambda: pd.array(NAMES, dtype="string"),
    "an Arrow array": lambda: pa.array(NAMES),
    "objects of several types": lambda: np.array(mixed(1, "1", 2.5, b"1"), dtype=object),
    "a list of several types, which NumPy would make one": lambda: mixed(1, "1", 2, "2"),
    "read-only, every other one": lambda: np.broadcast_to(np.repeat(GROUPS, 2), (1, 32))[0, ::2],
    "records": lambda: np.array([(k, "x") for k in GROUPS], dtype=[("a", int), ("b", "U1")]),
    "nothing masked": lambda: np.ma.masked_array(GROUPS, mask=False),
}

MISSING = (ValueError, "^groups must have a label for every row, but some are missing$")
WRONG_SHAPE = (ValueError, r"^groups must have shape \(16,\)")

REFUSED: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "NaN": (lambda: mixed(0.0, np.nan, 1.0, 2.0), MISSING),
    "complex NaN": (lambda: mixed(0j, complex(0, np.nan), 1.0, 2.0), MISSING),
    "None": (lambda: mixed(0, None, 1, 2), MISSING),
    "NaN among text, which NumPy would make text": (lambda: mixed("a", np.nan, "b", "c"), MISSING),
    "NaN in a tuple of text": (lambda: tuple(mixed("a", float("nan"), "b", "c")), MISSING),
    "None among text": (lambda: mixed("a", None, "b", "c"), MISSING),
    "pd.NA": (lambda: pd.array([None, *GROUPS[1:]], dtype="Int64"), MISSING),
    "a missing category": (lambda: pd.Categorical([None, *NAMES[1:]]), MISSING),
    "a missing date": (lambda: np.array(["NaT", *["2020"] * 15], dtype="datetime64[Y]"), MISSING),
    "a null of Arrow": (lambda: pa.array([None, *NAMES[1:]]), MISSING),
    "masked": (lambda: np.ma.masked_equal(GROUPS, 2), (ValueError, "^groups has masked entries")),
    "too few": (lambda: GROUPS[:-1], WRONG_SHAPE),
    "too many": (lambda: [*GROUPS, 3], WRONG_SHAPE),
    "empty": (lambda: [], WRONG_SHAPE),
    "sizes of groups": (lambda: [4, 4, 4, 4], WRONG_SHAPE),
    "a number": (lambda: 4, WRONG_SHAPE),
    "a word": (lambda: "aaaabbbbccccdddd", WRONG_SHAPE),
    "two columns": (lambda: np.c_[GROUPS, GROUPS], WRONG_SHAPE),
    "one-hot": (lambda: np.eye(4)[GROUPS], WRONG_SHAPE),
    "pairs": (lambda: [(k, k) for k in GROUPS], WRONG_SHAPE),
    "ragged": (lambda: [*([k] for k in GROUPS[1:]), [1, 2]], WRONG_SHAPE),
    "a generator": (lambda: (k for k in GROUPS), WRONG_SHAPE),
    "a set": (lambda: set(range(16)), WRONG_SHAPE),
    "a dictionary": (lambda: dict(enumerate(GROUPS)), WRONG_SHAPE),
    "sparse": (lambda: sparse.csr_array(GROUPS[None]), WRONG_SHAPE),
    "what cannot be hashed": (
        lambda: np.array([{k} for k in GROUPS], dtype=object),
        (TypeError, "^groups must have labels that can be hashed"),
    ),
}

if hasattr(np.dtypes, "StringDType"):  # since NumPy 2
    SAME["StringDType"] = lambda: NAMES.astype(np.dtypes.StringDType())
    REFUSED["NaN in StringDType"] = (
        lambda: np.array(mixed("a", np.nan, "b", "c"), dtype=np.dtypes.StringDType(na_object=np.nan)),
        MISSING,
    )


@pytest.mark.parametrize("kind", SAME)
def test_labels_work_as_numbers_do(kind):
    clean = nk.SoftmaxRegression(A, SHARES, groups=GROUPS, ridge=0.01)
    assert_same_solution(nk.SoftmaxRegression(A, SHARES, groups=SAME[kind](), ridge=0.01), clean)
    x = np.array([0.3, -0.2, 0.1])
    own = nk.SoftmaxRegression(A, SHARES).predict(x, A, groups=SAME[kind]())
    np.testing.assert_allclose(own, clean.predict(x), rtol=1e-13)


@pytest.mark.parametrize("kind", [k for k in SAME if k not in ("records", "an Arrow array")])
def test_labels_work_in_any_order(kind):
    labels = SAME[kind]()
    shuffled = labels.take(ORDER) if hasattr(labels, "take") else [labels[k] for k in ORDER]
    given = nk.SoftmaxRegression(A[ORDER], SHARES[ORDER], groups=shuffled, ridge=0.01)
    assert len(given.outer.groups) == 4
    assert_same_solution(given, nk.SoftmaxRegression(A, SHARES, groups=GROUPS, ridge=0.01))
    x = np.array([0.3, -0.2, 0.1])
    clean = nk.SoftmaxRegression(A, SHARES, groups=GROUPS).predict(x)
    np.testing.assert_allclose(given.predict(x), clean[ORDER], rtol=1e-13)


@pytest.mark.parametrize("kind", REFUSED)
def test_labels_are_refused_by_name(kind):
    make, refusal = REFUSED[kind]
    for maker in (nk.SoftmaxRegression, nk.SoftmaxCrossEntropy, nk.RescaledRegression):
        assert_refused(lambda m=maker: m(A, SHARES, groups=make()), refusal)
    problem = nk.SoftmaxRegression(A, SHARES)
    assert_refused(lambda: problem.predict(np.zeros(3), A, groups=make()), refusal)


def test_a_group_for_each_row_leaves_nothing_to_fit():
    """All shares are 1 whatever x is: the loss is constant, and its minimum everywhere."""
    result = nk.minimize(nk.SoftmaxRegression(A, SHARES, groups=np.arange(16)))
    assert result.fun == pytest.approx(0.5 * ((1.0 - SHARES) ** 2).sum())
    np.testing.assert_array_equal(result.x, 0.0)


def test_groups_are_constant_in_weight():
    weights = np.where(GROUPS == 2, 2.0, 1.0)
    weights[0] = np.nextafter(1.0, 2.0)
    refusal = (ValueError, "^sample_weight must be constant within each of the groups")
    assert_refused(lambda: nk.SoftmaxRegression(A, B, groups=GROUPS, sample_weight=weights), refusal)
