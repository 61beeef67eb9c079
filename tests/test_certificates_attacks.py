"""Certificates under attack: data made to deceive, and requests that do not fit."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.certificates import prover
from newtonkit.design import KroneckerDesign
from newtonkit.problems.bounds.verified import verified_hessian
from newtonkit.results import Status
from tests.certificate_checks import Judge, unit
from tests.certificate_family import FUNCTIONS, Case, single
from tests.certificate_truth import DIGITS, SIXTY, Array, is_positive_definite

N, D = 9, 2
KINDS = (
    ("elementwise", "exp", 0.0),
    ("elementwise", "cosh", 0.0),
    ("elementwise", "power3", 0.0),
    ("rescaled", "exp", 0.0),
    ("normalised", "exp", 0.0),
    ("normalised", "exp", 10.0),
    ("normalised", "exp_plus_identity", 0.0),
    ("cross-entropy", "exp", 0.0),
)
FAR_OFF = np.array([1.0, -0.999])
GROUPS = np.repeat([3, 1, 2, 7], [1, 1, 3, 4])  # two of them with one row alone


def plain(kind: tuple[str, str, float], seed: int = 0) -> Case:
    """Return a case of ordinary size, with a ridge, which attacks are made of."""
    structure, activation, gamma = kind
    rng = np.random.default_rng([12, seed])
    A = rng.standard_normal((N, D))
    u = 1.5 + 0.3 * rng.standard_normal(N)
    b = FUNCTIONS[activation](u) * np.exp(0.05 * rng.standard_normal(N))
    b = b if structure == "elementwise" else b / b.sum()
    return single(structure, activation, A, b, entropy_weight=gamma, ridge=1e-2, offset=np.full(N, 1.5))


def near_collinear(case: Case) -> Case:
    A = case.A.copy()
    A[:, 1] = A[:, 0] * (1 + 1e-7 * np.arange(N))
    return replace(case, A=A, ridge=1e-6)


def with_rows_of_weight_0(case: Case, size: float = 1e4) -> Case:
    """Two rows, one of them large, that count for nothing."""
    A, weights = case.A.copy(), np.ones(N)
    A[4], weights[[2, 4]] = size, 0.0
    return replace(case, A=A, sample_weight=weights)


def far_off_rows(case: Case) -> Case:
    """Rows with a common part of 1e3 that the offset takes away again."""
    A = case.A + 1e3
    return replace(case, A=A, offset=np.asarray(case.offset) - A @ FAR_OFF)


def grouped(case: Case) -> Case:
    return case if case.structure == "elementwise" else replace(case, groups=GROUPS)


def with_groups_of_weight_0(case: Case) -> Case:
    if case.structure == "elementwise":
        return case
    return replace(case, groups=GROUPS, sample_weight=np.where(GROUPS == 2, 0.0, 0.5 + GROUPS))


def repeated(case: Case) -> Case:
    return replace(case, A=case.A[[0, 0, 0, 1, 1, 1, 2, 2, 2]])


def few_rows(case: Case) -> Case:
    """One row alone, where that is no constant: two of a softmax."""
    rows = slice(0, 2 if case.structure in ("normalised", "cross-entropy") else 1)
    return replace(case, A=case.A[rows], b=case.b[rows], offset=np.asarray(case.offset)[rows])


def with_mixed_target(case: Case) -> Case:
    return case if case.structure == "cross-entropy" else replace(case, b=case.b * (-1.0) ** np.arange(N))


def with_penalty_and_intercept(case: Case) -> Case:
    weights = 10.0 ** np.linspace(-6, 1, N)
    return replace(case, penalty_weights=weights, fit_intercept=True, storage="csr")


def kronecker(case: Case) -> Case:
    factors = np.array([[1.0], [-0.5], [0.3]]), case.A[:3]
    return replace(case, A=np.kron(*factors), factors=factors, fit_intercept=True)


ATTACKS = (
    near_collinear,
    with_rows_of_weight_0,
    far_off_rows,
    grouped,
    with_groups_of_weight_0,
    repeated,
    few_rows,
    with_mixed_target,
    with_penalty_and_intercept,
    kronecker,
)


def solved(attack: Any, number: int, **options: Any) -> tuple[Case, Any, Judge, Array]:
    """Return a case, its problem, who judges it, and where a solve ends."""
    case = attack(plain(KINDS[number], number))
    problem = case.make()
    x = nk.minimize(problem, FAR_OFF if attack is far_off_rows else None, **options).x
    return case, problem, Judge(without_rows_of_weight_0(case)), x


def without_rows_of_weight_0(case: Case) -> Case:
    """Return the case with zeros for rows that count for nothing: what is true of it is the same."""
    if case.sample_weight is None or case.groups is not None:
        return case
    return replace(case, A=np.where(case.sample_weight[:, None] > 0.0, case.A, 0.0))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_nothing_false_is_proven_of_deceptive_data(attack: Any) -> None:
    proven, false = 0, {}
    for number, kind in enumerate(KINDS):
        case, problem, judge, x = solved(attack, number, max_iter=60)
        rng = np.random.default_rng([13, number])
        for size in (0.0, 1e-3)[number % 2 :]:
            point = x + size * unit(rng, len(x)) / max(1.0, np.linalg.norm(case.A, axis=1)[:2].min())
            certificate = nk.certify(problem, point)
            proven += certificate.proven
            faults = judge.faults(certificate, point, rng)
            if faults:
                false[f"{kind} {size}"] = faults
    assert not false, false
    assert proven >= 4  # or the test would say nothing


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_the_verified_hessian_of_deceptive_data_holds(attack: Any) -> None:
    found = 0
    for number, kind in enumerate(KINDS):
        _, problem, judge, x = solved(attack, number, max_iter=3)
        known, true = verified_hessian(problem.evaluate(x)), judge.truth.at(x).hessian
        identity = SIXTY.array(np.eye(len(x)))
        slack = identity * (abs(true).max() * DIGITS.mpf(10) ** -30)
        if np.isfinite(known.lowest):
            assert is_positive_definite(true - identity * DIGITS.mpf(known.lowest) + slack), kind
            assert is_positive_definite(identity * DIGITS.mpf(known.highest) - true + slack), kind
        if known.transform is not None:
            found += 1
            X = SIXTY.array(known.transform)
            off, e = X.T @ true @ X - identity, identity * DIGITS.mpf(known.defect)
            assert is_positive_definite(e - off), kind
            assert is_positive_definite(e + off), kind
    assert found >= 2


def test_rows_of_weight_0_change_no_certificate_but_for_rounding() -> None:
    for number, kind in enumerate(KINDS):
        case = with_rows_of_weight_0(plain(kind, number), 1e60)
        small = without_rows_of_weight_0(case)
        x = nk.minimize(small.make()).x
        huge, usual = nk.certify(case.make(), x), nk.certify(small.make(), x)
        assert huge.proven == usual.proven, kind
        if usual.proven:
            assert huge.radius == pytest.approx(usual.radius, rel=1e-6), kind
            assert huge.l == pytest.approx(usual.l, rel=1e-6), kind


def test_the_edge_where_a_minimum_becomes_a_saddle() -> None:
    """1/2 (cosh(x) - b)^2 has curvature 1 - b at 0."""
    for gap in 10.0 ** np.arange(-17, 0):
        for b in (1.0 - gap, 1.0 + gap):
            case = single("elementwise", "cosh", [[1.0]], [b])
            certificate = nk.certify(case.make(), [0.0])
            assert not (certificate.proven and case.b[0] >= 1.0), b
            assert not Judge(case).faults(certificate, np.zeros(1), np.random.default_rng(14)), b


# Requests


def ordinary() -> tuple[nk.problems.Problem, Array]:
    case = plain(KINDS[0])
    problem = case.make()
    return problem, nk.minimize(problem).x


def test_a_changed_problem_is_not_judged_by_an_old_evaluation() -> None:
    problem, x = ordinary()
    problem.evaluate(x)
    case = plain(KINDS[0])
    assert nk.certify(problem.with_ridge(2.0), x) == nk.certify(replace(case, ridge=2.0).make(), x)
    rows = np.arange(2, 7)
    part = replace(case, A=case.A[rows], b=case.b[rows], offset=np.asarray(case.offset)[rows])
    assert nk.certify(problem.subset(rows), x) == nk.certify(part.make(), x)


def test_a_certificate_survives_copies() -> None:
    problem, x = ordinary()
    certificate = nk.certify(problem, x)
    for twin in (copy.copy(certificate), copy.deepcopy(certificate), pickle.loads(pickle.dumps(certificate))):
        assert twin == certificate
        assert twin.steps(1e-3) == certificate.steps(1e-3)
    result = nk.minimize(problem, certify=True)
    assert pickle.loads(pickle.dumps(result)).certificate == result.certificate


@pytest.mark.parametrize("eps", [5e-324, 1e-310, 1e-30, 1.0, 1e308])
def test_steps_take_any_distance(eps: float) -> None:
    problem, x = ordinary()
    certificate = nk.certify(problem, x + 1e-4)
    for method in ("exact", "sampled", "sketched"):
        steps = certificate.steps(eps, method, epsilon=1.0 - 1e-12)
        assert steps is None or 0 <= steps < 100_000
        assert (steps is None) == (eps < certificate.attainable)


@pytest.mark.parametrize("eps", [0.0, -1.0, np.nan, np.inf, "1", None, True, 1j])
def test_steps_refuse_what_is_no_distance(eps: Any) -> None:
    problem, x = ordinary()
    with pytest.raises((TypeError, ValueError), match="eps"):
        nk.certify(problem, x).steps(eps)


class Watch:
    """A callback that knows whether it was told of the end."""

    ended = False

    def __call__(self, record: Any) -> None:
        pass

    def end(self) -> None:
        self.ended = True


def test_an_interruption_of_the_proof_leaves_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    problem, _ = ordinary()
    watch = Watch()
    monkeypatch.setattr(prover, "enclosed_gradient", interrupted)
    result = nk.minimize(problem, certify=True, callback=watch)
    assert result.success
    assert result.certificate.reason == "The proof was interrupted."
    assert watch.ended


def test_a_solve_that_was_stopped_is_not_proven() -> None:
    def stop(_: Any) -> None:
        raise StopIteration

    problem, _ = ordinary()
    result = nk.minimize(problem, certify=True, callback=stop)
    assert result.status is Status.STOPPED_BY_CALLBACK
    assert result.certificate is not None
    assert not result.certificate.proven


@pytest.mark.parametrize("options", [{"starts": 3}, {"method": "sampled"}, {"method": "sketched"}])
def test_a_certificate_belongs_to_the_point_that_is_returned(options: dict[str, Any]) -> None:
    problem, _ = ordinary()
    result = nk.minimize(problem, certify=True, rng=0, **options)
    assert result.certificate == nk.certify(problem, result.x)


def test_points_are_taken_in_any_storage() -> None:
    problem, x = ordinary()
    right = nk.certify(problem, x)
    locked = x.copy()
    locked.flags.writeable = False
    for point in (locked, np.repeat(x, 2)[::2], list(x), x.astype(np.longdouble)):
        assert nk.certify(problem, point) == right


def test_what_is_far_away_ends_in_no_bound_without_a_warning() -> None:
    problem, x = ordinary()
    far = np.array([1e200, -1e200])
    assert not nk.certify(problem, far).proven
    for centre, radius in ((far, 1.0), (x, 1e308), (x, 1e150)):
        bounds = problem.curvature_bounds(centre, radius)
        assert np.isinf(bounds.M)
    softmax = nk.SoftmaxCrossEntropy(KroneckerDesign([[1.0]], [[1.0], [2.0]]), [0.5, 0.5], ridge=1.0)
    assert softmax.curvature_bounds([1e300], 1e308).l <= 1.0
