"""Solves that are interrupted, watched, printed or started several times."""

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.meter import Limits
from newtonkit.results import IterationRecord
from tests.test_minimize import problem


def raise_at(iteration: int, error: BaseException):
    def callback(record: IterationRecord) -> None:
        if record.iteration == iteration:
            raise error

    return callback


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), nk.Status.INTERRUPTED), (StopIteration(), nk.Status.STOPPED_BY_CALLBACK)],
)
@pytest.mark.parametrize("iteration", [0, 3])
@pytest.mark.parametrize("verbose", [0, 1])
def test_a_callback_can_end_the_solve(
    error: BaseException, status: nk.Status, iteration: int, verbose: int
) -> None:
    result = nk.minimize(problem(), callback=raise_at(iteration, error), verbose=verbose)
    assert result.status is status
    assert result.status == (6 if isinstance(error, KeyboardInterrupt) else 99)
    assert not result.success
    assert result.nit == iteration
    assert result.fun == pytest.approx(min(record.value for record in result.history), rel=1e-13)
    assert result.fun == problem().fun(result.x)


@pytest.mark.parametrize("error", [RuntimeError, ArithmeticError, SystemExit])
def test_other_exceptions_of_a_callback_come_through(error: type[BaseException]) -> None:
    with pytest.raises(error, match="mine"):
        nk.minimize(problem(), callback=raise_at(2, error("mine")))
    assert nk.minimize(problem()).success


def test_the_callback_sees_every_point() -> None:
    seen: list[IterationRecord] = []
    p = problem()

    def callback(record: IterationRecord) -> str:
        seen.append(record)
        assert record.x is not None
        assert record.value == pytest.approx(p.fun(record.x), rel=1e-9, abs=1e-18)
        record.x[:] = np.nan  # it is a copy
        return "ignored"

    result = nk.minimize(p, callback=callback)
    assert [record.value for record in seen] == [record.value for record in result.history]
    assert nk.minimize(problem()).fun == result.fun


INTERRUPTED = """
    import os, signal, threading
    import numpy as np
    import newtonkit as nk

    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng = np.random.default_rng(0)
    A = rng.normal(size=(60000, 60))
    problem = nk.CoshRegression(A, 50.0 * rng.random(60000))

    def callback(record):
        if record.iteration == 2:
            threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()

    result = nk.minimize(problem, rng.normal(size=60), gtol=0.0, callback=callback)
    assert result.status is nk.Status.INTERRUPTED, result.message
    assert not result.success and result.nit >= 2
    assert abs(result.fun - problem.fun(result.x)) <= 1e-9 * result.fun
    least = min(record.value for record in result.history)
    assert result.fun <= least * (1 + 1e-12)  # it is computed anew
    print("interrupted at", result.nit)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_real_interrupt_returns_the_best_point() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(INTERRUPTED)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("interrupted at")


def test_time_that_runs_out_among_rejected_steps_is_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step overflows; there is no time to try a shorter one."""
    answers = iter([False])
    monkeypatch.setattr(Limits, "out_of_time", lambda _: next(answers, True))
    a = np.zeros((200_000, 1))
    a[0] = 1.0
    b = np.ones(200_000)
    b[0] = 1e3
    result = nk.minimize(nk.ExpRegression(a, b))
    assert result.status is nk.Status.MAX_TIME
    assert result.x == 0.0


def two_valleys() -> nk.CoshRegression:
    """A loss of x in R: 0 at x = 2, and 32.5 in a valley at x = -2.55."""
    return nk.CoshRegression([[1.0], [1.0]], np.cosh([2.0, 3.0]), offset=[0.0, 1.0])


def test_several_starts_find_a_better_minimum() -> None:
    one = nk.minimize(two_valleys(), [-1.5])
    many = nk.minimize(two_valleys(), [-1.5], starts=12, rng=0)
    assert one.success
    assert one.x[0] < -1.0
    assert many.success
    np.testing.assert_allclose(many.x, [2.0], rtol=1e-8)
    assert many.fun < 1e-10 * one.fun
    assert len(many.starts) == 12
    assert many.starts[0] == (one.fun, one.status)
    assert many.fun == min(value for value, status in many.starts if status.success)
    assert many.nfev > one.nfev
    assert len(many.history) == many.nit + 1


def test_several_starts_are_reproducible() -> None:
    first = nk.minimize(two_valleys(), [-1.5], starts=5, rng=7)
    again = nk.minimize(two_valleys(), [-1.5], starts=5, rng=7)
    generator = nk.minimize(two_valleys(), [-1.5], starts=5, rng=np.random.default_rng(7))
    other = nk.minimize(two_valleys(), [-1.5], starts=5, rng=8)
    assert first.starts == again.starts == generator.starts
    np.testing.assert_array_equal(first.x, again.x)
    assert first.starts[0] == other.starts[0]
    assert first.starts[1:] != other.starts[1:]


def test_a_callback_that_stops_ends_all_starts() -> None:
    result = nk.minimize(two_valleys(), [-1.5], starts=5, rng=0, callback=raise_at(2, StopIteration()))
    assert len(result.starts) == 1
    assert result.status is nk.Status.STOPPED_BY_CALLBACK


def test_lines_are_printed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = nk.minimize(problem())
    assert capsys.readouterr() == ("", "")
    seen: list[int] = []
    loud = nk.minimize(problem(), verbose=1, callback=lambda record: seen.append(record.iteration))
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert len(lines) == loud.nit + 3
    assert lines[0] == f"method {loud.method}: {loud.method_reason}"
    assert "value" in lines[1]
    assert [int(line.split()[0]) for line in lines[2:]] == list(range(loud.nit + 1)) == seen
    assert float(lines[-1].split()[1]) == pytest.approx(loud.history[-1].value, rel=1e-12)
    np.testing.assert_array_equal(quiet.x, loud.x)


def test_signal_handlers_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    nk.minimize(problem())
    assert signal.getsignal(signal.SIGINT) is before
