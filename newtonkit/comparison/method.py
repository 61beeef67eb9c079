"""One method of a comparison: whether it suits a problem, how it is run, and what came out."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy.optimize import OptimizeResult

from newtonkit.comparison.monitor import STOPPED_BY_US, MethodEnded, Monitor, TracePoint
from newtonkit.comparison.start import Limits, Start
from newtonkit.design import FloatArray
from newtonkit.design.threads import one_blas_thread
from newtonkit.problems import Problem

# As good as no limit, and still an int32 for those that hand it to compiled code.
NO_LIMIT = 2**31 - 1
# Runs of fewer seconds are repeated that often.
_QUICK, _REPEATS = 0.1, 5

Seed = np.random.SeedSequence | None


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
    factorisations : int or None
        Matrices of d columns factorised; None if unknown.
    scipy_counts : dict of str to int, or None
        nit, nfev, njev and nhev as the method itself reports them, where it does; None if
        it did not return by itself or is not SciPy's.
    trace : tuple of TracePoint
        Its iterates.
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
    factorisations: int | None = None
    scipy_counts: Mapping[str, int] | None = None
    trace: tuple[TracePoint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Method(ABC):
    """How a method is run.

    Attributes
    ----------
    name : str
        What the comparison calls it.
    randomised : bool
        Whether it draws random numbers, so that it is run once for each seed.
    most_parameters : int
        The d above which it only runs when asked for by name.
    """

    name: str
    randomised: bool = False
    most_parameters: int = 20_000

    def unsuited(self, problem: Problem) -> str:
        """Return why the method cannot solve a problem; nothing if it can."""
        return ""

    def runs_unasked(self, problem: Problem) -> bool:
        """Tell whether it belongs into a comparison of all methods on that problem."""
        return not self.unsuited(problem) and problem.n_parameters <= self.most_parameters

    @abstractmethod
    def run(self, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
        """Run it once from the start, until it is at tolerance, ends by itself or is cut off."""


def run_method(method: Method, problem: Problem, start: Start, limits: Limits, seed: Seed = None) -> Run:
    """Run one method from the start until it is at tolerance, ends by itself or is cut off.

    One run of a few milliseconds measures the moment more than the method: quick runs are
    repeated, and the median of their times is kept.  BLAS is held at one thread for every
    method, as newtonkit holds it for itself: SciPy's methods are quicker for it, because
    evaluating the problem would otherwise have to switch the threads of BLAS each time.
    """
    run = _run_once(method, problem, start, limits, seed)
    if run.seconds >= _QUICK or run.ending == "raised":
        return run
    runs = [run] + [_run_once(method, problem, start, limits, seed) for _ in range(_REPEATS - 1)]
    seconds = float(np.median([run.seconds for run in runs]))
    return replace(run, seconds=seconds, repeats=_REPEATS, trace=_median_trace(runs))


def _run_once(method: Method, problem: Problem, start: Start, limits: Limits, seed: Seed) -> Run:
    # The problem keeps its last evaluation: move it away, so that nobody finds the start done.
    problem.evaluate(np.nextafter(start.x, np.inf))
    rng = None if seed is None else np.random.default_rng(seed)
    with one_blas_thread(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = method.run(problem, start, limits, rng)
    warned = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    return replace(run, warned=tuple(warned))


def _median_trace(runs: list[Run]) -> tuple[TracePoint, ...]:
    """Return the trace with the median of the times; the first one if the runs went different ways."""
    first = runs[0].trace
    if any(len(run.trace) != len(first) for run in runs):
        return first
    seconds = np.median([[point.seconds for point in run.trace] for run in runs], axis=0)
    return tuple(point._replace(seconds=float(s)) for point, s in zip(first, seconds, strict=True))


class Watched(Protocol):
    """What :func:`supervised` needs of the functions that a method was given."""

    unit: float
    best_x: FloatArray
    best_value: float
    factorisations: int | None
    monitor: Monitor

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Values, gradients, Hessians and Hessian-vector products computed."""
        ...


def supervised(
    name: str,
    oracle: Watched,
    call: Callable[[], OptimizeResult],
    limits: Limits,
    iterations_of: Callable[[OptimizeResult], int | None],
) -> Run:
    """Call one of SciPy's methods, whatever comes out of it.

    `iterations_of` gives the iterations that a result tells of, if it does.
    """
    monitor, counts, claimed = oracle.monitor, None, None
    try:
        result = call()
        seconds = monitor.seconds
    except MethodEnded as end:
        seconds = monitor.seconds
        ending, said = end.ending, STOPPED_BY_US[end.ending]
        x = monitor.iterate if ending == "tolerance" else oracle.best_x
        if ending != "tolerance" and oracle.best_value < monitor.value:
            monitor.conclude(x, oracle.best_value, monitor.iterations)
    except Exception as error:
        # Whatever a method raises is a finding of the comparison, and is reported as one.
        seconds = monitor.seconds
        x, ending, said = oracle.best_x, "raised", in_words(error)
    else:
        x, said, claimed = result.x, str(result.message), bool(result.success)
        told = iterations_of(result)
        value = result.cost if "cost" in result else result.fun
        monitor.conclude(x, float(value) / oracle.unit, monitor.iterations if told is None else told)
        ending = "iterations" if monitor.iterations == limits.max_iter else "own"
        counts = {key: int(result[key]) for key in _COUNTS if result.get(key) is not None}
    return Run(
        name,
        x,
        monitor.iterations,
        *oracle.counts,
        seconds,
        ending,
        said,
        claimed,
        factorisations=oracle.factorisations,
        scipy_counts=counts,
        trace=tuple(monitor.trace),
    )


_COUNTS = ("nit", "nfev", "njev", "nhev")


def in_words(error: Exception) -> str:
    """Return an exception as a report shows it."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
