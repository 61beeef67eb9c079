"""Help that reads like a manual page, and mistakes that take one line."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from dataclasses import dataclass
from typing import Any, NoReturn

MISTAKE, INTERRUPTED = 2, 130
EXIT_STATUS = """
    0    success
    1    {failure}
    2    a mistake in the arguments or in a file: one line on stderr says which
    130  interrupted by Ctrl-C{interrupted}
"""
_WIDTH = 79
_INDENT = 4


@dataclass(frozen=True)
class Page:
    """The text of a manual page around its list of options.

    Attributes
    ----------
    purpose : str
        What the command does, in half a line.
    synopsis : str
        How it is called; further lines are further ways.
    description : str
        Paragraphs, indented in any way; they are wrapped unless they are indented further.
    sections : tuple of (str, str)
        Title and text of what follows the options.
    """

    purpose: str
    synopsis: str
    description: str
    sections: tuple[tuple[str, str], ...] = ()

    @property
    def examples(self) -> tuple[str, ...]:
        """The commands of the section EXAMPLES, continued lines joined."""
        text = "".join(text for title, text in self.sections if title == "EXAMPLES")
        joined = re.sub(r"\\\n\s*", "", text)
        return tuple(line.strip() for line in joined.splitlines() if line.strip().startswith("newtonkit "))


class ManualParser(argparse.ArgumentParser):
    """A parser whose help is a manual page and whose mistakes take one line.

    Parameters
    ----------
    page : Page
        The text around the options.
    **settings
        As for ``argparse.ArgumentParser``.
    """

    def __init__(self, *, page: Page, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=_Formatter, allow_abbrev=False, add_help=False)
        self.page = page
        self.color = False  # later versions of argparse would colour the page in pieces

    def add_common_options(self) -> argparse._ArgumentGroup:
        """Add the group of options that every command has, and return it."""
        group = self.add_argument_group("GENERAL OPTIONS")
        group.add_argument("-h", "--help", action="help", help="show this page and exit")
        return group

    def error(self, message: str) -> NoReturn:
        """Write one line and exit with code 2."""
        sys.stderr.write(f"{self.prog}: error: {' '.join(message.split())}\n")
        raise SystemExit(MISTAKE)

    def refuse(self, unknown: list[str]) -> NoReturn:
        """Say of arguments that the command does not know what they may have meant.

        Parameters
        ----------
        unknown : list of str
            The arguments, at least one.
        """
        name, advice = unknown[0].partition("=")[0], ""
        if name.startswith("-"):
            near = difflib.get_close_matches(name, self._option_string_actions, n=1, cutoff=0.7)
            advice = "".join(f"; did you mean {option}?" for option in near)
        elif all(action.option_strings for action in self._actions):
            advice = "; this command takes options alone, and no DATA"
        self.error(f"unrecognized arguments: {' '.join(unknown)}{advice}")

    def format_help(self) -> str:
        """Return the manual page."""
        page = self.page
        parts = [
            section("NAME", f"{self.prog} - {page.purpose}"),
            section("SYNOPSIS", page.synopsis, verbatim=True),
            section("DESCRIPTION", page.description),
            *self._commands(),
            self._options(),
            *(section(title, text) for title, text in page.sections),
        ]
        return "\n\n".join(part.rstrip() for part in parts) + "\n"

    def _commands(self) -> list[str]:
        """Return the list of commands, if there are any."""
        found = [
            (group.title, action.choices)
            for group in self._action_groups
            for action in group._group_actions
            if isinstance(action, argparse._SubParsersAction)
        ]
        return [
            section(
                str(title),
                "\n".join(f"{name:<18}{parser.page.purpose}" for name, parser in parsers.items()),
                verbatim=True,
            )
            for title, parsers in found
        ]

    def _options(self) -> str:
        """Return all groups of options, their explanations one below the other."""
        formatter = self._get_formatter()
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_arguments(
                a for a in group._group_actions if not isinstance(a, argparse._SubParsersAction)
            )
            formatter.end_section()
        return re.sub(r"^([A-Z].*):$", r"\1", formatter.format_help(), flags=re.MULTILINE)


class _Formatter(argparse.HelpFormatter):
    def __init__(self, prog: str, **settings: Any) -> None:
        settings |= {"indent_increment": _INDENT, "max_help_position": 26, "width": _WIDTH}
        super().__init__(prog, **settings)

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Wrap without breaking names at their hyphens."""
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def section(title: str, text: str, *, verbatim: bool = False) -> str:
    """Return a titled piece of text in 79 columns.

    Parameters
    ----------
    title : str
        The title.
    text : str
        Paragraphs, indented in any way.
    verbatim : bool, default False
        Leave all lines as they are.  Otherwise paragraphs are wrapped, except commands and
        what is indented or set in columns by two spaces or more.
    """
    return f"{title}\n" + "\n\n".join(
        textwrap.indent(paragraph, " " * _INDENT)
        if verbatim or _is_set(paragraph, title)
        else wrapped(paragraph)
        for paragraph in re.split(r"\n\s*\n", textwrap.dedent(text).strip("\n"))
    )


def _is_set(paragraph: str, title: str) -> bool:
    """Tell whether a paragraph is set in lines that mean something."""
    is_command = title == "EXAMPLES" and paragraph.startswith("newtonkit ")
    return is_command or "  " in paragraph or paragraph.startswith(" ")


def wrapped(text: str, margin: int = _INDENT, hanging: int | None = None) -> str:
    """Return text in lines of at most 79 characters, names with a hyphen whole.

    Parameters
    ----------
    text : str
        The text; its spaces and line ends do not matter.
    margin : int, default 4
        Spaces before the first line.
    hanging : int, optional
        Spaces before the others; as many by default.
    """
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=" " * margin,
        subsequent_indent=" " * (margin if hanging is None else hanging),
        break_on_hyphens=False,
    )
