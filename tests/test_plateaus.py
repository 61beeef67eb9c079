"""Minima are told from places where a few rows have stopped counting.

The rows of the second column start with shares of exp(-40) and less.  Their loss, gradient
and curvature drown in those of the other rows, and yet the curvature there is negative: a
point at which the first column has converged is no minimum.
"""

from __future__ import annotations

import numpy as np
import pytest

import newtonkit as nk


def two_clusters(share: float) -> nk.SoftmaxRegression:
    """A softmax whose columns touch disjoint rows; the second cluster should get about `share`."""
    rng = np.random.default_rng(0)
    A = np.zeros((40, 2))
    A[:20, 0] = rng.normal(size=20)
    A[20:, 1] = 1.0 + 0.1 * rng.normal(size=20)
    b = np.empty(40)
    b[:20] = np.exp(0.5 * A[:20, 0]) / np.exp(0.5 * A[:20, 0]).sum()
    b[20:] = share * rng.random(20)
    return nk.SoftmaxRegression(A, b / b.sum())


@pytest.mark.parametrize("depth", [-40.0, -80.0, -300.0])
@pytest.mark.parametrize("share", [0.001, 0.01, 0.3])
def test_a_cluster_that_has_stopped_counting_is_no_minimum(share: float, depth: float) -> None:
    problem = two_clusters(share)
    least = nk.minimize(problem)
    assert least.success
    result = nk.minimize(problem, [0.0, depth])
    if result.success:
        assert result.fun == pytest.approx(least.fun, rel=1e-6)
    else:
        assert result.status is nk.Status.SATURATED
        assert result.fun > least.fun


@pytest.mark.parametrize("depth", [-5.0, -10.0, -15.0, -20.0])
def test_a_cluster_that_still_counts_comes_back(depth: float) -> None:
    problem = two_clusters(0.3)
    result = nk.minimize(problem, [0.0, depth])
    assert result.success
    assert result.fun == pytest.approx(nk.minimize(problem).fun, rel=1e-9)
