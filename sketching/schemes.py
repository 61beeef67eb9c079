"""Ways to choose the probabilities of a row sample, all under one protocol.

A scheme gives every row a score.  The sampler keeps it with probability min(1, c * score),
where c is the constant of the bound (:func:`newtonkit.sketching.sparsify`) if the scores
carry that bound, and else whatever spends the same number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from newtonkit.design import Design, FloatArray, IntArray
from newtonkit.design.door import refuse_masked
from newtonkit.sketching.scores import design_scores

# Scores that are estimates may be too low by this factor before the promise suffers.
ALLOWANCE = 2.0


class Scheme(Protocol):
    """What the sampler asks of a scheme.

    Attributes
    ----------
    slack : float or None
        By what factor the scores may fall short of the leverage scores (1 if they never
        do); None if they are no bound on them, and the sample carries no promise.
    labels : ndarray of int of shape (n,), or None
        The group of each row, from 0 up, if whole groups are kept or dropped.
    """

    @property
    def slack(self) -> float | None:
        """By what factor scores may fall short of the leverage scores; None: by any."""

    @property
    def labels(self) -> IntArray | None:
        """The group of each row, or None."""

    def scores(
        self, design: Design, weights: FloatArray, ridge: FloatArray | float, rng: np.random.Generator
    ) -> FloatArray:
        """Return the score of each row, at least 0, shape (n,)."""


@dataclass(frozen=True)
class Leverage:
    """Leverage scores of sqrt(abs(D)) A: the scheme with a bound.

    With W = abs(D), the score of row i is W_i a_i^T (A^T W A + ridge)^-1 a_i: the largest
    share row i has in A^T W A + ridge in any direction.  Scores lie in [0, 1] and add up to
    the rank of the weighted rows (less with a ridge).

    Parameters
    ----------
    method : {"approximate", "exact"}, default "approximate"
        See :func:`newtonkit.sketching.leverage_scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import Leverage, sparsify
    >>> A = np.random.default_rng(0).standard_normal((20000, 4))
    >>> len(sparsify(A, scheme=Leverage("exact"), rng=0)) < len(sparsify(A, scheme="leverage", rng=0))
    True
    """

    method: str = "approximate"

    def __post_init__(self) -> None:
        if self.method not in ("approximate", "exact"):
            raise ValueError(f"method must be 'approximate' or 'exact', got {self.method!r}")

    labels = None

    @property
    def slack(self) -> float:
        """Estimates may be too low by a factor 2, exact scores are not."""
        return ALLOWANCE if self.method == "approximate" else 1.0

    def scores(
        self, design: Design, weights: FloatArray, ridge: FloatArray | float, rng: np.random.Generator
    ) -> FloatArray:
        """See :meth:`Scheme.scores`."""
        scores = design_scores(design, np.abs(weights), self.method, ridge, rng)
        total = float(scores.sum())
        # The true ones add up to d at most: estimates that add up to more are too high on average.
        return scores * (design.shape[1] / total) if total > design.shape[1] else scores


@dataclass(frozen=True)
class Uniform:
    """The same probability for all rows with D_i other than 0: no bound, and no pass over the data.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import Uniform, sparsify
    >>> sample = sparsify(np.ones((1000, 1)), scheme=Uniform(), rows=100, rng=0)
    >>> set(sample.probabilities.tolist())
    {0.1}
    """

    slack = None
    labels = None

    def scores(
        self, design: Design, weights: FloatArray, ridge: FloatArray | float, rng: np.random.Generator
    ) -> FloatArray:
        """See :meth:`Scheme.scores`."""
        return np.asarray(weights != 0.0, dtype=np.float64)


@dataclass(frozen=True)
class RowNorm:
    """Probabilities in proportion to abs(D_i) ||a_i||^2: one pass, and a bound in the Frobenius norm only.

    Directions in which all rows are short may be lost.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import RowNorm, sparsify
    >>> sample = sparsify(np.arange(1.0, 1001.0)[:, None], scheme=RowNorm(), rows=100, rng=0)
    >>> bool(sample.indices.mean() > 700)
    True
    """

    slack = None
    labels = None

    def scores(
        self, design: Design, weights: FloatArray, ridge: FloatArray | float, rng: np.random.Generator
    ) -> FloatArray:
        """See :meth:`Scheme.scores`."""
        sizes = np.sqrt(np.abs(weights)) * design.row_norms  # squares of either may leave the range
        return np.square(sizes / (sizes.max() or 1.0))


@dataclass(frozen=True, init=False, eq=False)
class Blocks:
    """Whole groups of rows, kept or dropped together.

    The score of a group is the sum of the scores of its rows.  With leverage scores this is
    at least the largest share the group has in any direction, so the bound of single rows
    holds for groups too; it takes more rows, up to the size of a group times as many.

    Parameters
    ----------
    groups : array_like, shape (n,)
        The label of the group of each row: anything that can be sorted, in any order.
    scheme : Scheme or str, default "leverage"
        Where the scores of the rows come from.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        The groups, numbered from 0 up.
    rows : Scheme
        Where the scores of the rows come from.

    Raises
    ------
    ValueError
        If `groups` is not one-dimensional or holds NaN.
    TypeError
        If labels cannot be compared with one another, or `scheme` is not a scheme.

    Examples
    --------
    >>> import numpy as np
    >>> from newtonkit.sketching import Blocks, sparsify
    >>> A = np.random.default_rng(0).standard_normal((20000, 4))
    >>> sample = sparsify(A, scheme=Blocks(np.arange(20000) // 10), rng=0)
    >>> len(sample) % 10
    0
    """

    labels: IntArray
    rows: Scheme

    def __init__(self, groups: ArrayLike, scheme: Scheme | str = "leverage") -> None:
        object.__setattr__(self, "labels", _as_labels(groups))
        object.__setattr__(self, "rows", as_scheme(scheme))
        if self.rows.labels is not None:
            raise TypeError("scheme must be one for single rows, got one for groups")

    @property
    def slack(self) -> float | None:
        """As for the rows."""
        return self.rows.slack

    def scores(
        self, design: Design, weights: FloatArray, ridge: FloatArray | float, rng: np.random.Generator
    ) -> FloatArray:
        """Return for each row the sum of the scores of its group."""
        sums = np.bincount(self.labels, self.rows.scores(design, weights, ridge, rng))
        spread: FloatArray = sums[self.labels].astype(np.float64, copy=False)
        return spread


_NAMED: dict[str, type[Leverage] | type[Uniform] | type[RowNorm]] = {
    "leverage": Leverage,
    "uniform": Uniform,
    "row-norm": RowNorm,
}


def as_scheme(scheme: Any) -> Scheme:
    """Return a scheme from its name, or as it is."""
    if isinstance(scheme, str):
        if scheme not in _NAMED:
            raise ValueError(f"scheme must be one of {', '.join(_NAMED)}, or a scheme, got {scheme!r}")
        return _NAMED[scheme]()
    if isinstance(scheme, type) or not all(hasattr(scheme, name) for name in ("scores", "slack", "labels")):
        raise TypeError(f"scheme must be one of {', '.join(_NAMED)}, or a scheme, got {scheme!r}")
    checked: Scheme = scheme
    return checked


def _as_labels(groups: Any) -> IntArray:
    refuse_masked(groups, "groups")
    try:
        labels = np.asarray(groups)
    except ValueError:
        raise ValueError("groups must be one-dimensional, but is not rectangular") from None
    if labels.ndim != 1:
        raise ValueError(f"groups must be one-dimensional, got shape {labels.shape}")
    if labels.dtype.kind in "fcmM" and np.isnan(labels).any():
        raise ValueError("groups must have a label for every row, but some are missing")
    try:
        return np.unique(labels, return_inverse=True)[1].astype(np.intp, copy=False)
    except TypeError:
        raise TypeError("groups must hold labels of one kind, which can be sorted") from None
