"""An elementwise problem as a sum of squares: what ``scipy.optimize.least_squares`` is given."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from newtonkit.comparison.monitor import Monitor
from newtonkit.comparison.start import Limits, Start
from newtonkit.design import Design, FloatArray
from newtonkit.design.dense import DenseDesign
from newtonkit.problems import ElementwiseSquares, Evaluation, Problem
from newtonkit.problems.outer import quiet


def is_sum_of_squares(problem: Problem) -> bool:
    """Tell whether L is 1/2 <s r, r> with r = f(u) - b, plus the usual penalties."""
    own = ("partials", "value", "derivatives")
    kind = type(problem.outer)
    return isinstance(problem.outer, ElementwiseSquares) and all(
        getattr(kind, name) is getattr(ElementwiseSquares, name) for name in own
    )


def is_dense(problem: Problem) -> bool:
    """Tell whether the design is an array in memory, with or without an intercept."""
    # The column of ones wraps the design that it is added to, and has no way in but this.
    inner: Design = getattr(problem.design, "_inner", problem.design)
    return isinstance(inner, DenseDesign)


class SumOfSquares:
    """The residuals R(x) with L(x) = 1/2 <R, R>, and their Jacobian.

    R stacks sqrt(s) * (f(u) - b), then diag(w) A x if there are penalty weights, then
    sqrt(ridge) * x where the ridge is positive.  Its Jacobian stacks
    diag(sqrt(s) * f'(u)) A, diag(w) A and the rows of diag(sqrt(ridge)); it is an array for
    a dense design, and an operator for any other.

    Parameters
    ----------
    problem : Problem
        An elementwise problem: see :func:`is_sum_of_squares`.

    Attributes
    ----------
    shape : tuple of int
        (m, d), the shape of the Jacobian.
    """

    def __init__(self, problem: Problem) -> None:
        outer = problem.outer
        assert isinstance(outer, ElementwiseSquares)
        self._problem, self._outer = problem, outer
        n, d = problem.design.shape
        weights = outer.row_weights
        self._root_weights = np.ones(n) if weights is None else np.sqrt(weights)
        self._w = None if problem.row_penalty is None else np.sqrt(problem.row_penalty)
        self._penalised = np.flatnonzero(problem.ridge > 0.0)
        self._root_ridge = np.sqrt(problem.ridge[self._penalised])
        self.shape = (n + (0 if self._w is None else n) + len(self._penalised), d)

    @cached_property
    def dense(self) -> FloatArray | None:
        """A as an array, shape (n, d); None unless the design is dense."""
        return self._problem.design.to_dense() if is_dense(self._problem) else None

    def residuals(self, x: FloatArray, a_x: FloatArray) -> FloatArray:
        """Return R(x) given A x, shape (m,)."""
        parts = [self._root_weights * (self._outer.activation.value(self._u(a_x)) - self._outer.target)]
        if self._w is not None:
            parts.append(self._w * a_x)
        parts.append(self._root_ridge * x[self._penalised])
        return np.concatenate(parts)

    def jacobian(self, a_x: FloatArray) -> FloatArray | LinearOperator:
        """Return the Jacobian given A x, shape (m, d)."""
        slopes = self._root_weights * self._outer.activation(self._u(a_x))[1]
        if self.dense is None:
            return self._operator(slopes)
        n, J = len(slopes), np.zeros(self.shape)
        np.multiply(slopes[:, None], self.dense, out=J[:n])
        if self._w is not None:
            np.multiply(self._w[:, None], self.dense, out=J[n : 2 * n])
        rows = self.shape[0] - len(self._penalised) + np.arange(len(self._penalised))
        J[rows, self._penalised] = self._root_ridge
        return J

    def _u(self, a_x: FloatArray) -> FloatArray:
        return self._problem.shown(a_x if self._problem.offset is None else a_x + self._problem.offset)

    def _operator(self, slopes: FloatArray) -> LinearOperator:
        design, w, n = self._problem.design, self._w, len(slopes)
        last = self.shape[0] - len(self._penalised)

        def matvec(v: FloatArray) -> FloatArray:
            rows = design.product(v.ravel())
            parts = [slopes * rows] if w is None else [slopes * rows, w * rows]
            return np.concatenate((*parts, self._root_ridge * v.ravel()[self._penalised]))

        def rmatvec(r: FloatArray) -> FloatArray:
            r = r.ravel()
            rows = slopes * r[:n] if w is None else slopes * r[:n] + w * r[n : 2 * n]
            out = design.transposed_product(rows)
            out[self._penalised] += self._root_ridge * r[last:]
            return out

        made: Any = LinearOperator  # its stubs know no functions given by name
        operator: LinearOperator = made(self.shape, matvec=matvec, rmatvec=rmatvec, dtype=np.float64)
        return operator


@dataclass(eq=False)
class _Visit:
    """A point that a method has been to."""

    x: FloatArray
    a_x: FloatArray
    residuals: FloatArray
    value: float
    asked: set[str] = field(default_factory=set)


class ResidualOracle:
    """fun and jac of a least-squares method, counted and watched as :class:`Oracle` does it.

    The methods ask for Jacobians at their iterates alone, which tells where they are.  The
    gradient that the stopping rule needs is not charged to them.

    Parameters
    ----------
    squares : SumOfSquares
        Residuals and Jacobian.
    problem : Problem
        What they were made of.
    start : Start
        The common start.
    limits : Limits
        Seconds and iterations from now on.

    Attributes
    ----------
    monitor, best_x, best_value, factorisations, unit
        As of :class:`Oracle`.
    jacobians : int
        Points at which the method was given a Jacobian to go on with.
    """

    def __init__(self, squares: SumOfSquares, problem: Problem, start: Start, limits: Limits) -> None:
        self._squares, self._problem = squares, problem
        self._visits: deque[_Visit] = deque(maxlen=2)
        self._nfev = self._njev = self._trials = 0
        self.jacobians = 0
        self.unit = 1.0
        self.best_x, self.best_value = start.x, np.inf
        self.factorisations: int | None = 0
        self.monitor = Monitor(start, limits, caps_iterations=True)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Residuals, Jacobians, Hessians and Hessian-vector products computed."""
        return (self._nfev, self._njev, 0, 0)

    def _at(self, x: FloatArray) -> _Visit:
        self.monitor.check_clock()
        for visit in self._visits:
            if np.array_equal(visit.x, x):
                self._visits.remove(visit)
                break
        else:
            a_x = self._problem.design.product(x)
            with quiet():
                residuals = self._squares.residuals(x, a_x)
            visit = _Visit(x.copy(), a_x, residuals, np.inf)
            with self.monitor.clock_stopped(), quiet():
                value = 0.5 * float(np.dot(residuals, residuals))
                visit.value = value if np.isfinite(value) else np.inf
        self._visits.append(visit)
        return visit

    def fun(self, x: FloatArray) -> FloatArray:
        """Return the residuals at x, shape (m,)."""
        visit = self._at(x)
        if "fun" not in visit.asked:
            visit.asked.add("fun")
            self._nfev += 1
            self._trials += 1
            self.monitor.rejected(self._trials - 1)
        if visit.value < self.best_value:
            self.best_x, self.best_value = visit.x, visit.value
        return visit.residuals.copy()

    def jac(self, x: FloatArray) -> FloatArray | LinearOperator:
        """Return the Jacobian at x, shape (m, d); end the run if the gradient is at tolerance."""
        visit = self._at(x)
        first = "jac" not in visit.asked
        visit.asked.add("jac")
        self._njev += first
        with quiet():
            jacobian = self._squares.jacobian(visit.a_x)
        with self.monitor.clock_stopped():
            self._trials = 0
            if not np.array_equal(visit.x, self.monitor.iterate):
                self.monitor.moved(visit.x, visit.value)
            here = Evaluation(self._problem, visit.x, visit.a_x)
            norm = float(np.linalg.norm(here.gradient))
            self.monitor.judge(visit.x, visit.value, norm, here.gradient_scale)
        self.jacobians += first
        return jacobian
