"""Time of one iteration against the number of entries of A, at a fixed number of columns.

Run from the root of the repository, with the ``bench`` extra installed::

    python -m bench.input_sparsity [--largest N] [--rounds 7] [--threads N] [--json FILE]

One iteration is the value and gradient at a point, the curvature model made anew there, and the
value at the end of a step.  "sketched" makes the preconditioner (embedding, scores, sample, Gram,
factor) and a fixed number of exact Hessian products; "sampled" factors a sample that makes a
spectral error of about `epsilon`.  At epsilon = 0.1 that would be most rows of the smallest data,
and all of them in the next; it is 0.5 by default, so that the number of rows kept does not grow
with n.  Designs are dense (Gaussian, d = 20) or CSR (d = 100, 10 entries a row).

All sizes are held in memory and timed in turns, in rounds, after an untimed round in which
everything is compiled and touched; what is shown are medians.  The line seconds = intercept + slope * entries
has the least squares of its relative deviations, over all sizes; "off" is its deviation from what
was measured, "faults" the pages of memory that the system had to provide during one iteration.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import newtonkit as nk
from bench.gaussian import KINDS, dense_rows, regression, sparse_rows
from bench.machine import header, machine, spread, versions
from bench.timing import CLOCKS, cores_in_use, fitted_line, free_bytes, timed, use_clock, warning
from newtonkit.approximate import SampledBuilder, SketchedBuilder
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.shifting import shifted_form

METHODS = ("sketched", "sampled")
ASKED = 0.15
_DECADES = 3
_SIZES_PER_DECADE = 2
_GTOL = 1e-8
_PRODUCTS = 5
_LEAST_SECONDS = 0.05  # small sizes are repeated within a round until so much time has passed
_BYTES_PER_ENTRY = {"dense": 8.0, "csr": 12.0}
_BYTES_PER_ROW = 200.0  # vectors of length n beside A
_COLUMNS = {"dense": 20, "csr": 100}
_PER_ROW = 10


@dataclass(frozen=True)
class Series:
    """One method on one kind of design.

    Attributes
    ----------
    design : str
        "dense" or "csr".
    method : str
        "sketched" or "sampled".
    entries : list of int
        Stored entries of A.
    rows_sampled : list of int
        Rows in the sample.
    page_faults : list of int
        Pages that the system had to provide during an iteration: memory given back and taken anew.
    seconds : list of float
        Medians.
    quartiles : list of tuple
        The quartiles.
    intercept, slope : float
        Of the line.
    deviations : list of float
        (line - measured) / measured.
    compile_seconds : float
        The first iteration of all, less the second, at the largest size.
    """

    design: str
    method: str
    entries: list[int]
    rows_sampled: list[int]
    page_faults: list[int]
    seconds: list[float]
    quartiles: list[tuple[float, float]]
    intercept: float
    slope: float
    deviations: list[float]
    compile_seconds: float

    @property
    def worst(self) -> float:
        """The largest relative deviation of the line."""
        return max(abs(deviation) for deviation in self.deviations)


class Iteration:
    """One iteration of one method at one point of one problem, again and again.

    Parameters
    ----------
    method : {"sketched", "sampled"}
        Which curvature model.
    problem : Problem
        The problem.
    x : ndarray, shape (d,)
        The point.
    metric : Metric
        The norm of steps, which a solve makes once.
    epsilon : float
        For "sampled".
    """

    def __init__(self, method: str, problem: Problem, x: FloatArray, metric: Metric, epsilon: float) -> None:
        self._problem, self._x, self._metric = problem, x, metric
        self._method, self._epsilon = method, epsilon
        self._directions = np.random.default_rng(0).standard_normal((_PRODUCTS, len(x)))
        self._form = shifted_form(problem.evaluate(x).hessian)  # for products; the builder makes its own
        self.rows_sampled = 0

    def __call__(self) -> None:
        """Run it."""
        with one_blas_thread():
            evaluation = Evaluation(self._problem, self._x, self._problem.design.product(self._x))
            _ = evaluation.gradient
            make = self._sketched if self._method == "sketched" else self._sampled
            evaluation.along(*make(evaluation))

    def _sketched(self, evaluation: Evaluation) -> tuple[FloatArray, FloatArray]:
        builder = SketchedBuilder(self._problem, self._metric, _GTOL, 0)
        builder.prepare(evaluation, float("nan"))
        self.rows_sampled = builder.build(evaluation).rows_sampled
        for direction in self._directions:
            self._form.design.gram_product(self._form.weights, direction)
        step = self._metric.steps(self._directions[:1, : self._metric.rank].T)[:, 0]
        return step, self._problem.design.product(step)

    def _sampled(self, evaluation: Evaluation) -> tuple[FloatArray, FloatArray]:
        builder = SampledBuilder(self._problem, self._metric, _GTOL, self._epsilon, 0)
        builder.prepare(evaluation, float("nan"))
        model = builder.build(evaluation)
        self.rows_sampled = model.rows_sampled
        step = model.step(1.0)
        return step.s, step.a_s


def iteration(design: str, method: str, kind: str, n: int, epsilon: float) -> tuple[Iteration, int]:
    """Return an iteration on new data, and the number of stored entries."""
    d = _COLUMNS[design]
    A = dense_rows(n, d, seed=n) if design == "dense" else sparse_rows(n, d, _PER_ROW, seed=n)
    problem, x = regression(kind, A, seed=n)
    metric = embedded_metric(problem, problem.evaluate(x).curvature_mass, 0)[0]
    return Iteration(method, problem, x, metric, epsilon), A.size if isinstance(A, np.ndarray) else A.nnz


def all_sizes(largest: int) -> list[int]:
    """Return numbers of rows over three decades."""
    steps = _DECADES * _SIZES_PER_DECADE
    return [round(largest * 10.0 ** (k / _SIZES_PER_DECADE - _DECADES)) for k in range(steps + 1)]


def measured(
    design: str, method: str, kind: str, sizes: Sequence[int], rounds: int, epsilon: float
) -> Series:
    """Time all sizes in turns."""
    made = [iteration(design, method, kind, n, epsilon) for n in sizes]
    tasks = [task for task, _ in made]
    first, second = timed(tasks[-1]), timed(tasks[-1])
    seconds: list[list[float]] = [[] for _ in tasks]
    for k in range(rounds + 1):
        for task, kept in zip(tasks, seconds, strict=True):
            value = _in_a_row(task)
            if k:  # the first round warms up
                kept.append(value)
    medians = [statistics.median(kept) for kept in seconds]
    entries = [count for _, count in made]
    line = fitted_line(entries, medians)
    return Series(
        design,
        method,
        entries,
        [task.rows_sampled for task in tasks],
        [_page_faults(task) for task in tasks],
        medians,
        [spread(kept) for kept in seconds],
        line.intercept,
        line.slope,
        [float(deviation) for deviation in line.deviations],
        max(0.0, first - second),
    )


def _in_a_row(task: Callable[[], None]) -> float:
    """Return the median time of a task that is repeated until enough time has passed."""
    spent: list[float] = []
    while not spent or sum(spent) < _LEAST_SECONDS:
        spent.append(timed(task))
    return statistics.median(spent)


def _page_faults(task: Callable[[], None]) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    task()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def table(series: Series) -> str:
    """Return one series as text."""
    lines = [
        f"{series.design}, d = {_COLUMNS[series.design]}, {series.method}",
        f"{'entries':>12}{'rows kept':>11}{'faults':>9}{'ms':>10}{'quartiles':>20}{'line, ms':>10}{'off':>6}",
    ]
    for k, entries in enumerate(series.entries):
        low, high = (1e3 * value for value in series.quartiles[k])
        line = 1e3 * (series.intercept + series.slope * entries)
        lines.append(
            f"{entries:>12}{series.rows_sampled[k]:>11}{series.page_faults[k]:>9}"
            f"{1e3 * series.seconds[k]:>10.2f}{f'{low:.2f} to {high:.2f}':>20}{line:>10.2f}"
            f"{series.deviations[k]:>+6.0%}"
        )
    met = "within" if series.worst <= ASKED else "NOT within"
    return "\n".join(
        [
            *lines,
            f"{1e3 * series.intercept:.2f} ms + {1e9 * series.slope:.2f} ns an entry; "
            f"largest deviation {series.worst:.0%}, {met} {ASKED:.0%}",
            f"the first run of all took {series.compile_seconds:.1f} s more than the second (compiling)",
        ]
    )


def rows_that_fit(design: str, wanted: int) -> int:
    """Return the most rows, at most `wanted`, with which all sizes together take half the memory."""
    entries = _COLUMNS["dense"] if design == "dense" else _PER_ROW
    all_together = 1.0 / (1.0 - 10.0 ** (-1.0 / _SIZES_PER_DECADE))
    each = (entries * _BYTES_PER_ENTRY[design] + _BYTES_PER_ROW) * all_together
    return min(wanted, int(0.5 * free_bytes() / each))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--largest", type=int, default=10_000_000, help="rows of the largest design")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds over all sizes")
    parser.add_argument("--epsilon", type=float, default=0.5, help="spectral error asked of samples")
    parser.add_argument("--kind", choices=KINDS, default="softmax", help="which regression")
    parser.add_argument("--designs", nargs="+", choices=tuple(_COLUMNS), default=tuple(_COLUMNS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--threads", type=int, default=nk.get_num_threads(), help="threads")
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
        "rounds": arguments.rounds,
        "kind": arguments.kind,
        "epsilon": arguments.epsilon,
        "hessian_products": _PRODUCTS,
    }
    print(header(setting["machine"], setting["versions"]))
    print(f"{arguments.kind} regression, {arguments.threads} threads, {arguments.clock} time", end=", ")
    print(f"{arguments.rounds} rounds")
    print(f"epsilon {arguments.epsilon:g}, {_PRODUCTS} Hessian products\n{warning(in_use)}")
    found = []
    for design in arguments.designs:
        sizes = all_sizes(rows_that_fit(design, arguments.largest))
        for method in arguments.methods:
            found.append(measured(design, method, arguments.kind, sizes, arguments.rounds, arguments.epsilon))
            print(table(found[-1]) + "\n")
    if arguments.json is not None:
        figures = setting | {"series": [asdict(one) for one in found]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
