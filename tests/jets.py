"""Second-order jets: arithmetic that carries exact gradients and Hessians along with values.

A jet holds, for each of m elements, a value and its first two derivatives by k variables.
Nothing here is shared with the library: derivatives of textbook functions come from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Jet:
    """Values (m,), gradients (m, k) and Hessians (m, k, k)."""

    v: np.ndarray
    g: np.ndarray
    h: np.ndarray

    __array_ufunc__ = None  # so that an array on the left leaves the operation to us

    def chain(self, f: Any, df: Any, d2f: Any) -> Jet:
        """f(self), given f, f' and f'' at the values."""
        f, df, d2f = (np.broadcast_to(part, self.v.shape) for part in (f, df, d2f))
        outer = self.g[:, :, None] * self.g[:, None, :]
        return Jet(f, df[:, None] * self.g, df[:, None, None] * self.h + d2f[:, None, None] * outer)

    def __add__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.v + other.v, self.g + other.g, self.h + other.h)
        return Jet(self.v + other, self.g, self.h)

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return Jet(-self.v, -self.g, -self.h)

    def __sub__(self, other: Any) -> Jet:
        return self + (-other)

    def __rsub__(self, other: Any) -> Jet:
        return -self + other

    def __mul__(self, other: Any) -> Jet:
        if isinstance(other, Jet):
            cross = self.g[:, :, None] * other.g[:, None, :]
            return Jet(
                self.v * other.v,
                self.v[:, None] * other.g + other.v[:, None] * self.g,
                self.v[:, None, None] * other.h
                + other.v[:, None, None] * self.h
                + cross
                + cross.swapaxes(1, 2),
            )
        factor = np.broadcast_to(other, self.v.shape)
        return Jet(factor * self.v, factor[:, None] * self.g, factor[:, None, None] * self.h)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Jet:
        return self * (other**-1 if isinstance(other, Jet) else 1.0 / np.asarray(other))

    def __rtruediv__(self, other: Any) -> Jet:
        return self**-1 * other

    def __pow__(self, p: float) -> Jet:
        if p == 1:
            return self
        second = p * (p - 1) * self.v ** (p - 2) if p != 2 else 2.0
        return self.chain(self.v**p, p * self.v ** (p - 1), second)


def variables(x: np.ndarray, index: np.ndarray) -> list[Jet]:
    """Return the k variables of m elements as jets: variable j of element i is x[index[i, j]]."""
    m, k = index.shape
    zero = np.zeros((m, k, k))
    return [Jet(x[index[:, j]], np.tile(np.eye(k)[j], (m, 1)), zero) for j in range(k)]


def assembled(jet: Jet, index: np.ndarray, d: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return value, gradient (d,) and Hessian (d, d) of the sum over the elements."""
    gradient, hessian = np.zeros(d), np.zeros((d, d))
    np.add.at(gradient, index, jet.g)
    np.add.at(hessian, (index[:, :, None], index[:, None, :]), jet.h)
    return float(np.sum(jet.v)), gradient, hessian


def exp(a: Jet) -> Jet:
    f = np.exp(a.v)
    return a.chain(f, f, f)


def log(a: Jet) -> Jet:
    return a.chain(np.log(a.v), 1.0 / a.v, -(a.v**-2.0))


def absolute(a: Jet) -> Jet:
    """|a|, where a is not 0."""
    return a * np.sign(a.v)


def sin(a: Jet) -> Jet:
    return a.chain(np.sin(a.v), np.cos(a.v), -np.sin(a.v))


def cos(a: Jet) -> Jet:
    return a.chain(np.cos(a.v), -np.sin(a.v), -np.cos(a.v))


def arctan(a: Jet) -> Jet:
    d = 1.0 / (1.0 + a.v**2)
    return a.chain(np.arctan(a.v), d, -2.0 * a.v * d * d)
