"""Samples of rows: independent draws with weights that keep A^T diag(D) A right on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from newtonkit.design import FloatArray, IntArray


@dataclass(frozen=True, repr=False)
class RowSample:
    """Some rows of a matrix, with weights that let them stand for all of them.

    If row i was kept with probability p_i, its weight is D_i / p_i, so that

        A[indices].T @ diag(weights) @ A[indices]   is about   A.T @ diag(D) @ A,

    and equal to it on average over draws.  How near one draw comes depends on the
    probabilities: see :func:`newtonkit.sketching.sparsify`.  The sum of the weights, or
    anything else that is not such a product, is not promised.

    Attributes
    ----------
    indices : ndarray of int, shape (m,)
        The rows kept, ascending, each once.
    weights : ndarray, shape (m,)
        D_i / p_i for those rows; it has the sign of D_i.
    probabilities : ndarray, shape (m,)
        p_i for those rows, in (0, 1].
    n_rows : int
        The number n of rows there were.
    n_certain : int
        How many of the rows kept had probability 1; their weight is D_i itself.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import sparsify
    >>> A = np.random.default_rng(0).standard_normal((20000, 4))
    >>> sample = sparsify(A, np.ones(20000), rng=0)
    >>> rows = A[sample.indices]
    >>> gram, sketch = A.T @ A, rows.T @ (sample.weights[:, None] * rows)
    >>> bool(np.linalg.norm(sketch - gram, 2) < 0.5 * np.linalg.norm(gram, 2))
    True
    >>> bool(sample.share < 0.05)
    True
    """

    indices: IntArray
    weights: FloatArray
    probabilities: FloatArray
    n_rows: int
    n_certain: int

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def share(self) -> float:
        """The share of the rows that was kept, m / n."""
        return len(self.indices) / self.n_rows

    def __repr__(self) -> str:
        return (
            f"RowSample({len(self):,} of {self.n_rows:,} rows, share {self.share:.3g}, "
            f"{self.n_certain:,} certain)"
        )


def bernoulli_sample(
    values: FloatArray,
    probabilities: FloatArray,
    rng: np.random.Generator,
    labels: IntArray | None = None,
) -> RowSample:
    """Keep row i with probability p_i, independently of the others.

    Parameters
    ----------
    values : ndarray, shape (n,)
        D, of any sign.  Rows with D_i = 0 are never kept.
    probabilities : ndarray, shape (n,)
        p, from 0 to 1.
    rng : Generator
        The source of a stream of its own for the draws: data made from the same seed, as in
        examples and tests, must not decide about which rows are kept.
    labels : ndarray of int of shape (n,), optional
        The group of each row, from 0 up.  Rows of a group are kept or dropped together, and
        must have the same probability.

    Returns
    -------
    RowSample
        The rows kept, with weights D_i / p_i.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import bernoulli_sample
    >>> sample = bernoulli_sample(np.ones(4), np.array([1.0, 0.5, 0.0, 1.0]), np.random.default_rng(0))
    >>> sample.indices, sample.weights
    (array([0, 1, 3]), array([1., 2., 1.]))
    """
    stream = np.random.default_rng(rng.integers(2**63, size=2))
    draws = stream.random(len(values) if labels is None else int(labels.max(initial=-1)) + 1)
    if labels is not None:
        draws = draws[labels]
    indices = np.flatnonzero((draws < probabilities) & (values != 0.0))
    kept = probabilities[indices]
    return RowSample(indices, values[indices] / kept, kept, len(values), int(np.count_nonzero(kept == 1.0)))


def sampling_probabilities(scores: FloatArray, rows: float, sizes: FloatArray | None = None) -> FloatArray:
    """Return min(1, c * scores) with the c for which `rows` rows are expected.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        The importance of each row (or group of rows), at least 0.
    rows : float
        The expected number of rows.  If there are no more rows than that with a positive
        score, all of them have probability 1.
    sizes : ndarray of shape (n,), optional
        The number of rows each score stands for; 1 by default.

    Returns
    -------
    ndarray, shape (n,)
        The probabilities; 0 where the score is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import sampling_probabilities
    >>> sampling_probabilities(np.array([8.0, 1.0, 1.0, 0.0]), 2.0)
    array([1. , 0.5, 0.5, 0. ])
    """
    out = np.zeros(len(scores))
    positive = np.flatnonzero(scores > 0.0)
    counts = np.ones(len(positive)) if sizes is None else sizes[positive]
    if rows >= counts.sum():
        out[positive] = 1.0
        return out
    # The largest scores come first: with the first k of them at 1, the others share what is left.
    order = positive[np.argsort(-scores[positive], kind="stable")]
    largest = scores[order]
    counts = np.ones(len(order)) if sizes is None else sizes[order]
    relative = largest / largest[0]  # sums of scores may underflow, or their quotients overflow
    left = rows - np.concatenate(([0.0], np.cumsum(counts)[:-1]))
    tails = np.cumsum((relative * counts)[::-1])[::-1]
    full = np.flatnonzero(left * relative < tails)[0]  # the first that need not be certain
    out[order[:full]] = 1.0
    out[order[full:]] = np.minimum(left[full] / tails[full] * relative[full:], 1.0)
    return out
