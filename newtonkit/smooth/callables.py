"""A user's fun, jac, hess and hessp: checked, counted, and turned into floats and arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from newtonkit.design import FloatArray

_NAMED = "'2-point', '3-point', 'cs' and HessianUpdateStrategy objects are not supported"


@dataclass
class Callables:
    """The functions of a smooth problem, with the extra arguments bound and every call counted.

    Attributes
    ----------
    fun, jac : callable
        Value and gradient.
    hess, hessp : callable or None
        Hessian, or its product with a vector; `hess` wins if there are both.
    args : tuple
        Passed to each of them after x (and after v to hessp).
    d : int
        Number of variables.
    nfev, njev, nhev : int
        Calls so far; products with the Hessian count as calls of hessp.
    trouble : str
        What was raised in a trial step, or not finite there: the latest that fun did, and
        what derivatives did where there was nothing else to tell.
    """

    fun: Callable[..., Any]
    jac: Callable[..., Any]
    hess: Callable[..., Any] | None
    hessp: Callable[..., Any] | None
    args: tuple[Any, ...]
    d: int
    nfev: int = field(default=0, init=False)
    njev: int = field(default=0, init=False)
    nhev: int = field(default=0, init=False)
    trouble: str = field(default="", init=False)

    @property
    def gradient_comes_with_value(self) -> bool:
        """Whether jac only reads what the last call of fun left, as SciPy arranges for ``jac=True``."""
        own = type(self.fun).__module__.startswith("scipy.")  # not an object of the user's with a gradient
        return own and getattr(self.jac, "__self__", None) is self.fun

    def value(self, x: FloatArray) -> float:
        """Return fun(x)."""
        self.nfev += 1
        return _as_float(self.fun(x.copy(), *self.args))

    def gradient(self, x: FloatArray) -> FloatArray:
        """Return jac(x), shape (d,)."""
        gradient = _as_real(self.jac(x.copy(), *self.args), "jac")
        if gradient.size != self.d:
            raise ValueError(f"jac must return {self.d} numbers, got shape {gradient.shape}")
        return gradient.reshape(self.d).copy()

    def hessian(self, x: FloatArray) -> Any:
        """Return the Hessian at x, an array or a sparse array (d, d)."""
        if self.hess is None:
            return self._from_products(x)
        self.nhev += 1
        return self._as_matrix(self.hess(x.copy(), *self.args))

    def _from_products(self, x: FloatArray) -> FloatArray:
        assert self.hessp is not None
        columns = np.empty((self.d, self.d))
        for j, unit in enumerate(np.eye(self.d)):
            self.nhev += 1
            product = _as_real(self.hessp(x.copy(), unit, *self.args), "hessp")
            if product.size != self.d:
                raise ValueError(f"hessp must return {self.d} numbers, got shape {product.shape}")
            columns[:, j] = product.reshape(self.d)
        return columns

    def _as_matrix(self, given: Any) -> Any:
        """Return an array or a sparse one from those, a LinearOperator or what has ``__array__``."""
        hessian, is_sparse = given, bool(scipy.sparse.issparse(given))  # which would narrow its type
        matrix: Any
        if is_sparse:
            matrix = scipy.sparse.csr_array(hessian)
            if matrix.dtype.kind not in "fiub":
                raise TypeError(f"hess must return real numbers, got dtype {matrix.dtype}")
            matrix = matrix.astype(np.float64)
        else:
            if callable(getattr(hessian, "matmat", None)) and not hasattr(hessian, "__array__"):
                hessian = hessian.matmat(np.eye(self.d))
            matrix = _as_real(hessian, "hess")
            if matrix.size == 1 == self.d:
                matrix = matrix.reshape(1, 1)
        if matrix.shape != (self.d, self.d):
            raise ValueError(f"hess must return shape {(self.d, self.d)}, got {matrix.shape}")
        return matrix


def _as_real(value: Any, name: str) -> FloatArray:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must return real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def _as_float(value: Any) -> float:
    array = _as_real(value, "fun")
    if array.size != 1:
        raise ValueError(f"fun must return a number, got shape {array.shape}")
    return float(array.reshape(()))


def _shown(value: Any) -> str:
    """Return what a message says of a wrong argument: a word as it is, the kind of anything longer."""
    return repr(value) if isinstance(value, str | bool | np.bool_ | int | float) else type(value).__name__


def checked_callables(fun: Any, jac: Any, hess: Any, hessp: Any, args: Any, d: int) -> Callables:
    """Return the functions bound together; refuse what cannot be used, by name."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {type(fun).__name__}")
    if jac is None:
        raise ValueError(
            "jac is required: a callable, or jac=True where fun returns value and gradient; "
            "jac='2-point' and other finite differences are not supported"
        )
    if not callable(jac):
        raise TypeError(f"jac must be callable, got {_shown(jac)}")
    if hess is not None and not callable(hess):
        raise ValueError(f"hess must be callable, got {_shown(hess)}; {_NAMED}")
    if hessp is not None and not callable(hessp):
        raise TypeError(f"hessp must be callable, got {_shown(hessp)}")
    if hess is None and hessp is None:
        raise ValueError(
            "hess or hessp is required: a callable that gives second derivatives; "
            "methods such as BFGS and L-BFGS-B do without"
        )
    extra = args if isinstance(args, tuple) else (args,)  # as SciPy has it: a list is one argument
    return Callables(fun, jac, hess, hessp, extra, d)
