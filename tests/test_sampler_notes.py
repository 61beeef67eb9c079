"""Whatever the sampler falls back on leaves a line."""

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.approximate import SampledBuilder
from newtonkit.approximate.embedded import embedded_metric
from newtonkit.approximate.sampler import HessianSampler
from newtonkit.problems import Problem
from newtonkit.problems.shifting import shifted_form

N, D = 6000, 12


def design(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((N, D))


def note_of(problem: Problem, *, is_rough: bool = True) -> str:
    evaluation = problem.evaluate(np.zeros(problem.n_parameters))
    metric, _ = embedded_metric(problem, evaluation.curvature_mass, 0)
    sampler = HessianSampler(0, metric, 8)
    draw = sampler.draw(evaluation.hessian, shifted_form(evaluation.hessian), 10.0, is_rough=is_rough)
    assert draw.sampled.n_rows < N / 2
    return draw.note


def test_even_weights_need_no_fallback() -> None:
    assert note_of(nk.SinhRegression(design(), np.zeros(N))) == ""


def test_uneven_weights_make_the_metric_stale() -> None:
    """A hundredth of the rows holds half of the weight."""
    offset = np.where(np.arange(N) % 100 == 0, 0.5 * np.log(100.0), 0.0)
    note = note_of(nk.ExpRegression(design(), np.exp(offset), offset=offset))
    assert note.startswith("the old factor is stale")
    assert "uniform sample" in note or "embedding" in note


def test_rows_of_weight_0_leave_a_uniform_sample_without_a_factor() -> None:
    offset = np.full(N, -400.0)  # exp(2 u) underflows in all but a few rows
    offset[:: N // 60] = np.random.default_rng(2).uniform(-6.0, 0.0, size=len(offset[:: N // 60]))
    note = note_of(nk.ExpRegression(design(), np.zeros(N), offset=offset))
    assert note.endswith("scores from an embedding")
    assert "no Cholesky factor" in note or "few rows carry directions alone" in note


def test_an_embedding_that_cannot_be_factorised_is_taken_in_the_coordinates_of_the_metric() -> None:
    a = design()
    a[:, 1] = a[:, 0] + 1e-6 * a[:, 1]
    assert "scores in the coordinates of the metric" in note_of(
        nk.SinhRegression(a, np.zeros(N)), is_rough=False
    )


@pytest.mark.parametrize("method", ["sketched", "sampled"])
def test_a_metric_that_took_more_than_an_embedding_is_named_once(method: str) -> None:
    a = design()
    a[:, 1] = a[:, 0] + 1e-10 * a[:, 1]
    result = nk.minimize(nk.SinhRegression(a, np.sinh(0.1 * a[:, 2])), method=method, epsilon=None)
    named = ["ill-conditioned design" in record.note for record in result.history]
    assert named[0]
    assert not any(named[1:])
    clear = nk.minimize(nk.SinhRegression(design(), np.zeros(N)), method=method)
    assert "ill-conditioned" not in clear.history[0].note


@pytest.mark.parametrize(("ratio", "grows"), [(0.1, True), (0.9, False), (np.nan, False)])
def test_a_poor_ratio_asks_more_of_a_sample(ratio: float, grows: bool) -> None:
    """An error beyond epsilon, but short of what would spoil the step, counts where the step did badly."""
    a = design()
    problem = nk.ExpRegression(a, np.exp(0.1 * a.sum(axis=1)))
    start = problem.evaluate(np.zeros(D))
    metric, _ = embedded_metric(problem, start.curvature_mass, 0)
    builder = SampledBuilder(problem, metric, 1e-8, 0.3, 0)
    builder.prepare(start, np.nan)
    model = builder.build(start)
    step = model.step(0.1)
    error = model.error_along_step()
    assert 0.0 < error < 0.3
    builder._epsilon = 0.5 * error
    end = start.along(step.s, step.a_s)
    assert end is not None
    builder.prepare(end, ratio)
    assert ("the sample was off by" in builder.build(end).note) == grows
