"""How the estimators behave in a fit: weights, starts, signs, warnings, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import newtonkit as nk
from newtonkit.estimators import base
from tests import estimator_data as data

ELEMENTWISE = list(data.ACTIVATIONS)
SOFTMAX = [nk.SoftmaxRegressor, nk.EntropySoftmaxRegressor]
ALL = [*ELEMENTWISE, *SOFTMAX, nk.ChoiceClassifier]


def _data(kind):
    if kind in ELEMENTWISE:
        return data.regression_data(kind)
    return data.amounts() if kind in SOFTMAX else data.binary_data(n=60)


class TestWeights:
    @pytest.mark.parametrize("kind", ALL)
    def test_are_repetitions(self, kind):
        X, y = _data(kind)
        times = np.random.default_rng(5).integers(0, 4, size=60)
        weighted = kind(alpha=0.01).fit(X, y, sample_weight=times)
        repeated = kind(alpha=0.01).fit(X.repeat(times, axis=0), y.repeat(times))
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-8)
        assert weighted.intercept_ == pytest.approx(repeated.intercept_, abs=1e-8)

    @pytest.mark.parametrize("kind", [*SOFTMAX, nk.ChoiceClassifier])
    def test_of_groups_are_repetitions_of_groups(self, kind):
        X, y, groups = data.choices()
        t = np.arange(40) % 3
        copies = [np.flatnonzero(groups == g) for g in range(40) for _ in range(t[g])]
        numbers = np.repeat(np.arange(len(copies)), [len(copy) for copy in copies])
        taken = np.concatenate(copies)
        weighted = kind(alpha=0.01).fit(X, y, groups, sample_weight=t[groups])
        repeated = kind(alpha=0.01).fit(X[taken], y[taken], numbers)
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-8)

    def test_of_zero_leave_even_impossible_groups_out(self):
        X, y, groups = data.choices()
        spoilt = y.copy()
        spoilt[groups == 3] = 0
        weights = (groups != 3).astype(float)
        for kind in (nk.ChoiceClassifier, nk.SoftmaxRegressor):
            with pytest.raises(ValueError, match=r"in one it marks 0|positive sum in each of the groups"):
                kind().fit(X, spoilt, groups)
            left_out = kind().fit(X, spoilt, groups, sample_weight=weights)
            absent = kind().fit(X[groups != 3], y[groups != 3], groups[groups != 3])
            np.testing.assert_allclose(left_out.coef_, absent.coef_, atol=1e-8)

    @pytest.mark.parametrize("kind", ALL)
    def test_that_are_negative_or_all_zero_are_refused(self, kind):
        X, y = _data(kind)
        with pytest.raises(ValueError, match=r"[Nn]egative|sample_weight"):
            kind().fit(X, y, sample_weight=np.linspace(-1, 1, 60))
        with pytest.raises(ValueError, match="zero"):
            kind().fit(X, y, sample_weight=np.zeros(60))

    def test_that_differ_within_a_group_are_refused(self):
        X, y, groups = data.choices()
        with pytest.raises(ValueError, match="constant within each of the groups"):
            nk.ChoiceClassifier().fit(X, y, groups, sample_weight=np.arange(len(y)) + 1.0)

    def test_leave_no_class_without_rows(self):
        X, y = data.binary_data()
        with pytest.raises(ValueError, match="one class"):
            nk.ChoiceClassifier().fit(X, y, sample_weight=y)
        three = np.where(np.arange(80) < 5, 2, y)
        model = nk.ChoiceClassifier().fit(X, three, sample_weight=(three < 2).astype(float))
        assert model.classes_.tolist() == [0, 1]


class TestStarts:
    @pytest.mark.parametrize("kind", ALL)
    def test_warm_ones_are_where_the_last_fit_ended(self, kind):
        X, y = _data(kind)
        model = kind(warm_start=True).fit(X, y)
        first, cold = model.coef_.copy(), model.n_iter_
        assert cold > 1
        assert model.fit(X, y).n_iter_ == 0
        np.testing.assert_array_equal(model.coef_, first)
        moved = X * 1.01
        assert model.fit(moved, y).n_iter_ < kind().fit(moved, y).n_iter_
        assert kind().fit(X, y).fit(X, y).n_iter_ == cold

    def test_warm_ones_are_left_where_the_loss_is_not_finite(self):
        X, y = data.regression_data(nk.ExpRegressor)
        model = nk.ExpRegressor(warm_start=True).fit(X, y)
        assert model.fit(1e5 * X, y).result_.success
        np.testing.assert_allclose(model.coef_, nk.ExpRegressor().fit(1e5 * X, y).coef_, rtol=1e-10)

    def test_warm_ones_need_the_same_features(self):
        X, y = data.regression_data(nk.ExpRegressor)
        model = nk.ExpRegressor(warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match=r"warm_start .* there were 3, X has 2"):
            model.fit(X[:, :2], y)

    @pytest.mark.parametrize("kind", ALL)
    @pytest.mark.parametrize("solver", ["exact", "sketched", "sampled"])
    def test_the_same_fit_is_the_same_to_the_last_bit(self, kind, solver):
        X, y = _data(kind)
        once, again = (kind(solver=solver).fit(X, y) for _ in range(2))
        np.testing.assert_array_equal(once.coef_, again.coef_)
        assert once.result_.method == solver
        np.testing.assert_allclose(once.coef_, kind().fit(X, y).coef_, atol=1e-6)

    def test_random_states_seed_the_samples(self):
        X, y = data.regression_data(nk.SinhRegressor, n=2000)
        fits = {
            name: nk.SinhRegressor(solver="sampled", random_state=state, max_iter=50, tol=1e-6).fit(X, y)
            for name, state in {
                "a": 1,
                "b": 1,
                "c": 2,
                "d": np.random.RandomState(1),
                "e": np.random.RandomState(1),
            }.items()
        }
        x = {name: fit.coef_.tolist() for name, fit in fits.items()}
        assert x["a"] == x["b"] != x["c"]
        assert x["d"] == x["e"] != x["a"]


class TestCosh:
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_the_largest_coefficient_is_positive(self, fit_intercept):
        X, y = data.regression_data(nk.CoshRegressor)
        model, mirrored = (
            nk.CoshRegressor(fit_intercept=fit_intercept).fit(rows, y) for rows in (X, X * [-1, 1, 1])
        )
        assert model.coef_[np.argmax(np.abs(model.coef_))] > 0.0
        assert mirrored.coef_[np.argmax(np.abs(mirrored.coef_))] > 0.0
        kept = model.coef_ if not fit_intercept else np.append(model.coef_, model.intercept_)
        np.testing.assert_array_equal(model.result_.x, kept)
        problem = nk.CoshRegression(X, y, ridge=1e-3 * 60, fit_intercept=fit_intercept)
        np.testing.assert_allclose(model.result_.jac, problem.jac(kept), atol=1e-6)

    def test_without_intercept_the_saddle_at_zero_is_left(self):
        X = data.rows()
        y = np.cosh(X @ [0.3, 0.2, -0.9])
        model = nk.CoshRegressor(alpha=0.0, fit_intercept=False).fit(X, y)
        np.testing.assert_allclose(model.coef_, [-0.3, -0.2, 0.9], atol=1e-8)

    def test_u_that_change_sign_are_found_from_zero(self):
        """From a constant alone this ends in a minimum with u of one sign and R^2 of 0.1."""
        rng = np.random.default_rng(8)
        X = rng.normal(size=(200, 3))
        y = np.cosh(X @ (0.3 * rng.normal(size=3)))
        assert nk.CoshRegressor(alpha=0.0).fit(X, y).score(X, y) > 1.0 - 1e-9

    def test_u_of_one_sign_are_found_from_a_constant(self):
        """From zero alone this ends in a minimum that is 1 % higher."""
        rng = np.random.default_rng(9)
        X = rng.normal(size=(60, 3))
        y = np.cosh(X @ rng.normal(size=3) - 2.0)
        y += 0.5 * y.std() * rng.normal(size=60)
        from_zero = nk.minimize(nk.CoshRegression(X, y, fit_intercept=True)).fun
        assert nk.CoshRegressor(alpha=0.0).fit(X, y).result_.fun < 0.99 * from_zero


class TestHonesty:
    def test_of_two_ends_a_minimum_comes_first_and_then_the_lower_value(self):
        ends = {
            name: nk.MinimizeResult(success=success, fun=value)
            for name, success, value in (("flat", False, 1.0), ("high", True, 2.0), ("low", True, 1.5))
        }
        assert base._is_better(ends["high"], ends["flat"])
        assert not base._is_better(ends["flat"], ends["high"])
        assert base._is_better(ends["low"], ends["high"])
        same = nk.MinimizeResult(success=True, fun=1.5 - 1e-12)
        assert not base._is_better(same, ends["low"])

    def test_no_minimum_is_warned_of_with_the_reason(self):
        X = data.rows()
        separable = (X[:, 0] > 0.0).astype(int)
        with pytest.warns(ConvergenceWarning, match=r"ChoiceClassifier: The loss has gone flat") as caught:
            model = nk.ChoiceClassifier(alpha=0.0).fit(X, separable)
        assert caught[0].filename == __file__
        assert model.result_.status is nk.Status.SATURATED
        assert model.score(X, separable) == 1.0

    @pytest.mark.parametrize("kind", ALL)
    def test_a_limit_reached_is_warned_of(self, kind):
        X, y = _data(kind)
        with pytest.warns(ConvergenceWarning, match="iteration limit") as caught:
            model = kind(max_iter=1).fit(X, y)
        assert caught[0].filename == __file__
        assert model.n_iter_ == 1

    def test_an_interrupted_fit_does_not_end_as_if_done(self, monkeypatch):
        X, y = data.binary_data()
        result = nk.MinimizeResult(status=nk.Status.INTERRUPTED, success=False)
        monkeypatch.setattr(base, "minimize", lambda *_, **__: result)
        model = nk.ChoiceClassifier()
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, y)
        assert not hasattr(model, "coef_")

    @pytest.mark.parametrize("kind", ALL)
    @pytest.mark.parametrize("shift", [0.0, 100.0])
    @pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
    def test_features_need_no_scaling(self, kind, shift, scale):
        X, y = _data(kind)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = kind(alpha=0.0).fit(scale * (X + shift), y)
        plain = kind(alpha=0.0).fit(X, y)
        np.testing.assert_allclose(scale * model.coef_, plain.coef_, rtol=0, atol=1e-6)

    def test_lines_are_printed_only_if_asked_for(self, capsys):
        X, y = data.binary_data()
        nk.ChoiceClassifier().fit(X, y)
        assert capsys.readouterr().out == ""
        nk.ChoiceClassifier(verbose=True).fit(X, y)
        assert "||grad||/S" in capsys.readouterr().out


WRONG = {
    "alpha": (-1.0, np.nan, "1", None, np.inf),
    "fit_intercept": ("yes", 1, None),
    "solver": ("newton", None, ["exact"]),
    "max_iter": (0, 1.5, None),
    "tol": (-1e-3, "small"),
    "warm_start": (1, None),
    "random_state": (-1, "seed"),
    "verbose": (-1, 0.5),
}


class TestRefusals:
    @pytest.mark.parametrize(("name", "value"), [(name, v) for name, vs in WRONG.items() for v in vs])
    def test_name_the_parameter(self, name, value):
        X, y = data.regression_data(nk.ExpRegressor)
        message = "seed|Seed" if name == "random_state" else name
        with pytest.raises((TypeError, ValueError), match=message):
            nk.ExpRegressor(**{name: value}).fit(X, y)

    def test_of_other_parameters(self):
        X, y = data.amounts()
        with pytest.raises(ValueError, match="entropy_weight must be at least 0"):
            nk.EntropySoftmaxRegressor(entropy_weight=-0.1).fit(X, y)
        with pytest.raises(ValueError, match="loss must be 'log' or 'squared', got 'hinge'"):
            nk.ChoiceClassifier(loss="hinge").fit(X, y > 7.0)

    def test_of_targets_that_cannot_be_shared_out(self):
        X, y = data.amounts()
        with pytest.raises(ValueError, match="y must be at least 0 to be shared out, got -7"):
            nk.SoftmaxRegressor().fit(X, np.where(np.arange(60) == 4, -7.0, y))
        with pytest.raises(ValueError, match="y must have a positive sum over the rows that count"):
            nk.SoftmaxRegressor().fit(X, np.zeros(60))
        with pytest.raises(ValueError, match="y must have a positive sum in each of the groups"):
            nk.SoftmaxRegressor().fit(X, np.where(np.arange(60) < 30, 0.0, y), np.arange(60) // 10)

    def test_of_choices_with_more_or_fewer_than_one_row_taken(self):
        X, y, groups = data.choices()
        both = np.where(groups == 5, 1, y)
        with pytest.raises(ValueError, match="one row of each of the groups as taken, but in one it marks 3"):
            nk.ChoiceClassifier().fit(X, both, groups)

    @pytest.mark.parametrize("kind", [*SOFTMAX, nk.ChoiceClassifier])
    def test_of_new_rows_without_the_groups_of_the_fit(self, kind):
        X, y, groups = data.choices()
        model = kind().fit(X, y, groups)
        for method in ("predict", "predict_proba", "decision_function"):
            if hasattr(model, method):
                with pytest.raises(ValueError, match="groups must be given"):
                    getattr(model, method)(X)
        with pytest.raises(ValueError, match="groups must be given"):
            model.score(X, y)
        with pytest.raises(ValueError, match=r"groups must have shape \(120,\)"):
            model.predict(X, groups[:-1])
        with pytest.raises(ValueError, match=r"groups must have shape \(120,\)"):
            model.fit(X, y, groups[:-1])

    def test_of_scores_without_a_mark_for_every_row(self):
        X, y, groups = data.choices()
        for kind in (nk.ChoiceClassifier, nk.SoftmaxRegressor):
            with pytest.raises(ValueError, match=r"y must have shape \(120,\)"):
                kind().fit(X, y, groups).score(X, y[:-1], groups)
