"""Sparse stand-ins for A^T diag(D) A: leverage scores, row samples, embeddings.

- :func:`leverage_scores` tells how much each row counts for the range of A;
- :func:`sparsify` samples rows by them, so that A^T D A is kept within epsilon, with
  :class:`Uniform`, :class:`RowNorm` and :class:`Blocks` for comparison and for whole groups;
- :class:`SparseSign`, :class:`CountSketch`, :class:`Cosine` and :class:`Gaussian` embed all rows
  in few, and :func:`whitening` gives the coordinates in which those are orthonormal;
- :func:`kronecker_scores` does the same for A1 (x) A2, whose rows are never listed.
"""

from newtonkit.sketching.dense_embeddings import Cosine, Gaussian
from newtonkit.sketching.embeddings import CountSketch, Embedding, SparseSign
from newtonkit.sketching.kronecker import KroneckerScores, kronecker_scores
from newtonkit.sketching.sampling import RowSample, bernoulli_sample, sampling_probabilities
from newtonkit.sketching.schemes import Blocks, Leverage, RowNorm, Scheme, Uniform
from newtonkit.sketching.scores import leverage_scores
from newtonkit.sketching.sparsifying import sparsify
from newtonkit.sketching.whitening import Whitening, whitening

__all__ = [
    "Blocks",
    "Cosine",
    "CountSketch",
    "Embedding",
    "Gaussian",
    "KroneckerScores",
    "Leverage",
    "RowNorm",
    "RowSample",
    "Scheme",
    "SparseSign",
    "Uniform",
    "Whitening",
    "bernoulli_sample",
    "kronecker_scores",
    "leverage_scores",
    "sampling_probabilities",
    "sparsify",
    "whitening",
]
