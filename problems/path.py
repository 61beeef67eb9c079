"""The domain of normalised activations that change sign: sums of f must stay positive along a step."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.activations import Activation
from newtonkit.problems.rows import Groups

_MOST_POINTS = 200


def sums_stay_positive(
    activation: Activation,
    start: FloatArray,
    end: FloatArray,
    groups: Groups,
    row_weights: FloatArray | None,
) -> bool:
    """Tell whether <s, f(u)> > 0 in every group for all u between `start` and `end`.

    On a piece of length h the sum lies above the lower of its two ends less h^2 K / 8,
    where K bounds its second derivative, because a function with second derivative at
    most K dips no further below its chord.  Pieces where that is not enough are halved.
    """
    step = end - start
    lowest = np.minimum.reduceat(np.minimum(start, end), groups.starts)
    highest = np.maximum.reduceat(np.maximum(start, end), groups.starts)
    scale = np.repeat(activation.log_scale(lowest, highest), groups.counts)
    weights = 1.0 if row_weights is None else row_weights

    def sums_and_bend(t: float) -> tuple[FloatArray, FloatArray]:
        f, _, second = activation.scaled(start + t * step, scale)
        return np.add.reduceat(weights * f, groups.starts), np.abs(second)

    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        ends = {0.0: sums_and_bend(0.0), 1.0: sums_and_bend(1.0)}
        pieces = [(0.0, 1.0)]
        while pieces:
            a, b = pieces.pop()
            (sum_a, bend_a), (sum_b, bend_b) = ends[a], ends[b]
            least = np.minimum(sum_a, sum_b)
            if not (least > 0.0).all() or len(ends) > _MOST_POINTS:
                return False
            bend = np.add.reduceat(weights * np.maximum(bend_a, bend_b) * step * step, groups.starts)
            if (least > 0.125 * (b - a) ** 2 * bend).all():
                continue
            middle = 0.5 * (a + b)
            if not a < middle < b:  # f'' is infinite at one of them: no piece is short enough
                return False
            ends[middle] = sums_and_bend(middle)
            pieces += [(middle, b), (a, middle)]
    return True
