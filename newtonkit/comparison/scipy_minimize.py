"""The methods of ``scipy.optimize.minimize``, each with the derivatives that it can use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import optimize
from scipy.sparse.linalg import LinearOperator

from newtonkit.comparison.factorisations import calls_counted
from newtonkit.comparison.method import NO_LIMIT, Method, Run, supervised
from newtonkit.comparison.oracle import Oracle
from newtonkit.comparison.start import Limits, Start
from newtonkit.problems import Problem

# Up to this d, conjugate gradients are mostly quicker on a Hessian formed once than on products with
# the data: up to 20 times where it is ill-conditioned, and hardly ever half as quick.
_FORMED_UP_TO = 200
# SLSQP takes a tolerance of exactly zero as a reason to go on for ever where rounding has taken over.
_NEXT_TO_ZERO = float(np.finfo(float).tiny)

Callback = Callable[..., None]
Derivatives = Callable[[Oracle, int], dict[str, Any]]


def _first_only(oracle: Oracle, d: int) -> dict[str, Any]:
    return {}


def _formed(oracle: Oracle, d: int) -> dict[str, Any]:
    return {"hess": oracle.hess}


def _formed_or_products(oracle: Oracle, d: int) -> dict[str, Any]:
    return _formed(oracle, d) if d <= _FORMED_UP_TO else {"hessp": oracle.hessp}


def _formed_or_operator(oracle: Oracle, d: int) -> dict[str, Any]:
    if d <= _FORMED_UP_TO:
        return _formed(oracle, d)
    made: Any = LinearOperator  # its stubs know no functions given by name

    def hess(x: Any) -> Any:
        point = x.copy()
        return made((d, d), matvec=lambda v: oracle.hessp(point, v.ravel()), dtype=np.float64)

    return {"hess": hess}


def _ends_of_iterations(oracle: Oracle) -> Callback:
    def callback(intermediate_result: optimize.OptimizeResult) -> None:
        oracle.iteration(intermediate_result.x, intermediate_result.fun)

    return callback


def _bare_points(oracle: Oracle) -> Callback:
    def callback(x: Any) -> None:
        oracle.iteration(x)

    return callback


def _states(oracle: Oracle) -> Callback:
    """Trust-constr shows the start as well, as iteration 1."""

    def callback(x: Any, state: optimize.OptimizeResult) -> None:
        if state.nit > 1:
            oracle.iteration(x, state.fun)

    return callback


def _beginnings_of_iterations(oracle: Oracle) -> Callback:
    """SLSQP shows the first trial of each iteration, having factorised a matrix to find it."""

    def callback(x: Any) -> None:
        if oracle.factorisations is not None:
            oracle.factorisations += 1

    return callback


def _cholesky_counted(oracle: Oracle) -> AbstractContextManager[None]:
    return calls_counted(oracle, "scipy.optimize._trustregion_exact", "get_lapack_funcs", getter=True)


@dataclass(frozen=True, kw_only=True)
class ScipyMinimize(Method):
    """A method of ``scipy.optimize.minimize``.

    Attributes
    ----------
    options : mapping of str to Any
        Those by which it would stop by itself, set so that it does not: it is stopped from within.
    second : callable
        Gives the second derivatives that it can use, as keywords.
    callback : callable
        Makes the callback that tells where the method is.
    gradients_at_iterates : bool
        Whether gradients rather than the callback tell that: see :class:`Oracle`.
    takes_maxiter : bool
        Whether it can be told how many iterations to do.
    counting : callable
        Makes a context in which factorisations are counted.
    first_nit : int
        nit of a run without any iteration.
    first_gradient : float
        The problem is multiplied by a number that brings the norm of the first gradient near
        this: most methods have absolute thresholds inside, which end them early where the
        gradient is small from the start, and keep them busy where it is large.  Of 1, 30, 100,
        1e3 and 1e4, it is that with which the method arrives on most of the ready-made
        problems, and among those, the soonest.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    second: Derivatives = _first_only
    callback: Callable[[Oracle], Callback] = _ends_of_iterations
    gradients_at_iterates: bool = False
    takes_maxiter: bool = True
    counting: Callable[[Oracle], AbstractContextManager[None]] = lambda oracle: nullcontext()
    first_nit: int = 0
    first_gradient: float = 30.0

    def run(self, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
        """See :meth:`Method.run`."""
        options = dict(self.options)
        if self.takes_maxiter:
            # trust-constr ends at the nit that its callback has just been shown.
            most = NO_LIMIT if limits.max_iter is None else limits.max_iter + self.first_nit
            options["maxiter"] = min(most, NO_LIMIT)
        oracle = Oracle(
            problem,
            start,
            limits,
            gradients_at_iterates=self.gradients_at_iterates,
            caps_iterations=not self.takes_maxiter,
            unit=start.unit(self.first_gradient),
        )
        untyped: Any = optimize.minimize  # its overloads know no method given by a variable
        call = partial(
            untyped,
            oracle.fun,
            start.x.copy(),
            jac=oracle.jac,
            method=self.name,
            callback=self.callback(oracle),
            options=options,
            **self.second(oracle, problem.n_parameters),
        )
        with self.counting(oracle):
            return supervised(self.name, oracle, call, limits, self._iterations)

    def _iterations(self, result: optimize.OptimizeResult) -> int:
        return max(int(result.nit) - self.first_nit, 0)


_TRUST = {"gtol": 0.0}

SCIPY_MINIMIZE: tuple[Method, ...] = (
    ScipyMinimize(name="L-BFGS-B", options={"ftol": 0.0, "gtol": 0.0, "maxls": 50, "maxfun": NO_LIMIT}),
    ScipyMinimize(name="BFGS", options={"gtol": 0.0, "xrtol": 0.0}, most_parameters=5000),
    ScipyMinimize(name="CG", options={"gtol": 0.0}, first_gradient=1e4),
    ScipyMinimize(
        name="TNC",
        options={"ftol": 0.0, "xtol": 0.0, "gtol": 0.0, "maxfun": NO_LIMIT},
        callback=_bare_points,
        takes_maxiter=False,
    ),
    ScipyMinimize(
        name="SLSQP",
        options={"ftol": _NEXT_TO_ZERO},
        callback=_beginnings_of_iterations,
        gradients_at_iterates=True,
        most_parameters=1000,
    ),
    ScipyMinimize(name="Newton-CG", options={"xtol": 0.0}, second=_formed_or_products),
    ScipyMinimize(name="trust-ncg", options=_TRUST, second=_formed_or_products, first_gradient=1.0),
    ScipyMinimize(name="trust-krylov", options=_TRUST, second=_formed_or_products),
    ScipyMinimize(
        name="trust-exact",
        options=_TRUST,
        second=_formed,
        counting=_cholesky_counted,
        most_parameters=3000,
        first_gradient=1.0,
    ),
    ScipyMinimize(
        name="trust-constr",
        options={"gtol": 0.0, "xtol": 0.0},
        second=_formed_or_operator,
        callback=_states,
        first_nit=1,
        first_gradient=1.0,
    ),
)
"""The methods for unconstrained problems that can use a gradient."""
