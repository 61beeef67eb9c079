"""The figures as text in 79 columns."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator

from newtonkit.certificates.contraction import PROMISED
from newtonkit.prediction.figures import Cell, Prediction, Row
from newtonkit.prediction.judgement import summaries, verdict
from newtonkit.prediction.solves import ACCURACIES

_WIDTH = 79
_NONE = "-"
_PAPERS = "papers' T"


def report_of(prediction: Prediction) -> str:
    """Return tables and verdict as text."""
    parts = [*_head(prediction), "", *_problems(prediction), ""]
    if any(cell.epsilon is not None for cell in prediction.cells):
        parts += [*_samples(prediction), ""]
    for sentence in verdict(prediction):
        parts += textwrap.wrap(sentence, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(parts) + "\n"


def _head(prediction: Prediction) -> Iterator[str]:
    plan = prediction.plan
    starts = f"{plan.seeds} start{'s' * (plan.seeds != 1)}"
    text = (
        f"Planted problems, n = {plan.rows}, d = {plan.columns}, noise {plan.noise:g}; {starts} each, "
        "certified to be in the region where Newton steps contract. Steps are counted from there until the "
        "Euclidean distance from the minimum has fallen to the part 'to' of the first, "
        f"{_power(min(ACCURACIES))} or what float64 is sure to attain: the most by the papers' T, the most "
        "that are certified, and those seen, of the start that comes nearest to what is certified."
    )
    yield from textwrap.wrap(text, _WIDTH, break_on_hyphens=False)


def _problems(prediction: Prediction) -> Iterator[str]:
    yield f"{'':<17}{' steps in the region ':-^33} {'worst':>7} {'true':>7}{'from x = 0':>13}"
    yield (
        f"{'problem, method':<17}{'to':>6}{_PAPERS:>11}{'certified':>10}{'seen':>6} {'step':>7} {'error':>7} "
        f"{'before':>8}{'in':>4}".rstrip()
    )
    yield "-" * _WIDTH
    for row in prediction.rows:
        yield from _block(row)


def _block(row: Row) -> Iterator[str]:
    missing = "no minimum was found" if row.note else "" if row.cells else "not reached"
    yield f"{row.kind}, condition {row.condition:g}{': ' if missing else ''}{missing}"
    if not missing:
        yield from (_line(cell, row.begins_at_minimum) for cell in row.cells)


def _line(cell: Cell, begins_at_minimum: bool) -> str:
    count, whole = cell.tightest, cell.whole
    to, papers, certified, seen = (_NONE,) * 4
    if count is not None:
        to, papers, certified = _power(count.to), _number(count.papers), _number(count.predicted)
        seen = _number(count.observed, "never")
    before, inside = _number(whole.before, "never"), str(whole.inside)
    if begins_at_minimum:
        before = inside = _NONE
    worst = _marked(_share(cell.worst), cell.is_promised and cell.worst > PROMISED)
    return (
        f"  {cell.name:<15}{to:>6}{papers:>11}{certified:>10}{_marked(seen, bool(cell.exceeded)):>7}"
        f"{worst:>8}{_true_error(cell):>8}{before:>8}{inside:>4}"
    )


def _true_error(cell: Cell) -> str:
    largest = max(cell.errors, default=math.nan)
    return _marked(_share(largest), cell.epsilon is not None and largest > cell.epsilon)


def _samples(prediction: Prediction) -> Iterator[str]:
    delta = f"sparsify, delta {prediction.plan.delta:g}"
    yield f"{'':<7}{'steps in the region':>21}{'of the solver':>20}{delta:>31}"
    yield f"{'sampled':<59}{'share above epsilon,':>20}"
    yield (
        f"{'epsilon':<7}{'taken':>7}{f'> {PROMISED:g}':>7}{'worst':>7}{'drawn':>7}{'> eps':>6}{'worst':>7}"
        f"{'drawn':>7}{'> eps':>6}{'95 % interval':>18}"
    )
    yield "-" * _WIDTH
    for one in summaries(prediction):
        low, high = one.interval
        interval = f"{low:.2g} to {high:.2g}" if one.promised else "all rows kept"
        yield (
            f"{one.epsilon:<7g}{one.steps:>7}{one.slow:>7}{_share(one.worst):>7}{one.drawn:>7}{one.above:>6}"
            f"{_share(one.largest):>7}{one.promised:>7}{one.broken:>6}{interval:>18}"
        )


def _marked(text: str, bad: bool) -> str:
    """Leave room for a mark, so that figures stand below one another."""
    return text + ("!" if bad else " ")


def _number(count: int | None, none: str = _NONE) -> str:
    return none if count is None else str(count)


def _share(value: float) -> str:
    """Return a figure in at most five letters."""
    if math.isnan(value):
        return _NONE
    return _power(value) if 0.0 < value < 5e-4 or value >= 10.0 else f"{value:.3f}"


def _power(value: float) -> str:
    """Return a figure in at most five letters."""
    text = f"{value:g}"
    return text if len(text) <= 3 else re.sub(r"e(-?)\+?0*", r"e\1", f"{value:.0e}")
