"""Pictures: Axes in and out, who shows them, colours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

import newtonkit as nk
from newtonkit.datasets import PROBLEMS
from newtonkit.plots.style import COLOURS, new_figure
from tests.comparing import exp_data
from tests.pictures import _no_figures_left, assert_whole

__all__ = ["_no_figures_left"]
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def problem():
    return nk.ExpRegression(*exp_data(), ridge=0.3)


@pytest.fixture(scope="module")
def result(problem):
    return nk.minimize(problem)


def new_axes():
    return new_figure(6.0, 4.0, layout="constrained").add_subplot()


class TestAxes:
    def drawings(self, problem, result):
        comparison = nk.compare(problem, methods=["newtonkit", "BFGS"])
        softmax = nk.SoftmaxRegression([[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6])
        return {
            "result": result.plot,
            "comparison": comparison.plot,
            "profile": nk.performance_profile([comparison]).plot,
            "predictions": lambda **to: nk.plots.predictions(problem, result.x, **to),
            "leverage": lambda **to: nk.plots.leverage(problem, result.x, **to),
            "frontier": lambda **to: nk.plots.frontier(softmax, [0.01, 0.1], **to),
        }

    def test_in_and_out(self, problem, result):
        for name, draw in self.drawings(problem, result).items():
            ax = new_axes()
            assert draw(ax=ax) is ax, name
            assert ax.has_data(), name
            assert_whole(ax.figure)
            new = np.atleast_1d(draw())
            assert all(isinstance(a, Axes) and a.has_data() for a in new), name
            with pytest.raises(TypeError, match="ax must be a matplotlib Axes, got list"):
                draw(ax=[ax])

    def test_without_matplotlib(self, problem, result, monkeypatch):
        drawings = self.drawings(problem, result)
        for module in ("matplotlib.figure", "matplotlib.axes"):
            monkeypatch.setitem(sys.modules, module, None)
        for draw in drawings.values():
            for to in ({}, {"ax": 3}):
                with pytest.raises(ImportError, match=r"needs matplotlib: install it, or .* extra 'plot'"):
                    draw(**to)

    def test_one_panel_of_a_comparison(self, problem):
        comparison = nk.compare(problem, methods=["newtonkit", "BFGS"])
        for name in ("iterations", "seconds", "passes"):
            ax = comparison.plot(against=name)
            assert ax.get_xlabel().split()[0] == name
            assert_whole(ax.figure)
        assert comparison.plot(ax=new_axes()).get_xlabel().split()[0] == "passes"
        with pytest.raises(ValueError, match="against must be among iterations, seconds, passes; got 'x'"):
            comparison.plot(against="x")

    @pytest.mark.parametrize("decades", [0.4, 0.9, 1.1, 1.9, 2.1, 5.0])
    def test_logarithmic_axes_have_labels_enough_however_short(self, decades):
        u = np.linspace(0.2, 0.2 + decades * np.log(10.0), 30)
        ax = nk.plots.predictions(nk.ExpRegression(u[:, None], np.exp(u)), [1.0], scale="log")
        assert_whole(ax.figure)
        low, high = ax.get_xlim()
        ticks = [
            x
            for x, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
            if low <= x <= high and label.get_text()
        ]
        assert 2 <= len(ticks) <= 9

    def test_axes_of_real_data_are_whole(self):
        softmax = PROBLEMS["diabetes"]["softmax"].load()
        x = nk.minimize(softmax).x
        for ax in (
            nk.plots.predictions(softmax, x, scale="log"),
            nk.plots.predictions(softmax, x),
            nk.plots.leverage(softmax, np.zeros(softmax.n_parameters)),
            nk.plots.leverage(softmax, x),
        ):
            assert_whole(ax.figure)


class TestWhoShowsIt:
    def run(self, code):
        subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT, timeout=60)

    def test_pyplot_only_where_it_is_in_use(self, tmp_path):
        self.run(f"""
import sys, newtonkit as nk
result = nk.minimize(nk.SinhRegression([[1.0], [2.0]], [0.5, 1.2]))
str(result), result._repr_html_()
assert "matplotlib" not in sys.modules
result.plot()
assert "matplotlib.pyplot" not in sys.modules
import matplotlib
matplotlib.use("agg")
from matplotlib import pyplot
result.plot({str(tmp_path / "way.png")!r})
assert pyplot.get_fignums() == []
figure = result.plot().figure
assert pyplot.figure(pyplot.get_fignums()[0]) is figure
""")

    def test_in_a_notebook_the_notebook(self):
        self.run("""
import sys, types, newtonkit as nk
result = nk.minimize(nk.SinhRegression([[1.0], [2.0]], [0.5, 1.2]))
shell = None
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell, version_info=(9, 0))
result.plot()
assert "matplotlib.pyplot" not in sys.modules
import matplotlib
matplotlib.use("agg")
shell = types.SimpleNamespace(events=types.SimpleNamespace(register=lambda *hook: None))
figure = result.plot().figure
from matplotlib import pyplot
assert pyplot.figure(pyplot.get_fignums()[0]) is figure
""")


def test_colours_differ_in_grey_where_they_are_used_together():
    """Rec. 709 luminance of the ink, the accent and the cool colour."""

    def grey(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    ink, accent, cool = (grey(colour) for colour in COLOURS[:3])
    assert min(abs(ink - accent), abs(ink - cool)) > 0.3
