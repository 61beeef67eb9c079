"""A comparison for the terminal: heading, table and notes, in 80 columns and without colour if need be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.box import Box
from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from newtonkit.comparison.report import Comparison, MethodReport

# Plain ASCII with a rule under the header: it survives every encoding and every pipe.
_RULED = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)

# Names and least widths, so that the columns of several comparisons stand one below the other.
_COLUMNS = {
    "method": 14,
    "iter": 5,
    "fun": 5,
    "grad": 5,
    "hess": 6,
    "seconds": 8,
    "gap": 7,
    "|g|/|g0|": 8,
    "outcome": 13,
}
_STYLES = {
    "reached": "green",
    "saddle": "red",
    "saturated": "red",
    "failed": "red",
    "other minimum": "yellow",
    "time cap": "yellow",
    "iteration cap": "yellow",
    "stopped early": "yellow",
}


def rendered(comparison: Comparison) -> Group:
    """Return the heading, the table and the notes, to be printed one below the other."""
    return Group(
        Text(_heading(comparison), style="bold"), comparison_table(comparison), Text(_notes(comparison))
    )


def comparison_table(comparison: Comparison) -> Table:
    """Return the reports of a comparison as a rich table."""
    table = Table(box=_RULED, show_edge=False, pad_edge=False, padding=0, collapse_padding=True)
    for name, width in _COLUMNS.items():
        justify: JustifyMethod = "left" if name in ("method", "outcome") else "right"
        header = name.replace("|g0|", "S(x)") if comparison.stationary_start else name
        table.add_column(header, justify=justify, no_wrap=True, min_width=width)
    best = comparison.best
    for report in comparison.reports:
        style = "bold" if report is best else ""
        table.add_row(*_cells(report, winner=report is best), style=style)
    return table


def _cells(report: MethodReport, *, winner: bool) -> list[Text]:
    plain = [
        f"{'*' if winner else ' '} {report.name}",
        _count(report.iterations),
        _count(report.nfev),
        _count(report.njev),
        _hessians(report),
        _seconds(report.seconds),
        _size(report.gap),
        _size(report.relative_gradient),
    ]
    return [*map(Text, plain), Text(report.outcome, style=_STYLES.get(report.outcome, ""))]


def _count(count: int | None) -> str:
    if count is None:
        return "-"
    if count < 100_000:
        return str(count)
    return f"{count // 1000}k" if count < 10_000_000 else f"{count // 1_000_000}M"


def _hessians(report: MethodReport) -> str:
    """Return the Hessians formed, or the products with it, marked by a v."""
    if report.nhessp:
        return f"{_count(report.nhessp)}v"
    return _count(report.nhev or None)


def _seconds(seconds: float) -> str:
    return f"{seconds:.4f}" if seconds < 1000.0 else f"{seconds:.0f}"


def _size(value: float) -> str:
    if value == 0.0:
        return "0"
    return f"{value:.1e}" if math.isfinite(value) else "-"


def _heading(comparison: Comparison) -> str:
    c = comparison
    start = "x0 = 0" if c.start == "zeros" else "x0 given"
    relative_to = "S(x)" if c.stationary_start else "|g0|"
    iterations = "" if c.max_iter is None else f" or {c.max_iter} iteration{'s' * (c.max_iter > 1)}"
    return (
        f"{c.problem}\nn = {c.n}, d = {c.d}, {start}; "
        f"stop at |g| <= {c.gtol:g} {relative_to}, {c.max_time:g} s{iterations}\n"
    )


def _notes(comparison: Comparison) -> str:
    lines = [f"Lowest value {comparison.best_value:.10g}, from {comparison.start_value:.10g} at the start."]
    best = comparison.best
    if best is None:
        lines.append("No method reached the minimum.")
    else:
        lines.append(f"* {best.name} was the fastest to reach the minimum.")
    if any(report.nhessp for report in comparison.reports):
        lines.append("hess counts Hessians formed, or with a v, products of the Hessian with a vector.")
    lines += [note for report in comparison.reports if (note := _note(report))]
    return "\n" + "\n".join(lines)


def _note(report: MethodReport) -> str:
    """Return what the method said of itself, where the outcome does not say as much."""
    if report.claimed_success is not None:
        if report.reached and report.claimed_success:
            return ""
        return f"{report.name} {'claimed success' if report.claimed_success else 'gave up'}: {report.said}"
    if report.outcome == "failed":
        return f"{report.name} raised {report.said}"
    return (
        f"{report.name} was {report.said}"
        if report.outcome in ("stopped early", "saddle", "saturated")
        else ""
    )
