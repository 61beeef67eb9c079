"""The ``newtonkit`` shell command.

Each subcommand is an ``_add_...`` that declares its arguments and names the function that
runs it.  SciPy, scikit-learn and rich are imported by the functions that need them, so
that ``--help``, ``--version`` and mistakes answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any, NoReturn

from newtonkit import __version__
from newtonkit.datasets import PROBLEMS, ReadyProblem

if TYPE_CHECKING:
    from newtonkit.comparison import Comparison

_MISTAKE = 2
_INTERRUPTED = 130
# What ``newtonkit compare`` shows when it is not told what: one problem for each kind.
_SHOWN = (("diabetes", "exp"), ("digits", "softmax"))


class _Parser(argparse.ArgumentParser):
    """A parser that answers a mistake with one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_MISTAKE, f"{self.prog}: error: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the shell command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit code: 0, or 2 after a mistake in the arguments, or 130 after Ctrl-C.

    Examples
    --------
    >>> from newtonkit.cli import main
    >>> main(["--version"]) == 0
    newtonkit 0.1.0.dev0
    True
    """
    parser = _parser()
    try:
        arguments = parser.parse_args(argv)
        run: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
        if run is None:
            parser.print_help()
            return 0
        code = run(arguments)
        sys.stdout.flush()  # here, where a reader that has left is dealt with, and not at exit
        return code
    except SystemExit as end:
        return int(end.code or 0)
    except BrokenPipeError:
        # The reader of a pipe has left: what is still buffered must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _complain("interrupted", _INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="newtonkit", description="Second-order optimisation of attention-inspired regressions."
    )
    parser.add_argument("--version", action="version", version=f"newtonkit {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_compare(commands)
    return parser


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text!r}")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _complain(message: str, code: int = _MISTAKE) -> int:
    sys.stderr.write(f"newtonkit: error: {message}\n")
    return code


def _add_compare(commands: Any) -> None:
    summary = "newtonkit beside the methods of scipy.optimize.minimize, on real data"
    parser = commands.add_parser(
        "compare",
        help=summary,
        description=f"Compare {summary}: same start, same derivatives, same stopping rule, same time cap. "
        "Without --data, two problems are shown.",
    )
    parser.add_argument("--data", choices=sorted(PROBLEMS), help="data that scikit-learn ships")
    kinds = sorted({kind for problems in PROBLEMS.values() for kind in problems})
    parser.add_argument("--problem", choices=kinds, help="what to fit to it; the data's usual one by default")
    parser.add_argument(
        "--gtol", type=_positive, default=1e-8, help="stop at |g| <= GTOL |g(x0)| (default: %(default)g)"
    )
    parser.add_argument(
        "--max-time", type=_positive, default=10.0, help="seconds for each method (default: %(default)g)"
    )
    parser.add_argument("--max-iter", type=_whole, help="iterations for each method (default: any number)")
    parser.add_argument(
        "--methods", nargs="+", metavar="METHOD", help="newtonkit, BFGS, trust-exact, ... (default: all)"
    )
    parser.add_argument("--json", metavar="FILE", help="also write the figures to FILE; - prints them alone")
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    try:
        problems = _chosen_problems(arguments.data, arguments.problem)
        with _opened(arguments.json) as file:
            comparisons = _compare_all(problems, arguments, show=file is not sys.stdout)
            if file is not None:
                figures = {"format": 1, "comparisons": [c.to_dict() for c in comparisons]}
                file.write(json.dumps(figures, indent=2, allow_nan=False) + "\n")
    except ValueError as error:
        return _complain(str(error))
    return 0


def _chosen_problems(data: str | None, kind: str | None) -> list[ReadyProblem]:
    """Return what is to be compared, given the arguments."""
    if data is None and kind is None:
        return [PROBLEMS[data][kind] for data, kind in _SHOWN]
    if data is None:
        return [problems[kind] for problems in PROBLEMS.values() if kind in problems]
    problems = PROBLEMS[data]
    if kind is None:
        return [next(iter(problems.values()))]
    if kind not in problems:
        raise ValueError(f"--data {data} has no problem {kind}; it has {', '.join(problems)}")
    return [problems[kind]]


@contextlib.contextmanager
def _opened(path: str | None) -> Iterator[IO[str] | None]:
    """Open the file for the figures before any work is done, so that a wrong path costs nothing."""
    if path is None:
        yield None
    elif path == "-":
        yield sys.stdout
    else:
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(open(path, "w", encoding="utf-8"))
            except OSError as error:
                raise ValueError(f"cannot write {path}: {error.strerror}") from error
            yield file


def _compare_all(
    problems: Sequence[ReadyProblem], arguments: argparse.Namespace, *, show: bool
) -> list[Comparison]:
    """Run the comparisons, printing each as soon as it is there."""
    from rich.console import Console  # noqa: PLC0415

    from newtonkit.comparison import compare  # noqa: PLC0415

    console = Console()
    comparisons = []
    for k, ready in enumerate(problems):
        with _progress(ready.description) as callback:
            comparison = compare(
                ready.load(),
                methods=arguments.methods,
                gtol=arguments.gtol,
                max_time=arguments.max_time,
                max_iter=arguments.max_iter,
                description=ready.description,
                callback=callback,
            )
        comparisons.append(comparison)
        if show:
            console.print(*([""] if k else []), comparison, sep="\n")
    return comparisons


@contextlib.contextmanager
def _progress(description: str) -> Iterator[Callable[[str], object]]:
    """Show on a terminal which method is running, and wipe it off at the end.

    The line is redrawn when a method starts and never in between: a spinner's thread would
    take its share of the time that is being measured.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name: None
        return
    with Live("", console=console, auto_refresh=False, transient=True) as live:
        yield lambda name: live.update(
            Text(f"{description}: {name} ...", no_wrap=True, overflow="ellipsis"), refresh=True
        )
