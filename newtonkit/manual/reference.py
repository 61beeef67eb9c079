"""The reference: a page for each public name, a list for each public module."""

from __future__ import annotations

import ast
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import newtonkit as nk
from newtonkit.manual.docstrings import typeset

_ROOT = "newtonkit"
# What public functions hand out or call back with, though it is on no list.
_HANDED_OUT = (
    ("newtonkit.results", "IterationRecord"),
    ("newtonkit.comparison", "MethodReport"),
    ("newtonkit.comparison", "TracePoint"),
)


@dataclass(frozen=True)
class Entry:
    """A public name.

    Attributes
    ----------
    home : str
        The module that it is imported from.
    name : str
        Its name there.
    value : object
        What it stands for.
    """

    home: str
    name: str
    value: Any

    @property
    def path(self) -> str:
        """The name with its module."""
        return f"{self.home}.{self.name}"

    @property
    def page(self) -> str:
        """The name of its page; some discs cannot tell ``Whitening`` from ``whitening``."""
        names = [name.lower() for name in listed_names(self.home)]
        return (
            f"{self.path}-class"
            if self.name[0].isupper() and names.count(self.name.lower()) > 1
            else self.path
        )

    @property
    def kind(self) -> str:
        """Whether it is a class, a function or data."""
        if inspect.isclass(self.value) and not hasattr(self.value, "__origin__"):
            return "class"
        return "function" if inspect.isfunction(self.value) else "data"

    @property
    def text(self) -> str:
        """Its docstring; of data, the string below its definition."""
        return data_text(self.home, self.name) if self.kind == "data" else inspect.getdoc(self.value) or ""

    @property
    def summary(self) -> str:
        """The first sentence."""
        return " ".join(self.text.split("\n\n", maxsplit=1)[0].split())


def public_modules() -> list[str]:
    """Return the public modules, the front page first."""
    return [_ROOT, *(f"{_ROOT}.{name}" for name in nk.__all__ if isinstance(getattr(nk, name), ModuleType))]


def listed_names(home: str) -> list[str]:
    """Return what a module lists; where it has no list, the functions and classes that are its own.

    Parameters
    ----------
    home : str
        A module.
    """
    module = importlib.import_module(home)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == home]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


def entries() -> dict[str, list[Entry]]:
    """Return the public names of each module; a name of the front page is listed there alone."""
    found: dict[str, list[Entry]] = {}
    seen: dict[int, str] = {}
    for home in public_modules():
        module = importlib.import_module(home)
        values = [(name, getattr(module, name)) for name in listed_names(home)]
        names = [Entry(home, name, v) for name, v in values if not isinstance(v, ModuleType)]
        found[home] = [entry for entry in names if seen.setdefault(id(entry.value), entry.path) == entry.path]
    found[_ROOT] += [
        Entry(home, name, getattr(importlib.import_module(home), name)) for home, name in _HANDED_OUT
    ]
    return found


def data_text(home: str, name: str) -> str:
    """Return the string that stands below the definition of a name, where it is defined.

    Parameters
    ----------
    home : str
        A module that has the name, of its own or from another module of newtonkit.
    name : str
        The name.
    """
    tree = ast.parse(inspect.getsource(importlib.import_module(home)))
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        named = [target.id for target in targets if isinstance(target, ast.Name)]
        if name in named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    homes = [node.module for node in imports if name in [alias.name for alias in node.names] and node.module]
    return data_text(homes[0], name) if homes else ""


def write_reference(folder: Path) -> None:
    """Write the pages of the reference.

    Parameters
    ----------
    folder : Path
        A folder that does not exist yet.
    """
    folder.mkdir()
    listed = entries()
    for home, names in listed.items():
        (folder / f"{home}.rst").write_text(_list_page(home, names), encoding="utf-8")
        for entry in names:
            (folder / f"{entry.page}.rst").write_text(_name_page(entry), encoding="utf-8")
    (folder / "index.rst").write_text(_front_page(list(listed)), encoding="utf-8")


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"


def _front_page(modules: list[str]) -> str:
    rows = "\n".join(f"   {home}" for home in modules)
    return (
        _title("Reference")
        + "All public names, from their docstrings. Every example here runs in the tests.\n\n"
        + f".. toctree::\n   :maxdepth: 1\n\n{rows}\n"
    )


def _list_page(home: str, names: list[Entry]) -> str:
    module = importlib.import_module(home)
    rows = "\n".join(
        f"   * - :doc:`{entry.name} <{entry.page}>`\n     - {typeset(entry.summary)}" for entry in names
    )
    head = f".. py:module:: {home}\n\n"
    text = "\n".join(typeset(line) for line in (inspect.getdoc(module) or "").splitlines())
    return _title(home) + head + f"{text}\n\n.. list-table::\n   :class: names\n   :widths: 30 70\n\n{rows}\n"


def _name_page(entry: Entry) -> str:
    # Not in the tree of the side bar, where a hundred names would bury the guide.
    list_page = entry.home if entry.home in public_modules() else _ROOT
    head = f":orphan:\n\n{_title(entry.name)}In :doc:`{list_page}`.\n\n.. currentmodule:: {entry.home}\n\n"
    if entry.kind == "data":
        return head + f".. py:data:: {entry.name}\n\n   {typeset(entry.text)}\n"
    if entry.kind == "function":
        return head + f".. autofunction:: {entry.name}\n"
    return head + f".. autoclass:: {entry.name}\n   :members:\n\n{_from_hidden(entry)}{_ancestors(entry)}"


def _public_paths() -> dict[int, str]:
    return {id(entry.value): entry.path for names in entries().values() for entry in names}


def _from_hidden(entry: Entry) -> str:
    """Describe what comes from ancestors of newtonkit that have no page of their own."""
    known, taken, found = _public_paths(), set(vars(entry.value)), []
    for base in inspect.getmro(entry.value)[1:]:
        if base.__module__.startswith(f"{_ROOT}.") and id(base) not in known:
            own = {name: value for name, value in vars(base).items() if not name.startswith("_")}
            found += [(name, value) for name, value in own.items() if name not in taken]
        taken |= set(vars(base))
    return "".join(
        f"   .. auto{'property' if isinstance(value, property) else 'method'}:: {name}\n\n"
        for name, value in found
        if isinstance(value, property) or inspect.isfunction(value)
    )


def _ancestors(entry: Entry) -> str:
    """Say where the other inherited methods are described."""
    known = _public_paths()
    found = [f":class:`~{known[id(base)]}`" for base in inspect.getmro(entry.value)[1:] if id(base) in known]
    return f"What it inherits is described with {' and '.join(found)}.\n" if found else ""
