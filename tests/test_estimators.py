"""What the estimators minimise, against objectives written out, SciPy, scikit-learn and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize
from sklearn.linear_model import LogisticRegression
from statsmodels.discrete.conditional_models import ConditionalLogit

import newtonkit as nk
from newtonkit.estimators.binary import BinaryLogLoss, BinarySquares
from tests import estimator_data as data

ELEMENTWISE = list(data.ACTIVATIONS)
WEIGHTS = np.random.default_rng(5).integers(0, 4, size=60).astype(float)
EXACT = {"gtol": 1e-13, "max_iter": 500}


def _x(model):
    return np.append(model.coef_, model.intercept_)


def _assert_minimises(value, x):
    """A minimiser by finite differences goes back to x from near it."""
    start = x + 0.05 * np.cos(np.arange(len(x)))
    found = optimize.minimize(value, start, method="BFGS", options={"gtol": 1e-9}).x
    np.testing.assert_allclose(x, found, atol=2e-6)


class TestElementwise:
    @pytest.mark.parametrize("kind", ELEMENTWISE)
    @pytest.mark.parametrize("s", [np.ones(60), WEIGHTS], ids=["plain", "weighted"])
    def test_the_objective_is_that_of_the_docstring(self, kind, s):
        X, y = data.regression_data(kind)
        model = kind(alpha=0.05).fit(X, y, sample_weight=s)
        _assert_minimises(data.elementwise_objective(kind, X, y, s, 0.05), _x(model))

    @pytest.mark.parametrize("kind", ELEMENTWISE)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_coefficients_are_those_of_the_problem(self, kind, fit_intercept):
        X, y = data.regression_data(kind)
        ridge = 0.05 * WEIGHTS.sum()
        problem = data.PROBLEMS[kind](X, y, ridge=ridge, sample_weight=WEIGHTS, fit_intercept=fit_intercept)
        x = nk.minimize(problem, **EXACT).x
        model = kind(alpha=0.05, fit_intercept=fit_intercept).fit(X, y, sample_weight=WEIGHTS)
        sign = np.sign(x[0] * model.coef_[0]) if kind is nk.CoshRegressor else 1.0
        expected = sign * (x if fit_intercept else np.append(x, 0.0))
        np.testing.assert_allclose(_x(model), expected, rtol=0, atol=1e-8)

    @pytest.mark.parametrize("kind", ELEMENTWISE)
    def test_the_intercept_is_not_penalised(self, kind):
        X, y = data.regression_data(kind)
        model = kind(alpha=1e6).fit(X, y)
        np.testing.assert_allclose(model.coef_, 0.0, atol=1e-5)
        np.testing.assert_allclose(model.predict(X), y.mean(), rtol=1e-4)

    @pytest.mark.parametrize("kind", ELEMENTWISE)
    def test_predictions_are_f_of_u_and_the_score_is_r_squared(self, kind):
        X, y = data.regression_data(kind)
        model = kind().fit(X, y)
        predicted = data.ACTIVATIONS[kind](X @ model.coef_ + model.intercept_)
        np.testing.assert_allclose(model.predict(X), predicted, rtol=1e-13)
        mean = np.average(y, weights=WEIGHTS)
        r2 = 1.0 - WEIGHTS @ (y - predicted) ** 2 / (WEIGHTS @ (y - mean) ** 2)
        assert model.score(X, y, sample_weight=WEIGHTS) == pytest.approx(r2, abs=1e-12)
        assert r2 > 0.8

    def test_predictions_that_overflow_are_infinite_without_a_warning(self):
        X, y = data.regression_data(nk.ExpRegressor)
        assert np.isinf(nk.ExpRegressor().fit(X, y).predict([[1e6, 0.0, 0.0]])[0])


class TestSoftmax:
    @pytest.mark.parametrize("entropy_weight", [None, 0.3])
    @pytest.mark.parametrize("grouped", [False, True])
    def test_the_objective_is_that_of_the_docstring(self, entropy_weight, grouped):
        X, y = data.amounts()
        rng = np.random.default_rng(1)
        groups = rng.integers(0, 6, size=60) if grouped else np.zeros(60, dtype=int)
        t = rng.integers(1, 4, size=6).astype(float) if grouped else np.ones(1)
        model = _softmax(entropy_weight, alpha=0.05)
        model.fit(X, y, groups if grouped else None, sample_weight=t[groups])
        value = data.softmax_objective(X, y, groups, t, 0.05, entropy_weight or 0.0)
        _assert_minimises(value, model.coef_)

    @pytest.mark.parametrize("entropy_weight", [None, 0.3])
    @pytest.mark.parametrize("grouped", [False, True])
    def test_coefficients_are_those_of_the_problem(self, entropy_weight, grouped):
        X, y = data.amounts()
        groups = np.arange(60) % 6 if grouped else None
        m = 6 if grouped else 1
        totals = np.bincount(groups, y)[groups] if grouped else y.sum()
        options = {"groups": groups, "ridge": 0.05 * m * m / 60}
        if entropy_weight is None:
            problem = nk.SoftmaxRegression(X, y / totals, **options)
        else:
            weight = entropy_weight * m / 60
            problem = nk.EntropySoftmaxRegression(X, y / totals, entropy_weight=weight, **options)
        model = _softmax(entropy_weight, alpha=0.05).fit(X, y, groups)
        np.testing.assert_allclose(model.coef_, nk.minimize(problem, **EXACT).x, rtol=0, atol=1e-8)

    def test_a_distribution_is_taken_as_it_is_and_predictions_sum_to_it(self):
        X, y = data.amounts()
        model = nk.SoftmaxRegressor().fit(X, y / y.sum())
        np.testing.assert_allclose(model.predict(X).sum(), 1.0, rtol=1e-13)
        np.testing.assert_allclose(model.predict(X), np.exp(X @ model.coef_ + model.intercept_), rtol=1e-13)

    def test_amounts_come_back_in_their_units(self):
        X, y = data.amounts()
        shares, model = nk.SoftmaxRegressor().fit(X, y / y.sum()), nk.SoftmaxRegressor().fit(X, y)
        np.testing.assert_allclose(model.coef_, shares.coef_, atol=1e-9)
        np.testing.assert_allclose(model.predict(X), y.sum() * shares.predict(X), rtol=1e-8)
        assert model.score(X, y) == pytest.approx(shares.score(X, y / y.sum()), abs=1e-8)

    def test_each_row_is_predicted_by_itself(self):
        X, y = data.amounts()
        model = nk.SoftmaxRegressor().fit(X, y)
        one_by_one = [model.predict(row[None])[0] for row in X]
        np.testing.assert_allclose(model.predict(X), one_by_one, rtol=1e-13)

    def test_weights_are_repetitions_in_the_normaliser_too(self):
        X, y = data.amounts()
        times = WEIGHTS.astype(int)
        repeated = nk.SoftmaxRegressor().fit(X.repeat(times, axis=0), y.repeat(times))
        weighted = nk.SoftmaxRegressor().fit(X, y, sample_weight=WEIGHTS)
        np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)
        assert weighted.intercept_ == pytest.approx(repeated.intercept_, abs=1e-9)

    def test_groups_are_normalised_each_for_itself_in_any_order(self):
        X, y = data.amounts()
        groups = np.random.default_rng(2).integers(0, 7, size=60).astype(str)
        model = nk.SoftmaxRegressor().fit(X, y, groups)
        predicted = model.predict(X, groups)
        for label in np.unique(groups):
            mine = groups == label
            e = np.exp(X[mine] @ model.coef_)
            np.testing.assert_allclose(predicted[mine], e / e.sum(), rtol=1e-12)
        shares = y / np.array([y[groups == label].sum() for label in groups])
        r2 = 1.0 - np.sum((shares - predicted) ** 2) / np.sum((shares - shares.mean()) ** 2)
        assert model.score(X, y, groups) == pytest.approx(r2, abs=1e-12)

    def test_the_weight_of_entropy_makes_predictions_more_even(self):
        X, y = data.amounts()
        entropies = []
        for weight in (0.0, 0.3, 3.0):
            p = nk.EntropySoftmaxRegressor(entropy_weight=weight).fit(X, y).predict(X) / y.sum()
            entropies.append(-p @ np.log(p))
        assert entropies[0] < entropies[1] - 0.01 < entropies[2] - 0.02

    def test_the_intercept_option_changes_nothing(self):
        X, y = data.amounts()
        with_it, without = (nk.SoftmaxRegressor(fit_intercept=flag).fit(X, y) for flag in (True, False))
        np.testing.assert_array_equal(with_it.predict(X), without.predict(X))


def _softmax(entropy_weight, **options):
    if entropy_weight is None:
        return nk.SoftmaxRegressor(**options)
    return nk.EntropySoftmaxRegressor(entropy_weight=entropy_weight, **options)


class TestChoice:
    @pytest.mark.parametrize("loss", ["log", "squared"])
    def test_the_objective_is_that_of_the_docstring(self, loss):
        X, y, groups = data.choices()
        t = np.random.default_rng(3).integers(0, 4, size=40).astype(float)
        model = nk.ChoiceClassifier(loss=loss, alpha=0.02).fit(X, y, groups, sample_weight=t[groups])
        _assert_minimises(data.choice_objective(loss, X, y, groups, t, 0.02), model.coef_)
        assert model.intercept_ == 0.0

    @pytest.mark.parametrize(
        ("loss", "problem"), [("log", nk.SoftmaxCrossEntropy), ("squared", nk.SoftmaxRegression)]
    )
    def test_coefficients_are_those_of_the_problem(self, loss, problem):
        X, y, groups = data.choices()
        x = nk.minimize(problem(X, y, groups=groups, ridge=0.02 * 40), **EXACT).x
        model = nk.ChoiceClassifier(loss=loss, alpha=0.02).fit(X, y, groups)
        np.testing.assert_allclose(model.coef_, x, rtol=0, atol=1e-8)

    def test_without_penalty_it_is_the_conditional_logit_of_statsmodels(self):
        X, y, groups = data.choices()
        order = np.argsort(groups, kind="stable")
        known = ConditionalLogit(y[order], X[order], groups=groups[order]).fit(disp=False, method="newton")
        model = nk.ChoiceClassifier(alpha=0.0).fit(X, y, groups)
        np.testing.assert_allclose(model.coef_, known.params, atol=1e-7)
        assert model.result_.fun == pytest.approx(-known.llf, rel=1e-10)

    @pytest.mark.parametrize("weights", [None, np.arange(80) % 4], ids=["plain", "weighted"])
    def test_without_groups_it_is_logistic_regression(self, weights):
        X, y = data.binary_data()
        total = 80 if weights is None else weights.sum()
        known = LogisticRegression(C=1.0 / (0.02 * total), solver="newton-cholesky", tol=1e-12)
        known.fit(X, y, sample_weight=weights)
        model = nk.ChoiceClassifier(alpha=0.02).fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(model.coef_, known.coef_[0], atol=1e-8)
        assert model.intercept_ == pytest.approx(known.intercept_[0], abs=1e-8)
        np.testing.assert_allclose(model.predict_proba(X), known.predict_proba(X), atol=1e-8)
        np.testing.assert_allclose(model.decision_function(X), known.decision_function(X), atol=1e-7)
        assert model.score(X, y, sample_weight=weights) == known.score(X, y, sample_weight=weights)

    @pytest.mark.parametrize("loss", ["log", "squared"])
    @pytest.mark.parametrize("solver", ["exact", "sketched"])
    def test_a_row_against_the_outside_option_is_a_group_of_two(self, loss, solver):
        X, y = data.binary_data(n=3000)
        both, marks, groups = data.with_outside_options(X, y)
        problem = nk.SoftmaxCrossEntropy if loss == "log" else nk.SoftmaxRegression
        ridge = [0.02 * 3000] * data.FEATURES + [0.0]
        x = nk.minimize(problem(both, marks, groups=groups, ridge=ridge), **EXACT).x
        model = nk.ChoiceClassifier(loss=loss, alpha=0.02, solver=solver, random_state=0).fit(X, y)
        np.testing.assert_allclose(_x(model), x, rtol=0, atol=1e-8)

    def test_probabilities_labels_and_margins_within_groups(self):
        X, y, groups = data.choices()
        labels = np.array(["left", "taken"])[y]
        model = nk.ChoiceClassifier().fit(X, labels, groups)
        p, predicted, margins = (
            method(X, groups) for method in (model.predict_proba, model.predict, model.decision_function)
        )
        np.testing.assert_allclose(p.sum(axis=1), 1.0, rtol=1e-15)
        u, hits = X @ model.coef_, 0
        for group in np.unique(groups):
            mine = np.flatnonzero(groups == group)
            e = np.exp(u[mine])
            np.testing.assert_allclose(p[mine, 1], e / e.sum(), rtol=1e-12)
            rivals = [np.delete(u[mine], k).max() for k in range(len(mine))]
            np.testing.assert_allclose(margins[mine], u[mine] - rivals, atol=1e-12)
            best = mine[np.argmax(u[mine])]
            assert predicted[mine].tolist() == ["taken" if row == best else "left" for row in mine]
            hits += labels[best] == "taken"
        assert model.score(X, labels, groups) == hits / 40
        assert 20 < hits < 40

    def test_the_score_weighs_choices(self):
        X, y, groups = data.choices()
        model = nk.ChoiceClassifier().fit(X, y, groups)
        right = (model.predict(X, groups) == 1)[y == 1]
        weights = 1.0 + groups
        expected = np.average(right, weights=weights[y == 1])
        assert model.score(X, y, groups, sample_weight=weights) == pytest.approx(expected, rel=1e-14)

    def test_of_equal_alternatives_the_first_is_predicted_and_one_alone_has_no_rival(self):
        X, y, groups = data.choices()
        model = nk.ChoiceClassifier().fit(X, y, groups)
        alike, labels = np.ones((5, 3)), [2, 1, 2, 1, 0]
        assert model.predict(alike, labels).tolist() == [1, 1, 0, 0, 1]
        assert model.decision_function(alike, labels).tolist() == [0.0, 0.0, 0.0, 0.0, np.inf]


class TestBinaryLosses:
    @pytest.mark.parametrize(
        ("loss", "value"),
        [
            (BinaryLogLoss, lambda u, b: np.log1p(np.exp(u)) - b * u),
            (BinarySquares, lambda u, b: (1.0 / (1.0 + np.exp(-u)) - b) ** 2),
        ],
    )
    def test_derivatives_are_those_of_complex_steps(self, loss, value):
        u, b = np.linspace(-4.0, 4.0, 33), np.arange(33) % 2.0
        found, first, second = loss(b).terms(u, b)
        h = 1e-4
        np.testing.assert_allclose(found, value(u, b), rtol=1e-12)
        np.testing.assert_allclose(first, value(u + 1e-30j, b).imag / 1e-30, rtol=1e-12)
        differences = (loss(b).terms(u + h, b)[1] - loss(b).terms(u - h, b)[1]) / (2.0 * h)
        np.testing.assert_allclose(second, differences, atol=1e-8)

    @pytest.mark.parametrize("loss", [BinaryLogLoss, BinarySquares])
    def test_far_out_nothing_overflows_and_small_losses_keep_their_digits(self, loss):
        u, b = np.array([-800.0, -40.0, 40.0, 800.0]), np.array([0.0, 0.0, 1.0, 1.0])
        terms = loss(b).terms(u, b)
        power = 1 if loss is BinaryLogLoss else 2
        np.testing.assert_allclose(
            terms[0], [0.0, np.exp(-40.0 * power), np.exp(-40.0 * power), 0.0], rtol=1e-12
        )
        assert all(np.isfinite(term).all() for term in terms)
        wrong = loss(1.0 - b).terms(u, 1.0 - b)[0]
        np.testing.assert_allclose(wrong, [800.0, 40.0, 40.0, 800.0] if power == 1 else 1.0, rtol=1e-15)

    @pytest.mark.parametrize("loss", [BinaryLogLoss, BinarySquares])
    def test_a_sample_of_rows_stands_for_all(self, loss):
        X, y = data.binary_data(n=60)
        problem = nk.problems.Problem(X, loss(y, WEIGHTS + 1.0))
        rows = np.array([3, 17, 40])
        x = np.array([0.3, -0.2, 0.5])
        alone = [nk.problems.Problem(X[[i]], loss(y[[i]], WEIGHTS[[i]] + 1.0)).fun(x) for i in rows]
        assert problem.sampled(rows).fun(x) == pytest.approx(20.0 * sum(alone), rel=1e-13)
