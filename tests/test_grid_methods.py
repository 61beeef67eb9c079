"""The non-convex grid by the sketched method: as good as the exact one, small problems and large."""

from dataclasses import replace
from functools import cache

import pytest

from tests.grid import Case, cases
from tests.run_grid import Run, default_solver, run

SHAPES = ((3000, 33), (4000, 40), (2500, 45))


def large() -> list[Case]:
    """The cases with so many rows that samples leave most out, and so many columns that none is listed."""
    out = []
    for i, case in enumerate(cases()):
        n, d = SHAPES[i % 3]
        out.append(replace(case, n=n, d=d, name=f"{case.name} at {n}x{d}"))
    return [case for case in out if not case.name.startswith("plateau")]


def report(some: list[Run]) -> str:
    return "\n".join(str(each) for each in some)


@cache
def runs(chosen: str, share: int) -> tuple[Run, ...]:
    listed = list(cases()) if chosen == "small" else large()
    return tuple(run(case, default_solver("sketched")) for case in listed[1::share])


def assert_sound(done: tuple[Run, ...]) -> None:
    assert done
    raised = [each for each in done if each.verdict is None]
    assert not raised, report(raised)
    wrong = [each for each in done if each.wrong]
    assert not wrong, report(wrong)
    bad = [each for each in done if not each.good]
    assert len(bad) <= 0.01 * len(done), report(bad)
    premature = [each for each in done if each.verdict is not None and each.verdict.premature]
    assert len(premature) <= 0.01 * len(done), report(premature)


def test_a_sixth_of_the_grid_is_solved_or_honestly_saturated() -> None:
    assert_sound(runs("small", 6))


def test_samples_of_large_cases_leave_most_rows_out() -> None:
    done = runs("large", 40)
    assert_sound(done)
    assert all(each.result.history[0].rows_sampled < 0.5 * each.case.n for each in done)


@pytest.mark.heavy
@pytest.mark.parametrize("chosen", ["small", "large"])
def test_the_whole_grid_is_solved_or_honestly_saturated(chosen: str) -> None:
    assert_sound(runs(chosen, 1))
