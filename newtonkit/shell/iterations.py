"""``newtonkit bench iterations``: step counts that theory predicts, beside those seen."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from newtonkit.prediction import Plan
from newtonkit.prediction.plan import METHODS
from newtonkit.shell.arguments import not_negative, positive, seed, whole
from newtonkit.shell.bench import ITERATIONS as WORD
from newtonkit.shell.bench import planted_mistake
from newtonkit.shell.iterations_page import ITERATIONS
from newtonkit.shell.kinds import KINDS
from newtonkit.shell.manual import INTERRUPTED, ManualParser
from newtonkit.shell.mistakes import MistakeError, listed
from newtonkit.shell.output import PICTURES, check_drawing, refuse_clashes, replacing, shown, write_text
from newtonkit.shell.progress import status_line
from newtonkit.shell.record import as_json

if TYPE_CHECKING:
    from newtonkit.prediction.figures import Prediction

COMMAND = f"bench {WORD}"
_FAILED = 1
_BAR = 16
_USUAL = Plan()


def add(commands: Any) -> None:
    """Add the command to those of the parser."""
    parser: ManualParser = commands.add_parser(COMMAND, help=ITERATIONS.purpose, page=ITERATIONS)
    _add_problems(parser)
    _add_methods(parser)
    output = parser.add_argument_group("OUTPUT")
    output.add_argument("--json", metavar="FILE", help="write all figures to FILE; - prints them alone")
    output.add_argument("--picture", metavar="FILE", help="draw steps and counts")
    parser.add_common_options()
    parser.set_defaults(run=run, parser=parser)


def _add_problems(parser: argparse.ArgumentParser) -> None:
    problems = parser.add_argument_group("PROBLEMS")
    problems.add_argument(
        "--problems",
        choices=tuple(KINDS),
        nargs="+",
        metavar="KIND",
        default=_USUAL.kinds,
        help=f"among {listed(KINDS, 'and', 99)} (default: {' '.join(_USUAL.kinds)})",
    )
    problems.add_argument(
        "--conditions",
        type=positive,
        nargs="+",
        metavar="C",
        default=_USUAL.conditions,
        help=f"condition numbers of A (default: {_words(_USUAL.conditions)})",
    )
    problems.add_argument(
        "--rows", type=whole, metavar="N", default=_USUAL.rows, help="n (default: %(default)d)"
    )
    problems.add_argument(
        "--columns", type=whole, metavar="D", default=_USUAL.columns, help="d (default: %(default)d)"
    )
    problems.add_argument(
        "--noise",
        type=not_negative,
        metavar="E",
        default=_USUAL.noise,
        help="relative standard deviation of the target (default: %(default)g)",
    )
    problems.add_argument(
        "--seed", type=seed, metavar="K", default=_USUAL.seed, help="of the data, and the first of all others"
    )


def _add_methods(parser: argparse.ArgumentParser) -> None:
    methods = parser.add_argument_group("METHODS AND RUNS")
    methods.add_argument(
        "--methods",
        choices=METHODS,
        nargs="+",
        metavar="METHOD",
        default=METHODS,
        help=f"among {listed(METHODS)}, see 'newtonkit solve' (default: all)",
    )
    methods.add_argument(
        "--epsilons",
        type=_share,
        nargs="+",
        metavar="EPS",
        help=f"spectral errors that samples are asked for (default: {_words(_USUAL.epsilons)})",
    )
    methods.add_argument(
        "--seeds",
        type=whole,
        metavar="N",
        default=_USUAL.seeds,
        help="starts near the minimum of each problem, and samples for each epsilon (default: %(default)d)",
    )
    methods.add_argument(
        "--delta",
        type=_share,
        metavar="P",
        default=_USUAL.delta,
        help="share of the draws in which sparsify may break its promise (default: %(default)g)",
    )


def _words(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:g}" for value in values)


def _share(text: str) -> float:
    """Return a number between 0 and 1."""
    value = positive(text)
    if not value < 1.0:
        raise argparse.ArgumentTypeError(f"must be less than 1, got {text!r}")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Measure, and return the exit code."""
    refuse_clashes({"--json": arguments.json, "--picture": arguments.picture})
    check_drawing("--picture", arguments.picture, PICTURES)
    plan = _plan(arguments)
    path = None if arguments.json in (None, "-") else arguments.json
    with replacing(path) as place, replacing(arguments.picture) as picture:
        from newtonkit.prediction.measuring import check, measured  # noqa: PLC0415  (with all that solves)

        try:
            check(plan)
        except ValueError as error:
            raise planted_mistake(error, condition="--conditions") from error
        with status_line() as show:
            show("loading ...")
            prediction = measured(plan, tell=_teller(show))
        _write(prediction, arguments.json, place, picture)
    names = [name for name in (path, arguments.picture) if name is not None]
    return _ended(prediction, arguments, f"\nWritten to {' and '.join(names)}.\n" if names else "")


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.epsilons is not None and "sampled" not in arguments.methods:
        raise MistakeError("--epsilons belongs to method sampled, which is not among the --methods")
    return Plan(
        kinds=tuple(dict.fromkeys(arguments.problems)),
        conditions=tuple(dict.fromkeys(arguments.conditions)),
        methods=tuple(dict.fromkeys(arguments.methods)),
        epsilons=tuple(dict.fromkeys(arguments.epsilons or _USUAL.epsilons)),
        **{name: getattr(arguments, name) for name in ("rows", "columns", "noise", "seeds", "seed", "delta")},
    )


def _teller(show: Callable[[str], object]) -> Callable[[float, str], object]:
    """Return what shows a bar, how long it will still take at the pace so far, and what is going on."""
    from newtonkit.progress_bar import duration  # noqa: PLC0415

    began = time.monotonic()

    def tell(share: float, what: str) -> None:
        filled = int(_BAR * share)
        left = f"about {duration((time.monotonic() - began) * (1.0 / share - 1.0))} left; " if share else ""
        show(f"[{'#' * filled}{'.' * (_BAR - filled)}] {100.0 * share:.0f} %, {left}{what}")

    return tell


def _write(prediction: Prediction, json: str | None, place: Any, picture: Any) -> None:
    """Write figures and picture, where they are asked for."""
    if json is not None:
        from newtonkit.prediction.export import figures_of  # noqa: PLC0415

        write_text(place, as_json(figures_of(prediction)))
    if picture is not None:
        from newtonkit.prediction.plot import draw  # noqa: PLC0415

        draw(prediction, picture)


def _ended(prediction: Prediction, arguments: argparse.Namespace, written: str) -> int:
    """Print the tables, and return the exit code."""
    from newtonkit.prediction.judgement import is_kept, verdict  # noqa: PLC0415
    from newtonkit.prediction.table import report_of  # noqa: PLC0415

    kept = is_kept(prediction)
    if arguments.json != "-":
        sys.stdout.write(shown(report_of(prediction) + written))
    elif not kept and not prediction.interrupted:
        sys.stderr.write(f"{arguments.parser.prog}: {next(verdict(prediction))}\n")
    if prediction.interrupted:
        sys.stderr.write(f"{arguments.parser.prog}: error: interrupted\n")
        return INTERRUPTED
    return 0 if kept else _FAILED
