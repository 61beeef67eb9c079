"""What is needed to watch a solve near its minimum: x*, distances in the H(x*) norm, Newton steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import newtonkit as nk
from newtonkit.datasets import PlantedProblem
from newtonkit.design import FloatArray
from newtonkit.prediction.minimum import PARTS, carried, length, newton_step
from newtonkit.prediction.spectra import SolverSamples

# Inside the (l, M)-good region r M <= 0.1 l, an exact Newton step leaves at most
# (M r / 2) / (l - M r) <= 0.05 / 0.9 of the error.
NEWTON_NEAR = 0.05 / 0.9
_FLOOR = 10.0


@dataclass(frozen=True)
class Minimum:
    """The minimum of a planted problem.

    Attributes
    ----------
    x : ndarray, shape (d,)
        x*: the planted solution or the exact method's, whichever leaves the shorter Newton step.
    source : str
        Which of the two.
    left_planted, left_exact : float
        The length of the Newton step that is left at each, in the H(x*) norm.
    left_carried : float
        The longest Newton step left at x* when A x* is not computed at once but as A y + A (x* - y),
        as a solver carries it along steps: the rounding of A x*, which no iterate can escape.
    apart : float
        How far the two are apart.
    hessian : StructuredHessian
        H(x*).
    """

    x: FloatArray
    source: str
    left_planted: float
    left_exact: float
    left_carried: float
    apart: float
    hessian: Any

    @property
    def floor(self) -> float:
        """Distances below this may be rounding: ten times what different ways to x* differ by."""
        return _FLOOR * max(self.apart, self.left_planted, self.left_exact, self.left_carried)


def minimum(planted: PlantedProblem, gtol: float = 1e-14) -> Minimum:
    """Return x*, found in two ways."""
    problem = planted.problem
    exact = nk.minimize(problem, method="exact", gtol=gtol).x
    evaluations = [problem.evaluate(x) for x in (planted.solution, exact)]
    hessian = evaluations[0].hessian
    left = [length(hessian, newton_step(evaluation)) for evaluation in evaluations]
    apart = length(hessian, exact - planted.solution)
    best = int(left[1] < left[0])
    x, hessian = evaluations[best].x, evaluations[best].hessian
    carried_on = [newton_step(carried(problem, x, part)) for part in PARTS]
    longest = max(length(hessian, step) for step in carried_on)
    return Minimum(x, ("planted", "exact")[best], left[0], left[1], longest, apart, hessian)


def newton_contraction(planted: PlantedProblem, least: Minimum, x: FloatArray) -> float:
    """Return the factor by which one exact Newton step from x reduces the distance to x*."""
    evaluation = planted.problem.evaluate(x)
    before = length(least.hessian, x - least.x)
    after = length(least.hessian, x + newton_step(evaluation) - least.x)
    return after / before if before > 0.0 else 0.0


def spectral_errors(planted: PlantedProblem, least: Minimum, epsilon: float, draws: int) -> list[float]:
    """Return max |lambda - 1| over the eigenvalues of H~ relative to H at x*, for some draws of H~."""
    samples = SolverSamples(planted.problem, least.x)
    return [samples.error(epsilon, seed).error for seed in range(draws)]
