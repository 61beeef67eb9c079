"""Taylor slopes of every problem on random data: 2 for the gradient, 3 for the Hessian."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import newtonkit as nk
from newtonkit.problems import DerivativeReport, ElementwiseSquares, Exp, Power, Problem, Regression
from tests.family import LAYOUTS, MEMBERS, NAMED, random_problem

EXAMPLES = 12
SHARE = 0.9  # of the verdicts has to come from a slope, not from rounding

OPTIONS = st.fixed_dictionaries(
    {
        "n": st.sampled_from([12, 20, 30, 7, 5, 3, 2]),
        "d": st.sampled_from([3, 1, 2, 5, 9]),
        "groups": st.sampled_from(["none", "sorted", "unsorted", "text", "some of one row"]),
        "weights": st.sampled_from(["none", "positive", "some zero"]),
        "offset": st.booleans(),
        "penalty": st.booleans(),
        "ridge": st.sampled_from(["none", "scalar", "vector"]),
        "fit_intercept": st.booleans(),
        "reach": st.sampled_from([1.0, 0.1, 2.5]),
    }
)


def share_by_slope(slopes: list[float]) -> float:
    return float(np.mean(np.isfinite(slopes)))


CASES = [(name, layout) for name in NAMED for layout in LAYOUTS]
CASES += [(name, "dense float64") for name in MEMBERS if name not in NAMED]


@pytest.mark.parametrize(("name", "layout"), CASES)
def test_taylor_slopes(name: str, layout: str) -> None:
    reports: list[DerivativeReport] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(options=OPTIONS, seed=st.integers(0, 2**32 - 1))
    def explore(options, seed) -> None:
        rng = np.random.default_rng(seed)
        problem, x = random_problem(MEMBERS[name], rng, layout=layout, **options)
        report = nk.check_derivatives(problem, x, rng=rng, directions=2)
        assert report.ok, f"{problem!r}\n{report}"
        reports.append(report)

    explore()
    gradient = [slope for report in reports for slope in report.gradient_slopes]
    hessian = [slope for report in reports for slope in report.hessian_slopes]
    product = [slope for report in reports for slope in report.product_slopes]
    assert len(gradient) >= 2 * EXAMPLES
    assert share_by_slope(gradient) >= SHARE
    assert share_by_slope(hessian) >= SHARE
    assert share_by_slope(product) >= SHARE
    assert abs(np.nanmedian(gradient) - 2.0) < 0.05
    assert abs(np.nanmedian(hessian) - 3.0) < 0.1
    assert abs(np.nanmedian(product) - 2.0) < 0.05


@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_powers(k: int) -> None:
    rng = np.random.default_rng(k)
    a, b = rng.standard_normal((15, 3)), rng.random(15)
    problem = Regression(a, b, structure="elementwise", activation=Power(k))
    report = nk.check_derivatives(problem, rng.standard_normal(3), rng=rng)
    assert report.ok, str(report)
    assert report.gradient_slope == pytest.approx(2.0, abs=0.05)
    if k == 1:  # least squares: there is no third order to see
        assert report.hessian_verdicts == ("exact",) * 5
    else:
        assert report.hessian_slope == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("name", ["SoftmaxRegression", "EntropySoftmaxRegression", "SoftmaxCrossEntropy"])
def test_groups_of_a_single_row_have_a_constant_loss(name: str) -> None:
    rng = np.random.default_rng(5)
    problem = MEMBERS[name].make(rng.standard_normal((6, 2)), rng.random(6), groups=np.arange(6))
    x = rng.standard_normal(2)
    assert np.abs(problem.jac(x)).max() < 1e-15
    assert np.abs(problem.hess(x).to_dense()).max() < 1e-15
    report = nk.check_derivatives(problem, x, rng=rng)
    assert report.ok, str(report)
    assert set(report.gradient_verdicts + report.hessian_verdicts) == {"exact"}


@pytest.mark.parametrize("name", MEMBERS)
def test_one_row_and_zero_design(name: str) -> None:
    rng = np.random.default_rng(6)
    for a in (rng.standard_normal((1, 3)), np.zeros((4, 2))):
        options = {"offset": np.full(len(a), 1.5), "ridge": 0.5}
        problem = MEMBERS[name].make(a, np.full(len(a), 0.25), **options)
        report = nk.check_derivatives(problem, 0.2 * rng.standard_normal(a.shape[1]), rng=rng)
        assert report.ok, f"{problem!r}\n{report}"


@pytest.mark.parametrize("name", MEMBERS)
def test_columns_of_very_different_scale(name: str) -> None:
    rng = np.random.default_rng(7)
    a = rng.standard_normal((20, 4)) * [1e-6, 1.0, 1e4, 1e8]
    problem = MEMBERS[name].make(a, rng.random(20) / 20, offset=rng.uniform(2.0, 3.0, 20))
    report = nk.check_derivatives(problem, np.array([1e6, 1.0, 1e-4, 1e-8]) / 6, rng=rng)
    assert report.ok, f"{problem!r}\n{report}"


def test_more_columns_than_an_array_of_the_hessian_is_wanted_for() -> None:
    rng = np.random.default_rng(8)
    problem = nk.SoftmaxRegression(rng.standard_normal((6, 2100)), rng.random(6) / 6)
    report = nk.check_derivatives(problem, 0.01 * rng.standard_normal(2100), rng=rng, directions=2)
    assert report.ok, str(report)


def test_sizes_far_beyond_the_derivatives_leave_all_undecided() -> None:
    class Drowned(ElementwiseSquares):
        """Its sizes claim that the derivatives are what is left of numbers far larger."""

        def loss_scale(self, totals):
            return 1e40

        def derivatives(self, u, block, totals):
            return replace(super().derivatives(u, block, totals), magnitude=np.full_like(u, 1e20))

    rng = np.random.default_rng(9)
    problem = Problem(rng.standard_normal((6, 2)), Drowned(rng.random(6), Exp()))
    report = nk.check_derivatives(problem, rng.standard_normal(2), rng=rng)
    assert (report.gradient_ok, report.hessian_ok, report.undecided) == (False, False, 10)
    assert "WRONG" not in str(report)
