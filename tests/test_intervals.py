"""Interval arithmetic holds the exact results, is about as narrow as rounding lets it be, and never NaN."""

import mpmath
import numpy as np
import pytest
from mpmath import mp

from newtonkit.problems import Cosh, Exp, ExpPlusIdentity, Power, Sinh
from newtonkit.problems.bounds.intervals import Interval

N = 250
mp.dps = 60
SPECIAL = np.array(
    [0.0, 1.0, -1.0, 5e-324, -5e-324, 1e-310, 1e-160, -1e-160, 1e160, -1e160, 1.7e308, -1.7e308]
)


def numbers(rng: np.random.Generator, reach: float) -> np.ndarray:
    """Numbers of many sizes, some of them awkward."""
    drawn = rng.choice([-1.0, 1.0], N) * 10.0 ** rng.uniform(-reach, reach, N)
    drawn[: len(SPECIAL)] = SPECIAL if reach > 100 else SPECIAL.clip(-700.0, 700.0)
    return rng.permutation(drawn)


def intervals(rng: np.random.Generator, reach: float) -> tuple[Interval, np.ndarray]:
    """Intervals, some of them single numbers, and a number in each."""
    a, b = numbers(rng, reach), numbers(rng, reach)
    b = np.where(rng.random(N) < 0.3, a, b)
    lo, hi = np.minimum(a, b), np.maximum(a, b)
    share = rng.choice([0.0, 1.0, 0.5], N)
    return Interval(lo, hi), np.clip(lo * (1.0 - share) + hi * share, lo, hi)


def holds(interval: Interval, exact: list[mpmath.mpf]) -> bool:
    assert not np.isnan(interval.lo).any()
    assert not np.isnan(interval.hi).any()
    ends = zip(interval.lo, interval.hi, exact, strict=True)
    return all(mpmath.mpf(float(lo)) <= x <= mpmath.mpf(float(hi)) for lo, hi, x in ends)


BINARY = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
}
UNARY = {
    "square": (Interval.square, lambda x: x * x, 300.0),
    "cube": (lambda x: x.power(3), lambda x: x**3, 300.0),
    "seventh power": (lambda x: x.power(7), lambda x: x**7, 300.0),
    "zeroth power": (lambda x: x.power(0), lambda x: mpmath.mpf(1), 300.0),
    "exp": (Interval.exp, mp.exp, 2.7),
    "cosh": (Interval.cosh, mp.cosh, 2.7),
    "sinh": (Interval.sinh, mp.sinh, 2.7),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("seed", range(3))
def test_operations_hold_the_exact_result(name, seed):
    rng = np.random.default_rng(seed)
    (x, at_x), (y, at_y) = intervals(rng, 300.0), intervals(rng, 300.0)
    exact = [BINARY[name](mpmath.mpf(a), mpmath.mpf(b)) for a, b in zip(at_x, at_y, strict=True)]
    assert holds(BINARY[name](x, y), exact)
    assert holds(BINARY[name](x, at_y), exact)
    assert holds(BINARY[name](at_x, y), exact)


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("seed", range(3))
def test_functions_hold_the_exact_result(name, seed):
    function, exact, reach = UNARY[name]
    x, at_x = intervals(np.random.default_rng(seed), reach)
    assert holds(function(x), [exact(mpmath.mpf(a)) for a in at_x])


@pytest.mark.parametrize("name", [name for name in UNARY if name != "zeroth power"])
def test_functions_of_one_number_are_known_but_for_rounding(name):
    function, _, _ = UNARY[name]
    value = function(Interval.exactly(np.linspace(-30.0, 30.0, 101)))
    assert (value.hi - value.lo <= 1e-14 * value.magnitude()).all()


def test_monotone_and_even_functions_are_sharp():
    x = Interval(np.array([-1.0, 0.5]), np.array([2.0, 2.0]))
    assert x.square().lo == pytest.approx([0.0, 0.25])
    assert x.cosh().lo == pytest.approx([1.0, np.cosh(0.5)])
    assert x.cosh().hi == pytest.approx(np.cosh([2.0, 2.0]))
    assert x.power(3).lo == pytest.approx([-1.0, 0.125])
    assert x.sinh().lo == pytest.approx(np.sinh([-1.0, 0.5]))


def test_reciprocals():
    rng = np.random.default_rng(0)
    x, at_x = intervals(rng, 300.0)
    inside = (x.lo <= 0.0) & (x.hi >= 0.0)
    inverse = x.reciprocal()
    assert (inverse.hi[inside] == np.inf).all()
    assert (inverse.lo[inside] == -np.inf).all()
    assert holds(inverse[~inside], [1 / mpmath.mpf(a) for a in at_x[~inside]])


def test_sums_hold_the_exact_ones_by_runs():
    rng = np.random.default_rng(1)
    values = rng.standard_normal(5000) * 10.0 ** rng.uniform(-12, 12, 5000)
    starts = np.array([0, 3, 4, 2500])
    exact = [mp.fsum(map(mpmath.mpf, part)) for part in np.split(values, starts[1:])]
    assert holds(Interval.exactly(values).sums(starts), exact)


def test_overflow_is_infinite_and_nothing_times_it_is_nothing():
    large = Interval.exactly(np.array([800.0])).exp()
    assert large.hi == np.inf
    assert large.lo > 1e308
    assert (0.0 * large).magnitude() == 0.0
    difference = large - large
    assert (difference.lo, difference.hi) == (-np.inf, np.inf)


DERIVATIVES = {
    "exp": (Exp(), (mp.exp,) * 4),
    "cosh": (Cosh(), (mp.cosh, mp.sinh, mp.cosh, mp.sinh)),
    "sinh": (Sinh(), (mp.sinh, mp.cosh, mp.sinh, mp.cosh)),
    "exp + u": (ExpPlusIdentity(), (lambda u: mp.exp(u) + u, lambda u: mp.exp(u) + 1, mp.exp, mp.exp)),
    "u": (Power(1), (lambda u: u, lambda u: mpmath.mpf(1), lambda u: mpmath.mpf(0), lambda u: mpmath.mpf(0))),
    "u^2": (Power(2), (lambda u: u**2, lambda u: 2 * u, lambda u: mpmath.mpf(2), lambda u: mpmath.mpf(0))),
    "u^3": (Power(3), (lambda u: u**3, lambda u: 3 * u**2, lambda u: 6 * u, lambda u: mpmath.mpf(6))),
    "u^6": (Power(6), (lambda u: u**6, lambda u: 6 * u**5, lambda u: 30 * u**4, lambda u: 120 * u**3)),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_of_activations_stay_in_their_ranges(name):
    activation, exact = DERIVATIVES[name]
    x, at_x = intervals(np.random.default_rng(2), 1.5)
    for interval, function in zip(activation.ranges(x), exact, strict=True):
        assert holds(interval, [function(mpmath.mpf(a)) for a in at_x])
    narrow = activation.ranges(Interval.exactly(at_x))
    for interval, function in zip(narrow, exact, strict=True):
        true = np.array([float(function(mpmath.mpf(a))) for a in at_x])
        assert np.allclose(interval.magnitude(), np.abs(true), rtol=1e-12, atol=1e-297)
