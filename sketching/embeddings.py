"""Embeddings: random S with few rows such that ||S y|| ~ ||y|| for all y in the range of A."""

from __future__ import annotations

from typing import Protocol

from newtonkit.design import Design, FloatArray
from newtonkit.design.scatter import MAX_NONZEROS, SignScatter
from newtonkit.options import checked_count


class Embedding(Protocol):
    """A random S of `n_rows` rows, drawn again the same from its seed, with E S^T S = I."""

    @property
    def n_rows(self) -> int:
        """Number of rows of S."""
        ...

    def apply(self, design: Design, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A, shape (n_rows, d)."""
        ...


class SparseSign:
    """Sparse sign embedding: every column of S holds a few entries of size 1/sqrt(nonzeros).

    Their rows are distinct and their signs random, both hashed from the seed and the number
    of the column: S is never stored, and does not depend on threads.  The cost is
    ``nonzeros * nnz(A)`` additions.  (``scipy.linalg.clarkson_woodruff_transform`` has one
    nonzero only, in one thread, and needs a copy of the scaled design.)

    Parameters
    ----------
    n_rows : int
        Number of rows of S, at least `nonzeros`; 3 to 4 d for a preconditioner of d columns.
    nonzeros : int, default 4
        Nonzero entries of every column of S, 1 to 8.
    seed : int, default 0
        At least 0.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If an argument is out of its range.

    References
    ----------
    Nelson and Nguyen, "OSNAP: Faster numerical linear algebra algorithms via sparser
    subspace embeddings", 2013.  Its block construction is used.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching import SparseSign
    >>> A = np.random.default_rng(0).normal(size=(2000, 3))
    >>> embedded = SparseSign(200, seed=1).apply(as_design(A))
    >>> embedded.shape
    (200, 3)
    >>> ratios = np.linalg.norm(embedded, axis=0) / np.linalg.norm(A, axis=0)
    >>> bool((abs(ratios - 1.0) < 0.25).all())
    True
    """

    def __init__(self, n_rows: int, nonzeros: int = 4, seed: int = 0) -> None:
        self.nonzeros = checked_count(nonzeros, "nonzeros", 1)
        if self.nonzeros > MAX_NONZEROS:
            raise ValueError(f"nonzeros must be at most {MAX_NONZEROS}, got {nonzeros}")
        self.n_rows = checked_count(n_rows, "n_rows", self.nonzeros)
        if self.n_rows >= 2**31:
            raise ValueError(f"n_rows must be less than 2**31, got {n_rows}")
        self.seed = checked_count(seed, "seed", 0)

    def apply(self, design: Design, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A, shape (n_rows, d); `scale` has shape (n,), default ones."""
        return design.embed(SignScatter(self.n_rows, self.nonzeros, self.seed), scale)


class CountSketch(SparseSign):
    """CountSketch: the sparse sign embedding with one nonzero, the cheapest and the coarsest.

    Parameters
    ----------
    n_rows : int
        Number of rows of S, at least 1; of order d**2 for a guarantee.
    seed : int, default 0
        At least 0.

    References
    ----------
    Clarkson and Woodruff, "Low rank approximation and regression in input sparsity time", 2013.

    Examples
    --------
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching import CountSketch
    >>> CountSketch(2, seed=3).apply(as_design([[1.0], [2.0], [4.0]])).shape
    (2, 1)
    """

    def __init__(self, n_rows: int, seed: int = 0) -> None:
        super().__init__(n_rows, 1, seed)
