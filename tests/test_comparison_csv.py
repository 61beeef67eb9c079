"""Comma-separated values of comparisons."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from tests.comparing import exp_data


@pytest.fixture(scope="module")
def comparison():
    return nk.compare(nk.ExpRegression(*exp_data()), methods=["newtonkit", "CG", "lsq-lm"])


def rows(text):
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_line_for_each_method_that_reads_back(comparison):
    found = rows(comparison.to_csv())
    for row, report in zip(found, comparison.reports, strict=True):
        assert (row["method"], row["outcome"], row["said"]) == (report.name, report.outcome, report.said)
        for name in ("iterations", "nfev", "njev", "nhev", "nhessp", "factorisations", "repeats"):
            assert int(row[name]) == getattr(report, name)
        for name in ("seconds", "passes", "value", "gap", "relative_gradient", "smallest_eigenvalue"):
            assert float(row[name]) == getattr(report, name)
        for share, milestone in zip(("1e-2", "1e-4", "1e-8"), report.milestones, strict=True):
            assert int(row[f"iterations_to_{share}"]) == milestone.iterations
            assert float(row[f"seconds_to_{share}"]) == milestone.seconds
        assert (row["problem"], row["n"], row["d"]) == (comparison.problem, "300", "5")
        assert float(row["best_value"]) == comparison.best_value
        assert (row["seeds"], row["seconds_min"]) == ("1", "")


def test_lines_end_as_rfc_4180_says(comparison):
    text = comparison.to_csv()
    assert text.count("\r\n") == text.count("\n") == 4
    assert text.endswith("\r\n")


def test_without_a_header_several_go_below_each_other(comparison):
    text = comparison.to_csv() + comparison.to_csv(header=False)
    assert [row["method"] for row in rows(text)] == 2 * ["newtonkit", "CG", "lsq-lm"]


def test_quotes_commas_and_line_ends_survive(comparison):
    said = 'gave up, saying "no,\r\nno"; é'
    odd = replace(comparison, reports=(replace(comparison.reports[0], said=said),), problem='a, "b"')
    (row,) = rows(odd.to_csv())
    assert (row["said"], row["problem"]) == (said, 'a, "b"')


def test_what_is_unknown_is_empty(comparison):
    odd = replace(
        comparison.reports[0], nfev=None, gap=math.inf, relative_gradient=np.nan, claimed_success=None
    )
    (row,) = rows(replace(comparison, reports=(odd,)).to_csv())
    assert {row[name] for name in ("nfev", "gap", "relative_gradient", "claimed_success")} == {""}
