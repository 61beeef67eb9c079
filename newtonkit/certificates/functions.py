r"""Exponential functions of balls, and the activations made of them.

A function is evaluated at the midpoint as if it were exact; what the radius can do to it is
added: with e^r - 1 <= r / (1 - r/2) for r < 2 (the series of artanh), for |X - m| <= r

    |exp X - exp m| <= exp(m) (e^r - 1),

and the hyperbolic functions are sums of two of these.  Radii of 1 or more give no bound.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from newtonkit.certificates import double_double as dd
from newtonkit.certificates.balls import Ball, outwards, quietly
from newtonkit.design import FloatArray
from newtonkit.problems import Activation, Cosh, Exp, ExpPlusIdentity, Power, Sinh

_HIGHEST = 710.0  # exp overflows below
_LEAST = -700.0  # exp(-699) is less than UNDERFLOW
_SMALL = 0.3

Slopes = Callable[[Ball, FloatArray], tuple[Ball, Ball]]
"""From u and log_scale to f(u) and f'(u), both times exp(-log_scale)."""


def _growth(radius: FloatArray) -> FloatArray:
    """Return at least e^r - 1, infinite from r = 1 on."""
    small = radius < 1.0
    r = np.where(small, radius, 0.0)
    return np.where(small, outwards(r / (1.0 - 0.5 * r)), np.inf)


@quietly
def exp(x: Ball) -> Ball:
    """Return exp of each number, with a relative error of 2^-99 beside what the radius does.

    Below -700 the result is 0 within 1e-300; from 710 on it is not known.
    """
    low, high = x.hi < _LEAST, x.hi > _HIGHEST
    out = low | high
    k, s = dd.exponential_parts((np.where(out, 0.0, x.hi), np.where(out, 0.0, x.lo)))
    one = np.ones_like(s[0]), np.zeros_like(s[0])
    hi, lo = (np.where(low, 0.0, np.ldexp(part, k)) for part in dd.add(one, s))
    growth = np.where(low & (x.radius < 1.0), 0.0, _growth(x.radius))
    radius = np.abs(hi) * (dd.EXPONENTIAL_ERROR + growth)
    return Ball.guarded(hi, lo, np.where(high, np.inf, outwards(radius)))


@quietly
def exp_minus_one(x: Ball) -> Ball:
    """Return exp(x) - 1 where |x| < 0.34, with a relative error of 2^-99; anything elsewhere.

    The radius does what it does to exp(x), which is at most 1.5 there.
    """
    inside = np.abs(x.hi) < 0.34
    _, (hi, lo) = dd.exponential_parts((np.where(inside, x.hi, 0.0), np.where(inside, x.lo, 0.0)))
    radius = dd.EXPONENTIAL_ERROR * np.abs(hi) + 1.5 * _growth(x.radius)
    return Ball.guarded(hi, lo, np.where(inside, outwards(radius), np.inf))


def hyperbolic(u: Ball, log_scale: FloatArray) -> tuple[Ball, Ball]:
    """Return cosh(u) and sinh(u), times exp(-log_scale).

    With sigma the sign of u and Y = sigma X, cosh X and sigma sinh X are half the sum and the
    difference of exp(Y - scale) and exp(-Y - scale): Y need not be positive for all X in the
    ball.  Near 0, with t = exp(Y) - 1, sinh Y = (t + t / (1 + t)) / 2 cancels nothing.
    """
    sign = np.where(u.hi < 0.0, -1.0, 1.0)
    y = u * sign
    up, down = exp(y - log_scale), exp(-y - log_scale)
    even, odd = (up + down) * 0.5, (up - down) * 0.5
    small = y.hi < _SMALL
    if small.any():
        t = exp_minus_one(y)
        near = (t + t / (t + 1.0)) * 0.5 * exp(Ball.exact(-np.broadcast_to(log_scale, y.shape)))
        odd = Ball(*(np.where(small, *parts) for parts in zip(_arrays(near), _arrays(odd), strict=True)))
    return even, odd * sign


def _arrays(ball: Ball) -> tuple[FloatArray, FloatArray, FloatArray]:
    return ball.hi, ball.lo, ball.radius


def _exponential_slopes(u: Ball, log_scale: FloatArray) -> tuple[Ball, Ball]:
    f = exp(u - log_scale)
    return f, f


def _sinh_slopes(u: Ball, log_scale: FloatArray) -> tuple[Ball, Ball]:
    even, odd = hyperbolic(u, log_scale)
    return odd, even


def _residual_slopes(u: Ball, log_scale: FloatArray) -> tuple[Ball, Ball]:
    """Return exp(u) + u and exp(u) + 1, scaled."""
    e, unit = exp(u - log_scale), exp(-Ball.exact(log_scale))
    return e + u * unit, e + unit


def slopes_of(activation: Activation) -> Slopes:
    """Return what evaluates f and f' of an activation in balls.

    Raises
    ------
    TypeError
        If the activation is not one of the package's own.
    """
    kinds: dict[type[Activation], Slopes] = {
        Exp: _exponential_slopes,
        Cosh: hyperbolic,
        Sinh: _sinh_slopes,
        ExpPlusIdentity: _residual_slopes,
    }
    if type(activation) is Power:
        return _power_slopes(activation.k)
    if type(activation) not in kinds:
        raise TypeError(f"{activation!r} has no evaluation with error bounds; exp, cosh, sinh, ... have one")
    return kinds[type(activation)]


def _power_slopes(k: int) -> Slopes:
    """Return u^k and k u^(k - 1), never scaled."""

    def slopes(u: Ball, log_scale: FloatArray) -> tuple[Ball, Ball]:
        below = u.power(k - 1)
        return below * u, below * float(k)

    return slopes
