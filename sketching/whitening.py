"""Whitening: coordinates in which the rows of an embedded design are orthonormal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg

from newtonkit.design import FloatArray, one_blas_thread
from newtonkit.design.dense import DenseDesign

_EPS = float(np.finfo(float).eps)
# Reciprocal condition of the Gram matrix from which its Cholesky factor is taken: the
# whitened Gram matrix then differs from I by about 1e-7 at most.
_TRUSTED = 1e-9
_MAX_ROUNDS = 20
_CLOSE = 1e-3


@dataclass(frozen=True)
class Whitening:
    """Coordinates T in which a matrix B has orthonormal columns: ``T.T @ (B.T @ B + ridge) @ T = I``.

    Attributes
    ----------
    transform : ndarray, shape (d, rank)
        T.  Its columns span a complement of the null space of ``B.T @ B + ridge``.
    rank : int
        The numerical rank of B and ridge together.
    note : str
        How T was found where the short way would not do; else empty.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> B = np.array([[3.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    >>> found = nk.sketching.whitening(B)
    >>> found.rank, bool(np.allclose((B @ found.transform).T @ (B @ found.transform), np.eye(2)))
    (2, True)
    """

    transform: FloatArray
    rank: int
    note: str


def whitening(
    embedded: FloatArray, ridge: FloatArray | float = 0.0, tolerance: float | None = None
) -> Whitening:
    """Return T of full column rank with ``T.T @ (B.T @ B + diag(ridge)) @ T = I``.

    Columns are brought to unit length first, so that nothing depends on their units.  A
    well-conditioned Gram matrix is factored by Cholesky.  Otherwise B itself is, by QR and
    singular values, which sees conditions up to 1e13; singular values below
    `tolerance` times the largest count as zero.

    Parameters
    ----------
    embedded : ndarray, shape (m, d)
        B.  Columns of zeros are allowed.
    ridge : float or ndarray of shape (d,), default 0.0
        At least 0.
    tolerance : float, optional
        Default: ``max(m, d) * eps``.

    Returns
    -------
    Whitening

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import whitening
    >>> B = np.array([[3.0, 0.0], [4.0, 0.0], [0.0, 0.0]])
    >>> found = whitening(B)
    >>> found.rank, found.transform.shape
    (1, (2, 1))
    >>> bool(np.allclose(np.linalg.norm(B @ found.transform), 1.0))
    True
    """
    with one_blas_thread():
        penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), embedded.shape[1:])
        lengths: FloatArray = np.hypot(scipy.linalg.norm(embedded, axis=0), np.sqrt(penalty))
        alive = lengths > 0.0
        inverse = 1.0 / lengths[alive]
        if not alive.any():
            return Whitening(np.zeros((len(lengths), 0)), 0, "the matrix is zero")
        scaled: FloatArray = embedded[:, alive] * inverse
        roots = np.sqrt(penalty[alive]) * inverse
        inner = _by_cholesky(scaled, roots)
        note = ""
        if inner is None:
            inner = _by_singular_values(scaled, roots, tolerance or max(embedded.shape) * _EPS)
            note = f"ill-conditioned: singular values were taken, {inner.shape[1]} of {len(lengths)} kept"
        transform = np.zeros((len(lengths), inner.shape[1]))
        transform[alive] = inverse[:, None] * inner
    return Whitening(transform, inner.shape[1], note)


def _by_cholesky(scaled: FloatArray, roots: FloatArray) -> FloatArray | None:
    """Return the inverse of the factor of the Gram matrix; None if it is not safely regular."""
    gram = DenseDesign(scaled).sandwich(np.ones(len(scaled)))
    gram[np.diag_indices_from(gram)] += roots**2
    factor, failed = scipy.linalg.lapack.dpotrf(gram, lower=0, clean=1)
    if failed:
        return None
    # The norm of the triangle's inverse is at hand, so the condition need not be estimated.
    inverse, failed = scipy.linalg.lapack.dtrtri(factor, lower=0)
    if failed or scipy.linalg.norm(gram, 1) * scipy.linalg.norm(inverse) ** 2 > 1.0 / _TRUSTED:
        return None
    return np.asarray(inverse)


def _by_singular_values(scaled: FloatArray, roots: FloatArray, tolerance: float) -> FloatArray:
    """Return the right singular vectors over the singular values, those of about 0 left out."""
    stacked = scaled
    if roots.any():
        stacked = np.concatenate((scaled, np.diag(roots)[roots > 0.0]))
    if stacked.shape[0] > stacked.shape[1]:
        factor = scipy.linalg.qr(stacked, mode="r", check_finite=False)[0]
        stacked = np.asarray(factor[: stacked.shape[1]], dtype=np.float64)
    _, values, right = scipy.linalg.svd(stacked, full_matrices=False, check_finite=False)
    kept = values > tolerance * values[0]
    return np.asarray(right[kept].T / values[kept])


def unbiased(
    found: Whitening, embedded: FloatArray, ridge: FloatArray | float = 0.0, n_kept: int = 0
) -> Whitening:
    """Return a whitening without the bias that few embedded rows cause.

    Let B = S A be embedded in m rows, and F any fixed Gram matrix beside it (a ridge, rows
    that are kept as they are).  In the inverse, ``c B^T B + F`` looks like
    ``c (1 - k/m) A^T A + F``, where k is the trace of ``c B^T B (c B^T B + F)^-1``: a Schur
    complement of the embedded part has m - k degrees of freedom left (derived here for
    Gaussian S, self-consistently for F other than 0).  So c is chosen with
    ``c (1 - k/m) = 1``.

    Parameters
    ----------
    found : Whitening
        That of B with `ridge`, and with the kept rows below B.
    embedded : ndarray, shape (m, d)
        B.
    ridge : float or ndarray of shape (d,), default 0.0
        At least 0.
    n_kept : int, default 0
        How many rows were kept as they are.

    Returns
    -------
    Whitening
    """
    m, rank = len(embedded), found.rank
    if rank == 0 or rank >= m:
        return found
    if n_kept == 0 and not np.any(ridge):
        return replace(found, transform=found.transform * np.sqrt(1.0 - rank / m))
    image = DenseDesign(DenseDesign(embedded).product(found.transform))
    share = image.sandwich(np.ones(m))
    surplus, inverse = 0.0, np.eye(rank)
    with one_blas_thread():
        for _ in range(_MAX_ROUNDS):
            total = (1.0 + surplus) * float(np.vdot(share @ inverse, inverse))
            wanted = 1.0 / max(1.0 - total / m, 1.0 / m) - 1.0
            if abs(wanted - surplus) <= _CLOSE:
                break
            surplus = wanted
            factor = scipy.linalg.cholesky(np.eye(rank) + surplus * share, check_finite=False)
            inverse = scipy.linalg.lapack.dtrtri(factor, lower=0)[0]
        return replace(found, transform=found.transform @ inverse)
