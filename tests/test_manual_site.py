"""The manual is built with warnings as errors; no link in it is dead, and it needs no network."""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

import newtonkit as nk
from newtonkit.manual import BuildError, build, site
from newtonkit.manual.__main__ import main
from newtonkit.manual.docstrings import typeset, typeset_lines
from newtonkit.manual.formulas import mathml
from newtonkit.manual.reference import data_text, entries, public_modules

_LOADED = {"script": "src", "img": "src", "link": "href"}


class _Page(HTMLParser):
    """What a page refers to, what it loads, and what can be referred to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.formulas = 0
        self.words: list[str] = []
        self._silent = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.formulas += tag == "math"
        self._silent += tag in ("script", "style", "pre")
        if tag == "a" and given.get("href") is not None:
            self.links.append(given["href"])
        if tag in _LOADED and given.get(_LOADED[tag]) and given.get("rel") not in ("index", "search", "next"):
            self.loads.append(given[_LOADED[tag]])

    def handle_endtag(self, tag):
        self._silent -= tag in ("script", "style", "pre")

    def handle_data(self, data):
        if not self._silent:
            self.words.append(data)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The site; a warning of Sphinx would be an error."""
    return build(tmp_path_factory.mktemp("manual")).parent


@functools.cache
def _read(path: Path) -> _Page:
    return _Page(path)


def _pages(folder: Path) -> dict[Path, _Page]:
    return {path: _read(path) for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts}


def _dead(page: Path, link: str) -> str | None:
    """Return what is wrong with a link, or None."""
    address = urlsplit(link)
    if address.scheme or address.netloc:
        whole = address.scheme == "https" and re.fullmatch(r"[a-z0-9.-]+\.[a-z]{2,}", address.netloc)
        return None if whole and not re.search(r"\s", link) else "malformed"
    path, anchor = urldefrag(link)
    target = (page.parent / unquote(path)).resolve() if path else page
    if not target.is_file():
        return "no such page"
    known = target.suffix != ".html" or anchor in ("", *_read(target).anchors)
    return None if known else "no such place"


class TestSite:
    def test_no_link_is_dead(self, built):
        pages = _pages(built)
        found = [(path.name, link, _dead(path, link)) for path, page in pages.items() for link in page.links]
        assert len(pages) > 100
        assert len(found) > 3000
        assert [entry for entry in found if entry[2]] == []

    def test_a_dead_link_is_seen(self, built):
        page = built / "tour.html"
        wrong = {"no.html": "no such page", "index.html#no": "no such place", "https://no where": "malformed"}
        assert {link: _dead(page, link) for link in wrong} == wrong
        assert _dead(page, "problems/exp.html#example") is None

    def test_nothing_is_loaded_from_the_network(self, built):
        for path, page in _pages(built).items():
            for source in page.loads:
                assert not urlsplit(source).scheme, (path.name, source)
                assert (path.parent / unquote(source.split("?")[0])).resolve().is_file(), (path.name, source)
        style = (built / "_static" / "manual.css").read_text(encoding="utf-8")
        for source in re.findall(r"url\(\"(.*?)\"\)", style):
            assert (built / "_static" / source).is_file()

    def test_each_public_name_has_a_page_with_its_name(self, built):
        for names in entries().values():
            for entry in names:
                page = _read(built / "reference" / f"{entry.page}.html")
                assert entry.path in page.anchors, entry.path

    def test_methods_from_ancestors_without_a_page_are_described(self, built):
        page = _read(built / "reference" / "newtonkit.ExpRegressor.html")
        described = {
            name
            for name in ("fit", "predict", "get_params")
            if f"newtonkit.ExpRegressor.{name}" in page.anchors
        }
        assert described == {"fit", "predict"}, "what is scikit-learn's is described there"
        softmax = _read(built / "reference" / "newtonkit.SoftmaxRegression.html")
        assert "newtonkit.problems.Problem.html#newtonkit.problems.Problem" in softmax.links

    def test_formulas_are_set_and_none_is_left_in_tex(self, built):
        pages = _pages(built)
        problems = [page for path, page in pages.items() if path.parent.name == "problems"]
        assert len(problems) == 10
        assert all(page.formulas >= 3 for page in problems)
        for path, page in pages.items():
            text = " ".join(page.words)
            assert not re.search(r"\\(frac|top|ell|mathrm|langle|begin)\b|\$\$", text), path.name

    def test_pictures_say_in_words_what_they_show(self, built):
        for path in sorted(built.rglob("*.html")):
            for tag in re.findall(r"<img[^>]*\.svg[^>]*>", path.read_text(encoding="utf-8")):
                words = re.search(r'alt="([^"]*)"', tag)
                assert words is not None
                assert len(words[1]) > 40, (path.name, tag)

    def test_each_command_of_the_shell_has_its_page(self, built):
        for name in ("solve", "predict", "compare", "bench", "problems"):
            text = (built / "commands" / f"newtonkit-{name}.html").read_text(encoding="utf-8")
            assert "SYNOPSIS" in text
            assert "EXIT STATUS" in text


class TestWarnings:
    """A warning is an error: seen on a manual of one page."""

    @pytest.fixture
    def small(self, tmp_path, monkeypatch):
        def write(text: str) -> Path:
            def sources(folder: Path) -> None:
                folder.mkdir()
                (folder / "index.md").write_text(text, encoding="utf-8")

            monkeypatch.setattr(site, "write_sources", sources)
            return tmp_path / "out"

        return write

    def test_without_one_the_first_page_is_returned(self, small):
        folder = small("# A title\n\nWith $x^2$.\n")
        assert build(folder) == folder / "index.html"
        assert "<math" in (folder / "index.html").read_text(encoding="utf-8")
        assert build(folder).is_file(), "a site is replaced"

    def test_a_dead_link_is_an_error(self, small, capsys):
        folder = small("# A title\n\n[nowhere](nowhere.md)\n")
        with pytest.raises(BuildError, match=r"index\.md.*nowhere\.md"):
            build(folder)
        assert main([str(folder)]) == 1
        assert "nowhere.md" in capsys.readouterr().err

    def test_a_formula_that_cannot_be_set_is_an_error(self):
        with pytest.raises(ValueError, match="cannot be set"):
            mathml(r"\frac{1}{", display=False)

    def test_another_folder_is_left_alone(self, tmp_path):
        (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
        with pytest.raises(ValueError, match="folder must be empty"):
            build(tmp_path)
        with pytest.raises(ValueError, match="folder must be a folder"):
            build(tmp_path / "thesis.txt")


class TestReference:
    def test_goes_by_the_public_lists(self):
        found = {entry.name for names in entries().values() for entry in names}
        modules = [name.removeprefix("newtonkit.") for name in public_modules()[1:]]
        assert {*found, *modules} >= set(nk.__all__)
        assert {"problems", "sketching", "design", "datasets"} <= set(modules)

    def test_each_page_has_a_name_of_its_own_whatever_the_disc(self):
        pages = [entry.page.lower() for names in entries().values() for entry in names]
        assert len(pages) == len(set(pages))

    def test_data_is_described_where_it_is_defined(self):
        assert data_text("newtonkit.datasets", "PROBLEMS").startswith("The problems by name")
        for names in entries().values():
            assert [entry.path for entry in names if not entry.text] == []


class TestTypesetting:
    @pytest.mark.parametrize(
        ("plain", "letters"),
        [
            ("1/2 ||A x - b||^2", "½ ‖A x - b‖²"),
            ("A^T (f' * r)", "Aᵀ (f′ · r)"),
            ("<exp(u), 1> >= 0", "⟨exp(u), 1⟩ ≥ 0"),
            ("|D| and *settings", r"\|D\| and \*settings"),
            ("`a|b` and ``x_ * y`` stay", "`a|b` and ``x_ * y`` stay"),
            ("coef_ is no link", r"coef\_ is no link"),
            ("A1 (x) A2", "A1 ⊗ A2"),
        ],
    )
    def test_of_prose(self, plain, letters):
        assert typeset(plain) == letters

    def test_leaves_examples_as_they_are(self):
        lines = ["|D|", "", ">>> a * b", "|x|", "", "so::", "", "    A^T", "", "A^T"]
        kept = list(typeset_lines(lines))
        assert kept == [r"\|D\|", "", ">>> a * b", "|x|", "", "so::", "", "    A^T", "", "Aᵀ"]
