"""What all normalised structures share: the sum over each group, kept on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.activations import Derivatives, sweep_number
from newtonkit.problems.grouped import GroupedOuter
from newtonkit.problems.outer import (
    Totals,
)
from newtonkit.problems.path import sums_stay_positive
from newtonkit.problems.rows import RowBlock


class Normaliser(GroupedOuter):
    """What all normalised structures share: a = <s, f>, kept as a * exp(-log_scale) and log_scale.

    Blocks scale by their own largest u; the merge brings them to the largest of the group
    (a running maximum), so that exp never overflows.
    """

    n_stages = 2

    def _number(self, block: RowBlock) -> int | None:
        """Return the number of the activation where one kernel does all that there is to do in a block."""
        return sweep_number(self.activation) if block.compiled and len(block.starts) == 1 else None

    def _scale_and_sum(self, u: FloatArray, block: RowBlock) -> FloatArray:
        number = self._number(block)
        if number is not None:
            from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
                numbered_scale_and_sum,
            )

            return np.array([numbered_scale_and_sum(number, u, self._weights(block))])  # type: ignore[no-untyped-call]
        s = self._rows(block)[1]
        scale = self.activation.log_scale(block.lowest(u), block.highest(u))
        local = RowBlock(block.rows, 0, block.starts)
        f = self.activation.scaled(u, local.spread(scale))[0]
        return np.concatenate((scale[:, None], block.dots((s, f))), axis=1)

    def merge(self, stage: int, parts: Sequence[FloatArray], blocks: Sequence[RowBlock]) -> FloatArray:
        """See :meth:`OuterFunction.merge`: the first stage with a running maximum."""
        if stage > 0:
            return super().merge(stage, parts, blocks)
        total = np.zeros((len(self.groups), 2))
        total[:, 0] = -np.inf
        with np.errstate(invalid="ignore"):
            for part, block in zip(parts, blocks, strict=True):
                old = total[block.groups]
                scale = np.maximum(old[:, 0], part[:, 0])
                sums = old[:, 1] * np.exp(old[:, 0] - scale) + part[:, 1] * np.exp(part[:, 0] - scale)
                total[block.groups] = np.stack((scale, sums), axis=1)
        return total

    def _shares(self, u: FloatArray, block: RowBlock, totals: Totals) -> Derivatives:
        """Return f/a, f'/a and f''/a."""
        f, first, second = self.activation.scaled(u, block.spread(totals[0][:, 0]))
        a = block.spread(totals[0][:, 1])
        return f / a, first / a, second / a

    def path_is_inside(self, start: FloatArray, end: FloatArray) -> bool:
        """Tell whether a > 0 on the whole segment, in every group."""
        if self.activation.positive:
            return True
        return sums_stay_positive(self.activation, start, end, self.groups, self.row_weights)
