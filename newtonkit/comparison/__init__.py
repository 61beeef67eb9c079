"""newtonkit beside scipy.optimize: the same problem, start, derivatives, stopping rule and time cap."""

from newtonkit.comparison.report import Comparison, MethodReport
from newtonkit.comparison.runner import METHODS, compare

__all__ = ["METHODS", "Comparison", "MethodReport", "compare"]
