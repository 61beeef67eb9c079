"""What the sampler cannot take is refused by the name of the argument, before anything is drawn."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from newtonkit.design import KroneckerDesign
from newtonkit.sketching import Blocks, Leverage, Uniform, kronecker_scores, sparsify
from tests.bad_input import A, Refusal, assert_refused

N, D = A.shape
ONES = np.ones(N)


def with_entry(value: Any) -> np.ndarray:
    weights = ONES.copy()
    weights[3] = value
    return weights


REFUSED: dict[str, tuple[Callable[[], Any], Refusal]] = {
    "A of text": (lambda: sparsify([["a", "b"]]), (TypeError, "^A must hold")),
    "A with NaN": (lambda: sparsify([[np.nan]]), (ValueError, "^A must be finite")),
    "A with one axis": (lambda: sparsify(ONES), (ValueError, "^A must be two-dimensional")),
    "A without rows": (lambda: sparsify(np.empty((0, 3))), (ValueError, "^A must have at least")),
    "A complex": (lambda: sparsify(sparse.csr_array([[1j]])), (TypeError, "^A must be real")),
    "weights too short": (lambda: sparsify(A, ONES[1:]), (ValueError, "^weights must have length 16")),
    "weights with two axes": (lambda: sparsify(A, A), (ValueError, "^weights must be one-dim")),
    "weights a number": (lambda: sparsify(A, 1.0), (ValueError, "^weights must be one-dim")),
    "weights with NaN": (lambda: sparsify(A, with_entry(np.nan)), (ValueError, "^weights must be finite")),
    "weights infinite": (lambda: sparsify(A, with_entry(-np.inf)), (ValueError, "^weights must be finite")),
    "weights too large": (lambda: sparsify(A, with_entry(1e200)), (ValueError, "^weights has largest")),
    "weights of text": (lambda: sparsify(A, ["1"] * N), (TypeError, "^weights must hold")),
    "weights complex": (lambda: sparsify(A, 1j * ONES), (TypeError, "^weights must be real")),
    "epsilon zero": (lambda: sparsify(A, ONES, 0.0), (ValueError, "^epsilon must be positive")),
    "epsilon negative": (lambda: sparsify(A, ONES, -0.5), (ValueError, "^epsilon must be positive")),
    "epsilon above 1": (lambda: sparsify(A, ONES, 1.5), (ValueError, "^epsilon must be at most 1")),
    "epsilon NaN": (lambda: sparsify(A, ONES, np.nan), (ValueError, "^epsilon must be positive")),
    "epsilon of text": (lambda: sparsify(A, ONES, "0.5"), (TypeError, "^epsilon must be a number")),
    "epsilon a flag": (lambda: sparsify(A, ONES, True), (TypeError, "^epsilon must be a number")),
    "delta zero": (lambda: sparsify(A, ONES, 0.5, 0.0), (ValueError, "^delta must be positive")),
    "delta one": (lambda: sparsify(A, ONES, 0.5, 1.0), (ValueError, "^delta must be below 1")),
    "delta an array": (lambda: sparsify(A, ONES, 0.5, [0.1]), (TypeError, "^delta must be a number")),
    "rng of text": (lambda: sparsify(A, rng="seed"), (TypeError, "^rng must be a seed")),
    "rng negative": (lambda: sparsify(A, rng=-1), (ValueError, "^rng must be a seed")),
    "ridge negative": (lambda: sparsify(A, ridge=-1.0), (ValueError, "^ridge must be at least 0")),
    "ridge too short": (lambda: sparsify(A, ridge=[1.0, 1.0]), (ValueError, "^ridge must have length 3")),
    "ridge with NaN": (lambda: sparsify(A, ridge=[1.0, np.nan, 1.0]), (ValueError, "^ridge must be finite")),
    "scheme unknown": (lambda: sparsify(A, scheme="best"), (ValueError, "^scheme must be one of leverage")),
    "scheme a number": (lambda: sparsify(A, scheme=3), (TypeError, "^scheme must be one of leverage")),
    "scheme a class": (lambda: sparsify(A, scheme=Uniform), (TypeError, "^scheme must be one of leverage")),
    "method unknown": (lambda: Leverage("fast"), (ValueError, "^method must be 'approximate' or")),
    "method a list": (lambda: Leverage(["exact"]), (ValueError, "^method must be 'approximate' or")),
    "groups too short": (lambda: sparsify(A, groups=ONES[1:]), (ValueError, "^groups must have length 16")),
    "groups with two axes": (lambda: sparsify(A, groups=A), (ValueError, "^groups must be one-dim")),
    "groups ragged": (lambda: sparsify(A, groups=[[1], [1, 2]]), (ValueError, "^groups must be one-dim")),
    "groups with NaN": (lambda: sparsify(A, groups=with_entry(np.nan)), (ValueError, "^groups must have a")),
    "groups with NaT": (
        lambda: sparsify(A, groups=np.full(N, np.datetime64("NaT"))),
        (ValueError, "^groups must have a label"),
    ),
    "groups with None": (lambda: sparsify(A, groups=[None, *range(15)]), (TypeError, "^groups must hold")),
    "groups masked": (
        lambda: sparsify(A, groups=np.ma.masked_equal(np.arange(N), 3)),
        (ValueError, "^groups has masked"),
    ),
    "groups of a scheme too short": (
        lambda: sparsify(A, scheme=Blocks([1, 2])),
        (ValueError, "^groups must have length 16"),
    ),
    "groups twice": (
        lambda: sparsify(A, groups=np.arange(N), scheme=Blocks(np.arange(N))),
        (TypeError, "^scheme must be one for single rows"),
    ),
    "rows zero": (lambda: sparsify(A, rows=0), (ValueError, "^rows must be positive")),
    "rows infinite": (lambda: sparsify(A, rows=np.inf), (ValueError, "^rows must be finite")),
    "rows of text": (lambda: sparsify(A, rows="10"), (TypeError, "^rows must be a number")),
    "A1 with NaN": (lambda: KroneckerDesign([[np.nan]], A), (ValueError, "^A1 must be finite")),
    "A2 with one axis": (lambda: KroneckerDesign(A, ONES), (ValueError, "^A2 must be two-dim")),
    "A2 of text": (lambda: kronecker_scores(A, [["a"]]), (TypeError, "^A2 must hold")),
    "A1 without columns": (lambda: kronecker_scores(np.empty((3, 0)), A), (ValueError, "^A1 must have at")),
    "too many rows": (
        lambda: KroneckerDesign(KroneckerDesign(LONG, LONG), KroneckerDesign(LONG, LONG)),
        (ValueError, "^A1 and A2 have too many rows"),
    ),
    "method of Kronecker scores": (
        lambda: kronecker_scores(A, A, "quick"),
        (ValueError, "^method must be 'approximate' or"),
    ),
    "rng of Kronecker scores": (lambda: kronecker_scores(A, A, rng="x"), (TypeError, "^rng must be a seed")),
    "a row outside": (
        lambda: kronecker_scores(A, A)[N * N],
        (IndexError, "^rows must lie between 0 and 255"),
    ),
    "a negative row": (lambda: kronecker_scores(A, A)[[-1]], (IndexError, "^rows must lie between 0 and")),
    "a row that is no integer": (lambda: kronecker_scores(A, A)[0.5], (TypeError, "^rows must be integers")),
}
LONG = np.ones((2**16, 1))


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    call, refusal = REFUSED[name]
    assert_refused(call, refusal)


def test_nothing_is_drawn_before_the_refusal() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    with pytest.raises(ValueError, match=r"^rows must be positive"):
        sparsify(A, ONES, rng=rng, rows=-1.0)
    assert rng.bit_generator.state == before
