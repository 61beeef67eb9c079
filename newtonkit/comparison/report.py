"""What is said of one method: figures, verdict, and the way it went."""

from __future__ import annotations

from dataclasses import dataclass, field

from newtonkit.comparison.monitor import TracePoint
from newtonkit.design import FloatArray

GAPS = (1e-2, 1e-4, 1e-8)
"""The shares of the first gap whose crossing is reported for every method."""


@dataclass(frozen=True)
class Milestone:
    """When a method first came within a share of the first gap to the best value.

    Attributes
    ----------
    gap : float
        The share tau: L - best <= tau (L(x0) - best).
    iterations, seconds : int, float, or None
        When that was so for the first time; None if it never was.
    """

    gap: float
    iterations: int | None
    seconds: float | None


@dataclass(frozen=True)
class SeedRun:
    """One run of a randomised method.

    Attributes
    ----------
    seconds : float
        Wall time.
    iterations : int
        Iterations.
    value : float
        L(x) at the point returned.
    outcome : str
        As of :class:`MethodReport`.
    """

    seconds: float
    iterations: int
    value: float
    outcome: str


@dataclass(frozen=True)
class MethodReport:
    """One method of a comparison.

    Of a randomised method that was run for several seeds, `seconds` and `iterations` are
    medians; everything else is of one run: of those that did not reach the minimum if there
    are any, otherwise of all, the one whose time is in the middle.

    Attributes
    ----------
    name : str
        "newtonkit", the name that ``scipy.optimize.minimize`` knows it by, or "lsq-" and
        the name that ``scipy.optimize.least_squares`` knows it by.
    outcome : str
        What is true of the point it returned, found from the problem alone.  At tolerance:
        "reached", "saddle" (there is negative curvature), "saturated" (the loss has gone
        flat short of a minimum: none is near, or none is finite) or "other minimum".  Short
        of it: "time cap", "iteration cap", "stopped early" (by itself) or "failed" (it raised).
    iterations : int
        Iterations; the one in which the tolerance was met is counted.
    nfev, njev, nhev, nhessp : int or None
        Points at which the value, the gradient and the Hessian were computed, and
        Hessian-vector products; None if unknown.  For least squares, values are residuals
        and gradients are Jacobians.
    factorisations : int or None
        Matrices of d columns factorised (Cholesky, QR, eigenvalues, singular values); None
        if unknown.
    seconds : float
        Wall time, the median of `repeats` runs.  What the comparison does for itself
        meanwhile is not in it.
    repeats : int
        How often the method ran: more than once if it took less than a tenth of a second.
    passes : float
        The same in units of one product A @ x.
    value : float
        L(x) at the point returned.
    gap : float
        Its distance to the best value that any method returned.
    relative_gradient : float
        ||g(x)|| / ||g(x0)||; ||g(x)|| / S(x) if the start is stationary.
    smallest_eigenvalue : float or None
        Of the Hessian at x; None for d above 2000.
    smallest_curvature : float or None
        The same of the Hessian with columns on one scale, relative to the largest in size,
        which tells a saddle from a minimum; None short of the tolerance, or for d above 2000.
    milestones : tuple of Milestone
        When the method came within 1e-2, 1e-4 and 1e-8 of the first gap to the best value.
    said : str
        The method's own message, or why the comparison stopped it, or what it raised.
    claimed_success : bool or None
        The method's success flag; None if it was stopped or raised before it could say.
    scipy_counts : dict of str to int, or None
        nit, nfev, njev, nhev as the method itself reports them; None if it was stopped or
        raised before it could, or is not SciPy's.
    warned : tuple of str
        Warnings that it gave.
    seeds : tuple of SeedRun
        The runs of a randomised method, one for each seed; empty for all others.
    trace : tuple of TracePoint
        Iteration, seconds and value of the iterates: all of the first 500, and some 500 of
        the rest.
    x : ndarray, shape (d,)
        The point returned; neither compared nor written to JSON.
    """

    name: str
    outcome: str
    iterations: int
    nfev: int | None
    njev: int | None
    nhev: int | None
    nhessp: int | None
    factorisations: int | None
    seconds: float
    repeats: int
    passes: float
    value: float
    gap: float
    relative_gradient: float
    smallest_eigenvalue: float | None
    smallest_curvature: float | None
    milestones: tuple[Milestone, ...]
    said: str
    claimed_success: bool | None
    scipy_counts: dict[str, int] | None
    warned: tuple[str, ...]
    seeds: tuple[SeedRun, ...]
    trace: tuple[TracePoint, ...] = field(repr=False)
    x: FloatArray = field(repr=False, compare=False)

    @property
    def reached(self) -> bool:
        """Whether the point is at tolerance, no saddle, and as low as any that was found."""
        return self.outcome == "reached"

    @property
    def found_other_minimum(self) -> bool:
        """Whether the point is a minimum, but another one than the best."""
        return self.outcome == "other minimum"

    @property
    def seconds_range(self) -> tuple[float, float] | None:
        """The shortest and the longest of the times of a randomised method; None for all others."""
        times = [run.seconds for run in self.seeds]
        return (min(times), max(times)) if times else None

    @property
    def iterations_range(self) -> tuple[int, int] | None:
        """The fewest and the most iterations of a randomised method; None for all others."""
        counts = [run.iterations for run in self.seeds]
        return (min(counts), max(counts)) if counts else None
