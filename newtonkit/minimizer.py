"""``minimize``: the solver's front door."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.convergence import Criteria, Reference, relative_gradient
from newtonkit.descent import Callback, Descent
from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.design.door import as_vector, checked_flag
from newtonkit.meter import Limits, Meter
from newtonkit.methods import LEAST_WIDE, MethodName, Setting, checked_epsilon, checked_method, prepared
from newtonkit.metric import Metric
from newtonkit.objective import Objective, PointEvaluation
from newtonkit.options import checked_callback, checked_count, checked_generator, checked_number
from newtonkit.problems import Problem
from newtonkit.progress import announced, iteration_printer
from newtonkit.results import IterationRecord, MinimizeResult, Status

_MOST_DENSE = 15_000
_DRAWS = 20


def minimize(
    problem: Objective,
    x0: ArrayLike | None = None,
    *,
    method: MethodName = "auto",
    gtol: float = 1e-8,
    max_iter: int = 200,
    max_time: float | None = None,
    starts: int = 1,
    epsilon: float | None = None,
    rng: int | np.random.Generator | None = None,
    callback: Callback | None = None,
    verbose: int = 0,
    certify: bool = False,
) -> MinimizeResult:
    """Minimise a problem by Newton's method in a trust region.

    Parameters
    ----------
    problem : Problem
        What is minimised, for example :class:`newtonkit.ExpRegression`.
    x0 : array_like of shape (d,), optional
        The start; zeros by default.
    method : {"auto", "exact", "sampled", "sketched"}, default "auto"
        Where the curvature comes from.  "exact" forms the full structured Hessian, d x d.
        "sketched" multiplies with it only, in conjugate gradients preconditioned by the
        Hessian of a leverage-score sample of the rows: about as many iterations, without
        forming anything at the cost of n d^2; before them, a first phase on some of the rows
        goes most of the way where there are many.  With 4000 columns or more nothing of size
        d x d is formed, and the preconditioner is diagonal but for the heaviest rows.
        "sampled" is the algorithm of the papers: a Newton step from the Hessian of a sample
        drawn anew in each iteration; it converges linearly, by a factor of about `epsilon`.
        "auto" takes "sketched" where there are columns and rows enough for it to pay, else
        "exact"; it goes by the shape of A, so that no result depends on the clock.  Verdicts are
        by the true Hessian in every method.
    gtol : float, default 1e-8
        Tolerance on ||grad|| / S(x), where S(x) = sum_i ||a_i|| |l'_i| is the size the
        gradient would have if nothing cancelled in it.  It needs no knowledge of the
        scale of the data.  A minimum must also have no negative curvature, and a Newton
        step that moves no entry of u by more than 0.1 sqrt(gtol) (1 + |u|), within 1e-5 and 1e-2.
    max_iter : int, default 200
        Limit on iterations, of each start.
    max_time : float, optional
        Limit on wall time in seconds, of all starts together.
    starts : int, default 1
        Descents: from x0, then from random points around it; the best is returned.
    epsilon : float, optional
        For "sampled" only: about the spectral error of the sampled Hessian, less than 1; 0.1
        by default.  It is halved when a step shows that the sample is too coarse.
    rng : int or numpy.random.Generator, optional
        Source of the random starts and samples; the same seed gives the same result to the
        last bit, whatever the number of threads.  None makes random starts new each time, but
        leaves samples the same, so that a solve from one start can be repeated.
    callback : callable, optional
        Called as ``callback(record)`` with an :class:`IterationRecord` for every point,
        the start included.  StopIteration raised in it ends the solve.  Methods
        ``begin(gtol, max_time, solves)`` and ``end()``, if it has them, are called before and after the
        solve, however that ends.  :class:`newtonkit.ProgressBar` is such a callback.
    verbose : int, default 0
        1 prints a line for each iteration.
    certify : bool, default False
        Put a proof that a minimiser is near on the result, as ``result.certificate``; see
        :func:`newtonkit.certify`.  Its time is not in ``result.seconds``, and no matter of `max_time`.

    Returns
    -------
    MinimizeResult
        A ``scipy.optimize.OptimizeResult`` (x, fun, jac, nit, nfev, njev, nhev, success,
        status, message) with a record for each iteration in ``history``.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, or `certify` is asked for an activation or loss of one's own.
    ValueError
        If an argument is out of range, if the problem has no finite value or derivative at
        `x0`, or if "sampled" or "sketched" is asked for a problem that is not made of rows.

    Notes
    -----
    Limits and Ctrl-C return the best point found so far, with ``success=False``.
    Where the design is rank-deficient, x - x0 is the shortest of all that give the same
    A x (not where nothing of size d x d is formed: there it is one of them).
    BLAS is held at one thread during the solve and row blocks are spread over threads, so
    that the result does not depend on the number of threads.
    Each record also goes to the logger "newtonkit" on level INFO, with the fields of the record
    as attributes, if that level is enabled when the solve begins.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.random.default_rng(0).normal(size=(200, 3))
    >>> problem = nk.ExpRegression(A, np.exp(A @ [0.5, -0.3, 0.1]))
    >>> result = nk.minimize(problem)
    >>> result.x.round(6), result.message
    (array([ 0.5, -0.3,  0.1]), 'The gradient is at tolerance and there is no negative curvature.')
    >>> result.method, result.method_reason
    ('exact', '600 entries are few for d = 3: a Gram matrix costs little')
    """
    tolerance, starts = checked_number(gtol, "gtol"), checked_count(starts, "starts", 1)
    max_iter = checked_count(max_iter, "max_iter", 0)
    seconds = math.inf if max_time is None else checked_number(max_time, "max_time", endless=True)
    callback = checked_callback(callback)
    generator = checked_generator(rng)
    verbose = checked_count(int(verbose) if isinstance(verbose, bool | np.bool_) else verbose, "verbose", 0)
    if isinstance(problem, type) or not hasattr(problem, "evaluate"):
        hint = "; for a function, see newtonkit.newton" if callable(problem) else ""
        raise TypeError(f"problem must be a newtonkit problem, got {type(problem).__name__}{hint}")
    if checked_flag(certify, "certify"):
        _require_support(problem)
    if epsilon is not None:
        epsilon = checked_epsilon(epsilon)
    chosen, reason = checked_method(method, problem, epsilon)
    d = problem.n_parameters
    if d > _MOST_DENSE and not (chosen == "sketched" and d >= LEAST_WIDE):
        raise ValueError(f"method {chosen!r} forms {d} x {d} matrices; it is meant for d up to {_MOST_DENSE}")
    meter = Meter()
    limits = Limits(max_iter, meter.started + seconds)
    with one_blas_thread(), announced(callback, tolerance, seconds, starts):
        first = evaluated_start(problem, chosen, np.zeros(d) if x0 is None else as_vector(x0, "x0", d), meter)
        criteria = Criteria(tolerance, Reference(problem, first))
        seed = 0 if rng is None or chosen == "exact" else int(generator.integers(2**63))
        with meter.phase("metric"):
            setting = prepared(chosen, reason, problem, criteria.reference, tolerance, epsilon, seed)
        meter.charge("metric", setting.passes)
        show = iteration_printer(callback, verbose, setting.title)
        begin = partial(Descent, setting.builder, criteria, limits, meter, show, opening=setting.opening)
        points = _starting_points(problem, first, setting.metric, starts, generator)
        result = result_of(setting, meter, _descend_all(begin, points))
        return _certified(problem, result) if certify and isinstance(problem, Problem) else result


def _require_support(problem: Objective) -> None:
    from newtonkit.certificates.support import require_support  # noqa: PLC0415  (only where it is asked for)

    require_support(problem)


def _certified(problem: Problem, result: MinimizeResult) -> MinimizeResult:
    """Put a certificate on a result, which is not lost if the proof does not come to its end."""
    from newtonkit.certificates import certify, unproven  # noqa: PLC0415  (only where it is asked for)

    try:
        result.certificate = certify(problem, result.x)
    except KeyboardInterrupt:
        result.certificate = unproven("The proof was interrupted.")
    except MemoryError:
        result.certificate = unproven("There is not enough memory for a proof.")
    return result


def evaluated_start(problem: Objective, method: str, x0: FloatArray, meter: Meter) -> PointEvaluation:
    """Return the problem evaluated at a start, refusing where it has no value or derivatives."""
    with meter.phase("value"):
        evaluation = problem.evaluate(x0)
    with meter.phase("gradient"):
        if not np.isfinite(evaluation.value) or not np.isfinite(evaluation.gradient).all():
            raise ValueError("x0 is no start: the problem has no finite value and gradient there")
    with meter.phase("hessian"):  # it is kept for the first iteration
        is_exact = method == "exact"
        if not np.isfinite(evaluation.hessian.to_dense() if is_exact else evaluation.curvature_mass).all():
            raise ValueError("x0 is no start: the problem has no finite Hessian there")
    return evaluation


def _starting_points(
    problem: Objective,
    first: PointEvaluation,
    metric: Metric,
    starts: int,
    generator: np.random.Generator,
) -> Iterator[PointEvaluation]:
    yield first
    for _ in range(starts - 1):
        yield _random_start(problem, first, metric, generator)


def _descend_all(
    begin: Callable[[PointEvaluation], Descent], points: Iterator[PointEvaluation]
) -> list[tuple[Descent, Status]]:
    done: list[tuple[Descent, Status]] = []
    try:
        for point in points:
            descent = begin(point)
            done.append((descent, descent.run()))
            if done[-1][1] in (Status.INTERRUPTED, Status.STOPPED_BY_CALLBACK, Status.MAX_TIME):
                break
    except KeyboardInterrupt:  # between two descents
        if not done:
            raise
    return done


def _random_start(
    problem: Objective, first: PointEvaluation, metric: Metric, generator: np.random.Generator
) -> PointEvaluation:
    """Draw a start that changes u by about 1 in the root mean square; nearer if there is no value."""
    for k in range(_DRAWS):
        z = generator.standard_normal(metric.rank) / np.sqrt(max(metric.rank, 1))
        candidate = problem.evaluate(first.x + 0.7**k * (metric.steps(z[:, None])[:, 0]))
        if np.isfinite(candidate.value) and np.isfinite(candidate.gradient).all():
            return candidate
    return first


def result_of(setting: Setting, meter: Meter, descents: list[tuple[Descent, Status]]) -> MinimizeResult:
    """Return the best of some descents as a result."""
    best, status = min(descents, key=lambda pair: (not pair[1].success, pair[0].evaluation.value))
    history: tuple[IterationRecord, ...] = tuple(best.history)
    point = best.evaluation.refreshed()
    result = MinimizeResult()
    result.update(
        x=point.x.copy(),
        fun=point.value,
        jac=point.gradient.copy(),
        success=status.success,
        status=status,
        message=_message(status, point, best),
        nit=max(len(history) - 1, 0),
        nfev=meter.values,
        njev=meter.gradients,
        nhev=meter.hessians,
        passes=meter.passes,
        seconds=meter.seconds,
        rank=setting.metric.rank,
        method=setting.method,
        method_reason=setting.reason,
        inner_iterations=sum(record.inner_iterations for record in history),
        factorisations=setting.builder.factorisations + 1,
        history=history,
        starts=tuple((descent.evaluation.value, ended) for descent, ended in descents),
        certificate=None,
    )
    return result


def _message(status: Status, point: PointEvaluation, descent: Descent) -> str:
    if status is Status.CONVERGED:
        return status.sentence
    sizes = f"||grad|| / S = {relative_gradient(point):.1e}, gtol = {descent.criteria.gtol:.1e}"
    return f"{status.sentence} ({sizes}.)"
