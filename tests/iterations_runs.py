"""Small runs of ``newtonkit bench iterations``, and figures of the widest kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from newtonkit import cli
from newtonkit.prediction import Plan
from newtonkit.prediction.figures import (
    UNATTAINABLE,
    Cell,
    Count,
    NearSolve,
    Prediction,
    Promise,
    Row,
    WholeSolve,
)
from tests.certificate_stub import stub

SMALL = ["--problems", "exp", "softmax", "--conditions", "10", "--rows", "1200", "--columns", "3"]
SMALL += ["--seeds", "2"]
EXACT = [*SMALL, "--methods", "exact"]
SMALL += ["--epsilons", "0.5"]
PLAN = Plan(kinds=("exp", "softmax"), conditions=(10.0,), epsilons=(0.5,), rows=1200, columns=3, seeds=2)


def run(capsys, *arguments, code=0):
    """Run the command, and return what it writes."""
    assert cli.main(["bench", "iterations", *arguments]) == code
    return capsys.readouterr()


def promising(steps):
    """Return what certifies every point, and promises so many steps."""
    return lambda *_: stub(steps=steps, papers=9)


def long_run(count=1000, kind="resnet-softmax"):
    """Return figures of the widest kind."""
    counts = (Count(1e-2, 123, 456, 78), Count(1e-8, None, None, None, UNATTAINABLE))
    generator = np.random.default_rng(0)
    solves = tuple(
        NearSolve(k, 1.0, counts, tuple(generator.uniform(0.01, 0.6, 9).tolist()), "CONVERGED")
        for k in range(count)
    )
    cells = tuple(
        Cell(
            method,
            epsilon,
            WholeSolve(None if epsilon else 123, 99, "MAX_ITER"),
            solves,
            (1234.5, 0.1) * (count // 2) if epsilon else (),
            0.5,
            Promise(epsilon, 0.01, (0.6,) * count, 0.3) if epsilon else None,
        )
        for method, epsilon in (("exact", None), ("sketched", None), ("sampled", 0.05), ("sampled", 0.123))
    )
    plan = replace(PLAN, epsilons=(0.05, 0.123), kinds=(kind,), rows=10**7, columns=1000)
    rows = (
        Row(kind, 123456.0, cells, count, 3, 1e-9),
        Row("exp", 1e-3, note="it is bad " * 12),
        Row("exp", 1.0),
    )
    return Prediction(plan, rows, 1.0, False)
