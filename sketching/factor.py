"""The triangular factor of a whole weighted design, one block of rows after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.linalg

from newtonkit.design import Design, FloatArray, map_blocks, one_blas_thread
from newtonkit.sketching.whitening import Whitening, whitening

_ENTRIES = 2**18
_MAX_RUNS = 8
# Rounding leaves singular values of up to 36 eps where there should be zeros, in trials up to n = 1e6.
_TOLERANCE = 128.0 * float(np.finfo(float).eps)


def stacked_factor(design: Design, scale: FloatArray, lengths: FloatArray) -> FloatArray:
    """Return R, upper triangular, with R^T R = the Gram matrix of diag(scale) A diag(1/lengths).

    Householder QR of blocks of rows, each under the factor of those before it, in a fixed
    number of runs whose factors are stacked last.
    """
    n, d = design.shape
    rows = max(2 * d, _ENTRIES // d)
    count = max(1, round(n / rows))
    edges = [n * k // count for k in range(count + 1)]
    blocks = [slice(a, b) for a, b in pairwise(edges)]
    runs = min(_MAX_RUNS, count)
    cuts = [count * k // runs for k in range(runs + 1)]

    def factor(run: Sequence[slice]) -> FloatArray:
        triangle = np.zeros((0, d))
        for block in run:
            dense = design.dense_rows(block).astype(np.float64, copy=False)
            scaled = scale[block, None] * dense / lengths
            triangle = _triangle(np.concatenate((triangle, scaled)))
        return triangle

    return _triangle(np.concatenate(map_blocks(factor, [blocks[a:b] for a, b in pairwise(cuts)])))


def _triangle(stacked: FloatArray) -> FloatArray:
    r = scipy.linalg.qr(stacked, mode="r", overwrite_a=True, check_finite=False)[0]
    return np.asarray(r[: stacked.shape[1]])


def exact_whitening(design: Design, weights: FloatArray | None, ridge: FloatArray | float = 0.0) -> Whitening:
    """Return T with T^T (A^T |W| A + diag(ridge)) T = I on its range, from a QR factorisation of A.

    Parameters
    ----------
    design : Design
        The n x d design.
    weights : ndarray, shape (n,), or None
        Of any sign; None for ones.
    ridge : float or ndarray of shape (d,), default 0.0
        At least 0.

    Returns
    -------
    Whitening
    """
    n, d = design.shape
    sizes = np.ones(n) if weights is None else np.abs(weights)
    lengths = np.sqrt(design.square_transposed_product(sizes))
    lengths[lengths == 0.0] = 1.0
    with one_blas_thread():
        triangle = stacked_factor(design, np.sqrt(sizes), lengths)
        penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), (d,))
        found = whitening(triangle, penalty / lengths**2, _TOLERANCE)
    transform = found.transform / lengths[:, None]
    return Whitening(transform, found.rank, found.note)
