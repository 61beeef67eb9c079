"""The least eigenvalue of H relative to P, by a three-term recurrence that keeps no basis.

With p_k = P q_k and <q_j, p_k> = delta_jk,

    beta_k p_{k+1} = H q_k - alpha_k p_k - beta_{k-1} p_{k-1},     q_{k+1} = P^-1 p_{k+1},

and the eigenvalues of the tridiagonal matrix of all alpha and beta are Ritz values of H relative
to P (Lanczos, An iteration method for the solution of the eigenvalue problem of linear
differential and integral operators, 1950).  Only P^-1 is applied.

Without reorthogonalisation rounding brings the start back, and Ritz values that have converged
come a second time.  That is safe for what is asked here: every computed Ritz value still lies
within rounding of the spectrum of H relative to P, and the least goes on falling to the end of it
(Paige, Accuracy and effectiveness of the Lanczos algorithm for the symmetric eigenproblem, 1980).
So a value that is clearly negative proves that there is negative curvature, and a copy of the
least says the same as the least.  Its vector is made by running the recurrence again, and
whoever takes it computes its curvature anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray

Operator = Callable[[FloatArray], FloatArray]
_EXHAUSTED = 1e-10


@dataclass(frozen=True)
class LeastRitz:
    """Where the recurrence has come to.

    Attributes
    ----------
    value : float
        The least Ritz value; NaN if a product was not finite.
    left : float
        The norm of the residual of its vector, of length 1 under P, under P^-1.
    weights : ndarray, shape (k,)
        Its coordinates in q_1, ..., q_k.
    """

    value: float
    left: float
    weights: FloatArray


@dataclass
class _State:
    """q_k and p_k, p_{k-1}, beta_{k-1}: all that the recurrence needs."""

    q: FloatArray
    p: FloatArray
    former: FloatArray
    beta: float

    @classmethod
    def begun(cls, solve: Operator, start: FloatArray) -> _State | None:
        """Return the state for p_1 along `start`, None if there is no length."""
        state = cls(start, np.zeros_like(start), start, 0.0)
        if not state.go_on_to(solve, start) > 0.0:
            return None
        state.beta = 0.0
        return state

    def go_on_to(self, solve: Operator, left: FloatArray) -> float:
        """Take `left` as the next beta p, and return beta; if that is 0 or not finite, change nothing."""
        q = solve(left)
        square = float(left @ q)
        if not 0.0 < square < np.inf:
            return 0.0 if square <= 0.0 else np.nan
        beta = float(np.sqrt(square))
        self.former, self.p, self.q, self.beta = self.p, left / beta, q / beta, beta
        return beta

    def product(self, times: Operator) -> tuple[float, FloatArray]:
        """Return alpha_k, and what the next p is along."""
        left = times(self.q)
        alpha = float(self.q @ left)
        left = left - alpha * self.p
        left -= self.beta * self.former
        return alpha, left


def least_ritz(
    times: Operator,
    solve: Operator,
    start: FloatArray,
    most: int,
    is_clear: Callable[[int, float, float], bool],
) -> LeastRitz:
    """Return the least Ritz value of H relative to P once it is clear, or after `most` products.

    Parameters
    ----------
    times, solve : callable
        Products with H and with P^-1, both symmetric, for vectors (rank,).
    start : ndarray, shape (rank,)
        p_1, of any length.
    most : int
        Limit on products.
    is_clear : callable
        Given the number of products, the value and the norm of its residual, tells whether they are
        enough.

    Returns
    -------
    LeastRitz

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.approximate.lanczos import least_ritz
    >>> h = np.array([3.0, -1.0, 2.0])
    >>> found = least_ritz(lambda z: h * z, lambda z: z, np.ones(3), 3, lambda k, value, left: False)
    >>> round(found.value, 12)
    -1.0
    """
    nothing = LeastRitz(np.nan, np.inf, np.zeros(0))
    state, found = _State.begun(solve, start), nothing
    if state is None:
        return nothing
    alphas: list[float] = []
    betas: list[float] = []
    while len(alphas) < most:
        alpha, left = state.product(times)
        if not np.isfinite(alpha):
            return nothing
        alphas.append(alpha)
        beta = state.go_on_to(solve, left)
        if np.isnan(beta):
            return nothing
        values, vectors = scipy.linalg.eigh_tridiagonal(alphas, betas, select="i", select_range=(0, 0))
        weights = np.asarray(vectors[:, 0], dtype=np.float64)
        found = LeastRitz(float(values[0]), beta * abs(float(weights[-1])), weights)
        size = max(map(abs, alphas))
        if beta <= _EXHAUSTED * size or is_clear(len(alphas), found.value, found.left):
            break
        betas.append(beta)
    return found


def ritz_vector(times: Operator, solve: Operator, start: FloatArray, weights: FloatArray) -> FloatArray:
    """Return sum_k weights_k q_k, by the same recurrence once more; one product less than it took.

    Parameters
    ----------
    times, solve, start
        See :func:`least_ritz`; exactly those that were given there.
    weights : ndarray, shape (k,)
        The coordinates that it returned.

    Returns
    -------
    ndarray, shape (rank,)

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.approximate.lanczos import least_ritz, ritz_vector
    >>> given = lambda z: np.array([3.0, -1.0, 2.0]) * z, lambda z: z, np.ones(3)
    >>> found = least_ritz(*given, 3, lambda k, value, left: False)
    >>> np.abs(ritz_vector(*given, found.weights)).round(9)
    array([0., 1., 0.])
    """
    state = _State.begun(solve, start)
    assert state is not None  # else there were no weights
    out: FloatArray = weights[0] * state.q
    for weight in weights[1:]:
        state.go_on_to(solve, state.product(times)[1])
        out += weight * state.q
    return out
