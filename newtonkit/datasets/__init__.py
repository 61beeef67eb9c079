"""Ready-made problems on real data, and problems made to measure with a known solution.

Each function loads its data when it is called, and needs no network.  :data:`PROBLEMS`
lists the ready-made ones; :func:`make_planted` makes the others.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from newtonkit.datasets.published import (
    EXTRA,
    cpssw8_data,
    cpssw8_exp,
    diamonds_data,
    diamonds_exp,
    modechoice_cross_entropy,
    modechoice_data,
    modechoice_grouped,
)
from newtonkit.datasets.ready import ReadyProblem
from newtonkit.datasets.shipped import (
    breast_cancer_exp,
    breast_cancer_grouped,
    breast_cancer_softmax,
    diabetes_exp,
    diabetes_grouped,
    diabetes_softmax,
    digits_exp,
    digits_grouped,
    digits_softmax,
)

if TYPE_CHECKING:
    from newtonkit.datasets.planted import PLANTED_KINDS, PlantedProblem, make_planted

__all__ = [
    "PLANTED_KINDS",
    "PROBLEMS",
    "PlantedProblem",
    "ReadyProblem",
    "breast_cancer_exp",
    "breast_cancer_grouped",
    "breast_cancer_softmax",
    "cpssw8_data",
    "cpssw8_exp",
    "diabetes_exp",
    "diabetes_grouped",
    "diabetes_softmax",
    "diamonds_data",
    "diamonds_exp",
    "digits_exp",
    "digits_grouped",
    "digits_softmax",
    "make_planted",
    "modechoice_cross_entropy",
    "modechoice_data",
    "modechoice_grouped",
]

PROBLEMS: dict[str, dict[str, ReadyProblem]] = {
    "diabetes": {
        "exp": ReadyProblem("diabetes: exp regression of disease progression / its mean", diabetes_exp),
        "softmax": ReadyProblem("diabetes: softmax shares of the total progression", diabetes_softmax),
        "grouped": ReadyProblem(
            "diabetes: cross-entropy of progression, by sex and decade of age", diabetes_grouped
        ),
    },
    "digits": {
        "softmax": ReadyProblem("digits: softmax attention to the images of an eight", digits_softmax),
        "exp": ReadyProblem("digits: exp regression of the ink below on the pixels above", digits_exp),
        "grouped": ReadyProblem("digits: softmax attention to the eights of each batch", digits_grouped),
    },
    "breast-cancer": {
        "softmax": ReadyProblem(
            "breast cancer: softmax attention to the malignant tumours", breast_cancer_softmax
        ),
        "exp": ReadyProblem(
            "breast cancer: exp regression of the largest area on the averages", breast_cancer_exp
        ),
        "grouped": ReadyProblem(
            "breast cancer: cross-entropy of malignancy among tumours of like size", breast_cancer_grouped
        ),
    },
    "diamonds": {
        "exp": ReadyProblem("diamonds: exp regression of price / its mean", diamonds_exp, EXTRA),
    },
    "cpssw8": {
        "exp": ReadyProblem("CPSSW8: exp regression of hourly earnings / their mean", cpssw8_exp, EXTRA),
    },
    "modechoice": {
        "cross-entropy": ReadyProblem(
            "modechoice: conditional logit of travel mode choice", modechoice_cross_entropy, EXTRA
        ),
        "grouped": ReadyProblem(
            "modechoice: softmax regression of travel mode choice", modechoice_grouped, EXTRA
        ),
    },
}
"""The problems by name of the data, then by name of the problem; the first one is the default."""

_PLANTED = ("PLANTED_KINDS", "PlantedProblem", "make_planted")


def __getattr__(name: str) -> Any:
    if name in _PLANTED:  # they need NumPy, which the list of problems does not
        return getattr(importlib.import_module("newtonkit.datasets.planted"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
