"""Structures with a sum over each group of rows; the rescaled squared loss.

Notation here and in ``normalised.py``: f, f', f'' are the activation and its derivatives at
u, b is the target, s the multiplicity of a row, t the weight of a group, <.,.> an inner
product over the rows of a group; * is entrywise.  Weights were derived here.
"""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, IntArray
from newtonkit.problems.activations import Activation
from newtonkit.problems.outer import (
    OuterFunction,
    RowDerivatives,
    Totals,
    bounded_quotient,
    multiplied_weights,
    quiet,
    rounding_of_squares,
)
from newtonkit.problems.rows import Groups, RowBlock


class GroupedOuter(OuterFunction):
    """What the structures with a sum over each group share: target, activation, weights, groups.

    Parameters
    ----------
    b : ndarray, shape (n,)
        The target.
    activation : Activation
        f.
    groups : Groups, optional
        The groups of rows; one group by default.
    row_weights : ndarray of shape (n,), optional
        s, the multiplicity of each row.
    group_weights : ndarray of shape (m,), optional
        t, the weight of each group.
    """

    def __init__(
        self,
        b: FloatArray,
        activation: Activation,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        self.target = b
        self.activation = activation
        self.groups = Groups.single(len(b)) if groups is None else groups
        self.row_weights = row_weights
        self.group_weights = np.ones(len(self.groups)) if group_weights is None else group_weights
        with quiet():
            self._target_squares = self.groups.sums(b * b if row_weights is None else row_weights * b * b)

    def _restricted_to(
        self, indices: IntArray, groups: Groups, kept: IntArray
    ) -> tuple[FloatArray, Groups, FloatArray | None, FloatArray]:
        """Return target, groups, and weights of rows and of groups on some rows."""
        weights = None if self.row_weights is None else self.row_weights[indices]
        return self.target[indices], groups, weights, self.group_weights[kept]

    def _rows(self, block: RowBlock) -> tuple[FloatArray, FloatArray]:
        """Return the target and the multiplicity of the rows of a block."""
        b = self.target[block.rows]
        return b, np.ones_like(b) if self.row_weights is None else self.row_weights[block.rows]

    def _weights(self, block: RowBlock) -> FloatArray:
        """Return the multiplicities of a block, a single 1 where there are none."""
        return np.ones(1) if self.row_weights is None else self.row_weights[block.rows]

    def _rank_two_cores(self, corner: FloatArray) -> FloatArray:
        """Return t [[corner, -1], [-1, 0]] for every group."""
        cores = np.zeros((len(self.groups), 2, 2))
        cores[:, 0, 0] = corner
        cores[:, 0, 1] = cores[:, 1, 0] = -1.0
        return cores * self.group_weights[:, None, None]

    def _multiplied(self, f: FloatArray, groups: Groups) -> FloatArray:
        """Return s * f for the rows of the problem, f for new rows."""
        return f if self.row_weights is None or groups is not self.groups else self.row_weights * f

    def _group_total(self, values: FloatArray) -> float:
        return float(np.dot(self.group_weights, values))

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return f / <f, 1> within each group, on the scale of the target; NaN where the sum is 0."""
        lowest = np.minimum.reduceat(u, groups.starts)
        scale = self.activation.log_scale(lowest, np.maximum.reduceat(u, groups.starts))
        f = self.activation.scaled(u, np.repeat(scale, groups.counts))[0]
        sums = groups.sums(self._multiplied(f, groups))
        sums[sums == 0.0] = np.nan  # there are no shares of nothing
        return f / np.repeat(sums, groups.counts)


class RescaledSquares(GroupedOuter):
    """l(u) = 1/2 <s r, r> with r = f - S b and S = <s, f> (arXiv:2305.00660).

    With c = <s b, r>: l' = s f' (r - c), D = s (f'^2 + f'' (r - c)),
    U = [s f', s f' b] and C = [[<s b, b>, -1], [-1, 0]].

    Parameters
    ----------
    b : ndarray, shape (n,)
        The target.
    activation : Activation
        f.
    groups : Groups, optional
        The groups of rows; one group by default.
    row_weights : ndarray of shape (n,), optional
        s, the multiplicity of each row.
    group_weights : ndarray of shape (m,), optional
        t, the weight of each group.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Exp, Problem, RescaledSquares
    >>> outer = RescaledSquares(np.array([0.0, 1.0]), Exp())
    >>> float(Problem([[0.0], [1.0]], outer).fun([0.0]))
    1.0
    """

    rank = 2
    n_stages = 2

    n_pulls = 3

    def pull_columns(self, u: FloatArray, block: RowBlock) -> tuple[FloatArray, float]:
        """See :meth:`OuterFunction.pull_columns`: s f' f, s f' b and s f'."""
        f, first, _ = self.activation(u)
        column = self._weights(block) * first
        return np.stack((column * f, column * self.target[block.rows], column)), 0.0

    def pull_factors(self, scales: FloatArray, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.pull_factors`."""
        t, total, centre = self.group_weights[0], totals[0][0, 0], totals[1][0, 1]
        out = np.zeros((2, len(scales), 3))
        out[0] = t * np.array([1.0, -total, -centre])
        out[1, :, 2] = 1.0
        return out

    def sampled(self, indices: IntArray, multiplicity: float) -> RescaledSquares | None:
        """See :meth:`OuterFunction.sampled`; for one group."""
        if len(self.groups) > 1 or type(self) is not RescaledSquares:
            return None
        weights = multiplied_weights(self.row_weights, indices, multiplicity)
        return RescaledSquares(self.target[indices], self.activation, None, weights, self.group_weights)

    def restricted(self, indices: IntArray, groups: Groups, kept: IntArray) -> RescaledSquares | None:
        """See :meth:`OuterFunction.restricted`."""
        if type(self) is not RescaledSquares:
            return None
        target, groups, rows, weights = self._restricted_to(indices, groups, kept)
        return RescaledSquares(target, self.activation, groups, rows, weights)

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first S, then the sums over r."""
        f = self.activation.value(u)
        b, s = self._rows(block)
        if stage == 0:
            return block.dots((s, f))
        r = f - block.spread(totals[0][:, 0]) * b
        sr = s * r
        return block.dots((sr, r), (sr, b), (s * np.abs(b), np.abs(f)))

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`."""
        return 0.5 * self._group_total(totals[1][:, 0])

    def _scaled_target_squares(self, totals: Totals) -> float:
        """Return 1/2 <s S b, S b>, all groups together."""
        return 0.5 * self._group_total(totals[0][:, 0] ** 2 * self._target_squares)

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return self.value(totals) + 4.0 * self._scaled_target_squares(totals)

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        return rounding_of_squares(self.value(totals), self._scaled_target_squares(totals))

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        f, first, second = self.activation(u)
        b, s = self._rows(block)
        t = block.spread(self.group_weights)
        total = totals[0][:, 0]
        scaled = block.spread(total) * b
        error = f - scaled - block.spread(totals[1][:, 1])
        shift = totals[1][:, 2] + np.abs(total) * self._target_squares  # c, had nothing cancelled in r
        size = np.abs(f) + np.abs(scaled) + block.spread(shift)
        column = s * first
        diagonal = s * (first * first + second * error)
        return RowDerivatives(
            gradient=t * column * error,
            diagonal=t * diagonal,
            magnitude=t * np.abs(column) * size,
            low_rank=np.stack((column, column * b), axis=1),
            shift=bounded_quotient(column * b, diagonal, column * first),
        )

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return self._rank_two_cores(self._target_squares)
