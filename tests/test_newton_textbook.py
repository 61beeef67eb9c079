"""``method=nk.newton`` on textbook problems, beside SciPy's trust-exact and trust-krylov."""

import warnings

import numpy as np
import pytest
from scipy import optimize

import newtonkit as nk
from newtonkit.design import one_blas_thread
from tests.jets import Jet, absolute, cos, exp, log, sin, variables
from tests.textbook import PROBLEMS, Textbook, is_minimum

LONG = "chained Rosenbrock 1000"
# Its start lies in a plane of symmetry with a valley that leads to infinity, at a value of 0.243.
ESCAPES = "Biggs EXP6"
QUICK = [problem for problem in PROBLEMS.values() if problem.name != LONG]
PEERS = ("trust-exact", "trust-krylov")


def minimised(problem: Textbook, method, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers divide by zero here and there
        return optimize.minimize(
            problem.fun,
            problem.start,
            jac=problem.jac,
            hess=problem.hess,
            method=method,
            options={"maxiter": 400, **options},
        )


@pytest.mark.parametrize("problem", QUICK, ids=lambda p: p.name)
def test_derivatives_of_the_problems(problem):
    """Central differences along a random direction, near the start."""
    rng = np.random.default_rng(0)
    x = problem.start + 1e-3 * (1.0 + np.abs(problem.start)) * rng.normal(size=len(problem.x0))
    s = (1e-3 + np.abs(x)) * rng.normal(size=len(x))
    t = 1e-5
    ahead, behind = x + t * s, x - t * s
    slope = (problem.fun(ahead) - problem.fun(behind)) / (2 * t)
    assert problem.jac(x) @ s == pytest.approx(slope, rel=1e-5)
    bend = (problem.jac(ahead) - problem.jac(behind)) / (2 * t)
    np.testing.assert_allclose(problem.hess(x) @ s, bend, atol=1e-5 * np.linalg.norm(bend))


def test_jets():
    x = np.array([0.3, -0.7])
    a, b = variables(x, np.array([[0, 1]]))
    jet = exp(a * b) / (2.0 - b) + sin(a) * cos(b) - log(absolute(b) + 1.0) + b**3 - 1.0 / a
    assert isinstance(jet, Jet)

    def f(p, q):
        return np.exp(p * q) / (2 - q) + np.sin(p) * np.cos(q) - np.log(abs(q) + 1) + q**3 - 1 / p

    t = 1e-4
    np.testing.assert_allclose(jet.v, f(*x), rtol=1e-14)
    across = [(f(*(x + t * e)) - f(*(x - t * e))) / (2 * t) for e in np.eye(2)]
    np.testing.assert_allclose(jet.g[0], across, rtol=1e-6)
    skew = np.array([t, -t])
    mixed = (f(*(x + t)) - f(*(x + skew)) - f(*(x - skew)) + f(*(x - t))) / (4 * t * t)
    assert jet.h[0, 0, 1] == jet.h[0, 1, 0] == pytest.approx(mixed, rel=1e-5)


@pytest.fixture(scope="module")
def solved():
    return {p.name: minimised(p, nk.newton, gtol=1e-8) for p in QUICK if p.name != ESCAPES}


@pytest.mark.parametrize("name", [p.name for p in QUICK if p.name != ESCAPES])
def test_each_is_solved(solved, name):
    problem, result = PROBLEMS[name], solved[name]
    assert result.success
    assert is_minimum(problem, result.x)
    assert result.fun == problem.fun(result.x)
    if name != "chained Wood 80":  # which has many minima that nobody has listed
        size = problem.fun(problem.start)
        assert min(abs(result.fun - m) / (abs(m) + 1e-9 * size) for m in problem.minima) < 1e-6


def test_the_one_that_escapes_is_no_success():
    result = minimised(PROBLEMS[ESCAPES], nk.newton, gtol=1e-8)
    assert not result.success
    assert result.status is nk.Status.MAX_ITER
    assert result.fun < PROBLEMS[ESCAPES].fun(PROBLEMS[ESCAPES].start) / 3


@pytest.mark.parametrize("gtol", [1e-8, pytest.param(1e-5, marks=pytest.mark.heavy)])
def test_beside_the_peers(gtol):
    """Solves at least as many as the better of them, in no more gradient evaluations in the median."""
    solves = dict.fromkeys(("newton", *PEERS), 0)
    ratios: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for problem in QUICK:
        ours = minimised(problem, nk.newton, gtol=gtol)
        ours_solves = bool(ours.success) and is_minimum(problem, ours.x, gtol)
        assert not ours.success or ours_solves, f"{problem.name}: success, but no minimum"
        solves["newton"] += ours_solves
        for peer in PEERS:
            try:
                theirs = minimised(problem, peer, gtol=gtol)
            except ValueError:  # trust-exact lets infinities through to LAPACK
                continue
            if is_minimum(problem, theirs.x, gtol):  # whatever it says of itself
                solves[peer] += 1
                if ours_solves:
                    ratios[peer].append(ours.njev / theirs.njev)
    assert solves["newton"] >= max(solves[peer] for peer in PEERS)
    for peer in PEERS:
        assert len(ratios[peer]) >= 35
        assert np.median(ratios[peer]) <= 1.0


def test_there_are_at_least_forty():
    assert len(PROBLEMS) >= 40
    assert {len(p.x0) for p in PROBLEMS.values()} >= {2, 3, 4, 10, 100, 1000}


@pytest.mark.heavy
def test_the_long_chain():
    problem = PROBLEMS[LONG]
    result = minimised(problem, nk.newton, gtol=1e-8, maxiter=3000)
    assert result.success
    assert result.fun < 1e-15
    assert is_minimum(problem, result.x)
    with one_blas_thread():  # with two, its factorisations take seven times as long
        theirs = minimised(problem, "trust-exact", gtol=1e-8, maxiter=3000)
    assert result.njev <= theirs.njev
