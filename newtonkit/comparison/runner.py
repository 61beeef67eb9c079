"""``compare``: run the methods one after another, then judge where each of them ended."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

import newtonkit
from newtonkit.comparison.methods import METHODS, Limits, Run, run_method
from newtonkit.comparison.oracle import Start
from newtonkit.comparison.report import Comparison, MethodReport
from newtonkit.comparison.truth import examine, outcome
from newtonkit.design import FloatArray, get_num_threads
from newtonkit.design.door import as_vector
from newtonkit.problems import Problem

_TIMED_PASSES = 7


def compare(
    problem: Problem,
    x0: ArrayLike | None = None,
    *,
    methods: str | Sequence[str] | None = None,
    gtol: float = 1e-8,
    max_time: float = 10.0,
    max_iter: int | None = None,
    rng: int | np.random.Generator | None = None,
    description: str | None = None,
    callback: Callable[[str], object] | None = None,
) -> Comparison:
    """Minimise one problem by newtonkit and by the methods of ``scipy.optimize.minimize``.

    Every method starts from the same point, is given the exact gradient and, if it can use
    one, the exact Hessian (trust-exact) or its products with vectors (Newton-CG, trust-ncg,
    trust-krylov), and is stopped at the first point with ||g|| <= gtol ||g(x0)||; the
    tolerances by which it would stop sooner are set to zero.  Then each point returned is
    judged from the problem alone: see ``outcome`` of :class:`MethodReport`.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    x0 : array_like of shape (d,), optional
        The start; zeros by default.
    methods : str or sequence of str, optional
        Which methods, in any case of letters: "newtonkit", "L-BFGS-B", "BFGS", "CG",
        "Newton-CG", "trust-ncg", "trust-krylov", "trust-exact".  All by default.
    gtol : float, default 1e-8
        Tolerance on ||g|| relative to ||g(x0)||, > 0.  If the start is stationary, it is
        relative to S(x), the size that g would have if nothing cancelled in it.
    max_time : float, default 10.0
        Seconds for each method, > 0.
    max_iter : int, optional
        Iterations for each method, at least 1; any number by default.
    rng : int or numpy.random.Generator, optional
        Passed to :func:`newtonkit.minimize`.
    description : str, optional
        What to call the problem in the table; its ``repr`` by default.
    callback : callable, optional
        Called with the name of each method before it runs.

    Returns
    -------
    Comparison
        Print it for a table.

    Raises
    ------
    TypeError
        If `problem` is not a :class:`newtonkit.problems.Problem`, or an argument is of the
        wrong type.
    ValueError
        If an argument is out of range, a method is unknown, or the problem has no finite
        value and gradient at `x0`.

    Notes
    -----
    Methods run one after another.  The clock starts after a warm-up evaluation, which pays
    for compilation and for what the problem keeps; runs of less than a tenth of a second are
    repeated, and their median time is reported.  Value, gradient and Hessian at one
    point share one evaluation, for every method.  A method that raises is reported as
    "failed" with what it raised.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.random.default_rng(0).normal(size=(200, 3))
    >>> problem = nk.ExpRegression(A, np.exp(A @ [0.5, -0.3, 0.1]))
    >>> comparison = nk.compare(problem, methods=["newtonkit", "L-BFGS-B", "trust-exact"])
    >>> all(report.reached for report in comparison.reports)
    True
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a newtonkit.problems.Problem, got {type(problem).__name__}")
    names = _method_names(methods)
    limits = Limits(_positive(max_time, "max_time"), _iteration_limit(max_iter))
    d = problem.n_parameters
    x = np.zeros(d) if x0 is None else as_vector(x0, "x0", d)
    start = _warmed_up_start(problem, x, _positive(gtol, "gtol"))
    pass_seconds = _time_of_a_pass(problem, x)
    runs = []
    for name in names:
        if callback is not None:
            callback(name)
        runs.append(run_method(name, problem, start, limits, rng))
    reports = _judge(problem, runs, start, pass_seconds)
    return Comparison(
        problem=repr(problem) if description is None else str(description),
        n=problem.design.shape[0],
        d=d,
        start="zeros" if x0 is None or not x.any() else "given",
        stationary_start=start.stationary,
        gtol=start.gtol,
        max_time=limits.max_time,
        max_iter=limits.max_iter,
        start_value=start.value,
        start_gradient_norm=start.gradient_norm,
        best_value=min(report.value for report in reports),
        pass_seconds=pass_seconds,
        threads=get_num_threads(),
        versions=_versions(),
        machine={"platform": platform.platform(), "processors": os.cpu_count() or 1},
        reports=reports,
    )


def _method_names(methods: str | Sequence[str] | None) -> tuple[str, ...]:
    if methods is None:
        return METHODS
    known = {name.lower(): name for name in METHODS}
    wanted = [methods] if isinstance(methods, str) else list(methods)
    for name in wanted:
        if not isinstance(name, str) or name.lower() not in known:
            raise ValueError(f"methods must be among {', '.join(METHODS)}; got {name!r}")
    if not wanted:
        raise ValueError("methods must name at least one method")
    return tuple(dict.fromkeys(known[name.lower()] for name in wanted))


def _positive(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0.0 < float(value) < np.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return float(value)


def _iteration_limit(max_iter: Any) -> int | None:
    if max_iter is None:
        return None
    if isinstance(max_iter, bool) or not isinstance(max_iter, int | np.integer):
        raise TypeError(f"max_iter must be an integer, got {max_iter!r}")
    if max_iter < 1:
        raise ValueError(f"max_iter must be at least 1, got {max_iter!r}")
    return int(max_iter)


def _warmed_up_start(problem: Problem, x: FloatArray, gtol: float) -> Start:
    """Evaluate the start, with everything that is compiled or kept when first used."""
    here = problem.evaluate(x)
    if not np.isfinite(here.value) or not np.isfinite(here.gradient).all():
        raise ValueError("x0 is no start: the problem has no finite value and gradient there")
    start = Start.of(problem, x, gtol)
    _ = here.hessian.matvec(here.gradient)
    return start


def _time_of_a_pass(problem: Problem, x: FloatArray) -> float:
    """Return the median time of one product A @ x."""
    times = []
    for _ in range(_TIMED_PASSES):
        began = time.perf_counter()
        problem.design.product(x)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _judge(
    problem: Problem, runs: Sequence[Run], start: Start, pass_seconds: float
) -> tuple[MethodReport, ...]:
    """Examine where each run ended, and set it beside the best of them."""
    findings = [examine(problem, run, start) for run in runs]
    best_value = min(finding.value for finding in findings)
    return tuple(
        MethodReport(
            name=run.name,
            outcome=outcome(run, finding, start, best_value),
            iterations=run.iterations,
            nfev=run.nfev,
            njev=run.njev,
            nhev=run.nhev,
            nhessp=run.nhessp,
            seconds=run.seconds,
            repeats=run.repeats,
            passes=run.seconds / pass_seconds,
            value=finding.value,
            gap=finding.value - best_value,
            relative_gradient=finding.relative_gradient,
            smallest_eigenvalue=finding.smallest_eigenvalue,
            said=run.said,
            claimed_success=run.claimed_success,
            warned=run.warned,
            x=run.x,
        )
        for run, finding in zip(runs, findings, strict=True)
    )


def _versions() -> dict[str, str]:
    return {
        "newtonkit": newtonkit.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
