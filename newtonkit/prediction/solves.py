"""Solves that are watched on their way to a minimum that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.metric import size_of
from newtonkit.minimizer import minimize
from newtonkit.prediction.figures import (
    NO_CONTRACTION,
    UNATTAINABLE,
    Count,
    NearSolve,
    WholeSolve,
    papers_promise,
)
from newtonkit.prediction.minimum import Minimum
from newtonkit.prediction.region import Certified, Certify, Start, entered
from newtonkit.problems import Problem
from newtonkit.results import IterationRecord, Status

ACCURACIES = (1e-2, 1e-4, 1e-6, 1e-8)
"""What is counted to, relative to the distance of the start."""
_GTOL = 1e-15
_MOST_ITERATIONS = 200


class Way:
    """A callback that keeps the iterates until they are as near to the minimum as can be told.

    Parameters
    ----------
    minimum : Minimum
        The minimum.
    goal : float, default inf
        Go on until the Euclidean distance is no more than that, too.

    Attributes
    ----------
    points : list of ndarray
        The iterates, each once: a point that is judged or computed anew is no step.
    distances, euclidean : list of float
        ||x - x*|| for each, in the H(x*) norm and Euclidean.
    opened : int
        Which of them the opening of "sketched" has led to; 0 if none.
    """

    def __init__(self, minimum: Minimum, goal: float = np.inf) -> None:
        self._minimum = minimum
        self._goal = goal
        self.points: list[FloatArray] = []
        self.distances: list[float] = []
        self.euclidean: list[float] = []
        self.opened = 0

    def __call__(self, record: IterationRecord) -> None:
        """Take an iterate in, and end the solve at the minimum."""
        assert record.x is not None
        if record.iteration == 0:  # an opening leaves the start before there is a model of it
            self.opened = int(record.phase_passes.get("opening", 0) > 0 and record.rows_sampled == 0)
        if not (self.points and np.array_equal(self.points[-1], record.x)):
            self.points.append(record.x)
            self.distances.append(self._minimum.distance(record.x))
            self.euclidean.append(size_of(record.x - self._minimum.x))
        if self.distances[-1] <= self._minimum.floor and self.euclidean[-1] <= self._goal:
            raise StopIteration


def contractions(distances: Sequence[float], floor: float) -> tuple[float, ...]:
    """Return by what each step multiplies the distance, as long as it begins and ends above the floor.

    A first step that ends below counts as one to the floor; later ones tell nothing.

    Parameters
    ----------
    distances : sequence of float
        Distances of the iterates.
    floor : float
        Below this they are rounding.

    Examples
    --------
    >>> from newtonkit.prediction.solves import contractions
    >>> contractions([8.0, 2.0, 1.0, 1e-20, 3e-20], floor=1e-16)
    (0.25, 0.5)
    """
    above = [k for k, distance in enumerate(distances[:-1]) if distance > floor]
    return tuple(
        max(distances[k + 1], floor) / distances[k] for k in above if distances[k + 1] > floor or k == 0
    )


def near_solve(
    problem: Problem, minimum: Minimum, start: Start, method: Any, epsilon: float | None, seed: int
) -> NearSolve:
    """Solve from a certified start, and count steps beside what its certificate predicts."""
    first = size_of(start.x - minimum.x)
    shares = [share for share in ACCURACIES if share * first >= minimum.euclidean_floor]
    way = Way(minimum, min(shares, default=np.inf) * first)
    status = _solved(problem, start.x, method, epsilon, seed, way)
    counts = tuple(_count(share, share * first, start.certificate, method, epsilon, way) for share in shares)
    factors = contractions(way.distances[way.opened :], minimum.floor)
    return NearSolve(seed, first, counts, factors, status)


def _count(
    share: float, goal: float, certificate: Certified, method: Any, epsilon: float | None, way: Way
) -> Count:
    """Return the steps to a Euclidean distance, beside those that are predicted."""
    predicted = certificate.steps(goal, method, **({} if epsilon is None else {"epsilon": epsilon}))
    reason = UNATTAINABLE if goal < certificate.attainable else NO_CONTRACTION
    return Count(
        share,
        predicted,
        certificate.paper_steps(goal) if papers_promise(epsilon) else None,
        next((k for k, distance in enumerate(way.euclidean) if distance <= goal), None),
        reason if predicted is None else "",
    )


def whole_solve(
    problem: Problem,
    minimum: Minimum,
    certify: Certify,
    reach: float,
    method: Any,
    epsilon: float | None,
    seed: int,
) -> WholeSolve:
    """Solve from x = 0, and tell when the region is entered: about where the distance falls to `reach`."""
    way = Way(minimum)
    status = _solved(problem, None, method, epsilon, seed, way)
    steps = len(way.points) - 1
    guess = next((k for k, distance in enumerate(way.distances) if distance <= reach), steps)
    before = entered(problem, way.points, guess, certify)
    return WholeSolve(before, 0 if before is None else steps - before, status)


def _solved(
    problem: Problem, x0: FloatArray | None, method: Any, epsilon: float | None, seed: int, way: Way
) -> str | None:
    """Solve, and tell how it ended if it did of itself."""
    result = minimize(
        problem,
        x0,
        method=method,
        epsilon=epsilon,
        gtol=_GTOL,
        max_iter=_MOST_ITERATIONS,
        rng=seed,
        callback=way,
    )
    status: Status = result.status
    if status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    return None if status is Status.STOPPED_BY_CALLBACK else status.name
