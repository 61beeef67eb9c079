"""Places where a Newton method stops too early, too late or in the wrong place."""

from itertools import pairwise

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.problems import Exp, Regression

TRUTH = np.array([0.6, -0.4, 0.3, 0.0, -0.2])


def rows(n: int = 300, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 5))


def softmax(u: np.ndarray) -> np.ndarray:
    e = np.exp(u - u.max())
    return e / e.sum()


def values(result: nk.MinimizeResult) -> np.ndarray:
    return np.array([record.value for record in result.history])


# Scale


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_tiny_gradient_at_the_start_is_no_reason_to_stop(scale: float) -> None:
    """With 20000 rows in one softmax the loss is about 1e-4 and its gradient about 1e-5."""
    a = rows(20_000)
    p = nk.SoftmaxRegression(scale * a, softmax(a @ TRUTH))
    if scale < 1.0:
        assert np.abs(p.jac(np.zeros(5))).max() < 1e-12
    result = nk.minimize(p)
    assert result.success
    assert result.nit >= 3
    np.testing.assert_allclose(scale * result.x, TRUTH, atol=1e-6)


SCALED = {
    "exp": lambda a, c: nk.ExpRegression(c * a, np.exp(a @ TRUTH) + 0.3),
    "cosh": lambda a, c: nk.CoshRegression(c * a, np.cosh(a @ TRUTH) + 2.0),
    "sinh": lambda a, c: nk.SinhRegression(c * a, np.sinh(a @ TRUTH) + 0.3),
    "softmax": lambda a, c: nk.SoftmaxRegression(c * a, softmax(a @ TRUTH + 0.3 * np.sin(np.arange(300)))),
    "cross-entropy": lambda a, c: nk.SoftmaxCrossEntropy(c * a, softmax(a @ TRUTH)),
    "rescaled": lambda a, c: nk.RescaledRegression(c * a, softmax(a @ TRUTH), penalty_weights=np.ones(300)),
    "ridge": lambda a, c: nk.ExpRegression(c * a, np.exp(a @ TRUTH), ridge=0.1 * c * c),
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("power", [-30, 30])
def test_the_path_is_the_same_for_any_scale_of_the_design(name: str, power: int) -> None:
    """By a power of two not one bit changes: x is scaled the other way, all else stays."""
    a, c = rows(), 2.0**power
    one, other = nk.minimize(SCALED[name](a, 1.0)), nk.minimize(SCALED[name](a, c))
    assert one.success
    np.testing.assert_array_equal(values(one), values(other))
    np.testing.assert_array_equal(one.x, c * other.x)
    for mine, its in zip(one.history, other.history, strict=True):
        assert mine.relative_gradient == its.relative_gradient


@pytest.mark.parametrize("name", SCALED)
def test_the_path_is_nearly_the_same_for_decimal_scales(name: str) -> None:
    a = rows()
    one, other = nk.minimize(SCALED[name](a, 1.0)), nk.minimize(SCALED[name](a, 1e-7))
    assert one.nit == other.nit
    np.testing.assert_allclose(values(one), values(other), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("power", [-40, 40])
def test_the_path_is_the_same_for_any_scale_of_the_loss(power: int) -> None:
    a, c = rows(), 2.0**power
    b, y = softmax(a @ TRUTH), np.exp(a @ TRUTH) + 0.3
    pairs = [
        (nk.SoftmaxCrossEntropy(a, b), nk.SoftmaxCrossEntropy(a, c * b)),
        (nk.ExpRegression(a, y), nk.ExpRegression(a, y, sample_weight=np.full(300, c))),
    ]
    for one, other in ((nk.minimize(p), nk.minimize(q)) for p, q in pairs):
        assert one.success
        assert other.success
        np.testing.assert_array_equal(c * values(one), values(other))
        np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize("size", [1e-12, 1e-6, 1e6, 1e12])
@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.CoshRegression, nk.SinhRegression])
def test_targets_of_any_size_are_fitted(kind: type, size: float) -> None:
    a = rows()
    p = kind(a, size * np.exp(a @ TRUTH), fit_intercept=True)
    result = nk.minimize(p)
    assert result.success
    assert result.history[-1].relative_gradient <= 1e-8
    if kind is nk.ExpRegression:
        assert np.log(size) == pytest.approx(result.x[-1], rel=1e-6)


# Saturation


@pytest.mark.parametrize("size", [1e3, 1e4])
def test_a_softmax_on_a_wrong_row_is_saturated(size: float) -> None:
    a = rows(20_000)
    p = nk.SoftmaxRegression(a, softmax(a @ TRUTH))
    x0 = -size * TRUTH
    assert np.linalg.norm(p.jac(x0)) < 1e-25
    result = nk.minimize(p, x0)
    assert result.fun > 0.4
    assert result.status is nk.Status.SATURATED
    assert not result.success
    assert "flat" in result.message


def test_a_softmax_that_leans_the_wrong_way_comes_back() -> None:
    a = rows(20_000)
    p = nk.SoftmaxRegression(a, softmax(a @ TRUTH))
    for size in (10.0, 30.0):
        result = nk.minimize(p, -size * TRUTH)
        assert result.success
        np.testing.assert_allclose(result.x, TRUTH, atol=1e-5)


def separable() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rows (a, -a); the one with a x > 0 is chosen."""
    half = rows()
    a = np.stack((half, -half), axis=1).reshape(-1, 5)
    return a, (a @ TRUTH > 0.0).astype(float), np.arange(600) // 2


@pytest.mark.parametrize("size", [0.0, 60.0, 600.0])
def test_separable_data_have_no_minimum(size: float) -> None:
    a, chosen, groups = separable()
    result = nk.minimize(
        nk.SoftmaxCrossEntropy(a, chosen, groups=groups), size * np.random.default_rng(1).normal(size=5)
    )
    assert result.status is nk.Status.SATURATED
    assert not result.success
    assert result.nit < 60
    squares = nk.minimize(nk.SoftmaxRegression(a, chosen, groups=groups), max_iter=30)
    assert not squares.success


@pytest.mark.parametrize("size", [200.0, 2000.0])
def test_the_squared_loss_on_plateaus_is_saturated(size: float) -> None:
    a, chosen, groups = separable()
    x0 = size * np.random.default_rng(1).normal(size=5)
    result = nk.minimize(nk.SoftmaxRegression(a, chosen, groups=groups), x0)
    assert result.fun > 1.0
    assert result.status is nk.Status.SATURATED
    assert not result.success


def test_a_ridge_gives_separable_data_a_minimum() -> None:
    a, chosen, groups = separable()
    for kind in (nk.SoftmaxCrossEntropy, nk.SoftmaxRegression):
        result = nk.minimize(kind(a, chosen, groups=groups, ridge=1e-6))
        assert result.success
        assert result.fun < 0.1
        assert np.abs(result.x).max() < 1e3


def test_a_target_that_cannot_be_reached_is_no_success() -> None:
    """exp(u) tends to 0 above a target of -1 as the intercept falls: 150 is never reached."""
    result = nk.minimize(nk.ExpRegression(rows(), np.full(300, -1.0), fit_intercept=True))
    assert result.status is nk.Status.SATURATED
    assert result.nit < 60
    assert result.fun == pytest.approx(150.0, rel=1e-12)


# Rounding floor


FITS = {
    "exp": nk.ExpRegression,
    "cosh": nk.CoshRegression,
    "sinh": nk.SinhRegression,
    "softmax": nk.SoftmaxRegression,
    "resnet": nk.ResNetSoftmaxRegression,
    "cross-entropy": nk.SoftmaxCrossEntropy,
}


@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize("name", FITS)
def test_no_tolerance_ends_at_working_precision(name: str, noise: float) -> None:
    a = rows()
    b = FITS[name](a, np.full(300, 1 / 300)).predict(TRUTH)
    p = FITS[name](a, b * (1.0 + noise * np.sin(np.arange(300))))
    result = nk.minimize(p, x0=0.8 * TRUTH, gtol=0.0)
    assert result.status in (nk.Status.WORKING_PRECISION, nk.Status.CONVERGED)
    assert result.success
    assert result.nit <= 25
    assert result.history[-1].relative_gradient <= 1e-12
    assert (result.status is nk.Status.CONVERGED) == (np.abs(result.jac).max() == 0.0)


def test_steps_below_rounding_are_judged_by_the_gradient() -> None:
    a = rows()
    result = nk.minimize(nk.ExpRegression(a, np.exp(a @ TRUTH) + np.cos(np.arange(300))), gtol=0.0)
    judged = [record for record in result.history if "judged by the gradient" in record.note]
    assert judged
    assert all(np.isnan(record.ratio) for record in judged)
    ratios = [record.ratio for record in result.history[1:] if record not in judged]
    assert np.isfinite(ratios).all()
    assert max(ratios) < 20.0
    assert result.history[-1].radius > 1e-3
    gradients = [record.relative_gradient for record in result.history]
    for before, after in pairwise(result.history):
        if after in judged:
            assert after.gradient_norm < before.gradient_norm
    assert gradients[-1] < 1e-14


def test_a_start_at_an_exact_solution_has_converged() -> None:
    result = nk.minimize(nk.SinhRegression(rows(), np.zeros(300)), gtol=0.0)
    assert result.status is nk.Status.CONVERGED
    assert result.nit == 0


# Overflow


class WatchedExp(Exp):
    """exp, with a note of how often its square overflowed."""

    def __init__(self) -> None:
        self.overflows = 0

    def __call__(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        f = super().__call__(u)
        if not np.isfinite(f[0] * f[0]).all():  # another thread must not write back what it read before
            self.overflows += 1
        return f

    def value(self, u: np.ndarray) -> np.ndarray:
        return self(u)[0]


def test_a_step_that_overflows_is_a_rejected_step() -> None:
    """A row alone in its column may move by sqrt(n) = 447 in a step of length 1."""
    a = np.zeros((200_000, 2))
    a[1:, 0] = np.random.default_rng(0).normal(size=199_999)
    a[0, 1] = 1.0
    b = np.ones(200_000)
    b[0] = 1e3
    watched = WatchedExp()
    result = nk.minimize(Regression(a, b, structure="elementwise", activation=watched))
    assert watched.overflows > 0
    assert result.success
    np.testing.assert_allclose(result.x, [0.0, np.log(1e3)], atol=1e-8)
    assert np.isfinite(values(result)).all()
    assert np.isfinite([record.ratio for record in result.history[1:]]).all()
    assert result.nfev > result.nit + 1


@pytest.mark.parametrize("kind", [nk.SoftmaxRegression, nk.SoftmaxCrossEntropy])
@pytest.mark.parametrize("shift", [-1e6, 1e6])
def test_large_predictions_do_not_harm_a_softmax(kind: type, shift: float) -> None:
    a = rows()
    result = nk.minimize(kind(a, softmax(a @ TRUTH), offset=np.full(300, shift)))
    assert result.success
    np.testing.assert_allclose(result.x, TRUTH, atol=1e-5)


def test_a_start_with_large_predictions_is_left() -> None:
    a = rows()
    result = nk.minimize(nk.ExpRegression(a, np.exp(a @ TRUTH)), 40.0 * TRUTH)
    assert result.history[0].value > 1e40
    assert result.success
    np.testing.assert_allclose(result.x, TRUTH, atol=1e-6)


# Notes


@pytest.mark.parametrize("name", SCALED)
def test_what_is_out_of_the_ordinary_is_in_the_record(name: str) -> None:
    result = nk.minimize(SCALED[name](rows(), 1.0), 0.5 * np.ones(5), gtol=0.0)
    assert result.method == "exact"
    for record in result.history[1:]:
        assert record.rows_sampled == 300
        assert record.inner_iterations == 0
        assert np.isfinite(record.ratio) or record.note
