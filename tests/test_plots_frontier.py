"""The creativity-reality frontier against another solver, and what its picture says."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

import newtonkit as nk
from newtonkit.plots.frontiers import frontier_points
from tests.pictures import _no_figures_left, assert_whole

__all__ = ["_no_figures_left"]
GAMMAS = (0.0, 0.003, 0.03, 0.3)
GROUPS = np.repeat([0, 1, 2], 10)


def data():
    rng = np.random.default_rng(4)
    A = rng.normal(size=(30, 3))
    b = np.exp(A @ [0.8, -0.5, 0.3] + 0.3 * rng.normal(size=30))
    for group in range(3):
        b[group == GROUPS] /= b[group == GROUPS].sum()
    return A, b


def fit_and_entropy(x, s=None, grouped=False, offset=0.0):
    """Loss and entropy by their definitions, a loop over the groups."""
    A, b = data()
    loss = entropy = 0.0
    for group in range(3) if grouped else (None,):
        rows = slice(None) if group is None else group == GROUPS
        u = (A @ x + offset)[rows]
        weights = np.ones(len(u)) if s is None else s[rows]
        p = np.exp(u - logsumexp(u, b=weights))
        loss += 0.5 * np.sum(weights * (p - b[rows]) ** 2)
        entropy -= np.sum(weights * p * np.log(p))
    return loss, entropy


def by_another_solver(gamma, ridge=0.0, **options):
    def objective(x):
        loss, entropy = fit_and_entropy(x, **options)
        return loss - gamma * entropy + 0.5 * ridge * (x @ x)

    return fit_and_entropy(minimize(objective, np.zeros(3), method="BFGS", tol=1e-9).x, **options)


def frontier_of(problem, *arguments):
    ax = nk.plots.frontier(problem, *arguments)
    return ax, np.stack(ax.get_lines()[0].get_data(), axis=1)


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        ({}, {}),
        ({"ridge": 0.05}, {"ridge": 0.05}),
        ({"groups": GROUPS}, {"grouped": True}),
        ({"sample_weight": 1.0 + GROUPS}, {"s": 1.0 + GROUPS}),
        ({"offset": 0.1 * GROUPS}, {"offset": 0.1 * GROUPS}),
    ],
    ids=["plain", "ridge", "groups", "weights", "offset"],
)
def test_points_are_the_minima(own, theirs):
    _, points = frontier_of(nk.SoftmaxRegression(*data(), **own), GAMMAS)
    expected = [by_another_solver(gamma, **theirs) for gamma in sorted(GAMMAS, reverse=True)]
    np.testing.assert_allclose(points, expected, rtol=2e-4)


def test_rows_of_a_group_need_not_be_together():
    A, b = data()
    order = np.random.default_rng(0).permutation(30)
    _, points = frontier_of(nk.SoftmaxRegression(A[order], b[order], groups=GROUPS[order]), GAMMAS)
    _, sorted_points = frontier_of(nk.SoftmaxRegression(A, b, groups=GROUPS), GAMMAS)
    np.testing.assert_allclose(points, sorted_points, rtol=1e-6)


def test_more_reward_is_more_entropy_and_more_loss():
    ax, points = frontier_of(nk.SoftmaxRegression(*data()))
    assert len(points) == 17
    assert (np.diff(points, axis=0) < 0.0).all()  # the largest reward first
    assert points[0, 1] < np.log(30)
    title = ax.get_title(loc="left")
    assert title.startswith("17 solves with warm starts, ")
    names = [text.get_text() for text in ax.texts]
    assert len(names) >= 4
    assert names[0].startswith("γ = ")
    assert_whole(ax.figure)


def test_warm_starts_take_fewer_passes_than_cold_ones():
    A, b = data()
    problem = nk.SoftmaxRegression(A, b)
    gammas = np.logspace(-4, -2, 12)
    warm = sum(p.passes for p in frontier_points(problem, problem.outer, gammas, 1e-8))
    cold = sum(nk.minimize(nk.EntropySoftmaxRegression(A, b, entropy_weight=g)).passes for g in gammas)
    assert warm < 0.8 * cold


def test_its_own_entropy_weight_is_left_aside():
    A, b = data()
    _, plain = frontier_of(nk.SoftmaxRegression(A, b), [0.01])
    _, creative = frontier_of(nk.EntropySoftmaxRegression(A, b, entropy_weight=5.0), [0.01])
    np.testing.assert_array_equal(plain, creative)


def test_solves_without_a_minimum_are_hollow():
    """One-hot targets that a plane separates have no finite minimum without a reward."""
    A, b = np.array([[0.0], [1.0], [2.0]]), [0.0, 0.0, 1.0]
    ax, _ = frontier_of(nk.SoftmaxRegression(A, b), [0.0, 0.1])
    hollow = ax.get_lines()[1]
    assert hollow.get_label() == "no minimum found"
    assert len(hollow.get_xdata()) == 1
    assert hollow.get_markerfacecolor() == "white"


def test_one_weight_is_one_point():
    ax, points = frontier_of(nk.SoftmaxRegression(*data()), 0.01)
    assert points.shape == (1, 2)
    assert_whole(ax.figure)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, r"entropy_weights must have shape \(k,\) with k >= 1, got \(0,\)"),
        (([[0.1]],), ValueError, "entropy_weights must have shape"),
        (([0.1, -0.1],), ValueError, "entropy_weights must be at least 0"),
        (([np.nan],), ValueError, "entropy_weights must be at least 0 and finite"),
        ((["a"],), TypeError, "entropy_weights must hold real numbers"),
    ],
)
def test_wrong_weights(arguments, error, message):
    with pytest.raises(error, match=message):
        nk.plots.frontier(nk.SoftmaxRegression(*data()), *arguments)


@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxCrossEntropy, nk.ResNetSoftmaxRegression])
def test_wrong_problem(kind):
    with pytest.raises(TypeError, match="problem must be a softmax regression with squared loss"):
        nk.plots.frontier(kind(*data()))


def test_no_problem_and_wrong_tolerance():
    with pytest.raises(TypeError, match="problem must be a softmax regression"):
        nk.plots.frontier(3)
    with pytest.raises(ValueError, match="gtol must be at least 0"):
        nk.plots.frontier(nk.SoftmaxRegression(*data()), gtol=-1.0)
