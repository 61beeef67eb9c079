"""Columns of every type, in pieces, as features, categories and groups."""

import decimal
import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

import newtonkit as nk
from newtonkit import cli

N = 40


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "flag": rng.random(N) > 0.5,
            "code": rng.integers(0, 3, N),
            "half": rng.choice([0.5, 1.5], N),
            "money": pa.array([decimal.Decimal(f"{value:.2f}") for value in rng.normal(size=N)]),
            "count": pa.array(rng.integers(0, 9, N), pa.uint64()),
            "small": pa.array(rng.normal(size=N).astype(np.float16)),
            "day": pa.array([k // 4 for k in range(N)], pa.int32()).cast(pa.date32()),
            "hour": pa.array([k // 4 for k in range(N)], pa.time32("s")),
            "name": pa.array([f"n{k // 4}" for k in range(N)]).dictionary_encode(),
            "y": rng.random(N) + 0.5,
        }
    )


@pytest.fixture(scope="module")
def path(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    parquet.write_table(table, folder / "f.parquet", row_group_size=7)
    csv.write_csv(table, folder / "f.csv")
    return str(folder / "f.parquet")


def solved(path, tmp_path, *arguments):
    output = str(tmp_path / "fit.json")
    assert cli.main(["solve", path, "--target", "y", *arguments, "--quiet", "--output", output]) == 0
    return json.loads((tmp_path / "fit.json").read_text(encoding="utf-8")), output


def test_features_and_categories_of_every_type(table, path, tmp_path, capsys):
    arguments = ["--problem", "exp", "--drop", "day", "hour", "name", "--categorical", "flag", "code", "half"]
    record, fit = solved(path, tmp_path, *arguments)
    columns = {name: np.array(table[name].to_pylist(), dtype=float) for name in table.column_names[:6]}
    ones = [columns["flag"] == 1, columns["code"] == 1, columns["code"] == 2, columns["half"] == 1.5]
    A = np.column_stack([*ones, columns["money"], columns["count"], columns["small"]]).astype(float)
    own = nk.minimize(nk.ExpRegression(A, np.array(table["y"].to_pylist())))
    np.testing.assert_array_equal([*record["solution"]["coefficients"].values()], own.x)
    names = ["flag=True", "code=1", "code=2", "half=1.5", "money", "count", "small"]
    assert list(record["solution"]["coefficients"]) == names
    assert record["data"]["encoding"]["categorical"] == {
        "flag": [False, True], "code": [0, 1, 2], "half": [0.5, 1.5]
    }  # fmt: skip
    outputs = []
    for file in (path, path.replace(".parquet", ".csv")):
        capsys.readouterr()
        assert cli.main(["predict", fit, file]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("groups", ["day", "hour", "name"])
def test_groups_of_every_type(groups, table, path, tmp_path):
    arguments = ["--problem", "softmax", "--features", "small", "count", "--target-scale", "sum"]
    record, _ = solved(path, tmp_path, *arguments, "--groups", groups)
    y = np.array(table["y"].to_pylist())
    shares = y / np.repeat(y.reshape(-1, 4).sum(axis=1), 4)
    A = np.column_stack([table[name].to_pylist() for name in ("small", "count")]).astype(float)
    own = nk.minimize(nk.SoftmaxRegression(A, shares, groups=np.repeat(np.arange(N // 4), 4)))
    np.testing.assert_allclose([*record["solution"]["coefficients"].values()], own.x, rtol=1e-9)


def test_times_are_no_features(path, capsys):
    arguments = ["--problem", "exp", "--target", "y", "--features", "small", "hour"]
    assert cli.main(["solve", path, *arguments]) == 2
    assert "column 'hour' of " in (message := capsys.readouterr().err)
    assert "holds dates or times (time32[" in message
