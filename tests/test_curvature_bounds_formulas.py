"""The third derivatives as the docstrings have them, against differences of Hessians; and rounding."""

import mpmath
import numpy as np
import pytest
from mpmath import mp

import newtonkit as nk
from newtonkit.problems import ElementwiseSquares, Exp, NormalisedSquares, RescaledSquares, SoftmaxLogLoss
from tests.family import MEMBERS, random_problem
from tests.third import third_form

KNOWN = [name for name, member in MEMBERS.items() if member.activation != "softplus"]
THIRD = {"exp": np.exp, "cosh": np.sinh, "sinh": np.cosh, "exp_plus_identity": np.exp}


def third_along(problem, x, v):
    """Return D^3 L(x)[v, v, v] by the formulas of the docstrings, group by group."""
    outer, u, w = problem.outer, problem.evaluate(x).u, problem.design.product(v)
    starts, n = outer.groups.starts, len(u)
    s = np.ones(n) if outer.row_weights is None else outer.row_weights
    t = getattr(outer, "group_weights", np.ones(len(starts)))
    total = 0.0
    for k, (a, b) in enumerate(zip(starts, [*starts[1:], n], strict=True)):
        total += t[k] * _of_group(outer, u[a:b], w[a:b], outer.target[a:b], s[a:b])
    return total


def _of_group(outer, u, w, b, s):
    if isinstance(outer, SoftmaxLogLoss):
        return _softmax(u, w, s, np.full(len(u), s @ b), 0.0 * u)
    f, f1, f2 = outer.activation(u)
    f3 = THIRD[outer.activation.name](u) if outer.activation.name in THIRD else np.full(len(u), 6.0)
    if isinstance(outer, ElementwiseSquares):
        return s @ ((3 * f1 * f2 + (f - b) * f3) * w**3)
    if isinstance(outer, RescaledSquares):
        B = s @ (b * b)
        e = f - (s @ f) * b - s @ ((b - B) * f)
        beta, beta_b = s @ (f1 * w), s @ (f1 * (b - B) * w)
        return s @ ((e * f3 + 3 * f1 * f2) * w**3) - 3 * s @ (f2 * w**2 * (b * beta + beta_b))
    assert isinstance(outer, NormalisedSquares)
    if isinstance(outer.activation, Exp):
        p = f / (s @ f)
        P, beta, tau, gamma = s @ p**2, s @ (p * b), u - s @ (p * u), outer.entropy_weight
        lam = 2 * p - b - (2 * P - beta) + gamma * tau
        return _softmax(u, w, s, 4 * p - b - (P - beta) + gamma * (2 + tau), lam)
    return _normalised(f, f1, f2, f3, w, b, s)


def _softmax(u, w, s, weight, lam):
    p = np.exp(u) / (s @ np.exp(u))
    moved = w - s @ (p * w)
    return s @ (p * weight * moved**3) - 3 * (s @ (p * lam * moved)) * (s @ (p * moved**2))


def _normalised(f, f1, f2, f3, w, b, s, kappa=0.3):
    """The formula of the docstring of ``normalised_bound``, and again with a factor taken out."""
    a = s @ f
    p, v1, v2, v3 = f / a, f1 / a, f2 / a, f3 / a
    plain = _normalised_from(p, v1 * w, v2 * w**2, v3 * w**3, b, s)
    V1 = v1 * w - kappa * p
    V2 = v2 * w**2 - 2 * kappa * v1 * w + kappa**2 * p
    V3 = v3 * w**3 - 3 * kappa * v2 * w**2 + 3 * kappa**2 * v1 * w - kappa**3 * p
    assert _normalised_from(p, V1, V2, V3, b, s) == pytest.approx(plain, rel=1e-9, abs=1e-12)
    g1, g2 = f1 / f, f2 / f - (f1 / f) ** 2
    g3 = f3 / f - 3 * f1 * f2 / f**2 + 2 * (f1 / f) ** 3
    chi = g1 * w - kappa
    logs = p * chi, p * (chi**2 + g2 * w**2), p * (chi**3 + 3 * chi * g2 * w**2 + g3 * w**3)
    assert _normalised_from(p, *logs, b, s) == pytest.approx(plain, rel=1e-6, abs=1e-9)
    return plain


def _normalised_from(p, V1, V2, V3, b, s):
    P = s @ p**2
    e = p - b - s @ (p * (p - b))
    q = e + p
    alpha, lam, mu = s @ V1, s @ ((q - P) * V1), s @ ((q + p - P) * V1)
    first = s @ (e * V3 + 3 * V1 * V2) - 3 * alpha * (s @ (q * V2 + 2 * V1**2))
    return first - 3 * lam * (s @ V2) + 6 * alpha**2 * mu


@pytest.mark.parametrize("groups", ["none", "sorted"])
@pytest.mark.parametrize("name", KNOWN)
def test_differences_of_hessians_tend_to_the_third_derivative(name, groups):
    rng = np.random.default_rng(5)
    problem, x = random_problem(MEMBERS[name], rng, n=7, d=3, groups=groups, weights="all", penalty=True)
    v = rng.standard_normal(3)
    v /= np.abs(problem.design.product(v)).max()
    exact = third_along(problem, x, v)
    steps = np.array([0.1, 0.05, 0.025])
    errors = []
    for h in steps:
        ahead, behind = (problem.hess(x + sign * h * v).to_dense() for sign in (1, -1))
        errors.append(abs(v @ (ahead - behind) @ v / (2 * h) - exact))
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] > 1.9
    assert v @ third_form(problem, x, v, 1e-3) @ v == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_rounding_is_included():
    """Of one row M is the third derivative itself: it lies above the exact one, by next to nothing."""
    rng = np.random.default_rng(0)
    mp.dps = 50
    for _ in range(300):
        a, x, b = rng.standard_normal(3)
        bounds = nk.ExpRegression([[a]], [b]).curvature_bounds([x], 0.0)
        f = mp.exp(mpmath.mpf(a) * mpmath.mpf(x))
        second, third = 2 * f**2 - mpmath.mpf(b) * f, 4 * f**2 - mpmath.mpf(b) * f
        exact = abs(third * mpmath.mpf(a) ** 3)
        assert exact <= mpmath.mpf(float(bounds.M)) <= exact * (1 + mpmath.mpf(1e-8)) + mpmath.mpf(1e-12)
        curvature = second * mpmath.mpf(a) ** 2
        assert mpmath.mpf(float(bounds.l)) <= curvature
        assert bounds.l == pytest.approx(float(curvature), rel=1e-8, abs=1e-12)
