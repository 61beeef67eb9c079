"""Exp regression on real data: newtonkit beside scikit-learn's newton-cholesky at equal accuracy.

Run from the root of the repository, with the ``bench`` extra installed::

    python -m bench.exp_regression [--pairs 15] [--threads N] [--order C|F] [--json FILE]

Both solve the same problem, unregularised, from arrays in memory to coefficients; checking
the input is part of the time in both.  newtonkit runs as it comes; scikit-learn gets the
loosest ``tol`` among 1e-4, 1e-5, ..., 1e-10 with which it reaches 1e-10 of the optimum.  The
two are run in pairs, one after the other, in turns as to which goes first; what is shown are
medians, and the median of the ratios within a pair.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import TweedieRegressor
from threadpoolctl import threadpool_limits

import newtonkit as nk
from bench.machine import header, machine, spread, versions
from bench.real_data import ExpData, cpssw8, diamonds

ACCURACY = 1e-10
TOLERANCES = tuple(float(f"1e-{k}") for k in range(4, 11))

Solver = Callable[[ExpData], tuple[NDArray[np.float64], int]]


@dataclass(frozen=True)
class Row:
    """One data set: what each of the two reached, and how long it took.

    Attributes
    ----------
    data : str
        Name of the data.
    n, d : int
        Rows and columns.
    tol : float
        The tolerance that scikit-learn was given.
    newtonkit_error, sklearn_error : float
        L / L_optimal - 1.
    newtonkit_iterations, sklearn_iterations : int
        Iterations from x = 0.
    newtonkit_seconds, sklearn_seconds : float
        Medians.
    ratio : float
        Median over the pairs of newtonkit's seconds by scikit-learn's.
    ratio_quartiles : tuple of float
        The quartiles of the same.
    """

    data: str
    n: int
    d: int
    tol: float
    newtonkit_error: float
    sklearn_error: float
    newtonkit_iterations: int
    sklearn_iterations: int
    newtonkit_seconds: float
    sklearn_seconds: float
    ratio: float
    ratio_quartiles: tuple[float, float]


def by_newtonkit(data: ExpData) -> tuple[NDArray[np.float64], int]:
    """Solve by newtonkit with its default settings."""
    result = nk.minimize(nk.ExpRegression(data.A, data.b))
    return result.x, result.nit


def by_sklearn(data: ExpData, *, tol: float) -> tuple[NDArray[np.float64], int]:
    """Solve by scikit-learn."""
    model = TweedieRegressor(
        power=0, link="log", solver="newton-cholesky", fit_intercept=False, alpha=0, tol=tol, max_iter=1000
    )
    model.fit(data.A, data.b)
    return model.coef_, int(model.n_iter_)


def error(data: ExpData, x: NDArray[np.float64]) -> float:
    """Return how far above the optimum the loss at x lies, relatively."""
    return float(0.5 * np.mean((np.exp(data.A @ x) - data.b) ** 2) / data.optimum - 1.0)


def loosest_tolerance(data: ExpData) -> float:
    """Return the loosest tolerance with which scikit-learn is accurate enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for tol in TOLERANCES:
            if error(data, by_sklearn(data, tol=tol)[0]) <= ACCURACY:
                return tol
    raise RuntimeError(f"scikit-learn does not reach {ACCURACY:g} on {data.name}")


def measured(data: ExpData, pairs: int) -> Row:
    """Run the two in pairs."""
    tol = loosest_tolerance(data)
    solvers: list[Solver] = [by_newtonkit, partial(by_sklearn, tol=tol)]
    (x_ours, nit_ours), (x_theirs, nit_theirs) = [solve(data) for solve in solvers]  # and warm up
    seconds: list[list[float]] = [[], []]
    for k in range(pairs):
        for which in (0, 1) if k % 2 == 0 else (1, 0):
            began = time.perf_counter()
            solvers[which](data)
            seconds[which].append(time.perf_counter() - began)
    ratios = [ours / theirs for ours, theirs in zip(*seconds, strict=True)]
    return Row(
        data.name,
        *data.A.shape,
        tol,
        error(data, x_ours),
        error(data, x_theirs),
        nit_ours,
        nit_theirs,
        statistics.median(seconds[0]),
        statistics.median(seconds[1]),
        statistics.median(ratios),
        spread(ratios),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as text."""
    lines = [
        f"{'data':<10}{'n x d':<13}{'solver':<26}{'error':>9}{'iter':>6}{'seconds':>9}  ratio (quartiles)"
    ]
    for row in rows:
        low, high = row.ratio_quartiles
        ratio = f"  {row.ratio:.2f} ({low:.2f} to {high:.2f})"
        size = f"{row.n} x {row.d}"
        lines += [
            f"{row.data:<10}{size:<13}{'newtonkit':<26}{row.newtonkit_error:>9.0e}"
            f"{row.newtonkit_iterations:>6}{row.newtonkit_seconds:>9.3f}{ratio}",
            f"{'':<23}{f'scikit-learn, tol={row.tol:g}':<26}{row.sklearn_error:>9.0e}"
            f"{row.sklearn_iterations:>6}{row.sklearn_seconds:>9.3f}",
        ]
    return "\n".join(lines)


def _in_order(data: ExpData, order: str) -> ExpData:
    """Return the data with A in C or Fortran order."""
    A = np.ascontiguousarray(data.A) if order == "C" else np.asfortranarray(data.A)
    return ExpData(data.name, A, data.b, data.optimum)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="pairs of runs for each data set")
    parser.add_argument("--threads", type=int, default=nk.get_num_threads(), help="threads, for both")
    parser.add_argument("--order", choices=("C", "F"), default="C", help="order of A in memory")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    nk.set_num_threads(arguments.threads)
    setting = {
        "machine": machine(),
        "versions": versions("numpy", "scipy", "scikit-learn"),
        "threads": arguments.threads,
        "order": arguments.order,
        "pairs": arguments.pairs,
    }
    print(header(setting["machine"], setting["versions"]))
    print(f"{arguments.threads} threads for both, A in {arguments.order} order, {arguments.pairs} pairs\n")
    with threadpool_limits(limits=arguments.threads):
        rows = [measured(_in_order(load(), arguments.order), arguments.pairs) for load in (diamonds, cpssw8)]
    print(table(rows))
    print(f"\nratio: seconds of newtonkit by those of scikit-learn; both within {ACCURACY:g} of the optimum")
    if arguments.json is not None:
        figures = setting | {"rows": [asdict(row) for row in rows]}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
