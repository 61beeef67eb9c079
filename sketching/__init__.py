"""Sparse stand-ins for A^T diag(D) A: leverage scores, row samples, embeddings.

Nothing is public here yet.
"""

__all__: list[str] = []
