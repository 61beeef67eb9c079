"""Where sketching pays: the sketched method beside the exact one, over shapes and densities.

Run from the root of the repository::

    python -m bench.method_choice [--rounds 3] [--clock wall|processor] [--json FILE]

Both solve the same planted problem from x = 0 with the same tolerance; they run in turns, after
one run each that is not counted.  ``method="auto"`` takes the method of the last column, which
should be the faster one wherever the ratio is far from 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path

import newtonkit as nk
from bench.machine import header, machine, versions
from bench.timing import CLOCKS, cores_in_use, timed, use_clock, warning
from newtonkit.methods import MethodName, chosen_method
from newtonkit.problems import Problem

SHAPES = (  # n, d, density
    (20_000, 50, 1.0),
    (200_000, 50, 1.0),
    (20_000, 100, 1.0),
    (200_000, 100, 1.0),
    (10_000, 200, 1.0),
    (100_000, 200, 1.0),
    (20_000, 400, 1.0),
    (50_000, 400, 1.0),
    (100_000, 200, 0.05),
    (100_000, 200, 0.2),
    (400_000, 400, 0.025),
    (100_000, 1000, 0.01),
)
KINDS = ("exp", "softmax")
CONDITION = 1e2


@dataclass(frozen=True)
class Row:
    """One problem: median seconds of both methods, iterations, and what "auto" takes.

    Attributes
    ----------
    kind : str
        The regression.
    n, d : int
        Rows and columns.
    density : float
        Share of the entries that are not 0.
    exact, sketched : float
        Seconds.
    ratio : float
        Median over the rounds of sketched / exact.
    iterations : tuple of int
        Of the exact and of the sketched method.
    auto : str
        The method that "auto" takes.
    """

    kind: str
    n: int
    d: int
    density: float
    exact: float
    sketched: float
    ratio: float
    iterations: tuple[int, int]
    auto: str


def measured(kind: str, n: int, d: int, density: float, rounds: int) -> Row:
    """Return the figures of one problem."""
    noise = 0.01 if kind == "exp" else 0.0
    problem = nk.datasets.make_planted(
        kind, n, d, condition=CONDITION, density=density, noise=noise, rng=0
    ).problem
    iterations = tuple(nk.minimize(problem, method=method).nit for method in ("exact", "sketched"))
    exact, sketched = [], []
    for _ in range(rounds):
        exact.append(_seconds(problem, "exact"))
        sketched.append(_seconds(problem, "sketched"))
    return Row(
        kind=kind,
        n=n,
        d=d,
        density=density,
        exact=statistics.median(exact),
        sketched=statistics.median(sketched),
        ratio=statistics.median(b / a for a, b in zip(exact, sketched, strict=True)),
        iterations=(iterations[0], iterations[1]),
        auto=chosen_method(problem)[0],
    )


def _seconds(problem: Problem, method: MethodName) -> float:
    problem.evaluate(problem.origin().x + 1e-3)  # so that nobody finds the start evaluated
    return timed(lambda: nk.minimize(problem, method=method))


def line(row: Row) -> str:
    """Return a row of the table."""
    shape = f"{row.n} x {row.d}" + (f", {row.density:.3g}" if row.density < 1.0 else "")
    return (
        f"{row.kind:<8} {shape:<20} {row.exact:>8.3f} {row.sketched:>8.3f} {row.ratio:>6.2f}  "
        f"{row.iterations[0]:>3} {row.iterations[1]:>3}   {row.auto}"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    use_clock(arguments.clock)
    described = header(machine(), versions("numpy", "scipy", "numba"))
    print(warning(cores_in_use()) + described)
    print(f"{nk.get_num_threads()} threads, {arguments.clock} time, condition {CONDITION:g}\n")
    print(f"{'problem':<8} {'n x d, density':<20} {'exact':>8} {'sketched':>8} {'ratio':>6}  iter      auto")
    rows = []
    for n, d, density in SHAPES:
        for kind in KINDS:
            rows.append(measured(kind, n, d, density, arguments.rounds))
            print(line(rows[-1]), flush=True)
    print("\nratio: seconds of sketched by those of exact; below 1 sketching pays")
    if arguments.json:
        figures = {"machine": machine(), "rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
