"""What a path gives back: a solution for each ridge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from newtonkit.design import FloatArray, IntArray
from newtonkit.results import MinimizeResult
from newtonkit.ridge.tables import number, page_table, text_table
from newtonkit.tables import Cell

PREDICTED = "predicted"
"""How the note of a solve begins that started from a predicted and corrected point."""
_NOTE = "iter 0: predicted from the ridges before, corrected by quasi-Newton steps."
_HEADERS = (
    ("ridge", 10),
    ("value", 18),
    ("gradient", 9),
    ("iter", 5),
    ("passes", 7),
    ("seconds", 9),
    ("status", 15),
)


@dataclass(frozen=True, eq=False)
class RidgePath:
    """The solutions of one problem for several ridges, in the order in which these were given.

    Print it for a table of 80 columns; a notebook shows the same.  ``path[k]`` is the result
    for the k-th ridge, ``len(path)`` their number, and a loop goes over the results.
    Iterations are those of Newton's method: 0 where prediction and quasi-Newton steps, of a
    pass each, have led to the solution.

    Attributes
    ----------
    ridges : ndarray, shape (m,)
        The ridges, as given.
    pattern : ndarray, shape (d,)
        The penalty of each coefficient for a ridge of 1.
    x : ndarray, shape (m, d)
        The solutions, a row for each ridge; NaN where the path was stopped before.
    values : ndarray, shape (m,)
        L at the solutions; NaN where the path was stopped before.
    results : tuple of MinimizeResult or None
        The results of the solves; None where the path was stopped before.
    passes : ndarray of int, shape (m,)
        Sweeps over the data for each ridge.
    seconds : float
        Wall time of the whole.

    Examples
    --------
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("exp", 500, 3, noise=0.1, rng=0)
    >>> path = nk.path(planted.problem, [1.0, 10.0, 100.0])
    >>> path.x.shape, path.success, len(path), path[1].success
    ((3, 3), True, 3, True)
    >>> bool(path.values[0] < path.values[1] < path.values[2])
    True
    """

    ridges: FloatArray
    pattern: FloatArray = field(repr=False)
    x: FloatArray = field(repr=False)
    values: FloatArray
    results: tuple[MinimizeResult | None, ...] = field(repr=False)
    passes: IntArray
    seconds: float

    @property
    def total_passes(self) -> int:
        """Sweeps over the data of all solves together."""
        return int(self.passes.sum())

    @property
    def success(self) -> bool:
        """Whether every ridge was solved."""
        return all(result is not None and result.success for result in self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: int) -> MinimizeResult | None:
        return self.results[index]

    def __iter__(self) -> Iterator[MinimizeResult | None]:
        return iter(self.results)

    def _rows(self) -> list[list[Cell]]:
        return [
            [number(float(ridge), ".4g", "ridge"), *_cells(result)]
            for ridge, result in zip(self.ridges, self.results, strict=True)
        ]

    @property
    def _heading(self) -> str:
        m, d = self.x.shape
        return f"path of {m} ridges, d = {d}: {self.total_passes} passes, {self.seconds:.3g} s"

    @property
    def _notes(self) -> list[str]:
        return [_NOTE] if any(map(_has_moved_unseen, self.results)) else []

    def __str__(self) -> str:
        return text_table(self._heading, _HEADERS, self._rows(), self._notes)

    def _repr_html_(self) -> str:
        return page_table(self._heading, _HEADERS, self._rows(), self._notes)


def _has_moved_unseen(result: MinimizeResult | None) -> bool:
    """Tell whether a solve took no iteration, though its point is not that of the ridge before."""
    return result is not None and result.nit == 0 and result.history[0].note.startswith(PREDICTED)


def _cells(result: MinimizeResult | None) -> list[Cell]:
    if result is None:
        return [*5 * [Cell("-")], Cell("not begun", numeric=False)]
    relative = result.history[-1].relative_gradient
    ended = result.status.name.lower().replace("_", " ")
    return [
        number(result.fun, ".10g", "value"),
        number(relative, ".1e", "relative_gradient"),
        Cell(str(result.nit), result.nit, "nit"),
        Cell(str(result.passes), result.passes, "passes"),
        number(result.seconds, ".3f", "seconds"),
        Cell("interrupted" if ended == "stopped by callback" else ended, numeric=False),
    ]
