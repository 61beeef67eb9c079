"""Results, comparisons and profiles as tables: in terminals of 80 columns and in notebooks."""

import re
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from tests.comparing import exp_data
from tests.html_pages import Page


@pytest.fixture(scope="module")
def problem():
    return nk.ExpRegression(*exp_data())


@pytest.fixture(scope="module")
def result(problem):
    return nk.minimize(problem)


def longer(result, count):
    """The same with a history of that many records."""
    copy = nk.MinimizeResult(result)
    copy.history = tuple(replace(result.history[k % 3], iteration=k) for k in range(count))
    return copy


class TestResultInTerminals:
    def test_lines(self, result):
        lines = str(result).splitlines()
        assert lines[0] == "solved: CONVERGED"
        assert lines[1] == result.message
        head = next(k for k, line in enumerate(lines) if line.split()[:2] == ["iter", "value"])
        assert lines[head].split() == [
            "iter",
            "value",
            "gradient",
            "step",
            "ratio",
            "inner",
            "passes",
            "seconds",
        ]
        rows = [line.split() for line in lines[head + 2 :]]
        assert len(rows) == len(result.history)
        for row, record in zip(rows, result.history, strict=True):
            assert int(row[0]) == record.iteration
            assert float(row[1]) == pytest.approx(record.value, rel=1e-9)
            assert float(row[2]) == pytest.approx(record.relative_gradient, rel=0.01)
            assert int(row[6]) == record.passes
        assert rows[0][3:5] == ["-", "-"]  # no step leads to the start
        assert float(rows[1][4]) == pytest.approx(result.history[1].ratio, abs=0.006)
        summary = dict(re.findall(r"^(\w+) +(.*)$", "\n".join(lines[:head]), re.MULTILINE))
        assert summary["iterations"] == str(result.nit)
        assert summary["passes"] == str(result.passes)
        assert summary["x"].endswith("shape (5,)")

    def test_long_solves_are_cut_in_the_middle(self, result):
        lines = str(longer(result, 500)).splitlines()
        numbers = [line.split()[0] for line in lines[-21:]]
        assert numbers == [*map(str, range(8)), "...", *map(str, range(488, 500))]
        assert str(longer(result, 24)).count("\n") == str(result).count("\n") + 24 - len(result.history)

    @pytest.mark.parametrize("scale", [1e-300, 1e-5, 1.0, 1e12, 1e300])
    @pytest.mark.parametrize("d", [1, 4, 5, 300])
    def test_never_wider_than_80_columns(self, result, scale, d):
        odd = longer(result, 500)
        odd.x, odd.fun = -scale * np.random.default_rng(0).random(d), -scale
        odd.message = "word " * 60
        odd.history = tuple(
            replace(
                r,
                value=-scale * 1.2345678901234,
                ratio=-scale,
                step_norm=scale,
                seconds=12345.678,
                passes=10**6,
            )
            for r in odd.history
        )
        assert max(map(len, str(odd).splitlines())) <= 80

    def test_failures_starts_and_rank_are_said(self):
        A = np.random.default_rng(0).normal(size=(30, 2))
        twice = np.hstack((A, A))
        text = str(nk.minimize(nk.ExpRegression(twice, np.exp(A[:, 0])), max_iter=1, starts=2, rng=0))
        assert text.startswith("not solved: MAX_ITER\n")
        assert re.search(r"^rank +2 of 4$", text, re.MULTILINE)
        assert re.search(r"^starts +2; this is the best of them$", text, re.MULTILINE)

    def test_of_a_result_put_together_by_hand(self):
        assert "fun: 3" in str(nk.MinimizeResult(fun=3))
        assert nk.MinimizeResult(fun=3)._repr_html_() is None

    def test_repr_is_still_that_of_scipy(self, result):
        assert "message: The gradient" in repr(result)
        assert "plot" in dir(result)


class TestNotebooks:
    def test_result(self, result):
        page = Page(result._repr_html_())
        summary, iterations = page.tables
        assert summary["rows"]["iterations"][0][1]["text"] == str(result.nit)
        assert iterations["caption"] == "Iterations"
        for record in result.history:
            cells = dict(iterations["rows"][str(record.iteration)])
            assert float(cells["value"]["value"]) == record.value
            assert float(cells["relative_gradient"]["value"]) == record.relative_gradient
        assert Page(longer(result, 500)._repr_html_()).tables[1]["caption"] == "Iterations, 20 of 500 records"

    def test_comparison_and_profile(self, problem):
        comparison = nk.compare(problem, methods=["newtonkit", "BFGS"], description="a < b & c")
        text = comparison._repr_html_()
        page = Page(text)
        assert page.text["strong"] == "a < b & c"
        assert [list(table["rows"]) for table in page.tables] == [["newtonkit", "BFGS"]] * 2
        for report in comparison.reports:
            cells = dict(page.tables[0]["rows"][report.name])
            assert float(cells["seconds"]["value"]) == report.seconds
            assert cells["outcome"]["text"] == "reached"
        assert f"In bold: {comparison.best.name} was the fastest" in page.text["li"]
        bold = [a for a in page.having("th") if "bold" in a.get("style", "")]
        assert len(bold) == 2
        table = Page(nk.performance_profile([comparison])._repr_html_()).tables[0]
        assert [cell["text"] for _, cell in table["rows"][comparison.best.name]] == ["100 %"] * 5 + ["1 of 1"]

    def test_what_is_not_finite_is_a_word(self, problem):
        comparison = nk.compare(problem, methods=["newtonkit"])
        odd = replace(comparison.reports[0], gap=np.inf, smallest_eigenvalue=None, passes=np.nan)
        page = Page(replace(comparison, reports=(odd,))._repr_html_())
        for table, field in ((0, "gap"), (1, "smallest_eigenvalue"), (1, "passes")):
            assert dict(page.tables[table]["rows"]["newtonkit"])[field] == {"text": "-", "value": None}
