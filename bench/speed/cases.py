"""The planted problems of the table, how the library is run on them, and who checks what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import numpy as np

import newtonkit as nk
from bench.speed.plain import POINTS, LibraryPoint, Point
from newtonkit.design import FloatArray
from newtonkit.problems import Problem

SHAPES = ((1_000_000, 50), (500_000, 100), (100_000, 500), (50_000, 1000))
SHARE = 1e-8
CONDITION, NOISE = 1e4, 0.1
# A gradient summed up in another order differs by rounding; a value, where the minimum is another one.
_ROUNDING, _SAME_MINIMUM = 1.01, 1e-6
# S(x) changes a little on the last steps.
_SAFE = 0.7
_MAKERS: dict[str, Callable[..., Problem]] = {"exp": nk.ExpRegression, "softmax": nk.SoftmaxRegression}


@dataclass(frozen=True)
class Case:
    """One problem and the goal in it, ||grad|| <= 1e-8 ||grad at 0||.

    Attributes
    ----------
    kind : str
        "exp" or "softmax".
    A, b : array
        The data.
    first : float
        The norm of the gradient at 0, by NumPy.
    gtol : float
        The tolerance with which ``newtonkit.minimize`` ends there by itself.
    """

    kind: str
    A: Any = field(repr=False)
    b: FloatArray = field(repr=False)
    first: float
    gtol: float

    @property
    def goal(self) -> float:
        """The norm of the gradient to arrive at."""
        return SHARE * self.first

    @property
    def name(self) -> str:
        """The case in words."""
        n, d = self.A.shape
        return f"{self.kind} {n} x {d}"

    def problem(self) -> Problem:
        """Return the problem with nothing known of it yet."""
        return _MAKERS[self.kind](self.A, self.b)

    def plain(self, x: FloatArray) -> Point:
        """Return the problem evaluated at x by NumPy."""
        point: Point = POINTS[self.kind](self.A, self.b, x)
        return point

    def library(self) -> Callable[[FloatArray], Point]:
        """Return what evaluates the problem by the library."""
        problem = self.problem()
        return lambda x: LibraryPoint(problem, x)

    def refusal(self, x: FloatArray | None, reference: float | None = None) -> str:
        """Return why x is not good enough, by NumPy alone; empty if it is.

        Parameters
        ----------
        x : ndarray or None
            The point; None if there is none.
        reference : float, optional
            The value at the minimum.
        """
        if x is None:
            return "it never had a gradient that small"
        point = self.plain(x)
        share = float(np.linalg.norm(point.gradient)) / self.first
        if not share <= _ROUNDING * SHARE:
            return f"its gradient is {share:.1e} of the first"
        if reference is not None and not point.value <= reference + _SAME_MINIMUM * abs(reference):
            return f"it is at a value of {point.value:.6g}, where {reference:.6g} is the least"
        return ""


@lru_cache(maxsize=1)
def planted(kind: str, n: int, d: int, density: float = 1.0, dtype: str = "float64") -> tuple[Any, ...]:
    """Return A, b and x*, made once for all rows on the same data."""
    made = nk.datasets.make_planted(
        kind, n, d, condition=CONDITION, noise=NOISE, density=density, dtype=dtype, rng=0
    )
    return made.A, made.b, made.solution


def case_of(kind: str, A: Any, b: FloatArray, solution: FloatArray) -> Case:
    """Return a case; `solution` is near the minimum, where S(x) makes the tolerance."""
    d = A.shape[1]
    wide = A if A.dtype == np.float64 else A.astype(np.float64)
    first = float(np.linalg.norm(POINTS[kind](wide, b, np.zeros(d)).gradient))
    scale = _MAKERS[kind](A, b).evaluate(solution).gradient_scale
    return Case(kind, A, b, first, _SAFE * SHARE * first / scale)


@lru_cache(maxsize=1)
def planted_case(kind: str, n: int, d: int) -> Case:
    """Return a dense case in float64."""
    return case_of(kind, *planted(kind, n, d))


@dataclass(frozen=True)
class Solve:
    """One run of the library.

    Attributes
    ----------
    seconds : float
        Until the solver had a gradient that small, by its own record; infinite if it never had.
    total : float
        Until the call returned, its verdict made.
    x : ndarray or None
        Where the gradient was that small.
    value : float
        L(x) at the end.
    iterations : int
        In all.
    method : str
        What "auto" took.
    passes, products : int
        Sweeps over the data and products with the Hessian, as counted.
    """

    seconds: float
    total: float
    x: FloatArray | None
    value: float
    iterations: int
    method: str
    passes: int
    products: int


def solve(case: Case, method: str = "auto") -> Solve:
    """Run the library from x = 0 on a problem that it knows nothing of."""
    problem = case.problem()
    found: list[tuple[float, FloatArray]] = []

    def callback(record: Any) -> None:
        if not found and record.gradient_norm <= case.goal:
            found.append((record.seconds, record.x))

    start = np.zeros(case.A.shape[1])
    began = time.perf_counter()
    result = nk.minimize(problem, start, method=method, gtol=case.gtol, callback=callback)
    total = time.perf_counter() - began
    seconds, x = found[0] if found else (np.inf, None)
    return Solve(
        seconds,
        total,
        x,
        float(result.fun),
        int(result.nit),
        result.method,
        int(result.passes),
        int(result.inner_iterations),
    )


def checked_solve(case: Case, method: str = "auto") -> Solve:
    """Run the library and have NumPy check where it arrived.

    Raises
    ------
    RuntimeError
        If it did not arrive.
    """
    done = solve(case, method)
    if reason := case.refusal(done.x):
        raise RuntimeError(f"newtonkit ({done.method}) did not arrive: {reason}")
    return done


@cache
def warm_up(kind: str, dtype: str = "float64", density: float = 1.0) -> float:
    """Compile what there is to compile, on small problems; return the seconds that it took the first time."""
    began = time.perf_counter()
    made = nk.datasets.make_planted(
        kind, 10_000, 160, condition=100.0, density=density, noise=0.1, dtype=dtype, rng=0
    )
    for method in ("exact", "sketched"):
        nk.minimize(made.problem, method=method)
    x = 0.5 * made.solution
    made.problem.fun(x), made.problem.jac(x), made.problem.hessp(x, x)
    weights = np.random.default_rng(0).lognormal(size=10_000)
    design = made.problem.design
    for signs in (1.0, np.where(weights > 1.0, -1.0, 1.0)):
        design.sandwich(signs * weights)
    nk.sketching.leverage_scores(made.A, weights, rng=0)
    _WARMED[f"{kind}, {dtype}, {'dense' if density == 1.0 else 'CSR'}"] = time.perf_counter() - began
    return time.perf_counter() - began


_WARMED: dict[str, float] = {}


def warm_up_seconds() -> dict[str, float]:
    """Return what has been warmed up so far, and the seconds that each took."""
    return dict(_WARMED)
