"""The theorem of Newton and Kantorovich in numbers, and the contraction of Newton steps."""

from __future__ import annotations

import math
import re

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import newtonkit as nk
from newtonkit.certificates.certificate import Certificate, Region
from newtonkit.certificates.contraction import GOOD, PROMISED, contraction, promised_steps, steps_to
from newtonkit.certificates.kantorovich import newton_ball, zeros_of_majorant
from newtonkit.certificates.wording import at_least, at_most

SMALL = st.floats(1e-12, 0.499)


class TestMajorant:
    @given(SMALL, st.floats(1e-6, 1e6))
    def test_its_zeros_are_those_of_the_quadratic(self, product, lipschitz):
        step = product / lipschitz
        near, far = zeros_of_majorant(step, lipschitz)
        # F(t) = kappa t^2 / 2 - t + eta attains the bounds: no sharper ones hold for all functions.
        for zero in (near, far):
            assert abs(0.5 * lipschitz * zero * zero - zero + step) <= 1e-6 * (zero + step)
        assert step <= near <= 2.0 * step * (1.0 + 1e-9)
        assert near < far

    @given(SMALL)
    def test_the_zeros_enclose_those_of_the_worst_function(self, product):
        near, far = zeros_of_majorant(product, 1.0)
        with mpmath.workdps(50):
            root = mpmath.sqrt(1 - 2 * mpmath.mpf(product))
            assert near >= 1 - root
            assert far <= 1 + root

    @pytest.mark.parametrize("step", [0.5, 0.6, math.inf, math.nan])
    def test_there_is_none_from_too_far(self, step):
        assert zeros_of_majorant(step, 1.0) is None

    def test_of_a_linear_function_is_the_newton_step_itself(self):
        near, far = zeros_of_majorant(3.0, 0.0)
        assert math.isclose(near, 3.0, rel_tol=1e-11)
        assert near >= 3.0
        assert far == math.inf


class TestBall:
    def test_where_the_bound_grows_with_the_reach(self):
        asked = []

        def lipschitz(reach):
            asked.append(reach)
            return math.exp(reach)

        ball = newton_ball(0.01, lipschitz)
        assert 0.01 <= ball.within <= 0.0102
        assert ball.reach == asked[0]
        assert ball.lipschitz == math.exp(ball.reach)
        # No other zero within any rho with rho <= t**(kappa(rho)), the best of which solves that equation.
        best = max(
            min(rho, zeros_of_majorant(0.01, math.exp(rho))[1])
            for rho in np.linspace(0.03, 1.5, 500)
            if zeros_of_majorant(0.01, math.exp(rho))
        )
        assert 0.7 * best <= ball.alone <= best * 1.01

    def test_there_is_none_where_the_bound_is_too_large(self):
        assert newton_ball(0.01, lambda reach: 51.0) is None
        assert newton_ball(0.01, lambda reach: math.inf) is None
        assert newton_ball(math.inf, lambda reach: 0.0) is None

    def test_the_zero_is_alone_only_as_far_as_the_bound_reaches(self):
        ball = newton_ball(0.01, lambda reach: 1.0 if reach < 0.5 else math.inf)
        assert 0.03 < ball.alone < 0.5

    def test_at_a_zero_itself(self):
        ball = newton_ball(0.0, lambda reach: 2.0)
        assert ball.within == 0.0
        assert 0.9 <= ball.alone <= 1.0


class TestContraction:
    def test_keeps_the_promise_in_the_good_region(self):
        assert contraction(GOOD, 0.1) < 0.5 * PROMISED
        assert contraction(0.0, 0.0) == 0.0
        assert contraction(1.0, 0.1) == math.inf == contraction(0.1, 1.0)

    @given(st.integers(0, 2**32 - 1))
    def test_is_never_less_than_what_a_step_does(self, seed):
        rng = np.random.default_rng(seed)
        theta, epsilon = rng.uniform(0.0, 0.3, 2)
        d = 4

        # H* = I; H~, H(x) and the mean Hessian G on the way, anywhere within their bounds.
        def near(size):
            q = np.linalg.qr(rng.normal(size=(d, d)))[0]
            return q @ np.diag(rng.choice([-size, size], d)) @ q.T

        half = near(0.5 * theta)
        mean = np.eye(d) + half
        hessian = mean + near(0.5 * theta)
        lower, vectors = np.linalg.eigh(hessian)
        root = vectors @ np.diag(np.sqrt(lower)) @ vectors.T
        stand_in = root @ (np.eye(d) + near(epsilon)) @ root
        step = np.eye(d) - np.linalg.solve(stand_in, mean)
        assert np.linalg.norm(step, 2) <= contraction(theta, epsilon) * (1.0 + 1e-12)

    def test_steps_by_the_recursion(self):
        assert steps_to(1.0, 1.0, 0.1, 0.1) == 0
        assert steps_to(1.0, 0.19, 0.1, 0.1) == 2
        assert steps_to(1.0, 1e-12, 0.1, 0.0) == 4  # quadratic: 1, 0.056, 1.6e-4, 1.2e-9, 7e-20
        assert steps_to(1.0, 1e-3, 0.1, 0.9) is None
        assert promised_steps(1.0, 1e-8, 1.0) == math.ceil(8 * math.log(10) / math.log(2.5)) == 21
        assert promised_steps(1.0, 2.0, 1.0) == 0

    @given(st.floats(1e-12, 0.9), st.floats(0.0, GOOD))
    def test_the_recursion_never_needs_more_than_the_papers(self, goal, theta):
        assert steps_to(1.0, goal, theta, 0.1) <= promised_steps(1.0, goal, 1.0)


def _certificate(**changes):
    given = {"proven": True, "radius": 1e-3, "unique_within": 1.0, "l": 1.0, "M": 2.0}
    given |= {"in_good_region": True, "in_contraction_region": True, "attainable": 1e-12}
    return Certificate(**given | {"region": Region(1e-2, 5.0, 0.25)} | changes)


class TestSteps:
    def test_none_are_needed_within_the_radius(self):
        assert _certificate().steps(1e-3) == 0

    def test_of_the_methods(self):
        certificate = _certificate()
        counts = {method: certificate.steps(1e-9, method) for method in ("exact", "sampled", "sketched")}
        goal = 1e-9 * 0.5
        assert counts == {
            "exact": steps_to(1e-2, goal, 5.0, 0.0),
            "sampled": steps_to(1e-2, goal, 5.0, 0.1),
            "sketched": steps_to(1e-2, goal, 5.0, 0.1) + 1,
        }
        assert counts["exact"] < counts["sampled"] <= certificate.paper_steps(1e-9)
        assert certificate.steps(1e-9, epsilon=0.4) > counts["sampled"]
        assert certificate.steps(1e-9, epsilon=0.6) is None

    def test_nothing_is_promised_beyond_what_is_known(self):
        assert _certificate().steps(1e-13) is None
        assert _certificate(in_contraction_region=False).steps(1e-9) is None
        assert _certificate(region=None).steps(1e-9) is None
        assert _certificate(region=None).paper_steps(1e-9) is None

    @pytest.mark.parametrize(
        ("given", "error", "words"),
        [
            ({"eps": 0.0}, ValueError, "eps must be positive"),
            ({"eps": "near"}, TypeError, "eps must be a number"),
            ({"eps": 1e-3, "method": "newton"}, ValueError, "method must be one of"),
            ({"eps": 1e-3, "epsilon": 1.0}, ValueError, "epsilon must be less than 1"),
            ({"eps": 1e-3, "epsilon": 0.0}, ValueError, "epsilon must be positive"),
        ],
    )
    def test_refuses(self, given, error, words):
        with pytest.raises(error, match=words):
            _certificate().steps(**given)

    def test_is_told_in_words(self):
        assert "within 0.0011 of x" in str(_certificate())  # as a float, 0.001 is a little more
        assert "(l, M)-good" in str(_certificate())
        assert "contract" in str(_certificate(in_good_region=False))
        unproven = Certificate(False, math.inf, 0.0, -1.0, 3.0, False, False, reason="It is a saddle.")
        assert str(unproven) == "Nothing is proven. It is a saddle."


class TestWording:
    @given(st.floats(1e-300, 1e300), st.integers(1, 6))
    def test_numbers_are_rounded_to_the_safe_side(self, value, digits):
        up, down = float(at_most(value, digits)), float(at_least(value, digits))
        assert down <= value <= up
        assert up - down <= 1.01 * 10.0 ** (1 - digits) * value

    def test_of_what_is_no_size(self):
        assert at_most(math.inf) == "inf"
        assert at_least(-math.inf) == "-inf"
        assert at_least(-0.0133, 2) == "-0.014"
        assert at_most(0.0) == "0"

    def test_what_would_mislead_is_left_out(self):
        near = str(_certificate(radius=0.2, unique_within=0.01, l=-0.01, in_good_region=False))
        assert "no other" not in near
        assert "not known to be positive" in near


class TestSupport:
    class Own(nk.problems.Activation):
        name, positive = "own", True

        def __call__(self, u):
            return np.exp(u), np.exp(u), np.exp(u)

        def ranges(self, u):
            return (u.exp(),) * 4

    def test_one_s_own_activation_is_refused_before_any_work(self):
        problem = nk.problems.Regression([[1.0]], [1.0], structure="elementwise", activation=self.Own())
        seen = []
        with pytest.raises(TypeError, match="rounding errors of Own are not known"):
            nk.minimize(problem, certify=True, callback=seen.append)
        assert not seen
        with pytest.raises(TypeError, match="rounding errors of Own are not known"):
            nk.certify(problem, [0.0])
        assert problem.curvature_bounds([0.0], 0.1).M > 0.0

    def test_what_is_no_problem_is_refused(self):
        with pytest.raises(TypeError, match="certify needs a newtonkit problem, got list"):
            nk.certify([], [0.0])
        with pytest.raises(TypeError, match="certify must be True or False"):
            nk.minimize(nk.ExpRegression([[1.0]], [1.0]), certify=1)

    def test_a_result_carries_what_was_asked_for(self):
        problem = nk.ExpRegression([[1.0], [0.5]], [1.0, 1.5])
        bare, proved = nk.minimize(problem), nk.minimize(problem, certify=True)
        assert bare.certificate is None
        assert proved.certificate == nk.certify(problem, proved.x) == nk.certify(problem, proved)
        assert "proved      a minimiser is within" in str(proved)
        assert "proved" not in str(bare)

    @pytest.mark.parametrize(
        ("failure", "reason"),
        [(KeyboardInterrupt, "The proof was interrupted."), (MemoryError, "There is not enough memory.*")],
    )
    def test_a_proof_that_does_not_end_leaves_the_result(self, failure, reason, monkeypatch):
        def stopped(problem, x):
            raise failure

        monkeypatch.setattr("newtonkit.certificates.certify", stopped)
        result = nk.minimize(nk.ExpRegression([[1.0], [0.5]], [1.0, 1.5]), certify=True)
        assert result.success
        assert not result.certificate.proven
        assert re.fullmatch(reason, result.certificate.reason)
