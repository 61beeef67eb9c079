"""The README is run: its Python, its shell command, and what it shows of their output."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path

import pytest

import newtonkit as nk
from bench import readme
from bench.exp_regression import by_newtonkit
from bench.real_data import cpssw8, diamonds
from newtonkit.comparison import METHODS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Each block with its kind; what a Python block prints stands in the block of text that follows it.
BLOCKS = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [(block["code"], block["output"]) for block in readme.PYTHON.finditer(README)]
# Their paths do not hang on the last digit of a line search, nor on anything but the data.
STEADY = ("newtonkit", "trust-exact")


@functools.cache
def _printed_by_python() -> list[str]:
    return readme.python_output(README)


def _rows(text: str) -> list[list[str]]:
    """Return the rows of the first table of each comparison: method, iter, fun, grad, hess, ..., outcome."""
    names = "|".join(map(re.escape, METHODS))
    first = re.sub(r"^On the way.*?\n\nmethod.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(rf"^[* ] ({names}) +(\d.*)$", first, re.MULTILINE)
    return [[name, *re.split(r" +", rest.strip(), maxsplit=7)] for name, rest in found]


def _without_rounding(text: str) -> str:
    """Put a word in place of every number that is nothing but rounding."""
    return re.sub(r"\d\.\de-1[3-9]", "rounding", text)


def _check_comparison(shown: str, printed: str) -> None:
    """Compare what does not depend on time, on the machine or on the last digit."""
    theirs, ours = _rows(shown), _rows(printed)
    assert [row[0] for row in theirs] == [row[0] for row in ours]
    for before, now in zip(theirs, ours, strict=True):
        if before[0] in STEADY:
            assert before[8] == now[8] == "reached"
            counts = [[int(count) for count in row[1:5]] for row in (before, now)]
            assert all(abs(a - b) <= 1 for a, b in zip(*counts, strict=True)), (before, now)
    for pattern in (r"^n = .*$", r"^method .*$", r"^hess counts .*$"):
        assert re.findall(pattern, shown, re.MULTILINE) == re.findall(pattern, printed, re.MULTILINE)
    pattern = r"^Lowest value (\S+), from (\S+) at the start\.$"
    values = [re.findall(pattern, text, re.MULTILINE) for text in (shown, printed)]
    for before, now in zip(*values, strict=True):
        assert [float(v) for v in before] == pytest.approx([float(v) for v in now], rel=1e-8)


class TestPython:
    def test_every_block_is_followed_by_what_it_prints(self):
        assert len(PYTHON) == [kind for kind, _ in BLOCKS].count("python") >= 4

    @pytest.mark.parametrize("k", range(len(PYTHON)))
    def test_runs_and_prints_what_is_shown(self, k):
        shown, printed = PYTHON[k][1], _printed_by_python()[k]
        if "|g|/|g0|" in shown:
            assert shown.splitlines()[0] == printed.splitlines()[0]
            _check_comparison(shown, printed)
        else:
            assert _without_rounding(shown) == _without_rounding(printed)

    def test_a_problem_of_ones_own_takes_fewer_than_twenty_lines(self):
        own = [code for code, _ in PYTHON if "class " in code]
        assert len(own) == 2
        assert all(len([line for line in code.splitlines() if line.strip()]) < 20 for code in own)

    def test_the_first_block_has_ten_lines_at_most(self):
        assert len([line for line in PYTHON[0][0].splitlines() if line.strip()]) <= 10

    def test_names_exist(self):
        for name in set(re.findall(r"\bnk((?:\.\w+)+)", README)):
            functools.reduce(getattr, name.strip(".").split("."), nk)

    def test_every_status_is_explained(self):
        table = "".join(line for line in README.splitlines() if line.lstrip().startswith("| `"))
        assert [status.name for status in nk.Status if f"`{status.name}`" not in table] == []


class TestShell:
    def test_the_comparison_shown_is_what_the_command_prints(self):
        shown = readme.SHELL.search(README)
        assert shown is not None
        _check_comparison(shown["output"], readme.shell_output())
        assert max(map(len, shown["output"].splitlines())) <= 80

    def test_the_session_shown_is_what_the_commands_print(self):
        shown = readme.CONSOLE.search(README)
        assert shown is not None
        sessions = [re.sub(r"\d+\.\d+", "0.0", text) for text in (shown[0], readme.console_output(shown[0]))]
        assert sessions[0] == sessions[1]
        assert len(shown[0].splitlines()) > 20
        output = [line for line in shown[0].splitlines() if not line.startswith("$ ")]
        assert max(map(len, output)) <= 80

    def test_there_are_two_commands_and_the_second_runs_the_tests(self):
        shell = [code.strip() for kind, code in BLOCKS if kind == "bash"]
        assert len(shell) == 2
        assert all(code.startswith("python3 -m venv .venv && ") and "\n" not in code for code in shell)
        assert shell[0].endswith(".venv/bin/newtonkit compare")
        assert shell[1].endswith(".venv/bin/python -m pytest")


class TestFigures:
    @pytest.mark.parametrize("load", [diamonds, cpssw8])
    def test_iterations_on_real_data(self, load):
        data = load()
        shown = re.search(rf"^{data.name} +\d+ x \d+ +newtonkit +\S+ +(\d+)", README, re.MULTILINE)
        assert shown is not None
        assert int(shown[1]) == by_newtonkit(data)[1]

    def test_the_version_is_the_one_at_hand(self):
        assert nk.__version__ in README


class TestLinks:
    @pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"])
    def test_to_files_lead_somewhere(self, name):
        page = ROOT / name
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), target

    def test_benchmarks_that_are_named_exist(self):
        for page in (README, (ROOT / "bench" / "README.md").read_text(encoding="utf-8")):
            for name in re.findall(r"-m (bench\.\w+)", page):
                assert importlib.util.find_spec(name) is not None
