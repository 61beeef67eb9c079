"""Activations: the entrywise functions f that every regression of the family is made from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.problems.bounds.intervals import Interval

Derivatives = tuple[FloatArray, FloatArray, FloatArray]
Ranges = tuple[Interval, Interval, Interval, Interval]


class Activation(ABC):
    """An entrywise function f with its first two derivatives.

    A new one needs a single method, ``__call__``.  Two more serve numerical safety and
    may be left alone: ``log_scale`` and ``scaled`` let a normalised regression, where
    only ratios of f matter, work with ``f * exp(-log_scale)`` and so never overflow.
    Proofs (:meth:`Problem.curvature_bounds`) need ``ranges``.

    Attributes
    ----------
    name : str
        What the activation is called in ``activation="..."`` and in messages.
    positive : bool
        True where f > 0 everywhere, so that a sum of f has no zero to avoid.

    Notes
    -----
    Where f may be negative, a step of a normalised regression is refused when the sum of
    f reaches zero anywhere along it.  That test takes ``|f''|`` on an interval to be
    largest at one of its ends, which holds for every activation of this module.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Activation
    >>> class Softplus(Activation):
    ...     name, positive = "softplus", True
    ...     def __call__(self, u):
    ...         s = 1 / (1 + np.exp(-u))
    ...         return np.logaddexp(0, u), s, s * (1 - s)
    """

    name: str = ""
    positive: bool = False

    @abstractmethod
    def __call__(self, u: FloatArray) -> Derivatives:
        """Return f(u), f'(u), f''(u), each of the shape of `u`."""

    def value(self, u: FloatArray) -> FloatArray:
        """Return f(u) alone."""
        return self(u)[0]

    def log_scale(self, lowest: FloatArray, highest: FloatArray) -> FloatArray:
        """Return the scale of a group of rows from its lowest and highest u; 0 means none."""
        return np.zeros_like(highest)

    def scaled(self, u: FloatArray, log_scale: FloatArray) -> Derivatives:
        """Return f(u), f'(u), f''(u), all times ``exp(-log_scale)``."""
        return self(u)

    def ranges(self, u: Interval) -> Ranges:
        """Return what f, f', f'' and f''' can be for u in intervals, rounding included.

        Sums, products and functions of an `Interval` are so.  For f = exp(2 u):
        ``e = (2.0 * u).exp(); return e, 2.0 * e, 4.0 * e, 8.0 * e``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no bounds of its derivatives: write ranges(u)")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def sweep_number(activation: Activation) -> int | None:
    """Return the number that an activation has in compiled sweeps, None for one's own."""
    kinds: tuple[type[Activation], ...] = (Exp, Cosh, Sinh, ExpPlusIdentity)
    return kinds.index(type(activation)) if type(activation) in kinds else None


class Exp(Activation):
    """f(u) = exp(u).

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Exp
    >>> Exp()(np.array([0.0]))
    (array([1.]), array([1.]), array([1.]))
    """

    name = "exp"
    positive = True

    def __call__(self, u: FloatArray) -> Derivatives:
        """Return exp(u) three times."""
        f = np.exp(u)
        return f, f, f

    def log_scale(self, lowest: FloatArray, highest: FloatArray) -> FloatArray:
        """Return the largest u."""
        return highest

    def scaled(self, u: FloatArray, log_scale: FloatArray) -> Derivatives:
        """Return exp(u - log_scale) three times."""
        return self(u - log_scale)

    def ranges(self, u: Interval) -> Ranges:
        """See :meth:`Activation.ranges`."""
        f = u.exp()
        return f, f, f, f


class Cosh(Activation):
    """f(u) = cosh(u).

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Cosh
    >>> Cosh()(np.array([0.0]))
    (array([1.]), array([0.]), array([1.]))
    """

    name = "cosh"
    positive = True

    def __call__(self, u: FloatArray) -> Derivatives:
        """Return cosh(u), sinh(u), cosh(u)."""
        f = np.cosh(u)
        return f, np.sinh(u), f

    def log_scale(self, lowest: FloatArray, highest: FloatArray) -> FloatArray:
        """Return the largest |u|."""
        return np.maximum(highest, -lowest)

    def scaled(self, u: FloatArray, log_scale: FloatArray) -> Derivatives:
        """Return the derivatives from exp(u - log_scale) and exp(-u - log_scale)."""
        even, odd = _scaled_even_odd(u, log_scale)
        return even, odd, even

    def ranges(self, u: Interval) -> Ranges:
        """See :meth:`Activation.ranges`."""
        even, odd = u.cosh(), u.sinh()
        return even, odd, even, odd


class Sinh(Activation):
    """f(u) = sinh(u).

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Sinh
    >>> Sinh()(np.array([0.0]))
    (array([0.]), array([1.]), array([0.]))
    """

    name = "sinh"

    def __call__(self, u: FloatArray) -> Derivatives:
        """Return sinh(u), cosh(u), sinh(u)."""
        f = np.sinh(u)
        return f, np.cosh(u), f

    def log_scale(self, lowest: FloatArray, highest: FloatArray) -> FloatArray:
        """Return the largest |u|."""
        return np.maximum(highest, -lowest)

    def scaled(self, u: FloatArray, log_scale: FloatArray) -> Derivatives:
        """Return the derivatives from exp(u - log_scale) and exp(-u - log_scale)."""
        even, odd = _scaled_even_odd(u, log_scale)
        return odd, even, odd

    def ranges(self, u: Interval) -> Ranges:
        """See :meth:`Activation.ranges`."""
        even, odd = u.cosh(), u.sinh()
        return odd, even, odd, even


def _scaled_even_odd(u: FloatArray, log_scale: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return cosh(u) and sinh(u) times exp(-log_scale), small u without cancellation."""
    up, down = np.exp(u - log_scale), np.exp(-u - log_scale)
    small = np.abs(u) < 1.0
    odd = np.where(small, np.sinh(np.where(small, u, 0.0)) * np.exp(-log_scale), 0.5 * (up - down))
    return 0.5 * (up + down), odd


class ExpPlusIdentity(Activation):
    """f(u) = exp(u) + u: an exponential with a residual connection.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import ExpPlusIdentity
    >>> ExpPlusIdentity()(np.array([0.0]))
    (array([1.]), array([2.]), array([1.]))
    """

    name = "exp_plus_identity"

    def __call__(self, u: FloatArray) -> Derivatives:
        """Return exp(u) + u, exp(u) + 1, exp(u)."""
        e = np.exp(u)
        return e + u, e + 1.0, e

    def log_scale(self, lowest: FloatArray, highest: FloatArray) -> FloatArray:
        """Return the largest u where it is positive."""
        return np.maximum(highest, 0.0)

    def scaled(self, u: FloatArray, log_scale: FloatArray) -> Derivatives:
        """Return the derivatives from exp(u - log_scale) and exp(-log_scale)."""
        e, unit = np.exp(u - log_scale), np.exp(-log_scale)
        return e + u * unit, e + unit, e

    def ranges(self, u: Interval) -> Ranges:
        """See :meth:`Activation.ranges`."""
        e = u.exp()
        return e + u, e + 1.0, e, e


class Power(Activation):
    """f(u) = u^k for a whole number k >= 1.

    Parameters
    ----------
    k : int
        The exponent.

    Raises
    ------
    ValueError
        If `k` is not a whole number of at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.problems import Power
    >>> Power(3)(np.array([2.0]))
    (array([8.]), array([12.]), array([12.]))
    """

    def __init__(self, k: int) -> None:
        if isinstance(k, bool) or not hasattr(k, "__index__") or k < 1:
            raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
        self.k = int(k)
        self.name = f"power{self.k}"

    def __call__(self, u: FloatArray) -> Derivatives:
        """Return u^k, k u^(k - 1), k (k - 1) u^(k - 2)."""
        k = self.k
        second = k * (k - 1) * u ** (k - 2) if k >= 2 else np.zeros_like(u)
        return u**k, k * u ** (k - 1), second

    def ranges(self, u: Interval) -> Ranges:
        """See :meth:`Activation.ranges`."""
        k, zero = self.k, Interval.exactly(np.zeros_like(u.lo))
        second = k * (k - 1.0) * u.power(k - 2) if k >= 2 else zero
        third = k * (k - 1.0) * (k - 2.0) * u.power(k - 3) if k >= 3 else zero
        return u.power(k), float(k) * u.power(k - 1), second, third

    def __repr__(self) -> str:
        return f"Power({self.k})"


_NAMED: dict[str, type[Activation]] = {kind.name: kind for kind in (Exp, Cosh, Sinh, ExpPlusIdentity)}


def as_activation(activation: str | Activation) -> Activation:
    """Return an activation given itself or its name.

    Raises
    ------
    ValueError
        If the name is not known.
    TypeError
        If it is neither a name nor an :class:`Activation`.
    """
    if isinstance(activation, Activation):
        return activation
    if not isinstance(activation, str):
        raise TypeError(f"activation must be a name or an Activation, got {activation!r}")
    if activation not in _NAMED:
        raise ValueError(f"activation must be one of {sorted(_NAMED)} or an Activation, got {activation!r}")
    return _NAMED[activation]()
