"""Sums, products and quotients of balls hold the exact result, always, and are small: against fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newtonkit.certificates import balls
from newtonkit.certificates import double_double as dd
from newtonkit.certificates.balls import Ball
from newtonkit.certificates.functions import exp, exp_minus_one, hyperbolic
from tests.exact_numbers import LIMIT, NASTY, exact, holds, inside, midpoint, random_balls

N = 3000

OPERATIONS = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
}


def misses(name: str, x: Ball, y: Ball, rng: np.random.Generator) -> int:
    """How many results of an operation are not in its ball."""
    operation = OPERATIONS[name]
    found = operation(x, y)
    pairs = zip(inside(x, rng), inside(y, rng), strict=True)
    return sum(
        not (name == "/" and b == 0) and not holds(found, i, operation(a, b))
        for i, (a, b) in enumerate(pairs)
    )


@pytest.mark.parametrize("name", OPERATIONS)
class TestOperations:
    @pytest.mark.parametrize("reach", [1.0, 30.0, 150.0, 307.0])
    def test_hold_every_result(self, name, reach):
        rng = np.random.default_rng(1)
        x, y = random_balls(rng, N // 2, reach, True), random_balls(rng, N // 2, reach, True)
        assert misses(name, x, y, rng) == 0

    def test_hold_what_cancels(self, name):
        rng = np.random.default_rng(2)
        x = random_balls(rng, N, 3.0, False)
        y = Ball(x.hi * (1 + 2.0**-52 * rng.integers(-2, 3, N)), x.lo * rng.choice([1, -1, 0], N), x.radius)
        assert misses(name, x, y, rng) == misses(name, x, -y, rng) == 0

    def test_hold_nasty_numbers(self, name):
        first, second = (a.ravel() for a in np.meshgrid(NASTY, NASTY))
        x, y = Ball.exact(first), Ball.exact(second)
        assert misses(name, x, y, np.random.default_rng(3)) == 0

    def test_are_accurate(self, name):
        rng = np.random.default_rng(4)
        x, y = random_balls(rng, N, 60.0, False), random_balls(rng, N, 60.0, False)
        found = OPERATIONS[name](x, y)
        assert (found.radius <= LIMIT * np.abs(found.hi)).all()
        assert (np.abs(found.lo) <= 2.0**-53 * np.abs(found.hi)).all()

    def test_without_their_rounding_they_miss(self, name, monkeypatch):
        monkeypatch.setattr(balls, "OPERATION_ERROR", 0.0)
        monkeypatch.setattr(balls, "UNDERFLOW", 0.0)
        rng = np.random.default_rng(1)
        x, y = random_balls(rng, 200, 1.0, False), random_balls(rng, 200, 1.0, False)
        if name == "/":  # judged by its residual: its own rounding is measured
            assert misses(name, x, y, rng) > 0 or misses("*", x, y, rng) > 0
        else:
            assert misses(name, x, y, rng) > 20


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=4, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_floats_at_all(values):
    x, y = Ball.exact(np.array(values[:2])), Ball.exact(np.array(values[2:]))
    assert ((x.radius == np.inf) == ~np.isfinite(values[:2])).all()
    for name, operation in OPERATIONS.items():
        found = operation(x, y)
        assert np.isfinite(found.hi).all() and np.isfinite(found.lo).all() and (found.radius >= 0).all()
        for i in range(2):
            known = x.radius[i] == y.radius[i] == 0 and not (name == "/" and y.hi[i] == 0)
            if known:
                assert holds(found, i, operation(midpoint(x, i), midpoint(y, i)))
            else:
                assert found.radius[i] == np.inf
    for found in (exp(x), exp_minus_one(x), *hyperbolic(x, np.zeros(2)), x.sum()[None], x.power(3)):
        assert np.isfinite(found.hi).all() and (found.radius >= 0).all()


class TestSums:
    @pytest.mark.parametrize(
        ("shape", "axis"), [((1, 3), 0), ((2, 9), 0), ((37, 5), 0), ((5, 64), 1), ((3, 1001), 1)]
    )
    def test_hold_the_exact_sum(self, shape, axis):
        rng = np.random.default_rng(5)
        terms = random_balls(rng, int(np.prod(shape)), 8.0, True).map(lambda a: a.reshape(shape))
        found = terms.sum(axis)
        chosen = np.array(inside(terms, rng), dtype=object).reshape(shape)
        true = chosen.sum(axis)
        assert all(holds(found, i, t) for i, t in enumerate(true))

    @pytest.mark.parametrize("n", [2, 3, 1000, 4097])
    def test_are_accurate_for_the_size_of_their_terms(self, n):
        rng = np.random.default_rng(6)
        half = random_balls(rng, n, 3.0, False)
        terms = balls.concatenated((half, -half, Ball.exact(np.array([1e-20]))))
        found = terms[rng.permutation(len(terms.hi))].sum()
        assert holds(found, 0, Fraction(1e-20))
        assert found.radius <= LIMIT * np.abs(terms.hi).sum()

    def test_without_the_rounding_of_the_tree_they_miss(self, monkeypatch):
        monkeypatch.setattr(dd, "fold_error", lambda count: 0.0)
        rng = np.random.default_rng(7)
        terms = random_balls(rng, 50 * 99, 3.0, False).map(lambda a: a.reshape(50, 99))
        found, true = terms.sum(), np.array(inside(terms, rng), dtype=object).reshape(50, 99).sum(0)
        assert sum(not holds(found, i, t) for i, t in enumerate(true)) > 10

    def test_the_error_of_the_tree_is_what_its_docstring_says(self):
        """It is never above the bound, and within a factor of 1000 of it."""
        rng, worst = np.random.default_rng(8), 0.0
        for n in (2, 5, 100, 1000):
            terms = random_balls(rng, n, 0.5, False)
            hi, lo = dd.fold(terms.hi.copy(), terms.lo.copy())
            error = float(abs(exact(hi, lo) - sum(inside(terms, rng))))
            relative = error / (dd.fold_error(n) * np.abs(terms.hi).sum())
            assert relative <= 1.0
            worst = max(worst, relative)
        assert worst > 1e-3

    @pytest.mark.parametrize("starts", [[0], [0, 1], [0, 3, 4, 60], list(range(77))])
    def test_of_segments(self, starts):
        rng = np.random.default_rng(9)
        terms = random_balls(rng, 77, 5.0, True)
        found = terms.segment_sums(np.array(starts))
        chosen = np.array(inside(terms, rng), dtype=object)
        for g, (a, b) in enumerate(zip(starts, [*starts[1:], 77], strict=True)):
            assert holds(found, g, chosen[a:b].sum())
            assert found.radius[g] <= 1.01 * terms.radius[a:b].sum() + LIMIT * np.abs(terms.hi[a:b]).sum()

    def test_of_empty_segments_are_zero(self):
        hi, lo = dd.fold_segments(np.arange(1.0, 6.0), np.zeros(5), np.array([0, 0, 2, 5]))
        assert hi.tolist() == [0.0, 3.0, 12.0, 0.0] and not lo.any()


@pytest.mark.parametrize("k", [0, 1, 2, 3, 7, 12])
def test_whole_powers(k):
    rng = np.random.default_rng(16)
    x = random_balls(rng, 300, 8.0, True)
    found = x.power(k)
    assert all(holds(found, i, value**k) for i, value in enumerate(inside(x, rng)))
    exact_ones = x.radius == 0
    assert (found.radius[exact_ones] <= LIMIT * 10 * np.abs(found.hi[exact_ones])).all()


def test_bounds_of_size_and_of_the_lowest_number():
    rng = np.random.default_rng(17)
    x = random_balls(rng, N, 20.0, True)
    for i, value in enumerate(inside(x, rng)):
        assert exact(x.lowest[i]) <= value and abs(value) <= exact(x.size[i])
    nothing = Ball.exact(np.array([np.nan]))
    assert nothing.lowest[0] == -np.inf and nothing.size[0] == np.inf
