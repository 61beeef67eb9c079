"""newtonkit beside scipy.optimize: the same problem, start, derivatives, stopping rule and time cap."""

from newtonkit.comparison.methods import METHODS
from newtonkit.comparison.report import Comparison, MethodReport
from newtonkit.comparison.runner import compare

__all__ = ["METHODS", "Comparison", "MethodReport", "compare"]
