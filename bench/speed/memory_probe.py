"""A process of its own for the memory of one solve; :mod:`bench.speed.memory` starts and watches it.

It makes the data and warms up, says "ready" and waits for a line; then it solves, and says how it went.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import sys
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

import newtonkit as nk
from bench.gaussian import sparse_rows
from newtonkit.design import FloatArray
from newtonkit.problems import Problem

_MAKERS: dict[str, Any] = {"exp": nk.ExpRegression, "softmax": nk.SoftmaxRegression}
_NOISE, _RIDGE_SHARE = 0.1, 1e-2


def wide_data(kind: str, n: int, d: int, per_row: int) -> tuple[csr_array, FloatArray, float]:
    """Return sparse rows of length about 1, a target for them, and a ridge.

    The ridge is a hundredth of the mean curvature of the loss over the columns.
    """
    A = sparse_rows(n, d, per_row, seed=0)
    A.data /= np.sqrt(per_row)
    rng = np.random.default_rng(1)
    b = np.exp(A @ rng.standard_normal(d)) * np.exp(_NOISE * rng.standard_normal(n))
    if kind == "exp":
        return A, b, _RIDGE_SHARE * n / d
    return A, b / b.sum(), _RIDGE_SHARE / (n * d)


def data_of(kind: str, n: int, d: int, per_row: int) -> tuple[Any, FloatArray, float]:
    """Return A, b and the ridge; dense and planted for ``per_row == 0``."""
    if per_row:
        return wide_data(kind, n, d, per_row)
    made = nk.datasets.make_planted(kind, n, d, condition=1e4, noise=_NOISE, rng=0)
    return made.A, made.b, 0.0


def data_bytes(A: Any, b: FloatArray) -> int:
    """Return the size of the data."""
    parts = [A] if isinstance(A, np.ndarray) else [A.data, A.indices, A.indptr]
    return sum(part.nbytes for part in parts) + b.nbytes


def problem_of(kind: str, A: Any, b: FloatArray, ridge: float) -> Problem:
    """Return the problem."""
    made: Problem = _MAKERS[kind](A, b, ridge=ridge)
    return made


def warm_up(kind: str, is_sparse: bool) -> None:
    """Solve small problems of the same kind."""
    for n, d, per_row in ((600, 900, 30), (10_000, 160, 30)) if is_sparse else ((10_000, 160, 0),):
        # Whatever fails here fails below as well, and is reported there.
        with contextlib.suppress(Exception):
            problem = problem_of(kind, *data_of(kind, n, d, per_row))
            for method in ("auto", "exact", "sketched"):
                nk.minimize(problem, method=method, max_iter=20)


def main() -> None:
    """Be measured: arguments are kind, n, d, entries in a row (0: dense) and threads."""
    kind, (n, d, per_row, threads) = sys.argv[1], (int(word) for word in sys.argv[2:6])
    nk.set_num_threads(threads)
    with threadpool_limits(limits=threads):
        warm_up(kind, per_row > 0)
        A, b, ridge = data_of(kind, n, d, per_row)
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # what is free but kept would hide what is used
        print(json.dumps({"data_bytes": data_bytes(A, b)}), flush=True)
        sys.stdin.readline()
        try:
            result = nk.minimize(problem_of(kind, A, b, ridge))
            told = {"method": result.method, "message": result.message, "success": bool(result.success)}
            told |= {"seconds": result.seconds, "iterations": int(result.nit)}
        except Exception as error:  # the finding
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
