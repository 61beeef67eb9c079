"""Run the non-convex grid: ``python -m tests.grid [--starts] [--only WORD] [--limit N] [--method M]``.

One line for each bad case, then a summary.  With ``--starts`` every planted case is also
solved from 20 random starts (A x0 of order 1 and 3 in turn), and the default run counts as
*best* if its loss is within 1 % of the least loss of all runs, with an absolute floor of
1e-12 of the loss scale (the size of the loss without cancellation, at the result or at
x_true): below it a loss is zero.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

import newtonkit as nk
from tests.extended import Point
from tests.grid import Case, cases
from tests.independent import Verdict, verdict

Solver = Callable[[Any, Any], Any]
FLOOR = 1e-12


@dataclass(frozen=True)
class Run:
    """One case solved and judged; `error` is set where the solver raised or warned."""

    case: Case
    result: Any
    verdict: Verdict | None
    error: str
    seconds: float

    @property
    def good(self) -> bool:
        return self.verdict is not None and (self.verdict.verified or self.verdict.honest_saturated)

    @property
    def wrong(self) -> bool:
        return self.verdict is not None and self.verdict.wrong_success

    def __str__(self) -> str:
        if self.verdict is None:
            return f"ERROR  {self.case.name}: {self.error}"
        kind = "WRONG " if self.wrong else "good  " if self.good else "other "
        status = getattr(self.result.status, "name", self.result.status)
        return (
            f"{kind} {self.case.name} {status} nit={self.result.nit} {self.seconds:.2f}s\n"
            f"       {self.verdict}\n       {self.result.message}"
        )


def default_solver(method: str = "exact") -> Solver:
    """Return newtonkit's minimiser as a function of problem and start."""
    return lambda problem, x0: nk.minimize(problem, x0=x0, method=method, rng=0)


def trust_exact(problem: Any, x0: Any) -> Any:
    """Solve with SciPy, to try the grid itself."""
    x0 = np.zeros(problem.n_parameters) if x0 is None else x0
    scale = problem.evaluate(x0).gradient_scale
    return scipy.optimize.minimize(
        problem.fun,
        x0,
        jac=problem.jac,
        hess=lambda x: np.asarray(problem.hess(x)),
        method="trust-exact",
        options={"gtol": 1e-9 * scale, "maxiter": 500},
    )


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread after so many seconds, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise TimeoutError(f"still running after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def solved(case: Case, solve: Solver, x0: Any = None) -> Any:
    """Solve a case from its own start (or `x0`); warnings and 20 seconds are errors."""
    problem = case.make()
    with time_limit(20.0), warnings.catch_warnings():
        warnings.simplefilter("error")
        return solve(problem, case.x0 if x0 is None else x0)


def run(case: Case, solve: Solver) -> Run:
    """Solve a case from its own start and judge it."""
    start = time.perf_counter()
    try:
        result = solved(case, solve)
        seconds = time.perf_counter() - start
        return Run(case, result, verdict(case, result), "", seconds)
    except Exception as error:
        return Run(case, None, None, f"{type(error).__name__}: {error}", time.perf_counter() - start)


def random_losses(case: Case, solve: Solver, starts: int) -> list[float]:
    """Return the losses reached from random starts, computed independently."""
    losses = []
    for index in range(starts):
        with suppress(Exception):
            other = solved(case, solve, case.random_start(index, 1.0 + 2.0 * (index % 2)))
            losses.append(float(Point(case.raw, other.x).loss))
    return [loss for loss in losses if np.isfinite(loss)]


def is_best(own: Verdict, losses: Iterable[float], scale: float) -> bool:
    """Tell whether the loss of a run is within 1 % of the least of `losses`, or about zero."""
    least = min(losses, default=own.loss)
    return own.loss <= least + 0.01 * abs(least) + FLOOR * max(scale, own.loss_scale)


def starts_report(runs: list[Run], solve: Solver, starts: int) -> None:
    """Print which planted cases end above the best of random starts."""
    planted = [r for r in runs if r.case.x_true is not None and r.verdict is not None]
    best = below_planted = 0
    for r in planted:
        losses = random_losses(r.case, solve, starts)
        truth = Point(r.case.raw, r.case.x_true)
        scale = float(truth.loss_scale)
        fine = is_best(r.verdict, losses, scale)
        best += fine
        below_planted += is_best(r.verdict, [float(truth.loss)], scale)
        if not fine:
            hits = sum(is_best(r.verdict, [loss], scale) for loss in losses)
            print(
                f"above  {r.case.name}: loss {r.verdict.loss:.4e}, least {min(losses):.4e}, at x_true "
                f"{float(truth.loss):.4e}, {hits} of {len(losses)} starts no better"
            )
    count = max(len(planted), 1)
    print(
        f"planted: {len(planted)}; within 1 % of the best of {starts} starts {best} ({best / count:.1%}); "
        f"no worse than x_true {below_planted} ({below_planted / count:.1%})"
    )


def summary(runs: list[Run]) -> str:
    """Return the shares, iteration counts and time of all runs."""
    judged = [r for r in runs if r.verdict is not None]
    nits = [r.result.nit for r in judged] or [0]
    counts = {
        "verified success": sum(r.verdict.verified for r in judged),
        "honest saturated": sum(r.verdict.honest_saturated for r in judged),
        "wrong success": sum(r.wrong for r in judged),
        "other": sum(r.verdict.other for r in judged),
        "exceptions": len(runs) - len(judged),
        "premature (among verified)": sum(r.verdict.premature for r in judged),
    }
    lines = [f"{name}: {count} ({count / max(len(runs), 1):.1%})" for name, count in counts.items()]
    seconds = sum(r.seconds for r in runs)
    lines.append(
        f"cases {len(runs)}, iterations median {np.median(nits):.0f} max {max(nits)}, {seconds:.1f} s"
    )
    return "\n".join(lines)


def main() -> int:
    """Run the grid from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.grid", description=__doc__)
    parser.add_argument("--starts", action="store_true", help="planted cases against 20 random starts")
    parser.add_argument("--count", type=int, default=20, help="how many random starts")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--limit", type=int, default=None, help="only so many, spread over the list")
    parser.add_argument("--method", default="exact", help="method of newtonkit, or trust-exact of SciPy")
    parser.add_argument("--all", action="store_true", help="a line for good cases too")
    options = parser.parse_args()
    chosen = [case for case in cases() if options.only in case.name]
    if options.limit:
        chosen = chosen[:: max(1, len(chosen) // options.limit)]
    solve = trust_exact if options.method == "trust-exact" else default_solver(options.method)
    runs = []
    for case in chosen:
        runs.append(run(case, solve))
        if options.all or not runs[-1].good or runs[-1].verdict.premature:
            print(runs[-1], flush=True)
    print(summary(runs))
    if options.starts:
        starts_report(runs, solve, options.count)
    return int(any(r.wrong or r.verdict is None for r in runs))
