"""What the user got wrong: one line on standard error and exit code 2."""

from __future__ import annotations

from newtonkit.suggestions import listed, suggestion

__all__ = ["NO_START", "MistakeError", "in_a_line", "listed", "suggestion"]

NO_START = "the problem has no finite value where it starts, at x = 0: is --offset out of range?"


class MistakeError(Exception):
    """A mistake in the arguments or in a file; its text is the one line that the user reads."""

    def __str__(self) -> str:
        return in_a_line(" ".join(map(str, self.args)))


def in_a_line(text: str) -> str:
    """Return text that a file may have brought along as one line that a terminal can print."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
