"""The measuring itself: problem by problem, seed by seed, so that an interruption loses little."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from newtonkit.datasets import PLANTED_KINDS, make_planted
from newtonkit.datasets.planted_checks import checked_settings
from newtonkit.design import FloatArray
from newtonkit.prediction.figures import Cell, Prediction, Promise, Row
from newtonkit.prediction.minimum import SINGULAR, Minimum, minimum_of
from newtonkit.prediction.plan import Plan
from newtonkit.prediction.region import Certified, Certify, Start, certified_start
from newtonkit.prediction.solves import near_solve, whole_solve
from newtonkit.prediction.spectra import PromisedSamples, SampleError, SolverSamples
from newtonkit.problems import Problem

_STREAM = 11  # of random directions: not that of the data
Tell = Callable[[float, str], object]


def measured(plan: Plan, *, certify: Certify | None = None, tell: Tell | None = None) -> Prediction:
    """Measure step counts, contractions and spectral errors beside what the theory says of them.

    Each problem is solved to its end for x*, then from x = 0 by every method, then from starts
    at which a certificate holds, one for each seed.

    Parameters
    ----------
    plan : Plan
        What to measure.
    certify : callable, optional
        Takes a problem and a point and returns a certificate; :func:`newtonkit.certify` by default.
    tell : callable, optional
        Called as ``tell(share, what)`` with the share that is done and what is done next.

    Returns
    -------
    Prediction
        All figures; after Ctrl-C those that there are, marked as interrupted.

    Raises
    ------
    ValueError
        If no problem of these sizes can be made.

    Examples
    --------
    >>> from newtonkit.prediction import Plan
    >>> from newtonkit.prediction.measuring import measured
    >>> plan = Plan(kinds=("exp",), conditions=(1.0,), methods=("exact",), rows=200, columns=3, seeds=1)
    >>> (cell,) = measured(plan).cells
    >>> cell.name, cell.exceeded, cell.worst < 0.4
    ('exact', [], True)
    """
    check(plan)
    began, rows, interrupted = time.monotonic(), list[Row](), False
    problems = list(product(plan.kinds, plan.conditions))
    tell = tell or (lambda share, what: None)
    try:
        for k, (kind, condition) in enumerate(problems):
            within = _within(tell, k, len(problems), f"{kind}, condition {condition:g}: ")
            for row in _growing(plan, kind, condition, certify or _certified, within):
                rows[k:] = [row]
    except KeyboardInterrupt:
        interrupted = True
    return Prediction(plan, tuple(rows), time.monotonic() - began, interrupted)


def check(plan: Plan) -> None:
    """Refuse, before any work is done, sizes of which no problem can be made; see :func:`measured`."""
    for kind, condition in product(plan.kinds, plan.conditions):
        checked_settings(
            PLANTED_KINDS, kind, plan.rows, plan.columns, condition, 0.0, 1.0, plan.noise, 1, 3.0, "float64"
        )


def _certified(problem: Problem, x: FloatArray) -> Certified:
    import newtonkit  # noqa: PLC0415  (its names are resolved when they are used)

    certificate: Certified = newtonkit.certify(problem, x)
    return certificate


def _within(tell: Tell, k: int, of: int, prefix: str) -> Tell:
    """Return what tells of the k-th of some parts as `tell` does of the whole."""
    return lambda share, what: tell((k + share) / of, prefix + what)


def _growing(plan: Plan, kind: Any, condition: float, certify: Certify, tell: Tell) -> Iterator[Row]:
    """Yield the figures of a problem as they become more."""
    planted = make_planted(
        kind, plan.rows, plan.columns, condition=condition, noise=plan.noise, rng=plan.seed
    )
    problem, row = planted.problem, Row(kind, condition)
    yield row
    tell(0.0, "the minimum")
    try:
        minimum = minimum_of(problem)
        bench = _Bench(plan, problem, minimum, certify)
    except ValueError as error:
        # What LAPACK says of a singular matrix is of no use to anybody here.
        yield replace(row, note=SINGULAR if isinstance(error, np.linalg.LinAlgError) else str(error))
        return
    begins_there = minimum.distance(np.zeros_like(minimum.x)) <= minimum.floor
    row, start, uncertified = replace(row, floor=minimum.floor, begins_at_minimum=begins_there), None, 0
    cells: list[Cell] = []
    for k in range(plan.seeds):
        tell((k + 1) / (plan.seeds + 1), f"seed {k + 1} of {plan.seeds}")
        # What was near enough in one direction is a good guess in another.
        start = bench.start(plan.seed + k, start)
        uncertified += start is None
        if k == 0:
            for method, epsilon in plan.ways():
                tell(1.0 / (plan.seeds + 1), f"{method} from x = 0")
                cells.append(bench.first(method, epsilon, start))
                yield replace(row, cells=tuple(cells))
        cells = [bench.more(cell, start, plan.seed + k) for cell in cells]
        yield replace(row, cells=tuple(cells), seeds=k + 1, uncertified=uncertified)


class _Bench:
    """What all seeds of a problem have in common.

    Parameters
    ----------
    plan : Plan
        What to measure.
    problem : Problem
        The problem.
    minimum : Minimum
        Its minimum.
    certify : callable
        Makes the certificate of a point.
    """

    def __init__(self, plan: Plan, problem: Problem, minimum: Minimum, certify: Certify) -> None:
        self._plan = plan
        self._problem = problem
        self._minimum = minimum
        self._certify = certify
        is_sampled = "sampled" in plan.methods
        self._samples = SolverSamples(problem, minimum.x) if is_sampled else None
        self._promised = PromisedSamples(problem, minimum.x) if is_sampled else None

    def start(self, seed: int, before: Start | None) -> Start | None:
        """Return a start in the region, about as far from the minimum as one before."""
        generator = np.random.default_rng((seed, _STREAM))
        reach = before.reach if before else None
        return certified_start(self._problem, self._minimum, self._certify, generator, reach)

    def first(self, method: str, epsilon: float | None, start: Start | None) -> Cell:
        """Return a cell with a solve from x = 0 alone; a start tells about where the region begins."""
        reach = start.reach if start else 0.0
        whole = whole_solve(
            self._problem, self._minimum, self._certify, reach, method, epsilon, self._plan.seed
        )
        return Cell(method, epsilon, whole)

    def more(self, cell: Cell, start: Start | None, seed: int) -> Cell:
        """Return a cell with the figures of one more seed."""
        if start is not None:
            solve = near_solve(self._problem, self._minimum, start, cell.method, cell.epsilon, seed)
            cell = replace(cell, solves=(*cell.solves, solve))
        if cell.epsilon is None or self._samples is None or self._promised is None:
            return cell
        drawn = self._samples.error(cell.epsilon, seed)
        kept = self._promised.error(cell.epsilon, self._plan.delta, seed)
        before = cell.promise or Promise(cell.epsilon, self._plan.delta, (), 0.0)
        share = _mean(cell.share, len(cell.errors), drawn)
        promise = replace(
            before,
            errors=(*before.errors, kept.error),
            share=_mean(before.share, len(before.errors), kept),
        )
        return replace(cell, errors=(*cell.errors, drawn.error), share=share, promise=promise)


def _mean(mean: float, count: int, more: SampleError) -> float:
    """Return a mean over samples with one more taken in."""
    return (mean * count + more.share) / (count + 1)
