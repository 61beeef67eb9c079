"""Certificates: what has been proved about a point, rounding errors included."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from newtonkit.certificates.contraction import GOOD, promised_steps, steps_to
from newtonkit.certificates.wording import in_words
from newtonkit.options import checked_number

StepMethod = Literal["exact", "sampled", "sketched"]
METHODS: tuple[str, ...] = get_args(StepMethod)
USUAL_EPSILON = 0.1


@dataclass(frozen=True)
class Region:
    """Where Newton steps are known to contract, in the norm of the Hessian at the minimiser.

    Attributes
    ----------
    distance : float
        At least ||x - x*|| in the norm of H(x*).
    lipschitz : float
        K, a Lipschitz constant of the Hessian in that norm, as far as steps from x may lead.
    curvature : float
        At most the smallest eigenvalue of H(x*).
    """

    distance: float
    lipschitz: float
    curvature: float

    @property
    def theta(self) -> float:
        """K ||x - x*||."""
        return self.lipschitz * self.distance


@dataclass(frozen=True)
class Certificate:
    """What :func:`newtonkit.certify` has proved about a point x.

    All of it is about L as a function of real numbers, with the data and x as they are stored:
    rounding errors made on the way are bounded, and counted against the proof.

    Attributes
    ----------
    proven : bool
        Whether there is a minimiser x* of L within `radius` of x: the gradient is 0 there and the Hessian
        positive definite.  False says nothing against x, see `reason`.
    radius : float
        ||x - x*|| is at most this; inf where nothing is proven.
    unique_within : float
        There is no other stationary point nearer to x than this; 0 where nothing is proven.
    l : float
        At most the smallest eigenvalue of the Hessian on the ball of `radius` about x; at x itself where
        nothing is proven.  It may be negative, and is -inf where nothing is known.
    M : float
        At least the Lipschitz constant of the Hessian on the same ball; inf where nothing is known.
    in_good_region : bool
        Whether L is known to be (l, M)-good at x, as the papers say: ||x - x*|| M <= 0.1 l.
    in_contraction_region : bool
        The same in the norm of the Hessian at x*, which is what Newton steps contract in, see
        :meth:`steps`.  It holds much farther away where the Hessian is ill-conditioned.
    attainable : float
        How near to x* iterates in float64 are sure to come; :meth:`steps` promises nothing nearer.  It is
        inf where that is not known.
    reason : str
        Why nothing is proven; empty where it is.
    region : Region or None
        What :meth:`steps` goes by; None where no contraction is known.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.random.default_rng(0).normal(size=(200, 3))
    >>> problem = nk.ExpRegression(A, np.exp(A @ [0.5, -0.3, 0.1]))
    >>> certificate = nk.certify(problem, nk.minimize(problem).x)
    >>> certificate.proven, certificate.radius < 1e-8 < certificate.unique_within
    (True, True)
    >>> nk.certify(problem, np.zeros(3)).reason
    'The gradient is too large for the curvature: a Newton step may leave the region of convergence.'
    """

    proven: bool
    radius: float
    unique_within: float
    l: float  # noqa: E741  (the papers' symbol)
    M: float
    in_good_region: bool
    in_contraction_region: bool
    attainable: float = math.inf
    reason: str = ""
    region: Region | None = field(default=None, repr=False)

    def steps(
        self, eps: float, method: StepMethod = "sampled", *, epsilon: float = USUAL_EPSILON
    ) -> int | None:
        """Return how many steps lead from x to within `eps` of x*, by theory.

        Parameters
        ----------
        eps : float
            The Euclidean distance from x* that is to be reached, > 0.
        method : {"sampled", "exact", "sketched"}, default "sampled"
            "exact" makes steps with the Hessian itself, "sampled" with one of spectral error at most
            `epsilon`.  "sketched" ends its inner iterations at a residual of at most 0.03, in the norm of the
            preconditioner, and is counted like "sampled" at 0.1, which that amounts to; with one step
            more, for its first phase on a sample of the rows.
        epsilon : float, default 0.1
            The spectral error of sampled Hessians, less than 1; it is not used for the others.

        Returns
        -------
        int or None
            Enough full steps.  With theta = K ||x - x*||, K the Lipschitz constant of the Hessian in the norm
            of H(x*), each leaves at most (e (1 + theta) + theta / 2) / ((1 - e)(1 - theta)) of the
            distance in that norm, for a spectral error e (derived here).  Never more than the papers'
            T = ceil(log(r0 / eps) / log 2.5) for an `epsilon` of at most 0.1, but for the one step more of
            "sketched".  None where nothing is promised: x is not in the region of contraction, steps need
            not contract with that `epsilon`, or `eps` is below `attainable`.

        Raises
        ------
        TypeError
            If a number is none.
        ValueError
            If `eps` is not positive, `method` is unknown or `epsilon` not within 0 and 1.
        """
        eps, spectral = _checked(eps, method, epsilon)
        if self.radius <= eps:
            return 0
        if self.region is None or not self.in_contraction_region or eps < self.attainable:
            return None
        goal = eps * math.sqrt(self.region.curvature)
        steps = steps_to(self.region.distance, goal, self.region.lipschitz, spectral)
        return steps if steps is None or method != "sketched" else steps + 1

    def paper_steps(self, eps: float) -> int | None:
        """Return the papers' T = ceil(log(r0 / eps) / log 2.5), in the norm of H(x*); see :meth:`steps`.

        In the Euclidean norm this adds half the logarithm of the condition number.
        """
        eps, _ = _checked(eps, "sampled", USUAL_EPSILON)
        if self.region is None or not self.in_contraction_region:
            return None
        return promised_steps(self.region.distance, eps, self.region.curvature)

    def __str__(self) -> str:
        return in_words(self)


def _checked(eps: float, method: str, epsilon: float) -> tuple[float, float]:
    """Return the goal and the spectral error of steps, checked."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {method!r}")
    goal = checked_number(eps, "eps", positive=True)
    spectral = checked_number(epsilon, "epsilon", positive=True)
    if not spectral < 1.0:
        raise ValueError(f"epsilon must be less than 1, got {spectral}")
    if method == "exact":
        return goal, 0.0
    return goal, spectral if method == "sampled" else USUAL_EPSILON


def is_good(radius: float, lipschitz: float, lowest: float) -> bool:
    """Tell whether ||x - x*|| M <= 0.1 l holds."""
    return lowest > 0.0 and radius * lipschitz <= GOOD * lowest
