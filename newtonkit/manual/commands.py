"""The manual pages of the shell, as ``--help`` prints them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from newtonkit.cli import make_parser
from newtonkit.shell.manual import ManualParser


def write_commands(folder: Path) -> None:
    """Write a page for the command and one for each of its subcommands.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    """
    folder.mkdir()
    for parser in parsers():
        text = f"# {parser.prog}\n\n```text\n{parser.format_help()}```\n"
        (folder / f"{parser.prog.replace(' ', '-')}.md").write_text(text, encoding="utf-8")


def parsers() -> Iterator[ManualParser]:
    """Yield the parser of the command, then those of its subcommands."""
    front = make_parser()
    yield front
    for action in front._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()
