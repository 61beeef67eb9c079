"""Clouds of points, one for each row: what is drawn of many, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newtonkit.design import FloatArray, IntArray
from newtonkit.options import point_of
from newtonkit.problems import Evaluation, Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from scipy.optimize import OptimizeResult

# More points than that hide each other, and make large files of vector graphics.
MOST_POINTS = 20_000


def evaluated(problem: Any, x: OptimizeResult | ArrayLike) -> Evaluation:
    """Return a problem made of rows at x, or at the x of a result.

    Raises
    ------
    TypeError
        If it is none, or `x` neither a result nor real numbers.
    ValueError
        If `x` is not of its length, or not finite.
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a newtonkit problem, got {type(problem).__name__}")
    here = problem.evaluate(point_of(x, "x"))
    if not np.isfinite(here.x).all():
        raise ValueError("x must be finite, but holds NaN or infinity")
    return here


def chosen(kept: IntArray, rank: FloatArray | None = None) -> IntArray:
    """Return which of the rows are drawn: all, or as many as can be told apart.

    Parameters
    ----------
    kept : ndarray of int
        The rows that can be drawn.
    rank : ndarray, optional
        A value for each of them; half of those drawn are of the highest.  The others are
        drawn with equal probability, always the same.
    """
    if len(kept) <= MOST_POINTS:
        return kept
    generator, half = np.random.default_rng(0), MOST_POINTS // 2
    if rank is None:
        return np.sort(generator.choice(kept, MOST_POINTS, replace=False))
    order = np.argsort(rank)
    rest = generator.choice(order[:-half], MOST_POINTS - half, replace=False)
    return np.sort(kept[np.concatenate((order[-half:], rest))])


def scattered(ax: Axes, x: FloatArray, y: FloatArray, **settings: Any) -> None:
    """Draw points, fainter and smaller the more they are; as pixels in vector graphics if they are many."""
    many = len(x)
    size, opacity = (22.0, 0.75) if many <= 300 else (14.0, 0.5) if many <= 3000 else (6.0, 0.25)
    drawn = {"s": size, "alpha": opacity, "linewidths": 0.0, "rasterized": many > 3000} | settings
    ax.scatter(x, y, **drawn)


def counted(drawn: int, of: int) -> str:
    """Say how many rows are drawn."""
    return f"{of} rows" if drawn == of else f"{drawn} of {of} rows"
