"""The pictures of the manual, drawn when it is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newtonkit.manual.landscapes import LANDSCAPES, draw_landscape
from newtonkit.manual.sketches import draw_attention, draw_passes, draw_plots, draw_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOK: Any = {
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "font.size": 10,
    "legend.frameon": False,
    "svg.fonttype": "path",
    # The same site from the same sources: identifiers in the file are not drawn by chance.
    "svg.hashsalt": "newtonkit",
}
# Those of the library are made for a notebook, which is wider.
_SIZES = {"plots": (10.0, 4.4)}


def _drawings() -> dict[str, Callable[[Figure], None]]:
    found: dict[str, Callable[[Figure], None]] = {
        "attention": draw_attention,
        "leverage": draw_scores,
        "convergence": draw_passes,
        "plots": draw_plots,
    }
    for name, landscape in LANDSCAPES.items():
        found[name] = lambda figure, landscape=landscape: draw_landscape(figure, landscape)  # type: ignore[misc]
    return found


def draw_pictures(folder: Path) -> None:
    """Draw all pictures as SVG.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    """
    import matplotlib as mpl  # noqa: PLC0415  (heavy)
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    folder.mkdir()
    for name, draw in _drawings().items():
        with mpl.rc_context(_LOOK):
            figure = Figure(figsize=_SIZES.get(name, (7.2, 3.2)))
            FigureCanvasSVG(figure)
            draw(figure)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
