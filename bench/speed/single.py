"""Row: float32 data beside the same data in float64, whole solves to the same gradient."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

import numpy as np

from bench.speed.cases import SHAPES, Case, case_of, planted, solve, warm_up
from bench.speed.figures import Bound, Figure, Setting, attempted
from bench.speed.turns import in_turns, medians, ratio

ROWS = {"float32": "float32 data beside float64, whole solves: times faster"}
_BOUND = Bound(1.6, 1.9, at_least=True, unit="times")


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure on all shapes."""
    if "float32" not in wanted:
        return
    for kind in setting.kinds:
        for shape in SHAPES:
            n, d = setting.shape(*shape)
            name = f"{kind} {n} x {d}"
            yield "float32", attempted(name, _BOUND, partial(measured, kind, n, d, setting.rounds))


def measured(kind: str, n: int, d: int, rounds: int) -> Figure:
    """Measure one problem: the float64 data is the float32 data widened, so both are the same problem."""
    warm_up(kind)
    warm_up(kind, dtype="float32")
    A, b, solution = planted(kind, n, d, dtype="float32")
    double = case_of(kind, A.astype(np.float64), b, solution)
    single = Case(kind, A, b, double.first, double.gtol)
    runs = {"float64": solve(double), "float32": solve(single)}
    for label, run in runs.items():
        if reason := double.refusal(run.x):
            raise RuntimeError(f"with {label} newtonkit did not arrive: {reason}")
    tasks = {
        "float64": lambda: solve(double).seconds,
        "float32": lambda: solve(single).seconds,
    }
    seconds = in_turns(tasks, rounds, uncounted=0)
    value, quartiles = ratio(seconds["float64"], seconds["float32"])
    middle = medians(seconds)
    note = ", ".join(
        f"{label} {middle[label]:.3g} s in {run.iterations} iterations" for label, run in runs.items()
    )
    return Figure(double.name, _BOUND, value, quartiles, note=note, details={"seconds": seconds})
