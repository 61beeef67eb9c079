"""Exponential functions of balls hold the exact value and are small: against 120 digits of mpmath."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

from newtonkit.certificates import balls
from newtonkit.certificates import double_double as dd
from newtonkit.certificates.balls import Ball
from newtonkit.certificates.functions import exp, exp_minus_one, hyperbolic
from tests.exact_numbers import LIMIT, NASTY, as_fraction, exact, inside, midpoint, random_balls


def exponential_arguments(rng: np.random.Generator, radii: bool) -> Ball:
    """Arguments of every size, among them those near multiples of ln 2 / 2, where the reduction turns."""
    parts = [random_balls(rng, 800, 2.8, False), random_balls(rng, 400, 300.0, False)]
    parts += [
        Ball.exact(np.log(2) / 2 * np.arange(-2000, 2000, 7) * (1 + 1e-15)),
        Ball.exact(np.array(NASTY)),
    ]
    parts += [Ball.exact(rng.uniform(lowest, lowest + 15, 200)) for lowest in (-755.0, -705.0, 700.0)]
    whole = balls.concatenated(parts)
    if not radii:
        return whole
    return Ball(whole.hi, whole.lo, 10.0 ** rng.uniform(-33, 0.1, whole.shape))


def outside(function, found: Ball, x: Ball, rng: np.random.Generator) -> list[float]:
    """Return the arguments whose function value is not in its ball."""
    missed = []
    with mpmath.workdps(120):
        for i, argument in enumerate(inside(x, rng)):
            if found.radius[i] < np.inf and abs(argument) < 2000:
                value = function(mpmath.mpf(argument.numerator) / argument.denominator)
                if abs(as_fraction(value) - midpoint(found, i)) > Fraction(float(found.radius[i])):
                    missed.append(float(argument))
            elif found.radius[i] < np.inf:  # exp of less than -2000
                assert function is mpmath.exp and argument < 0 and found.hi[i] == 0.0
    return missed


FUNCTIONS = {
    "exp": (mpmath.exp, exp),
    "expm1": (mpmath.expm1, exp_minus_one),
    "cosh": (mpmath.cosh, lambda x: hyperbolic(x, np.zeros(1))[0]),
    "sinh": (mpmath.sinh, lambda x: hyperbolic(x, np.zeros(1))[1]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
class TestFunctions:
    @pytest.mark.parametrize("radii", [False, True])
    def test_hold_every_result(self, name, radii):
        rng = np.random.default_rng(10)
        x = exponential_arguments(rng, radii)
        true, function = FUNCTIONS[name]
        assert outside(true, function(x), x, rng) == []

    def test_are_accurate(self, name):
        rng = np.random.default_rng(11)
        reach = 0.339 if name == "expm1" else 600.0
        x = Ball.exact(rng.choice([-1, 1], 2000) * 10.0 ** rng.uniform(-200, np.log10(reach), 2000))
        found = FUNCTIONS[name][1](x)
        limit = LIMIT if name in ("exp", "expm1") else 10 * LIMIT
        assert (found.radius <= limit * np.abs(found.hi) + 1e-298).all()

    def test_without_its_rounding_it_misses(self, name, monkeypatch):
        monkeypatch.setattr(dd, "EXPONENTIAL_ERROR", 0.0)
        monkeypatch.setattr(balls, "OPERATION_ERROR", 0.0)
        monkeypatch.setattr(balls, "UNDERFLOW", 0.0)
        rng = np.random.default_rng(12)
        x = Ball.exact(rng.uniform(-0.33, 0.33, 200))
        true, function = FUNCTIONS[name]
        assert len(outside(true, function(x), x, rng)) > 20

    def test_overflow_has_no_bound_and_nothing_warns(self, name):
        found = FUNCTIONS[name][1](Ball.exact(np.array([711.0, 1e300, np.inf, np.nan])))
        assert (found.radius == np.inf).all() and not found.hi.any()


def test_error_of_the_exponential_is_what_its_docstring_says():
    """At most 40 u^2 for exp(x) - 1 and 24 u^2 for exp(x); more than 1 u^2, so that it is measured."""
    rng = np.random.default_rng(13)
    x = random_balls(rng, 3000, 2.0, False)
    k, s = dd.exponential_parts((x.hi, x.lo))
    one = dd.add((np.ones(3000), np.zeros(3000)), s)
    errors = {"exp": [0.0], "expm1": [0.0]}
    with mpmath.workdps(120):
        for i, argument in enumerate(inside(x, rng)):
            value = mpmath.mpf(argument.numerator) / argument.denominator
            scaled = as_fraction(mpmath.exp(value)) / Fraction(2) ** int(k[i])
            errors["exp"].append(abs(exact(one[0][i], one[1][i]) / scaled - 1))
            if k[i] == 0:
                errors["expm1"].append(abs(exact(s[0][i], s[1][i]) / as_fraction(mpmath.expm1(value)) - 1))
    worst = {name: float(max(found)) * 2.0**106 for name, found in errors.items()}
    assert 1 < worst["exp"] < 24 and 1 < worst["expm1"] < 40


@pytest.mark.parametrize("scale", [0.0, 3.7, 900.0])
def test_hyperbolic_functions_are_scaled_where_they_would_overflow(scale):
    rng = np.random.default_rng(14)
    x = Ball.exact(np.concatenate((rng.uniform(-scale - 1, scale + 1, 300), [scale, -scale, 1e-9, 0.0])))
    even, odd = hyperbolic(x, np.full(1, scale))
    assert outside(lambda v: mpmath.cosh(v) * mpmath.exp(-scale), even, x, rng) == []
    assert outside(lambda v: mpmath.sinh(v) * mpmath.exp(-scale), odd, x, rng) == []
    assert np.isfinite(even.radius).all() and (even.radius <= 1e-27 * even.hi + 1e-298).all()


def test_hyperbolic_sine_across_zero():
    """A ball on both sides of 0 is evaluated at |midpoint|; what lies beyond 0 is held as well."""
    rng = np.random.default_rng(15)
    x = Ball(rng.uniform(-1e-3, 1e-3, 500), np.zeros(500), np.full(500, 2e-3))
    even, odd = hyperbolic(x, np.zeros(1))
    assert outside(mpmath.sinh, odd, x, rng) == outside(mpmath.cosh, even, x, rng) == []
