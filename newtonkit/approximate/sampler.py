"""Samples of the rows of a Hessian, by the leverage scores of its weighted, shifted rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.linalg

from newtonkit.approximate.refresh import Freshness, spread_of
from newtonkit.approximate.sampled_hessian import SampledHessian
from newtonkit.design import FloatArray, IntArray
from newtonkit.metric import Metric
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.shifting import ShiftedForm
from newtonkit.sketching import SparseSign, bernoulli_sample, whitening
from newtonkit.sketching.scores import projection, scores_under
from newtonkit.spectral import overflow_allowed

_NONZEROS = 4
_EMBEDDED_PER_COLUMN, _MORE_EMBEDDED = 4, 64
_UNIFORM_PER_COLUMN, _MORE_UNIFORM = 3, 64
_UNSEEN = 1e-3
_ENOUGH = 2**14
_COHERENT, _SPARE = 3.0, 1.3
_MOST_SPREAD, _NOT_CONCENTRATED = 2.0, 0.7


@dataclass(frozen=True)
class Draw:
    """A sample of a Hessian.

    Attributes
    ----------
    sampled : SampledHessian
        The sample.
    indices : ndarray of int, shape (m,)
        Its rows.
    freshness : Freshness
        What tells when it no longer stands for the Hessian.
    note : str
        What was out of the ordinary.
    """

    sampled: SampledHessian
    indices: IntArray
    freshness: Freshness
    note: str


def _spread_of_some(weights: FloatArray) -> float:
    """Return the spread of every so-maniest weight: of enough of them to tell."""
    some = weights[:: max(1, len(weights) // _ENOUGH)]
    return spread_of(some, some)


class Factor(Protocol):
    """A factor of a Gram matrix in the coordinates of the metric."""

    def half_inverse(self, z: FloatArray) -> FloatArray:
        """Return ``P^-1/2 z``, for some root, so that the Gram matrix is I in these coordinates."""
        ...


class HessianSampler:
    """Draws samples of Hessians, each from random streams of its own.

    Parameters
    ----------
    seed : int
        What the streams are keyed by, together with the number of the draw.
    metric : Metric
        Coordinates in which the design is well-conditioned, so that its weighted rows are as
        well-conditioned as their weights allow.
    columns : int
        Johnson-Lindenstrauss columns of the scores.

    Attributes
    ----------
    passes : int
        Sweeps over the data so far.
    """

    def __init__(self, seed: int, metric: Metric, columns: int) -> None:
        self._seed = seed
        self._metric = metric
        self._columns = columns
        self._draws = 0
        self._factor: Factor | None = None
        self._freshness: Freshness | None = None
        self.passes = 0

    @property
    def has_drawn(self) -> bool:
        """Whether there has been a draw."""
        return self._draws > 0

    def draw(
        self, hessian: StructuredHessian, form: ShiftedForm, oversampling: float, *, is_rough: bool
    ) -> Draw:
        """Return a sample of a Hessian.

        Row i is kept with probability min(1, oversampling * tau_i), where tau_i is the
        leverage score of the shifted row under |D| and the ridge; if hardly fewer than all
        would be expected, all are kept.

        Parameters
        ----------
        hessian : StructuredHessian
            The Hessian at a point.
        form : ShiftedForm
            The same on shifted rows.
        oversampling : float
            Rows expected for each effective dimension.
        is_rough : bool
            Whether scores in the coordinates of an old factor, or under a uniform sample, will
            do, unless they show that rows are coherent.  They may miss a row of little weight
            that carries a direction alone.
        """
        self._draws += 1
        n, d = form.design.shape
        if max(oversampling * d, _EMBEDDED_PER_COLUMN * d + _MORE_EMBEDDED) >= 0.8 * n:
            self.passes += 1
            whole = SampledHessian(hessian, form.design, form.weights, form.remainder)
            return Draw(whole, np.arange(n), Freshness(form.weights, None), "")
        rng = np.random.default_rng((self._seed, self._draws))
        sizes, note = self._rough_sizes(hessian, form, oversampling, rng) if is_rough else (None, "")
        if sizes is None:
            sizes, trouble = self._embedded_sizes(form, hessian.ridge, rng)
            note = "; ".join(part for part in (note, trouble) if part)
        scores = np.abs(form.weights) * sizes
        sample = bernoulli_sample(form.weights, np.minimum(1.0, oversampling * scores), rng)
        rows = form.design.rows(sample.indices)
        sampled = SampledHessian(hessian, rows, sample.weights, form.remainder)
        return Draw(sampled, sample.indices, Freshness(form.weights, sizes, sample), note)

    def _rough_sizes(
        self, hessian: StructuredHessian, form: ShiftedForm, oversampling: float, rng: np.random.Generator
    ) -> tuple[FloatArray | None, str]:
        """Return the score of each row by its weight, or None and why not."""
        sizes = self._sizes_by_old_factor(form, oversampling, rng)
        if sizes is not None:
            return sizes, ""
        stale = "the old factor is stale"
        transform = self._first_transform(hessian, form, rng)
        if transform is None:
            return None, f"{stale} and a uniform sample has no Cholesky factor: scores from an embedding"
        sizes = scores_under(form.design, None, transform, self._columns, rng)
        self.passes += 1
        expected = np.minimum(1.0, oversampling * np.abs(form.weights) * sizes).sum()
        excess = expected / (oversampling * len(transform.T))
        if excess > _COHERENT:
            return None, f"{stale} and few rows carry directions alone: scores from an embedding"
        # Too few rows of large weight were seen: all scores are too high.
        return sizes / max(1.0, excess / _SPARE), f"{stale}: scores under a uniform sample"

    def resume(self, other: HessianSampler, factor: Factor, freshness: Freshness) -> None:
        """Go on where another sampler has ended, with its last factor in the own coordinates."""
        self._draws = other._draws
        self.remember(factor, freshness)

    def remember(self, factor: Factor, freshness: Freshness) -> None:
        """Keep the factor of a sample, to take the next scores in its coordinates."""
        self._factor = factor
        self._freshness = freshness

    def _sizes_by_old_factor(
        self, form: ShiftedForm, oversampling: float, rng: np.random.Generator
    ) -> FloatArray | None:
        """Return scores in the coordinates of the last sample, or of the metric, for a single sweep.

        They are in proportion to the true ones as far as the weights of the rows have changed
        in proportion; None if they have not, or if few rows turn out to hold most of the sum.
        """
        weights, rank = np.abs(form.weights), self._metric.rank
        spread = self._freshness.spread(weights) if self._freshness else _spread_of_some(weights)
        if rank == 0 or not spread <= _MOST_SPREAD:
            return None
        z = projection(rank, self._columns, rng)
        with overflow_allowed():
            old = self._factor.half_inverse(z) if self._factor else z
            sizes = form.design.square_norms(self._metric.steps(old))
            total = float(weights @ sizes)
        self.passes += 1
        if not 0.0 < total < np.inf:
            return None
        sizes *= rank / total
        expected = float(np.minimum(1.0, oversampling * weights * sizes).sum())
        return sizes if expected >= _NOT_CONCENTRATED * oversampling * rank else None

    def _first_transform(
        self, hessian: StructuredHessian, form: ShiftedForm, rng: np.random.Generator
    ) -> FloatArray | None:
        """Return coordinates that whiten a uniform sample, None if that has no Cholesky factor.

        Under a sample of rows no score is too low (Cohen et al., Uniform sampling for matrix
        approximation, 2015), but for what the sample does not see at all: a little of the
        metric, weighted as the middle row is, stands for that.  Rows that carry a direction
        alone come out with large scores and are kept; are there many, the sum of scores tells.
        """
        if self._metric.rank == 0:
            return None
        n, d = form.design.shape
        m = _UNIFORM_PER_COLUMN * d + _MORE_UNIFORM
        indices = np.sort(rng.choice(n, m, replace=False))
        weights = np.abs(form.weights[indices])
        rows = SampledHessian(hessian, form.design.rows(indices), (n / m) * weights)
        reduced = self._metric.congruence(rows)
        reduced[np.diag_indices_from(reduced)] += _UNSEEN * n * float(np.median(weights))
        factor, failed = scipy.linalg.lapack.dpotrf(reduced, lower=1, clean=1)
        if failed:
            return None
        inverse, failed = scipy.linalg.lapack.dtrtri(factor, lower=1)
        if failed:
            return None
        return self._metric.steps(np.asarray(inverse).T * np.sqrt(1.0 - d / m))

    def _embedded_sizes(
        self, form: ShiftedForm, ridge: FloatArray, rng: np.random.Generator
    ) -> tuple[FloatArray, str]:
        """Return the score of each row by its weight, under an embedding of all weighted rows."""
        d = form.design.shape[1]
        m = _EMBEDDED_PER_COLUMN * d + _MORE_EMBEDDED
        embedding = SparseSign(m, _NONZEROS, int(rng.integers(2**63)))
        embedded = embedding.apply(form.design, np.sqrt(np.abs(form.weights)))
        found = whitening(embedded, ridge)
        transform = found.transform
        note = ""
        if found.note:  # most likely the design is ill-conditioned, not its weights
            coordinates = self._metric.steps(np.eye(self._metric.rank))
            penalty = np.diag(np.sqrt(ridge))[ridge > 0.0]
            found = whitening(np.concatenate((embedded, penalty)) @ coordinates)
            transform = coordinates @ found.transform
            note = "no Cholesky factor of the embedding: scores in the coordinates of the metric"
            note += f", {found.note}" if found.note else ""
        # Few embedded rows make every score larger by this factor (see leverage_scores).
        bias = 1.0 / (1.0 - found.rank / m)
        sizes = scores_under(form.design, None, transform, self._columns, rng)
        self.passes += 2
        return sizes / bias, note
