"""No solve takes more steps than a certificate says are enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from tests.certificate_checks import unit
from tests.certificate_family import Case, single
from tests.certificate_truth import LONG, Truth, critical_point, norm


def many_rows(name: str, d: int = 4, condition: float = 10.0) -> Case:
    """A problem with rows enough for samples to leave some out."""
    rng = np.random.default_rng(8)
    A = rng.standard_normal((4000, d)) * np.logspace(0, -np.log10(condition), d)
    f = np.exp(A @ (rng.standard_normal(d) / d)) * np.exp(0.2 * rng.standard_normal(4000))
    if name == "exp":
        return single("elementwise", "exp", A, f)
    if name == "cross-entropy":
        return single("cross-entropy", "exp", A, f / f.sum())
    groups = np.arange(4000) // 20
    return single("normalised", "exp", A, f / np.repeat(np.bincount(groups, f), 20), groups=groups)


@pytest.mark.parametrize("method", ["exact", "sampled", "sketched"])
@pytest.mark.parametrize("name", ["exp", "cross-entropy", "softmax"])
def test_no_solve_takes_more_steps_than_are_certified(name: str, method: Any) -> None:
    case = many_rows(name)
    long, problem = Truth(case, LONG), case.make()
    star = critical_point(long, nk.minimize(problem).x, tolerance=1e-17)
    assert star is not None
    checked = 0
    for seed in range(6):
        rng = np.random.default_rng([9, seed])
        x = star.x.astype(float) + 10.0 ** rng.uniform(-4, -1) * unit(rng, len(star.x))
        certificate = nk.certify(problem, x)
        away: list[float] = []
        nk.minimize(
            problem,
            x,
            method=method,
            gtol=0.0,
            max_iter=60,
            rng=seed,
            callback=lambda record, away=away: away.append(float(norm(record.x - star.x))),
        )
        for eps in (1e-2, 1e-4, 1e-7, 1e-10, 2 * certificate.attainable):
            steps = certificate.steps(eps, method)
            if steps is not None:
                checked += 1
                assert min(away[: steps + 1]) <= eps, (seed, eps, steps, away)
    assert checked >= 10
