"""Rows: a value with its gradient, and a product with the Hessian, in passes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from bench.speed.cases import SHAPES, case_of, planted, warm_up
from bench.speed.figures import Bound, Figure, Setting, attempted
from bench.speed.turns import in_turns, medians, one_pass, ratio, repeated

ROWS = {
    "gradient": "Value and gradient at a new x: passes",
    "product": "Hessian times a new vector at the same x: passes",
}
_BOUND = Bound(1.5, 1.1, at_least=False, unit="passes")
SPARSE_SHAPE, DENSITY = (1_000_000, 1000), 0.01
# Gradients and products are sums in another order than NumPy's.
_AGREE = 1e-9


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure the rows wanted, problem by problem."""
    if ROWS.keys().isdisjoint(wanted):
        return
    for kind in setting.kinds:
        for shape, density in (*((shape, 1.0) for shape in SHAPES), (SPARSE_SHAPE, DENSITY)):
            n, d = setting.shape(*shape)
            name = f"{kind} {n} x {d}" + (f", CSR {density:.0%}" if density < 1.0 else "")
            for row in ROWS:
                if row in wanted:
                    measure = partial(measured, row, kind, n, d, density, name, setting.rounds)
                    yield row, attempted(name, _BOUND, measure)


def measured(row: str, kind: str, n: int, d: int, density: float, name: str, rounds: int) -> Figure:
    """Measure one row on one problem, the result checked by NumPy."""
    warm_up(kind, density=density)
    A, b, solution = planted(kind, n, d, density)
    case = case_of(kind, A, b, solution)
    problem, x = case.problem(), 0.5 * solution
    rng = np.random.default_rng(0)
    directions, numbers = rng.standard_normal((50, d)) / np.sqrt(d), count()

    def gradient() -> None:
        moved = (1.0 + 1e-3 * next(numbers)) * x
        problem.fun(moved)
        problem.jac(moved)

    def product() -> None:
        problem.hessp(x, directions[next(numbers) % len(directions)])

    error = _error(row, problem, case.plain(x), x, directions[0])  # and x is evaluated, Hessian and all
    if not error <= _AGREE:
        raise RuntimeError(f"the library and NumPy differ by {error:.1e}")
    task = one_pass(A)
    ours = repeated(gradient if row == "gradient" else product)
    seconds = in_turns({"pass": task, "ours": ours, "pass again": task}, rounds)
    passes = [min(pair) for pair in zip(seconds["pass"], seconds["pass again"], strict=True)]
    value, quartiles = ratio(seconds["ours"], passes)
    middle = medians(seconds)
    note = f"{1e3 * middle['ours']:.3g} ms at {1e3 * middle['pass']:.3g} ms a pass"
    return Figure(name, _BOUND, value, quartiles, note=note, details={"seconds": seconds, "error": error})


def _error(row: str, problem: Any, plain: Any, x: Any, v: Any) -> float:
    """Return how far the library is from NumPy, relatively."""
    if row == "gradient":
        ours, theirs = np.append(problem.jac(x), problem.fun(x)), np.append(plain.gradient, plain.value)
    else:
        ours, theirs = problem.hessp(x, v), plain.product(v)
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))
