"""Third derivatives by differences of Hessians, and the largest value of such a form."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray
_FORWARD = ((-2, 1.0), (-1, -8.0), (1, 8.0), (2, -1.0))  # of fourth order, over 12 h


def third_form(problem: Any, y: Array, v: Array, h: float) -> Array:
    """Return D^3 L(y)[v, ., .] from Hessians at y + k h v."""
    total = np.zeros((len(y), len(y)))
    for k, factor in _FORWARD:
        total += factor * problem.hess(y + k * h * v).to_dense()
    return total / (12.0 * h)


def third_tensor(problem: Any, y: Array, transform: Array | None = None, h: float = 1e-3) -> Array:
    """Return D^3 L(y), shape (d, d, d), in z of y + X z."""
    X = np.eye(len(y)) if transform is None else transform
    length = h / max(1.0, np.abs(problem.design.product(X)).max())
    return np.stack([X.T @ third_form(problem, y, column, length) @ X for column in X.T])


def largest_value(tensor: Array, rng: np.random.Generator, starts: int = 8) -> tuple[float, Array]:
    """Return about the largest |T[v, v, v]| over unit v, and v: power iterations from random starts."""
    best, where = -1.0, np.ones(len(tensor))
    push = 2.0 * np.linalg.norm(tensor)
    for v in rng.standard_normal((starts, len(tensor))):
        w = v / np.linalg.norm(v)
        for _ in range(50):
            pull = tensor @ w @ w
            step = pull + np.sign(w @ pull) * push * w if len(tensor) > 1 else w
            size = np.linalg.norm(step)
            if size == 0.0:
                break
            w = step / size
        value = abs(float(tensor @ w @ w @ w))
        if value > best:
            best, where = value, w
    return best, where


def largest_along(
    problem: Any, y: Array, rng: np.random.Generator, starts: int = 2, steps: int = 12
) -> float:
    """Return about the largest |D^3 L(y)[v, v, v]|, from products with Hessians alone: for larger d."""
    h = 1e-4 / problem.design.row_norms.max()
    best = 0.0

    def pull_along(v: Array) -> Array:
        return (problem.hessp(y + h * v, v) - problem.hessp(y - h * v, v)) / (2.0 * h)

    top = np.linalg.eigh(problem.hess(y).to_dense())[1][:, -1]
    for v in (top, *rng.standard_normal((starts, len(y)))):
        w = v / np.linalg.norm(v)
        for _ in range(steps):
            pull = pull_along(w)
            value = float(w @ pull)
            best = max(best, abs(value))
            step = pull + np.sign(value) * 0.5 * np.linalg.norm(pull) * w
            w = step / np.linalg.norm(step)
    return best
