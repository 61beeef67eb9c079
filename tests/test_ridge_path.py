"""``nk.path``: the solutions are those of separate solves, for a third of their passes."""

import dataclasses

import numpy as np
import pytest
import scipy.optimize

import newtonkit as nk
from newtonkit.datasets import PROBLEMS, make_planted

METHODS = ("exact", "sketched", "sampled")
RIDGES = np.geomspace(1e3, 1e-3, 9)


def planted(kind="exp", n=600, d=6, **options):
    return make_planted(kind, n, d, **({"condition": 100.0, "noise": 0.1, "rng": 0} | options)).problem


def six_decades(problem):
    """Return 20 ridges from where the penalty weighs as much as the loss at x = 0."""
    n = problem.design.shape[0]
    top = problem.origin().curvature_mass * float(np.mean(problem.design.column_norms**2)) / n
    return np.geomspace(top, 1e-6 * top, 20)


class TestPasses:
    """At least 3 times fewer than separate solves take."""

    def ratio(self, problem, method="auto"):
        ridges = six_decades(problem)
        path = nk.path(problem, ridges, method=method)
        cold = [nk.minimize(problem.with_ridge(r * path.pattern), method=method) for r in ridges]
        assert path.success
        assert all(result.success for result in cold)
        np.testing.assert_allclose(path.values, [result.fun for result in cold], rtol=1e-9)
        return sum(result.passes for result in cold) / path.total_passes

    @pytest.mark.parametrize(("data", "kind"), [("breast-cancer", "exp"), ("digits", "exp")])
    def test_on_real_data(self, data, kind):
        assert self.ratio(PROBLEMS[data][kind].load()) >= 3.0  # 3.7 and 3.4

    def test_on_large_data(self):
        problem = planted("softmax", 45_000, 50, condition=1e4)
        assert nk.minimize(problem.with_ridge(1.0), max_iter=0).method == "sketched"
        assert self.ratio(problem) >= 3.0  # 3.3

    def test_are_those_of_the_results(self):
        path = nk.path(planted(), RIDGES)
        assert path.passes.tolist() == [result.passes for result in path]
        assert path.total_passes == sum(result.passes for result in path.results)
        for result in path:
            assert sum(result.history[-1].phase_passes.values()) == result.history[-1].passes <= result.passes


class TestSolutions:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("kind", ["exp", "softmax", "cross-entropy", "resnet-softmax"])
    def test_have_no_gradient_and_no_negative_curvature(self, method, kind):
        problem = planted(kind, groups=1 if kind == "exp" else 20)
        path = nk.path(problem, RIDGES, method=method)
        assert path.success
        for ridge, x in zip(RIDGES, path.x, strict=True):
            fresh = problem.with_ridge(ridge).evaluate(x)
            assert np.linalg.norm(fresh.gradient) <= 1.0001e-8 * fresh.gradient_scale
            assert np.linalg.eigvalsh(np.asarray(fresh.hessian))[0] > 0.0

    @pytest.mark.parametrize("method", METHODS)
    def test_are_those_of_scipy(self, method):
        """Convex, with an intercept: there is one minimum, and SciPy finds it from x = 0."""
        rng = np.random.default_rng(0)
        A, labels = rng.normal(size=(400, 4)), rng.permutation(np.repeat(np.arange(80), 5))
        b = rng.uniform(size=400)
        path = nk.path(nk.SoftmaxCrossEntropy(A, b, groups=labels), [10.0, 1.0, 0.1], method=method)

        def loss(x, ridge):
            value, u = 0.5 * ridge * x @ x, A @ x
            for label in range(80):
                rows = labels == label
                value += b[rows].sum() * np.log(np.exp(u[rows]).sum()) - b[rows] @ u[rows]
            return value

        for ridge, x, value in zip(path.ridges, path.x, path.values, strict=True):
            found = scipy.optimize.minimize(loss, np.zeros(4), args=(ridge,), method="BFGS", tol=1e-9)
            np.testing.assert_allclose(x, found.x, atol=1e-5)
            assert value == pytest.approx(found.fun, rel=1e-10)

    @pytest.mark.parametrize("method", ["exact", "sketched"])
    def test_leave_a_minimum_that_becomes_a_saddle(self, method):
        """The loss of cosh is even: x = 0 is a minimum under a large ridge only, and stationary always."""
        rng = np.random.default_rng(3)
        A = rng.normal(size=(3000, 3))
        problem = nk.CoshRegression(A, np.cosh(A @ [0.5, 0.4, -0.3]))
        top = -float(np.linalg.eigvalsh(np.asarray(problem.hess(np.zeros(3))))[0])
        path = nk.path(problem, top * np.array([4.0, 2.0, 0.9, 0.5, 0.1]), method=method)
        assert path.success
        assert (path.x[:2] == 0.0).all()
        assert (np.abs(path.x[2:]).max(axis=1) > 0.01).all()
        for ridge, x in zip(path.ridges, path.x, strict=True):
            assert np.linalg.eigvalsh(np.asarray(problem.with_ridge(ridge).hess(x)))[0] > 0.0

    @pytest.mark.parametrize("method", ["exact", "sketched"])
    def test_are_not_claimed_where_there_is_none(self, method):
        """Choices that follow a rule without error have no finite minimiser without a ridge."""
        A = np.random.default_rng(0).normal(size=(300, 3))
        utility = (A @ [3.0, -2.0, 1.0]).reshape(-1, 3)
        taken = (utility == utility.max(axis=1)[:, None]).ravel().astype(float)
        problem = nk.SoftmaxCrossEntropy(A, taken, groups=np.repeat(np.arange(100), 3))
        path = nk.path(problem, [0.0, 1e-8, 1e-3, 1.0, 100.0], method=method)
        assert [result.success for result in path] == [False, True, True, True, True]
        assert path[0].status is nk.Status.SATURATED

    def test_of_an_ill_conditioned_design(self):
        path = nk.path(planted(condition=1e9, noise=0.0), [1e2, 1.0, 1e-3, 0.0])
        assert path.success

    def test_of_columns_that_are_the_same(self):
        A = np.random.default_rng(0).normal(size=(200, 3))
        problem = nk.ExpRegression(np.column_stack((A, A[:, 0])), np.exp(A @ [0.3, 0.2, -0.1]))
        path = nk.path(problem, [1.0, 1e-2, 0.0])
        assert path.success
        np.testing.assert_allclose(path.x[:, 0], path.x[:, 3], atol=1e-7)


class TestOrder:
    @pytest.mark.parametrize("method", METHODS)
    def test_does_not_matter(self, method):
        ridges = np.array([1.0, 100.0, 0.0, 1e-2, 1.0])
        path = nk.path(planted(), ridges, method=method, rng=1)
        ordered = nk.path(planted(), [100.0, 1.0, 1e-2, 0.0], method=method, rng=1)
        np.testing.assert_array_equal(path.ridges, ridges)
        np.testing.assert_array_equal(path.x, ordered.x[[1, 0, 3, 2, 1]])
        assert path.results[0] is path.results[4]
        assert path.total_passes == ordered.total_passes

    def test_norms_grow_as_the_ridge_falls(self):
        norms = np.linalg.norm(nk.path(planted(), RIDGES).x, axis=1)
        assert (np.diff(norms) > 0.0).all()


class TestPattern:
    A = np.random.default_rng(0).normal(size=(100, 2))
    B = np.exp(A @ [0.5, -0.2] + 0.4)

    @pytest.mark.parametrize(
        ("ridge", "pattern", "expected"),
        [
            (0.0, None, [1.0, 1.0, 0.0]),
            (7.0, None, [1.0, 1.0, 0.0]),
            ([4.0, 0.0, 2.0], None, [1.0, 0.0, 0.5]),
            (7.0, [0.0, 3.0, 1.0], [0.0, 3.0, 1.0]),
        ],
    )
    def test_says_what_is_penalised(self, ridge, pattern, expected):
        problem = nk.ExpRegression(self.A, self.B, fit_intercept=True, ridge=ridge)
        path = nk.path(problem, [10.0, 1.0], pattern=pattern)
        np.testing.assert_array_equal(path.pattern, expected)
        alone = nk.minimize(problem.with_ridge(10.0 * np.array(expected)))
        np.testing.assert_allclose(path.x[0], alone.x, atol=1e-8)

    def test_the_intercept_stays_free(self):
        problem = nk.ExpRegression(self.A, self.B, fit_intercept=True)
        x = nk.path(problem, [1e9]).x[0]
        np.testing.assert_allclose(x[:2], 0.0, atol=1e-6)
        assert x[2] == pytest.approx(np.log(self.B.mean()), abs=1e-6)


class TestEnds:
    def stopping(self, error, after):
        left = iter(range(after))

        def callback(record):
            if next(left, None) is None:
                raise error

        return callback

    @pytest.mark.parametrize("error", [StopIteration, KeyboardInterrupt])
    def test_in_the_middle_leaves_the_rest_open(self, error):
        path = nk.path(planted(), RIDGES[::-1], callback=self.stopping(error, 8))
        begun = [result is not None for result in path]
        assert begun == sorted(begun)  # from the largest, which came last
        assert 1 < sum(begun) < len(RIDGES)
        assert not path.success
        assert path[len(RIDGES) - 1].success
        assert np.isnan(path.x[0]).all() and np.isnan(path.values[0]) and path.passes[0] == 0
        assert "not begun" in str(path)

    def test_by_the_clock(self):
        path = nk.path(planted(), [1.0, 10.0], max_time=0.0)
        assert path[0] is None
        assert path[1].status is nk.Status.MAX_TIME

    def test_of_single_solves_do_not_end_the_path(self):
        path = nk.path(planted(), [1.0, 10.0], max_iter=0)
        assert [result.status for result in path] == [nk.Status.MAX_ITER] * 2

    def test_other_errors_come_through(self):
        with pytest.raises(ZeroDivisionError):
            nk.path(planted(), RIDGES, callback=self.stopping(ZeroDivisionError, 3))


class TestResult:
    def test_is_frozen_and_a_sequence(self):
        path = nk.path(planted(), [10.0, 1.0])
        with pytest.raises(dataclasses.FrozenInstanceError):
            path.seconds = 0.0
        assert len(path) == 2
        assert list(path) == [path[0], path[1]] == list(path.results)
        np.testing.assert_array_equal(path.x[1], path[1].x)

    def test_tables_hold_the_figures_in_80_columns(self):
        path = nk.path(planted(), [12345.678901, 1e-12])
        text = str(path).splitlines()
        assert max(map(len, text)) <= 80
        assert str(path).isascii()
        assert text[4].split()[:2] == ["1.235e+04", f"{path.values[0]:.10g}"]
        assert text[5].split()[3:5] == [str(path[1].nit), str(path[1].passes)]
        page = path._repr_html_()
        assert f'<data value="{float(path.values[0])!r}">' in page
        assert page.count("<tr>") == 3

    def test_a_note_tells_why_a_ridge_took_no_iteration(self):
        path = nk.path(planted(), RIDGES)
        still = [k for k, result in enumerate(path) if result.nit == 0]
        assert still
        assert all((path.x[k] != path.x[k - 1]).any() for k in still)
        note = "iter 0: predicted from the ridges before, corrected by quasi-Newton steps."
        assert str(path).splitlines()[-1] == note
        assert note in path._repr_html_()

    def test_the_note_is_left_out_where_it_tells_nothing(self):
        same = nk.path(planted(), [10.0])
        unmoved = nk.path(nk.SinhRegression(np.eye(3), np.zeros(3)), [1.0, 10.0], method="sampled")
        assert [result.nit for result in unmoved] == [0, 0]
        for path in (same, unmoved):
            assert "quasi-Newton" not in str(path) + path._repr_html_()

    def test_each_seed_gives_the_same_bits(self):
        problem = planted(n=3000)
        first, again, other = (nk.path(problem, RIDGES, method="sketched", rng=seed).x for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()

    def test_the_callback_sees_every_solve(self):
        seen = []
        path = nk.path(planted(), RIDGES, callback=seen.append)
        assert [record.iteration for record in seen] == [
            h.iteration for result in path for h in result.history
        ]


@pytest.mark.parametrize(
    ("ridges", "options", "error", "says"),
    [
        ([], {}, ValueError, "ridges must hold at least one"),
        ([-1.0], {}, ValueError, "ridges must be at least 0"),
        ([np.nan], {}, ValueError, "ridges must"),
        ([[1.0]], {}, ValueError, "ridges must"),
        (["a"], {}, TypeError, "ridges must"),
        ([1e300], {}, ValueError, "ridges has largest entry"),
        ([1.0], {"pattern": [1.0]}, ValueError, "pattern must"),
        ([1.0], {"pattern": -np.ones(6)}, ValueError, "pattern must be at least 0"),
        ([1.0], {"method": "best"}, ValueError, "method must be one of"),
        ([1.0], {"gtol": -1.0}, ValueError, "gtol must"),
        ([1.0], {"max_iter": 0.5}, TypeError, "max_iter must"),
        ([1.0], {"max_time": -1.0}, ValueError, "max_time must"),
        ([1.0], {"rng": "a"}, TypeError, "rng must"),
        ([1.0], {"callback": 3}, TypeError, "callback must"),
        ([1.0], {"verbose": -1}, ValueError, "verbose must"),
    ],
)
def test_bad_input_is_refused_by_name(ridges, options, error, says):
    with pytest.raises(error, match=says):
        nk.path(planted(), ridges, **options)


def test_a_problem_that_is_none_is_refused():
    with pytest.raises(TypeError, match="problem must be"):
        nk.path(lambda x: x, [1.0])
