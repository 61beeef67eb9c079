"""Lists of names in words, and what a mistyped name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


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
