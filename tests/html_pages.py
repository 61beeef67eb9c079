"""Reads pages of HTML strictly, and compares what stands in their tables with JSON."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

VOID = {"meta", "img", "br"}
# What stands in the tables under each name; milestones come by their share of the first gap.
VERDICT = ("iterations", "nfev", "njev", "seconds", "gap", "relative_gradient", "outcome")
WAY = ("passes", "factorisations", "smallest_eigenvalue")


class Page(HTMLParser):
    """Reads a page strictly: every element is closed in order; keeps elements, tables and figures."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.tables, self.text = [], [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_decl(self, declaration):
        assert (declaration.upper(), self.elements) == ("DOCTYPE HTML", [])

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append({"caption": "", "columns": [], "rows": {}})
        elif tag == "th" and attributes.get("scope") == "row":
            self.row = ""
        elif tag == "td":
            self.field, self.cell = attributes.get("data-field"), {"text": "", "value": None}
        elif tag == "data":
            self.cell["value"] = attributes["value"]
        elif tag == "th":
            self.tables[-1]["columns"].append("")

    def handle_data(self, text):
        place = self.open[-1] if self.open else ""
        self.text[place] = self.text.get(place, "") + text
        if "caption" in self.open:
            self.tables[-1]["caption"] += text
        elif "td" in self.open:
            self.cell["text"] += text
        elif place == "th" and "thead" in self.open:
            self.tables[-1]["columns"][-1] += text
        elif place == "th":
            self.row += text

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        if tag == "td":
            self.tables[-1]["rows"].setdefault(self.row, []).append((self.field, self.cell))

    def having(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def assert_same_figures(page, figures):
    """Every figure in the tables of a page is that of the JSON to the last bit, and none is left out."""
    tables = iter(page.tables)
    for comparison in figures:
        verdict, way = next(tables), next(tables)
        for report in comparison["reports"]:
            products = report["nhessp"]
            wanted = {name: report[name] for name in VERDICT}
            wanted["nhessp" if products else "nhev"] = products or report["nhev"]
            assert_row(verdict["rows"][report["name"]], wanted)
            wanted = {name: report[name] for name in WAY}
            for milestone in report["milestones"]:
                share = {1e-2: "1e-2", 1e-4: "1e-4", 1e-8: "1e-8"}[milestone["gap"]]
                wanted[f"iterations_to_{share}"] = milestone["iterations"]
                wanted[f"seconds_to_{share}"] = milestone["seconds"]
            assert_row(way["rows"][report["name"]], wanted)
        names = [report["name"] for report in comparison["reports"]]
        assert list(verdict["rows"]) == list(way["rows"]) == names


def assert_row(cells, wanted):
    assert sorted(field for field, _ in cells) == sorted(wanted)
    for field, cell in cells:
        value = wanted[field]
        if isinstance(value, str):
            assert (cell["text"], cell["value"]) == (value, None)
        elif value is None:
            assert (cell["text"], cell["value"]) == ("-", None)
        else:
            assert float(cell["value"]) == value
            if not cell["text"].endswith(("k", "M", "v", "-")):  # what is read is the same, rounded
                assert float(cell["text"]) == pytest.approx(value, rel=0.05, abs=0.51 if value > 1 else 5e-5)
