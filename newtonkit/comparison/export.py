"""A comparison as plain values for JSON, and as comma-separated values."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newtonkit.comparison.report import MethodReport
    from newtonkit.comparison.result import Comparison

_OF_THE_COMPARISON = ("problem", "n", "d", "start", "gtol", "start_value", "best_value")
_OF_THE_REPORT = (
    "name",
    "outcome",
    "iterations",
    "nfev",
    "njev",
    "nhev",
    "nhessp",
    "factorisations",
    "seconds",
    "repeats",
    "passes",
    "value",
    "gap",
    "relative_gradient",
    "smallest_eigenvalue",
    "smallest_curvature",
    "claimed_success",
    "said",
)
_RANGES = ("seconds", "iterations")


def plain_fields(record: Any) -> dict[str, Any]:
    """Return the fields of a frozen record that count in comparisons, as JSON has them."""
    return {f.name: plain(getattr(record, f.name)) for f in fields(record) if f.compare}


def plain(value: Any) -> Any:
    """Return a value made of what JSON has; NaN and infinities become None."""
    if is_dataclass(value):
        return plain_fields(value)
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    if isinstance(value, bool | str | None):
        return value
    if hasattr(value, "__index__"):
        return int(value)
    return float(value) if math.isfinite(value) else None


def as_csv(comparison: Comparison, *, header: bool = True) -> str:
    """Return a line for each method, and a line of names above them."""
    lines = [dict(_cells(comparison, report)) for report in comparison.reports]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\r\n")
    if header:
        writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _cells(comparison: Comparison, report: MethodReport) -> Iterator[tuple[str, Any]]:
    for name in _OF_THE_COMPARISON:
        yield name, plain(getattr(comparison, name))
    for name in _OF_THE_REPORT:
        yield {"name": "method"}.get(name, name), plain(getattr(report, name))
    for milestone in report.milestones:
        share = f"{milestone.gap:.0e}".replace("e-0", "e-")
        yield f"iterations_to_{share}", milestone.iterations
        yield f"seconds_to_{share}", plain(milestone.seconds)
    yield "seeds", max(1, len(report.seeds))
    for name in _RANGES:
        low, high = getattr(report, f"{name}_range") or (None, None)
        yield f"{name}_min", low
        yield f"{name}_max", high
