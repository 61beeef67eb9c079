"""A problem evaluated at one point: value now, gradient and Hessian when asked for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from newtonkit.design import FloatArray, map_blocks, one_blas_thread
from newtonkit.design.pieces import vector_sum
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.outer import RowDerivatives, bounded_quotient, evaluate_totals, quiet
from newtonkit.problems.rows import RowBlock
from newtonkit.problems.sweep import Pulls, can_sweep, swept

if TYPE_CHECKING:
    from newtonkit.problems.problem import Problem

_EPS = float(np.finfo(float).eps)


class Evaluation:
    """A problem at the point x, holding A x, so that value, gradient and Hessian share it.

    Parameters
    ----------
    problem : Problem
        What is evaluated.
    x : ndarray, shape (d,)
        Where.
    a_x : ndarray, shape (n,)
        A x.
    fresh : bool, default True
        Whether `a_x` was computed from `x` itself rather than updated along steps.
    pulls : Pulls, optional
        What the gradient is combined from, where it came with `a_x`.

    Attributes
    ----------
    value : float
        L(x); infinite where L is not defined or overflows.

    Examples
    --------
    >>> import newtonkit as nk
    >>> evaluation = nk.ExpRegression([[1.0], [1.0]], [1.0, 3.0]).evaluate([0.0])
    >>> float(evaluation.value), evaluation.gradient
    (2.0, array([-2.]))
    """

    def __init__(
        self,
        problem: Problem,
        x: FloatArray,
        a_x: FloatArray,
        *,
        fresh: bool = True,
        pulls: Pulls | None = None,
    ) -> None:
        self.problem = problem
        self.x = x
        self.a_x = a_x
        self.fresh = fresh
        self._swept_pulls = pulls
        self._came_with_pulls = pulls is not None
        self.u = a_x if problem.offset is None else vector_sum(a_x, problem.offset)
        self._shown = problem.shown(self.u)
        self._totals = evaluate_totals(problem.outer, self._shown, problem.pieces)
        with quiet(), one_blas_thread():
            value = problem.outer.value(self._totals) + self._penalty()
        self.value = value if np.isfinite(value) else np.inf

    @classmethod
    def at(cls, problem: Problem, x: FloatArray) -> Evaluation:
        """Return the problem evaluated at x, in one sweep that serves the gradient too on large data."""
        if can_sweep(problem):
            a_x, pulls = swept(problem, x)
            return cls(problem, x, a_x, pulls=pulls)
        return cls(problem, x, problem.design.product(x))

    def _penalty(self) -> float:
        ridge = 0.5 * float(np.dot(self.problem.ridge * self.x, self.x))
        squares = self.problem.row_penalty
        return ridge if squares is None else ridge + 0.5 * float(np.dot(squares * self.a_x, self.a_x))

    @property
    def loss(self) -> float:
        """l(u), the value without the penalties; infinite where it is not defined or overflows."""
        with quiet(), one_blas_thread():
            loss = self.problem.outer.value(self._totals)
        return loss if np.isfinite(loss) else np.inf

    def under(self, problem: Problem) -> Evaluation:
        """Return the evaluation of the same rows with another ridge at the same point, for no sweep."""
        other = Evaluation(problem, self.x, self.a_x, fresh=self.fresh, pulls=self._swept_pulls)
        if "_pulls" in self.__dict__:
            other._pulls = self._pulls
            other._came_with_pulls = True
        return other

    @cached_property
    def loss_scale(self) -> float:
        """The size that the value would have if nothing cancelled in it."""
        return self.problem.outer.loss_scale(self._totals) + self._penalty()

    @property
    def value_rounding(self) -> float:
        """How much of the value may be rounding."""
        return _EPS * self._penalty() + self.problem.outer.rounding(self._totals)

    @cached_property
    def _rows(self) -> RowDerivatives:
        """Row derivatives of loss and row penalty, over all rows."""
        problem, n, rank = self.problem, len(self.u), self.problem.outer.rank
        columns = np.empty((1 + rank, n))  # l' and U, together for a product with both
        shift = None
        if rank:
            shift = np.broadcast_to(1.0, n) if problem.outer.is_centring else np.zeros(n)
        out = RowDerivatives(columns[0], np.empty(n), np.empty(n), columns[1:].T if rank else None, shift)

        def fill(block: RowBlock) -> None:
            with quiet():
                problem.outer.write_derivatives(self._shown[block.rows], block, self._totals, out)

        map_blocks(fill, problem.pieces)
        if problem.row_penalty is not None:
            pull = problem.row_penalty * self.a_x
            columns[0] += pull
            if shift is not None:  # the penalty is no part of what is shifted
                whole = out.diagonal + problem.row_penalty
                shift = shift * bounded_quotient(out.diagonal, whole, problem.row_penalty)
                out = replace(out, shift=shift)
            np.add(out.diagonal, problem.row_penalty, out=out.diagonal)
            np.add(out.magnitude, np.abs(pull), out=out.magnitude)
        self._columns = columns
        return out

    @cached_property
    def gradient(self) -> FloatArray:
        """The gradient at x, shape (d,)."""
        with quiet():  # where the value is infinite
            gradient: FloatArray = self._pulls[0] + self.problem.ridge * self.x
            return gradient

    @cached_property
    def _pulls(self) -> FloatArray:
        """A^T l', and with it A^T U_1 where there is one group: together they cost little more than one."""
        if self._swept_pulls is not None:
            combined = self._swept_pulls.combined(self.problem, self._totals)
            self._swept_pulls = None  # in wide designs they take more than all the rest
            return combined
        rows, design = self._rows, self.problem.design
        with quiet():
            if rows.low_rank is None or len(self.problem.outer.groups) > 1:
                return design.transposed_product(rows.gradient)[None]
            columns = self._columns[:2].T  # l' and U_1
            pulls: FloatArray = np.ascontiguousarray(design.transposed_product(columns).T)
            return pulls

    @property
    def u_rounding(self) -> float:
        """How much of an entry of u may be rounding when it is computed from x."""
        return 4.0 * _EPS * float(self.problem.design.row_norms.max() * np.linalg.norm(self.x))

    @property
    def gradient_passes(self) -> int:
        """Sweeps over the data that the gradient takes: none where it came with A x."""
        return int(not self._came_with_pulls)

    @property
    def has_derivatives(self) -> bool:
        """Whether the gradient is finite, as it is wherever the value is unless it overflows."""
        return bool(np.isfinite(self.gradient).all())

    @cached_property
    def gradient_scale(self) -> float:
        """S(x) = sum_i ||a_i|| |l'_i| + ||ridge * x||, with l'_i as if nothing cancelled in it.

        It is the size that the gradient would have without cancellation, and survives a
        change of scale of A and b: tolerances on the gradient are relative to it.
        """
        ridge = float(np.linalg.norm(self.problem.ridge * self.x))
        with one_blas_thread(), quiet():
            rows = float(np.dot(self.problem.design.row_norms, self._rows.magnitude))
        return rows + ridge

    @cached_property
    def gradient_rounding(self) -> FloatArray:
        """How much of each entry of the gradient may be rounding, shape (d,).

        A sum over rows of |a_ij| |l'_i|, bounded by Cauchy and Schwarz, times the unit
        roundoff; and the same of the penalty.
        """
        with quiet():
            rows = self.problem.design.column_norms * float(np.linalg.norm(self._rows.magnitude))
        return _EPS * (rows + np.abs(self.problem.ridge * self.x))

    def slopes(self, steps: FloatArray, a_steps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return ``S.T @ gradient`` from steps S (d, c) and the rows A S (n, c), and its rounding.

        In directions that A nearly annihilates this is far more accurate than the
        gradient itself.
        """
        pull = self.problem.ridge * self.x
        with quiet():
            value = a_steps.T @ self._rows.gradient + steps.T @ pull
            size = np.abs(a_steps).T @ self._rows.magnitude + np.abs(steps).T @ np.abs(pull)
        return value, _EPS * size

    @property
    def curvature_mass(self) -> float:
        """sum_i |D_i|: how much curvature the rows still have."""
        return float(np.abs(self._rows.diagonal).sum())

    @property
    def sampling_noise(self) -> float:
        """How far the value may lie above its least because the rows are but a sample of more.

        1/2 tr(H^-1 A^T diag(l'^2) A), as if all rows had the same leverage (derived here).
        """
        rows, d = self._rows, len(self.x)
        with quiet():
            mass = self.curvature_mass
            return 0.5 * d * float(np.dot(rows.gradient, rows.gradient)) / mass if mass > 0.0 else 0.0

    @cached_property
    def hessian(self) -> StructuredHessian:
        """The Hessian at x, as an operator."""
        return StructuredHessian(
            self.problem.design,
            self.problem.blocks,
            self._rows.diagonal,
            self.problem.ridge,
            self._rows.low_rank,
            self.problem.outer.cores(self._totals),
            shift=self._rows.shift,
            centre=self._pulls[1:] if len(self._pulls) > 1 else None,
            is_centring=self.problem.outer.is_centring and self.problem.row_penalty is None,
        )

    def along(self, step: FloatArray, a_step: FloatArray) -> Evaluation | None:
        """Return the evaluation at ``x + step``, in O(n) given A step.

        None stands for a step that leaves the domain on its way.
        """
        end = Evaluation(self.problem, self.x + step, vector_sum(self.a_x, a_step), fresh=False)
        return end if self.problem.outer.path_is_inside(self._shown, end._shown) else None

    def refreshed(self) -> Evaluation:
        """Return the evaluation at the same x with A x computed anew."""
        if self.fresh:
            return self
        return Evaluation.at(self.problem, self.x)
