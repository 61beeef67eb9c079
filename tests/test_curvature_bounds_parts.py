"""What the bounds are put together from holds by itself: shares, means, logarithmic derivatives."""

import numpy as np
import pytest

import newtonkit as nk
from newtonkit.problems import Problem, Regression
from newtonkit.problems.bounds.intervals import Interval
from newtonkit.problems.bounds.row_ball import RowBall
from newtonkit.problems.bounds.row_geometry import DesignRows, ScaledRows, WorstRows
from newtonkit.problems.bounds.shares import Shares, surprise
from newtonkit.problems.bounds.third_logarithmic import logarithmic_parts, row_weights
from newtonkit.problems.bounds.third_normalised import normalised_ranges
from tests.family import MEMBERS, random_problem
from tests.third import largest_value, third_tensor

SOFTMAXES = ("SoftmaxRegression", "EntropySoftmaxRegression", "SoftmaxCrossEntropy")
NORMALISED = ("ResNetSoftmaxRegression", "normalised cosh", "normalised sinh", "normalised power 3")
RADII = (1e-3, 0.1, 0.5)


def cases(names):
    """Yield a problem, a ball in coordinates of a transform, and points of it with their rows of A X."""
    for seed, name in enumerate(names):
        for radius in RADII:
            rng = np.random.default_rng(seed)
            problem, x = random_problem(
                MEMBERS[name], rng, n=9, d=2, groups="sorted", weights="all", offset=True
            )
            transform = rng.standard_normal((2, 2))
            ball = RowBall.about(problem.evaluate(x), radius, transform)
            z = rng.standard_normal((6, 2))
            steps = [np.zeros(2), *(radius * z / np.linalg.norm(z, axis=1)[:, None])]
            yield (
                problem,
                ball,
                [x + transform @ step for step in steps],
                problem.design.to_dense() @ transform,
            )


def by_group(problem: Problem, values: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values, problem.outer.groups.starts)


def shares_at(problem: Problem, y: np.ndarray) -> np.ndarray:
    f = np.exp(problem.evaluate(y).u)
    return f / np.repeat(by_group(problem, f), problem.outer.groups.counts)


def within(values: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> bool:
    slack = 1e-12 * (1.0 + np.abs(values))
    return bool(((values >= lo - slack) & (values <= hi + slack)).all())


def test_shares_means_and_surprises_stay_within_their_bounds():
    for problem, ball, points, rows in cases(SOFTMAXES):
        shares, groups = Shares.over(ball), problem.outer.groups
        tau = surprise(ball, shares)
        at_x = shares_at(problem, points[0])
        centred = rows - np.repeat(by_group(problem, at_x[:, None] * rows), groups.counts, axis=0)
        for y in points:
            p, u = shares_at(problem, y), problem.evaluate(y).u
            assert within(p, shares.p.lo, shares.p.hi)
            assert within(u - np.repeat(by_group(problem, p * u), groups.counts), tau.lo, tau.hi)
            means = by_group(problem, p[:, None] * centred)
            assert (np.linalg.norm(means, axis=1) <= shares.alpha * (1.0 + 1e-9) + 1e-12).all()
            squares = by_group(problem, p[:, None, None] * centred[:, :, None] * centred[:, None, :])
            assert (np.linalg.eigvalsh(squares)[:, -1] <= shares.sigma**2 * (1.0 + 1e-9)).all()
            growth = by_group(problem, at_x * np.exp((u - ball.u) - np.repeat(
                by_group(problem, at_x * (u - ball.u)), groups.counts)))  # fmt: skip
            assert (np.log(growth) <= shares.log_factor + 1e-12).all()


def test_the_sums_of_a_normalised_loss_stay_within_their_bounds():
    for problem, ball, points, rows in cases(NORMALISED):
        outer, groups = problem.outer, problem.outer.groups
        known = normalised_ranges(ball, outer)
        if known is None:
            assert ball.radius == max(RADII)
            continue
        parts = logarithmic_parts(ball, known)
        kappa = by_group(problem, known.v1.middle()[:, None] * rows)
        spread = np.repeat(kappa, groups.counts, axis=0)
        for y in points:
            f, first, second = outer.activation(problem.evaluate(y).u)
            a = np.repeat(by_group(problem, f), groups.counts)
            p, v1, b = f / a, first / a, outer.target
            P = np.repeat(by_group(problem, p * p), groups.counts)
            q = 2.0 * p - b - P + np.repeat(by_group(problem, p * b), groups.counts)
            for value, bound in (
                (by_group(problem, ((q - P) * v1)[:, None] * rows), known.lam),
                (by_group(problem, ((q + p - P) * v1)[:, None] * rows), known.mu),
                (by_group(problem, v1[:, None] * rows) - kappa, parts.alpha),
                (kappa, parts.kappa),
                ((first / f)[:, None] * rows - spread, parts.chi),
            ):
                assert (np.linalg.norm(value, axis=1) <= bound * (1.0 + 1e-9) + 1e-12).all()
            assert (np.abs(second / f - (first / f) ** 2) <= parts.second * (1.0 + 1e-9)).all()


def test_the_weights_of_a_normalised_loss_bound_what_a_row_adds():
    """Along directions in which one row hardly moves, or moves with its group, each term shows."""
    for problem, ball, points, rows in cases(NORMALISED):
        known = normalised_ranges(ball, problem.outer)
        if known is None:
            continue
        parts = logarithmic_parts(ball, known)
        by_logarithm, plainly = row_weights(ball, known, parts)
        a, lam = ball.spread(parts.alpha), ball.spread(known.lam)
        spread = np.repeat(
            by_group(problem, known.v1.middle()[:, None] * rows), problem.outer.groups.counts, 0
        )
        for y in points[:3]:
            e, q, p, v1, v2, v3, g = at_point(problem, y)
            for row in range(len(rows)):
                for normal in (rows[row], g[row] * rows[row] - spread[row], spread[row]):
                    v = np.array([-normal[1], normal[0]]) + 1e-3 * normal
                    v /= max(np.linalg.norm(v), 1e-300)
                    omega, kappa = rows @ v, spread @ v
                    V1 = v1 * omega - kappa * p
                    V2 = v2 * omega**2 - 2 * kappa * v1 * omega + kappa**2 * p
                    V3 = v3 * omega**3 - 3 * kappa * v2 * omega**2 + 3 * kappa**2 * v1 * omega - kappa**3 * p
                    adds = np.abs(e * V3 + 3 * V1 * V2) + 3 * a * np.abs(q * V2 + 2 * V1**2)
                    adds = (adds + 3 * lam * np.abs(V2)) * (1.0 - 1e-9) - 1e-12
                    assert (adds <= plainly[0] * omega**2 + plainly[1] * kappa**2).all()
                    chi = g * omega - kappa
                    assert (adds <= by_logarithm[0] * chi**2 + by_logarithm[1] * omega**2).all()


def at_point(problem, y):
    """Return e, q, p, v_1, v_2, v_3 and g' of a normalised loss at a point."""
    outer, groups = problem.outer, problem.outer.groups
    u, b = problem.evaluate(y).u, outer.target
    f = [interval.middle() for interval in outer.activation.ranges(Interval.exactly(u))]
    p, v1, v2, v3 = (k / np.repeat(by_group(problem, f[0]), groups.counts) for k in f)
    e = p - b - np.repeat(by_group(problem, p * (p - b)), groups.counts)
    return e, e + p, p, v1, v2, v3, f[1] / f[0]


def test_rows_bound_their_forms_and_sums():
    rng = np.random.default_rng(0)
    problem, _ = random_problem(MEMBERS["RescaledRegression exp"], rng, n=9, d=2, groups="sorted")
    A, groups = problem.design.to_dense(), problem.outer.groups
    transform, centres = rng.standard_normal((2, 2)), rng.standard_normal((len(groups), 2))
    plain, factors = DesignRows.of(problem, transform), rng.standard_normal(9)
    shares = rng.random(9)
    shares /= np.repeat(groups.sums(shares), groups.counts)
    moved = A - np.repeat(by_group(problem, shares[:, None] * A), groups.counts, axis=0)
    scaled = factors[:, None] * A - np.repeat(centres, groups.counts, axis=0)
    norm = float(np.linalg.norm(A, 2))
    for rows, exact, slack in (
        (plain, A @ transform, 1.0),
        (DesignRows.of(problem, None), A, 1.0),
        (plain.centred(shares, 0.0)[0], moved @ transform, 1.0),
        (ScaledRows.made(plain, factors, centres), scaled @ transform, 1.0),
        (WorstRows(problem, norm), A, 1e3),
    ):
        c, values = rng.random(9), rng.standard_normal(9)
        largest = np.linalg.eigvalsh(exact.T @ (c[:, None] * exact))[-1]
        assert largest <= rows.largest(c) <= slack * (1.0 + 1e-8) * largest
        norms = np.linalg.norm(exact, axis=1)
        assert (norms <= rows.norms).all()
        if isinstance(rows, ScaledRows):
            continue
        sums = np.linalg.norm(by_group(problem, values[:, None] * exact), axis=1)
        found = rows.sums(values, 0.0 * values)
        assert (sums <= found).all()
        assert (found <= slack * (sums * (1.0 + 1e-8) + 1e-12)).all()
        change = groups.sums(c * norms) if slack == 1.0 else 0.0 * sums
        assert (rows.sums(values, c) >= sums + change).all()


@pytest.mark.parametrize("name", ["ExpRegression", *SOFTMAXES, "RescaledRegression exp", "normalised cosh"])
def test_a_weight_multiplies(name):
    rng = np.random.default_rng(1)
    A, b, x = rng.standard_normal((6, 2)), rng.random(6), np.array([0.2, 0.1])
    settings = {"groups": [0, 0, 0, 1, 1, 1]} if MEMBERS[name].takes_groups else {}
    once = MEMBERS[name].make(A, b, **settings).curvature_bounds(x, 0.01)
    thrice = MEMBERS[name].make(A, b, sample_weight=np.full(6, 3.0), **settings).curvature_bounds(x, 0.01)
    assert thrice == pytest.approx((3.0 * once.l, 3.0 * once.M), rel=1e-6)


@pytest.mark.parametrize("activation", ["exp", "cosh", "sinh", "exp_plus_identity"])
@pytest.mark.parametrize("structure", ["rescaled", "normalised"])
def test_two_rows_that_pull_apart_are_bounded_sharply(structure, activation):
    """The products of two sums over rows are most of the third derivative here."""
    settings = {"structure": structure, "activation": activation, "offset": [2.0, 2.0]}
    for b in ([5.0, -5.0], [0.5, -3.0]):
        problem = Regression([[1.0], [-1.0]], b, **settings)
        seen = largest_value(third_tensor(problem, np.zeros(1)), np.random.default_rng(0))[0]
        assert seen * (1.0 - 1e-6) <= problem.curvature_bounds([0.0], 0.0).M <= 8.0 * seen


def test_a_row_whose_activation_is_zero_is_no_obstacle():
    """f = exp(u) + u is 0 at u = -0.567: there the derivatives are used as they are."""
    root = -0.5671432904097838
    rng = np.random.default_rng(0)
    for seed in range(5):
        a = np.random.default_rng(seed).standard_normal((4, 2))
        problem = nk.ResNetSoftmaxRegression(a, [0.3, 0.2, 0.1, 0.4], offset=[root, 1.0, 2.0, root])
        for radius in (0.0, 1e-3):
            seen = largest_value(third_tensor(problem, np.zeros(2)), rng)[0]
            assert seen * (1.0 - 1e-6) <= problem.curvature_bounds(np.zeros(2), radius).M <= 40.0 * seen
