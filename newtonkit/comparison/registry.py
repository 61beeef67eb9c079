"""The methods that a comparison knows, and which of them are to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from newtonkit.comparison.least_squares import SCIPY_LEAST_SQUARES
from newtonkit.comparison.method import Method
from newtonkit.comparison.own import OwnMethod
from newtonkit.comparison.scipy_minimize import SCIPY_MINIMIZE
from newtonkit.problems import Problem

_OWN = (
    OwnMethod(name="newtonkit", most_parameters=15_000),
    OwnMethod(name="newton-sketched", method="sketched", randomised=True, most_parameters=15_000),
    OwnMethod(name="newton-sampled", method="sampled", randomised=True, most_parameters=15_000),
)

REGISTRY: dict[str, Method] = {
    method.name: method for method in (*_OWN, *SCIPY_MINIMIZE, *SCIPY_LEAST_SQUARES)
}
"""The methods by name, in the order in which they run."""

METHODS: tuple[str, ...] = tuple(REGISTRY)
"""The names of the methods that a comparison knows, in the order in which they run."""


def chosen_methods(methods: Any, problem: Problem) -> tuple[Method, ...]:
    """Return the methods asked for, or by default all that suit the problem.

    Raises
    ------
    TypeError
        If `methods` is neither a name nor a sequence.
    ValueError
        If one is unknown, or does not suit the problem, or none is named.
    """
    if methods is None:
        return tuple(method for method in REGISTRY.values() if method.runs_unasked(problem))
    chosen = [_named(name) for name in _listed(methods)]
    if not chosen:
        raise ValueError("methods must name at least one method")
    for method in chosen:
        if reason := method.unsuited(problem):
            raise ValueError(f"methods must suit the problem, but {reason}")
    return tuple({method.name: method for method in chosen}.values())


def _listed(methods: Any) -> Sequence[Any]:
    if isinstance(methods, str):
        return [methods]
    try:
        return list(methods)
    except TypeError:
        raise TypeError(f"methods must be a name or a sequence of names, got {methods!r}") from None


def _named(name: Any) -> Method:
    known = {known.lower(): method for known, method in REGISTRY.items()}
    if not isinstance(name, str) or name.lower() not in known:
        raise ValueError(f"methods must be among {', '.join(REGISTRY)}; got {name!r}")
    return known[name.lower()]
