"""A result as a table, for terminals and for notebooks."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from newtonkit.tables import Cell, html_table

if TYPE_CHECKING:
    from newtonkit.results import IterationRecord, MinimizeResult

_WIDTH, _LABEL = 79, 12
# Longer solves are shown by their first and last iterations.
_MOST_RECORDS, _FIRST, _LAST = 24, 8, 12
_COLUMNS = {
    "iter": 4,
    "value": 18,
    "gradient": 9,
    "step": 9,
    "ratio": 7,
    "inner": 6,
    "passes": 7,
    "seconds": 9,
}
_IN_FULL = {"iter": "iteration", "inner": "inner iterations", "gradient": "gradient / S(x)"}


def as_text(result: MinimizeResult) -> str:
    """Return a result as plain text of at most 79 columns."""
    ended = "solved" if result.success else "not solved"
    lines = [f"{ended}: {result.status.name}", *textwrap.wrap(result.message, _WIDTH), ""]
    lines += [f"{name:<{_LABEL}}{text}" for name, text in _summary(result)]
    lines += ["", " ".join(f"{name:>{width}}" for name, width in _COLUMNS.items())]
    lines.append(" ".join("-" * width for width in _COLUMNS.values()))
    previous = -1
    for record in _shown(result):
        if record.iteration != previous + 1:
            lines.append(f"{'...':>4}")
        previous = record.iteration
        cells = zip(_cells(record), _COLUMNS.values(), strict=True)
        lines.append(" ".join(f"{cell.text:>{width}}" for cell, width in cells))
    return "\n".join(lines)


def as_html(result: MinimizeResult) -> str:
    """Return a result as a piece of HTML for notebooks."""
    ended = "solved" if result.success else "not solved"
    summary = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in _summary(result)
    )
    shown = tuple(_shown(result))
    count = len(result.history)
    caption = "Iterations" if len(shown) == count else f"Iterations, {len(shown)} of {count} records"
    rows = [(str(record.iteration), _cells(record)[1:]) for record in shown]
    headers = [_IN_FULL.get(name, name) for name in _COLUMNS]
    return (
        f"<div><p><strong>{ended}: {escape(result.status.name)}</strong><br>{escape(result.message)}</p>\n"
        f"<table><caption>Result</caption><tbody>{summary}</tbody></table>\n"
        f"{html_table(caption, headers, rows)}</div>"
    )


def _summary(result: MinimizeResult) -> Iterator[tuple[str, str]]:
    yield "value", f"{result.fun:.10g}"
    yield "x", _vector(result)
    yield "iterations", str(result.nit)
    if result.get("passes"):
        yield "passes", str(result.passes)
    if "seconds" in result:
        yield "seconds", f"{result.seconds:.4g}"
    if "method" in result:
        yield "method", result.method
    if "rank" in result and result.rank < len(result.x):
        yield "rank", f"{result.rank} of {len(result.x)}"
    if len(result.get("starts", ())) > 1:
        yield "starts", f"{len(result.starts)}; this is the best of them"
    certificate = result.get("certificate")
    if certificate is not None:
        from newtonkit.certificates.wording import at_most  # noqa: PLC0415  (it is there already)

        found = f"a minimiser is within {at_most(certificate.radius)}" if certificate.proven else "nothing"
        yield "proved", found


def _vector(result: MinimizeResult) -> str:
    """Return the solution, as much of it as a line has room for."""
    x, text = np.asarray(result.x), ""
    for digits in (5, 3):
        shown = np.array2string(x, precision=digits, threshold=4, edgeitems=2, max_line_width=999)
        text = f"{shown}, shape {x.shape}"
        if len(text) <= _WIDTH - _LABEL:
            break
    return text


def _shown(result: MinimizeResult) -> Iterator[IterationRecord]:
    history = result.history
    if len(history) <= _MOST_RECORDS:
        yield from history
    else:
        yield from history[:_FIRST]
        yield from history[-_LAST:]


def _cells(record: IterationRecord) -> list[Cell]:
    return [
        Cell(str(record.iteration), record.iteration, "iteration"),
        Cell(f"{record.value:.10g}", record.value, "value"),
        Cell(f"{record.relative_gradient:.2e}", record.relative_gradient, "relative_gradient"),
        _unless_first(record, record.step_norm, ".1e", "step_norm"),
        _unless_first(record, record.ratio, ".2f", "ratio"),
        Cell(str(record.inner_iterations), record.inner_iterations, "inner_iterations"),
        Cell(str(record.passes), record.passes, "passes"),
        Cell(f"{record.seconds:.4f}", record.seconds, "seconds"),
    ]


def _unless_first(record: IterationRecord, value: float, form: str, field: str) -> Cell:
    """Return a figure of the step to x: there is none to the start."""
    if record.iteration == 0 or not math.isfinite(value):
        return Cell("-")
    text = f"{value:{form}}" if abs(value) < 1e4 else f"{value:.0e}"
    return Cell(text, value, field)
