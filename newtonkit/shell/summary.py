"""What ``newtonkit solve`` prints: how it ended, and the coefficients."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from newtonkit.shell.mistakes import in_a_line

if TYPE_CHECKING:
    from newtonkit.results import MinimizeResult
    from newtonkit.shell.tasks import Task

_MOST_COEFFICIENTS = 20
_WIDTH = 79
_NUMBER = 14


def summary_of(result: MinimizeResult, task: Task, starts: int) -> str:
    """Return the summary of a solve, at most 79 columns wide but for the description."""
    problem = task.problem
    n, d = problem.design.shape
    groups = len(problem.outer.groups)
    sizes = f"n = {n}, d = {d}" + " with the intercept" * problem.fit_intercept
    sizes += f", {groups} groups" if groups > 1 else ""
    ended = "solved" if result.success else "not solved"
    lines = [
        task.description,
        sizes,
        "",
        f"{ended}: {result.status.name}",
        *textwrap.wrap(result.message, _WIDTH),
        "",
        f"value       {result.fun:.10g}",
        f"iterations  {result.nit}",
        f"seconds     {result.seconds:.4f}",
    ]
    if starts > 1:
        lines.append(f"starts      {len(result.starts)} of {starts}; this is the best of them")
    if result.rank < d:
        lines.append(f"rank        {result.rank} of {d}: of all solutions, the nearest to 0")
    certificate = result.get("certificate")
    if certificate is not None:
        lines += ["", "certificate", *textwrap.wrap(str(certificate), _WIDTH)]
        if result.rank < d:
            lines.append(f"With a rank of {result.rank} no minimiser is alone; a ridge makes it so.")
    notes = [textwrap.fill(note, _WIDTH) for note in task.notes]
    return "\n".join([*lines, "", *_table(result, task), *([""] if notes else []), *notes]) + "\n"


def _table(result: MinimizeResult, task: Task) -> list[str]:
    """Return the coefficients; the largest of them if they are many."""
    from rich.cells import cell_len  # noqa: PLC0415

    coefficients = list(zip(task.names, result.x.tolist(), strict=False))
    hidden = len(coefficients) - _MOST_COEFFICIENTS
    if hidden > 0:
        largest = sorted(coefficients, key=lambda pair: -abs(pair[1]))[:_MOST_COEFFICIENTS]
        kept = set(largest)
        coefficients = [pair for pair in coefficients if pair in kept]
    if task.problem.fit_intercept:
        coefficients.append(("(intercept)", float(result.x[-1])))
    names = [in_a_line(name) for name, _ in coefficients]
    width = min(max(len("coefficient"), *map(cell_len, names)), _WIDTH - _NUMBER - 2)
    lines = [f"{'coefficient':<{width}}  {'value':>{_NUMBER}}", "-" * (width + 2 + _NUMBER)]
    lines += [
        f"{_fitted(name, width)}  {value:>{_NUMBER}.6g}"
        for name, (_, value) in zip(names, coefficients, strict=True)
    ]
    if hidden > 0:
        lines.append(f"... and {hidden} smaller in size; --output FILE writes them all")
    return lines


def _fitted(name: str, width: int) -> str:
    """Return a name in that many columns of a terminal, of which some letters take two."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415

    cut = name if cell_len(name) <= width else f"{set_cell_size(name, width - 3)}..."
    return set_cell_size(cut, width)
