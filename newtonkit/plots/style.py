"""What all pictures share: colours, dashes and markers, sizes, new figures, files."""

from __future__ import annotations

import sys
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")
DPI = 130
SINGLE = (6.4, 4.4)
"""Width and height of a picture of one panel, in inches."""
# Eight colours that stay apart for most colour-blind readers (Okabe and Ito), newtonkit's first.
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31")
# Black, blue and vermilion differ in grey as well: 0, 0.36 and 0.49 of white.
INK, ACCENT, COOL, QUIET = "#000000", "#D55E00", "#0072B2", "0.45"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.3)), (0, (6, 2, 1, 2)))
_MARKERS = "osD^vP<X>hp*d8H|"
_NEEDED = "plotting needs matplotlib: install it, or newtonkit with its extra 'plot'"


def series(k: int) -> dict[str, Any]:
    """Return colour, dashes and marker of the k-th line: told apart without colour as well."""
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": _DASHES[(k + k // len(COLOURS)) % len(_DASHES)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "markersize": 5.0,
        "linewidth": 2.4 if k == 0 else 1.3,
        "zorder": 3 if k == 0 else 2,
    }


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
    if target.suffix.lower() not in SUFFIXES:
        raise ValueError(f"path must end in {', '.join(SUFFIXES)}, got {str(path)!r}")
    return target


def checked_axes(ax: Any, name: str = "ax") -> Axes:
    """Return what is to be drawn into.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If it is no matplotlib Axes.
    """
    try:
        from matplotlib.axes import Axes  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    if not isinstance(ax, Axes):
        raise TypeError(f"{name} must be a matplotlib Axes, got {type(ax).__name__}")
    return ax


def new_figure(width: float, height: float, *, shown: bool = False, layout: str | None = None) -> Figure:
    """Return an empty figure.

    Parameters
    ----------
    width, height : float
        Inches.
    shown : bool, default False
        Whether pyplot may keep it, where pyplot is in use or a notebook is: then the notebook,
        or ``pyplot.show()``, shows it.  Otherwise it draws without a screen.
    layout : str, optional
        The layout engine of matplotlib.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ImportError(_NEEDED) from error
    settings: dict[str, Any] = {"figsize": (width, height), "dpi": DPI, "layout": layout}
    if shown and _is_watched():
        from matplotlib import pyplot  # noqa: PLC0415

        return pyplot.figure(**settings)
    figure = Figure(**settings)
    FigureCanvasAgg(figure)
    return figure


def _is_watched() -> bool:
    """Tell whether somebody draws with pyplot, or sits at IPython or a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return "matplotlib.pyplot" in sys.modules or shell() is not None


def panel(ax: Any, *, shown: bool = True, size: tuple[float, float] = SINGLE) -> Axes:
    """Return the Axes given, checked, or those of a new figure of one panel."""
    if ax is not None:
        return checked_axes(ax)
    return new_figure(*size, shown=shown, layout="constrained").add_subplot()


def logarithmic(ax: Axes, which: str) -> None:
    """Make the x or y axis logarithmic, with ticks between powers of ten where it spans no two of them.

    To be called when everything is drawn: the default labels of such a short axis overlap.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    getattr(ax, f"set_{which}scale")("log")
    axis = getattr(ax, f"{which}axis")
    low, high = sorted(axis.get_view_interval())
    if high < 100.0 * low:  # four labels at most
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 10.0 * low else (1.0, 3.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def ruled(ax: Axes) -> None:
    """Put a pale grid behind what is drawn."""
    ax.grid(visible=True, which="major", color="0.88", linewidth=0.7)
    ax.set_axisbelow(True)


def keyed(ax: Axes, **settings: Any) -> None:
    """Add the legend in the style of all."""
    ax.legend(**{"fontsize": 9, "framealpha": 0.85, "edgecolor": "0.85", "handlelength": 2.6} | settings)


def save(figure: Any, path: Path | None) -> None:
    """Write the figure, if it is to be written."""
    if path is not None:
        figure.savefig(path)
