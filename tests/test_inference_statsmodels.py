"""Statistics agree with statsmodels on the same data to 1e-6, and with published figures."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.discrete.conditional_models import ConditionalLogit
from statsmodels.stats.sandwich_covariance import cov_white_simple

import newtonkit as nk
from newtonkit.datasets import cpssw8_data, modechoice_data

CLOSE = {"rtol": 1e-6, "atol": 0.0}


def assert_same(ours, theirs, kind, rtol_of_p=1e-6):
    """Compare everything that a Wald table says."""
    table = ours.wald_table(kind=kind)
    np.testing.assert_allclose(table["estimate"], theirs.params, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(table["std_error"], theirs.bse, **CLOSE)
    np.testing.assert_allclose(
        ours.covariance(kind), theirs.cov_params(), rtol=1e-6, atol=1e-6 * table["std_error"].min() ** 2
    )
    np.testing.assert_allclose(table["z"], theirs.tvalues, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(table["p_value"], theirs.pvalues, rtol=rtol_of_p, atol=1e-300)
    np.testing.assert_allclose(table[["lower", "upper"]], theirs.conf_int(), rtol=1e-6, atol=1e-8)
    narrow = ours.wald_table(level=0.8, kind=kind)
    np.testing.assert_allclose(narrow[["lower", "upper"]], theirs.conf_int(alpha=0.2), rtol=1e-6, atol=1e-8)


def assert_same_fit(ours, theirs):
    assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-6)
    assert ours.aic == pytest.approx(theirs.aic, rel=1e-6)
    assert ours.bic == pytest.approx(theirs.bic, rel=1e-6)
    assert ours.residual_degrees_of_freedom == pytest.approx(theirs.df_resid)


def assert_hc1(ours, theirs):
    """Compare with the corrected sandwich; cov_type="HC1" of these models leaves the factor out."""
    expected = np.sqrt(np.diag(cov_white_simple(theirs, use_correction=True)))
    np.testing.assert_allclose(ours.std_errors(kind="sandwich"), expected, **CLOSE)


def exp_model(A, b, **options):
    """The same model in statsmodels: Gaussian errors around exp(A x)."""
    return sm.GLM(b, A, family=sm.families.Gaussian(sm.families.links.Log()), **options)


def glm_fit(model, **options):
    first = model.fit(tol=1e-13, maxiter=500, tol_criterion="params")
    return model.fit(start_params=first.params, tol=1e-15, maxiter=50, tol_criterion="params", **options)


def diabetes():
    problem = nk.datasets.diabetes_exp()
    return problem.design.to_dense(), problem.outer.target, np.arange(442) * 7 % 40


def cpssw8():
    features, earnings = cpssw8_data()
    ages = np.round(features[:, 1], 9)
    return (
        np.column_stack((features, np.ones(len(features)))),
        earnings,
        np.unique(ages, return_inverse=True)[1],
    )


@pytest.fixture(scope="module", params=[diabetes, cpssw8])
def exp_data(request):
    A, b, clusters = request.param()
    problem = nk.ExpRegression(A[:, :-1], b, fit_intercept=True)
    return exp_model(A, b), problem, nk.minimize(problem, gtol=1e-12), clusters


class TestExpRegression:
    @pytest.mark.parametrize(("kind", "cov_type"), [("classical", "nonrobust"), ("sandwich", "HC0")])
    def test_on_real_data(self, exp_data, kind, cov_type):
        model, problem, result, _ = exp_data
        ours = nk.inference(problem, result, kind=kind)
        theirs = glm_fit(model, cov_type=cov_type)
        assert_same(ours, theirs, kind)
        assert_same_fit(ours, theirs)
        assert ours.dispersion == pytest.approx(theirs.scale, rel=1e-9)

    def test_small_sample_correction(self, exp_data):
        model, problem, result, _ = exp_data
        assert_hc1(nk.inference(problem, result, small_sample=True), glm_fit(model))

    @pytest.mark.parametrize("small_sample", [None, True, False])
    def test_clusters(self, exp_data, small_sample):
        model, problem, result, clusters = exp_data
        ours = nk.inference(problem, result, clusters=clusters, small_sample=small_sample)
        options = {"groups": clusters, "use_correction": small_sample is not False}
        assert ours.kind == "clustered"
        assert ours.n_clusters == len(set(clusters))
        assert_same(ours, glm_fit(model, cov_type="cluster", cov_kwds=options), "clustered")

    def test_observed_information_is_that_of_newtons_method(self, exp_data):
        model, problem, result, _ = exp_data
        x = glm_fit(model).params
        theirs = model.fit(start_params=x, method="newton", disp=0)
        ours = nk.inference(problem, result, information="observed")
        np.testing.assert_allclose(ours.std_errors(), theirs.bse, **CLOSE)

    @pytest.mark.parametrize("cov_type", ["nonrobust", "HC0"])
    def test_weights_and_offset(self, cov_type):
        A, b, _ = diabetes()
        rng = np.random.default_rng(5)
        weights, offset = rng.integers(1, 4, len(b)).astype(float), rng.normal(size=len(b)) / 10
        problem = nk.ExpRegression(A, b, sample_weight=weights, offset=offset)
        ours = nk.inference(problem, nk.minimize(problem, gtol=1e-12))
        theirs = glm_fit(exp_model(A, b, freq_weights=weights, offset=offset), cov_type=cov_type)
        assert_same(ours, theirs, "classical" if cov_type == "nonrobust" else "sandwich")
        assert_same_fit(ours, theirs)


@pytest.fixture(scope="module")
def travel():
    problem = nk.datasets.modechoice_cross_entropy()
    return problem, nk.minimize(problem, gtol=1e-12)


class TestConditionalLogit:
    def test_travel_mode_choice(self, travel):
        features, chosen, traveller = modechoice_data()
        model = ConditionalLogit(chosen, features, groups=traveller)
        theirs = model.fit(disp=0, method="newton", start_params=np.zeros(6), maxiter=100, tol=1e-12)
        ours = nk.inference(*travel)
        # Its Hessian is a finite difference, good to 3e-8; z^2 = 84 times that is in the p-value.
        assert_same(ours, theirs, "classical", rtol_of_p=1e-5)
        assert ours.log_likelihood == pytest.approx(theirs.llf, rel=1e-9)

    def test_published_figures(self, travel):
        """Greene (2003), Econometric Analysis, 5th edition, p. 729, in more digits by R's mlogit."""
        names = ["gc", "ttme", "hinc_air", "air", "train", "bus"]
        table = nk.inference(*travel, names=names).wald_table()
        estimates = [
            *(-0.0155015067043374, -0.0961246217793847, 0.0132870137736127),
            *(5.20743292761953, 3.86903570401292, 3.16319033000995),
        ]
        errors = [
            *(0.00440799307835216, 0.0104398465313473, 0.0102624069997369),
            *(0.779055142508082, 0.443126852001293, 0.450265930527341),
        ]
        assert list(table.index) == names
        np.testing.assert_allclose(table["estimate"], estimates, rtol=5e-6)  # they stopped earlier
        np.testing.assert_allclose(table["std_error"], errors, rtol=1e-6)
        inferred = nk.inference(*travel)
        assert inferred.log_likelihood == pytest.approx(-199.1284, abs=5e-5)
        assert inferred.aic == pytest.approx(410.2567, abs=5e-5)
        assert inferred.n_observations == 210

    def test_without_coefficients_it_is_worth_210_choices_of_four(self, travel):
        assert travel[0].fun(np.zeros(6)) == pytest.approx(210 * np.log(4.0), rel=1e-12)


@pytest.fixture(scope="module")
def affairs():
    """Whether one has an affair (Fair, 1978): 6366 answers, as choices against an outside option."""
    frame = sm.datasets.fair.load_pandas().data
    columns = ["rate_marriage", "age", "yrs_married", "children", "religious", "educ"]
    X = np.column_stack((frame[columns].to_numpy(), np.ones(len(frame))))
    y = (frame["affairs"] > 0).to_numpy(dtype=float)
    n = len(y)
    A, b = np.concatenate((X, np.zeros_like(X))), np.concatenate((y, 1.0 - y))
    problem = nk.SoftmaxCrossEntropy(A, b, groups=np.tile(np.arange(n), 2))
    clusters = (10 * frame["occupation"] + frame["occupation_husb"]).to_numpy(dtype=int)
    return sm.Logit(y, X), problem, nk.minimize(problem, gtol=1e-12), clusters


class TestBinaryLogit:
    @pytest.mark.parametrize(("kind", "cov_type"), [("classical", "nonrobust"), ("sandwich", "HC0")])
    def test_against_an_outside_option(self, affairs, kind, cov_type):
        model, problem, result, _ = affairs
        ours = nk.inference(problem, result, kind=kind)
        theirs = model.fit(disp=0, tol=1e-13, maxiter=100, cov_type=cov_type)
        assert_same(ours, theirs, kind)
        assert_same_fit(ours, theirs)

    def test_small_sample_correction(self, affairs):
        model, problem, result, _ = affairs
        theirs = model.fit(disp=0, tol=1e-13, maxiter=100)
        assert_hc1(nk.inference(problem, result, small_sample=True), theirs)

    @pytest.mark.parametrize("small_sample", [None, False])
    def test_clusters(self, affairs, small_sample):
        model, problem, result, clusters = affairs
        options = {"groups": clusters, "use_correction": small_sample is None}
        theirs = model.fit(disp=0, tol=1e-13, maxiter=100, cov_type="cluster", cov_kwds=options)
        ours = nk.inference(problem, result, clusters=np.tile(clusters, 2), small_sample=small_sample)
        assert_same(ours, theirs, "clustered")
