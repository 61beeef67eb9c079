"""Sparse stand-ins for A^T diag(D) A: leverage scores, row samples, embeddings."""

from newtonkit.sketching.dense_embeddings import Cosine, Gaussian
from newtonkit.sketching.embeddings import CountSketch, SparseSign
from newtonkit.sketching.kronecker import KroneckerScores, kronecker_scores
from newtonkit.sketching.sampling import RowSample, bernoulli_sample, sampling_probabilities
from newtonkit.sketching.schemes import Blocks, Leverage, RowNorm, Scheme, Uniform
from newtonkit.sketching.scores import design_scores, leverage_scores, scores_under
from newtonkit.sketching.sparsifying import sparsify, sparsify_design
from newtonkit.sketching.whitening import Whitening, whitening

__all__ = [
    "Blocks",
    "Cosine",
    "CountSketch",
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
    "design_scores",
    "kronecker_scores",
    "leverage_scores",
    "sampling_probabilities",
    "scores_under",
    "sparsify",
    "sparsify_design",
    "whitening",
]
