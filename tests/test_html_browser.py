"""The page of a comparison in headless Chromium, at the widths of a telephone and of a desk.

These checks are heavy: ``apt-get install chromium``, then
``pytest -m heavy tests/test_html_browser.py``.
"""

import json
import os
import re
import shutil
import subprocess
from html import escape

import pytest

import newtonkit as nk
from newtonkit.comparison.page import report_page
from tests.comparing import exp_data
from tests.html_pages import Page, assert_same_figures

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def comparisons():
    A, b = exp_data()
    problems = (nk.ExpRegression(A, b), nk.SinhRegression(A, b - b.mean()))
    return [nk.compare(problem, description="a long name " * 9) for problem in problems]


@pytest.fixture(scope="module")
def text(comparisons):
    return report_page(comparisons, f"newtonkit compare {'a' * 90}.csv --html report.html")


def browsed(page, width, folder):
    """Return the page as Chromium has it in a window of that width, and how wide the page is there.

    The page is shown in a frame, as Chromium opens no window as narrow as a telephone.  What
    it looks like in the end comes back in an element of the outer page.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "this check needs Chromium: apt-get install chromium"
    outer = folder / f"outer-{width}.html"
    outer.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><iframe id="f" width="{width}" height="900" style="border:0" '
        f'srcdoc="{escape(page)}"></iframe><pre id="out"></pre><script>'
        "onload = () => { const w = document.getElementById('f').contentWindow, d = w.document;"
        "document.getElementById('out').textContent = JSON.stringify({scroll: d.documentElement.scrollWidth, "
        "inner: w.innerWidth, letters: parseFloat(w.getComputedStyle(d.body).fontSize), "
        "pictures: [...d.images].map(i => [i.complete && i.naturalWidth > 0, "
        "i.getBoundingClientRect().right]), "
        "dom: d.documentElement.outerHTML}); document.getElementById('f').remove(); }</script>",
        encoding="utf-8",
    )
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    done = subprocess.run(
        [browser, "--headless", "--disable-gpu", *root, f"--user-data-dir={folder / 'profile'}",
         "--virtual-time-budget=5000", "--dump-dom", outer.as_uri()],
        capture_output=True, text=True, encoding="utf-8", timeout=100, check=True,
    )  # fmt: skip
    reader = Page(re.sub(r"<script>.*?</script>", "", done.stdout, flags=re.DOTALL))
    return json.loads(reader.text["pre"])


@pytest.mark.parametrize("width", [390, 1280])
def test_in_chromium(text, comparisons, width, tmp_path):
    seen = browsed(text, width, tmp_path)
    assert seen["inner"] == width
    assert seen["scroll"] <= width
    assert seen["letters"] >= 16
    assert len(seen["pictures"]) == 9
    assert all(complete and right <= width for complete, right in seen["pictures"])
    page = Page("<!DOCTYPE html>" + seen["dom"])
    assert_same_figures(page, [json.loads(comparison.to_json()) for comparison in comparisons])


def test_chromium_sees_a_page_that_is_too_wide(text, tmp_path):
    """The check of widths can fail."""
    wide = text.replace("</main>", '<div style="width:700px">wide</div></main>')
    assert browsed(wide, 390, tmp_path)["scroll"] > 390
