"""Kernels as they are compiled, or as plain Python all the way down."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

FORMS = ("compiled", "python")
LONG = np.longdouble
EPS = float(np.finfo(float).eps)


def take_form(module: ModuleType, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the plain functions in place of all kernels that `module` knows, if `form` says so."""
    if form == "compiled":
        return
    for name, found in list(vars(module).items()):
        if hasattr(found, "py_func"):
            monkeypatch.setattr(module, name, found.py_func)


def long(*arrays: Any) -> list[np.ndarray]:
    """The same numbers in extended precision."""
    return [np.asarray(each, dtype=LONG) for each in arrays]


def activation(kind: int, u: np.ndarray, scale: Any = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """f, f' and f'' of an activation by its number, times exp(-scale), in extended precision."""
    v, shift = np.asarray(u, dtype=LONG), LONG(scale)
    e, unit = np.exp(v - shift), np.exp(-shift)
    if kind == 0:
        return e, e, e
    if kind == 3:
        return e + v * unit, e + unit, e
    even = (e + np.exp(-v - shift)) / 2
    odd = np.where(np.abs(v) < 1, np.sinh(np.clip(v, -1, 1)) * unit, (e - np.exp(-v - shift)) / 2)
    return (even, odd, even) if kind == 1 else (odd, even, odd)


def activation_sizes(kind: int, u: np.ndarray, scale: Any = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What they would be if nothing cancelled in them."""
    v, shift = np.asarray(u, dtype=LONG), LONG(scale)
    e, unit = np.exp(v - shift), np.exp(-shift)
    if kind == 3:
        return e + np.abs(v) * unit, e + unit, e
    f, first, second = activation(kind, u, scale)
    return np.abs(f), np.abs(first), np.abs(second)
