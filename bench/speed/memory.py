"""Rows: the peak of anonymous memory during a solve beyond the data, in a process of its own."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.speed.figures import Bound, Figure, Setting, attempted

ROWS = {
    "memory": "Peak memory beyond the data, dense: MB",
    "wide-memory": "Peak memory beyond the data, wide sparse: share of the data",
}
SHAPE, WIDE_SHAPE, DENSITY = (50_000, 1000), (20_000, 50_000), 0.005
_SHARE = Bound(0.5, None, at_least=False, unit="share")
_LEAST_WIDE = (64, 160)
_EVERY = 1e-3
_PATIENCE = 4.0
_MB = 1e6
_ROOT = Path(__file__).resolve().parent.parent.parent


def allowed(d: int) -> Bound:
    """Return 64 MB and 10 d^2 doubles, in MB; half of it is hoped for."""
    asked = 64.0 + 80.0 * d * d / _MB
    return Bound(asked, 0.5 * asked, at_least=False, unit="MB")


def anonymous_bytes(pid: int) -> int:
    """Return how much anonymous memory a process has now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return 1024 * int(line.split()[1])
    raise RuntimeError("/proc does not tell how much anonymous memory a process has")


def watched(kind: str, n: int, d: int, per_row: int, setting: Setting) -> dict[str, Any]:
    """Run one solve in a process of its own, and read its memory every millisecond meanwhile.

    It is ended if it takes more than four times the cap, which leaves time for a verdict.

    Read from outside: a thread in the process itself would have to wait where the solver
    holds Python's lock.
    """
    numbers = (n, d, per_row, setting.threads)
    command = [sys.executable, "-m", "bench.speed.memory_probe", kind, *map(str, numbers)]
    limit = _PATIENCE * setting.cap
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise RuntimeError("the process that was to be measured did not start")
        found: dict[str, Any] = json.loads(first)
        before = peak = anonymous_bytes(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        began = time.perf_counter()
        while not select.select([process.stdout], [], [], _EVERY)[0]:
            peak = max(peak, anonymous_bytes(process.pid))
            if time.perf_counter() - began > limit:
                process.kill()
                raise RuntimeError(f"more than {limit:.3g} s; {(peak - before) / _MB:.3g} MB until then")
        answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"the solve ended its process, with code {process.returncode}")
    return found | json.loads(answer) | {"before": before, "beyond": peak - before}


def dense(kind: str, n: int, d: int, setting: Setting) -> Figure:
    """Measure a dense solve."""
    found = watched(kind, n, d, 0, setting)
    return _figure(f"{kind} {n} x {d}", allowed(d), found, found["beyond"] / _MB)


def wide(kind: str, n: int, d: int, setting: Setting) -> Figure:
    """Measure a solve on wide sparse data with a ridge."""
    found = watched(kind, n, d, max(1, round(DENSITY * d)), setting)
    return _figure(f"{kind} {n} x {d}, CSR", _SHARE, found, found["beyond"] / found["data_bytes"])


def _figure(name: str, bound: Bound, found: dict[str, Any], value: float) -> Figure:
    if "error" in found:
        return Figure(name, bound, note=found["error"], details=found)
    note = f"{found['beyond'] / _MB:.3g} MB beside {found['data_bytes'] / _MB:.3g} MB of data; "
    note += f"{found['method']}, {found['iterations']} iterations, {found['seconds']:.3g} s"
    if not found["success"]:
        return Figure(name, bound, note=f"{note}; no success: {found['message']}", details=found)
    return Figure(name, bound, value, note=note, details=found)


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure the rows wanted, once each: memory varies little."""
    if "memory" in wanted:
        n, d = setting.shape(*SHAPE)
        for kind in setting.kinds:
            yield "memory", attempted(f"{kind} {n} x {d}", allowed(d), partial(dense, kind, n, d, setting))
    if "wide-memory" in wanted:
        # Wide at any scale: columns shrink as rows do.
        n, d = (
            max(least, round(size * setting.scale))
            for size, least in zip(WIDE_SHAPE, _LEAST_WIDE, strict=True)
        )
        for kind in setting.kinds:
            yield (
                "wide-memory",
                attempted(f"{kind} {n} x {d}, CSR", _SHARE, partial(wide, kind, n, d, setting)),
            )
