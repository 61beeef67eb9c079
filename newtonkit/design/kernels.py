"""Numba kernels on plain arrays; each has a NumPy oracle in the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile without the GIL, keeping the machine code on disk where a place can be written."""
    try:
        return cast(F, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # Numba: "cannot cache function: no locator available"
        return cast(F, numba.njit(nogil=True)(function))


@compiled
def csr_gram(data, indices, indptr, weights, out):  # type: ignore[no-untyped-def]
    """Add ``sum_i weights[i] * outer(row_i, row_i)`` to `out`, rows of weight zero skipped.

    Indices are sorted within each row, so the lower triangle is filled first and mirrored.
    """
    for i in range(len(indptr) - 1):
        weight = weights[i]
        if weight != 0.0:
            for a in range(indptr[i], indptr[i + 1]):
                scaled = weight * data[a]
                row = indices[a]
                for b in range(indptr[i], a + 1):
                    out[row, indices[b]] += scaled * data[b]
    for row in range(out.shape[0]):
        for column in range(row):
            out[column, row] = out[row, column]
