"""``certify``: a proof, by one evaluation, that a minimiser is near.

In coordinates z with x + X z, X a transform with ||X^T H(x) X - I|| <= e, the gradient is F(z) =
X^T grad L(x + X z).  With the gradient g and its error from double-double arithmetic, e from
:func:`newtonkit.problems.bounds.verified.verified_hessian` and a bound K of the third derivative along
X, the theorem of Newton and Kantorovich applies with

    eta = (||X^T g|| + error) / (1 - e)   and   kappa = K / (1 - e),

invariant under a change of coordinates, and therefore as sharp for an ill-conditioned Hessian as for
any.  The zero lies at -(I + E)^-1 (X^T g + q), ||q|| <= K t*^2 / 2, whence its distance in x.
Without a transform (too many columns) the same is done with X = I and the lowest eigenvalue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.certificates.certificate import Certificate, Region, is_good
from newtonkit.certificates.contraction import GOOD
from newtonkit.certificates.gradients import enclosed_gradient
from newtonkit.certificates.kantorovich import NewtonBall, newton_ball
from newtonkit.certificates.support import require_support
from newtonkit.convergence import GRADIENT_FLOOR
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.design.door import as_vector
from newtonkit.options import point_of
from newtonkit.problems import Problem
from newtonkit.problems.bounds.curvature_bounds import bounds_about
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.third_derivatives import third_derivative_bound
from newtonkit.problems.bounds.verified import VerifiedHessian, length, spectral_norm, verified_hessian
from newtonkit.problems.outer import quiet

if TYPE_CHECKING:
    from newtonkit.problems.evaluation import Evaluation

_LEAST = 1e-200  # of a curvature: below, products of it leave the range of floats
_EPS = float(np.finfo(float).eps)
_ABOVE = 1.0 + 1e-10
_NOT_FINITE = "The value, the gradient or the Hessian is not finite at x."
_NOT_POSITIVE = "The Hessian at x is not known to be positive definite, rounding errors considered."
_NO_BOUND = "There is no bound of the third derivative near x."
_TOO_FAR = "The gradient is too large for the curvature: a Newton step may leave the region of convergence."


def certify(problem: Problem, x: ArrayLike) -> Certificate:
    """Prove, if possible, that there is a minimiser near a point.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    x : array_like, shape (d,), or MinimizeResult
        The point, such as ``newtonkit.minimize(problem).x``.

    Returns
    -------
    Certificate
        What is proved: how far a minimiser is at most, how far it is alone, how fast Newton steps
        come near it; or, with ``proven=False``, why nothing is.

    Raises
    ------
    TypeError
        If `problem` is no newtonkit problem or is made with an activation or loss of one's own, or `x`
        does not hold real numbers.
    ValueError
        If `x` does not have shape (d,) or is not finite.

    Notes
    -----
    The proof is the theorem of Newton and Kantorovich in the norm of the Hessian (Kantorovich,
    Functional analysis and applied mathematics, 1948; Gragg and Tapia, Optimal error bounds for the
    Newton-Kantorovich theorem, 1974).  It takes the gradient in double-double arithmetic, one Hessian with
    bounds of its rounding errors and a few bounds of the third derivative, each about n d^2
    operations, and some arrays of d x d; with more than 4000 columns no such array is formed, and
    only a ridge on a convex loss is seen.  The error bounds are those of summation in any order, and
    of the elementary functions of NumPy to 8 units in the last place.  Rows of a Kronecker product
    that had to be gathered by group are taken as they were gathered, rounded.

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.SinhRegression([[1.0], [2.0]], [0.5, 1.2])
    >>> certificate = nk.certify(problem, nk.minimize(problem).x)
    >>> certificate.proven, certificate.in_good_region, certificate.steps(1e-6)
    (True, True, 0)
    """
    require_support(problem)
    point = as_vector(point_of(x, "x"), "x", problem.n_parameters)
    with quiet(), one_blas_thread():
        return _judged(problem.evaluate(point), *enclosed_gradient(problem, point))


def _judged(evaluation: Evaluation, gradient: FloatArray, error: FloatArray) -> Certificate:
    """Return what is proved of a point with a known gradient."""
    if not (np.isfinite(evaluation.value) and np.isfinite(evaluation.gradient).all()):
        return unproven(_NOT_FINITE)
    hessian = verified_hessian(evaluation)
    is_positive = hessian.lowest > _LEAST
    if is_positive:
        frame = _Frame.of(evaluation, hessian, gradient, error)
        ball = newton_ball(frame.newton_step, frame.lipschitz_within)
        if ball is not None:
            return _proven(frame, ball, hessian)
    lipschitz = third_derivative_bound(evaluation, 0.0)
    reason = _NOT_POSITIVE if not is_positive else _TOO_FAR if math.isfinite(lipschitz) else _NO_BOUND
    return unproven(reason, hessian.lowest, lipschitz)


def unproven(reason: str, lowest: float = -math.inf, lipschitz: float = math.inf) -> Certificate:
    """Return the certificate of a point of which nothing is proved."""
    return Certificate(False, math.inf, 0.0, lowest, lipschitz, False, False, reason=reason)


def _proven(frame: _Frame, ball: NewtonBall, hessian: VerifiedHessian) -> Certificate:
    """Return the certificate that a ball in z amounts to in x."""
    radius = frame.distance(ball)
    bounds = bounds_about(frame.evaluation, radius, hessian)
    region = frame.region(ball)
    return Certificate(
        proven=True,
        radius=radius,
        unique_within=ball.alone * frame.inner_share,
        l=bounds.l,
        M=bounds.M,
        in_good_region=is_good(radius, bounds.M, bounds.l),
        in_contraction_region=region is not None and region.theta <= GOOD,
        attainable=frame.attainable,
        region=region,
    )


@dataclass(frozen=True)
class _Frame:
    """The coordinates z of a proof, and what is known of the gradient and the Hessian in them.

    Attributes
    ----------
    evaluation : Evaluation
        The point.
    transform : ndarray of shape (d, d), or None
        X; None for X = I.
    lowest : float
        At most the smallest eigenvalue of X^T H X.
    defect : float
        At least ||X^T H X - I||; inf without a transform.
    stretch : float
        At least ||X||.
    inner_share : float
        The ball of this times rho in x lies in the ball of rho in z.
    slopes : float
        At least ||X^T g|| for the true gradient g.
    move : float
        At least ||X X^T g||.
    attainable : float
        How near the minimiser float64 is sure to come, in x.
    """

    evaluation: Evaluation
    transform: FloatArray | None
    lowest: float
    defect: float
    stretch: float
    inner_share: float
    slopes: float
    move: float
    attainable: float

    @classmethod
    def of(
        cls, evaluation: Evaluation, hessian: VerifiedHessian, gradient: FloatArray, error: FloatArray
    ) -> _Frame:
        """Return the frame of a point where the lowest eigenvalue is positive, for a known gradient."""
        X = hessian.transform
        if X is None:
            whole = length(gradient) + length(error)
            return cls(evaluation, None, hessian.lowest, math.inf, 1.0, 1.0, whole, whole, math.inf)
        size, stretch = np.abs(X), spectral_norm(X)
        slopes = X.T @ gradient
        doubt = size.T @ (error + 2.0 * len(X) * _EPS * np.abs(gradient))
        move = X @ slopes
        unsure = size @ (doubt + 2.0 * len(X) * _EPS * np.abs(slopes))
        return cls(
            evaluation,
            X,
            1.0 - hessian.defect,
            hessian.defect,
            stretch,
            math.sqrt((1.0 - hessian.defect) / hessian.highest) / _ABOVE,
            length(slopes) + length(doubt),
            length(move) + length(unsure),
            stretch * (stretch * _floor(evaluation) + _drift(evaluation, stretch)),
        )

    @property
    def newton_step(self) -> float:
        """A bound of the length of the Newton step in z."""
        return self.slopes / self.lowest * _ABOVE

    def third_derivative(self, reach: float) -> float:
        """Return K for the ball of `reach` in z."""
        return third_derivative_bound(self.evaluation, reach, self.transform)

    def lipschitz_within(self, reach: float) -> float:
        """Return kappa = K / (1 - e) for the ball of `reach` in z."""
        return self.third_derivative(reach) / self.lowest * _ABOVE

    def distance(self, ball: NewtonBall) -> float:
        """Return a bound of ||x - x*||."""
        plain = self.stretch * ball.within
        if self.transform is None:
            return plain * _ABOVE
        curved = 0.5 * ball.lipschitz * ball.within**2
        beside = self.defect / self.lowest * self.slopes + curved
        return min(plain, self.move + self.stretch * beside) * _ABOVE

    def region(self, ball: NewtonBall) -> Region | None:
        """Return where steps contract, None if the bounds do not reach as far as steps may lead."""
        if self.transform is None:
            return None
        change = ball.lipschitz * self.lowest * ball.within
        least, most = self.lowest - change, 1.0 + self.defect + change
        if not least > 0.0:
            return None
        # Iterates stay within the ball about x* in the norm of H(x*) that goes through x.
        needed = ball.within * (1.0 + math.sqrt(most / least)) * _ABOVE
        constant = ball.lipschitz * self.lowest
        if needed > ball.reach:
            constant = self.third_derivative(needed)
        if not math.isfinite(constant):
            return None
        distance = math.sqrt(most) * ball.within * _ABOVE
        return Region(distance, constant / least**1.5 * _ABOVE, least / (self.stretch * _ABOVE) ** 2)


def _floor(evaluation: Evaluation) -> float:
    """Return how small a gradient the solver is sure to reach in float64."""
    return GRADIENT_FLOOR * evaluation.gradient_scale


def _drift(evaluation: Evaluation, stretch: float) -> float:
    """Return how far rounding of u may move the minimiser, in z.

    X^T A^T (diag(D) + U C U^T) delta for a rounding delta of u; where it is convex, as for rows less
    their centre, it is no longer than sqrt(D) delta.
    """
    hessian, error = evaluation.hessian, RowBall.about(evaluation, 0.0, None).error
    size = np.abs(hessian.row_diagonal)
    if hessian.is_positive:
        return length(np.sqrt(size) * error)
    moved = size * error
    if hessian.low_rank is not None:
        groups, columns = evaluation.problem.outer.groups, np.abs(hessian.low_rank)
        pulls = np.add.reduceat(columns * error[:, None], groups.starts)
        pulls = np.matmul(np.abs(hessian.cores), pulls[:, :, None])[:, :, 0]
        moved = moved + (columns * np.repeat(pulls, groups.counts, axis=0)).sum(axis=1)
    return stretch * float(np.dot(moved, evaluation.problem.design.row_norms))
