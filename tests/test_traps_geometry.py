"""Negative curvature, concentrated weights, poles, designs of deficient rank or extreme condition."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk
from newtonkit.problems import Power, Problem, Regression

Path = list[np.ndarray]


def followed(p: Problem, x0: np.ndarray, **options: object) -> tuple[nk.MinimizeResult, Path]:
    """Solve, and give all points of the path beside the result."""
    path: Path = []
    result = nk.minimize(p, x0, callback=lambda record: path.append(record.x), **options)  # type: ignore[arg-type]
    return result, path


def softmax(u: np.ndarray) -> np.ndarray:
    e = np.exp(u - u.max())
    return e / e.sum()


def lowest_curvature(p: Problem, x: np.ndarray) -> float:
    """Least eigenvalue of the Hessian relative to the largest, columns scaled to one length."""
    scale = 1.0 / np.sqrt((p.design.to_dense() ** 2).sum(axis=0))
    values = np.linalg.eigvalsh(scale[:, None] * p.hess(x).to_dense() * scale)
    return float(values[0] / np.abs(values).max())


# Indefinite Hessians


def test_a_softmax_path_with_negative_curvature_ends_in_a_minimum() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(200, 4))
    truth = np.array([1.0, -1.0, 0.5, 0.5])
    b = softmax(a @ truth)
    p = nk.SoftmaxRegression(a, b)
    result, path = followed(p, -1.5 * truth)
    negative = []
    for x in path:
        prob = softmax(a @ x)
        residual = prob - b
        negative.append(np.mean(prob * (residual - prob @ residual + prob) < 0.0))
    assert max(negative) > 0.02
    indefinite = [lowest_curvature(p, x) < -1e-8 for x in path]
    assert any(indefinite)
    assert indefinite == [record.smallest_curvature < 0.0 for record in result.history]
    assert result.success
    assert not indefinite[-1]
    np.testing.assert_allclose(result.x, truth, atol=1e-6)


def flat_top() -> nk.CoshRegression:
    return nk.CoshRegression(np.random.default_rng(0).normal(size=(300, 5)), np.full(300, 3.0))


@pytest.mark.parametrize("size", [0.0, 1e-12, 1e-8, 1e-4])
def test_a_stationary_start_with_negative_curvature_is_left(size: float) -> None:
    p = flat_top()
    x0 = size * np.ones(5)
    assert lowest_curvature(p, x0) < -0.5
    if size <= 1e-12:
        assert p.evaluate(x0).value == p.evaluate(np.zeros(5)).value
    result, path = followed(p, x0)
    assert result.success
    assert result.nit > 3
    assert result.fun < 0.75 * result.history[0].value
    assert lowest_curvature(p, path[-1]) > 0.0
    first = np.sqrt(np.mean((p.design.to_dense() @ (path[1] - path[0])) ** 2))
    assert first > 0.1  # down to the boundary, not a step as small as the gradient


def test_a_saddle_between_two_minima_is_left() -> None:
    """x = 0 is a minimum in one variable and a maximum in the other."""
    a = np.array([[1.0, 0.0], [0.0, 1.0]])
    p = nk.CoshRegression(a, [0.5, 4.0])
    np.testing.assert_array_equal(p.jac(np.zeros(2)), np.zeros(2))
    result = nk.minimize(p)
    assert result.success
    np.testing.assert_allclose(np.abs(result.x), [0.0, np.arccosh(4.0)], atol=1e-8)


def test_a_flat_maximum_of_a_power_is_left() -> None:
    p = Regression([[1.0], [2.0]], [1.0, 4.0], structure="elementwise", activation=Power(2))
    result = nk.minimize(p)
    assert result.success
    np.testing.assert_allclose(np.abs(result.x), [1.0], atol=1e-8)


# Concentration


@pytest.mark.parametrize("kind", [nk.SoftmaxRegression, nk.SoftmaxCrossEntropy])
@pytest.mark.parametrize("size", [3.0, 6.0])
def test_probabilities_piled_up_on_few_rows(kind: type, size: float) -> None:
    a = np.random.default_rng(0).normal(size=(300, 5))
    truth = np.full(5, size)
    b = softmax(a @ truth)
    assert np.sort(b)[-3:].sum() > 0.98
    assert b.min() < 1e-20
    result = nk.minimize(kind(a, b))
    assert result.success
    expected = 0.0 if kind is nk.SoftmaxRegression else -b @ np.log(b)
    assert result.fun == pytest.approx(expected, rel=1e-9, abs=1e-5)  # the squares have other minima


@pytest.mark.parametrize("kind", [nk.SoftmaxRegression, nk.ResNetSoftmaxRegression])
def test_planted_concentration_is_mostly_found(kind: type) -> None:
    """Of 40 planted solutions of length 13, 36 and 37 are fitted, 35 each up to the gradient tolerance."""
    solved = fitted = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        a, truth = rng.normal(size=(300, 5)), rng.normal(size=5)
        u = a @ (truth * 6.0 * np.sqrt(5.0) / np.linalg.norm(truth))
        f = np.exp(u) if kind is nk.SoftmaxRegression else np.exp(u) + u
        result = nk.minimize(kind(a, f / f.sum()))
        solved += result.success
        fitted += result.fun < 1e-5
        assert not result.success or result.jac @ result.jac < 1e-12
    assert fitted >= 34
    assert solved >= 33


def test_a_start_with_probabilities_on_few_rows_is_left() -> None:
    a = np.random.default_rng(0).normal(size=(300, 5))
    truth = np.full(5, 0.3)
    p = nk.SoftmaxRegression(a, softmax(a @ truth))
    for size in (6.0, -4.0):
        x0 = np.full(5, size)
        assert np.sort(softmax(a @ x0))[-3:].sum() > 0.9
        result = nk.minimize(p, x0)
        assert result.success
        np.testing.assert_allclose(result.x, truth, atol=1e-4)


# Rank


def target_of(name: str, a: np.ndarray, x: np.ndarray) -> Problem:
    """A problem with a target near its model at x."""
    noise = 1.0 + 0.2 * np.sin(np.arange(len(a)))
    if name == "softmax":
        return nk.SoftmaxRegression(a, noise * softmax(a @ x))
    if name == "resnet":
        u = a @ x
        f = np.exp(u) + u
        return nk.ResNetSoftmaxRegression(a, noise * f / f.sum())
    if name == "cross-entropy":
        return nk.SoftmaxCrossEntropy(a, softmax(a @ x))
    f = {"exp": np.exp, "cosh": np.cosh, "sinh": np.sinh}[name]
    kind = {"exp": nk.ExpRegression, "cosh": nk.CoshRegression, "sinh": nk.SinhRegression}[name]
    return kind(a, noise * f(a @ x))


FAMILY = ("exp", "cosh", "sinh", "softmax", "resnet", "cross-entropy")
BASE = np.random.default_rng(5).normal(size=(200, 4))
TALL = {
    "a column twice": (np.column_stack((BASE, BASE[:, 0])), 4),
    "a column twice in other units": (np.column_stack((BASE, 1e6 * BASE[:, 0])), 4),
    "combinations": (np.column_stack((BASE, BASE @ np.random.default_rng(6).normal(size=(4, 3)))), 4),
    "a column of zeros": (np.column_stack((BASE, np.zeros(200))), 4),
    "mostly zeros": (np.column_stack((np.zeros(200), BASE[:, 0], np.zeros(200))), 1),
    "equal to rounding": (np.column_stack((BASE, BASE[:, 0] * (1.0 + 1e-15 * BASE[:, 1]))), 4),
    "a constant column": (np.column_stack((BASE, np.ones(200))), 5),
    "a constant twice": (np.column_stack((BASE, np.ones(200), np.full(200, 3.0))), 5),
    "few rows": (np.random.default_rng(7).normal(size=(12, 20)), 12),
}


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("design", TALL)
def test_deficient_designs_are_solved_by_the_shortest_change(design: str, name: str) -> None:
    a, rank = TALL[design]
    lengths = np.maximum(1.0, np.sqrt((a * a).mean(axis=0)))
    rng = np.random.default_rng(8)
    truth, x0 = 0.3 * rng.normal(size=(2, a.shape[1])) / lengths
    p = target_of(name, a, truth)
    result = nk.minimize(p, x0)
    valley = name == "resnet" and design in ("a constant column", "a constant twice", "few rows")
    assert result.success or valley
    assert result.rank == rank
    shortest = x0 + np.linalg.pinv(a, rcond=1e-12) @ (a @ (result.x - x0))
    np.testing.assert_allclose(result.x, shortest, atol=1e-9 * np.abs(result.x).max())


def test_a_constant_column_stays_where_it_was_in_a_softmax() -> None:
    a = np.column_stack((BASE - BASE.mean(axis=0), np.ones(200)))
    p = nk.SoftmaxRegression(a, softmax(BASE @ np.full(4, 0.3)))
    result = nk.minimize(p, np.array([0.0, 0.0, 0.0, 0.0, 7.0]))
    assert result.success
    assert result.rank == 5
    np.testing.assert_allclose(result.x[:4], np.full(4, 0.3), atol=1e-6)
    assert result.x[4] == pytest.approx(7.0, abs=1e-6)


@pytest.mark.parametrize("ridge", [1e-6, 1e-3, 1.0])
def test_a_ridge_reaches_directions_that_the_design_does_not_see(ridge: float) -> None:
    a, _ = TALL["few rows"]
    p = nk.ExpRegression(a, np.exp(a @ np.full(20, 0.1)), ridge=ridge)
    unseen = np.linalg.svd(a)[2][15]
    one = nk.minimize(p)
    other = nk.minimize(p, one.x + 100.0 * unseen)
    assert one.success
    assert other.success
    assert one.rank == 20
    assert abs(unseen @ other.x) < 1e-9
    assert other.fun == pytest.approx(one.fun, rel=1e-8)


# Condition


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("kind", ["columns", "directions"])
@pytest.mark.parametrize("condition", [1e8, 1e10])
def test_extreme_conditions_are_solved(condition: float, kind: str, name: str) -> None:
    decay = np.logspace(0.0, -np.log10(condition), 4)
    if kind == "columns":
        a = BASE * decay
        truth = np.full(4, 0.3) / decay
    else:
        left, _, right = np.linalg.svd(BASE, full_matrices=False)
        a = (left * (np.sqrt(200.0) * decay)) @ right
        truth = right.T @ (np.full(4, 0.3) / decay)
    assert 0.1 * condition < np.linalg.cond(a) < 10.0 * condition
    p = target_of(name, a, truth)
    result = nk.minimize(p, truth * 0.5)
    assert result.success
    assert result.rank == 4
    assert result.nit < 60
    easy = nk.minimize(target_of(name, a @ np.linalg.inv(np.linalg.qr(a)[1]), np.linalg.qr(a)[1] @ truth))
    assert result.fun == pytest.approx(easy.fun, rel=1e-3, abs=1e-7)


def test_coherent_rows_are_solved() -> None:
    a = BASE.copy()
    a[3] *= 1e4
    for name in FAMILY:
        result = nk.minimize(target_of(name, a, np.linalg.pinv(a) @ np.sin(np.arange(200.0))))
        assert result.success, name


# Poles


def sums_between(f: object, a: np.ndarray, offset: np.ndarray, path: Path) -> float:
    """Least of <f(u), 1> on the way, sampled."""
    times = np.linspace(0.0, 1.0, 201)[:, None]
    return min(float(f((x + times * (y - x)) @ a.T + offset).sum(axis=1).min()) for x, y in pairwise(path))  # type: ignore[operator]


@pytest.mark.parametrize("sum_at_start", [10.0, 0.1, 1e-3])
def test_a_start_near_the_pole_stays_on_its_side(sum_at_start: float) -> None:
    a = np.random.default_rng(0).normal(size=(300, 5)) - 2.0

    def f(u: np.ndarray) -> np.ndarray:
        return np.exp(u) + u

    low, high = 0.0, 0.1
    for _ in range(200):  # the sum falls from 300 to below 0 on the way
        middle = 0.5 * (low + high)
        low, high = (middle, high) if f(a @ np.full(5, middle)).sum() > sum_at_start else (low, middle)
    b = softmax(a @ np.full(5, 0.3))
    result, path = followed(nk.ResNetSoftmaxRegression(a, b), np.full(5, low))
    assert sums_between(f, a, np.zeros(300), path) > 0.0
    assert result.success
    assert result.fun < result.history[0].value


@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("activation", "f"), [("sinh", np.sinh), (Power(3), lambda u: u**3)])
def test_no_step_crosses_the_pole_on_its_way_to_a_better_side(
    activation: object, f: object, layout: object
) -> None:
    """The target is the model at a point beyond the pole, where the first steps would lead."""
    a = np.vstack((np.eye(2), np.zeros((1, 2))))
    offset = np.array([0.0, 0.0, -1.5])
    beyond = f(np.array([-2.0, 3.0, -1.5]))  # type: ignore[operator]
    p = Regression(
        layout(a),  # type: ignore[operator]
        beyond / beyond.sum(),
        structure="normalised",
        activation=activation,  # type: ignore[arg-type]
        offset=offset,
    )
    for x0 in ([3.0, -2.0], [2.2, -0.4], [2.0, 1.0], [-1.0, 2.4]):
        result, path = followed(p, np.array(x0), max_iter=60)
        assert sums_between(f, a, offset, path) > 0.0
        assert np.isfinite([record.value for record in result.history]).all()
        assert result.fun <= result.history[0].value
