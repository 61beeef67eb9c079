"""Rows: leverage scores, those for everybody and the solver's own rougher ones, in passes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np
import scipy.linalg

import newtonkit as nk
from bench.gaussian import dense_rows, regression
from bench.hessian_model import Model
from bench.speed.cases import warm_up
from bench.speed.figures import Bound, Figure, Setting, attempted
from bench.speed.turns import in_turns, medians, one_pass, ratio, timing
from bench.timing import Stopwatch
from newtonkit.approximate.sampler import HessianSampler
from newtonkit.design import FloatArray, one_blas_thread

ROWS = {
    "scores": "Leverage scores within a factor 2 on 99 % of rows: passes",
    "rough-scores": "The solver's own rougher scores, one sweep: passes",
}
_FINE = Bound(16, 10, at_least=False, unit="passes")
_ROUGH = Bound(4, 3, at_least=False, unit="passes")
SHAPE = (1_000_000, 200)
_ROWS_AT_ONCE = 2**14
_WITHIN, _SHARE = 2.0, 0.99


def figures(setting: Setting, wanted: Collection[str]) -> Iterator[tuple[str, Figure]]:
    """Measure the rows wanted."""
    n, d = setting.shape(*SHAPE)
    name = f"{n} x {d}"
    for row, bound, measure in (("scores", _FINE, fine), ("rough-scores", _ROUGH, rough)):
        if row in wanted:
            yield row, attempted(name, bound, partial(measure, n, d, name, setting.rounds))
    _data.cache_clear()


@lru_cache(maxsize=1)
def _data(n: int, d: int) -> FloatArray:
    return dense_rows(n, d, seed=0)


def exact_scores(A: FloatArray, w: FloatArray) -> FloatArray:
    """Return w_i a_i^T (A^T W A)^-1 a_i by NumPy, for a design of moderate condition."""
    parts = [slice(k, k + _ROWS_AT_ONCE) for k in range(0, len(A), _ROWS_AT_ONCE)]
    gram = sum(A[part].T @ (A[part] * w[part, None]) for part in parts)
    factor = np.linalg.cholesky(np.asarray(gram))
    sizes = np.empty(len(A))
    for part in parts:
        columns = scipy.linalg.solve_triangular(factor, A[part].T, lower=True)
        sizes[part] = np.einsum("ij,ij->j", columns, columns)
    return w * sizes


def share_within(scores: FloatArray, exact: FloatArray, factor: float = _WITHIN) -> float:
    """Return the share of the rows whose score is right within a factor."""
    return float(np.mean((scores <= factor * exact) & (factor * scores >= exact)))


def fine(n: int, d: int, name: str, rounds: int) -> Figure:
    """Measure ``leverage_scores``, and how near they are."""
    warm_up("exp")
    A = _data(n, d)
    w = np.random.default_rng(1).lognormal(size=n)
    share = share_within(nk.sketching.leverage_scores(A, w, rng=0), exact_scores(A, w))
    task = one_pass(A)
    seconds = in_turns(
        {"pass": task, "ours": timing(lambda: nk.sketching.leverage_scores(A, w, rng=0)), "pass again": task},
        rounds,
        uncounted=0,
    )
    value, quartiles = _in_passes(seconds)
    note = f"{_told(seconds)}; within a factor 2 on {share:.2%} of rows"
    if share < _SHARE:
        return Figure(name, _FINE, note=f"not accurate enough, else {value:.3g} passes: {note}")
    return Figure(name, _FINE, value, quartiles, note=note, details={"seconds": seconds, "share": share})


def rough(n: int, d: int, name: str, rounds: int) -> Figure:
    """Measure what the solver takes for its own scores, inside the building of a model."""
    warm_up("softmax")
    A = _data(n, d)
    model = Model(*regression("softmax", A, seed=0))
    metric = model.metric()

    def ours() -> float:
        watch = Stopwatch()
        with one_blas_thread(), watch.watching([(HessianSampler, "_rough_sizes", "scores")]):
            model.build(metric)
        if "scores" not in watch.seconds:
            raise RuntimeError("the sampler took no rough scores")
        return watch.seconds["scores"]

    task = one_pass(A)
    seconds = in_turns({"pass": task, "ours": ours, "pass again": task}, rounds)
    value, quartiles = _in_passes(seconds)
    return Figure(name, _ROUGH, value, quartiles, note=_told(seconds), details={"seconds": seconds})


def _in_passes(seconds: dict[str, list[float]]) -> tuple[float, tuple[float, float]]:
    passes = [min(pair) for pair in zip(seconds["pass"], seconds["pass again"], strict=True)]
    return ratio(seconds["ours"], passes)


def _told(seconds: Any) -> str:
    middle = medians(seconds)
    return f"{middle['ours']:.3g} s at {1e3 * middle['pass']:.3g} ms a pass"
