"""Any smooth function of d variables as an objective of the solver: A = I, so u = x and n = d."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray
from newtonkit.smooth.callables import Callables

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class DenseHessian:
    """A Hessian written out, shape (d, d)."""

    matrix: FloatArray

    def to_dense(self) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        return self.matrix

    def matmat(self, v: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        return self.matrix @ v

    def restricted(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        restricted = steps.T @ self.matrix @ steps
        return 0.5 * (restricted + restricted.T)

    def sizes(self, steps: FloatArray, a_steps: FloatArray) -> FloatArray:
        """See :class:`newtonkit.objective.SymmetricOperator`."""
        sizes: FloatArray = np.sum(np.abs(steps) * (np.abs(self.matrix) @ np.abs(steps)), axis=0)
        return sizes


class SmoothPoint:
    """A smooth function at a point; derivatives are computed when first asked for.

    Derivatives that raise, or are not finite, are NaN: the step that led here is then
    taken back.  Not so at the start, where what is raised is passed on.

    Parameters
    ----------
    functions : Callables
        The function and its derivatives.
    x : ndarray, shape (d,)
        The point.
    value : float
        The value there.
    on_trial : bool, default True
        Whether a step led here.
    """

    def __init__(self, functions: Callables, x: FloatArray, value: float, *, on_trial: bool = True) -> None:
        self._functions = functions
        self._on_trial = on_trial
        self.x = x
        self.value = value
        # What came with the value is read at once: the next call of fun overwrites it.
        self._given = self._computed("jac") if functions.gradient_comes_with_value else None

    def _computed(self, name: str) -> FloatArray:
        """Return the gradient ("jac") or the Hessian ("hess"), NaN if it cannot be had."""
        functions = self._functions
        compute: Callable[[FloatArray], FloatArray]
        compute = functions.gradient if name == "jac" else functions.hessian
        try:
            derivative = compute(self.x)
        except Exception as error:
            if not self._on_trial:
                raise
            functions.trouble = f"{name} raised {type(error).__name__}: {error}"
            return np.full((functions.d,) * (1 if name == "jac" else 2), np.nan)
        if not np.isfinite(derivative).all():
            functions.trouble = f"{name} returned NaN or infinity"
        return derivative

    @property
    def u(self) -> FloatArray:
        """The point itself."""
        return self.x

    @property
    def loss_scale(self) -> float:
        """The size of the value."""
        return abs(self.value)

    @property
    def value_rounding(self) -> float:
        """A unit in the last place of the value; more cannot be known of a function of which no more is."""
        return _EPS * abs(self.value)

    @cached_property
    def gradient(self) -> FloatArray:
        """The gradient (d,)."""
        self._functions.njev += 1
        return self._computed("jac") if self._given is None else self._given

    @cached_property
    def hessian(self) -> DenseHessian:
        """The Hessian."""
        return DenseHessian(self._computed("hess"))

    @property
    def has_derivatives(self) -> bool:
        """Whether gradient and Hessian are finite."""
        return bool(np.isfinite(self.gradient).all() and np.isfinite(self.hessian.matrix).all())

    @cached_property
    def gradient_rounding(self) -> FloatArray:
        """What rounding x to floating-point numbers may do to the gradient (d,)."""
        moved: FloatArray = np.abs(self.hessian.matrix) @ np.abs(self.x)
        return _EPS * (moved + np.abs(self.gradient))

    @cached_property
    def gradient_scale(self) -> float:
        """The norm of ``|H| |x| + |gradient|``: the gradient of a quadratic is the difference of two such."""
        return float(np.linalg.norm(self.gradient_rounding)) / _EPS

    def slopes(self, steps: FloatArray, a_steps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.objective.PointEvaluation`."""
        return steps.T @ self.gradient, np.abs(steps).T @ self.gradient_rounding

    @cached_property
    def curvature_mass(self) -> float:
        """The sum of the sizes of the entries on the diagonal of the Hessian."""
        return float(np.abs(np.diagonal(self.hessian.matrix)).sum())

    def along(self, step: FloatArray, a_step: FloatArray) -> SmoothPoint | None:
        """Return the function at ``x + step``, or None if it raises there or is not finite."""
        functions, x = self._functions, self.x + step
        try:
            value = functions.value(x)
        except Exception as error:
            functions.trouble = f"fun raised {type(error).__name__}: {error}"
            return None
        if not np.isfinite(value):
            functions.trouble = f"fun returned {value}"
            return None
        return SmoothPoint(functions, x, value)

    def refreshed(self) -> SmoothPoint:
        """Return the point itself: nothing is carried over from steps."""
        return self


class SmoothFunction:
    """A smooth function as the solver sees it.

    Parameters
    ----------
    functions : Callables
        The function and its derivatives.
    x0 : ndarray, shape (d,)
        The start.
    """

    def __init__(self, functions: Callables, x0: FloatArray) -> None:
        self._functions = functions
        self.start = SmoothPoint(functions, x0, functions.value(x0), on_trial=False)

    @property
    def n_parameters(self) -> int:
        """The number d of variables."""
        return self._functions.d

    def evaluate(self, x: ArrayLike) -> SmoothPoint:
        """Return the function evaluated at x."""
        point = np.array(x, dtype=float)
        return SmoothPoint(self._functions, point, self._functions.value(point))

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return the steps: A is the identity."""
        return steps

    def origin(self) -> SmoothPoint:
        """Return the start, the only point at which the function is known to exist."""
        return self.start

    def step_metric(self, mass: float) -> DenseHessian:
        """Return the identity."""
        return DenseHessian(np.eye(self.n_parameters))
