"""Any smooth function as an objective of the solver, and the solver as a method of SciPy."""

__all__: list[str] = []
