"""The non-convex grid: verified success or honest saturation, never a wrong word, and good minima."""

from functools import cache

import numpy as np
import pytest

from newtonkit.results import Status
from tests.extended import Point
from tests.grid import CLASSES, Case, cases
from tests.run_grid import Run, default_solver, is_best, random_losses, run

SOLVE = default_solver()


@cache
def runs() -> tuple[Run, ...]:
    return tuple(run(case, SOLVE) for case in cases())


def report(some: list[Run]) -> str:
    return "\n".join(str(each) for each in some)


def test_the_grid_is_large_and_its_names_are_one_case_each() -> None:
    names = [case.name for case in cases()]
    assert len(names) >= 210
    assert len(set(names)) == len(names)
    assert names == [case.name for case in cases()]
    kinds = {case.kind for case in cases()}
    assert kinds == set(CLASSES)
    first = next(cases())
    assert (first.seed, first.kind) == (0, "softmax")


def test_the_data_of_a_case_are_the_same_at_every_call() -> None:
    for one, other in list(zip(cases(), cases(), strict=True))[::20]:
        np.testing.assert_array_equal(one.raw.A, other.raw.A)
        np.testing.assert_array_equal(one.raw.b, other.raw.b)
        np.testing.assert_array_equal(one.random_start(3), other.random_start(3))


def test_no_case_raises_or_warns() -> None:
    failed = [each for each in runs() if each.verdict is None]
    assert not failed, report(failed)


def test_no_success_is_wrong() -> None:
    wrong = [each for each in runs() if each.wrong]
    assert not wrong, report(wrong)


def test_nearly_all_cases_are_solved_or_honestly_saturated() -> None:
    bad = [each for each in runs() if not each.good]
    assert len(bad) <= 0.01 * len(runs()), report(bad)


def test_few_successes_are_premature() -> None:
    premature = [each for each in runs() if each.verdict is not None and each.verdict.premature]
    assert len(premature) <= 0.01 * len(runs()), report(premature)


def test_plateaus_are_honestly_saturated() -> None:
    plateaus = [each for each in runs() if each.case.name.startswith("plateau")]
    assert len(plateaus) >= 10
    for each in plateaus:
        assert each.result.status is Status.SATURATED, str(each)
        assert each.verdict is not None
        assert each.verdict.honest_saturated, str(each)
        assert not each.verdict.claims_success


def planted() -> list[Case]:
    """The cases whose target is the model itself at x_true."""
    return [case for case in cases() if case.target == "planted"]


def share_of_best(chosen: list[Case], starts: int) -> tuple[float, str]:
    """Return how many end within 1 % of the best of random starts, and which do not."""
    above = []
    for case in chosen:
        own = run(case, SOLVE).verdict
        assert own is not None
        losses = random_losses(case, SOLVE, starts)
        if not is_best(own, [own.loss, *losses], float(Point(case.raw, case.x_true).loss_scale)):
            above.append(f"{case.name}: {own.loss} above {min(losses)}")
    return 1.0 - len(above) / len(chosen), "\n".join(above)


def test_a_third_of_the_planted_cases_against_six_starts() -> None:
    chosen = planted()[::3]
    assert len(chosen) >= 20
    share, above = share_of_best(chosen, 6)
    assert share >= 0.95, above


@pytest.mark.heavy
def test_planted_cases_against_twenty_starts() -> None:
    chosen = planted()
    assert len(chosen) >= 60
    share, above = share_of_best(chosen, 20)
    assert share >= 0.95, above
