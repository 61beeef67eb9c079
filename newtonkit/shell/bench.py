"""``newtonkit bench``: where the passes of a solve go."""

from __future__ import annotations

import argparse
import copy
import difflib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newtonkit.datasets import PROBLEMS
from newtonkit.shell.arguments import (
    add_data_options,
    not_negative,
    positive,
    refuse_file_options,
    seed,
    whole,
)
from newtonkit.shell.kinds import KINDS
from newtonkit.shell.manual import ManualParser
from newtonkit.shell.mistakes import NO_START, MistakeError, listed
from newtonkit.shell.output import refuse_clashes, replacing, shown, write_text
from newtonkit.shell.pages import BENCH
from newtonkit.shell.passes import Measurement, Subject, figures_of, report_of
from newtonkit.shell.progress import status_line
from newtonkit.shell.record import as_json
from newtonkit.shell.tasks import preparation

if TYPE_CHECKING:
    from newtonkit.design import Design
    from newtonkit.problems import Problem
    from newtonkit.results import MinimizeResult

ITERATIONS = "iterations"
"""What ``newtonkit bench iterations`` is told by: no file, and no ready-made data."""
_NO_SUCCESS = 1
_PLANTED = {"rows": 200_000, "columns": 100, "condition": 1e4, "density": 1.0, "noise": 0.1}
# What make_planted calls them in its errors.
_OPTIONS = {"n": "--rows", "d": "--columns"} | {name: f"--{name}" for name in _PLANTED}
_PRODUCTS = 7


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser("bench", help=BENCH.purpose, page=BENCH)
    where = parser.add_argument_group("ARGUMENTS")
    where.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="a file, or the name of ready-made data (default: a planted problem)",
    )
    _add_planted(parser)
    add_data_options(parser)
    solver = parser.add_argument_group("SOLVER AND RUNS")
    solver.add_argument(
        "--method",
        choices=("auto", "exact", "sketched", "sampled"),
        default="auto",
        help="where the curvature comes from, as for 'newtonkit solve' (default: %(default)s)",
    )
    solver.add_argument(
        "--gtol",
        type=not_negative,
        default=1e-8,
        metavar="TOL",
        help="tolerance on the gradient, relative to the size it would have if nothing cancelled in it "
        "(default: %(default)g)",
    )
    solver.add_argument(
        "--seed", type=seed, default=0, metavar="K", help="of planted data and of samples (default: 0)"
    )
    solver.add_argument(
        "--runs", type=whole, default=3, metavar="N", help="solves that are timed (default: %(default)d)"
    )
    output = parser.add_argument_group("OUTPUT")
    output.add_argument("--json", metavar="FILE", help="write all figures to FILE; - prints them alone")
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def _add_planted(parser: argparse.ArgumentParser) -> None:
    planted = parser.add_argument_group("PLANTED PROBLEM, WITHOUT DATA")
    planted.add_argument("--rows", type=whole, metavar="N", help=f"n (default: {_PLANTED['rows']})")
    planted.add_argument("--columns", type=whole, metavar="D", help=f"d (default: {_PLANTED['columns']})")
    planted.add_argument(
        "--condition", type=positive, metavar="C", help="condition number of A (default: 1e4)"
    )
    planted.add_argument(
        "--density", type=positive, metavar="S", help="share of entries that are not 0 (default: 1)"
    )
    planted.add_argument(
        "--noise",
        type=not_negative,
        metavar="E",
        help="relative standard deviation of the target (default: 0.1)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, and return the exit code."""
    if arguments.data == ITERATIONS:
        raise MistakeError(
            f"the order is 'newtonkit bench {ITERATIONS} [OPTION ...]'; a file of that name is ./{ITERATIONS}"
        )
    name = arguments.data or ""
    if difflib.get_close_matches(name, [ITERATIONS], cutoff=0.8) and not os.path.lexists(name):
        raise MistakeError(f"there is no file or data {name!r}; did you mean 'newtonkit bench {ITERATIONS}'?")
    refuse_clashes({"DATA": arguments.data, "--json": arguments.json})
    prepare = _planted(arguments) if arguments.data is None else _given(arguments)
    path = None if arguments.json in (None, "-") else arguments.json
    with replacing(path) as place:
        with status_line() as show:
            measured = _measured(prepare, arguments, show)
        if arguments.json is not None:
            write_text(place, as_json(figures_of(measured)))
    result = measured.result
    if arguments.json != "-":
        written = "" if path is None else f"\nWritten to {path}.\n"
        sys.stdout.write(shown(report_of(measured) + written))
    elif not result.success:
        sys.stderr.write(f"{arguments.parser.prog}: {result.status.name}: {result.message}\n")
    return 0 if result.success else _NO_SUCCESS


def _given(arguments: argparse.Namespace) -> Callable[[], Subject]:
    """Check the arguments on DATA, reading nothing yet; return what makes the problem of them."""
    prepare = preparation(arguments)
    given = [f"--{name}" for name in _PLANTED if getattr(arguments, name) is not None]
    if given:
        raise MistakeError(
            f"{listed(given)} {'is' if len(given) == 1 else 'are'} for planted problems, which take no DATA"
        )
    name, kind = arguments.data, arguments.problem
    data = {"ready_made": name} if name in PROBLEMS else {"file": Path(name).name}

    def subject() -> Subject:
        task = prepare()
        return Subject(task.problem, task.description, kind or next(iter(PROBLEMS[name])), data)

    return subject


def _planted(arguments: argparse.Namespace) -> Callable[[], Subject]:
    """Check the arguments of a planted problem, making nothing yet; return what makes it."""
    refuse_file_options(arguments, "DATA is missing")
    kind: Any = arguments.problem or "exp"
    if kind not in KINDS:
        raise MistakeError(f"--problem {kind} needs DATA; planted problems are {listed(KINDS, 'or', 99)}")
    given = {name: getattr(arguments, name) for name in _PLANTED}
    wanted = _PLANTED | {name: value for name, value in given.items() if value is not None}

    def subject() -> Subject:
        from newtonkit.datasets import make_planted  # noqa: PLC0415

        sizes = {name: value for name, value in wanted.items() if name not in ("rows", "columns")}
        n, d = int(wanted["rows"]), int(wanted["columns"])
        try:
            problem = make_planted(kind, n, d, **sizes, rng=arguments.seed).problem
        except ValueError as error:
            raise planted_mistake(error) from error
        except MemoryError as error:
            raise MistakeError(f"there is not enough memory for --rows {n} --columns {d}") from error
        told = [f"{name} {value:g}" for name, value in sizes.items() if (name, value) != ("density", 1.0)]
        description = f"planted {KINDS[kind].title}, {', '.join(told)}, seed {arguments.seed}"
        return Subject(problem, description, kind, {"planted": wanted | {"seed": arguments.seed}})

    return subject


def planted_mistake(error: ValueError, **options: str) -> MistakeError:
    """Return what make_planted says against an argument as a mistake in the option for it."""
    first, _, rest = str(error).partition(" ")
    return MistakeError(f"{(_OPTIONS | options).get(first, first)} {rest}")


def _measured(
    prepare: Callable[[], Subject], arguments: argparse.Namespace, show: Callable[[str], object]
) -> Measurement:
    """Solve once to warm up, then as often as asked, with products A x before and after each solve."""
    show(f"{arguments.data}: reading ..." if arguments.data else "making the data ...")
    subject = prepare()
    show(f"first run; {subject.description}")
    began = time.perf_counter()
    first = _solved(subject.problem, arguments)
    first_seconds = time.perf_counter() - began
    _ = _products(subject.problem, first, 1)
    products, results = _products(subject.problem, first, _PRODUCTS), []
    for k in range(arguments.runs):
        show(f"run {k + 1} of {arguments.runs}; {subject.description}")
        results.append(_solved(subject.problem, arguments))
        products += _products(subject.problem, first, _PRODUCTS)
    settings = {name: getattr(arguments, name) for name in ("method", "gtol", "seed", "runs")}
    return Measurement(subject, settings, first_seconds, tuple(products), tuple(results))


def _products(problem: Problem, result: MinimizeResult, times: int) -> list[float]:
    """Return the seconds of each of some products A x, with BLAS held as it is in a solve."""
    from newtonkit.design import one_blas_thread  # noqa: PLC0415

    seconds = []
    with one_blas_thread():
        for _ in range(times):
            began = time.perf_counter()
            problem.design.product(result.x)
            seconds.append(time.perf_counter() - began)
    return seconds


def _solved(problem: Problem, arguments: argparse.Namespace) -> MinimizeResult:
    """Solve a problem of which nothing is known; its own norms and evaluations stay unused."""
    from newtonkit.minimizer import minimize  # noqa: PLC0415

    try:
        result = minimize(_unknown(problem), method=arguments.method, gtol=arguments.gtol, rng=arguments.seed)
    except ValueError as error:
        if str(error).startswith("x0 "):
            raise MistakeError(NO_START) from error
        raise MistakeError(str(error)) from error
    if result.status.name == "INTERRUPTED":
        raise KeyboardInterrupt
    return result


def _unknown(problem: Problem) -> Problem:
    """Return a problem on the same arrays that keeps what it finds out to itself."""
    fresh = copy.copy(problem)
    fresh.design = _copied(problem.design)
    return fresh


def _copied(design: Design) -> Design:
    """Return a design on the same arrays, and the one inside it likewise."""
    from newtonkit.design.base import Design  # noqa: PLC0415

    fresh = copy.copy(design)
    for name, value in vars(design).items():
        if isinstance(value, Design):
            setattr(fresh, name, _copied(value))
    return fresh
