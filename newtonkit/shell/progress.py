"""A line on the terminal that tells how far a command has come, wiped off at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator


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
