"""Is the machine quiet, how long do things take, and does a straight line tell it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import FloatArray

_QUIET = 0.1


def cores_in_use(seconds: float = 1.0) -> float:
    """Return how many cores other programs keep busy while this one sleeps; NaN where it cannot be told."""
    try:
        before = _busy_seconds()
        began = time.perf_counter()
        time.sleep(seconds)
        return max(0.0, (_busy_seconds() - before) / (time.perf_counter() - began))
    except (OSError, ValueError):
        return float("nan")


def _busy_seconds() -> float:
    """Return the processor time that all programs together have used since the system was started."""
    user, nice, system, _idle, _waiting, irq, soft, *_ = (
        int(ticks) for ticks in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def free_bytes() -> int:
    """Return how much memory can be had."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("/proc/meminfo does not tell how much memory is available")


def warning(in_use: float) -> str:
    """Return a warning for the head of a table if the machine is not quiet; empty if it is."""
    if not in_use > _QUIET:
        return ""
    return f"WARNING: other programs keep {in_use:.1f} cores busy: do not trust timings\n"


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "processor": time.process_time}
"""What time can be measured by; processor time is that of all threads together."""
_clock = [CLOCKS["wall"]]


def use_clock(name: str) -> None:
    """Measure wall time from here on, or processor time, which a busy machine disturbs less."""
    _clock[0] = CLOCKS[name]


def timed(task: Callable[[], Any]) -> float:
    """Return the seconds that a task takes."""
    began = _clock[0]()
    task()
    return _clock[0]() - began


@dataclass
class Stopwatch:
    """Time spent in functions that are watched, less that in watched functions which they call.

    Attributes
    ----------
    seconds : dict of str to float
        By phase; "rest" is what is spent in no watched function.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    _stack: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def watching(self, places: Sequence[tuple[Any, str, str]]) -> Iterator[Stopwatch]:
        """Watch functions, given as (owner, attribute, phase), and what is done meanwhile."""
        patches = [
            patch.object(owner, name, self._watched(getattr(owner, name), phase))
            for owner, name, phase in places
        ]
        for one in patches:
            one.start()
        try:
            self._enter("rest")
            yield self
        finally:
            self._leave()
            for one in reversed(patches):
                one.stop()

    def _watched(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self._enter(phase)
            try:
                return function(*arguments, **named)
            finally:
                self._leave()

        return run

    def _enter(self, phase: str) -> None:
        self._charge()
        self._stack.append(phase)

    def _leave(self) -> None:
        self._charge()
        self._stack.pop()

    def _charge(self) -> None:
        now = _clock[0]()
        if self._stack:
            self.seconds[self._stack[-1]] = self.seconds.get(self._stack[-1], 0.0) + now - self._since
        self._since = now


@dataclass(frozen=True)
class Line:
    """seconds = intercept + slope * size.

    Attributes
    ----------
    intercept, slope : float
        Coefficients.
    deviations : ndarray
        (line - measured) / measured at every size.
    """

    intercept: float
    slope: float
    deviations: NDArray[np.float64]

    @property
    def worst(self) -> float:
        """The largest relative deviation."""
        return float(np.abs(self.deviations).max())


def fitted_line(sizes: Sequence[float], seconds: Sequence[float]) -> Line:
    """Return the line with the least squares of relative deviations."""
    measured: FloatArray = np.asarray(seconds, dtype=np.float64)
    scale = float(max(sizes))  # columns of like size: else lstsq drops one
    columns = np.column_stack((np.ones(len(sizes)), np.asarray(sizes) / scale)) / measured[:, None]
    lengths = np.linalg.norm(columns, axis=0)
    found = np.linalg.lstsq(columns / lengths, np.ones(len(sizes)), rcond=None)[0] / lengths
    return Line(float(found[0]), float(found[1]) / scale, columns @ found - 1.0)
