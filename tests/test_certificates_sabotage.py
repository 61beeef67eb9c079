"""Wrong constants and rounding left out: the checks of :mod:`tests.certificate_checks` find each out.

The sharp problems make the bounds nearly equalities, so that a factor of four is fatal.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from tests.certificate_checks import Judge
from tests.certificate_family import Case, single
from tests.certificate_truth import Array

SHARP: dict[str, tuple[Case, float]] = {  # a problem in one dimension, and how far off its minimiser x is
    "exp": (single("elementwise", "exp", [[1.0]], [1.0]), 0.1),
    "exp, other side": (single("elementwise", "exp", [[1.0]], [3.0]), -0.04),
    "cosh": (single("elementwise", "cosh", [[2.0]], [3.0]), 0.03),
    "sinh": (single("elementwise", "sinh", [[1.0]], [2.0]), 0.05),
    "power 3": (single("elementwise", "power3", [[1.0]], [1.0]), 0.04),
    "softmax": (single("normalised", "exp", [[1.0], [0.0]], [0.8, 0.2]), 0.1),
    "cross-entropy": (single("cross-entropy", "exp", [[1.0], [0.0]], [0.8, 0.2]), -0.1),
    "rescaled": (single("rescaled", "exp", [[1.0]], [0.05], ridge=0.1), 0.01),
    "one row far above the others": (
        single("elementwise", "exp", [[100.0], [1.0], [-1.0]], [1.0, 0.9, 1.2]),
        1e-4,
    ),
}


HOME_OF_M = "newtonkit.problems.bounds.third_derivatives"


def sharp_faults(name: str, moved_by: float | None = None) -> list[str]:
    """Certify a sharp problem off its minimiser, or at what `minimize` returns, and list what is false."""
    case, off = SHARP[name]
    judge, problem = Judge(case), case.make()
    x = nk.minimize(problem, np.full(1, 0.3) if "cosh" in name or "power" in name else None).x
    star = judge.minimiser(x)
    assert star is not None
    point = star.x.astype(float) + (off if moved_by is None else moved_by * off)
    certificate = nk.certify(problem, point)
    return judge.faults(certificate, point, np.random.default_rng(6), star)


def replaced(monkeypatch: pytest.MonkeyPatch, home: str, name: str, change: Callable[[Any], Any]) -> None:
    """Put change(function) in the place of a function, wherever the package has imported it."""
    original = getattr(importlib.import_module(home), name)
    for module in [m for key, m in sys.modules.items() if key.startswith("newtonkit")]:
        if module.__dict__.get(name) is original:
            monkeypatch.setattr(module, name, change(original))


def with_M_divided_by_four(bound: Any) -> Any:
    return lambda *given, **options: bound(*given, **options) / 4


def with_l_times_four(verified: Any) -> Any:
    def wrong(evaluation: Any) -> Any:
        right = verified(evaluation)
        return replace(right, lowest=4 * right.lowest)

    return wrong


def with_curvature_times_four(verified: Any) -> Any:
    """Everything that is known of the Hessian is that of 4 H."""

    def wrong(evaluation: Any) -> Any:
        right = verified(evaluation)
        half = None if right.transform is None else right.transform / 2
        return replace(right, lowest=4 * right.lowest, highest=4 * right.highest, transform=half)

    return wrong


def without_rounding(enclosed: Any) -> Any:
    def plain(problem: Any, x: Array) -> Any:
        gradient = problem.jac(x)
        return gradient, np.zeros_like(gradient)

    return plain


def test_the_sharp_problems_are_proven_and_nothing_is_false() -> None:
    for name, (case, _) in SHARP.items():
        assert sharp_faults(name) == [], name
        problem = case.make()
        assert sharp_faults(name, 1e-3) == [], name
        assert nk.certify(problem, nk.minimize(problem, np.full(1, 0.3)).x).proven, name


@pytest.mark.parametrize("name", SHARP)
def test_an_M_divided_by_four_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, HOME_OF_M, "third_derivative_bound", with_M_divided_by_four)
    assert any("more than M" in fault for fault in sharp_faults(name, 1e-3))


def test_an_M_divided_by_four_puts_the_minimiser_out_of_the_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sharp_faults("exp") == []
    replaced(monkeypatch, HOME_OF_M, "third_derivative_bound", with_M_divided_by_four)
    assert any("away, not within" in fault for fault in sharp_faults("exp"))


def test_an_M_divided_by_four_makes_a_minimiser_seem_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """1/2 (x^2 - 1)^2 has minimisers at 1 and -1 and a maximum at 0."""
    case, x = single("elementwise", "power2", [[1.0]], [1.0]), np.ones(1)
    judge, problem, rng = Judge(case), case.make(), np.random.default_rng(11)
    right = nk.certify(problem, x)
    assert 0.2 < right.unique_within < 1.0
    assert judge.faults(right, x, rng) == []
    replaced(monkeypatch, HOME_OF_M, "third_derivative_bound", with_M_divided_by_four)
    wrong = nk.certify(problem, x)
    assert wrong.unique_within > 1.0
    found = [fault for _ in range(10) for fault in judge.faults(wrong, x, rng)]
    assert any("critical as well" in fault for fault in found)


@pytest.mark.parametrize("name", SHARP)
def test_an_l_times_four_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced(monkeypatch, "newtonkit.problems.bounds.verified", "verified_hessian", with_l_times_four)
    assert any("less than l" in fault for fault in sharp_faults(name, 1e-3))


@pytest.mark.parametrize("name", SHARP)
def test_a_curvature_times_four_puts_the_minimiser_out_of_the_ball(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, "newtonkit.problems.bounds.verified", "verified_hessian", with_curvature_times_four)
    assert any("away, not within" in fault for fault in sharp_faults(name, 1e-3))


def many_faults(word: str, gap: float | None = None) -> int:
    """Certify 40 tiny problems where the solver ends, and count those that have a fault with `word`.

    With a `gap` they are linear regressions on two columns which are nearly the same: with M = 0 all
    that makes the bounds less than sharp is the rounding of the Hessian.
    """
    count = 0
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        A, b = rng.standard_normal((3, 1)), rng.uniform(0.5, 2.0, 3)
        if gap is not None:
            A = np.hstack((A, A + gap * rng.standard_normal((3, 1))))
        case = single("elementwise", "exp" if gap is None else "power1", A, b)
        judge, problem = Judge(case), case.make()
        x = nk.minimize(problem, gtol=0.0).x
        count += any(word in fault for fault in judge.faults(nk.certify(problem, x), x, rng))
    return count


def test_a_gradient_without_its_rounding_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """At what the solver returns the gradient is nothing but rounding."""
    assert many_faults("") == 0
    replaced(monkeypatch, "newtonkit.certificates.gradients", "enclosed_gradient", without_rounding)
    assert many_faults("away, not within") >= 10


def test_a_hessian_without_its_rounding_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least eigenvalue in float64 lies above the true one as often as below."""

    def bare(verified: Any) -> Any:
        def plain(evaluation: Any) -> Any:
            right, dense = verified(evaluation), evaluation.hessian.to_dense()
            return replace(right, lowest=float(np.linalg.eigvalsh(dense)[0]))

        return plain

    assert many_faults("", 1e-4) == 0
    replaced(monkeypatch, "newtonkit.problems.bounds.verified", "verified_hessian", bare)
    assert many_faults("less than l", 1e-4) >= 5


def test_a_defect_of_the_transform_left_out_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the condition is high, X^T H X is not exactly I."""

    def bare(verified: Any) -> Any:
        return lambda evaluation: replace(verified(evaluation), defect=0.0)

    assert many_faults("", 1e-6) == 0
    replaced(monkeypatch, "newtonkit.problems.bounds.verified", "verified_hessian", bare)
    assert many_faults("away, not within", 1e-6) >= 2
