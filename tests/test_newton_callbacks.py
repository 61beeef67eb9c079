"""Callbacks of ``nk.newton``, ``return_all`` and ``disp``, beside what SciPy's own methods do."""

import functools
import inspect

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, minimize, rosen, rosen_der, rosen_hess

import newtonkit as nk

START = [-1.2, 1.0]


def solve(method=nk.newton, **more):
    return minimize(rosen, START, jac=rosen_der, hess=rosen_hess, method=method, **more)


CLEAN = solve(options={"return_all": True})


class Listener:
    """Callbacks of every form, which write down the points they see."""

    def __init__(self):
        self.seen = []

    def plain(self, x):
        self.keep(x)

    def other_name(self, xk):
        self.keep(xk)

    def any_number(self, *args):
        (x,) = args
        self.keep(x)

    def with_default(self, x, convergence=0.5):
        assert convergence == 0.5
        self.keep(x)

    def keywords_too(self, x, **keywords):
        assert keywords == {}
        self.keep(x)

    def named_among_others(self, intermediate_result, extra=1):
        self.keep(intermediate_result)

    def in_full(self, intermediate_result):
        self.keep_in_full(intermediate_result)

    def keyword_only(self, *, intermediate_result):
        self.keep_in_full(intermediate_result)

    def annotated(self, intermediate_result: OptimizeResult) -> None:
        self.keep_in_full(intermediate_result)

    def __call__(self, x):
        self.keep(x)

    def keep(self, x):
        assert type(x) is np.ndarray
        self.seen.append(x)

    def keep_in_full(self, result):
        assert isinstance(result, OptimizeResult)
        assert isinstance(result.fun, float)
        assert result.fun == rosen(result.x)
        self.seen.append(result.x)


METHODS = [
    "plain",
    "other_name",
    "any_number",
    "with_default",
    "keywords_too",
    "named_among_others",
    "in_full",
    "keyword_only",
    "annotated",
    "__call__",
]


def assert_saw_all(seen):
    np.testing.assert_array_equal(seen, CLEAN.allvecs[1:])


@pytest.mark.parametrize("form", METHODS)
def test_every_form_of_callback_sees_every_iterate(form):
    listener = Listener()
    solve(callback=getattr(listener, form))
    assert_saw_all(listener.seen)
    theirs = Listener()
    solve("trust-exact", callback=getattr(theirs, form))
    assert len(theirs.seen) > 0, "SciPy takes it too"


def test_more_forms_of_callback():
    seen = []
    forms = [
        seen.append,  # built in
        lambda *x: seen.extend(x),
        lambda intermediate_result: seen.append(intermediate_result.x),
        functools.partial(lambda tag, x: seen.append(x), "tag"),
        functools.partial(lambda tag, intermediate_result: seen.append(intermediate_result.x), "tag"),
        Listener.plain.__get__(type("L", (), {"keep": lambda self, x: seen.append(x)})()),
    ]
    for callback in forms:
        seen.clear()
        solve(callback=callback)
        assert_saw_all(seen)
    with pytest.raises(ValueError):
        inspect.signature(type)
    assert solve(callback=type).success, "something built in that has no signature"


def test_an_object_that_is_called():
    listener = Listener()
    solve(callback=listener)
    assert_saw_all(listener.seen)


@pytest.mark.parametrize("x0", [START, [0.0, 0.0], [5.0, 5.0], [1.0, 1.0]])
def test_called_once_for_each_iteration(x0):
    calls = []
    for limit in (0, 1, 2, 5, 100):
        calls.clear()
        result = minimize(rosen, x0, jac=rosen_der, hess=rosen_hess, method=nk.newton,
                          callback=calls.append, options={"maxiter": limit})  # fmt: skip
        assert len(calls) == result.nit <= limit
        if calls:
            np.testing.assert_array_equal(calls[-1], result.x)


@pytest.mark.parametrize("iteration", [1, 2, 7])
@pytest.mark.parametrize("in_full", [False, True])
@pytest.mark.parametrize("disp", [False, True])
def test_stop_iteration(iteration, in_full, disp, capsys):
    seen = []

    def stop(x):
        seen.append(x)
        if len(seen) == iteration:
            raise StopIteration

    def stop_in_full(intermediate_result):
        stop(intermediate_result.x)

    result = solve(callback=stop_in_full if in_full else stop, options={"return_all": True, "disp": disp})
    assert (result.status, result.success, result.nit) == (99, False, iteration)
    assert "StopIteration" in result.message
    np.testing.assert_array_equal(result.x, CLEAN.allvecs[iteration])
    np.testing.assert_array_equal(result.allvecs, CLEAN.allvecs[: iteration + 1])
    assert result.fun == rosen(result.x)
    np.testing.assert_array_equal(result.jac, rosen_der(result.x))
    assert result.nfev <= CLEAN.nfev


@pytest.mark.parametrize("error", [ValueError, RuntimeError, ZeroDivisionError, SystemExit, GeneratorExit])
def test_what_else_a_callback_raises_comes_out(error):
    raised = error("mine")

    def callback(x):
        raise raised

    with pytest.raises(error) as caught:
        solve(callback=callback)
    assert caught.value is raised


def test_ctrl_c_in_a_callback():
    def callback(x):
        raise KeyboardInterrupt

    result = solve(callback=callback)
    assert (result.status, result.nit) == (6, 1)
    np.testing.assert_array_equal(result.x, CLEAN.allvecs[1])


@pytest.mark.parametrize("disp", [False, True])
def test_a_callback_that_spoils_what_it_gets_spoils_nothing(disp, capsys):
    def plain(x):
        x.fill(np.nan)
        return True  # means nothing

    def in_full(intermediate_result):
        intermediate_result.x.fill(np.nan)
        intermediate_result.clear()

    for callback in (plain, in_full):
        result = solve(callback=callback, options={"return_all": True, "disp": disp})
        np.testing.assert_array_equal(result.x, CLEAN.x)
        np.testing.assert_array_equal(result.allvecs, CLEAN.allvecs)


def test_what_is_no_callback():
    with pytest.raises(TypeError, match=r"^callback must be callable, got 3"):
        solve(callback=3)
    with pytest.raises(TypeError, match="takes 0 positional arguments"):
        solve(callback=lambda: None)


def test_all_iterates():
    assert len(CLEAN.allvecs) == CLEAN.nit + 1
    np.testing.assert_array_equal(CLEAN.allvecs[0], START)
    np.testing.assert_array_equal(CLEAN.allvecs[-1], CLEAN.x)
    values = [rosen(x) for x in CLEAN.allvecs]
    assert values == [record.value for record in CLEAN.history]
    assert values == sorted(values, reverse=True)
    assert len({id(x) for x in CLEAN.allvecs}) == CLEAN.nit + 1
    assert "allvecs" not in solve()
    at_once = minimize(rosen, [1.0, 1.0], jac=rosen_der, hess=rosen_hess, method=nk.newton,
                       options={"return_all": True})  # fmt: skip
    np.testing.assert_array_equal(at_once.allvecs, [[1.0, 1.0]])


def test_a_line_for_each_iteration(capsys):
    solve()
    assert capsys.readouterr().out == ""
    result = solve(options={"disp": True})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(result.history)
    assert lines[0].split()[:2] == ["iter", "value"]
    for line, record in zip(lines[1:], result.history, strict=True):
        iteration, value = line.split()[:2]
        assert int(iteration) == record.iteration
        assert float(value) == pytest.approx(record.value, rel=1e-14)


def test_switches_may_be_numbers(capsys):
    result = solve(options={"disp": 1, "return_all": 1})
    assert "iter" in capsys.readouterr().out
    assert len(result.allvecs) == result.nit + 1
