"""What SciPy's users expect of a callback and of ``return_all``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from scipy.optimize import OptimizeResult

from newtonkit.design import FloatArray
from newtonkit.results import IterationRecord


class Observer:
    """Hands each iterate after the start to the user, in the form that the user's callback takes.

    Parameters
    ----------
    callback : callable or None
        Called as ``callback(intermediate_result=r)``, r with x and fun, if that is the name
        of its only parameter, and as ``callback(x)`` otherwise.
    return_all : bool
        Whether to keep the iterates.

    Attributes
    ----------
    iterates : list of ndarray
        The start and what followed; empty unless they are kept.
    """

    def __init__(self, callback: Callable[..., Any] | None, *, return_all: bool) -> None:
        self._callback = callback
        self._in_full = callback is not None and _takes_result(callback)
        self._return_all = return_all
        self.iterates: list[FloatArray] = []

    def __call__(self, record: IterationRecord) -> None:
        """Show a record to the user; the start is none of the iterations that SciPy reports."""
        assert record.x is not None
        if self._return_all:
            self.iterates.append(record.x.copy())
        if self._callback is None or record.iteration == 0:
            return
        if self._in_full:
            seen = OptimizeResult()
            seen.update(x=record.x, fun=record.value)
            self._callback(intermediate_result=seen)
        else:
            self._callback(record.x)


def _takes_result(callback: Callable[..., Any]) -> bool:
    try:
        return set(inspect.signature(callback).parameters) == {"intermediate_result"}
    except (TypeError, ValueError):  # something built in, that does not tell
        return False
