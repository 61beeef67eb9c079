"""How fast Newton steps come near a minimiser, in the norm of its Hessian.

Let r = ||x - x*|| in the norm of H* = H(x*), let H be Lipschitz in it with constant K, and theta = K r.
Then the gradient at x is (H* + G)(x - x*) with ||G|| <= theta / 2, H(x) lies within (1 - theta) H* and
(1 + theta) H*, and is within theta / 2 of H* + G.  For a step by H~ with (1 - e) H <= H~ <= (1 + e) H,

    ||x+ - x*|| = ||H~^-1 (H~ - H* - G)(x - x*)|| <= r (e (1 + theta) + theta / 2) / ((1 - e)(1 - theta))

(derived here).  With e and theta at most 0.1 this is less than 0.2, within the 0.4 that the papers
promise (arXiv:2304.10411 and its siblings), and theta falls from step to step.
"""

from __future__ import annotations

import math

GOOD = 0.1
PROMISED = 0.4
_MOST_STEPS = 100_000


def contraction(theta: float, epsilon: float) -> float:
    """Return by what factor a Newton step brings x nearer at least, in the norm of H(x*).

    Parameters
    ----------
    theta : float
        K ||x - x*||, in that norm.
    epsilon : float
        e, the spectral error of the Hessian that the step is made with.

    Examples
    --------
    >>> from newtonkit.certificates.contraction import contraction
    >>> contraction(0.1, 0.1) < 0.2
    True
    """
    if not (theta < 1.0 and epsilon < 1.0):
        return math.inf
    return (epsilon * (1.0 + theta) + 0.5 * theta) / ((1.0 - epsilon) * (1.0 - theta))


def steps_to(distance: float, goal: float, lipschitz: float, epsilon: float) -> int | None:
    """Return how many Newton steps lead from `distance` to `goal`; None if they need not contract."""
    steps = 0
    while distance > goal:
        factor = contraction(lipschitz * distance, epsilon)
        if factor >= 1.0 or steps >= _MOST_STEPS:
            return None
        distance *= factor
        steps += 1
    return steps


def promised_steps(distance: float, eps: float, curvature: float) -> int:
    """Return the papers' T = ceil(log(r0 / eps) / log 2.5), for eps in the norm of a Hessian >= curvature."""
    if not distance > 0.0:
        return 0
    gap = math.log(distance) - math.log(eps) - 0.5 * math.log(curvature)
    return max(math.ceil(gap / -math.log(PROMISED)), 0)
