"""The figures drawn: contraction of every step against 0.4, observed against predicted step counts."""

from __future__ import annotations

from collections import Counter
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from newtonkit.certificates.contraction import PROMISED
from newtonkit.plots.style import ACCENT, QUIET, checked_path, logarithmic, new_figure, ruled, save, series
from newtonkit.prediction.figures import Cell, Prediction
from newtonkit.prediction.judgement import by_method

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 11.0, 4.6
_MOST_POINTS = 2000
_SPREAD = 0.3
_BESIDE = 0.12
_LEAST = 1e-12


def draw(prediction: Prediction, path: str | PathLike[str] | None = None) -> Figure:
    """Draw contractions and step counts side by side.

    Parameters
    ----------
    prediction : Prediction
        What was measured.
    path : str or path-like, optional
        File to write, .png, .svg or .pdf; none by default.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `path` ends in anything else.
    """
    target = checked_path(path)
    figure = new_figure(_WIDTH, _HEIGHT, shown=target is None, layout="constrained")
    left, right = figure.subplots(1, 2)
    groups = by_method(prediction)
    _contractions(left, groups)
    _counts(right, groups)
    if groups:
        handles, labels = right.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    save(figure, target)
    return figure


def _contractions(axes: Axes, groups: dict[str, list[Cell]]) -> None:
    """Draw the factor of every step above the name of its method."""
    generator = np.random.default_rng(0)
    for k, cells in enumerate(groups.values()):
        factors = np.array([factor for cell in cells for factor in cell.factors])
        if len(factors) > _MOST_POINTS:  # the largest matter, and more of the others hide each other
            factors = np.sort(factors)
            rest = generator.choice(factors[: -_MOST_POINTS // 2], _MOST_POINTS // 2, replace=False)
            factors = np.concatenate((rest, factors[-_MOST_POINTS // 2 :]))
        places = k + generator.uniform(-_SPREAD, _SPREAD, len(factors))
        look = series(k)
        axes.scatter(
            places,
            np.maximum(factors, _LEAST),
            s=16.0,
            alpha=0.6,
            linewidths=0.0,
            color=look["color"],
            marker=look["marker"],
            rasterized=len(factors) > 300,
        )
    _promised(axes, [cells[0].is_promised for cells in groups.values()])
    logarithmic(axes, "y")
    axes.set_ylim(top=max(1.5, axes.get_ylim()[1]))
    axes.set_xticks(range(len(groups)), [name.replace(" ", "\n") for name in groups])
    axes.set_xlim(-0.6, max(len(groups), 1) - 0.4)
    axes.set_ylabel("distance after a step / before it, in the norm of H(x*)")
    axes.set_title("Each Newton step in the region", fontsize=10, loc="left")
    ruled(axes)
    axes.grid(visible=False, axis="x")


def _promised(axes: Axes, promised: list[bool]) -> None:
    """Mark the papers' factor at the methods for which they promise it."""
    columns = [k for k, is_promised in enumerate(promised) if is_promised]
    if not columns:
        return
    edges = [(k - 0.5, k + 0.5, np.nan if k + 1 not in columns else k + 0.5) for k in columns]
    places = np.ravel(edges)
    axes.plot(places, np.full(len(places), PROMISED), color=ACCENT, linewidth=1.4, linestyle=(0, (5, 2)))
    axes.annotate(
        f"promised: {PROMISED:g}",
        (places[0], PROMISED),
        xytext=(0, 4),
        textcoords="offset points",
        color=ACCENT,
        fontsize=9,
    )


def _counts(axes: Axes, groups: dict[str, list[Cell]]) -> None:
    """Draw each pair of counts, the larger the more often it was seen."""
    right, top, reached = 1.0, 1.0, set[float]()
    for k, (name, cells) in enumerate(groups.items()):
        pairs = Counter(
            (count.predicted, count.observed)
            for cell in cells
            for count in cell.counts
            if count.predicted is not None and count.observed is not None
        )
        reached |= {count.to for cell in cells for count in cell.counts if count.predicted is not None}
        look = series(k)
        places = np.array(list(pairs), dtype=float).reshape(-1, 2)
        right, top = max(right, places[:, 0].max(initial=0.0)), max(top, places[:, 1].max(initial=0.0))
        # Equal pairs of two methods stand side by side; to the right, so that none crosses the line.
        axes.scatter(
            places[:, 0] + _BESIDE * k,
            places[:, 1],
            s=18.0 + 14.0 * np.log2(list(pairs.values())),
            alpha=0.75,
            linewidths=0.0,
            color=look["color"],
            marker=look["marker"],
            label=name,
        )
    right, top = right + 1.0, top + 2.0
    _shade(axes, right, top)
    axes.set_xlabel("steps predicted by the certificate of the start")
    axes.set_ylabel("steps observed")
    to = ", ".join(f"{share:.0e}".replace("e-0", "e-") for share in sorted(reached, reverse=True)) or "a part"
    axes.set_title(f"Steps to {to} of the first distance", fontsize=10, loc="left")
    note = "larger: seen more often" + "\nshifted to the right to be told apart" * (len(groups) > 1)
    axes.text(0.98, 0.03, note, transform=axes.transAxes, color=QUIET, fontsize=8, ha="right")
    ruled(axes)


def _shade(axes: Axes, right: float, top: float) -> None:
    """Mark where more steps are observed than predicted."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415  (not everybody has it)

    corner = min(right, top)
    axes.plot([0.0, corner], [0.0, corner], color=ACCENT, linewidth=1.4, linestyle=(0, (5, 2)))
    axes.fill_between([0.0, corner], [0.0, corner], [top, top], color=ACCENT, alpha=0.08, linewidth=0.0)
    axes.text(0.02, 0.96, "more than predicted", transform=axes.transAxes, color=ACCENT, fontsize=9, va="top")
    axes.set_xlim(0.0, right)
    axes.set_ylim(0.0, top)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
