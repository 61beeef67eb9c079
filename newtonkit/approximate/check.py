"""What a verdict asks of a point in a design so wide that no basis of a search is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from newtonkit.approximate.lanczos import least_ritz, ritz_vector
from newtonkit.approximate.sketched import (
    CLEARLY_NEGATIVE,
    LEAST_CHECKS,
    MOST_CHECKS,
    SETTLED,
    SketchedModel,
)
from newtonkit.design import FloatArray

_FLAT = 1e-6  # relative to P: whatever has more curvature is far from none beyond rounding


def _is_clear(products: int, value: float, left: float) -> bool:
    """Tell whether the sign of the least eigenvalue relative to P is known."""
    if value < -CLEARLY_NEGATIVE:
        return True
    return products > LEAST_CHECKS and left <= SETTLED * max(value, CLEARLY_NEGATIVE)


class Check(SketchedModel):
    """The model on a subspace of few directions: the weak ones, and one of next to no curvature.

    The search for negative curvature keeps some vectors, where that of a :class:`SketchedModel`
    keeps two for each of its products.  The vector of the least eigenvalue, which takes as many products
    again, is made only where that is so near to 0 that a sum over the rows has to tell what it
    is.  The metric has no weak part.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._products = 0
        self._least = np.inf  # relative to P, as far as the search has come; NaN if it failed

    @property
    def has_directions(self) -> bool:
        """Whether there is any direction in the model, or the search has found one."""
        return self._space.size > 0 or self._least < -CLEARLY_NEGATIVE

    @property
    def inner_iterations(self) -> int:
        """See :class:`newtonkit.curvature.CurvatureModel`."""
        return super().inner_iterations + self._products

    @property
    def is_convex(self) -> bool:
        """See :class:`newtonkit.curvature.CurvatureModel`; what could not be computed is not convex."""
        return super().is_convex and self._least >= -CLEARLY_NEGATIVE

    @property
    def smallest_curvature(self) -> float:
        """See :class:`newtonkit.curvature.CurvatureModel`; relative to P where the search found the least."""
        met = super().smallest_curvature
        return min(met, self._least) if self._least < -CLEARLY_NEGATIVE else met

    def _times(self, z: FloatArray) -> FloatArray:
        self._products += 1
        return self._space.times(z)

    def _look_for_negative_curvature(self) -> None:
        preconditioner = self._preconditioner
        spread = preconditioner.spread(self._rng.standard_normal(self._metric.rank))
        start = preconditioner.product(spread)

        def solve(right: FloatArray) -> FloatArray:
            return preconditioner.solve(right, preconditioner.floor)

        most = min(MOST_CHECKS, self._metric.rank)
        found = least_ritz(self._times, solve, start, most, _is_clear)
        self._least = found.value
        if -CLEARLY_NEGATIVE <= found.value <= _FLAT:
            self._space.add(ritz_vector(self._times, solve, start, found.weights))
