"""Derivatives as a careful user of NumPy writes them, for the peers and for checking all others.

With u = A x, for exp regression f = exp(u), r = f - b:

    L = 1/2 <r, r>,  grad L = A^T (f r),  hess L = A^T diag(f (f + r)) A;

for softmax regression p = exp(u) / <exp(u), 1>, r = p - b, c = <p, r>, and centred rows
B = A - 1 (A^T p)^T:

    L = 1/2 <r, r>,  grad L = A^T g,  g = p (r - c),  hess L = B^T diag(D) B,  D = g + p^2,

because <D, 1> = <p, p> (derived from arXiv:2304.10411).  B is never formed: the Hessian is
A^T diag(D) A - s m^T - m s^T + <p, p> m m^T with m = A^T p and s = A^T D.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems import Problem


class Point(Protocol):
    """A problem evaluated at x: value and gradient, Hessian and products with it when asked for."""

    x: FloatArray

    @property
    def value(self) -> float:
        """L(x)."""
        ...

    @property
    def gradient(self) -> FloatArray:
        """The gradient at x."""
        ...

    @property
    def hessian(self) -> FloatArray:
        """The Hessian at x, an array."""
        ...

    def product(self, v: FloatArray) -> FloatArray:
        """Return the Hessian at x times v."""
        ...


class ExpPoint:
    """Exp regression at x, in NumPy."""

    def __init__(self, A: Any, b: FloatArray, x: FloatArray) -> None:
        self.x, self._A = x.copy(), A
        with np.errstate(over="ignore", invalid="ignore"):
            self._f = np.exp(A @ x)
            self._r = self._f - b
            value = 0.5 * float(self._r @ self._r)
        self.value = value if np.isfinite(value) else np.inf

    @cached_property
    def gradient(self) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._A.T @ (self._f * self._r))

    @cached_property
    def _weights(self) -> FloatArray:
        return np.asarray(self._f * (self._f + self._r))

    @cached_property
    def hessian(self) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._A.T @ (self._A * self._weights[:, None]))

    def product(self, v: FloatArray) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._A.T @ (self._weights * (self._A @ v)))


class SoftmaxPoint:
    """Softmax regression at x, in NumPy."""

    def __init__(self, A: Any, b: FloatArray, x: FloatArray) -> None:
        self.x, self._A = x.copy(), A
        u = A @ x
        p = np.exp(u - u.max())
        p /= p.sum()
        r = p - b
        self._p = p
        self.value = 0.5 * float(r @ r)
        self._pull = p * (r - p @ r)

    @cached_property
    def gradient(self) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._A.T @ self._pull)

    @cached_property
    def _weights(self) -> FloatArray:
        return np.asarray(self._pull + self._p * self._p)

    @cached_property
    def hessian(self) -> FloatArray:
        """See :class:`Point`."""
        p, weights = self._p, self._weights
        mean, pull = self._A.T @ p, self._A.T @ weights
        gram = self._A.T @ (self._A * weights[:, None])
        cross = np.outer(pull, mean)
        return np.asarray(gram - cross - cross.T + float(p @ p) * np.outer(mean, mean))

    def product(self, v: FloatArray) -> FloatArray:
        """See :class:`Point`."""
        a_v = self._A @ v
        z = self._weights * (a_v - self._p @ a_v)
        return np.asarray(self._A.T @ (z - self._p * z.sum()))


POINTS: dict[str, Any] = {"exp": ExpPoint, "softmax": SoftmaxPoint}


class LibraryPoint:
    """The same by the library: what ``fun``, ``jac``, ``hess`` and ``hessp`` of a problem give."""

    def __init__(self, problem: Problem, x: FloatArray) -> None:
        self._evaluation = problem.evaluate(x)
        self.x = self._evaluation.x
        self.value = self._evaluation.value

    @property
    def gradient(self) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._evaluation.gradient)

    @cached_property
    def hessian(self) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._evaluation.hessian.to_dense())

    def product(self, v: FloatArray) -> FloatArray:
        """See :class:`Point`."""
        return np.asarray(self._evaluation.hessian.matvec(v))
