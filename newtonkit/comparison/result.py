"""What a comparison gives back: the reports of all methods, to be printed, kept or drawn.

What needs rich or matplotlib is imported where it is shown: a comparison that is only read
needs neither, and matplotlib is an extra.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from newtonkit.comparison.export import as_csv, plain_fields
from newtonkit.comparison.report import MethodReport
from newtonkit.suggestions import suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from rich.console import Group
    from rich.table import Table

_FORMAT = 2


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
    seeds : int
        How often randomised methods ran.
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
    seeds: int
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
        """Return the report of a method by its name; a KeyError tells of names like one that is not there."""
        for report in self.reports:
            if report.name == name:
                return report
        known = [report.name for report in self.reports]
        raise KeyError(f"no method {name!r} was compared{suggestion(str(name), known)}")

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the points, as plain values that JSON can hold.

        NaN and infinities become None.  A trace is a list of [iteration, seconds, value].
        """
        return {"format": _FORMAT} | plain_fields(self)

    def to_json(self, indent: int | None = 2) -> str:
        """Return :meth:`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    def to_csv(self, *, header: bool = True) -> str:
        """Return a line for each method, as comma-separated values (RFC 4180).

        Parameters
        ----------
        header : bool, default True
            Whether a first line names the columns; without it, several comparisons can be
            written one below the other.

        Returns
        -------
        str
            Lines end in CR LF.  What is unknown or not finite is an empty field.
        """
        return as_csv(self, header=header)

    def plot(
        self, path: str | PathLike[str] | None = None, *, against: str | None = None, ax: Axes | None = None
    ) -> Axes | NDArray[Any]:
        """Draw the gap to the best value against iterations, seconds and passes.

        The gap is relative, (L - best) / (L(x0) - best), and both axes are logarithmic.

        Parameters
        ----------
        path : str or path-like, optional
            File to write, .png, .svg or .pdf; none by default.
        against : {"iterations", "seconds", "passes"}, optional
            Draw one panel only.  All three by default, or passes if there is an `ax`.
        ax : matplotlib.axes.Axes, optional
            Where to draw one panel; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes, or ndarray of three of them
            What was drawn into; the figure of each is ``ax.figure``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If `ax` is something else.
        ValueError
            If `path` ends in anything else, or `against` is unknown.
        """
        from newtonkit.comparison.plot import draw_comparison  # noqa: PLC0415

        return draw_comparison(self, path, against, ax)

    def table(self) -> Table:
        """Return the reports as a ``rich.table.Table`` of at most 80 columns."""
        from newtonkit.comparison.table import comparison_table  # noqa: PLC0415

        return comparison_table(self)

    def way_table(self) -> Table:
        """Return what the methods did on their way as another one: work, and time to three gaps."""
        from newtonkit.comparison.table import way_table  # noqa: PLC0415

        return way_table(self)

    def to_html(self, command: str | None = None) -> str:
        """Return a page of HTML with tables, pictures, machine and versions.

        Parameters
        ----------
        command : str, optional
            The command that made the comparison, to be shown.

        Returns
        -------
        str
            A whole page that needs no other file and no network.  Every figure of its tables
            stands there to the last bit too, in a ``data`` element.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from newtonkit.comparison.page import report_page  # noqa: PLC0415

        return report_page([self], command)

    def _repr_html_(self) -> str:
        from newtonkit.comparison.html import comparison_html  # noqa: PLC0415

        return comparison_html(self)

    def __rich__(self) -> Group:
        from newtonkit.comparison.table import rendered  # noqa: PLC0415

        return rendered(self)

    def __str__(self) -> str:
        return in_plain_text(self)


def in_plain_text(renderable: Any) -> str:
    """Return what rich would print, in 80 columns and without colour."""
    from rich.console import Console  # noqa: PLC0415

    text = io.StringIO()
    Console(file=text, width=80, color_system=None, force_terminal=False).print(renderable)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines())
