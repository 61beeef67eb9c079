"""The regressions with a sum over rows by name: rescaled, softmax and their kin, cross-entropy."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from newtonkit.design import FloatArray
from newtonkit.problems.cross_entropy import SoftmaxLogLoss
from newtonkit.problems.documentation import documented
from newtonkit.problems.outer import OuterFunction
from newtonkit.problems.regressions import GroupedProblem, Regression
from newtonkit.problems.rows import Groups


@documented(
    "The target, on the scale of f / <f, 1>.",
    extra='\n    activation : {"exp", "cosh", "sinh"} or Activation, default "exp"\n        f.',
)
class RescaledRegression(Regression):
    """Rescaled regression: L(x) = 1/2 ||f - <f, 1> b||^2 plus penalties, f = f(A x + o).

    With r = f - <f, 1> b and c = <b, r>: gradient A^T (f' * (r - c)), Hessian
    A^T (diag(f'^2 + f'' * (r - c)) + U C U^T) A with U = [f', f' * b] and
    C = [[<b, b>, -1], [-1, 0]], plus those of the penalties (arXiv:2305.00660).
    Without penalty the loss of "exp" tends to 0 as all of u falls to minus infinity, and
    the loss of "sinh" is 0 at u = 0: such problems want a penalty or an offset.

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.RescaledRegression([[1.0, 0.0], [0.0, 1.0]], [0.3, 0.7], ridge=0.01)
    >>> nk.minimize(problem).success
    True
    """

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        activation: Any = "exp",
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
    ) -> None:
        super().__init__(
            A,
            b,
            structure="rescaled",
            activation=activation,
            groups=groups,
            sample_weight=sample_weight,
            ridge=ridge,
            penalty_weights=penalty_weights,
            offset=offset,
            fit_intercept=fit_intercept,
        )


@documented("The target, usually a distribution over the rows (of each group).")
class SoftmaxRegression(Regression):
    """Softmax regression: L(x) = 1/2 ||p - b||^2 plus penalties, p = exp(u) / <exp(u), 1>.

    With r = p - b and c = <p, r>: gradient A^T (p * (r - c)), Hessian
    A^T (diag(p * (r - c + p)) + U C U^T) A with U = [p, p * (p + r - c)] and
    C = [[<p, p>, -1], [-1, 0]], plus those of the penalties (arXiv:2304.10411).  Not
    convex.  Adding a constant to u changes nothing, so an intercept has no effect.

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.SoftmaxRegression([[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6])
    >>> nk.minimize(problem).success
    True
    """

    _name = "exp"

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
    ) -> None:
        super().__init__(
            A,
            b,
            structure="normalised",
            activation=self._name,
            groups=groups,
            sample_weight=sample_weight,
            ridge=ridge,
            penalty_weights=penalty_weights,
            offset=offset,
            fit_intercept=fit_intercept,
        )


@documented("The target, usually a distribution over the rows (of each group).")
class ResNetSoftmaxRegression(SoftmaxRegression):
    """ResNet + softmax regression: L(x) = 1/2 ||p - b||^2, p = f / <f, 1>, f = exp(u) + u.

    With v = (exp(u) + 1) / <f, 1>, e = exp(u) / <f, 1>, r = p - b and c = <p, r>:
    gradient A^T g with g = v * (r - c), Hessian A^T (diag(e * (r - c) + v^2) + U C U^T) A
    with U = [v, v * p + g] and C = [[<p, p>, -1], [-1, 0]], plus those of the penalties
    (arXiv:2309.13482).  Defined where <f, 1> > 0 in every group; no step crosses that
    border.

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.ResNetSoftmaxRegression([[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6])
    >>> nk.minimize(problem).success
    True
    """

    _name = "exp_plus_identity"


@documented(
    "The target, usually a distribution over the rows (of each group).",
    extra="\n    entropy_weight : float\n        gamma >= 0, the weight of creativity against reality.",
)
class EntropySoftmaxRegression(Regression):
    """Entropy-regularised softmax: L(x) = 1/2 ||p - b||^2 - gamma H(p) plus penalties.

    H(p) = -<p, log p> is the entropy (creativity), p the softmax of u (arXiv:2306.02295).
    With e = u - <p, u> the entropy adds gamma p * e to the gradient in u and to the second
    column of U, gamma p * (1 + e) to the diagonal of the Hessian in u, and -gamma to
    C[0, 0] of :class:`SoftmaxRegression` (derived here).

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> A, b = [[0.0], [1.0], [2.0]], [0.1, 0.3, 0.6]
    >>> plain = nk.minimize(nk.SoftmaxRegression(A, b)).x
    >>> creative = nk.minimize(nk.EntropySoftmaxRegression(A, b, entropy_weight=0.1)).x
    >>> bool(abs(creative[0]) < abs(plain[0]))
    True
    """

    def __init__(
        self,
        A: Any,
        b: ArrayLike,
        *,
        entropy_weight: float,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ridge: ArrayLike = 0.0,
        penalty_weights: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        fit_intercept: bool = False,
    ) -> None:
        super().__init__(
            A,
            b,
            structure="normalised",
            activation="exp",
            groups=groups,
            sample_weight=sample_weight,
            ridge=ridge,
            penalty_weights=penalty_weights,
            offset=offset,
            fit_intercept=fit_intercept,
            entropy_weight=entropy_weight,
        )


@documented("The counts or shares of each row, >= 0; one-hot within groups for choices.")
class SoftmaxCrossEntropy(GroupedProblem):
    """Softmax cross-entropy: L(x) = B log <exp(u), 1> - <b, u> plus penalties, B = <b, 1>.

    Gradient A^T (B p - b) and Hessian A^T (B diag(p) - B p p^T) A, with p the softmax of u,
    plus those of the penalties.  Convex.  With `groups` and one-hot b this is the
    conditional logit model of choice: L is minus its log-likelihood.

    {shared parameters}

    Examples
    --------
    >>> import newtonkit as nk
    >>> problem = nk.SoftmaxCrossEntropy(
    ...     [[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]], [0, 1, 0, 1, 1, 0], groups=[1, 1, 2, 2, 3, 3]
    ... )
    >>> nk.minimize(problem).x.round(6)
    array([0.693147])
    """

    def _outer(
        self,
        b: FloatArray,
        groups: Groups,
        row_weights: FloatArray | None,
        group_weights: FloatArray | None,
    ) -> OuterFunction:
        if (b < 0.0).any():
            raise ValueError(f"b must be at least 0, got {b.min()}")
        return SoftmaxLogLoss(b, groups, row_weights, group_weights)
