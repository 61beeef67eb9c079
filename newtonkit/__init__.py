"""newtonkit: second-order optimisation of attention-inspired regressions.

Every public name is imported when it is first used, so that ``import newtonkit`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newtonkit import datasets, design, plots, problems, sketching
    from newtonkit.certificates import Certificate, certify
    from newtonkit.comparison import Comparison, PerformanceProfile, compare, performance_profile
    from newtonkit.design import get_num_threads, set_num_threads
    from newtonkit.estimators import (
        ChoiceClassifier,
        CoshRegressor,
        EntropySoftmaxRegressor,
        ExpRegressor,
        SinhRegressor,
        SoftmaxRegressor,
    )
    from newtonkit.minimizer import minimize
    from newtonkit.problems import (
        CoshRegression,
        EntropySoftmaxRegression,
        ExpRegression,
        RescaledRegression,
        ResNetSoftmaxRegression,
        SinhRegression,
        SoftmaxCrossEntropy,
        SoftmaxRegression,
    )
    from newtonkit.problems.check import check_derivatives
    from newtonkit.progress_bar import ProgressBar
    from newtonkit.results import MinimizeResult, Status
    from newtonkit.ridge import RidgeChoice, RidgePath, choose_ridge, path
    from newtonkit.smooth import newton
    from newtonkit.statistics import Inference, inference

__version__ = "0.1.0.dev0"

_MODULES = ("datasets", "design", "plots", "problems", "sketching")
_HOMES = {
    "Certificate": "newtonkit.certificates",
    "ChoiceClassifier": "newtonkit.estimators",
    "Comparison": "newtonkit.comparison",
    "CoshRegression": "newtonkit.problems",
    "CoshRegressor": "newtonkit.estimators",
    "EntropySoftmaxRegression": "newtonkit.problems",
    "EntropySoftmaxRegressor": "newtonkit.estimators",
    "ExpRegression": "newtonkit.problems",
    "ExpRegressor": "newtonkit.estimators",
    "Inference": "newtonkit.statistics",
    "MinimizeResult": "newtonkit.results",
    "PerformanceProfile": "newtonkit.comparison",
    "ProgressBar": "newtonkit.progress_bar",
    "ResNetSoftmaxRegression": "newtonkit.problems",
    "RescaledRegression": "newtonkit.problems",
    "RidgeChoice": "newtonkit.ridge",
    "RidgePath": "newtonkit.ridge",
    "SinhRegression": "newtonkit.problems",
    "SinhRegressor": "newtonkit.estimators",
    "SoftmaxCrossEntropy": "newtonkit.problems",
    "SoftmaxRegression": "newtonkit.problems",
    "SoftmaxRegressor": "newtonkit.estimators",
    "Status": "newtonkit.results",
    "certify": "newtonkit.certificates",
    "check_derivatives": "newtonkit.problems.check",
    "choose_ridge": "newtonkit.ridge",
    "compare": "newtonkit.comparison",
    "get_num_threads": "newtonkit.design",
    "inference": "newtonkit.statistics",
    "minimize": "newtonkit.minimizer",
    "newton": "newtonkit.smooth",
    "path": "newtonkit.ridge",
    "performance_profile": "newtonkit.comparison",
    "set_num_threads": "newtonkit.design",
}

__all__ = [
    "Certificate",
    "ChoiceClassifier",
    "Comparison",
    "CoshRegression",
    "CoshRegressor",
    "EntropySoftmaxRegression",
    "EntropySoftmaxRegressor",
    "ExpRegression",
    "ExpRegressor",
    "Inference",
    "MinimizeResult",
    "PerformanceProfile",
    "ProgressBar",
    "ResNetSoftmaxRegression",
    "RescaledRegression",
    "RidgeChoice",
    "RidgePath",
    "SinhRegression",
    "SinhRegressor",
    "SoftmaxCrossEntropy",
    "SoftmaxRegression",
    "SoftmaxRegressor",
    "Status",
    "certify",
    "check_derivatives",
    "choose_ridge",
    "compare",
    "datasets",
    "design",
    "get_num_threads",
    "inference",
    "minimize",
    "newton",
    "path",
    "performance_profile",
    "plots",
    "problems",
    "set_num_threads",
    "sketching",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"newtonkit.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'newtonkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name.startswith("__")), *__all__})
