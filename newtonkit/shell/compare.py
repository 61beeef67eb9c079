"""``newtonkit compare``: newtonkit beside the methods of SciPy."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newtonkit.datasets import PROBLEMS, ReadyProblem
from newtonkit.shell.arguments import add_data_options, positive, refuse_file_options, seed, whole
from newtonkit.shell.compare_page import COMPARE
from newtonkit.shell.manual import ManualParser
from newtonkit.shell.mistakes import NO_START, MistakeError
from newtonkit.shell.output import (
    PICTURES,
    check_drawing,
    print_whole,
    refuse_clashes,
    replacing,
    shown,
    write_text,
)
from newtonkit.shell.progress import status_line, steps_line
from newtonkit.shell.tasks import Task, preparation, ready_task

if TYPE_CHECKING:
    from newtonkit.comparison import Comparison, PerformanceProfile
    from newtonkit.problems import Problem

# What is shown without arguments: one problem for each of two kinds.
_SHOWN = (("diabetes", "exp"), ("digits", "softmax"))
_PAGES = (".html", ".htm")
_FORMAT = 1


@dataclass(frozen=True)
class Item:
    """A problem to be compared.

    Attributes
    ----------
    slug : str
        What it is called in the names of files.
    title : str
        What it is called while it is loaded.
    prepare : callable
        Returns the task.
    """

    slug: str
    title: str
    prepare: Callable[[], Task]


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser("compare", help=COMPARE.purpose, page=COMPARE)
    where = parser.add_argument_group("ARGUMENTS")
    where.add_argument("data", metavar="DATA", nargs="?", help="a file, or the NAME of ready-made data")
    add_data_options(parser)
    run_options = parser.add_argument_group("METHODS AND LIMITS")
    run_options.add_argument(
        "--methods", nargs="+", metavar="METHOD", help="newtonkit, BFGS, trust-exact, ... (default: all)"
    )
    run_options.add_argument(
        "--gtol",
        type=positive,
        default=1e-8,
        metavar="TOL",
        help="tolerance on |g| / |g(x0)| (default: %(default)g)",
    )
    run_options.add_argument(
        "--max-time", type=positive, default=10.0, metavar="S", help="seconds for each (default: %(default)g)"
    )
    run_options.add_argument("--max-iter", type=whole, metavar="N", help="iterations for each (default: any)")
    run_options.add_argument(
        "--seeds",
        type=whole,
        metavar="N",
        help="runs of each randomised method; median and spread are reported (default: 1)",
    )
    run_options.add_argument("--seed", type=seed, metavar="K", help="where the seeds begin")
    output = parser.add_argument_group("OUTPUT")
    output.add_argument("--json", metavar="FILE", help="write all figures to FILE; - prints them alone")
    output.add_argument("--csv", metavar="FILE", help="the same as a table; - prints it alone")
    output.add_argument("--plot", metavar="FILE", help="draw gap against iterations, seconds and passes")
    output.add_argument("--html", metavar="FILE", help="one page with tables, pictures, machine and command")
    output.add_argument(
        "--profile",
        metavar="FILE",
        nargs="?",
        const="",
        help="a performance profile instead of the tables, drawn to FILE if there is one",
    )
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare, and return the exit code."""
    items = chosen_items(arguments)
    _check_output(arguments)
    alone = "-" in (arguments.json, arguments.csv)
    with contextlib.ExitStack() as stack:
        json_place, csv_place, profile_place, html_place = (
            stack.enter_context(replacing(path if path and path != "-" else None))
            for path in (arguments.json, arguments.csv, arguments.profile, arguments.html)
        )
        plots = [stack.enter_context(replacing(path)) for path in _plot_names(arguments.plot, items)]
        comparisons = _compare_all(items, arguments, show=not alone and arguments.profile is None)
        profile = _profile_of(comparisons, arguments.profile, profile_place, show=not alone)
        for comparison, plot in zip(comparisons, plots, strict=True):
            if plot is not None:
                comparison.plot(plot)
        if arguments.html is not None:
            write_text(html_place, _page(comparisons, arguments.command, profile))
        if arguments.json is not None:
            write_text(json_place, _figures(comparisons, profile))
        if arguments.csv is not None:
            write_text(csv_place, _table(comparisons))
    if not alone:
        _tell_files(arguments, items)
    return 0


def chosen_items(arguments: argparse.Namespace) -> list[Item]:
    """Return what is to be compared, checking the arguments and reading nothing."""
    name, kind = arguments.data, arguments.problem
    if name is None:
        refuse_file_options(arguments, "DATA is missing")
        if kind is None and arguments.profile is None:
            return [_ready_item(data, kind, PROBLEMS[data][kind]) for data, kind in _SHOWN]
        items = [
            _ready_item(data, k, ready)
            for data, problems in PROBLEMS.items()
            for k, ready in problems.items()
            if not ready.extra and kind in (None, k)
        ]
        if not items:
            raise MistakeError(f"no ready-made data has --problem {kind}: name a file")
        return items
    if name in PROBLEMS and arguments.profile is not None and kind is None:
        refuse_file_options(arguments, f"{name} is ready-made (./{name} would be a file)")
        return [_ready_item(name, kind, ready) for kind, ready in PROBLEMS[name].items()]
    return [Item(Path(name).stem, name, preparation(arguments))]


def _ready_item(data: str, kind: str, ready: ReadyProblem) -> Item:
    return Item(f"{data}-{kind}", ready.description, lambda: ready_task(data, ready))


def _check_output(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be written, before any work is done."""
    files = {"--json": arguments.json, "--csv": arguments.csv, "--plot": arguments.plot}
    files |= {"--html": arguments.html, "--profile": arguments.profile or None}
    refuse_clashes({"DATA": arguments.data, **files})
    for option in ("--plot", "--profile"):
        check_drawing(option, files[option], PICTURES)
    check_drawing("--html", arguments.html, _PAGES)


def _plot_names(path: str | None, items: Sequence[Item]) -> list[str | None]:
    """Return where the picture of each problem goes: under a name of its own if they are several."""
    if path is None or len(items) == 1:
        return [path] * len(items)
    place = Path(path)
    return [str(place.with_name(f"{place.stem}-{item.slug}{place.suffix}")) for item in items]


def _compare_all(items: Sequence[Item], arguments: argparse.Namespace, *, show: bool) -> list[Comparison]:
    """Run the comparisons, printing each as soon as it is there."""
    comparisons = []
    for k, item in enumerate(items):
        count = f" ({k + 1} of {len(items)})" if len(items) > 1 else ""
        with status_line() as tell:
            tell(f"{item.title}{count}: reading ...")
            comparisons.append(_compared(item, arguments, tell, count))
        if show:
            print_whole(*([""] if k else []), comparisons[-1])
    return comparisons


def _compared(
    item: Item, arguments: argparse.Namespace, tell: Callable[[str], object], count: str
) -> Comparison:
    """Run one comparison; `count` says which of several it is."""
    from newtonkit.comparison import compare  # noqa: PLC0415

    task = item.prepare()
    several = {} if arguments.seeds is None else {"seeds": arguments.seeds}
    methods = _suited(arguments.methods, task.problem) if count else arguments.methods
    try:
        return compare(
            task.problem,
            methods=methods,
            gtol=arguments.gtol,
            max_time=arguments.max_time,
            max_iter=arguments.max_iter,
            rng=arguments.seed,
            description=task.description,
            callback=_steps(task, arguments, methods, tell, count),
            **several,
        )
    except ValueError as error:
        if str(error).startswith("x0 "):
            raise MistakeError(NO_START) from error
        raise MistakeError(str(error)) from error


def _steps(
    task: Task,
    arguments: argparse.Namespace,
    methods: list[str] | None,
    tell: Callable[[str], object],
    count: str,
) -> Callable[[str], object]:
    """Return what shows which of the methods is running."""
    from newtonkit.comparison.registry import chosen_methods  # noqa: PLC0415

    chosen = {method.name: method for method in chosen_methods(methods, task.problem)}
    names, runs = list(chosen), arguments.seeds or 1
    longest = arguments.max_time * (runs if any(m.randomised for m in chosen.values()) else 1)

    def show(name: str) -> None:
        tell(steps_line(names.index(name), len(names), name, longest, f"{task.description}{count}"))

    return show


def _suited(names: list[str] | None, problem: Problem) -> list[str] | None:
    """Return those of the methods that suit a problem, as not all of them suit each of several.

    Names that are unknown stay, and so do all if none would be left: the comparison then
    says what is wrong with them.
    """
    from newtonkit.comparison.registry import REGISTRY  # noqa: PLC0415

    known = {name.lower(): method for name, method in REGISTRY.items()}
    kept = [
        name for name in names or () if name.lower() not in known or not known[name.lower()].unsuited(problem)
    ]
    return kept or names


def _profile_of(
    comparisons: Sequence[Comparison], wanted: str | None, place: Path | None, *, show: bool
) -> PerformanceProfile | None:
    """Return the profile if it is wanted, printed and drawn."""
    if wanted is None:
        return None
    from newtonkit.comparison import performance_profile  # noqa: PLC0415

    profile = performance_profile(comparisons)
    if show:
        print_whole(profile)
    if place is not None:
        profile.plot(place)
    return profile


def _page(
    comparisons: Sequence[Comparison], command: Sequence[str], profile: PerformanceProfile | None
) -> str:
    from newtonkit.comparison.page import report_page  # noqa: PLC0415

    return report_page(comparisons, shlex.join(command), profile)


def _figures(comparisons: Sequence[Comparison], profile: PerformanceProfile | None) -> str:
    from newtonkit.shell.record import as_json  # noqa: PLC0415

    figures: dict[str, Any] = {"format": _FORMAT, "comparisons": [c.to_dict() for c in comparisons]}
    if profile is not None:
        figures["profile"] = profile.to_dict()
    return as_json(figures)


def _table(comparisons: Sequence[Comparison]) -> str:
    """Return the tables of all comparisons below one header."""
    return "".join(comparison.to_csv(header=k == 0) for k, comparison in enumerate(comparisons))


def _tell_files(arguments: argparse.Namespace, items: Sequence[Item]) -> None:
    written = [arguments.json, arguments.csv, *_plot_names(arguments.plot, items), arguments.html]
    written.append(arguments.profile or None)
    names = [name for name in written if name is not None]
    if names:
        sys.stdout.write(shown("".join(["\nWritten:\n", *(f"    {name}\n" for name in names)])))
