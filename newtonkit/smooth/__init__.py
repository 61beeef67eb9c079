"""Any smooth function as an objective of the solver, and the solver as a method of SciPy."""

from newtonkit.smooth.method import newton

__all__ = ["newton"]
