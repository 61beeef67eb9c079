"""What a solve gives back: a status that is a sentence, a record for each iteration, a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from os import PathLike
from typing import TYPE_CHECKING

from scipy.optimize import OptimizeResult

from newtonkit.design import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from newtonkit.certificates import Certificate

# What a result needs to be shown as a table.
_SHOWN = {"success", "status", "message", "fun", "x", "nit", "history"}


class Status(IntEnum):
    """How a solve ended; ``Status.CONVERGED.name`` is its name, ``.sentence`` says it in words.

    Only CONVERGED and WORKING_PRECISION come with ``success=True``.

    Examples
    --------
    >>> import newtonkit as nk
    >>> nk.Status.SATURATED.sentence
    'The loss has gone flat short of a minimum: there is no minimiser near, or none that is finite.'
    """

    CONVERGED = 0
    WORKING_PRECISION = 1
    SATURATED = 2
    MAX_ITER = 3
    MAX_TIME = 4
    STALLED = 5
    INTERRUPTED = 6
    STOPPED_BY_CALLBACK = 99

    @property
    def success(self) -> bool:
        """Whether the point is a minimum as far as can be told."""
        return self in (Status.CONVERGED, Status.WORKING_PRECISION)

    @property
    def sentence(self) -> str:
        """The status in words."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.CONVERGED: "The gradient is at tolerance and there is no negative curvature.",
    Status.WORKING_PRECISION: "Rounding allows no further progress, and there is no negative curvature.",
    Status.SATURATED: (
        "The loss has gone flat short of a minimum: there is no minimiser near, or none that is finite."
    ),
    Status.MAX_ITER: "The iteration limit was reached.",
    Status.MAX_TIME: "The time limit was reached.",
    Status.STALLED: "No step makes progress, though the gradient is not at tolerance.",
    Status.INTERRUPTED: "Interrupted; this is the best point so far.",
    Status.STOPPED_BY_CALLBACK: "The callback raised StopIteration.",
}


@dataclass(frozen=True)
class IterationRecord:
    """One iteration of a solve, as handed to the callback and kept in ``result.history``.

    Attributes
    ----------
    iteration : int
        0 for the start.
    value : float
        L(x).
    gradient_norm : float
        ||grad L(x)||.
    relative_gradient : float
        ||grad L(x)|| / S(x), which is compared with gtol.
    smallest_curvature : float
        Least eigenvalue of the Hessian in the metric of the solver.
    radius : float
        Trust radius at x, for the step from it.
    step_norm : float
        Length of the step to x, in the metric of the solver.
    ratio : float
        Actual over predicted decrease of that step.
    trials : int
        Steps tried, each at O(n).
    rows_sampled : int
        Rows in the Hessian model, or in its preconditioner.
    inner_iterations : int
        Products with the Hessian that the inner solver made at x, for the step from it and
        for verdicts; 0 where the model is factorised.
    passes : int
        Sweeps over the data from the start until value and gradient were known.  Forming a
        Gram matrix counts as one sweep here, though it takes longer than one product.
    seconds : float
        Wall time from the start until value and gradient were known.
    phases : dict of str to float
        The same for each kind of work: "value" (with the gradient, on large
        data), "gradient", "metric" (what the length of steps is measured by), "opening" (the
        first phase on a sample), "hessian", "factor", "step", "trials" and "verdict".
    phase_passes : dict of str to int
        Sweeps over the data until then for each kind of work; they add up to `passes`.
    note : str
        Anything out of the ordinary, such as why rows were sampled anew; empty if nothing was.
    x : ndarray of shape (d,), or None
        The point: given to the callback, not kept in the history.
    """

    iteration: int
    value: float
    gradient_norm: float
    relative_gradient: float
    smallest_curvature: float
    radius: float
    step_norm: float
    ratio: float
    trials: int
    rows_sampled: int
    inner_iterations: int
    passes: int
    seconds: float
    phases: dict[str, float] = field(default_factory=dict)
    phase_passes: dict[str, int] = field(default_factory=dict)
    note: str = ""
    x: FloatArray | None = None


class MinimizeResult(OptimizeResult):
    """A ``scipy.optimize.OptimizeResult`` with the history of the solve.

    Print it for a table of its iterations in 79 columns; a notebook shows the same.
    ``repr(result)`` lists its entries, as SciPy does.

    Attributes
    ----------
    x : ndarray, shape (d,)
        The best point found.
    fun, jac : float, ndarray of shape (d,)
        Value and gradient there.
    success : bool
        Whether x is a minimum as far as can be told.
    status : Status
        How the solve ended.
    message : str
        The same in a sentence, with the figures.
    nit, nfev, njev, nhev : int
        Iterations; values, gradients and Hessians computed.
    passes : int
        Sweeps over the data.
    rank : int
        Rank of the metric: d unless the design is rank-deficient.
    method : str
        The method used: "exact", "sampled" or "sketched".
    method_reason : str
        Why "auto" took it; empty where it was asked for.
    inner_iterations : int
        Products with the Hessian made by inner solvers, those for verdicts included.
    factorisations : int
        Matrices of d columns factorised, that of the metric included, in all starts.
    seconds : float
        Wall time.
    history : tuple of IterationRecord
        A record for each iteration, the start first.
    starts : tuple of (float, Status)
        Value and status reached from each start.
    certificate : Certificate or None
        What is proved about x; None unless ``minimize(..., certify=True)`` was asked for it.

    Examples
    --------
    >>> import newtonkit as nk
    >>> result = nk.minimize(nk.SinhRegression([[1.0], [2.0]], [0.5, 1.2]))
    >>> result.success, result.status.name, len(result.history) == result.nit + 1
    (True, 'CONVERGED', True)
    """

    passes: int
    rank: int
    seconds: float
    method: str
    method_reason: str
    inner_iterations: int
    factorisations: int
    history: tuple[IterationRecord, ...]
    starts: tuple[tuple[float, Status], ...]
    certificate: Certificate | None

    def __repr__(self) -> str:
        shown = OptimizeResult()
        shown.update((key, value) for key, value in self.items() if key not in ("history", "starts"))
        return f"{shown!r}\n history: {len(self.get('history', ()))} records"

    def __str__(self) -> str:
        from newtonkit.result_views import as_text  # noqa: PLC0415

        # A result may be put together, or cut down, by hand.
        return as_text(self) if self.keys() >= _SHOWN else repr(self)

    def _repr_html_(self) -> str | None:
        from newtonkit.result_views import as_html  # noqa: PLC0415

        return as_html(self) if self.keys() >= _SHOWN else None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), "plot"]

    def plot(
        self,
        path: str | PathLike[str] | None = None,
        *,
        against: str | None = None,
        gtol: float | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw gradient and value on their way down; see :func:`newtonkit.plots.convergence`.

        Parameters
        ----------
        path : str or path-like, optional
            File to write, .png, .svg or .pdf; none by default.
        against : {"passes", "iterations", "seconds"}, optional
            What goes to the right; passes by default, where they are counted.
        gtol : float, optional
            A tolerance to be drawn as a line.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
            What was drawn into; its figure is ``ax.figure``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `ax` is something else.
        ValueError
            If `path` ends in anything else, `against` is unknown, or `gtol` is not positive.
        """
        from newtonkit.plots.solves import draw_solve  # noqa: PLC0415

        return draw_solve(self, path, against, gtol, ax)
