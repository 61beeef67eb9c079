"""The judge of the grid itself: it must catch what is wrong, and know what is right."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.results import Status
from tests.extended import Point
from tests.grid import Case, cases
from tests.independent import Verdict, verdict

EASY = ("softmax-", "resnet-", "entropy-", "rescaled_exp-", "rescaled_cosh-", "exp-", "cosh-", "sinh-")


def easy_case(kind: str) -> Case:
    """A noisy case of moderate condition, at whose minimum the loss is clearly not zero."""
    found = [
        case
        for case in cases()
        if case.name.startswith(kind)
        and case.target == "noisy"
        and case.condition <= 1e4
        and case.n > 2 * case.d
        and not case.layout.startswith(("coherent", "lonely"))
    ]
    return found[0]


def claimed(x: np.ndarray, fun: float, status: Status = Status.CONVERGED) -> Any:
    """What a solver might say of x."""
    return SimpleNamespace(x=x, fun=fun, success=status.success, status=status)


def judged(case: Case, x: np.ndarray, status: Status = Status.CONVERGED) -> Verdict:
    """The verdict on x with its own true value."""
    return verdict(case, claimed(x, float(Point(case.raw, x).loss), status))


@pytest.mark.parametrize("kind", EASY)
def test_a_true_minimum_is_a_verified_success(kind: str) -> None:
    case = easy_case(kind)
    result = nk.minimize(case.make(), case.x0)
    found = verdict(case, result)
    assert found.verified, str(found)
    assert not found.wrong_success
    assert not found.other
    assert not found.premature
    assert found.loss == pytest.approx(result.fun, rel=1e-9)
    assert found.curvature > -1e-9


@pytest.mark.parametrize("kind", EASY)
def test_a_minimum_moved_a_little_is_caught(kind: str) -> None:
    case = easy_case(kind)
    x = nk.minimize(case.make(), case.x0).x
    step = np.random.default_rng(0).normal(size=len(x)) / np.sqrt((case.raw.A**2).sum(axis=0))
    step *= 1e-3 / np.abs(case.raw.A @ step).max()
    found = judged(case, x + step)
    assert found.wrong_success
    assert not found.gradient_ok
    assert not found.verified
    assert found.value_agrees


@pytest.mark.parametrize("kind", EASY)
@pytest.mark.parametrize("share", [1e-6, -1e-6])
def test_a_falsified_value_is_caught(kind: str, share: float) -> None:
    case = easy_case(kind)
    result = nk.minimize(case.make(), case.x0)
    found = verdict(case, claimed(result.x, result.fun * (1.0 + share)))
    assert found.wrong_success
    assert not found.value_agrees
    assert found.gradient_ok


def saddle() -> Case:
    """A case of cosh whose x = 0 is stationary with negative curvature."""
    planted = (case for case in cases() if case.kind == "cosh" and case.target == "planted")
    free = (case for case in planted if case.ridge == 0.0 and case.b_scale >= 1.0)
    return next(case for case in free if np.mean(case.raw.b) > 1.1)


def test_a_saddle_called_a_minimum_is_caught() -> None:
    case = saddle()
    x = np.zeros(case.d)
    assert np.abs(case.make().jac(x)).max() == 0.0
    found = judged(case, x)
    assert found.gradient_ok
    assert found.value_agrees
    assert found.curvature < -0.01
    assert not found.curvature_ok
    assert found.wrong_success


def test_a_saddle_not_called_a_minimum_is_no_wrong_success_but_other() -> None:
    found = judged(saddle(), np.zeros(saddle().d), Status.STALLED)
    assert not found.wrong_success
    assert found.other


def plateau() -> Case:
    return next(case for case in cases() if case.name.startswith("plateau") and case.start == "far2000")


def test_a_plateau_called_a_minimum_is_caught() -> None:
    case = plateau()
    found = judged(case, case.x0)
    assert found.gradient_ok
    assert found.escaping
    assert found.wrong_success


def test_saturation_is_honest_on_a_plateau_alone() -> None:
    case = plateau()
    assert judged(case, case.x0, Status.SATURATED).honest_saturated
    assert not judged(case, case.x0, Status.STALLED).honest_saturated
    for kind in EASY:
        ordinary = easy_case(kind)
        x = nk.minimize(ordinary.make(), ordinary.x0).x
        found = judged(ordinary, x, Status.SATURATED)
        assert not found.honest_saturated
        assert found.other
        assert judged(ordinary, ordinary.random_start(0), Status.SATURATED).other


def test_success_with_the_status_of_saturation_is_not_honest() -> None:
    case = plateau()
    lie = SimpleNamespace(
        x=case.x0, fun=float(Point(case.raw, case.x0).loss), success=True, status=Status.SATURATED
    )
    found = verdict(case, lie)
    assert not found.honest_saturated
    assert found.wrong_success


def test_an_unfinished_run_is_other() -> None:
    case = easy_case("exp-")
    result = nk.minimize(case.make(), case.x0, max_iter=1)
    found = verdict(case, result)
    assert found.other
    assert not found.gradient_ok
    assert not found.verified
    assert "not" in str(found)


def test_a_tighter_tolerance_is_a_stricter_judge() -> None:
    case = easy_case("exp-")
    result = nk.minimize(case.make(), case.x0, gtol=1e-3)
    assert verdict(case, result, gtol=1e-3).gradient_ok
    assert result.history[-1].relative_gradient > 1e-9
    assert not verdict(case, result, gtol=1e-12).gradient_ok


@pytest.mark.parametrize("kind", EASY)
def test_the_judge_agrees_with_the_problem_on_value_and_gradient(kind: str) -> None:
    """Two implementations that share nothing."""
    case = easy_case(kind)
    x = case.random_start(1)
    point, p = Point(case.raw, x), case.make()
    assert p.fun(x) == pytest.approx(float(point.loss), rel=1e-9)
    gradient = np.asarray(point.gradient, dtype=float)
    np.testing.assert_allclose(p.jac(x), gradient, rtol=1e-7, atol=1e-12 * float(point.gradient_scale))
    assert p.evaluate(x).gradient_scale == pytest.approx(float(point.gradient_scale), rel=0.5)


def test_cases_can_be_varied() -> None:
    case = replace(easy_case("exp-"), seed=77)
    assert judged(case, np.zeros(case.d)).claims_success
