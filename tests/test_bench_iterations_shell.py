"""``newtonkit bench iterations``: tables in 80 columns, JSON, the picture, exit codes, Ctrl-C, mistakes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.prediction import Plan
from newtonkit.prediction.export import figures_of
from newtonkit.prediction.figures import Cell, Count, NearSolve, Prediction, Promise, Row, WholeSolve
from newtonkit.prediction.plot import draw
from newtonkit.prediction.table import report_of
from newtonkit.shell import iterations
from newtonkit.shell.record import as_json
from tests.certificate_stub import stub
from tests.pictures import _no_figures_left, assert_whole  # noqa: F401
from tests.shell_files import shell

SMALL = ["--problems", "exp", "softmax", "--conditions", "10", "--rows", "1200", "--columns", "3"]
SMALL += ["--seeds", "2"]
EXACT = [*SMALL, "--methods", "exact"]
SMALL += ["--epsilons", "0.5"]
PLAN = Plan(kinds=("exp", "softmax"), conditions=(10.0,), epsilons=(0.5,), rows=1200, columns=3, seeds=2)


def run(capsys, *arguments, code=0):
    """Run the command, and return what it writes."""
    assert cli.main(["bench", "iterations", *arguments]) == code
    return capsys.readouterr()


def promising(steps):
    """Return what certifies every point, and promises so many steps."""
    return lambda *_: stub(steps=steps, papers=9)


def long_run(count=1000, kind="resnet-softmax"):
    """Return figures of the widest kind."""
    counts = (Count(1e-2, 123, 456, 78), Count(1e-8, None, None, None))
    generator = np.random.default_rng(0)
    solves = tuple(
        NearSolve(k, 1.0, counts, tuple(generator.uniform(0.01, 0.6, 9).tolist()), "CONVERGED")
        for k in range(count)
    )
    cells = tuple(
        Cell(
            method,
            epsilon,
            WholeSolve(None if epsilon else 123, 99, "MAX_ITER"),
            solves,
            (1234.5, 0.1) * (count // 2) if epsilon else (),
            0.5,
            Promise(epsilon, 0.01, (0.6,) * count, 0.3) if epsilon else None,
        )
        for method, epsilon in (("exact", None), ("sketched", None), ("sampled", 0.05), ("sampled", 0.123))
    )
    plan = replace(PLAN, epsilons=(0.05, 0.123), kinds=(kind,), rows=10**7, columns=1000)
    rows = (
        Row(kind, 123456.0, cells, count, 3, 1e-9),
        Row("exp", 1e-3, note="it is bad " * 12),
        Row("exp", 1.0),
    )
    return Prediction(plan, rows, 1.0, False)


class TestReport:
    def test_is_of_what_was_measured(self, capsys):
        out, err = run(capsys, *SMALL, "--json", "-")
        assert err == ""
        found = json.loads(out)
        table, err = run(capsys, *SMALL)
        assert err == ""
        assert max(map(len, table.splitlines())) <= 79
        lines = re.findall(r"^(?:(\S+) +10 |) +(exact|sketched|sampled 0\.5) +(\S.*)$", table, re.MULTILINE)
        assert [kind for kind, *_ in lines] == ["exp", "", "", "softmax", "", ""]
        cells = [cell for problem in found["problems"] for cell in problem["methods"]]
        for (_, name, figures), cell in zip(lines, cells, strict=True):
            assert name == " ".join(str(part) for part in (cell["method"], cell["epsilon"]) if part)
            papers, bound, seen, step, error, before, inside = figures.split()
            pairs = [
                tuple(str(count[key] or "-") for key in ("papers", "predicted", "observed"))
                for solve in cell["solves"]
                for count in solve["counts"]
            ]
            assert (papers, bound, seen) in pairs
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
        assert re.search(r"^exp +1e-3 +no minimum was found$", text, re.MULTILINE)
        assert re.search(r"^exp +1 +not reached$", text, re.MULTILINE)
        assert re.search(r"^0\.123 +9000 +\d{4} +0\.600 +1000 +500 +1e3 +1000 +1000 +1 to 1$", text, re.M)
        line = next(line for line in text.splitlines() if "sampled 0.05" in line)
        assert re.search(r" 456 +123 +78 +0\.6\d\d! +1e3! +never +99$", line), line
        assert "PROMISE BROKEN at epsilon 0.05" in text

    def test_marks_what_is_too_much(self):
        bad = long_run(2)
        solve = NearSolve(0, 1.0, (Count(1e-2, 3, 9, 4), Count(1e-8, 9, 9, 9)), (0.3,), "CONVERGED")
        cell = replace(bad.rows[0].cells[0], solves=(solve,))
        text = report_of(replace(bad, rows=(replace(bad.rows[0], cells=(cell,)),)))
        assert re.search(r"exact +9 +3 +4! +0\.300 +-", text)
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


class TestPicture:
    @pytest.mark.parametrize("count", [2, 400])
    def test_is_whole(self, count):
        figure = draw(long_run(count))
        assert_whole(figure)
        left, right = figure.axes
        (line,) = left.get_lines()
        assert set(line.get_ydata()) == {0.4}
        drawn = [len(part.get_offsets()) for part in left.collections]
        assert drawn == [min(9 * count, 2000)] * 4
        tops = [part.get_offsets()[:, 1].max() for part in left.collections]
        assert tops == pytest.approx([max(cell.factors) for cell in long_run(count).cells])
        for part in right.collections[:4]:
            ((x, y),) = part.get_offsets()
            assert 123 <= x < 124
            assert y == 78

    def test_of_nothing_is_drawn_all_the_same(self):
        assert_whole(draw(Prediction(PLAN, (), 1.0, True)))

    def test_no_count_within_its_prediction_is_drawn_beyond_the_diagonal(self):
        found = long_run(2)
        solve = NearSolve(0, 1.0, (Count(1e-2, 3, 9, 3),), (0.3,), "CONVERGED")
        cells = tuple(replace(cell, solves=(solve,)) for cell in found.rows[0].cells)
        _, right = draw(replace(found, rows=(replace(found.rows[0], cells=cells),))).axes
        for part in right.collections[:4]:
            ((x, y),) = part.get_offsets()
            assert x >= y == 3


class TestEnds:
    def test_as_a_process_that_writes_files(self, tmp_path):
        files = ["--json", "figures.json", "--picture", "counts.png"]
        out, err = shell(
            "bench", "iterations", *SMALL, "--problems", "exp", "--seeds", "1", *files, cwd=tmp_path
        )
        assert err == ""
        assert out.endswith("\nWritten to figures.json and counts.png.\n")
        assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["kept"]
        assert (tmp_path / "counts.png").read_bytes().startswith(b"\x89PNG")
        assert len(list(tmp_path.iterdir())) == 2

    def test_more_steps_than_predicted(self, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(1), raising=False)
        out, err = run(capsys, *EXACT, code=1)
        assert err == ""
        assert re.search(r"^EXCEEDED: (\d+) of \d+ step counts in the region are above their", out, re.M)
        assert re.search(r"^exp +10 +exact +9 +1 +\d! ", out, re.MULTILINE)
        out, err = run(capsys, *EXACT, "--json", "-", code=1)
        assert json.loads(out)["kept"] is False
        assert re.fullmatch(r"newtonkit bench iterations: EXCEEDED: .*\n", err)

    def test_a_broken_promise(self, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(99), raising=False)
        monkeypatch.setattr("newtonkit.prediction.figures.Promise.broken", 2)
        out, _ = run(capsys, *SMALL, "--methods", "sampled", "--delta", "0.1", code=1)
        assert "PROMISE BROKEN at epsilon 0.5: by 4 of 4 samples, and delta is 0.1." in out

    @pytest.mark.parametrize("quiet", [False, True])
    def test_ctrl_c_keeps_what_there_is(self, quiet, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(99), raising=False)
        real = iterations._teller

        def teller(show):
            tell = real(show)

            def told(share, what):
                tell(share, what)
                if what == "softmax, condition 10: seed 2 of 2":
                    raise KeyboardInterrupt

            return told

        monkeypatch.setattr(iterations, "_teller", teller)
        path = "-" if quiet else str(tmp_path / "figures.json")
        out, err = run(capsys, *EXACT, "--json", path, code=130)
        assert err == "newtonkit bench iterations: error: interrupted\n"
        found = json.loads(out if quiet else (tmp_path / "figures.json").read_text(encoding="utf-8"))
        assert found["interrupted"]
        assert [problem["seeds"] for problem in found["problems"]] == [2, 1]
        assert quiet or "\nsoftmax  " in out

    def test_progress(self):
        shown = []
        tell = iterations._teller(shown.append)
        tell(0.0, "exp: the minimum")
        tell(0.5, "exp: seed 1 of 3")
        assert shown == [
            "[................] 0 %, exp: the minimum",
            "[########........] 50 %, about 1 s left; exp: seed 1 of 3",
        ]


def test_bench_takes_data_as_before(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("iterations.npz", A=np.eye(3)[:, :2] + 1.0, b=np.ones(3))
    (tmp_path / "iterations.npz").rename("iterations.d.npz")
    assert cli.main(["bench", "./iterations.d.npz", "--problem", "exp", "--runs", "1"]) == 0
    assert "\nsolved: CONVERGED\n" in capsys.readouterr().out
    (tmp_path / "iterations").write_text("x")
    assert cli.main(["bench", "./iterations", "--problem", "exp", "--target", "x"]) == 2
    assert "./iterations" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problems", "tanh"], "argument --problems: invalid choice: 'tanh' .*"),
        (["--methods", "auto"], "argument --methods: invalid choice: 'auto' .*"),
        (["--epsilons", "1"], "argument --epsilons: must be less than 1, got '1'"),
        (["--epsilons", "0"], "argument --epsilons: must be a positive number, got '0'"),
        (["--delta", "2"], "argument --delta: must be less than 1, got '2'"),
        (
            ["--methods", "exact", "--epsilons", "0.1"],
            "--epsilons belongs to method sampled, which is not .*",
        ),
        (["--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got '0'"),
        (["--rows", "3"], r"--rows must be at least 4 for kind 'exp' and d = 4, got 3"),
        (["--columns", "1"], r"--conditions must be 1 for a single column \(d = 1\), got 100"),
        (["--conditions", "0.5"], r"--conditions must lie within 1 and 1e\+12, got 0\.5"),
        (["--noise", "1e9"], "--noise must lie within 0 and 1000, got .*"),
        (["digits"], "unrecognized arguments: digits"),
        (["--json", "f.json", "--picture", "f.json"], r"--json and --picture are both f\.json"),
        (["--picture", "f.txt"], r"--picture f\.txt must end in \.png, \.svg or \.pdf"),
        (["--json", "no/such/f.json"], r"cannot write no/such/f\.json: No such file or directory"),
    ],
)
def test_mistakes_take_one_line(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert re.fullmatch(f"newtonkit bench iterations: error: {message}\n", err), err
    assert not list(tmp_path.iterdir())
