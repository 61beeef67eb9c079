"""The truth that certificates are judged by: sixty digits, from the definitions of the losses alone.

Nothing here is shared with the package.  With u = A x + o, f the activation, s the
multiplicities of the rows and t the weight of a group, every loss is a sum over groups of t l,
plus 1/2 <w^2, (A x)^2> + 1/2 <ridge x, x>.  Each l comes with l' and with its second
derivative as diag(D) + U C U^T; a test differentiates l and l' numerically, also in sixty
digits, so that neither rests on the algebra.

The same formulas run on mpmath numbers and on NumPy's long doubles (for what needs speed
rather than digits, such as third derivatives to a few places).  Arrays of mpmath numbers stand to the left of
scalars: the other way mpmath prints the array before it gives up and lets NumPy do the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import mpmath
import numpy as np

Array = np.ndarray
DIGITS = mpmath.mp.clone()
DIGITS.dps = 60
CONVERGED = 1e-40


@dataclass(frozen=True)
class Numbers:
    """A kind of numbers: how to make an array of them, and functions of such arrays (log: of one)."""

    array: Callable[[Any], Array]
    exp: Callable[[Array], Array]
    cosh: Callable[[Array], Array]
    sinh: Callable[[Array], Array]
    log: Callable[[Any], Any]


def _digits(values: Any) -> Array:
    values = np.asarray(values)
    flat = [v if isinstance(v, DIGITS.mpf) else DIGITS.mpf(float(v)) for v in values.ravel()]
    out = np.empty(len(flat), dtype=object)
    out[:] = flat
    return out.reshape(values.shape)


def _each(function: Any) -> Callable[[Array], Array]:
    return lambda u: _digits([function(v) for v in u])


SIXTY = Numbers(_digits, *map(_each, (DIGITS.exp, DIGITS.cosh, DIGITS.sinh)), DIGITS.log)
LONG = Numbers(lambda values: np.asarray(values).astype(np.longdouble), np.exp, np.cosh, np.sinh, np.log)


@dataclass(frozen=True)
class Outer:
    """The loss of one group: l, l', D, U as a list of columns, C as nested lists."""

    value: Any
    slope: Array
    diagonal: Array
    columns: list[Array]
    core: list[list[Any]]


def activation(name: str, u: Array, numbers: Numbers) -> tuple[Array, Array, Array]:
    """Return f, f', f''."""
    if name.startswith("power"):
        k = int(name[5:])
        return u**k, k * u ** (k - 1), k * (k - 1) * u ** max(k - 2, 0)
    if name.startswith("exp"):
        e = numbers.exp(u)
        return (e, e, e) if name == "exp" else (e + u, e + 1, e)
    even, odd = numbers.cosh(u), numbers.sinh(u)
    return (even, odd, even) if name == "cosh" else (odd, even, odd)


def _elementwise(f: Any, s: Array, b: Array) -> Outer:
    r = f[0] - b
    return Outer((s * r) @ r / 2, s * f[1] * r, s * (f[1] * f[1] + f[2] * r), [], [])


def _rescaled(f: Any, s: Array, b: Array) -> Outer:
    r = f[0] - b * (s @ f[0])
    pull = r - (s * b) @ r
    columns = [s * f[1], s * f[1] * b]
    core = [[(s * b) @ b, -1], [-1, 0]]
    return Outer((s * r) @ r / 2, s * f[1] * pull, s * (f[1] * f[1] + f[2] * pull), columns, core)


def _normalised(f: Any, s: Array, b: Array, u: Array, gamma: Any, numbers: Numbers) -> Outer:
    total = s @ f[0]
    if not total > 0:
        raise ArithmeticError("outside the domain")
    p, v, w = (each / total for each in f)
    r = p - b
    pull = r - (s * p) @ r
    value, slope, diagonal = (s * r) @ r / 2, s * v * pull, s * (w * pull + v * v)
    corner = (s * p) @ p
    if gamma != 0:  # the entropy is log <s, exp(u)> - <s p, u>
        mean = (s * p) @ u
        value = value - gamma * (numbers.log(total) - mean)
        slope, diagonal = slope + s * p * (u - mean) * gamma, diagonal + s * p * (1 + u - mean) * gamma
        corner = corner - gamma
    return Outer(value, slope, diagonal, [s * v, s * v * p + slope], [[corner, -1], [-1, 0]])


def _cross_entropy(f: Any, s: Array, b: Array, u: Array, numbers: Numbers) -> Outer:
    total, mass = s @ f[0], s @ b
    share = s * f[0] / total
    value = mass * numbers.log(total) - (s * b) @ u
    return Outer(value, share * mass - s * b, share * mass, [share], [[-mass]])


class Truth:
    """A case of :mod:`tests.certificate_family` in one kind of numbers."""

    def __init__(self, case: Any, numbers: Numbers = SIXTY) -> None:
        self.case, self.numbers = case, numbers
        self.A = case.rows(numbers.array)
        n = len(self.A)
        empty = np.zeros(n)
        self.b = numbers.array(case.b)
        self.offset = numbers.array(empty if case.offset is None else case.offset)
        w = empty if case.penalty_weights is None else case.penalty_weights
        self.row_penalty = numbers.array(w * w)  # what is minimised has the rounded square in it
        self.ridge = numbers.array(case.ridge_vector)
        weights = np.ones(n) if case.sample_weight is None else case.sample_weight
        labels = np.zeros(n, dtype=int) if case.groups is None else case.groups
        self.groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        whole = case.groups is not None  # then weights belong to the groups
        self.row_weights = numbers.array(np.ones(n) if whole else weights)
        self.group_weights = numbers.array([weights[rows[0]] if whole else 1.0 for rows in self.groups])
        self.gamma = numbers.array([case.entropy_weight])[0]

    def at(self, x: Array) -> Local:
        """Return the case at x, which may be float64 or of this kind of numbers."""
        return Local(self, self.numbers.array(x))

    def outer(self, u: Array) -> list[Outer]:
        """Return the loss of each group at u."""
        out = []
        for rows in self.groups:
            f = activation(self.case.activation, u[rows], self.numbers)
            s, b, structure = self.row_weights[rows], self.b[rows], self.case.structure
            if structure == "elementwise":
                out.append(_elementwise(f, s, b))
            elif structure == "rescaled":
                out.append(_rescaled(f, s, b))
            elif structure == "normalised":
                out.append(_normalised(f, s, b, u[rows], self.gamma, self.numbers))
            else:
                out.append(_cross_entropy(f, s, b, u[rows], self.numbers))
        return out


class Local:
    """A case at one point: value, gradient and Hessian; ArithmeticError outside the domain."""

    def __init__(self, truth: Truth, x: Array) -> None:
        self.truth, self.x = truth, x
        self.a_x = truth.A @ x
        self.parts = truth.outer(self.a_x + truth.offset)

    @property
    def value(self) -> Any:
        t = self.truth
        loss = sum(weight * part.value for weight, part in zip(t.group_weights, self.parts, strict=True))
        return loss + (t.row_penalty * self.a_x) @ self.a_x / 2 + (t.ridge * self.x) @ self.x / 2

    def _spread(self, per_part: list[Array]) -> Array:
        out = self.a_x * 0
        for rows, weight, values in zip(self.truth.groups, self.truth.group_weights, per_part, strict=True):
            out[rows] = values * weight
        return out

    @cached_property
    def gradient(self) -> Array:
        slope = self._spread([part.slope for part in self.parts]) + self.truth.row_penalty * self.a_x
        return slope @ self.truth.A + self.truth.ridge * self.x

    @cached_property
    def hessian(self) -> Array:
        A, t = self.truth.A, self.truth
        diagonal = self._spread([part.diagonal for part in self.parts]) + t.row_penalty
        out = A.T @ (diagonal[:, None] * A) + np.diag(t.ridge)
        for rows, weight, part in zip(t.groups, t.group_weights, self.parts, strict=True):
            images = [column @ A[rows] for column in part.columns]
            for left, coefficients in zip(images, part.core, strict=True):
                for right, c in zip(images, coefficients, strict=True):
                    out = out + np.outer(left, right) * (weight * c)
        return (out + out.T) / 2


def solve(matrix: Array, right: Array) -> Array:
    """Solve a small system by elimination with row pivoting."""
    a, y = matrix.copy(), right.copy()
    d = len(y)
    for j in range(d):
        best = max(range(j, d), key=lambda i: abs(a[i, j]))
        if a[best, j] == 0:
            raise ArithmeticError("the matrix is singular")
        a[[j, best]], y[[j, best]] = a[[best, j]], y[[best, j]]
        for i in range(j + 1, d):
            factor = a[i, j] / a[j, j]
            a[i, j:] -= a[j, j:] * factor
            y[i] -= factor * y[j]
    for j in reversed(range(d)):
        y[j] = (y[j] - a[j, j + 1 :] @ y[j + 1 :]) / a[j, j]
    return y


def is_positive_definite(matrix: Array) -> bool:
    """Tell whether all pivots of elimination without exchanges are positive."""
    a = matrix.copy()
    for j in range(len(a)):
        if not a[j, j] > 0:
            return False
        for i in range(j + 1, len(a)):
            a[i, j:] = a[i, j:] - a[j, j:] * (a[i, j] / a[j, j])
    return True


def norm(v: Array) -> Any:
    """Return ||v||, in the numbers of v; float where v is float."""
    return (v @ v) ** 0.5 if v.dtype != object else DIGITS.sqrt(v @ v)


def critical_point(
    truth: Truth, x: Array, rough: Truth | None = None, *, tolerance: float = CONVERGED, limit: int = 30
) -> Local | None:
    """Return where Newton's method for a zero of the gradient goes from x, None if it does not settle.

    A step is halved until the gradient's norm falls.  Settled means that the last step, which is
    still taken, moves no A x by more than `tolerance` |A x|, or 1 instead of |A x| where steps no
    longer become smaller.  With Hessians from a `rough` truth, in fewer digits, the last steps gain
    as many digits each as those Hessians have.
    """
    with np.errstate(all="ignore"):
        try:
            here, before = truth.at(x), np.inf
            for _ in range(limit):
                step = -_newton_step(here, rough)
                size = max(abs(truth.A @ step))
                stuck = tolerance if size >= before / 4 else 0.0
                if size <= max(stuck, tolerance * max(abs(here.a_x))):
                    return truth.at(here.x + step)
                here, before = _descended(truth, here, step), size
        except (ArithmeticError, ValueError):
            pass
    return None


def _newton_step(here: Local, rough: Truth | None) -> Array:
    if rough is None:
        return solve(here.hessian, here.gradient)
    array = rough.numbers.array
    hessian = rough.at(here.x.astype(np.float64)).hessian
    return here.truth.numbers.array(solve(hessian, array(here.gradient.astype(np.float64))))


def _descended(truth: Truth, here: Local, step: Array) -> Local:
    size, share = norm(here.gradient), 1.0
    for _ in range(12):
        try:
            there = truth.at(here.x + step * share)
            if norm(there.gradient) <= (1 - 0.25 * share) * size:
                return there
        except ArithmeticError:
            pass
        share /= 2
    raise ArithmeticError("no shorter step helps")


def third_derivative(truth: Truth, x: Array, w: Array) -> Any:
    """Return ||D^3 L(x)[w, ., .]||_2 for a unit vector w, to about six places, from a LONG truth.

    A central difference of Hessians over a step that moves u by at most 1e-6.
    """
    h = np.longdouble(1e-6) / max(np.longdouble(1e-3000), *np.abs(truth.A @ w))
    w = truth.numbers.array(w)
    difference = (truth.at(x + h * w).hessian - truth.at(x - h * w).hessian) / (2 * h)
    size = np.abs(difference).max()
    if not size > 0:
        return np.longdouble(0)
    return size * np.abs(np.linalg.eigvalsh((difference / size).astype(np.float64))).max()
