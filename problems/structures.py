"""The structures of the family: elementwise, rescaled and normalised squared loss, cross-entropy.

Notation: f, f', f'' are the activation and its derivatives at u, b is the target, s the
multiplicity of a row, t the weight of a group, <.,.> an inner product over the rows of a
group.  Formulas are those of the module docstrings of each class; weights and entropy
were derived here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.activations import Activation, Derivatives, Exp
from newtonkit.problems.outer import (
    OuterFunction,
    RowDerivatives,
    RowwiseLoss,
    Totals,
    rounding_of_squares,
)
from newtonkit.problems.path import sums_stay_positive
from newtonkit.problems.rows import Groups, RowBlock


_EPS = float(np.finfo(float).eps)


class ElementwiseSquares(RowwiseLoss):
    """l(u) = 1/2 <s r, r> with r = f(u) - b.

    l' = s f' r and D = s (f'^2 + f'' r); there is no low-rank part (arXiv:2303.15725).

    Parameters
    ----------
    b : ndarray, shape (n,)
        The target.
    activation : Activation
        f.
    sample_weight : ndarray of shape (n,), optional
        s.
    """

    def __init__(
        self, b: FloatArray, activation: Activation, sample_weight: FloatArray | None = None
    ) -> None:
        super().__init__(b, sample_weight)
        self.activation = activation

    def terms(self, u: FloatArray, b: FloatArray) -> Derivatives:
        """Return the squared loss of each row and its derivatives."""
        f, first, second = self.activation(u)
        r = f - b
        return 0.5 * r * r, first * r, first * first + second * r

    def magnitudes(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sizes of loss and first derivative if f and b had not cancelled."""
        f, first, _ = self.activation(u)
        size = np.abs(f) + np.abs(b)
        return 0.5 * size * size, np.abs(first) * size

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`."""
        f, b = self.activation.value(u), self.target[block.rows]
        r, size = f - b, np.abs(f) + np.abs(b)
        weighted_r, weighted_size = self._weighted(r, block), self._weighted(size, block)
        return np.array([[0.5 * np.dot(weighted_r, r), 0.5 * np.dot(weighted_size, size)]])

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        return rounding_of_squares(self.value(totals), self.loss_scale(totals))

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return f(u)."""
        return self.activation.value(u)


class GroupedOuter(OuterFunction):
    """What the structures with a sum over each group share: target, weights, groups."""

    def __init__(
        self,
        b: FloatArray,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        self.target = b
        self.groups = Groups.single(len(b)) if groups is None else groups
        self.row_weights = row_weights
        self.group_weights = np.ones(len(self.groups)) if group_weights is None else group_weights

    def _rows(self, block: RowBlock) -> tuple[FloatArray, FloatArray]:
        """Return the target and the multiplicity of the rows of a block."""
        b = self.target[block.rows]
        return b, np.ones_like(b) if self.row_weights is None else self.row_weights[block.rows]

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


class RescaledSquares(GroupedOuter):
    """l(u) = 1/2 <s r, r> with r = f - S b and S = <s, f> (arXiv:2305.00660).

    With c = <s b, r>: l' = s f' (r - c), D = s (f'^2 + f'' (r - c)),
    U = [s f', s f' b] and C = [[<s b, b>, -1], [-1, 0]].
    """

    rank = 2
    n_stages = 2

    def __init__(
        self,
        b: FloatArray,
        activation: Activation,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        super().__init__(b, groups, row_weights, group_weights)
        self.activation = activation
        weighted = b * b if row_weights is None else row_weights * b * b
        self._target_squares = np.add.reduceat(weighted, self.groups.starts)

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first S, then the sums over r."""
        f = self.activation.value(u)
        b, s = self._rows(block)
        if stage == 0:
            return block.sums((s * f)[:, None])
        scaled = block.spread(totals[0][:, 0]) * b
        r, size = f - scaled, np.abs(f) + np.abs(scaled)
        columns = (0.5 * s * r * r, s * b * r, 0.5 * s * size * size, s * np.abs(b) * size)
        return block.sums(np.stack(columns, axis=1))

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`."""
        return self._group_total(totals[1][:, 0])

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return self._group_total(totals[1][:, 2])

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        return rounding_of_squares(self.value(totals), self.loss_scale(totals))

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        f, first, second = self.activation(u)
        b, s = self._rows(block)
        t = block.spread(self.group_weights)
        scaled = block.spread(totals[0][:, 0]) * b
        error = f - scaled - block.spread(totals[1][:, 1])
        size = np.abs(f) + np.abs(scaled) + block.spread(totals[1][:, 3])
        column = s * first
        return RowDerivatives(
            gradient=t * column * error,
            diagonal=t * s * (first * first + second * error),
            magnitude=t * np.abs(column) * size,
            low_rank=np.stack((column, column * b), axis=1),
        )

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return self._rank_two_cores(self._target_squares)

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return f(u) / <f(u), 1>, which is on the scale of the target."""
        f = self.activation.value(u)
        return f / np.repeat(np.add.reduceat(self._multiplied(f, groups), groups.starts), groups.counts)


class Normaliser(GroupedOuter):
    """What all normalised structures share: a = <s, f>, kept as a * exp(-log_scale) and log_scale.

    Blocks scale by their own largest u; the merge brings them to the largest of the group
    (a running maximum), so that exp never overflows.
    """

    n_stages = 2

    def __init__(
        self,
        b: FloatArray,
        activation: Activation,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        super().__init__(b, groups, row_weights, group_weights)
        self.activation = activation

    def _scale_and_sum(self, u: FloatArray, s: FloatArray, block: RowBlock) -> FloatArray:
        scale = self.activation.log_scale(block.lowest(u), block.highest(u))
        local = RowBlock(block.rows, 0, block.starts)
        f = self.activation.scaled(u, local.spread(scale))[0]
        return np.stack((scale, block.sums(s * f)), axis=1)

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

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return p = f / <f, 1> within each group."""
        lowest = np.minimum.reduceat(u, groups.starts)
        scale = self.activation.log_scale(lowest, np.maximum.reduceat(u, groups.starts))
        f = self.activation.scaled(u, np.repeat(scale, groups.counts))[0]
        return f / np.repeat(np.add.reduceat(self._multiplied(f, groups), groups.starts), groups.counts)


class NormalisedSquares(Normaliser):
    """l(u) = 1/2 <s r, r> - gamma H(p) with p = f/a, a = <s, f> and r = p - b.

    With c = <s p, r> and v = f'/a: l' = s v (r - c), D = s ((f''/a)(r - c) + v^2),
    U = [s v, s v p + l'], C = [[<s p, p>, -1], [-1, 0]] (f = exp: arXiv:2304.10411;
    f = exp(u) + u: arXiv:2309.13482).  The entropy (arXiv:2306.02295), for f = exp only,
    is H = log a - <s p, u>; with e = u - <s p, u> it adds gamma s p e to l' and to the
    second column of U, gamma s p (1 + e) to D and -gamma to C[0, 0] (derived here).
    """

    rank = 2

    def __init__(
        self,
        b: FloatArray,
        activation: Activation,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
        entropy_weight: float = 0.0,
    ) -> None:
        super().__init__(b, activation, groups, row_weights, group_weights)
        if entropy_weight != 0.0 and not isinstance(activation, Exp):
            raise ValueError("entropy_weight needs the activation exp")
        self.entropy_weight = entropy_weight

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first a, then the sums over p."""
        b, s = self._rows(block)
        if stage == 0:
            return self._scale_and_sum(u, s, block)
        p = self.activation.scaled(u, block.spread(totals[0][:, 0]))[0] / block.spread(totals[0][:, 1])
        r, size, sp = p - b, np.abs(p) + np.abs(b), s * p
        columns = [0.5 * s * r * r, sp * r, sp * p, 0.5 * s * size * size, np.abs(sp) * size]
        if self.entropy_weight != 0.0:
            columns.append(sp * (u - block.spread(totals[0][:, 0])))
        return block.sums(np.stack(columns, axis=1))

    def entropies(self, totals: Totals) -> FloatArray:
        """Return H(p) of every group."""
        return np.log(totals[0][:, 1]) - totals[1][:, 5]

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`; infinite where a <= 0."""
        if not (totals[0][:, 1] > 0.0).all():
            return np.inf
        value = totals[1][:, 0]
        if self.entropy_weight != 0.0:
            value = value - self.entropy_weight * self.entropies(totals)
        return self._group_total(value)

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        size = totals[1][:, 3]
        if self.entropy_weight != 0.0:
            size = size + abs(self.entropy_weight) * np.abs(self.entropies(totals))
        return self._group_total(size)

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        squares, size = self._group_total(totals[1][:, 0]), self._group_total(totals[1][:, 3])
        rounding = rounding_of_squares(squares, size)
        if self.entropy_weight == 0.0:
            return rounding
        sizes = np.abs(np.log(totals[0][:, 1])) + np.abs(totals[1][:, 5])
        return rounding + _EPS * self.entropy_weight * self._group_total(sizes)

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        b, s = self._rows(block)
        t = block.spread(self.group_weights)
        p, v, second = self._shares(u, block, totals)
        error = p - b - block.spread(totals[1][:, 1])
        sv = s * v
        gradient, diagonal = sv * error, s * (second * error + v * v)
        magnitude = np.abs(sv) * (np.abs(p) + np.abs(b) + block.spread(totals[1][:, 4]))
        if self.entropy_weight != 0.0:
            weighted = self.entropy_weight * s * p
            # In this order a constant in u, however large, cancels before anything is rounded.
            surprise = u - block.spread(totals[0][:, 0]) - block.spread(totals[1][:, 5])
            gradient = gradient + weighted * surprise
            diagonal = diagonal + weighted * (1.0 + surprise)
            magnitude = magnitude + np.abs(weighted * surprise)
        low_rank = np.stack((sv, sv * p + gradient), axis=1)
        return RowDerivatives(t * gradient, t * diagonal, t * magnitude, low_rank)

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return self._rank_two_cores(totals[1][:, 2] - self.entropy_weight)


class SoftmaxLogLoss(Normaliser):
    """l(u) = B log a - <s b, u> with a = <s, exp(u)> and B = <s, b>.

    With p = exp(u)/a: l' = s (B p - b), D = B s p, U = [s p], C = [[-B]].
    """

    rank = 1

    def __init__(
        self,
        b: FloatArray,
        groups: Groups | None = None,
        row_weights: FloatArray | None = None,
        group_weights: FloatArray | None = None,
    ) -> None:
        super().__init__(b, Exp(), groups, row_weights, group_weights)
        weighted = b if row_weights is None else row_weights * b
        self._mass = np.add.reduceat(weighted, self.groups.starts)

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first a, then <s b, u>."""
        b, s = self._rows(block)
        if stage == 0:
            return self._scale_and_sum(u, s, block)
        linear = s * b * (u - block.spread(totals[0][:, 0]))
        return block.sums(np.stack((linear, np.abs(linear)), axis=1))

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
        )

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return -(self._mass * self.group_weights)[:, None, None]
