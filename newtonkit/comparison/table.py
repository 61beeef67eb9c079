"""A comparison for the terminal: heading, tables and notes, in 80 columns and without colour if need be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.box import Box
from rich.console import Group, JustifyMethod
from rich.table import Table
from rich.text import Text

from newtonkit.comparison.report import GAPS

if TYPE_CHECKING:
    from newtonkit.comparison.report import MethodReport
    from newtonkit.comparison.result import Comparison

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
_WAY = {"method": 14, "passes": 7, "fact": 5, "min eig": 8}
_WAY_HEADING = "On the way, and until the gap to the lowest value was that share of the first"
# What the notes call values, gradients, Hessians, and what they say of the second table.
_PASSES = "passes: seconds / those of A @ x"
_SHORT = ("fun", "grad", "hess", f"{_PASSES}; fact: factorisations; min eig: of the Hessian.")
_LONG = ("values", "gradients", "Hessians", f"{_PASSES}; least eigenvalue: of the Hessian.")
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
    """Return the heading, the tables and the notes, to be printed one below the other."""
    return Group(
        Text(heading(comparison), style="bold"),
        comparison_table(comparison),
        Text(f"\n{_WAY_HEADING}\n", style="bold"),
        way_table(comparison),
        Text("\n" + "\n".join(notes(comparison))),
    )


def new_table() -> Table:
    """Return an empty table in the style of all."""
    return Table(box=_RULED, show_edge=False, pad_edge=False, padding=0, collapse_padding=True)


def comparison_table(comparison: Comparison) -> Table:
    """Return the reports of a comparison as a rich table."""
    table = new_table()
    for name, width in _COLUMNS.items():
        justify: JustifyMethod = "left" if name in ("method", "outcome") else "right"
        header = name.replace("|g0|", "S(x)") if comparison.stationary_start else name
        table.add_column(header, justify=justify, no_wrap=True, min_width=width)
    best = comparison.best
    for report in comparison.reports:
        table.add_row(*_cells(report, winner=report is best), style="bold" if report is best else "")
    return table


def way_table(comparison: Comparison) -> Table:
    """Return passes, factorisations, the smallest eigenvalue and the way to three gaps as a rich table."""
    table = new_table()
    for name, width in _WAY.items():
        justify: JustifyMethod = "left" if name == "method" else "right"
        table.add_column(name, justify=justify, no_wrap=True, min_width=width)
    for share in GAPS:
        table.add_column("iter", justify="right", no_wrap=True, min_width=5)
        table.add_column(f"to {share_text(share)}", justify="right", no_wrap=True, min_width=7)
    best = comparison.best
    for report in comparison.reports:
        style = "bold" if report is best else ""
        table.add_row(*map(Text, _way_cells(report, winner=report is best)), style=style)
    return table


def _cells(report: MethodReport, *, winner: bool) -> list[Text]:
    plain = [
        _name(report, winner=winner),
        count_text(report.iterations),
        count_text(report.nfev),
        count_text(report.njev),
        hessians_text(report),
        seconds_text(report.seconds),
        size_text(report.gap),
        size_text(report.relative_gradient),
    ]
    return [*map(Text, plain), Text(report.outcome, style=_STYLES.get(report.outcome, ""))]


def _way_cells(report: MethodReport, *, winner: bool) -> Iterator[str]:
    yield _name(report, winner=winner)
    yield count_text(round(report.passes))
    yield count_text(report.factorisations)
    eigenvalue = report.smallest_eigenvalue
    yield "-" if eigenvalue is None else size_text(eigenvalue)
    for milestone in report.milestones:
        yield count_text(milestone.iterations)
        yield "-" if milestone.seconds is None else seconds_text(milestone.seconds)[:7].rstrip(".")


def _name(report: MethodReport, *, winner: bool) -> str:
    return f"{'*' if winner else ' '} {report.name}"


def share_text(share: float) -> str:
    """Return a share of the first gap, such as 1e-2."""
    return f"{share:.0e}".replace("e-0", "e-")


def count_text(count: int | None) -> str:
    """Return a count in at most six letters."""
    if count is None:
        return "-"
    if count < 100_000:
        return str(count)
    return f"{count // 1000}k" if count < 10_000_000 else f"{count // 1_000_000}M"


def hessians_text(report: MethodReport) -> str:
    """Return the Hessians formed, or the products with it, marked by a v."""
    if report.nhessp:
        return f"{count_text(report.nhessp)}v"
    return count_text(report.nhev or None)


def seconds_text(seconds: float) -> str:
    """Return seconds in at most eight letters."""
    return f"{seconds:.4f}" if seconds < 1000.0 else f"{seconds:.0f}"


def size_text(value: float) -> str:
    """Return a size in two digits; a dash for what is not finite."""
    if value == 0.0:
        return "0"
    return f"{value:.1e}" if math.isfinite(value) else "-"


def heading(comparison: Comparison) -> str:
    """Return what was minimised, from where and how far, in two lines."""
    c = comparison
    start = "x0 = 0" if c.start == "zeros" else "x0 given"
    relative_to = "S(x)" if c.stationary_start else "|g0|"
    iterations = "" if c.max_iter is None else f" or {c.max_iter} iteration{'s' * (c.max_iter > 1)}"
    return (
        f"{c.problem}\nn = {c.n}, d = {c.d}, {start}; "
        f"stop at |g| <= {c.gtol:g} {relative_to}, {c.max_time:g} s{iterations}\n"
    )


def notes(comparison: Comparison, *, short: bool = True) -> Iterator[str]:
    """Yield what has to be known to read the tables, and what methods said of themselves.

    With `short` columns are called as in the terminal, otherwise as in HTML.
    """
    names = _SHORT if short else _LONG
    yield f"Lowest value {comparison.best_value:.10g}, from {comparison.start_value:.10g} at the start."
    best = comparison.best
    if best is None:
        yield "No method reached the minimum."
    else:
        yield f"* {best.name} was the fastest to reach the minimum."
    if any(report.nhev or report.nhessp for report in comparison.reports):
        yield f"{names[2]} counts Hessians formed, or with a v, products of the Hessian with a vector."
    if any(report.name.startswith("lsq-") for report in comparison.reports):
        yield f"For lsq methods, {names[0]} counts residuals and {names[1]} their Jacobians."
    yield names[3]
    for report in comparison.reports:
        yield from _notes_on(report)


def _notes_on(report: MethodReport) -> Iterator[str]:
    """Yield what the method said of itself, where the outcome does not say as much, and its spread."""
    if report.claimed_success is not None:
        if not (report.reached and report.claimed_success):
            claim = "claimed success" if report.claimed_success else "gave up"
            yield f"{report.name} {claim}: {report.said}"
    elif report.outcome == "failed":
        yield f"{report.name} raised {report.said}"
    elif report.outcome in ("stopped early", "saddle", "saturated"):
        yield f"{report.name} was {report.said}"
    if report.seconds_range is not None and report.iterations_range is not None:
        reached = sum(run.outcome == "reached" for run in report.seeds)
        fewest, most = report.iterations_range
        shortest, longest = report.seconds_range
        yield (
            f"{report.name}: medians of {len(report.seeds)} seeds; {fewest} to {most} iterations, "
            f"{shortest:.4g} to {longest:.4g} s; {reached} of {len(report.seeds)} reached the minimum"
        )
