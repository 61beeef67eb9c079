"""``compare``: run the methods one after another, then judge where each of them ended."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike

import newtonkit
from newtonkit.comparison.judgement import judge
from newtonkit.comparison.method import Run, run_method
from newtonkit.comparison.registry import chosen_methods
from newtonkit.comparison.result import Comparison
from newtonkit.comparison.start import Limits, Start
from newtonkit.comparison.truth import LARGEST_CHECKED
from newtonkit.design import FloatArray, get_num_threads
from newtonkit.design.door import as_vector
from newtonkit.options import checked_callback, checked_count, checked_generator, checked_number
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
    seeds: int = 1,
    rng: int | np.random.Generator | None = None,
    description: str | None = None,
    callback: Callable[[str], object] | None = None,
) -> Comparison:
    """Minimise one problem by newtonkit and by the methods of ``scipy.optimize``.

    Every method starts from the same point, is given the derivatives that it can use, and
    is stopped at the first point with ||g|| <= gtol ||g(x0)|| at which it asks for the
    gradient; the tolerances by which it would stop sooner are set to zero.  Then each point
    returned is judged from the problem alone: see ``outcome`` of :class:`MethodReport`.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    x0 : array_like of shape (d,), optional
        The start; zeros by default.
    methods : str or sequence of str, optional
        Which methods, in any case of letters; by default all that suit the problem and its
        size.  With the gradient: "L-BFGS-B", "BFGS", "CG", "TNC", "SLSQP".  With the
        Hessian as well: "newtonkit", "trust-exact".  With the Hessian up to d = 200, and its
        products with vectors above, as is mostly quicker: "Newton-CG", "trust-ncg",
        "trust-krylov", "trust-constr".  With residuals and their Jacobian, for elementwise
        squared losses alone: "lsq-trf", "lsq-dogbox" and, for a dense design, "lsq-lm", of
        ``scipy.optimize.least_squares``.
    gtol : float, default 1e-8
        Tolerance on ||g|| relative to ||g(x0)||, > 0.  If the start is stationary, it is
        relative to S(x), the size that g would have if nothing cancelled in it.
    max_time : float, default 10.0
        Seconds for each method, > 0.
    max_iter : int, optional
        Iterations for each method, at least 1; any number by default.
    seeds : int, default 1
        How often a randomised method runs, at least 1; medians and ranges are reported.
        Every method above is deterministic, and runs once.
    rng : int or numpy.random.Generator, optional
        Where the seeds of randomised methods come from.
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
        If an argument is out of range, a method is unknown or does not suit the problem, or
        the problem has no finite value and gradient at `x0`.

    Notes
    -----
    Methods run one after another.  The clock starts after a warm-up evaluation, which pays
    for compilation and for what the problem keeps, and stands still while the comparison
    takes notes; runs of less than a tenth of a second are repeated, and their median time is
    reported.  The time cap is looked at whenever a method asks for something.  Value,
    gradient and Hessian at one point share one evaluation, for every method, and are
    counted once.  A method that raises is reported as "failed" with what it raised.

    Most of SciPy's methods have absolute thresholds inside, at which a loss that is small from
    the start would end them.  Those of ``minimize`` are therefore given the problem multiplied
    by the power of 2 that brings ||g(x0)|| near 1 (trust-ncg, trust-exact, trust-constr), 1e4
    (CG) or 30 (the others), whatever serves each best.  All that is reported is in the units of
    the problem.

    On a run that ends by itself, the counts are SciPy's own but for three differences of
    definition.  The nit of trust-constr is one more than its iterations: it counts the
    start.  MINPACK's njev ("lsq-lm") leaves out the Jacobian at the point returned, and
    least squares has no nit: iterations are the accepted steps.  SciPy's nhev counts Hessians
    and products together, and leaves out the Hessian that the trust-region methods may ask
    for at their last point to return it.
    What SciPy said is kept in ``scipy_counts``.

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
    chosen = chosen_methods(methods, problem)
    most = None if max_iter is None else checked_count(max_iter, "max_iter", 1)
    limits = Limits(checked_number(max_time, "max_time", positive=True), most)
    own_seeds = _seeds(rng, checked_count(seeds, "seeds", 1))
    tolerance, callback = checked_number(gtol, "gtol", positive=True), checked_callback(callback)
    x = np.zeros(problem.n_parameters) if x0 is None else as_vector(x0, "x0", problem.n_parameters)
    start = _warmed_up_start(problem, x, tolerance)
    pass_seconds = _time_of_a_pass(problem, x)
    runs: dict[str, list[Run]] = {}
    for method in chosen:
        if callback is not None:
            callback(method.name)
        its_seeds = own_seeds if method.randomised else own_seeds[:1]
        runs[method.name] = [run_method(method, problem, start, limits, seed) for seed in its_seeds]
    reports, best_value = judge(problem, runs, start, pass_seconds)
    return Comparison(
        problem=repr(problem) if description is None else str(description),
        n=problem.design.shape[0],
        d=problem.n_parameters,
        start="zeros" if x0 is None or not x.any() else "given",
        stationary_start=start.stationary,
        gtol=start.gtol,
        max_time=limits.max_time,
        max_iter=limits.max_iter,
        seeds=len(own_seeds),
        start_value=start.value,
        start_gradient_norm=start.gradient_norm,
        best_value=best_value,
        pass_seconds=pass_seconds,
        threads=get_num_threads(),
        versions=_versions(),
        machine={"platform": platform.platform(), "processors": os.cpu_count() or 1},
        reports=reports,
    )


def _seeds(rng: int | np.random.Generator | None, count: int) -> list[np.random.SeedSequence]:
    """Return independent seeds: each run of a randomised method, and its repeats, starts from one."""
    draws = checked_generator(rng).integers(2**63, size=count)
    return [np.random.SeedSequence(int(draw)) for draw in draws]


def _warmed_up_start(problem: Problem, x: FloatArray, gtol: float) -> Start:
    """Evaluate the start, with everything that is compiled or kept when first used."""
    here = problem.evaluate(x)
    if not np.isfinite(here.value) or not np.isfinite(here.gradient).all():
        raise ValueError("x0 is no start: the problem has no finite value and gradient there")
    start = Start.of(problem, x, gtol)
    _ = here.hessian.matvec(here.gradient)
    if problem.n_parameters <= LARGEST_CHECKED:
        _ = here.hessian.to_dense()  # for large sparse designs, this is compiled
    return start


def _time_of_a_pass(problem: Problem, x: FloatArray) -> float:
    """Return the median time of one product A @ x."""
    times = []
    for _ in range(_TIMED_PASSES):
        began = time.perf_counter()
        problem.design.product(x)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def _versions() -> dict[str, str]:
    return {
        "newtonkit": newtonkit.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
