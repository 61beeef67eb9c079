"""The shell command: what it prints, where, and its exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.datasets import PROBLEMS

ROOT = Path(__file__).resolve().parents[1]
QUICK = ["compare", "--data", "diabetes", "--methods", "newtonkit", "trust-exact"]


def shell(*arguments, code=0, **environment):
    """Run the command in a process of its own, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "newtonkit", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


class TestCompare:
    def test_without_arguments_shows_two_real_problems(self):
        out, err = shell("compare", "--max-time", "5")
        assert err == ""
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "\x1b" not in out
        titles = [PROBLEMS["diabetes"]["exp"].description, PROBLEMS["digits"]["softmax"].description]
        assert [line for line in lines if line in titles] == titles
        assert sum(line.startswith("* ") and "reached" in line.split() for line in lines) == 2
        assert len(re.findall(r"^. newtonkit .* reached *$", out, flags=re.MULTILINE)) == 2
        assert len(re.findall(r"^. (?:L-BFGS-B|BFGS|CG) +\d", out, flags=re.MULTILINE)) == 6

    def test_figures_alone(self):
        out, err = shell(*QUICK, "--json", "-")
        figures = json.loads(out)
        assert err == ""
        assert figures["format"] == 1
        (comparison,) = figures["comparisons"]
        assert comparison["problem"] == PROBLEMS["diabetes"]["exp"].description
        assert [report["outcome"] for report in comparison["reports"]] == ["reached"] * 2
        assert (comparison["n"], comparison["d"]) == (442, 11)

    def test_figures_in_a_file(self, tmp_path, capsys):
        path = tmp_path / "figures.json"
        assert cli.main([*QUICK, "--gtol", "1e-3", "--max-iter", "9", "--json", str(path)]) == 0
        (comparison,) = json.loads(path.read_text(encoding="utf-8"))["comparisons"]
        assert comparison["gtol"] == 1e-3
        assert comparison["max_iter"] == 9
        assert "stop at |g| <= 0.001 |g0|, 10 s or 9 iterations" in capsys.readouterr().out

    def test_problem_alone_takes_all_data_that_has_it(self, capsys):
        assert cli.main(["compare", "--problem", "softmax", "--methods", "trust-exact"]) == 0
        out = capsys.readouterr().out
        assert all(problems["softmax"].description in out for problems in PROBLEMS.values())

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
    def test_on_a_terminal(self):
        """Progress goes to the terminal and is wiped off; the table fits and is still there."""
        code = (
            "import os, pty, sys; os.environ.update(COLUMNS='80', TERM='xterm');"
            f"sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, '-m', 'newtonkit', *{QUICK}])))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        text = done.stdout.decode()
        assert "newtonkit ..." in text
        assert "trust-exact ..." in text
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text[text.rindex("...") + 3 :])
        lines = [line.strip("\r") for line in shown.split("\n")]
        assert max(map(len, lines)) <= 80
        assert any(line.startswith("* ") for line in lines)


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["compare", "--data", "iris"], "argument --data: invalid choice: 'iris'"),
            (
                ["compare", "--data", "digits", "--problem", "exp"],
                "--data digits has no problem exp; it has softmax",
            ),
            (["compare", "--gtol", "0"], "argument --gtol: must be a positive number, got '0'"),
            (["compare", "--max-time", "soon"], "argument --max-time: must be a positive number, got 'soon'"),
            (["compare", "--max-iter", "-3"], "--max-iter"),
            (["compare", "--max-iter", "2.5"], "must be a whole number of at least 1, got '2.5'"),
            (["compare", "--methods", "SLSQP"], "methods must be among newtonkit, .*; got 'SLSQP'"),
            (
                ["compare", "--json", "no/such/folder/f.json"],
                "cannot write no/such/folder/f.json: No such file",
            ),
            (["compare", "extra"], "unrecognized arguments: extra"),
            (["solve"], "invalid choice: 'solve'"),
        ],
    )
    def test_one_line_and_exit_code_2(self, arguments, message, capsys):
        assert cli.main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert len(err.splitlines()) == 1
        assert re.match(r"newtonkit( compare)?: error: ", err)
        assert re.search(message, err)

    def test_exit_code_of_the_process(self):
        out, err = shell("compare", "--data", "iris", code=2)
        assert out == ""
        assert err.startswith("newtonkit compare: error: ")

    def test_ctrl_c(self, monkeypatch, capsys):
        def interrupted(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr("newtonkit.comparison.compare", interrupted)
        assert cli.main(QUICK) == 130
        assert capsys.readouterr().err == "newtonkit: error: interrupted\n"

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    @pytest.mark.parametrize("more", ["", "--json -"])
    def test_a_reader_that_leaves_early(self, more):
        command = f"{sys.executable} -m newtonkit {' '.join(QUICK)} {more} | true"
        done = subprocess.run(
            command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""


class TestHelp:
    def test_no_subcommand_prints_help(self):
        out, err = shell()
        assert out.startswith("usage: newtonkit")
        assert "compare" in out
        assert err == ""

    def test_version(self):
        assert shell("--version") == (f"newtonkit {nk.__version__}\n", "")

    @pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"]])
    def test_help_fits_into_80_columns(self, arguments, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "80")
        assert cli.main(arguments) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

    def test_nothing_heavy_is_imported_before_it_is_needed(self):
        code = (
            "import sys; from newtonkit.cli import main;"
            "main(['--version']), main(['compare', '--data', 'iris']), main(['compare', '--help']);"
            "assert not {'numpy', 'scipy', 'sklearn', 'rich', 'numba'} & set(sys.modules), sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=60, check=True)


@pytest.mark.parametrize(
    ("data", "kind"), [(data, kind) for data, problems in PROBLEMS.items() for kind in problems]
)
def test_ready_problems_have_a_minimum(data, kind):
    ready = PROBLEMS[data][kind]
    assert len(ready.description) <= 80
    problem = ready.load()
    result = nk.minimize(problem)
    assert result.success
    assert result.fun < 0.9 * problem.fun([0.0] * problem.n_parameters)
