"""Sparse stand-ins for A^T diag(D) A: leverage scores, row samples, embeddings."""

from newtonkit.sketching.sampling import RowSample, bernoulli_sample, sampling_probabilities
from newtonkit.sketching.schemes import Blocks, Leverage, RowNorm, Scheme, Uniform
from newtonkit.sketching.sparsifying import sparsify, sparsify_design

__all__ = [
    "Blocks",
    "Leverage",
    "RowNorm",
    "RowSample",
    "Scheme",
    "Uniform",
    "bernoulli_sample",
    "sampling_probabilities",
    "sparsify",
    "sparsify_design",
]
