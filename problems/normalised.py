"""The normalised structure: squared loss of f / <f, 1>, with entropy."""

from __future__ import annotations

import numpy as np

from newtonkit.design import FloatArray, IntArray
from newtonkit.problems.activations import Activation, Exp, sweep_number
from newtonkit.problems.normaliser import Normaliser
from newtonkit.problems.outer import (
    RowDerivatives,
    Totals,
    bounded_quotient,
    multiplied_weights,
    rounding_of_squares,
)
from newtonkit.problems.rows import Groups, RowBlock

_EPS = float(np.finfo(float).eps)


class NormalisedSquares(Normaliser):
    """l(u) = 1/2 <s r, r> - gamma H(p) with p = f/a, a = <s, f> and r = p - b.

    With c = <s p, r> and v = f'/a: l' = s v (r - c), D = s ((f''/a)(r - c) + v^2),
    U = [s v, s v p + l'], C = [[<s p, p>, -1], [-1, 0]] (f = exp: arXiv:2304.10411;
    f = exp(u) + u: arXiv:2309.13482).  The entropy (arXiv:2306.02295), for f = exp only,
    is H = log a - <s p, u>; with e = u - <s p, u> it adds gamma s p e to l' and to the
    second column of U, gamma s p (1 + e) to D and -gamma to C[0, 0] (derived here).

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
    entropy_weight : float, default 0
        gamma.

    Raises
    ------
    ValueError
        If there is an entropy weight and the activation is not exp.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Exp, NormalisedSquares, Problem
    >>> outer = NormalisedSquares(np.array([0.0, 1.0]), Exp())
    >>> float(Problem([[0.0], [1.0]], outer).fun([0.0]))
    0.25
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
        if entropy_weight != 0.0 and type(activation) is not Exp:
            raise ValueError("entropy_weight needs the activation exp")
        self.entropy_weight = entropy_weight
        self.is_centring = type(activation) is Exp  # what derives from it may be another function

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: first a, then the sums over p."""
        if stage == 0:
            return self._scale_and_sum(u, block)
        if block.compiled:
            return self._compiled_sums(u, block, totals)
        b, s = self._rows(block)
        p = self.activation.scaled(u, block.spread(totals[0][:, 0]))[0] / block.spread(totals[0][:, 1])
        r, sp = p - b, s * p
        pairs = [(s * r, r), (sp, r), (sp, p), (np.abs(sp), np.abs(b))]
        if self.entropy_weight != 0.0:
            pairs.append((sp, u - block.spread(totals[0][:, 0])))
        return block.dots(*pairs)

    @property
    def n_pulls(self) -> int:  # type: ignore[override]
        """The columns s f' f, s f' b, s f', and with an entropy s f (u - scale)."""
        return 3 + (self.entropy_weight != 0.0)

    @property
    def sweep_kind(self) -> tuple[int, bool] | None:
        """See :attr:`OuterFunction.sweep_kind`."""
        number = sweep_number(self.activation)
        plain = self.entropy_weight == 0.0 and type(self) is NormalisedSquares
        return (number, True) if number is not None and plain else None

    @property
    def sweep_data(self) -> tuple[FloatArray, FloatArray | None]:
        """See :attr:`OuterFunction.sweep_data`."""
        return self.target, self.row_weights

    def pull_columns(self, u: FloatArray, block: RowBlock) -> tuple[FloatArray, float]:
        """See :meth:`OuterFunction.pull_columns`."""
        scale = float(self.activation.log_scale(block.lowest(u), block.highest(u))[0])
        f, first, _ = self.activation.scaled(u, np.full(1, scale))
        out = np.empty((self.n_pulls, len(u)))
        np.multiply(first, self._weights(block), out=out[2])
        np.multiply(out[2], f, out=out[0])
        np.multiply(out[2], self.target[block.rows], out=out[1])
        if self.entropy_weight != 0.0:  # f = f'
            np.multiply(out[2], u - scale, out=out[3])
        return out, scale

    def pull_factors(self, scales: FloatArray, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.pull_factors`."""
        scale, a = totals[0][0]
        moved = np.exp(scales - scale) / a
        t, centre = self.group_weights[0], totals[1][0, 1]
        out = np.zeros((2, len(scales), self.n_pulls))
        out[0, :, 0], out[0, :, 1], out[0, :, 2] = t * moved * moved, -t * moved, -t * centre * moved
        out[1, :, 2] = moved
        if self.entropy_weight != 0.0:
            weighted = t * self.entropy_weight * moved
            out[0, :, 3] = weighted
            out[0, :, 2] += weighted * ((scales - scale) - totals[1][0, 4])
        return out

    def sampled(self, indices: IntArray, multiplicity: float) -> NormalisedSquares | None:
        """See :meth:`OuterFunction.sampled`; for one group."""
        if len(self.groups) > 1 or type(self) is not NormalisedSquares:
            return None
        weights = multiplied_weights(self.row_weights, indices, multiplicity)
        return NormalisedSquares(
            self.target[indices], self.activation, None, weights, self.group_weights, self.entropy_weight
        )

    def restricted(self, indices: IntArray, groups: Groups, kept: IntArray) -> NormalisedSquares | None:
        """See :meth:`OuterFunction.restricted`."""
        if type(self) is not NormalisedSquares:
            return None
        target, groups, rows, weights = self._restricted_to(indices, groups, kept)
        return NormalisedSquares(target, self.activation, groups, rows, weights, self.entropy_weight)

    def _compiled_sums(self, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            normalised_sums,
            numbered_sums,
        )

        out, number = np.empty((len(block.starts), 5)), self._number(block)
        given, constants = (self.target[block.rows], self._weights(block)), totals[0][block.groups]
        if number is not None:
            numbered_sums(number, u, *given, constants[0], out[0])  # type: ignore[no-untyped-call]
        else:
            f = self.activation.scaled(u, block.spread(totals[0][:, 0]))[0]
            normalised_sums(f, u, *given, block.starts, constants, out)  # type: ignore[no-untyped-call]
        return out[:, : 4 + (self.entropy_weight != 0.0)]

    def write_derivatives(self, u: FloatArray, block: RowBlock, totals: Totals, out: RowDerivatives) -> None:
        """See :meth:`OuterFunction.write_derivatives`."""
        if not (block.compiled and self.is_centring) or out.low_rank is None:
            super().write_derivatives(u, block, totals, out)
            return
        from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
            normalised_rows,
            numbered_rows,
        )

        rows, number, constants = block.rows, self._number(block), self._constants(block, totals)
        given = u, self.target[rows], self._weights(block)
        filled = out.gradient[rows], out.diagonal[rows], out.magnitude[rows], *out.low_rank[rows].T
        if number is not None:
            numbered_rows(number, *given, constants[0], self.entropy_weight, *filled)  # type: ignore[no-untyped-call]
            return
        f = self.activation.scaled(u, block.spread(totals[0][:, 0]))
        normalised_rows(*f, *given, block.starts, constants, self.entropy_weight, *filled)  # type: ignore[no-untyped-call]

    def _constants(self, block: RowBlock, totals: Totals) -> FloatArray:
        """Return what the row kernels take for each group."""
        sums, groups = totals[1], block.groups
        constants = np.zeros((len(block.starts), 6))
        constants[:, :2] = totals[0][groups]
        constants[:, 2], constants[:, 3] = sums[groups, 1], sums[groups, 2] + sums[groups, 3]
        constants[:, 4] = self.group_weights[groups]
        if self.entropy_weight != 0.0:
            constants[:, 5] = sums[groups, 4]
        return constants

    def entropies(self, totals: Totals) -> FloatArray:
        """Return H(p) of every group."""
        return np.log(totals[0][:, 1]) - totals[1][:, 4]

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`; infinite where a <= 0."""
        if not (totals[0][:, 1] > 0.0).all():
            return np.inf
        value = 0.5 * totals[1][:, 0]
        if self.entropy_weight != 0.0:
            value = value - self.entropy_weight * self.entropies(totals)
        return self._group_total(value)

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        size = 0.5 * totals[1][:, 0] + 2.0 * self._target_squares
        if self.entropy_weight != 0.0:
            size = size + self.entropy_weight * np.abs(self.entropies(totals))
        return self._group_total(size)

    def rounding(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.rounding`."""
        squares = 0.5 * self._group_total(totals[1][:, 0])
        rounding = rounding_of_squares(squares, 0.5 * self._group_total(self._target_squares))
        if self.entropy_weight == 0.0:
            return rounding
        sizes = np.abs(np.log(totals[0][:, 1])) + np.abs(totals[1][:, 4])
        return rounding + _EPS * self.entropy_weight * self._group_total(sizes)

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        b, s = self._rows(block)
        t = block.spread(self.group_weights)
        p, v, second = self._shares(u, block, totals)
        error = p - b - block.spread(totals[1][:, 1])
        sv = s * v
        gradient, diagonal = sv * error, s * (second * error + v * v)
        shift = block.spread(totals[1][:, 2] + totals[1][:, 3])  # c, had nothing cancelled in r
        magnitude = np.abs(sv) * (np.abs(p) + np.abs(b) + shift)
        if self.entropy_weight != 0.0:
            weighted = self.entropy_weight * s * p
            # In this order a constant in u, however large, cancels before anything is rounded.
            surprise = u - block.spread(totals[0][:, 0]) - block.spread(totals[1][:, 4])
            gradient = gradient + weighted * surprise
            diagonal = diagonal + weighted * (1.0 + surprise)
            magnitude = magnitude + np.abs(weighted * surprise)
        low_rank = np.stack((sv, sv * p + gradient), axis=1)
        if self.is_centring:
            shift = np.ones_like(diagonal)
        else:
            shift = bounded_quotient(low_rank[:, 1], diagonal, sv * v)
        return RowDerivatives(t * gradient, t * diagonal, t * magnitude, low_rank, shift)

    def cores(self, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.cores`."""
        return self._rank_two_cores(totals[1][:, 2] - self.entropy_weight)
