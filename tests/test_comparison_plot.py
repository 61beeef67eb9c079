"""Pictures of comparisons: what is drawn, where it is written, and what happens without matplotlib."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

import newtonkit as nk
from newtonkit.comparison import METHODS, TracePoint
from newtonkit.comparison.plot import style
from tests.comparing import UNASKED, exp_data

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def comparison():
    return nk.compare(nk.ExpRegression(*exp_data()))


@pytest.fixture(scope="module")
def figure(comparison):
    return figure_of(comparison)


def figure_of(comparison):
    return comparison.plot()[0].figure


def drawn(axis):
    return {line.get_label().split("\n")[0]: line for line in axis.get_lines()}


def test_three_panels_with_every_method(comparison, figure):
    assert [axis.get_xlabel().split()[0] for axis in figure.axes] == ["iterations", "seconds", "passes"]
    for axis in figure.axes:
        assert tuple(drawn(axis)) == UNASKED
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(UNASKED)
    assert comparison.problem in figure.get_suptitle()


def test_what_is_drawn_is_the_trace(comparison, figure):
    first = comparison.start_value - comparison.best_value
    iterations, seconds, passes = (drawn(axis) for axis in figure.axes)
    for report in comparison.reports:
        gaps = [(point.value - comparison.best_value) / first for point in report.trace]
        for lines in (iterations, seconds, passes):
            np.testing.assert_allclose(lines[report.name].get_ydata(), np.maximum(gaps, 1e-16))
        # All but the start, which is at the left edge: zero has no place on a logarithmic axis.
        np.testing.assert_allclose(
            iterations[report.name].get_xdata()[1:], [p.iteration for p in report.trace][1:]
        )
        times = np.array([p.seconds for p in report.trace][1:])
        np.testing.assert_allclose(seconds[report.name].get_xdata()[1:], times)
        np.testing.assert_allclose(passes[report.name].get_xdata()[1:], times / comparison.pass_seconds)


def test_methods_are_told_apart_without_colour():
    looks = [style(k) for k in range(len(METHODS))]
    assert len({look["marker"] for look in looks}) == len(METHODS)
    assert len({(look["color"], str(look["linestyle"])) for look in looks}) == len(METHODS)


def test_verdicts_short_of_the_minimum_are_in_the_legend(comparison):
    odd = replace(comparison, reports=(replace(comparison.reports[0], outcome="saddle"),))
    (legend,) = figure_of(odd).legends
    assert [text.get_text() for text in legend.get_texts()] == ["newtonkit\n(saddle)"]


def test_nothing_is_cut_off(figure):
    """All text lies within the picture, and the legend clear of the panels."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    width, height = figure.canvas.get_width_height()
    (legend,) = figure.legends
    box = legend.get_window_extent(renderer)
    assert box.x1 <= width
    assert box.y0 >= 0
    assert box.y1 <= height
    for axis in figure.axes:
        tight = axis.get_tightbbox(renderer)
        assert tight.x0 >= 0
        assert tight.x1 < box.x0
        assert tight.y0 >= 0
        assert tight.y1 < height


@pytest.mark.parametrize("problem", ["in US$ per $", "$\\bad$", "long " * 26, "/" + "folder/" * 60])
def test_any_title_is_shown_as_it_is_within_the_picture(comparison, problem):
    figure = figure_of(replace(comparison, problem=problem))
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    title = figure._suptitle
    box, width = title.get_window_extent(renderer), figure.canvas.get_width_height()[0]
    assert min(box.x0, width - box.x1) > 0
    assert box.y0 > figure.axes[0].get_window_extent(renderer).y1
    shown = title.get_text().replace("\n", " ")
    assert shown.endswith("(n = 300, d = 5)")
    assert shown.startswith(problem[:100].strip())
    assert not title.get_parse_math()


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_files(comparison, tmp_path, suffix):
    path = tmp_path / f"gaps{suffix}"
    comparison.plot(str(path))
    if suffix.lower() == ".png":
        picture = imread(path, format="png")
        assert picture.shape[0] > 500
        assert picture.shape[1] > 1200
        assert 0.01 < np.mean(picture[..., :3].min(axis=2) < 0.9) < 0.5  # neither empty nor full
    elif suffix == ".svg":
        assert ET.parse(path).getroot().tag.endswith("svg")
    else:
        assert path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("path", ["gaps.jpg", "gaps", Path("gaps.txt")])
def test_unknown_suffixes_are_refused_before_any_work(comparison, path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match=r"path must end in \.png, \.svg, \.pdf"):
        comparison.plot(path)


def test_without_matplotlib(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs matplotlib: install it, or .* extra 'plot'"):
        comparison.plot()


def test_matplotlib_is_imported_only_for_plots_and_pyplot_never():
    script = """
import sys, newtonkit as nk
comparison = nk.compare(nk.ExpRegression([[1.0], [2.0]], [1.0, 2.0]), methods="BFGS")
str(comparison), comparison.to_csv(), nk.performance_profile([comparison])
assert "matplotlib" not in sys.modules
comparison.plot()
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT, timeout=60)


def test_runs_that_ended_where_they_began(comparison):
    still = replace(comparison.reports[0], trace=(TracePoint(0, 0.0, comparison.start_value),))
    figure = figure_of(replace(comparison, reports=(still,)))
    assert [line.get_ydata().tolist() for line in figure.axes[0].get_lines()] == [[1.0]]
    at_the_best = replace(comparison, reports=(still,), best_value=comparison.start_value)
    assert at_the_best.plot()[0].get_lines()[0].get_ydata() == [1e-16]


def test_infinite_values_are_left_out(comparison):
    trace = (TracePoint(0, 0.0, comparison.start_value), TracePoint(1, 0.1, np.inf))
    odd = replace(comparison, reports=(replace(comparison.reports[0], trace=trace),))
    assert len(odd.plot()[1].get_lines()[0].get_xdata()) == 1
