"""Every public name says what it does, what it takes, gives and raises, and its examples run."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import enum
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import newtonkit

_UNDERLINED = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}$", re.MULTILINE)
_MODULES = (
    "newtonkit",
    "newtonkit.problems",
    "newtonkit.design",
    "newtonkit.cli",
    "newtonkit.datasets",
    "newtonkit.sketching.scores",
    "newtonkit.sketching.sparsifying",
)

_LISTED = ("newtonkit", "newtonkit.plots", "newtonkit.problems", "newtonkit.sketching")


def _public() -> dict[str, Any]:
    """Return functions, classes and modules of all public lists by name; each once."""
    found: dict[str, Any] = {}
    for module in _LISTED:
        listed = importlib.import_module(module)
        found |= {name: getattr(listed, name) for name in listed.__all__}
    return found


PUBLIC = _public()
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
MODULES = {name: value for name, value in PUBLIC.items() if isinstance(value, ModuleType)}


def _sections(value: Any) -> dict[str, str]:
    """Return the numpydoc sections of a docstring by their title."""
    pieces = _UNDERLINED.split(inspect.getdoc(value) or "")
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _documented_names(section: str) -> set[str]:
    """Return what a section of names describes: ``a, b : type`` counts for both."""
    heads = re.findall(r"^(\S.*?)(?: : .*)?$", section, re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def _arguments(function: Any) -> set[str]:
    names = inspect.signature(function).parameters
    return {name for name in names if name not in ("self", "cls")}


def _raises(function: Any) -> bool:
    """Tell whether the function itself, without what it calls, has a raise statement."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def _methods(kind: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(kind).items():
        member = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if not name.startswith("_") and inspect.isfunction(member):
            yield name, member


def _run_examples(value: Any, name: str) -> int:
    """Run the examples of a docstring; return how many there were."""
    finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner(verbose=False)
    report: list[str] = []
    for test in finder.find(value, name, globs={}):
        runner.run(test, out=report.append)
    results = runner.summarize(verbose=False)
    assert results.failed == 0, "".join(report)
    return results.attempted


@pytest.mark.parametrize("name", FUNCTIONS)
class TestFunctions:
    def test_name_what_they_take_give_and_raise(self, name):
        function, sections = FUNCTIONS[name], _sections(FUNCTIONS[name])
        if arguments := _arguments(function):
            assert arguments == _documented_names(sections["Parameters"])
        if inspect.signature(function).return_annotation != "None":
            assert "Returns" in sections
        if _raises(function):
            assert "Raises" in sections

    def test_examples_run(self, name):
        assert "Examples" in _sections(FUNCTIONS[name])
        assert _run_examples(FUNCTIONS[name], name) > 0


@pytest.mark.parametrize("name", CLASSES)
class TestClasses:
    def test_name_what_they_take_and_hold(self, name):
        kind, sections = CLASSES[name], _sections(CLASSES[name])
        if issubclass(kind, enum.Enum) or getattr(kind, "_is_protocol", False):
            return
        if dataclasses.is_dataclass(kind):
            fields = {field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")}
            described = sections.get("Attributes", "") + sections.get("Parameters", "")
            assert fields <= _documented_names(described)
        elif "__init__" in vars(kind) and (arguments := _arguments(kind.__init__)):
            assert arguments == _documented_names(sections["Parameters"])
            if _raises(kind.__init__):
                assert "Raises" in sections

    def test_methods_say_what_they_do(self, name):
        silent = [method for method, function in _methods(CLASSES[name]) if not inspect.getdoc(function)]
        assert silent == []

    def test_methods_name_what_they_take(self, name):
        for method, function in _methods(CLASSES[name]):
            sections = _sections(function)
            if "Parameters" in sections:
                assert _arguments(function) == _documented_names(sections["Parameters"]), method

    def test_examples_run(self, name):
        attempted = _run_examples(CLASSES[name], name)
        assert attempted > 0 or name not in newtonkit.__all__, "a name of the front page needs an example"


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_are_for(name):
    assert inspect.getdoc(MODULES[name])


@pytest.mark.parametrize("module", _MODULES)
def test_examples_of_functions_elsewhere_run(module):
    loaded = importlib.import_module(module)
    for name, value in vars(loaded).items():
        if inspect.isfunction(value) and value.__module__ == module and not name.startswith("_"):
            _run_examples(value, name)
