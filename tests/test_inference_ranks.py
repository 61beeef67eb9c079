"""Coefficients that the data hardly determines or not at all, and penalties."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import newtonkit as nk

RNG = np.random.default_rng(11)
N = 120
A = RNG.normal(size=(N, 3)) / 2
B = np.exp(A @ [0.5, -0.4, 0.3]) + 0.2 * RNG.normal(size=N)
CLUSTERS = np.arange(N) % 17
KINDS = ("classical", "sandwich", "clustered")
GROUPS = np.repeat(np.arange(30), 4)
CHOSEN = np.zeros(N)
CHOSEN[np.arange(30) * 4 + RNG.integers(0, 4, 30)] = 1.0


def inferred(kind, design, **options):
    if kind == "exp":
        problem = nk.ExpRegression(design, B, **options)
    else:
        problem = nk.SoftmaxCrossEntropy(design, CHOSEN, groups=GROUPS, **options)
    result = nk.minimize(problem, gtol=1e-13)
    assert result.success
    return nk.inference(problem, result, clusters=CLUSTERS if kind == "exp" else GROUPS // 3)


class TestDeficientRank:
    @pytest.mark.parametrize("kind", ["exp", "choice"])
    def test_a_repeated_column_is_as_if_left_out_for_the_others(self, kind):
        ours, full = inferred(kind, A[:, [0, 1, 2, 1]]), inferred(kind, A)
        for covariance in KINDS:
            errors = ours.std_errors(covariance)
            assert np.isnan(errors[[1, 3]]).all()
            np.testing.assert_allclose(errors[[0, 2]], full.std_errors(covariance)[[0, 2]], rtol=1e-8)
        assert ours.degrees_of_freedom == full.degrees_of_freedom == 3
        assert ours.aic == pytest.approx(full.aic, rel=1e-10)
        assert "does not determine" in str(ours)

    @pytest.mark.parametrize("size", [1.0, 1e-3, 1e4])
    def test_what_is_constant_in_every_choice_tells_nothing(self, size):
        own = size * (1.0 + GROUPS[:, None] ** 2)  # an income, not interacted with anything
        ours = inferred("choice", np.column_stack((A[:, :1], own, A[:, 1:])))
        full = inferred("choice", A)
        for covariance in KINDS:
            errors = ours.std_errors(covariance)
            assert np.isnan(errors[1])
            np.testing.assert_allclose(errors[[0, 2, 3]], full.std_errors(covariance), rtol=1e-8)
        assert ours.degrees_of_freedom == 3

    def test_a_dummy_for_every_alternative(self):
        dummies = np.tile(np.eye(4), (30, 1))
        ours = inferred("choice", np.column_stack((A, dummies)))
        full = inferred("choice", np.column_stack((A, dummies[:, 1:])))
        assert np.isnan(ours.std_errors()).tolist() == [False] * 3 + [True] * 4
        for covariance in KINDS:
            np.testing.assert_allclose(
                ours.std_errors(covariance)[:3], full.std_errors(covariance)[:3], rtol=1e-7
            )
        assert ours.degrees_of_freedom == 6

    @pytest.mark.parametrize("kind", ["exp", "choice"])
    def test_a_column_of_zeros(self, kind):
        ours = inferred(kind, np.column_stack((A, np.zeros(N))))
        assert np.isnan(ours.std_errors()).tolist() == [False, False, False, True]
        np.testing.assert_allclose(ours.std_errors()[:3], inferred(kind, A).std_errors(), rtol=1e-10)

    def test_rows_without_weight_determine_nothing(self):
        only = np.zeros(N)
        only[:5] = 1.0
        weights = 1.0 - only
        ours = inferred("exp", np.column_stack((A, only)), sample_weight=weights)
        assert np.isnan(ours.std_errors()).tolist() == [False, False, False, True]
        np.testing.assert_allclose(
            ours.std_errors("sandwich")[:3],
            inferred("exp", A, sample_weight=weights).std_errors("sandwich"),
            rtol=1e-9,
        )


class TestIllConditioned:
    @pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-8])
    @pytest.mark.parametrize("kind", ["exp", "choice"])
    def test_nearly_equal_columns(self, kind, gap):
        """The reparametrised problem says what the errors are: x on [a, a + gap c] is T^-1 x on [a, c]."""
        step = gap * A[:, 2]
        near = np.column_stack((A[:, 0], A[:, 1], A[:, 1] + step))
        exact = near[:, 2] - near[:, 1]  # what rounding left of the step
        plain = inferred(kind, np.column_stack((A[:, :2], exact / gap)))
        ours = inferred(kind, near)
        back = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0 / gap], [0.0, 0.0, 1.0 / gap]])
        for covariance in KINDS:
            expected = back @ plain.covariance(covariance) @ back.T
            np.testing.assert_allclose(
                ours.covariance(covariance), expected, rtol=1e-5, atol=1e-5 * expected[0, 0]
            )
        assert ours.degrees_of_freedom == 3

    def test_columns_that_differ_by_much_less_than_others(self):
        extra = RNG.normal(size=(N, 2)) / 2
        near = np.column_stack((A[:, 0], A[:, 0] + 1e-5 * extra[:, 0], A[:, 1], A[:, 1] + 1e-9 * extra[:, 1]))
        gaps = np.column_stack((1e5 * (near[:, 1] - near[:, 0]), 1e9 * (near[:, 3] - near[:, 2])))
        plain = inferred("exp", np.column_stack((A[:, :2], gaps)))
        back = np.zeros((4, 4))
        back[0, [0, 2]], back[1, 2], back[2, [1, 3]], back[3, 3] = [1.0, -1e5], 1e5, [1.0, -1e9], 1e9
        ours = inferred("exp", near)
        for covariance in KINDS:
            expected = np.sqrt(np.diagonal(back @ plain.covariance(covariance) @ back.T))
            np.testing.assert_allclose(ours.std_errors(covariance), expected, rtol=1e-5)

    def test_a_step_along_what_is_hardly_determined_is_told_from_a_minimum(self):
        problem = nk.ExpRegression(np.column_stack((A[:, 0], A[:, 1], A[:, 1] + 1e-6 * A[:, 2])), B)
        x = nk.minimize(problem, gtol=1e-13).x
        error = nk.inference(problem, x).std_errors()[2]
        nk.inference(problem, x + np.array([0.0, -3e-4, 3e-4]) * error)
        with pytest.raises(ValueError, match="a Newton step from it"):
            nk.inference(problem, x + np.array([0.0, -3e-3, 3e-3]) * error)

    def test_nearly_equal_columns_with_a_penalty_on_rows(self):
        options = {"penalty_weights": np.linspace(0.1, 0.5, N)}
        near = np.column_stack((A[:, 0], A[:, 1], A[:, 1] + 1e-6 * A[:, 2]))
        exact = 1e6 * (near[:, 2] - near[:, 1])
        plain = inferred("exp", np.column_stack((A[:, :2], exact)), **options)
        back = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1e6], [0.0, 0.0, 1e6]])
        ours = inferred("exp", near, **options)
        for covariance in KINDS:
            expected = back @ plain.covariance(covariance) @ back.T
            errors = np.sqrt(np.diagonal(expected))
            np.testing.assert_allclose(ours.std_errors(covariance), errors, rtol=1e-6)
        assert ours.degrees_of_freedom == pytest.approx(plain.degrees_of_freedom, rel=1e-7)

    @pytest.mark.parametrize("scale", [1e-12, 1e9])
    @pytest.mark.parametrize("kind", ["exp", "choice"])
    def test_units_of_a_column(self, kind, scale):
        factors = np.array([1.0, scale, 1.0])
        ours, plain = inferred(kind, A * factors), inferred(kind, A)
        for covariance in KINDS:
            np.testing.assert_allclose(
                ours.std_errors(covariance) * factors, plain.std_errors(covariance), rtol=1e-8
            )

    def test_a_far_away_mean(self):
        """Years: what all rows have in common cancels in a choice."""
        far = A + np.array([0.0, 2e4, 0.0])
        ours, plain = inferred("choice", far), inferred("choice", A)
        for covariance in KINDS:
            np.testing.assert_allclose(ours.std_errors(covariance), plain.std_errors(covariance), rtol=1e-6)


class TestPenalties:
    @pytest.mark.parametrize("kind", ["exp", "choice"])
    @pytest.mark.parametrize("options", [{"ridge": 2.0}, {"penalty_weights": np.linspace(0, 0.5, N)}])
    def test_covariance_is_that_of_the_penalised_estimator(self, kind, options):
        """With 40 digits, from the derivatives of the two likelihoods written out."""
        ours = inferred(kind, A, **options)
        x = mpmath.matrix(ours.estimates.tolist())
        design = mpmath.matrix(A.tolist())
        with mpmath.workdps(40):
            u = design * x
            information = mpmath.zeros(3, 3)
            squares = mpmath.mpf(0)
            shares = [mpmath.exp(value) for value in u]
            for g in range(30):
                rows = range(4 * g, 4 * g + 4)
                total = mpmath.fsum(shares[i] for i in rows)
                mean = sum((design[i, :] * (shares[i] / total) for i in rows), mpmath.zeros(1, 3))
                for i in rows:
                    if kind == "exp":
                        information += design[i, :].T * design[i, :] * shares[i] ** 2
                        squares += (shares[i] - B[i]) ** 2
                    else:
                        centred = design[i, :] - mean
                        information += centred.T * centred * shares[i] / total
            penalty = mpmath.eye(3) * options.get("ridge", 0.0)
            for i, w in enumerate(options.get("penalty_weights", np.zeros(N))):
                penalty += design[i, :].T * design[i, :] * mpmath.mpf(float(w)) ** 2
            inverse = (information + penalty) ** -1
            effective = sum((inverse * information)[k, k] for k in range(3))
            dispersion = squares / (N - effective) if kind == "exp" else 1
            expected = dispersion * inverse * information * inverse
        np.testing.assert_allclose(
            ours.covariance("classical"), np.array(expected.tolist(), dtype=float), rtol=1e-9, atol=1e-12
        )
        assert ours.degrees_of_freedom == pytest.approx(float(effective), rel=1e-10)
        assert ours.degrees_of_freedom < 2.99
        assert ours.dispersion == pytest.approx(float(dispersion), rel=1e-10)
        assert ours.penalised
        assert "bias" in str(ours)

    def test_the_penalty_is_no_part_of_the_log_likelihood(self):
        ours = inferred("choice", A, ridge=2.0)
        problem = nk.SoftmaxCrossEntropy(A, CHOSEN, groups=GROUPS)
        assert ours.log_likelihood == pytest.approx(-problem.fun(ours.estimates), rel=1e-12)
        assert ours.aic == pytest.approx(2 * problem.fun(ours.estimates) + 2 * ours.degrees_of_freedom)

    def test_a_ridge_determines_what_the_data_does_not(self):
        ours = inferred("exp", A[:, [0, 1, 2, 1]], ridge=1e-3)
        assert np.isfinite(ours.std_errors()).all()
        assert 2.9 < ours.degrees_of_freedom < 3.0

    def test_a_small_ridge_shares_out_between_equal_columns(self):
        ours, plain = inferred("exp", A[:, [0, 1, 2, 1]], ridge=1e-6), inferred("exp", A)
        for covariance in KINDS:
            errors, expected = ours.std_errors(covariance), plain.std_errors(covariance)
            np.testing.assert_allclose(errors[[0, 2]], expected[[0, 2]], rtol=1e-7)
            np.testing.assert_allclose(errors[[1, 3]], expected[1] / 2.0, rtol=1e-6)

    def test_a_vanishing_ridge_changes_nothing(self):
        ours, plain = inferred("exp", A, ridge=1e-12), inferred("exp", A)
        for covariance in KINDS:
            np.testing.assert_allclose(ours.covariance(covariance), plain.covariance(covariance), rtol=1e-8)
