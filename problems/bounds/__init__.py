"""Bounds over a ball: how small the curvature of a problem can be there, and how fast it can change.

They are asked for through :meth:`newtonkit.problems.Problem.curvature_bounds`, and
:mod:`newtonkit.certificates` builds on the parts.
"""

__all__: list[str] = []
