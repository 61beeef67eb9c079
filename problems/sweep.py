"""Value and gradient in one sweep over the data: what a gradient is combined from when all sums are known.

The gradient of a structure with a sum over all rows, <s, f> or the like, is known only at the
end of a sweep.  But it is a combination of a few vectors A^T c whose columns c are known row
by row, up to factors that are known at the end.  Each tile of rows, small enough to stay in
cache, is multiplied by x, put through the activation, and multiplied by its columns, before
the next one is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from newtonkit.design import FloatArray, map_blocks
from newtonkit.problems.outer import Totals, quiet
from newtonkit.problems.rows import RowBlock

if TYPE_CHECKING:
    from newtonkit.problems.problem import Problem

_TILE_ENTRIES = 2**18
_LEAST_ROWS = 64
_SUMS_SHARE, _LEAST_SUMS, _BYTES_AN_ENTRY = 0.04, 2, 12


@dataclass(frozen=True)
class Pulls:
    """Sums A^T c over tiles of rows, each on a scale of its own.

    Attributes
    ----------
    sums : ndarray, shape (tiles, k, d)
        A^T c for k columns c.
    scales : ndarray, shape (tiles,)
        The logarithmic scale that f had in each tile.
    """

    sums: FloatArray
    scales: FloatArray

    def combined(self, problem: Problem, totals: Totals) -> FloatArray:
        """Return A^T l', and A^T U_1 where there is a low-rank part, shape (1 or 2, d)."""
        factors = problem.outer.pull_factors(self.scales, totals)
        with quiet():
            pulls: FloatArray = np.einsum("jtk,tkd->jd", factors, self.sums[:, : factors.shape[2]])
            if problem.row_penalty is not None:
                pulls[0] += self.sums[:, -1].sum(axis=0)
        return pulls


def can_sweep(problem: Problem) -> bool:
    """Tell whether value and gradient come from one sweep: for large data in one group."""
    return not problem.design.is_small and problem.outer.n_pulls > 0 and len(problem.outer.groups) == 1


def swept(problem: Problem, x: FloatArray) -> tuple[FloatArray, Pulls]:
    """Return A x, and what the gradient is combined from, in one sweep over A."""
    compiled = _compiled(problem)
    if compiled is not None:
        return _compiled_sweep(problem, x, *compiled)
    design, n = problem.design, problem.design.shape[0]
    a_x = np.empty(n)
    counted = _counted_row(problem, x)

    def run(block: slice) -> tuple[list[FloatArray], list[float]]:
        sums, scales = [], []
        for tile in _tiles(problem, block):
            image = design.block_product(tile.rows, x)
            a_x[tile.rows] = image
            columns, scale = _columns(problem, image, tile, counted)
            sums.append(design.block_transposed_product(tile.rows, columns.T).T)
            scales.append(scale)
        return sums, scales

    parts = map_blocks(run, design.sweeps)
    sums = np.stack([each for part in parts for each in part[0]])
    return a_x, Pulls(sums, np.array([each for part in parts for each in part[1]]))


def _compiled(problem: Problem) -> tuple[int, bool] | None:
    """Return the number of the activation and whether it is normalised, where one kernel does it all."""
    plain = problem.row_penalty is None and problem.first_counted is None
    if not plain or problem.design.kernel_rows(slice(0, 1)) is None:
        return None
    return problem.outer.sweep_kind


def _compiled_sweep(
    problem: Problem, x: FloatArray, kind: int, is_normalised: bool
) -> tuple[FloatArray, Pulls]:
    from newtonkit.problems.kernels import (  # noqa: PLC0415  (Numba: only for large data)
        column_sweep,
        csr_sweep,
        dense_sweep,
    )

    design, outer, offset = problem.design, problem.outer, problem.offset
    image, d = np.empty(design.shape[0]), design.shape[1]
    target, weights = outer.sweep_data

    blocks = _fewer(design.sweeps, design.n_entries, outer.n_pulls * d)
    all_sums = np.zeros((len(blocks), outer.n_pulls, d))  # all that takes memory, in wide designs

    def run(k: int) -> float:
        block = blocks[k]
        found = design.kernel_rows(block)
        assert found is not None
        arrays, has_ones = found
        point = np.ascontiguousarray(x[: d - has_ones])
        out = np.zeros((outer.n_pulls, len(point))) if has_ones else all_sums[k]
        sums = np.zeros(outer.n_pulls)
        shift = np.zeros(1) if offset is None else offset[block]
        part = np.ones(1) if weights is None else weights[block]
        if has_ones:
            shift = shift + x[-1]
        kernel: Any = {1: dense_sweep, 2: column_sweep, 3: csr_sweep}[len(arrays)]
        given = point, shift, target[block], part, kind, is_normalised, image[block], out, sums
        scale: float = kernel(*arrays, *given)
        if has_ones:
            image[block] += x[-1]
            all_sums[k, :, :-1], all_sums[k, :, -1] = out, sums
        return scale

    return image, Pulls(all_sums, np.array(map_blocks(run, range(len(blocks)))))


def _fewer(sweeps: tuple[slice, ...], n_entries: int, sums: int) -> Sequence[slice]:
    """Join runs of rows until their `sums`, so many for each, take a small share of the data.

    Two are left in any case.  A solve makes such a sweep at its start and its end alone.
    """
    fitting = int(_SUMS_SHARE * _BYTES_AN_ENTRY * n_entries / (8 * sums))
    count = min(len(sweeps), max(_LEAST_SUMS, fitting))
    edges = [len(sweeps) * k // count for k in range(count + 1)]
    return [slice(sweeps[a].start, sweeps[b - 1].stop) for a, b in pairwise(edges)]


def _tiles(problem: Problem, block: slice) -> Sequence[RowBlock]:
    rows = max(_TILE_ENTRIES // max(1, problem.design.n_entries // problem.design.shape[0]), _LEAST_ROWS)
    count = max(1, round((block.stop - block.start) / rows))
    edges = [block.start + (block.stop - block.start) * k // count for k in range(count + 1)]
    return [
        problem.outer.groups.block(slice(edges[k], edges[k + 1]), compiled=True)
        for k in range(count)
        if edges[k] < edges[k + 1]
    ]


def _columns(
    problem: Problem, image: FloatArray, tile: RowBlock, counted: float | None
) -> tuple[FloatArray, float]:
    u = image if problem.offset is None else image + problem.offset[tile.rows]
    if counted is not None:
        weights = problem.outer.row_weights
        assert weights is not None
        u = np.where(weights[tile.rows] > 0.0, u, counted)
    with quiet():
        columns, scale = problem.outer.pull_columns(u, tile)
        if problem.row_penalty is not None:
            columns = np.concatenate((columns, (problem.row_penalty[tile.rows] * image)[None]))
    return columns, scale


def _counted_row(problem: Problem, x: FloatArray) -> float | None:
    """Return the u of a row that counts, to be shown for those of weight 0; None if all count."""
    row = problem.first_counted
    if row is None:
        return None
    u = problem.design.rows(np.array([row])).product(x)
    return float(u[0] if problem.offset is None else u[0] + problem.offset[row])
