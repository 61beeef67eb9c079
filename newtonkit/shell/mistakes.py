"""What the user got wrong: one line on standard error and exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

NO_START = "the problem has no finite value where it starts, at x = 0: is --offset out of range?"


class MistakeError(Exception):
    """A mistake in the arguments or in a file; its text is the one line that the user reads."""

    def __str__(self) -> str:
        return in_a_line(" ".join(map(str, self.args)))


def listed(names: Iterable[object], last: str = "and", most: int = 12) -> str:
    """Return names as ``a, b and c``, the first `most` of them."""
    texts = [str(name) for name in names]
    if len(texts) > most:
        texts = [*texts[:most], f"{len(texts) - most} more"]
        last = "and"
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return what else a name may have meant: ``; did you mean 'age'?`` or all that there is."""
    close = difflib.get_close_matches(name, known, n=1) or [k for k in known if k.lower() == name.lower()]
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there {'is' if len(known) == 1 else 'are'} {listed(map(repr, known))}"


def in_a_line(text: str) -> str:
    """Return text that a file may have brought along as one line that a terminal can print."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
