"""How a solve went: gradient, gap in value, and what each iteration cost."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.options import checked_number
from newtonkit.plots.style import ACCENT, INK, QUIET, checked_path, keyed, logarithmic, panel, ruled, save
from newtonkit.results import IterationRecord, MinimizeResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ABSCISSAE: dict[str, tuple[str, Callable[[IterationRecord], float]]] = {
    "passes": ("passes over the data (one marker for each iteration)", lambda r: float(r.passes)),
    "iterations": ("iterations", lambda r: float(r.iteration)),
    "seconds": ("seconds (one marker for each iteration)", lambda r: r.seconds),
}
_SHOWN_MARKERS = 60


def convergence(
    result: MinimizeResult, *, against: str | None = None, gtol: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw gradient and value of a solve on their way down, on a logarithmic scale.

    The gradient is ||grad|| / S(x), what ``gtol`` is compared with.  The value is shown by
    its gap to the lowest one of the solve, (L - L_min) / (L(x0) - L_min), as far as there is
    any.  Each marker is an iteration, so that against passes its distance to the one before
    is what it cost.

    Parameters
    ----------
    result : MinimizeResult
        What :func:`newtonkit.minimize` returned.
    against : {"passes", "iterations", "seconds"}, optional
        What goes to the right.  Passes by default, as :class:`IterationRecord` counts them, and
        iterations for a function that is not made of rows.
    gtol : float, optional
        A tolerance to be drawn as a line.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `result` or `ax` is something else.
    ValueError
        If `against` is unknown or `gtol` is not positive.

    Examples
    --------
    >>> import newtonkit as nk
    >>> result = nk.minimize(nk.SinhRegression([[1.0], [2.0]], [0.5, 1.2]))
    >>> ax = nk.plots.convergence(result, gtol=1e-8)
    >>> ax.get_yscale(), [line.get_label() for line in ax.get_lines()]
    ('log', ['gradient / its size without cancellation', 'gap to the lowest value / the first', 'tolerance'])
    """
    if not isinstance(result, MinimizeResult):
        raise TypeError(f"result must be a MinimizeResult, got {type(result).__name__}")
    return draw_solve(result, None, against, gtol, ax)


def draw_solve(
    result: MinimizeResult, path: str | PathLike[str] | None, against: str | None, gtol: float | None, ax: Any
) -> Axes:
    """Draw a solve and write the drawing; see :func:`convergence`."""
    target = checked_path(path)
    if against is None:
        against = "passes" if result.get("passes") else "iterations"
    if against not in _ABSCISSAE:
        raise ValueError(f"against must be among {', '.join(_ABSCISSAE)}; got {against!r}")
    tolerance = None if gtol is None else checked_number(gtol, "gtol", positive=True)
    axes = panel(ax, shown=target is None)
    name, measure = _ABSCISSAE[against]
    x = np.array([measure(record) for record in result.history])
    marked: dict[str, Any] = {"markevery": max(1, len(x) // _SHOWN_MARKERS), "markersize": 5.0}
    gradient = _positive(np.array([record.relative_gradient for record in result.history]))
    axes.plot(
        x,
        gradient,
        color=INK,
        marker="o",
        linewidth=2.0,
        label="gradient / its size without cancellation",
        zorder=3,
        **marked,
    )
    axes.plot(
        x,
        _gaps(result),
        color=ACCENT,
        marker="s",
        linestyle=(0, (5, 2)),
        linewidth=1.5,
        label="gap to the lowest value / the first",
        **marked,
    )
    if tolerance is not None:
        axes.axhline(tolerance, color=QUIET, linewidth=1.2, linestyle=(0, (1, 1.3)), label="tolerance")
    logarithmic(axes, "y")
    axes.set_xlabel(name)
    axes.set_title(_title(result), fontsize=10, loc="left")
    ruled(axes)
    keyed(axes, loc="lower left")
    save(axes.figure, target)
    return axes


def _title(result: MinimizeResult) -> str:
    plural = "s" * (result.nit != 1)
    passes = f", {result.passes} passes" if result.get("passes") else ""
    return f"{result.status.name}: {result.nit} iteration{plural}{passes}"


def _positive(values: FloatArray) -> FloatArray:
    """Leave out what a logarithmic axis cannot show."""
    return np.where((values > 0.0) & np.isfinite(values), values, np.nan)


def _gaps(result: MinimizeResult) -> FloatArray:
    """Return the gaps in value, NaN where there is none: the lowest value has no gap to itself."""
    values = np.array([record.value for record in result.history])
    lowest = min(float(np.min(values)), float(result.fun))
    first = float(values[0]) - lowest
    return _positive((values - lowest) / (first if first > 0.0 else 1.0))
