"""Embeddings that mix all rows: a subsampled cosine transform, and Gaussian columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from newtonkit.design import Design, FloatArray, map_blocks
from newtonkit.design.scatter import SignScatter
from newtonkit.options import checked_count

_BUFFER_ENTRIES = 2**22
_TILE_ENTRIES = 2**20
_RUNS = 8


class Cosine:
    """Subsampled randomised cosine transform: random signs, a DCT over the rows, some of its rows.

    S = sqrt(n / m) R F diag(signs), F the orthonormal DCT-II (``scipy.fft.dct``, any n, no
    padding) and R a choice of m rows without repetition.  The cost is O(n d log n), and
    columns are treated a few at a time, at most 32 MB of them or one in each thread.  A sparse sign
    embedding is much cheaper; this one has m of order d log d with constants that are
    proved.

    Parameters
    ----------
    n_rows : int
        Number m of rows of S, at least 1.
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
    Tropp, "Improved analysis of the subsampled randomized Hadamard transform", 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching import Cosine
    >>> embedded = Cosine(4).apply(as_design(np.eye(4)))  # all rows of an orthonormal transform
    >>> bool(np.allclose(embedded.T @ embedded, np.eye(4)))
    True
    """

    def __init__(self, n_rows: int, seed: int = 0) -> None:
        self.n_rows = checked_count(n_rows, "n_rows", 1)
        self.seed = checked_count(seed, "seed", 0)

    def apply(self, design: Design, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A, shape (n_rows, d); at most n rows can be drawn.

        Parameters
        ----------
        design : Design
            A, shape (n, d).
        scale : ndarray, shape (n,), optional
            Default: ones.

        Raises
        ------
        ValueError
            If `n_rows` is larger than n.
        """
        import scipy.fft  # noqa: PLC0415  (needed by this embedding alone)

        n, d = design.shape
        if self.n_rows > n:
            raise ValueError(f"n_rows must be at most the {n} rows of the design, got {self.n_rows}")
        signs = SignScatter(1, 1, self.seed).hashed(slice(0, n), scale)[1]
        chosen = np.sort(np.random.default_rng(self.seed).permutation(n)[: self.n_rows])
        out = np.empty((self.n_rows, d))
        width = min(max(1, _BUFFER_ENTRIES // n), -(-d // 2))
        chunks = [slice(first, min(first + width, d)) for first in range(0, d, width)]

        def embed_columns(columns: slice) -> None:
            mixed = np.empty((n, columns.stop - columns.start))
            for block in design.blocks:
                mixed[block] = signs[block] * design.dense_rows(block)[:, columns]
            mixed = scipy.fft.dct(mixed, axis=0, norm="ortho", overwrite_x=True, workers=1)
            out[:, columns] = mixed[chosen] * np.sqrt(n / self.n_rows)

        map_blocks(embed_columns, chunks)
        return out


class Gaussian:
    """Gaussian embedding: independent normal entries of variance 1 / n_rows.

    The yardstick for the others: its distortion is known exactly and the same for every A.
    The cost is ``n_rows * n * d``.  (``sklearn.random_projection`` projects features, and
    would hold all n columns of S at once; here they are drawn a tile at a time.)

    Parameters
    ----------
    n_rows : int
        Number of rows of S, at least 1.
    seed : int, default 0
        At least 0.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> from newtonkit.design import as_design
    >>> from newtonkit.sketching import Gaussian
    >>> Gaussian(3).apply(as_design([[1.0], [2.0]])).shape
    (3, 1)
    """

    def __init__(self, n_rows: int, seed: int = 0) -> None:
        self.n_rows = checked_count(n_rows, "n_rows", 1)
        self.seed = checked_count(seed, "seed", 0)

    def apply(self, design: Design, scale: FloatArray | None = None) -> FloatArray:
        """Return S diag(scale) A, shape (n_rows, d); `scale` has shape (n,), default ones."""
        n, d = design.shape
        tile = max(1, _TILE_ENTRIES // max(self.n_rows, d))
        tiles = [slice(first, min(first + tile, n)) for first in range(0, n, tile)]

        def embed_run(run: Sequence[slice]) -> FloatArray:
            out = np.zeros((self.n_rows, d))
            for rows in run:
                stream = np.random.default_rng([self.seed, rows.start])
                entries = stream.standard_normal((self.n_rows, rows.stop - rows.start))
                if scale is not None:
                    entries *= scale[rows]
                out += entries @ design.dense_rows(rows).astype(np.float64, copy=False)
            return out

        runs = min(_RUNS, len(tiles))
        cuts = [len(tiles) * k // runs for k in range(runs + 1)]
        outs = map_blocks(embed_run, [tiles[a:b] for a, b in pairwise(cuts)])
        for out in outs[1:]:
            outs[0] += out
        outs[0] /= np.sqrt(self.n_rows)
        return outs[0]
