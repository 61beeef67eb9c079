"""What a measurement was taken on, and how repeated timings are summed up."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import newtonkit


def machine() -> dict[str, str | int]:
    """Return processor, cores, system and date."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "system": platform.system(),
        "date": datetime.date.today().isoformat(),
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, of newtonkit and of each package."""
    ours = {"python": platform.python_version(), "newtonkit": newtonkit.__version__}
    return ours | {name: metadata.version(name) for name in packages}


def installed_versions(*packages: str) -> dict[str, str]:
    """Return the same where some may not be installed."""
    found = versions()
    for name in packages:
        try:
            found |= {name: metadata.version(name)}
        except metadata.PackageNotFoundError:
            found |= {name: "not installed"}
    return found


def header(machine: dict[str, str | int], versions: dict[str, str]) -> str:
    """Return both in two lines."""
    described = f"{machine['date']}, {machine['cores']} cores, {machine['processor']}, {machine['system']}"
    return described + "\n" + ", ".join(f"{name} {version}" for name, version in versions.items())


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles of some timings."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[round(0.25 * last)], ordered[round(0.75 * last)]


def _processor() -> str:
    """Return the name of the processor, with family and model where the name does not tell the kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {}
    for line in lines:
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    name = found.get("model name", platform.machine())
    family, model = found.get("cpu family"), found.get("model")
    return f"{name} (family {family}, model {model})" if family and model else name
