"""Sums over rows or clusters of rows: the information matrices and the meat of a sandwich.

Each is a symmetric matrix A^T W A that can be had as a d x d array, and, more accurately in
directions s that A nearly annihilates, from the rows A s.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from newtonkit.design import Design, FloatArray, IntArray
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.problem import Problem
from newtonkit.problems.rows import Groups

_CHUNK_ENTRIES = 2**20


class Gram(Protocol):
    """A^T W A for a symmetric W, (n, n), that is never formed."""

    def dense(self) -> FloatArray:
        """Return the (d, d) array."""
        ...

    def row_product(self, rows: FloatArray) -> FloatArray:
        """Return ``W @ Z`` for Z = A S of shape (n, c)."""
        ...

    def restricted(self, steps: FloatArray, rows: FloatArray) -> FloatArray:
        """Return ``S.T @ A.T @ W @ A @ S``, with what a ridge adds, for Z = A S of shape (n, c)."""
        ...


class CentredGram:
    """B^T diag(D) B + A^T diag(w^2) A + diag(ridge), with B the rows of A less their group's mean.

    The mean of a group is sum_i q_i a_i with shares q that add up to 1; B is A where there
    are no shares.

    Parameters
    ----------
    problem : Problem
        Has the design, and which rows go together.
    weights : ndarray, shape (n,)
        D, of any sign.
    shares : ndarray of shape (n,), optional
        q.
    penalised : bool, default False
        Whether to add w^2 and ridge, the problem's penalties.
    """

    def __init__(
        self,
        problem: Problem,
        weights: FloatArray,
        shares: FloatArray | None = None,
        *,
        penalised: bool = False,
    ) -> None:
        self.problem, self.weights, self.shares = problem, weights, shares
        self.groups = problem.outer.groups
        self.row_penalty = problem.row_penalty if penalised else None
        self.ridge = problem.ridge if penalised else np.zeros_like(problem.ridge)

    def _structured(self, weights: FloatArray) -> StructuredHessian:
        whole = weights if self.row_penalty is None else weights + self.row_penalty
        low_rank = cores = None
        if self.shares is not None:
            # B^T D B = A^T D A - (A^T D) (A^T q)^T - (A^T q) (A^T D)^T + <D, 1> (A^T q) (A^T q)^T
            low_rank = np.stack((self.shares, weights), axis=1)
            cores = np.zeros((len(self.groups), 2, 2))
            cores[:, 0, 0] = self.groups.sums(weights)
            cores[:, 0, 1] = cores[:, 1, 0] = -1.0
        return StructuredHessian(self.problem.design, self.problem.blocks, whole, self.ridge, low_rank, cores)

    def _centred(self, rows: FloatArray) -> FloatArray:
        if self.shares is None:
            return rows
        means = np.add.reduceat(self.shares[:, None] * rows, self.groups.starts, axis=0)
        return np.asarray(rows - np.repeat(means, self.groups.counts, axis=0))

    def dense(self) -> FloatArray:
        """See :meth:`Gram.dense`."""
        return self._structured(self.weights).to_dense()

    def sizes(self) -> FloatArray:
        """Return the diagonal as if D had no signs and nothing were taken off the rows, shape (d,)."""
        return self._structured(np.abs(self.weights)).diagonal_sizes()

    def row_product(self, rows: FloatArray) -> FloatArray:
        """See :meth:`Gram.row_product`; without penalties."""
        product: FloatArray = self.weights[:, None] * self._centred(rows)
        if self.shares is not None:
            sums = np.add.reduceat(product, self.groups.starts, axis=0)
            product -= self.shares[:, None] * np.repeat(sums, self.groups.counts, axis=0)
        return product

    def restricted(self, steps: FloatArray, rows: FloatArray) -> FloatArray:
        """See :meth:`Gram.restricted`."""
        centred = self._centred(rows)
        total = centred.T @ (self.weights[:, None] * centred) + steps.T @ (self.ridge[:, None] * steps)
        if self.row_penalty is not None:
            total += rows.T @ (self.row_penalty[:, None] * rows)
        return np.asarray(0.5 * (total + total.T))


class ClusterGram:
    """The sum over clusters of s_c s_c^T, where s_c adds up the scores l'_i a_i of a cluster's rows.

    Parameters
    ----------
    design : Design
        A.
    scores : ndarray, shape (n,)
        l', the derivative of each row.
    clusters : Groups
        Runs of rows, once the rows are in `order`.
    order : ndarray of int, shape (n,), or None
        The rows cluster by cluster; None where they are so already.
    """

    def __init__(self, design: Design, scores: FloatArray, clusters: Groups, order: IntArray | None) -> None:
        self.design, self.scores, self.clusters, self.order = design, scores, clusters, order

    def dense(self) -> FloatArray:
        """See :meth:`Gram.dense`; no array of the size of A is made, nor one of clusters x d."""
        if self.order is not None:
            return self._gathered(self.order)
        n, d = self.design.shape
        ones = np.ones((len(self.clusters), 1, 1))
        blocks = self.clusters.blocks(self.design.blocks)
        return StructuredHessian(
            self.design, blocks, np.zeros(n), np.zeros(d), self.scores[:, None], ones
        ).low_rank_gram()

    def _gathered(self, order: IntArray) -> FloatArray:
        """Gather some rows at a time; the last cluster of each lot may go on in the next."""
        n, d = self.design.shape
        total, pending, last = np.zeros((d, d)), np.zeros(d), 0
        step = max(_CHUNK_ENTRIES // d, 1)
        for first in range(0, n, step):
            indices = order[first : first + step]
            block = self.clusters.block(slice(first, first + len(indices)))
            sums = block.sums(self.scores[indices, None] * self.design.rows(indices).to_dense())
            if block.first_group == last:
                sums[0] += pending
            else:
                total += np.outer(pending, pending)
            done, pending = sums[:-1], sums[-1]
            total += done.T @ done
            last = block.groups.stop - 1
        return total + np.outer(pending, pending)

    def _sums(self, rows: FloatArray) -> FloatArray:
        scored = self.scores[:, None] * rows
        sums = np.add.reduceat(
            scored if self.order is None else scored[self.order], self.clusters.starts, axis=0
        )
        return np.asarray(sums)

    def row_product(self, rows: FloatArray) -> FloatArray:
        """See :meth:`Gram.row_product`."""
        spread = np.repeat(self._sums(rows), self.clusters.counts, axis=0)
        if self.order is not None:
            spread[self.order] = spread.copy()
        return np.asarray(self.scores[:, None] * spread)

    def restricted(self, steps: FloatArray, rows: FloatArray) -> FloatArray:
        """See :meth:`Gram.restricted`."""
        sums = self._sums(rows)
        return np.asarray(sums.T @ sums)
