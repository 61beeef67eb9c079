"""Pictures of a solve, of predictions and of leverage scores: what is drawn."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from scipy.optimize import OptimizeResult, rosen, rosen_der, rosen_hess

import newtonkit as nk
from newtonkit.plots.points import MOST_POINTS
from tests.comparing import exp_data
from tests.pictures import _no_figures_left, assert_whole

__all__ = ["_no_figures_left"]


@pytest.fixture(scope="module")
def problem():
    return nk.ExpRegression(*exp_data(), ridge=0.3)


@pytest.fixture(scope="module")
def result(problem):
    return nk.minimize(problem)


def lines_of(ax):
    return {line.get_label().split(" ")[0]: line for line in ax.get_lines()}


def points_of(ax):
    return np.concatenate([c.get_offsets().data for c in ax.collections])


class TestConvergence:
    def test_gradient_and_gap_against_passes(self, result):
        ax = result.plot(gtol=1e-8)
        lines = lines_of(ax)
        history = result.history
        for line in (lines["gradient"], lines["gap"]):
            np.testing.assert_array_equal(line.get_xdata(), [r.passes for r in history])
        np.testing.assert_array_equal(lines["gradient"].get_ydata(), [r.relative_gradient for r in history])
        lowest = min(r.value for r in history)
        gaps = [(r.value - lowest) / (history[0].value - lowest) for r in history]
        drawn = lines["gap"].get_ydata()
        assert drawn[0] == 1.0
        for gap, y in zip(gaps, drawn, strict=True):
            assert y == pytest.approx(gap, rel=1e-12) if gap > 0.0 else np.isnan(y)
        assert np.isnan(drawn).any()  # the lowest value has no gap to itself
        assert lines["tolerance"].get_ydata()[0] == 1e-8
        assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "log")
        assert ax.get_title(loc="left") == f"CONVERGED: {result.nit} iterations, {result.passes} passes"

    @pytest.mark.parametrize(
        ("against", "name"), [("iterations", "iteration"), ("seconds", "seconds"), ("passes", "passes")]
    )
    def test_against(self, result, against, name):
        x = lines_of(nk.plots.convergence(result, against=against))["gradient"].get_xdata()
        np.testing.assert_array_equal(x, [getattr(r, name) for r in result.history])

    def test_of_a_smooth_function_goes_by_iterations(self):
        ax = nk.newton(rosen, [-1.2, 1.0], jac=rosen_der, hess=rosen_hess).plot()
        assert ax.get_xlabel() == "iterations"
        assert_whole(ax.figure)

    def test_of_a_start_that_is_the_solution(self, problem, result):
        again = nk.minimize(problem, result.x)
        assert again.nit == 0
        assert_whole(again.plot().figure)

    @pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
    def test_files(self, result, tmp_path, suffix):
        path = tmp_path / f"way{suffix}"
        result.plot(path)
        assert path.stat().st_size > 5000
        if suffix == ".png":
            assert 0.01 < np.mean(imread(path)[..., :3].min(axis=2) < 0.9) < 0.3  # neither empty nor full

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"path": "way.gif"}, ValueError, "path must end in"),
            ({"against": "hours"}, ValueError, "against must be among passes, iterations, seconds; got 'hou"),
            ({"gtol": 0.0}, ValueError, "gtol must be positive"),
            ({"gtol": "small"}, TypeError, "gtol must be a number"),
            ({"ax": "here"}, TypeError, "ax must be a matplotlib Axes, got str"),
        ],
    )
    def test_wrong(self, result, arguments, error, message):
        with pytest.raises(error, match=message):
            result.plot(**arguments)

    def test_of_something_else(self):
        with pytest.raises(TypeError, match="result must be a MinimizeResult, got dict"):
            nk.plots.convergence({})


@pytest.mark.parametrize("draw", [nk.plots.predictions, nk.plots.leverage])
def test_a_result_stands_for_its_x(problem, result, draw):
    theirs = OptimizeResult(x=result.x)  # as from SciPy
    drawn = [points_of(draw(problem, given)) for given in (result.x, result, theirs)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])
    labelled = pd.Series(result.x, index=["x", "fit", "a", "b", "c"])  # has an attribute x: its first entry
    np.testing.assert_array_equal(drawn[0], points_of(draw(problem, labelled)))
    model = nk.ExpRegressor().fit(*exp_data())
    with pytest.raises(TypeError, match=r"^x must be a result or a point, got ExpRegressor"):
        draw(problem, model)


class TestPredictions:
    def test_points_are_target_and_prediction(self, problem, result):
        A, b = exp_data()
        drawn = points_of(nk.plots.predictions(problem, result.x))
        np.testing.assert_allclose(drawn, np.stack((b, np.exp(A @ result.x)), axis=1))

    def test_said_above(self, problem, result):
        A, b = exp_data()
        p = np.exp(A @ result.x)
        title = nk.plots.predictions(problem, result.x).get_title(loc="left")
        rms, correlation = np.sqrt(np.mean((p - b) ** 2)), np.corrcoef(p, b)[0, 1]
        assert title == f"r.m.s. difference {rms:.3g}, correlation {correlation:.3f}"

    def test_shares_of_groups_out_of_order(self):
        rng = np.random.default_rng(1)
        A, b, groups = rng.normal(size=(40, 3)), rng.integers(1, 90, 40), rng.integers(0, 4, 40)
        problem = nk.SoftmaxCrossEntropy(A, b, groups=groups)
        x = np.array([0.3, -0.2, 0.5])
        f = np.exp(A @ x)
        wanted = [
            (b[i] / b[groups == groups[i]].sum(), f[i] / f[groups == groups[i]].sum()) for i in range(40)
        ]
        drawn = points_of(nk.plots.predictions(problem, x, scale="log"))
        np.testing.assert_allclose(sorted(map(tuple, drawn.tolist())), sorted(wanted))

    def test_few_values_are_moved_sideways_and_no_further(self):
        A = np.random.default_rng(0).normal(size=(50, 2))
        b = (A[:, 0] > 0.5) / (A[:, 0] > 0.5).sum()
        ax = nk.plots.predictions(nk.SoftmaxRegression(A, b), [1.0, 0.0])
        x = points_of(ax)[:, 0]
        assert ax.get_xlabel() == "target (moved sideways a little)"
        assert len(np.unique(x)) == 50
        assert np.abs(x - b).max() <= 0.05 * b.max()

    def test_rows_of_no_weight_and_off_the_scale_are_left_out(self):
        A, b = exp_data()
        weights = np.ones(300)
        weights[:7] = 0.0
        ax = nk.plots.predictions(
            nk.ExpRegression(A, b - 1.0, sample_weight=weights), np.zeros(5), scale="log"
        )
        kept = (b > 1.0) & (weights > 0.0)
        np.testing.assert_allclose(points_of(ax)[:, 0], b[kept] - 1.0)
        assert 7 < 300 - kept.sum() < 200
        assert ax.get_legend().get_texts()[0].get_text() == f"{kept.sum()} of 300 rows"

    def test_of_many_rows_some(self):
        A = np.random.default_rng(0).normal(size=(MOST_POINTS + 5000, 2))
        ax = nk.plots.predictions(nk.ExpRegression(A, np.exp(A[:, 0])), [1.0, 0.0])
        drawn = points_of(ax)
        assert len(np.unique(drawn[:, 0])) == MOST_POINTS
        np.testing.assert_allclose(drawn[:, 0], drawn[:, 1])
        assert f"{MOST_POINTS} of 25000 rows" in ax.get_legend().get_texts()[0].get_text()

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((3, [0.0]), TypeError, "problem must be a newtonkit problem, got int"),
            ((None, [0.0]), ValueError, r"x must have shape \(5,\)"),
            ((None, [np.nan] * 5), ValueError, "x must be finite"),
            ((None, ["a"] * 5), TypeError, "x must hold real numbers"),
        ],
    )
    def test_wrong(self, problem, arguments, error, message):
        first, x = arguments
        for draw in (nk.plots.predictions, nk.plots.leverage):
            with pytest.raises(error, match=message):
                draw(problem if first is None else first, x)

    def test_wrong_scale(self, problem, result):
        with pytest.raises(ValueError, match="scale must be linear or log, got 'root'"):
            nk.plots.predictions(problem, result.x, scale="root")
        below = nk.SinhRegression([[1.0], [2.0]], [-1.0, -2.0])
        with pytest.raises(ValueError, match="scale 'log' shows nothing"):
            nk.plots.predictions(below, [1.0], scale="log")


class TestLeverage:
    def test_exact_scores_against_weights(self, problem):
        A, b = exp_data()
        x = np.full(5, 0.1)
        f = np.exp(A @ x)
        D = f * f + f * (f - b)
        inverse = np.linalg.inv(A.T @ (np.abs(D)[:, None] * A) + 0.3 * np.eye(5))
        scores = np.abs(D) * np.einsum("ij,jk,ik->i", A, inverse, A)
        assert (D < 0.0).sum() > 10
        ax = nk.plots.leverage(problem, x, method="exact")
        above, below = (c.get_offsets().data for c in ax.collections)
        for drawn, rows in ((above, D > 0.0), (below, D < 0.0)):
            np.testing.assert_allclose(drawn, np.stack((np.abs(D), scores), axis=1)[rows], rtol=1e-8)
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == [
            f"D > 0: {(D > 0).sum()} rows",
            f"D < 0: {(D < 0).sum()} rows",
            f"mean score {scores.mean():.2g}",
        ]
        assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")

    def test_rows_of_weight_zero_are_counted(self):
        A, b = exp_data()
        ax = nk.plots.leverage(nk.ExpRegression(A, b, sample_weight=np.arange(300) > 10.0), np.zeros(5))
        assert len(points_of(ax)) == 289
        assert ax.get_legend().get_texts()[-1].get_text() == "not drawn: 11 rows of weight or score 0"

    def test_of_many_rows_those_of_most_leverage(self):
        A = np.random.default_rng(0).normal(size=(30_000, 2))
        problem = nk.ExpRegression(A, np.exp(A[:, 0]))
        ax = nk.plots.leverage(problem, [1.0, 0.0], method="exact")
        drawn = points_of(ax)[:, 1]
        D = np.exp(2.0 * A[:, 0])
        inverse = np.linalg.inv(A.T @ (D[:, None] * A))
        scores = np.sort(D * np.einsum("ij,jk,ik->i", A, inverse, A))
        assert len(drawn) == MOST_POINTS
        np.testing.assert_allclose(np.sort(drawn)[-MOST_POINTS // 2 :], scores[-MOST_POINTS // 2 :])
        assert ax.get_title() == "20000 of 30000 rows, half of them those of most leverage"

    def test_wrong(self, problem):
        with pytest.raises(ValueError, match="method must be"):
            nk.plots.leverage(problem, np.zeros(5), method="guess")
        with pytest.raises(ValueError, match="x has no finite Hessian"):
            nk.plots.leverage(problem, np.full(5, 1e6))
