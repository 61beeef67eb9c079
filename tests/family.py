"""Every problem of the family, and random data to go with it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Activation, Power, Problem, Regression


class Softplus(Activation):
    """A user's own activation, f(u) = log(1 + exp(u)): only ``__call__`` is written."""

    name, positive = "softplus", True

    def __call__(self, u):
        s = 1 / (1 + np.exp(-u))
        return np.logaddexp(0, u), s, s * (1 - s)


@dataclass(frozen=True)
class Member:
    """One problem of the family: how to make it, and what it is made of."""

    make: Callable[..., Problem]
    structure: str
    activation: str
    entropy_weight: float = 0.0

    @property
    def takes_groups(self) -> bool:
        return self.structure != "elementwise"

    @property
    def changes_sign(self) -> bool:
        """Whether the sum of f has a zero that the problem must stay away from."""
        return self.structure == "normalised" and self.activation in ("exp_plus_identity", "sinh", "power3")


def regression(structure: str, activation: Any) -> Callable[..., Problem]:
    return partial(Regression, structure=structure, activation=activation)


NAMED: dict[str, Member] = {
    "ExpRegression": Member(nk.ExpRegression, "elementwise", "exp"),
    "CoshRegression": Member(nk.CoshRegression, "elementwise", "cosh"),
    "SinhRegression": Member(nk.SinhRegression, "elementwise", "sinh"),
    "RescaledRegression exp": Member(partial(nk.RescaledRegression, activation="exp"), "rescaled", "exp"),
    "RescaledRegression cosh": Member(partial(nk.RescaledRegression, activation="cosh"), "rescaled", "cosh"),
    "RescaledRegression sinh": Member(partial(nk.RescaledRegression, activation="sinh"), "rescaled", "sinh"),
    "SoftmaxRegression": Member(nk.SoftmaxRegression, "normalised", "exp"),
    "ResNetSoftmaxRegression": Member(nk.ResNetSoftmaxRegression, "normalised", "exp_plus_identity"),
    "EntropySoftmaxRegression": Member(
        partial(nk.EntropySoftmaxRegression, entropy_weight=0.3), "normalised", "exp", 0.3
    ),
    "SoftmaxCrossEntropy": Member(nk.SoftmaxCrossEntropy, "cross-entropy", "exp"),
}

MEMBERS: dict[str, Member] = {
    **NAMED,
    "power 3": Member(regression("elementwise", Power(3)), "elementwise", "power3"),
    "softplus": Member(regression("elementwise", Softplus()), "elementwise", "softplus"),
    "rescaled softplus": Member(regression("rescaled", Softplus()), "rescaled", "softplus"),
    "normalised cosh": Member(regression("normalised", "cosh"), "normalised", "cosh"),
    "normalised sinh": Member(regression("normalised", "sinh"), "normalised", "sinh"),
    "normalised power 3": Member(regression("normalised", Power(3)), "normalised", "power3"),
    "normalised softplus": Member(regression("normalised", Softplus()), "normalised", "softplus"),
}

LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "dense float64": np.asarray,
    "dense float32": lambda a: a.astype(np.float32),
    "CSR float64": sparse.csr_array,
    "CSR float32": lambda a: sparse.csr_array(a.astype(np.float32)),
}


def labels(kind: str, n: int, rng: np.random.Generator) -> np.ndarray | None:
    """Group labels of a kind: None, sorted, unsorted, text, or some groups of one row."""
    m = max(1, n // 4)
    if kind == "none":
        return None
    if kind == "sorted":
        return np.sort(rng.integers(m, size=n))
    if kind == "unsorted":
        return rng.integers(m, size=n) - 3
    if kind == "text":
        return np.array(["one", "two", "drei"])[rng.integers(min(3, m), size=n)]
    if kind == "some of one row":
        return np.where(np.arange(n) % 5 == 4, np.arange(n) + 100, 0)
    raise ValueError(kind)


def random_problem(
    member: Member,
    rng: np.random.Generator,
    *,
    n: int = 12,
    d: int = 3,
    layout: str = "dense float64",
    groups: str = "none",
    weights: str = "none",
    offset: bool = False,
    penalty: bool = False,
    ridge: str = "none",
    fit_intercept: bool = False,
    reach: float = 1.0,
) -> tuple[Problem, np.ndarray]:
    """A random problem with the options asked for, and a point where |A x| is at most `reach`."""
    a = random_rows(n, d, rng)
    options = random_options(member, n, d, rng, groups, weights)
    if offset or member.changes_sign:
        # A sum of f well above 0 keeps a problem with a pole inside its domain.
        shift = rng.uniform(1.0, 2.0, n) + reach if member.changes_sign else rng.standard_normal(n)
        options["offset"] = shift
    if penalty:
        options["penalty_weights"] = rng.standard_normal(n)
    if ridge != "none":
        options["ridge"] = 0.3 if ridge == "scalar" else rng.random(d + fit_intercept)
    b = rng.random(n) if member.structure == "elementwise" else rng.random(n) / n
    problem = member.make(LAYOUTS[layout](a), b, fit_intercept=fit_intercept, **options)
    x = rng.standard_normal(d + fit_intercept)
    largest = np.abs(problem.design.product(x)).max()
    return problem, x * (reach / largest if largest > 0.0 else 1.0)


def random_rows(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Rows with some zeros, a row of zeros and two equal rows."""
    a = rng.standard_normal((n, d)) * (rng.random((n, d)) < 0.8)
    if n > 3:
        a[n // 2] = 0.0
        a[-1] = a[0]
    return a


def random_options(
    member: Member, n: int, d: int, rng: np.random.Generator, groups: str, weights: str
) -> dict[str, Any]:
    """Groups and sample weights; weights are constant within the groups."""
    options: dict[str, Any] = {}
    group = labels(groups, n, rng) if member.takes_groups else None
    if group is not None:
        options["groups"] = group
    if weights == "none":
        return options
    s = rng.uniform(0.5, 3.0, n)
    if group is not None:
        _, codes = np.unique(group, return_inverse=True)
        s = rng.uniform(0.5, 3.0, codes.max() + 1)
        if weights == "some zero" and len(s) > 1:
            s[-1] = 0.0
        s = s[codes]
    elif weights == "some zero" and n > 3:
        s[1::4] = 0.0
    return {**options, "sample_weight": s}
