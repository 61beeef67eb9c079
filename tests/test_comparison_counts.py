"""What a comparison counts is what SciPy counts: every method beside a direct call with plain functions."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

import newtonkit as nk
from newtonkit.comparison import METHODS, factorisations, registry, scipy_minimize
from newtonkit.comparison.least_squares import ScipyLeastSquares
from newtonkit.design.threads import one_blas_thread
from tests.comparing import exp_data, exp_gradient

EPS = float(np.finfo(float).eps)
# Tolerances by which every method ends by itself, long before the comparison would end it.
LOOSE = {
    "L-BFGS-B": {"ftol": 0.0, "gtol": 1e-2, "maxls": 50},
    "BFGS": {"gtol": 1e-2},
    "CG": {"gtol": 1.0},
    "TNC": {"ftol": 1e-6, "xtol": 0.0, "gtol": 0.0, "maxfun": 10_000},
    "SLSQP": {"ftol": 1e-6},
    "Newton-CG": {"xtol": 1e-4},
    "trust-ncg": {"gtol": 1e-2},
    "trust-krylov": {"gtol": 1e-2},
    "trust-exact": {"gtol": 1e-2},
    "trust-constr": {"gtol": 1e-2, "xtol": 0.0},
    "lsq-trf": {"ftol": None, "xtol": None, "gtol": 1e-2},
    "lsq-dogbox": {"ftol": None, "xtol": None, "gtol": 1e-2},
    "lsq-lm": {"ftol": 1e-6, "xtol": EPS, "gtol": EPS},
}


FIRST_GRADIENT = {"CG": 1e4, "trust-ncg": 1.0, "trust-exact": 1.0, "trust-constr": 1.0}
# Those that take the Hessian itself or products with it.
BY_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")


class Plain:
    """The exp regression in plain NumPy, counting every call, in the units in which a method gets it.

    That is multiplied by the power of 2 that brings the norm of the first gradient near a
    length that depends on the method; for least squares as it is.
    """

    def __init__(self, data, name=""):
        self.A, self.b = data
        first = np.linalg.norm(exp_gradient(data, np.zeros(5)))
        self.unit = 2.0 ** round(np.log2(FIRST_GRADIENT.get(name, 30.0) / first))
        self.calls = {"fun": 0, "jac": 0, "hess": 0, "hessp": 0}

    def f(self, x, what):
        self.calls[what] += 1
        return np.exp(self.A @ x)

    def fun(self, x):
        r = self.f(x, "fun") - self.b
        return self.unit * 0.5 * np.dot(r, r)

    def jac(self, x):
        f = self.f(x, "jac")
        return self.unit * (self.A.T @ (f * (f - self.b)))

    def hess(self, x):
        f = self.f(x, "hess")
        return self.unit * (self.A.T @ ((f * (2.0 * f - self.b))[:, None] * self.A))

    def hessp(self, x, v):
        f = self.f(x, "hessp")
        return self.unit * (self.A.T @ (f * (2.0 * f - self.b) * (self.A @ v)))

    def residuals(self, x):
        return self.f(x, "fun") - self.b

    def jacobian(self, x):
        return self.f(x, "jac")[:, None] * self.A


def direct(name, plain, options, callback=None, *, products=False):
    """Call SciPy as a user would."""
    x0 = np.zeros(plain.A.shape[1])
    with one_blas_thread(), np.errstate(over="ignore"):  # SLSQP tries steps far out
        if name.startswith("lsq-"):
            return optimize.least_squares(plain.residuals, x0, jac=plain.jacobian, method=name[4:], **options)
        second = {}
        if name in BY_PRODUCTS and products:
            second["hessp"] = plain.hessp
        elif name in BY_PRODUCTS or name in ("trust-exact", "trust-constr"):
            second["hess"] = plain.hess
        return optimize.minimize(
            plain.fun, x0, jac=plain.jac, method=name, callback=callback, options=options, **second
        )


@pytest.fixture(scope="module")
def data():
    return exp_data()


@pytest.fixture(scope="module")
def figures(data):
    """The JSON of a comparison in which every method of SciPy ends by itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name, options in LOOSE.items():
            patch.setitem(registry.REGISTRY, name, replace(registry.REGISTRY[name], options=options))
        comparison = nk.compare(nk.ExpRegression(*data), gtol=1e-14)
    reports = json.loads(comparison.to_json())["reports"]
    return {report["name"]: report | {"x": comparison[report["name"]].x} for report in reports}


def test_every_method_of_scipy_is_checked():
    assert set(LOOSE) == {name for name in METHODS if not name.startswith("newton")}


@pytest.mark.parametrize("name", LOOSE)
def test_a_run_that_ends_by_itself_agrees_with_a_direct_call(data, figures, name):
    plain, report = Plain(data, name), figures[name]
    own = direct(name, plain, LOOSE[name])
    assert own.success
    assert report["claimed_success"]
    assert report["said"] == own.message
    np.testing.assert_allclose(report["x"], own.x, rtol=1e-9)
    told = {key: own[key] for key in ("nit", "nfev", "njev", "nhev") if own.get(key) is not None}
    assert report["scipy_counts"] == told
    # Ours count points, and SciPy's, but for one call or so at the end, as well.
    assert report["nfev"] == own.nfev <= plain.calls["fun"]
    least_squares = isinstance(registry.REGISTRY[name], ScipyLeastSquares)
    if not least_squares:
        assert report["iterations"] == own.nit - (name == "trust-constr")
    elif name == "lsq-lm":
        assert report["njev"] == own.njev + 1  # SciPy asks once more, for the point returned
    else:
        assert report["iterations"] == own.njev - 1
    if "njev" in own and name != "lsq-lm":
        assert report["njev"] == own.njev
    if "nhev" in told:
        # The Hessian of the last point may be asked for, just to be returned, after nhev was noted.
        assert -1 <= own.nhev - report["nhev"] - report["nhessp"] <= 1
    assert report["nhev"] in (plain.calls["hess"], plain.calls["hess"] - 1)
    assert report["nhessp"] == plain.calls["hessp"]


@pytest.mark.parametrize("name", BY_PRODUCTS)
def test_products_for_many_parameters_agree_with_a_direct_call(data, name, monkeypatch):
    monkeypatch.setattr(scipy_minimize, "_FORMED_UP_TO", 4)
    monkeypatch.setitem(registry.REGISTRY, name, replace(registry.REGISTRY[name], options=LOOSE[name]))
    report, plain = nk.compare(nk.ExpRegression(*data), methods=name, gtol=1e-14)[name], Plain(data, name)
    own = direct(name, plain, LOOSE[name], products=True)
    assert (report.iterations, report.nfev, report.njev) == (own.nit, own.nfev, own.njev)
    assert (report.nhev, report.nhessp) == (0, plain.calls["hessp"])
    assert report.nhessp > report.iterations
    np.testing.assert_allclose(report.x, own.x, rtol=1e-9)


@pytest.mark.parametrize("name", BY_PRODUCTS)
def test_few_parameters_take_a_hessian_formed_once_an_iteration(name):
    """Its many products with one ill-conditioned Hessian would cost 20 times as much on the data."""
    A = np.random.default_rng(0).normal(size=(2000, 30)) * np.logspace(0, -2, 30)
    report = nk.compare(nk.ExpRegression(A, np.exp(A @ np.ones(30)) + 0.1), methods=name)[name]
    assert report.reached
    assert report.nhessp == 0 < report.nhev <= report.iterations + 1


@pytest.mark.parametrize(
    "name", [name for name in LOOSE if name not in ("TNC", "lsq-trf", "lsq-dogbox", "lsq-lm")]
)
def test_a_run_cut_off_by_its_iterations_agrees_with_a_direct_call(data, name):
    comparison = nk.compare(nk.ExpRegression(*data), methods=name, max_iter=3)
    method, plain = registry.REGISTRY[name], Plain(data, name)
    own = direct(name, plain, dict(method.options) | {"maxiter": 3 + (name == "trust-constr")})
    report = comparison[name]
    assert report.outcome == "iteration cap"
    assert report.iterations == 3 == own.nit - (name == "trust-constr")
    assert (report.nfev, report.njev) == (own.nfev, own.njev)
    np.testing.assert_allclose(report.x, own.x, rtol=1e-9)


@pytest.mark.parametrize("name", ["TNC", "SLSQP", "trust-constr", "lsq-trf", "lsq-dogbox", "lsq-lm"])
def test_a_run_that_was_stopped_ends_where_a_direct_call_first_qualifies(data, name):
    """At the first point with a gradient at tolerance that a plain run of the same method goes through."""
    goal = 1e-6 * np.linalg.norm(exp_gradient(data, np.zeros(5)))
    gradients, begun, shown = [], [], []

    class Noting(Plain):
        def jac(self, x):
            begun.append(len(shown))
            gradients.append(x.copy())
            return super().jac(x)

        def jacobian(self, x):
            gradients.append(x.copy())
            return super().jacobian(x)

    direct(name, Noting(data, name), registry.REGISTRY[name].options, lambda x, *state: shown.append(x))
    place, first = next(
        (k, x) for k, x in enumerate(gradients) if np.linalg.norm(exp_gradient(data, x)) <= goal
    )
    report = nk.compare(nk.ExpRegression(*data), methods=name, gtol=1e-6)[name]
    assert report.reached
    assert report.scipy_counts is None
    # TNC shows the ends of iterations, SLSQP and, with the start, trust-constr their beginnings.
    expected = begun[place] + (name == "TNC") if begun else len(np.unique(gradients[:place], axis=0))
    assert report.iterations == expected
    np.testing.assert_allclose(report.x, first, rtol=1e-8)


class TestFactorisations:
    def test_trust_exact_by_cholesky(self, data, monkeypatch):
        """Counted here by wrapping LAPACK's routine itself, on a direct call to the same point."""
        from scipy.optimize import _trustregion_exact  # noqa: PLC0415

        done = []

        def routines(names, arrays):
            (potrf,) = original(names, arrays)
            return [lambda *args, **kwargs: (done.append(names[0]), potrf(*args, **kwargs))[1]]

        report = nk.compare(nk.ExpRegression(*data), methods="trust-exact")["trust-exact"]
        original = _trustregion_exact.get_lapack_funcs
        monkeypatch.setattr(_trustregion_exact, "get_lapack_funcs", routines)
        goal = 1e-8 * np.linalg.norm(exp_gradient(data, np.zeros(5)))
        plain = Plain(data, "trust-exact")
        direct("trust-exact", plain, {"gtol": goal * plain.unit})
        assert report.factorisations == len(done) > report.iterations - 1
        assert set(done) == {"potrf"}

    def test_of_the_others(self, data):
        comparison = nk.compare(nk.ExpRegression(*data))
        for report in comparison.reports:
            if report.name == "newtonkit":
                assert report.factorisations == report.nhev + 1  # and one for the metric
            elif report.name == "SLSQP" or report.name.startswith("lsq-"):
                assert report.factorisations == report.iterations
            elif report.name != "trust-exact":
                assert report.factorisations == 0

    @pytest.mark.parametrize("name", ["lsq-trf", "lsq-dogbox"])
    def test_least_squares_by_its_own_function(self, data, figures, name, monkeypatch):
        import importlib  # noqa: PLC0415

        home = importlib.import_module(f"scipy.optimize._lsq.{name[4:]}")
        function = {"lsq-trf": "svd", "lsq-dogbox": "lstsq"}[name]
        done, original = [], getattr(home, function)
        monkeypatch.setattr(
            home, function, lambda *args, **kwargs: (done.append(1), original(*args, **kwargs))[1]
        )
        direct(name, Plain(data), LOOSE[name])
        assert figures[name]["factorisations"] == len(done) > 0

    def test_minpack_factorises_what_it_asks_for(self, data, figures):
        assert figures["lsq-lm"]["factorisations"] == direct("lsq-lm", Plain(data), LOOSE["lsq-lm"]).njev

    def test_unknown_where_scipy_looks_different(self, data, monkeypatch):
        known = factorisations.importlib.import_module

        def without(name):
            if name == "scipy.optimize._trustregion_exact":
                raise ImportError(name)
            return known(name)

        monkeypatch.setattr(factorisations.importlib, "import_module", without)
        report = nk.compare(nk.ExpRegression(*data), methods="trust-exact")["trust-exact"]
        assert report.reached
        assert report.factorisations is None

    def test_scipy_is_left_as_it_was(self, data):
        from scipy.optimize import _trustregion_exact  # noqa: PLC0415

        before = _trustregion_exact.get_lapack_funcs
        nk.compare(nk.ExpRegression(*data), methods="trust-exact", max_iter=1)
        assert _trustregion_exact.get_lapack_funcs is before
