"""When a point is an end, condition by condition, on points and models made up for it."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.convergence import Criteria, Reference, relative_gradient, relative_motion, value_noise
from newtonkit.results import Status

EPS = float(np.finfo(float).eps)


class Flat:
    """A reference that says whether curvature was lost, whatever it is asked."""

    def __init__(self, lost: bool = False, mass: float = 1.0) -> None:
        self.lost, self.mass = lost, mass

    def has_lost_curvature(self, evaluation: Any, model: Any) -> bool:
        return self.lost


def point(gradient: float, mass: float = 1.0, rounding: float = 1e-16, size: float = 0.0) -> Any:
    """A point with ||grad|| / S = gradient."""
    u = np.array([0.0, 9.0])
    return SimpleNamespace(
        gradient=np.array([3.0 * gradient, 4.0 * gradient]),
        gradient_scale=5.0,
        curvature_mass=mass,
        u=u,
        value=1.0,
        value_rounding=rounding,
        loss_scale=size,
    )


def newton(motion: float, on_boundary: bool = False, predicted: float = 1.0, norm: float = 0.0) -> Any:
    """A step that moves the second entry of u, which is 9, by `motion` relative to 1 + |u|."""
    rows = np.array([0.0, -10.0 * motion])
    return SimpleNamespace(a_s=rows, on_boundary=on_boundary, predicted=predicted, norm=norm)


def model(convex: bool = True) -> Any:
    nothing = np.zeros((2, 0))
    return SimpleNamespace(is_convex=convex, flat_directions=lambda: (nothing, nothing))


def judged(
    p: Any, m: Any, step: Any, *, gtol: float = 1e-8, patience: int = 0, **reference: Any
) -> Status | None:
    return Criteria(gtol, Flat(**reference)).verdict(p, m, step, patience)  # type: ignore[arg-type]


def stuck(p: Any, m: Any, step: Any, *, gtol: float = 1e-8, **reference: Any) -> Status:
    return Criteria(gtol, Flat(**reference)).verdict_when_stuck(p, m, step)  # type: ignore[arg-type]


def test_sizes_are_relative() -> None:
    assert relative_gradient(point(1e-3)) == pytest.approx(1e-3)
    assert relative_gradient(SimpleNamespace(gradient=np.zeros(2), gradient_scale=0.0)) == 0.0
    assert relative_motion(point(0.0), newton(1e-4)) == pytest.approx(1e-4)
    assert value_noise(point(0.0, rounding=1e-10)) > 1e-10


def test_a_step_that_leaves_u_alone_counts_by_its_length() -> None:
    assert relative_motion(point(0.0), newton(0.0, norm=0.5)) == 0.5
    assert judged(point(1e-9), model(), newton(0.0, norm=0.5)) is None


def test_a_loss_that_keeps_falling_to_zero_is_judged_by_its_size() -> None:
    falling = newton(0.1, predicted=1e-17)
    assert judged(point(1e-9, rounding=1e-30, size=1.0), model(), falling, patience=100) is Status.SATURATED
    assert judged(point(1e-9, rounding=1e-30, size=1e-9), model(), falling, patience=100) is None


def test_a_small_gradient_and_a_small_newton_step_are_a_minimum() -> None:
    assert judged(point(1e-9), model(), newton(1e-7)) is Status.CONVERGED
    assert judged(point(1e-9), model(), newton(1e-7), patience=100) is Status.CONVERGED


@pytest.mark.parametrize(
    ("gradient", "m", "step"),
    [
        (1e-7, model(), newton(1e-7)),  # the gradient is not at tolerance
        (1e-9, model(), newton(0.1)),  # the Newton step is long
        (1e-9, model(), newton(1e-7, on_boundary=True)),  # or longer than the radius
        (1e-9, model(convex=False), newton(1e-7)),  # there is negative curvature
    ],
)
def test_each_condition_counts(gradient: float, m: Any, step: Any) -> None:
    assert judged(point(gradient), m, step) is None


def test_the_tolerance_is_the_callers() -> None:
    assert judged(point(1e-5), model(), newton(1e-7), gtol=1e-4) is Status.CONVERGED
    assert judged(point(1e-5), model(), newton(1e-7), gtol=1e-6) is None


def test_without_tolerance_rounding_decides() -> None:
    assert judged(point(10 * EPS), model(), newton(1e-7), gtol=0.0) is Status.WORKING_PRECISION
    assert judged(point(0.0), model(), newton(0.0), gtol=0.0) is Status.CONVERGED
    assert judged(point(1e-10), model(), newton(1e-7), gtol=0.0) is None


def test_a_newton_step_below_rounding_is_enough() -> None:
    """The gradient may stay above a tight tolerance though nothing more can be done."""
    assert judged(point(1e-12), model(), newton(0.5 * EPS), gtol=0.0) is Status.WORKING_PRECISION
    assert judged(point(1e-12), model(), newton(100 * EPS), gtol=0.0) is None
    assert judged(point(1e-12), model(convex=False), newton(0.5 * EPS), gtol=0.0) is None


@pytest.mark.parametrize("gradient", [0.0, 1e-9])
def test_lost_curvature_is_saturation(gradient: float) -> None:
    assert judged(point(gradient), model(), newton(1e-7), lost=True) is Status.SATURATED
    assert stuck(point(1e-13), model(), newton(1e-7), gtol=0.0, lost=True) is Status.SATURATED


DROWNED = newton(10.0, on_boundary=True, predicted=1e-16)


def test_a_plateau_needs_flat_rows_and_a_prediction_that_drowns() -> None:
    assert judged(point(1e-9, mass=1e-11), model(), DROWNED) is Status.SATURATED
    assert judged(point(1e-9, mass=1e-9), model(), DROWNED) is None
    assert judged(point(1e-9, mass=1e-11), model(), newton(10.0, predicted=1e-3)) is None
    assert judged(point(1e-7, mass=1e-11), model(), DROWNED) is None
    assert judged(point(1e-9, mass=1e-9), model(), DROWNED, mass=1e3) is Status.SATURATED


def test_patience_is_longer_where_the_loss_is_about_zero() -> None:
    """It may be on its way into an exact fit, whose curvature is small beside that at the start."""
    fitted = point(1e-9, mass=1e-11, size=1.0)
    fitted.value = 1e-11
    assert judged(fitted, model(), DROWNED, patience=39) is None
    assert judged(fitted, model(), DROWNED, patience=40) is Status.SATURATED
    assert judged(point(1e-9, mass=1e-11, size=1.0), model(), DROWNED) is Status.SATURATED


def test_patience_ends() -> None:
    assert judged(point(1e-9), model(), DROWNED, patience=7) is None
    assert judged(point(1e-9), model(), DROWNED, patience=8) is Status.SATURATED
    assert judged(point(1e-9), model(), newton(10.0, predicted=1.0), patience=100) is None


def test_stuck_at_tolerance_without_a_minimum_is_saturation() -> None:
    assert stuck(point(1e-9), model(), newton(0.1)) is Status.SATURATED


def test_stuck_at_rounding_level_is_working_precision() -> None:
    assert stuck(point(1e-13), model(), newton(1e-7), gtol=0.0) is Status.WORKING_PRECISION
    assert stuck(point(1e-13), model(), newton(0.1), gtol=0.0) is Status.STALLED
    assert stuck(point(1e-13), model(convex=False), newton(1e-7), gtol=0.0) is Status.STALLED


def test_stuck_elsewhere_is_stalled() -> None:
    assert stuck(point(1e-5), model(), newton(1e-7)) is Status.STALLED
    assert not Status.STALLED.success


def reference_of(b: float, x0: list[float]) -> Reference:
    p = nk.CoshRegression([[1.0], [1.0]], [b, b])
    return Reference(p, p.evaluate(x0))


def test_the_reference_is_the_flatter_of_start_and_origin() -> None:
    p = nk.CoshRegression([[1.0], [1.0]], [4.0, 4.0])
    far, near = p.evaluate([5.0]).curvature_mass, p.evaluate([0.0]).curvature_mass
    assert far > near > 0.0
    assert reference_of(4.0, [5.0]).mass == near
    assert reference_of(4.0, [0.0]).mass == near
    between = p.evaluate([1.3]).curvature_mass
    assert between < near
    assert reference_of(4.0, [1.3]).mass == between


def test_the_reference_is_the_start_where_the_origin_has_no_curvature() -> None:
    assert (
        reference_of(1.0, [2.0]).mass
        == nk.CoshRegression([[1.0], [1.0]], [1.0, 1.0]).evaluate([2.0]).curvature_mass
    )
    assert reference_of(1.0, [0.0]).mass == 1.0


def test_a_pole_at_the_origin_is_no_reference() -> None:
    p = nk.problems.Regression([[1.0], [1.0]], [0.5, 0.5], structure="normalised", activation="sinh")
    start = p.evaluate([1.0])
    assert not np.isfinite(p.origin().value)
    assert Reference(p, start).mass == (start.curvature_mass or 1.0)


class Slope:
    """A point of a function of one variable: its value after a step, and nothing else."""

    def __init__(self, value_after: Any) -> None:
        self.value_after, self.value = value_after, 0.0

    def along(self, step: np.ndarray, a_step: np.ndarray) -> Any:
        np.testing.assert_allclose(np.abs(a_step), 1.0)  # one unit of u
        there = self.value_after(float(step[0]))
        return None if there is None else SimpleNamespace(value=there)


@pytest.mark.parametrize(
    ("value_after", "lost"),
    [
        (lambda t: 0.0, True),  # flat either way
        (lambda t: max(t, 0.0), True),  # flat to one side
        (lambda t: max(-t, 0.0), True),  # or to the other
        (lambda t: t * t, False),  # a valley that ends after a unit
        (lambda t: -t * t, False),  # it falls, which is not flat either
        (lambda t: None, False),  # no value there
    ],
)
def test_curvature_is_lost_where_a_unit_of_u_changes_nothing(value_after: Any, lost: bool) -> None:
    p = nk.CoshRegression([[1.0]], [4.0])
    direction = SimpleNamespace(flat_directions=lambda: (np.array([[0.5]]), np.array([[0.5]])))
    for start in (0.0, 5.0):
        reference = Reference(p, p.evaluate([start]))
        assert reference.has_lost_curvature(Slope(value_after), direction) == lost  # type: ignore[arg-type]


def test_directions_that_never_had_curvature_have_lost_none() -> None:
    p = nk.SoftmaxRegression([[1.0, 1.0], [0.0, 1.0]], [0.5, 0.5])
    constant = np.array([[0.0], [1.0]])
    direction = SimpleNamespace(flat_directions=lambda: (constant, p.row_steps(constant)))
    reference = Reference(p, p.evaluate([0.3, 0.0]))
    assert not reference.has_lost_curvature(Slope(lambda t: 0.0), direction)  # type: ignore[arg-type]


def test_curvature_of_the_start_is_lost_where_the_origin_has_none() -> None:
    """With b = 1 the Hessian of cosh is 0 at x = 0."""
    p = nk.CoshRegression([[1.0]], [1.0])
    direction = SimpleNamespace(flat_directions=lambda: (np.array([[1.0]]), np.array([[1.0]])))
    reference = Reference(p, p.evaluate([2.0]))
    assert reference.has_lost_curvature(Slope(lambda t: 0.0), direction)  # type: ignore[arg-type]
