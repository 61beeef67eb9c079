"""``newtonkit solve`` on real files: the solution is that of ``nk.minimize``, and all that is written."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.shell.arguments import wish_of
from newtonkit.shell.fitting import problem_of_file
from tests.shell_files import TRAVEL, diabetes, matrix, sales, shell, travel, write

FIT = ["--problem", "exp", "--target", "target", "--intercept", "--target-scale", "mean"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    frame = diabetes()
    for end in ("csv", "csv.gz", "tsv", "tsv.gz", "parquet", "npz"):
        write(frame, path / f"diabetes.{end}")
    features = frame.drop(columns="target")
    np.savez(path / "matrix.npz", A=features.to_numpy(), b=frame["target"].to_numpy())
    write(travel(), path / "travel.parquet")
    write(sales(), path / "sales.csv")
    return path


@pytest.fixture(scope="module")
def expected():
    frame = diabetes()
    A, b = matrix(frame.drop(columns="target")), frame["target"].to_numpy()
    return nk.minimize(nk.ExpRegression(A, b / b.mean(), fit_intercept=True))


def solved(arguments, capsys, code=0):
    """Return the record that the command prints."""
    assert cli.main(["solve", *map(str, arguments), "--output", "-"]) == code
    return json.loads(capsys.readouterr().out)


def coefficients(record):
    own = record["solution"]["coefficients"].values()
    intercept = record["solution"]["intercept"]
    return np.array([*own, *([] if intercept is None else [intercept])])


class TestFiles:
    def test_as_a_process(self, folder, tmp_path, expected):
        out, err = shell("solve", "diabetes.csv", *FIT, "--output", str(tmp_path / "fit.json"), cwd=folder)
        assert err == ""
        assert max(map(len, out.splitlines())) <= 80
        assert "solved: CONVERGED" in out
        assert f"iterations  {expected.nit}\n" in out
        record = json.loads((tmp_path / "fit.json").read_text(encoding="utf-8"))
        np.testing.assert_array_equal(coefficients(record), expected.x)

    @pytest.mark.parametrize("end", ["csv.gz", "tsv", "tsv.gz", "parquet", "npz"])
    def test_of_every_format_give_the_same_bits(self, folder, end, capsys, expected):
        record = solved([folder / f"diabetes.{end}", *FIT], capsys)
        np.testing.assert_array_equal(coefficients(record), expected.x)
        assert record["data"]["file"] == f"diabetes.{end}"

    def test_of_a_matrix_need_no_names(self, folder, capsys, expected):
        record = solved([folder / "matrix.npz", "--problem", "exp", *FIT[4:]], capsys)
        np.testing.assert_array_equal(coefficients(record), expected.x)
        assert list(record["solution"]["coefficients"]) == [f"x{k}" for k in range(1, 11)]
        assert record["data"]["target"] == "b"

    def test_of_a_matrix_bring_what_stands_beside_it(self, tmp_path, capsys):
        frame = travel()
        A, b = matrix(frame, "gc", "ttme"), frame["choice"].to_numpy()
        weights = np.repeat(np.arange(1.0, 211.0), 4)
        offset = np.linspace(-1.0, 1.0, 840)
        groups = frame["individual"].to_numpy()
        np.savez(tmp_path / "m.npz", A=A, b=b, groups=groups, sample_weight=weights, offset=offset)
        record = solved([tmp_path / "m.npz", "--problem", "cross-entropy"], capsys)
        problem = nk.SoftmaxCrossEntropy(A, b, groups=groups, sample_weight=weights, offset=offset)
        np.testing.assert_array_equal(coefficients(record), nk.minimize(problem).x)
        names = [record["data"][name] for name in ("groups", "sample_weight", "offset")]
        assert names == ["groups", "sample_weight", "offset"]
        without = ["--drop", "groups", "sample_weight", "offset"]
        record = solved([tmp_path / "m.npz", "--problem", "exp", *without], capsys)
        np.testing.assert_array_equal(coefficients(record), nk.minimize(nk.ExpRegression(A, b)).x)

    def test_integers_and_booleans_and_decimals_are_numbers(self, tmp_path, capsys):
        frame = pd.DataFrame({"i": [0, 1, 2, 3], "t": [True, False, True, True], "y": [1.0, 2.0, 3.0, 5.0]})
        path = write(frame, tmp_path / "kinds.parquet")
        record = solved([path, "--problem", "exp", "--target", "y"], capsys)
        own = nk.minimize(nk.ExpRegression(matrix(frame, "i", "t"), frame["y"]))
        np.testing.assert_array_equal(coefficients(record), own.x)

    def test_float32_stays_float32(self, tmp_path, capsys):
        frame = diabetes().astype(np.float32)
        path = write(frame, tmp_path / "single.parquet")
        record = solved([path, *FIT], capsys)
        b = frame["target"].to_numpy(dtype=np.float64)
        A = np.ascontiguousarray(frame.drop(columns="target").to_numpy())
        assert A.dtype == np.float32
        own = nk.minimize(
            nk.ExpRegression(A, b / record["data"]["encoding"]["target_scale"]["factor"], fit_intercept=True)
        )
        np.testing.assert_array_equal(coefficients(record), own.x)
        wish = wish_of(cli.make_parser().parse_args(["solve", path, *FIT]))
        assert problem_of_file(path, wish).problem.design.dtype == np.float32


class TestOptions:
    """What each option does is what the library does with the argument of that name."""

    @pytest.mark.parametrize(
        ("kind", "make"),
        [
            ("exp", nk.ExpRegression),
            ("cosh", nk.CoshRegression),
            ("sinh", nk.SinhRegression),
            ("rescaled-exp", nk.RescaledRegression),
            ("rescaled-cosh", lambda A, b, **o: nk.RescaledRegression(A, b, activation="cosh", **o)),
            ("rescaled-sinh", lambda A, b, **o: nk.RescaledRegression(A, b, activation="sinh", **o)),
            ("softmax", nk.SoftmaxRegression),
            ("resnet-softmax", nk.ResNetSoftmaxRegression),
            ("entropy-softmax", lambda A, b, **o: nk.EntropySoftmaxRegression(A, b, entropy_weight=0.1, **o)),
            ("cross-entropy", nk.SoftmaxCrossEntropy),
        ],
    )
    def test_every_kind(self, folder, kind, make, capsys):
        frame = diabetes()
        A, b = matrix(frame, "bmi", "bp"), frame["target"].to_numpy()
        arguments = [folder / "diabetes.parquet", "--problem", kind, "--target", "target"]
        arguments += ["--features", "bmi", "bp", "--ridge", "0.01", "--target-scale", "sum", "--offset", "s5"]
        arguments += ["--entropy-weight", "0.1"] * (kind == "entropy-softmax")
        assert cli.main(["solve", *map(str, arguments), "--output", "-"]) in (0, 1)
        record = json.loads(capsys.readouterr().out)
        own = nk.minimize(make(A, b / b.sum(), ridge=0.01, offset=frame["s5"].to_numpy()))
        np.testing.assert_array_equal(coefficients(record), own.x)
        assert record["result"]["status"] == own.status.name
        assert record["problem"]["kind"] == kind

    def test_groups_weights_categories(self, folder, tmp_path, capsys):
        frame = travel().assign(weight=np.repeat(np.arange(1.0, 211.0), 4))
        path = write(frame.sample(frac=1.0, random_state=0), tmp_path / "shuffled.csv")
        arguments = [path, "--problem", "cross-entropy", "--target", "choice", "--groups", "individual"]
        arguments += [
            "--features",
            "mode",
            "gc",
            "ttme",
            "--categorical",
            "mode",
            "--sample-weight",
            "weight",
        ]
        record = solved(arguments, capsys)
        levels = ["bus", "car", "train"]  # air comes first and has no column
        A = np.column_stack([*(frame["mode"] == level for level in levels), frame["gc"], frame["ttme"]])
        problem = nk.SoftmaxCrossEntropy(
            A.astype(float), frame["choice"], groups=frame["individual"], sample_weight=frame["weight"]
        )
        own = nk.minimize(problem)
        assert own.success
        np.testing.assert_allclose(coefficients(record), own.x, rtol=1e-9)
        names = [*(f"mode={level}" for level in levels), "gc", "ttme"]
        assert list(record["solution"]["coefficients"]) == names
        assert record["data"]["encoding"]["categorical"] == {"mode": ["air", *levels]}

    def test_groups_may_be_text(self, folder, tmp_path, capsys):
        frame = travel()
        named = frame.assign(individual="traveller " + frame["individual"].astype(str))
        path = write(named, tmp_path / "named.csv")
        arguments = ["--problem", "cross-entropy", "--target", "choice", "--features", *TRAVEL[:2]]
        records = [
            solved([file, *arguments, "--groups", "individual"], capsys)
            for file in (path, folder / "travel.parquet")
        ]
        np.testing.assert_array_equal(*map(coefficients, records))

    def test_standardise(self, folder, capsys):
        frame = travel()
        arguments = [folder / "travel.parquet", "--problem", "exp", "--target", "invc", "--intercept"]
        arguments += ["--features", *TRAVEL, "--standardise", "--target-scale", "mean"]
        record = solved(arguments, capsys)
        A, b = matrix(frame, *TRAVEL), frame["invc"].to_numpy()
        A = (A - A.mean(axis=0)) / A.std(axis=0)
        own = nk.minimize(nk.ExpRegression(A, b / b.mean(), fit_intercept=True))
        np.testing.assert_array_equal(coefficients(record), own.x)

    def test_target_scales(self, folder, tmp_path, capsys):
        frame = travel().assign(weight=np.repeat(np.arange(1.0, 211.0), 4))
        path = write(frame, tmp_path / "weighted.csv")
        common = [path, "--features", "gc", "--target", "invt"]
        record = solved(
            [*common, "--problem", "exp", "--target-scale", "mean", "--sample-weight", "weight"], capsys
        )
        mean = np.average(frame["invt"], weights=frame["weight"])
        assert record["data"]["encoding"]["target_scale"]["factor"] == pytest.approx(mean, rel=1e-14)
        record = solved(
            [*common, "--problem", "softmax", "--target-scale", "sum", "--groups", "individual"], capsys
        )
        shares = frame["invt"] / frame.groupby("individual")["invt"].transform("sum")
        own = nk.minimize(nk.SoftmaxRegression(frame[["gc"]], shares, groups=frame["individual"]))
        np.testing.assert_allclose(coefficients(record), own.x, rtol=1e-9)
        assert record["data"]["encoding"]["target_scale"] == {"divided_by": "sum", "factor": None}

    def test_of_the_solver(self, folder, capsys):
        arguments = [folder / "diabetes.parquet", "--problem", "softmax", "--target", "target"]
        arguments += ["--target-scale", "sum", "--starts", "3", "--seed", "5", "--gtol", "1e-4"]
        record = solved(arguments, capsys)
        frame = diabetes()
        b = frame["target"].to_numpy()
        A = matrix(frame.drop(columns="target"))
        own = nk.minimize(nk.SoftmaxRegression(A, b / b.sum()), starts=3, rng=5, gtol=1e-4)
        np.testing.assert_array_equal(coefficients(record), own.x)
        assert [start["fun"] for start in record["result"]["starts"]] == [fun for fun, _ in own.starts]


class TestRecord:
    def test_holds_the_result_to_the_last_bit(self, folder, capsys, expected):
        record = solved([folder / "diabetes.csv", *FIT], capsys)
        assert list(record) == [
            "format",
            "newtonkit",
            "problem",
            "data",
            "solution",
            "result",
            "history",
            "interrupted",
        ]
        assert (record["format"], record["newtonkit"]) == (1, nk.__version__)
        result = record["result"]
        for name in ("fun", "nit", "nfev", "njev", "nhev", "passes", "message", "success"):
            assert result[name] == expected[name]
        assert result["status"] == "CONVERGED"
        assert result["relative_gradient"] == expected.history[-1].relative_gradient <= 1e-8
        assert [r["value"] for r in record["history"]] == [r.value for r in expected.history]
        assert record["history"][0]["ratio"] is None  # it is NaN
        assert record["data"]["n"], record["data"]["d"] == (442, 11)

    def test_no_success_is_exit_code_1_and_the_best_point_is_written(self, folder, tmp_path, capsys):
        path = tmp_path / "short.json"
        arguments = ["solve", str(folder / "diabetes.csv"), *FIT, "--max-iter", "2", "--output", str(path)]
        assert cli.main(arguments) == 1
        out, err = capsys.readouterr()
        assert err == ""
        assert "not solved: MAX_ITER\nThe iteration limit was reached." in out
        record = json.loads(path.read_text(encoding="utf-8"))
        assert (record["result"]["status"], record["result"]["success"]) == ("MAX_ITER", False)
        assert record["result"]["nit"] == 2
        assert cli.main([*arguments, "--quiet"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert re.match(r"newtonkit solve: MAX_ITER: The iteration limit was reached\..*\n$", err)

    def test_quiet_is_quiet(self, folder, capsys):
        assert cli.main(["solve", str(folder / "diabetes.csv"), *FIT, "--quiet"]) == 0
        assert capsys.readouterr() == ("", "")

    def test_ready_made_data(self, capsys):
        record = solved(["diabetes", "--problem", "softmax"], capsys)
        own = nk.minimize(nk.datasets.diabetes_softmax())
        np.testing.assert_array_equal(coefficients(record), own.x)
        assert record["data"]["ready_made"] == "diabetes"
