"""Groups of rows in any order: sums, shares and the best row within each."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import FloatArray
from newtonkit.problems.labels import sorted_by_group


class Grouping:
    """Rows that fall into groups by label; everything goes in and out in the caller's order.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The label of the group of each row.
    n_rows : int
        n.
    """

    def __init__(self, labels: Any, n_rows: int) -> None:
        self._groups, self._order = sorted_by_group(labels, n_rows)

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """The number of rows in each group, shape (m,)."""
        return self._groups.counts

    def first(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the value of the first row of each group, shape (m,)."""
        return self._sorted(values)[self._groups.starts]

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum of each group, shape (m,)."""
        return self._groups.sums(self._sorted(values))

    def spread(self, per_group: NDArray[Any]) -> NDArray[Any]:
        """Return the value of its group for each row, shape (n,)."""
        return self._unsorted(np.repeat(per_group, self.sizes))

    def shares(self, u: FloatArray) -> FloatArray:
        """Return the softmax of u within each group."""
        exponentials = np.exp(u - self.spread(self._highest(self._sorted(u))))
        shares: FloatArray = exponentials / self.spread(self.sums(exponentials))
        return shares

    def is_best(self, u: FloatArray) -> NDArray[np.bool_]:
        """Tell which row has the highest u of its group; the first of several."""
        best = np.zeros(len(u), dtype=bool)
        best[self._best(self._sorted(u))] = True
        return self._unsorted(best)

    def margins(self, u: FloatArray) -> FloatArray:
        """Return how far u is above the highest of the other rows of its group; infinite if none."""
        values = self._sorted(u)
        best = self._best(values)
        others = values.copy()
        others[best] = -np.inf
        rivals = np.repeat(values[best], self.sizes)
        rivals[best] = self._highest(others)
        return self._unsorted(values - rivals)

    def _best(self, values: FloatArray) -> NDArray[np.intp]:
        """Return where the first of the highest rows of each group is."""
        rows = np.arange(len(values))
        is_highest = values == np.repeat(self._highest(values), self.sizes)
        first: NDArray[np.intp] = np.minimum.reduceat(
            np.where(is_highest, rows, len(values)), self._groups.starts
        )
        return first

    def _highest(self, values: FloatArray) -> FloatArray:
        highest: FloatArray = np.maximum.reduceat(values, self._groups.starts)
        return highest

    def _sorted(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self._order is None else values[self._order]

    def _unsorted(self, values: NDArray[Any]) -> NDArray[Any]:
        if self._order is None:
            return values
        out = np.empty_like(values)
        out[self._order] = values
        return out


def warn_of_a_fit_without_groups() -> None:
    """Warn, in the caller of a public method, that groups come late: the fit was another model."""
    warnings.warn(
        "groups are given, but the fit had none: there each row was a choice of its own against an outside "
        "option (scikit-learn's searches hand groups on to the fit only with enable_metadata_routing and "
        "set_fit_request(groups=True))",
        UserWarning,
        stacklevel=4,
    )


def grouping_of(groups: Any, n_rows: int, *, needed: bool) -> Grouping | None:
    """Return the groups that new rows fall into; None where each row stands for itself.

    Raises
    ------
    ValueError
        If there are none, but they are needed.
    """
    if groups is not None:
        return Grouping(groups, n_rows)
    if needed:
        raise ValueError(
            "groups must be given, as the model was fitted within groups (in scikit-learn's searches: "
            "enable_metadata_routing, and set_score_request(groups=True))"
        )
    return None
