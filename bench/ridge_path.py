"""Paths of ridges: the passes of ``nk.path`` beside those of separate solves from x = 0.

Run from the root of the repository::

    python -m bench.ridge_path [--scale 1.0] [--json FILE]

The ridges of a path fall over six decades in 20 steps, from where the penalty weighs as much as
the loss does at x = 0.  Problems are planted ones with noise, and the ready-made ones that come
with scikit-learn, which are small.  What is asked: 3 times fewer passes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import newtonkit as nk
from bench.machine import header, machine, versions
from newtonkit.datasets import PROBLEMS
from newtonkit.design import FloatArray
from newtonkit.problems import Problem

PLANTED = (  # kind, n, d, condition, groups
    ("exp", 100_000, 100, 1e4, 1),
    ("softmax", 100_000, 100, 1e4, 1),
    ("cross-entropy", 100_000, 100, 1e2, 1000),
    ("exp", 50_000, 200, 1e2, 1),
    ("exp", 20_000, 300, 1e4, 1),
    ("softmax", 20_000, 300, 1e4, 1),
    ("exp", 5_000, 20, 1e2, 1),
    ("softmax", 5_000, 20, 1e2, 1),
)
NOISE = 0.1
DECADES, STEPS = 6.0, 20


@dataclass(frozen=True)
class Row:
    """One path.

    Attributes
    ----------
    problem : str
        What is minimised.
    method : str
        What "auto" takes.
    passes, cold_passes : int
        Passes of the path, and of separate solves.
    seconds, cold_seconds : float
        Wall time of both.
    solved, cold_solved : int
        Of how many ridges.
    apart : float
        The largest relative difference of their values; with several minima they may differ.
    """

    problem: str
    method: str
    passes: int
    cold_passes: int
    seconds: float
    cold_seconds: float
    solved: int
    cold_solved: int
    apart: float

    @property
    def ratio(self) -> float:
        """How many times fewer passes."""
        return self.cold_passes / self.passes

    def __str__(self) -> str:
        return (
            f"{self.problem}\n    {self.method:<9} {self.passes:>6} {self.cold_passes:>6} {self.ratio:>6.2f} "
            f"{self.seconds:>8.2f} {self.cold_seconds:>8.2f} {self.solved:>3} {self.cold_solved:>3} "
            f"{self.apart:>8.0e}"
        )


HEADER = (
    f"problem\n    {'method':<9} {'passes':>6} {'cold':>6} {'ratio':>6} {'seconds':>8} {'cold':>8} "
    f"{'of ' + str(STEPS) + ' solved':>7} {'apart':>8}"
)


def ridges_of(problem: Problem) -> FloatArray:
    """Return ridges from where the penalty weighs as much as the loss at x = 0, downwards."""
    square = float(np.mean(np.square(problem.design.column_norms))) / problem.design.shape[0]
    top = problem.origin().curvature_mass * square
    return np.geomspace(top, top * 10.0**-DECADES, STEPS)


def measured(name: str, problem: Problem) -> Row:
    """Follow the path, and solve for each ridge from x = 0."""
    ridges = ridges_of(problem)
    first = nk.minimize(problem.with_ridge(ridges[0]))  # compiles what is compiled
    path = nk.path(problem, ridges)
    began = time.perf_counter()
    cold = [nk.minimize(problem.with_ridge(ridge * path.pattern)) for ridge in ridges]
    cold_seconds = time.perf_counter() - began
    values = np.array([result.fun for result in cold])
    return Row(
        name,
        first.method,
        path.total_passes,
        sum(result.passes for result in cold),
        path.seconds,
        cold_seconds,
        sum(result is not None and result.success for result in path),
        sum(result.success for result in cold),
        float(np.max(np.abs(path.values - values) / np.abs(values))),
    )


def rows(scale: float) -> Iterator[Row]:
    """Measure everything, the rows of planted problems scaled."""
    for kind, n, d, condition, groups in PLANTED:
        size, parts = max(round(scale * n), 2 * d), max(round(scale * groups), 1)
        made = nk.datasets.make_planted(kind, size, d, condition=condition, noise=NOISE, groups=parts, rng=0)
        yield measured(f"planted {kind}, {size} x {d}, condition {condition:g}", made.problem)
    for data, kinds in PROBLEMS.items():
        for kind, ready in kinds.items():
            if not ready.extra:
                problem = ready.load()
                yield measured(f"{data} {kind}, {' x '.join(map(str, problem.design.shape))}", problem)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the rows of planted problems")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    described, used = machine(), versions("numpy", "scipy")
    print(header(described, used), HEADER, sep="\n\n")
    found = []
    for row in rows(arguments.scale):
        print(row, flush=True)
        found.append(row)
    if arguments.json is not None:
        figures = {"machine": described, "versions": used, "rows": [asdict(row) for row in found]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
