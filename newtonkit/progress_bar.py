"""How far a solve has come: a bar on the logarithm of the gradient, in one line of a terminal."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from types import TracebackType
from typing import Self, TextIO

import numpy as np

from newtonkit.descent import Callback
from newtonkit.options import checked_callback, checked_number
from newtonkit.results import IterationRecord

# A gradient is never asked to be smaller than this, whatever the tolerance.
_FLOOR = 256.0 * float(np.finfo(float).eps)
_RECENT = 5
_LEAST_BAR, _MOST_BAR, _WIDTH = 8, 30, 80
_MINUTE, _HOUR = 60.0, 3600.0


class Progress:
    """What the records of a solve tell of the way that is left.

    Parameters
    ----------
    gtol : float
        Tolerance on ||grad|| / S.
    max_time : float, default inf
        Limit on the seconds from now on, for all solves together.
    solves : int, default 1
        How many solves there will be, such as starts or ridges.
    """

    def __init__(self, gtol: float, max_time: float = math.inf, solves: int = 1) -> None:
        self._gtol = gtol
        self._target = math.log10(max(gtol, _FLOOR))
        self._deadline = time.perf_counter() + max_time
        self._solves, self._count, self._longest = solves, 0, 0.0
        self._seen: list[tuple[float, float]] = []  # seconds, and log10 of the least gradient until then
        self._last: IterationRecord | None = None

    def take(self, record: IterationRecord) -> None:
        """Take in a record; iteration 0 begins anew."""
        if record.iteration == 0:
            self._longest = max(self._longest, self._spent)
            self._seen, self._count = [], self._count + 1
        self._last = record
        size = record.relative_gradient
        level = math.inf if math.isnan(size) else math.log10(max(size, 10.0**self._target))
        self._seen.append((record.seconds, min([level, *(before for _, before in self._seen[-1:])])))

    @property
    def share(self) -> float:
        """The part of the way that lies behind, from 0 to 1, in digits of the gradient."""
        levels = [level for _, level in self._seen if math.isfinite(level)]
        if not levels:
            return 0.0
        whole = levels[0] - self._target
        return (levels[0] - levels[-1]) / whole if whole > 0.0 else 1.0

    @property
    def seconds_left(self) -> float:
        """How long it may take at most, at the slower of its paces so far and of late; inf if unknown.

        The last digits come faster than the first ones, so that it is rather less.  Solves to
        come are taken to last as long as the longest so far.  A limit on the time holds in
        any case.
        """
        own = self._own_seconds_left
        to_come = max(self._solves - max(self._count, 1), 0)
        if to_come:
            own += to_come * max(self._longest, self._spent + own)
        return min(own, max(self._deadline - time.perf_counter(), 0.0))

    @property
    def _own_seconds_left(self) -> float:
        """What this solve may take; 0 where the gradient is at tolerance."""
        if not self._seen:
            return math.inf
        digits = self._seen[-1][1] - self._target
        if digits <= 0.0:
            return 0.0
        pace = min(self._pace(0), self._pace(max(len(self._seen) - _RECENT, 0)))
        return digits / pace if pace > 0.0 else math.inf

    @property
    def _spent(self) -> float:
        """The seconds of this solve until now."""
        return self._seen[-1][0] - self._seen[0][0] if self._seen else 0.0

    def _pace(self, first: int) -> float:
        """Return the digits won in a second since a record, 0 if that is not known."""
        (begun, high), (now, low) = self._seen[first], self._seen[-1]
        won, seconds = high - low, now - begun
        return won / seconds if math.isfinite(won) and seconds > 0.0 else 0.0

    def line(self, width: int = _WIDTH - 1, label: str = "") -> str:
        """Return bar and figures in one line of at most so many columns.

        Parameters
        ----------
        width : int, default 79
            Columns.
        label : str, optional
            What stands before the bar.
        """
        record = self._last
        if record is None:
            return label[:width]
        figures = f"gradient {record.relative_gradient:.1e} / {self._gtol:.0e}, {record.passes} passes"
        is_last = self._count >= self._solves
        is_done = is_last and self._own_seconds_left == 0.0
        figures += ", checking" if is_done else f", {self._left} left"
        if self._solves > 1:
            label = f"{label} {self._count} of {self._solves}".lstrip()
        room = width - len(figures) - 3 - (len(label) + 1 if label else 0)
        if room < _LEAST_BAR:  # the figures matter more than what the solve is called
            label, room = "", width - len(figures) - 3
        parts = [label] if label else []
        if room >= _LEAST_BAR:
            length = min(room, _MOST_BAR)
            done = int(self.share * length)
            parts.append(f"[{'#' * done}{'.' * (length - done)}]")
        return " ".join([*parts, figures])[:width]

    @property
    def _left(self) -> str:
        return f"<{duration(self.seconds_left)}" if math.isfinite(self.seconds_left) else "? s"


def duration(seconds: float) -> str:
    """Return a time in words, rounded up."""
    if seconds < 2.0 * _MINUTE:
        return f"{max(math.ceil(seconds), 1)} s"
    if seconds < 2.0 * _HOUR:
        return f"{math.ceil(seconds / _MINUTE)} min"
    return f"{math.ceil(seconds / _HOUR)} h"


class ProgressBar:
    """A callback that shows how far a solve has come, in one line that is wiped off at the end.

    The bar goes by log10 of the gradient, from its first size to the tolerance.  Beside it
    stand gradient and tolerance, passes over the data and the seconds that are left: at most,
    at the pace so far, as the last digits come faster than the first.  Nothing is shown where
    the stream is not a terminal.  The line is drawn when there is a record and never in
    between, by no thread, and the cursor is left as it is; it is wiped off however the
    solve ends.

    Parameters
    ----------
    callback : callable, optional
        Another callback, called with each record after the bar is drawn; what it raises goes on.
    label : str, default ""
        What stands before the bar.
    gtol : float, optional
        Tolerance that the bar leads to.  :func:`newtonkit.minimize` and :func:`newtonkit.path`
        tell it their own; 1e-8 where nobody does.
    stream : file, optional
        Where to draw; the standard error by default.
    interval : float, default 0.1
        Least seconds between two drawings.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If a number is negative or not finite.

    Examples
    --------
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("exp", 500, 5, rng=0)
    >>> seen = []
    >>> result = nk.minimize(planted.problem, callback=nk.ProgressBar(seen.append))
    >>> len(seen) == len(result.history)
    True

    With a solver that does not tell it when it ends, the bar is a context:

    >>> with nk.ProgressBar(label="again") as bar:
    ...     result = nk.minimize(planted.problem, callback=lambda record: bar(record))
    """

    def __init__(
        self,
        callback: Callback | None = None,
        *,
        label: str = "",
        gtol: float | None = None,
        stream: TextIO | None = None,
        interval: float = 0.1,
    ) -> None:
        if not isinstance(label, str):
            raise TypeError(f"label must be a string, got {label!r}")
        self._callback = checked_callback(callback)
        self._label = label
        self._own_gtol = None if gtol is None else checked_number(gtol, "gtol")
        self._stream = stream
        self._interval = checked_number(interval, "interval")
        self._progress = Progress(1e-8 if self._own_gtol is None else self._own_gtol)
        self._drawn, self._drawn_at = 0, -math.inf

    def begin(self, gtol: float, max_time: float = math.inf, solves: int = 1) -> None:
        """Take note that a solve begins.

        Parameters
        ----------
        gtol : float
            Its tolerance, unless the bar was given one.
        max_time : float, default inf
            Its limit on seconds.
        solves : int, default 1
            How many solves there will be, such as starts or ridges.
        """
        self._progress = Progress(gtol if self._own_gtol is None else self._own_gtol, max_time, solves)
        self._drawn_at = -math.inf
        begin = getattr(self._callback, "begin", None)
        if begin is not None:
            begin(gtol, max_time, solves)

    def end(self) -> None:
        """Wipe the line off."""
        self._write("")
        end = getattr(self._callback, "end", None)
        if end is not None:
            end()

    def __call__(self, record: IterationRecord) -> None:
        """Draw the bar, and call the other callback."""
        self._progress.take(record)
        now = time.monotonic()
        if now - self._drawn_at >= self._interval:
            self._drawn_at = now
            self._write(self._progress.line(self._columns - 1, self._label))
        if self._callback is not None:
            self._callback(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def _terminal(self) -> TextIO | None:
        """The stream, if it is a terminal on which a line can be drawn over."""
        stream = sys.stderr if self._stream is None else self._stream
        try:
            is_terminal = stream is not None and stream.isatty()
        except (AttributeError, ValueError):  # it is no file, or has been closed
            return None
        return stream if is_terminal and os.environ.get("TERM") != "dumb" else None

    @property
    def _columns(self) -> int:
        given = os.environ.get("COLUMNS", "")
        if given.isdecimal() and int(given) > 1:
            return int(given)
        stream = self._terminal
        try:
            return (os.get_terminal_size(stream.fileno()).columns if stream else 0) or _WIDTH
        except (OSError, ValueError):
            return _WIDTH

    def _write(self, line: str) -> None:
        """Draw a line over the last one; an empty one leaves nothing."""
        stream = self._terminal
        if stream is None or not (line or self._drawn):
            return
        encoding = getattr(stream, "encoding", None) or "ascii"
        line = line.encode(encoding, "replace").decode(encoding)
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone, which is no reason to stop
            stream.write("\r" + line + " " * (self._drawn - len(line)) + ("" if line else "\r"))
            stream.flush()
        self._drawn = len(line)
