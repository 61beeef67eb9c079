"""Taylor slopes: whether a gradient fits its value, and a Hessian its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import FloatArray
from newtonkit.problems.evaluation import Evaluation
from newtonkit.problems.problem import Problem
from newtonkit.problems.taylor import Line, SlopeTest, Verdict, product_size

_OPERATOR_TOLERANCE = 1e-9
_LARGEST_DENSE = 2000


@dataclass(frozen=True)
class DerivativeReport:
    """What :func:`check_derivatives` found, direction by direction.

    A verdict is "right" or "wrong" where a slope decided, "exact" where the remainder is
    nothing but rounding at every step (a loss that is quadratic along the direction has
    no third order; this counts as right), and "undecided" where rounding hides the slope.

    Attributes
    ----------
    gradient_slopes : tuple of float
        Slope of L(x + h v) - L(x) - h <g, v> in each direction; 2 is expected, 1 means that
        gradient and value do not fit.  NaN where there was no slope to see.
    hessian_slopes : tuple of float
        Slope of L(x + h v) - L(x) - h <g, v> - h^2/2 <v, H v>; 3 is expected, 2 means that
        the Hessian does not fit, 1 that the gradient does not.
    product_slopes : tuple of float
        Slope of ||g(x + h v) - g(x) - h H v||; 2 is expected, 1 means that the Hessian does
        not fit.
    gradient_verdicts, hessian_verdicts : tuple of str
        What the slopes say of the gradient and of the Hessian in each direction.  Where the
        gradient is wrong, the Hessian is judged by ``product_slopes`` alone.
    operator_error : float
        Largest relative difference between ``hess(x) @ v``, ``hessp(x, v)``, the array of
        the Hessian times v, and its diagonal; at most 1e-9 is expected.

    Examples
    --------
    >>> import newtonkit as nk
    >>> report = nk.check_derivatives(nk.SinhRegression([[1.0]], [2.0]), [0.3], rng=0)
    >>> report.ok, round(report.gradient_slope), round(report.hessian_slope)
    (True, 2, 3)
    """

    gradient_slopes: tuple[float, ...]
    hessian_slopes: tuple[float, ...]
    product_slopes: tuple[float, ...]
    gradient_verdicts: tuple[Verdict, ...]
    hessian_verdicts: tuple[Verdict, ...]
    operator_error: float

    @property
    def gradient_slope(self) -> float:
        """The median of `gradient_slopes`; NaN if no direction shows a slope."""
        return _median(self.gradient_slopes)

    @property
    def hessian_slope(self) -> float:
        """The median of `hessian_slopes`; NaN if no direction shows a slope."""
        return _median(self.hessian_slopes)

    @property
    def product_slope(self) -> float:
        """The median of `product_slopes`; NaN if no direction shows a slope."""
        return _median(self.product_slopes)

    @property
    def gradient_ok(self) -> bool:
        """Whether the gradient is right in some direction and wrong in none."""
        return _passes(self.gradient_verdicts)

    @property
    def hessian_ok(self) -> bool:
        """Whether the Hessian is right in some direction, wrong in none, and the same in all its forms."""
        return _passes(self.hessian_verdicts) and self.operator_ok

    @property
    def operator_ok(self) -> bool:
        """Whether products with the Hessian agree with its array."""
        return self.operator_error <= _OPERATOR_TOLERANCE

    @property
    def ok(self) -> bool:
        """Whether gradient and Hessian are both right."""
        return self.gradient_ok and self.hessian_ok

    @property
    def undecided(self) -> int:
        """How many of the verdicts, two in each direction, are undecided because of rounding."""
        return (*self.gradient_verdicts, *self.hessian_verdicts).count("undecided")

    def __str__(self) -> str:
        hessian = (
            f"Hessian {_sentence(self.hessian_verdicts)}: the second-order remainder falls like "
            f"{_power(self.hessian_slope)} (expected h^3; h^2 if wrong) and the change of the gradient less "
            f"h H v like {_power(self.product_slope)} (expected h^2; h if wrong)."
        )
        gradient = (
            f"Gradient {_sentence(self.gradient_verdicts)}: the first-order remainder of the loss falls like "
            f"{_power(self.gradient_slope)} (expected h^2; h, here or in the second order, if gradient and "
            "loss do not fit)."
        )
        lines = [
            gradient,
            hessian,
            f"Products with the Hessian {'agree' if self.operator_ok else 'DISAGREE'} with its array: "
            f"relative difference {self.operator_error:.1e}, expected at most {_OPERATOR_TOLERANCE:.0e}.",
        ]
        if self.undecided:
            lines.append(f"{self.undecided} verdicts are undecided: rounding hides the slope.")
        return "\n".join(lines)


def check_derivatives(
    problem: Problem,
    x: ArrayLike,
    *,
    rng: int | np.random.Generator | None = None,
    directions: int = 5,
) -> DerivativeReport:
    """Check the gradient and the Hessian of a problem at x by Taylor slopes.

    For a random direction v and steps h, each half the last, a right gradient g makes
    |L(x + h v) - L(x) - h <g, v>| fall like h^2, and a right Hessian H makes
    |L(x + h v) - L(x) - h <g, v> - h^2/2 <v, H v>| fall like h^3 and
    ||g(x + h v) - g(x) - h H v|| like h^2; a wrong one costs one power of h.  Steps begin
    where A x changes by 0.5 and end where rounding takes over.

    Parameters
    ----------
    problem : Problem
        Of any kind, above all one with an activation or an outer function of your own.
    x : array_like, shape (d,)
        Where to check.  A point with nothing special about it says most: at a point of
        symmetry, or where the loss is flat, errors may cancel.
    rng : int, numpy.random.Generator or None, default None
        Where the directions come from.
    directions : int, default 5
        How many directions to try, at least 1.  Each costs up to 31 values and gradients.

    Returns
    -------
    DerivativeReport
        ``report.ok`` says whether all is well, ``print(report)`` says it in sentences.

    Raises
    ------
    TypeError
        If `problem` is not a Problem, `x` does not hold real numbers, `directions` is not
        an integer, or `rng` is of the wrong type.
    ValueError
        If `x` does not have shape (d,), is not finite or lies where the loss is not,
        `directions` is less than 1, or `rng` is negative.

    Notes
    -----
    An error in the gradient is seen from about 1e-7, one in the Hessian from about 1e-5 of
    the size that it would have if nothing cancelled in it.  H @ v is compared with the
    Hessian as an array for d up to 2000.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> class PoissonLoss(nk.problems.RowwiseLoss):
    ...     def terms(self, u, b):
    ...         mean = np.exp(u)
    ...         return mean - b * u, mean - b, mean
    >>> A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> problem = nk.problems.Problem(A, PoissonLoss([1.0, 2.0, 5.0]))
    >>> report = nk.check_derivatives(problem, [0.1, 0.2], rng=0)
    >>> report.ok
    True
    >>> class SlipOfThePen(PoissonLoss):
    ...     def terms(self, u, b):
    ...         mean = np.exp(u)
    ...         return mean - b * u, mean - b, mean - b
    >>> problem = nk.problems.Problem(A, SlipOfThePen([1.0, 2.0, 5.0]))
    >>> report = nk.check_derivatives(problem, [0.1, 0.2], rng=0)
    >>> report.gradient_ok, report.hessian_ok
    (True, False)
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a Problem, got {type(problem).__name__}")
    if isinstance(directions, bool) or not isinstance(directions, int | np.integer):
        raise TypeError(f"directions must be an integer, got {directions!r}")
    if directions < 1:
        raise ValueError(f"directions must be at least 1, got {directions}")
    start = problem.evaluate(x)
    if not np.isfinite(start.x).all():
        raise ValueError("x must be finite, but holds NaN or infinity")
    if not np.isfinite(start.value):
        raise ValueError("x must lie where the loss is defined and finite, but the loss there is infinite")
    generator = _checked_generator(rng)
    vectors = [_direction(problem, generator) for _ in range(directions)]
    with np.errstate(over="ignore", invalid="ignore"):  # a wrong derivative may be infinite
        gradients, hessians, products = zip(*(Line(start, v).tests() for v in vectors), strict=True)
        operator_error = _operator_error(start, np.stack(vectors, axis=1))
    return DerivativeReport(
        gradient_slopes=tuple(test.slope for test in gradients),
        hessian_slopes=tuple(test.slope for test in hessians),
        product_slopes=tuple(test.slope for test in products),
        gradient_verdicts=tuple(test.verdict for test in gradients),
        hessian_verdicts=tuple(map(_both, gradients, hessians, products)),
        operator_error=operator_error,
    )


def _checked_generator(rng: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(f"rng must be a seed, a Generator or None: {error}") from None


def _direction(problem: Problem, rng: np.random.Generator) -> FloatArray:
    """Return a random direction in which every column of A has about the same weight."""
    lengths = problem.design.column_norms
    v = rng.standard_normal(problem.n_parameters) / np.where(lengths > 0.0, lengths, 1.0)
    return np.asarray(v / np.linalg.norm(v))


def _both(gradient: SlopeTest, hessian: SlopeTest, product: SlopeTest) -> Verdict:
    """Return the verdict on the Hessian; the second-order remainder needs a right gradient."""
    if gradient.verdict == "wrong":
        return product.verdict
    verdicts: tuple[Verdict, ...] = ("wrong", "right", "exact")
    for verdict in verdicts:
        if verdict in (hessian.verdict, product.verdict):
            return verdict
    return "undecided"


def _operator_error(start: Evaluation, vectors: FloatArray) -> float:
    """Return the largest relative difference between the forms in which a Hessian comes."""
    problem, hessian = start.problem, start.problem.hess(start.x)
    products = np.stack([hessian @ v for v in vectors.T], axis=1)
    others = [np.stack([problem.hessp(start.x, v) for v in vectors.T], axis=1), hessian @ vectors]
    errors: list[float] = []
    if problem.n_parameters <= _LARGEST_DENSE:
        dense = np.asarray(hessian)
        others.append(dense @ vectors)
        rows = problem.design.square_transposed_product(np.abs(start.hessian.row_diagonal))
        sizes = np.abs(np.diagonal(dense)) + rows + problem.ridge
        errors.append(_relative(np.abs(np.diagonal(dense) - hessian.diagonal()), sizes))
    a_v = problem.design.product(vectors)
    sizes = np.array([product_size(start, v, z) for v, z in zip(vectors.T, a_v.T, strict=True)])
    sizes += np.linalg.norm(products, axis=0)
    return max(*errors, *(_relative(np.linalg.norm(other - products, axis=0), sizes) for other in others))


def _relative(gaps: FloatArray, sizes: FloatArray) -> float:
    return float((gaps / np.where(sizes > 0.0, sizes, 1.0)).max())


def _median(slopes: Sequence[float]) -> float:
    seen = [slope for slope in slopes if not np.isnan(slope)]
    return float(np.median(seen)) if seen else float("nan")


def _passes(verdicts: Sequence[Verdict]) -> bool:
    return "wrong" not in verdicts and ("right" in verdicts or "exact" in verdicts)


def _power(slope: float) -> str:
    return "rounding" if np.isnan(slope) else f"h^{slope:.2f}"


def _sentence(verdicts: Sequence[Verdict]) -> str:
    wrong, undecided = verdicts.count("wrong"), verdicts.count("undecided")
    if wrong:
        return f"WRONG in {wrong} of {len(verdicts)} directions"
    if undecided == len(verdicts):
        return "undecided in all directions"
    return f"right in {len(verdicts) - undecided} of {len(verdicts)} directions"
