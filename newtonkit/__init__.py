"""newtonkit: second-order optimisation of attention-inspired regressions.

Every public name is imported when it is first used, so that ``import newtonkit`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newtonkit import datasets, design, problems, sketching
    from newtonkit.comparison import Comparison, PerformanceProfile, compare, performance_profile
    from newtonkit.design import get_num_threads, set_num_threads
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
    from newtonkit.results import MinimizeResult, Status
    from newtonkit.smooth import newton

__version__ = "0.1.0.dev0"

_MODULES = ("datasets", "design", "problems", "sketching")
_HOMES = {
    "Comparison": "newtonkit.comparison",
    "CoshRegression": "newtonkit.problems",
    "EntropySoftmaxRegression": "newtonkit.problems",
    "ExpRegression": "newtonkit.problems",
    "MinimizeResult": "newtonkit.results",
    "PerformanceProfile": "newtonkit.comparison",
    "ResNetSoftmaxRegression": "newtonkit.problems",
    "RescaledRegression": "newtonkit.problems",
    "SinhRegression": "newtonkit.problems",
    "SoftmaxCrossEntropy": "newtonkit.problems",
    "SoftmaxRegression": "newtonkit.problems",
    "Status": "newtonkit.results",
    "check_derivatives": "newtonkit.problems.check",
    "compare": "newtonkit.comparison",
    "get_num_threads": "newtonkit.design",
    "minimize": "newtonkit.minimizer",
    "newton": "newtonkit.smooth",
    "performance_profile": "newtonkit.comparison",
    "set_num_threads": "newtonkit.design",
}

__all__ = [
    "Comparison",
    "CoshRegression",
    "EntropySoftmaxRegression",
    "ExpRegression",
    "MinimizeResult",
    "PerformanceProfile",
    "ResNetSoftmaxRegression",
    "RescaledRegression",
    "SinhRegression",
    "SoftmaxCrossEntropy",
    "SoftmaxRegression",
    "Status",
    "check_derivatives",
    "compare",
    "datasets",
    "design",
    "get_num_threads",
    "minimize",
    "newton",
    "performance_profile",
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
