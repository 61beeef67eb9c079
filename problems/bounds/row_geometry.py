"""What bounds over a ball need of the rows: their norms, quadratic forms and sums, rounded outwards.

A point of the ball is y = x + X z with ||z|| <= radius, X = I unless a transform is given, and a
direction w of length 1 in z moves row i by omega_i = <a_i, X w>.  So |omega_i| <= nu_i with
nu_i = ||X^T a_i||, and for weights c >= 0 the form sum_i c_i omega_i^2 is at most the largest
eigenvalue of X^T A^T diag(c) A X.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from newtonkit.design import Design, FloatArray
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.problems.problem import Problem

ABOVE = 1.0 + 1e-10  # more than a few operations on numbers >= 0 can lose
_EPS = float(np.finfo(np.float64).eps)
_PIECE_ENTRIES = 2**20
_MOST_DENSE = 2000


class Rows(Protocol):
    """The rows as bounds see them: those of a design, or the worst ones of a given norm."""

    @property
    def norms(self) -> FloatArray:
        """nu_i >= |omega_i|, shape (n,)."""

    def largest(self, weights: FloatArray) -> float:
        """Return at least the largest sum_i c_i omega_i^2, for weights c >= 0 of shape (n,)."""

    def sums(self, values: FloatArray, change: FloatArray) -> FloatArray:
        """Return at least |sum_i v_i omega_i| over each group, for all v within `change` of `values`."""

    def centred(self, shares: FloatArray, error: float) -> tuple[Rows, FloatArray]:
        """Return the rows less m = sum_i q_i a_i of their group, and how far |sum_i p_i omega_i| is from 0.

        For shares q >= 0 that add up to about 1 in each group and all p with
        |p_i - q_i| <= error q_i.
        """


@dataclass(frozen=True)
class DesignRows:
    """The rows of a design A, or of A less a centre for each group, seen in z.

    Attributes
    ----------
    problem : Problem
        Whose rows they are.
    design : Design
        A, or A less the centres.
    transform : ndarray of shape (d, d), or None
        X; None for the identity.
    sizes : ndarray, shape (n,)
        ||a_i|| ||X|| (Frobenius) and the like for the centre: rounding is relative to it.
    norms : ndarray, shape (n,)
        nu.
    """

    problem: Problem
    design: Design
    transform: FloatArray | None
    sizes: FloatArray
    norms: FloatArray

    @classmethod
    def of(cls, problem: Problem, transform: FloatArray | None) -> DesignRows:
        """Return the rows of a problem as they are."""
        design = problem.design
        scale = _scale(transform)
        bare = design.row_norms if transform is None else np.sqrt(design.square_norms(transform))
        sizes = design.row_norms * (scale * ABOVE)
        return cls(problem, design, transform, sizes, bare * ABOVE + _unit(design) * sizes)

    @property
    def scale(self) -> float:
        """The Frobenius norm of X, 1 for the identity."""
        return _scale(self.transform)

    @property
    def rounding(self) -> FloatArray:
        """What rounding takes from a sum over rows for each unit of weight, shape (n,)."""
        count = self.problem.outer.groups.counts.max() + self.design.shape[1] + 20.0
        return np.asarray(_EPS * count * self.sizes)

    def centred(self, shares: FloatArray, error: float) -> tuple[DesignRows, FloatArray]:
        """See :meth:`Rows.centred`."""
        groups = self.problem.outer.groups
        centres = self.group_sums(shares)
        design = ShiftedDesign(
            self.design, np.broadcast_to(1.0, self.design.shape[0]), centres, groups.starts
        )
        moved_by = np.linalg.norm(centres, axis=1) * (self.scale * ABOVE)
        sizes = self.sizes + np.repeat(moved_by, groups.counts)
        moved = replace(self, design=design, sizes=sizes)
        norms = moved._moved_norms()
        off = groups.sums(shares * (error * norms + moved.rounding))
        return replace(moved, norms=norms), off * ABOVE

    def largest(self, weights: FloatArray) -> float:
        """See :meth:`Rows.largest`.

        At most the trace.  Else the computed eigenvalue plus what rounding can have taken from
        the sum of n + d^2 products; for d > 2000 max_j (B v)_j / v_j with B = |A|^T diag(c) |A|
        and v = B 1, which bounds the largest eigenvalue for every v > 0 (Collatz and Wielandt).
        """
        top = float(weights.max(initial=0.0))
        if not np.isfinite(top) or top == 0.0:
            return 0.0 if top == 0.0 else np.inf
        c, (n, d) = weights / top, self.design.shape
        above = ABOVE + 2.0 * n * _EPS  # of a sum over rows
        trace = float(np.dot(c, self.norms**2)) * above
        if d > _MOST_DENSE:
            return top * min(trace, self._collatz(c)) * ABOVE if self.transform is None else top * trace
        slack = _unit(self.design) * float(np.sqrt(np.dot(c, self.sizes**2) * above * trace))
        error = (n + d * d + 10.0) * 2.0 * _EPS * trace + 2.0 * slack
        value = float(np.linalg.eigvalsh(self.gram(c))[-1]) + error
        return top * min(trace, max(value, 0.0)) * ABOVE

    def lowest(self, gram: FloatArray, size: float) -> float:
        """Return at most the smallest eigenvalue of a sum of Gram matrices with traces up to `size`."""
        n, d = self.design.shape
        return float(np.linalg.eigvalsh(gram)[0]) - (n + d * d + 10.0) * 4.0 * _EPS * size

    def gram(self, weights: FloatArray) -> FloatArray:
        """Return X^T A^T diag(c) A X for weights of any sign, with the rounding of a sum."""
        return self.design.sandwich(weights) if self.transform is None else self._gram_by_pieces(weights)

    def _gram_by_pieces(self, weights: FloatArray) -> FloatArray:
        def part(rows: slice) -> FloatArray:
            moved = self._moved(rows)
            return np.asarray(moved.T @ (weights[rows, None] * moved))

        return self.design.sum_blocks(part, self._pieces())

    def sums(self, values: FloatArray, change: FloatArray) -> FloatArray:
        """See :meth:`Rows.sums`: the norm of X^T A^T v, and change_i nu_i of each row."""
        groups = self.problem.outer.groups
        pulled = self.group_sums(values)
        pulled = pulled if self.transform is None else pulled @ self.transform
        rest = groups.sums(change * self.norms + np.abs(values) * self.rounding)
        total = (np.linalg.norm(pulled, axis=1) + rest) * ABOVE
        return np.where(np.isnan(total), np.inf, total)

    def group_sums(self, values: FloatArray) -> FloatArray:
        """Return A_g^T v_g for every group, shape (m, d)."""
        groups, blocks, design = self.problem.outer.groups, self.problem.blocks, self.design
        if len(groups) == 1:
            return design.transposed_product(values)[None]
        total = np.zeros((len(groups), design.shape[1]))
        for block in blocks:
            total[block.groups] += design.block_group_sums(
                block.rows, values[block.rows, None], block.starts
            )[:, 0]
        return total

    def _pieces(self) -> tuple[slice, ...]:
        n, d = self.design.shape
        step = max(64, _PIECE_ENTRIES // d)
        return tuple(slice(k, min(k + step, n)) for k in range(0, n, step))

    def _moved_norms(self) -> FloatArray:
        """Return nu from the rows of A X, written out piece by piece."""
        norms = np.empty(self.design.shape[0])

        def store(rows: slice) -> FloatArray:
            moved = self._moved(rows)
            np.sqrt(np.einsum("ij,ij->i", moved, moved), out=norms[rows])
            return np.zeros(1)

        self.design.sum_blocks(store, self._pieces())
        return np.asarray(norms * ABOVE + _unit(self.design) * self.sizes)

    def _moved(self, rows: slice) -> FloatArray:
        """Return some rows of A X."""
        dense = self.design.dense_rows(rows).astype(np.float64, copy=False)
        return dense if self.transform is None else dense @ self.transform

    def _collatz(self, c: FloatArray) -> float:
        def product(v: FloatArray) -> Callable[[slice], FloatArray]:
            def part(rows: slice) -> FloatArray:
                size = np.abs(self._moved(rows))
                return np.asarray(size.T @ (c[rows] * (size @ v)))

            return part

        first = self.design.sum_blocks(product(np.ones(self.design.shape[1])), self._pieces())
        first = np.maximum(first, 1e-3 * first.max())
        second = self.design.sum_blocks(product(first), self._pieces())
        return float((second / first).max()) * (1.0 + 4.0 * _EPS * sum(self.design.shape))


@dataclass(frozen=True)
class ScaledRows(DesignRows):
    """The rows psi_i a_i - m_g, with a factor for each row and a centre for each group.

    Attributes
    ----------
    factors : ndarray, shape (n,)
        psi.
    centres : ndarray, shape (m, d)
        m.
    """

    factors: FloatArray
    centres: FloatArray

    @classmethod
    def made(cls, rows: DesignRows, factors: FloatArray, centres: FloatArray) -> ScaledRows:
        """Return the rows of a design scaled and moved."""
        groups = rows.problem.outer.groups
        moved = np.repeat(np.linalg.norm(centres, axis=1) * rows.scale, groups.counts)
        sizes = (np.abs(factors) * rows.sizes + moved) * ABOVE
        out = cls(rows.problem, rows.design, rows.transform, sizes, np.empty(len(factors)), factors, centres)
        return replace(out, norms=out._moved_norms())

    def gram(self, weights: FloatArray) -> FloatArray:
        """See :meth:`DesignRows.gram`."""
        return self._gram_by_pieces(weights)

    def _moved(self, rows: slice) -> FloatArray:
        dense = self.factors[rows, None] * self.design.dense_rows(rows)
        block = self.problem.outer.groups.block(rows)
        dense -= block.spread(self.centres)
        return np.asarray(dense if self.transform is None else dense @ self.transform)


@dataclass(frozen=True)
class WorstRows:
    """All that is known of the rows is ||A|| <= size, in the spectral norm.

    Then |omega_i| and the norm of omega are at most size.

    Attributes
    ----------
    problem : Problem
        Whose groups and number of rows they have.
    size : float
        The bound.
    """

    problem: Problem
    size: float

    @property
    def norms(self) -> FloatArray:
        """See :attr:`Rows.norms`."""
        return np.full(self.problem.design.shape[0], self.size)

    def largest(self, weights: FloatArray) -> float:
        """See :meth:`Rows.largest`."""
        return float(weights.max(initial=0.0)) * (self.size * self.size) * ABOVE

    def sums(self, values: FloatArray, change: FloatArray) -> FloatArray:
        """See :meth:`Rows.sums`: by Cauchy and Schwarz."""
        squares = self.problem.outer.groups.sums((np.abs(values) + change) ** 2)
        return np.asarray(np.sqrt(squares) * (self.size * ABOVE))

    def centred(self, shares: FloatArray, error: float) -> tuple[WorstRows, FloatArray]:
        """See :meth:`Rows.centred`: with m = 0, which may be anything."""
        sums = self.problem.outer.groups.sums(shares)
        return self, sums * (self.size * (1.0 + error) * ABOVE)


def _unit(design: Design) -> float:
    """Return the relative error of a row of A X, in units of its size."""
    return _EPS * (design.shape[1] + 8.0)


def _scale(transform: FloatArray | None) -> float:
    return 1.0 if transform is None else float(np.linalg.norm(transform)) * ABOVE
