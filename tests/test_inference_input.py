"""What inference refuses, and how it shows what it found."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import scipy.optimize

import newtonkit as nk
from tests.bad_input import assert_refused

RNG = np.random.default_rng(4)
N = 40
A = RNG.normal(size=(N, 2)) / 2
B = np.exp(A @ [0.5, -0.4]) + 0.2 * RNG.normal(size=N)
PROBLEM = nk.ExpRegression(A, B)
RESULT = nk.minimize(PROBLEM)
GROUPS = np.repeat(np.arange(10), 4)
CHOSEN = np.zeros(N)
CHOSEN[np.arange(10) * 4 + RNG.integers(0, 4, 10)] = 1.0
CHOICE = nk.SoftmaxCrossEntropy(A, CHOSEN, groups=GROUPS)
FOUND = nk.inference(PROBLEM, RESULT)


class OwnLoss(nk.problems.RowwiseLoss):
    def terms(self, u, b):
        return np.exp(u) - b * u, np.exp(u) - b, np.exp(u)


class OwnSquares(nk.problems.ElementwiseSquares):
    """May be any loss at all."""


SHARES = np.full(N, 1.0 / N)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (nk.SoftmaxRegression(A, SHARES), "share the sum of their group"),
        (nk.SoftmaxRegression(A, CHOSEN, groups=GROUPS), "share the sum of their group"),
        (nk.RescaledRegression(A, SHARES), "share the sum of their group"),
        (nk.EntropySoftmaxRegression(A, SHARES, entropy_weight=0.1), "share the sum of their group"),
        (nk.ResNetSoftmaxRegression(A, SHARES), "share the sum of their group"),
        (nk.problems.Problem(A, OwnLoss(B)), "OwnLoss, is not known to be one"),
        (nk.problems.Problem(A, OwnSquares(B, nk.problems.Exp())), "OwnSquares, is not known to be one"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_problems_without_a_likelihood(problem, why):
    assert_refused(
        lambda: nk.inference(problem, np.zeros(2)), (TypeError, f"^problem must have a likelihood.*{why}")
    )


def test_any_activation_will_do():
    class Softplus(nk.problems.Activation):
        name, positive = "softplus", True

        def __call__(self, u):
            s = 1.0 / (1.0 + np.exp(-u))
            return np.logaddexp(0.0, u), s, s * (1.0 - s)

    problem = nk.problems.Regression(A, B, structure="elementwise", activation=Softplus())
    result = nk.minimize(problem)
    f, first, _ = Softplus()(A @ result.x)
    expected = np.linalg.inv(A.T @ (first[:, None] ** 2 * A)) * np.sum((f - B) ** 2) / (N - 2)
    np.testing.assert_allclose(nk.inference(problem, result).covariance(), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"kind": "hc0"}, (ValueError, "^kind must be one of classical, sandwich, clustered, got 'hc0'")),
        ({"kind": ""}, (ValueError, "^kind must be one of")),
        ({"kind": 1}, (TypeError, "^kind must be a string")),
        ({"kind": "clustered"}, (ValueError, "^kind 'clustered' needs clusters")),
        ({"clusters": np.zeros(N)}, (ValueError, "^clusters must be at least 2, got 1")),
        ({"clusters": np.zeros(N - 1)}, (ValueError, rf"^clusters must have shape \({N},\), got")),
        ({"clusters": [None] + [1] * (N - 1)}, (ValueError, "^clusters must have a label for every row")),
        ({"clusters": [[1]] * N}, (ValueError, "^clusters must have shape")),
        ({"clusters": [{1}] * N}, (TypeError, "^clusters must have labels that can be hashed")),
        ({"clusters": np.where(np.arange(N) > 3, 1.0, np.nan)}, (ValueError, "^clusters must have a label")),
        ({"information": "fisher"}, (ValueError, "^information must be 'expected' or 'observed'")),
        ({"small_sample": 1}, (TypeError, "^small_sample must be True or False")),
        ({"names": ["a"]}, (ValueError, "^names must have 2 entries, got 1")),
        ({"names": "ab"}, (TypeError, "^names must be a list of names")),
        ({"names": 2}, (TypeError, "^names must be a list of names")),
    ],
)
def test_options(options, refusal):
    assert_refused(lambda: nk.inference(PROBLEM, RESULT, **options), refusal)


@pytest.mark.parametrize(
    ("solution", "refusal"),
    [
        ([0.1], (ValueError, r"^solution must have length 2, got shape \(1,\)")),
        (["a", "b"], (TypeError, "^solution must hold")),
        ([np.nan, 0.0], (ValueError, "^solution must be finite")),
        ([0.5, -0.4], (ValueError, "^solution is no minimum: a Newton step from it")),
        ([400.0, 0.0], (ValueError, "^solution is no minimum: the problem has no finite value")),
        (nk.minimize(PROBLEM, max_iter=1), (ValueError, "^solution is no minimum: The iteration limit")),
        (nk.minimize(nk.ExpRegression(A[:, :1], B)), (ValueError, "^solution must have length 2")),
    ],
)
def test_solutions(solution, refusal):
    assert_refused(lambda: nk.inference(PROBLEM, solution), refusal)


def test_a_stationary_point_that_is_no_minimum():
    problem = nk.CoshRegression(A, np.cosh(2.0 * A[:, 0]) + 0.01 * RNG.normal(size=N) + 1.0)
    assert np.all(problem.jac(np.zeros(2)) == 0.0)
    assert_refused(
        lambda: nk.inference(problem, np.zeros(2)),
        (ValueError, "^solution is no minimum: the problem has neg"),
    )


def test_separated_choices_have_no_minimum():
    problem = nk.SoftmaxCrossEntropy([[0.0], [1.0]] * 5, [0.0, 1.0] * 5, groups=np.repeat(np.arange(5), 2))
    result = nk.minimize(problem)
    assert_refused(lambda: nk.inference(problem, result), (ValueError, "^solution is no minimum: The loss"))


def test_a_coarse_solution_is_told_from_a_minimum_by_its_standard_errors():
    errors = FOUND.std_errors("classical")
    near = nk.inference(PROBLEM, RESULT.x + 3e-4 * errors)
    np.testing.assert_allclose(near.std_errors(), errors, rtol=1e-3)
    assert_refused(
        lambda: nk.inference(PROBLEM, RESULT.x + 3e-3 * errors),
        (ValueError, "^solution is no minimum: a Newton"),
    )


def test_shares_are_no_choices():
    problem = nk.SoftmaxCrossEntropy(A, SHARES)
    result = nk.minimize(problem)
    assert_refused(lambda: nk.inference(problem, result), (ValueError, "^problem must count choices"))


def test_clusters_that_cut_through_choices():
    result = nk.minimize(CHOICE)
    assert_refused(
        lambda: nk.inference(CHOICE, result, clusters=np.arange(N)),
        (ValueError, "^clusters must be constant within each of the groups"),
    )


def test_an_exact_fit_has_no_errors_to_estimate():
    problem = nk.ExpRegression(A, np.exp(A @ [0.5, -0.4]))
    result = nk.minimize(problem)
    assert_refused(lambda: nk.inference(problem, result), (ValueError, "^solution fits b to rounding"))


def test_as_many_coefficients_as_observations():
    weights = np.where(np.arange(N) < 2, 1.0, 0.0)
    square, b = A[:2], np.array([1.0, -5.0])  # the second cannot be reached by an exponential
    problem = nk.ExpRegression(np.concatenate((square, A[2:])), np.append(b, B[2:]), sample_weight=weights)
    assert_refused(
        lambda: nk.inference(problem, [-3.0, -9.0]), (ValueError, "^(problem has 2 obs|solution is no)")
    )
    one = nk.ExpRegression([[1.0], [1.0]], [1.0, 2.0], sample_weight=[0.5, 0.5])
    found = nk.minimize(one)
    assert_refused(
        lambda: nk.inference(one, found), (ValueError, "^problem has 1 observations for 1 degrees")
    )


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        (
            lambda: nk.inference(None, [0.0]),
            (TypeError, "^problem must be a newtonkit problem, got NoneType"),
        ),
        (lambda: FOUND.std_errors("clustered"), (ValueError, "^kind 'clustered' needs clusters")),
        (lambda: FOUND.covariance("robust"), (ValueError, "^kind must be one of")),
        (lambda: FOUND.wald_table(level=95), (ValueError, "^level must be between 0 and 1, got 95")),
        (lambda: FOUND.wald_table(level=0.0), (ValueError, "^level must be between 0 and 1")),
        (lambda: FOUND.wald_table(level="high"), (TypeError, "^level must be a number")),
        (lambda: FOUND.wald_table(names=["a", "b", "c"]), (ValueError, "^names must have 2 entries, got 3")),
        (lambda: FOUND.wald_table(kind=2), (TypeError, "^kind must be a string")),
    ],
)
def test_calls(call, refusal):
    assert_refused(call, refusal)


class TestNames:
    def test_come_from_a_frame(self):
        frame = pd.DataFrame(A, columns=["price", "speed"])
        problem = nk.ExpRegression(frame, B, fit_intercept=True)
        result = nk.minimize(problem)
        named = ["price", "speed", "intercept"]
        assert list(nk.inference(problem, result, names=frame).wald_table().index) == named
        assert list(nk.inference(problem, result, names=frame.columns).wald_table().index) == named
        assert list(nk.inference(problem, result).wald_table(names=frame).index) == named
        assert list(nk.inference(problem, result).wald_table().index) == ["x1", "x2", "intercept"]

    def test_come_from_a_series(self):
        x = pd.Series(RESULT.x, index=["price", "speed"])
        assert nk.inference(PROBLEM, x).names == ("price", "speed")
        assert nk.inference(PROBLEM, x, names=["a", "b"]).names == ("a", "b")
        assert nk.inference(PROBLEM, pd.Series(RESULT.x)).names == ("x1", "x2")
        assert nk.inference(PROBLEM, pd.Series(RESULT.x, index=["x", "fit"])).names == ("x", "fit")

    def test_a_result_of_scipy_will_do(self):
        theirs = scipy.optimize.minimize(
            PROBLEM.fun, np.zeros(2), jac=PROBLEM.jac, hess=PROBLEM.hess, method="trust-exact"
        )
        np.testing.assert_allclose(nk.inference(PROBLEM, theirs).std_errors(), FOUND.std_errors(), rtol=1e-4)


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows, self.text = [], []

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        self.text.append(data)
        if self.rows:
            self.rows[-1].append(data)


class TestRendering:
    def test_text_says_what_the_frame_says_in_80_columns(self):
        found = nk.inference(PROBLEM, RESULT, names=["price", "a very long name of a coefficient"])
        lines = str(found).splitlines()
        assert max(map(len, lines)) <= 80
        row = next(line for line in lines if line.startswith("price"))
        shown = [float(cell) for cell in row.split()[1:]]
        np.testing.assert_allclose(shown, found.wald_table().iloc[0], rtol=6e-3, atol=6e-5)
        text = str(found)
        for number in (found.log_likelihood, found.aic, found.bic, found.dispersion):
            assert f"{number:.5g}" in text or f"{number:.6g}" in text or f"{number:.8g}" in text
        assert "classical standard errors (expected information)" in text

    def test_html_has_the_same_cells_and_escapes_names(self):
        found = nk.inference(PROBLEM, RESULT, names=["<script>", "b & c"])
        parser = _Cells()
        parser.feed(found._repr_html_())
        assert [row[0] for row in parser.rows[1:]] == ["<script>", "b & c"]
        lines = str(found).splitlines()
        for row in parser.rows[1:]:
            line = next(line for line in lines if line.startswith(row[0]))
            assert line.split()[-6:] == row[1:7]
        assert "<script>" not in found._repr_html_()

    def test_many_coefficients_are_cut_short(self):
        rng = np.random.default_rng(0)
        design = rng.normal(size=(300, 80)) / 10
        problem = nk.ExpRegression(design, 1.0 + 0.1 * rng.normal(size=300))
        text = str(nk.inference(problem, nk.minimize(problem)))
        assert "... 30 more" in text
        assert "x25 " in text
        assert "x26 " not in text
        assert "x56 " in text
        assert "x55 " not in text

    def test_clusters_are_counted(self):
        found = nk.inference(PROBLEM, RESULT, clusters=np.arange(N) % 8)
        assert "clustered standard errors (observed information), 8 clusters" in str(found)

    def test_repr_is_short(self):
        assert repr(FOUND) == "Inference(ExpRegression(n=40, d=2, groups=1), kind='classical')"

    def test_pandas_is_needed_for_the_frame_alone(self):
        code = (
            "import sys; sys.modules['pandas'] = None\n"
            "import newtonkit as nk\n"
            "p = nk.ExpRegression([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], [1.0, 2.0, 5.0])\n"
            "found = nk.inference(p, nk.minimize(p))\n"
            "assert 'x1' in str(found) and found._repr_html_()\n"
            "try:\n    found.wald_table()\n"
            "except ModuleNotFoundError as error:\n    assert 'needs pandas' in str(error)\n"
            "else:\n    raise SystemExit('no error')\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


def test_the_dispersion_that_maximises_the_likelihood():
    squares = float(np.sum((PROBLEM.predict(RESULT.x) - B) ** 2))
    values = [
        -0.5 * (squares / v + N * np.log(2 * np.pi * v)) for v in np.array([0.99, 1.0, 1.01]) * squares / N
    ]
    assert FOUND.maximised_log_likelihood == pytest.approx(values[1], rel=1e-12)
    assert values[1] > max(values[0], values[2], FOUND.log_likelihood)
