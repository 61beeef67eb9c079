"""Leverage scores of the rows of a weighted design: exact, or approximate in time linear in its size."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from newtonkit.design import Design, FloatArray, as_design, one_blas_thread
from newtonkit.design.door import as_bounded_vector
from newtonkit.options import checked_generator, checked_number
from newtonkit.sketching.embeddings import SparseSign
from newtonkit.sketching.factor import exact_whitening
from newtonkit.sketching.whitening import unbiased, whitening

_METHODS = ("approximate", "exact")
_NONZEROS = 2  # as good as more, once large rows are kept out of the embedding
_COLUMNS = 48
_EXACT_SHARE = 2  # up to so many rows as this times those of an embedding, QR of all of them costs no more
# A row of score 0.1 must not be missed: 48 random columns show it as less than 0.03 once in 1e6 times.
_WORTH_A_LOOK = 0.03
_LARGE_SCORE = 0.05


def leverage_scores(
    A: Any,
    weights: ArrayLike | None = None,
    method: str = "approximate",
    ridge: ArrayLike = 0.0,
    rng: Any = None,
) -> FloatArray:
    """Return how much each row of a weighted design counts for its range.

    The score of row i is ``tau_i = |w_i| a_i^T (A^T |W| A + diag(ridge))^+ a_i``: between 0
    and 1, and 1 when the row carries a direction alone.  Without a ridge the scores add up
    to the rank.

    Parameters
    ----------
    A : array_like, sparse matrix or array, data frame, or Design, shape (n, d)
        The design matrix.
    weights : array_like, shape (n,), optional
        Weights of the rows, of any sign: their size counts.  A row of weight 0 has score 0.
        Default: ones.
    method : {"approximate", "exact"}, default "approximate"
        ``"exact"`` factors the whole design by Householder QR: conditions up to 1e8 and
        weights over ten orders of magnitude are resolved.  ``"approximate"`` factors a
        sparse sign embedding of it and estimates norms from 48 random columns, in time
        linear in the number of entries; it is exact where n is at most twice the number of
        rows of the embedding.
    ridge : float or array_like of shape (d,), default 0.0
        Added to the diagonal of the Gram matrix; at least 0.
    rng : int, numpy.random.Generator or None
        Seed or generator of the embedding.  None draws a new one on each call.

    Returns
    -------
    ndarray, shape (n,)
        The scores.  Approximate ones are within a factor 2 of the exact ones on at least
        99 % of the rows and on rows of score above 0.1, except with small probability.

    Raises
    ------
    TypeError
        If an argument is not made of real numbers, or `method` is not a string.
    ValueError
        If an argument has the wrong shape, or holds NaN, infinity or sizes whose squares
        leave the range of floats; if `ridge` is negative or `method` unknown.

    Notes
    -----
    An embedding of m rows makes ``A^T |W| A + R`` look like ``(1 - k/m) A^T |W| A + R`` in
    its inverse, k being the sum of the scores (a Schur complement has m - k degrees of
    freedom left; derived here for Gaussian S).  The embedded rows are therefore enlarged by
    ``1 / sqrt(1 - k/m)``; scores are not rescaled to their known sum.

    References
    ----------
    Drineas, Magdon-Ismail, Mahoney and Woodruff, "Fast approximation of matrix coherence
    and statistical leverage", 2012.  Clarkson and Woodruff, "Low rank approximation and
    regression in input sparsity time", 2013.  Nelson and Nguyen, "OSNAP", 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import newtonkit as nk
    >>> A = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    >>> nk.sketching.leverage_scores(A, method="exact").round(6).tolist()
    [0.5, 0.5, 1.0]
    >>> nk.sketching.leverage_scores(A, [3.0, -1.0, 0.0], rng=0).round(6).tolist()
    [0.75, 0.25, 0.0]
    """
    design = as_design(A)
    n, d = design.shape
    sizes = None if weights is None else as_bounded_vector(weights, "weights", n)
    if not isinstance(method, str):
        raise TypeError(f"method must be a string, got {method!r}")
    if method not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, got {method!r}")
    penalty, generator = checked_ridge(ridge, d), checked_generator(rng)
    if sizes is not None and sizes.any():  # scores stay as they are, and products far from overflow
        largest = float(np.abs(sizes).max())
        sizes, penalty = sizes / largest, penalty / largest
    return design_scores(design, sizes, method, penalty, generator)


def checked_ridge(ridge: ArrayLike, d: int) -> FloatArray:
    """Return a ridge as a vector of length d, refusing negative entries."""
    if np.ndim(ridge) == 0:
        number = ridge.item() if isinstance(ridge, np.ndarray) else ridge
        ridge = np.full(d, checked_number(number, "ridge"))
    vector = as_bounded_vector(ridge, "ridge", d)
    if (vector < 0.0).any():
        raise ValueError("ridge must be at least 0")
    return vector


def design_scores(
    design: Design,
    weights: FloatArray | None,
    method: str,
    ridge: FloatArray | float,
    rng: np.random.Generator,
) -> FloatArray:
    """Return what :func:`leverage_scores` does, without checking.

    Parameters
    ----------
    design : Design
        The n x d design.
    weights : ndarray, shape (n,), or None
        Of any sign.
    method : {"approximate", "exact"}
        How.
    ridge : float or ndarray of shape (d,)
        At least 0.
    rng : numpy.random.Generator
        Drawn from by the approximate method.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching.scores import design_scores
    >>> design = as_design([[3.0], [4.0]])
    >>> design_scores(design, None, "exact", 0.0, np.random.default_rng(0)).round(6).tolist()
    [0.36, 0.64]
    """
    n = design.shape[0]
    used = np.arange(n) if weights is None else np.flatnonzero(weights)
    if method == "approximate" and len(used) > _EXACT_SHARE * embedding_rows(design.shape[1]):
        return _approximate_scores(design, weights, ridge, rng)
    if 2 * len(used) >= n:
        return _exact_scores(design, weights, ridge)
    scores = np.zeros(n)
    if len(used):
        scores[used] = _exact_scores(design.rows(used), _take(weights, used), ridge)
    return scores


def _approximate_scores(
    design: Design, weights: FloatArray | None, ridge: FloatArray | float, rng: np.random.Generator
) -> FloatArray:
    """Return scores under an embedding; those of large rows under one that holds these rows as they are.

    A few large rows that fall into the same rows of the embedding spoil each other's scores,
    whatever its size.  Kept out of it and put beside it they have no error of their own.
    """
    scale = np.ones(design.shape[0]) if weights is None else np.sqrt(np.abs(weights))
    embedded = _embedded(design, scale, embedding_rows(design.shape[1]), rng)
    found = whitening(embedded, ridge)
    n_rows = embedding_rows(max(found.rank, 1))
    if found.rank > 0 and n_rows > len(embedded):  # rank-deficient: few directions need more rows each
        if np.count_nonzero(scale) <= _EXACT_SHARE * n_rows:
            return _exact_scores(design, weights, ridge)
        embedded = _embedded(design, scale, n_rows, rng)
        found = whitening(embedded, ridge)
    found = unbiased(found, embedded, ridge)
    scores = _projected_scores(design, weights, found.transform, rng)
    large = np.flatnonzero(scores > _LARGE_SCORE)
    if len(large):
        kept = scale[large, None] * design.rows(large).to_dense()
        scale[large] = 0.0
        embedded = _embedded(design, scale, len(embedded), rng)
        found = unbiased(whitening(np.concatenate((embedded, kept)), ridge), embedded, ridge, len(kept))
        scores = _projected_scores(design, weights, found.transform, rng)
    return np.minimum(scores, 1.0)


def _projected_scores(
    design: Design, weights: FloatArray | None, transform: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Return scores under T by random columns, those that look large computed again exactly."""
    scores = scores_under(design, weights, transform, _COLUMNS, rng)
    if transform.shape[1] > _COLUMNS:
        chosen = np.flatnonzero(scores > _WORTH_A_LOOK)
        if len(chosen):
            scores[chosen] = scores_under(design.rows(chosen), _take(weights, chosen), transform, None, rng)
    return scores


def _embedded(design: Design, scale: FloatArray, n_rows: int, rng: np.random.Generator) -> FloatArray:
    return SparseSign(n_rows, _NONZEROS, int(rng.integers(2**63))).apply(design, scale)


def embedding_rows(rank: int) -> int:
    """Return how many embedded rows serve scores of a design of some rank.

    Four for each dimension keep every direction within a factor 2.  A few dimensions need
    more: the sum of the scores varies by about sqrt(2 / (m rank)) of itself, and is to be
    within 10 %.
    """
    return 4 * rank + max(64, 6000 // rank)


def projection(rank: int, columns: int, rng: np.random.Generator) -> FloatArray:
    """Return G (rank, k): orthonormal random columns scaled to keep squared lengths on average, or I."""
    if columns >= rank:
        return np.eye(rank)
    with one_blas_thread():
        gaussian = rng.standard_normal((rank, columns))
        basis = scipy.linalg.qr(gaussian, mode="economic", check_finite=False)[0]
    return np.asarray(basis * np.sqrt(rank / columns), dtype=np.float64)


def scores_under(
    design: Design,
    weights: FloatArray | None,
    transform: FloatArray,
    columns: int | None,
    rng: np.random.Generator,
) -> FloatArray:
    """Return ``|w_i| ||a_i T||^2`` for every row, exactly or from a random projection.

    The projection is on the span of random orthonormal columns, which varies less than one
    by Gaussian columns, and not at all where there are as many as T has (Johnson and
    Lindenstrauss).

    Parameters
    ----------
    design : Design
        The n x d design.
    weights : ndarray, shape (n,), or None
        Of any sign; None for ones.
    transform : ndarray, shape (d, r)
        T.
    columns : int or None
        Dimension k of the projection: relative errors are about sqrt(2/k).  None: exact.
    rng : numpy.random.Generator
        Drawn from if k < r.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching.scores import scores_under
    >>> design = as_design([[3.0], [4.0]])
    >>> scores_under(design, np.array([1.0, -1.0]), np.array([[0.2]]), None, np.random.default_rng(0))
    array([0.36, 0.64])
    """
    rank = transform.shape[1]
    if columns is not None and columns < rank:
        with one_blas_thread():
            transform = transform @ projection(rank, columns, rng)
    norms = design.square_norms(transform)
    return norms if weights is None else np.abs(weights) * norms


def _take(weights: FloatArray | None, indices: Any) -> FloatArray | None:
    return None if weights is None else weights[indices]


def _exact_scores(design: Design, weights: FloatArray | None, ridge: FloatArray | float) -> FloatArray:
    found = exact_whitening(design, weights, ridge)
    norms = design.square_norms(found.transform)
    return np.minimum(norms if weights is None else np.abs(weights) * norms, 1.0)
