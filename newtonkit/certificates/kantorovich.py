"""The theorem of Newton and Kantorovich: from one point, a ball that holds exactly one zero.

Let F have an invertible derivative at 0 with ||F'(0)^-1 F(0)|| <= eta, and let F'(0)^-1 F' be Lipschitz
with constant kappa on the ball of radius rho about 0.  If h = kappa eta <= 1/2 and

    t* = (1 - sqrt(1 - 2 h)) / kappa = 2 eta / (1 + sqrt(1 - 2 h)) <= rho,

then F has a zero within t*, and no other within t** = (1 + sqrt(1 - 2 h)) / kappa, as far as rho
reaches (Kantorovich, Functional analysis and applied mathematics, 1948; with the best constants
Gragg and Tapia, Optimal error bounds for the Newton-Kantorovich theorem, 1974).  Where F is a
gradient and h < 1/2, its derivative at the zero is at least (1 - kappa t*) F'(0), and so the zero a
strict minimiser if F'(0) is positive definite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_ABOVE = 1.0 + 1e-12
_BELOW = 1.0 - 1e-12
_FIRST_REACH = 2.5
_REFINEMENTS = 4
_SHRINK = 1.0 / 16.0


@dataclass(frozen=True)
class NewtonBall:
    """A ball about the point that holds one zero.

    Attributes
    ----------
    within : float
        t*, at most this far is the zero.
    alone : float
        No other zero lies nearer than this.
    reach : float
        rho, on the ball of which `lipschitz` holds.
    lipschitz : float
        kappa for `within`.
    """

    within: float
    alone: float
    reach: float
    lipschitz: float


def newton_ball(newton_step: float, lipschitz_within: Callable[[float], float]) -> NewtonBall | None:
    """Return the ball about a point that the theorem gives, None if it gives none.

    Parameters
    ----------
    newton_step : float
        eta, a bound of the length of the Newton step from the point.
    lipschitz_within : callable
        kappa for a given rho; never falls as rho grows, and inf where there is no bound.
    """
    if not math.isfinite(newton_step):
        return None
    reach = _FIRST_REACH * newton_step
    lipschitz = lipschitz_within(reach)
    roots = zeros_of_majorant(newton_step, lipschitz)
    if roots is None or not roots[0] <= reach:
        return None
    alone = max(min(roots[1], reach), roots[0])
    wider = _widest(newton_step, lipschitz_within, reach, roots[1])
    return NewtonBall(roots[0], max(alone, wider), reach, lipschitz)


def zeros_of_majorant(newton_step: float, lipschitz: float) -> tuple[float, float] | None:
    """Return t* rounded up and t** rounded down; None unless h < 1/2."""
    product = 2.0 * newton_step * lipschitz * _ABOVE
    if not product < 1.0:
        return None
    root = math.sqrt(1.0 - product) * _BELOW
    far = math.inf if lipschitz == 0.0 else (1.0 + root) / lipschitz * _BELOW
    return 2.0 * newton_step / (1.0 + root) * _ABOVE, far


def _widest(newton_step: float, lipschitz_within: Callable[[float], float], near: float, far: float) -> float:
    """Return how far the zero is alone, for the best reach that is found from `near` to `far`."""
    if math.isinf(far):
        far = max(near, 1.0) / _SHRINK
    best = 0.0
    for _ in range(_REFINEMENTS):
        if not far > near:
            break
        roots = zeros_of_majorant(newton_step, lipschitz_within(far))
        alone = 0.0 if roots is None else min(roots[1], far)
        best = max(best, alone)
        if alone == far:
            break
        # The best reach lies between: there kappa is less than here, and t** more.
        far = math.sqrt(far * max(alone, near, _SHRINK**2 * far))
    return best
