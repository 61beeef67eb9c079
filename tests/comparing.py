"""Problems on which methods are compared, shared by the tests of comparisons."""

import time

import numpy as np

import newtonkit as nk
from newtonkit.comparison import METHODS
from newtonkit.problems import ElementwiseSquares, Problem
from newtonkit.problems.activations import Exp

GTOL = 1e-8
UNASKED = tuple(name for name in METHODS if name not in ("newton-sketched", "newton-sampled"))
"""What runs on small data unless methods are named."""


def exp_data():
    rng = np.random.default_rng(3)
    A = rng.normal(size=(300, 5))
    return A, np.exp(A @ rng.normal(size=5) / 2) * (1 + 0.2 * rng.random(300))


def exp_gradient(data, x):
    A, b = data
    f = np.exp(A @ x)
    return A.T @ (f * (f - b))


def cosh_problem():
    """x = 0 is a maximum in every direction, and the gradient there is exactly zero."""
    A = np.random.default_rng(0).normal(size=(100, 2))
    return nk.CoshRegression(A, np.cosh(A @ [0.5, 1.0]) + 0.5)


class Counting(nk.ExpRegression):
    """Counts how often it is evaluated."""

    asked = 0

    def evaluate(self, x):
        self.asked += 1
        return super().evaluate(x)


class Slow(Exp):
    def __call__(self, u):
        time.sleep(0.02)
        return super().__call__(u)


class Fragile(Exp):
    """Raises where u is large, as a user's own activation might."""

    def __init__(self, most):
        self.most = most

    def __call__(self, u):
        if np.abs(u).max() > self.most:
            raise ArithmeticError("u is too large [for me]")
        return super().__call__(u)


def slow_problem():
    A = np.random.default_rng(0).normal(size=(30, 2))
    return Problem(A, ElementwiseSquares(np.exp(A @ [0.5, 1.0]) + 1.0, Slow()))


def fragile_problem():
    A = np.random.default_rng(0).normal(size=(30, 2))
    return Problem(A, ElementwiseSquares(np.exp(A @ [0.5, 1.0]), Fragile(3.0)))
