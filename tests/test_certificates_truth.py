"""Certificates against sixty digits: what is proven is true, and what is true is mostly proven."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import newtonkit as nk
from tests.certificate_checks import Judge, Solved, solved, unit
from tests.certificate_family import KINDS, Case, cases, single
from tests.certificate_truth import DIGITS, SIXTY, Array, Truth

SIZES = 10.0 ** np.arange(-14, 0)  # relative, of the moves off a solution


def report(faults: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {'; '.join(those)}" for name, those in faults.items())


def test_the_truth_is_differentiated_rightly_and_is_what_the_package_minimises() -> None:
    """Central differences in sixty digits are right to about forty."""
    h = DIGITS.mpf(10) ** -20
    for case in list(cases())[::5]:
        truth, problem, rng = Truth(case), case.make(), np.random.default_rng(5)
        x = rng.standard_normal(truth.A.shape[1]) / np.abs(truth.A.astype(float)).sum(axis=1).max()
        v = SIXTY.array(unit(rng, len(x))) / max(abs(truth.A.astype(float)).ravel())
        here, ahead, behind = (truth.at(truth.numbers.array(x) + v * (k * h)) for k in (0, 1, -1))
        slope, size = (ahead.value - behind.value) / (2 * h), abs(here.value)
        assert abs(slope - here.gradient @ v) <= 1e-30 * size, case.name
        turn = (ahead.gradient - behind.gradient) / (2 * h) - here.hessian @ v
        assert max(abs(turn)) <= 1e-30 * max(abs(here.hessian).ravel()), case.name
        evaluation = problem.evaluate(x)
        assert evaluation.value == pytest.approx(float(here.value), rel=1e-9), case.name
        gap = np.abs(evaluation.gradient - here.gradient.astype(float)).max()
        assert gap <= 1e-12 * evaluation.gradient_scale, case.name


# How many of each structure must be well-posed and solved: 200 together.
AT_LEAST = {"elementwise": 65, "rescaled": 44, "normalised": 82, "cross-entropy": 9}


@pytest.fixture(scope="module", params=AT_LEAST)
def some(request: pytest.FixtureRequest) -> tuple[Solved, ...]:
    """Return the solved problems of one structure."""
    return solved(request.param)


def test_the_family_is_large_and_well_posed(some: tuple[Solved, ...]) -> None:
    structure = some[0].judge.case.structure
    assert len(some) >= AT_LEAST[structure]
    assert len({each.judge.case.name for each in some}) == len(some)
    found = {(each.judge.case.activation, each.judge.case.entropy_weight) for each in some}
    assert found == {kind[1:] for kind in KINDS if kind[0] == structure}


def test_what_is_proven_at_a_solution_is_true(some: tuple[Solved, ...]) -> None:
    false = {}
    for each in some:
        faults = each.judge.faults(each.certificate, each.x, np.random.default_rng(1), each.star)
        if faults:
            false[each.judge.case.name] = faults
    assert not false, report(false)


def moved(each: Solved, rng: np.random.Generator, size: float) -> Array:
    """Return a point off the solution by a step of relative length `size`."""
    return each.x + size * np.linalg.norm(each.x) * unit(rng, len(each.x))


def faults_off(some: tuple[Solved, ...], size_of: Callable[[int], float]) -> tuple[int, dict[str, list[str]]]:
    """Certify at points off the solutions; return how many are proven, and what is false."""
    false, proven = {}, 0
    for number, each in enumerate(some):
        rng, size = np.random.default_rng([2, number]), size_of(number)
        x = moved(each, rng, size)
        certificate = nk.certify(each.problem, x)
        proven += certificate.proven
        faults = each.judge.faults(certificate, x, rng, each.star)
        if faults:
            false[f"{each.judge.case.name} moved {size:.0e}"] = faults
    return proven, false


def test_what_is_proven_off_a_solution_is_true(some: tuple[Solved, ...]) -> None:
    proven, false = faults_off(some, lambda number: SIZES[5 * number % len(SIZES)])
    assert not false, report(false)
    assert proven >= 0.5 * len(some)  # or the test would say nothing


@pytest.mark.heavy
@pytest.mark.parametrize("size", [*SIZES, 0.2, 0.3, 0.5])
def test_what_is_proven_at_any_distance_is_true(some: tuple[Solved, ...], size: float) -> None:
    _, false = faults_off(some, lambda _: size)
    assert not false, report(false)


def test_nearly_all_converged_results_are_proven(some: tuple[Solved, ...]) -> None:
    certificates = {each.judge.case.name: each.certificate for each in some}
    unproven = {name: [c.reason] for name, c in certificates.items() if not c.proven}
    assert len(unproven) <= 0.1 * len(some), report(unproven)


def test_radii_are_close_to_the_true_distance(some: tuple[Solved, ...]) -> None:
    ratios = np.sort([each.ratio for each in some if each.certificate.proven])
    assert np.mean(ratios <= 100.0) >= 0.8, ratios
    assert ratios[0] >= 1.0


@pytest.mark.parametrize("exponent", [-139, -90, -40, 40, 90, 139])
@pytest.mark.parametrize("activation", ["exp", "sinh", "power3"])
def test_nothing_false_is_proven_of_data_near_the_ends_of_float64(activation: str, exponent: int) -> None:
    """1e-140 to 1e140 is allowed; squares and cubes of such numbers are not always floats."""
    A, b, scale = np.array([[1.0], [0.5], [-0.3]]), np.array([1.2, 0.9, 0.7]), 10.0**exponent
    check_at_the_ends(single("elementwise", activation, scale * A, b), 0.1 / scale)
    check_at_the_ends(single("elementwise", activation, A, scale * b), min(scale, 1.0))
    check_at_the_ends(single("elementwise", activation, A, b, sample_weight=np.full(3, scale)), 0.1)


@pytest.mark.parametrize("u", [-30.0, -180.0, -360.0, -500.0, -730.0, -760.0, -3e3, -1e8, 170.0, 340.0])
@pytest.mark.parametrize("structure", ["elementwise", "normalised", "cross-entropy", "rescaled"])
def test_nothing_false_is_proven_where_exp_is_near_the_ends_of_float64(structure: str, u: float) -> None:
    A = np.array([[1.0], [1.2], [0.1]])
    check_at_the_ends(single(structure, "exp", A, [0.3, 0.2, 0.5]), u)
    check_at_the_ends(single(structure, "exp", A, [0.3, 0.2, 0.5], ridge=1e-200), u)


def check_at_the_ends(case: Case, x: float) -> None:
    """Fail if what is certified at x, or where the solver goes from there, is false."""
    problem, judge, false = case.make(), Judge(case), {}
    points = [np.array([x])]
    if np.isfinite(problem.fun(points[0])):
        points.append(nk.minimize(problem, points[0], max_iter=60).x)
    for point in points:
        certificate = nk.certify(problem, point)
        faults = judge.faults(certificate, point, np.random.default_rng(10))
        if faults:
            false[f"{case.name} at {point}"] = [*faults, repr(certificate)]
    assert not false, report(false)
