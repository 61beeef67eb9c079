"""Curvature models from a sample of the rows: sampled Newton steps, sketched preconditioners."""

from newtonkit.approximate.matrix_free import MatrixFreeBuilder
from newtonkit.approximate.sampled import SampledBuilder
from newtonkit.approximate.sketched_builder import SketchedBuilder

__all__ = ["MatrixFreeBuilder", "SampledBuilder", "SketchedBuilder"]
