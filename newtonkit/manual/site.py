"""Put the sources of the manual together and have Sphinx make a site of them."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
import warnings
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

import newtonkit as nk

HERE = Path(__file__).resolve().parent
PAGES, STATIC = HERE / "pages", HERE / "static"
_PACKAGES = ("sphinx", "myst_parser", "numpydoc", "furo", "latex2mathml", "ziamath", "matplotlib")

_SETTINGS: dict[str, Any] = {
    "project": "newtonkit",
    "extensions": [
        "myst_parser",
        "sphinx.ext.autodoc",
        "numpydoc",
        "newtonkit.manual.docstrings",
        "newtonkit.manual.formulas",
    ],
    "myst_enable_extensions": ["dollarmath", "colon_fence", "attrs_inline"],
    "myst_heading_anchors": 3,
    "default_role": "literal",
    "add_module_names": False,
    "nitpicky": True,
    "autodoc_typehints": "none",
    "autodoc_use_type_comments": False,
    "autodoc_member_order": "bysource",
    "numpydoc_show_class_members": False,
    "html_math_renderer": "mathml",
    "html_theme": "furo",
    "html_title": "newtonkit",
    "html_css_files": ["manual.css"],
    "html_copy_source": False,
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "pygments_style": "a11y-high-contrast-light",
}


class BuildError(Exception):
    """The manual could not be built; the message has the warnings."""


def build(folder: str | PathLike[str]) -> Path:
    """Build the manual.

    Parameters
    ----------
    folder : str or path
        Where to put the site; made if it is not there.  It must be empty, or hold a site made
        before, which is replaced file by file.

    Returns
    -------
    Path
        The first page.

    Raises
    ------
    BuildError
        If Sphinx has warned of anything, with all its warnings.
    ImportError
        If a package of the ``manual`` extra is missing.
    ValueError
        If the folder holds something else.
    """
    target = Path(folder).resolve()
    _check_folder(target)
    _check_packages()
    with tempfile.TemporaryDirectory(prefix="newtonkit-manual-") as scratch:
        source, trees = Path(scratch, "source"), Path(scratch, "trees")
        write_sources(source)
        _write_static(source / "static")
        # Where the sources were for a moment, and colours, say nothing to a reader.
        found = re.sub(r"\x1b\[[\d;]*m", "", _run_sphinx(source, target, trees)).replace(f"{source}/", "")
    if found:
        raise BuildError(f"the manual was not built without a warning:\n{found}")
    return target / "index.html"


def write_sources(source: Path) -> None:
    """Write everything that Sphinx reads: the pages, the pictures, the reference, the commands.

    Parameters
    ----------
    source : Path
        A folder that does not exist yet.
    """
    from newtonkit.manual.commands import write_commands  # noqa: PLC0415  (heavy)
    from newtonkit.manual.pictures import draw_pictures  # noqa: PLC0415
    from newtonkit.manual.reference import write_reference  # noqa: PLC0415

    shutil.copytree(PAGES, source)
    draw_pictures(source / "pictures")
    write_reference(source / "reference")
    write_commands(source / "commands")


def _write_static(folder: Path) -> None:
    """Put the style beside the font that formulas are set in, which a reader need not have."""
    shutil.copytree(STATIC, folder)
    package = find_spec("ziamath")  # only its font is wanted: it is not imported
    assert package is not None and package.submodule_search_locations is not None
    fonts = Path(package.submodule_search_locations[0], "fonts")
    shutil.copyfile(fonts / "STIXTwoMath-Regular.ttf", folder / "formulas.ttf")


def _run_sphinx(source: Path, target: Path, trees: Path) -> str:
    """Build the site and return the warnings."""
    from sphinx.application import Sphinx  # noqa: PLC0415
    from sphinx.util.docutils import docutils_namespace, patch_docutils  # noqa: PLC0415

    found = io.StringIO()
    settings = {
        **_SETTINGS,
        "version": nk.__version__,
        "release": nk.__version__,
        "html_static_path": [str(source / "static")],
        "exclude_patterns": ["static"],
    }
    with warnings.catch_warnings(), patch_docutils(), docutils_namespace():
        # What is out of date between Sphinx and its extensions is no fault of the manual.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        site = Sphinx(
            srcdir=source,
            confdir=None,
            outdir=target,
            doctreedir=trees,
            buildername="html",
            confoverrides=settings,
            status=None,
            warning=found,
            freshenv=True,
        )
        site.build(force_all=True)
    return found.getvalue()


def _check_folder(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise ValueError(f"folder must be a folder, got the file {os.fspath(target)!r}")
    if target.is_dir() and any(target.iterdir()) and not (target / "objects.inv").is_file():
        raise ValueError(f"folder must be empty or hold a manual, got {os.fspath(target)!r}")


def _check_packages() -> None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"the manual needs {', '.join(missing)}: install what is missing, or newtonkit with its extra "
            "'manual'"
        )
