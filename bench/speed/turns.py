"""Timings taken in turns, and what they come to."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.machine import spread
from bench.timing import timed
from newtonkit.design import FloatArray, as_design

_SETTLE = 0.06
_PASSES = 5

Measured = dict[str, list[float]]


def in_turns(tasks: Mapping[str, Callable[[], float]], rounds: int, uncounted: int = 1) -> Measured:
    """Run tasks that return seconds in turns, each round the other way round.

    Parameters
    ----------
    tasks : mapping of str to callable
        They tell by themselves how long they took.
    rounds : int
        Rounds that count.
    uncounted : int, default 1
        Rounds before them, to warm up.

    Returns
    -------
    dict of str to list of float
        The seconds of each, round by round.
    """
    seconds: Measured = {name: [] for name in tasks}
    for k in range(-uncounted, rounds):
        for name in tasks if k % 2 == 0 else reversed(list(tasks)):
            time.sleep(_SETTLE)  # BLAS workers spin for a while after a product
            taken = tasks[name]()
            if k >= 0:
                seconds[name].append(taken)
    return seconds


def timing(task: Callable[[], Any]) -> Callable[[], float]:
    """Return a task that tells how long `task` took."""
    return lambda: timed(task)


def repeated(task: Callable[[], Any]) -> Callable[[], float]:
    """Return a task that tells how long `task` takes: the median of a few calls, as for a pass."""
    return lambda: statistics.median(timed(task) for _ in range(_PASSES))


def ratio(over: Sequence[float], under: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Return the median of the ratios within the rounds, and their quartiles."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return statistics.median(ratios), spread(ratios)


def medians(seconds: Measured) -> dict[str, float]:
    """Return the median of each."""
    return {name: statistics.median(values) for name, values in seconds.items()}


def one_pass(A: Any) -> Callable[[], float]:
    """Return a task that gives the time of one pass: the median of a few ``A @ x``.

    By NumPy for an array; by the faster of SciPy and the library for a CSR matrix, because
    SciPy uses one thread.
    """
    x: FloatArray = np.random.default_rng(0).standard_normal(A.shape[1])
    products: list[Callable[[], Any]] = [lambda: A @ x]
    if isinstance(A, np.ndarray):
        x = x.astype(A.dtype)  # else NumPy would widen all of A first
    else:
        design = as_design(A)
        products.append(lambda: design.product(x))

    def task() -> float:
        return min(statistics.median(timed(product) for _ in range(_PASSES)) for product in products)

    return task
