"""The speed table compares like with like, at sizes that take no time; what it measures is not tested."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from scipy import optimize

import bench.__main__ as command
import newtonkit as nk
from bench.machine import installed_versions
from bench.speed import memory, race, real, scores
from bench.speed.cases import case_of, checked_solve, solve
from bench.speed.figures import Bound, Figure, PeerMissing, Setting, attempted, require
from bench.speed.memory_probe import data_bytes, wide_data
from bench.speed.plain import POINTS, LibraryPoint
from bench.speed.report import as_markdown, as_plain, as_text
from bench.speed.turns import in_turns, one_pass, ratio
from bench.speed.watch import Arrived, OutOfTime, Watch

AT_LEAST = Bound(2.0, 4.0, at_least=True, unit="times")
AT_MOST = Bound(2.0, 1.0, at_least=False, unit="passes")
QUICK = Setting(scale=0.01, rounds=1, threads=1, cap=20.0)


@pytest.fixture(scope="module", params=["exp", "softmax"])
def case(request):
    made = nk.datasets.make_planted(request.param, 400, 5, condition=100.0, noise=0.1, rng=0)
    return case_of(request.param, made.A, made.b, made.solution)


@pytest.mark.parametrize("kind", ["exp", "softmax"])
def test_numpy_and_the_library_have_the_same_derivatives(kind):
    made = nk.datasets.make_planted(kind, 300, 7, condition=10.0, noise=0.5, rng=1)
    rng = np.random.default_rng(0)
    for x in (np.zeros(7), 0.7 * made.solution, made.solution + 0.3 * rng.standard_normal(7)):
        plain, library = POINTS[kind](made.A, made.b, x), LibraryPoint(made.problem, x)
        v = rng.standard_normal(7)
        assert plain.value == pytest.approx(library.value, rel=1e-12)
        for ours, theirs in (
            (library.gradient, plain.gradient),
            (library.hessian, plain.hessian),
            (library.product(v), plain.product(v)),
            (plain.hessian @ v, plain.product(v)),
        ):
            assert np.linalg.norm(ours - theirs) <= 1e-11 * np.linalg.norm(theirs)


def test_numpy_has_the_derivatives_of_its_values(case):
    x = 0.1 * np.random.default_rng(3).standard_normal(5)
    error = optimize.check_grad(lambda z: case.plain(z).value, lambda z: case.plain(z).gradient, x)
    assert error <= 1e-5 * np.linalg.norm(case.plain(x).gradient)  # forward differences


def test_the_library_arrives_and_numpy_agrees(case):
    done = checked_solve(case)
    assert done.seconds <= done.total
    assert case.refusal(done.x, done.value) == ""
    assert solve(case).iterations == done.iterations  # nothing is left over from the run before


def test_a_point_that_is_not_good_enough_is_refused(case):
    done = checked_solve(case)
    assert "of the first" in case.refusal(0.99 * done.x)
    assert "of the first" in case.refusal(np.full(5, np.nan))
    assert "never" in case.refusal(None)
    assert "least" in case.refusal(done.x, 0.9 * done.value)


def test_methods_arrive_where_the_library_does_with_either_derivatives(case):
    reference = checked_solve(case).value
    for source in ("plain", "library"):
        attempts = race.raced(case, source, QUICK, reference, race.CONTESTANTS[:3])
        assert [one.name for one in attempts] == [
            "trust-exact (hess)",
            "Newton-CG (hess)",
            "trust-krylov (hess)",
        ]
        assert attempts[0].outcome == "arrived"
        assert race.fastest(attempts)[0].seconds <= attempts[0].seconds


def test_a_method_is_ended_at_its_deadline_and_told_late(case):
    late = race.one_attempt(race.named("trust-exact (hess)"), case, "plain", 0.0)
    assert late.seconds is None
    assert late.is_cut_off
    # One that ends by itself too early has not arrived, whatever it says.
    flat = case_of(case.kind, case.A, case.b, np.zeros(5))
    watch = Watch(flat.plain, 0.0, 10.0)
    watch.jac(np.zeros(5))
    assert watch.seconds is None


def test_the_best_so_far_sets_the_deadline():
    setting = Setting(slack=1.5, cap=10.0)
    attempts = [race.Attempt("a", 2.0, 10.0, "arrived"), race.Attempt("b", None, 3.0, "more than 3 s")]
    assert race.deadline([], setting) == 10.0
    assert race.deadline(attempts, setting) == 3.0
    assert race.deadline([race.Attempt("a", 9.0, 10.0, "arrived")], setting) == 10.0
    assert race.deadline([race.Attempt("a", 1e-3, 10.0, "arrived")], setting) > 0.1


def test_a_watch_ends_a_run_and_does_not_take_a_plateau_for_the_goal(case):
    done = checked_solve(case)
    watch = Watch(case.plain, case.goal, 10.0, unit=4.0)
    assert watch.fun(np.zeros(5)) == 4.0 * case.plain(np.zeros(5)).value
    with pytest.raises(Arrived):
        watch.jac(done.x)
    np.testing.assert_array_equal(watch.x, done.x)
    # The same gradient at a value above the lowest seen is that of a trial point.
    above = Watch(case.plain, case.goal, 10.0)
    above._lowest = 0.5 * done.value
    above.jac(done.x)
    assert above.seconds is None
    with pytest.raises(OutOfTime):
        Watch(case.plain, case.goal, -1.0).fun(np.zeros(5))


def test_tasks_take_turns_and_go_first_by_turns():
    order = []

    def task(name, seconds):
        order.append(name)
        return seconds

    found = in_turns({"a": lambda: task("a", 2.0), "b": lambda: task("b", 1.0)}, rounds=3)
    assert order == ["b", "a", "a", "b", "b", "a", "a", "b"]
    assert found == {"a": [2.0] * 3, "b": [1.0] * 3}
    assert ratio(found["a"], found["b"]) == (2.0, (2.0, 2.0))


def test_verdicts():
    cases = ((5.0, "hoped"), (4.0, "hoped"), (3.0, "yes"), (1.0, "NO"), (None, "-"), (np.inf, "-"))
    for value, verdict in cases:
        assert Figure("x", AT_LEAST, value).verdict == verdict
    for value, verdict in ((0.5, "hoped"), (1.5, "yes"), (3.0, "NO")):
        assert Figure("x", AT_MOST, value).verdict == verdict
    # A lower bound that does not reach what is asked tells nothing.
    assert Figure("x", AT_LEAST, 1.0, is_open=True).verdict == "open"
    assert Figure("x", AT_LEAST, 3.0, is_open=True).verdict == "yes"


def test_a_missing_peer_or_a_failure_is_a_note_and_not_the_end():
    def fails():
        raise ValueError("too wide")

    with pytest.raises(PeerMissing):
        require("no-such-peer")
    missing = attempted("x", AT_LEAST, lambda: require("no-such-peer"))
    assert missing.note.startswith("peer not installed: no-such-peer")
    assert attempted("x", AT_LEAST, fails).note == "ValueError: too wide"
    assert installed_versions("no-such-peer")["no-such-peer"] == "not installed"


def test_tables_fit_into_80_columns():
    figures = [
        Figure(
            "softmax 1000000 x 1000, NumPy derivatives", AT_LEAST, 1234.5, (1000.0, 2000.0), note="word " * 60
        ),
        Figure("x", AT_LEAST, 12.34, (11.0, 13.0), is_open=True),
        Figure("y", Bound(2.0, None, at_least=True, unit="MB"), note="a | b"),
    ]
    titles = dict(command.TITLES)
    rows = dict.fromkeys(titles, figures)
    text = as_text("machine\n" + "package 1.0, " * 20, titles, rows)
    assert max(map(len, text.splitlines())) <= 80
    assert all(title in text.replace("\n", " ") for title in titles.values())
    assert "> 12.3" in text
    lines = as_markdown("head", titles, {"solve": figures}).splitlines()
    table = [line.replace(r"\|", "") for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {8}
    plain = json.loads(json.dumps(as_plain(titles, {"solve": figures, "scipy": []}), allow_nan=False))
    assert [f["verdict"] for f in plain["solve"]["figures"]] == ["hoped", "hoped", "-"]


def test_shapes_shrink_and_rows_are_known():
    assert Setting().shape(50_000, 1000) == (50_000, 1000)
    assert Setting(scale=0.01).shape(50_000, 1000) == (500, 100)
    assert command.arguments([]).rows == list(command.TITLES)
    for wrong in (["--rows", "none"], ["--scale", "0"], ["--rounds", "0"]):
        with pytest.raises(SystemExit):
            command.arguments(wrong)


def test_the_command_writes_its_files(tmp_path, capsys):
    json_file, markdown_file = tmp_path / "a.json", tmp_path / "a.md"
    threads = nk.get_num_threads()
    words = ["--rows", "gram", "--scale", "0.001", "--rounds", "1", "--json", str(json_file)]
    try:
        command.main([*words, "--markdown", str(markdown_file), "--threads", "1"])
    finally:
        nk.set_num_threads(threads)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    found = json.loads(json_file.read_text(encoding="utf-8"))
    assert len(found["rows"]["gram"]["figures"]) == 4
    assert "1000 x 8, both signs" in markdown_file.read_text(encoding="utf-8")


def test_exact_scores_are_those_of_the_library_and_shares_are_counted():
    A = np.random.default_rng(0).standard_normal((200, 6))
    w = np.random.default_rng(1).lognormal(size=200)
    exact = scores.exact_scores(A, w)
    np.testing.assert_allclose(exact, nk.sketching.leverage_scores(A, w, method="exact"), rtol=1e-10)
    assert scores.share_within(exact * np.where(np.arange(200) < 20, 2.1, 1.9), exact) == 0.9
    assert scores.share_within(exact / 2.1, exact) == 0.0


def test_a_pass_is_taken_on_dense_and_sparse_data():
    A, _, _ = wide_data("exp", 50, 200, 4)
    assert one_pass(A)() > 0.0
    assert one_pass(A.toarray().astype(np.float32))() > 0.0


def test_wide_data_has_a_solution_under_its_ridge_and_bounds_are_in_megabytes():
    for kind in ("exp", "softmax"):
        A, b, ridge = wide_data(kind, 60, 100, 5)
        assert data_bytes(A, b) == A.data.nbytes + A.indices.nbytes + A.indptr.nbytes + b.nbytes
        assert ridge > 0.0
        np.testing.assert_allclose(np.asarray(A.multiply(A).sum(axis=1)).mean(), 1.0, rtol=0.3)
    assert memory.allowed(1000).asked == 64.0 + 80.0


@pytest.mark.filterwarnings("ignore")  # of the peers' own making
def test_peers_minimise_what_the_library_does():
    pytest.importorskip("glum")
    rng = np.random.default_rng(0)
    A = np.asfortranarray(rng.standard_normal((200, 3)))
    b = np.exp(0.3 * A @ np.ones(3)) + 0.1 * rng.standard_normal(200)
    for has_intercept, alpha in ((False, 0.0), (True, 0.1)):
        data = real.Data("small", A, b / b.mean(), alpha, has_intercept)
        least = data.loss(real.by_newtonkit(data))
        for label, fit in real.peers(data).items():
            found = real.tuned(fit, data, least, np.inf, 1.5)
            assert found.outcome == "arrived", label


def test_a_peer_that_is_not_accurate_is_not_taken_and_a_wrong_least_value_is_noticed():
    data = real.Data("small", np.ones((4, 1)), np.ones(4))
    off = real.tuned(lambda tol, max_iter: np.full(1, 0.1), data, 1e-3, np.inf, 1.5)
    assert off.tol is None
    assert "above the least value" in off.outcome
    with pytest.raises(RuntimeError, match="not the least"):
        real.tuned(lambda tol, max_iter: np.zeros(1), data, 1.0, np.inf, 1.5)


def test_one_iteration_that_takes_longer_than_the_best_is_enough():
    wide = real.Data("wide", np.ones((1, real._WIDE + 1)), np.ones(1))

    def slow(tol, max_iter):
        assert max_iter == 1
        time.sleep(0.01)
        return np.zeros(real._WIDE + 1)

    assert real.tuned(slow, wide, 1.0, 1e-3, 1.5).outcome.startswith("more than")
