"""Softmax cross-entropy."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, IntArray
from newtonkit.problems.activations import Exp
from newtonkit.problems.normaliser import Normaliser
from newtonkit.problems.outer import (
    RowDerivatives,
    Totals,
    multiplied_weights,
)
from newtonkit.problems.rows import Groups, RowBlock


class SoftmaxLogLoss(Normaliser):
    """l(u) = B log a - <s b, u> with a = <s, exp(u)> and B = <s, b>.

    With p = exp(u)/a: l' = s (B p - b), D = B s p, U = [s p], C = [[-B]].

    Parameters
    ----------
    b : ndarray, shape (n,)
        The target.
    groups : Groups, optional
        The groups of rows; one group by default.
    row_weights : ndarray of shape (n,), optional
        s, the multiplicity of each row.
    group_weights : ndarray of shape (m,), optional
        t, the weight of each group.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Problem, SoftmaxLogLoss
    >>> outer = SoftmaxLogLoss(np.array([0.0, 1.0]))
    >>> float(Problem([[0.0], [1.0]], outer).fun([0.0]))
    0.6931471805599453
    """

    rank = 1
    is_centring = True
    n_pulls = 2

    def pull_columns(self, u: FloatArray, block: RowBlock) -> tuple[FloatArray, float]:
        """See :meth:`OuterFunction.pull_columns`: s f and s b."""
        scale = float(block.highest(u)[0])
        s = self._weights(block)
        return np.stack((s * np.exp(u - scale), s * self.target[block.rows])), scale

    def pull_factors(self, scales: FloatArray, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.pull_factors`."""
        scale, a = totals[0][0]
        moved = np.exp(scales - scale) / a
        t = self.group_weights[0]
        out = np.zeros((2, len(scales), 2))
        out[0, :, 0], out[0, :, 1] = t * self._mass[0] * moved, -t
        out[1, :, 0] = moved
        return out

    def __init__(
        self,
        b: FloatArray,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        super().__init__(b, Exp(), groups, row_weights, group_weights)
        weighted = b if row_weights is None else row_weights * b
        self._mass = self.groups.sums(weighted)

    def sampled(self, indices: IntArray, multiplicity: float) -> SoftmaxLogLoss | None:
        """See :meth:`OuterFunction.sampled`; for one group."""
        if len(self.groups) > 1 or type(self) is not SoftmaxLogLoss:
            return None
        weights = multiplied_weights(self.row_weights, indices, multiplicity)
        return SoftmaxLogLoss(self.target[indices], None, weights, self.group_weights)

    def restricted(self, indices: IntArray, groups: Groups, kept: IntArray) -> SoftmaxLogLoss | None:
        """See :meth:`OuterFunction.restricted`."""
        if type(self) is not SoftmaxLogLoss:
            return None
        return SoftmaxLogLoss(*self._restricted_to(indices, groups, kept))

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first a, then <s b, u>."""
        if stage == 0:
            return self._scale_and_sum(u, block)
        b, s = self._rows(block)
        sb, shifted = s * b, u - block.spread(totals[0][:, 0])
        return block.dots((sb, shifted), (sb, np.abs(shifted)))

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`."""
        return self._group_total(self._mass * np.log(totals[0][:, 1]) - totals[1][:, 0])

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return self._group_total(self._mass * (1.0 + np.abs(np.log(totals[0][:, 1]))) + totals[1][:, 1])

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        b, s = self._rows(block)
        t, mass = block.spread(self.group_weights), block.spread(self._mass)
        share = s * self._shares(u, block, totals)[0]
        return RowDerivatives(
            gradient=t * (mass * share - s * b),
            diagonal=t * mass * share,
            magnitude=t * (mass * share + s * np.abs(b)),
            low_rank=share[:, None],
            shift=np.ones_like(share),
        )

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return -(self._mass * self.group_weights)[:, None, None]
