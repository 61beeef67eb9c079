"""What a model predicts against its target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray
from newtonkit.plots.points import chosen, counted, evaluated, scattered
from newtonkit.plots.style import COOL, INK, keyed, logarithmic, panel, ruled
from newtonkit.problems import Evaluation, Problem, SoftmaxLogLoss

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from scipy.optimize import OptimizeResult

_SCALES = ("linear", "log")
# Targets of so few values stand in columns; moved sideways, their rows can be told apart.
_FEW_VALUES = 10
_SIDEWAYS = 0.04


def predictions(
    problem: Problem, x: OptimizeResult | ArrayLike, *, scale: str = "linear", ax: Axes | None = None
) -> Axes:
    """Draw what a problem predicts at x against its target, a point for each row.

    On the diagonal both are the same.  Rows of weight 0 are left out, and so are, on a
    logarithmic scale, those whose target or prediction is not positive.  The target of a
    cross-entropy is divided by its sum in each group, which makes it shares like the
    prediction.  A target of at most ten values is moved sideways a little, so that rows of
    the same value can be told apart.

    Parameters
    ----------
    problem : Problem
        A problem of this package, with n rows.
    x : MinimizeResult, or array_like of shape (d,)
        The coefficients, or the result that holds them.
    scale : {"linear", "log"}, default "linear"
        Scale of both axes; "log" suits shares and prices, which span orders of magnitude.
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
        If `problem` is no problem with a target, `x` is neither a result nor real numbers, or `ax` is
        something else.
    ValueError
        If `x` is not of shape (d,) or not finite, `scale` is unknown, or there is nothing to
        draw on that scale.

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.ExpRegression([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0])
    >>> ax = nk.plots.predictions(problem, nk.minimize(problem))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('target', 'prediction')
    """
    if scale not in _SCALES:
        raise ValueError(f"scale must be linear or log, got {scale!r}")
    here = evaluated(problem, x)
    target = _target(problem)
    predicted = problem.predicted(here.u, problem.outer.groups)
    kept = _kept(here, target, predicted, scale)
    ax = panel(ax, size=(5.2, 4.8))
    drawn = chosen(kept)
    few = np.unique(target[kept])
    shown, label = target[drawn], "target"
    if scale == "linear" and 1 < len(few) <= _FEW_VALUES < len(kept):
        generator = np.random.default_rng(0)
        shown = shown + _SIDEWAYS * np.diff(few).min() * generator.uniform(-1.0, 1.0, len(drawn))
        label = "target (moved sideways a little)"
    scattered(ax, shown, predicted[drawn], color=COOL, label=f"{counted(len(drawn), len(target))}")
    ends = np.array([target[kept].min(), target[kept].max()])
    if ends[0] == ends[1]:
        ends = np.array([min(ends[0], predicted[kept].min()), max(ends[1], predicted[kept].max())])
    ax.plot(ends, ends, color=INK, linewidth=1.5, linestyle=(0, (5, 2)), label="prediction = target")
    if scale == "log":
        logarithmic(ax, "x")
        logarithmic(ax, "y")
    ax.set_xlabel(label)
    ax.set_ylabel("prediction")
    ax.set_title(_title(target[kept], predicted[kept]), fontsize=10, loc="left")
    ruled(ax)
    keyed(ax, loc="best")
    return ax


def _target(problem: Problem) -> FloatArray:
    """Return the target in the units of the predictions, in the order of the problem's rows."""
    outer: Any = problem.outer
    target = getattr(outer, "target", None)
    if not isinstance(target, np.ndarray):
        raise TypeError(f"problem must have a target, but its {type(outer).__name__} has none")
    if not isinstance(outer, SoftmaxLogLoss):
        return target
    sums = outer.groups.sums(target if outer.row_weights is None else outer.row_weights * target)
    spread = np.repeat(sums, outer.groups.counts)
    return np.divide(target, spread, out=np.zeros_like(target), where=spread > 0.0)


def _kept(here: Evaluation, target: FloatArray, predicted: FloatArray, scale: str) -> Any:
    weights = here.problem.outer.row_weights
    fits = np.isfinite(predicted)
    if weights is not None:
        fits &= weights > 0.0
    if scale == "log":
        fits &= (target > 0.0) & (predicted > 0.0)
    kept = np.flatnonzero(fits)
    if not len(kept):
        raise ValueError(f"scale {scale!r} shows nothing: no row has a target and a prediction on it")
    return kept


def _title(target: FloatArray, predicted: FloatArray) -> str:
    difference = f"r.m.s. difference {float(np.sqrt(np.mean((target - predicted) ** 2))):.3g}"
    if np.ptp(target) == 0.0 or np.ptp(predicted) == 0.0:
        return difference
    return f"{difference}, correlation {float(np.corrcoef(target, predicted)[0, 1]):.3f}"
