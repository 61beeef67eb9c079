"""What a solve may cost, and what it has cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """When to give up.

    Attributes
    ----------
    max_iter : int
        Iterations.
    deadline : float
        Value of ``time.perf_counter()``; infinite for none.
    """

    max_iter: int
    deadline: float

    def out_of_time(self) -> bool:
        """Whether the deadline has passed."""
        return time.perf_counter() >= self.deadline


@dataclass
class Meter:
    """What a solve has cost so far: counts, sweeps over the data, seconds by kind of work."""

    started: float = field(default_factory=time.perf_counter)
    values: int = 0
    gradients: int = 0
    hessians: int = 0
    phases: dict[str, float] = field(default_factory=dict)
    sweeps: dict[str, int] = field(default_factory=dict)

    @property
    def passes(self) -> int:
        """Sweeps over the data so far."""
        return sum(self.sweeps.values())

    def reading(self) -> dict[str, Any]:
        """Return what has been spent so far, by the names that records have for it."""
        return {
            "passes": self.passes,
            "seconds": self.seconds,
            "phases": dict(self.phases),
            "phase_passes": dict(self.sweeps),
        }

    def charge(self, name: str, passes: int) -> None:
        """Charge sweeps over the data to a kind of work."""
        self.sweeps[name] = self.sweeps.get(name, 0) + passes

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge the time inside to `name`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.perf_counter() - begun

    @property
    def seconds(self) -> float:
        """Wall time since the meter was made."""
        return time.perf_counter() - self.started
