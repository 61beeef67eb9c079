"""How many sampled Newton steps it takes near a minimum, beside the bound of the papers.

Run from the root of the repository::

    python -m bench.sampled_iterations [--rows N] [--columns D] [--epsilon E] [--seeds S] [--json FILE]

Planted problems without noise are solved by ``method="sampled"`` from x = 0.  Distances to the
minimum x* are measured in the H(x*) norm, r0 is the first "near" x*, and T = ceil(log(r0/eps) /
log 2.5) steps are to bring it to eps, that is a contraction by 0.4 or better in each.

Near begins with the first iterate from which one *exact* Newton step would leave 1/18 of the error
or less, which is what it leaves anywhere in an (l, M)-good region: r M <= 0.1 l gives
(M r / 2) / (l - M r) <= 0.05 / 0.9.  It does not depend on how the sampled step fares.  Near ends
at rounding: ten times the largest of the Newton steps left at the planted solution, at the exact
method's (gtol 1e-14) and at x* with A x* summed in two parts, and of the distance between the two.
A dash stands for an eps below rounding, "end" for a run that was declared finished above it.
Records of one point (A x computed afresh, a model strengthened) are counted apart, not as steps.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import newtonkit as nk
from bench.machine import header, machine, versions
from bench.near_minimum import NEWTON_NEAR, Minimum, length, minimum, newton_contraction, spectral_errors
from bench.timing import cores_in_use, warning
from newtonkit.datasets import PlantedProblem, make_planted
from newtonkit.design import FloatArray
from newtonkit.prediction.solves import contractions
from newtonkit.results import IterationRecord

KINDS = ("exp", "softmax", "resnet-softmax", "entropy-softmax")
CONDITIONS = (1.0, 1e2, 1e4, 1e6)
ACCURACIES = (1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
REQUIRED = 0.4
_GTOL = 1e-15
_MAX_ITER = 100


@dataclass(frozen=True)
class Run:
    """One solve.

    Attributes
    ----------
    distances : tuple of float
        ||x_k - x*|| in the H(x*) norm for every iterate.
    near : int or None
        The first iterate near x*; None if there is none.
    steps : tuple of (int or None)
        Steps from there to each of the accuracies; None if it was not reached or is below rounding.
    worst : float
        The largest contraction factor of a step between near and the floor.
    share : float
        The median share of the rows in the samples of that time.
    grew : bool
        Whether the solver halved epsilon at some time.
    repeats : int
        Records of a point that had been there before.
    status : str
        How the solve ended.
    """

    distances: tuple[float, ...]
    near: int | None
    steps: tuple[int | None, ...]
    worst: float
    share: float
    grew: bool
    repeats: int
    status: str


@dataclass(frozen=True)
class Row:
    """One problem: its minimum and its runs.

    Attributes
    ----------
    kind : str
        The regression.
    condition : float
        Of A.
    source : str
        Whether x* is the planted solution or the exact method's.
    left_planted, left_exact, left_carried, apart, floor : float
        See :class:`bench.near_minimum.Minimum`.
    spectral_errors : list of float
        Of samples at x* against H(x*) itself, one for each draw.
    runs : tuple of Run
        One for each seed.
    """

    kind: str
    condition: float
    source: str
    left_planted: float
    left_exact: float
    left_carried: float
    apart: float
    floor: float
    spectral_errors: list[float]
    runs: tuple[Run, ...]


def bound(accuracy: float) -> int:
    """Return T for an accuracy relative to r0."""
    return math.ceil(math.log(1.0 / accuracy) / math.log(1.0 / REQUIRED))


def solved(planted: PlantedProblem, least: Minimum, epsilon: float, seed: int) -> Run:
    """Solve once and measure."""
    records: list[IterationRecord] = []
    result = nk.minimize(
        planted.problem,
        method="sampled",
        epsilon=epsilon,
        gtol=_GTOL,
        max_iter=_MAX_ITER,
        rng=seed,
        callback=records.append,
    )
    points: list[FloatArray] = []
    for record in records:
        if record.x is not None and not (points and np.array_equal(points[-1], record.x)):
            points.append(record.x)
    distances = [length(least.hessian, x - least.x) for x in points]
    near = None
    for k, x in enumerate(points):
        if distances[k] > least.floor and newton_contraction(planted, least, x) <= NEWTON_NEAR:
            near = k
            break
    steps, worst = _judged(distances, near, least.floor)
    share = _share(records, points, distances, least.floor, near) / len(planted.b)
    repeats = len(records) - len(points)
    grew = any("epsilon is now" in record.note for record in records)
    return Run(tuple(distances), near, steps, worst, share, grew, repeats, result.status.name)


def _share(
    records: Sequence[IterationRecord],
    points: Sequence[FloatArray],
    distances: Sequence[float],
    floor: float,
    near: int | None,
) -> float:
    """Return the median number of rows from which a step between near and the floor was taken."""
    used = {points[k].tobytes() for k in range(near or 0, len(points)) if distances[k] > floor}
    counts = [one.rows_sampled for one in records if one.x is not None and one.x.tobytes() in used]
    return statistics.median(counts or [0])


def _judged(
    distances: Sequence[float], near: int | None, floor: float
) -> tuple[tuple[int | None, ...], float]:
    """Return the steps to every accuracy, and the worst contraction, from near down to the floor."""
    if near is None:
        return (None,) * len(ACCURACIES), math.nan
    tail = distances[near:]
    goals = [accuracy * tail[0] for accuracy in ACCURACIES]
    steps = tuple(
        next((k for k, r in enumerate(tail) if r <= goal), None) if goal >= floor else None for goal in goals
    )
    return steps, max(contractions(tail, floor), default=math.nan)


def measured(
    kind: str, condition: float, n: int, d: int, epsilon: float, seeds: int, draws: int, data_seed: int = 0
) -> Row:
    """Make one problem, and solve it with each seed."""
    planted = make_planted(kind, n, d, condition=condition, rng=data_seed)  # type: ignore[arg-type]
    least = minimum(planted)
    return Row(
        kind,
        condition,
        least.source,
        least.left_planted,
        least.left_exact,
        least.left_carried,
        least.apart,
        least.floor,
        spectral_errors(planted, least, epsilon, draws),
        tuple(solved(planted, least, epsilon, seed) for seed in range(seeds)),
    )


def table(rows: list[Row], epsilon: float) -> str:
    """Return the rows as text: the worst over seeds."""
    titles = "".join(f"{f'{accuracy:.0e}':>7}" for accuracy in ACCURACIES)
    bounds = "".join(f"{bound(accuracy):>7}" for accuracy in ACCURACIES)
    lines = [
        f"{'':<15}{'':>6}{'':>6}{'steps from near to eps = r0 times':>35}{'worst':>7}{'rows':>5}{'true':>6}",
        f"{'problem':<15}{'cond':>6}{'near':>6}{titles}{'step':>7}{'kept':>5}{'error':>6}",
        f"{'asked':<15}{'':>6}{'':>6}{bounds}{REQUIRED:>7.2f}{'':>5}{epsilon:>6.2f}",
    ]
    for row in rows:
        near = [run.near for run in row.runs]
        shown = "-" if None in near else str(max(k for k in near if k is not None))
        counts = "".join(f"{_steps(row, k):>7}" for k in range(len(ACCURACIES)))
        lines.append(
            f"{row.kind:<15}{f'{row.condition:.0e}':>6}{shown:>6}{counts}"
            f"{max(run.worst for run in row.runs):>7.3f}{max(run.share for run in row.runs):>5.0%}"
            f"{max(row.spectral_errors):>6.3f}"
        )
    return "\n".join(lines)


def _steps(row: Row, which: int) -> str:
    """Return the most steps over seeds."""
    found = [run.steps[which] for run in row.runs]
    if None not in found:
        return str(max(k for k in found if k is not None))
    starts = [run.distances[run.near] for run in row.runs if run.near is not None]
    return "-" if starts and ACCURACIES[which] * min(starts) < row.floor else "end"


def verdict(rows: list[Row], epsilon: float) -> str:
    """Tell in words what holds and what does not."""
    runs = [(row, run) for row in rows for run in row.runs]
    late = sum(
        any(k is not None and k > bound(eps) for k, eps in zip(run.steps, ACCURACIES, strict=True))
        for _, run in runs
    )
    lost = sum(run.near is None for _, run in runs)
    slow = sum(run.worst > REQUIRED for _, run in runs)
    above = sum(error > epsilon for row in rows for error in row.spectral_errors)
    draws = sum(len(row.spectral_errors) for row in rows)
    grew = sum(run.grew for _, run in runs)
    repeats = sum(run.repeats for _, run in runs)
    planted = sum(row.source == "planted" for row in rows)
    return "\n".join(
        [
            f"runs with more steps than T anywhere: {late} of {len(runs)}; never near: {lost}",
            f"runs with a step that contracts by less than {REQUIRED:g}: {slow} of {len(runs)}",
            f"draws whose true spectral error exceeds {epsilon:g}: {above} of {draws}",
            f"runs in which the solver took to a smaller epsilon at some time: {grew}; repeats: {repeats}",
            "how runs ended: "
            + ", ".join(f"{name} {count}" for name, count in Counter(r.status for _, r in runs).items()),
            f"x* is the planted solution in {planted} of {len(rows)} problems (the shorter Newton step left)",
            "shortest and longest Newton step left, planted: "
            f"{min(r.left_planted for r in rows):.0e} to {max(r.left_planted for r in rows):.0e}; "
            f"exact: {min(r.left_exact for r in rows):.0e} to {max(r.left_exact for r in rows):.0e}",
        ]
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the design")
    parser.add_argument("--columns", type=int, default=100, help="columns of the design")
    parser.add_argument("--epsilon", type=float, default=0.1, help="spectral error asked of the samples")
    parser.add_argument("--seeds", type=int, default=1, help="solves of each problem; the worst is shown")
    parser.add_argument("--draws", type=int, default=5, help="samples at x* whose true error is measured")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="problems")
    parser.add_argument("--conditions", nargs="+", type=float, default=CONDITIONS, help="of the design")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    n, d, epsilon = arguments.rows, arguments.columns, arguments.epsilon
    in_use = cores_in_use()
    setting = {
        "machine": machine(),
        "versions": versions("numpy", "scipy"),
        "cores_used_by_others": in_use,
        "threads": nk.get_num_threads(),
        "rows": n,
        "columns": d,
        "epsilon": epsilon,
        "seeds": arguments.seeds,
    }
    print(header(setting["machine"], setting["versions"]))
    print(f"{n} x {d}, epsilon {epsilon:g}, {arguments.seeds} seeds (the worst is shown)\n")
    print(warning(in_use), end="")
    rows = [
        measured(kind, condition, n, d, epsilon, arguments.seeds, arguments.draws)
        for kind in arguments.kinds
        for condition in arguments.conditions
    ]
    print(table(rows, epsilon))
    print("\n" + verdict(rows, epsilon))
    if arguments.json is not None:
        figures = setting | {"problems": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
