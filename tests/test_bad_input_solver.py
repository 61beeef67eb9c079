"""The arguments of the solver: each works, or is refused by name before any work is done."""

import decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import newtonkit as nk
from tests.bad_input import A, B, Refusal, assert_refused, solved

PROBLEM = nk.ExpRegression(A - 1.0, B)
CLEAN = nk.minimize(PROBLEM)
START = np.array([1.0, 0.0, -1.0])


class Counted(nk.ExpRegression):
    """A problem that counts how often it is evaluated."""

    calls = 0

    def evaluate(self, x):
        self.calls += 1
        return super().evaluate(x)


WORKS: dict[str, dict[str, Any]] = {
    "x0: a list of ints": {"x0": [1, 0, -1]},
    "x0: booleans": {"x0": [True, False, True]},
    "x0: int8": {"x0": START.astype(np.int8)},
    "x0: float16": {"x0": START.astype(np.float16)},
    "x0: longdouble": {"x0": START.astype(np.longdouble)},
    "x0: objects": {"x0": np.array([Fraction(1), 0, -1], dtype=object)},
    "x0: a series with another index": {"x0": pd.Series(START, index=[3, 4, 5])},
    "x0: a column": {"x0": START[:, None]},
    "x0: read-only": {"x0": np.broadcast_to(1.0, 3)},
    "x0: denormal": {"x0": [5e-324, -5e-324, 0.0]},
    "x0: the solution": {"x0": CLEAN.x},
    "gtol: float32": {"gtol": np.float32(1e-9)},
    "gtol: longdouble": {"gtol": np.longdouble("1e-9")},
    "gtol: an int": {"gtol": 0},
    "gtol: denormal": {"gtol": 5e-324},
    "gtol: negative zero": {"gtol": -0.0},
    "max_iter: int8": {"max_iter": np.int8(100)},
    "max_iter: beyond int64": {"max_iter": 10**30},
    "max_time: infinite": {"max_time": np.inf},
    "max_time: an int": {"max_time": 1000},
    "starts: uint8": {"starts": np.uint8(3), "rng": 0},
    "rng: None": {"rng": None, "starts": 2},
    "rng: a sequence": {"rng": [1, 2, 3], "starts": 2},
    "rng: a Generator": {"rng": np.random.default_rng(1), "starts": 2},
    "rng: a SeedSequence": {"rng": np.random.SeedSequence(1), "starts": 2},
    "rng: a whole number beyond int64": {"rng": 10**400, "starts": 2},
    "verbose: a boolean": {"verbose": np.True_},
    "method: NumPy text": {"method": np.str_("exact")},
    "callback: one that returns something": {"callback": lambda record: "ignored"},
}

NUMBER, WHOLE = (TypeError, "^{} must be a number"), (TypeError, "^{} must be an integer")
LEAST, FINITE = (ValueError, "^{} must be at least"), (ValueError, "^{} must be finite")
SEED = (TypeError, "^{} must be a seed, a Generator or None")

REFUSED: list[tuple[str, Any, Refusal]] = [
    ("problem", None, (TypeError, "^problem must be .*, got NoneType")),
    ("problem", nk.ExpRegression, (TypeError, "^problem must be .*, got ")),
    ("problem", PROBLEM.fun, (TypeError, "^problem must be .*, got method")),
    ("problem", A, (TypeError, "^problem must be .*, got ndarray")),
    ("problem", "exp", (TypeError, "^problem must be .*, got str")),
    ("x0", [np.nan, 0.0, 0.0], FINITE),
    ("x0", [np.inf, 0.0, 0.0], FINITE),
    ("x0", [None, 0.0, 0.0], FINITE),
    ("x0", START * np.longdouble("1e4000"), FINITE),
    ("x0", [10**400, 0, 0], (ValueError, "^x0 must fit into")),
    ("x0", [1e300, 1e300, 1e300], (ValueError, "^x0 is no start")),
    ("x0", np.ma.masked_equal(START, 0.0), (ValueError, "^x0 has masked entries")),
    ("x0", [0.0, 0.0], (ValueError, "^x0 must have length 3")),
    ("x0", [], (ValueError, "^x0 must have length 3")),
    ("x0", 0.0, (ValueError, "^x0 must be one-dimensional")),
    ("x0", START[None], (ValueError, "^x0 must be one-dimensional")),
    ("x0", [[0.0], [0.0, 1.0]], (ValueError, "^x0 must be a rectangular")),
    ("x0", "000", (TypeError, "^x0 must hold numbers")),
    ("x0", START + 0j, (TypeError, "^x0 must be real")),
    ("x0", (v for v in START), (TypeError, "^x0 must hold numbers")),
    ("x0", {0.0, 1.0, 2.0}, (TypeError, "^x0 must hold numbers")),
    ("method", None, (ValueError, "^method must be")),
    ("method", "EXACT", (ValueError, "^method must be")),
    ("method", b"exact", (ValueError, "^method must be")),
    ("method", ["exact"], (ValueError, "^method must be")),
    ("method", np.array(["exact", "exact"]), (ValueError, "^method must be")),
    ("gtol", -1e-300, LEAST),
    ("gtol", np.nan, LEAST),
    ("gtol", np.inf, FINITE),
    ("gtol", 10**400, FINITE),
    ("gtol", np.array(1e-8), NUMBER),
    ("gtol", [1e-8], NUMBER),
    ("gtol", "1e-8", NUMBER),
    ("gtol", True, NUMBER),
    ("gtol", np.True_, NUMBER),
    ("gtol", 1e-8 + 0j, NUMBER),
    ("gtol", decimal.Decimal("1e-8"), NUMBER),
    ("gtol", None, NUMBER),
    ("max_iter", -1, LEAST),
    ("max_iter", 10.0, WHOLE),
    ("max_iter", np.inf, WHOLE),
    ("max_iter", np.array(10), WHOLE),
    ("max_iter", np.timedelta64(9, "s"), WHOLE),
    ("max_iter", True, WHOLE),
    ("max_iter", "10", WHOLE),
    ("max_iter", None, WHOLE),
    ("max_time", -1.0, LEAST),
    ("max_time", np.nan, LEAST),
    ("max_time", 10**400, FINITE),
    ("max_time", "1s", NUMBER),
    ("max_time", pd.Timedelta("1s"), NUMBER),
    ("max_time", np.timedelta64(1, "s"), NUMBER),
    ("max_time", False, NUMBER),
    ("starts", 0, LEAST),
    ("starts", 2.0, WHOLE),
    ("starts", [1], WHOLE),
    ("starts", None, WHOLE),
    ("rng", "0", SEED),
    ("rng", 0.5, SEED),
    ("rng", np.nan, SEED),
    ("rng", {}, SEED),
    ("rng", np.random, SEED),
    ("rng", np.random.Generator, SEED),
    ("rng", -1, (ValueError, "^rng must be a seed")),
    ("callback", 1, (TypeError, "^callback must be callable")),
    ("callback", "print", (TypeError, "^callback must be callable")),
    ("callback", [print], (TypeError, "^callback must be callable")),
    ("verbose", -1, LEAST),
    ("verbose", "yes", WHOLE),
    ("verbose", 1.0, WHOLE),
    ("verbose", np.nan, WHOLE),
    ("verbose", None, WHOLE),
]


@pytest.mark.parametrize("kind", WORKS)
def test_works(kind, capsys):
    result = solved(PROBLEM, **WORKS[kind])
    assert result.success
    np.testing.assert_allclose(result.x, CLEAN.x, atol=1e-7)
    assert bool(capsys.readouterr().out) == ("verbose" in kind)


@pytest.mark.parametrize(("argument", "value", "refusal"), REFUSED, ids=lambda part: str(part)[:30])
def test_refused_by_name_before_any_work(argument, value, refusal):
    error, pattern = refusal
    problem = Counted(A, B)
    given = {"problem": problem, argument: value}
    assert_refused(lambda: nk.minimize(**given), (error, pattern.format(argument)))
    assert problem.calls == ("no start" in pattern)


def test_what_is_no_argument_at_all():
    with pytest.raises(TypeError, match="unexpected keyword argument 'tol'"):
        nk.minimize(PROBLEM, tol=1e-8)
    with pytest.raises(TypeError, match="positional"):
        nk.minimize(PROBLEM, None, "exact")


@pytest.mark.parametrize("limits", [{"max_iter": 0}, {"max_time": 0}, {"max_time": 5e-324}])
def test_no_time_at_all_is_no_success_and_gives_back_the_start(limits):
    result = solved(PROBLEM, x0=START, **limits)
    assert not result.success
    assert result.status in (nk.Status.MAX_ITER, nk.Status.MAX_TIME)
    np.testing.assert_array_equal(result.x, START)
    assert result.fun == PROBLEM.fun(START)
    assert result.nit == 0


def test_no_iteration_is_needed_at_the_solution():
    result = solved(PROBLEM, x0=CLEAN.x, max_iter=0)
    assert result.success
    assert result.nit == 0


def test_a_tolerance_of_zero_ends_in_working_precision():
    result = solved(PROBLEM, gtol=0.0)
    assert result.status is nk.Status.WORKING_PRECISION


def test_a_start_without_a_hessian_is_refused():
    """The value is below the largest float, and its second derivative is not."""
    problem = nk.ExpRegression(500.0 * A, B, offset=np.full(16, 347.7))
    assert np.isfinite(problem.fun(np.zeros(3)))
    assert_refused(lambda: nk.minimize(problem), (ValueError, "^x0 is no start: .* no finite Hessian there"))


@pytest.mark.parametrize("weight", [1e60, 1e100])
def test_an_overflow_inside_the_model_warns_of_nothing(weight):
    """Bounds on rounding leave the range of floats here; value and derivatives do not."""
    problem = nk.ExpRegression(A - 1.0, B, sample_weight=np.full(16, weight), offset=np.full(16, 200.0))
    result = solved(problem, max_iter=30)
    assert result.fun <= problem.fun(np.zeros(3))
