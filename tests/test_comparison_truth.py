"""What a comparison says is true, computed again with plain formulas that know nothing of newtonkit."""

import mpmath
import numpy as np
import pytest

import newtonkit as nk
from newtonkit.comparison.judgement import judge
from newtonkit.comparison.method import Run
from newtonkit.comparison.start import Start
from tests.comparing import UNASKED

GTOL = 1e-8


class Formulas:
    """Value, gradient and Hessian of one problem at x."""

    def __init__(self, A, b, ridge=0.0):
        self.A, self.b, self.ridge = A, b, ridge

    def penalised(self, x, value, gradient, hessian):
        d = len(x)
        return (
            value + 0.5 * self.ridge * x @ x,
            gradient + self.ridge * x,
            hessian + self.ridge * np.eye(d),
        )


class Elementwise(Formulas):
    f = staticmethod(lambda u: (np.exp(u), np.exp(u), np.exp(u)))

    def __call__(self, x):
        f, f1, f2 = self.f(self.A @ x)
        r = f - self.b
        hessian = self.A.T @ np.diag(f1 * f1 + f2 * r) @ self.A
        return self.penalised(x, 0.5 * np.sum(r**2), self.A.T @ (f1 * r), hessian)


class CoshFormulas(Elementwise):
    f = staticmethod(lambda u: (np.cosh(u), np.sinh(u), np.cosh(u)))

    def scale(self, x):
        """S(x): what the gradient would be if nothing cancelled, which stands in for a first one of zero."""
        u = self.A @ x
        sizes = np.abs(np.sinh(u)) * (np.cosh(u) + np.abs(self.b))
        return np.sum(np.linalg.norm(self.A, axis=1) * sizes) or 1.0


class Softmax(Formulas):
    """Through the Jacobian of p, diag(p) - p p^T, and its derivative row by row."""

    def __call__(self, x):
        u = self.A @ x
        p = np.exp(u - u.max())
        p /= p.sum()
        r = p - self.b
        J = np.diag(p) - np.outer(p, p)
        inner = J @ J
        for i, r_i in enumerate(r):
            # d^2 p_i / du^2 = p_i ((e_i - p)(e_i - p)^T - J)
            e = -p.copy()
            e[i] += 1.0
            inner += r_i * p[i] * (np.outer(e, e) - J)
        return self.penalised(x, 0.5 * r @ r, self.A.T @ (J @ r), self.A.T @ inner @ self.A)


class CrossEntropy(Formulas):
    def __call__(self, x):
        u = self.A @ x
        total, top = np.sum(self.b), u.max()
        log_sum = top + np.log(np.sum(np.exp(u - top)))
        p = np.exp(u - log_sum)
        J = np.diag(p) - np.outer(p, p)
        value = total * log_sum - self.b @ u
        return self.penalised(x, value, self.A.T @ (total * p - self.b), total * self.A.T @ J @ self.A)


def cases():
    rng = np.random.default_rng(11)
    A = 0.5 * rng.normal(size=(60, 3))
    b = np.exp(A @ [0.5, -1.0, 0.3]) * (1 + 0.2 * rng.random(60))
    p = b / b.sum()
    C = rng.normal(size=(60, 2))
    high = np.cosh(C @ [0.5, 1.0]) + 0.5
    return {
        "exp": (nk.ExpRegression(A, b, ridge=0.01), Elementwise(A, b, 0.01)),
        "cosh from its maximum": (nk.CoshRegression(C, high), CoshFormulas(C, high)),
        "softmax": (nk.SoftmaxRegression(A, p, ridge=1e-6), Softmax(A, p, 1e-6)),
        "cross-entropy": (nk.SoftmaxCrossEntropy(A, p, ridge=1e-3), CrossEntropy(A, p, 1e-3)),
    }


@pytest.fixture(scope="module", params=cases().values(), ids=cases())
def compared(request):
    problem, formulas = request.param
    return nk.compare(problem, gtol=GTOL), formulas


def test_the_formulas_themselves():
    """Their derivatives against central differences, so that they can be trusted to judge."""
    h = 1e-5
    for _, formulas in cases().values():
        x = np.array([0.1, -0.2, 0.3])[: formulas.A.shape[1]]
        value, gradient, hessian = formulas(x)
        ends = [(formulas(x + h * e), formulas(x - h * e)) for e in np.eye(len(x))]
        slopes = [(up[0] - down[0]) / (2 * h) for up, down in ends]
        curves = [(up[1] - down[1]) / (2 * h) for up, down in ends]
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(hessian, curves, rtol=1e-6, atol=1e-9)
        assert value > 0


class TestEveryPointReturned:
    def test_value_and_gap(self, compared):
        comparison, formulas = compared
        best = min(formulas(report.x)[0] for report in comparison.reports)
        rounding = 1e-13 * formulas(np.zeros(comparison.d))[0]
        for report in comparison.reports:
            value = formulas(report.x)[0]
            assert report.value == pytest.approx(value, rel=1e-13, abs=rounding)
            assert report.gap == pytest.approx(value - best, rel=1e-6, abs=10 * rounding)
        assert comparison.best_value == pytest.approx(best, rel=1e-13)

    def test_gradient(self, compared):
        comparison, formulas = compared
        first = np.linalg.norm(formulas(np.zeros(comparison.d))[1])
        assert comparison.stationary_start == (first == 0)
        for report in comparison.reports:
            relative = np.linalg.norm(formulas(report.x)[1]) / (first or formulas.scale(report.x))
            assert report.relative_gradient == pytest.approx(relative, rel=1e-3, abs=1e-12)

    def test_smallest_eigenvalue(self, compared):
        comparison, formulas = compared
        for report in comparison.reports:
            eigenvalues = np.linalg.eigvalsh(formulas(report.x)[2])
            assert report.smallest_eigenvalue == pytest.approx(
                eigenvalues[0], rel=1e-8, abs=1e-12 * np.abs(eigenvalues).max()
            )

    def test_verdict(self, compared):
        """Reached is a small gradient, no negative curvature, and a value as low as any."""
        comparison, formulas = compared
        zero, values = np.zeros(comparison.d), [formulas(report.x)[0] for report in comparison.reports]
        first = np.linalg.norm(formulas(zero)[1])
        for report, value in zip(comparison.reports, values, strict=True):
            _, gradient, hessian = formulas(report.x)
            smallest = np.linalg.eigvalsh(hessian)[0]
            # From a maximum the first gradient is zero, and small is small beside the curvature there.
            small = np.linalg.norm(gradient) <= 1e-7 * (first or np.abs(formulas(zero)[2]).max())
            if report.reached:
                assert small
                assert smallest > 0
                assert value <= min(values) + 1e-9 * abs(formulas(zero)[0])
            elif report.outcome == "saddle":
                assert small
                assert smallest < 0
            else:
                assert report.outcome == "stopped early"
                assert np.linalg.norm(gradient) > GTOL * first

    def test_milestones(self, compared):
        """From the trace alone: the first iterate within each share of the first gap."""
        comparison, formulas = compared
        first = formulas(np.zeros(comparison.d))[0]
        best = min(formulas(report.x)[0] for report in comparison.reports)
        for report in comparison.reports:
            assert report.trace[0][::2] == (0, pytest.approx(first))
            assert report.trace[-1].value == pytest.approx(report.value, rel=1e-12)
            for milestone in report.milestones:
                within = [p for p in report.trace if p.value - best <= milestone.gap * (first - best)]
                assert milestone.iterations == (within[0].iteration if within else None)
                assert milestone.seconds == (within[0].seconds if within else None)
        assert comparison["newtonkit"].milestones[-1].iterations is not None


def test_all_verdicts_occur():
    outcomes = {
        report.outcome
        for problem, _ in cases().values()
        for report in nk.compare(problem, methods=["newtonkit", "BFGS"]).reports
    }
    assert outcomes == {"reached", "saddle"}


def test_another_minimum_is_one():
    """1/2 (e^x - 10)^2 + 1/2 (e^-x - 5)^2 has two minima, found here in fifty digits."""
    mpmath.mp.dps = 50

    def L(x):
        return (mpmath.exp(x) - 10) ** 2 / 2 + (mpmath.exp(-x) - 5) ** 2 / 2

    def g(x):
        return mpmath.exp(x) * (mpmath.exp(x) - 10) - mpmath.exp(-x) * (mpmath.exp(-x) - 5)

    ends = [mpmath.findroot(g, x) for x in (-1.6, 2.3)]
    assert all(mpmath.diff(g, x) > 0 for x in ends)
    problem = nk.ExpRegression([[1.0], [-1.0]], [10.0, 5.0])
    start = Start.of(problem, np.array([-0.5]), GTOL)
    comparison = nk.compare(problem, [-0.5])
    for report in comparison.reports:
        nearest = min(ends, key=lambda x: abs(x - report.x[0]))
        assert abs(nearest - report.x[0]) < 1e-6
        lower = min(ends, key=L)
        assert report.found_other_minimum == (
            nearest != lower and comparison.best_value < float(L(nearest)) - 1.0
        )
    runs = {
        name: [Run(name, np.array([float(x)]), 1, 1, 1, 1, 0, 1.0, "own", "", True)]
        for name, x in zip("ab", ends, strict=True)
    }
    reports, best = judge(problem, runs, start, 1.0)
    gap = float(max(map(L, ends)) - min(map(L, ends)))
    assert best == pytest.approx(float(min(map(L, ends))))
    assert sorted(report.outcome for report in reports) == ["other minimum", "reached"]
    assert max(report.gap for report in reports) == pytest.approx(gap)


def test_saturated_is_flat_and_far_from_fitted():
    """All of p on one wrong row: in fifty digits, there is next to no gradient, and a loss of 1/2."""
    mpmath.mp.dps = 50
    A = np.random.default_rng(0).normal(size=(200, 4))
    b, x = np.full(200, 1 / 200), 20 * np.array([-30.0, 20.0, 10.0, 5.0])
    comparison = nk.compare(nk.SoftmaxRegression(A, b), x)
    assert len(comparison.reports) == len(UNASKED) - 3
    for report in comparison.reports:
        assert report.outcome == "saturated"
        u = [
            mpmath.fsum(mpmath.mpf(a) * mpmath.mpf(t) for a, t in zip(row, report.x, strict=True))
            for row in A
        ]
        top = max(u)
        e = [mpmath.exp(v - top) for v in u]
        p = [v / mpmath.fsum(e) for v in e]
        assert float(mpmath.fsum((a - c) ** 2 for a, c in zip(p, b, strict=True))) / 2 > 0.49
        # Every entry of l'(u) and of diag(p) - p p^T is at most 1 - p_max in size, but for constants.
        assert 1 - max(p) < mpmath.mpf(10) ** -20


@pytest.mark.parametrize("make", [nk.SoftmaxCrossEntropy, nk.SoftmaxRegression])
def test_a_loss_that_falls_to_nothing_for_ever_has_no_minimum(make):
    """A row at a corner of the others can be separated: the loss tends to 0 as x runs off to infinity."""
    A = np.random.default_rng(5).normal(size=(200, 4))
    comparison = nk.compare(make(A, (np.arange(200) == A[:, 0].argmax()).astype(float)), max_time=1.0)
    assert comparison.best is None
    assert comparison["newtonkit"].outcome == comparison["trust-exact"].outcome == "saturated"
    assert {r.outcome for r in comparison.reports} <= {"saturated", "stopped early", "time cap"}


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_an_exact_fit_at_a_finite_point_is_a_minimum(scale):
    A = np.random.default_rng(0).normal(size=(100, 3))
    comparison = nk.compare(nk.SinhRegression(A * scale, np.sinh(A @ [0.5, -1.0, 1.0])), methods="newtonkit")
    assert comparison["newtonkit"].outcome == "reached"
    assert comparison.best_value < 1e-12
