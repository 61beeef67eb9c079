"""A problem: an outer function of A x + offset, plus penalties on A x and on x."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import Design, FloatArray, IntArray, as_design
from newtonkit.design.door import as_bounded_vector, as_vector, checked_flag, is_in_range
from newtonkit.design.pieces import vector_pieces
from newtonkit.problems.arguments import as_point, chosen_rows, ridge_vector
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.outer import OuterFunction, quiet
from newtonkit.problems.proofs import BoundedCurvature
from newtonkit.problems.rows import Groups


class Problem(BoundedCurvature):
    """L(x) = l(A x + offset) + 1/2 ||diag(penalty_weights) A x||^2 + 1/2 <ridge * x, x>.

    The gradient is A^T (l'(u) + w^2 * (A x)) + ridge * x and the Hessian is
    A^T (diag(D) + U C U^T + diag(w^2)) A + diag(ridge), where u = A x + offset, w are the
    penalty weights, and the outer function l has gradient l'(u) and Hessian
    diag(D) + U C U^T.

    ``fun``, ``jac``, ``hess`` and ``hessp`` are what ``scipy.optimize.minimize`` takes; they
    share one evaluation as long as they are called at the same x.

    Parameters
    ----------
    A : array_like, sparse matrix or array, or data frame, shape (n, d)
        The design matrix; see :func:`newtonkit.design.as_design` for what is accepted.  It is not copied
        where that can be avoided, and not to be changed while the problem is in use.
    outer : OuterFunction
        l, with the target in it.
    ridge : float or array_like of shape (d,), default 0
        Penalty on the coefficients, >= 0.  A scalar leaves the intercept free.
    penalty_weights : array_like of shape (n,), optional
        w, the papers' W: penalty on the rows of A x.
    offset : array_like of shape (n,), optional
        Added to A x.
    fit_intercept : bool, default False
        Add a virtual column of ones; its coefficient comes last in x.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If shapes do not fit, an argument holds NaN or infinity, or a penalty is negative.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> problem = nk.ExpRegression(A, [1.0, 2.0, 4.0])
    >>> problem.fun(np.zeros(2)), problem.jac(np.zeros(2))
    (5.0, array([-4., -7.]))
    """

    row_order: IntArray | None = None  # where the rows were, if they have been sorted by group

    def __init__(
        self,
        A: Any,
        outer: OuterFunction,
        *,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
    ) -> None:
        if not isinstance(outer, OuterFunction):
            raise TypeError(f"outer must be an OuterFunction, got {type(outer).__name__}")
        self.fit_intercept = checked_flag(fit_intercept, "fit_intercept")
        self.design = as_design(A, fit_intercept=self.fit_intercept)
        self.outer = outer
        n, d = self.design.shape
        if outer.groups.n_rows != n:
            raise ValueError(f"A has {n} rows, but outer has {outer.groups.n_rows} targets")
        self.ridge = ridge_vector(ridge, d, self.fit_intercept)
        weights = (
            None if penalty_weights is None else as_bounded_vector(penalty_weights, "penalty_weights", n)
        )
        self.row_penalty = None if weights is None else weights * weights
        self.offset = None if offset is None else as_bounded_vector(offset, "offset", n)
        self._lay_out()

    def _lay_out(self) -> None:
        """Cut the rows into blocks and pieces, and see which of them count."""
        outer = self.outer
        self.blocks = outer.groups.blocks(self.design.blocks)
        self.pieces = self.blocks  # for work on vectors over the rows alone
        if not self.design.is_small:
            self.pieces = outer.groups.blocks(vector_pieces(self.design.shape[0]), compiled=True)
        counted = None if outer.row_weights is None else outer.row_weights > 0.0
        self._counted = None if counted is None or counted.all() or len(outer.groups) > 1 else counted
        self._last: Evaluation | None = None

    @property
    def n_parameters(self) -> int:
        """The length of x (with the intercept, if there is one)."""
        return self.design.shape[1]

    @property
    def first_counted(self) -> int | None:
        """The first row that counts, where there are some of weight 0 in the one group; else None."""
        return None if self._counted is None else int(np.argmax(self._counted))

    def shown(self, u: FloatArray) -> FloatArray:
        """Return u as the outer function sees it: rows of weight 0 repeat one that counts.

        They add nothing to the loss, but an infinite f of theirs times 0 would not be 0.
        """
        return u if self._counted is None else np.where(self._counted, u, u[self.first_counted])

    def evaluate(self, x: ArrayLike) -> Evaluation:
        """Return the problem evaluated at x; the last evaluation is kept and shared.

        Where `x` is not finite neither is the value; the methods that need more than it refuse such a point.

        Raises
        ------
        TypeError
            If `x` does not hold real numbers.
        ValueError
            If `x` does not have shape (d,).
        """
        point = as_point(x, "x", self.n_parameters)
        last = self._last
        if last is not None and last.fresh and np.array_equal(last.x, point):
            return last
        with quiet():
            point = point.astype(np.float64)  # a copy: callers reuse their arrays
            point.flags.writeable = False  # the evaluation is kept by it
            fresh = Evaluation.at(self, point)
        self._last = fresh
        return fresh

    def fun(self, x: ArrayLike) -> float:
        """Return L(x), infinite where L is not defined or overflows, or `x` is not finite."""
        return self.evaluate(x).value

    def jac(self, x: ArrayLike) -> FloatArray:
        """Return the gradient at x, shape (d,); it is not finite where L(x) overflows."""
        return self._at(x).gradient.copy()

    def hess(self, x: ArrayLike) -> StructuredHessian:
        """Return the Hessian at x, an operator of shape (d, d) that NumPy can take as an array."""
        return self._at(x).hessian

    def hessp(self, x: ArrayLike, v: ArrayLike) -> FloatArray:
        """Return the Hessian at x times v, shape (d,)."""
        with quiet():
            direction = as_point(v, "v", self.n_parameters, most_axes=2).astype(np.float64)
        if not np.isfinite(direction).all():
            raise ValueError("v must be finite, but holds NaN or infinity")
        return self._at(x).hessian @ direction

    def _at(self, x: ArrayLike) -> Evaluation:
        """Return the problem evaluated at x, refusing what is not finite."""
        here = self.evaluate(x)
        if not np.isfinite(here.x).all():
            raise ValueError("x must be finite, but holds NaN or infinity")
        return here

    def design_of(self, A: Any) -> Design:
        """Return new rows as a design matrix like the problem's own, checking the number of columns."""
        design = as_design(A, fit_intercept=self.fit_intercept)
        if design.shape[1] != self.n_parameters:
            wanted = self.n_parameters - self.fit_intercept
            raise ValueError(f"A must have {wanted} columns, got {design.shape[1] - self.fit_intercept}")
        return design

    def predict(self, x: ArrayLike, A: Any = None, *, offset: ArrayLike | None = None) -> FloatArray:
        """Return what the model says of the target.

        Parameters
        ----------
        x : array_like, shape (d,)
            The coefficients.
        A : array_like, sparse or frame, shape (m, d), optional
            New rows, all in one group; the problem's own rows and groups by default.
        offset : array_like of shape (m,), optional
            Offset of the new rows.

        Returns
        -------
        ndarray, shape (m,)
            f(u) for an elementwise problem; f(u) / <f(u), 1> within each group for a
            rescaled or normalised one.

        Raises
        ------
        TypeError
            If an argument does not hold real numbers.
        ValueError
            If shapes do not fit, an argument is not finite, or <f(u), 1> = 0 in a group.
        """
        if A is None:
            if offset is not None:
                raise ValueError("offset belongs to new rows: give A as well")
            return self.predicted(self._at(x).u, self.outer.groups)
        design = self.design_of(A)
        u = design.product(as_vector(x, "x", self.n_parameters))
        if offset is not None:
            u = u + as_bounded_vector(offset, "offset", len(u))
        return self.predicted(u, Groups.single(len(u)))

    def predicted(self, u: FloatArray, groups: Groups) -> FloatArray:
        """Return what the model says at linear prediction u, refusing to say what is not defined."""
        with quiet():
            prediction = self.outer.predict(u, groups)
        if np.isnan(prediction).any():
            raise ValueError("x has no prediction: f(A x) overflows, or sums to 0 in a group")
        return prediction

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return A S for steps S of shape (d, c): what :meth:`Evaluation.along` needs."""
        return self.design.product(steps)

    def origin(self) -> Evaluation:
        """Return the problem evaluated at x = 0, for no pass over the data."""
        n, d = self.design.shape
        return Evaluation(self, np.zeros(d), np.zeros(n))

    def step_metric(self, mass: float) -> StructuredHessian:
        """Return A^T A / n + diag(ridge) / mass, the natural metric of steps.

        A step of length 1 changes u by 1 in the root mean square.  With sum |D| as `mass`
        the penalty counts as much as it does beside the loss.
        """
        n = self.design.shape[0]
        return StructuredHessian(self.design, self.blocks, np.full(n, 1.0 / n), self.ridge / mass)

    def with_ridge(self, ridge: ArrayLike) -> Self:
        """Return the same problem with another ridge; the data are shared, not copied.

        As for the problem itself, `ridge` is a scalar, which leaves the intercept free, or of shape (d,).
        """
        other = copy.copy(self)
        other.ridge = ridge_vector(ridge, self.n_parameters, self.fit_intercept)
        other._last = None
        return other

    def subset(self, rows: ArrayLike) -> Self:
        """Return the same problem, with the same ridge, on some of its rows, which are copied.

        `rows` are different integers, or a boolean for each row, in the caller's order.  Predictions
        come in the order given here.

        Raises
        ------
        TypeError
            If `rows` holds neither integers nor booleans, or the outer function is of one's own
            and cannot be restricted to some rows.
        ValueError
            If there are no rows, a row is given twice or does not exist, or a group is torn.
        """
        indices, groups, kept, order = chosen_rows(rows, self)
        outer = self.outer.restricted(indices, groups, kept)
        if outer is None:
            raise TypeError(f"{type(self.outer).__name__} does not say how to restrict it to some rows")
        other = copy.copy(self)
        other.row_order = order
        other.outer, other.design, other._last = outer, self.design.rows(indices), None
        other.row_penalty = None if self.row_penalty is None else self.row_penalty[indices]
        other.offset = None if self.offset is None else self.offset[indices]
        other._lay_out()
        return other

    def sampled(self, indices: IntArray) -> Problem | None:
        """Return the problem on some rows that were drawn with equal probability, or None.

        Each stands for n / m of them, so that the value is about that of the whole problem.
        """
        factor = self.design.shape[0] / len(indices)
        given = (self.outer.row_weights, self.row_penalty)
        if not all(values is None or is_in_range(factor * values[indices]) for values in given):
            return None
        outer = self.outer.sampled(indices, factor)
        if outer is None:
            return None
        penalties = None if self.row_penalty is None else np.sqrt(factor * self.row_penalty[indices])
        offset = None if self.offset is None else self.offset[indices]
        rows = self.design.rows(indices)
        return Problem(rows, outer, ridge=self.ridge, penalty_weights=penalties, offset=offset)

    def __repr__(self) -> str:
        n, d = self.design.shape
        return f"{type(self).__name__}(n={n}, d={d}, groups={len(self.outer.groups)})"
