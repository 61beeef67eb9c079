"""Draw the data of a case of the non-convex grid: design, target, penalties, starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

FUNCTIONS: dict[str, Any] = {
    "exp": np.exp,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "exp_plus_identity": lambda u: np.exp(u) + u,
}


def natural_point(A: np.ndarray, rng: np.random.Generator, size: float) -> np.ndarray:
    """Return x with A x of root mean square `size` (largest entry at most 4 `size`), all directions alike."""
    left, s, right = np.linalg.svd(A, full_matrices=False)
    keep = s > 1e-12 * s[0]
    w = rng.normal(size=keep.sum())
    u = left[:, keep] @ w
    w *= size / max(np.sqrt(np.mean(u * u)), np.abs(u).max() / 4)
    return right[keep].T @ (w / s[keep])


def _design(case: Any, rng: np.random.Generator) -> np.ndarray:
    n, d, k = case.n, case.d, min(case.n, case.d)
    decay = np.logspace(0, -np.log10(case.condition), k) if k > 1 else np.ones(1)
    A = rng.normal(size=(n, d))
    if case.layout == "columns":
        A *= np.resize(decay, d)[rng.permutation(d)]
    else:
        left, _, right = np.linalg.svd(A, full_matrices=False)
        A = (left * (np.sqrt(n) * decay)) @ right
    if case.storage == "csr":
        A *= rng.random((n, d)) < 0.4
        A[np.arange(n), rng.integers(d, size=n)] += 0.1 * decay[-1]
    if case.layout.startswith("coherent"):
        rows = rng.choice(n, 3 if case.layout == "coherent3" else 1, replace=False)
        A[rows] *= 10.0 ** rng.uniform(2, 4, size=(len(rows), 1))
    elif case.layout == "lonely" and d > 1:
        row = rng.integers(n)
        A[:, -1], A[row] = 0.0, 0.0
        A[row, -1] = 10.0 ** rng.uniform(-2, 2)
    needed = case.activation == "exp" and case.b_scale != 1.0
    if needed or (case.layout == "constant" and d > 1):  # alone it would leave nothing to fit
        A[:, -1] = 1.0
    A *= case.scale
    return A.astype(np.float32).astype(np.float64) if case.storage == "float32" else A


def draw_data(case: Any) -> Any:
    """Draw the data of a case."""
    rng = np.random.default_rng([case.seed, 0])
    raw = SimpleNamespace(A=_design(case, rng), groups=None, offset=None, penalty_weights=None, x0=None)
    raw.structure, raw.activation = case.structure, case.activation
    n, A = case.n, raw.A
    if case.grouping == "pairs":
        A[1::2] = -A[::2]
        raw.groups = np.arange(n) // 2
    elif case.grouping != "one":
        raw.groups = np.sort(np.arange(n) % max(2, n // 10))
        if case.grouping == "shuffled":
            raw.groups = rng.permutation(raw.groups)
    if case.kind == "rescaled_sinh" and case.seed % 2:
        raw.offset = rng.normal(size=n) + 0.5
    raw.entropy_weight = 10.0 ** rng.uniform(-4, -0.5) if case.kind == "entropy" else 0.0
    raw.x_true, raw.b = _target(case, raw, rng)
    curvature = np.mean(raw.b**2) + (case.activation != "exp") if case.structure == "elementwise" else 1.0
    if case.structure == "normalised":
        curvature = 1.0 / n**2 if raw.groups is None else 0.01
    typical = curvature * (1.0 if case.penalty else n * np.median((A * A).sum(axis=1)) / case.d)
    raw.ridge = 0.0 if case.penalty else case.ridge * typical
    if case.penalty and case.ridge > 0:
        raw.penalty_weights = np.sqrt(case.ridge * typical) * rng.uniform(0.5, 1.5, size=n)
    if case.start != "zero":
        sizes = {"random": 1.0, "wild": 10.0}
        size = float(case.start[3:]) if case.start.startswith("far") else sizes[case.start]
        x0 = natural_point(A, rng, size)
        raw.x0 = inside(case, raw, x0)
    return raw


def inside(case: Any, raw: Any, x: np.ndarray) -> np.ndarray:
    """Halve x until every sum of a normalised activation is safely positive."""
    if case.activation == "exp_plus_identity":
        while (_sums(raw, FUNCTIONS[case.activation](raw.A @ x)) < 0.1).any():
            x = 0.5 * x
    return x


def _sums(raw: Any, values: np.ndarray) -> np.ndarray:
    """Return the sum of each row's group, for every row."""
    codes = np.zeros(len(values), dtype=int) if raw.groups is None else raw.groups
    return np.bincount(codes, weights=values)[codes]


def _winners(raw: Any, u: np.ndarray) -> np.ndarray:
    """Return 1 for the row with the largest u in each group, 0 for the others."""
    codes = np.zeros(len(u), dtype=int) if raw.groups is None else raw.groups
    b = np.zeros(len(u))
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        b[members[np.argmax(u[members])]] = 1.0
    return b


def _target(case: Any, raw: Any, rng: np.random.Generator) -> tuple[np.ndarray | None, np.ndarray]:
    """Return x_true (None for targets unrelated to A) and b."""
    if case.structure == "elementwise":
        return _elementwise_target(case, raw, rng)
    n, f = case.n, FUNCTIONS[case.activation]
    if case.target == "random":
        weights = rng.exponential(size=n)
    elif case.target == "separable":
        return None, _winners(raw, raw.A @ natural_point(raw.A, rng, 1.0))
    elif case.target == "concentrated" and case.seed % 2:
        weights = rng.gamma(0.05, size=n) + 1e-12
    elif case.target == "concentrated":
        first = np.unique(np.zeros(n, dtype=int) if raw.groups is None else raw.groups, return_index=True)[1]
        weights = np.ones(n)
        weights[first] = 0.97 / 0.03 * (_sums(raw, weights)[first] - 1)
    else:
        for _ in range(100):  # a sum of sinh near zero makes no target: draw again
            x = inside(case, raw, natural_point(raw.A, rng, rng.choice([0.5, 1.0, 2.0])))
            weights = f(raw.A @ x + (0.0 if raw.offset is None else raw.offset))
            if case.activation != "sinh" or abs(weights.sum()) > 0.1 * np.abs(weights).sum():
                break
        if case.target == "noisy":
            weights = weights * np.exp(0.3 * rng.normal(size=n))
        return x, weights / _sums(raw, weights)
    return None, weights / _sums(raw, weights)


def _elementwise_target(
    case: Any, raw: Any, rng: np.random.Generator
) -> tuple[np.ndarray | None, np.ndarray]:
    n, f, big = case.n, FUNCTIONS[case.activation], case.b_scale
    if case.target in ("random", "concentrated"):
        heavy = np.exp((1.0 if case.target == "random" else 2.0) * rng.normal(size=n))
        return None, big * heavy * (rng.choice([-1, 1], size=n) if case.activation == "sinh" else 1.0)
    if case.activation == "exp":
        x = natural_point(raw.A, rng, 1.0)
        x[-1] += np.log(big) / case.scale if big != 1.0 else 0.0
    else:  # u up to arsinh(b_scale); cosh cannot be small
        largest = 1.0 if big == 1.0 or (big < 1.0 and case.activation == "cosh") else np.arcsinh(big)
        x = natural_point(raw.A, rng, largest / 4 if big > 1.0 else largest)
    b = f(raw.A @ x) * (big if case.activation == "cosh" and big < 1.0 else 1.0)
    return x, b if case.target == "planted" else b * (1 + 0.2 * rng.normal(size=n))
