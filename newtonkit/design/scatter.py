"""Random rows and signs for every row of a design: a sparse embedding that is never stored.

Row i of the design goes, with random signs, into a few rows of the output.  Where it goes
is a hash of the seed and of i alone (counter-based: splitmix64 of Steele, Lea and Flood,
2014), so that the embedding does not depend on blocks, threads or chunks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
TargetArray: TypeAlias = NDArray[np.int32]

MAX_NONZEROS = 8
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def mixed(counters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finaliser of splitmix64, a bijection of 64-bit words that looks random."""
    z = (counters ^ (counters >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True)
class SignScatter:
    """Where each row goes, and with which sign.

    The output rows are cut into as many runs of nearly equal length as there are nonzeros;
    the j-th nonzero falls into the j-th run, so that the rows hit are distinct.

    Attributes
    ----------
    n_rows : int
        Number of rows of the output, at least `nonzeros` and less than 2**31.
    nonzeros : int
        Into how many of them each row goes, 1 to 8.
    seed : int
        What the hash is keyed by.
    """

    n_rows: int
    nonzeros: int
    seed: int

    @property
    def key(self) -> np.uint64:
        """The seed, spread over 64 bits."""
        seed = np.array([(self.seed * _GOLDEN + _GOLDEN) & _MASK], dtype=np.uint64)
        return np.uint64(mixed(seed)[0])

    @property
    def edges(self) -> NDArray[np.int64]:
        """Where the runs of output rows begin and end, shape (nonzeros + 1,)."""
        return np.arange(self.nonzeros + 1, dtype=np.int64) * self.n_rows // self.nonzeros

    def hashed(self, rows: slice, scale: FloatArray | None) -> tuple[TargetArray, FloatArray]:
        """Return output rows and coefficients of some design rows, by NumPy.

        Parameters
        ----------
        rows : slice
            Consecutive rows of the design.
        scale : ndarray, shape (rows,), or None
            Factors of these rows; None for ones.

        Returns
        -------
        targets : ndarray of int32, shape (rows, nonzeros)
        coefficients : ndarray, shape (rows, nonzeros)
            Signs times scale over the root of `nonzeros`.
        """
        index = np.arange(rows.start, rows.stop, dtype=np.uint64)[:, None]
        counters = index * np.uint64(MAX_NONZEROS) + np.arange(1, self.nonzeros + 1, dtype=np.uint64)
        words = mixed(np.asarray(counters * np.uint64(_GOLDEN) + self.key, dtype=np.uint64))
        lengths = np.diff(self.edges).astype(np.uint64)
        within = ((words >> np.uint64(32)) * lengths) >> np.uint64(32)
        targets = (self.edges[:-1] + within.astype(np.int64)).astype(np.int32)
        coefficients = np.where(words & np.uint64(1), 1.0, -1.0) / np.sqrt(self.nonzeros)
        return targets, coefficients if scale is None else coefficients * scale[:, None]

    def compiled_hash(self, rows: slice, scale: FloatArray | None) -> tuple[TargetArray, FloatArray]:
        """Return what :meth:`hashed` returns, by a compiled loop: for large data."""
        from newtonkit.design.kernels import hash_rows  # noqa: PLC0415  (Numba: only for large data)

        n_rows = rows.stop - rows.start
        targets = np.empty((n_rows, self.nonzeros), dtype=np.int32)
        coefficients = np.empty((n_rows, self.nonzeros))
        factors = np.ones(1) if scale is None else scale
        hash_rows(rows.start, factors, self.key, self.edges, targets, coefficients)  # type: ignore[no-untyped-call]
        return targets, coefficients
