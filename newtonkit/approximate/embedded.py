"""The metric of the trust region from some rows of the design, or from an embedding of it."""

from __future__ import annotations

import numpy as np

from newtonkit.approximate.sketched_builder import is_gram_dear
from newtonkit.design import FloatArray
from newtonkit.design.dense import DenseDesign
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.problems.hessian import StructuredHessian
from newtonkit.problems.rows import Groups
from newtonkit.sketching import SparseSign, whitening
from newtonkit.triangular import TriangularMetric

_ROWS_PER_COLUMN = 4
_MORE_ROWS = 64
_NONZEROS = 2
_WELL_DETERMINED = 1e8
_MANY_TIMES = 4
_LEAST_SAMPLED = 2000
_STREAM = (7, 1)  # of random numbers: no other, and not one that a user's seed may lead to
_SIMILAR = 3.0


class _Embedded:
    """A problem seen through S A: the same steps and the same penalty, few rows.

    Attributes
    ----------
    rows : ndarray, shape (n_rows, d)
        S A.
    """

    def __init__(self, problem: Problem, n_rows: int, seed: int) -> None:
        self._n = problem.design.shape[0]
        self._ridge = problem.ridge
        self.rows = SparseSign(n_rows, _NONZEROS, seed).apply(problem.design)
        self._design = DenseDesign(self.rows)

    def row_steps(self, steps: FloatArray) -> FloatArray:
        """Return S A times steps."""
        return self._design.product(steps)

    def step_metric(self, mass: float) -> StructuredHessian:
        """Return (S A)^T S A / n + diag(ridge) / mass."""
        m = self._design.shape[0]
        blocks = Groups.single(m).blocks(self._design.blocks)
        return StructuredHessian(self._design, blocks, np.full(m, 1.0 / self._n), self._ridge / mass)


def sampled_metric(problem: Problem, mass: float, seed: int) -> Metric | None:
    """Return a metric of steps from rows drawn with equal probability, or None where they tell too little.

    What the trust region needs is the size of steps within a small factor.  A few rows give it
    unless directions are carried by few rows; then columns come out too short or too long,
    which is compared with their known lengths, or the factor is not safely regular.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    mass : float
        Curvature mass of an ordinary point.
    seed : int
        Which rows.
    """
    gram = sampled_gram(problem, seed)
    if gram is None:
        return None
    gram[np.diag_indices_from(gram)] += problem.ridge / mass
    return TriangularMetric.of_gram(gram)


def sampled_gram(problem: Problem, seed: int) -> FloatArray | None:
    """Return about A^T A / n from the rows of :func:`sampled_metric`, None where they tell too little."""
    design, (n, d) = problem.design, problem.design.shape
    per_column = 2 * _ROWS_PER_COLUMN if is_gram_dear(problem) else _ROWS_PER_COLUMN
    m = max(per_column * d + _MORE_ROWS, _LEAST_SAMPLED)
    if n < _MANY_TIMES * m:
        return None
    indices = np.sort(np.random.default_rng((seed, *_STREAM)).choice(n, m, replace=False))
    gram = design.sandwich_rows(indices, np.full(m, 1.0 / m))
    true = np.square(design.column_norms) / n
    seen = np.diagonal(gram)
    if (seen * _SIMILAR < true).any() or (seen > _SIMILAR * true).any():
        return None
    return gram


def step_metric(problem: Problem, mass: float, seed: int) -> tuple[Metric, int]:
    """Return a metric of steps and the sweeps it cost: from a sample where that will do, else embedded."""
    sampled = sampled_metric(problem, mass, seed)
    return embedded_metric(problem, mass, seed) if sampled is None else (sampled, 1)


def embedded_metric(problem: Problem, mass: float, seed: int) -> tuple[Metric, int]:
    """Return a metric of steps within a constant factor of the exact one, and the sweeps it cost.

    A sparse embedding keeps the length of every A s within a factor of 2 and the null space
    of A to the digit, so that it serves a trust region as well as A^T A does.  Few rows
    are taken as they are.

    Parameters
    ----------
    problem : Problem
        What is minimised.
    mass : float
        Curvature mass of an ordinary point.
    seed : int
        Which embedding.

    Returns
    -------
    Metric
        Coordinates of steps.
    int
        Sweeps over the data.
    """
    n, d = problem.design.shape
    n_rows = _ROWS_PER_COLUMN * d + _MORE_ROWS
    if n <= n_rows:
        return Metric(problem, mass), 2
    embedded = _Embedded(problem, n_rows, seed)
    found = whitening(embedded.rows / np.sqrt(n), problem.ridge / mass)
    if found.rank == d and _condition(embedded.rows, found.transform) <= _WELL_DETERMINED:
        return Metric.of_transform(found.transform, n), 1
    metric = Metric(embedded, mass)
    metric.weak_rows = problem.row_steps(metric.weak)
    metric.note = "ill-conditioned design: the metric has been resolved direction by direction"
    return metric, 2


def _condition(rows: FloatArray, transform: FloatArray) -> float:
    """Return how much larger T is than it has to be for columns of their lengths, whatever their units."""
    lengths = np.linalg.norm(rows, axis=0)
    return float(np.linalg.norm(lengths[:, None] * transform) / np.sqrt(rows.shape[1]))
