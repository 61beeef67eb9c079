"""Regressions without noise on random designs that are quickly made: dense, or with few entries a row."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

import newtonkit as nk
from newtonkit.design import FloatArray, as_design
from newtonkit.problems import Problem

KINDS = ("softmax", "exp")
_LARGEST = 3.0
_PART = 0.9  # of the way from 0 to the solution
_ROWS_AT_ONCE = 2**16


def dense_rows(n: int, d: int, seed: int) -> FloatArray:
    """Return Gaussian rows, column k times 10^(-2 k / d): condition about 100."""
    rng = np.random.default_rng(seed)
    A = np.empty((n, d))
    rng.standard_normal(out=A)
    for first in range(0, n, _ROWS_AT_ONCE):  # in parts: no second array of this size
        A[first : first + _ROWS_AT_ONCE] *= np.logspace(0.0, -2.0, d)
    return A


def sparse_rows(n: int, d: int, per_row: int, seed: int) -> csr_array:
    """Return rows of `per_row` Gaussian entries, one at a random column in each of as many runs."""
    rng = np.random.default_rng(seed)
    edges = np.arange(per_row + 1) * d // per_row
    indices = np.empty((n, per_row), dtype=np.int32)
    for k in range(per_row):
        indices[:, k] = rng.integers(edges[k], edges[k + 1], size=n)
    ends = np.arange(n + 1, dtype=np.int64 if n * per_row >= 2**31 else np.int32) * per_row
    return csr_array((rng.standard_normal(n * per_row), indices.ravel(), ends), shape=(n, d))


def regression(kind: str, A: FloatArray | csr_array, seed: int) -> tuple[Problem, FloatArray]:
    """Return a problem with a known solution x*, and a point near it, 0.9 x*.

    Parameters
    ----------
    kind : {"softmax", "exp"}
        Which regression.
    A : ndarray or csr_array, shape (n, d)
        The design.
    seed : int
        Where x* comes from, which is scaled to entries of A x* of at most 3.
    """
    design = as_design(A)
    norms = design.column_norms
    direction = np.random.default_rng((seed, 1)).standard_normal(len(norms)) / np.where(
        norms > 0.0, norms, 1.0
    )
    u = design.product(direction)
    scale = _LARGEST / float(np.abs(u).max())
    b = np.exp(scale * u)
    if kind == "softmax":
        b /= b.sum()
    maker = nk.SoftmaxRegression if kind == "softmax" else nk.ExpRegression
    return maker(A, b), _PART * scale * direction
