"""Rows: the weighted Gram matrix beside NumPy, and beside tabmat."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any

import numpy as np

from bench.gaussian import dense_rows
from bench.speed.cases import planted, warm_up
from bench.speed.evaluations import DENSITY, SPARSE_SHAPE
from bench.speed.figures import Bound, Figure, Setting, attempted, require
from bench.speed.turns import in_turns, medians, ratio, timing
from newtonkit.design import FloatArray, as_design

ROWS = {
    "gram": "Weighted Gram matrix beside A.T @ (A * w[:, None]): times faster",
    "tabmat": "Weighted Gram matrix beside tabmat's sandwich: times faster",
}
_NUMPY = Bound(1.6, 2.4, at_least=True, unit="times")
_TABMAT = Bound(1.0, 1.3, at_least=True, unit="times")
_AGREE = 1e-10

Task = Callable[[], Any]


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure the rows wanted."""
    if "gram" in wanted:
        for shape in ((1_000_000, 100), (200_000, 500)):
            n, d = setting.shape(*shape)
            for name, signed in ((f"{n} x {d}", False), (f"{n} x {d}, both signs", True)):
                yield "gram", attempted(name, _NUMPY, partial(by_numpy, n, d, signed, name, setting.rounds))
    if "tabmat" in wanted:
        n, d = setting.shape(500_000, 100)
        name = f"{n} x {d}"
        yield "tabmat", attempted(name, _TABMAT, partial(by_tabmat, n, d, 1.0, name, setting.rounds))
        n, d = setting.shape(*SPARSE_SHAPE)
        name = f"{n} x {d}, CSR {DENSITY:.0%}"
        yield "tabmat", attempted(name, _TABMAT, partial(by_tabmat, n, d, DENSITY, name, setting.rounds))


def weights(n: int, signed: bool) -> FloatArray:
    """Return weights over a few orders of magnitude; a third of them negative if `signed`."""
    rng = np.random.default_rng(2)
    size = rng.lognormal(size=n)
    return np.where(rng.random(n) < 1.0 / 3.0, -size, size) if signed else size


def by_numpy(n: int, d: int, signed: bool, name: str, rounds: int) -> Figure:
    """Measure beside NumPy."""
    warm_up("exp")
    A, w = dense_rows(n, d, seed=0), weights(n, signed)
    design = as_design(A)
    return _measured(
        name, _NUMPY, lambda: design.sandwich(w), {"NumPy": lambda: A.T @ (A * w[:, None])}, rounds
    )


def by_tabmat(n: int, d: int, density: float, name: str, rounds: int) -> Figure:
    """Measure beside tabmat, dense data in both orders."""
    require("tabmat")
    import tabmat  # noqa: PLC0415  (an optional peer)

    warm_up("exp", density=density)
    A = dense_rows(n, d, seed=0) if density == 1.0 else planted("exp", n, d, density)[0]
    w, design = weights(n, False), as_design(A)
    if density == 1.0:
        made = {
            "tabmat, C order": tabmat.DenseMatrix(A),
            "tabmat, Fortran order": tabmat.DenseMatrix(np.asfortranarray(A)),
        }
    else:
        made = {"tabmat": tabmat.SparseMatrix(A)}
    return _measured(
        name,
        _TABMAT,
        lambda: design.sandwich(w),
        {label: partial(matrix.sandwich, w) for label, matrix in made.items()},
        rounds,
    )


def _measured(name: str, bound: Bound, ours: Task, others: dict[str, Task], rounds: int) -> Figure:
    """Check that all agree, run them in turns, and compare with the fastest of the others."""
    expected = ours()
    for label, task in others.items():
        found = task()
        error = float(np.abs(found - expected).max() / np.abs(np.diag(expected)).max())
        if not error <= _AGREE:
            raise RuntimeError(f"newtonkit and {label} differ by {error:.1e}")
    seconds = in_turns({"ours": timing(ours)} | {k: timing(task) for k, task in others.items()}, rounds)
    middle = medians(seconds)
    best = min(others, key=lambda label: middle[label])
    value, quartiles = ratio(seconds[best], seconds["ours"])
    note = f"newtonkit {1e3 * middle['ours']:.3g} ms, {best} {1e3 * middle[best]:.3g} ms"
    return Figure(name, bound, value, quartiles, note=note, details={"seconds": seconds})
