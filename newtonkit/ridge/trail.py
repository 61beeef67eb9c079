"""The solutions found so far along a path, and where the next one is likely to be.

At a solution x of ridge lambda R, let y = M x + lambda R x for some fixed M >= 0.  If the loss
were quadratic with Hessian M, then y would be the same for all ridges and
x = (M + lambda R)^-1 y exact.  For any other loss y is a smooth function of t = log lambda
that varies little: it is extrapolated by a polynomial, and x solved for.  From one point this
is a Newton step for the new ridge.  More points take in more derivatives of the path, and so
does the slope dx/dt = -lambda (H + lambda R)^-1 R x at each of them.  Derived here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from newtonkit.design import FloatArray
from newtonkit.penalised import Factor, Penalised

_MOST_POINTS = 4


@dataclass(frozen=True)
class Waypoint:
    """A point of the path.

    Attributes
    ----------
    ridge : float
        lambda.
    x : ndarray, shape (d,)
        The solution.
    slope : ndarray, shape (d,)
        dx / d log lambda, about.
    """

    ridge: float
    x: FloatArray
    slope: FloatArray


@dataclass
class Trail:
    """The points of a path in the order in which they were found.

    Attributes
    ----------
    pattern : ndarray, shape (d,)
        R: the penalty of each coefficient for ridge 1.
    points : list of Waypoint
        The points.
    """

    pattern: FloatArray
    points: list[Waypoint] = field(default_factory=list)
    _predictions: dict[tuple[int, bool], FloatArray] = field(default_factory=dict)
    _best: tuple[int, bool] = (1, False)

    def add(self, point: Waypoint, stand_in: FloatArray) -> None:
        """Take in a solution, and see from what it would have been predicted best."""
        if self._predictions:
            matrix = Penalised(stand_in, point.ridge * self.pattern).to_dense()
            errors = {way: x - point.x for way, x in self._predictions.items()}
            sizes = {way: float(error @ (matrix @ error)) for way, error in errors.items()}
            self._best = min(sizes, key=lambda way: np.nan_to_num(sizes[way], nan=np.inf))
            count, sloping = self._best
            if count == len(self.points) < _MOST_POINTS:  # one more may do better still
                self._best = (count + 1, sloping)
        self._predictions = {}
        self.points.append(point)

    def prediction(self, ridge: float, stand_in: FloatArray, factor: Factor) -> FloatArray:
        """Return where the solution for another ridge may be.

        Parameters
        ----------
        ridge : float
            lambda.
        stand_in : ndarray, shape (d, d)
            M.
        factor : Factor
            Of M + lambda R.
        """
        if ridge == 0.0:  # it has no logarithm, but a Newton step does not need one
            self._predictions, self._best = {}, (1, False)
            return self._from(1, False, ridge, stand_in, factor)
        counts = range(1, min(_MOST_POINTS, len(self.points)) + 1)
        self._predictions = {
            way: self._from(*way, ridge, stand_in, factor) for way in product(counts, (False, True))
        }
        return self._predictions[self._best]

    def _from(
        self, count: int, sloping: bool, ridge: float, stand_in: FloatArray, factor: Factor
    ) -> FloatArray:
        last, right = self.points[-1].x, np.zeros(len(self.pattern))
        used = self.points[-count:]
        place = float(np.log(ridge)) if ridge > 0.0 else -np.inf
        weights = _extrapolation(np.log([point.ridge for point in used]), place, sloping)
        for point, (weight, of_slope) in zip(used, weights, strict=True):
            penalty = point.ridge * self.pattern
            right += weight * (stand_in @ (point.x - last) + penalty * point.x)
            right += of_slope * (stand_in @ point.slope + penalty * (point.x + point.slope))
        return np.asarray(last + factor.solve(right - ridge * self.pattern * last))


def _extrapolation(nodes: FloatArray, place: float, sloping: bool) -> Iterator[tuple[float, float]]:
    """Yield the weights of value and slope at each node in the polynomial through them at a place."""
    for k, node in enumerate(nodes):
        others = np.delete(nodes, k)
        basis = float(np.prod((place - others) / (node - others)))
        if not sloping:
            yield basis, 0.0
            continue
        bend = 2.0 * float(np.sum(1.0 / (node - others))) * (place - node)
        yield basis**2 * (1.0 - bend), basis**2 * (place - node)
