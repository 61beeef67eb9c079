"""What is measured of each problem, method and epsilon."""

from __future__ import annotations

import math
from dataclasses import dataclass

from newtonkit.certificates.contraction import GOOD, PROMISED
from newtonkit.prediction.plan import Plan

UNATTAINABLE = "the goal is below what float64 is sure to attain"
NO_CONTRACTION = "steps need not contract at that epsilon"
"""Why a certificate predicts no number of steps."""


def papers_promise(epsilon: float | None) -> bool:
    """Tell whether the papers promise anything of steps with Hessians of that spectral error.

    Parameters
    ----------
    epsilon : float or None
        The error; None for methods that keep to the papers' 0.1 of themselves.
    """
    return epsilon is None or epsilon <= GOOD


@dataclass(frozen=True)
class Count:
    """Steps to a distance from the minimum.

    Attributes
    ----------
    to : float
        The Euclidean distance, as a share of that of the start.
    predicted : int or None
        The most that the certificate of the start allows for; None if it does not promise any number.
    papers : int or None
        The papers' T = ceil(log(r0 / eps) / log 2.5) for the same, in the H(x*) norm; None for samples of
        an error beyond 0.1, of which they promise nothing.
    observed : int or None
        Steps that the solver took; None if it ended further away.
    reason : str
        Why nothing is predicted; empty if something is.
    """

    to: float
    predicted: int | None
    papers: int | None
    observed: int | None
    reason: str = ""

    @property
    def margin(self) -> float:
        """Predicted less observed steps; inf where nothing is predicted."""
        if self.predicted is None:
            return math.inf
        return self.predicted - (math.inf if self.observed is None else self.observed)


def _fineness(count: Count) -> tuple[bool, float]:
    return count.predicted is not None, -count.to


def _room(count: Count) -> tuple[float, float]:
    return count.margin, -math.inf if count.observed is None else -count.observed


@dataclass(frozen=True)
class NearSolve:
    """A solve from a certified start near the minimum.

    Attributes
    ----------
    seed : int
        Of the start and of the samples.
    distance : float
        ||x0 - x*||, Euclidean.
    counts : tuple of Count
        To several accuracies, the finest last.
    factors : tuple of float
        By what each step has multiplied the distance in the H(x*) norm, down to rounding.  The
        opening of "sketched", which is no Newton step, is left out here; it counts as a step above.
    status : str or None
        How it ended, if it did before the watching stopped it at the minimum.
    """

    seed: int
    distance: float
    counts: tuple[Count, ...]
    factors: tuple[float, ...]
    status: str | None = None


@dataclass(frozen=True)
class WholeSolve:
    """A solve from x = 0.

    Attributes
    ----------
    before : int or None
        Iterations before the region is entered; None if no iterate is certified to be in it.
    inside : int
        Iterations from there until the distance is rounding, or to the end.
    status : str or None
        How it ended, if it did before the watching stopped it at the minimum.
    """

    before: int | None
    inside: int
    status: str | None = None


@dataclass(frozen=True)
class Promise:
    """How samples of :func:`newtonkit.sketching.sparsify` kept what they promise.

    Attributes
    ----------
    epsilon, delta : float
        What was asked for.
    errors : tuple of float
        The true spectral error of each draw, relative to B^T |D| B.
    share : float
        The mean share of the rows that they kept; 1 where no sample is smaller than the data.
    """

    epsilon: float
    delta: float
    errors: tuple[float, ...]
    share: float

    @property
    def broken(self) -> int:
        """Draws whose error is above epsilon."""
        return sum(not error <= self.epsilon for error in self.errors)


@dataclass(frozen=True)
class Cell:
    """One method, with one epsilon, on one problem.

    Attributes
    ----------
    method : str
        The method.
    epsilon : float or None
        For "sampled", the spectral error asked for.
    whole : WholeSolve
        From x = 0.
    solves : tuple of NearSolve
        One for each seed with a certified start.
    errors : tuple of float
        ||H^-1/2 H~ H^-1/2 - I|| at x*, for one sampled Hessian of the solver for each seed.
    share : float
        The mean share of the rows in these.
    promise : Promise or None
        For "sampled".
    """

    method: str
    epsilon: float | None
    whole: WholeSolve
    solves: tuple[NearSolve, ...] = ()
    errors: tuple[float, ...] = ()
    share: float = 0.0
    promise: Promise | None = None

    @property
    def name(self) -> str:
        """The method with its epsilon."""
        return self.method if self.epsilon is None else f"{self.method} {self.epsilon:.3g}"

    @property
    def counts(self) -> list[Count]:
        """All counts."""
        return [count for solve in self.solves for count in solve.counts]

    @property
    def exceeded(self) -> list[Count]:
        """The counts above their prediction."""
        return [count for count in self.counts if count.margin < 0]

    @property
    def tightest(self) -> Count | None:
        """Of the counts to the finest accuracy that any start has a prediction for, the nearest to it.

        Where counts are above their prediction, it is the worst of these.
        """
        finest = max(map(_fineness, self.counts), default=None)
        shown = [count for count in self.counts if _fineness(count) == finest]
        return min(self.exceeded or shown, key=_room, default=None)

    @property
    def factors(self) -> list[float]:
        """The contraction of all steps."""
        return [factor for solve in self.solves for factor in solve.factors]

    @property
    def worst(self) -> float:
        """The largest of them; NaN if there is none."""
        return max(self.factors, default=math.nan)

    @property
    def slow(self) -> int:
        """Steps that contract by less than the papers' 0.4."""
        return sum(factor > PROMISED for factor in self.factors)

    @property
    def is_promised(self) -> bool:
        """Whether the papers promise that there are none."""
        return papers_promise(self.epsilon)


@dataclass(frozen=True)
class Row:
    """One problem.

    Attributes
    ----------
    kind : str
        The regression.
    condition : float
        Of its design.
    cells : tuple of Cell
        One for each method and epsilon.
    seeds : int
        How many were tried.
    uncertified : int
        For how many of them no start was found to be in the region.
    floor : float
        Distances below this, in the H(x*) norm, may be rounding.
    begins_at_minimum : bool
        Whether x = 0 is x*, so that solves from there have no iterations.
    note : str
        Why nothing was measured; empty if something was.
    """

    kind: str
    condition: float
    cells: tuple[Cell, ...] = ()
    seeds: int = 0
    uncertified: int = 0
    floor: float = math.nan
    begins_at_minimum: bool = False
    note: str = ""


@dataclass(frozen=True)
class Prediction:
    """All that was measured.

    Attributes
    ----------
    plan : Plan
        What was asked for.
    rows : tuple of Row
        The problems, as far as they were reached.
    seconds : float
        How long it took.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    plan: Plan
    rows: tuple[Row, ...]
    seconds: float
    interrupted: bool

    @property
    def cells(self) -> list[Cell]:
        """The cells of all problems."""
        return [cell for row in self.rows for cell in row.cells]
