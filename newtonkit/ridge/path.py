"""``path``: one problem for a sequence of ridges."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.descent import Callback
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.design.door import as_bounded_vector
from newtonkit.methods import MethodName, checked_method
from newtonkit.options import checked_callback, checked_count, checked_generator, checked_number
from newtonkit.problems import Problem
from newtonkit.progress import announced, iteration_printer
from newtonkit.results import MinimizeResult, Status
from newtonkit.ridge.follower import Follower
from newtonkit.ridge.result import RidgePath
from newtonkit.ridge.trail import Trail

_ENDS = (Status.INTERRUPTED, Status.STOPPED_BY_CALLBACK, Status.MAX_TIME)


def path(
    problem: Problem,
    ridges: ArrayLike,
    *,
    pattern: ArrayLike | None = None,
    method: MethodName = "auto",
    gtol: float = 1e-8,
    max_iter: int = 200,
    max_time: float | None = None,
    rng: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
) -> RidgePath:
    """Minimise one problem for a sequence of ridges, each solve starting from those before.

    The ridges are taken from the largest to the smallest, whatever their order.  Where the
    next solution is is extrapolated in log ridge from the last ones; the prediction is
    corrected by quasi-Newton steps, and then judged by the solver as any other point.  Metric,
    sample and Hessian are handed on from ridge to ridge.  Over six decades in 20 steps this
    takes a half to a quarter of the passes of separate solves (``python -m bench.ridge_path``).

    Parameters
    ----------
    problem : Problem
        What is minimised; its own ridge only tells which coefficients are penalised.
    ridges : array_like, shape (m,)
        The ridges, >= 0, in any order.
    pattern : array_like of shape (d,), optional
        R: the penalty is 1/2 ridge <R * x, x>.  By default that of the problem, divided by
        its largest entry, so that its zeros stay zeros; where the problem has no
        penalty, 1 for all coefficients but the intercept.
    method : {"auto", "exact", "sampled", "sketched"}, default "auto"
        See :func:`newtonkit.minimize`.  "sampled" and problems of 4000 columns or more hand on
        nothing but the solution.
    gtol : float, default 1e-8
        Tolerance of each solve.
    max_iter : int, default 200
        Limit on iterations, of each solve.
    max_time : float, optional
        Limit on wall time in seconds, of the whole path.
    rng : int or numpy.random.Generator, optional
        Source of the samples.
    callback : callable, optional
        Called as ``callback(record)`` for every point of every solve; each begins with
        iteration 0.  StopIteration raised in it ends the path.
    verbose : int, default 0
        1 prints a line for each iteration.

    Returns
    -------
    RidgePath
        Solutions, values and results in the order of `ridges`.

    Raises
    ------
    TypeError
        If an argument is of the wrong type.
    ValueError
        If an argument is out of range, there are no ridges, or the problem has no finite value
        at x = 0.

    Notes
    -----
    Let y = M x + ridge R x at a solution, M standing in for the Hessian of the loss.  For a
    quadratic loss y is the same for all ridges; for others it is extrapolated by polynomials
    through up to four points and their slopes, of which the one is used that would have been
    best for the solution before (derived here).  A ridge that is not solved does not end the
    path, unless time is up or it is interrupted: later ones are then NaN.
    Problems that are not convex may have several minima; a path follows one of them, which need
    not be the one that a separate solve finds.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> planted = nk.datasets.make_planted("exp", 2000, 10, condition=100.0, noise=0.1, rng=0)
    >>> ridges = np.geomspace(1e3, 1e-3, 20)
    >>> path = nk.path(planted.problem, ridges)
    >>> cold = [nk.minimize(planted.problem.with_ridge(ridge)) for ridge in ridges]
    >>> path.success, path.total_passes < sum(result.passes for result in cold) / 2
    (True, True)
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem must be a newtonkit.problems.Problem, got {type(problem).__name__}")
    given = checked_ridges(ridges)
    weights = checked_pattern(pattern, problem)
    problem.with_ridge(given.max() * weights)  # a product that is too large is refused
    tolerance, max_iter = checked_number(gtol, "gtol"), checked_count(max_iter, "max_iter", 0)
    seconds = math.inf if max_time is None else checked_number(max_time, "max_time", endless=True)
    callback, generator = checked_callback(callback), checked_generator(rng)
    verbose = checked_count(int(verbose) if isinstance(verbose, bool | np.bool_) else verbose, "verbose", 0)
    chosen, reason = checked_method(method, problem, None)
    seed = 0 if rng is None or chosen == "exact" else int(generator.integers(2**63))
    begun = time.perf_counter()
    follower = Follower(
        problem,
        Trail(weights),
        chosen,
        reason,
        tolerance,
        max_iter,
        begun + seconds,
        seed,
        lambda title: iteration_printer(callback, verbose, title),
    )
    distinct = np.unique(given)[::-1]
    with announced(callback, tolerance, seconds, len(distinct)):
        found = _follow(follower, distinct)
    return _gathered(given, weights, found, time.perf_counter() - begun)


def _follow(follower: Follower, ridges: FloatArray) -> dict[float, MinimizeResult]:
    """Solve for one ridge after the other, until an end or an interruption."""
    found: dict[float, MinimizeResult] = {}
    try:
        with one_blas_thread():
            for ridge in ridges.tolist():
                found[ridge] = follower.solve(ridge)
                if found[ridge].status in _ENDS:
                    break
    except KeyboardInterrupt:  # between two descents
        if not found:
            raise
    return found


def _gathered(
    ridges: FloatArray, pattern: FloatArray, found: dict[float, MinimizeResult], seconds: float
) -> RidgePath:
    results = tuple(found.get(ridge) for ridge in ridges.tolist())
    nothing = np.full(len(pattern), np.nan)
    counted = {ridge: result.passes for ridge, result in found.items()}
    return RidgePath(
        ridges=ridges,
        pattern=pattern,
        x=np.array([nothing if result is None else result.x for result in results]),
        values=np.array([np.nan if result is None else result.fun for result in results]),
        results=results,
        # A ridge given twice was solved once.
        passes=np.array([counted.pop(ridge, 0) for ridge in ridges.tolist()]),
        seconds=seconds,
    )


def checked_ridges(ridges: Any) -> FloatArray:
    """Return ridges as a vector of finite numbers of at least 0."""
    values = as_bounded_vector(ridges, "ridges")
    if not len(values):
        raise ValueError("ridges must hold at least one ridge")
    if (values < 0.0).any():
        raise ValueError(f"ridges must be at least 0, got {values.min()}")
    return values + 0.0


def checked_pattern(pattern: Any, problem: Problem) -> FloatArray:
    """Return the penalty of each coefficient for a ridge of 1."""
    if pattern is not None:
        values = as_bounded_vector(pattern, "pattern", problem.n_parameters)
        if (values < 0.0).any():
            raise ValueError(f"pattern must be at least 0, got {values.min()}")
        return values
    if problem.ridge.any():
        return np.asarray(problem.ridge / problem.ridge.max())
    return problem.with_ridge(1.0).ridge
