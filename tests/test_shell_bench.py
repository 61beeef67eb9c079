"""``newtonkit bench`` tells of a solve what ``minimize`` does, and its parts add up."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli, minimizer
from newtonkit.shell.kinds import KINDS
from newtonkit.shell.passes import Measurement
from tests.shell_files import sales, shell, write

SMALL = ["--rows", "3000", "--columns", "20", "--runs", "1"]
FILE = ["sales.csv", "--problem", "exp", "--target", "price"]
TOLD = ("status", "success", "message", "fun", "nit", "nfev", "nhev", "passes", "inner_iterations", "method")


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    write(sales(), path / "sales.csv")
    write(sales(), path / f"{'sales_of_all_the_years_' * 5}.csv")
    np.savez(path / "separable.npz", A=[[0.0], [1.0]], b=[0.0, 1.0])
    return path


def figures(capsys, *arguments, code=0):
    """Return what the command writes as JSON to a standard output that holds nothing else."""
    assert cli.main(["bench", *arguments, "--json", "-"]) == code
    out, err = capsys.readouterr()
    assert bool(err) == bool(code)
    return json.loads(out)


def direct(kind="exp", seed=0, gtol=1e-8, method="auto", **more):
    """Solve the problem of SMALL without the shell."""
    made = nk.datasets.make_planted(kind, 3000, 20, **{"condition": 1e4, "noise": 0.1} | more, rng=seed)
    return nk.minimize(made.problem, method=method, gtol=gtol, rng=seed)


class TestFigures:
    @pytest.mark.parametrize("method", ["auto", "exact", "sketched", "sampled"])
    def test_are_those_of_minimize(self, method, capsys):
        found = figures(capsys, *SMALL, "--method", method, "--seed", "3", "--gtol", "1e-9")
        expected = direct(seed=3, gtol=1e-9, method=method)
        expected["status"] = expected.status.name
        assert {name: found["result"][name] for name in TOLD} == {name: expected[name] for name in TOLD}
        assert len(found["history"]) == len(expected.history)
        for ours, record in zip(found["history"], expected.history, strict=True):
            for name in ("value", "gradient_norm", "rows_sampled", "inner_iterations", "passes", "note"):
                assert ours[name] == getattr(record, name)
            assert ours["phase_passes"] == record.phase_passes

    def test_of_another_planted_problem(self, capsys):
        more = ["--problem", "softmax", "--condition", "10", "--density", "0.3", "--noise", "0"]
        found = figures(capsys, *SMALL, *more)
        expected = direct("softmax", condition=10.0, density=0.3, noise=0.0)
        assert (found["result"]["fun"], found["result"]["passes"]) == (expected.fun, expected.passes)
        wanted = {"rows": 3000, "columns": 20, "condition": 10.0, "density": 0.3, "noise": 0.0, "seed": 0}
        assert found["data"] == {"planted": wanted}
        assert found["problem"]["class"] == "SoftmaxRegression"
        assert abs(found["problem"]["entries"] - 0.3 * 3000 * 20) <= 20

    def test_of_ready_made_data(self, capsys):
        found = figures(capsys, "diabetes", "--runs", "2")
        expected = nk.minimize(nk.datasets.diabetes_exp())
        assert (found["result"]["fun"], found["result"]["passes"]) == (expected.fun, expected.passes)
        assert found["data"] == {"ready_made": "diabetes"}
        assert found["problem"]["kind"] == "exp"
        assert len(found["run_seconds"]) == 2

    def test_of_a_file(self, capsys, folder, monkeypatch):
        monkeypatch.chdir(folder)
        more = ["--features", "size", "--intercept", "--runs", "1"]
        found = figures(capsys, *FILE, *more)
        frame = sales()
        problem = nk.ExpRegression(frame[["size"]].to_numpy(), frame["price"].to_numpy(), fit_intercept=True)
        assert found["result"]["fun"] == nk.minimize(problem).fun
        assert found["data"] == {"file": "sales.csv"}
        assert (found["problem"]["d"], found["problem"]["intercept"]) == (2, True)

    def test_without_arguments(self, capsys, monkeypatch):
        asked, real = [], nk.datasets.make_planted

        def small(*sizes, **more):
            asked.append((*sizes, more))
            return real("exp", 300, 3, rng=0)

        monkeypatch.setattr("newtonkit.datasets.planted.make_planted", small)
        assert figures(capsys)["settings"] == {"method": "auto", "gtol": 1e-8, "seed": 0, "runs": 3}
        more = {"condition": 1e4, "density": 1.0, "noise": 0.1, "rng": 0}
        assert asked == [("exp", 200_000, 100, more)]

    def test_kinds_are_those_that_can_be_planted(self):
        assert set(KINDS) == set(nk.datasets.PLANTED_KINDS)

    @pytest.mark.parametrize("method", ["exact", "sketched"])
    def test_add_up(self, method, capsys):
        found = figures(capsys, *SMALL, "--method", method)
        work, result, one = found["work"], found["result"], found["pass_seconds"]
        assert sum(row["passes"] for row in work) == result["passes"]
        assert sum(row["seconds"] for row in work) == pytest.approx(result["seconds"])
        assert sum(row["time_share"] for row in work) == pytest.approx(1.0)
        assert sum(row["passes_by_clock"] for row in work) == pytest.approx(result["passes_by_clock"])
        assert all(row["passes"] >= 0 and row["seconds"] > -1e-9 for row in work)
        for row in [*work, result, *found["history"]]:
            assert row["passes_by_clock"] * one == pytest.approx(row["seconds"])
        assert result["seconds"] in found["run_seconds"]
        assert found["bytes_per_second"] * one == pytest.approx(3000 * 20 * 8)
        kinds = [row["kind"] for row in work]
        assert kinds[-2:] == ["end", "other"]
        assert set(kinds[:-2]) == set(found["history"][-1]["phases"])

    def test_until_the_gradient_is_small(self, capsys):
        found = figures(capsys, *SMALL, "--gtol", "1e-11")
        norms = [record["gradient_norm"] for record in found["history"]]
        k = next(k for k, norm in enumerate(norms) if norm <= 1e-8 * norms[0])
        until, record = found["until"], found["history"][k]
        assert (until["share"], until["iteration"]) == (1e-8, k)
        for name in ("passes", "passes_by_clock", "seconds"):
            assert until[name] == record[name]
        assert figures(capsys, *SMALL, "--gtol", "0.01")["until"] is None


class TestMeasurement:
    @pytest.mark.parametrize(("seconds", "shown"), [([3, 1, 2], 2), ([4, 1, 3, 2], 2), ([1], 1)])
    def test_shows_the_run_of_median_time(self, seconds, shown):
        results = tuple(SimpleNamespace(seconds=s) for s in seconds)
        measured = Measurement(None, {}, 0.0, (3.0, 1.0, 2.0), results)
        assert (measured.result.seconds, measured.pass_seconds) == (shown, 2.0)
        assert measured.by_clock(5.0) == 2.5

    @pytest.mark.parametrize("intercept", [[], ["--intercept"]])
    def test_no_run_knows_what_an_earlier_one_has_found(self, intercept, capsys, monkeypatch, folder):
        """Norms of the rows are kept by a design: all runs, not the first alone, have to take them."""
        monkeypatch.chdir(folder)
        taken, real = [], nk.design.dense.DenseDesign.block_squares
        monkeypatch.setattr(
            "newtonkit.design.dense.DenseDesign.block_squares",
            lambda design, block: taken.append(block) or real(design, block),
        )
        figures(capsys, *FILE, "--features", "size", "--runs", "1", *intercept)
        in_two = len(taken)
        figures(capsys, *FILE, "--features", "size", "--runs", "3", *intercept)
        assert in_two > 0
        assert len(taken) - in_two == 2 * in_two


class TestReport:
    @pytest.mark.parametrize(
        "arguments",
        [
            SMALL,
            [*SMALL, "--method", "sketched", "--problem", "softmax"],
            [*SMALL, "--method", "sampled", "--density", "0.5"],
            ["--rows", "300", "--columns", "3", "--runs", "14"],
            ["digits", "--method", "sketched", "--runs", "1"],
            ["*", *FILE[1:], "--features", "size", "--intercept", "--target-scale", "mean"],
        ],
    )
    def test_has_lines_of_79_columns(self, arguments, folder, capsys, monkeypatch):
        monkeypatch.chdir(folder)
        long = next(folder.glob("sales_of*")).name
        assert cli.main(["bench", *(long if word == "*" else word for word in arguments)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 79
        assert not re.search(r" $", out, re.MULTILINE)
        assert "\nsolved: CONVERGED\n" in out

    def test_tables_are_those_of_the_solve(self, capsys):
        assert cli.main(["bench", *SMALL, "--method", "sketched"]) == 0
        out, expected = capsys.readouterr().out, direct(method="sketched")
        work = re.findall(r"^(\w+) +(\d+) +([\d.]+) +([\d.]+) +([\d.]+)%", out, re.MULTILINE)
        *rows, total = [(name, int(passes), *map(float, more)) for name, passes, *more in work]
        assert total[:2] == ("total", expected.passes)
        assert sum(row[1] for row in rows) == expected.passes
        # Every figure is rounded by half a unit of its last digit.
        for k, unit in ((2, 0.1), (3, 0.0001), (4, 0.1)):
            assert sum(row[k] for row in rows) == pytest.approx(total[k], abs=unit * len(work))
        iterations = re.findall(r"^ +(\d+) +([\d.e+-]+) +(\S+) +(\d+) +(\d+) +(\d+) +[\d.]+$", out, re.M)
        assert len(iterations) == len(expected.history)
        for row, record in zip(iterations, expected.history, strict=True):
            counts = (record.iteration, record.inner_iterations, record.rows_sampled, record.passes)
            assert tuple(int(row[k]) for k in (0, 3, 4, 5)) == counts
            assert float(row[1]) == pytest.approx(record.value)
            assert f"{record.gradient_norm / expected.history[0].gradient_norm:.1e}" == row[2]
        shown = " ".join(out.split())
        assert all(record.note in shown for record in expected.history)
        assert sum(len(record.note) for record in expected.history) > 0
        assert expected.message in shown

    def test_of_a_start_without_gradient(self, capsys):
        arguments = ["--problem", "cosh", "--rows", "300", "--columns", "3", "--runs", "1"]
        assert cli.main(["bench", *arguments]) == 0
        out = capsys.readouterr().out
        assert "|g|/S(x)" in out
        assert "|g| <= 1e-08 |g0| means nothing here" in out
        assert figures(capsys, *arguments)["until"] is None

    def test_of_a_goal_that_is_not_reached_says_how_to_reach_it(self, capsys):
        goal = r"^\|g\| <= 1e-08 \|g0\| "
        assert cli.main(["bench", *SMALL, "--gtol", "0.01"]) == 0
        missed = re.search(
            goal + r"was not reached: it ended at \S+; try --gtol (\S+)$", capsys.readouterr().out, re.M
        )
        assert cli.main(["bench", *SMALL, "--gtol", missed[1]]) == 0
        assert re.search(
            goal + r"after \d+ passes counted, [\d.]+ by the clock$", capsys.readouterr().out, re.M
        )


class TestEnds:
    def test_as_a_process_that_writes_a_file(self, tmp_path):
        out, err = shell("bench", *SMALL, "--json", "figures.json", cwd=tmp_path)
        assert err == ""
        assert out.startswith(
            "planted exp regression, condition 10000, noise 0.1, seed 0\nn = 3000, d = 20\n"
        )
        assert out.endswith("\nWritten to figures.json.\n")
        found = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
        assert found["result"]["passes"] == direct().passes
        assert list(tmp_path.iterdir()) == [tmp_path / "figures.json"]

    def test_without_success(self, folder, capsys, monkeypatch):
        monkeypatch.chdir(folder)
        arguments = ["separable.npz", "--problem", "cross-entropy", "--runs", "1"]
        assert cli.main(["bench", *arguments]) == 1
        out, err = capsys.readouterr()
        assert "\nnot solved: SATURATED\n" in out
        assert err == ""
        assert cli.main(["bench", *arguments, "--json", "-"]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out)["result"]["status"] == "SATURATED"
        assert re.fullmatch(r"newtonkit bench: SATURATED: The loss .*\n", err)

    @pytest.mark.parametrize("when", ["before the solve", "in a descent"])
    def test_ctrl_c(self, when, tmp_path, capsys, monkeypatch):
        real = minimizer.minimize

        def interrupt(*_, **__):
            raise KeyboardInterrupt

        def interrupted(*args, **more):
            return real(*args, **more, callback=interrupt)

        if when == "in a descent":
            monkeypatch.setattr(minimizer, "minimize", interrupted)
        else:
            monkeypatch.setattr("newtonkit.datasets.planted.make_planted", interrupt)
        path = tmp_path / "figures.json"
        path.write_text("kept")
        assert cli.main(["bench", *SMALL, "--json", str(path)]) == 130
        assert capsys.readouterr() == ("", "newtonkit bench: error: interrupted\n")
        assert path.read_text() == "kept"
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["./iterations"], r"there is no file or data '\./iterations'; did you mean 'newtonkit bench .*"),
        (["--rows", "9", "iterations"], r"the order is 'newtonkit bench iterations \[OPTION \.{3}\]'; .*"),
        (["none.csv"], r"cannot read none\.csv: No such file or directory"),
        (["sales.csv"], "a file needs --problem KIND; 'newtonkit problems' lists the kinds"),
        (["digits", "--noise", "0"], "--noise is for planted problems, which take no DATA"),
        (
            [*FILE, "--rows", "9", "--density", "0.5"],
            "--rows and --density are for planted problems, which take no DATA",
        ),
        (["--target", "price"], "--target is for files; DATA is missing"),
        (["--ridge", "1", "--intercept"], "--ridge and --intercept are for files; DATA is missing"),
        (["--problem", "grouped"], "--problem grouped needs DATA; planted problems are exp, .* or cross-.*"),
        (["--problem", "tanh"], "argument --problem: invalid choice: 'tanh' .*"),
        (["--method", "sampler"], "argument --method: invalid choice: 'sampler' .*"),
        (["--runs", "0"], "argument --runs: must be a whole number of at least 1, got '0'"),
        (["--rows", "1e5"], "argument --rows: must be a whole number of at least 1, got '1e5'"),
        (["--gtol", "-1"], "argument --gtol: must be a number of at least 0, got '-1'"),
        (["--rows", "5", "--columns", "20"], "--rows must be at least 20 for kind 'exp' and d = 20, got 5"),
        (["--columns", "1"], r"--condition must be 1 for a single column \(d = 1\), got 10000"),
        (["--condition", "0.5"], r"--condition must lie within 1 and 1e\+12, got 0\.5"),
        (["--density", "2"], r"--density must lie within 0 and 1, got 2\.0"),
        (["--noise", "1e9"], "--noise must lie within 0 and 1000, got .*"),
        ([*FILE, "--json", "./sales.csv"], r"DATA and --json are both \./sales\.csv"),
        (["--json", "no/such/f.json"], r"cannot write no/such/f\.json: No such file or directory"),
        (["--json", "."], r"cannot write \.: it is a directory"),
    ],
)
def test_mistakes_take_one_line(arguments, message, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert cli.main(["bench", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"newtonkit bench: error: {message}\n", err), err
    assert sorted(folder.iterdir()) == before
