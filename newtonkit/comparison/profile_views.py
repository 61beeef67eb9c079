"""A performance profile for the terminal, and drawn."""

from __future__ import annotations

import math
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group
from rich.text import Text

from newtonkit.comparison.profile import FACTORS, PerformanceProfile
from newtonkit.comparison.table import new_table
from newtonkit.plots.style import (
    checked_axes,
    checked_path,
    keyed,
    logarithmic,
    new_figure,
    ruled,
    save,
    series,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table


def profile_table(profile: PerformanceProfile) -> Table:
    """Return a line for each method: the shares of problems solved within some factors, and at all."""
    table = new_table()
    table.add_column("method", no_wrap=True, min_width=14)
    for factor in FACTORS:
        name = "best" if factor == 1.0 else f"within {factor:g}x"
        table.add_column(name, justify="right", no_wrap=True, min_width=10)
    table.add_column("at all", justify="right", no_wrap=True, min_width=8)
    table.add_column("run on", justify="right", no_wrap=True, min_width=9)
    for k, method in enumerate(profile.methods):
        shares = [profile.fraction(method, factor) for factor in (*FACTORS, math.inf)]
        cells = [f"{100.0 * share:.0f} %" for share in shares]
        table.add_row(method, *cells, f"{profile.runs[k]} of {len(profile.problems)}")
    return table


def profile_rendered(profile: PerformanceProfile) -> Group:
    """Return a heading and the table, to be printed one below the other."""
    count = len(profile.problems)
    heading = (
        f"Performance profile over {count} problem{'s' * (count > 1)}, by {profile.measure}\n"
        "Share of the problems solved within a factor of the best method\n"
    )
    return Group(Text(heading, style="bold"), profile_table(profile))


def draw_profile(profile: PerformanceProfile, path: str | PathLike[str] | None, ax: Any) -> Axes:
    """Return the Axes of the drawing of a profile, and write it; see :meth:`PerformanceProfile.plot`."""
    target = checked_path(path)
    if ax is None:
        figure = new_figure(8.0, 4.6, shown=target is None)
        axis = figure.add_subplot()
        draw_shares(axis, profile)
        figure.legend(loc="center right", frameon=False, fontsize=9, handlelength=4.0)
        figure.subplots_adjust(left=0.09, right=0.76, bottom=0.12, top=0.95)
    else:
        axis = checked_axes(ax)
        draw_shares(axis, profile)
        keyed(axis, loc="lower right", fontsize=8)
    save(axis.figure, target)
    return axis


def draw_shares(axis: Axes, profile: PerformanceProfile) -> None:
    """Draw the share of problems that each method solves within a factor of the best."""
    finite = profile.ratios[np.isfinite(profile.ratios)]
    right = 1.3 * max(2.0, float(finite.max(initial=1.0)))
    for k, method in enumerate(profile.methods):
        ratios = profile.ratios[:, k]
        factors = np.unique(np.concatenate(([1.0], ratios[np.isfinite(ratios)], [right])))
        shares = [profile.fraction(method, factor) for factor in factors.tolist()]
        axis.plot(factors, shares, drawstyle="steps-post", label=method, **series(k))
    axis.set_xlim(0.95, right)
    logarithmic(axis, "x")
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel(f"{profile.measure} over those of the best method")
    axis.set_ylabel(f"share of {len(profile.problems)} problem{'s' * (len(profile.problems) > 1)} solved")
    ruled(axis)
