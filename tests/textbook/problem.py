"""What a textbook problem is: a sum over elements of few variables each, differentiated by jets.

Numbers like "MGH 3" are those of More, Garbow and Hillstrom, Testing unconstrained
optimization software, ACM TOMS 7 (1981) 17-41, where sums of squares carry no factor 1/2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests import jets
from tests.jets import Jet


@dataclass(frozen=True)
class Textbook:
    """f(x) = sum of element(x[index[i]]) over the rows i of `index`.

    `minima` are the values of the known local minima, the least first.
    """

    name: str
    x0: tuple[float, ...]
    element: Callable[..., Jet]
    index: np.ndarray = field(repr=False)
    minima: tuple[float, ...]
    source: str
    _last: dict[bytes, tuple[float, np.ndarray, np.ndarray]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def start(self) -> np.ndarray:
        return np.array(self.x0, dtype=float)

    def _all(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return value, gradient and Hessian; the last point is kept."""
        x = np.asarray(x, dtype=float)
        key = x.tobytes()
        if key not in self._last:
            self._last.clear()
            with np.errstate(all="ignore"):
                jet = self.element(*jets.variables(x, self.index))
                self._last[key] = jets.assembled(jet, self.index, len(self.x0))
        return self._last[key]

    def fun(self, x: np.ndarray) -> float:
        return self._all(x)[0]

    def jac(self, x: np.ndarray) -> np.ndarray:
        return self._all(x)[1].copy()

    def hess(self, x: np.ndarray) -> np.ndarray:
        return self._all(x)[2].copy()


def squares(*residuals: Jet) -> Jet:
    """Return the sum of the squares."""
    total = residuals[0] * residuals[0]
    for r in residuals[1:]:
        total = total + r * r
    return total


def whole(d: int, rows: int = 1) -> np.ndarray:
    """Return the index of elements that each see all d variables."""
    return np.tile(np.arange(d), (rows, 1))


def neighbours(d: int, width: int, step: int = 1) -> np.ndarray:
    """Return the index of elements that each see `width` variables in a row."""
    first = np.arange(0, d - width + 1, step)
    return first[:, None] + np.arange(width)


def fit(name, model, t, y, x0, minima, source):
    """Return the least-squares fit of model(t, *parameters) to y."""
    t, y = np.asarray(t, dtype=float), np.asarray(y, dtype=float)
    return Textbook(name, x0, lambda *b: squares(model(t, *b) - y), whole(len(x0), len(t)), minima, source)


def is_minimum(problem: Textbook, x: np.ndarray, gtol: float = 1e-8) -> bool:
    """Tell by the problem's own derivatives; columns are brought to one scale first."""
    value, gradient, hessian = problem.fun(x), problem.jac(x), problem.hess(x)
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(hessian)), 1e-300))
    curvatures, vectors = np.linalg.eigh(scale[:, None] * hessian * scale)
    if curvatures[0] < -1e-8 * curvatures[-1]:
        return False
    known = any(
        abs(value - least) <= 1e-4 * abs(problem.fun(problem.start) - least) for least in problem.minima
    )
    if curvatures[0] < 1e-8 * curvatures[-1] and not known:
        return False  # a plateau on the way to infinity has no negative curvature either
    along = vectors.T @ (scale * gradient)
    promised = 0.5 * np.sum(along**2 / np.maximum(curvatures, 1e-10 * curvatures[-1]))
    decrease = problem.fun(problem.start) - value
    return bool(promised <= 0.1 * gtol * decrease + 1e-14 * abs(value))
