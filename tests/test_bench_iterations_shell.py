"""``newtonkit bench iterations``: tables in 80 columns, JSON and the picture."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.prediction.export import figures_of
from newtonkit.prediction.figures import (
    UNATTAINABLE,
    Count,
    NearSolve,
    Prediction,
    WholeSolve,
)
from newtonkit.prediction.plot import draw
from newtonkit.prediction.table import report_of
from newtonkit.shell.iterations_page import ITERATIONS
from newtonkit.shell.record import as_json
from tests.iterations_runs import PLAN, SMALL, long_run, run
from tests.pictures import _no_figures_left, assert_whole  # noqa: F401


class TestReport:
    def test_is_of_what_was_measured(self, capsys, tmp_path):
        table, err = run(capsys, *SMALL, "--json", str(tmp_path / "f.json"))
        assert err == ""
        table = table.partition("\nWritten to ")[0] + "\n"
        found = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
        assert max(map(len, table.splitlines())) <= 79
        assert re.findall(r"^(\S+), condition 10$", table, re.MULTILINE) == ["exp", "softmax"]
        lines = re.findall(r"^  (exact|sketched|sampled 0\.5) +(\S.*)$", table, re.MULTILINE)
        cells = [cell for problem in found["problems"] for cell in problem["methods"]]
        for (name, figures), cell in zip(lines, cells, strict=True):
            assert name == " ".join(str(part) for part in (cell["method"], cell["epsilon"]) if part)
            to, papers, certified, seen, step, error, before, inside = figures.split()
            pairs = [
                (count["to"], *(str(count[key] or "-") for key in ("papers", "predicted", "observed")))
                for solve in cell["solves"]
                for count in solve["counts"]
            ]
            assert (float(to), papers, certified, seen) in pairs
            assert (papers == "-") == (cell["epsilon"] == 0.5)
            factors = [factor for solve in cell["solves"] for factor in solve["factors"]]
            assert float(step) == pytest.approx(max(factors), rel=0.2, abs=6e-4)
            assert cell["worst"] == max(factors)
            assert error == (f"{max(cell['errors']):.3f}" if cell["errors"] else "-") or error.endswith("!")
            assert (int(before), int(inside)) == (cell["whole"]["before"], cell["whole"]["inside"])
        assert "step counts are within their prediction.\n" in table

    def test_figures_are_those_of_minimize(self, capsys):
        found = json.loads(run(capsys, *SMALL, "--problems", "exp", "--json", "-").out)
        assert found["kept"] is True
        assert found["interrupted"] is False
        assert found["settings"]["kinds"] == ["exp"]
        assert found["settings"]["accuracies"] == [1e-2, 1e-4, 1e-6, 1e-8]
        (problem,) = found["problems"]
        planted = nk.datasets.make_planted("exp", 1200, 3, condition=10.0, noise=0.1, rng=0)
        for cell in problem["methods"]:
            result = nk.minimize(
                planted.problem, method=cell["method"], epsilon=cell["epsilon"], gtol=1e-15, rng=0
            )
            whole = cell["whole"]
            assert whole["before"] + whole["inside"] <= result.nit
            assert cell["exceeded"] == 0
        (summary,) = found["samples"]
        sampled = problem["methods"][2]
        assert summary["steps"] == sum(len(solve["factors"]) for solve in sampled["solves"])
        assert summary["largest"] == max(sampled["errors"])
        assert (summary["broken"], summary["interval"][0]) == (0, 0.0)
        assert summary["promised"] == len(sampled["promise"]["errors"]) * (sampled["promise"]["share"] < 1.0)

    def test_of_a_thousand_seeds_fits(self):
        found = long_run()
        text = report_of(found)
        assert max(map(len, text.splitlines())) <= 79
        assert not re.search(r" $", text, re.MULTILINE)
        assert re.search(r"^resnet-softmax, condition 123456$", text, re.MULTILINE)
        assert re.search(r"^exp, condition 0\.001: no minimum was found$", text, re.MULTILINE)
        assert re.search(r"^exp, condition 1: not reached$", text, re.MULTILINE)
        assert re.search(r"^0\.123 +9000 +\d{4} +0\.600 +1000 +500 +1e3 +1000 +1000 +1 to 1$", text, re.M)
        assert re.search(r"^  sampled 0\.123 .* 0\.6\d\d  +1e3! ", text, re.MULTILINE)  # nothing promised
        assert re.search(r"^sampled +share above epsilon,$\n^epsilon .* > eps +95 % interval$", text, re.M)
        line = next(line for line in text.splitlines() if "sampled 0.05" in line)
        assert re.search(r" 1e-2 +456 +123 +78 +0\.6\d\d! +1e3! +never +99$", line), line
        assert "PROMISE BROKEN at epsilon 0.05" in text

    def test_marks_what_is_too_much(self):
        bad = long_run(2)
        solve = NearSolve(0, 1.0, (Count(1e-2, 3, 9, 4), Count(1e-8, 9, 9, 9)), (0.3,))
        cell = replace(bad.rows[0].cells[0], solves=(solve,))
        text = report_of(replace(bad, rows=(replace(bad.rows[0], cells=(cell,)),)))
        assert re.search(r"exact +1e-2 +9 +3 +4! +0\.300 +-", text)
        assert "EXCEEDED: 1 of 2 step counts in the region are above their prediction:" in text
        assert "resnet-softmax, condition 123456, exact: 1\n" in text

    def test_samples_of_all_rows_keep_no_promise(self):
        found = long_run(2)
        cells = tuple(
            replace(cell, promise=cell.promise and replace(cell.promise, share=1.0)) for cell in found.cells
        )
        text = report_of(replace(found, rows=(replace(found.rows[0], cells=cells),)))
        assert re.search(r"^0\.05 .* 0 +0 +all rows kept$", text, re.MULTILINE)

    def test_is_json_whatever_was_found(self):
        found = json.loads(as_json(figures_of(long_run(2))))
        assert found["kept"] is False
        assert found["problems"][0]["methods"][2]["promise"]["broken"] == 2
        assert found["problems"][1]["note"].startswith("it is bad")
        cell = found["problems"][0]["methods"][0]
        assert cell["whole"]["status"] == "MAX_ITER"
        count = {"to": 1e-8, "predicted": None, "papers": None, "observed": None, "reason": UNATTAINABLE}
        assert cell["solves"][0]["counts"][1] == count

    def test_a_stop_at_the_minimum_is_no_status(self):
        bad = long_run(2)
        cell = replace(bad.rows[0].cells[0], whole=WholeSolve(1, 2), solves=(NearSolve(0, 1.0, (), (0.3,)),))
        found = figures_of(replace(bad, rows=(replace(bad.rows[0], cells=(cell,)),)))
        (cell,) = found["problems"][0]["methods"]
        assert "status" not in cell["whole"]
        assert "status" not in cell["solves"][0]

    def test_every_key_of_json_is_on_the_page(self):
        def keys(value):
            if isinstance(value, dict):
                yield from value
            for part in (
                value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            ):
                yield from keys(part)

        found = json.loads(as_json(figures_of(long_run(2))))
        found.pop("settings")
        (text,) = (text for title, text in ITERATIONS.sections if title == "JSON")
        words = set(re.findall(r"\w+", text)) | {"kind", "condition", "reason"}
        assert set(keys(found)) <= words

    def test_has_nothing_to_say_of_a_way_that_begins_at_its_end(self):
        bad = long_run(2)
        text = report_of(replace(bad, rows=(replace(bad.rows[0], begins_at_minimum=True),)))
        assert re.search(r"^  exact .* -   -$", text, re.MULTILINE)
        assert "x = 0 is itself the minimum of resnet-softmax: a solve from there has no" in text


class TestPicture:
    @pytest.mark.parametrize("count", [2, 400])
    def test_is_whole(self, count):
        figure = draw(long_run(count))
        assert_whole(figure)
        left, right = figure.axes
        (line,) = left.get_lines()
        assert set(line.get_ydata()) == {0.4}
        assert (np.nanmin(line.get_xdata()), np.nanmax(line.get_xdata())) == (-0.5, 2.5)  # not at 0.123
        drawn = [len(part.get_offsets()) for part in left.collections]
        assert drawn == [min(9 * count, 2000)] * 4
        tops = [part.get_offsets()[:, 1].max() for part in left.collections]
        assert tops == pytest.approx([max(cell.factors) for cell in long_run(count).cells])
        for part in right.collections[:4]:
            ((x, y),) = part.get_offsets()
            assert 123 <= x < 124
            assert y == 78

    def test_tells_what_was_counted(self):
        right = draw(long_run(2)).axes[1]
        # None to 1e-8 is predicted.
        assert right.get_title(loc="left") == "Steps to 1e-2 of the first distance"
        assert "shifted to the right to be told apart" in "".join(text.get_text() for text in right.texts)

    @pytest.mark.parametrize("steps", [1, 3, 9, 123])
    def test_ticks_are_whole_numbers(self, steps):
        found = long_run(2)
        cell = replace(found.cells[0], solves=(NearSolve(0, 1.0, (Count(1e-2, steps, 456, steps),), (0.3,)),))
        right = draw(replace(found, rows=(replace(found.rows[0], cells=(cell,)),))).axes[1]
        assert "shifted" not in "".join(text.get_text() for text in right.texts)  # from what?
        for axis in (right.xaxis, right.yaxis):
            ticks = axis.get_majorticklocs()
            assert len(ticks) >= 2
            assert all(tick == round(tick) for tick in ticks)

    @pytest.mark.parametrize(
        ("epsilons", "covered"), [((0.3, 0.05), [1]), ((0.05, 0.3, 0.1), [0, 2]), ((0.3, 0.5), None)]
    )
    def test_the_promise_is_drawn_where_it_is_given(self, epsilons, covered):
        found = long_run(2)
        cell = found.rows[0].cells[2]
        cells = tuple(replace(cell, epsilon=epsilon) for epsilon in epsilons)
        left = draw(replace(found, rows=(replace(found.rows[0], cells=cells),))).axes[0]
        lines = left.get_lines()
        assert len(lines) == len(left.texts) == (covered is not None)
        for line in lines:
            begins, ends, _ = np.transpose(np.reshape(line.get_xdata(), (-1, 3)))
            np.testing.assert_array_equal((begins + ends) / 2.0, covered)
            assert len(covered) == 1 or np.isnan(line.get_xdata()[2])

    def test_of_nothing_is_drawn_all_the_same(self):
        assert_whole(draw(Prediction(PLAN, (), 1.0, True)))

    def test_no_count_within_its_prediction_is_drawn_beyond_the_diagonal(self):
        found = long_run(2)
        solve = NearSolve(0, 1.0, (Count(1e-2, 3, 9, 3),), (0.3,))
        cells = tuple(replace(cell, solves=(solve,)) for cell in found.rows[0].cells)
        _, right = draw(replace(found, rows=(replace(found.rows[0], cells=cells),))).axes
        for part in right.collections[:4]:
            ((x, y),) = part.get_offsets()
            assert x >= y == 3
