"""From runs to reports: each run is set beside the best of them all."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

from newtonkit.comparison.method import Run
from newtonkit.comparison.monitor import TracePoint
from newtonkit.comparison.report import GAPS, MethodReport, Milestone, SeedRun
from newtonkit.comparison.start import Start
from newtonkit.comparison.truth import Finding, examine, outcome
from newtonkit.problems import Problem

_TRACED_FULLY = 500


def judge(
    problem: Problem, runs: Mapping[str, Sequence[Run]], start: Start, pass_seconds: float
) -> tuple[tuple[MethodReport, ...], float]:
    """Return a report for each method, given its runs (one, or one for each seed), and the best value."""
    findings = {name: [examine(problem, run, start) for run in done] for name, done in runs.items()}
    best_value = min(finding.value for found in findings.values() for finding in found)
    reports = tuple(
        _merged(
            [
                _report(run, finding, start, best_value, pass_seconds)
                for run, finding in zip(done, findings[name], strict=True)
            ]
        )
        for name, done in runs.items()
    )
    return reports, best_value


def milestones(trace: Sequence[TracePoint], start_value: float, best_value: float) -> tuple[Milestone, ...]:
    """Return when a trace first came within each share of the first gap."""
    first = []
    for share in GAPS:
        goal = share * (start_value - best_value)
        there = next((point for point in trace if point.value - best_value <= goal), None)
        first.append(
            Milestone(share, None, None)
            if there is None
            else Milestone(share, there.iteration, there.seconds)
        )
    return tuple(first)


def _report(run: Run, finding: Finding, start: Start, best_value: float, pass_seconds: float) -> MethodReport:
    return MethodReport(
        name=run.name,
        outcome=outcome(run, finding, start, best_value),
        iterations=run.iterations,
        nfev=run.nfev,
        njev=run.njev,
        nhev=run.nhev,
        nhessp=run.nhessp,
        factorisations=run.factorisations,
        seconds=run.seconds,
        repeats=run.repeats,
        passes=run.seconds / pass_seconds,
        value=finding.value,
        gap=finding.value - best_value,
        relative_gradient=finding.relative_gradient,
        smallest_eigenvalue=finding.smallest_eigenvalue,
        smallest_curvature=finding.smallest_curvature,
        milestones=milestones(run.trace, start.value, best_value),
        said=run.said,
        claimed_success=run.claimed_success,
        scipy_counts=None if run.scipy_counts is None else dict(run.scipy_counts),
        warned=run.warned,
        seeds=(),
        trace=_thinned(run.trace),
        x=run.x,
    )


def _merged(reports: Sequence[MethodReport]) -> MethodReport:
    """Return one report for the runs of one method; see :class:`MethodReport`."""
    if len(reports) == 1:
        return reports[0]
    missed = [report for report in reports if not report.reached]
    chosen = sorted(missed or reports, key=lambda report: report.seconds)
    shown = chosen[(len(chosen) - 1) // 2]
    seconds = statistics.median(report.seconds for report in reports)
    return replace(
        shown,
        seconds=seconds,
        passes=seconds * shown.passes / shown.seconds,
        iterations=statistics.median_low(report.iterations for report in reports),
        seeds=tuple(SeedRun(r.seconds, r.iterations, r.value, r.outcome) for r in reports),
    )


def _thinned(trace: Sequence[TracePoint]) -> tuple[TracePoint, ...]:
    rest = trace[_TRACED_FULLY:]
    every = max(1, -(-len(rest) // _TRACED_FULLY))
    # Counted from the end, so that the last iterate is always there.
    return (*trace[:_TRACED_FULLY], *rest[::-1][::every][::-1])
