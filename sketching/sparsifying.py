"""Sparsify A^T diag(D) A: a weighted sample of rows that stands for it within epsilon.

The bound, derived here from the matrix Bernstein inequality (Tropp 2012, theorem 1.4).
Let W = abs(D), Q = A^T W A + ridge, z_i = Q^(-1/2) sqrt(W_i) a_i and tau_i = ||z_i||^2, the
leverage scores (a pseudo-inverse if Q is singular: rows have no part outside its range).
With b_i = 1 if row i is kept and 0 if not, the error in the metric of Q is

    E = Q^(-1/2) A^T (D~ - D) A Q^(-1/2) = sum_i X_i,   X_i = sign(D_i) (b_i / p_i - 1) z_i z_i^T,

independent matrices of mean 0; X_i = 0 where p_i = 1.  For p_i = min(1, tau_i / theta) < 1:

    ||X_i|| <= max(1, 1 / p_i - 1) tau_i <= tau_i / p_i = theta,
    sum_i E[X_i^2] = sum_i (1 / p_i - 1) tau_i z_i z_i^T <= theta sum_i z_i z_i^T <= theta I.

Hence P(||E|| >= epsilon) <= 2 d exp(-(epsilon^2 / 2) / (theta + theta epsilon / 3)), which is
delta for 1 / theta = c = 2 (1 + epsilon / 3) log(2 d / delta) / epsilon^2.  Scores that are too
high keep the bound.  As sum_i p_i <= c sum_i tau_i <= c d, so many rows are expected.

For a group g kept as a whole, X_g = (b_g / p_g - 1) Z_g with Z_g = sum over g of
sign(D_i) z_i z_i^T.  With Q_g = sum over g of z_i z_i^T and s_g = sum over g of tau_i,
||Z_g|| <= ||Q_g|| <= s_g and Z_g^2 <= ||Q_g|| Q_g <= s_g Q_g: the same two lines hold with s_g
in the place of tau_i.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import Design, FloatArray, KroneckerDesign, as_design
from newtonkit.design.door import as_bounded_vector
from newtonkit.options import checked_generator, checked_number
from newtonkit.sketching.kronecker import factor_scores
from newtonkit.sketching.sampling import RowSample, bernoulli_sample, sampling_probabilities
from newtonkit.sketching.schemes import ALLOWANCE, Blocks, Leverage, Scheme, as_scheme
from newtonkit.sketching.scores import checked_ridge


def bernstein_multiple(n_columns: int, epsilon: float, delta: float) -> float:
    """Return c = 2 (1 + epsilon / 3) log(2 d / delta) / epsilon^2, the multiple of leverage scores."""
    logarithm = math.log(2.0 * n_columns) - math.log(delta)
    return 2.0 * (1.0 + epsilon / 3.0) * logarithm / epsilon / epsilon  # infinite rather than an error


def sparsify(
    A: Any,
    weights: ArrayLike | None = None,
    epsilon: float = 0.5,
    delta: float = 0.01,
    rng: int | np.random.Generator | None = None,
    *,
    ridge: ArrayLike = 0.0,
    scheme: Scheme | str = "leverage",
    groups: ArrayLike | None = None,
    rows: float | None = None,
) -> RowSample:
    """Sample rows of A, with weights D~, so that A^T D~ A stands for A^T D A within epsilon.

    Each row is kept with probability p_i = min(1, c tau_i), independently of the others, where
    tau_i are the leverage scores of sqrt(abs(D)) A, and weighs D_i / p_i.  With probability
    1 - delta or more,

        -epsilon Q <= A^T (D~ - D) A <= epsilon Q,    Q = A^T abs(D) A + diag(ridge),

    in the order of symmetric matrices.  Where D >= 0 and ridge = 0 this is two-sided on the
    matrix itself: (1 - epsilon) A^T D A <= A^T D~ A <= (1 + epsilon) A^T D A, so the sampled
    rows span what A spans.  Where D has both signs the error is relative to A^T abs(D) A only,
    and A^T D A may be much smaller.

    The constant is c = 2 k (1 + epsilon / 3) log(2 d / delta) / epsilon^2 from the matrix
    Bernstein inequality, k = 1 for exact scores and k = 2 for approximate ones: the promise
    stands as long as no estimate is too low by more than a factor 2.  At most c d rows are
    expected, which is less than 6 d log(2 d / delta) / epsilon^2; where that is no fewer than
    there are rows, all of them are returned, with their weights as they are.

    Parameters
    ----------
    A : array_like, sparse matrix or array, data frame, or Design, shape (n, d)
        The design matrix; see :func:`newtonkit.design.as_design`.  Of a
        :class:`~newtonkit.design.KroneckerDesign` without weights, neither rows nor scores are
        ever listed: it takes time and memory for its factors and for the sample only.
    weights : array_like of shape (n,), optional
        D, of any sign; ones by default.  Rows with D_i = 0 are never kept.
    epsilon : float, default 0.5
        The relative error in every direction, in (0, 1].
    delta : float, default 0.01
        The share of draws that may break the bound, in (0, 1).
    rng : int, Generator or None, default None
        The seed; the same seed gives the same sample for any number of threads.
    ridge : float or array_like of shape (d,), default 0
        Added to the diagonal: directions that it holds need fewer rows.
    scheme : {"leverage", "uniform", "row-norm"} or Scheme, default "leverage"
        Where the probabilities come from.  Uniform sampling and row norms carry no promise;
        they expect as many rows as approximate leverage scores expect at most.
        ``Leverage("exact")`` needs half as many.
    groups : array_like of shape (n,), optional
        Labels: rows with the same label are kept or dropped together, with the sum of their
        scores.  The bound stays, the number of rows grows by up to the size of a group.
    rows : float, optional
        The expected number of rows, in place of what `epsilon` and `delta` ask for.  No
        promise goes with it; it lets schemes be compared at the same cost.

    Returns
    -------
    RowSample
        Indices, weights and probabilities of the rows kept; none if D is 0 everywhere.

    Raises
    ------
    ValueError
        If an argument is outside its range, has the wrong length, or is not finite.
    TypeError
        If an argument is of the wrong type.

    References
    ----------
    D. A. Spielman and N. Srivastava, "Graph sparsification by effective resistances", SIAM J.
    Comput. 40 (2011).  M. B. Cohen, Y. T. Lee, C. Musco, C. Musco, R. Peng and A. Sidford,
    "Uniform sampling for matrix approximation", ITCS 2015.  J. A. Tropp, "User-friendly tail
    bounds for sums of random matrices", Found. Comput. Math. 12 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import sparsify
    >>> rng = np.random.default_rng(0)
    >>> A = rng.standard_normal((50000, 5))
    >>> A[7] *= 1e4  # one row that no sample may miss
    >>> D = rng.standard_normal(50000)
    >>> sample = sparsify(A, D, epsilon=0.5, rng=0)
    >>> 7 in sample.indices and len(sample) < 1000
    True
    >>> rows = A[sample.indices]
    >>> error = rows.T @ (sample.weights[:, None] * rows) - A.T @ (D[:, None] * A)
    >>> gram = A.T @ (np.abs(D)[:, None] * A)
    >>> bool(np.abs(np.linalg.eigvals(np.linalg.solve(gram, error))).max() < 0.5)
    True
    """
    design = as_design(A)
    n, d = design.shape
    values = None if weights is None else as_bounded_vector(weights, "weights", n)
    epsilon, delta = _checked_share(epsilon, "epsilon", 1.0), _checked_share(delta, "delta")
    generator = checked_generator(rng)
    penalty = checked_ridge(ridge, d)
    chosen = as_scheme(scheme) if groups is None else Blocks(groups, scheme)
    if chosen.labels is not None and len(chosen.labels) != n:
        raise ValueError(f"groups must have length {n}, got shape {chosen.labels.shape}")
    wanted = None if rows is None else checked_number(rows, "rows", positive=True)
    return sparsify_design(design, values, epsilon, delta, generator, penalty, chosen, wanted)


def sparsify_design(
    design: Design,
    weights: FloatArray | None,
    epsilon: float,
    delta: float,
    rng: np.random.Generator,
    ridge: FloatArray | float = 0.0,
    scheme: Scheme | None = None,
    rows: float | None = None,
) -> RowSample:
    """Do what :func:`sparsify` does, without checks.

    Parameters
    ----------
    design : Design
        The n x d design.
    weights : ndarray of shape (n,), or None
        D, of any sign; None for ones.
    epsilon : float
        The relative error, in (0, 1].
    delta : float
        The share of draws that may break the bound, in (0, 1).
    rng : Generator
        Where scores and draws take their random numbers from.
    ridge : float or ndarray of shape (d,), default 0
        At least 0.
    scheme : Scheme, optional
        Where the probabilities come from; approximate leverage scores by default.
    rows : float, optional
        The expected number of rows, in place of what the bound asks for.

    Returns
    -------
    RowSample
        The rows kept.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching.sparsifying import sparsify_design
    >>> design = as_design(np.ones((9, 1)))
    >>> sparsify_design(design, None, 0.5, 0.01, np.random.default_rng(0))
    RowSample(9 of 9 rows, share 1, 9 certain)
    """
    scheme = Leverage() if scheme is None else scheme
    n, d = design.shape
    multiple = bernstein_multiple(d, epsilon, delta) * (ALLOWANCE if scheme.slack is None else scheme.slack)
    if weights is None and isinstance(design, KroneckerDesign) and isinstance(scheme, Leverage):
        return _sparsify_kronecker(design, bernstein_multiple(d, epsilon, delta), rng, rows)
    values = np.ones(n) if weights is None else weights
    n_weighted = int(np.count_nonzero(values))
    budget = multiple * d if rows is None else rows
    if budget >= n_weighted:
        everything = np.flatnonzero(values)
        return RowSample(everything, values[everything], np.ones(n_weighted), n, n_weighted)
    scores = np.where(values == 0.0, 0.0, scheme.scores(design, values, ridge, rng))
    if rows is None and scheme.slack is not None:
        probabilities = np.minimum(multiple * scores, 1.0)
    else:
        probabilities = _spending(budget, scores, values != 0.0, scheme)
    return bernoulli_sample(values, probabilities, rng, scheme.labels)


def _sparsify_kronecker(
    design: KroneckerDesign, multiple: float, rng: np.random.Generator, rows: float | None
) -> RowSample:
    """Sample rows by the exact scores of the factors, which are cheap; a ridge only lowers them."""
    n, d = design.shape
    if (multiple * d if rows is None else rows) >= n:
        return RowSample(np.arange(n), np.ones(n), np.ones(n), n, n)
    scores = factor_scores(design.factors, "exact", rng)
    return scores.sample(multiple if rows is None else rows / (scores.sum() or 1.0), rng)


def _spending(budget: float, scores: FloatArray, weighted: Any, scheme: Scheme) -> FloatArray:
    """Return probabilities in proportion to the scores, for so many rows in all."""
    if scheme.labels is None:
        return sampling_probabilities(scores, budget)
    sizes = np.bincount(scheme.labels, weighted).astype(np.float64)
    group_scores = np.zeros(len(sizes))
    group_scores[scheme.labels[weighted]] = scores[weighted]
    return sampling_probabilities(group_scores, budget, sizes)[scheme.labels]


def _checked_share(value: Any, name: str, largest: float | None = None) -> float:
    """Return a number in (0, 1), or in (0, largest]."""
    number = checked_number(value, name, positive=True)
    if number > 1.0 or (largest is None and number == 1.0):
        raise ValueError(f"{name} must be {'below' if largest is None else 'at most'} 1, got {value!r}")
    return number
