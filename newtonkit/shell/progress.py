"""A line on the terminal that tells how far a command has come, wiped off at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

_BAR = 16


@contextlib.contextmanager
def status_line(*, quiet: bool = False) -> Iterator[Callable[[str], object]]:
    """Show one line on standard error, if that is a terminal.

    The line is redrawn when it is told something new and never in between: a spinner's
    thread would take its share of the time that is being measured.

    Parameters
    ----------
    quiet : bool, default False
        Show nothing anyway.

    Yields
    ------
    callable
        Takes the text of the line.
    """
    if quiet:
        yield lambda text: None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with Live("", console=console, auto_refresh=False, transient=True) as live:
        yield lambda text: live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)


def steps_line(done: int, total: int, what: str, most_seconds: float, title: str) -> str:
    """Return a bar over steps of which each takes so many seconds at most, and what is going on.

    Parameters
    ----------
    done, total : int
        Steps that are done, and all of them.
    what : str
        The step that is going on.
    most_seconds : float
        The longest that a step may take.
    title : str
        What the steps belong to.
    """
    from newtonkit.progress_bar import duration  # noqa: PLC0415

    filled = _BAR * done // total
    left = duration((total - done) * most_seconds)
    return f"[{'#' * filled}{'.' * (_BAR - filled)}] {done + 1} of {total}: {what}, <{left} left; {title}"
