"""Factorisations that SciPy does in Python, counted where it calls for them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class _Counting(Protocol):
    factorisations: int | None


@contextmanager
def calls_counted(counter: _Counting, module: str, name: str, *, getter: bool = False) -> Iterator[None]:
    """Count the calls of a function of one of SciPy's modules, for the time of a run.

    With `getter`, the function returns several functions, and the calls of those are counted.
    Where SciPy does not look as expected, the count becomes None: unknown.
    """
    try:
        home = importlib.import_module(module)
        original: Callable[..., Any] = getattr(home, name)
    except (ImportError, AttributeError):
        counter.factorisations = None
        yield
        return

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if counter.factorisations is not None:
                counter.factorisations += 1
            return function(*args, **kwargs)

        return call

    def got(*args: Any, **kwargs: Any) -> Any:
        return [counted(function) for function in original(*args, **kwargs)]

    setattr(home, name, got if getter else counted(original))
    try:
        yield
    finally:
        setattr(home, name, original)
