"""Rows: whole solves in passes, beside the methods of SciPy, and beside the exact method."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from bench.speed.cases import SHAPES, Case, Solve, checked_solve, planted_case, solve, warm_up
from bench.speed.figures import Bound, Figure, Setting, attempted
from bench.speed.race import Attempt, fastest, named, one_attempt, raced
from bench.speed.turns import in_turns, medians, one_pass, ratio

ROWS = {
    "solve": "Solve to 1e-8 of the first gradient: passes by the clock",
    "scipy": "The same beside the best of scipy.optimize.minimize: times faster",
    "exact": 'The same beside method="exact": times faster',
}
_PASSES = tuple(
    Bound(*pair, at_least=False, unit="passes") for pair in ((40, 25), (40, 25), (60, 35), (80, 50))
)
_SCIPY = tuple(Bound(*pair, at_least=True, unit="times") for pair in ((2.5, 5), (5, 9), (12, 20), (20, 30)))
_EXACT = Bound(5, 10, at_least=True, unit="times")
_FIRST_SKETCHED = 2
_LONG = 10.0
_SOURCES = {"plain": "NumPy derivatives", "library": "our derivatives"}


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure the rows wanted, problem by problem."""
    for kind in setting.kinds if not ROWS.keys().isdisjoint(wanted) else ():
        for k, shape in enumerate(SHAPES):
            n, d = setting.shape(*shape)
            name = f"{kind} {n} x {d}"
            for row, (bound, measure) in _tasks(k, setting).items():
                if row.partition(":")[0] in wanted:
                    yield (
                        row.partition(":")[0],
                        attempted(name, bound, partial(_on, measure, kind, n, d, bound)),
                    )


def _tasks(k: int, setting: Setting) -> dict[str, tuple[Bound, Any]]:
    tasks: dict[str, tuple[Bound, Any]] = {"solve": (_PASSES[k], partial(in_passes, rounds=setting.rounds))}
    for source in _SOURCES:
        tasks[f"scipy:{source}"] = (_SCIPY[k], partial(beside_scipy, source=source, setting=setting))
    if k >= _FIRST_SKETCHED:
        tasks["exact"] = (_EXACT, partial(beside_exact, rounds=setting.rounds))
    return tasks


def _on(measure: Any, kind: str, n: int, d: int, bound: Bound) -> Figure:
    warm_up(kind)
    figure: Figure = measure(planted_case(kind, n, d), bound)
    return figure


def in_passes(case: Case, bound: Bound, rounds: int) -> Figure:
    """Measure whole solves in passes taken in the same rounds."""
    done: list[Solve] = [checked_solve(case)]
    task = one_pass(case.A)

    def ours() -> float:
        done.append(solve(case))
        return done[-1].seconds

    seconds = in_turns({"pass": task, "ours": ours, "pass again": task}, rounds, uncounted=0)
    passes = [min(pair) for pair in zip(seconds["pass"], seconds["pass again"], strict=True)]
    value, quartiles = ratio(seconds["ours"], passes)
    last, middle = done[-1], medians(seconds)
    total = sorted(one.total for one in done[1:])[rounds // 2]
    note = (
        f"{last.method}: {middle['ours']:.3g} s at {1e3 * middle['pass']:.3g} ms a pass, {last.iterations} "
        f"iterations; {total:.3g} s = {total / middle['pass']:.3g} passes with its verdict"
    )
    details = {"seconds": seconds, "total_seconds": [one.total for one in done[1:]], "run": _told(last)}
    return Figure(case.name, bound, value, quartiles, note=note, details=details)


def beside_exact(case: Case, bound: Bound, rounds: int) -> Figure:
    """Measure the exact method and the one that "auto" takes in turns."""
    runs = {"auto": checked_solve(case), "exact": checked_solve(case, "exact")}
    tasks = {method: partial(_seconds, case, method) for method in runs}
    seconds = in_turns(tasks, _rounds(rounds, runs["exact"].seconds), uncounted=0)
    value, quartiles = ratio(seconds["exact"], seconds["auto"])
    middle = medians(seconds)
    note = f"exact {middle['exact']:.3g} s, {runs['auto'].method} {middle['auto']:.3g} s"
    details = {"seconds": seconds, "runs": {name: _told(run) for name, run in runs.items()}}
    return Figure(case.name, bound, value, quartiles, note=note, details=details)


def beside_scipy(case: Case, bound: Bound, source: str, setting: Setting) -> Figure:
    """Race the methods of SciPy, then run the two fastest and the library in turns."""
    name = f"{case.name}, {_SOURCES[source]}"
    ours = checked_solve(case)
    attempts = raced(case, source, setting, ours.value)
    details: dict[str, Any] = {"attempts": [asdict(one) for one in attempts], "run": _told(ours)}
    first = fastest(attempts)
    if not first:
        return _unbeaten(name, case, bound, attempts, details, setting)
    again = [one for one in first if one.seconds is not None and one.seconds <= _LONG]
    tasks: dict[str, Any] = {"newtonkit": partial(_seconds, case, "auto")}
    tasks |= {one.name: partial(_run_again, one, case, source, setting.cap, ours.value) for one in again}
    seconds = in_turns(tasks, setting.rounds, uncounted=0)
    if not again:
        seconds[first[0].name] = [first[0].seconds or np.nan] * setting.rounds
    middle = medians(seconds)
    best = min((label for label in middle if label != "newtonkit"), key=lambda label: middle[label])
    value, quartiles = ratio(seconds[best], seconds["newtonkit"])
    note = f"best: {best}, {middle[best]:.3g} s{'' if again else ' (one run)'}; {_others(attempts, best)}"
    note += f"; newtonkit {middle['newtonkit']:.3g} s"
    return Figure(name, bound, value, quartiles, note=note, details=details | {"seconds": seconds})


def _run_again(arrived: Attempt, case: Case, source: str, cap: float, reference: float) -> float:
    done = one_attempt(named(arrived.name), case, source, cap, reference)
    if done.seconds is None:
        raise RuntimeError(f"{arrived.name} arrived once, and then {done.outcome}")
    return done.seconds


def _unbeaten(
    name: str, case: Case, bound: Bound, attempts: list[Attempt], details: dict[str, Any], setting: Setting
) -> Figure:
    """Return what is known when no method of SciPy has arrived: a lower bound, if any was cut off."""
    seconds = in_turns({"ours": partial(_seconds, case, "auto")}, setting.rounds, uncounted=0)
    cut_off = [one.limit for one in attempts if one.is_cut_off]
    note = f"no method of SciPy arrived; newtonkit {medians(seconds)['ours']:.3g} s"
    if not cut_off:
        return Figure(name, bound, note=note, details=details)
    value, quartiles = ratio([min(cut_off)] * setting.rounds, seconds["ours"])
    return Figure(
        name, bound, value, quartiles, is_open=True, note=note, details=details | {"seconds": seconds}
    )


def _others(attempts: list[Attempt], best: str) -> str:
    """Return who else arrived in the race, in short."""
    arrived = [one for one in fastest(attempts, len(attempts)) if one.name != best]
    late = sum(one.is_cut_off for one in attempts)
    told = [f"{one.name} {one.seconds:.3g} s" for one in arrived[:3]]
    return ", ".join([*told, f"{late} over the deadline"])


def _rounds(rounds: int, seconds: float) -> int:
    """Return how many rounds to do where one run of the other takes that long."""
    return rounds if seconds <= _LONG else 1


def _seconds(case: Case, method: str) -> float:
    return solve(case, method).seconds


def _told(run: Solve) -> dict[str, Any]:
    return {key: value for key, value in asdict(run).items() if key != "x"}
