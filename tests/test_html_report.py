"""The page that ``newtonkit compare --html`` writes: valid, self-contained, its numbers those of the JSON."""

import base64
import json
import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.comparison.page import report_page
from tests.comparing import exp_data
from tests.html_pages import Page, assert_same_figures

DATA = "data:image/svg+xml;base64,"


@pytest.fixture(scope="module")
def comparisons():
    A, b = exp_data()
    methods = ["newtonkit", "BFGS", "Newton-CG", "CG"]
    first = nk.compare(nk.ExpRegression(A, b), methods=methods)
    stuck = nk.compare(nk.SinhRegression(A, b - b.mean()), methods=methods[:3], max_iter=2)
    return [first, replace(stuck, problem='<script>alert("ü & $x$")</script>')]


@pytest.fixture(scope="module")
def text(comparisons):
    return report_page(comparisons, "newtonkit compare 'a b.csv' --html \"r.html\"")


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_numbers_are_those_of_the_json(page, comparisons):
    assert_same_figures(page, [json.loads(comparison.to_json()) for comparison in comparisons])


def test_profile_machine_versions_and_command(page, comparisons):
    profile = nk.performance_profile(comparisons)
    shown, machine = page.tables[-2:]
    for method, cells in shown["rows"].items():
        shares = [float(cell["value"]) for field, cell in cells if field == "share"]
        assert shares == [profile.fraction(method, f) for f in (1.0, 2.0, 5.0, 10.0, np.inf)]
    first = comparisons[0]
    wanted = {**first.machine, "threads": first.threads, **first.versions}
    assert {name: cells[0][1]["text"] for name, cells in machine["rows"].items()} == {
        name: str(value) for name, value in wanted.items()
    }
    assert page.text["code"] == "newtonkit compare 'a b.csv' --html \"r.html\""


def test_valid_and_told_to_those_who_do_not_see(page, text):
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) == 4
    assert {attributes["aria-labelledby"] for attributes in page.having("section")} == set(ids)
    assert [tag for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)] == [
        "h1",
        "h2",
        *["h2", "h3"] * 2,
        "h2",
        "h2",
    ]
    assert all(table["caption"] for table in page.tables)
    for table in page.tables[:-1]:
        assert all(table["columns"])
        assert all(len(cells) == len(table["columns"]) - 1 for cells in table["rows"].values())
    assert all(attributes["scope"] in ("row", "col") for attributes in page.having("th"))
    for region in page.having("div"):
        if region["class"] == "wide":
            assert (region["role"], region["tabindex"]) == ("region", "0")
            assert region["aria-label"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.having("meta")


def test_pictures_are_in_the_page_and_in_words(page, comparisons):
    pictures = page.having("img")
    assert len(pictures) == 2 * 4 + 1
    for picture in pictures:
        assert picture["src"].startswith(DATA)
        drawing = ET.fromstring(base64.b64decode(picture["src"].removeprefix(DATA)))
        assert drawing.tag.endswith("svg")
        assert len(picture["alt"]) > 40
    nearest = comparisons[0]["newtonkit"].milestones[-1]
    assert f"Iterations to 1e-8: newtonkit {nearest.iterations}, BFGS" in pictures[1]["alt"]
    assert "newtonkit never" in pictures[5]["alt"] or comparisons[1]["newtonkit"].milestones[-1].iterations


def test_nothing_is_fetched_and_nothing_runs(page, text):
    assert not {"script", "link", "iframe", "object", "a", "base"} & {tag for tag, _ in page.elements}
    without_pictures = re.sub(r'src="data:[^"]*"', "", text)
    assert "http" not in without_pictures
    assert "url(" not in without_pictures
    assert "@import" not in without_pictures
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)


def test_names_are_shown_as_they_are(page):
    assert '<script>alert("ü & $x$")</script>' in page.text["h2"]


def test_the_same_comparison_makes_the_same_page(comparisons):
    text = comparisons[0].to_html()
    assert text == comparisons[0].to_html()
    single = Page(text)
    assert "code" not in single.text
    assert len(single.tables) == 3  # no profile of one problem


def test_from_the_shell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "compare",
        "diabetes",
        "--methods",
        "newtonkit",
        "BFGS",
        "--html",
        "my report.html",
        "--json",
        "f.json",
    ]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert out.endswith("\nWritten:\n    f.json\n    my report.html\n")
    page = Page((tmp_path / "my report.html").read_text(encoding="utf-8"))
    figures = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert_same_figures(page, figures["comparisons"])
    assert shlex.split(page.text["code"]) == ["newtonkit", *arguments]


def test_from_the_shell_with_a_profile_by_what_was_asked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["compare", "diabetes", "--profile", "--methods", "newtonkit", "trust-exact"]
    assert cli.main([*arguments, "--html", "r.htm", "--json", "f.json", "--max-time", "2"]) == 0
    capsys.readouterr()
    page = Page((tmp_path / "r.htm").read_text(encoding="utf-8"))
    figures = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    assert_same_figures(page, figures["comparisons"])
    assert len(page.tables) == 2 * 3 + 2
    ratios = np.array(figures["profile"]["ratios"], dtype=float)
    for k, method in enumerate(figures["profile"]["methods"]):
        shares = [float(c["value"]) for field, c in page.tables[-2]["rows"][method] if field == "share"]
        assert shares[:4] == [np.mean(ratios[:, k] <= factor) for factor in (1.0, 2.0, 5.0, 10.0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "page.txt"], "--html page.txt must end in .html or .htm"),
        (["--html", "no/page.html"], "cannot write no/page.html: No such file"),
        (["--html", "f.html", "--json", "f.html"], "--json and --html are both f.html"),
    ],
)
def test_mistakes(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, list(tmp_path.iterdir())) == ("", [])
    assert err.startswith(f"newtonkit compare: error: {message}")


def test_without_matplotlib(comparisons, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["compare", "--html", "page.html"]) == 2
    assert (
        "--html needs matplotlib: install it, or newtonkit with its extra 'plot'" in capsys.readouterr().err
    )
