"""Performance profiles: which share of a set of problems each method solves, and how close to the best.

E. D. Dolan and J. J. More, Benchmarking optimization software with performance profiles,
Mathematical Programming 91 (2002), 201-213, doi:10.1007/s101070100263.

What needs rich or matplotlib is imported where it is shown, as in :mod:`newtonkit.comparison.result`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from newtonkit.comparison.export import plain
from newtonkit.comparison.report import MethodReport
from newtonkit.comparison.result import Comparison, in_plain_text
from newtonkit.design import FloatArray
from newtonkit.suggestions import suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from rich.table import Table

MEASURES = ("seconds", "passes", "iterations", "nfev", "njev")
FACTORS = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, eq=False)
class PerformanceProfile:
    """Which share of a set of problems each method solves within a factor of the best method.

    Attributes
    ----------
    measure : str
        What was compared: "seconds", "passes", "iterations", "nfev" or "njev".
    problems : tuple of str
        What the comparisons called their problems.
    methods : tuple of str
        Every method that ran on at least one of them.
    ratios : ndarray, shape (problems, methods)
        The measure of a method over the least one of all methods that solved that problem;
        infinite where the method did not solve it, or was not run.
    runs : ndarray of int, shape (methods,)
        On how many problems each method was run.

    Examples
    --------
    >>> import newtonkit as nk
    >>> A = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    >>> problems = [nk.ExpRegression(A, [1.0, 2.0, 5.0]), nk.SinhRegression(A, [0.5, 1.0, 3.0])]
    >>> comparisons = [nk.compare(problem, methods=["newtonkit", "BFGS"]) for problem in problems]
    >>> profile = nk.performance_profile(comparisons, "iterations")
    >>> profile.fraction("newtonkit", 1.0)
    1.0
    """

    measure: str
    problems: tuple[str, ...]
    methods: tuple[str, ...]
    ratios: FloatArray
    runs: np.typing.NDArray[np.int_]

    def fraction(self, method: str, factor: float = math.inf) -> float:
        """Return the share of all problems that a method solves within a factor of the best.

        Parameters
        ----------
        method : str
            One of `methods`.
        factor : float, default infinity
            At least 1; infinity stands for solving it at all.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        KeyError
            If no such method was run.
        ValueError
            If `factor` is below 1.
        """
        if method not in self.methods:
            raise KeyError(f"no method {method!r} was compared{suggestion(str(method), self.methods)}")
        if not factor >= 1.0:
            raise ValueError(f"factor must be at least 1, got {factor!r}")
        ratios = self.ratios[:, self.methods.index(method)]
        return float(np.mean(np.isfinite(ratios) & (ratios <= factor)))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold; infinite ratios become None."""
        return {
            "measure": self.measure,
            "problems": list(self.problems),
            "methods": list(self.methods),
            "ratios": plain(self.ratios.tolist()),
            "runs": self.runs.tolist(),
        }

    def table(self) -> Table:
        """Return the shares within some factors as a ``rich.table.Table`` of at most 80 columns."""
        from newtonkit.comparison.profile_views import profile_table  # noqa: PLC0415

        return profile_table(self)

    def plot(self, path: str | PathLike[str] | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw the share of problems solved against the factor.

        Parameters
        ----------
        path : str or path-like, optional
            File to write, .png, .svg or .pdf; none by default.
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
            If `path` ends in anything else.
        """
        from newtonkit.comparison.profile_views import draw_profile  # noqa: PLC0415

        return draw_profile(self, path, ax)

    def _repr_html_(self) -> str:
        from newtonkit.comparison.html import profile_html  # noqa: PLC0415

        return profile_html(self)

    def __rich__(self) -> Any:
        from newtonkit.comparison.profile_views import profile_rendered  # noqa: PLC0415

        return profile_rendered(self)

    def __str__(self) -> str:
        return in_plain_text(self)


def performance_profile(comparisons: Sequence[Comparison], measure: str = "seconds") -> PerformanceProfile:
    """Compare methods over a set of problems (Dolan and More 2002, doi:10.1007/s101070100263).

    Parameters
    ----------
    comparisons : sequence of Comparison
        One for each problem, at least one.
    measure : {"seconds", "passes", "iterations", "nfev", "njev"}, default "seconds"
        What is compared.

    Returns
    -------
    PerformanceProfile
        Print it for a table.

    Raises
    ------
    TypeError
        If `comparisons` holds anything else.
    ValueError
        If `comparisons` is empty or `measure` is unknown.

    Notes
    -----
    A method solves a problem when its outcome is "reached".  One that was not run on a
    problem counts as not having solved it: a method that suits only some problems is worth
    that much less for the set.  `runs` tells such cases apart.  Counts below 1 count as 1.

    Examples
    --------
    >>> import newtonkit as nk
    >>> A = [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    >>> comparison = nk.compare(nk.ExpRegression(A, [1.0, 2.0, 5.0]), methods=["newtonkit", "CG"])
    >>> nk.performance_profile([comparison], "nfev").methods
    ('newtonkit', 'CG')
    """
    given = _checked(comparisons)
    if measure not in MEASURES:
        raise ValueError(f"measure must be among {', '.join(MEASURES)}; got {measure!r}")
    methods = tuple(dict.fromkeys(report.name for c in given for report in c.reports))
    sizes = np.full((len(given), len(methods)), np.inf)
    runs = np.zeros(len(methods), dtype=int)
    for row, comparison in enumerate(given):
        for report in comparison.reports:
            column = methods.index(report.name)
            runs[column] += 1
            sizes[row, column] = _size(report, measure)
    least = sizes.min(axis=1, keepdims=True)
    ratios = np.divide(sizes, least, out=np.full_like(sizes, np.inf), where=np.isfinite(sizes))
    return PerformanceProfile(measure, tuple(c.problem for c in given), methods, ratios, runs)


def _checked(comparisons: Any) -> list[Comparison]:
    if isinstance(comparisons, Comparison):
        raise TypeError("comparisons must be a sequence of Comparison, got one; put it into a list")
    try:
        given = list(comparisons)
    except TypeError:
        raise TypeError(f"comparisons must be a sequence of Comparison, got {comparisons!r}") from None
    if not given:
        raise ValueError("comparisons must hold at least one Comparison")
    for entry in given:
        if not isinstance(entry, Comparison):
            raise TypeError(f"comparisons must hold Comparison objects, got {type(entry).__name__}")
    return given


def _size(report: MethodReport, measure: str) -> float:
    value = getattr(report, measure)
    if not report.reached or value is None:
        return math.inf
    # No count can be beaten by a start that is the solution already, and no time is zero.
    return max(float(value), np.finfo(float).tiny if measure in ("seconds", "passes") else 1.0)
