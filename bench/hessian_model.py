"""What a Hessian costs: the exact Gram matrix beside the sampled preconditioner, in passes.

Run from the root of the repository, with the ``bench`` extra installed::

    python -m bench.hessian_model [--sizes 200000x1000 200000x500 500000x100] [--json FILE]

One pass is the median time of one ``A @ x`` on the same data in the same run, by the library and
with the same threads.  All are run in turns.  The first build of the model makes the metric of the
trust region too, from an embedding, which is kept for the whole solve; a refresh draws and factors
a new sample.  The phases are timed inside the library's own functions, so that they add up to the
whole: "whitening" is whatever makes the coordinates in which scores are taken, "gather" the copying
of rows wherever it is done.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import newtonkit as nk
from bench.gaussian import KINDS, dense_rows, regression
from bench.machine import header, machine, spread, versions
from bench.timing import CLOCKS, Stopwatch, cores_in_use, timed, use_clock, warning
from newtonkit.approximate import SketchedBuilder, embedded, sampled_hessian, sampler, sketched_builder
from newtonkit.approximate.preconditioner import SampledPreconditioner
from newtonkit.design import one_blas_thread
from newtonkit.design.dense import DenseDesign
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.sketching import SparseSign

ASKED = 8.0
PHASES = ("form", "embedding", "whitening", "scores", "gather", "Gram", "factor", "rest")
GTOL = 1e-8
# Owner, name, and the phase that its time is charged to.
PLACES: tuple[tuple[Any, str, str], ...] = (
    (sketched_builder, "shifted_form", "form"),
    (SparseSign, "apply", "embedding"),
    (sampler, "whitening", "whitening"),
    (embedded, "whitening", "whitening"),
    (sampler.HessianSampler, "_first_transform", "whitening"),
    (sampler, "scores_under", "scores"),
    (sampler.HessianSampler, "_sizes_by_old_factor", "scores"),
    (DenseDesign, "rows", "gather"),
    (ShiftedDesign, "rows", "gather"),
    (sampled_hessian.SampledHessian, "form", "Gram"),
    (SampledPreconditioner, "__init__", "factor"),
)


@dataclass(frozen=True)
class Row:
    """One size: medians in seconds, and what they are made of.

    Attributes
    ----------
    n, d : int
        Rows and columns.
    rows_sampled : int
        Rows in the sample.
    one_pass : float
        One A @ x.
    exact : float
        ``hessian.to_dense()``.
    plain : float
        ``A.T @ (A * w[:, None])``.
    first, refresh : float
        The model built for the first time, with the metric; and a fresh sample alone.
    ratio_first, ratio_refresh : float
        Medians over the rounds of exact / first and exact / refresh.
    quartiles : tuple of float
        The quartiles of exact / refresh.
    first_phases, refresh_phases : dict of str to float
        The same by phase.
    """

    n: int
    d: int
    rows_sampled: int
    one_pass: float
    exact: float
    plain: float
    first: float
    refresh: float
    ratio_first: float
    ratio_refresh: float
    quartiles: tuple[float, float]
    first_phases: dict[str, float]
    refresh_phases: dict[str, float]


class Model:
    """Everything that is timed, at one point of one problem.

    Parameters
    ----------
    problem : Problem
        On dense data.
    x : ndarray, shape (d,)
        The point.
    """

    def __init__(self, problem: Problem, x: np.ndarray) -> None:
        self._problem, self._x = problem, x
        self._evaluation = problem.evaluate(x)
        _ = self._evaluation.gradient
        self._mass = self._evaluation.curvature_mass
        self.rows_sampled = 0

    def hessian(self) -> StructuredHessian:
        """Return the Hessian with nothing formed yet."""
        now = self._evaluation.hessian
        return StructuredHessian(
            now.design, now.blocks, now.row_diagonal, now.ridge, now.low_rank, now.cores, shift=now.shift
        )

    def exact(self) -> None:
        """Form the exact Gram matrix."""
        self.hessian().to_dense()

    def plain(self, A: np.ndarray) -> None:
        """Form a Gram matrix by NumPy alone."""
        _ = A.T @ (A * self._evaluation.hessian.row_diagonal[:, None])

    def metric(self) -> Metric:
        """Make the metric."""
        return embedded.step_metric(self._problem, self._mass, 0)[0]

    def build(self, metric: Metric) -> None:
        """Draw a sample and factor it."""
        builder = SketchedBuilder(self._problem, metric, GTOL, 0)
        builder.prepare(self._evaluation, float("nan"))
        self.rows_sampled = builder.build(self._evaluation).rows_sampled


def phases(task: Callable[[], Any]) -> dict[str, float]:
    """Return the seconds that a task spends in each phase."""
    watch = Stopwatch()
    with one_blas_thread(), watch.watching(PLACES):
        task()
    return {phase: watch.seconds.get(phase, 0.0) for phase in PHASES}


def measured(n: int, d: int, repeats: int, kind: str = "softmax") -> Row:
    """Time everything in turns, after one round to warm up."""
    A = dense_rows(n, d, seed=0)
    problem, x = regression(kind, A, seed=0)
    model, v = Model(problem, x), np.ones(d)
    made = [model.metric()]

    def first() -> None:
        made[0] = model.metric()
        model.build(made[0])

    def one_round() -> dict[str, Any]:
        return {
            "one_pass": statistics.median(timed(lambda: problem.design.product(v)) for _ in range(5)),
            "refresh": phases(lambda: model.build(made[0])),
            "exact": timed(model.exact),
            "first": phases(first),
            "plain": timed(lambda: model.plain(A)),
        }

    rounds = [one_round() for _ in range(repeats + 1)]
    return _summed_up(n, d, model.rows_sampled, rounds[1:])


def _summed_up(n: int, d: int, rows_sampled: int, rounds: list[dict[str, Any]]) -> Row:
    """Return medians over the rounds."""

    def total(name: str) -> list[float]:
        return [sum(one[name].values()) if isinstance(one[name], dict) else one[name] for one in rounds]

    def by_phase(name: str) -> dict[str, float]:
        return {phase: statistics.median(one[name][phase] for one in rounds) for phase in PHASES}

    ratios = {
        name: [exact / other for exact, other in zip(total("exact"), total(name), strict=True)]
        for name in ("first", "refresh")
    }
    return Row(
        n,
        d,
        rows_sampled,
        **{
            name: statistics.median(total(name))
            for name in ("one_pass", "exact", "plain", "first", "refresh")
        },
        ratio_first=statistics.median(ratios["first"]),
        ratio_refresh=statistics.median(ratios["refresh"]),
        quartiles=spread(ratios["refresh"]),
        first_phases=by_phase("first"),
        refresh_phases=by_phase("refresh"),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as text: everything in passes."""
    titles = [f"{row.n} x {row.d}" for row in rows]
    lines = [f"{'in passes':<26}" + "".join(f"{title:>17}" for title in titles)]

    def line(name: str, values: list[str]) -> None:
        lines.append(f"{name:<26}" + "".join(f"{value:>17}" for value in values))

    line("one pass (ms)", [f"{1e3 * row.one_pass:.1f}" for row in rows])
    line("exact Gram", [f"{row.exact / row.one_pass:.1f}" for row in rows])
    line("A.T @ (A * w) by NumPy", [f"{row.plain / row.one_pass:.1f}" for row in rows])
    for name, part in (("first model", "first"), ("refreshed model", "refresh")):
        lines.append("")
        line(name, [f"{getattr(row, part) / row.one_pass:.1f}" for row in rows])
        for phase in PHASES:
            values = [getattr(row, f"{part}_phases")[phase] / row.one_pass for row in rows]
            line(f"  {phase}", [f"{value:.2f}" for value in values])
    lines.append("")
    line("rows sampled", [str(row.rows_sampled) for row in rows])
    line("exact Gram / first", [f"{row.ratio_first:.1f}" for row in rows])
    line("exact Gram / refreshed", [f"{row.ratio_refresh:.1f}" for row in rows])
    line("  quartiles", [f"{row.quartiles[0]:.1f} to {row.quartiles[1]:.1f}" for row in rows])
    return "\n".join(lines)


def verdict(rows: list[Row]) -> str:
    """Tell where the model is built as many times faster as is asked for."""
    lines = []
    for row in rows:
        for name, ratio in (("first", row.ratio_first), ("refreshed", row.ratio_refresh)):
            met = "at least" if ratio >= ASKED else "NOT"
            lines.append(f"{row.n} x {row.d}, {name}: {ratio:.1f} times, {met} {ASKED:g}")
    return "\n".join(lines)


def _size(text: str) -> tuple[int, int]:
    rows, columns = text.split("x")
    return int(rows), int(columns)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    sizes = [(200_000, 1000), (200_000, 500), (500_000, 100)]
    parser.add_argument("--sizes", type=_size, nargs="+", default=sizes, help="rows x columns, as 200000x500")
    parser.add_argument("--kind", choices=KINDS, default="softmax", help="which regression")
    parser.add_argument("--repeats", type=int, default=5, help="rounds after the one to warm up")
    parser.add_argument("--threads", type=int, default=nk.get_num_threads(), help="threads, for all")
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall", help="which time to measure")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    nk.set_num_threads(arguments.threads)
    use_clock(arguments.clock)
    in_use = cores_in_use()
    setting = {
        "machine": machine(),
        "versions": versions("numpy", "scipy", "numba"),
        "cores_used_by_others": in_use,
        "threads": arguments.threads,
        "clock": arguments.clock,
        "repeats": arguments.repeats,
        "kind": arguments.kind,
    }
    print(header(setting["machine"], setting["versions"]))
    print(f"{arguments.kind} regression, {arguments.threads} threads, {arguments.clock} time", end=", ")
    print(f"{arguments.repeats} rounds\n")
    print(warning(in_use), end="")
    with threadpool_limits(limits=arguments.threads):
        rows = [measured(n, d, arguments.repeats, arguments.kind) for n, d in arguments.sizes]
    print(table(rows))
    print("\n" + verdict(rows))
    if arguments.json is not None:
        figures = setting | {"rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
