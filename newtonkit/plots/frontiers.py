"""The creativity-reality frontier: entropy against fit as the reward for entropy moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray
from newtonkit.minimizer import minimize
from newtonkit.options import checked_number
from newtonkit.plots.style import ACCENT, COOL, INK, keyed, panel, ruled
from newtonkit.problems import NormalisedSquares, Problem
from newtonkit.problems.activations import Exp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 17
_DECADES = (-3.0, 1.0)
# Points nearer to each other than this share of the picture do not both get a label.
_LEAST_APART = 0.11


@dataclass(frozen=True)
class FrontierPoint:
    """The minimum for one reward of entropy.

    Attributes
    ----------
    entropy_weight : float
        gamma.
    squared_loss : float
        1/2 <s r, r> with r = p - b, summed over groups by their weights.
    entropy : float
        H(p) = -<s p, log p>, summed likewise.
    passes : int
        Sweeps over the data that the solve took.
    success : bool
        Whether it ended in a minimum.
    """

    entropy_weight: float
    squared_loss: float
    entropy: float
    passes: int
    success: bool


def frontier(
    problem: Problem,
    entropy_weights: ArrayLike | None = None,
    *,
    gtol: float = 1e-8,
    ax: Axes | None = None,
) -> Axes:
    """Draw the entropy of a softmax against its squared loss, as the reward for entropy moves.

    For each gamma the minimum of 1/2 ||p - b||^2 - gamma H(p), plus the penalties of the
    problem, is one point: H(p) = -<p, log p> is the creativity, and a small loss is
    reality (arXiv:2306.02295).  The solves begin with the largest gamma, at x = 0, where p is
    flattest; each further one starts from the solution before it.

    Parameters
    ----------
    problem : SoftmaxRegression or EntropySoftmaxRegression
        What is solved, with n rows; its own entropy weight is left aside.
    entropy_weights : array_like, shape (k,), optional
        The gammas, at least 0 and in any order.  By default 17 over four decades, around
        the loss of p = 0 over the largest entropy, 1/2 ||b||^2 / log n.
    gtol : float, default 1e-8
        Tolerance of each solve, see :func:`newtonkit.minimize`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn into.  Its first line holds the points in the order of the gammas,
        the largest first.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    TypeError
        If `problem` is no softmax regression with squared loss, or `ax` is something else.
    ValueError
        If `entropy_weights` is empty, negative or not finite, or `gtol` is negative.

    Notes
    -----
    Of two minima that are lowest for their gamma, that of the larger one has no less entropy
    and, without penalties, no less loss.  The loss is not convex: minima that were followed
    from their neighbour need not be the lowest, and a bend back in the line shows it.  A
    solve that did not end in a minimum is a hollow marker.  With groups, entropy and loss are
    sums over groups.

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.SoftmaxRegression([[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6])
    >>> ax = nk.plots.frontier(problem, [0.0, 0.01, 0.1])
    >>> losses, entropies = ax.get_lines()[0].get_data()
    >>> entropies.round(2).tolist()
    [0.99, 0.93, 0.92]
    """
    if not has_frontier(problem):
        raise TypeError(f"problem must be a softmax regression with squared loss, got {problem!r}")
    outer = problem.outer
    assert isinstance(outer, NormalisedSquares)
    weights = _default_weights(outer) if entropy_weights is None else _checked(entropy_weights)
    tolerance = checked_number(gtol, "gtol")
    ax = panel(ax)
    points = frontier_points(problem, outer, weights, tolerance)
    _draw(ax, points, len(outer.groups))
    return ax


def has_frontier(problem: Any) -> bool:
    """Tell whether something is a softmax regression with squared loss."""
    outer = getattr(problem, "outer", None)
    return (
        isinstance(problem, Problem)
        and isinstance(outer, NormalisedSquares)
        and isinstance(outer.activation, Exp)
    )


def frontier_points(
    problem: Problem, outer: NormalisedSquares, weights: FloatArray, gtol: float
) -> tuple[FrontierPoint, ...]:
    """Return the minima for falling entropy weights, each solved from the one before."""
    found, x = [], np.zeros(problem.n_parameters)
    for gamma in np.sort(weights)[::-1].tolist():
        rewarded = _rewarded(problem, outer, gamma)
        result = minimize(rewarded, x, gtol=gtol, rng=0)
        loss, entropy = _loss_and_entropy(rewarded, result.x)
        found.append(FrontierPoint(gamma, loss, entropy, result.passes, bool(result.success)))
        x = result.x
    return tuple(found)


def _checked(values: ArrayLike) -> FloatArray:
    weights = np.atleast_1d(np.asarray(values))
    if weights.dtype.kind not in "iuf":
        raise TypeError(f"entropy_weights must hold real numbers, got {weights.dtype}")
    if weights.ndim != 1 or not weights.size:
        raise ValueError(f"entropy_weights must have shape (k,) with k >= 1, got {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0.0).any():
        raise ValueError("entropy_weights must be at least 0 and finite")
    return np.unique(weights.astype(np.float64))


def _default_weights(outer: NormalisedSquares) -> FloatArray:
    """Return weights at which neither loss nor entropy is nothing beside the other."""
    squares = outer.groups.sums(_squares(outer))
    entropies = np.log(np.maximum(outer.groups.counts, 2))
    scale = 0.5 * float(squares.sum()) / float(entropies.sum())
    return (scale if scale > 0.0 else 1.0) * np.logspace(*_DECADES, _POINTS)


def _squares(outer: NormalisedSquares) -> FloatArray:
    squares = outer.target * outer.target
    return squares if outer.row_weights is None else outer.row_weights * squares


def _rewarded(problem: Problem, outer: NormalisedSquares, gamma: float) -> Problem:
    """Return the problem with another entropy weight, on the same data."""
    rewarded = NormalisedSquares(
        outer.target, outer.activation, outer.groups, outer.row_weights, outer.group_weights, gamma
    )
    penalties = None if problem.row_penalty is None else np.sqrt(problem.row_penalty)
    return Problem(
        problem.design, rewarded, ridge=problem.ridge, penalty_weights=penalties, offset=problem.offset
    )


def _loss_and_entropy(problem: Problem, x: FloatArray) -> tuple[float, float]:
    """Return the squared loss and the entropy at x, each without the other and without penalties."""
    outer: Any = problem.outer
    p = outer.predict(problem.evaluate(x).u, outer.groups)
    s = 1.0 if outer.row_weights is None else outer.row_weights
    surprise = np.log(p, out=np.zeros_like(p), where=p > 0.0)
    rows = np.stack((0.5 * s * (p - outer.target) ** 2, -s * p * surprise))
    groups = outer.groups
    sums = np.stack([groups.sums(row) for row in rows])
    loss, entropy = (sums @ outer.group_weights).tolist()
    return loss, entropy


def _draw(ax: Axes, points: Sequence[FrontierPoint], groups: int) -> None:
    losses = np.array([point.squared_loss for point in points])
    entropies = np.array([point.entropy for point in points])
    ax.plot(losses, entropies, color=COOL, linewidth=1.6, marker="o", markersize=5.5, label="minima")
    failed = np.array([not point.success for point in points])
    if failed.any():
        ax.plot(
            losses[failed],
            entropies[failed],
            linestyle="none",
            marker="o",
            markersize=8.0,
            markerfacecolor="white",
            markeredgecolor=ACCENT,
            markeredgewidth=1.6,
            label="no minimum found",
        )
        keyed(ax, loc="lower right")
    for k in _labelled(losses, entropies):
        ax.annotate(
            f"γ = {points[k].entropy_weight:.2g}",
            (losses[k], entropies[k]),
            xytext=(8, -4),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=9,
            color=INK,
        )
    low, high = float(losses.min()), float(losses.max())
    if high > low:  # with room for the labels, which stand to the right
        ax.set_xlim(low - 0.06 * (high - low), high + 0.24 * (high - low))
    ax.margins(y=0.12)
    ax.locator_params(axis="x", nbins=6)
    ax.ticklabel_format(axis="both", style="sci", scilimits=(-2, 4))
    of_groups = "" if groups == 1 else f", summed over {groups} groups"
    ax.set_xlabel(f"squared loss ½‖p − b‖²{of_groups}: reality to the left")
    ax.set_ylabel("entropy H(p): creativity upwards")
    passes = sum(point.passes for point in points)
    ax.set_title(f"{len(points)} solves with warm starts, {passes} passes", fontsize=10, loc="left")
    ruled(ax)


def _labelled(losses: FloatArray, entropies: FloatArray) -> list[int]:
    """Return which points are named: the first, the last, and others clear of those named already."""
    ways = np.stack([(v - v.min()) / (np.ptp(v) or 1.0) for v in (losses, entropies)], axis=1)
    order = [0, len(ways) - 1, *range(1, len(ways) - 1)]
    named: list[int] = []
    for k in order:
        if all(np.linalg.norm(ways[k] - ways[other]) >= _LEAST_APART for other in named):
            named.append(k)
    return named
