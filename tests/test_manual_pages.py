"""Every example in the manual runs and prints what is shown; what its pages state of the code is true."""

from __future__ import annotations

import functools
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

import newtonkit as nk
from bench import readme
from newtonkit import methods
from newtonkit.comparison import MethodReport
from newtonkit.shell.kinds import KINDS
from tests.printed import BLOCKS, check_block, check_console

PAGES = {
    path.relative_to(readme.MANUAL).with_suffix("").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(readme.MANUAL.rglob("*.md"))
}
RUN = [name for name, text in PAGES.items() if "```python" in text]
ABOUT_PROBLEMS = [name for name in PAGES if name.startswith("problems/") and name != "problems/index"]


def _widest(text: str) -> int:
    """Return the longest line of Python in a page."""
    lines = [line for kind, block in BLOCKS.findall(text) for line in block.splitlines() if kind == "python"]
    return max(map(len, lines), default=0)


class TestExamples:
    @pytest.mark.parametrize("name", RUN)
    def test_run_and_print_what_is_shown(self, name, threads_restored):
        text = PAGES[name]
        shown = [block["output"] for block in readme.PYTHON.finditer(text)]
        assert len(shown) == [kind for kind, _ in BLOCKS.findall(text)].count("python")
        for before, now in zip(shown, readme.python_output(text), strict=True):
            assert now.strip(), "an example prints something"
            check_block(before, now)

    @pytest.mark.parametrize("name", [name for name, text in PAGES.items() if "```console" in text])
    def test_sessions_in_the_shell_are_what_the_commands_print(self, name):
        shown = readme.CONSOLE.search(PAGES[name])
        assert shown is not None
        check_console(shown[0], readme.console_output(shown[0]))

    @pytest.mark.parametrize("name", PAGES)
    def test_code_fits_on_the_page_and_names_exist(self, name):
        assert _widest(PAGES[name]) <= 90
        for found in set(re.findall(r"\bnk((?:\.\w+)+)", PAGES[name])):
            functools.reduce(getattr, found.strip(".").split("."), nk)


class TestProblems:
    def test_each_has_a_page(self):
        text = "".join(PAGES[name] for name in ABOUT_PROBLEMS)
        kinds = [getattr(nk, name) for name in nk.__all__]
        problems = [k.__name__ for k in kinds if inspect.isclass(k) and issubclass(k, nk.problems.Problem)]
        assert len(problems) >= 8
        assert [name for name in problems if f"reference/newtonkit.{name}.rst" not in text] == []

    @pytest.mark.parametrize("name", ABOUT_PROBLEMS)
    def test_each_page_is_whole(self, name):
        text = PAGES[name]
        titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert titles[1:] == ["Example", "Convex or not", "Traps", "Source"]
        assert "$$" in text
        assert f"](../pictures/{Path(name).name}.svg)" in text

    @pytest.mark.parametrize("name", [kind.name for kind in KINDS.values() if kind.paper])
    def test_papers_are_those_that_the_shell_names(self, name):
        page = f"../reference/newtonkit.{KINDS[name].class_name}.rst"
        paper = KINDS[name].paper
        text = next(text for text in PAGES.values() if page in text)
        assert f"[arXiv:{paper}](https://arxiv.org/abs/{paper})" in text
        assert f"[{paper}](https://arxiv.org/abs/{paper})" in PAGES["problems/index"]

    @pytest.mark.parametrize("name", PAGES)
    def test_a_paper_is_called_what_its_link_leads_to(self, name):
        links = re.findall(r"\[(?:arXiv:)?([^\]]*)\]\(https://arxiv\.org/abs/([^)]*)\)", PAGES[name])
        assert [called for called, number in links if called != number] == []


class TestStatements:
    """Where the pages say that a Hessian changes sign, it does: rows of one number each."""

    @staticmethod
    def _curvature(kind, u, b):
        return float(np.asarray(kind([[1.0]], [b]).hess([u]))[0, 0])

    @pytest.mark.parametrize("u", [-2.0, 0.0, 1.5])
    def test_exp_is_convex_up_to_twice_the_prediction(self, u):
        edge = 2 * np.exp(u)
        assert self._curvature(nk.ExpRegression, u, 0.999 * edge) > 0
        assert self._curvature(nk.ExpRegression, u, 1.001 * edge) < 0

    def test_cosh_is_convex_up_to_targets_of_one(self):
        places = np.linspace(-3.0, 3.0, 61)
        assert min(self._curvature(nk.CoshRegression, u, 0.999) for u in places) > 0
        assert self._curvature(nk.CoshRegression, 0.0, 1.001) < 0

    def test_sinh_is_convex_up_to_targets_of_root_eight(self):
        places = np.linspace(0.5, 0.8, 101)  # the least is at sinh(u) = b / 4
        assert min(self._curvature(nk.SinhRegression, u, 0.999 * np.sqrt(8.0)) for u in places) > 0
        assert min(self._curvature(nk.SinhRegression, u, 1.001 * np.sqrt(8.0)) for u in places) < 0

    def test_auto_goes_by_the_numbers_that_are_given(self):
        text = PAGES["methods"]
        for number in (
            rf"d \ge {methods.LEAST_WIDE}",
            rf"n < {methods._LEAST_ROWS_PER_COLUMN}\, d",
            f"d < {methods._MANY_COLUMNS}$",
            f"d < {methods._LEAST_COLUMNS}$",
        ):
            assert number in text
        assert "2^{21}" in text
        assert methods._LEAST_ENTRIES == 2**21

    def test_every_status_is_explained(self):
        assert [status.name for status in nk.Status if f"`{status.name}`" not in PAGES["limits"]] == []

    def test_every_outcome_of_a_comparison_is_explained(self):
        documented = set(re.findall(r'"([a-z ]+)"', _outcomes()))
        assert documented
        assert [name for name in documented if f"`{name}`" not in PAGES["comparison"]] == []


def _outcomes() -> str:
    text = inspect.getdoc(MethodReport) or ""
    return text[text.index("outcome : str") : text.index("iterations : int")]
