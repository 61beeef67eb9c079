"""Where losses are not defined or too large: poles are not jumped over, overflow is plain infinity."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import (
    Activation,
    Cosh,
    Exp,
    ExpPlusIdentity,
    NormalisedSquares,
    Power,
    Problem,
    Regression,
    Sinh,
)
from newtonkit.problems.path import sums_stay_positive
from newtonkit.problems.rows import Groups
from tests.family import MEMBERS, Softplus

CROSSING = np.array([[3.0, -2.0], [-2.0, 3.0]])  # each row goes from its first to its second value


def swap(activation: object, constant: float, **options: object) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Two rows that swap their values while a third stays: both ends look alike, the middle does not.

    u = (3, -2, constant) at the start x and (-2, 3, constant) after the step.
    """
    a = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    problem = Regression(
        a,
        [0.3, 0.3, 0.4],
        structure="normalised",
        activation=activation,  # type: ignore[arg-type]
        offset=[0.0, 0.0, constant],
        **options,  # type: ignore[arg-type]
    )
    return problem, np.array([3.0, -2.0]), np.array([-5.0, 5.0])


POLES = {
    "exp(u) + u": (ExpPlusIdentity(), -5.0),
    "sinh": (Sinh(), -1.5),
    "u^3": (Power(3), -1.0),
    "u": (Power(1), -1.5),  # stays at -0.5: outside already
}


@pytest.mark.parametrize("name", [name for name in POLES if name != "u"])
def test_a_step_over_a_pole_is_refused(name: str) -> None:
    activation, constant = POLES[name]
    problem, x, step = swap(activation, constant)
    a_step = problem.design.product(step)
    assert np.isfinite(problem.fun(x))
    assert np.isfinite(problem.fun(x + step))
    assert problem.fun(x + 0.5 * step) == np.inf
    assert problem.evaluate(x).along(step, a_step) is None
    assert problem.evaluate(x + step).along(-step, -a_step) is None


@pytest.mark.parametrize("name", [name for name in POLES if name != "u"])
def test_a_step_inside_the_domain_is_taken(name: str) -> None:
    problem, x, step = swap(POLES[name][0], 2.0)
    moved = problem.evaluate(x).along(step, problem.design.product(step))
    assert moved is not None
    assert moved.value == pytest.approx(problem.fun(x + step), rel=1e-12)


@pytest.mark.parametrize("activation", [Exp(), Cosh(), Softplus()])
def test_positive_activations_have_no_pole(activation: object) -> None:
    problem, x, step = swap(activation, -5.0)
    assert problem.evaluate(x).along(100 * step, problem.design.product(100 * step)) is not None


def test_every_group_is_watched() -> None:
    a = np.vstack((np.eye(2), np.zeros((2, 2)), np.eye(2), np.zeros((1, 2))))
    offset = np.array([0.0, 0.0, 2.0, 2.0, 0.0, 0.0, -1.0])
    groups = ["safe", "safe", "safe", "safe", "pole", "pole", "pole"]
    problem = MEMBERS["normalised power 3"].make(a, np.ones(7), groups=groups, offset=offset)
    step = np.array([-5.0, 5.0])
    evaluation = problem.evaluate([3.0, -2.0])
    assert evaluation.along(step, a @ step) is None
    assert evaluation.along(0.05 * step, 0.05 * a @ step) is not None


def test_weights_count_on_the_way() -> None:
    step = np.array([-5.0, 5.0])
    for weights, inside in (([1.0, 1.0, 1.0], False), ([1.0, 1.0, 0.0], True), ([8.0, 8.0, 0.5], True)):
        problem, x, _ = swap(Power(3), -1.0, sample_weight=weights)
        moved = problem.evaluate(x).along(step, problem.design.product(step))
        assert (moved is not None) == inside


@pytest.mark.parametrize("name", POLES)
def test_outside_the_domain_the_value_is_infinite(name: str) -> None:
    activation, constant = POLES[name]
    problem, x, step = swap(activation, constant)
    middle = x + 0.5 * step
    assert problem.fun(middle) == np.inf
    with pytest.raises(ValueError, match="x must lie where the loss is defined"):
        nk.check_derivatives(problem, middle)


@pytest.mark.parametrize("activation", [Sinh(), Power(3), ExpPlusIdentity(), Power(5)])
def test_the_test_of_a_path_agrees_with_many_points_on_it(activation: object) -> None:
    rng = np.random.default_rng(0)
    groups, inside = Groups(np.array([0, 3]), 6), 0
    for _ in range(300):
        start, end = rng.normal(0.5, 1.5, (2, 6))
        t = np.linspace(0.0, 1.0, 2001)[:, None]
        f = activation.value(start + t * (end - start))  # type: ignore[attr-defined]
        least = np.add.reduceat(f, groups.starts, axis=1).min()
        answer = sums_stay_positive(activation, start, end, groups, None)  # type: ignore[arg-type]
        assert answer == (least > 0.0) or abs(least) < 1e-3
        inside += answer
    assert 30 < inside < 270


def test_far_predictions_do_not_overflow_the_test_of_a_path() -> None:
    groups = Groups.single(2)
    high, higher = np.array([900.0, 800.0]), np.array([1000.0, 950.0])
    assert sums_stay_positive(ExpPlusIdentity(), high, higher, groups, None)
    assert not sums_stay_positive(ExpPlusIdentity(), high, -higher, groups, None)


class SteepEnd(Activation):
    """f(u) = u + 3, with a second derivative that is claimed to be infinite from 1 on."""

    def __call__(self, u):
        return u + 3.0, np.ones_like(u), np.where(u < 1.0, 0.0, np.inf)


def test_a_path_that_cannot_be_judged_is_refused_and_comes_to_an_end() -> None:
    for start, end in (([0.0], [1.0]), ([1.0], [0.0]), ([1.0], [2.0])):
        assert not sums_stay_positive(SteepEnd(), np.array(start), np.array(end), Groups.single(1), None)
    assert sums_stay_positive(SteepEnd(), np.array([0.0]), np.array([0.9]), Groups.single(1), None)


NEVER_OVERFLOWING = [
    name for name, member in MEMBERS.items() if member.structure in ("normalised", "cross-entropy")
]
OVERFLOWING = [
    name
    for name in MEMBERS
    if name not in NEVER_OVERFLOWING and "softplus" not in name and "power" not in name
]


@pytest.mark.parametrize("n", [5, 110_000])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array], ids=["dense", "CSR"])
def test_overflow_gives_infinity_without_a_warning(container, n: int) -> None:
    rng = np.random.default_rng(1)
    a, b = container(rng.standard_normal((n, 2))), rng.random(n)
    for name in MEMBERS:
        problem = MEMBERS[name].make(a, b)
        for size in (1e3, 1e120, 1.5e308):
            x = np.array([size, -size])
            value = problem.fun(x)
            assert not np.isnan(value)
            assert value == np.inf or name not in OVERFLOWING
            problem.jac(x)  # of no use where the value is infinite, but nothing to warn of
            moved = problem.evaluate(np.zeros(2)).along(x, np.full(n, size))
            assert moved is None or not np.isnan(moved.value)


@pytest.mark.parametrize("name", NEVER_OVERFLOWING)
def test_normalised_losses_stay_finite_at_large_predictions(name: str) -> None:
    rng = np.random.default_rng(2)
    a = np.abs(rng.standard_normal((20, 2)))
    problem = MEMBERS[name].make(a, rng.random(20) / 20)
    for size in (800.0, 1e5):
        x = np.array([size, 0.5 * size])
        assert np.isfinite(problem.fun(x))
        assert np.isfinite(problem.jac(x)).all()
        assert np.isfinite(problem.hess(x).to_dense()).all()


@pytest.mark.parametrize("name", MEMBERS)
def test_nan_in_x_gives_infinity(name: str) -> None:
    problem = MEMBERS[name].make(np.eye(3), [0.2, 0.3, 0.5])
    assert problem.fun([np.nan, 0.0, 0.0]) == np.inf


@pytest.mark.parametrize("name", MEMBERS)
def test_a_row_of_weight_zero_may_hold_anything(name: str) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal((8, 2)), rng.random(8) / 8
    a[[0, 5]] *= 1e6  # outliers that were given weight zero
    weights = np.array([0.0, 1.0, 2.0, 1.0, 3.0, 0.0, 1.0, 1.0])
    options = {"offset": np.full(8, 2.5)}
    x = np.array([0.1, 0.2])
    problem = MEMBERS[name].make(a, b, sample_weight=weights, **options)
    kept = weights > 0.0
    without = MEMBERS[name].make(a[kept], b[kept], sample_weight=weights[kept], offset=np.full(6, 2.5))
    assert problem.fun(x) == pytest.approx(without.fun(x), rel=1e-13)
    assert_allclose(problem.jac(x), without.jac(x), rtol=1e-11)
    assert_allclose(problem.hess(x).to_dense(), without.hess(x).to_dense(), rtol=1e-10)
    moved = problem.evaluate(x).along(0.1 * x, a @ (0.1 * x))
    assert moved is not None
    assert moved.value == pytest.approx(without.fun(1.1 * x), rel=1e-12)


def test_entropy_belongs_to_exp_alone() -> None:
    with pytest.raises(ValueError, match="entropy_weight"):
        NormalisedSquares(np.ones(3), Cosh(), entropy_weight=0.1)
