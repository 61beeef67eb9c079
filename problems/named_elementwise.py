"""The elementwise regressions by name: exp, cosh and sinh."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from newtonkit.problems.documentation import documented
from newtonkit.problems.regressions import Regression


class _Elementwise(Regression):
    """1/2 ||f(A x + o) - b||^2 for a fixed f."""

    _name: str

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
    ) -> None:
        super().__init__(
            A,
            b,
            structure="elementwise",
            activation=self._name,
            sample_weight=sample_weight,
            ridge=ridge,
            penalty_weights=penalty_weights,
            offset=offset,
            fit_intercept=fit_intercept,
        )


@documented("The target, best of order one or positive.", grouped=False)
class ExpRegression(_Elementwise):
    """Exp regression: L(x) = 1/2 ||exp(u) - b||^2 plus penalties, u = A x + o.

    Gradient A^T (f * r) and Hessian A^T diag(f * (f + r)) A, with f = exp(u) and
    r = f - b, plus those of the penalties.  Not convex where b > 2 f (arXiv:2303.15725).

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> nk.minimize(nk.ExpRegression([[1.0, 0.0], [1.0, 1.0]], [1.0, 2.0])).x.round(6) + 0.0
    array([0.      , 0.693147])
    """

    _name = "exp"


@documented("The target.", grouped=False)
class CoshRegression(_Elementwise):
    """Cosh regression: L(x) = 1/2 ||cosh(u) - b||^2 plus penalties, u = A x + o.

    Gradient A^T (sinh(u) * r) and Hessian A^T diag(sinh(u)^2 + cosh(u) * r) A, with
    r = cosh(u) - b, plus those of the penalties (arXiv:2303.15725).  Without offset,
    x = 0 is exactly stationary, and a saddle or a maximum where b > 1: the solver leaves
    it along negative curvature.  x and -x give the same loss.

    {shared parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> result = nk.minimize(nk.CoshRegression([[1.0], [2.0]], np.cosh([0.5, 1.0])))
    >>> np.abs(result.x).round(6)
    array([0.5])
    """

    _name = "cosh"


@documented("The target.", grouped=False)
class SinhRegression(_Elementwise):
    """Sinh regression: L(x) = 1/2 ||sinh(u) - b||^2 plus penalties, u = A x + o.

    Gradient A^T (cosh(u) * r) and Hessian A^T diag(cosh(u)^2 + sinh(u) * r) A, with
    r = sinh(u) - b, plus those of the penalties (arXiv:2303.15725).

    {shared parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> nk.minimize(nk.SinhRegression([[1.0], [2.0]], np.sinh([0.5, 1.0]))).x.round(6)
    array([0.5])
    """

    _name = "sinh"
