"""``newtonkit solve``: fit a problem to data."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from newtonkit.shell.arguments import add_data_options, not_negative, positive, seed, whole
from newtonkit.shell.drawing import SUBJECTS, check_subject, draw
from newtonkit.shell.manual import INTERRUPTED, ManualParser
from newtonkit.shell.mistakes import NO_START, MistakeError
from newtonkit.shell.output import PICTURES, check_drawing, refuse_clashes, replacing, shown, write_text
from newtonkit.shell.pages import SOLVE
from newtonkit.shell.progress import status_line
from newtonkit.shell.record import as_json
from newtonkit.shell.summary import summary_of
from newtonkit.shell.tasks import Task, preparation

if TYPE_CHECKING:
    from newtonkit.results import IterationRecord, MinimizeResult

_NO_SUCCESS = 1
_SECONDS_BETWEEN = 0.1


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser("solve", help=SOLVE.purpose, page=SOLVE)
    where = parser.add_argument_group("ARGUMENTS")
    where.add_argument("data", metavar="DATA", help="a file, or the name of ready-made data")
    add_data_options(parser)
    solver = parser.add_argument_group("SOLVER")
    solver.add_argument(
        "--method",
        choices=("auto", "exact", "sketched", "sampled"),
        default="auto",
        help="where the curvature comes from; exact: the full Hessian; sketched: products with it, "
        "preconditioned by a sample of the rows; sampled: a sample drawn anew in each iteration; "
        "auto: exact or sketched, by the shape of the data (default: %(default)s)",
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
        "--max-iter", type=whole, default=200, metavar="N", help="most iterations (default: %(default)d)"
    )
    solver.add_argument("--max-time", type=positive, metavar="S", help="most seconds (default: any number)")
    solver.add_argument(
        "--starts",
        type=whole,
        default=1,
        metavar="N",
        help="take the best of N descents, from 0 and from random points (default: %(default)d)",
    )
    solver.add_argument(
        "--seed", type=seed, metavar="K", help="makes random points and samples the same each time"
    )
    solver.add_argument(
        "--certify",
        action="store_true",
        help="prove, if possible, that a minimiser is near, rounding errors included, and how near",
    )
    _add_output(parser)
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def _add_output(parser: ManualParser) -> None:
    output = parser.add_argument_group("OUTPUT")
    output.add_argument("--output", metavar="FILE", help="write solution and record as JSON; - is stdout")
    output.add_argument("--plot", metavar="FILE", help="draw a picture, of the solve by default")
    output.add_argument(
        "--picture",
        choices=SUBJECTS,
        default=SUBJECTS[0],
        help="what --plot draws: gradient and value of the solve, predictions against the target, leverage "
        "scores against weights, or the frontier of entropy and fit of a softmax (default: %(default)s)",
    )
    output.add_argument("--quiet", action="store_true", help="no summary and no progress")


def run(arguments: argparse.Namespace) -> int:
    """Solve, and return the exit code."""
    refuse_clashes({"DATA": arguments.data, "--output": arguments.output, "--plot": arguments.plot})
    check_drawing("--plot", arguments.plot, PICTURES)
    if arguments.plot is None and arguments.picture != SUBJECTS[0]:
        raise MistakeError("--picture needs --plot FILE")
    prepare = preparation(arguments)
    path = None if arguments.output in (None, "-") else arguments.output
    with replacing(path) as place, replacing(arguments.plot) as picture:
        with status_line(quiet=arguments.quiet) as show:
            show(f"{arguments.data}: reading ...")
            task = prepare()
            check_subject(arguments.picture, task.problem)
            result = _minimised(task, arguments, show)
        interrupted = _was_interrupted(result, arguments.starts)
        if arguments.output is not None:
            write_text(place, as_json(task.record(result) | {"interrupted": interrupted}))
        if picture is not None:
            draw(arguments.picture, task.problem, result, picture, arguments.gtol)
    printed = not arguments.quiet and arguments.output != "-"
    if printed:
        names = [name for name in (path, arguments.plot) if name is not None]
        written = f"\nWritten to {' and '.join(names)}.\n" if names else ""
        sys.stdout.write(shown(summary_of(result, task, arguments.starts) + written))
    if interrupted:
        sys.stderr.write(f"{arguments.parser.prog}: error: interrupted\n")
        return INTERRUPTED
    if not result.success and not printed:
        sys.stderr.write(f"{arguments.parser.prog}: {result.status.name}: {result.message}\n")
    return 0 if result.success else _NO_SUCCESS


def _was_interrupted(result: MinimizeResult, starts: int) -> bool:
    """Tell whether Ctrl-C ended the solve, even if the best of its descents was done by then."""
    ends = {status.name for _, status in result.starts}
    return "INTERRUPTED" in ends or (len(result.starts) < starts and "MAX_TIME" not in ends)


def _minimised(task: Task, arguments: argparse.Namespace, show: Callable[[str], object]) -> MinimizeResult:
    from newtonkit.minimizer import minimize  # noqa: PLC0415
    from newtonkit.progress_bar import Progress  # noqa: PLC0415

    progress = Progress(arguments.gtol, arguments.max_time or math.inf, arguments.starts)
    last_shown = 0.0

    def callback(record: IterationRecord) -> None:
        nonlocal last_shown
        progress.take(record)
        now = time.monotonic()
        if now - last_shown >= _SECONDS_BETWEEN:
            last_shown = now
            show(progress.line(label="start" if arguments.starts > 1 else ""))

    try:
        return minimize(
            task.problem,
            method=arguments.method,
            gtol=arguments.gtol,
            max_iter=arguments.max_iter,
            max_time=arguments.max_time,
            starts=arguments.starts,
            rng=arguments.seed,
            callback=callback,
            certify=arguments.certify,
        )
    except ValueError as error:
        if str(error).startswith("x0 "):
            raise MistakeError(NO_START) from error
        raise MistakeError(str(error)) from error
