"""The arguments method, epsilon and rng: good ones work, bad ones are refused before any work."""

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from tests.bad_input import A, B, Refusal, assert_refused, solved
from tests.quadratic import Quadratic


class Untouched(nk.ExpRegression):
    """A problem that must not be evaluated."""

    def evaluate(self, x):
        raise AssertionError("evaluated")

    def origin(self):
        raise AssertionError("evaluated")


PROBLEM = Untouched(A - 1.0, B)
METHOD = (ValueError, "^method must be one of 'auto', 'exact', 'sampled', 'sketched', got ")
NUMBER, POSITIVE = (TypeError, "^epsilon must be a number"), (ValueError, "^epsilon must be positive")
LESS = (ValueError, "^epsilon must be less than 1")
BELONGS = (ValueError, "^epsilon belongs to method 'sampled', got method ")

REFUSED: list[tuple[dict[str, Any], Refusal]] = [
    *(({"method": method}, METHOD) for method in ("newton", "", "Exact", "sketch", " exact", "exact\0")),
    *(
        ({"method": method}, METHOD)
        for method in (None, 1, True, b"exact", ["exact"], np.array(["exact"]), nk.minimize)
    ),
    *(
        ({"epsilon": value}, NUMBER)
        for value in ("0.1", True, np.True_, [0.1], np.array(0.1), 0.1j, Fraction(1, 10))
    ),
    *(({"epsilon": value}, NUMBER) for value in (np.timedelta64(1), object(), b"1")),
    *(
        ({"epsilon": value}, POSITIVE)
        for value in (0, 0.0, -0.0, -0.1, float("nan"), np.float64("nan"), -np.inf)
    ),
    *(({"epsilon": value}, LESS) for value in (1, 1.0, 1.5, np.float32(1.0), 7)),
    ({"epsilon": np.inf}, (ValueError, "^epsilon must be (finite|less than 1)")),
    ({"epsilon": 10**400}, (ValueError, "^epsilon must be (finite|less than 1)")),
    *(({"epsilon": 0.1, "method": method}, BELONGS) for method in ("auto", "exact", "sketched")),
    ({"epsilon": 2.0, "method": "exact"}, LESS),
    *(({"rng": value}, (TypeError, "^rng must be a seed")) for value in ("0", 1.5, object())),
    ({"rng": -1}, (ValueError, "^rng must be a seed")),
]


@pytest.mark.parametrize(
    ("options", "refusal"), REFUSED, ids=lambda each: re.sub(" at 0x.*?>", ">", repr(each))[:60]
)
def test_bad_arguments_are_refused_before_any_work(options: dict[str, Any], refusal: Refusal) -> None:
    assert_refused(lambda: nk.minimize(PROBLEM, **{"method": "sampled", **options}), refusal)


@pytest.mark.parametrize("method", ["sampled", "sketched"])
def test_what_is_not_made_of_rows_is_refused(method: Any) -> None:
    quadratic = Quadratic(np.ones(2), np.eye(2), np.eye(2))
    refusal = (ValueError, f"^method '{method}' needs a problem made of rows, got Quadratic")
    assert_refused(lambda: nk.minimize(quadratic, method=method), refusal)


@pytest.mark.parametrize(
    "options",
    [
        {"method": np.str_("sketched")},
        {"method": "sampled", "epsilon": np.float32(0.25)},
        {"method": "sampled", "epsilon": 1e-9},
        {"method": "sampled", "epsilon": np.nextafter(1.0, 0.0)},
        {"method": "sampled", "epsilon": None},
        {"method": "sketched", "epsilon": None},
        {"method": "sketched", "rng": [1, 2, 3]},
        {"method": "sketched", "rng": np.random.SeedSequence(1)},
        {"method": "sampled", "rng": 10**400},
        {"method": "sketched", "gtol": 0},
        {"method": "sketched", "gtol": 5e-324},
        {"method": "sampled", "gtol": 0.5},
        {"method": "sketched", "max_iter": 0},
    ],
    ids=repr,
)
def test_good_arguments_work(options: dict[str, Any]) -> None:
    problem = nk.ExpRegression(A - 1.0, B)
    result = solved(problem, **options)
    assert result.method == options["method"]
    if "gtol" not in options and "max_iter" not in options:
        assert result.success
        np.testing.assert_allclose(result.x, nk.minimize(problem, method="exact").x, atol=1e-6)


@pytest.mark.parametrize("size", [400.0, 1e300])
@pytest.mark.parametrize("method", ["sampled", "sketched"])
def test_starts_without_a_finite_value_are_refused_as_ever(method: Any, size: float) -> None:
    problem = nk.ExpRegression(A + 1.0, B)
    refusal = (ValueError, "^x0 is no start")
    assert_refused(lambda: nk.minimize(problem, [size] * 3, method=method), refusal)
