"""Value, gradient and Hessian against the losses written from their definitions in 60 digits.

Nothing is shared with the package: plain loops over groups and rows in mpmath, and numerical
derivatives, whose truncation error of 1e-30 is far below double precision.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from mpmath import mp, mpf

from tests.family import LAYOUTS, MEMBERS, Member

mp.dps = 60
STEP = mpf(10) ** -15
TOLERANCE = 1e-11

FUNCTIONS: dict[str, Callable[[mpf], mpf]] = {
    "exp": mp.exp,
    "cosh": mp.cosh,
    "sinh": mp.sinh,
    "exp_plus_identity": lambda u: mp.exp(u) + u,
    "power3": lambda u: u * u * u,
    "softplus": lambda u: mp.log(1 + mp.exp(u)),
}


@dataclass(frozen=True)
class Data:
    """Everything a problem is made from, as given by a user."""

    a: np.ndarray
    b: np.ndarray
    groups: Sequence[object] | None = None
    sample_weight: np.ndarray | None = None
    penalty_weights: np.ndarray | None = None
    offset: np.ndarray | None = None
    ridge: float | np.ndarray = 0.0
    fit_intercept: bool = False
    options: dict[str, object] = field(default_factory=dict)

    def keywords(self, member: Member) -> dict[str, object]:
        names = ("sample_weight", "penalty_weights", "offset", "ridge", "fit_intercept")
        groups = {"groups": self.groups} if member.takes_groups else {}
        return {**groups, **{name: getattr(self, name) for name in names}}


def squares(member: Member, u: list[mpf], b: list[mpf], s: list[mpf]) -> mpf:
    """The loss of one group with multiplicities s, straight from its definition."""
    f = [FUNCTIONS[member.activation](value) for value in u]
    whole = sum(weight * value for weight, value in zip(s, f, strict=True))
    if member.structure == "elementwise":
        r = [value - target for value, target in zip(f, b, strict=True)]
    elif member.structure == "rescaled":
        r = [value - whole * target for value, target in zip(f, b, strict=True)]
    elif member.structure == "normalised":
        r = [value / whole - target for value, target in zip(f, b, strict=True)]
    else:  # minus the log-likelihood of the shares
        return -sum(w * t * mp.log(v / whole) for w, t, v in zip(s, b, f, strict=True))
    loss = sum(w * e * e for w, e in zip(s, r, strict=True)) / 2
    if member.entropy_weight:
        p = [value / whole for value in f]
        entropy = -sum(w * q * mp.log(q) for w, q in zip(s, p, strict=True))
        loss -= mpf(member.entropy_weight) * entropy
    return loss


def loss(member: Member, data: Data, x: list[mpf]) -> mpf:
    """L(x), with groups and penalties."""
    n, d = data.a.shape
    grouped = member.takes_groups and data.groups is not None
    labels = list(data.groups) if grouped else ["all"] * n
    weights = [mpf(1)] * n if data.sample_weight is None else [mpf(float(s)) for s in data.sample_weight]
    products = []
    for row in data.a:
        product = sum(mpf(float(entry)) * value for entry, value in zip(row, x[:d], strict=True))
        products.append(product + x[d] if data.fit_intercept else product)
    shifts = [mpf(0)] * n if data.offset is None else [mpf(float(o)) for o in data.offset]
    u = [product + shift for product, shift in zip(products, shifts, strict=True)]
    total = mpf(0)
    for label in dict.fromkeys(labels):
        rows = [i for i in range(n) if labels[i] == label]
        target = [mpf(float(data.b[i])) for i in rows]
        own = [weights[i] for i in rows]
        if grouped:  # the weight of the group as a whole
            total += own[0] * squares(member, [u[i] for i in rows], target, [mpf(1)] * len(rows))
        else:
            total += squares(member, [u[i] for i in rows], target, own)
    if data.penalty_weights is not None:
        total += (
            sum((mpf(float(w)) * z) ** 2 for w, z in zip(data.penalty_weights, products, strict=True)) / 2
        )
    return total + sum(r * v * v for r, v in zip(ridges(data), x, strict=True)) / 2


def ridges(data: Data) -> list[mpf]:
    """The penalty of every coefficient: a scalar leaves the intercept free."""
    d = data.a.shape[1]
    if np.ndim(data.ridge) == 0:
        return [mpf(float(data.ridge))] * d + [mpf(0)] * data.fit_intercept
    return [mpf(float(r)) for r in data.ridge]


def derivatives(member: Member, data: Data, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Value, gradient and Hessian by central differences in 60 digits."""
    point, d = [mpf(float(value)) for value in x], len(x)

    def at(*moves: tuple[int, int]) -> mpf:
        moved = list(point)
        for index, sign in moves:
            moved[index] += sign * STEP
        return loss(member, data, moved)

    centre = loss(member, data, point)
    gradient, hessian = np.zeros(d), np.zeros((d, d))
    for i in range(d):
        above, below = at((i, 1)), at((i, -1))
        gradient[i] = float((above - below) / (2 * STEP))
        hessian[i, i] = float((above - 2 * centre + below) / STEP**2)
        for j in range(i):
            mixed = at((i, 1), (j, 1)) - at((i, 1), (j, -1)) - at((i, -1), (j, 1)) + at((i, -1), (j, -1))
            hessian[i, j] = hessian[j, i] = float(mixed / (4 * STEP**2))
    return float(centre), gradient, hessian


def assert_agreement(member: Member, data: Data, x: np.ndarray, layout: str = "dense float64") -> None:
    problem = member.make(LAYOUTS[layout](data.a), data.b, **data.keywords(member))
    value, gradient, hessian = derivatives(member, data, x)
    assert problem.fun(x) == pytest.approx(value, rel=TOLERANCE)
    assert np.abs(problem.jac(x) - gradient).max() <= TOLERANCE * np.abs(gradient).max()
    for form in (problem.hess(x).to_dense(), problem.hess(x) @ np.eye(len(x))):
        assert np.abs(form - hessian).max() <= TOLERANCE * np.abs(hessian).max()
    assert np.abs(problem.hess(x).diagonal() - np.diag(hessian)).max() <= TOLERANCE * np.abs(hessian).max()


def example(variant: str, member: Member) -> tuple[Data, np.ndarray]:
    """Nine rows of three columns with the options of a variant, and a point."""
    rng = np.random.default_rng(sum(map(ord, variant)))
    n, d = 9, 3
    everything = variant == "everything"
    options: dict[str, object] = {}
    if variant in ("groups", "group weights") or everything:
        options["groups"] = ["b", "a", "a", "c", "b", "a", "c", "c", "c"]
    if variant in ("weights", "weights and zeros"):
        options["sample_weight"] = rng.integers(1, 5, n) * (
            1.0 if variant == "weights" else rng.integers(0, 2, n)
        )
    if variant == "group weights" or everything:
        weight = {"a": 2.0, "b": 0.5, "c": 1.5}
        options["sample_weight"] = np.array([weight[label] for label in options["groups"]])
    if variant == "penalties" or everything:
        options["penalty_weights"] = rng.standard_normal(n)
        options["ridge"] = rng.random(d + everything)
    if variant == "intercept":
        options["ridge"] = 0.7
    options["fit_intercept"] = variant == "intercept" or everything
    if variant == "offset" or everything or member.changes_sign:
        options["offset"] = rng.uniform(1.0, 2.0, n) if member.changes_sign else rng.standard_normal(n)
    b = rng.random(n) + 0.05
    data = Data(rng.standard_normal((n, d)).astype(np.float32).astype(np.float64), b / b.sum(), **options)
    return data, 0.4 * rng.standard_normal(d + data.fit_intercept)


VARIANTS = [
    "plain",
    "groups",
    "weights",
    "weights and zeros",
    "group weights",
    "penalties",
    "offset",
    "intercept",
    "everything",
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", MEMBERS)
def test_every_problem_with_every_option(name: str, variant: str) -> None:
    data, x = example(variant, MEMBERS[name])
    assert_agreement(MEMBERS[name], data, x)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "dense float64"])
@pytest.mark.parametrize("name", MEMBERS)
def test_every_problem_on_every_layout(name: str, layout: str) -> None:
    data, x = example("everything", MEMBERS[name])  # its entries are float32 numbers
    assert_agreement(MEMBERS[name], data, x, layout)


@pytest.mark.parametrize("height", [800.0, -800.0, 30.0])
@pytest.mark.parametrize("groups", [None, [0, 0, 0, 1, 1, 1, 1, 0]], ids=["one group", "two groups"])
@pytest.mark.parametrize(
    "name",
    [
        "SoftmaxRegression",
        "EntropySoftmaxRegression",
        "SoftmaxCrossEntropy",
        "ResNetSoftmaxRegression",
        "normalised cosh",
        "normalised sinh",
    ],
)
def test_large_predictions_neither_overflow_nor_lose_digits(
    name: str, groups: list[int] | None, height: float
) -> None:
    member = MEMBERS[name]
    if height < 0.0 and member.changes_sign:
        height = -height  # below, the sum of f is negative: outside the domain
    rng = np.random.default_rng(11)
    a = np.round(4 * rng.standard_normal((8, 2))) / 4
    a = np.column_stack((a, [1.0, 1.0, -0.5, 1.0, 1.0, -0.5, -0.5, -0.5]))
    b = rng.random(8)
    data = Data(a, b / b.sum(), groups=groups, penalty_weights=np.full(8, 1e-3))
    assert_agreement(member, data, np.array([0.5, -0.25, height]))


@pytest.mark.parametrize("name", ["SoftmaxRegression", "SoftmaxCrossEntropy", "EntropySoftmaxRegression"])
def test_a_constant_of_a_million_added_to_every_prediction(name: str) -> None:
    rng = np.random.default_rng(12)
    b = rng.random(6)
    a = np.round(8 * rng.standard_normal((6, 3))) / 8
    data = Data(a, b / b.sum(), offset=np.full(6, 2.0**20))
    assert_agreement(MEMBERS[name], data, np.array([0.5, 1.0, -0.25]))


@pytest.mark.parametrize("name", ["normalised sinh", "normalised power 3", "ResNetSoftmaxRegression"])
def test_small_predictions_keep_their_digits(name: str) -> None:
    a = np.array([[1.0, 0.5], [0.5, 2.0], [1.5, 0.25], [2.0, 1.0]])
    data = Data(a, np.array([0.1, 0.4, 0.2, 0.3]))
    assert_agreement(MEMBERS[name], data, np.array([2.0**-28, 2.0**-29]))
