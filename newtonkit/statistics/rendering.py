"""An inference as text in 80 columns and as a table in HTML."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newtonkit.statistics.record import Inference

_HEADS = ("estimate", "std error", "z", "p", "2.5 %", "97.5 %")
_LEVEL = 0.95
_NAME_WIDTH, _WIDTH = 19, 10
_MOST, _END = 60, 25  # with more coefficients the first and last ones are shown


def as_text(inferred: Inference) -> str:
    """Return heading, table and notes, in lines of at most 80 characters."""
    lines = [_shortened(inferred.problem, 80), *_facts(inferred), ""]
    lines.append(" " * _NAME_WIDTH + "".join(f"{head:>{_WIDTH}}" for head in _HEADS))
    lines.append("-" * (_NAME_WIDTH + _WIDTH * len(_HEADS)))
    for name, cells in _rows(inferred):
        label = f"{_shortened(name, _NAME_WIDTH):{_NAME_WIDTH}}"
        lines.append((label + "".join(f"{cell:>{_WIDTH}}" for cell in cells)).rstrip())
    notes = inferred._notes()
    return "\n".join((*lines, *([""] if notes else []), *notes))


def as_html(inferred: Inference) -> str:
    """Return the same as HTML; whatever comes from outside is escaped."""
    cell = '<td style="text-align: right">'
    heads = "".join(f'<th style="text-align: right">{head}</th>' for head in ("", *_HEADS))
    rows = "".join(
        f'<tr><th style="text-align: left">{html.escape(name)}</th>'
        + "".join(f"{cell}{html.escape(text)}</td>" for text in cells)
        + "</tr>"
        for name, cells in _rows(inferred)
    )
    caption = "<br>".join(html.escape(line) for line in (inferred.problem, *_facts(inferred)))
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in inferred._notes())
    table = f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return table + notes


def _facts(inferred: Inference) -> list[str]:
    i = inferred
    clusters = f", {i.n_clusters} clusters" if i.kind == "clustered" else ""
    dispersion = "" if i.dispersion == 1.0 else f", dispersion {i.dispersion:.6g}"
    return [
        f"{i.kind} standard errors ({i.information}){clusters}",
        f"n = {i.n_observations:.10g}, degrees of freedom {i.degrees_of_freedom:.6g}{dispersion}",
        f"log-likelihood {i.log_likelihood:.8g}, AIC {i.aic:.8g}, BIC {i.bic:.8g}",
    ]


def _rows(inferred: Inference) -> list[tuple[str, tuple[str, ...]]]:
    columns = list(inferred._wald_columns(_LEVEL).values())
    d = len(inferred.names)
    shown = range(d) if d <= _MOST else (*range(_END), *range(d - _END, d))
    rows = [(inferred.names[k], _cells(*(float(column[k]) for column in columns))) for k in shown]
    if d > _MOST:
        rows.insert(_END, (f"... {d - 2 * _END} more", ("",) * len(_HEADS)))
    return rows


def _cells(estimate: float, error: float, z: float, p: float, lower: float, upper: float) -> tuple[str, ...]:
    chance = f"{p:.4f}" if p >= 1e-4 or math.isnan(p) else f"{p:.1e}"
    size = f"{z:.2f}" if abs(z) < 1e5 or math.isnan(z) else f"{z:.1e}"
    return (*(f"{value:.3g}" for value in (estimate, error)), size, chance, f"{lower:.3g}", f"{upper:.3g}")


def _shortened(text: str, width: int) -> str:
    """Return a text that leaves room for a space, in one line."""
    plain = " ".join(text.split())
    return plain if len(plain) < width else plain[: width - 4] + "..."
