"""Comparisons as one page of HTML that needs nothing beside itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from newtonkit.comparison.html import comparison_tables, notes_html, profile_html
from newtonkit.comparison.page_style import CSS
from newtonkit.comparison.plot import GAP, PANELS, draw_panel
from newtonkit.comparison.profile import PerformanceProfile, performance_profile
from newtonkit.comparison.profile_views import draw_shares
from newtonkit.comparison.table import heading
from newtonkit.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from newtonkit.comparison.result import Comparison

# A table is as wide as it has to be, and scrolls by itself: the page does not.
_WIDE = '<div class="wide" role="region" tabindex="0" aria-label="{}">\n'
_PANEL = (4.3, 3.7)


def report_page(
    comparisons: Sequence[Comparison], command: str | None = None, profile: PerformanceProfile | None = None
) -> str:
    """Return a page of HTML with everything that is to be known of some comparisons.

    Parameters
    ----------
    comparisons : sequence of Comparison
        At least one, all made on the same machine.
    command : str, optional
        The command that made them.
    profile : PerformanceProfile, optional
        That of the comparisons; by seconds if there are several of them.

    Returns
    -------
    str
        Style and pictures are in it: it needs no network and no other file.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    if profile is None and len(comparisons) > 1:
        profile = performance_profile(comparisons)
    title = "newtonkit compare"
    if len(comparisons) == 1:
        title += f": {comparisons[0].problem}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>",
        "<h1>newtonkit beside the methods of SciPy</h1>",
        "<p>Same start, same exact derivatives, same stopping rule and time cap for all. The outcome is what "
        "is true of the point that a method returned, whatever the method said of itself.</p>",
        *([] if command is None else [f"<h2>Command</h2>\n<pre><code>{escape(command)}</code></pre>"]),
        *(_comparison_section(comparison, k) for k, comparison in enumerate(comparisons)),
        *([] if profile is None else [_profile_section(profile)]),
        _machine_section(comparisons[0]),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(parts)


def _comparison_section(comparison: Comparison, k: int) -> str:
    _, conditions = heading(comparison).strip().rsplit("\n", 1)
    name = f"problem-{k + 1}"
    tables = comparison_tables(comparison, _WIDE.format("table, scrolls sideways"), "\n</div>")
    return "\n".join(
        [
            f'<section aria-labelledby="{name}">\n<h2 id="{name}">{escape(comparison.problem)}</h2>',
            f"<p>{escape(conditions)}</p>",
            tables,
            notes_html(comparison),
            f"<h3>{GAP[0].upper()}{GAP[1:]}</h3>",
            *_pictures(comparison),
            "</section>",
        ]
    )


def _pictures(comparison: Comparison) -> Iterator[str]:
    """Yield the legend and the three panels, each a picture that is read on a telephone."""
    panels = []
    handles: Any = []
    labels: list[Any] = []
    for name in PANELS:
        figure = new_figure(*_PANEL, layout="constrained")
        axis = figure.add_subplot()
        draw_panel(axis, comparison, name)
        handles, labels = axis.get_legend_handles_labels()
        panels.append(_picture(figure, _alt(comparison, name)))
    figure = new_figure(_PANEL[0], 0.15 + 0.21 * ((len(labels) + 1) // 2 + 0.5 * "".join(labels).count("\n")))
    figure.legend(
        handles, labels, loc="center", ncols=2, frameon=False, fontsize=9, handlelength=3.6, borderpad=0.0
    )
    names = ", ".join(label.replace("\n", " ") for label in labels)
    yield f"<p>{_picture(figure, f'Legend: a line, colour and marker each for {names}.')}</p>"
    yield '<div class="pictures">\n' + "\n".join(panels) + "\n</div>"


def _alt(comparison: Comparison, name: str) -> str:
    """Say what a panel shows, in words."""
    said = []
    for report in comparison.reports:
        nearest = report.milestones[-1]
        at = {
            "iterations": nearest.iterations,
            "seconds": nearest.seconds,
            "passes": None if nearest.seconds is None else nearest.seconds / comparison.pass_seconds,
        }[name]
        said.append(f"{report.name} {'never' if at is None else f'{at:.3g}'}")
    chart = f"Line chart of the gap against {name}, both logarithmic."
    return f"{chart} {name.capitalize()} to 1e-8: {', '.join(said)}."


def _profile_section(profile: PerformanceProfile) -> str:
    figure = new_figure(5.4, 4.0, layout="constrained")
    axis = figure.add_subplot()
    draw_shares(axis, profile)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9, handlelength=4.0)
    solved = ", ".join(f"{method} {100.0 * profile.fraction(method):.0f} %" for method in profile.methods)
    alt = f"Performance profile by {profile.measure}; share of the problems solved at all: {solved}."
    table = profile_html(profile, _WIDE.format("performance profile, scrolls sideways"), "\n</div>")
    return (
        f'<section aria-labelledby="profile">\n<h2 id="profile">Performance profile</h2>\n{table}\n'
        f'<div class="pictures">\n{_picture(figure, alt)}\n</div>\n</section>'
    )


def _machine_section(comparison: Comparison) -> str:
    pairs = {
        **{str(name): str(value) for name, value in comparison.machine.items()},
        "threads": str(comparison.threads),
        **comparison.versions,
    }
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>\n'
        for name, value in pairs.items()
    )
    return (
        '<section aria-labelledby="machine">\n<h2 id="machine">Machine and versions</h2>\n'
        f"{_WIDE.format('machine and versions')}<table>\n"
        "<caption>Where these figures were measured</caption>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n</div>\n</section>"
    )


def _picture(figure: Figure, alt: str) -> str:
    """Return a figure as an image in the page itself, its text drawn so that it needs no font."""
    from matplotlib import rc_context  # noqa: PLC0415

    drawn = io.BytesIO()
    # The same comparison makes the same page: no date, and no random names in the drawing.
    with rc_context({"svg.hashsalt": "newtonkit", "svg.fonttype": "path"}):
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    data = base64.b64encode(drawn.getvalue()).decode("ascii")
    width, height = (round(96 * size) for size in figure.get_size_inches().tolist())
    return (
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" src="data:image/svg+xml;base64,{data}">'
    )
