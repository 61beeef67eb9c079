"""Every public name has a docstring that numpydoc itself can read, with shapes, errors and an example."""

from __future__ import annotations

import ast
import doctest
import enum
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc

from newtonkit.manual.reference import Entry, entries
from tests.test_docstrings import PUBLIC as ELSEWHERE
from tests.test_docstrings import _run_examples

PUBLIC = {entry.path: entry for names in entries().values() for entry in names if entry.kind != "data"}
# What is handed out by other names, and what others are derived from: those have the examples.
WITHOUT_EXAMPLE = (
    "newtonkit.results.IterationRecord",
    "newtonkit.comparison.MethodReport",
    "newtonkit.comparison.TracePoint",
    "newtonkit.design.Design",
    "newtonkit.problems.OuterFunction",
    "newtonkit.problems.RowBlock",
    "newtonkit.problems.RowDerivatives",
    "newtonkit.sketching.Embedding",
    "newtonkit.sketching.Scheme",
)
# A type that has entries has a shape; a design is asked for its own.
ARRAY = re.compile(r"\b(array_like|ndarray|sparse (matrix|array)|csr_array)\b")
SHAPE = re.compile(r"shape|\(\w*,|square|of the same|as \w+")
# What refuses an argument by raising, besides a raise statement.
CHECK = re.compile(r"^(checked_|as_vector$|as_bounded_vector$|as_design$|as_real_array$|_check)")


def _read(entry: Entry) -> Any:
    """Return the docstring as numpydoc reads it; it warns of what it cannot read, and that is an error."""
    settings = {"show_class_members": False}
    return ClassDoc(entry.value, config=settings) if entry.kind == "class" else FunctionDoc(entry.value)


def _may_raise(function: Any) -> bool:
    """Tell whether a function has a raise statement or hands an argument to what checks it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [getattr(name, "id", getattr(name, "attr", "")) for name in called]
    return bool(raised) or any(CHECK.match(name) for name in names)


def _own_constructor(kind: type) -> Any:
    return vars(kind).get("__init__") or vars(kind).get("__post_init__")


@pytest.mark.parametrize("path", PUBLIC)
class TestDocstrings:
    def test_begin_with_a_sentence(self, path):
        assert PUBLIC[path].summary.endswith((".", "?"))

    def test_give_the_shape_of_each_array(self, path):
        read = _read(PUBLIC[path])
        fields = [*read["Parameters"], *read["Returns"], *read["Yields"], *read.get("Attributes", ())]
        missing = [f.name for f in fields if ARRAY.search(f.type) and not SHAPE.search(f.type)]
        assert missing == []

    def test_say_what_is_raised(self, path):
        value = PUBLIC[path].value
        raising = value if PUBLIC[path].kind == "function" else _own_constructor(value)
        if getattr(value, "_is_protocol", False):
            return
        # What `dataclass` makes has no source, and raises nothing.
        if inspect.isfunction(raising) and Path(inspect.getfile(raising)).is_file() and _may_raise(raising):
            assert _read(PUBLIC[path])["Raises"]

    def test_have_an_example(self, path):
        if path not in WITHOUT_EXAMPLE:
            assert doctest.DocTestParser().get_examples(PUBLIC[path].text), "no example"


@pytest.mark.parametrize("path", [path for path, entry in PUBLIC.items() if entry.name not in ELSEWHERE])
def test_examples_run(path):
    _run_examples(PUBLIC[path].value, path)


def test_all_names_were_walked():
    assert len(PUBLIC) > 90
    assert sum(issubclass(e.value, enum.Enum) for e in PUBLIC.values() if e.kind == "class") == 1
