"""Docstrings made ready for Sphinx: their formulas in plain letters are set in mathematical ones.

The docstrings are written to be read in a terminal, where ``A^T``, ``||x||`` and ``|D|`` are plain.
To reStructuredText they would be links, substitutions and emphasis.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

# Literals, roles and words in backquotes are left as they are.
_KEPT = re.compile(r"(``[^`]+``|:[a-z:]+:`[^`]+`|`[^`]+`)")
_SETTING = (
    (re.compile(r"\^T\b"), "ᵀ"),
    (re.compile(r"\^-1\b"), "⁻¹"),
    (re.compile(r"\^2\b"), "²"),
    (re.compile(r"\^3\b"), "³"),
    (re.compile(r"\|\|"), "‖"),
    (re.compile(r"\b1/2\b"), "½"),
    (re.compile(r" \* "), " · "),
    (re.compile(r" \(x\) "), " ⊗ "),
    (re.compile(r">="), "≥"),
    (re.compile(r"<="), "≤"),
    (re.compile(r" -> "), " → "),
    (re.compile(r"(?<![\w<>])<([^<>=]{1,20}, [^<>=]{1,20})>"), r"⟨\1⟩"),
    (re.compile(r"(?<=\w)'{2}(?!')"), "″"),
    (re.compile(r"\bf'"), "f′"),
    (re.compile(r"\bl'"), "l′"),
)
_SPECIAL = re.compile(r"[|*\\]|(?<=\w)_(?!\w)")
_HEADING = re.compile(r"^-{3,}$")


def typeset(text: str) -> str:
    """Return a line of a docstring with its formulas in mathematical letters, safe for Sphinx.

    Parameters
    ----------
    text : str
        Prose without examples.

    Examples
    --------
    >>> from newtonkit.manual.docstrings import typeset
    >>> typeset("L(x) = 1/2 ||A x - b||^2 with D >= 0 and `b`")
    'L(x) = ½ ‖A x - b‖² with D ≥ 0 and `b`'
    """
    return "".join(
        piece if piece.startswith(("`", ":")) and piece.endswith("`") else _typeset_prose(piece)
        for piece in _KEPT.split(text)
    )


def _typeset_prose(text: str) -> str:
    for pattern, letters in _SETTING:
        text = pattern.sub(letters, text)
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", text)


def typeset_lines(lines: list[str]) -> Iterator[str]:
    """Yield the lines of a docstring; examples and what is indented after ``::`` stay as they are.

    Parameters
    ----------
    lines : list of str
        The docstring, without its indentation.
    """
    example = False
    literal: int | None = None
    for line in lines:
        margin = len(line) - len(line.lstrip())
        if line.lstrip().startswith(">>>"):
            example = True
        elif not line.strip():
            example = False
        if literal is not None and line.strip() and margin <= literal:
            literal = None
        kept = example or literal is not None or _HEADING.match(line) or not line.strip()
        yield line if kept else typeset(line)
        if literal is None and not example and line.rstrip().endswith("::"):
            literal = margin


def _process(_app: Any, _what: str, _name: str, _value: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = list(typeset_lines(lines))


def _resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Lead a name to its page where a docstring calls it by another path than the public one.

    A name inside newtonkit that is not public has no page, and stays without a link; one that
    does not exist is left to Sphinx, which warns.
    """
    if node.get("refdomain") != "py":
        return None
    from sphinx.util.nodes import make_refnode  # noqa: PLC0415

    target = node["reftarget"]
    *path, last = target.split(".")
    for home, entry in env.domaindata["py"]["objects"].items():
        *found, name = home.split(".")
        # A whole path counts; so does a method that is called by its class.
        if name == last and (not path or path[0] == "newtonkit" or path == found[-len(path) :]):
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, home)
    return content if path[:1] == ["newtonkit"] and _exists(target) else None


def _exists(target: str) -> bool:
    module, _, name = target.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False


def _is_foreign(_app: Any, _what: str, _name: str, value: Any, _skip: bool, _options: Any) -> bool | None:
    """Leave out what another package has put into a class, such as scikit-learn's routing of metadata."""
    home = str(getattr(value, "__module__", None) or "newtonkit")
    return None if home.split(".", maxsplit=1)[0] == "newtonkit" else True


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx, before numpydoc reads the lines."""
    app.connect("autodoc-process-docstring", _process, priority=400)
    app.connect("autodoc-skip-member", _is_foreign)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
