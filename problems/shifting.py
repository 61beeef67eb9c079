"""The Hessian as a diagonal one on shifted rows, so that a sample of rows carries over to it.

A sample of the rows of A^T diag(D) A is as accurate as one likes, and yet subtracting the
low-rank part from it may leave an indefinite matrix.  Let w_g = A_g^T U_1 be the centre of
group g and a_i - k_i w_g its shifted rows.  For every choice of the shifts k

    A^T (diag(D) + U C U^T) A = sum_i D_i (a_i - k_i w_g)(a_i - k_i w_g)^T + R,
    R = sum_g W_g^T C_g W_g + w_g y_g^T + y_g w_g^T - q_g w_g w_g^T,
    W_g = U_g^T A_g,   y_g = A_g^T (D * k),   q_g = <D * k, k> over group g.

For the softmax family k = 1 makes R vanish (a centring of the rows).  With
C = [[c, -1], [-1, 0]] and k = U_2 / D the terms in U_2 and y cancel, and R vanishes
wherever the residual does: the shifted rows are then the rows of the Jacobian.  Derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import Design, FloatArray, IntArray, map_blocks
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.problems.hessian import StructuredHessian


@dataclass(frozen=True)
class ShiftedForm:
    """A^T (diag(D) + U C U^T) A = B^T diag(D) B + R.

    Attributes
    ----------
    design : Design
        B, the shifted rows; A itself where there is no low-rank part.
    weights : ndarray, shape (n,)
        D.
    remainder : ndarray of shape (d, d), or None
        R, None where it vanishes.
    """

    design: Design
    weights: FloatArray
    remainder: FloatArray | None

    @property
    def is_positive(self) -> bool:
        """Whether it is B^T diag(D) B with D >= 0, and so has no negative curvature for certain."""
        return self.remainder is None and bool((self.weights >= 0.0).all())

    def unshifted(self, rows: FloatArray, steps: FloatArray) -> FloatArray:
        """Return A S from B S, shape (n, c), and the steps S, shape (d, c); for no sweep."""
        return self.design.unshifted(rows, steps) if isinstance(self.design, ShiftedDesign) else rows

    def product(self, steps: FloatArray) -> FloatArray:
        """Return the product with steps, shape (d,) or (d, c)."""
        product = self.design.gram_product(self.weights, steps)
        return product if self.remainder is None else product + self.remainder @ steps

    def product_and_image(self, step: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the product with a step (d,), and B times the step, in one sweep."""
        product, image = self.design.gram_product_and_image(self.weights, step)
        return product if self.remainder is None else product + self.remainder @ step, image

    @property
    def passes(self) -> int:
        """Sweeps over the data that it takes to make it."""
        many_groups = isinstance(self.design, ShiftedDesign) and self.design.n_groups > 1
        return int(many_groups) + int(self.remainder is not None)


def shifted_form(hessian: StructuredHessian) -> ShiftedForm:
    """Return the rows and weights that stand for a Hessian, without its ridge.

    Parameters
    ----------
    hessian : StructuredHessian
        The Hessian of a problem at a point.

    Returns
    -------
    ShiftedForm
        The rows cost one sweep over the data, a remainder that does not vanish another.
    """
    u, shift = hessian.low_rank, hessian.shift
    if u is None:
        return ShiftedForm(hessian.design, hessian.row_diagonal, None)
    if shift is None or not shift.any():
        return ShiftedForm(hessian.design, hessian.row_diagonal, hessian.low_rank_gram())
    centres = _centres(hessian, u[:, :1]) if hessian.centre is None else hessian.centre
    design = ShiftedDesign(hessian.design, shift, centres, _group_starts(hessian))
    remainder = None if hessian.is_centring else _remainder(hessian, u, shift)
    return ShiftedForm(design, hessian.row_diagonal, remainder)


def _group_starts(hessian: StructuredHessian) -> IntArray:
    starts = np.empty(len(hessian.cores), dtype=np.intp)
    for block in reversed(hessian.blocks):  # a group over several blocks begins in the first
        starts[block.groups] = block.rows.start + block.starts
    return starts


def _centres(hessian: StructuredHessian, column: FloatArray) -> FloatArray:
    """Return A_g^T U_1 for every group, shape (m, d)."""
    design = hessian.design
    parts = map_blocks(
        lambda block: design.block_group_sums(block.rows, column[block.rows], block.starts)[:, 0],
        hessian.blocks,
    )
    total = np.zeros((len(hessian.cores), design.shape[1]))
    for part, block in zip(parts, hessian.blocks, strict=True):
        total[block.groups] += part
    return total


def _remainder(hessian: StructuredHessian, u: FloatArray, shift: FloatArray) -> FloatArray:
    """Return R, as the low-rank part with one more column D * k."""
    pulled = hessian.row_diagonal * shift
    m, k = hessian.cores.shape[:2]
    cores = np.zeros((m, k + 1, k + 1))
    cores[:, :k, :k] = hessian.cores
    for block in hessian.blocks:
        cores[block.groups, 0, 0] -= block.sums(pulled[block.rows] * shift[block.rows])
    cores[:, 0, k] = cores[:, k, 0] = 1.0
    columns = np.column_stack((u, pulled))
    zeros = np.zeros_like(pulled)
    rest = StructuredHessian(hessian.design, hessian.blocks, zeros, hessian.ridge, columns, cores)
    return rest.low_rank_gram()
