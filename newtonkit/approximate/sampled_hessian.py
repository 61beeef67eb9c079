"""A Hessian on some of its rows: the stand-in for it."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from newtonkit.design import Design, FloatArray
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.rows import Groups


class SampledHessian:
    """B^T diag(w) B + R + diag(ridge) on sampled rows B: a Hessian's stand-in.

    Parameters
    ----------
    hessian : StructuredHessian
        What it stands for.
    design : Design
        B, the rows kept, shape (m, d).
    weights : ndarray, shape (m,)
        w = D_i / p_i, of any sign.
    remainder : ndarray of shape (d, d), optional
        R, what the shifted rows leave of the low-rank part; exact.
    """

    def __init__(
        self,
        hessian: StructuredHessian,
        design: Design,
        weights: FloatArray,
        remainder: FloatArray | None = None,
    ) -> None:
        self._hessian = hessian
        blocks = Groups.single(len(weights)).blocks(design.blocks)
        self._rows = StructuredHessian(design, blocks, weights, hessian.ridge)
        self.remainder = remainder

    @property
    def n_rows(self) -> int:
        """The number of rows kept."""
        return len(self._rows.row_diagonal)

    def positive(self) -> SampledHessian:
        """Return the same with weights |w| and the positive part of R."""
        part = None
        if self.remainder is not None:
            values, vectors = scipy.linalg.eigh(self.remainder)
            part = (vectors * np.maximum(values, 0.0)) @ vectors.T
        rows = self._rows
        return SampledHessian(self._hessian, rows.design, np.abs(rows.row_diagonal), part)

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return B S."""
        return self._rows.design.product(steps)

    def form(self) -> None:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        self._rows.form()

    def to_dense(self) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        dense = self._rows.to_dense()
        return dense if self.remainder is None else dense + self.remainder

    def matmat(self, v: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        product = self._rows.matmat(v)
        return product if self.remainder is None else product + self.remainder @ v

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`; the rows of B serve, not those of A."""
        total = self._rows.restricted(steps, self.row_steps(steps))
        return total if self.remainder is None else total + steps.T @ self.remainder @ steps

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`: by the rows of A, before any shift cancels."""
        return self._hessian.sizes(steps, a_steps)
