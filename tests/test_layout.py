"""The house rules: imports run one way, files and functions stay short, names resolve when first used."""

from __future__ import annotations

import ast
import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import newtonkit

ROOT = Path(__file__).resolve().parent.parent
OUTSIDE = ("problems", "sketching")
LONGEST_FILE, LONGEST_FUNCTION = 300, 50

# The grounds are numbered from below; nothing may import what stands above it.
DESIGN, MATHEMATICS, SOLVER, FACES = range(4)
# Every module of newtonkit/ itself that is not named here belongs to the solver.
FACE_NAMES = {
    "__main__", "cli", "comparison", "datasets", "estimators", "manual", "prediction", "shell", "statistics"
}  # fmt: skip
NAMED_LEVELS = {"design": DESIGN, "options": DESIGN, "problems": MATHEMATICS, "sketching": MATHEMATICS}


def _sources() -> dict[str, Path]:
    """Return the files of the package by the name of their module; symlinks are not followed."""
    found = {}
    for folder, package in (("newtonkit", "newtonkit"), *((p, f"newtonkit.{p}") for p in OUTSIDE)):
        for path in _below(ROOT / folder):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *parts)).removesuffix(".__init__")
            found[name] = path
    return found


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.suffix == ".py":
            yield path


SOURCES = _sources()
ALL_FILES = [*SOURCES.values(), *_below(ROOT / "tests"), *_below(ROOT / "bench")]


def _level(module: str) -> int:
    part = module.split(".")[1]
    return FACES if part in FACE_NAMES else NAMED_LEVELS.get(part, SOLVER)


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything imported from newtonkit, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} is a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "newtonkit")


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function with its number of lines, without decorators and docstring."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None:
                assert first.end_lineno is not None
                lines -= first.end_lineno - first.lineno + 1
            yield node.name, lines


def _label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


class TestImports:
    @pytest.mark.parametrize("module", [name for name in SOURCES if name != "newtonkit"])
    def test_run_one_way(self, module):
        own = module.split(".")[1]
        for line, name in _imports(SOURCES[module]):
            where = f"{_label(SOURCES[module])}:{line} imports {name}"
            if name == "newtonkit" or name.startswith("newtonkit.__"):
                assert _level(module) == FACES, f"{where}: only the faces may use the package as a whole"
                continue
            assert _level(name) <= _level(module), f"{where}, which stands above it"
            if _level(module) == MATHEMATICS == _level(name):
                assert name.split(".")[1] == own, f"{where}: problems and sketching do not know each other"

    @pytest.mark.parametrize("path", ALL_FILES, ids=_label)
    def test_are_absolute(self, path):
        list(_imports(path))

    def test_levels_are_told_apart(self):
        levels = [_level(f"newtonkit.{name}") for name in ("design.base", "problems", "minimizer", "cli")]
        assert levels == [DESIGN, MATHEMATICS, SOLVER, FACES]
        assert {f"newtonkit.{name}" for name in FACE_NAMES} <= SOURCES.keys()


class TestSize:
    @pytest.mark.parametrize("path", [p for p in ALL_FILES if p.name != "kernels.py"], ids=_label)
    def test_of_files(self, path):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines < LONGEST_FILE, f"{_label(path)} has {lines} lines"

    @pytest.mark.parametrize("path", ALL_FILES, ids=_label)
    def test_of_functions(self, path):
        long = [f"{name}: {lines}" for name, lines in _functions(path) if lines >= LONGEST_FUNCTION]
        assert not long, f"{_label(path)} has functions of {LONGEST_FUNCTION} lines or more: {long}"


class TestNames:
    def test_public_names_are_sorted_and_listed_once(self):
        assert newtonkit.__all__ == sorted(set(newtonkit.__all__), key=_case_sensitive)

    @pytest.mark.parametrize("name", newtonkit.__all__)
    def test_each_resolves_to_where_it_lives(self, name):
        value = getattr(newtonkit, name)
        if name in newtonkit._MODULES:
            assert value is importlib.import_module(f"newtonkit.{name}")
        else:
            assert value is getattr(importlib.import_module(newtonkit._HOMES[name]), name)
            assert value.__name__ == name

    def test_nothing_is_reachable_but_unlisted(self):
        assert {*newtonkit._MODULES, *newtonkit._HOMES} == set(newtonkit.__all__)

    def test_type_checkers_see_the_same_names(self):
        tree = ast.parse((ROOT / "newtonkit" / "__init__.py").read_text(encoding="utf-8"))
        blocks = [node for node in tree.body if isinstance(node, ast.If)]
        imports = [node for node in ast.walk(blocks[0]) if isinstance(node, ast.ImportFrom)]
        assert {alias.name for node in imports for alias in node.names} == set(newtonkit.__all__)

    def test_dir_offers_them(self):
        assert set(newtonkit.__all__) <= set(dir(newtonkit))

    def test_an_unknown_name_is_refused_by_name(self):
        with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
            _ = newtonkit.no_such_name

    @pytest.mark.parametrize("module", [name for name, path in SOURCES.items() if path.stem == "__init__"])
    def test_everything_listed_exists(self, module):
        found = importlib.import_module(module)
        assert [name for name in found.__all__ if not hasattr(found, name)] == []


def _case_sensitive(name: str) -> tuple[bool, str]:
    """Classes first, as in the list."""
    return (name[0].islower(), name)


@pytest.mark.parametrize("name", OUTSIDE)
def test_folders_outside_are_seen_from_inside(name):
    link = ROOT / "newtonkit" / name
    assert link.is_symlink()
    assert link.resolve() == ROOT / name


def test_every_package_goes_into_the_wheel():
    with (ROOT / "pyproject.toml").open("rb") as file:
        packages = tomllib.load(file)["tool"]["setuptools"]["packages"]
    assert sorted(packages) == sorted(n for n, path in SOURCES.items() if path.stem == "__init__")
