"""What a comparison gives back: a report for each method, and all of them together."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from newtonkit.design import FloatArray

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

_FORMAT = 1


@dataclass(frozen=True)
class MethodReport:
    """One method of a comparison.

    Attributes
    ----------
    name : str
        "newtonkit", or the name that ``scipy.optimize.minimize`` knows it by.
    outcome : str
        What is true of the point it returned, found from the problem alone.  At tolerance:
        "reached", "saddle" (there is negative curvature), "saturated" (the loss has gone
        flat though it is not about 0) or "other minimum".  Short of it: "time cap",
        "iteration cap", "stopped early" (by itself) or "failed" (it raised).
    iterations : int
        Iterations; the one in which the tolerance was met is counted.
    nfev, njev, nhev, nhessp : int or None
        Values, gradients, Hessians and Hessian-vector products computed; None if unknown.
    seconds : float
        Wall time; the median of `repeats` runs.
    repeats : int
        How often the method ran: more than once if it took less than a tenth of a second.
    passes : float
        The same in units of one product A @ x.
    value : float
        L(x) at the point returned.
    gap : float
        Its distance to the best value that any method found.
    relative_gradient : float
        ||g(x)|| / ||g(x0)||; ||g(x)|| / S(x) if the start is stationary.
    smallest_eigenvalue : float or None
        Of the Hessian at x with columns on one scale, relative to the largest in size;
        None short of the tolerance, or for d above 2000.
    said : str
        The method's own message, or why the comparison stopped it, or what it raised.
    claimed_success : bool or None
        The method's success flag; None if it was stopped or raised before it could say.
    warned : tuple of str
        Warnings that it gave.
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
    seconds: float
    repeats: int
    passes: float
    value: float
    gap: float
    relative_gradient: float
    smallest_eigenvalue: float | None
    said: str
    claimed_success: bool | None
    warned: tuple[str, ...]
    x: FloatArray = field(repr=False, compare=False)

    @property
    def reached(self) -> bool:
        """Whether the point is at tolerance, no saddle, and as low as any that was found."""
        return self.outcome == "reached"


@dataclass(frozen=True)
class Comparison:
    """Several methods on one problem, from one start, to one tolerance.

    Print it for plain text at 80 columns, or with ``rich.print`` for colour.

    Attributes
    ----------
    problem : str
        What was minimised.
    n, d : int
        Rows and columns of the design.
    start : {"zeros", "given"}
        What x0 was.
    stationary_start : bool
        Whether the gradient was zero there; gradients are then relative to S(x).
    gtol : float
        Tolerance on ||g|| / ||g0||.
    max_time : float
        Seconds that each method was given.
    max_iter : int or None
        Iterations that each was given; None for any number.
    start_value, start_gradient_norm : float
        L(x0) and ||g(x0)||.
    best_value : float
        The lowest value that any method returned.
    pass_seconds : float
        Median time of one product A @ x.
    threads : int
        Threads that row blocks were spread over.
    versions : dict of str to str
        Of newtonkit, numpy, scipy and python.
    machine : dict of str to str or int
        Platform and number of processors.
    reports : tuple of MethodReport
        One for each method, in the order in which they ran.

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.ExpRegression([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], [1.0, 2.0, 5.0])
    >>> comparison = nk.compare(problem, methods=["newtonkit", "BFGS"])
    >>> [(report.name, report.outcome) for report in comparison.reports]
    [('newtonkit', 'reached'), ('BFGS', 'reached')]
    """

    problem: str
    n: int
    d: int
    start: str
    stationary_start: bool
    gtol: float
    max_time: float
    max_iter: int | None
    start_value: float
    start_gradient_norm: float
    best_value: float
    pass_seconds: float
    threads: int
    versions: dict[str, str]
    machine: dict[str, str | int]
    reports: tuple[MethodReport, ...]

    @property
    def best(self) -> MethodReport | None:
        """The fastest of the methods that reached the minimum; None if none did."""
        return min((r for r in self.reports if r.reached), key=lambda r: r.seconds, default=None)

    def __getitem__(self, name: str) -> MethodReport:
        """Return the report of a method by its name."""
        for report in self.reports:
            if report.name == name:
                return report
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the points, as plain values that JSON can hold.

        NaN and infinities become None.
        """
        return {"format": _FORMAT} | _plain_fields(self)

    def to_json(self, indent: int | None = 2) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def table(self) -> Table:
        """Return the reports as a ``rich.table.Table`` of at most 80 columns."""
        from newtonkit.comparison.table import comparison_table  # noqa: PLC0415

        return comparison_table(self)

    def __rich__(self) -> Group:
        from newtonkit.comparison.table import rendered  # noqa: PLC0415

        return rendered(self)

    def __str__(self) -> str:
        from rich.console import Console  # noqa: PLC0415

        text = io.StringIO()
        Console(file=text, width=80, color_system=None, force_terminal=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())


def _plain_fields(record: Any) -> dict[str, Any]:
    return {f.name: _plain(getattr(record, f.name)) for f in fields(record) if f.compare}


def _plain(value: Any) -> Any:
    """Return a value made of what JSON has."""
    if isinstance(value, MethodReport):
        return _plain_fields(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else None
