"""Points that are not near a minimiser never get a certificate, whatever they look like."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.results import Status
from tests.certificate_checks import Judge, unit
from tests.certificate_family import Case, cases
from tests.certificate_truth import LONG, Array, Truth, critical_point
from tests.grid import cases as grid_cases


def rows(n: int = 30, d: int = 3, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((n, d))


def refused(problem: nk.problems.Problem, x: Array) -> None:
    """Fail if there is a certificate for x, or anything in it that sounds like one."""
    certificate = nk.certify(problem, x)
    assert not certificate.proven, f"{problem} at {x}: {certificate}"
    assert not certificate.in_good_region
    assert certificate.radius == np.inf
    assert certificate.unique_within == 0.0
    assert certificate.steps(1e-6) is None
    assert certificate.reason


# Saddles and maxima


@pytest.mark.parametrize("target", [1.0 + 1e-9, 1.5, 30.0])
@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-6])
def test_cosh_is_stationary_at_zero_but_not_least(target: float, d: int, off: float) -> None:
    problem = nk.CoshRegression(rows(d=d), np.full(30, target))
    x = off * np.ones(d)
    assert np.linalg.norm(problem.jac(x)) <= 1e-3 * target * max(off / 1e-6, 1.0)
    refused(problem, x)


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_a_flat_minimum_is_not_strict(ridge: float) -> None:
    """cosh at b = 1 grows like u^4: the Hessian at the minimiser is 0 without a ridge."""
    problem = nk.CoshRegression(rows(), np.ones(30), ridge=ridge)
    if ridge == 0.0:
        refused(problem, np.zeros(3))
    else:
        assert nk.certify(problem, np.zeros(3)).proven


@cache
def critical_points() -> tuple[tuple[Case, Array, float], ...]:
    """Critical points with negative curvature, found by Newton's method for a zero of the gradient."""
    out = []
    for number, case in enumerate(cases()):
        if case.ridge == 1.0 or not (case.activation in ("cosh", "power2") or case.structure == "rescaled"):
            continue  # elsewhere they are rare
        truth, rng = Truth(case, LONG), np.random.default_rng([3, number])
        d = truth.A.shape[1]
        lengths = np.sqrt((truth.A**2).sum(axis=1)).max()
        for start in [rng.uniform(0.5, 6.0) / float(lengths) * unit(rng, d) for _ in range(5)]:
            found = critical_point(truth, start, tolerance=1e-15, limit=20)
            if found is None:
                continue
            hessian = found.hessian.astype(float)
            values = np.linalg.eigvalsh(hessian)
            if values[0] < -1e-8 * np.abs(values).max():
                out.append((case, found.x.astype(float), float(values[-1])))
                break
    return tuple(out)


def test_saddles_and_maxima_are_refused() -> None:
    found = critical_points()
    assert len(found) >= 15
    assert {case.structure for case, _, _ in found} >= {"elementwise", "rescaled", "normalised"}
    assert sum(highest < 0.0 for _, _, highest in found) >= 3  # maxima among them
    for case, x, _ in found:
        refused(case.make(), x)


# Saturation, separable data


@pytest.mark.parametrize("size", [30.0, 300.0, 3e4])
@pytest.mark.parametrize("ridge", [0.0, 1e-300])
@pytest.mark.parametrize("name", ["SoftmaxRegression", "ResNetSoftmaxRegression", "SoftmaxCrossEntropy"])
def test_a_softmax_that_is_one_hot_on_a_wrong_row_is_refused(name: str, ridge: float, size: float) -> None:
    A, b = rows(), np.full(30, 1.0 / 30)
    A[7] = [5.0, 5.0, 5.0]
    x = size * np.ones(3)
    problem = getattr(nk, name)(A, b, ridge=ridge)
    if name != "SoftmaxCrossEntropy":
        assert np.linalg.norm(problem.jac(x)) < 1e-25
    refused(problem, x)


@pytest.mark.parametrize("kind", ["SoftmaxCrossEntropy", "SoftmaxRegression"])
def test_separable_data_are_refused(kind: str) -> None:
    """Pairs of rows (a, -a), of which the one with <a, x> > 0 is chosen: no minimiser is finite."""
    half, direction = rows(), np.array([1.0, -0.5, 0.3])
    A = np.stack((half, -half), axis=1).reshape(-1, 3)
    chosen, groups = (A @ direction > 0.0).astype(float), np.arange(60) // 2
    problem = getattr(nk, kind)(A, chosen, groups=groups)
    result = nk.minimize(problem)
    assert not result.success
    for x in (result.x, *(scale * direction for scale in (0.0, 1.0, 10.0, 100.0, 1e3, 1e6))):
        refused(problem, x)


def test_a_target_below_the_range_of_exp_is_refused() -> None:
    """As the intercept falls the loss goes to its infimum, and the gradient to 0."""
    problem = nk.ExpRegression(rows(), np.full(30, -1.0), fit_intercept=True)
    for depth in (0.0, 5.0, 30.0, 300.0, 3000.0):
        refused(problem, np.array([0.0, 0.0, 0.0, -depth]))


def saturated() -> Iterator[tuple[nk.problems.Problem, Array]]:
    for case in grid_cases():
        if case.name.startswith(("plateau", "resnet-07")):
            problem = case.make()
            result = nk.minimize(problem, x0=case.x0, method="exact", rng=0)
            if result.status in (Status.SATURATED, Status.STALLED):
                yield problem, result.x


def test_saturated_results_of_the_grid_are_refused() -> None:
    refusals = 0
    for problem, x in saturated():
        refused(problem, x)
        refusals += 1
    assert refusals >= 10


# No unique minimiser


@pytest.mark.parametrize("copy", [1.0, -2.0, 0.1])
@pytest.mark.parametrize("kind", ["ExpRegression", "SoftmaxRegression", "SoftmaxCrossEntropy"])
def test_a_rank_deficient_design_is_refused_and_a_ridge_mends_it(kind: str, copy: float) -> None:
    A = rows()
    A[:, 2] = copy * A[:, 0]
    b = np.exp(0.3 * A[:, 0] - 0.2 * A[:, 1] + 0.1 * np.sin(np.arange(30)))
    b = b if kind == "ExpRegression" else b / b.sum()
    problem = getattr(nk, kind)(A, b)
    result = nk.minimize(problem)
    assert result.success
    refused(problem, result.x)
    ridged = getattr(nk, kind)(A, b, ridge=1e-3)
    assert nk.certify(ridged, nk.minimize(ridged).x).proven


@pytest.mark.parametrize("kind", ["EntropySoftmaxRegression", "SoftmaxRegression", "SoftmaxCrossEntropy"])
def test_the_intercept_of_a_softmax_is_refused(kind: str) -> None:
    """A constant added to u changes nothing."""
    A, b = rows(), np.full(30, 1 / 30)
    options = {"entropy_weight": 0.1} if kind.startswith("Entropy") else {}
    problem = getattr(nk, kind)(A, b * (1 + 0.5 * np.sin(np.arange(30))), fit_intercept=True, **options)
    result = nk.minimize(problem)
    assert result.success
    refused(problem, result.x)


# Random points


def test_random_points_get_only_what_is_true() -> None:
    """Where the Hessian is not positive definite there is nothing to prove."""
    refusals, faults = 0, []
    for number, case in enumerate(cases()):
        rng, judge, problem = np.random.default_rng([4, number]), Judge(case), case.make()
        x = rng.choice([1.0, 4.0]) / judge.lengths.max() * unit(rng, problem.n_parameters)
        if not np.isfinite(problem.fun(x)):
            continue
        if np.linalg.eigvalsh(judge.long.at(x).hessian.astype(float))[0] <= 0.0:
            refused(problem, x)
            refusals += 1
        else:
            faults += [(case.name, x, fault) for fault in judge.faults(nk.certify(problem, x), x, rng)]
    assert not faults, faults
    assert refusals >= 30


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_point_that_is_not_finite_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="x"):
        nk.certify(nk.ExpRegression(rows(), np.ones(30)), [0.0, value, 0.0])


def test_a_point_where_the_loss_overflows_is_refused() -> None:
    problem = nk.ExpRegression([[1.0], [1.0]], [1.0, 2.0])
    refused(problem, np.array([1e4]))
    inside_out = nk.ResNetSoftmaxRegression([[1.0], [-0.5]], [0.4, 0.6])
    refused(inside_out, np.array([-50.0]))
