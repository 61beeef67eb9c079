"""The kinds of problem that the shell knows, in words and formulas; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

ELEMENTWISE, RESCALED, NORMALISED, LIKELIHOOD = "elementwise", "rescaled", "normalised", "likelihood"


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Attributes
    ----------
    name : str
        What ``--problem`` calls it.
    title : str
        What it is called in a sentence.
    class_name : str
        Its class in newtonkit.
    structure : str
        "elementwise", "rescaled", "normalised" or "likelihood".
    loss, where : str
        l(u), and what it uses, in short.
    definitions : tuple of str
        What the formulas use.
    gradient, diagonal : str
        l'(u) and D.
    columns, core : str
        U and C; empty if there is no low-rank part.
    remark : str
        What one has to know of it.
    paper : str
        Its arXiv number; empty if there is none.
    fixed : mapping
        Arguments of the class that make this kind.
    intercept_counts : bool
        Whether adding a constant to u changes the prediction.
    """

    name: str
    title: str
    class_name: str
    structure: str
    loss: str
    where: str
    definitions: tuple[str, ...]
    gradient: str
    diagonal: str
    columns: str = ""
    core: str = ""
    remark: str = ""
    paper: str = ""
    fixed: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    intercept_counts: bool = True

    @property
    def shares(self) -> bool:
        """Whether it predicts shares that sum to 1 in each group, and so takes groups."""
        return self.structure != ELEMENTWISE

    @property
    def needs_entropy_weight(self) -> bool:
        """Whether it has the weight of an entropy."""
        return self.name == "entropy-softmax"

    @property
    def options(self) -> tuple[str, ...]:
        """The options that mean something for it, besides those that all kinds take."""
        found = ["--groups"] if self.shares else []
        found += ["--intercept"] if self.intercept_counts else []
        found += ["--entropy-weight"] if self.needs_entropy_weight else []
        return (*found, f"--target-scale {'sum' if self.shares else 'mean|sum'}")


COMMON_OPTIONS = ("--ridge", "--sample-weight", "--offset")
"""The options that mean something for all kinds."""


def _elementwise(name: str, f: str, gradient: str, diagonal: str, remark: str) -> Kind:
    return Kind(
        name,
        f"{name} regression",
        f"{name.capitalize()}Regression",
        ELEMENTWISE,
        f"½ ‖{f} − b‖²",
        "",
        (f"r = {f} − b",),
        gradient,
        diagonal,
        remark=remark,
        paper="2303.15725",
    )


def _rescaled(f: str, remark: str) -> Kind:
    derivative = {"exp": "exp", "cosh": "sinh", "sinh": "cosh"}[f]
    return Kind(
        f"rescaled-{f}",
        f"rescaled {f} regression",
        "RescaledRegression",
        RESCALED,
        "½ ‖f − ⟨f, 1⟩ b‖²",
        f"f = {f}(u)",
        (
            f"f = {f}(u),  f′ = {derivative}(u),  f″ = {f}(u)",
            "r = f − ⟨f, 1⟩ b,  c = ⟨b, r⟩",
        ),
        "f′ · (r − c)",
        "f′² + f″ · (r − c)",
        "[f′, f′ · b]",
        "[[⟨b, b⟩, −1], [−1, 0]]",
        remark,
        "2305.00660",
        MappingProxyType({"activation": f}),
    )


_RANK_TWO = "[[⟨p, p⟩, −1], [−1, 0]]"
_SHIFT = "Adding a constant to u changes nothing, so there is no intercept."

_KINDS = (
    _elementwise(
        "exp",
        "exp(u)",
        "exp(u) · r",
        "exp(u) · (exp(u) + r)",
        "A multiplicative model of a positive target, best of order one: --target-scale mean. "
        "Not convex where b > 2 exp(u).",
    ),
    _elementwise(
        "cosh",
        "cosh(u)",
        "sinh(u) · r",
        "sinh(u)² + cosh(u) · r",
        "x and −x give the same loss, and x = 0 is stationary: a saddle or a maximum where b > 1.",
    ),
    _elementwise(
        "sinh", "sinh(u)", "cosh(u) · r", "cosh(u)² + sinh(u) · r", "A target of either sign with long tails."
    ),
    _rescaled("exp", "Without a penalty the loss tends to 0 as all of u falls to −∞: give it a --ridge."),
    _rescaled("cosh", "x and −x give the same loss."),
    _rescaled("sinh", "The loss is 0 at u = 0: give it an --offset."),
    Kind(
        "softmax",
        "softmax regression",
        "SoftmaxRegression",
        NORMALISED,
        "½ ‖p − b‖²",
        "p = exp(u) / ⟨exp(u), 1⟩",
        ("p = exp(u) / ⟨exp(u), 1⟩", "r = p − b,  c = ⟨p, r⟩"),
        "p · (r − c)",
        "p · (r − c + p)",
        "[p, p · (p + r − c)]",
        _RANK_TWO,
        f"Attention: which query x makes the keys in the rows get the shares b? Not convex. {_SHIFT}",
        "2304.10411",
        intercept_counts=False,
    ),
    Kind(
        "resnet-softmax",
        "ResNet + softmax regression",
        "ResNetSoftmaxRegression",
        NORMALISED,
        "½ ‖p − b‖²",
        "p = f / ⟨f, 1⟩, f = exp(u) + u",
        (
            "f = exp(u) + u,  a = ⟨f, 1⟩ > 0,  p = f / a",
            "v = (exp(u) + 1) / a,  e = exp(u) / a",
            "r = p − b,  c = ⟨p, r⟩,  g = v · (r − c)",
        ),
        "g",
        "e · (r − c) + v²",
        "[v, v · p + g]",
        _RANK_TWO,
        "A softmax with a residual connection, defined where a > 0 in every group. Not convex.",
        "2309.13482",
    ),
    Kind(
        "entropy-softmax",
        "entropy-regularised softmax regression",
        "EntropySoftmaxRegression",
        NORMALISED,
        "½ ‖p − b‖² + γ ⟨p, log p⟩",
        "p = exp(u) / ⟨exp(u), 1⟩",
        (
            "p = exp(u) / ⟨exp(u), 1⟩,  γ = --entropy-weight",
            "r = p − b,  c = ⟨p, r⟩,  t = u − ⟨p, u⟩",
            "g = p · (r − c) + γ p · t",
        ),
        "g",
        "p · (r − c + p) + γ p · (1 + t)",
        "[p, p · p + g]",
        "[[⟨p, p⟩ − γ, −1], [−1, 0]]",
        f"γ weighs creativity (the entropy of p) against reality. {_SHIFT}",
        "2306.02295",
        intercept_counts=False,
    ),
    Kind(
        "cross-entropy",
        "softmax cross-entropy",
        "SoftmaxCrossEntropy",
        LIKELIHOOD,
        "B log ⟨exp(u), 1⟩ − ⟨b, u⟩",
        "B = ⟨b, 1⟩",
        ("p = exp(u) / ⟨exp(u), 1⟩,  B = ⟨b, 1⟩",),
        "B p − b",
        "B p",
        "[p]",
        "[[−B]]",
        "Convex. With --groups and a target that is 1 for what was chosen, 0 for the rest, this is the "
        f"conditional logit model, and L is minus its log-likelihood. {_SHIFT}",
        intercept_counts=False,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
"""The kinds by the name that ``--problem`` takes."""
