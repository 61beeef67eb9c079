"""The table as text of 80 columns, as Markdown, and as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from bench.speed.figures import Figure

WIDTH = 80
_NAME = 31
Rows = Mapping[str, Sequence[Figure]]


def number(value: float | None) -> str:
    """Return a value with three digits that count."""
    if value is None or not math.isfinite(value):
        return "-"
    digits = 0 if abs(value) >= 100.0 else 1 if abs(value) >= 10.0 else 2
    return f"{value:.{digits}f}"


def cells(figure: Figure) -> tuple[str, str, str, str, str, str]:
    """Return data, value, quartiles, asked, hoped and verdict in words."""
    span = "" if figure.quartiles is None else " to ".join(number(end) for end in figure.quartiles)
    value = number(figure.value)
    bound = figure.bound
    hoped = "-" if bound.hoped is None else f"{bound.hoped:.3g}"
    return (
        figure.data,
        f"> {value}" if figure.is_open else value,
        span,
        f"{bound.asked:.3g}",
        hoped,
        figure.verdict,
    )


def _line(parts: Sequence[str]) -> str:
    name, value, span, asked, hoped, verdict = parts
    return f"{name:<{_NAME}}{value:>9}{span:>17}{asked:>8}{hoped:>8}{verdict:>7}".rstrip()


def text_of(figure: Figure) -> list[str]:
    """Return one figure in lines of at most 80 columns."""
    parts = cells(figure)
    lines = []
    if len(parts[0]) >= _NAME:
        lines, parts = wrap(parts[0], WIDTH), ("", *parts[1:])
    return [
        *lines,
        _line(parts),
        *wrap(figure.note, WIDTH, initial_indent="    ", subsequent_indent="    "),
    ]


def heading(title: str, kinds: Sequence[Figure]) -> list[str]:
    """Return what stands above the figures of one row of the table."""
    way = ("at least" if kinds[0].bound.at_least else "at most") if kinds else ""
    return [
        *wrap(title, WIDTH),
        _line(("", "measured", "quartiles", "asked", "hoped", "met")),
        f"{'':<{_NAME}}{'':>26}{way:>8}".rstrip(),
    ]


def as_text(head: str, titles: Mapping[str, str], rows: Rows) -> str:
    """Return all rows that have figures, below what they were measured on."""
    lines = [part for line in head.splitlines() for part in wrap(line, WIDTH)] + [""]
    for row, found in rows.items():
        if not found:
            continue
        lines += [*heading(titles[row], found)]
        for figure in found:
            lines += text_of(figure)
        lines.append("")
    return "\n".join(lines)


def as_markdown(head: str, titles: Mapping[str, str], rows: Rows) -> str:
    """Return all rows as tables in Markdown, below what they were measured on."""
    lines = [*(f"{line}  " for line in head.splitlines()), ""]
    for row, found in rows.items():
        if not found:
            continue
        way = "at least" if found[0].bound.at_least else "at most"
        lines += [
            f"### {titles[row]}",
            "",
            f"| data | measured | quartiles | {way} | hoped | met | |",
            "|---|--:|--:|--:|--:|---|---|",
        ]
        lines += [_markdown_line((*cells(figure), figure.note)) for figure in found]
        lines.append("")
    return "\n".join(lines)


def _markdown_line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", r"\|").replace("\n", " ") for part in parts) + " |"


def as_plain(titles: Mapping[str, str], rows: Rows) -> dict[str, Any]:
    """Return all rows as JSON has them; what is not finite becomes None."""
    return {
        row: {"title": titles[row], "figures": [_plain(asdict(f) | {"verdict": f.verdict}) for f in found]}
        for row, found in rows.items()
        if found
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | str | None):
        return value
    if hasattr(value, "__index__"):
        return int(value)
    return float(value) if math.isfinite(value) else None
