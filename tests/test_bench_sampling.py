"""The benchmarks of sampling measure what they say they do, at sizes that take no time."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

from bench import hessian_model, input_sparsity, sampled_iterations
from bench.gaussian import dense_rows, regression, sparse_rows
from bench.near_minimum import minimum, newton_contraction, spectral_errors
from bench.timing import Stopwatch, fitted_line, warning
from newtonkit.datasets import make_planted
from newtonkit.prediction.minimum import length, newton_step

WIDTH = 80


def test_the_bound_on_the_steps_is_the_least_power_that_suffices():
    for accuracy, steps in zip(sampled_iterations.ACCURACIES, (6, 11, 16, 21, 26), strict=True):
        assert sampled_iterations.bound(accuracy) == steps
        assert 0.4**steps <= accuracy < 0.4 ** (steps - 1)


def test_steps_are_counted_from_near_and_judged_down_to_the_floor():
    distances = (50.0, 10.0, 1.0, 2e-2, 1e-2, 1e-4, 2e-9, 1.9e-9, 3e-8)
    steps, worst = sampled_iterations._judged(distances, 1, floor=1e-8)
    assert steps == (2, 4, 5, 5, None)
    assert worst == 0.5  # neither the first step, which is far away, nor the last two, which are rounding
    # What lies below the floor is not counted, even where it was reached.
    assert sampled_iterations._judged((*distances, 1e-10), 1, floor=1e-8)[0][-1] is None
    steps, worst = sampled_iterations._judged(distances, None, floor=1e-8)
    assert steps == (None,) * 5
    assert math.isnan(worst)


def test_distances_and_newton_steps_are_those_of_the_dense_hessian():
    planted = make_planted("softmax", 300, 4, condition=100.0, rng=0)
    x = 0.9 * planted.solution
    evaluation = planted.problem.evaluate(x)
    dense = np.asarray(evaluation.hessian)
    step = newton_step(evaluation)
    np.testing.assert_allclose(step, np.linalg.solve(dense, -evaluation.gradient), rtol=1e-9)
    assert length(evaluation.hessian, step) == pytest.approx(np.sqrt(step @ dense @ step), rel=1e-9)
    least = minimum(planted)
    near = least.x + 1e-3 * planted.solution
    # Newton's method converges quadratically: a hundredth of the distance leaves a hundredth of the factor.
    far_factor = newton_contraction(planted, least, near)
    near_factor = newton_contraction(planted, least, least.x + 1e-5 * planted.solution)
    assert near_factor == pytest.approx(0.01 * far_factor, rel=0.1)


def test_the_minimum_is_stationary_and_its_floor_tells_how_well_it_is_known():
    planted = make_planted("exp", 500, 4, condition=10.0, rng=0)
    least = minimum(planted)
    start = length(least.hessian, least.x)
    assert least.floor < 1e-11 * start
    assert length(least.hessian, least.x - planted.solution) <= least.floor


def test_a_sample_of_all_rows_has_no_spectral_error_and_a_small_one_has():
    planted = make_planted("exp", 300, 4, condition=10.0, rng=0)
    least = minimum(planted)
    assert max(spectral_errors(planted, least, 0.1, 2)) < 1e-10
    errors = spectral_errors(planted, least, 0.9, 2)
    assert 0.01 < min(errors) <= max(errors) < 3.0


def test_sampled_iterations_on_a_small_problem():
    row = sampled_iterations.measured("softmax", 10.0, 3000, 4, epsilon=0.1, seeds=2, draws=3)
    assert row.floor < 1e-10 * row.runs[0].distances[0]
    for run in row.runs:
        assert run.near is not None
        assert run.distances[-1] < 1e-8 * run.distances[run.near]
        assert 0.0 < run.worst <= sampled_iterations.REQUIRED
        assert run.steps[0] is not None
        assert 0.1 < run.share < 0.8
    assert max(row.spectral_errors) < 0.2
    shown = sampled_iterations.table([row], 0.1)
    assert max(map(len, shown.splitlines())) <= WIDTH
    assert shown.splitlines()[-1].split()[3] == str(max(run.steps[0] for run in row.runs))
    assert "more steps than T anywhere: 0 of 2" in sampled_iterations.verdict([row], 0.1)


def test_a_run_that_needs_too_many_steps_is_counted():
    run = sampled_iterations.Run((1.0,), 0, (7, None, None, None, None), 0.5, 0.1, False, 0, "STALLED")
    row = sampled_iterations.Row("exp", 1.0, "planted", 0.0, 0.0, 0.0, 0.0, 0.0, [0.2], (run,))
    said = sampled_iterations.verdict([row], 0.1)
    assert "more steps than T anywhere: 1 of 1" in said
    assert "contracts by less than 0.4: 1 of 1" in said
    assert "exceeds 0.1: 1 of 1" in said


def test_the_line_has_the_least_squares_of_relative_deviations():
    sizes = [1e4, 1e5, 1e6, 1e7]
    line = fitted_line(sizes, [2.0 + 3e-6 * size for size in sizes])
    assert line.intercept == pytest.approx(2.0)
    assert line.slope == pytest.approx(3e-6)
    assert line.worst < 1e-10
    measured = np.array([2.5, 2.0, 5.5, 31.0])
    line = fitted_line(sizes, measured)
    design = np.column_stack((np.ones(4), sizes)) / measured[:, None]
    np.testing.assert_allclose(design.T @ line.deviations, 0.0, atol=1e-6)
    deviations = (line.intercept + line.slope * np.array(sizes)) / measured - 1.0
    assert line.worst == pytest.approx(np.abs(deviations).max())


@pytest.mark.parametrize("method", input_sparsity.METHODS)
@pytest.mark.parametrize("design", ["dense", "csr"])
def test_input_sparsity_at_small_sizes(design, method):
    series = input_sparsity.measured(design, method, "softmax", (2000, 6000), rounds=1, epsilon=0.5)
    entries_per_row = 20 if design == "dense" else 10
    assert series.entries == [2000 * entries_per_row, 6000 * entries_per_row]
    assert all(0 < kept < 4000 for kept in series.rows_sampled)
    assert series.seconds == [low for low, _ in series.quartiles]
    assert series.worst < 1e-6  # two points lie on a line
    assert max(map(len, input_sparsity.table(series).splitlines())) <= WIDTH


def test_sizes_cover_three_decades():
    assert input_sparsity.all_sizes(10**7)[::2] == [10**4, 10**5, 10**6, 10**7]


def test_rows_of_a_sparse_design_have_so_many_entries_each_in_order():
    matrix = sparse_rows(50, 23, 5, seed=0)
    assert (np.diff(matrix.indptr) == 5).all()
    assert (np.diff(matrix.indices.reshape(50, 5), axis=1) > 0).all()
    assert matrix.indices.max() < 23


@pytest.mark.parametrize("kind", ["softmax", "exp"])
def test_the_point_of_a_regression_lies_a_tenth_short_of_its_solution(kind):
    problem, x = regression(kind, dense_rows(400, 3, seed=0), seed=0)
    solution = x / 0.9
    assert np.abs(problem.design.product(solution)).max() == pytest.approx(3.0)
    assert problem.fun(solution) < 1e-20 * problem.fun(x)


def test_phases_add_up_to_the_whole():
    row = hessian_model.measured(2000, 5, repeats=1)
    assert set(row.refresh_phases) == set(hessian_model.PHASES)
    for total, parts in ((row.first, row.first_phases), (row.refresh, row.refresh_phases)):
        assert total == pytest.approx(sum(parts.values()))
        always = set(hessian_model.PHASES) - {"embedding", "whitening"}  # those are for awkward data
        assert all(parts[phase] > 0.0 for phase in always)
    assert row.first_phases["embedding"] > row.refresh_phases["embedding"]
    assert 0 < row.rows_sampled < 1000
    assert row.ratio_refresh == pytest.approx(row.exact / row.refresh)
    assert max(map(len, hessian_model.table([row] * 3).splitlines())) <= WIDTH


def test_a_stopwatch_charges_inner_work_to_the_inner_phase_and_takes_itself_away():
    owner = SimpleNamespace(inner=lambda: time.sleep(0.02))
    owner.outer = lambda: (time.sleep(0.01), owner.inner())
    before = vars(owner).copy()
    watch = Stopwatch()
    with watch.watching([(owner, "inner", "inner"), (owner, "outer", "outer")]):
        owner.outer()
    assert watch.seconds["inner"] > watch.seconds["outer"] > watch.seconds["rest"]
    assert vars(owner) == before


def test_a_busy_machine_is_warned_about():
    assert "1.5 cores" in warning(1.5)
    assert warning(0.0) == warning(float("nan")) == ""
