"""Leverage scores against the weights of rows in the Hessian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.plots.points import chosen, evaluated, scattered
from newtonkit.plots.style import ACCENT, COOL, QUIET, keyed, logarithmic, panel, ruled
from newtonkit.problems import Problem
from newtonkit.sketching import leverage_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from scipy.optimize import OptimizeResult

# Hollow, so that they are seen in a cloud of the others without colour.
_NEGATIVE: dict[str, Any] = {
    "facecolors": "white",
    "edgecolors": ACCENT,
    "marker": "^",
    "label": "D < 0",
    "s": 26.0,
    "linewidths": 1.2,
    "alpha": 1.0,
}


def leverage(
    problem: Problem,
    x: OptimizeResult | ArrayLike,
    *,
    method: str = "approximate",
    rng: int | np.random.Generator | None = 0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the leverage score of each row against its weight |D| in the Hessian at x.

    The score of row i is |D_i| a_i^T (A^T |D| A + diag(ridge))^+ a_i, where D is the diagonal
    of the Hessian A^T (diag(D) + U C U^T) A + diag(ridge) in u, with the penalty on rows.  A
    sample of the Hessian keeps rows in proportion to it.  Far to the right are rows that
    weigh much, high up those that carry a direction almost alone; were all rows alike,
    weight alone would tell, and the points lay on a line of slope 1.  Rows with D < 0 have a
    marker of their own.  The dashed line is the mean score, about d / n.

    Parameters
    ----------
    problem : Problem
        A problem of this package, with n rows.
    x : MinimizeResult, or array_like of shape (d,)
        Where: at a result, or at a point such as zeros, the start.
    method : {"approximate", "exact"}, default "approximate"
        How scores are found, see :func:`newtonkit.sketching.leverage_scores`.
    rng : int, numpy.random.Generator or None, default 0
        Seed or generator of approximate scores.
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
        If `problem` is no problem of this package, `x` is neither a result nor real numbers, or `ax` is
        something else.
    ValueError
        If `x` is not of shape (d,) or not finite, `method` is unknown, or no row has a weight.

    Notes
    -----
    Both axes are logarithmic: rows of weight or score 0 are counted in the legend and not
    drawn.  Of more than 20000 rows, the 10000 of the highest scores and as many others are.
    These are the scores of the rows of A; where a solve samples a softmax, it moves rows to
    the centre of their group first (see :func:`newtonkit.problems.shifting.shifted_form`).

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.ExpRegression([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 5.0])
    >>> ax = nk.plots.leverage(problem, [0.0, 0.8], method="exact")
    >>> ax.get_ylabel()
    'leverage score'
    """
    here = evaluated(problem, x)
    weights = here.hessian.row_diagonal
    if not np.isfinite(weights).all():
        raise ValueError("x has no finite Hessian: f(A x) overflows")
    if not weights.any():
        raise ValueError("x has no leverage scores: the weight of every row is 0 there")
    scores = leverage_scores(problem.design, weights, method, problem.ridge, rng)
    sizes = np.abs(weights)
    kept = np.flatnonzero((sizes > 0.0) & (scores > 0.0))
    drawn = chosen(kept, scores[kept])
    ax = panel(ax)
    looks: tuple[tuple[Any, dict[str, Any]], ...] = (
        (weights > 0.0, {"color": COOL, "marker": "o", "label": "D > 0"}),
        (weights < 0.0, _NEGATIVE),
    )
    for of_sign, look in looks:
        rows = drawn[of_sign[drawn]]
        if len(rows):
            label = f"{look['label']}: {int(of_sign.sum())} rows"
            scattered(ax, sizes[rows], scores[rows], **look | {"label": label})
    mean = float(scores.mean())
    ax.axhline(mean, color=QUIET, linewidth=1.2, linestyle=(0, (5, 2)), label=f"mean score {mean:.2g}")
    if len(kept) < len(weights):
        ax.plot([], [], " ", label=f"not drawn: {len(weights) - len(kept)} rows of weight or score 0")
    logarithmic(ax, "x")
    logarithmic(ax, "y")
    ax.set_xlabel("row weight |D|")
    ax.set_ylabel("leverage score")
    if len(drawn) < len(kept):
        ax.set_title(f"{len(drawn)} of {len(weights)} rows, half of them those of most leverage", fontsize=10)
    ruled(ax)
    keyed(ax, loc="lower right")
    return ax
