"""What every problem offers to proofs: bounds of its curvature."""

from __future__ import annotations

from typing import NamedTuple

from numpy.typing import ArrayLike

from newtonkit.options import checked_number


class CurvatureBounds(NamedTuple):
    """Bounds of the Hessian over a ball, in the Euclidean norm; see :meth:`Problem.curvature_bounds`.

    Attributes
    ----------
    l : float
        No eigenvalue of the Hessian in the ball is less; -inf where nothing is known.
    M : float
        The Hessian is M-Lipschitz in the ball, in the spectral norm; inf where nothing is known.

    Examples
    --------
    >>> from newtonkit.problems import CurvatureBounds
    >>> bounds = CurvatureBounds(l=2.0, M=0.5)
    >>> bounds.M * 0.1 <= 0.1 * bounds.l  # the papers' property 3, at 0.1 from the minimiser
    True
    """

    l: float  # noqa: E741  (the papers' letter)
    M: float


CurvatureBounds.l.__doc__ = "No eigenvalue of the Hessian in the ball is less."
CurvatureBounds.M.__doc__ = "The Hessian is M-Lipschitz in the ball."


class BoundedCurvature:
    """Methods of :class:`Problem` that bound its curvature."""

    def curvature_bounds(self, x: ArrayLike, radius: float) -> CurvatureBounds:
        """Return l and M over a ball: lowest curvature, and how fast the Hessian changes.

        For all y, z within `radius` of x, in the Euclidean norm,

            H(y) >= l I   and   ||H(y) - H(z)|| <= M ||y - z||,

        for the exact real function: the rounding of the computation is included.  M bounds the
        third derivative, row by row over what u = A x + offset can be in the ball; the derivation
        for each structure is in :mod:`newtonkit.problems.bounds.third_derivatives`.  l is the greatest of

        - lambda - M radius, with lambda <= the smallest eigenvalue of H(x);
        - the smallest eigenvalue of A^T diag(c + w^2) A + diag(ridge), where l'' >= diag(c) all
          over the ball, see :func:`newtonkit.problems.bounds.lower_curvature.curvature_weights`; for a
          softmax with curvature >= 0 in all rows the rows are less their mean under c;
        - the least ridge, where c + w^2 >= 0.

        Parameters
        ----------
        x : array_like, shape (d,)
            The centre of the ball.
        radius : float
            Its radius, >= 0.

        Returns
        -------
        CurvatureBounds
            (l, M); -inf and inf where nothing is known.

        Raises
        ------
        TypeError
            If an argument does not hold real numbers, or the loss or its activation is of one's
            own and does not bound its derivatives (``ranges``).
        ValueError
            If `x` is not finite or not of shape (d,), or `radius` is negative or not finite.

        Examples
        --------
        >>> import newtonkit as nk
        >>> problem = nk.ExpRegression([[1.0], [2.0]], [1.0, 1.0])
        >>> l, M = problem.curvature_bounds([0.0], 0.0)  # H = 5 and its derivative 27 at 0
        >>> round(l, 6), round(M, 6)
        (5.0, 27.0)
        """
        from newtonkit.problems.bounds.curvature_bounds import (  # noqa: PLC0415  (only for who proves)
            bounds_over_ball,
        )

        return bounds_over_ball(self, x, checked_number(radius, "radius"))  # type: ignore[arg-type]

    def paper_bounds(self, R: float) -> CurvatureBounds:
        """Return l and M in the worst case of the papers: all that is known is ||A|| <= R and ||x|| <= R.

        The papers assume both, and find (l, M) with M = exp(O(R^2)) and an l that the row
        penalty W provides: Lemma 6.1 and Lemma E.1 of arXiv:2306.02295 in the case of a softmax
        with entropy, for property 1 and 2 of its Definition 7.1.  The O(.) hides
        the constants; here they are derived anew, by the formulas of :meth:`curvature_bounds` with no more
        than the papers know: about x = 0 with radius R, every ||a_i|| <= R, so |u_i| <= R^2
        (and the offset), sums over rows by Cauchy and Schwarz, and the largest eigenvalue of
        A^T diag(c) A at most R^2 max c.  For the exp regression that is

            M = R^3 max_i s_i (4 exp(2 R^2) + |b_i| exp(R^2))   or less,

        and l = min(ridge) + sigma^2 min(w^2 + min(c, 0)), sigma the smallest singular value of A
        (R^2 in place of sigma^2 where the minimum is negative), l'' >= diag(c) for ||x|| <= R.

        Parameters
        ----------
        R : float
            At least ||A|| in the spectral norm; the bounds hold where ||x|| <= R.

        Returns
        -------
        CurvatureBounds
            (l, M); -inf and inf where they overflow, as they do from R = 20 or so on: columns of
            raw data may well have such a norm.

        Raises
        ------
        TypeError
            If `R` is not a number, or as in :meth:`curvature_bounds`.
        ValueError
            If `R` is not finite, or less than the spectral norm of A.

        Examples
        --------
        >>> import newtonkit as nk
        >>> problem = nk.ExpRegression([[0.6], [0.8]], [1.0, 1.0])
        >>> l, M = problem.paper_bounds(1.0)
        >>> round(M, 2), problem.curvature_bounds([0.0], 1.0).M < M
        (26.84, True)
        """
        from newtonkit.problems.bounds.curvature_bounds import (  # noqa: PLC0415  (only for who proves)
            worst_case_bounds,
        )

        return worst_case_bounds(self, checked_number(R, "R"))  # type: ignore[arg-type]
