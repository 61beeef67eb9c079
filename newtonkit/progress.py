"""Printing is a callback like any other."""

from __future__ import annotations

import sys

from newtonkit.descent import Callback
from newtonkit.results import IterationRecord

_HEADER = (
    f"{'iter':>4}  {'value':>22}  {'||grad||/S':>10}  {'step':>8}  {'ratio':>6}  {'passes':>6}  {'s':>7}"
)


def _line(record: IterationRecord) -> str:
    return (
        f"{record.iteration:>4}  {record.value:>22.15g}  {record.relative_gradient:>10.2e}  "
        f"{record.step_norm:>8.1e}  {record.ratio:>6.2f}  {record.passes:>6}  {record.seconds:>7.3f}"
    )


def iteration_printer(callback: Callback | None, verbose: int, title: str = "") -> Callback | None:
    """Return a callback that writes a line for each record, after a title, and then calls `callback`."""
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
