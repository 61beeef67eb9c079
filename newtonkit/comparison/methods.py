"""One run of one method: what it did, what it took, and what it said of itself."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize

from newtonkit.comparison.oracle import MOST_IDLE_ITERATIONS, MethodEnded, Oracle, Start
from newtonkit.design import FloatArray
from newtonkit.design.threads import one_blas_thread
from newtonkit.minimizer import minimize
from newtonkit.problems import Problem
from newtonkit.results import Status

# As good as no limit, and still an int32 for those that hand it to compiled code.
_NO_LIMIT = 2**31 - 1
_TRUST = {"gtol": 0.0}
# Runs of fewer seconds are repeated that often.
_QUICK, _REPEATS = 0.1, 5

# The options by which each method would stop by itself are set to zero: the oracle stops it.
_OPTIONS: dict[str, dict[str, Any]] = {
    "L-BFGS-B": {"ftol": 0.0, "gtol": 0.0, "maxls": 50, "maxfun": _NO_LIMIT},
    "BFGS": {"gtol": 0.0, "xrtol": 0.0},
    "CG": {"gtol": 0.0},
    "Newton-CG": {"xtol": 0.0},
    "trust-ncg": _TRUST,
    "trust-krylov": _TRUST,
    "trust-exact": _TRUST,
}
_WITH_HESSIAN = ("trust-exact",)
_WITH_PRODUCTS = ("Newton-CG", "trust-ncg", "trust-krylov")

METHODS: tuple[str, ...] = ("newtonkit", *_OPTIONS)
"""The methods that a comparison knows, in the order in which they run."""

_STOPPED_BY_US = {
    "tolerance": "stopped by the comparison: gradient at tolerance",
    "time": "stopped by the comparison: time cap",
    "idle": f"stopped by the comparison: x has not moved for {MOST_IDLE_ITERATIONS} iterations",
}


@dataclass(frozen=True)
class Run:
    """What came out of one run.

    Attributes
    ----------
    name : str
        The method.
    x : ndarray, shape (d,)
        The point returned; the best one seen if the method was stopped or raised.
    iterations, nfev, njev, nhev, nhessp : int
        Iterations; values, gradients, Hessians and Hessian-vector products computed;
        None where that is not known because the method raised.
    seconds : float
        Wall time, the median if there were several runs.
    ending : str
        "own" (the method returned by itself), "tolerance", "time", "idle" or "iterations" (it
        was stopped), or "raised".
    said : str
        The method's message, or why it was stopped, or what it raised.
    claimed_success : bool or None
        The method's success flag; None if it did not get to say.
    warned : tuple of str
        The warnings it gave, without repetition.
    repeats : int
        How many runs `seconds` is the median of.
    """

    name: str
    x: FloatArray
    iterations: int
    nfev: int | None
    njev: int | None
    nhev: int | None
    nhessp: int | None
    seconds: float
    ending: str
    said: str
    claimed_success: bool | None
    warned: tuple[str, ...] = ()
    repeats: int = 1


@dataclass(frozen=True)
class Limits:
    """Seconds and iterations that each method may take; None means no limit."""

    max_time: float
    max_iter: int | None


def run_method(name: str, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
    """Run one method from the start until it is at tolerance, ends by itself or is cut off.

    One run of a few milliseconds measures the moment more than the method: quick runs are
    repeated, and the median of their times is kept.  BLAS is held at one thread for every
    method, as newtonkit holds it for itself: SciPy's methods are quicker for it, because
    evaluating the problem would otherwise have to switch the threads of BLAS each time.
    """
    run = _run_once(name, problem, start, limits, rng)
    if run.seconds >= _QUICK or run.ending == "raised":
        return run
    times = [run.seconds] + [
        _run_once(name, problem, start, limits, rng).seconds for _ in range(_REPEATS - 1)
    ]
    return replace(run, seconds=float(np.median(times)), repeats=_REPEATS)


def _run_once(name: str, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
    # The problem keeps its last evaluation: move it away, so that nobody finds the start done.
    problem.evaluate(np.nextafter(start.x, np.inf))
    with one_blas_thread(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if name == "newtonkit":
            run = _run_newtonkit(problem, start, limits, rng)
        else:
            run = _run_scipy(name, problem, start, limits)
    warned = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    return replace(run, warned=tuple(warned))


def _run_scipy(name: str, problem: Problem, start: Start, limits: Limits) -> Run:
    """Run a method of ``scipy.optimize.minimize``."""
    oracle = Oracle(problem, start, limits.max_time)
    options = {**_OPTIONS[name], "maxiter": limits.max_iter or _NO_LIMIT}
    second: dict[str, Callable[..., FloatArray]] = {}
    if name in _WITH_HESSIAN:
        second["hess"] = oracle.hess
    elif name in _WITH_PRODUCTS:
        second["hessp"] = oracle.hessp

    def callback(intermediate_result: optimize.OptimizeResult) -> None:
        oracle.iteration(intermediate_result.x, intermediate_result.fun)

    minimize_untyped: Any = optimize.minimize  # its overloads know no method given by a variable
    began = time.perf_counter()
    try:
        result = minimize_untyped(
            oracle.fun,
            start.x.copy(),
            jac=oracle.jac,
            method=name,
            callback=callback,
            options=options,
            **second,
        )
        seconds = time.perf_counter() - began
    except MethodEnded as end:
        seconds = time.perf_counter() - began
        x, ending, said, claimed = oracle.best_x, end.ending, _STOPPED_BY_US[end.ending], None
    except Exception as error:
        # Whatever a method raises is a finding of the comparison, and is reported as one.
        seconds = time.perf_counter() - began
        x, ending, said, claimed = oracle.best_x, "raised", _in_words(error), None
    else:
        x, said, claimed = result.x, str(result.message), bool(result.success)
        ending = "iterations" if oracle.iterations == limits.max_iter else "own"
    return Run(name, x, oracle.iterations, *oracle.counts, seconds, ending, said, claimed)


def _run_newtonkit(problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
    """Run :func:`newtonkit.minimize`, stopped by the same rule through its callback."""
    met = False
    last: dict[str, Any] = {"x": start.x, "iteration": 0}

    def callback(record: Any) -> None:
        nonlocal met
        last.update(x=record.x, iteration=record.iteration)
        norm, relative = record.gradient_norm, record.relative_gradient
        met = start.ends_at(record.x, norm, norm / relative if relative > 0.0 else 0.0)
        if met:
            raise StopIteration

    began = time.perf_counter()
    try:
        result = minimize(
            problem,
            start.x.copy(),
            method="exact",
            gtol=0.0,
            max_iter=limits.max_iter or _NO_LIMIT,
            max_time=limits.max_time,
            rng=rng,
            callback=callback,
        )
        seconds = time.perf_counter() - began
    except Exception as error:
        seconds = time.perf_counter() - began
        x, iterations = last["x"], last["iteration"]
        return Run("newtonkit", x, iterations, *4 * (None,), seconds, "raised", _in_words(error), None)
    if result.status == Status.INTERRUPTED:
        raise KeyboardInterrupt
    endings = {Status.MAX_TIME: "time", Status.MAX_ITER: "iterations"}
    ending = "tolerance" if met else endings.get(result.status, "own")
    said = _STOPPED_BY_US.get(ending) or f"{result.status.name.lower()}: {result.message}"
    claimed = bool(result.success) if ending == "own" else None
    counts = (result.nit, result.nfev, result.njev, result.nhev, 0)
    return Run("newtonkit", result.x, *counts, seconds, ending, said, claimed)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
