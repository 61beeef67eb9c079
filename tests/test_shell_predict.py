"""``newtonkit predict``: on the file that was fitted it says what the problem says, to the last bit."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

import newtonkit as nk
from newtonkit import cli
from tests.shell_files import diabetes, matrix, sales, shell, travel, write

EXP = ["--problem", "exp", "--target", "target", "--intercept"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    write(diabetes(), path / "diabetes.csv")
    write(diabetes(), path / "diabetes.parquet")
    write(travel().assign(weight=np.tile([1.0, 2.0, 3.0, 0.0], 210)), path / "travel.parquet")
    write(sales(), path / "sales.csv")
    return path


def fitted(folder, name, *arguments, code=0):
    """Solve, and return the file of the solution and the coefficients."""
    path = folder / f"fit{len(list(folder.iterdir()))}.json"
    assert cli.main(["solve", str(folder / name), *arguments, "--quiet", "--output", str(path)]) == code
    solution = json.loads(path.read_text(encoding="utf-8"))["solution"]
    intercept = [] if solution["intercept"] is None else [solution["intercept"]]
    return str(path), np.array([*solution["coefficients"].values(), *intercept])


def predicted(capsys, *arguments):
    capsys.readouterr()
    assert cli.main(["predict", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return from_csv(out)


def from_csv(text):
    """Return the one column of a CSV file, to the last bit."""
    header, *lines = text.splitlines()
    assert header == "prediction"
    return np.array([float(line) for line in lines])


def encoding(record):
    return record["data"]["encoding"]


class TestTheFittedFile:
    def test_as_a_process(self, folder):
        path, x = fitted(folder, "diabetes.csv", *EXP)
        out, err = shell("predict", path, "diabetes.csv", cwd=folder)
        assert err == ""
        frame = diabetes()
        problem = nk.ExpRegression(matrix(frame.drop(columns="target")), frame["target"], fit_intercept=True)
        np.testing.assert_array_equal(from_csv(out), problem.predict(x))

    def test_standardised_and_in_the_units_of_the_target(self, folder, capsys):
        path, x = fitted(folder, "diabetes.csv", *EXP, "--standardise", "--target-scale", "mean")
        frame = diabetes()
        A, b = matrix(frame.drop(columns="target")), frame["target"].to_numpy()
        A = (A - A.mean(axis=0)) / A.std(axis=0)
        problem = nk.ExpRegression(A, b / b.mean(), fit_intercept=True)
        values = predicted(capsys, path, folder / "diabetes.csv")
        np.testing.assert_array_equal(values, problem.predict(x) * b.mean())
        assert np.mean((values - b) ** 2) < 0.6 * b.var()

    @pytest.mark.parametrize(
        ("kind", "make"),
        [
            ("softmax", nk.SoftmaxRegression),
            ("cross-entropy", nk.SoftmaxCrossEntropy),
            ("resnet-softmax", nk.ResNetSoftmaxRegression),
            ("rescaled-cosh", lambda A, b, **o: nk.RescaledRegression(A, b, activation="cosh", **o)),
        ],
    )
    @pytest.mark.parametrize("grouped", [False, True])
    def test_shares_with_categories_weights_and_offset(self, folder, kind, make, grouped, capsys):
        frame = travel().assign(weight=np.tile([1.0, 2.0, 3.0, 0.0], 210))
        extra = ["--groups", "individual"] if grouped else ["--sample-weight", "weight"]
        path, x = fitted(
            folder, "travel.parquet", "--problem", kind, "--target", "choice", "--features", "mode", "gc",
            "--categorical", "mode", "--offset", "psize", "--ridge", "1", "--target-scale", "sum", *extra,
        )  # fmt: skip
        A = np.column_stack([*(frame["mode"] == m for m in ("bus", "car", "train")), frame["gc"]]).astype(
            float
        )
        options = {"groups": frame["individual"]} if grouped else {"sample_weight": frame["weight"]}
        problem = make(A, frame["choice"], offset=frame["psize"], **options)
        values = predicted(capsys, path, folder / "travel.parquet")
        np.testing.assert_array_equal(values, problem.predict(x))
        counts = np.ones(840) if grouped else frame["weight"].to_numpy()
        sums = np.bincount(frame["individual"] if grouped else np.zeros(840, int), weights=counts * values)
        np.testing.assert_allclose(sums[sums != 0.0], 1.0, rtol=1e-12)


class TestOtherFiles:
    def test_other_columns_rows_and_formats(self, folder, tmp_path, capsys):
        path, x = fitted(folder, "diabetes.csv", *EXP)
        frame = diabetes().sample(30, random_state=0)
        new = frame.drop(columns="target").assign(name="someone")[["name", *reversed(frame.columns[:-1])]]
        values = predicted(capsys, path, write(new, tmp_path / "new.parquet"))
        np.testing.assert_allclose(
            values, np.exp(matrix(frame.drop(columns="target")) @ x[:-1] + x[-1]), rtol=1e-12
        )

    def test_weights_are_asked_for_only_where_they_count(self, folder, tmp_path, capsys):
        """How often a row counts changes a softmax of all rows, but no prediction row by row or by group."""
        new = write(travel(), tmp_path / "new.csv")
        common = ["--features", "gc", "--target", "choice", "--sample-weight", "weight", "--ridge", "1"]
        path, x = fitted(folder, "travel.parquet", "--problem", "exp", *common)
        np.testing.assert_allclose(predicted(capsys, path, new), np.exp(travel()["gc"] * x[0]), rtol=1e-12)
        path, _ = fitted(folder, "travel.parquet", "--problem", "softmax", *common)
        assert cli.main(["predict", path, new]) == 2
        assert "new.csv has no column 'weight', which the solution needs" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "codes", [["2", "10", "B"], ["02", "10", "B"], ["2024-01-05", "2024-01-06", "never"]]
    )
    def test_levels_of_text_are_text_in_a_file_where_all_look_like_numbers(self, codes, tmp_path, capsys):
        new = write(pd.DataFrame({"code": codes[:2]}), tmp_path / "new.csv")
        write(pd.DataFrame({"code": codes * 4, "y": [1.0, 2.0, 3.0] * 4}), tmp_path / "f.csv")
        arguments = ["--problem", "exp", "--target", "y", "--categorical", "code", "--intercept"]
        path, _ = fitted(tmp_path, "f.csv", *arguments)
        np.testing.assert_allclose(predicted(capsys, path, new), [1.0, 2.0], rtol=1e-6)

    @pytest.mark.parametrize("end", ["csv", "parquet", "npz", "NPZ"])
    def test_output_in_every_format(self, folder, tmp_path, end, capsys):
        path, _ = fitted(folder, "diabetes.csv", *EXP)
        values = predicted(capsys, path, folder / "diabetes.parquet")
        place = tmp_path / f"out.{end}"
        assert cli.main(["predict", path, str(folder / "diabetes.csv"), "--output", str(place)]) == 0
        assert capsys.readouterr() == ("", "")
        if end == "csv":
            read = from_csv(place.read_text(encoding="utf-8"))
        elif end == "parquet":
            read = parquet.read_table(place)["prediction"].to_numpy()
        else:
            read = np.load(place)["prediction"]
        np.testing.assert_array_equal(read, values)
        assert list(tmp_path.iterdir()) == [place]


@pytest.fixture(scope="module")
def fit(folder):
    arguments = ["--problem", "exp", "--target", "price", "--drop", "day", "--categorical", "region"]
    return fitted(folder, "sales.csv", *arguments)[0]


class TestMistakes:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                {"drop": ["region", "size"]},
                "new.csv has no columns 'region' and 'size', which the solution needs",
            ),
            (
                {"region": "west"},
                "column 'region' of new.csv has the level 'west' (row 1), which the solution does not know; "
                "it knows 'east', 'north' and 'south'",
            ),
            (
                {"size": "big"},
                "column 'size' of new.csv holds text ('big' in row 1); the solution takes it for numbers",
            ),
            (
                {"size": np.nan},
                "column 'size' of new.csv has 60 values missing, the first in row 1; "
                "fill them in, or leave those rows or the column out",
            ),
            ({"size": 1e9}, "the prediction for row 1 of new.csv is out of the range of numbers"),
        ],
    )
    def test_in_the_data(self, fit, tmp_path, change, message, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        change = dict(change)
        frame = sales().drop(columns=change.pop("drop", [])).assign(**change)
        write(frame, tmp_path / "new.csv")
        (tmp_path / "out.csv").write_text("kept")
        assert cli.main(["predict", fit, "new.csv", "--output", "out.csv"]) == 2
        assert capsys.readouterr() == ("", f"newtonkit predict: error: {message}\n")
        assert (tmp_path / "out.csv").read_text() == "kept"

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda r: r.update(format=7), "has format 7; newtonkit .* reads format 1"),
            (lambda r: r.pop("format"), "has format None; "),
            (lambda r: r.pop("solution"), "is not a solution that 'newtonkit solve' wrote"),
            (lambda r: r["problem"].pop("kind"), "is no complete solution: problem.kind is missing"),
            (lambda r: r["problem"].update(kind="tanh"), "there is no problem.kind 'tanh'"),
            (lambda r: r["problem"].update(intercept="yes"), "problem.intercept is not true or false"),
            (lambda r: r["problem"].update(intercept=True), "solution.intercept is not a number"),
            (lambda r: r.update(data=[]), "data.columns is missing"),
            (lambda r: r["data"].update(columns=[1, 2]), "data.columns are not names"),
            (lambda r: r["data"].update(columns=["size"]), "coefficients are not those of data.columns"),
            (lambda r: encoding(r).pop("categorical"), "data.encoding.categorical is missing"),
            (lambda r: encoding(r).update(categorical={"region": 3}), "levels of 'region' are neither"),
            (lambda r: encoding(r).update(standardise={"means": [0], "scales": [1]}), "does not fit"),
            (lambda r: encoding(r).update(standardise={"means": [0] * 3}), "scales is missing"),
            (lambda r: r["solution"]["coefficients"].update(size="1"), "coefficients are not all numbers"),
            (lambda r: r["solution"]["coefficients"].update(size=None), "coefficients are not all numbers"),
            (lambda r: r["data"].update(groups=3), "data.groups is not text"),
            (lambda r: r["data"].update(ready_made="digits"), "is a solution of the ready-made data digits"),
            (lambda r: r["problem"].update(kind="entropy-softmax"), "problem.entropy_weight is not a number"),
        ],
    )
    def test_in_the_solution(self, fit, folder, tmp_path, change, message, capsys):
        record = json.loads(Path(fit).read_text(encoding="utf-8"))
        change(record)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(record), encoding="utf-8")
        self._check(path, folder, message, capsys)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "it is not JSON"),
            ("price,size\n1,2\n", "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ('{"format": NaN}', "it is not JSON"),
            (b"\xff\xfe\x00", "it is not JSON"),
            ("[1, 2]", "is not a solution that"),
            ('{"format": 1, "comparisons": []}', "is not a solution that"),
        ],
    )
    def test_in_the_file_of_the_solution(self, folder, tmp_path, text, message, capsys):
        path = tmp_path / "other.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self._check(path, folder, message, capsys)

    def test_rows_outside_the_domain(self, folder, tmp_path, capsys):
        """With an offset far below 0 a sum of exp(u) + u is negative, and its shares mean nothing."""
        arguments = ["--problem", "resnet-softmax", "--target", "choice", "--features", "psize"]
        path, _ = fitted(folder, "travel.parquet", *arguments, "--offset", "weight", "--target-scale", "sum")
        new = write(travel().assign(weight=-50.0), tmp_path / "new.csv")
        assert cli.main(["predict", path, new]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("new.csv is outside the domain of the solution: a sum of f is not positive\n")

    def test_a_sum_that_is_zero(self, tmp_path, capsys):
        """Without an offset a rescaled sinh regression has its minimum at 0, where no share is defined."""
        path = write(pd.DataFrame({"x": [1.0, 2.0, 4.0], "y": [0.2, 0.3, 0.5]}), tmp_path / "f.csv")
        fit, _ = fitted(tmp_path, "f.csv", "--problem", "rescaled-sinh", "--target", "y", "--ridge", "1")
        assert cli.main(["predict", fit, path]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(
            f"newtonkit predict: error: the solution says nothing of {path}: x has no prediction"
        )
        assert err.count("\n") == 1

    def test_no_such_solution(self, folder, tmp_path, capsys):
        self._check(tmp_path / "none.json", folder, "none.json: No such file or directory", capsys)
        self._check(tmp_path, folder, "it is a directory", capsys)

    @staticmethod
    def _check(path, folder, message, capsys):
        capsys.readouterr()
        assert cli.main(["predict", str(path), str(folder / "sales.csv")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("newtonkit predict: error: ")
        assert err.count("\n") == 1
        assert re.search(message, err), err
