"""What is to be measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KINDS = ("exp", "rescaled-exp", "softmax", "resnet-softmax", "entropy-softmax", "cross-entropy")
METHODS = ("exact", "sketched", "sampled")


@dataclass(frozen=True)
class Plan:
    """Problems, methods, and how often each is tried.

    Attributes
    ----------
    kinds : tuple of str
        The regressions, as :func:`newtonkit.datasets.make_planted` calls them.
    conditions : tuple of float
        Condition numbers of the design.
    methods : tuple of str
        Among "exact", "sketched" and "sampled".
    epsilons : tuple of float
        The spectral errors that samples are asked for.
    rows, columns : int
        n and d.
    noise : float
        Relative standard deviation of the target.
    seeds : int
        Starts near the minimum of each problem, solves from each by every method, and samples
        drawn for each epsilon.
    seed : int
        Of the data, and the first of the others.
    delta : float
        The share of the samples of :func:`newtonkit.sketching.sparsify` that may break its promise.
    """

    kinds: tuple[str, ...] = KINDS
    conditions: tuple[float, ...] = (1.0, 1e2, 1e4)
    methods: tuple[str, ...] = METHODS
    epsilons: tuple[float, ...] = (0.05, 0.1, 0.3)
    rows: int = 9_000
    columns: int = 4
    noise: float = 0.1
    seeds: int = 3
    seed: int = 0
    delta: float = 0.01

    def ways(self) -> Iterator[tuple[str, float | None]]:
        """Yield the methods, "sampled" with each epsilon and the others with None."""
        for method in self.methods:
            yield from ((method, epsilon) for epsilon in (self.epsilons if method == "sampled" else (None,)))
