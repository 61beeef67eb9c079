"""The methods of ``scipy.optimize.least_squares``, for elementwise problems."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import optimize

from newtonkit.comparison.factorisations import calls_counted
from newtonkit.comparison.method import NO_LIMIT, Method, Run, supervised
from newtonkit.comparison.residuals import ResidualOracle, SumOfSquares, is_dense, is_sum_of_squares
from newtonkit.comparison.start import Limits, Start
from newtonkit.problems import Problem

_EPS = float(np.finfo(float).eps)
# The least that each method takes for its tolerances: steps below rounding end it by itself.
_LOOSE = {"ftol": None, "gtol": None, "xtol": _EPS}
_ALL_EPS = {"ftol": _EPS, "gtol": _EPS, "xtol": _EPS}
_MOST_ENTRIES = 30_000_000


@dataclass(frozen=True, kw_only=True)
class ScipyLeastSquares(Method):
    """A method of ``scipy.optimize.least_squares``.

    Attributes
    ----------
    method : str
        What SciPy calls it.
    options : mapping of str to Any
        Tolerances.
    dense_only : bool
        Whether it needs the Jacobian as an array with at least as many rows as columns.
    factorises_by : str or None
        The function of SciPy's module for the method that factorises a Jacobian; None if
        each Jacobian is factorised once, in compiled code.
    """

    method: str
    options: Mapping[str, Any]
    dense_only: bool = False
    factorises_by: str | None = None

    def unsuited(self, problem: Problem) -> str:
        """See :meth:`Method.unsuited`."""
        if not is_sum_of_squares(problem):
            return f"{self.name} is for elementwise squared losses alone"
        if not self.dense_only:
            return ""
        if not is_dense(problem):
            return f"{self.name} needs a dense design"
        m, d = SumOfSquares(problem).shape
        return f"{self.name} needs at least as many residuals as parameters, not {m} for {d}" if m < d else ""

    def runs_unasked(self, problem: Problem) -> bool:
        """See :meth:`Method.runs_unasked`: dense Jacobians must fit well into memory."""
        n, d = problem.design.shape
        small = not is_dense(problem) or n * d <= _MOST_ENTRIES
        return small and super().runs_unasked(problem)

    def run(self, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
        """See :meth:`Method.run`."""
        squares = SumOfSquares(problem)
        _ = squares.dense  # a user of SciPy has it at hand: making it is charged to nobody
        oracle = ResidualOracle(squares, problem, start, limits)
        untyped: Any = optimize.least_squares  # its stubs know no operator for a Jacobian
        call = partial(
            untyped,
            oracle.fun,
            start.x.copy(),
            jac=oracle.jac,
            method=self.method,
            max_nfev=NO_LIMIT,
            **self.options,
        )
        with self._counting(oracle):
            run = supervised(self.name, oracle, call, limits, lambda result: None)
        if self.factorises_by is not None:
            return run
        # MINPACK factorises what it asks for, and SciPy asks once more for the point returned.
        counts = run.scipy_counts
        return replace(run, factorisations=oracle.jacobians if counts is None else counts.get("njev"))

    def _counting(self, oracle: ResidualOracle) -> AbstractContextManager[None]:
        if self.factorises_by is None:
            return nullcontext()
        return calls_counted(oracle, f"scipy.optimize._lsq.{self.method}", self.factorises_by)


SCIPY_LEAST_SQUARES: tuple[Method, ...] = (
    ScipyLeastSquares(
        name="lsq-trf", method="trf", options=_LOOSE, factorises_by="svd", most_parameters=2000
    ),
    ScipyLeastSquares(
        name="lsq-dogbox", method="dogbox", options=_LOOSE, factorises_by="lstsq", most_parameters=2000
    ),
    ScipyLeastSquares(name="lsq-lm", method="lm", options=_ALL_EPS, dense_only=True, most_parameters=2000),
)
"""Gauss-Newton in a trust region: trf, dogbox and MINPACK's Levenberg-Marquardt."""
