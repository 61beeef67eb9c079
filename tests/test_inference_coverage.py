"""Confidence intervals cover as often as they say; where the errors are not alike, the sandwich does.

Seeds are fixed.  With others, each test would fail with a probability of less than 1e-4 if the true
coverage of every interval were in the range given: the bounds on counts leave out 1e-5 of the
binomial distribution at either end.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import newtonkit as nk

SAMPLES = 250
TRUE = np.array([0.5, -0.3, 0.2])
RARE = 1e-5


def covered(problem, kinds, x0=None, clusters=None):
    """Whether the intervals of each kind cover the true coefficients, shape (kinds, 3)."""
    result = nk.minimize(problem, x0)
    assert result.success
    inferred = nk.inference(problem, result, clusters=clusters)
    reach = [1.959963984540054 * inferred.std_errors(kind) for kind in kinds]
    return np.abs(inferred.estimates - TRUE) <= reach


def assert_covers(hits, lowest=0.94, highest=0.965):
    """Judge the coverage of each coefficient, from hits of shape (samples, 3)."""
    n = len(hits)
    counts = np.sum(hits, axis=0)
    assert (counts >= binom.ppf(RARE, n, lowest)).all(), counts / n
    assert (counts <= binom.ppf(1.0 - RARE, n, highest)).all(), counts / n


@pytest.mark.parametrize(
    ("regression", "f"),
    [(nk.ExpRegression, np.exp), (nk.CoshRegression, np.cosh), (nk.SinhRegression, np.sinh)],
)
def test_classical_intervals_where_errors_are_alike(regression, f):
    rng = np.random.default_rng(1)
    A = rng.uniform(0.5, 2.0, size=(100, 3))
    drawn = (f(A @ TRUE) + 0.1 * rng.normal(size=100) for _ in range(SAMPLES))
    assert_covers([covered(regression(A, b), ["classical"], TRUE)[0] for b in drawn])


def test_where_the_errors_grow_only_the_sandwich_covers():
    rng = np.random.default_rng(2)
    A = rng.uniform(-1.0, 1.0, size=(400, 3))
    spread = 0.4 * A[:, 0] ** 4 + 0.01
    drawn = (np.exp(A @ TRUE) + spread * rng.normal(size=400) for _ in range(SAMPLES))
    hits = np.stack([covered(nk.ExpRegression(A, b), ["classical", "sandwich"], TRUE) for b in drawn])
    assert_covers(hits[:, 1], lowest=0.93)
    assert hits[:, 0, 0].mean() < 0.85, "the classical interval is too short where the errors are large"


def test_where_rows_come_in_clusters_only_the_clustered_ones_cover():
    rng = np.random.default_rng(3)
    clusters = np.repeat(np.arange(100), 6)
    A = rng.uniform(-1.0, 1.0, size=(100, 3))[clusters] + 0.05 * rng.normal(size=(600, 3))
    drawn = (
        np.exp(A @ TRUE) + 0.15 * rng.normal(size=100)[clusters] + 0.05 * rng.normal(size=600)
        for _ in range(SAMPLES)
    )
    kinds = ["classical", "sandwich", "clustered"]
    hits = np.stack([covered(nk.ExpRegression(A, b), kinds, TRUE, clusters) for b in drawn])
    assert_covers(hits[:, 2], lowest=0.92)
    assert (hits[:, :2].mean(axis=(0, 2)) < 0.75).all(), "the others take six rows for six errors"


def test_intervals_of_choices():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(150), 3)
    A = rng.normal(size=(450, 3))
    hits = []
    for _ in range(SAMPLES):
        value = (A @ TRUE + rng.gumbel(size=450)).reshape(150, 3)
        chosen = (value == value.max(axis=1, keepdims=True)).astype(float).ravel()
        hits.append(covered(nk.SoftmaxCrossEntropy(A, chosen, groups=groups), ["classical", "sandwich"]))
    assert_covers(np.stack(hits)[:, 0])
    assert_covers(np.stack(hits)[:, 1], lowest=0.93)
