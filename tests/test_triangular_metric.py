"""A metric of steps as a triangular factor, and the few rows it is taken from."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import eigh

import newtonkit as nk
from newtonkit.approximate.embedded import embedded_metric, sampled_metric, step_metric
from newtonkit.metric import Metric
from newtonkit.problems import Problem
from newtonkit.triangular import TriangularMetric

D = 9


def gram(condition: float, units: float = 1.0, d: int = D, seed: int = 0) -> np.ndarray:
    """A Gram matrix with a given condition, its columns then scaled over so many orders."""
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.normal(size=(d, d)))[0]
    m = (q * np.logspace(0, -np.log10(condition), d)) @ q.T
    e = np.logspace(np.log10(units) / 2, -np.log10(units) / 2, d)[rng.permutation(d)]
    return np.asarray(e[:, None] * (m + m.T) / 2 * e)


def metric_of(matrix: np.ndarray) -> TriangularMetric:
    found = TriangularMetric.of_gram(matrix)
    assert found is not None
    return found


class Dense:
    """A symmetric matrix, as much of an operator as the metric asks for."""

    def __init__(self, matrix: np.ndarray) -> None:
        self.matrix = matrix

    def to_dense(self) -> np.ndarray:
        return self.matrix


GRAMS = {
    "round": gram(1.0),
    "plain": gram(1e3),
    "units": gram(1e3, 1e12),
    "extreme units": gram(1e2, 1e200),
    "ill-conditioned": gram(1e7),
    "one column": np.array([[3.0]]),
}
SLACK = {"ill-conditioned": 1e-8}


@pytest.mark.parametrize("name", GRAMS)
def test_coordinates_are_orthonormal(name: str) -> None:
    metric, m = metric_of(GRAMS[name]), GRAMS[name]
    d = len(m)
    t = metric.steps(np.eye(d))
    scale = np.sqrt(np.diagonal(m))
    t_long, m_long = (t * scale[:, None]).astype(np.longdouble), (m / scale / scale[:, None])
    np.testing.assert_allclose(
        np.asarray(t_long.T @ m_long @ t_long, float), np.eye(d), atol=SLACK.get(name, 1e-11)
    )
    np.testing.assert_array_equal(metric.strong, t)
    assert metric.rank == d and metric.note == ""
    assert metric.weak.shape == metric.null.shape == (d, 0)


@pytest.mark.parametrize("name", GRAMS)
def test_steps_and_dual_are_adjoint(name: str) -> None:
    metric, d = metric_of(GRAMS[name]), len(GRAMS[name])
    rng, t = np.random.default_rng(1), metric.steps(np.eye(d))
    z, g = rng.normal(size=(d, 4)), rng.normal(size=(d, 3)) / np.abs(t).max(axis=1)[:, None]
    size = np.abs(g).T @ np.abs(t) @ np.abs(z)
    slack = 1e-9 if name == "ill-conditioned" else 1e-12
    assert (np.abs(g.T @ metric.steps(z) - metric.dual(g).T @ z) <= slack * size).all()
    np.testing.assert_allclose(metric.dual(g), t.T @ g, atol=slack * size.max())
    np.testing.assert_allclose(metric.dual(g[:, 0]), metric.dual(g)[:, 0], rtol=1e-9, atol=slack * size.max())
    one_of_four, alone = metric.steps(z)[:, 1], metric.steps(z[:, 1:2])[:, 0]
    assert (np.abs(one_of_four - alone) <= slack * (np.abs(t) @ np.abs(z[:, 1]))).all()


@pytest.mark.parametrize("units", [1.0, 1e8])
@pytest.mark.parametrize("columns", [None, 1, 3])
def test_the_frame_and_the_coordinates_agree(units: float, columns: int | None) -> None:
    """The frame is E s: nothing in it depends on the units of the columns."""
    m = gram(1e3, units)
    metric, t = metric_of(m), metric_of(m).steps(np.eye(D))
    e = np.sqrt(np.diagonal(m))
    rng = np.random.default_rng(2)
    shape = (D,) if columns is None else (D, columns)
    z = rng.normal(size=shape)
    into, there = e.reshape(-1, *(1,) * (z.ndim - 1)), {"rtol": 1e-10, "atol": 1e-11}
    np.testing.assert_allclose(metric.frame_steps(z), into * (t @ z), **there)
    np.testing.assert_allclose(metric.frame_dual(z), t.T @ (into * z), **there)
    np.testing.assert_allclose(metric.out_of_frame(metric.frame_steps(z)), z, **there)
    np.testing.assert_allclose(metric.frame_dual(metric.into_frame(z)), z, **there)
    np.testing.assert_allclose(metric.frame_gram, m / e / e[:, None], **there)
    np.testing.assert_allclose(metric.into_frame(metric.out_of_frame(z)), metric.frame_gram @ z, **there)


def test_nothing_given_is_written_to() -> None:
    m = gram(1e3)
    metric = metric_of(m)
    assert (m == gram(1e3)).all()
    for given in (np.random.default_rng(3).normal(size=D), np.asfortranarray(gram(1e2))):
        before = given.copy()
        for name in ("steps", "dual", "frame_steps", "frame_dual", "into_frame", "out_of_frame"):
            getattr(metric, name)(given)
            np.testing.assert_array_equal(given, before, err_msg=name)
    metric.from_frame(before := metric.frame_gram.copy())
    np.testing.assert_array_equal(metric.frame_gram, before)


@pytest.mark.parametrize("units", [1.0, 1e8])
def test_a_hessian_in_the_frame_is_the_one_in_coordinates(units: float) -> None:
    m = gram(1e3, units)
    metric, t, e = metric_of(m), metric_of(m).steps(np.eye(D)), np.sqrt(np.diagonal(m))
    h = gram(1e2, units, seed=0) - 0.3 * np.diag(e * e)  # indefinite
    framed, reduced = metric.framed(Dense(h)), metric.congruence(Dense(h))
    np.testing.assert_allclose(framed, h / e / e[:, None], rtol=1e-13)
    assert framed.flags.f_contiguous
    np.testing.assert_allclose(reduced, t.T @ h @ t, atol=1e-11 * np.abs(reduced).max())
    np.testing.assert_array_equal(reduced, reduced.T)
    np.testing.assert_array_equal(metric.from_frame(framed), reduced)
    np.testing.assert_allclose(metric.from_frame(metric.frame_gram), np.eye(D), atol=1e-11)


def test_the_plain_metric_is_a_frame_of_its_own() -> None:
    metric = Metric.of_transform(np.linalg.inv(np.linalg.cholesky(gram(1e2)).T), 5)
    assert metric.frame_gram is None
    z, h = np.arange(9.0), gram(1e3)
    for name in ("frame_steps", "frame_dual", "into_frame", "out_of_frame"):
        np.testing.assert_array_equal(getattr(metric, name)(z), z)
    np.testing.assert_array_equal(metric.framed(Dense(h)), metric.congruence(Dense(h)))
    np.testing.assert_array_equal(metric.from_frame(h), h)


REFUSED = {
    "a column twice": np.array([[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [1.0, 1.0, 3.0]]),
    "a column of zeros": np.diag([1.0, 0.0, 2.0]),
    "a negative square": np.diag([1.0, -1e-30, 2.0]),
    "all zeros": np.zeros((2, 2)),
    "indefinite": np.array([[1.0, 2.0], [2.0, 1.0]]),
    "NaN square": np.array([[np.nan, 0.0], [0.0, 1.0]]),
    "infinite": np.array([[np.inf, 0.0], [0.0, 1.0]]),
    "nearly a column twice": np.array([[1.0, 1.0 - 1e-14], [1.0 - 1e-14, 1.0]]),
    "condition 1e14": gram(1e14),
    "condition 1e14, units": gram(1e14, 1e6),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_safely_regular_is_refused(name: str) -> None:
    with np.errstate(invalid="ignore"):
        assert TriangularMetric.of_gram(REFUSED[name]) is None


def test_units_make_nothing_singular() -> None:
    assert metric_of(np.diag([1e-280, 1.0, 1e280])).rank == 3
    assert metric_of(gram(1e9, 1e30)).rank == D


# From some of the rows


def lengths(problem: Problem, metric: Metric, mass: float) -> np.ndarray:
    """Lengths that the exact metric gives to steps of length 1: least and greatest."""
    a, n = problem.design.to_dense(), problem.design.shape[0]
    t = metric.steps(np.eye(metric.rank))
    exact = a.T @ a / n + np.diag(problem.ridge) / mass
    values = eigh(t.T @ exact @ t, eigvals_only=True)
    return np.sqrt(values[[0, -1]])


def designs(name: str) -> tuple[Any, dict[str, Any]]:
    rng = np.random.default_rng(4)
    a = rng.normal(size=(12_000, 25))
    if name == "correlated":
        q = np.linalg.qr(rng.normal(size=(25, 25)))[0]
        a = a @ (q * np.logspace(0, -4, 25)) @ q.T
    elif name == "units":
        a = a * np.logspace(6, -6, 25)
    elif name == "float32":
        a = a.astype(np.float32)
    elif name == "CSR":
        a = sparse.csr_array(a * (rng.random(a.shape) < 0.3))
    elif name == "ridge alone in a column":
        a[:, 3] = 0.0
    options: dict[str, Any] = {"fit_intercept": name == "intercept"}
    options["ridge"] = {"ridge": 100.0, "ridge alone in a column": 0.5}.get(name, 0.0)
    return a, options


@pytest.mark.parametrize(
    "name",
    ["plain", "correlated", "units", "float32", "CSR", "intercept", "ridge", "ridge alone in a column"],
)
def test_a_few_rows_give_the_size_of_steps(name: str) -> None:
    a, options = designs(name)
    problem = nk.SinhRegression(a, np.zeros(12_000), **options)
    for seed in range(3):
        metric = sampled_metric(problem, 50.0, seed)
        assert isinstance(metric, TriangularMetric)
        low, high = lengths(problem, metric, 50.0)
        assert 1 / 3 < low <= high < 3
        found, passes = step_metric(problem, 50.0, seed)
        assert passes == 1
        np.testing.assert_array_equal(found.steps(np.eye(found.rank)), metric.steps(np.eye(found.rank)))


def test_the_seed_says_which_rows() -> None:
    problem = nk.SinhRegression(designs("plain")[0], np.zeros(12_000))
    one, two, other = (sampled_metric(problem, 1.0, seed) for seed in (7, 7, 8))
    assert one is not None and two is not None and other is not None
    assert one.strong.tobytes() == two.strong.tobytes() != other.strong.tobytes()


@pytest.mark.parametrize(("n", "is_sampled"), [(100, False), (500, False), (12_000, True)])
def test_few_rows_are_not_sampled(n: int, is_sampled: bool) -> None:
    problem = nk.SinhRegression(np.random.default_rng(5).normal(size=(n, 25)), np.zeros(n))
    assert (sampled_metric(problem, 1.0, 0) is not None) == is_sampled


def lonely(rows: int, size: float) -> np.ndarray:
    """The last column is carried by few rows."""
    a = np.random.default_rng(6).normal(size=(12_000, 25))
    a[:, -1] = 0.0
    a[np.random.default_rng(7).choice(12_000, rows, replace=False), -1] = size
    return a


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("rows", [1, 2, 5, 25])
def test_a_column_that_few_rows_carry_keeps_its_length(rows: int, size: float) -> None:
    """From the rows drawn if they tell it within a small factor, else from the embedding."""
    a = lonely(rows, size)
    a[:, -1] += 1e-4 * size * np.random.default_rng(5).normal(size=12_000)  # or it might be singular
    problem = nk.SinhRegression(a, np.zeros(12_000))
    embedded = 0
    for seed in range(3):
        metric, passes = step_metric(problem, 1.0, seed)
        low, high = lengths(problem, metric, 1.0)
        assert 1 / 3 < low <= high < 3
        if sampled_metric(problem, 1.0, seed) is not None:
            assert rows > 1  # it comes out too long if it is drawn, else too short
            continue
        embedded += 1
        expected, expected_passes = embedded_metric(problem, 1.0, seed)
        assert passes == expected_passes
        np.testing.assert_array_equal(metric.steps(np.eye(25)), expected.steps(np.eye(25)))
    assert embedded > 0 or rows > 2


@pytest.mark.parametrize("twice", [True, False])
def test_a_deficient_design_has_the_rank_that_it_has(twice: bool) -> None:
    a = designs("plain")[0]
    a[:, 5] = a[:, 6] if twice else 0.0
    problem = nk.SinhRegression(a, np.zeros(12_000))
    assert sampled_metric(problem, 1.0, 0) is None
    assert step_metric(problem, 1.0, 0)[0].rank == 24


def rotated(rows: int, background: float) -> np.ndarray:
    """A direction across all columns, carried by few rows but for a little noise."""
    rng = np.random.default_rng(8)
    a = lonely(rows, 3.0)
    a[:, -1] += background * rng.normal(size=12_000)
    return np.asarray(a @ np.linalg.qr(rng.normal(size=(25, 25)))[0])


@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.SoftmaxRegression])
@pytest.mark.parametrize(("rows", "background"), [(1, 1e-3), (30, 0.0)])
def test_a_rotated_direction_that_few_rows_carry_costs_no_verdict(
    kind: Any, rows: int, background: float
) -> None:
    """The lengths of columns do not tell it: the metric may be off by a factor of 20, the solve may not."""
    a, rng = rotated(rows, background), np.random.default_rng(9)
    truth = 0.2 * rng.normal(size=25)
    b = np.exp(a @ truth) * rng.uniform(0.8, 1.2, 12_000)
    problem = kind(a, b if kind is nk.ExpRegression else b / b.sum())
    if background > 0.0:
        sampled = [sampled_metric(problem, 1.0, seed) for seed in range(3)]
        assert max(lengths(problem, each, 1.0)[1] for each in sampled if each is not None) > 20.0
    exact = nk.minimize(problem, method="exact")
    assert exact.success
    for result in (nk.minimize(problem, method="sketched", rng=seed) for seed in range(3)):
        assert result.success
        assert result.fun == pytest.approx(exact.fun, rel=1e-9)
        assert np.abs(a @ (result.x - exact.x)).max() < 1e-4


def test_the_mass_weighs_the_ridge() -> None:
    a = np.random.default_rng(9).normal(size=(12_000, 25))
    problem = nk.SinhRegression(a, np.zeros(12_000), ridge=1e6)
    metric = sampled_metric(problem, 1e3, 0)
    assert metric is not None
    np.testing.assert_allclose(lengths(problem, metric, 1e3), 1.0, atol=1e-2)
