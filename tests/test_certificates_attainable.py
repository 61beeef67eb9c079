"""How near iterates in float64 are sure to come: what ``attainable`` promises, against sixty digits."""

from __future__ import annotations

import numpy as np
import pytest

import newtonkit as nk
from tests.certificate_checks import Judge
from tests.certificate_family import single
from tests.certificate_truth import critical_point


def nearest_of_newton(problem, judge, star, x, steps=12):
    """Return the least distance from the minimiser that full Newton steps in float64 reach."""
    distances = []
    for _ in range(steps):
        x = x - np.linalg.solve(problem.hess(x).to_dense(), problem.jac(x))
        distances.append(judge.distance(x, star))
    return min(distances)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8, 1e10])
def test_a_large_offset_that_cancels_is_counted(offset):
    """Rounding of u is that of the offset, though the loss does not change with it."""
    rng = np.random.default_rng(3)
    A, b = rng.standard_normal((40, 3)), rng.uniform(0.5, 1.5, 40)
    case = single("cross-entropy", "exp", A, b / b.sum(), offset=offset + rng.standard_normal(40))
    problem, judge = case.make(), Judge(case)
    star = critical_point(judge.truth, nk.minimize(problem).x)
    start = star.x.astype(float) + 1e-3
    certificate = nk.certify(problem, start)
    assert certificate.proven
    nearest = nearest_of_newton(problem, judge, star, start)
    assert nearest <= certificate.attainable
    assert certificate.attainable <= 1e-10 + 1e-13 * offset


@pytest.mark.parametrize("curvature", [1e-3, 1e-4])
def test_rows_of_both_signs_that_nearly_cancel_are_counted(curvature):
    """Where D has both signs, rounding of u moves the minimiser by more than its H norm tells."""
    start = 1e5 / 3
    A, u = np.array([[1.1], [1.3]]), np.array([1.0, 0.0])
    b = np.array([np.cosh(1.0), 1.0 + (1.21 * np.sinh(1.0) ** 2 - curvature) / 1.69])
    case = single("elementwise", "cosh", A, b, offset=u - A[:, 0] * start)
    problem, judge = case.make(), Judge(case)
    star = judge.minimiser(np.array([start]))
    point = star.x.astype(float) + 1e-6
    certificate = nk.certify(problem, point)
    assert certificate.proven
    assert nearest_of_newton(problem, judge, star, point) <= certificate.attainable
