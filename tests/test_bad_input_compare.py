"""The arguments of a comparison: each works, or is refused by name."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import newtonkit as nk
from tests.bad_input import A, B, Refusal, assert_refused

PROBLEM = nk.ExpRegression(A - 1.0, B)
QUICK = {"methods": ["newtonkit", "trust-exact"]}

WORKS: list[tuple[str, Any]] = [
    ("x0", [1, 0, -1]),
    ("x0", np.array([1, 0, -1], dtype=np.int8)),
    ("x0", pd.Series([1.0, 0.0, -1.0], index=[3, 4, 5])),
    ("x0", np.broadcast_to(0.5, 3)),
    ("gtol", np.float32(1e-6)),
    ("max_time", np.int64(5)),
    ("max_iter", np.uint8(50)),
    ("rng", np.random.default_rng(0)),
    ("rng", None),
    ("methods", "TRUST-EXACT"),
    ("methods", ("newtonkit",)),
    ("description", 3),
    ("callback", lambda name: "ignored"),
]

REFUSED: list[tuple[str, Any, Refusal]] = [
    ("problem", None, (TypeError, "^problem must be a newtonkit.problems.Problem, got NoneType")),
    ("problem", nk.ExpRegression, (TypeError, "^problem must be ")),
    ("problem", A, (TypeError, "^problem must be .*, got ndarray")),
    ("problem", PROBLEM.fun, (TypeError, "^problem must be .*, got method")),
    ("x0", [np.nan, 0.0, 0.0], (ValueError, "^x0 must be finite")),
    ("x0", [0.0], (ValueError, "^x0 must have length 3")),
    ("x0", [1e300, 1e300, 1e300], (ValueError, "^x0 is no start")),
    ("x0", "zero", (TypeError, "^x0 must hold numbers")),
    ("x0", np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), (ValueError, "^x0 has masked entries")),
    ("gtol", 0.0, (ValueError, "^gtol must be positive")),
    ("gtol", -1.0, (ValueError, "^gtol must be positive")),
    ("gtol", np.nan, (ValueError, "^gtol must be positive")),
    ("gtol", np.inf, (ValueError, "^gtol must be finite")),
    ("gtol", 10**400, (ValueError, "^gtol must be finite")),
    ("gtol", 1e-8 + 0j, (TypeError, "^gtol must be a number")),
    ("gtol", np.timedelta64(1, "s"), (TypeError, "^gtol must be a number")),
    ("callback", "print", (TypeError, "^callback must be callable")),
    ("gtol", "1e-8", (TypeError, "^gtol must be a number")),
    ("gtol", True, (TypeError, "^gtol must be a number")),
    ("gtol", None, (TypeError, "^gtol must be a number")),
    ("max_time", 0.0, (ValueError, "^max_time must be positive")),
    ("max_time", np.nan, (ValueError, "^max_time must be positive")),
    ("max_time", [1.0], (TypeError, "^max_time must be a number")),
    ("max_iter", 0, (ValueError, "^max_iter must be at least 1")),
    ("max_iter", 10.0, (TypeError, "^max_iter must be an integer")),
    ("max_iter", True, (TypeError, "^max_iter must be an integer")),
    ("seeds", 0, (ValueError, "^seeds must be at least 1")),
    ("seeds", 2.0, (TypeError, "^seeds must be an integer")),
    ("rng", "seed", (TypeError, "^rng must be a seed")),
    ("rng", -1, (ValueError, "^rng must be a seed")),
    ("methods", "no-such-method", (ValueError, "^methods must be among .*got 'no-such-method'")),
    ("methods", ["newtonkit", None], (ValueError, "^methods must be among .*got None")),
    ("methods", 3, (TypeError, "^methods must ")),
    ("methods", [], (ValueError, "^methods must ")),
]


@pytest.mark.parametrize(("argument", "value"), WORKS)
def test_works(argument, value):
    comparison = nk.compare(**{"problem": PROBLEM, **QUICK, argument: value})
    assert all(report.reached for report in comparison.reports)
    figures = [comparison.best_value, comparison.start_value, comparison.pass_seconds]
    assert np.isfinite(figures).all()


@pytest.mark.parametrize(("argument", "value", "refusal"), REFUSED, ids=lambda part: str(part)[:30])
def test_refused_by_name(argument, value, refusal):
    assert_refused(lambda: nk.compare(**{"problem": PROBLEM, **QUICK, argument: value}), refusal)


def test_what_a_callback_raises_comes_out():
    def callback(name):
        raise RuntimeError(name)

    with pytest.raises(RuntimeError, match="newtonkit"):
        nk.compare(PROBLEM, methods="newtonkit", callback=callback)
