"""Performance profiles (Dolan and More 2002)."""

import json
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from tests.comparing import exp_data


@pytest.fixture(scope="module")
def real():
    return nk.compare(nk.ExpRegression(*exp_data()), methods=["newtonkit", "BFGS", "CG"])


@pytest.fixture(scope="module")
def comparisons(real):
    """Three problems with made-up figures: seconds, and whether the minimum was reached."""
    figures = {
        "one": {"newtonkit": (1.0, True), "BFGS": (2.0, True), "CG": (30.0, True)},
        "two": {"newtonkit": (4.0, True), "BFGS": (1.0, True), "CG": (0.1, False)},
        "three": {"newtonkit": (2.0, True), "BFGS": (9.0, False)},
    }
    return [
        replace(
            real,
            problem=name,
            reports=tuple(
                replace(
                    real[method],
                    seconds=seconds,
                    passes=10.0 * seconds,
                    iterations=round(seconds),
                    nfev=7,
                    outcome="reached" if reached else "time cap",
                )
                for method, (seconds, reached) in methods.items()
            ),
        )
        for name, methods in figures.items()
    ]


@pytest.fixture
def profile(comparisons):
    return nk.performance_profile(comparisons)


def test_ratios_to_the_best_that_solved_it(profile):
    inf = np.inf
    assert profile.measure == "seconds"
    assert profile.problems == ("one", "two", "three")
    assert profile.methods == ("newtonkit", "BFGS", "CG")
    np.testing.assert_array_equal(profile.ratios, [[1, 2, 30], [4, 1, inf], [1, inf, inf]])
    assert profile.runs.tolist() == [3, 3, 2]


def test_fractions(profile):
    shares = {
        name: [profile.fraction(name, factor) for factor in (1.0, 2.0, 4.0, 1e9)] for name in profile.methods
    }
    assert shares["newtonkit"] == pytest.approx([2 / 3, 2 / 3, 1, 1])
    assert shares["BFGS"] == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2 / 3])
    assert shares["CG"] == pytest.approx([0, 0, 0, 1 / 3])
    assert profile.fraction("CG") == pytest.approx(1 / 3)


@pytest.mark.parametrize("measure", ["seconds", "passes", "iterations", "nfev", "njev"])
def test_measures(comparisons, real, measure):
    profile = nk.performance_profile(comparisons, measure)
    expected = {
        "seconds": [1, 2, 30],
        "passes": [1, 2, 30],
        "iterations": [1, 2, 30],
        "nfev": [1, 1, 1],
        "njev": np.array([r.njev for r in real.reports]) / min(r.njev for r in real.reports),
    }[measure]
    np.testing.assert_allclose(profile.ratios[0], expected)


def test_a_count_of_zero_is_no_division(comparisons):
    started_there = replace(
        comparisons[0],
        reports=tuple(replace(r, iterations=k) for k, r in enumerate(comparisons[0].reports)),
    )
    np.testing.assert_array_equal(nk.performance_profile([started_there], "iterations").ratios, [[1, 1, 2]])


def test_a_problem_that_nobody_solved(comparisons):
    nobody = replace(
        comparisons[0], reports=tuple(replace(r, outcome="failed") for r in comparisons[0].reports)
    )
    profile = nk.performance_profile([nobody, comparisons[1]])
    assert np.isinf(profile.ratios[0]).all()
    assert profile.fraction("newtonkit") == 0.5


def test_of_real_runs(real):
    profile = nk.performance_profile([real], "iterations")
    counts = [report.iterations for report in real.reports]
    np.testing.assert_allclose(profile.ratios, [np.array(counts) / min(counts)])


def test_table(profile):
    lines = str(profile).splitlines()
    assert lines[0] == "Performance profile over 3 problems, by seconds"
    header = " ".join(lines[3].split())
    assert header == "method best within 2x within 5x within 10x at all run on"
    rows = [line.split(maxsplit=1) for line in lines[5:]]
    assert [name for name, _ in rows] == ["newtonkit", "BFGS", "CG"]
    assert " ".join(rows[0][1].split()) == "67 % 67 % 100 % 100 % 100 % 3 of 3"
    assert " ".join(rows[1][1].split()) == "33 % 67 % 67 % 67 % 67 % 3 of 3"
    assert " ".join(rows[2][1].split()) == "0 % 0 % 0 % 0 % 33 % 2 of 3"
    assert max(map(len, lines)) <= 80
    assert str(profile).isascii()
    assert profile.table().row_count == 3


def test_json(profile):
    figures = json.loads(json.dumps(profile.to_dict(), allow_nan=False))
    assert figures == {
        "measure": "seconds",
        "problems": ["one", "two", "three"],
        "methods": ["newtonkit", "BFGS", "CG"],
        "ratios": [[1.0, 2.0, 30.0], [4.0, 1.0, None], [1.0, None, None]],
        "runs": [3, 3, 2],
    }


def test_plot_steps_up_at_each_ratio(profile, tmp_path):
    axis = profile.plot(tmp_path / "profile.png")
    assert (tmp_path / "profile.png").stat().st_size > 10_000
    lines = {line.get_label(): line for line in axis.get_lines()}
    assert tuple(lines) == profile.methods
    for name, line in lines.items():
        x, y = line.get_xdata(), line.get_ydata()
        assert line.get_drawstyle() == "steps-post"
        for factor in (1.0, 1.5, 2.0, 3.0, 4.0, 29.0, 31.0):
            # What the line shows at a factor: the last level at or before it.
            assert y[np.flatnonzero(x <= factor)[-1]] == pytest.approx(profile.fraction(name, factor))
    assert axis.get_xlim()[1] > 30.0
    with pytest.raises(ValueError, match="path must end in"):
        profile.plot("profile.gif")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "comparisons must hold at least one"),
        ((["a"],), TypeError, "comparisons must hold Comparison objects, got str"),
        ((3,), TypeError, "comparisons must be a sequence"),
    ],
)
def test_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        nk.performance_profile(*arguments)


def test_wrong_measure_method_and_factor(comparisons, profile):
    with pytest.raises(TypeError, match="put it into a list"):
        nk.performance_profile(comparisons[0])
    with pytest.raises(ValueError, match=r"measure must be among seconds, .*; got 'time'"):
        nk.performance_profile(comparisons, "time")
    with pytest.raises(KeyError, match="no method 'SLSQP' was compared; there are "):
        profile.fraction("SLSQP", 2.0)
    with pytest.raises(ValueError, match="factor must be at least 1"):
        profile.fraction("CG", 0.5)
    with pytest.raises(ValueError, match="factor must be at least 1"):
        profile.fraction("CG", np.nan)
