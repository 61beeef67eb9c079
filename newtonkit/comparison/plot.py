"""A comparison drawn: the gap against iterations, seconds and passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from newtonkit.comparison.monitor import TracePoint
from newtonkit.design import FloatArray
from newtonkit.plots.style import checked_axes, checked_path, keyed, logarithmic, new_figure, ruled, save
from newtonkit.plots.style import series as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from newtonkit.comparison.report import MethodReport
    from newtonkit.comparison.result import Comparison

_SHOWN_MARKERS = 9
# Letters in a line of a title; there is room for two.
_TITLE = 105
# Below this share of the first gap, values differ by rounding alone.
_FLOOR = 1e-16
_NAMES = {"iterations": "iterations", "seconds": "seconds", "passes": "passes (seconds / those of A @ x)"}
PANELS = tuple(_NAMES)
GAP = "gap to the best value, relative to the first"


def draw_comparison(
    comparison: Comparison, path: str | PathLike[str] | None, against: str | None, ax: Any
) -> Axes | NDArray[Any]:
    """Return the Axes of the drawing of a comparison, and write it; see :meth:`Comparison.plot`."""
    target = checked_path(path)
    if against is not None and against not in _NAMES:
        raise ValueError(f"against must be among {', '.join(PANELS)}; got {against!r}")
    if ax is None and against is None:
        return _three_panels(comparison, target)
    if ax is None:
        figure = new_figure(7.2, 4.6, shown=target is None, layout="constrained")
        axis, title = figure.add_subplot(), _title(comparison, 72)
        # A dollar sign in the name of a column begins no formula.
        figure.suptitle(title, fontsize=10, parse_math=False)
        draw_panel(axis, comparison, against or "passes")
        figure.legend(**_beside("outside right center"))
    else:
        axis = checked_axes(ax)
        draw_panel(axis, comparison, against or "passes")
        keyed(axis, loc="lower left", fontsize=8)
    axis.set_ylabel(GAP)
    save(axis.figure, target)
    return axis


def _three_panels(comparison: Comparison, target: Any) -> NDArray[Any]:
    figure = new_figure(11.0, 4.6, shown=target is None)
    axes: NDArray[Any] = figure.subplots(1, 3, sharey=True)
    for axis, name in zip(axes.tolist(), PANELS, strict=True):
        draw_panel(axis, comparison, name)
    axes[0].set_ylabel(GAP)
    figure.suptitle(_title(comparison, _TITLE), fontsize=11, parse_math=False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, **_beside("center right"))
    figure.subplots_adjust(left=0.075, right=0.815, bottom=0.125, top=0.9, wspace=0.06)
    save(figure, target)
    return axes


def _beside(loc: str) -> dict[str, Any]:
    return {"loc": loc, "frameon": False, "fontsize": 9, "handlelength": 4.0}


def _title(comparison: Comparison, width: int) -> str:
    size = "" if "n=" in comparison.problem else f" (n = {comparison.n}, d = {comparison.d})"
    left = 2 * width - 20 - len(size)
    problem = comparison.problem
    return fill((problem if len(problem) <= left else f"{problem[:left]}...") + size, width)


def _measure(comparison: Comparison, name: str) -> Callable[[TracePoint], float]:
    """Return what goes to the right."""
    if name == "iterations":
        return lambda point: float(point.iteration)
    unit = comparison.pass_seconds if name == "passes" else 1.0
    return lambda point: point.seconds / unit


def draw_panel(axis: Axes, comparison: Comparison, name: str) -> None:
    """Draw the gap of all methods against one of iterations, seconds and passes."""
    measure = _measure(comparison, name)
    ways = [_way(report, comparison, measure) for report in comparison.reports]
    positive = np.concatenate([x[x > 0.0] for x, _ in ways] or [np.ones(1)])
    least = float(positive.min()) if positive.size else 1.0
    axis.set_yscale("log")
    for k, (report, (x, gaps)) in enumerate(zip(comparison.reports, ways, strict=True)):
        marked: Sequence[int] = np.unique(
            np.linspace(0, max(len(x) - 1, 0), _SHOWN_MARKERS).astype(int)
        ).tolist()
        # The start is at no time at all: it is drawn at the left edge.
        axis.plot(np.maximum(x, 0.6 * least), gaps, label=_label(report), markevery=marked, **style(k))
    axis.set_ylim(0.3 * _FLOOR, 4.0)
    axis.set_xlim(left=0.5 * least)
    logarithmic(axis, "x")
    axis.set_xlabel(_NAMES[name])
    ruled(axis)


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
