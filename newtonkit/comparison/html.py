"""A comparison and a profile as tables in HTML, with every figure to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from newtonkit.comparison.profile import FACTORS, PerformanceProfile
from newtonkit.comparison.report import GAPS
from newtonkit.comparison.table import (
    count_text,
    heading,
    hessians_text,
    notes,
    seconds_text,
    share_text,
    size_text,
)
from newtonkit.tables import Cell, html_table

if TYPE_CHECKING:
    from newtonkit.comparison.report import MethodReport
    from newtonkit.comparison.result import Comparison

_VERDICTS = ("method", "iterations", "values", "gradients", "Hessians", "seconds", "gap")
_WAY = ("method", "passes", "factorisations", "least eigenvalue")


def comparison_html(comparison: Comparison) -> str:
    """Return heading, tables and notes, for notebooks."""
    problem, conditions = heading(comparison).strip().split("\n")[-2:]
    return (
        f"<div><p><strong>{escape(problem)}</strong><br>{escape(conditions)}</p>\n"
        f"{comparison_tables(comparison)}\n{notes_html(comparison)}</div>"
    )


def comparison_tables(comparison: Comparison, before: str = "", after: str = "") -> str:
    """Return the two tables of a comparison, each between two pieces of HTML."""
    best = None if comparison.best is None else comparison.best.name
    relative = "|g|/S(x)" if comparison.stationary_start else "|g|/|g0|"
    verdicts = html_table(
        "Where each method ended",
        (*_VERDICTS, relative, "outcome"),
        [(report.name, list(_verdict(report))) for report in comparison.reports],
        bold=best,
    )
    steps = (text for share in GAPS for text in (f"iterations to {share_text(share)}", "seconds"))
    way = html_table(
        "On the way, and until the gap to the lowest value was that share of the first",
        (*_WAY, *steps),
        [(report.name, list(_way(report))) for report in comparison.reports],
        bold=best,
    )
    return "\n".join(f"{before}{table}{after}" for table in (verdicts, way))


def notes_html(comparison: Comparison) -> str:
    """Return what has to be known to read the tables as a list."""
    said = notes(comparison, short=False)
    lines = (line.replace("* ", "In bold: ", 1) if line.startswith("* ") else line for line in said)
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def profile_html(profile: PerformanceProfile, before: str = "", after: str = "") -> str:
    """Return the table of a performance profile between two pieces of HTML."""
    names = ["best" if factor == 1.0 else f"within {factor:g}x" for factor in FACTORS]
    rows = []
    for k, method in enumerate(profile.methods):
        shares = [profile.fraction(method, factor) for factor in (*FACTORS, math.inf)]
        cells = [Cell(f"{100.0 * share:.0f} %", share, "share") for share in shares]
        run = int(profile.runs[k])
        rows.append((method, [*cells, Cell(f"{run} of {len(profile.problems)}", run, "runs")]))
    caption = f"Share of the problems solved within a factor of the best method, by {profile.measure}"
    return f"{before}{html_table(caption, ('method', *names, 'at all', 'run on'), rows)}{after}"


def _count(count: int | None, field: str) -> Cell:
    return Cell(count_text(count), count, field)


def _figure(text: str, value: float | None, field: str) -> Cell:
    """Return a cell of a figure; what is not finite is a word, as JSON has no number for it."""
    known = value is not None and math.isfinite(value)
    return Cell(text, value if known else None, field)


def _verdict(report: MethodReport) -> Iterator[Cell]:
    yield _count(report.iterations, "iterations")
    yield _count(report.nfev, "nfev")
    yield _count(report.njev, "njev")
    products = report.nhessp
    yield Cell(hessians_text(report), products or report.nhev, "nhessp" if products else "nhev")
    yield _figure(seconds_text(report.seconds), report.seconds, "seconds")
    yield _figure(size_text(report.gap), report.gap, "gap")
    yield _figure(size_text(report.relative_gradient), report.relative_gradient, "relative_gradient")
    yield Cell(report.outcome, field="outcome", numeric=False)


def _way(report: MethodReport) -> Iterator[Cell]:
    passes = report.passes
    yield _figure(count_text(round(passes)) if math.isfinite(passes) else "-", passes, "passes")
    yield _count(report.factorisations, "factorisations")
    eigenvalue = report.smallest_eigenvalue
    yield _figure("-" if eigenvalue is None else size_text(eigenvalue), eigenvalue, "smallest_eigenvalue")
    for milestone in report.milestones:
        yield _count(milestone.iterations, f"iterations_to_{share_text(milestone.gap)}")
        seconds = milestone.seconds
        text = "-" if seconds is None else seconds_text(seconds)
        yield _figure(text, seconds, f"seconds_to_{share_text(milestone.gap)}")
