"""What a page shows of the output of its Python beside what that prints now: for README and manual."""

from __future__ import annotations

import re

import pytest

from newtonkit.comparison import METHODS

BLOCKS = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Their paths do not hang on the last digit of a line search, nor on anything but the data.
STEADY = ("newtonkit", "trust-exact")


def check_block(shown: str, printed: str) -> None:
    """Compare what a block shows with what it prints; of a comparison, what depends on no clock."""
    if "|g|/|g0|" in shown:
        assert shown.splitlines()[0] == printed.splitlines()[0]
        check_comparison(shown, printed)
    else:
        assert _without_rounding(shown) == _without_rounding(printed)


def check_comparison(shown: str, printed: str) -> None:
    """Compare what does not depend on time, on the machine or on the last digit."""
    theirs, ours = _rows(shown), _rows(printed)
    assert [row[0] for row in theirs] == [row[0] for row in ours]
    for before, now in zip(theirs, ours, strict=True):
        if before[0] in STEADY:
            assert before[8] == now[8] == "reached"
            counts = [[int(count) for count in row[1:5]] for row in (before, now)]
            assert all(abs(a - b) <= 1 for a, b in zip(*counts, strict=True)), (before, now)
    for pattern in (r"^n = .*$", r"^method .*$", r"^hess counts .*$"):
        assert re.findall(pattern, shown, re.MULTILINE) == re.findall(pattern, printed, re.MULTILINE)
    pattern = r"^Lowest value (\S+), from (\S+) at the start\.$"
    values = [re.findall(pattern, text, re.MULTILINE) for text in (shown, printed)]
    for before, now in zip(*values, strict=True):
        assert [float(v) for v in before] == pytest.approx([float(v) for v in now], rel=1e-8)


def check_console(shown: str, printed: str) -> None:
    """Compare a session in the shell, all but its decimal fractions, which may be seconds."""
    sessions = [re.sub(r"\d+\.\d+", "0.0", text) for text in (shown, printed)]
    assert sessions[0] == sessions[1]


def _rows(text: str) -> list[list[str]]:
    """Return the rows of the first table of each comparison: method, iter, fun, grad, hess, ..., outcome."""
    names = "|".join(map(re.escape, METHODS))
    first = re.sub(r"^On the way.*?\n\nmethod.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(rf"^[* ] ({names}) +(\d.*)$", first, re.MULTILINE)
    return [[name, *re.split(r" +", rest.strip(), maxsplit=7)] for name, rest in found]


def _without_rounding(text: str) -> str:
    """Put a word in place of every number that is nothing but rounding."""
    return re.sub(r"\d\.\de-1[3-9]", "rounding", text)
