"""All methods of ``scipy.optimize.minimize`` that use derivatives, raced against a deadline."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

from bench.speed.cases import Case
from bench.speed.figures import Setting
from bench.speed.plain import Point
from bench.speed.watch import Arrived, OutOfTime, Watch
from newtonkit.comparison.scipy_minimize import SCIPY_MINIMIZE
from newtonkit.design import FloatArray, one_blas_thread

_KNOWN = {method.name: method for method in SCIPY_MINIMIZE}
# A deadline below this measures the moment.
_SHORTEST = 0.2
_FACTORISED_UP_TO, _UPDATED_UP_TO = 3000, 1000


@dataclass(frozen=True)
class Contestant:
    """One method with the derivatives that it is given.

    Attributes
    ----------
    method : str
        What SciPy calls it.
    second : str
        "hess", "hessp" or nothing.
    most_parameters : int
        The d above which it is left out.
    """

    method: str
    second: str = ""
    most_parameters: int = 2**31

    @property
    def name(self) -> str:
        """The method in words."""
        return f"{self.method} ({self.second})" if self.second else self.method


# The likeliest to be the fastest go first, because the best so far sets the deadline of the rest.
CONTESTANTS = (
    Contestant("trust-exact", "hess", _FACTORISED_UP_TO),
    Contestant("Newton-CG", "hess", _FACTORISED_UP_TO),
    Contestant("trust-krylov", "hess", _FACTORISED_UP_TO),
    Contestant("trust-ncg", "hess", _FACTORISED_UP_TO),
    Contestant("trust-constr", "hess", _FACTORISED_UP_TO),
    Contestant("dogleg", "hess", _FACTORISED_UP_TO),
    Contestant("trust-krylov", "hessp"),
    Contestant("Newton-CG", "hessp"),
    Contestant("trust-ncg", "hessp"),
    Contestant("trust-constr", "hessp"),
    Contestant("BFGS", "", _UPDATED_UP_TO),
    Contestant("L-BFGS-B"),
    Contestant("SLSQP", "", _UPDATED_UP_TO),
    Contestant("TNC"),
    Contestant("CG"),
)


@dataclass(frozen=True)
class Attempt:
    """What came of one run.

    Attributes
    ----------
    name : str
        Who ran.
    seconds : float or None
        When it arrived; None if it did not.
    limit : float
        What it might have taken.
    outcome : str
        "arrived", "more than T s", or why it did not arrive.
    """

    name: str
    seconds: float | None
    limit: float
    outcome: str

    @property
    def is_cut_off(self) -> bool:
        """Whether the deadline ended it."""
        return self.outcome.startswith("more than")


def attempt(
    contestant: Contestant,
    case: Case,
    at: Callable[[FloatArray], Point],
    limit: float,
    reference: float | None = None,
) -> Attempt:
    """Run one method from x = 0 until it arrives, ends by itself or is cut off."""
    known = _KNOWN.get(contestant.method, _KNOWN["trust-exact"])  # dogleg takes the same
    unit = float(2.0 ** np.round(np.log2(known.first_gradient / case.first)))
    options = dict(known.options)
    if known.takes_maxiter:
        options["maxiter"] = 2**31 - 1
    start = np.zeros(case.A.shape[1])
    untyped: Any = optimize.minimize
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watch = Watch(at, case.goal, limit, unit)
        second = {contestant.second: getattr(watch, contestant.second)} if contestant.second else {}
        try:
            result = untyped(
                watch.fun, start, jac=watch.jac, method=contestant.method, options=options, **second
            )
        except Arrived:
            reason = case.refusal(watch.x, reference)
            seconds = None if reason else watch.seconds
            return Attempt(contestant.name, seconds, limit, reason or "arrived")
        except OutOfTime:
            return Attempt(contestant.name, None, limit, f"more than {limit:.3g} s")
        except Exception as error:  # whatever a method raises is a finding
            return Attempt(contestant.name, None, limit, f"raised {type(error).__name__}: {error}")
    return Attempt(contestant.name, None, limit, f"stopped early: {result.message}")


def evaluator(case: Case, source: str) -> Callable[[FloatArray], Point]:
    """Return what evaluates a case: "plain" NumPy, or the "library" with nothing known yet."""
    return case.plain if source == "plain" else case.library()


def raced(
    case: Case,
    source: str,
    setting: Setting,
    reference: float | None = None,
    contestants: Sequence[Contestant] = CONTESTANTS,
) -> list[Attempt]:
    """Run all methods, each with a deadline that the best so far sets.

    With the library's derivatives BLAS is held at one thread, as the library needs it: the
    methods are quicker for it (see :func:`newtonkit.comparison.method.run_method`).
    """
    attempts: list[Attempt] = []
    for contestant in contestants:
        if case.A.shape[1] > contestant.most_parameters:
            continue
        attempts.append(one_attempt(contestant, case, source, deadline(attempts, setting), reference))
    return attempts


def one_attempt(
    contestant: Contestant, case: Case, source: str, limit: float, reference: float | None = None
) -> Attempt:
    """Run one method with the derivatives of one source."""
    with one_blas_thread() if source == "library" else nullcontext():
        return attempt(contestant, case, evaluator(case, source), limit, reference)


def deadline(attempts: Sequence[Attempt], setting: Setting) -> float:
    """Return what the next method may take."""
    arrived = [one.seconds for one in attempts if one.seconds is not None]
    return min(setting.cap, max(_SHORTEST, setting.slack * min(arrived))) if arrived else setting.cap


def fastest(attempts: Sequence[Attempt], count: int = 2) -> list[Attempt]:
    """Return the fastest of those that arrived, the first one first."""
    arrived = [one for one in attempts if one.seconds is not None]
    return sorted(arrived, key=lambda one: one.seconds or 0.0)[:count]


def named(name: str) -> Contestant:
    """Return a contestant by its name."""
    return next(one for one in CONTESTANTS if one.name == name)
