"""Where the passes of a solve went: as rows, as text in 79 columns, and as JSON."""

from __future__ import annotations

import os
import platform
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import metadata
from statistics import median
from typing import TYPE_CHECKING, Any

from newtonkit import __version__
from newtonkit.shell.mistakes import in_a_line

if TYPE_CHECKING:
    from newtonkit.problems import Problem
    from newtonkit.results import IterationRecord, MinimizeResult

FORMAT = 1
SHARE = 1e-8
_WIDTH = 79
# A gradient below that share of S(x) is rounding: nothing can be told relative to it.
_STATIONARY = 1e-12
_PHASES = {
    "value": "values, at first and afresh",
    "gradient": "gradients, with their values",
    "metric": "what lengths are measured by",
    "opening": "a minimum on some of the rows",
    "hessian": "Hessians formed, or sampled",
    "factor": "factors, and what they need",
    "step": "steps, and products for them",
    "trials": "values along the steps",
    "verdict": "whether it is a minimum yet",
}


@dataclass(frozen=True)
class Subject:
    """What is solved.

    Attributes
    ----------
    problem : Problem
        The problem.
    description : str
        What it is, in a line.
    kind : str
        Its kind.
    data : dict
        Where it is from, for the JSON.
    """

    problem: Problem
    description: str
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """What was measured.

    Attributes
    ----------
    subject : Subject
        What was solved.
    settings : dict
        Method, gtol, seed and runs, as asked for.
    first_seconds : float
        Of the solve that warmed up.
    products : tuple of float
        Seconds of each product A x.
    results : tuple of MinimizeResult
        The solves that count, which differ in nothing but time.
    """

    subject: Subject
    settings: dict[str, Any]
    first_seconds: float
    products: tuple[float, ...]
    results: tuple[MinimizeResult, ...]

    @property
    def pass_seconds(self) -> float:
        """The median time of a product A x."""
        return median(self.products)

    @property
    def result(self) -> MinimizeResult:
        """The solve of median time, whose parts add up; the quicker of two in the middle."""
        return sorted(self.results, key=lambda result: result.seconds)[(len(self.results) - 1) // 2]

    @property
    def bandwidth(self) -> float:
        """The bytes of entries that a pass reads in a second."""
        design = self.subject.problem.design
        return design.n_entries * design.dtype.itemsize / self.pass_seconds

    def by_clock(self, seconds: float) -> float:
        """Return seconds in passes."""
        return seconds / self.pass_seconds


@dataclass(frozen=True)
class Work:
    """A kind of work in a solve.

    Attributes
    ----------
    kind, meaning : str
        Its name, and what it is.
    passes : int
        Sweeps over the data.
    seconds : float
        Wall time.
    """

    kind: str
    meaning: str
    passes: int
    seconds: float


def work_of(result: MinimizeResult) -> list[Work]:
    """Return the kinds of work of a solve; their passes and seconds add up to its own."""
    last = result.history[-1]
    kinds = [*_PHASES, *(kind for kind in (last.phases | last.phase_passes) if kind not in _PHASES)]
    rows = [
        Work(kind, _PHASES.get(kind, ""), last.phase_passes.get(kind, 0), last.phases.get(kind, 0.0))
        for kind in kinds
        if kind in last.phases or kind in last.phase_passes
    ]
    end = Work("end", "the last verdict", result.passes - last.passes, result.seconds - last.seconds)
    unnamed = last.passes - sum(last.phase_passes.values()), last.seconds - sum(last.phases.values())
    return [*rows, end, Work("other", "in none of these", *unnamed)]


def first_within(result: MinimizeResult) -> IterationRecord | None:
    """Return the first record with |g| <= 1e-8 |g0|, if there is one that means anything."""
    if _starts_stationary(result):
        return None
    goal = SHARE * result.history[0].gradient_norm
    return next((record for record in result.history if record.gradient_norm <= goal), None)


def _starts_stationary(result: MinimizeResult) -> bool:
    return not result.history[0].relative_gradient > _STATIONARY


def _relative(record: IterationRecord, result: MinimizeResult) -> float:
    """Return |g| / |g0|, or |g| / S(x) if the solve starts where the gradient is rounding."""
    if _starts_stationary(result):
        return record.relative_gradient
    return record.gradient_norm / result.history[0].gradient_norm


def report_of(measured: Measurement) -> str:
    """Return all that was measured as text."""
    lines = [*_head(measured), "", *_work_table(measured), "", *_iteration_table(measured), ""]
    return "\n".join([*lines, *_ending(measured)]) + "\n"


def _head(measured: Measurement) -> Iterator[str]:
    problem, result = measured.subject.problem, measured.result
    design = problem.design
    (n, d), machine = design.shape, _machine()
    yield from textwrap.wrap(in_a_line(measured.subject.description), _WIDTH)
    yield f"n = {n}, d = {d}{' with the intercept' * problem.fit_intercept}"
    yield ""
    system, runs = f"{platform.system()} {platform.machine()}", [f"{r.seconds:.4g}" for r in measured.results]
    facts = {
        "machine": f"{system}, processors: {machine['processors']}, threads: {machine['threads']}",
        "versions": ", ".join(f"{name} {version}" for name, version in _versions().items()),
        "entries": f"{design.n_entries} in {design.dtype}",
        "one pass": f"{1e3 * measured.pass_seconds:.4g} ms, the median of {len(measured.products)} "
        f"products A x: {1e-9 * measured.bandwidth:.3g} GB/s of entries",
        "method": f"{result.method}: {result.method_reason or 'as asked for'}",
        "first run": f"{measured.first_seconds:.4g} s, with what is compiled or loaded only then",
        "runs": f"{', '.join(runs)} s" + "; what follows is the one of median time" * (len(runs) > 1),
    }
    for name, fact in facts.items():
        yield from textwrap.wrap(
            fact, _WIDTH, initial_indent=f"{name:<11}", subsequent_indent=" " * 11, break_on_hyphens=False
        )


def _work_table(measured: Measurement) -> Iterator[str]:
    yield f"{'':<10}{'passes':>10}{'passes':>10}"
    yield f"{'work':<10}{'counted':>10}{'by clock':>10}{'seconds':>10}{'share':>8}"
    yield "-" * _WIDTH
    rows, result = work_of(measured.result), measured.result
    for row in [*rows, Work("total", "", result.passes, result.seconds)]:
        share = row.seconds / result.seconds
        line = f"{row.kind:<10}{row.passes:>10}{measured.by_clock(row.seconds):>10.1f}"
        yield f"{line}{row.seconds:>10.4f}{share:>8.1%}  {row.meaning}".rstrip()


def _iteration_table(measured: Measurement) -> Iterator[str]:
    result = measured.result
    size = "|g|/S(x)" if _starts_stationary(result) else "|g|/|g0|"
    yield f"{'':<43}{'rows':>10}{'passes':>10}{'passes':>10}"
    yield f"{'iter':>4}{'value':>19}{size:>10}{'inner':>10}{'sampled':>10}{'counted':>10}{'by clock':>10}"
    yield "-" * _WIDTH
    for record in result.history:
        yield (
            f"{record.iteration:>4}{record.value:>19.11g}{_relative(record, result):>10.1e}"
            f"{record.inner_iterations:>10}{record.rows_sampled:>10}{record.passes:>10}"
            f"{measured.by_clock(record.seconds):>10.1f}"
        )
        if record.note:
            margin = " " * 6
            yield from textwrap.wrap(
                record.note, _WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
            )


def _ending(measured: Measurement) -> Iterator[str]:
    result, found = measured.result, first_within(measured.result)
    what = f"|g| <= {SHARE:g} |g0|"
    if found is not None:
        clock = measured.by_clock(found.seconds)
        yield f"{what} after {found.passes} passes counted, {clock:.1f} by the clock"
    elif _starts_stationary(result):
        yield f"{what} means nothing here: the gradient at the start is rounding"
    else:
        last = result.history[-1]
        needed = SHARE * result.history[0].gradient_norm * last.relative_gradient / last.gradient_norm
        more = f"; try --gtol {0.6 * needed:.0e}" if result.status.name == "CONVERGED" else ""
        yield f"{what} was not reached: it ended at {_relative(last, result):.1e}{more}"
    yield ""
    yield f"{'solved' if result.success else 'not solved'}: {result.status.name}"
    yield from textwrap.wrap(result.message, _WIDTH)


def figures_of(measured: Measurement) -> dict[str, Any]:
    """Return all that was measured for the JSON."""
    subject, result, found = measured.subject, measured.result, first_within(measured.result)
    design = subject.problem.design
    counts = ("nit", "nfev", "njev", "nhev", "inner_iterations", "factorisations", "passes", "rank")
    return {
        "format": FORMAT,
        "newtonkit": __version__,
        "problem": {
            "description": subject.description,
            "kind": subject.kind,
            "class": type(subject.problem).__name__,
            "intercept": subject.problem.fit_intercept,
            **dict(zip(("n", "d"), design.shape, strict=True)),
            "entries": design.n_entries,
            "dtype": str(design.dtype),
        },
        "data": subject.data,
        "settings": measured.settings,
        "machine": _machine(),
        "versions": _versions(),
        "pass_seconds": measured.pass_seconds,
        "bytes_per_second": measured.bandwidth,
        "first_run_seconds": measured.first_seconds,
        "run_seconds": [one.seconds for one in measured.results],
        "result": {
            "status": result.status.name,
            "success": bool(result.success),
            "message": result.message,
            "fun": float(result.fun),
            **{name: int(result[name]) for name in counts},
            "passes_by_clock": measured.by_clock(result.seconds),
            "seconds": result.seconds,
            "method": result.method,
            "method_reason": result.method_reason,
        },
        "work": [{"kind": row.kind} | _cost(measured, row) for row in work_of(result)],
        "until": found and {"share": SHARE, "iteration": found.iteration} | _cost(measured, found),
        "history": [_iteration(measured, record) for record in result.history],
    }


def _cost(measured: Measurement, spent: Work | IterationRecord) -> dict[str, float]:
    """Return what something has cost; the last figure is its share of the seconds of the solve."""
    clock, share = measured.by_clock(spent.seconds), spent.seconds / measured.result.seconds
    return {"passes": spent.passes, "passes_by_clock": clock, "seconds": spent.seconds, "time_share": share}


def _iteration(measured: Measurement, record: IterationRecord) -> dict[str, Any]:
    found = {f.name: getattr(record, f.name) for f in fields(record) if f.name != "x"}
    return found | {"passes_by_clock": measured.by_clock(record.seconds)}


def _machine() -> dict[str, str | int]:
    from newtonkit.design import get_num_threads  # noqa: PLC0415

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"platform": platform.platform(), "processors": cores, "threads": get_num_threads()}


def _versions() -> dict[str, str]:
    ours = {"python": platform.python_version(), "newtonkit": __version__}
    return ours | {name: metadata.version(name) for name in ("numpy", "scipy", "numba")}
