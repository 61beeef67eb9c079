"""Leverage scores of a Kronecker product, and samples from them, without a list of its rows.

The scores of A1 (x) A2 are the products t_j s_i of those of the factors, for
(A1 (x) A2) (R1 (x) R2) = (A1 R1) (x) (A2 R2): where R1, R2 whiten the factors, their product
whitens the whole.  So n1 + n2 numbers stand for n1 n2 scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from newtonkit.design import Design, FloatArray, IntArray, as_design
from newtonkit.options import checked_generator
from newtonkit.sketching.sampling import RowSample
from newtonkit.sketching.schemes import Leverage
from newtonkit.sketching.scores import design_scores

Pairs: TypeAlias = tuple[IntArray, IntArray]

# Scores further below the largest one than this are one class: few of them are ever drawn.
_CLASSES = 64


@dataclass(frozen=True, eq=False)
class KroneckerScores:
    """The leverage scores of A1 (x) A2, kept as those of the factors.

    Indexing with rows (integers, or an array of them) gives their scores.

    Attributes
    ----------
    first : ndarray, shape (n1,)
        The scores t of A1.
    second : ndarray, shape (n2,)
        The scores s of A2; row ``j * n2 + i`` has the score t_j s_i.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import kronecker_scores
    >>> scores = kronecker_scores(np.eye(3), np.ones((4, 1)))
    >>> len(scores), round(float(scores.sum()), 12), round(float(scores[5]), 12)
    (12, 3.0, 0.25)
    """

    first: FloatArray
    second: FloatArray

    def __len__(self) -> int:
        return len(self.first) * len(self.second)

    def of(self, rows: Any) -> Any:
        """Return the scores of the given rows, from 0 to n1 n2 - 1.

        Raises
        ------
        TypeError
            If `rows` are not integers.
        IndexError
            If one is outside.
        """
        indices = np.asarray(rows)
        if indices.dtype.kind not in "iu":
            raise TypeError(f"rows must be integers, got {indices.dtype}")
        if indices.size and not (indices.min() >= 0 and indices.max() < len(self)):
            raise IndexError(f"rows must lie between 0 and {len(self) - 1}")
        j, i = np.divmod(indices, len(self.second))
        return self.first[j] * self.second[i]

    __getitem__ = of

    def sum(self) -> float:
        """Return the sum of all scores: the rank, if they are exact."""
        return float(self.first.sum() * self.second.sum())

    def __repr__(self) -> str:
        return f"KroneckerScores({len(self.first):,} x {len(self.second):,} rows, sum {self.sum():.6g})"

    def sample(self, multiple: float, rng: int | np.random.Generator | None = None) -> RowSample:
        """Keep each row with probability min(1, multiple * score), independently of the others.

        Rows of probability 1 are listed, at most ``multiple * sum()`` of them.  All others
        fall into classes: scores of either factor within a factor 2 of each other.  In a pair
        of classes all probabilities are below a common bound q, so that it is enough to draw
        how many rows a coin of probability q would keep (a binomial number), choose that many
        at random, and keep each of them with probability p / q.  That is the same as tossing
        a coin for each row, but takes time and memory for O(n1 + n2 + sample) numbers only.

        Parameters
        ----------
        multiple : float
            By what the scores are multiplied.
        rng : int, Generator or None, default None
            The source of random numbers.

        Returns
        -------
        RowSample
            The rows kept, with weights 1 / p.
        """
        generator = checked_generator(rng)
        order = (_descending(self.first), _descending(self.second))
        t, s = multiple * self.first[order[0]], self.second[order[1]]
        if len(t) == 0 or len(s) == 0:
            return _as_sample(np.empty(0, dtype=np.intp), np.empty(0), len(self))
        with np.errstate(over="ignore", divide="ignore"):
            # For each row of A1, the rows of A2 that come first with it, down to t s = 1, are certain.
            n_certain = np.searchsorted(-s, -1.0 / t, side="right")
        certain = _leading_pairs(n_certain)
        drawn = _draw(t, s, n_certain, generator)
        j, i = (np.concatenate(both) for both in zip(certain, drawn, strict=True))
        chances = np.minimum(t[j] * s[i], 1.0)
        chances[: len(certain[0])] = 1.0
        return _as_sample(order[0][j] * len(self.second) + order[1][i], chances, len(self))


def kronecker_scores(
    A1: Any, A2: Any, method: str = "exact", rng: int | np.random.Generator | None = None
) -> KroneckerScores:
    """Return the leverage scores of A1 (x) A2 in O(n1 + n2) memory.

    Row ``j * n2 + i`` has the score t_j s_i, t and s the scores of the factors.

    Parameters
    ----------
    A1 : array_like, sparse matrix or array, data frame, or Design, shape (n1, d1)
        The factor whose rows vary slowly.
    A2 : array_like, sparse matrix or array, data frame, or Design, shape (n2, d2)
        The factor whose rows vary quickly.
    method : {"exact", "approximate"}, default "exact"
        How the scores of the factors are found, see
        :func:`newtonkit.sketching.leverage_scores`; errors of the two multiply.
    rng : int, Generator or None, default None
        The seed for approximate scores.

    Returns
    -------
    KroneckerScores
        The scores, by row number.

    Raises
    ------
    ValueError
        If a factor is not a matrix of finite numbers, or `method` is unknown.
    TypeError
        If an argument is of the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import kronecker_scores
    >>> A = np.random.default_rng(0).standard_normal((100000, 5))
    >>> scores = kronecker_scores(A, A)
    >>> scores
    KroneckerScores(100,000 x 100,000 rows, sum 25)
    """
    factors = (as_design(A1, name="A1"), as_design(A2, name="A2"))
    Leverage(method)  # refuses what is neither
    return factor_scores(factors, method, checked_generator(rng))


def factor_scores(factors: tuple[Design, Design], method: str, rng: np.random.Generator) -> KroneckerScores:
    """Do what :func:`kronecker_scores` does, without checks."""
    first, second = (design_scores(factor, None, method, 0.0, rng) for factor in factors)
    return KroneckerScores(first, second)


def _descending(scores: FloatArray) -> IntArray:
    """Return the indices of positive scores, the largest first."""
    order = np.argsort(-scores, kind="stable")
    return order[: np.count_nonzero(scores > 0.0)]


def _leading_pairs(counts: IntArray) -> Pairs:
    """Return the pairs (j, 0), ..., (j, counts[j] - 1) for all j."""
    j = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return j, np.arange(len(j)) - starts[j]


def _classes(descending: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return where the classes of descending scores begin and end, and a bound on each class."""
    exponents = np.frexp(descending)[1]
    exponents = np.maximum(exponents, exponents[0] - _CLASSES)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(exponents)) + 1, [len(exponents)]))
    return edges, np.ldexp(1.0, exponents[edges[:-1]])


def _draw(t: FloatArray, s: FloatArray, n_certain: IntArray, rng: np.random.Generator) -> Pairs:
    """Draw pairs with probability t_j s_i among those that are not certain."""
    (edges1, bounds1), (edges2, bounds2) = _classes(t), _classes(s)
    sizes2 = np.diff(edges2)
    sizes = np.multiply.outer(np.diff(edges1), sizes2)
    bounds = np.minimum(np.multiply.outer(bounds1, bounds2), 1.0)
    counts = rng.binomial(sizes, bounds)
    parts: list[Pairs] = [(np.empty(0, dtype=np.intp),) * 2]
    for a, b in zip(*np.nonzero(counts), strict=True):
        chosen = rng.choice(sizes[a, b], counts[a, b], replace=False, shuffle=False)
        j, i = np.divmod(chosen, sizes2[b])
        j, i = j + edges1[a], i + edges2[b]
        accepted = rng.random(len(chosen)) * bounds[a, b] < t[j] * s[i]
        keep = accepted & (i >= n_certain[j])
        parts.append((j[keep], i[keep]))
    first, second = zip(*parts, strict=True)
    return np.concatenate(first), np.concatenate(second)


def _as_sample(indices: NDArray[np.intp], chances: FloatArray, n_rows: int) -> RowSample:
    order = np.argsort(indices)
    chances = chances[order]
    return RowSample(indices[order], 1.0 / chances, chances, n_rows, int(np.count_nonzero(chances == 1.0)))
