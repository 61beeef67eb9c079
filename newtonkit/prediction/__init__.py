"""Prediction against observation: the step counts of the theory beside those of the solver.

:func:`newtonkit.prediction.measuring.measured` solves planted problems from starts that a
certificate places in the region where the theory promises its contraction, counts steps, and
takes the true spectral errors of the samples; ``newtonkit bench iterations`` shows what it finds.
"""

from newtonkit.prediction.plan import Plan

__all__ = ["Plan"]
