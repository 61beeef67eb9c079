"""Losses of a choice between a row of utility u and an outside option of utility 0.

p = 1 / (1 + exp(-u)) is the probability of the row, b = 1 where it was taken, else 0.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from scipy.special import expit

from newtonkit.design import FloatArray, IntArray
from newtonkit.problems import RowwiseLoss
from newtonkit.problems.outer import multiplied_weights


class _BinaryLoss(RowwiseLoss):
    def sampled(self, indices: IntArray, multiplicity: float) -> Self:
        """See :meth:`OuterFunction.sampled`."""
        weights = multiplied_weights(self.row_weights, indices, multiplicity)
        return type(self)(self.target[indices], weights)


class BinaryLogLoss(_BinaryLoss):
    """loss = log(1 + exp(u)) - b u, with derivatives p - b and p (1 - p)."""

    def terms(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :meth:`RowwiseLoss.terms`."""
        p, rest = expit(u), expit(-u)
        # log(1 + exp(-|u|)) keeps its digits where the choice is all but certain.
        loss = np.log1p(np.exp(-np.abs(u))) + np.where(b > 0.5, np.maximum(-u, 0.0), np.maximum(u, 0.0))
        return loss, np.where(b > 0.5, -rest, p), p * rest


class BinarySquares(_BinaryLoss):
    """loss = 1/2 ||(p, 1 - p) - (b, 1 - b)||^2 = r^2, r = p - b.

    Derivatives 2 q r and 2 q (q + (1 - 2 p) r) with q = p (1 - p).
    """

    def terms(self, u: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See :meth:`RowwiseLoss.terms`."""
        p, rest = expit(u), expit(-u)
        r = np.where(b > 0.5, -rest, p)
        q = p * rest
        return r * r, 2.0 * q * r, 2.0 * q * (q + (rest - p) * r)
