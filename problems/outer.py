"""Outer functions: the loss as a function of the linear prediction u = A x + offset.

An outer function is evaluated by row blocks.  In each of its *stages* every block gives
partial results, which are merged in block order into *totals*; when the last stage is
done, the totals hold the value, and every block can give its row derivatives.  The same
block functions serve threads, chunks read from disk and tasks on a cluster.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray, IntArray, map_blocks
from newtonkit.problems.rows import Groups, RowBlock

_EPS = float(np.finfo(float).eps)

Totals = tuple[FloatArray, ...]


@dataclass(frozen=True)
class RowDerivatives:
    """First and second derivatives of l with respect to the rows of a block.

    Attributes
    ----------
    gradient : ndarray, shape (rows,)
        l'(u).
    diagonal : ndarray, shape (rows,)
        D, the diagonal part of the Hessian in u.
    magnitude : ndarray, shape (rows,)
        The size that `gradient` would have if nothing cancelled in it.
    low_rank : ndarray, shape (rows, k), or None
        U, the rows of the low-rank part.
    shift : ndarray, shape (rows,), or None
        k: how far rows are moved towards the centre A^T U_1 of their group, so that
        A^T diag(D) A on moved rows takes in the low-rank part, see
        :func:`newtonkit.problems.shifting.shifted_form`.
    """

    gradient: FloatArray
    diagonal: FloatArray
    magnitude: FloatArray
    low_rank: FloatArray | None = None
    shift: FloatArray | None = None


class OuterFunction(ABC):
    """A function l(u) with Hessian diag(D) + U C U^T, the low-rank part by groups of rows.

    Attributes
    ----------
    groups : Groups
        The groups of rows; one group with all rows unless said otherwise.
    row_weights : ndarray of shape (n,), or None
        Multiplicity of the rows; a row of weight 0 is shown the u of another
        row, when there is one group.
    rank : int
        The number k of columns of U.
    is_centring : bool
        Whether the low-rank part is nothing but a centring of the rows: U C U^T A is what
        shifts of 1 take from A^T diag(D) A.
    is_sum_over_rows : bool
        Whether l is a sum of functions of one row each.
    n_stages : int
        How many times the blocks are visited before the value is known.
    n_pulls : int
        The number of columns that the gradient is combined from, for one group; 0 if it is not.
    """

    groups: Groups
    row_weights: FloatArray | None = None
    rank: int = 0
    is_centring: bool = False
    is_sum_over_rows: bool = False
    n_stages: int = 1
    n_pulls: int = 0

    @abstractmethod
    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """Return what the rows of a block add to the totals of a stage, shape (k groups, p)."""

    def merge(self, stage: int, parts: Sequence[FloatArray], blocks: Sequence[RowBlock]) -> FloatArray:
        """Merge the partial results of all blocks, in block order, into shape (m groups, p)."""
        total = np.zeros((len(self.groups), parts[0].shape[1]))
        for part, block in zip(parts, blocks, strict=True):
            total[block.groups] += part
        return total

    @abstractmethod
    def value(self, totals: Totals) -> float:
        """Return l(u)."""

    @abstractmethod
    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """Return the row derivatives of a block."""

    def write_derivatives(self, u: FloatArray, block: RowBlock, totals: Totals, out: RowDerivatives) -> None:
        """Write the row derivatives of a block into arrays over all rows; a shift of 1 is there already."""
        part, rows = self.derivatives(u, block, totals), block.rows
        out.gradient[rows], out.diagonal[rows] = part.gradient, part.diagonal
        out.magnitude[rows] = part.magnitude
        if out.low_rank is not None:
            out.low_rank[rows] = part.low_rank
        if out.shift is not None and part.shift is not None and not self.is_centring:
            out.shift[rows] = part.shift

    @property
    def sweep_kind(self) -> tuple[int, bool] | None:
        """The number of the activation in compiled sweeps, and whether it is normalised; None: neither."""
        return None

    @property
    def sweep_data(self) -> tuple[FloatArray, FloatArray | None]:
        """The target and the multiplicities of all rows, for compiled sweeps."""
        raise NotImplementedError(f"{type(self).__name__} has no compiled sweep")

    def pull_columns(self, u: FloatArray, block: RowBlock) -> tuple[FloatArray, float]:
        """Return the columns c for which the gradient is a combination of sums A^T c over tiles of rows.

        They are known from the rows of a tile alone, up to a logarithmic scale of f, which is
        returned with them; shape (n_pulls, rows).
        """
        raise NotImplementedError(f"{type(self).__name__} has no columns")

    def pull_factors(self, scales: FloatArray, totals: Totals) -> FloatArray:
        """Return the factors of the columns of each tile in A^T l', and in A^T U_1 if there is U.

        Shape (1 or 2, tiles, n_pulls), for tiles with given scales.
        """
        raise NotImplementedError(f"{type(self).__name__} has no columns")

    def cores(self, totals: Totals) -> FloatArray:
        """Return C for every group, shape (m, k, k)."""
        return np.zeros((len(self.groups), 0, 0))

    @abstractmethod
    def loss_scale(self, totals: Totals) -> float:
        """Return the size that the value would have if nothing cancelled in it, within a factor of 10."""

    def rounding(self, totals: Totals) -> float:
        """Return how much of the value may be rounding."""
        return _EPS * self.loss_scale(totals)

    def path_is_inside(self, start: FloatArray, end: FloatArray) -> bool:
        """Tell whether l is defined on the whole segment from `start` to `end`."""
        return True

    def sampled(self, indices: IntArray, multiplicity: float) -> OuterFunction | None:
        """Return l on some rows, each standing for so many: about l itself if they are drawn at random.

        None where that is not known.
        """
        return None

    def restricted(self, indices: IntArray, groups: Groups, kept: IntArray) -> OuterFunction | None:
        """Return the part of l that belongs to some rows; None where that is not known.

        Parameters
        ----------
        indices : ndarray of int, shape (k,)
            The rows; with them all rows of their groups.
        groups : Groups
            Their groups.
        kept : ndarray of int, shape (m,)
            Which of the own groups these are.
        """
        return None

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return what the model says of the target at linear prediction `u`."""
        raise NotImplementedError(f"{type(self).__name__} defines no prediction")


def quiet() -> np.errstate:
    """Return a context in which overflow and its NaN raise no warning: the value says enough."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")


def bounded_quotient(top: FloatArray, bottom: FloatArray, size: FloatArray) -> FloatArray:
    """Return top / bottom, and 0 where `bottom` is less than a tenth of `size`, which is >= 0."""
    safe = np.abs(bottom) > 0.1 * size
    return np.divide(top, bottom, out=np.zeros_like(top), where=safe)


def rounding_of_squares(value: float, target_squares: float) -> float:
    """Return how much of 1/2 <r, r> may be rounding, for r = f - b and given 1/2 <b, b>.

    The error of r is eps (|f| + |b|), and |f| + |b| <= |r| + 2 |b|, so that of the value
    is at most eps <|r|, |r| + 2 |b|> and some eps^2 <b, b>.  It falls with the residual.
    """
    cross = 2.0 * float(np.sqrt(max(value, 0.0) * target_squares))
    return 2.0 * _EPS * (max(value, 0.0) + cross) + 8.0 * _EPS**2 * target_squares


def multiplied_weights(weights: FloatArray | None, indices: IntArray, multiplicity: float) -> FloatArray:
    """Return the multiplicities of some rows, each standing for so many."""
    return np.full(len(indices), multiplicity) if weights is None else multiplicity * weights[indices]


def evaluate_totals(outer: OuterFunction, u: FloatArray, blocks: Sequence[RowBlock]) -> Totals:
    """Go through the stages of `outer` at `u`, blocks in threads, merges in block order."""
    totals: Totals = ()
    for stage in range(outer.n_stages):
        parts = _stage_parts(outer, stage, u, blocks, totals)
        with quiet():
            totals = (*totals, outer.merge(stage, parts, blocks))
    return totals


def _stage_parts(
    outer: OuterFunction, stage: int, u: FloatArray, blocks: Sequence[RowBlock], totals: Totals
) -> list[FloatArray]:
    def one(block: RowBlock) -> FloatArray:
        with quiet():
            return outer.partials(stage, u[block.rows], block, totals)

    return map_blocks(one, blocks)
