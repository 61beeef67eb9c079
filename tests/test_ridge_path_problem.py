"""The same problem with another ridge, and on some of its rows."""

import numpy as np
import pytest
from scipy import sparse

import newtonkit as nk

RNG = np.random.default_rng(5)
N, D = 40, 3
A = RNG.normal(size=(N, D))
B = RNG.uniform(0.2, 1.0, size=N)
OFFSET, WEIGHTS = RNG.normal(size=N), RNG.integers(1, 4, size=N).astype(float)
LABELS = RNG.permutation(np.repeat([f"g{k}" for k in range(10)], 4))  # not consecutive
OF_GROUP = {label: float(1 + k % 3) for k, label in enumerate(np.unique(LABELS))}
SHARED = {"penalty_weights": B, "offset": OFFSET, "ridge": [0.1, 0.2, 0.3]}
GROUP_WEIGHTS = np.array([OF_GROUP[label] for label in LABELS])

MAKERS = {
    "exp": (nk.ExpRegression, {"sample_weight": WEIGHTS}),
    "sinh": (nk.SinhRegression, {}),
    "rescaled": (nk.RescaledRegression, {"groups": LABELS, "sample_weight": GROUP_WEIGHTS}),
    "softmax": (nk.SoftmaxRegression, {"groups": LABELS}),
    "entropy": (nk.EntropySoftmaxRegression, {"groups": LABELS, "entropy_weight": 0.3}),
    "choice": (nk.SoftmaxCrossEntropy, {"groups": LABELS, "sample_weight": GROUP_WEIGHTS}),
}
PER_ROW = ("sample_weight", "groups", "penalty_weights", "offset")


def made(kind, rows=None, design=A, **other):
    """Return a problem made from some rows of the data, as if there were no others."""
    maker, own = MAKERS[kind]
    rows = np.arange(N) if rows is None else rows
    options = SHARED | own | other
    options = {name: value[rows] if name in PER_ROW else value for name, value in options.items()}
    return maker(design[rows], B[rows], **options)


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("kept", ["sparse", "dense"])
class TestSubset:
    def rows(self, kind):
        if "groups" not in MAKERS[kind][1]:
            return np.random.default_rng(0).permutation(N)[:17]
        return np.random.default_rng(0).permutation(np.flatnonzero(np.isin(LABELS, ["g7", "g1", "g4"])))

    def test_is_the_problem_of_those_rows(self, kind, kept):
        design = sparse.csr_array(A) if kept == "sparse" else A
        rows, x = self.rows(kind), np.array([0.3, -0.2, 0.4])
        subset, fresh = made(kind, design=design).subset(rows), made(kind, rows)
        assert type(subset) is type(fresh)
        assert subset.fun(x) == pytest.approx(fresh.fun(x), rel=1e-13)
        np.testing.assert_allclose(subset.jac(x), fresh.jac(x), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(np.asarray(subset.hess(x)), np.asarray(fresh.hess(x)), atol=1e-11)
        np.testing.assert_allclose(subset.predict(x), fresh.predict(x), rtol=1e-12)

    def test_of_all_rows_in_another_order(self, kind, kept):
        x, order = np.array([0.3, -0.2, 0.4]), np.random.default_rng(1).permutation(N)
        whole = made(kind)
        assert whole.subset(order).fun(x) == pytest.approx(whole.fun(x), rel=1e-13)
        np.testing.assert_allclose(whole.subset(order).predict(x), whole.predict(x)[order], rtol=1e-12)

    def test_of_a_subset(self, kind, kept):
        rows, x = self.rows(kind), np.array([0.3, -0.2, 0.4])
        once = made(kind).subset(rows)
        some = np.arange(len(rows))[::-1]
        np.testing.assert_allclose(once.subset(some).predict(x), once.predict(x)[::-1], rtol=1e-12)

    def test_by_booleans(self, kind, kept):
        chosen = np.isin(np.arange(N), self.rows(kind))
        x = np.array([0.3, -0.2, 0.4])
        assert made(kind).subset(chosen).fun(x) == made(kind).subset(np.flatnonzero(chosen)).fun(x)


class TestRefusals:
    @pytest.mark.parametrize(
        ("rows", "error", "says"),
        [
            ([], TypeError, "rows must be integers"),
            (np.zeros(N, dtype=bool), ValueError, "at least one row"),
            (np.ones(3, dtype=bool), ValueError, r"shape \(40,\) where it is boolean"),
            ([0.5], TypeError, "rows must be integers"),
            ([[1, 2]], TypeError, "rows must be integers"),
            ([1, 1], ValueError, "a row twice"),
            ([N], ValueError, "rows must be from 0 to 39, got 40 to 40"),
            ([-1], ValueError, "rows must be from 0 to 39"),
        ],
    )
    def test_of_rows_that_are_none(self, rows, error, says):
        with pytest.raises(error, match=says):
            made("exp").subset(rows)

    def test_of_torn_groups(self):
        with pytest.raises(ValueError, match="rows must hold whole groups, but some are torn"):
            made("choice").subset(np.flatnonzero(LABELS == "g1")[:3])
        with pytest.raises(ValueError, match="all rows are in one group"):
            nk.SoftmaxRegression(A, B).subset([0, 1])

    def test_of_an_outer_function_of_ones_own(self):
        class Mine(nk.problems.RowwiseLoss):
            def terms(self, u, b):
                return u * u, 2.0 * u, np.full_like(u, 2.0)

        with pytest.raises(TypeError, match="Mine does not say how to restrict it"):
            nk.problems.Problem(A, Mine(B)).subset([0, 1])


class TestRidge:
    def test_another_one_shares_the_data(self):
        problem = made("exp", fit_intercept=True, ridge=1.0)
        other = problem.with_ridge(2.5)
        assert other.design is problem.design
        assert other.outer is problem.outer
        np.testing.assert_array_equal(other.ridge, [2.5, 2.5, 2.5, 0.0])
        np.testing.assert_array_equal(problem.ridge, [1.0, 1.0, 1.0, 0.0])

    @pytest.mark.parametrize("kind", MAKERS)
    def test_is_that_of_a_problem_made_with_it(self, kind):
        x, problem = np.array([0.3, -0.2, 0.4]), made(kind)
        problem.fun(x)  # an evaluation that must not be taken for one of the other problem
        other, fresh = problem.with_ridge([1.0, 0.0, 5.0]), made(kind, ridge=[1.0, 0.0, 5.0])
        assert other.fun(x) == fresh.fun(x) != problem.fun(x)
        np.testing.assert_array_equal(other.jac(x), fresh.jac(x))

    def test_an_evaluation_goes_over_for_no_product(self):
        problem, x = made("choice"), np.array([0.3, -0.2, 0.4])
        other = problem.with_ridge(2.0)
        over = problem.evaluate(x).under(other)
        assert over.value == pytest.approx(other.fun(x), rel=1e-15)
        assert over.a_x is problem.evaluate(x).a_x

    def test_the_loss_is_without_penalties(self):
        problem, x = made("softmax"), np.array([0.3, -0.2, 0.4])
        bare = made("softmax", ridge=0.0, penalty_weights=np.zeros(N))
        assert problem.evaluate(x).loss == pytest.approx(bare.fun(x), rel=1e-14)

    @pytest.mark.parametrize(("ridge", "error"), [(-1.0, ValueError), ([1.0], ValueError), ("a", TypeError)])
    def test_bad_ones_are_refused(self, ridge, error):
        with pytest.raises(error, match="ridge must"):
            made("exp").with_ridge(ridge)
