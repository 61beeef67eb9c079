"""The front door of the ``newtonkit`` shell command: the parser and the exit codes.

The subcommands are the modules of :mod:`newtonkit.shell`.  SciPy, pyarrow and rich are
imported by the functions that need them, so that ``--help``, ``--version`` and mistakes in
the arguments answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from newtonkit import __version__
from newtonkit.shell import bench, compare, iterations, predict, problems, solve
from newtonkit.shell.manual import INTERRUPTED, MISTAKE, ManualParser
from newtonkit.shell.mistakes import MistakeError
from newtonkit.shell.pages import SHELL

_READER_LEFT = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the shell command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        The exit code: 0; 1 if a solve ended without success; 2 after a mistake in the
        arguments or in a file; 130 after Ctrl-C.

    Examples
    --------
    >>> from newtonkit.cli import main
    >>> main(["--version"]) == 0
    newtonkit 0.1.0.dev0
    True
    """
    prog = "newtonkit"
    try:
        parser = make_parser()
        arguments, unknown = parser.parse_known_args(_joined(sys.argv[1:] if argv is None else argv))
        chosen = getattr(arguments, "parser", parser)
        if unknown:
            chosen.refuse(unknown)
        if chosen is parser:
            parser.print_help()
            return 0
        prog = chosen.prog
        arguments.command = [parser.prog, *(sys.argv[1:] if argv is None else argv)]
        code: int = arguments.run(arguments)
        sys.stdout.flush()  # here, where a reader that has left is dealt with, and not at exit
        return code
    except SystemExit as end:
        return int(end.code or 0)
    except MistakeError as mistake:
        return _complain(prog, str(mistake), MISTAKE)
    except BrokenPipeError:
        # The reader of a pipe has left: what is still buffered must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_LEFT
    except KeyboardInterrupt:
        return _complain(prog, "interrupted", INTERRUPTED)


def make_parser() -> ManualParser:
    """Return the parser of the command and all its subcommands."""
    parser = ManualParser(prog="newtonkit", page=SHELL)
    # In this order they stand in the manual.
    commands: Any = parser.add_subparsers(title="COMMANDS", metavar="COMMAND")
    for command in (solve, predict, compare, bench, iterations, problems):
        command.add(commands)
    parser.add_common_options().add_argument(
        "--version", action="version", version=f"newtonkit {__version__}", help="show the version and exit"
    )
    return parser


def _joined(argv: Sequence[str]) -> list[str]:
    """Make one of the two words of a command that has two: DATA may stand where the second does."""
    first, words = " ".join(argv[:2]), list(argv)
    return [first, *words[2:]] if first == iterations.COMMAND else words


def _complain(prog: str, message: str, code: int) -> int:
    sys.stderr.write(f"{prog}: error: {message}\n")
    return code
