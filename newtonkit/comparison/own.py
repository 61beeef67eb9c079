"""newtonkit's own method, stopped by the same rule through its callback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from newtonkit.comparison.method import NO_LIMIT, Method, Run, in_words
from newtonkit.comparison.monitor import STOPPED_BY_US, Monitor, ToleranceMet
from newtonkit.comparison.start import Limits, Start
from newtonkit.methods import MethodName, chosen_method
from newtonkit.minimizer import minimize
from newtonkit.problems import Problem
from newtonkit.results import Status

_CUT_OFF = {Status.MAX_TIME: "time", Status.MAX_ITER: "iterations"}


@dataclass(frozen=True, kw_only=True)
class OwnMethod(Method):
    """:func:`newtonkit.minimize` by one of its methods.

    The exact one factorises a matrix for the metric of its steps and one for each Hessian.

    Attributes
    ----------
    method : str
        What :func:`newtonkit.minimize` is told.
    """

    method: MethodName = "exact"

    def runs_unasked(self, problem: Problem) -> bool:
        """See :meth:`Method.runs_unasked`: other methods than the exact one where "auto" takes them."""
        taken = self.method == "exact" or chosen_method(problem)[0] == self.method
        return taken and super().runs_unasked(problem)

    def run(self, problem: Problem, start: Start, limits: Limits, rng: Any) -> Run:
        """See :meth:`Method.run`."""
        monitor = Monitor(start, limits)
        met = False

        def callback(record: Any) -> None:
            nonlocal met
            with monitor.clock_stopped():
                if record.iteration > 0:
                    monitor.conclude(record.x, record.value, record.iteration)
                norm, relative = record.gradient_norm, record.relative_gradient
                scale = norm / relative if relative > 0.0 else 0.0
                try:
                    monitor.judge(record.x, record.value, norm, scale)
                except ToleranceMet:
                    met = True
                    raise StopIteration from None

        try:
            result = minimize(
                problem,
                start.x.copy(),
                method=self.method,
                gtol=0.0,
                max_iter=limits.max_iter or NO_LIMIT,
                max_time=limits.max_time,
                rng=rng,
                callback=callback,
            )
            seconds = monitor.seconds
        except Exception as error:
            counts, seconds = (monitor.iterations, *4 * (None,)), monitor.seconds
            run = Run(self.name, monitor.iterate, *counts, seconds, "raised", in_words(error), None)
            return replace(run, trace=tuple(monitor.trace))
        if result.status == Status.INTERRUPTED:
            raise KeyboardInterrupt
        if not np.array_equal(result.x, monitor.iterate):
            monitor.conclude(result.x, result.fun, int(result.nit))
        ending = "tolerance" if met else _CUT_OFF.get(result.status, "own")
        said = STOPPED_BY_US.get(ending) or f"{result.status.name.lower()}: {result.message}"
        hessians = int(result.nhev) if result.method == "exact" else 0
        products = int(result.inner_iterations)
        counted = (int(result.nit), int(result.nfev), int(result.njev), hessians, products)
        claimed = bool(result.success) if ending == "own" else None
        run = Run(self.name, result.x, *counted, seconds, ending, said, claimed)
        return replace(run, factorisations=int(result.factorisations), trace=tuple(monitor.trace))
