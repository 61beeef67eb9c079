"""The update of the trust region, branch by branch, on functions of one variable: shorter steps."""

from collections.abc import Callable

import numpy as np
import pytest

from newtonkit.trust_region import move
from tests.quadratic import LineModel, LinePoint, bowl, moved


def test_a_newton_step_as_good_as_predicted_is_taken() -> None:
    model = LineModel(-2.0, 2.0)
    found = moved(bowl, model, 10.0)
    assert found.evaluation.t == 1.0
    assert (found.step_norm, found.ratio, found.trials) == (1.0, 1.0, 1)
    assert found.radius == 10.0  # twice the step is less: the radius stays
    assert model.asked == [10.0]
    assert found.note == ""


def test_the_radius_grows_to_twice_a_good_step() -> None:
    assert moved(bowl, LineModel(-2.0, 2.0), 1.5).radius == 2.0


def test_a_rejected_radius_is_forgotten() -> None:
    """2 is rejected, 1/2 is as good as predicted: the next radius is twice 1/2, not 2 again."""
    found = moved(lambda t: -t if t <= 0.6 else 1.0, LineModel(-1.0, 0.0), 2.0)
    assert (found.evaluation.t, found.radius) == (0.5, 1.0)


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
