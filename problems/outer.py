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
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray, map_blocks
from newtonkit.design.door import as_vector
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
    """

    gradient: FloatArray
    diagonal: FloatArray
    magnitude: FloatArray
    low_rank: FloatArray | None = None


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
    n_stages : int
        How many times the blocks are visited before the value is known.
    """

    groups: Groups
    row_weights: FloatArray | None = None
    rank: int = 0
    n_stages: int = 1

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

    def cores(self, totals: Totals) -> FloatArray:
        """Return C for every group, shape (m, k, k)."""
        return np.zeros((len(self.groups), 0, 0))

    @abstractmethod
    def loss_scale(self, totals: Totals) -> float:
        """Return the size that the value would have if nothing cancelled in it."""

    def rounding(self, totals: Totals) -> float:
        """Return how much of the value may be rounding."""
        return _EPS * self.loss_scale(totals)

    def path_is_inside(self, start: FloatArray, end: FloatArray) -> bool:
        """Tell whether l is defined on the whole segment from `start` to `end`."""
        return True

    def predict(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return what the model says of the target at linear prediction `u`."""
        raise NotImplementedError(f"{type(self).__name__} defines no prediction")


def rounding_of_squares(value: float, size: float) -> float:
    """Return how much of 1/2 <r, r> may be rounding, when r is a difference of given size.

    With 1/2 <size, size> as the second argument: the error of r is eps * size, so that of
    the value is at most eps <|r|, size> + eps^2 <size, size>.  It falls with the residual.
    """
    return 2.0 * _EPS * float(np.sqrt(max(value, 0.0) * size)) + 2.0 * _EPS**2 * size


def evaluate_totals(outer: OuterFunction, u: FloatArray, blocks: Sequence[RowBlock]) -> Totals:
    """Go through the stages of `outer` at `u`, blocks in threads, merges in block order."""
    totals: Totals = ()
    for stage in range(outer.n_stages):
        parts = _stage_parts(outer, stage, u, blocks, totals)
        with np.errstate(over="ignore", invalid="ignore"):
            totals = (*totals, outer.merge(stage, parts, blocks))
    return totals


def _stage_parts(
    outer: OuterFunction, stage: int, u: FloatArray, blocks: Sequence[RowBlock], totals: Totals
) -> list[FloatArray]:
    def one(block: RowBlock) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            return outer.partials(stage, u[block.rows], block, totals)

    return map_blocks(one, blocks)


def checked_weights(sample_weight: ArrayLike, n: int) -> FloatArray:
    """Return weights as a vector, refusing negative ones and all zeros."""
    weights = as_vector(sample_weight, "sample_weight", n)
    if (weights < 0.0).any() or not (weights > 0.0).any():
        raise ValueError("sample_weight must be at least 0, and positive somewhere")
    return weights


class RowwiseLoss(OuterFunction):
    """A sum of one-row losses: l(u) = sum_i s_i * loss(u_i, b_i).

    The base for a loss of one's own; a subclass needs one method, ``terms``.

    Parameters
    ----------
    b : array_like, shape (n,)
        The target.
    sample_weight : array_like of shape (n,), optional
        Multiplicity s of each row, >= 0.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an argument is not a finite vector, shapes do not fit, or a weight is negative.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> class PoissonLoss(nk.problems.RowwiseLoss):
    ...     def terms(self, u, b):
    ...         mean = np.exp(u)
    ...         return mean - b * u, mean - b, mean
    >>> A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> problem = nk.problems.Problem(A, PoissonLoss([1.0, 2.0, 5.0]))
    >>> nk.minimize(problem).success
    True
    """

    def __init__(self, b: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        self.target = as_vector(b, "b")
        self.row_weights = None if sample_weight is None else checked_weights(sample_weight, len(self.target))
        self.groups = Groups.single(len(self.target))

    @abstractmethod
    def terms(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return loss, first and second derivative in u, row by row, unweighted."""

    def magnitudes(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the sizes of loss and first derivative of each row if nothing cancelled.

        The default compares each row with the same row at target 0, which is enough for a
        loss that is linear or quadratic in b.
        """
        loss, first, _ = self.terms(u, b)
        bare_loss, bare_first, _ = self.terms(u, np.zeros_like(b))
        return (
            np.abs(bare_loss) + np.abs(loss - bare_loss),
            np.abs(bare_first) + np.abs(first - bare_first),
        )

    def _weighted(self, values: FloatArray, block: RowBlock) -> FloatArray:
        return values if self.row_weights is None else values * self.row_weights[block.rows]

    def partials(self, stage: int, u: FloatArray, block: RowBlock, totals: Totals) -> FloatArray:
        """See :meth:`OuterFunction.partials`: the sums of the loss and of its size."""
        b = self.target[block.rows]
        loss = self._weighted(self.terms(u, b)[0], block)
        size = self._weighted(self.magnitudes(u, b)[0], block)
        return np.array([[loss.sum(), size.sum()]])

    def value(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.value`."""
        return float(totals[0][0, 0])

    def loss_scale(self, totals: Totals) -> float:
        """See :meth:`OuterFunction.loss_scale`."""
        return float(totals[0][0, 1])

    def derivatives(self, u: FloatArray, block: RowBlock, totals: Totals) -> RowDerivatives:
        """See :meth:`OuterFunction.derivatives`."""
        b = self.target[block.rows]
        _, first, second = self.terms(u, b)
        magnitude = self.magnitudes(u, b)[1]
        return RowDerivatives(
            self._weighted(first, block), self._weighted(second, block), self._weighted(magnitude, block)
        )
