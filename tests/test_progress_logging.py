"""The logger "newtonkit": a record for each iteration for those who listen, and nothing for others."""

import logging
import subprocess
import sys

import pytest

import newtonkit as nk
from newtonkit.progress import iteration_printer
from tests.shell_files import ROOT

PROBLEM = nk.datasets.make_planted("exp", 500, 5, noise=0.1, rng=0).problem
FIELDS = ("value", "gradient_norm", "relative_gradient", "step_norm", "radius", "passes", "seconds", "note")


def test_each_iteration_is_logged_with_its_fields(caplog):
    with caplog.at_level(logging.INFO, logger="newtonkit"):
        result = nk.minimize(PROBLEM)
    assert [record.iteration for record in caplog.records] == [h.iteration for h in result.history]
    for record, kept in zip(caplog.records, result.history, strict=True):
        assert (record.name, record.levelname) == ("newtonkit", "INFO")
        assert [getattr(record, name) for name in FIELDS] == [getattr(kept, name) for name in FIELDS]
        assert record.title.startswith("method exact: ")
        assert record.getMessage().startswith(
            f"iteration {kept.iteration}: value {kept.value:.10g}, gradient "
        )


def test_callbacks_and_paths_go_with_it(caplog):
    seen = []
    with caplog.at_level(logging.INFO, logger="newtonkit"):
        path = nk.path(PROBLEM, [10.0, 1.0], callback=seen.append)
    assert len(caplog.records) == len(seen) == sum(len(result.history) for result in path)


@pytest.mark.parametrize("level", [logging.WARNING, logging.CRITICAL])
def test_nothing_is_made_where_nobody_listens(caplog, level):
    with caplog.at_level(level, logger="newtonkit"):
        assert iteration_printer(None, 0) is None  # so that not even x is copied for it
        nk.minimize(PROBLEM)
    assert caplog.records == []


def test_nothing_is_written_where_nothing_is_configured():
    code = (
        "import newtonkit as nk, logging; logging.getLogger('newtonkit').setLevel('INFO');"
        "nk.minimize(nk.datasets.make_planted('exp', 50, 2, rng=0).problem);"
        "print(*map(type, logging.getLogger('newtonkit').handlers))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("<class 'logging.NullHandler'>\n", "")


class Told:
    """A callback that wants to know when a solve begins and ends."""

    def __init__(self, error=None):
        self.heard, self.error = [], error

    def begin(self, gtol, max_time, solves):
        self.heard.append((gtol, max_time, solves))

    def end(self):
        self.heard.append("end")

    def __call__(self, record):
        self.heard.append(record.iteration)
        if self.error is not None:
            raise self.error


def test_callbacks_are_told_of_begin_and_end():
    told = Told()
    result = nk.minimize(PROBLEM, gtol=1e-7, max_time=60.0, callback=told)
    assert told.heard == [(1e-7, 60.0, 1), *range(len(result.history)), "end"]
    failing = Told(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        nk.minimize(PROBLEM, callback=failing)
    assert failing.heard[1:] == [0, "end"]
    bad_start = Told()
    with pytest.raises(ValueError, match="x0 is no start"):
        nk.minimize(PROBLEM, [1e200] * 5, callback=bad_start)
    assert bad_start.heard[1:] == ["end"]
