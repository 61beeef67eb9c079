"""What ``compare`` gives back: figures, JSON and the table at 80 columns."""

import json
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.comparison import Milestone
from tests.comparing import GTOL, UNASKED, cosh_problem, exp_data


@pytest.fixture(scope="module")
def comparison():
    return nk.compare(nk.ExpRegression(*exp_data()), gtol=GTOL)


class TestResult:
    def test_json_round_trip(self, comparison):
        figures = json.loads(comparison.to_json())
        assert figures == comparison.to_dict()
        assert figures["format"] == 2
        assert list(figures)[:4] == ["format", "problem", "n", "d"]
        assert figures["versions"]["newtonkit"] == nk.__version__
        assert set(figures["versions"]) == {"newtonkit", "numpy", "scipy", "python"}
        assert figures["machine"]["processors"] >= 1
        assert figures["threads"] == nk.get_num_threads()
        assert "x" not in figures["reports"][0]
        for report, known in zip(figures["reports"], comparison.reports, strict=True):
            assert report["seconds"] == known.seconds
            assert report["outcome"] == known.outcome

    def test_json_has_no_nan(self, comparison):
        broken = replace(
            comparison.reports[0], gap=np.inf, relative_gradient=np.nan, nfev=None, warned=("a",)
        )
        figures = json.loads(replace(comparison, reports=(broken,)).to_json())["reports"][0]
        assert (figures["gap"], figures["relative_gradient"], figures["nfev"]) == (None, None, None)
        assert figures["warned"] == ["a"]

    def test_json_takes_numpy_numbers(self, comparison):
        numpy_report = replace(comparison.reports[0], iterations=np.int64(3), value=np.float32(0.5))
        figures = json.loads(replace(comparison, reports=(numpy_report,)).to_json())["reports"][0]
        assert (figures["iterations"], figures["value"]) == (3, 0.5)

    def test_best_is_the_fastest_that_reached_the_minimum(self, comparison):
        reports = [
            replace(report, seconds=float(k), outcome="reached" if k else "saddle")
            for k, report in enumerate(comparison.reports)
        ]
        assert replace(comparison, reports=tuple(reports)).best is reports[1]

    def test_reports_by_name(self, comparison):
        assert comparison["BFGS"].name == "BFGS"
        with pytest.raises(KeyError, match="no method 'Powell' was compared; there are 'newtonkit', "):
            comparison["Powell"]
        for near in ("BFG", "bfgs"):
            with pytest.raises(KeyError, match=rf"no method '{near}' was compared; did you mean 'BFGS'\?"):
                comparison[near]

    def test_frozen(self, comparison):
        with pytest.raises(AttributeError):
            comparison.gtol = 1.0
        with pytest.raises(AttributeError):
            comparison.reports[0].seconds = 0.0

    def test_passes(self, comparison):
        for report in comparison.reports:
            assert report.passes == pytest.approx(report.seconds / comparison.pass_seconds)


class TestTable:
    def test_content(self, comparison):
        lines = str(comparison).splitlines()
        assert lines[1] == "n = 300, d = 5, x0 = 0; stop at |g| <= 1e-08 |g0|, 10 s"
        header = lines[3].split()
        assert header == ["method", "iter", "fun", "grad", "hess", "seconds", "gap", "|g|/|g0|", "outcome"]
        rows = {line[2:14].strip(): line for line in lines[5:19]}
        assert tuple(rows) == UNASKED
        for report in comparison.reports:
            assert (rows[report.name][0] == "*") == (report is comparison.best)
            cells = rows[report.name][14:].split()
            assert cells[:3] == [str(report.iterations), str(report.nfev), str(report.njev)]
            assert cells[4] == f"{report.seconds:.4f}"
            assert cells[7:] == ["reached"]
            assert cells[3] == str(report.nhev or "-")
        assert f"* {comparison.best.name} was the fastest to reach the minimum." in lines

    def test_numbers_are_aligned(self, comparison):
        rows = str(comparison).splitlines()[5:19]
        ends = {row.index("  reached") if "  reached" in row else row.index(" reached") for row in rows}
        assert len(ends) == 1
        assert len({row.index(".") for row in rows}) == 1

    def test_fits_into_80_columns_at_its_widest(self, comparison):
        outcomes = ["reached", "saddle", "saturated", "other minimum", "time cap", "failed", "stopped early"]
        widest = [
            replace(
                report,
                outcome=outcome,
                iterations=123_456,
                nfev=12_345_678,
                njev=99_999,
                nhessp=1_234_567,
                seconds=seconds,
                passes=1e3 * seconds,
                factorisations=123_456,
                smallest_eigenvalue=-1.2e-100,
                milestones=tuple(Milestone(gap, 123_456, seconds) for gap in (1e-2, 1e-4, 1e-8)),
                gap=1.5e-100,
                relative_gradient=1.234e-300,
                claimed_success=False,
                said="A long story [bold]of[/bold] failure. " * 6,
            )
            for report, outcome, seconds in zip(
                comparison.reports,
                [*outcomes, "iteration cap", *outcomes][:14],
                [999.9999, 12_345.6, *12 * (1.0,)],
                strict=True,
            )
        ]
        wide = replace(comparison, reports=tuple(widest), problem="x" * 90, start="given", max_iter=100_000)
        lines = str(wide).splitlines()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "[bold]of[/bold]" in text
        for outcome in outcomes:
            assert outcome in text
        assert "123k 999.999" in text
        assert "…" not in text
        assert text.isascii()

    def test_says_what_gradients_are_relative_to(self):
        text = str(nk.compare(cosh_problem(), methods="BFGS"))
        assert "stop at |g| <= 1e-08 S(x)" in text
        assert "|g|/S(x)" in text
        assert "BFGS claimed success: " in text

    def test_unknown_counts_and_values(self, comparison):
        odd = replace(comparison.reports[0], nfev=None, njev=None, nhev=None, nhessp=None, gap=np.inf)
        row = str(replace(comparison, reports=(odd,))).splitlines()[5].split()
        assert row[3:6] == ["-", "-", "-"]
        assert row[7] == "-"


class TestWay:
    """The second table: work, and when each share of the first gap was reached."""

    def test_content(self, comparison):
        lines = str(comparison).splitlines()
        top = next(k for k, line in enumerate(lines) if line.startswith("On the way"))
        header = " ".join(lines[top + 2].split())
        assert header == "method passes fact min eig iter to 1e-2 iter to 1e-4 iter to 1e-8"
        for report, line in zip(comparison.reports, lines[top + 4 :], strict=False):
            assert (line[0] == "*") == (report is comparison.best)
            cells = line[2:].split()
            assert cells[:2] == [report.name, str(round(report.passes))]
            assert cells[2] == str(report.factorisations)
            assert float(cells[3]) == pytest.approx(report.smallest_eigenvalue, rel=0.05)
            assert [int(cell) for cell in cells[4::2]] == [m.iterations for m in report.milestones]
            for cell, milestone in zip(cells[5::2], report.milestones, strict=True):
                assert float(cell) == pytest.approx(milestone.seconds, abs=5.1e-5)

    def test_numbers_are_aligned(self, comparison):
        lines = str(comparison).splitlines()
        top = next(k for k, line in enumerate(lines) if line.startswith("On the way"))
        assert len({len(line) for line in lines[top + 3 : top + 18]}) == 1

    def test_what_is_not_known_is_a_dash(self, comparison):
        odd = replace(
            comparison.reports[0],
            factorisations=None,
            smallest_eigenvalue=None,
            milestones=tuple(Milestone(gap, None, None) for gap in (1e-2, 1e-4, 1e-8)),
        )
        lines = str(replace(comparison, reports=(odd,))).splitlines()
        top = next(k for k, line in enumerate(lines) if line.startswith("On the way"))
        assert lines[top + 4][2:].split()[2:] == ["-"] * 8

    def test_as_a_table_of_rich(self, comparison):
        assert comparison.way_table().row_count == len(UNASKED)
        assert comparison.table().row_count == len(UNASKED)
