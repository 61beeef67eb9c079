"""Points that a certificate places in the region where the theory promises its contraction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.prediction.minimum import Minimum
from newtonkit.problems import Problem

_FIRST_CHANGE = 0.5
_NEARER = 1.0 / 3.0
_MOST_TRIES = 16


class Certified(Protocol):
    """What is needed of a certificate here; see :class:`newtonkit.certificates.Certificate`."""

    @property
    def in_contraction_region(self) -> bool:
        """Whether Newton steps from the point are proven to contract as promised."""
        ...

    @property
    def attainable(self) -> float:
        """How near to the minimiser, Euclidean, float64 is sure to come."""
        ...

    def steps(self, eps: float, method: Any = ..., *, epsilon: float = ...) -> int | None:
        """Return how many steps suffice to come within `eps` of the minimiser, Euclidean."""
        ...

    def paper_steps(self, eps: float) -> int | None:
        """Return the papers' T for the same."""
        ...


Certify = Callable[[Problem, FloatArray], Certified]


@dataclass(frozen=True, eq=False)
class Start:
    """A start in the region.

    Attributes
    ----------
    x : ndarray, shape (d,)
        The point.
    certificate : Certified
        What proves it.
    reach : float
        ||x - x*|| in the H(x*) norm.
    """

    x: FloatArray
    certificate: Certified
    reach: float


def certified_start(
    problem: Problem,
    minimum: Minimum,
    certify: Certify,
    generator: np.random.Generator,
    reach: float | None = None,
) -> Start | None:
    """Return a point in a random direction from the minimum, as far out as is found to be in the region.

    Tried are a given distance and thirds of it, again and again.

    Parameters
    ----------
    problem : Problem
        The problem.
    minimum : Minimum
        Its minimum.
    certify : callable
        Makes the certificate of a point.
    generator : Generator
        Where the direction comes from.
    reach : float, optional
        Where to begin, in the H(x*) norm; by default where u changes by 0.5 in some row.

    Returns
    -------
    Start or None
        None if all tries fail, or the next lies below rounding.
    """
    direction = minimum.direction(generator)
    if reach is None:
        reach = _FIRST_CHANGE / float(np.abs(problem.design.product(direction)).max())
    for _ in range(_MOST_TRIES):
        if not reach > minimum.floor:
            break
        x = minimum.x + reach * direction
        certificate = certify(problem, x)
        if certificate.in_contraction_region:
            return Start(x, certificate, reach)
        reach *= _NEARER
    return None


def entered(problem: Problem, points: Sequence[FloatArray], guess: int, certify: Certify) -> int | None:
    """Return the first of some iterates that is certified to be in the region, None if there is none.

    Where one is inside, so are all after it, as steps inside contract.

    Parameters
    ----------
    problem : Problem
        The problem.
    points : sequence of ndarray
        The iterates.
    guess : int
        Which of them it may be.
    certify : callable
        Makes the certificate of a point.
    """

    def inside(k: int) -> bool:
        return certify(problem, points[k]).in_contraction_region

    if not inside(guess):
        return next((k for k in range(guess + 1, len(points)) if inside(k)), None)
    first = guess
    while first > 0 and inside(first - 1):
        first -= 1
    return first
