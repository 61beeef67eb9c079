"""Sparse stand-ins for A^T diag(D) A: leverage scores, row samples, embeddings."""

from newtonkit.sketching.sampling import RowSample, bernoulli_sample, sampling_probabilities

__all__ = [
    "RowSample",
    "bernoulli_sample",
    "sampling_probabilities",
]
