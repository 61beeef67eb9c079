"""Where the curvature comes from: the methods of ``minimize``, and which of them "auto" takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from newtonkit.convergence import Reference
from newtonkit.curvature import ModelBuilder
from newtonkit.descent import OpeningMove
from newtonkit.exact import ExactBuilder
from newtonkit.metric import Metric
from newtonkit.objective import Objective
from newtonkit.options import checked_number
from newtonkit.problems import Problem

MethodName = Literal["auto", "exact", "sampled", "sketched"]
METHODS: tuple[str, ...] = get_args(MethodName)
LEAST_WIDE = 4000
"""From so many columns on the sketched method forms nothing of size d x d."""
_EPSILON = 0.1
_LEAST_COLUMNS, _MANY_COLUMNS = 10, 150
_LEAST_ROWS_PER_COLUMN = 40
_LEAST_ENTRIES = 2**21


@dataclass(frozen=True)
class Setting:
    """A method made ready for a problem.

    Attributes
    ----------
    method : str
        The method, never "auto".
    reason : str
        Why "auto" took it; empty where it was asked for.
    metric : Metric
        The norm of steps.
    builder : ModelBuilder
        Makes the curvature models.
    passes : int
        Sweeps over the data that this took.
    opening : callable, optional
        A short cut from the start.
    """

    method: str
    reason: str
    metric: Metric
    builder: ModelBuilder
    passes: int
    opening: OpeningMove | None = None

    @property
    def title(self) -> str:
        """The method in words."""
        return f"method {self.method}" + (f": {self.reason}" if self.reason else "")


def checked_epsilon(epsilon: Any) -> float:
    """Return a spectral error that a sample can be asked for."""
    value = checked_number(epsilon, "epsilon", positive=True)
    if value >= 1.0:
        raise ValueError(f"epsilon must be less than 1, got {epsilon!r}")
    return value


def checked_method(method: Any, problem: Objective, epsilon: float | None) -> tuple[str, str]:
    """Return the method to be used and the reason if it was chosen, refusing what does not go together."""
    if not isinstance(method, str) or method not in METHODS:
        names = ", ".join(repr(name) for name in METHODS)
        raise ValueError(f"method must be one of {names}, got {method!r}")
    if epsilon is not None and method != "sampled":
        raise ValueError(f"epsilon belongs to method 'sampled', got method {method!r}")
    if method in ("sampled", "sketched") and not isinstance(problem, Problem):
        raise ValueError(f"method {method!r} needs a problem made of rows, got {type(problem).__name__}")
    return chosen_method(problem) if method == "auto" else (method, "")


def chosen_method(problem: Objective) -> tuple[str, str]:
    """Return what "auto" takes.

    It goes by n, d and the number of entries, at limits that were measured on dense and sparse
    designs (``python -m bench.method_choice``), and not by a clock: the result depends neither
    on how fast the machine is nor on how many threads there are.
    """
    if not isinstance(problem, Problem):
        return "exact", "the problem is not made of rows"
    n, d = problem.design.shape
    if d >= LEAST_WIDE:
        return "sketched", f"d = {d} columns are many: nothing of size d x d is formed"
    if n < _LEAST_ROWS_PER_COLUMN * d:
        return "exact", f"n = {n} is less than {_LEAST_ROWS_PER_COLUMN} d: a sample would hold most rows"
    entries = problem.design.n_entries
    if d < _MANY_COLUMNS and entries < _LEAST_ENTRIES:
        return "exact", f"{entries} entries are few for d = {d}: a Gram matrix costs little"
    if d < _LEAST_COLUMNS:
        return "exact", f"d = {d} is less than {_LEAST_COLUMNS}: a Gram matrix costs little"
    return "sketched", f"n = {n} rows are many for d = {d}: a sample of them is enough"


def prepared(
    method: str,
    reason: str,
    problem: Any,
    reference: Reference,
    gtol: float,
    epsilon: float | None,
    seed: int,
) -> Setting:
    """Return a method with its metric and its builder."""
    if method == "exact":
        metric = Metric(problem, reference.mass)
        return Setting(method, reason, metric, ExactBuilder(problem, metric), 2)
    from newtonkit.approximate import (  # noqa: PLC0415  (for large data)
        MatrixFreeBuilder,
        SampledBuilder,
        SketchedBuilder,
    )
    from newtonkit.approximate.embedded import step_metric  # noqa: PLC0415
    from newtonkit.approximate.matrix_free import diagonal_metric  # noqa: PLC0415
    from newtonkit.approximate.opening import Opening  # noqa: PLC0415

    if method == "sketched" and problem.n_parameters >= LEAST_WIDE:
        diagonal = diagonal_metric(problem, reference.mass)
        return Setting(
            method, reason, diagonal, MatrixFreeBuilder(problem, diagonal, gtol, reference.mass, seed), 1
        )
    metric, passes = step_metric(problem, reference.mass, seed)
    builder: ModelBuilder
    opening = None
    if method == "sketched":
        builder = SketchedBuilder(problem, metric, gtol, seed)
        opening = Opening(problem, metric, gtol, seed).point
    else:
        builder = SampledBuilder(problem, metric, gtol, _EPSILON if epsilon is None else epsilon, seed)
    return Setting(method, reason, metric, builder, passes, opening)
