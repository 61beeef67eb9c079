"""A comparison drawn: the gap against iterations, seconds and passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from newtonkit.comparison.monitor import TracePoint
from newtonkit.design import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from newtonkit.comparison.report import MethodReport
    from newtonkit.comparison.result import Comparison

_SUFFIXES = (".png", ".svg", ".pdf")
# Eight colours that stay apart for most colour-blind readers (Okabe and Ito), newtonkit's first.
_COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)))
_MARKERS = "osD^vP<X>hp*d8H|"
_SHOWN_MARKERS = 9
# Letters in a line of a title; there is room for two.
_TITLE = 105
# Below this share of the first gap, values differ by rounding alone.
_FLOOR = 1e-16


def checked_path(path: str | PathLike[str] | None) -> Path | None:
    """Return where to write a drawing.

    Raises
    ------
    ValueError
        If the suffix is none that can be drawn.
    """
    if path is None:
        return None
    target = Path(fspath(path))
    if target.suffix.lower() not in _SUFFIXES:
        raise ValueError(f"path must end in {', '.join(_SUFFIXES)}, got {str(path)!r}")
    return target


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure that draws without a screen.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("plotting needs matplotlib: pip install 'newtonkit[plot]'") from error
    figure = Figure(figsize=(width, height), dpi=130)
    FigureCanvasAgg(figure)
    return figure


def style(k: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the k-th method: told apart without colour as well."""
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "linestyle": _DASHES[(k + k // len(_COLOURS)) % len(_DASHES)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "markersize": 5.0,
        "linewidth": 2.4 if k == 0 else 1.3,
        "zorder": 3 if k == 0 else 2,
    }


def save(figure: Figure, path: Path | None) -> None:
    """Write the figure, if it is to be written."""
    if path is not None:
        figure.savefig(path)


def comparison_figure(comparison: Comparison, path: str | PathLike[str] | None) -> Figure:
    """Return the drawing of a comparison, and write it; see :meth:`Comparison.plot`."""
    target = checked_path(path)
    figure = new_figure(11.0, 4.6)
    axes: Sequence[Axes] = figure.subplots(1, 3, sharey=True)
    panels: tuple[tuple[str, Callable[[TracePoint], float]], ...] = (
        ("iterations", lambda point: float(point.iteration)),
        ("seconds", lambda point: point.seconds),
        ("passes (seconds / those of A @ x)", lambda point: point.seconds / comparison.pass_seconds),
    )
    for axis, (name, measure) in zip(axes, panels, strict=True):
        _draw(axis, comparison, measure)
        axis.set_xlabel(name)
    axes[0].set_ylabel("gap to the best value, relative to the first")
    # A dollar sign in the name of a column begins no formula.
    figure.suptitle(_title(comparison), fontsize=11, parse_math=False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", frameon=False, fontsize=9, handlelength=4.0)
    figure.subplots_adjust(left=0.075, right=0.815, bottom=0.125, top=0.9, wspace=0.06)
    save(figure, target)
    return figure


def _title(comparison: Comparison) -> str:
    size = "" if "n=" in comparison.problem else f" (n = {comparison.n}, d = {comparison.d})"
    left = 2 * _TITLE - 20 - len(size)
    problem = comparison.problem
    return fill((problem if len(problem) <= left else f"{problem[:left]}...") + size, _TITLE)


def _draw(axis: Axes, comparison: Comparison, measure: Callable[[TracePoint], float]) -> None:
    ways = [_way(report, comparison, measure) for report in comparison.reports]
    positive = np.concatenate([x[x > 0.0] for x, _ in ways] or [np.ones(1)])
    least = float(positive.min()) if positive.size else 1.0
    axis.set_xscale("log")
    axis.set_yscale("log")
    for k, (report, (x, gaps)) in enumerate(zip(comparison.reports, ways, strict=True)):
        marked = np.unique(np.linspace(0, max(len(x) - 1, 0), _SHOWN_MARKERS).astype(int)).tolist()
        # The start is at no time at all: it is drawn at the left edge.
        axis.plot(np.maximum(x, 0.6 * least), gaps, label=_label(report), markevery=marked, **style(k))
    axis.set_ylim(0.3 * _FLOOR, 4.0)
    axis.set_xlim(left=0.5 * least)
    axis.grid(visible=True, which="major", color="0.88", linewidth=0.7)
    axis.set_axisbelow(True)


def _label(report: MethodReport) -> str:
    return report.name if report.reached else f"{report.name}\n({report.outcome})"


def _way(
    report: MethodReport, comparison: Comparison, measure: Callable[[TracePoint], float]
) -> tuple[FloatArray, FloatArray]:
    x = np.array([measure(point) for point in report.trace])
    first = comparison.start_value - comparison.best_value
    gaps = np.array([point.value - comparison.best_value for point in report.trace])
    finite = np.isfinite(gaps)
    return x[finite], np.maximum(gaps[finite] / (first if first > 0.0 else 1.0), _FLOOR)
