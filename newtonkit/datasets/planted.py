"""Problems made to measure: a planted solution on a design of known difficulty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike

from newtonkit.datasets.planted_checks import checked_settings
from newtonkit.datasets.planted_design import dense_design, sparse_design
from newtonkit.design import FloatArray, IntArray, as_design, one_blas_thread
from newtonkit.problems import (
    CoshRegression,
    EntropySoftmaxRegression,
    ExpRegression,
    Problem,
    RescaledRegression,
    ResNetSoftmaxRegression,
    SinhRegression,
    SoftmaxCrossEntropy,
    SoftmaxRegression,
)

__all__ = ["PLANTED_KINDS", "PlantedKind", "PlantedProblem", "make_planted"]

PlantedKind = Literal[
    "exp",
    "cosh",
    "sinh",
    "rescaled-exp",
    "rescaled-cosh",
    "rescaled-sinh",
    "softmax",
    "resnet-softmax",
    "entropy-softmax",
    "cross-entropy",
]
PLANTED_KINDS: tuple[str, ...] = get_args(PlantedKind)
"""What :func:`make_planted` can make."""

_ELEMENTWISE = ("exp", "cosh", "sinh")
# Their sum of f changes sign with u: it has to stay well above 0 in every group.
_SIGNED = ("rescaled-sinh", "resnet-softmax")
_MAKERS: dict[str, Callable[..., Problem]] = {
    "exp": ExpRegression,
    "cosh": CoshRegression,
    "sinh": SinhRegression,
    "rescaled-exp": partial(RescaledRegression, activation="exp"),
    "rescaled-cosh": partial(RescaledRegression, activation="cosh"),
    "rescaled-sinh": partial(RescaledRegression, activation="sinh"),
    "softmax": SoftmaxRegression,
    "resnet-softmax": ResNetSoftmaxRegression,
    "entropy-softmax": EntropySoftmaxRegression,
    "cross-entropy": SoftmaxCrossEntropy,
}
_CREATIVITY = 0.1


@dataclass(frozen=True, eq=False)
class PlantedProblem:
    """A problem with the solution it was made from; see :func:`make_planted`.

    Attributes
    ----------
    problem : Problem
        The problem.
    solution : ndarray, shape (d,)
        x*, from which the target was computed.  A minimiser if there is no noise, and not the
        only one for cosh, which is even: -x* is as good.
    A : ndarray or csr_array, shape (n, d)
        The design matrix.
    b : ndarray, shape (n,)
        The target.
    groups : ndarray of int, shape (n,), or None
        The group of each row; None where there is only one.
    heavy_rows : ndarray of int, shape (m,)
        The rows that carry the `coherence`, in increasing order; empty for coherence 0.
    kind : str
        What was asked for.

    Examples
    --------
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("softmax", 200, 4, condition=100.0, rng=0)
    >>> planted.problem, planted.A.shape, len(planted.heavy_rows)
    (SoftmaxRegression(n=200, d=4, groups=1), (200, 4), 0)
    """

    problem: Problem
    solution: FloatArray = field(repr=False)
    A: Any = field(repr=False)
    b: FloatArray = field(repr=False)
    groups: IntArray | None = field(repr=False)
    heavy_rows: IntArray = field(repr=False)
    kind: str


def make_planted(
    kind: PlantedKind,
    n: int,
    d: int,
    *,
    condition: float = 1.0,
    coherence: float = 0.0,
    density: float = 1.0,
    noise: float = 0.0,
    groups: int = 1,
    saturation: float = 3.0,
    dtype: DTypeLike = "float64",
    rng: int | np.random.Generator | None = None,
) -> PlantedProblem:
    """Make a problem whose solution is known, on a design of known difficulty.

    The design is A = sqrt(n) Q diag(s) V^T with orthonormal columns in Q; x* is drawn such
    that A x* is a random vector in the range of Q, in which all directions count the same
    whatever the condition, and the target is computed from it.

    Parameters
    ----------
    kind : {"exp", "cosh", "sinh", "rescaled-exp", "rescaled-cosh", "rescaled-sinh", "softmax", \
"resnet-softmax", "entropy-softmax", "cross-entropy"}
        The regression: the class of that name, with default options.
    n, d : int
        Rows and columns: n >= d for the first three kinds and n >= d + `groups` for the
        others, which see A only up to a constant in each group; d rows more with a
        `coherence` above 0.
    condition : float, default 1.0
        The condition number of A, at least 1: the singular values fall geometrically from
        sqrt(n) to sqrt(n) / condition.  Has to be 1 for d = 1.  At most 1e12.
    coherence : float, default 0.0
        The share of all leverage that d heavy rows carry, 0 <= coherence < 1: each of them
        has exactly this leverage score, the others share (1 - coherence) d.  At 0 there are
        no heavy rows, and the scores vary about d / n as chance will have it.
    density : float, default 1.0
        The share of nonzero entries, at least 1 / d; below 1 the design is a CSR array.
    noise : float, default 0.0
        The relative standard deviation of the target: every entry is multiplied by a
        log-normal factor of mean 1 and this standard deviation, which keeps its sign.  At
        most 1000.
    groups : int, default 1
        The number of groups of consecutive rows, equal in size up to one row; each has a
        softmax (or a sum) of its own.  Has to be 1 for "exp", "cosh" and "sinh".
    saturation : float, default 3.0
        The largest entry of |A x*|, above 0 and at most 100: exp(u) ranges within
        exp(-saturation) and exp(saturation), and the shares of a softmax within a factor
        exp(2 saturation).  At 0.1 every loss is nearly quadratic, at 10 a softmax lies on
        few rows, at 100 the curvature of all but one row is rounding.
    dtype : {"float64", "float32"}, default "float64"
        How the entries of A are kept.
    rng : int, numpy.random.Generator or None, default None
        Source of all randomness.  The same seed gives the same bits.

    Returns
    -------
    PlantedProblem
        The problem, x*, and the data they are made of.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of its range, or they do not go together.

    Notes
    -----
    Without noise x* is stationary to rounding, and a minimiser: the residual is zero, except
    for "cross-entropy", which is convex, and "entropy-softmax".  There, with p the softmax of
    u = A x*, t = u - <p, u> and gamma = 0.1 groups / n, the target is p + gamma (t - mean(t))
    in each group, which may be negative where p is small.  At its x* the Hessian in u is
    v -> sum (p^2 + gamma p) (v - <p, v>)^2 >= 0.  For "rescaled-sinh" and "resnet-softmax"
    rows change sign so that u >= 0 and the sums of f are positive; this alters neither
    singular values nor leverage scores.

    A sparse design keeps both promises, condition and coherence, exactly: its Q is made by
    plane rotations of pairs of rows, as in MATLAB's ``sprand(m, n, density, rc)``, until
    there are enough nonzeros, and V by rotations of pairs of columns, as many as the
    density allows (none at 1 / d, where the columns are orthogonal).  The density is met
    to within d entries, and up to the fill of the heavy rows, which have one or two
    nonzeros each.  What floating point cannot keep: singular values and leverage scores
    carry errors of about condition * 1e-16 (1e-7 for float32), relatively.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("exp", 500, 5, condition=1e3, rng=0)
    >>> result = nk.minimize(planted.problem, planted.solution + 0.01)
    >>> result.success, bool(np.allclose(result.x, planted.solution))
    (True, True)
    >>> round(float(np.linalg.cond(planted.A)), 6)
    1000.0
    """
    settings = checked_settings(
        PLANTED_KINDS, kind, n, d, condition, coherence, density, noise, groups, saturation, dtype
    )
    n, d, groups = settings.n, settings.d, settings.groups
    try:
        generator = np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng must be a seed, a Generator or None: {error}") from None
    with one_blas_thread():  # the same bits for any number of threads
        maker = dense_design if settings.density == 1.0 else sparse_design
        A, heavy_rows, direction = maker(settings, generator)
        u = A @ direction
        solution = direction * (settings.saturation / float(np.abs(u).max()))
        if kind in _SIGNED:
            A = _with_signs(A, np.where(u < 0.0, -1.0, 1.0))
        A = A.astype(settings.dtype, copy=False)
        u = as_design(A).product(solution)
        labels = np.arange(n, dtype=np.intp) * groups // n
        options: dict[str, Any] = {} if kind in _ELEMENTWISE or groups == 1 else {"groups": labels}
        if kind == "entropy-softmax":
            options["entropy_weight"] = _CREATIVITY * groups / n
        b = _target(kind, u, labels) * _noise_factors(settings.noise, n, generator)
    return PlantedProblem(
        problem=_MAKERS[kind](A, b, **options),
        solution=solution,
        A=A,
        b=b,
        groups=labels if groups > 1 else None,
        heavy_rows=heavy_rows,
        kind=kind,
    )


def _with_signs(A: Any, signs: FloatArray) -> Any:
    """Multiply rows by signs."""
    if isinstance(A, np.ndarray):
        A *= signs[:, None]
    else:
        A.data *= np.repeat(signs, np.diff(A.indptr))
    return A


def _target(kind: str, u: FloatArray, labels: IntArray) -> FloatArray:
    """Return the target for which u is stationary."""
    if kind in _ELEMENTWISE:
        return _activation(kind, u)
    rows = np.bincount(labels)
    starts = np.concatenate(([0], np.cumsum(rows)[:-1]))

    def sums(values: FloatArray) -> FloatArray:
        return np.add.reduceat(values, starts)[labels]

    if kind.startswith("rescaled"):
        f = _activation(kind.removeprefix("rescaled-"), u)
        return f / sums(f)
    f = np.exp(u) + u if kind == "resnet-softmax" else np.exp(u)
    p = f / sums(f)
    if kind != "entropy-softmax":
        return p
    surprise = u - sums(p * u)
    gamma = _CREATIVITY * len(rows) / len(u)
    return p + gamma * (surprise - sums(surprise) / rows[labels])


def _activation(name: str, u: FloatArray) -> FloatArray:
    functions: dict[str, Callable[[FloatArray], FloatArray]] = {
        "exp": np.exp,
        "cosh": np.cosh,
        "sinh": np.sinh,
    }
    values: FloatArray = functions[name](u)
    return values


def _noise_factors(noise: float, n: int, generator: np.random.Generator) -> FloatArray:
    """Return log-normal factors of mean 1 and standard deviation `noise`."""
    if noise == 0.0:
        return np.ones(n)
    log_variance = math.log1p(noise * noise)
    logs: FloatArray = math.sqrt(log_variance) * generator.standard_normal(n) - 0.5 * log_variance
    return np.exp(logs)
