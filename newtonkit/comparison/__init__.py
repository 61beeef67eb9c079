"""newtonkit beside scipy.optimize: the same problem, start, derivatives, stopping rule and time cap."""

from newtonkit.comparison.monitor import TracePoint
from newtonkit.comparison.profile import PerformanceProfile, performance_profile
from newtonkit.comparison.registry import METHODS
from newtonkit.comparison.report import MethodReport, Milestone, SeedRun
from newtonkit.comparison.result import Comparison
from newtonkit.comparison.runner import compare

__all__ = [
    "METHODS",
    "Comparison",
    "MethodReport",
    "Milestone",
    "PerformanceProfile",
    "SeedRun",
    "TracePoint",
    "compare",
    "performance_profile",
]
