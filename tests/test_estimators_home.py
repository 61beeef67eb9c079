"""The estimators among scikit-learn's tools, with data of every kind, and in a script of four lines."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import newtonkit as nk
from tests import estimator_data as data

ROOT = Path(__file__).resolve().parent.parent
ELEMENTWISE = list(data.ACTIVATIONS)
SOFTMAX = [nk.SoftmaxRegressor, nk.EntropySoftmaxRegressor]
GROUPED = [*SOFTMAX, nk.ChoiceClassifier]
ALL = [*ELEMENTWISE, *GROUPED]


def _data(kind):
    if kind in ELEMENTWISE:
        return data.regression_data(kind)
    return data.amounts() if kind in SOFTMAX else data.binary_data(n=60)


@pytest.mark.parametrize("kind", ALL)
class TestTools:
    def test_pipeline_search_and_cross_validation(self, kind):
        X, y = _data(kind)
        steps = make_pipeline(StandardScaler(), kind())
        search = GridSearchCV(steps, {f"{kind.__name__.lower()}__alpha": [1e-3, 1e6]}, cv=3).fit(X, y)
        assert search.best_params_ == {f"{kind.__name__.lower()}__alpha": 1e-3}
        scores = cross_val_score(steps, X, y, cv=3)
        assert scores.mean() == pytest.approx(search.best_score_, rel=1e-12)
        assert scores.min() > 0.5

    def test_clones_have_the_parameters_and_nothing_else(self, kind):
        X, y = _data(kind)
        fitted = kind(alpha=0.5, max_iter=77, random_state=3).fit(X, y)
        copy = clone(fitted)
        assert copy.get_params() == fitted.get_params()
        assert not hasattr(copy, "coef_")

    def test_pickles_predict_the_same_and_do_not_hold_the_data(self, kind):
        X, y = _data(kind)
        small = kind().fit(X, y)
        large = kind().fit(np.tile(X, (200, 1)), np.tile(y, 200))
        for model in (small, large):
            back = pickle.loads(pickle.dumps(model))
            np.testing.assert_array_equal(back.predict(X), model.predict(X))
            assert back.result_.status is model.result_.status
        assert len(pickle.dumps(large)) < len(pickle.dumps(small)) + 8000 < 200 * X.nbytes / 10


@pytest.mark.parametrize("kind", ALL)
class TestData:
    def test_frames_give_names_to_features(self, kind):
        X, y = _data(kind)
        frame, target = pd.DataFrame(X, columns=["a", "b", "c"]), pd.Series(y, index=range(100, 160))
        model = kind().fit(frame, target)
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        np.testing.assert_allclose(model.predict(frame), kind().fit(X, y).predict(X), rtol=1e-9)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[["b", "a", "c"]])

    @pytest.mark.parametrize(
        "container",
        [
            sparse.csr_array,
            sparse.csr_matrix,
            sparse.csc_array,
            sparse.csc_matrix,
            sparse.coo_array,
            sparse.coo_matrix,
        ],
        ids=lambda container: container.__name__,
    )
    def test_sparse_data_say_the_same(self, kind, container):
        X, y = _data(kind)
        X = np.where(np.abs(X) < 0.4, 0.0, X)
        dense, model = kind().fit(X, y), kind().fit(container(X), y)
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=0, atol=1e-8)
        assert model.intercept_ == pytest.approx(dense.intercept_, abs=1e-8)
        assert model.intercept_ != 0.0
        predict = "predict_proba" if is_classifier(model) else "predict"
        np.testing.assert_allclose(
            getattr(model, predict)(container(X)), getattr(dense, predict)(X), rtol=1e-6
        )

    def test_float32_stays_and_sums_are_float64(self, kind):
        X, y = _data(kind)
        single = X.astype(np.float32)
        model, same = kind().fit(single, y), kind().fit(single.astype(np.float64), y)
        assert model.coef_.dtype == np.float64
        np.testing.assert_allclose(model.coef_, same.coef_, rtol=0, atol=1e-8)

    def test_memory_maps_are_not_copied(self, kind, tmp_path):
        n, d = 20_000, 200
        rng = np.random.default_rng(0)
        written = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float64, (n, d))
        written[:] = rng.normal(size=(n, d))
        u = 0.3 * written[:, 0] + 0.1
        y = u + rng.logistic(size=n) > 0.0 if kind is nk.ChoiceClassifier else np.exp(u)
        written.flush()
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
        model = kind(solver="exact").fit(X, y)  # compiles, and imports what it needs
        for work in (lambda: model.fit(X, y), lambda: model.predict(X)):
            tracemalloc.start()
            work()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 0.5 * X.nbytes, f"{peak / X.nbytes:.2f} of the data"


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class TestRouting:
    @pytest.mark.usefixtures("routing")
    @pytest.mark.parametrize("kind", GROUPED)
    def test_groups_and_weights_reach_fit_and_score(self, kind):
        X, y, groups = data.choices()
        weights = 1.0 + groups % 3
        model = (
            kind()
            .set_fit_request(groups=True, sample_weight=True)
            .set_score_request(groups=True, sample_weight=True)
        )
        folds = GroupKFold(4)
        extras = {"groups": groups, "sample_weight": weights}
        by_hand = []
        for train, test in folds.split(X, y, groups):
            fitted = kind().fit(X[train], y[train], groups[train], sample_weight=weights[train])
            by_hand.append(fitted.score(X[test], y[test], groups[test], sample_weight=weights[test]))
        done = cross_validate(model, X, y, cv=folds, params=extras)
        np.testing.assert_allclose(done["test_score"], by_hand, rtol=1e-12)
        search = GridSearchCV(model, {"alpha": [1e-3, 1e-1]}, cv=folds).fit(X, y, **extras)
        np.testing.assert_allclose(search.cv_results_["mean_test_score"][0], np.mean(by_hand), rtol=1e-12)
        expected = clone(model).set_params(**search.best_params_).fit(X, y, **extras)
        np.testing.assert_array_equal(search.best_estimator_.coef_, expected.coef_)

    @pytest.mark.parametrize("kind", GROUPED)
    def test_where_it_is_off_groups_only_split_and_where_it_is_on_that_is_refused(self, kind):
        """What the docstrings and the manual warn of."""
        X, y, groups = data.choices()
        search = GridSearchCV(kind(), {"alpha": [1e-3, 1e-1]}, cv=GroupKFold(4))
        ungrouped = kind(**search.fit(X, y, groups=groups).best_params_).fit(X, y)
        np.testing.assert_array_equal(search.best_estimator_.coef_, ungrouped.coef_)
        with (
            sklearn.config_context(enable_metadata_routing=True),
            pytest.raises(UnsetMetadataPassedError, match="groups"),
        ):
            search.fit(X, y, groups=groups)

    @pytest.mark.usefixtures("routing")
    @pytest.mark.parametrize("kind", ELEMENTWISE)
    def test_weights_reach_fit_and_score(self, kind):
        X, y = data.regression_data(kind)
        weights = 1.0 + np.arange(60) % 3
        model = kind().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        steps = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        fitted = steps.fit(X, y, sample_weight=weights)[-1]
        expected = kind().fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
        np.testing.assert_array_equal(fitted.coef_, expected.coef_)

    @pytest.mark.usefixtures("routing")
    @pytest.mark.parametrize("kind", GROUPED)
    def test_groups_reach_predict_through_a_pipeline(self, kind):
        X, y, groups = data.choices()
        model = kind().set_fit_request(groups=True).set_predict_request(groups=True)
        steps = make_pipeline(StandardScaler(), model).fit(X, y, groups=groups)
        expected = steps[-1].predict(steps[0].transform(X), groups)
        np.testing.assert_array_equal(steps.predict(X, groups=groups), expected)

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_requests_exist_for_all_that_take_groups(self, method):
        model = getattr(nk.ChoiceClassifier(), f"set_{method}_request")
        with sklearn.config_context(enable_metadata_routing=True):
            assert getattr(model(groups=True).get_metadata_routing(), method).requests == {"groups": True}

    def test_groups_that_come_after_the_fit_are_warned_of(self):
        X, y, groups = data.choices()
        model, grouped = nk.ChoiceClassifier().fit(X, y), nk.ChoiceClassifier().fit(X, y, groups)
        for work in (
            lambda of: of.predict(X, groups=groups),
            lambda of: of.predict_proba(X, groups=groups),
            lambda of: of.decision_function(X, groups=groups),
            lambda of: of.score(X, y, groups=groups),
        ):
            with pytest.warns(UserWarning, match="groups are given, but the fit had none") as caught:
                work(model)
            assert [warning.filename for warning in caught] == [__file__]
            work(grouped)


def test_standard_errors_take_the_result_and_the_problem_and_say_so():
    X, y = data.regression_data(nk.ExpRegressor)
    model = nk.ExpRegressor(alpha=0.01).fit(X, y)
    problem = nk.ExpRegression(X, y, ridge=0.01 * len(y), fit_intercept=True)
    expected = nk.inference(problem, nk.minimize(problem)).std_errors()
    np.testing.assert_allclose(nk.inference(problem, model.result_).std_errors(), expected, rtol=1e-6)
    with pytest.raises(TypeError, match=r"^solution must be a result or a point, got ExpRegressor: give"):
        nk.inference(problem, model)
    with pytest.raises(ValueError, match=r"^solution is no minimum"):
        nk.inference(nk.ExpRegression(X, y, fit_intercept=True), model.result_)


SCRIPT = """
import newtonkit as nk, pandas as pd
frame = pd.read_csv("data.csv")
model = nk.{kind}().fit(frame[["a", "b", "c"]], frame["y"])
print(*model.predict(frame[["a", "b", "c"]]))
"""
CHOICE_SCRIPT = """
import newtonkit as nk, pandas as pd
frame = pd.read_csv("data.csv")
model = nk.ChoiceClassifier().fit(frame[["a", "b", "c"]], frame["y"], groups=frame["choice"])
print(*model.predict(frame[["a", "b", "c"]], groups=frame["choice"]))
"""


def _printed(script, folder):
    assert len(script.strip().splitlines()) == 4
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return np.array(done.stdout.split(), dtype=float)


class TestScripts:
    @pytest.mark.parametrize("kind", [*ELEMENTWISE, *SOFTMAX])
    def test_of_four_lines(self, kind, tmp_path):
        X, y = _data(kind)
        pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y).to_csv(tmp_path / "data.csv", index=False)
        printed = _printed(SCRIPT.format(kind=kind.__name__), tmp_path)
        np.testing.assert_allclose(printed, kind().fit(X, y).predict(X), rtol=1e-8)

    def test_of_four_lines_for_choices(self, tmp_path):
        X, y, groups = data.choices()
        frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y, choice=groups)
        frame.to_csv(tmp_path / "data.csv", index=False)
        printed = _printed(CHOICE_SCRIPT, tmp_path)
        np.testing.assert_array_equal(printed, nk.ChoiceClassifier().fit(X, y, groups).predict(X, groups))
