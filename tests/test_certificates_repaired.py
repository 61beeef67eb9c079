"""What attacks on bounds and certificates had found, and was mended."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.design.shifted import ShiftedDesign
from newtonkit.problems import ElementwiseSquares, Exp, Power, Problem, Regression

RNG = np.random.default_rng(0)
A, B, X = RNG.normal(size=(12, 2)), np.abs(RNG.normal(size=12)), np.array([0.3, -0.2])
AROUND = [np.array([np.cos(t), np.sin(t)]) for t in np.linspace(0.0, 2.0 * np.pi, 60)]


def largest_third(problem, x, h=1e-4):
    """Return the largest third derivative along a direction that is seen."""
    ends = ((problem.hess(x + h * v).to_dense(), problem.hess(x - h * v).to_dense(), v) for v in AROUND)
    return max(abs(v @ (ahead - behind) @ v) / (2.0 * h) for ahead, behind, v in ends)


class Thrice(Exp):
    """f = exp(3 u), derived from an activation that is another function."""

    name = "thrice"

    def __call__(self, u):
        e = np.exp(3.0 * u)
        return e, 3.0 * e, 9.0 * e

    def log_scale(self, lowest, highest):
        return 3.0 * highest

    def scaled(self, u, log_scale):
        e = np.exp(3.0 * u - log_scale)
        return e, 3.0 * e, 9.0 * e

    def ranges(self, u):
        e = (3.0 * u).exp()
        return e, 3.0 * e, 9.0 * e, 27.0 * e


def test_a_child_of_exp_is_not_taken_for_exp():
    problem = Regression(A, B / B.sum(), structure="normalised", activation=Thrice(), ridge=1e-3)
    bounds = problem.curvature_bounds(X, 0.02)
    assert largest_third(problem, X) <= bounds.M
    lowest = min(np.linalg.eigvalsh(problem.hess(X + 0.02 * v).to_dense())[0] for v in AROUND)
    assert bounds.l <= lowest
    assert not problem.outer.is_centring
    with pytest.raises(ValueError, match=r"^entropy_weight needs"):
        Regression(A, B / B.sum(), structure="normalised", activation=Thrice(), entropy_weight=0.1)


def test_a_child_of_a_loss_with_an_activation_without_ranges_is_refused():
    class Changed(Exp):
        def __call__(self, u):
            return Thrice()(u)

    class Child(ElementwiseSquares):
        pass

    with pytest.raises(TypeError, match="third derivative of Changed: write ranges"):
        Problem(A, Child(B, Changed())).curvature_bounds(X, 0.0)


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_rounding_through_the_low_rank_part_is_attained(size):
    a, start = np.array([[1.1], [-0.7], [-0.4]]), 1e6 / 3
    offset = np.array([0.3, -0.2, -0.1]) - a[:, 0] * start
    b = size * np.array([1.0, -1.0, 0.01])
    problem = Regression(a, b, structure="rescaled", activation=Power(1), offset=offset)
    rows, shift, target = ([Fraction(float(v)) for v in values] for values in (a[:, 0], offset, b))
    slopes = [p - sum(rows) * q for p, q in zip(rows, target, strict=True)]
    left = [p - sum(shift) * q for p, q in zip(shift, target, strict=True)]
    star = -sum(p * q for p, q in zip(slopes, left, strict=True)) / sum(p * p for p in slopes)
    x, nearest = np.array([float(star) + 1e-6]), np.inf
    attainable = nk.certify(problem, x).attainable
    for _ in range(40):
        x = x - problem.jac(x) / problem.hess(x).to_dense()[0]
        nearest = min(nearest, abs(float(Fraction(float(x[0])) - star)))
    assert nearest <= attainable


def test_numbers_at_the_ends_of_float64():
    problem = nk.ExpRegression(A, B + 1.0)
    certificate = nk.certify(problem, nk.minimize(problem).x + 1e-6)
    assert certificate.paper_steps(5e-324) > 700
    assert problem.paper_bounds(1e200) == (-np.inf, np.inf)


def test_a_design_of_one_s_own_is_refused_before_any_work():
    design = ShiftedDesign(nk.design.as_design(A), np.ones(12), np.zeros((1, 2)), np.zeros(1, dtype=np.intp))
    seen = []
    with pytest.raises(TypeError, match=r"certify needs an array.* got ShiftedDesign"):
        nk.minimize(nk.ExpRegression(design, B), certify=True, callback=seen.append)
    assert not seen


def test_rows_of_weight_0_do_not_count():
    huge, weights = A.copy(), np.ones(12)
    huge[3], weights[3] = 1e100, 0.0
    assert nk.ExpRegression(huge, B, sample_weight=weights).curvature_bounds([0.0, 0.0], 0.0).M < 1e6


def test_what_an_evaluation_is_kept_by_cannot_be_changed():
    evaluation = nk.ExpRegression(A, B).evaluate(X)
    with pytest.raises(ValueError, match="read-only"):
        evaluation.x[:] = 0.0
