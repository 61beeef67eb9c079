"""Files are written beside their place and put there when they are whole."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from newtonkit.shell.mistakes import MistakeError, listed

# The tables of comparisons are made for it.
_LEAST_WIDTH = 80
PICTURES = (".png", ".svg", ".pdf")


@contextlib.contextmanager
def replacing(path: str | None) -> Iterator[Path | None]:
    """Make room for a file before any work is done; put it in its place at the end.

    Inside, the file is written under another name in the same folder.  It takes its place
    only if all went well, so that neither a mistake nor an interruption harms what was there.
    What is no ordinary file (``/dev/null``, a pipe) is written as it is.

    Parameters
    ----------
    path : str or None
        Where it is to stand; None for nowhere.

    Yields
    ------
    pathlib.Path or None
        What to write to.

    Raises
    ------
    MistakeError
        If there can be no such file.
    """
    if path is None:
        yield None
        return
    if os.path.isdir(path):
        raise MistakeError(f"cannot write {path}: it is a directory")
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        yield Path(path)
        return
    place = Path(os.path.realpath(path))
    if place.exists() and not os.access(place, os.W_OK):
        raise MistakeError(f"cannot write {path}: Permission denied")
    beside = place.with_name(f".{place.stem[:100]}.{os.getpid()}{place.suffix}")
    try:
        with open(beside, "xb"):
            pass
    except (OSError, ValueError) as error:
        raise MistakeError(f"cannot write {path}: {getattr(error, 'strerror', error)}") from error
    try:
        yield beside
        if place.exists():
            beside.chmod(stat.S_IMODE(place.stat().st_mode))
        os.replace(beside, place)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path | None, text: str) -> None:
    """Write text to a file, or to standard output if there is none."""
    if path is None:
        sys.stdout.write(shown(text))
    else:
        path.write_text(text, encoding="utf-8", newline="\n")


def print_whole(*renderables: Any) -> None:
    """Print what rich renders: no column is cut off a narrow terminal, and pipes get no padding."""
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    if console.width < _LEAST_WIDTH:
        console = Console(width=_LEAST_WIDTH)
    with console.capture() as captured:
        console.print(*renderables, sep="\n")
    text = captured.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    sys.stdout.write(shown(text))


def check_drawing(option: str, path: str | None, suffixes: Sequence[str]) -> None:
    """Refuse a file for pictures of a kind that there is not, or without matplotlib."""
    if path is None:
        return
    if not path.lower().endswith(tuple(suffixes)):
        raise MistakeError(f"{option} {path} must end in {listed(suffixes, 'or')}")
    if importlib.util.find_spec("matplotlib") is None:
        raise MistakeError(f"{option} needs matplotlib: install it, or newtonkit with its extra 'plot'")


def refuse_clashes(named: dict[str, str | None]) -> None:
    """Refuse two of the files that arguments name to be one and the same.

    Parameters
    ----------
    named : dict of str to str or None
        The file by the argument that names it.
    """
    seen: dict[str, str] = {}
    for argument, path in named.items():
        if path is None or path == os.devnull:
            continue
        real = path if path == "-" else os.path.realpath(path)
        if real in seen:
            raise MistakeError(f"{seen[real]} and {argument} are both {path}")
        seen[real] = argument


def shown(text: str) -> str:
    """Return text as standard output can show it: formulas in ASCII where it has no Unicode."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")
    return text


_PLAIN = str.maketrans(
    {
        "½": "1/2",
        "‖": "||",
        "−": "-",
        "⟨": "<",
        "⟩": ">",
        "γ": "gamma",
        "ᵀ": "^T",
        "·": "*",
        "²": "^2",
        "′": "'",
        "″": "''",
        "∞": "infinity",
        "≥": ">=",
        "∇": "grad ",
    }
)
