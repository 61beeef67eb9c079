"""Problems that certificates are judged on: the whole family, small enough for sixty digits.

Every axis of a kind of problem is a column of values repeated to the length of the list and
shuffled with a fixed seed, so that each value meets many values of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import newtonkit as nk
from newtonkit.design import KroneckerDesign
from newtonkit.problems import Power, Problem, Regression

Array = np.ndarray
KINDS = (  # structure, activation, entropy weight
    ("elementwise", "exp", 0.0),
    ("elementwise", "cosh", 0.0),
    ("elementwise", "sinh", 0.0),
    ("elementwise", "exp_plus_identity", 0.0),
    ("elementwise", "power2", 0.0),
    ("elementwise", "power3", 0.0),
    ("rescaled", "exp", 0.0),
    ("rescaled", "cosh", 0.0),
    ("rescaled", "sinh", 0.0),
    ("rescaled", "exp_plus_identity", 0.0),
    ("normalised", "exp", 0.0),
    ("normalised", "cosh", 0.0),
    ("normalised", "sinh", 0.0),
    ("normalised", "exp_plus_identity", 0.0),
    ("normalised", "power2", 0.0),
    ("normalised", "power3", 0.0),
    ("normalised", "exp", 0.1),
    ("normalised", "exp", 1e-3),
    ("cross-entropy", "exp", 0.0),
)
PER_KIND = 12
SHAPES = ((4, 1), (12, 1), (10, 2), (30, 2), (16, 3), (40, 3), (24, 4), (30, 6))
AXES: dict[str, tuple[Any, ...]] = {
    "shape": SHAPES,
    "condition": (1.0, 1.0, 1e2, 1e4),
    "scale": (1.0, 1.0, 1.0, 1e-3, 1e3),
    "b_scale": (1.0, 1.0, 1.0, 1e-3, 1e3),
    "noise": (0.0, 0.1, 0.1, 1.0, "random"),
    "ridge": (0.0, 0.0, 1e-6, 1.0),
    "weights": ("none", "none", "random", "some zero"),
    "groups": ("none", "none", "sorted", "mixed"),
    "offset": (False, False, True),
    "penalty": (False, False, False, True),
    "fit_intercept": (False, False, False, True),
    "storage": ("C", "C", "F", "float32", "csr", "csr float32", "kronecker"),
}
REACH = 1.2  # |A x| of the point that a target is made from


@dataclass(frozen=True, eq=False)
class Case:
    """The exact data of a problem: float64 numbers, and the kind of storage they go into.

    `A` is what is stored, without a column for the intercept; for a Kronecker design the rows
    are those of `factors[0]` times those of `factors[1]`, which need not be floats.
    """

    name: str
    structure: str
    activation: str
    A: Array
    b: Array
    entropy_weight: float = 0.0
    factors: tuple[Array, Array] | None = None
    ridge: float = 0.0
    sample_weight: Array | None = None
    groups: Array | None = None
    offset: Array | None = None
    penalty_weights: Array | None = None
    fit_intercept: bool = False
    storage: str = "C"

    def rows(self, array: Any) -> Array:
        """Return A with the intercept's column, as numbers that ``array`` makes of floats."""
        if self.factors is None:
            rows = array(self.A)
        else:
            left, right = (array(factor) for factor in self.factors)
            rows = (left[:, None, :, None] * right[None, :, None, :]).reshape(self.A.shape)
        return np.hstack((rows, array(np.ones((len(rows), 1))))) if self.fit_intercept else rows

    @property
    def ridge_vector(self) -> Array:
        """The ridge of every coefficient; the intercept has none."""
        ridge = np.full(self.A.shape[1] + self.fit_intercept, self.ridge)
        if self.fit_intercept:
            ridge[-1] = 0.0
        return ridge

    @property
    def start(self) -> Array | None:
        """Where to start: off the saddle that even functions have at zero."""
        if self.offset is not None or self.activation not in ("cosh", "power2"):
            return None
        longest = float(np.sqrt((self.A**2).sum(axis=1).max()))
        return np.linspace(0.5, 1.0, len(self.ridge_vector)) / longest

    def design(self) -> Any:
        """Return A in its storage."""
        if self.factors is not None:
            return KroneckerDesign(*self.factors)
        if self.storage == "F":
            return np.asfortranarray(self.A)
        A = self.A.astype(np.float32) if "float32" in self.storage else self.A
        return scipy.sparse.csr_array(A) if self.storage.startswith("csr") else A

    def make(self) -> Problem:
        """Return the problem."""
        options: dict[str, Any] = {
            "ridge": self.ridge,
            "sample_weight": self.sample_weight,
            "offset": self.offset,
            "penalty_weights": self.penalty_weights,
            "fit_intercept": self.fit_intercept,
        }
        if self.structure != "elementwise":
            options["groups"] = self.groups
        if self.structure == "cross-entropy":
            return nk.SoftmaxCrossEntropy(self.design(), self.b, **options)
        power = self.activation.startswith("power")
        f: Any = Power(int(self.activation[5:])) if power else self.activation
        options["entropy_weight"] = self.entropy_weight
        return Regression(self.design(), self.b, structure=self.structure, activation=f, **options)


def single(structure: str, activation: str, A: Any, b: Any, **options: Any) -> Case:
    """Return a case by hand."""
    return Case(
        f"{structure} {activation}",
        structure,
        activation,
        np.asarray(A, float),
        np.asarray(b, float),
        **options,
    )


def cases() -> Iterator[Case]:
    """Yield every case, the same at every call."""
    for number, (structure, activation, gamma) in enumerate(KINDS):
        rng = np.random.default_rng([77, number])
        columns = {
            name: [values[i % len(values)] for i in rng.permutation(PER_KIND)]
            for name, values in AXES.items()
        }
        for i in range(PER_KIND):
            axes = {name: values[i] for name, values in columns.items()}
            yield _case((structure, activation, gamma), axes, np.random.default_rng([78, number, i]), i)


def _design(axes: dict[str, Any], rng: np.random.Generator) -> tuple[Array, tuple[Array, Array] | None]:
    """Draw a design with the condition and the scale asked for."""
    n, d = axes["shape"]
    if axes["storage"] == "kronecker":
        factors = (rng.standard_normal((4, 2)), axes["scale"] * rng.standard_normal((5, 2)))
        return np.kron(*factors), factors
    left, _, right = np.linalg.svd(rng.standard_normal((n, d)), full_matrices=False)
    A = axes["scale"] * np.sqrt(n) * (left * np.logspace(0, -np.log10(axes["condition"]), d)) @ right
    if axes["storage"].startswith("csr"):
        A *= rng.random((n, d)) < 0.6
    return (A.astype(np.float32).astype(np.float64) if "float32" in axes["storage"] else A), None


def _labels(kind: str, n: int, rng: np.random.Generator) -> Array | None:
    if kind == "none":
        return None
    labels = np.arange(n) % max(1, n // 4)
    return np.sort(labels) if kind == "sorted" else rng.permutation(labels) * 7 - 3


def _weights(kind: str, groups: Array | None, n: int, rng: np.random.Generator) -> Array | None:
    """Draw weights; with groups, one for each group."""
    if kind == "none":
        return None
    labels = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    weights = rng.uniform(0.3, 3.0, labels.max() + 1)
    if kind == "some zero":
        weights[1::5] = 0.0
    return weights[labels]


def _case(kind: tuple[str, str, float], axes: dict[str, Any], rng: np.random.Generator, i: int) -> Case:
    structure, activation, gamma = kind
    A, factors = _design(axes, rng)
    n = len(A)
    # Rows of a Kronecker design that have to be put in order are rounded to float64 copies.
    grouping = "sorted" if factors is not None and axes["groups"] == "mixed" else axes["groups"]
    groups = None if structure == "elementwise" else _labels(grouping, n, rng)
    changes_sign = activation in ("sinh", "exp_plus_identity", "power2", "power3")
    zero_fits = structure == "rescaled" and activation == "sinh"  # any target, without an offset
    offset = rng.standard_normal(n) if axes["offset"] or zero_fits else None
    if structure == "normalised" and changes_sign:  # far from the pole, and not homogeneous
        offset = rng.uniform(1.0, 2.0, n) + REACH
    u = np.zeros(n) if offset is None else offset
    u = u + _natural(A, rng)
    b = _target(kind, axes, u, groups, rng)
    typical = 1.0 if structure == "elementwise" else 1.0 / n
    return Case(
        name=f"{structure} {activation} {i} " + " ".join(f"{key}={value}" for key, value in axes.items()),
        structure=structure,
        activation=activation,
        A=A,
        b=b,
        entropy_weight=gamma,
        factors=factors,
        ridge=axes["ridge"],
        sample_weight=_weights(axes["weights"], groups, n, rng),
        groups=groups,
        offset=offset,
        penalty_weights=0.3 * typical * rng.standard_normal(n) if axes["penalty"] else None,
        fit_intercept=axes["fit_intercept"] and factors is None,
        storage=axes["storage"],
    )


def _natural(A: Array, rng: np.random.Generator) -> Array:
    """Return A x of size `REACH` for a random x that all directions of A share in alike."""
    left, s, _ = np.linalg.svd(A, full_matrices=False)
    u = left[:, s > 1e-12 * s[0]] @ rng.standard_normal((s > 1e-12 * s[0]).sum())
    return REACH * u / np.abs(u).max()


FUNCTIONS: dict[str, Any] = {
    "exp": np.exp,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "exp_plus_identity": lambda u: np.exp(u) + u,
    "power2": lambda u: u**2,
    "power3": lambda u: u**3,
}


def _target(
    kind: tuple[str, str, float], axes: dict[str, Any], u: Array, groups: Array | None, rng: Any
) -> Array:
    """Return b: the model at u with noise, or at random."""
    structure, activation, _ = kind
    n, noise = len(u), axes["noise"]
    f = rng.exponential(size=n) if noise == "random" else FUNCTIONS[activation](u)
    if noise != "random":
        f = f * np.exp(noise * rng.standard_normal(n))
    if structure == "elementwise":
        return axes["b_scale"] * f
    if structure == "cross-entropy":
        return np.abs(f) * axes["b_scale"]
    labels = np.zeros(n, dtype=int) if groups is None else np.unique(groups, return_inverse=True)[1]
    sums = np.bincount(labels, weights=f)[labels]
    return f / np.where(np.abs(sums) > 0.05, sums, 1.0)
