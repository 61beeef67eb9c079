"""What the table holds: a measured figure beside what is asked and what is hoped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

KINDS = ("exp", "softmax")


@dataclass(frozen=True)
class Bound:
    """What a figure is to be.

    Attributes
    ----------
    asked : float
        What it has to reach.
    hoped : float or None
        What would be better still, if anything.
    at_least : bool
        Whether it has to be that much or more; otherwise, that much or less.
    unit : str
        "times", "passes" and the like.
    """

    asked: float
    hoped: float | None
    at_least: bool
    unit: str

    def met_by(self, value: float, wanted: float | None) -> bool:
        """Tell whether a value is as good as wanted."""
        if wanted is None:
            return False
        return value >= wanted if self.at_least else value <= wanted


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes
    ----------
    data : str
        On what it was measured.
    bound : Bound
        What it is to be.
    value : float or None
        The median; None where nothing could be measured, and then `note` tells why.
    quartiles : tuple of float, or None
        Of the same; None where there was one round.
    is_open : bool
        Whether `value` is all that is known for certain, because a peer was cut off: the true
        figure is higher.
    note : str
        What was compared with what, and anything out of the ordinary.
    details : dict
        Everything else that was measured, for the JSON.
    """

    data: str
    bound: Bound
    value: float | None = None
    quartiles: tuple[float, float] | None = None
    is_open: bool = False
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Return "hoped", "yes", "NO", "open" (cut off too early to tell) or "-" (not measured)."""
        if self.value is None or not math.isfinite(self.value):
            return "-"
        if self.bound.met_by(self.value, self.bound.hoped):
            return "hoped"
        if self.bound.met_by(self.value, self.bound.asked):
            return "yes"
        return "open" if self.is_open else "NO"


@dataclass(frozen=True)
class Setting:
    """How the table is to be measured.

    Attributes
    ----------
    scale : float
        Rows are multiplied by it, and columns by its root.
    rounds : int
        Interleaved rounds, after one that is not counted.
    threads : int
        For all.
    slack, cap : float
        A method of SciPy may take `slack` times the best so far, and `cap` seconds at most.
    kinds : tuple of str
        Which of the planted regressions.
    """

    scale: float = 1.0
    rounds: int = 5
    threads: int = 2
    slack: float = 1.5
    cap: float = 120.0
    kinds: tuple[str, ...] = KINDS

    def shape(self, n: int, d: int) -> tuple[int, int]:
        """Return rows and columns at that scale."""
        return max(64, round(n * self.scale)), max(8, round(d * math.sqrt(self.scale)))


class PeerMissing(Exception):
    """A peer is not installed."""


def require(*packages: str) -> None:
    """Raise PeerMissing if one of the packages is not installed."""
    for name in packages:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            raise PeerMissing(f"peer not installed: {name} (pip install -e '.[peers]')") from None


def attempted(data: str, bound: Bound, measure: Callable[[], Figure]) -> Figure:
    """Return what is measured; a figure that says why, if it cannot be."""
    try:
        return measure()
    except PeerMissing as missing:
        return Figure(data, bound, note=str(missing))
    except Exception as error:  # whatever goes wrong is a finding, and the other rows are still to come
        return Figure(data, bound, note=f"{type(error).__name__}: {error}")
