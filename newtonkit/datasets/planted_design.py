"""Designs with given singular values and leverage scores, dense and sparse.

Both are sqrt(n) Q diag(s) V^T with orthonormal columns in Q, singular values s and an
orthogonal V.  Heavy rows are mixed in by Q = [sqrt(c) H; sqrt(1 - c) G], with H a d x d
orthogonal matrix and orthonormal columns in G: Q^T Q = I, and every row of sqrt(c) H has
the leverage score c.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from scipy.sparse import csr_array, diags_array, vstack

from newtonkit.datasets.planted_checks import PlantedSettings
from newtonkit.design import FloatArray, IntArray

_MOST_ROUNDS = 200


def dense_design(
    settings: PlantedSettings, rng: np.random.Generator
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Return a dense design, its heavy rows, and an x for which A x is sqrt(n) Q z, z normal."""
    n, d = settings.n, settings.d
    heavy = _heavy_rows(settings, rng)
    values, turn = _singular_values(settings), _orthogonal(d, rng)
    mixing = values[:, None] * turn.T
    light = rng.standard_normal((n - len(heavy), d))
    A = np.empty((n, d))
    is_light = np.ones(n, dtype=bool)
    is_light[heavy] = False
    shares = np.sqrt([settings.coherence, 1.0 - settings.coherence])
    # One d x d factor both makes the columns orthonormal and gives them singular values.
    A[is_light] = light @ (_orthonormaliser(light) @ (shares[1] * mixing))
    if len(heavy):
        A[heavy] = shares[0] * _orthogonal(d, rng) @ mixing
    return A, heavy, turn @ (rng.standard_normal(d) / values)


def sparse_design(settings: PlantedSettings, rng: np.random.Generator) -> tuple[Any, IntArray, FloatArray]:
    """Return a CSR design, its heavy rows, and an x for which A x is sqrt(n) Q z, z normal."""
    n, d = settings.n, settings.d
    heavy = _heavy_rows(settings, rng)
    wanted = round(settings.density * n * d)
    values, turn = _singular_values(settings), _paired_columns(d, wanted / n, rng)
    mixing = csr_array(diags_array(values) @ turn)
    wanted_light = wanted - (mixing.nnz if len(heavy) else 0)
    n_light = n - len(heavy)
    light = _rotated_rows(_spread_over_rows(n_light, d, rng) @ mixing, wanted_light, rng)
    x = np.asarray(turn.T @ (rng.standard_normal(d) / values))
    if len(heavy) == 0:
        return _sorted(light), heavy, x
    shares = np.sqrt([settings.coherence, 1.0 - settings.coherence])
    stacked = vstack((shares[0] * mixing, shares[1] * light), format="csr")
    order = np.empty(n, dtype=np.intp)
    order[heavy] = np.arange(len(heavy))
    order[np.setdiff1d(np.arange(n), heavy)] = np.arange(len(heavy), n)
    return _sorted(csr_array(stacked[order])), heavy, x


def _heavy_rows(settings: PlantedSettings, rng: np.random.Generator) -> IntArray:
    count = settings.d if settings.coherence > 0.0 else 0
    return np.sort(rng.choice(settings.n, count, replace=False)).astype(np.intp)


def _singular_values(settings: PlantedSettings) -> FloatArray:
    falling: FloatArray = np.geomspace(1.0, 1.0 / settings.condition, settings.d)
    return falling * float(np.sqrt(settings.n))


def _orthogonal(d: int, rng: np.random.Generator) -> FloatArray:
    """Return a random orthogonal matrix, uniformly distributed."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(q * np.where(np.diagonal(r) < 0.0, -1.0, 1.0))


def _orthonormaliser(matrix: FloatArray) -> FloatArray:
    """Return T, (d, d), such that ``matrix @ T`` has orthonormal columns.

    Twice by Cholesky factorisation, as the first round leaves the square of the condition
    number times rounding; a QR of the whole matrix would need a copy of it.
    """
    once = _inverse_factor(matrix.T @ matrix)
    refined = matrix @ once
    return once @ _inverse_factor(refined.T @ refined)


def _inverse_factor(gram: FloatArray) -> FloatArray:
    """Return R^-1 for gram = R^T R."""
    upper = scipy.linalg.cholesky(gram)
    return np.asarray(scipy.linalg.solve_triangular(upper, np.eye(len(gram))))


def _spread_over_rows(n: int, d: int, rng: np.random.Generator) -> Any:
    """Return a matrix with orthonormal columns and one nonzero in every row."""
    column = rng.permutation(np.arange(n) % d)
    size = rng.uniform(0.5, 1.5, n) * rng.choice([-1.0, 1.0], n)
    size /= np.sqrt(np.bincount(column, size * size, minlength=d))[column]
    return csr_array((size, column, np.arange(n + 1)), shape=(n, d))


def _paired_columns(d: int, per_row: float, rng: np.random.Generator) -> Any:
    """Return rotations of pairs of columns, as many as the average row has nonzeros for.

    A rotated pair has two nonzeros in each of its rows.
    """
    return _rotation(d, min(d // 2, int(0.5 * d * max(per_row - 1.0, 0.0))), rng)


def _rotated_rows(matrix: Any, wanted: int, rng: np.random.Generator) -> Any:
    """Rotate random pairs of rows until the matrix has the wanted number of nonzeros.

    The last round rotates only as many pairs as are needed.
    """
    for _ in range(_MOST_ROUNDS):
        n = matrix.shape[0]
        if matrix.nnz >= wanted or n < 2:
            break
        order = rng.permutation(n)
        matrix = csr_array(matrix[order])
        rotated = csr_array(_rotation(n, n // 2, rng, shuffled=False) @ matrix)
        gains = np.diff(rotated.indptr) - np.diff(matrix.indptr)
        gain_of_pairs = np.cumsum(gains[0 : 2 * (n // 2) : 2] + gains[1::2])
        n_rotated = 2 * int(np.searchsorted(gain_of_pairs, wanted - matrix.nnz, side="right"))
        matrix = csr_array(vstack((rotated[:n_rotated], matrix[n_rotated:]), format="csr"))
        if n_rotated < 2 * (n // 2):
            break
    return matrix


def _rotation(n: int, n_pairs: int, rng: np.random.Generator, *, shuffled: bool = True) -> Any:
    """Return an n x n orthogonal matrix that rotates disjoint pairs of coordinates."""
    order = rng.permutation(n) if shuffled else np.arange(n)
    first, second, rest = order[: 2 * n_pairs : 2], order[1 : 2 * n_pairs : 2], order[2 * n_pairs :]
    angle = rng.uniform(0.15, 0.35, n_pairs) * np.pi
    cosine, sine = np.cos(angle), np.sin(angle)
    entries = np.concatenate((cosine, sine, -sine, cosine, np.ones(len(rest))))
    rows = np.concatenate((first, first, second, second, rest))
    columns = np.concatenate((first, second, first, second, rest))
    return csr_array((entries, (rows, columns)), shape=(n, n))


def _sorted(matrix: Any) -> Any:
    matrix.sort_indices()
    return matrix
