"""What the figures say, in words and as yes or no."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from newtonkit.certificates.contraction import GOOD, PROMISED
from newtonkit.prediction.figures import Cell, Prediction
from newtonkit.prediction.spectra import failure_interval


@dataclass(frozen=True)
class SampleSummary:
    """All samples and sampled steps of one epsilon.

    Attributes
    ----------
    epsilon : float
        What was asked for.
    steps, slow : int
        Steps of "sampled" in the region; those that contract by less than 0.4.
    worst : float
        The largest factor.
    drawn, above : int
        Sampled Hessians of the solver; those whose true spectral error exceeds epsilon.
    largest : float
        The largest error.
    promised, broken : int
        Samples with a promise that kept fewer rows than there are; those that break it.
    interval : (float, float)
        Of Clopper and Pearson, for the share that break it.
    """

    epsilon: float
    steps: int
    slow: int
    worst: float
    drawn: int
    above: int
    largest: float
    promised: int
    broken: int
    interval: tuple[float, float]


def summaries(prediction: Prediction) -> list[SampleSummary]:
    """Return a summary for each epsilon."""
    found = []
    for epsilon in prediction.plan.epsilons:
        cells = [cell for cell in prediction.cells if cell.epsilon == epsilon]
        errors = [error for cell in cells for error in cell.errors]
        factors = [factor for cell in cells for factor in cell.factors]
        # A sample of all rows keeps its promise without any merit.
        promises = [cell.promise for cell in cells if cell.promise and cell.promise.share < 1.0]
        promised, broken = sum(len(p.errors) for p in promises), sum(p.broken for p in promises)
        if cells:
            found.append(
                SampleSummary(
                    epsilon,
                    len(factors),
                    sum(cell.slow for cell in cells),
                    max(factors, default=math.nan),
                    len(errors),
                    sum(not error <= epsilon for error in errors),
                    max(errors, default=math.nan),
                    promised,
                    broken,
                    failure_interval(broken, promised),
                )
            )
    return found


def is_kept(prediction: Prediction) -> bool:
    """Tell whether something was predicted, and nothing that was predicted has failed.

    A promise that may be broken by a share delta of the draws has failed where more than that
    is certain: where the interval of the share begins above delta.
    """
    counts = [count for cell in prediction.cells for count in cell.counts]
    predicted = any(count.predicted is not None for count in counts)
    delta = prediction.plan.delta
    broken = any(summary.interval[0] > delta for summary in summaries(prediction))
    return predicted and not broken and not any(cell.exceeded for cell in prediction.cells)


def verdict(prediction: Prediction) -> Iterator[str]:
    """Yield sentences, the worst first."""
    yield from _of_counts(prediction)
    yield from _of_methods(prediction)
    tried = sum(row.seeds for row in prediction.rows)
    uncertified = sum(row.uncertified for row in prediction.rows)
    if uncertified:
        yield f"For {uncertified} of {tried} starts no point was found to be certified in the region."
    for row in prediction.rows:
        if row.note:
            yield f"Nothing was measured of {row.kind} at condition {row.condition:g}: {row.note}"
    for kind in dict.fromkeys(row.kind for row in prediction.rows if row.begins_at_minimum):
        yield f"x = 0 is itself the minimum of {kind}: a solve from there has no iterations."
    for summary in summaries(prediction):
        if summary.interval[0] > prediction.plan.delta:
            yield (
                f"PROMISE BROKEN at epsilon {summary.epsilon:g}: by {summary.broken} of {summary.promised} "
                f"samples, and delta is {prediction.plan.delta:g}."
            )


def _of_counts(prediction: Prediction) -> Iterator[str]:
    counts = [count for cell in prediction.cells for count in cell.counts]
    judged = [count for count in counts if count.predicted is not None]
    exceeded = sum(len(cell.exceeded) for cell in prediction.cells)
    if not judged:
        yield "NOTHING WAS PREDICTED: no start was certified in the region, or none with a step count."
    elif exceeded:
        yield f"EXCEEDED: {exceeded} of {len(judged)} step counts in the region are above their prediction:"
        for row in prediction.rows:
            yield from (
                f"{row.kind}, condition {row.condition:g}, {cell.name}: {len(cell.exceeded)}"
                for cell in row.cells
                if cell.exceeded
            )
    else:
        yield f"In the region, {len(judged)} of {len(judged)} step counts are within their prediction."
    if judged and len(judged) < len(counts):
        reasons = Counter(count.reason for count in counts if count.predicted is None)
        several = [f"{number} where {reason}" for reason, number in reasons.items()]
        told = "; ".join(several) if len(reasons) > 1 else next(iter(reasons))
        yield f"{len(counts) - len(judged)} more are not predicted: {told}."


def _of_methods(prediction: Prediction) -> Iterator[str]:
    if any(cell.factors for cell in prediction.cells):
        yield (
            "Counts are by the Euclidean distance. Single steps are judged in the norm of H(x*), and only "
            "those that begin and end above rounding:"
        )
    for name, cells in by_method(prediction).items():
        factors = [factor for cell in cells for factor in cell.factors]
        slow = sum(cell.slow for cell in cells)
        if factors:
            beyond = "" if cells[0].is_promised else f" (promised only to epsilon {GOOD:g})"
            share = f"more than {PROMISED:g} of the distance{beyond}; worst {max(factors):.2g}."
            yield f"{name}: {slow} of {len(factors)} such steps leave {share}"


def by_method(prediction: Prediction) -> dict[str, list[Cell]]:
    """Return the cells by method and epsilon."""
    found: dict[str, list[Cell]] = {}
    for cell in prediction.cells:
        found.setdefault(cell.name, []).append(cell)
    return found
