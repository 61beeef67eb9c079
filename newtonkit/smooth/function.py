"""Any smooth function of d variables as an objective of the solver: A = I, so u = x and n = d."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.metric import size_of
from newtonkit.smooth.callables import Callables
from newtonkit.smooth.hessians import BandedHessian, DenseHessian, hessian_of

_EPS = float(np.finfo(float).eps)


@dataclass
class _Reach:
    """How far steps from a point may go: half as far as one that found no derivatives."""

    length: float = math.inf


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
        self._reach = _Reach()
        self._led_here: tuple[_Reach, float] | None = None
        # What came with the value is read at once: the next call of fun overwrites it.
        self._given = self._new_gradient() if functions.gradient_comes_with_value else None

    def _computed(self, name: str, compute: Callable[[FloatArray], Any], failed: Any) -> Any:
        """Return a derivative; `failed` if it raises and a step led here."""
        try:
            return compute(self.x)
        except Exception as error:
            if not self._on_trial:
                raise
            self._functions.trouble = f"{name} raised {type(error).__name__}: {error}"
            return failed

    def _new_gradient(self) -> FloatArray:
        failed = np.full(self._functions.d, np.nan)
        gradient: FloatArray = self._computed("jac", self._functions.gradient, failed)
        return gradient

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
        return self._new_gradient() if self._given is None else self._given

    @cached_property
    def hessian(self) -> DenseHessian | BandedHessian:
        """The Hessian."""
        return hessian_of(self._computed("hess", self._functions.hessian, np.full((1, 1), np.nan)))

    @property
    def u_rounding(self) -> float:
        """None: x is u."""
        return 0.0

    @property
    def gradient_passes(self) -> int:
        """One, as its Hessian and everything else."""
        return 1

    @property
    def has_derivatives(self) -> bool:
        """Whether gradient and Hessian are finite."""
        if np.isfinite(self.gradient).all() and self.hessian.is_finite:
            return True
        if not self._functions.trouble:
            name = "hess" if np.isfinite(self.gradient).all() else "jac"
            self._functions.trouble = f"{name} returned NaN or infinity"
        self._shorten_the_reach()
        return False

    def _shorten_the_reach(self) -> None:
        """Keep the next trials from leading here again, however well the value speaks for it."""
        if self._led_here is not None:
            reach, length = self._led_here
            reach.length = min(reach.length, 0.5 * length)

    @cached_property
    def gradient_rounding(self) -> FloatArray:
        """What rounding x to floating-point numbers may do to the gradient (d,)."""
        return _EPS * self._gradient_sizes

    @cached_property
    def _gradient_sizes(self) -> FloatArray:
        return self.hessian.moved(self.x) + np.abs(self.gradient)

    @cached_property
    def gradient_scale(self) -> float:
        """The norm of ``|H| |x| + |gradient|``: the gradient of a quadratic is the difference of two such."""
        return size_of(self._gradient_sizes)

    def slopes(self, steps: FloatArray, a_steps: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See :class:`newtonkit.objective.PointEvaluation`."""
        return steps.T @ self.gradient, np.abs(steps).T @ self.gradient_rounding

    @cached_property
    def curvature_mass(self) -> float:
        """The sum of the sizes of the entries on the diagonal of the Hessian."""
        return self.hessian.mass

    def along(self, step: FloatArray, a_step: FloatArray) -> SmoothPoint | None:
        """Return the function at ``x + step``, or None if that is out of reach, raises or is not finite."""
        functions, x, length = self._functions, self.x + step, size_of(step)
        if length > self._reach.length:
            return None
        try:
            value = functions.value(x)
        except Exception as error:
            functions.trouble = f"fun raised {type(error).__name__}: {error}"
            return None
        if not np.isfinite(value):
            functions.trouble = f"fun returned {value}"
            return None
        end = SmoothPoint(functions, x, value)
        end._led_here = self._reach, length
        return end

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
        self.start = SmoothPoint(functions, x0, functions.value(x0), on_trial=False)

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return the steps: A is the identity."""
        return steps

    def origin(self) -> SmoothPoint:
        """Return the start, the only point at which the function is known to exist."""
        return self.start
