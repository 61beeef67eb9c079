"""The update of the trust region, branch by branch, on functions of one variable."""

from collections.abc import Callable

import numpy as np
import pytest

from newtonkit.trust_region import Move, move
from tests.quadratic import LineModel, LinePoint


def never() -> bool:
    return False


def moved(
    function: Callable[[float], float],
    model: LineModel,
    radius: float,
    *,
    noise: float = 0.0,
    slope: Callable[[float], float] | None = None,
) -> Move:
    return move(LinePoint(function, 0.0, slope, noise), model, radius, never)


def bowl(t: float) -> float:
    """A quadratic with its minimum at 1: slope -2, curvature 2."""
    return t * t - 2.0 * t


def test_a_newton_step_as_good_as_predicted_is_taken() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(bowl, model, 10.0)
    assert found.evaluation.t == 1.0
    assert (found.step_norm, found.ratio, found.trials) == (1.0, 1.0, 1)
    assert found.radius == 10.0  # four times the step is less: the radius stays
    assert model.asked == [10.0]
    assert found.note == ""


def test_the_radius_grows_to_four_times_a_good_step() -> None:
    assert moved(bowl, LineModel(-2.0, 2.0), 1.5).radius == 4.0


def test_a_fair_newton_step_keeps_the_radius() -> None:
    found = moved(lambda t: 0.5 * bowl(t), LineModel(-2.0, 2.0), 1.5)
    assert found.ratio == 0.5
    assert found.radius == 1.5
    assert moved(lambda t: 0.5 * bowl(t), LineModel(-2.0, 2.0), 1.0).radius == 1.0


def rises_past(edge: float, function: Callable[[float], float] = bowl) -> Callable[[float], float]:
    return lambda t: function(t) if t <= edge else np.inf


def test_a_rejected_step_is_tried_again_shorter_on_the_same_model() -> None:
    """Steps 1 and 1/4 are rejected, 1/16 is taken; shorter radii come from one model."""
    model = LineModel(-2.0, 2.0)
    found = moved(rises_past(0.1), model, 8.0)
    assert model.asked[:3] == [8.0, 0.25, 0.0625]
    assert found.evaluation.t == 0.0625
    assert found.step_norm == 0.0625
    assert found.ratio == pytest.approx(1.0)
    assert found.trials >= 3


def test_outside_the_domain_is_a_rejected_step() -> None:
    found = moved(lambda t: bowl(t) if t <= 0.3 else np.nan, LineModel(-2.0, 2.0), 8.0)
    assert found.evaluation.t == 0.25


@pytest.mark.parametrize("there", [np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_a_rejected_step(there: float) -> None:
    found = moved(lambda t: bowl(t) if t <= 0.3 else there, LineModel(-2.0, 2.0), 8.0)
    assert found.evaluation.t == 0.25
    assert np.isfinite(found.ratio)


def test_predictions_that_underflow_are_no_decrease() -> None:
    found = moved(lambda t: t, LineModel(-1e-310, 0.0), 1.0)
    assert found.evaluation is None


def test_a_step_is_accepted_only_if_the_value_falls() -> None:
    """A model of the wrong sign: every step goes up."""
    model = LineModel(-2.0, 2.0)
    found = moved(lambda t: t, model, 1.0, noise=1e-6)
    assert found.evaluation is None
    assert found.step_norm == 0.0
    assert found.ratio < 0.0
    assert found.note == "no shorter step helps"
    assert found.radius == pytest.approx(0.25 * model.asked[-1])
    assert found.trials == len(model.asked)
    np.testing.assert_allclose(model.asked, 0.25 ** np.arange(len(model.asked)))
    assert 2.0 * model.asked[-1] <= 1e-6 < 2.0 * model.asked[-2]  # given up when predictions drown


@pytest.mark.parametrize(("share", "accepted"), [(0.5e-4, False), (2e-4, True)])
def test_next_to_no_decrease_is_none(share: float, accepted: bool) -> None:
    """Of the decrease that was predicted, a ten-thousandth must be there."""
    found = moved(lambda t: share * bowl(t), LineModel(-2.0, 2.0), 1.0, noise=0.8)
    assert (found.evaluation is not None) == accepted


def test_trials_come_to_an_end() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(lambda t: t, model, 1.0)
    assert found.evaluation is None
    assert found.trials == len(model.asked) == 40


def test_trials_end_when_time_is_out() -> None:
    model = LineModel(-2.0, 2.0)
    found = move(LinePoint(lambda t: t), model, 1.0, lambda: True)
    assert found.evaluation is None
    assert found.trials == 1


def shallow(t: float) -> float:
    """Falls to a minimum of -0.24 at 0.25, and is a little below 0 at t = 1 where the model says -1."""
    return 4.0 * t * t - 2.0 * t if t < 0.25 else -0.25 + 0.24 * (t - 0.25) / 0.75


def test_a_poor_step_is_followed_by_shorter_ones_that_do_better() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(shallow, model, 1.0)
    assert model.asked == [1.0, 0.25, 0.0625]
    assert found.evaluation.t == 0.25
    assert found.trials == 3
    assert found.step_norm == 0.25
    assert found.ratio == pytest.approx(0.25 / 0.4375)
    assert found.radius == 0.25  # fair: the length of the step


def test_a_poor_step_that_no_shorter_one_betters_shrinks_the_radius() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(lambda t: -0.1 * t if t < 2 else 1.0, model, 1.0)
    assert found.evaluation.t == 1.0
    assert found.ratio == pytest.approx(0.1)
    assert (found.radius, found.trials) == (0.25, 2)
    assert model.asked == [1.0, 0.25]


def test_a_shorter_step_that_is_good_makes_the_radius_twice_its_length() -> None:
    def dip(t: float) -> float:
        return bowl(t) if t < 0.3 else -0.1

    found = moved(dip, LineModel(-2.0, 2.0), 1.0)
    assert found.evaluation.t == 0.25
    assert found.ratio == 1.0
    assert found.radius == 0.5


def test_a_good_step_at_the_boundary_is_followed_by_longer_ones() -> None:
    """Steps 1, 4 and 16 are as good as predicted, 64 is not better."""
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -t if t < 20 else 0.0, model, 1.0)
    assert model.asked == [1.0, 4.0, 16.0, 64.0]
    assert found.evaluation.t == 16.0
    assert (found.step_norm, found.ratio, found.trials) == (16.0, 1.0, 4)
    assert found.radius == 64.0


def test_steps_are_lengthened_no_further_than_predictions_hold() -> None:
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -t if t <= 1 else -1.0 - 0.5 * (t - 1.0), model, 1.0)
    assert model.asked == [1.0, 4.0]
    assert found.evaluation.t == 4.0
    assert found.ratio == pytest.approx(2.5 / 4.0)
    assert found.radius == 4.0


def test_a_lengthened_step_stops_at_the_newton_step() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(bowl, model, 0.5)
    assert model.asked == [0.5, 2.0]
    assert found.evaluation.t == 1.0
    assert found.trials == 2
    assert found.radius == 4.0


def test_negative_curvature_is_followed_to_the_boundary_and_beyond() -> None:
    model = LineModel(0.0, -2.0)
    found = moved(lambda t: -t * t if t < 30 else 0.0, model, 1.0)
    assert found.evaluation.t == 16.0
    assert found.ratio == 1.0


def test_a_fair_step_at_the_boundary_is_taken_as_it_is() -> None:
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -0.5 * t, model, 2.0)
    assert model.asked == [2.0]
    assert found.evaluation.t == 2.0
    assert (found.radius, found.ratio, found.trials) == (2.0, 0.5, 1)


def test_a_newton_step_better_than_predicted_is_stretched() -> None:
    """With the function going down linearly, 1, 2, 4, 8 are each better, 16 is not."""
    model = LineModel(-2.0, 2.0)
    found = moved(lambda t: -2.0 * t if t < 10 else 0.0, model, 3.0)
    assert model.asked == [3.0]  # along the same step, no other model step
    assert found.evaluation.t == 8.0
    assert found.trials == 5
    assert found.step_norm == 8.0
    assert found.ratio == 16.0
    assert found.radius == 32.0


def test_a_step_held_by_the_radius_is_not_stretched() -> None:
    """The model, not the line, says where to go beyond the radius."""
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -2.5 * t if t < 3 else 0.0, model, 1.0)
    assert model.asked == [1.0, 4.0]
    assert found.evaluation.t == 1.0
    assert (found.radius, found.trials) == (4.0, 2)


def test_stretching_stops_when_it_gains_little() -> None:
    found = moved(lambda t: -2.0 * min(t, 1.0) - 0.1 * max(t - 1.0, 0.0), LineModel(-2.0, 2.0), 30.0)
    assert found.evaluation.t == 1.0
    assert found.trials == 2
    assert found.radius == 30.0


def test_a_step_as_good_as_predicted_is_not_stretched() -> None:
    found = moved(lambda t: 1.09 * bowl(t), LineModel(-2.0, 2.0), 3.0)
    assert found.trials == 1


NOISE = 1e-3


def test_steps_too_short_to_be_judged_are_lengthened_first() -> None:
    model = LineModel(-1e-5, 0.0)
    found = moved(lambda t: -1e-5 * t, model, 1.0, noise=NOISE)
    assert model.asked[:3] == [1.0, 16.0, 256.0]
    assert found.evaluation.t >= 256.0
    assert found.ratio == pytest.approx(1.0)


def test_the_radius_is_not_lengthened_without_end() -> None:
    model = LineModel(-1e-12, 0.0)
    found = moved(lambda t: -1e-12 * t, model, 1.0, noise=NOISE, slope=lambda t: -1e-12)
    assert model.asked == [1.0, 16.0, 256.0, 4096.0]
    assert found.evaluation is None
    assert np.isnan(found.ratio)


def test_a_decrease_below_rounding_is_judged_by_the_gradient() -> None:
    model = LineModel(-1e-3, 1e-1)
    found = moved(bowl_of_noise, model, 0.5, noise=NOISE, slope=lambda t: -1e-3 + 1e-1 * t)
    assert found.evaluation.t == pytest.approx(0.01)
    assert found.trials == 1
    assert np.isnan(found.ratio)
    assert "gradient" in found.note
    assert found.radius == 0.5
    assert found.step_norm == pytest.approx(0.01)


def bowl_of_noise(t: float) -> float:
    """A quadratic whose value at the minimum is drowned: it even seems to rise."""
    return 1.0 + 0.5 * NOISE * (t > 0.0)


def test_a_step_below_rounding_that_makes_the_gradient_larger_is_refused() -> None:
    found = moved(bowl_of_noise, LineModel(-1e-3, 1e-1), 0.5, noise=NOISE, slope=lambda t: -1e-3 - t)
    assert found.evaluation is None
    assert (found.step_norm, found.radius, found.trials) == (0.0, 0.5, 1)
    assert "gradient" in found.note


def test_a_step_below_rounding_that_leaves_the_gradient_as_it_is_is_refused() -> None:
    found = moved(bowl_of_noise, LineModel(-1e-3, 1e-1), 0.5, noise=NOISE, slope=lambda t: -1e-3)
    assert found.evaluation is None


@pytest.mark.parametrize("there", [1.0 + 2.0 * NOISE, np.inf, np.nan])
def test_a_value_that_rises_by_more_than_rounding_is_refused(there: float) -> None:
    def function(t: float) -> float:
        return there if t > 0.0 else 1.0

    found = moved(function, LineModel(-1e-3, 1e-1), 0.5, noise=NOISE, slope=lambda t: 0.0 if t else -1.0)
    assert found.evaluation is None


def test_a_small_radius_grows_with_a_step_judged_by_the_gradient() -> None:
    model = LineModel(-1e-3, 1e-2)
    found = moved(bowl_of_noise, model, 1e-3, noise=NOISE, slope=lambda t: -1e-3 + 1e-2 * t)
    assert found.evaluation.t == pytest.approx(0.1)
    assert found.radius >= 0.1
