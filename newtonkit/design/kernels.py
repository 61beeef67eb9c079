"""Numba kernels on plain arrays; each has a NumPy oracle in the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

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


@compiled
def hash_rows(first_row, scale, key, edges, targets, coefficients):  # type: ignore[no-untyped-def]
    """Fill the output rows and coefficients of consecutive rows; see ``SignScatter.hashed``.

    One `scale` counts for all rows.
    """
    n_rows, nonzeros = targets.shape
    root = np.sqrt(float(nonzeros))
    for i in range(n_rows):
        size = (scale[i] if len(scale) > 1 else scale[0]) / root
        counter = np.uint64(first_row + i) * np.uint64(8)
        for j in range(nonzeros):
            z = (counter + np.uint64(j + 1)) * np.uint64(0x9E3779B97F4A7C15) + key
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = z ^ (z >> np.uint64(31))
            length = np.uint64(edges[j + 1] - edges[j])
            targets[i, j] = edges[j] + np.int64(((z >> np.uint64(32)) * length) >> np.uint64(32))
            coefficients[i, j] = size if z & np.uint64(1) else -size


@compiled
def scatter_rows(rows, targets, coefficients, out):  # type: ignore[no-untyped-def]
    """Add ``coefficients[i, j] * rows[i]`` to the first columns of ``out[targets[i, j]]``.

    Rows are taken as slices: with plain indices the inner loop is not vectorised and takes
    twice as long.
    """
    n_rows, n_columns = rows.shape
    for i in range(n_rows):
        row = rows[i]
        for j in range(targets.shape[1]):
            coefficient = coefficients[i, j]
            if coefficient != 0.0:
                target = out[targets[i, j], :n_columns]
                for k in range(n_columns):
                    target[k] += coefficient * row[k]


@compiled
def scatter_csr_rows(data, indices, indptr, targets, coefficients, first, last, out):  # type: ignore[no-untyped-def]
    """Do what ``scatter_rows`` does for rows in CSR, to the rows `first` to `last` of `out` alone.

    A sparse row touches the output at random: rows of it that fit into the cache are filled
    at a time, which pays although targets are read again, and threads need no output each.
    """
    for j in range(targets.shape[1]):
        for i in range(len(indptr) - 1):
            if first <= targets[i, j] < last:
                coefficient = coefficients[i, j]
                if coefficient != 0.0:
                    target = out[targets[i, j]]
                    for a in range(indptr[i], indptr[i + 1]):
                        target[indices[a]] += coefficient * data[a]


@compiled
def csr_square_norms(data, indices, indptr, transform, offset, out):  # type: ignore[no-untyped-def]
    """Fill `out` with the squared norms of the rows of ``A @ transform + offset``."""
    columns = transform.shape[1]
    image = np.empty(columns)
    for i in range(len(indptr) - 1):
        for k in range(columns):
            image[k] = offset[k]
        for a in range(indptr[i], indptr[i + 1]):
            value = data[a]
            row = transform[indices[a]]
            for k in range(columns):
                image[k] += value * row[k]
        total = 0.0
        for k in range(columns):
            total += image[k] * image[k]
        out[i] = total
