"""Paths and choices of ridges as tables, for terminals of 80 columns and for notebooks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from newtonkit.tables import Cell, html_table


def number(value: float, form: str, field: str) -> Cell:
    """Return a figure, a dash where there is none."""
    return Cell(f"{value:{form}}", float(value), field) if math.isfinite(value) else Cell("-")


def text_table(
    heading: str, headers: Sequence[tuple[str, int]], rows: Sequence[Sequence[Cell]], notes: Sequence[str]
) -> str:
    """Return a table as plain text, its columns of given widths; words are set to the left."""

    def side(cell: Cell, width: int) -> str:
        return f"{cell.text:>{width}}" if cell.numeric else f"{cell.text:<{width}}"

    top = " ".join(
        side(Cell(name, numeric=cell.numeric), width)
        for (name, width), cell in zip(headers, rows[0], strict=True)
    )
    lines = [heading, "", top.rstrip(), " ".join("-" * width for _, width in headers)]
    for row in rows:
        cells = zip(row, headers, strict=True)
        lines.append(" ".join(side(cell, width) for cell, (_, width) in cells).rstrip())
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def page_table(
    heading: str, headers: Sequence[tuple[str, int]], rows: Sequence[Sequence[Cell]], notes: Sequence[str]
) -> str:
    """Return the same as a piece of HTML."""
    named = [(row[0].text, row[1:]) for row in rows]
    told = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return f"<div>{html_table(heading, [name for name, _ in headers], named)}{told}</div>"
