"""``newtonkit problems``: what it lists exists, and its formulas are those of the problems."""

import io
import re

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.datasets import PROBLEMS
from newtonkit.shell.kinds import KINDS
from newtonkit.shell.output import shown
from newtonkit.shell.problems import everything, in_full
from tests.shell_files import shell

NAMES = {
    "γ": "gamma",
    "′": "1",
    "″": "2",
    "−": "-",
    "·": "*",
    "²": "**2",
    "½": "0.5",
    " log ": " LOG ",
    "B p": "B*p",
}
ENTROPY = 0.3


def value_of(formula, names):
    """Compute what a formula of the list says, by reading it as Python."""
    text = formula.replace("log ⟨exp(u), 1⟩", "log(⟨exp(u), 1⟩)").replace("⟨p, log p⟩", "⟨p, log(p)⟩")
    for symbol, word in NAMES.items():
        text = text.replace(symbol, word)
    text = re.sub(r"‖(.+)‖\*\*2", r"dot(\1, \1)", text)
    text = re.sub(r"⟨([^⟨⟩]+), 1⟩", r"sum(\1)", text)
    text = re.sub(r"⟨([^⟨⟩]+), ([^⟨⟩]+)⟩", r"dot(\1, \2)", text)
    text = re.sub(r"(\)|\d|[a-zA-Z]\b) (?=[a-z(])", r"\1*", text)  # what stands side by side is multiplied
    functions = {name: getattr(np, name) for name in ("exp", "cosh", "sinh", "log", "sum", "dot")}
    return eval(text, {"__builtins__": {}}, functions | names)


def symbols(kind, u, b):
    """Return all that the definitions of a kind define."""
    names = {"u": u, "b": b, "gamma": ENTROPY}
    for line in kind.definitions:
        for part in re.split(r",  ", line):
            left, _, right = part.partition(" = ")
            if not right.startswith("--"):
                names[left.replace("′", "1").replace("″", "2")] = value_of(right.removesuffix(" > 0"), names)
    return names


class TestFormulas:
    """Each kind's formulas, read as Python, against the problem with A the identity."""

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_are_those_of_the_problem(self, kind):
        rng = np.random.default_rng(0)
        u, b = rng.normal(size=5), rng.uniform(0.1, 1.0, size=5)
        options = dict(kind.fixed) | ({"entropy_weight": ENTROPY} if kind.needs_entropy_weight else {})
        problem = getattr(nk.problems, kind.class_name)(np.eye(5), b, **options)
        names = symbols(kind, u, b)
        assert value_of(kind.loss, names) == pytest.approx(problem.fun(u), rel=1e-13)
        np.testing.assert_allclose(value_of(kind.gradient, names), problem.jac(u), rtol=1e-12)
        hessian = np.diag(value_of(kind.diagonal, names))
        if kind.columns:
            columns = np.column_stack(np.broadcast_arrays(*value_of(f"({kind.columns[1:-1]},)", names)))
            hessian = hessian + columns @ np.array(value_of(kind.core, names)) @ columns.T
        np.testing.assert_allclose(hessian, problem.hess(u).to_dense(), rtol=1e-11, atol=1e-13)

    @pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
    def test_what_is_said_of_it_holds(self, kind):
        assert not kind.paper or kind.paper in (getattr(nk, kind.class_name).__doc__ or "")
        b = np.array([0.2, 0.5, 0.3])
        u = np.array([0.1, -0.4, 0.3])
        options = dict(kind.fixed) | ({"entropy_weight": ENTROPY} if kind.needs_entropy_weight else {})
        problem = getattr(nk, kind.class_name)(np.eye(3), b, **options)
        stays = problem.fun(u + 1.0) == pytest.approx(problem.fun(u), rel=1e-9)
        assert stays is not kind.intercept_counts
        assert (float(problem.predict(u).sum()) == pytest.approx(1.0, rel=1e-12)) is kind.shares


class TestList:
    def test_has_every_kind_and_all_ready_made_data(self, capsys):
        assert cli.main(["problems"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out == everything()
        assert max(map(len, out.splitlines())) <= 79
        starts = re.findall(r"^(\S+)  ", out, re.MULTILINE)
        assert starts == [*KINDS, *PROBLEMS]
        for kind in KINDS.values():
            assert f"nk.{kind.class_name} " in out or f"nk.{kind.class_name}\n" in out
        words = " ".join(out.split())
        for problems in PROBLEMS.values():
            for kind, ready in problems.items():
                assert f"{kind} {ready.description.partition(': ')[2]}" in words
        assert words.count("(needs newtonkit with its extra 'bench')") == 3

    @pytest.mark.parametrize("kind", KINDS)
    def test_shows_a_kind_in_full(self, kind, capsys):
        assert cli.main(["problems", kind]) == 0
        out = capsys.readouterr().out
        assert out == in_full(KINDS[kind])
        assert max(map(len, out.splitlines())) <= 79
        for part in ("loss", "gradient", "diagonal", "columns", "core", "paper"):
            assert getattr(KINDS[kind], part) in out

    def test_in_ascii_where_there_is_no_unicode(self, monkeypatch):
        out, err = shell("problems", "entropy-softmax", PYTHONIOENCODING="ascii")
        assert err == ""
        assert "1/2 ||p - b||^2 + gamma <p, log p>" in out
        everywhere = shown(everything() + "".join(map(in_full, KINDS.values())))
        assert "½" in everywhere  # where there is Unicode it stays
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
        plain = shown(everywhere)
        assert plain.isascii()
        assert "\\" not in plain

    def test_an_unknown_kind(self, capsys):
        assert cli.main(["problems", "tanh"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("newtonkit problems: error: argument KIND: invalid choice: 'tanh'")
