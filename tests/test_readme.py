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
from tests.printed import BLOCKS as ANY_BLOCK
from tests.printed import check_block, check_comparison, check_console

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Each block with its kind; what a Python block prints stands in the block of text that follows it.
BLOCKS = ANY_BLOCK.findall(README)
PYTHON = [(block["code"], block["output"]) for block in readme.PYTHON.finditer(README)]


@functools.cache
def _printed_by_python() -> list[str]:
    return readme.python_output(README)


class TestPython:
    def test_every_block_is_followed_by_what_it_prints(self):
        assert len(PYTHON) == [kind for kind, _ in BLOCKS].count("python") >= 4

    @pytest.mark.parametrize("k", range(len(PYTHON)))
    def test_runs_and_prints_what_is_shown(self, k):
        check_block(PYTHON[k][1], _printed_by_python()[k])

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
        check_comparison(shown["output"], readme.shell_output())
        assert max(map(len, shown["output"].splitlines())) <= 80

    def test_the_session_shown_is_what_the_commands_print(self):
        shown = readme.CONSOLE.search(README)
        assert shown is not None
        check_console(shown[0], readme.console_output(shown[0]))
        assert len(shown[0].splitlines()) > 20
        output = [line for line in shown[0].splitlines() if not line.startswith("$ ")]
        assert max(map(len, output)) <= 80

    def test_there_are_two_commands_and_the_second_runs_the_tests(self):
        shell = [code.strip() for kind, code in BLOCKS if kind == "bash"]
        assert len(shell) == 2
        assert all(code.startswith("python3 -m venv .venv && ") and "\n" not in code for code in shell)
        assert shell[0].endswith(".venv/bin/newtonkit compare")
        assert shell[1].endswith(".venv/bin/python -m pytest -n auto")


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
