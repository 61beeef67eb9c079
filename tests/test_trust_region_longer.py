"""The update of the trust region, branch by branch, on functions of one variable: longer steps, rounding."""

import numpy as np
import pytest

from newtonkit.trust_region import move
from tests.quadratic import LineModel, LinePoint, bowl, moved


def test_a_good_step_at_the_boundary_is_followed_by_longer_ones() -> None:
    """Steps up to 16 are as good as predicted, 32 is not better."""
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -t if t < 20 else 0.0, model, 1.0)
    assert model.asked == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    assert found.evaluation.t == 16.0
    assert (found.step_norm, found.ratio, found.trials) == (16.0, 1.0, 6)
    assert found.radius == 32.0


def test_steps_are_lengthened_no_further_than_predictions_hold() -> None:
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -t if t <= 1 else -1.0 - 0.5 * (t - 1.0), model, 1.0)
    assert model.asked == [1.0, 2.0]
    assert found.evaluation.t == 2.0
    assert found.ratio == 0.75
    assert found.radius == 2.0


def test_a_lengthened_step_stops_at_the_newton_step() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(bowl, model, 0.5)
    assert model.asked == [0.5, 1.0]
    assert found.evaluation.t == 1.0
    assert found.trials == 2
    assert found.radius == 2.0


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
    assert found.radius == 16.0


def test_a_step_held_by_the_radius_is_not_stretched() -> None:
    """The model, not the line, says where to go beyond the radius."""
    model = LineModel(-1.0, 0.0)
    found = moved(lambda t: -2.5 * t if t < 1.5 else 0.0, model, 1.0)
    assert model.asked == [1.0, 2.0]
    assert found.evaluation.t == 1.0
    assert (found.radius, found.trials) == (2.0, 2)


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


def test_a_decrease_below_unsuspected_rounding_is_judged_by_the_gradient() -> None:
    """Values that go up and down in their tenth digit hide a decrease of 1e-11 of them."""

    def jagged(t: float) -> float:
        return 1.0 + 1e-11 * bowl(t) + (1e-10 if t else 0.0)

    start = LinePoint(jagged, slope=lambda t: 1e-11 * (2.0 * t - 2.0))
    found = move(start, LineModel(-2e-11, 2e-11), 10.0, lambda: False)
    assert found.evaluation.t == 1.0
    assert np.isnan(found.ratio)
    assert "judged by the gradient" in found.note


def test_a_larger_rise_is_no_rounding() -> None:
    start = LinePoint(lambda t: 1.0 + (1e-8 if t else 0.0), slope=lambda t: 1e-11 * (2.0 * t - 2.0))
    assert move(start, LineModel(-2e-11, 2e-11), 10.0, lambda: False).evaluation is None
