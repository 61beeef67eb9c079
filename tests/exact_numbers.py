"""Balls beside exact fractions: random balls, numbers in them, and whether a ball holds a number."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np

from newtonkit.certificates import double_double as dd
from newtonkit.certificates.balls import Ball

NASTY = [0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-300, 1e-160, 1.0, 1 + 2**-52, -1.0, 0.1, 1e16, 1e160]
NASTY += [1e300, -1e308, 1.7976931348623157e308, 2.0**996, 2.0**-1022, 3.0]
LIMIT = 1e-28  # of the radius relative to the size


def exact(*parts: float) -> Fraction:
    return sum(map(Fraction, map(float, parts)), Fraction(0))


def midpoint(ball: Ball, i: int) -> Fraction:
    return exact(ball.hi.flat[i], ball.lo.flat[i])


def holds(ball: Ball, i: int, true: Fraction) -> bool:
    radius = float(ball.radius.flat[i])
    return radius == np.inf or abs(true - midpoint(ball, i)) <= Fraction(radius)


def as_fraction(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)


def random_balls(rng: np.random.Generator, n: int, reach: float, radii: bool) -> Ball:
    """Double-doubles of sizes 10^-reach to 10^reach; half of the radii are 0."""
    hi = rng.standard_normal(n) * 10.0 ** rng.uniform(-reach, reach, n)
    hi, lo = dd.two_sum(hi, hi * rng.uniform(-1, 1, n) * 2.0**-54)
    size = np.abs(hi) * 10.0 ** rng.uniform(-35, -1, n) * (rng.random(n) < 0.5)
    return Ball(hi, lo, size if radii else np.zeros(n))


def inside(ball: Ball, rng: np.random.Generator) -> list[Fraction]:
    """Numbers of the balls, some at their ends."""
    where = rng.choice([-1.0, 1.0, 0.0, 0.37, -0.8], size=ball.shape)
    return [
        midpoint(ball, i) + Fraction(float(t)) * Fraction(float(r))
        for i, (t, r) in enumerate(zip(where.flat, ball.radius.flat, strict=True))
    ]
