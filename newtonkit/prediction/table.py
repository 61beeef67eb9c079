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
        "certified to be in the region where Newton steps contract. Steps are counted from there to "
        f"{_power(min(ACCURACIES))} of the distance from the minimum, or as near as the certificate "
        "promises: the papers' bound, the certificate's, and those seen (of all starts the one nearest to "
        "its bound)."
    )
    yield from textwrap.wrap(text, _WIDTH, break_on_hyphens=False)


def _problems(prediction: Prediction) -> Iterator[str]:
    yield f"{'':<35}{'steps in the region':>19}{'worst':>7}{'true':>7}{'from x = 0':>11}"
    yield (
        f"{'problem':<16}{'cond':>5}  {'method':<12}{'papers':>6}{'bound':>6}{'seen':>6} {'step':>6} "
        f"{'error':>6} {'before':>7}{'in':>3}"
    )
    yield "-" * _WIDTH
    for row in prediction.rows:
        yield from _block(row)


def _block(row: Row) -> Iterator[str]:
    name = f"{row.kind:<16}{_power(row.condition):>5}  "
    if row.note or not row.cells:
        yield f"{name}{'no minimum was found' if row.note else 'not reached'}"
        return
    for cell in row.cells:
        yield f"{name}{_line(cell)}"
        name = " " * len(name)


def _line(cell: Cell) -> str:
    count, whole = cell.tightest, cell.whole
    papers, bound, seen = (_NONE,) * 3
    if count is not None:
        papers, bound = _number(count.papers), _number(count.predicted)
        seen = _number(count.observed, "never")
    before = "never" if whole.before is None else str(whole.before)
    return (
        f"{cell.name}{papers:>{18 - len(cell.name)}}{bound:>6}{_marked(seen, bool(cell.exceeded)):>7}"
        f"{_marked(_share(cell.worst), cell.worst > PROMISED):>7}{_true_error(cell):>7}"
        f"{before:>8}{whole.inside:>3}"
    )


def _true_error(cell: Cell) -> str:
    largest = max(cell.errors, default=math.nan)
    return _marked(_share(largest), cell.epsilon is not None and largest > cell.epsilon)


def _samples(prediction: Prediction) -> Iterator[str]:
    delta = f"sparsify, delta {prediction.plan.delta:g}"
    yield f"{'sampled':<7}{'steps in the region':>21}{'of the solver':>20}{delta:>31}"
    yield (
        f"{'epsilon':<7}{'taken':>7}{f'> {PROMISED:g}':>7}{'worst':>7}{'drawn':>7}{'> eps':>6}{'worst':>7}"
        f"{'drawn':>7}{'> eps':>6}{'share, 95 %':>18}"
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
