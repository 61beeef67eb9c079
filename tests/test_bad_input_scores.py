"""Whatever else is given to leverage scores and embeddings is refused by name, before any work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from newtonkit.design import Design, as_design
from newtonkit.sketching import Cosine, CountSketch, Gaussian, SparseSign, leverage_scores
from tests.bad_input import A, Refusal, assert_refused

N, D = A.shape


def with_entry(value: Any, length: int = N) -> np.ndarray:
    vector = np.ones(length, dtype=object if isinstance(value, str | complex) else float)
    vector[1] = value
    return vector


def scored(**changes: Any) -> Callable[[], Any]:
    return lambda: leverage_scores(**{"A": A, **changes})


SCORES: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "text in A": (scored(A=A.astype(str)), (TypeError, "^A must hold numbers")),
    "complex A": (scored(A=A + 1j), (TypeError, "^A must be real")),
    "NaN in A": (scored(A=np.where(A > 0.0, np.nan, A)), (ValueError, "^A must be finite")),
    "a vector as A": (scored(A=A[:, 0]), (ValueError, "^A must be two-dimensional")),
    "no rows": (scored(A=A[:0]), (ValueError, "^A must have at least one row")),
    "no columns": (scored(A=A[:, :0]), (ValueError, "^A must have at least one row and one column")),
    "huge A": (scored(A=1e200 * (A + 1.0)), (ValueError, "^A has largest entry")),
    "weights too short": (scored(weights=np.ones(N - 1)), (ValueError, rf"^weights must have length {N}")),
    "weights as a matrix": (scored(weights=np.ones((N, 2))), (ValueError, "^weights must be one-dim")),
    "one weight": (scored(weights=1.0), (ValueError, "^weights must be one-dim")),
    "NaN in weights": (scored(weights=with_entry(np.nan)), (ValueError, "^weights must be finite")),
    "infinite weight": (scored(weights=with_entry(np.inf)), (ValueError, "^weights must be finite")),
    "huge weight": (scored(weights=with_entry(1e200)), (ValueError, "^weights has largest entry")),
    "text in weights": (scored(weights=with_entry("3")), (TypeError, "^weights must hold real numbers")),
    "complex weights": (scored(weights=np.ones(N) + 1j), (TypeError, "^weights must be real")),
    "sparse weights": (scored(weights=sparse.eye_array(N)), (TypeError, "^weights must be a dense array")),
    "dates as weights": (
        scored(weights=pd.date_range("2020-01-01", periods=N)),
        (TypeError, "^weights must hold numbers"),
    ),
    "masked weights": (
        scored(weights=np.ma.masked_equal(np.arange(N), 3)),
        (ValueError, "^weights has masked entries"),
    ),
    "a number as method": (scored(method=1), (TypeError, "^method must be a string")),
    "no method": (scored(method=None), (TypeError, "^method must be a string")),
    "unknown method": (scored(method="Exact"), (ValueError, "^method must be one of approximate, exact")),
    "negative ridge": (scored(ridge=-1e-9), (ValueError, "^ridge must be at least 0")),
    "a negative ridge": (scored(ridge=[0.0, -1.0, 1.0]), (ValueError, "^ridge must be at least 0")),
    "NaN as ridge": (scored(ridge=np.nan), (ValueError, "^ridge must be at least 0")),
    "infinite ridge": (scored(ridge=np.inf), (ValueError, "^ridge must be finite")),
    "ridge too long": (scored(ridge=np.ones(D + 1)), (ValueError, rf"^ridge must have length {D}")),
    "ridge as a matrix": (scored(ridge=np.eye(D)), (ValueError, "^ridge must be one-dimensional")),
    "text as ridge": (scored(ridge="1"), (TypeError, "^ridge must be a number")),
    "text in ridge": (scored(ridge=["1"] * D), (TypeError, "^ridge must hold numbers")),
    "nothing as ridge": (scored(ridge=None), (TypeError, "^ridge must be a number")),
    "huge ridge": (scored(ridge=1e200), (ValueError, "^ridge has largest entry")),
    "negative seed": (scored(rng=-1), (ValueError, "^rng must be")),
    "text as seed": (scored(rng="1"), (TypeError, "^rng must be")),
    "a fraction as seed": (scored(rng=0.5), (TypeError, "^rng must be")),
}

EMBEDDINGS: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "no rows": (lambda: CountSketch(0), (ValueError, "^n_rows must be at least 1")),
    "fewer rows than nonzeros": (lambda: SparseSign(3, 4), (ValueError, "^n_rows must be at least 4")),
    "too many rows": (lambda: SparseSign(2**31), (ValueError, r"^n_rows must be less than 2\*\*31")),
    "a fraction of rows": (lambda: Gaussian(2.0), (TypeError, "^n_rows must be an integer")),  # type: ignore[arg-type]
    "no nonzeros": (lambda: SparseSign(9, 0), (ValueError, "^nonzeros must be at least 1")),
    "nine nonzeros": (lambda: SparseSign(9, 9), (ValueError, "^nonzeros must be at most 8")),
    "True as nonzeros": (lambda: SparseSign(9, True), (TypeError, "^nonzeros must be an integer")),
    "negative seed": (lambda: Cosine(9, -1), (ValueError, "^seed must be at least 0")),
    "no seed": (lambda: Gaussian(9, None), (TypeError, "^seed must be an integer")),  # type: ignore[arg-type]
    "more rows than there are": (
        lambda: Cosine(N + 1).apply(as_design(A)),
        (ValueError, f"^n_rows must be at most the {N} rows"),
    ),
}


@pytest.mark.parametrize("case", SCORES)
def test_scores_refuse(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def worked(*_: Any) -> None:
        raise AssertionError("work was done before the input was checked")

    for name in ("embed", "square_norms", "rows", "square_transposed_product"):
        monkeypatch.setattr(Design, name, worked)
    assert_refused(*SCORES[case])


@pytest.mark.parametrize("case", EMBEDDINGS)
def test_embeddings_refuse(case: str) -> None:
    assert_refused(*EMBEDDINGS[case])


GOOD: dict[str, dict[str, Any]] = {
    "lists": {"A": A.tolist(), "weights": [1.0] * N},
    "integers": {"A": A.astype(int), "weights": np.ones(N, dtype=np.int8)},
    "a frame": {"A": pd.DataFrame(A), "weights": pd.Series(np.ones(N))},
    "CSC": {"A": sparse.csc_array(A)},
    "a column of weights": {"A": A, "weights": np.ones((N, 1))},
    "negative weights": {"A": A, "weights": -np.ones(N)},
    "read-only": {"A": np.broadcast_to(A, (N, D)), "weights": np.broadcast_to(1.0, N)},
    "ridge as an integer": {"A": A, "ridge": 0},
    "ridge as a list": {"A": A, "ridge": [0] * D},
}


@pytest.mark.parametrize("case", GOOD)
def test_other_forms_of_the_same_numbers_give_the_same_scores(case: str) -> None:
    wanted = leverage_scores(A, method="exact")
    np.testing.assert_allclose(leverage_scores(**GOOD[case]), wanted, rtol=1e-12)
