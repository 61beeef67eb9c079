"""Printing and logging are callbacks like any other."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from newtonkit.descent import Callback
from newtonkit.results import IterationRecord

_HEADER = (
    f"{'iter':>4}  {'value':>22}  {'||grad||/S':>10}  {'step':>8}  {'ratio':>6}  {'passes':>6}  {'s':>7}"
)
_LOGGER = logging.getLogger("newtonkit")
_LOGGER.addHandler(logging.NullHandler())
_LOGGED = (
    "iteration",
    "value",
    "gradient_norm",
    "relative_gradient",
    "step_norm",
    "radius",
    "ratio",
    "inner_iterations",
    "passes",
    "seconds",
    "note",
)


def _line(record: IterationRecord) -> str:
    return (
        f"{record.iteration:>4}  {record.value:>22.15g}  {record.relative_gradient:>10.2e}  "
        f"{record.step_norm:>8.1e}  {record.ratio:>6.2f}  {record.passes:>6}  {record.seconds:>7.3f}"
    )


def iteration_printer(callback: Callback | None, verbose: int, title: str = "") -> Callback | None:
    """Return a callback that logs and prints what is wanted of each record, and then calls `callback`.

    A line is printed if `verbose`, after a title.  A record goes to the logger "newtonkit", on
    level INFO, if that is enabled when the solve begins: with the fields of the iteration as
    attributes, and with the title as ``title``.
    """
    if _LOGGER.isEnabledFor(logging.INFO):
        callback = _logging(callback, title)
    if not verbose:
        return callback

    def show(record: IterationRecord) -> None:
        if record.iteration == 0:
            sys.stdout.write((f"{title}\n" if title else "") + _HEADER + "\n")
        sys.stdout.write(_line(record) + (f"  {record.note}" if record.note else "") + "\n")
        sys.stdout.flush()
        if callback is not None:
            callback(record)

    return show


def _logging(callback: Callback | None, title: str) -> Callback:
    def log(record: IterationRecord) -> None:
        _LOGGER.info(
            "iteration %d: value %.10g, gradient %.2e of its size, %d passes, %.3f s",
            record.iteration,
            record.value,
            record.relative_gradient,
            record.passes,
            record.seconds,
            extra={name: getattr(record, name) for name in _LOGGED} | {"title": title},
        )
        if callback is not None:
            callback(record)

    return log


@contextmanager
def announced(callback: Callback | None, gtol: float, max_time: float, solves: int) -> Iterator[None]:
    """Tell a callback that has methods ``begin`` and ``end`` when a solve begins and ends, in any way."""
    begin, end = (getattr(callback, name, None) for name in ("begin", "end"))
    try:
        if begin is not None:
            begin(gtol, max_time, solves)
        yield
    finally:
        if end is not None:
            end()
