"""``nk.ProgressBar``: one line on a terminal that is wiped off, and nothing anywhere else."""

import io
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.progress_bar import Progress, duration
from newtonkit.results import IterationRecord
from tests.shell_files import ROOT

PROBLEM = nk.datasets.make_planted("exp", 500, 5, condition=100.0, noise=0.1, rng=0).problem
LINE = re.compile(
    r"\[[#.]{8,30}\] gradient \d\.\de[-+]\d\d / \de[-+]\d\d, \d+ passes, (checking|(<\d+|\?) (s|min|h) left)"
)


class Terminal(io.StringIO):
    """A stream that is a terminal, and what is to be seen on its last line."""

    encoding = "ascii"

    def isatty(self):
        return True

    @property
    def drawn(self):
        return [line.rstrip() for line in self.getvalue().split("\r") if line.strip()]

    @property
    def left(self):
        """What each write has left in the line, column by column."""
        line, column = [], 0
        for letter in self.getvalue():
            if letter == "\r":
                column = 0
                continue
            line[column : column + 1] = [letter]
            column += 1
        return "".join(line).rstrip()


@pytest.fixture(autouse=True)
def ordinary(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def record(iteration, gradient, seconds, passes=3):
    numbers = dict.fromkeys(("gradient_norm", "smallest_curvature", "radius", "step_norm", "ratio"), 1.0)
    counts = dict.fromkeys(("trials", "rows_sampled", "inner_iterations"), 0)
    return IterationRecord(
        iteration, 1.0, relative_gradient=gradient, seconds=seconds, passes=passes, **numbers, **counts
    )


class TestProgress:
    def test_goes_by_digits(self):
        progress = Progress(1e-8)
        for k, (gradient, share) in enumerate(
            [(1e-2, 0.0), (1e-5, 0.5), (1e-3, 0.5), (1e-7, 5 / 6), (1e-9, 1.0)]
        ):
            progress.take(record(k, gradient, float(k)))
            assert progress.share == pytest.approx(share)

    def test_estimates_at_the_slower_pace(self):
        """Two digits in 4 s, then four in 1 s: two digits are left, at 6 digits in 5 s or 4 in 1 s."""
        progress = Progress(1e-8)
        progress.take(record(0, 1.0, 10.0))
        assert progress.seconds_left == math.inf
        for k, (gradient, seconds) in enumerate([(1e-1, 12.0), (1e-2, 14.0), (1e-4, 14.5), (1e-6, 15.0)]):
            progress.take(record(k + 1, gradient, seconds))
        assert progress.seconds_left == pytest.approx(2.0 / (6.0 / 5.0))

    def test_knows_nothing_while_nothing_moves(self):
        progress = Progress(1e-8)
        for k in range(12):
            progress.take(record(k, 10.0 ** -min(k, 3), float(k)))
        assert progress.seconds_left == math.inf
        assert "? s left" in progress.line()

    def test_holds_to_a_limit_on_time(self):
        progress = Progress(1e-8, max_time=5.0)
        assert 0.0 < progress.seconds_left <= 5.0
        progress.take(record(0, 1.0, 0.0))
        assert 0.0 < progress.seconds_left <= 5.0
        assert Progress(1e-8, max_time=0.0).seconds_left == 0.0

    def test_takes_solves_to_come_to_be_as_long_as_the_longest(self):
        progress = Progress(1e-2, solves=4)
        progress.take(record(0, 1.0, 0.0))
        progress.take(record(1, 1e-2, 6.0))
        assert progress.seconds_left == pytest.approx(3 * 6.0)
        progress.take(record(0, 1.0, 6.0))
        progress.take(record(1, 1e-1, 7.0))
        assert progress.seconds_left == pytest.approx(1.0 + 2 * 6.0)
        assert progress.line(label="ridge").startswith("ridge 2 of 4 [")

    @pytest.mark.parametrize("gtol", [0.0, 1e-16, 1e-8, 1.0, 10.0])
    def test_is_never_negative_and_never_no_number(self, gtol):
        rng = np.random.default_rng(0)
        for _ in range(200):
            progress, seconds = Progress(gtol, rng.choice([math.inf, 1.0]), int(rng.integers(1, 4))), 0.0
            for k in range(rng.integers(1, 12)):
                seconds += rng.choice([0.0, 1e-9, rng.exponential(), 1e5])
                size = rng.choice([0.0, math.nan, math.inf, 10.0 ** rng.uniform(-320, 300)])
                progress.take(record(k * int(rng.random() < 0.9), size, seconds, int(rng.integers(10**7))))
                assert 0.0 <= progress.share <= 1.0
                assert progress.seconds_left >= 0.0
                for width in (0, 1, 30, 79):
                    assert len(progress.line(width, "a label")) <= width

    def test_lines_fit_and_keep_the_figures(self):
        progress = Progress(1e-8, max_time=1e6)
        progress.take(record(0, 1.2345e-3, 0.5, passes=1234567))
        assert LINE.fullmatch(progress.line())
        assert len(progress.line()) <= 79
        assert progress.line(label="a name that is far too long for a terminal").startswith("[....")
        assert progress.line(50).startswith("gradient 1.2e-03 / 1e-08, 1234567 passes")

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (0.0, "1 s"),
            (1.2, "2 s"),
            (119.5, "120 s"),
            (121.0, "3 min"),
            (7100.0, "119 min"),
            (7300.0, "3 h"),
        ],
    )
    def test_durations_are_rounded_up(self, seconds, words):
        assert duration(seconds) == words


class TestBar:
    def test_is_drawn_and_wiped_off(self):
        terminal = Terminal()
        result = nk.minimize(PROBLEM, callback=nk.ProgressBar(label="exp", stream=terminal, interval=0.0))
        assert len(terminal.drawn) == len(result.history)
        for line in terminal.drawn:
            assert LINE.fullmatch(line.removeprefix("exp "))
            assert len(line) <= 79
        assert terminal.drawn[-1].endswith("checking")
        assert terminal.left == ""
        assert "\n" not in terminal.getvalue()

    def test_takes_the_tolerance_of_the_solve_unless_given_one(self):
        for options, shown in (({}, "1e-05"), ({"gtol": 1e-3}, "1e-03")):
            terminal = Terminal()
            nk.minimize(PROBLEM, gtol=1e-5, callback=nk.ProgressBar(stream=terminal, **options))
            assert f" / {shown}," in terminal.drawn[0]

    def test_counts_starts_and_ridges(self):
        terminal = Terminal()
        nk.minimize(PROBLEM, starts=3, rng=0, callback=nk.ProgressBar(stream=terminal, interval=0.0))
        assert {line[:6] for line in terminal.drawn} == {"1 of 3", "2 of 3", "3 of 3"}
        terminal = Terminal()
        bar = nk.ProgressBar(label="ridge", stream=terminal, interval=0.0)
        nk.path(PROBLEM, [1.0, 10.0, 1.0], callback=bar)
        assert {line[:12] for line in terminal.drawn} == {"ridge 1 of 2", "ridge 2 of 2"}
        assert terminal.left == ""

    @pytest.mark.parametrize("error", [KeyboardInterrupt, StopIteration, ZeroDivisionError])
    def test_is_wiped_off_whatever_ends_the_solve(self, error):
        terminal, seen = Terminal(), []

        def callback(record):
            seen.append(record)
            if len(seen) == 3:
                raise error

        bar = nk.ProgressBar(callback, stream=terminal, interval=0.0)
        if error is ZeroDivisionError:
            with pytest.raises(ZeroDivisionError):
                nk.minimize(PROBLEM, callback=bar)
        else:
            ended = {KeyboardInterrupt: "INTERRUPTED", StopIteration: "STOPPED_BY_CALLBACK"}[error]
            assert nk.minimize(PROBLEM, callback=bar).status.name == ended
        assert len(terminal.drawn) == 3
        assert terminal.left == ""

    def test_is_a_context_for_solvers_that_tell_nothing(self):
        terminal = Terminal()
        with pytest.raises(ZeroDivisionError), nk.ProgressBar(stream=terminal, gtol=1e-4) as bar:
            bar(record(0, 1e-2, 0.0))
            assert LINE.fullmatch(terminal.left)
            raise ZeroDivisionError
        assert terminal.left == ""

    def test_serves_one_solve_after_the_other_and_another_bar(self):
        outer, inner = Terminal(), Terminal()
        bar = nk.ProgressBar(nk.ProgressBar(stream=inner), stream=outer)
        for _ in range(2):
            nk.minimize(PROBLEM, gtol=1e-6, callback=bar)
        for terminal in (outer, inner):
            assert sum(line.startswith("[.....") for line in terminal.drawn) == 2
            assert terminal.left == ""
            assert " / 1e-06," in terminal.drawn[0]

    def test_changes_nothing_about_the_solve(self):
        plain = nk.minimize(PROBLEM)
        watched = nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=Terminal(), interval=0.0))
        np.testing.assert_array_equal(plain.x, watched.x)

    def test_is_not_drawn_more_often_than_asked(self):
        terminal = Terminal()
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=terminal, interval=1e6))
        assert len(terminal.drawn) == 1

    def test_follows_the_width_of_the_terminal(self, monkeypatch):
        monkeypatch.setenv("COLUMNS", "60")
        terminal = Terminal()
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=terminal, interval=0.0, label="a" * 50))
        assert max(map(len, terminal.drawn)) <= 59

    def test_letters_that_the_terminal_has_not_are_replaced(self):
        terminal = Terminal()
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=terminal, label="größe"))
        assert terminal.drawn[0].startswith("gr??e [")


class TestSilence:
    @pytest.mark.parametrize("stream", [io.StringIO(), None, object()])
    def test_where_there_is_no_terminal(self, stream, capsys):
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=stream, interval=0.0))
        if isinstance(stream, io.StringIO):
            assert stream.getvalue() == ""
        assert capsys.readouterr() == ("", "")

    def test_on_a_dumb_terminal_and_a_closed_one(self, monkeypatch):
        closed = Terminal()
        closed.close()
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=closed))
        monkeypatch.setenv("TERM", "dumb")
        terminal = Terminal()
        nk.minimize(PROBLEM, callback=nk.ProgressBar(stream=terminal))
        assert terminal.getvalue() == ""

    def test_without_a_standard_error(self, monkeypatch):
        monkeypatch.setattr(sys, "stderr", None)
        assert nk.minimize(PROBLEM, callback=nk.ProgressBar()).success


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"callback": 3}, TypeError, "callback must be callable"),
        ({"label": 3}, TypeError, "label must be a string"),
        ({"gtol": -1.0}, ValueError, "gtol must be at least 0"),
        ({"interval": math.nan}, ValueError, "interval must"),
    ],
)
def test_bad_input_is_refused_by_name(options, error, says):
    with pytest.raises(error, match=says):
        nk.ProgressBar(**options)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
class TestPseudoTerminal:
    SOLVE = (
        "import newtonkit as nk; p = nk.datasets.make_planted('exp', 500, 5, noise=0.1, rng=0).problem; "
        "nk.minimize(p, callback=nk.ProgressBar(interval=0)); print('done')"
    )
    SPAWN = (
        "import os, pty, sys; os.environ.update(COLUMNS='80', TERM='xterm');"
        "sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, *sys.argv[1:]])))"
    )

    def seen(self, *words):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", self.SPAWN, *words],
            env=environment, capture_output=True, timeout=60, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout.decode()

    def test_the_library_draws_on_it_and_leaves_nothing(self):
        text = self.seen("-W", "error", "-c", self.SOLVE)
        assert len(LINE.findall(text)) >= 4
        assert text.split("\r")[-2:] == ["done", "\n"]
        assert "\x1b" not in text

    def test_the_shell_draws_on_it_unless_it_is_to_be_quiet(self):
        loud = self.seen(
            "-m", "newtonkit", "compare", "diabetes", "--problem", "exp", "--methods", "newtonkit", "BFGS"
        )
        assert re.search(r"\[\.{16}\] 1 of 2: newtonkit, <20 s left; diabetes", loud)
        assert re.search(r"\[#{8}\.{8}\] 2 of 2: BFGS, <10 s left; diabetes", loud)
        assert LINE.search(self.seen("-m", "newtonkit", "solve", "diabetes"))
        assert self.seen("-m", "newtonkit", "solve", "diabetes", "--quiet") == ""
