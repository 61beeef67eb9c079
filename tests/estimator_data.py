"""Data for the tests of the estimators, and their objectives written out as the docstrings say."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, softmax

import newtonkit as nk

ACTIVATIONS = {nk.ExpRegressor: np.exp, nk.CoshRegressor: np.cosh, nk.SinhRegressor: np.sinh}
PROBLEMS = {
    nk.ExpRegressor: nk.ExpRegression,
    nk.CoshRegressor: nk.CoshRegression,
    nk.SinhRegressor: nk.SinhRegression,
}
FEATURES = 3


def rows(n=60, seed=0):
    return np.random.default_rng(seed).normal(size=(n, FEATURES))


def regression_data(kind, n=60, seed=0):
    """Return rows and a noisy target that an elementwise regressor fits well."""
    X, rng = rows(n, seed), np.random.default_rng(seed + 100)
    y = ACTIVATIONS[kind](X @ [0.6, -0.4, 0.2] + 0.8)
    return X, y + 0.2 * rng.normal(size=n)


def amounts(n=60, seed=0):
    X, rng = rows(n, seed), np.random.default_rng(seed + 200)
    return X, 7.0 * np.exp(X @ [0.8, -0.5, 0.1] + 0.3 * rng.normal(size=n))


def choices(n_groups=40, size=3, seed=0):
    """Return alternatives, marks and labels of groups, the rows in mixed order."""
    X, rng = rows(n_groups * size, seed), np.random.default_rng(seed + 300)
    groups = rng.permutation(np.repeat(np.arange(n_groups), size))
    u = X @ [1.0, -0.7, 0.3] + rng.gumbel(size=len(X))
    y = np.zeros(len(X), dtype=int)
    for group in range(n_groups):
        members = np.flatnonzero(groups == group)
        y[members[np.argmax(u[members])]] = 1
    return X, y, groups


def binary_data(n=80, seed=0):
    X, rng = rows(n, seed), np.random.default_rng(seed + 400)
    return X, (X @ [1.0, -0.7, 0.3] + 0.4 + rng.logistic(size=n) > 0.0).astype(int)


def elementwise_objective(kind, X, y, s, alpha):
    def value(x):
        r = ACTIVATIONS[kind](X @ x[:-1] + x[-1]) - y
        return s @ (r * r) / (2.0 * s.sum()) + 0.5 * alpha * x[:-1] @ x[:-1]

    return value


def softmax_objective(X, y, groups, t, alpha, entropy_weight=0.0):
    """Return the objective with a weight t for each group."""
    labels = np.unique(groups)
    m = sum(t[label] for label in labels)
    n = sum(t[label] * (groups == label).sum() for label in labels)

    def value(x):
        total = 0.5 * alpha * x @ x
        for label in labels:
            mine = groups == label
            p, b = softmax(X[mine] @ x), y[mine] / y[mine].sum()
            total += t[label] * (0.5 * np.sum((n / m * (p - b)) ** 2) / n)
            total += t[label] * entropy_weight * (p @ np.log(p)) / m
        return total

    return value


def choice_objective(loss, X, y, groups, t, alpha):
    labels = np.unique(groups)

    def one(u, b):
        if loss == "log":
            return logsumexp(u) - b @ u
        return 0.5 * np.sum((softmax(u) - b) ** 2)

    def value(x):
        losses = [t[label] * one(X[groups == label] @ x, y[groups == label]) for label in labels]
        return sum(losses) / sum(t[label] for label in labels) + 0.5 * alpha * x @ x

    return value


def with_outside_options(X, y):
    """Return each row and an outside option of zeros as a choice of two, with an intercept column."""
    n = len(X)
    rows_and_none = np.zeros((2 * n, X.shape[1] + 1))
    rows_and_none[::2, :-1], rows_and_none[::2, -1] = X, 1.0
    marks = np.column_stack((y, 1 - y)).ravel()
    return rows_and_none, marks, np.repeat(np.arange(n), 2)
