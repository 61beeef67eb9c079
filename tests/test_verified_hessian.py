"""The Hessian with its rounding errors, against sixty digits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.problems import Power
from newtonkit.problems.bounds import verified
from newtonkit.problems.bounds.row_curvature import row_curvature
from newtonkit.problems.bounds.verified import enclosed_hessian, spectral_norm, verified_hessian
from tests.certificate_family import cases
from tests.certificate_truth import SIXTY, Truth

SOME = list(cases())[::5]


def truth_at(case, x):
    """Return the Hessian in sixty digits."""
    truth = Truth(case)
    return truth.at(truth.numbers.array(x)).hessian


def point_of(case, seed):
    rng = np.random.default_rng(seed)
    d = case.make().n_parameters
    size = float(np.abs(Truth(case).A.astype(float)).sum(axis=1).max())
    return rng.standard_normal(d) / size


@pytest.fixture(scope="module")
def gaps():
    """Return how far the entries of true Hessians are from the computed ones, in units of their errors."""
    found = []
    for number, case in enumerate(SOME):
        x = point_of(case, number)
        evaluation = case.make().evaluate(x)
        dense, error = enclosed_hessian(evaluation, row_curvature(evaluation))
        sizes = np.sqrt(np.diagonal(evaluation.hessian.to_dense()).clip(0.0))
        assert (error <= 1e-6 * np.maximum(np.outer(sizes, sizes), np.abs(dense).max())).all(), case.name
        found.append((np.abs(truth_at(case, x) - SIXTY.array(dense)) / SIXTY.array(error)).ravel())
    return np.concatenate(found)


def test_every_entry_is_within_its_error(gaps):
    assert (gaps <= 1).all()
    assert len(gaps) >= 400


def test_the_errors_are_needed(gaps):
    """A ten-thousandth of them would not do: there are entries that are off by that much."""
    assert (gaps > 1e-4).sum() >= 10


def test_eigenvalues_and_transform_are_as_claimed():
    proven = 0
    for number, case in enumerate(SOME):
        x = point_of(case, number)
        found = verified_hessian(case.make().evaluate(x))
        hessian = truth_at(case, x)
        values = np.linalg.eigvalsh(hessian.astype(float))
        slack = 1e-13 * np.abs(values).max()
        assert found.lowest <= values[0] + slack, case.name
        assert found.highest >= values[-1] - slack, case.name
        assert found.highest <= values[-1] + 1e-6 * np.abs(values).max(), case.name
        if found.transform is None:
            assert found.defect == np.inf
            continue
        proven += 1
        transform = SIXTY.array(found.transform)
        moved = (transform.T @ hessian @ transform - np.eye(len(values))).astype(float)
        assert np.linalg.norm(moved, 2) <= found.defect < 1e-3, case.name
        assert found.lowest >= 0.9 * values[0], case.name
    assert proven >= 0.4 * len(SOME)


def test_a_singular_hessian_is_never_positive():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(40, 4))
    A[:, 3] = A[:, 0] - 2.0 * A[:, 1]
    problems = [
        nk.ExpRegression(A, np.ones(40)),
        nk.SoftmaxCrossEntropy(np.column_stack((A[:, :2], np.ones(40))), np.ones(40)),  # a constant column
        nk.SoftmaxRegression(A, np.full(40, 1 / 40)),
    ]
    for problem in problems:
        found = verified_hessian(problem.evaluate(np.zeros(problem.n_parameters)))
        assert found.lowest <= 0.0
        assert found.transform is None


def test_where_derivatives_overflow_nothing_is_known():
    problem = nk.ExpRegression([[1.0]], [1.0])
    found = verified_hessian(problem.evaluate([400.0]))
    assert (found.lowest, found.highest) == (-np.inf, np.inf)


class TestManyColumns:
    @pytest.fixture(autouse=True)
    def small_limit(self, monkeypatch):
        monkeypatch.setattr(verified, "MOST_DENSE", 3)

    def test_a_ridge_on_a_convex_loss_is_seen(self):
        rng = np.random.default_rng(1)
        A, b = rng.normal(size=(30, 5)), rng.uniform(size=30)
        for penalty in (None, np.full(30, 0.5)):
            problem = nk.SoftmaxCrossEntropy(A, b, ridge=0.25, penalty_weights=penalty)
            evaluation = problem.evaluate(rng.normal(size=5))
            found = verified_hessian(evaluation)
            assert found.lowest == 0.25
            assert found.transform is None
            assert found.highest >= np.linalg.eigvalsh(evaluation.hessian.to_dense())[-1]

    def test_nothing_is_known_of_a_loss_that_may_not_be_convex(self):
        problem = nk.ExpRegression(np.eye(5), np.full(5, 3.0), ridge=1.0)
        assert verified_hessian(problem.evaluate(np.zeros(5))).lowest == -np.inf

    def test_a_certificate_by_the_ridge_alone(self):
        rng = np.random.default_rng(2)
        A, b = rng.normal(size=(30, 5)), rng.uniform(size=30)
        problem = nk.SoftmaxCrossEntropy(A, b, ridge=5.0)
        x = nk.minimize(problem, gtol=1e-12).x
        certificate = nk.certify(problem, x + 1e-4 / np.sqrt(5.0))
        assert certificate.proven
        assert 1e-4 <= certificate.radius <= 1e-2
        assert certificate.region is None


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (30, 30), (7, 3)])
def test_the_spectral_norm_is_bounded_closely(shape):
    matrix = np.random.default_rng(3).normal(size=shape)
    true = np.sqrt(max(np.linalg.eigvalsh(matrix.T @ matrix)))
    assert true * (1 - 1e-14) <= spectral_norm(matrix) <= true * (1 + 1e-10)


def entry_of_a_long_sum():
    """Return the gap and the error of an entry that is 1 and 4095 squares too small to be added to 1."""
    A = np.full((4096, 2), 1e-8)
    A[0] = 1.0
    problem = nk.problems.Regression(A, np.ones(4096), structure="elementwise", activation=Power(1))
    evaluation = problem.evaluate([0.0, 0.0])
    dense, error = enclosed_hessian(evaluation, row_curvature(evaluation))
    exact = sum(Fraction(float(a)) ** 2 for a in A[:, 0])
    return abs(Fraction(float(dense[0, 0])) - exact), error[0, 0]


def test_the_rounding_of_sums_is_counted(monkeypatch):
    gap, error = entry_of_a_long_sum()
    assert 0 < gap <= error
    monkeypatch.setattr(verified, "_chain", lambda n, d: 0)
    gap, error = entry_of_a_long_sum()
    assert gap > error
