"""Elementwise problems as sums of squares, and which methods suit which problem."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

import newtonkit as nk
from newtonkit.comparison.monitor import NoMovement, TimeIsUp
from newtonkit.comparison.registry import REGISTRY
from newtonkit.comparison.residuals import ResidualOracle, SumOfSquares, is_dense, is_sum_of_squares
from newtonkit.comparison.start import Limits, Start
from newtonkit.problems import ElementwiseSquares, Problem, RowwiseLoss
from newtonkit.problems.activations import Power
from tests.comparing import GTOL, UNASKED, exp_data

LEAST_SQUARES = ("lsq-trf", "lsq-dogbox", "lsq-lm")


def made(kind, **how):
    rng = np.random.default_rng(7)
    A = 0.3 * rng.normal(size=(40, 4))
    return kind(A, np.exp(A @ [0.5, 1.0, 0.0, -1.0]) + 0.1 * rng.random(40), **how)


def penalties(d=4):
    rng = np.random.default_rng(8)
    return {
        "penalised rows": {"penalty_weights": rng.normal(size=40)},
        "ridge": {"ridge": 0.3},
        "ridge here and there": {"ridge": np.array([0.0, 0.5, 0.0, 2.0])},
        "weights, one of them zero": {"sample_weight": np.append(rng.random(39), 0.0)},
        "offset and intercept": {"offset": rng.normal(size=40), "fit_intercept": True, "ridge": 0.1},
        "everything": {
            "penalty_weights": rng.random(40),
            "ridge": 0.01,
            "sample_weight": rng.random(40),
            "offset": 0.1 * rng.normal(size=40),
            "fit_intercept": True,
        },
    }


@pytest.mark.parametrize("how", penalties().values(), ids=penalties())
@pytest.mark.parametrize("kind", [nk.ExpRegression, nk.CoshRegression, nk.SinhRegression])
class TestResiduals:
    def test_half_their_squares_are_the_value_and_their_jacobian_gives_the_gradient(self, kind, how):
        problem = made(kind, **how)
        squares = SumOfSquares(problem)
        for x in np.random.default_rng(1).normal(size=(3, problem.n_parameters)):
            a_x = problem.design.product(x)
            R, J = squares.residuals(x, a_x), squares.jacobian(a_x)
            assert J.shape == squares.shape == (len(R), problem.n_parameters)
            np.testing.assert_allclose(0.5 * R @ R, problem.fun(x), rtol=1e-13)
            np.testing.assert_allclose(J.T @ R, problem.jac(x), rtol=1e-11, atol=1e-12)

    def test_jacobian_is_that_of_central_differences(self, kind, how):
        problem = made(kind, **how)
        squares, d = SumOfSquares(problem), problem.n_parameters
        x, h = np.full(d, 0.2), 1e-6

        def R(x):
            return squares.residuals(x, problem.design.product(x))

        columns = [(R(x + h * e) - R(x - h * e)) / (2 * h) for e in np.eye(d)]
        J = squares.jacobian(problem.design.product(x))
        np.testing.assert_allclose(J, np.array(columns).T, rtol=1e-6, atol=1e-8)


class TestSparse:
    @pytest.fixture
    def problem(self):
        rng = np.random.default_rng(0)
        A = csr_array(0.5 * rng.random((300, 6)) * (rng.random((300, 6)) < 0.4))
        b = np.exp(A @ np.array([0.5, -0.3, 0.1, 0.2, -0.4, 0.6])) + 0.1
        return nk.ExpRegression(A, b, ridge=0.01, penalty_weights=np.full(300, 0.1), fit_intercept=True)

    def test_jacobian_is_an_operator_equal_to_the_dense_one(self, problem):
        dense = nk.ExpRegression(
            problem.design.to_dense()[:, :-1],
            problem.outer.target,
            ridge=0.01,
            penalty_weights=np.full(300, 0.1),
            fit_intercept=True,
        )
        a_x = problem.design.product(np.full(7, 0.3))
        J = SumOfSquares(problem).jacobian(a_x)
        assert isinstance(J, LinearOperator)
        expected = SumOfSquares(dense).jacobian(a_x)
        np.testing.assert_allclose(J @ np.eye(7), expected, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(J.rmatmat(np.eye(J.shape[0])), expected.T, rtol=1e-13, atol=1e-15)

    def test_trf_and_dogbox_solve_it_and_lm_does_not_run(self, problem):
        comparison = nk.compare(problem)
        assert {report.name for report in comparison.reports} == set(UNASKED) - {"lsq-lm"}
        for name in ("lsq-trf", "lsq-dogbox"):
            assert comparison[name].reached
            assert comparison[name].factorisations == 0  # LSMR works by products alone
        with pytest.raises(ValueError, match="lsq-lm needs a dense design"):
            nk.compare(problem, methods=["newtonkit", "lsq-lm"])


class Absolute(ElementwiseSquares):
    """Squares in name only."""

    def derivatives(self, u, block, totals):
        return super().derivatives(u, block, totals)


class TestSuitability:
    def test_elementwise_squares_alone(self):
        A, b = exp_data()
        assert is_sum_of_squares(nk.ExpRegression(A, b))
        assert is_sum_of_squares(Problem(A, ElementwiseSquares(b, Power(3))))
        assert not is_sum_of_squares(Problem(A, Absolute(b, Power(3))))
        assert not is_sum_of_squares(nk.SoftmaxRegression(A, b / b.sum()))
        assert not issubclass(RowwiseLoss, ElementwiseSquares)

    @pytest.mark.parametrize("name", LEAST_SQUARES)
    def test_asked_for_by_name_for_a_softmax(self, name):
        A, b = exp_data()
        problem = nk.SoftmaxRegression(A, b / b.sum())
        with pytest.raises(ValueError, match=f"{name} is for elementwise squared losses alone"):
            nk.compare(problem, methods=name)

    def test_too_few_residuals_for_lm(self):
        A, b = exp_data()
        problem = nk.ExpRegression(A[:3], b[:3])
        with pytest.raises(ValueError, match=r"lsq-lm needs at least as many residuals .* not 3 for 5"):
            nk.compare(problem, methods="lsq-lm")
        assert REGISTRY["lsq-lm"].unsuited(nk.ExpRegression(A[:3], b[:3], ridge=1.0)) == ""
        assert not REGISTRY["lsq-trf"].unsuited(problem)

    def test_large_problems_leave_out_what_would_not_end(self):
        A = np.zeros((2, 4000))
        problem = nk.ExpRegression(A, np.ones(2))
        running = {name for name, method in REGISTRY.items() if method.runs_unasked(problem)}
        left_out = {"SLSQP", "trust-exact", *LEAST_SQUARES}
        assert running == set(UNASKED) - left_out | {"newton-sketched"}  # that is what "auto" takes
        assert not REGISTRY["SLSQP"].unsuited(problem)  # whoever asks for it gets it

    def test_kinds_of_design(self):
        A, b = exp_data()
        assert is_dense(nk.ExpRegression(A, b, fit_intercept=True))
        assert is_dense(nk.ExpRegression(np.asfortranarray(A.astype(np.float32)), b))


class TestOracle:
    @pytest.fixture
    def oracle(self):
        problem = nk.ExpRegression(*exp_data())
        start = Start.of(problem, np.zeros(5), GTOL)
        return ResidualOracle(SumOfSquares(problem), problem, start, Limits(10.0))

    def test_work_is_counted_and_not_calls(self, oracle):
        for _ in range(3):
            oracle.fun(np.zeros(5)), oracle.jac(np.zeros(5))
        assert oracle.counts == (1, 1, 0, 0)
        oracle.fun(np.full(5, 0.1)), oracle.jac(np.full(5, 0.1)), oracle.fun(np.zeros(5))
        assert oracle.counts == (2, 2, 0, 0)
        assert oracle.monitor.iterations == 1

    def test_many_trials_without_an_iterate_end_the_run(self, oracle):
        oracle.fun(np.zeros(5)), oracle.jac(np.zeros(5))
        with pytest.raises(NoMovement):
            for k in range(200):
                oracle.fun(np.full(5, 0.001 * (k + 1)))
        assert oracle.counts[0] == 102

    def test_overflow_is_infinite_and_does_not_warn(self, oracle):
        assert np.isinf(oracle.fun(np.full(5, 1e4))).any()
        assert oracle.best_value == np.inf

    def test_time(self):
        problem = nk.ExpRegression(*exp_data())
        start = Start.of(problem, np.zeros(5), GTOL)
        oracle = ResidualOracle(SumOfSquares(problem), problem, start, Limits(1e-9))
        with pytest.raises(TimeIsUp):
            oracle.fun(np.zeros(5))
