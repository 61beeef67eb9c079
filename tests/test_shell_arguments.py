"""Options that do not fit together, or do not fit the file: one clear line and exit code 2."""

import re

import numpy as np
import pytest

from newtonkit import cli
from newtonkit.shell.mistakes import listed, suggestion
from tests.shell_files import sales, travel, write

S = ["sales.csv", "--target", "price"]
EXP = [*S, "--problem", "exp"]
CLEAN = [*EXP, "--drop", "day", "region"]
T = ["travel.parquet", "--target", "choice", "--features", "gc"]
CHOICE = [*T, "--problem", "cross-entropy"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("data")
    write(
        sales().assign(name=[f"n{k}" for k in range(60)], one=1.0, same="a", weight=-1.0), path / "wide.csv"
    )
    gaps = sales()
    gaps.loc[[3, 5], "region"] = ""
    write(gaps, path / "gaps.csv")
    write(sales(), path / "sales.csv")
    write(sales().assign(far=1000.0), path / "big.csv")
    write(travel().assign(none=0.0, signed=np.tile([1.0, -1.0], 420)), path / "travel.parquet")
    write(sales(1500).assign(name=[f"n{k}" for k in range(1500)]), path / "long.csv")
    np.savez(path / "m.npz", A=np.ones((3, 1)), b=np.ones(3), groups=[1, 1, 2])
    np.savez(path / "only.npz", A=np.ones((3, 1)))
    return path


MISTAKES = [
    (
        ["gaps.csv", *S[1:], "--problem", "softmax", "--features", "size", "--groups", "region"],
        r"column 'region' of gaps\.csv has 2 values missing, the first in row 4; fill them in, .*",
    ),
    (
        ["gaps.csv", *S[1:], "--problem", "exp", "--features", "region", "--categorical", "region"],
        r"column 'region' of gaps\.csv has 2 values missing, the first in row 4; fill them in, .*",
    ),
    (
        ["big.csv", *S[1:], "--problem", "exp", "--features", "size", "--offset", "far"],
        r"the problem has no finite value where it starts, at x = 0: is --offset out of range\?",
    ),
    # of the arguments alone
    ([], "the following arguments are required: DATA"),
    (["sales.csv"], "a file needs --problem KIND; 'newtonkit problems' lists the kinds"),
    (["sales.csv", "--problem", "exp"], "a file needs --target COLUMN: what is to be fitted"),
    ([*S, "--problem", "tanh"], "argument --problem: invalid choice: 'tanh' .*"),
    (
        [*S, "--problem", "grouped"],
        "--problem grouped is for ready-made data; a file takes exp, .* or cross-.*",
    ),
    ([*S, "--problem", "entropy-softmax"], "--problem entropy-softmax needs --entropy-weight G"),
    ([*EXP, "--entropy-weight", "1"], "--entropy-weight is for --problem entropy-softmax, not exp"),
    ([*EXP, "--groups", "day"], "--groups has no meaning for --problem exp: its rows do not share a sum"),
    ([*S, "--problem", "softmax", "--intercept"], "--intercept has no effect in --problem softmax: .*"),
    ([*CHOICE, "--intercept"], "--intercept has no effect in --problem cross-entropy: .*"),
    (
        [*CHOICE, "--target-scale", "mean"],
        "--target-scale mean is not for --problem cross-entropy, .*: use sum",
    ),
    ([*EXP, "--ridge", "-1"], "argument --ridge: must be a number of at least 0, got '-1'"),
    ([*EXP, "--ridge", "nan"], "argument --ridge: must be a number of at least 0, got 'nan'"),
    ([*EXP, "--gtol", "inf"], "argument --gtol: must be a number of at least 0, got 'inf'"),
    ([*EXP, "--max-iter", "0"], "argument --max-iter: must be a whole number of at least 1, got '0'"),
    ([*EXP, "--max-time", "0"], "argument --max-time: must be a positive number, got '0'"),
    ([*EXP, "--starts", "2.5"], "argument --starts: must be a whole number of at least 1, got '2.5'"),
    ([*EXP, "--seed", "-1"], "argument --seed: .*"),
    ([*EXP, "--method", "sampler"], "argument --method: invalid choice: 'sampler' .*"),
    ([*EXP, "--features", "price"], "column 'price' cannot serve both as --target and --features"),
    ([*EXP, "--offset", "price"], "column 'price' cannot serve both as --target and --offset"),
    (
        [*EXP, "--drop", "size", "--sample-weight", "size"],
        "column 'size' cannot serve both as --sample-weight and --drop",
    ),
    (
        [*EXP, "--features", "size", "--categorical", "region"],
        "--categorical region is not among the --features",
    ),
    ([*EXP, "--output", "no/such/fit.json"], "cannot write no/such/fit.json: No such file or directory"),
    ([*EXP, "--output", "."], r"cannot write \.: it is a directory"),
    ([*EXP, "--output", "./sales.csv"], r"DATA and --output are both \./sales\.csv"),
    ([*EXP, "--surprise"], "unrecognized arguments: --surprise"),
    ([*EXP, "--prob", "exp"], r"unrecognized arguments: --prob exp; did you mean --problem\?"),
    (
        ["iris"],
        r"there is neither a file nor ready-made data called 'iris'; files end in \.csv, .*, "
        "ready-made are diabetes, digits, .*",
    ),
    (
        ["digits", "--problem", "cosh"],
        "digits is ready-made with --problem softmax, exp or grouped, not cosh",
    ),
    (
        ["digits", "--target", "y", "--ridge", "0"],
        r"--target and --ridge are for files; digits is ready-made "
        r"\(\./digits would be a file\)",
    ),
    # of the columns
    ([*EXP, "--drop", "dya"], r"sales\.csv has no column 'dya'; did you mean 'day'\?"),
    ([*EXP, "--features", "size", "age"], r"sales\.csv has no column 'age'; .*"),
    (
        [*CLEAN, "--sample-weight", "w"],
        r"sales\.csv has no column 'w'; there are 'price', 'region', 'size' and "
        "'day'",
    ),
    (
        ["wide.csv", *EXP[1:], "--features", "name", "--categorical", "size", "name"],
        "--categorical size is not.*",
    ),
    (
        ["wide.csv", *EXP[1:], "--features", "same", "--categorical", "same"],
        r"column 'same' of wide\.csv has one "
        "level only, 'a'; leave it out by --drop",
    ),
    (
        ["long.csv", *EXP[1:], "--drop", "day", "region", "--categorical", "name"],
        r"column 'name' of long\.csv "
        "has 1500 levels; --categorical takes 1000",
    ),
    (
        ["wide.csv", *EXP[1:], "--features", "one", "size", "--standardise"],
        "--standardise cannot bring what is constant to variance 1: leave one out by --drop",
    ),
    (
        ["wide.csv", *EXP[1:], "--features", "size", "--sample-weight", "weight"],
        r"column 'weight' of wide\.csv "
        "cannot be weights: they must be at least 0, and positive somewhere",
    ),
    (
        ["wide.csv", *EXP[1:], "--features", "size", "--offset", "name"],
        r"column 'name' of wide\.csv holds text "
        r"\('n0' in row 1\); it must be numbers",
    ),
    (
        ["sales.csv", "--problem", "exp", "--target", "day"],
        r"column 'day' of sales\.csv holds dates or times "
        r"\(.*\); the target must be numbers",
    ),
    (
        [*EXP, "--categorical", "day", "region"],
        r"column 'day' of sales\.csv holds dates or times \(.*\); "
        "--categorical takes text and numbers",
    ),
    (
        ["m.npz", "--problem", "exp"],
        r"m\.npz has an array 'groups', which has no meaning for --problem exp; "
        "leave it out by --drop groups",
    ),
    (["only.npz", "--problem", "exp"], r"only\.npz has no column 'b'; .*"),
    (
        ["travel.parquet", "--problem", "cross-entropy", "--target", "signed", "--features", "gc"],
        r"column 'signed' of travel\.parquet, the target of a cross-entropy, must be at least 0, "
        r"but is -1 in row 2",
    ),
    (
        [*CHOICE, "--groups", "individual", "--sample-weight", "hinc", "--offset", "mode"],
        ".*'mode' .* holds text.*",
    ),
    (
        [*CHOICE, "--groups", "individual", "--sample-weight", "ttme"],
        "sample_weight must be constant within each of the groups",
    ),
    (
        [
            "travel.parquet",
            "--problem",
            "softmax",
            "--target",
            "none",
            "--features",
            "gc",
            "--target-scale",
            "sum",
            "--groups",
            "individual",
        ],
        "--target-scale sum needs a positive sum in every group, but column 'none' of "
        r"travel\.parquet sums to 0 in group 1",
    ),
    (
        [
            "travel.parquet",
            "--problem",
            "exp",
            "--target",
            "signed",
            "--features",
            "gc",
            "--target-scale",
            "mean",
        ],
        "--target-scale mean needs a positive mean, but that of column 'signed' of travel.parquet is 0",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_one_line_and_exit_code_2(arguments, message, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    assert cli.main(["solve", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"newtonkit solve: error: {message}\n", err), err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("command", ["solve", "compare"])
def test_both_commands_refuse_the_same(command, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    for arguments in ([*CHOICE, "--intercept"], [*CLEAN, "--offset", "nothing"], ["digits", "--target", "y"]):
        assert cli.main([command, *arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"newtonkit {command}: error: ")
        assert err.count("\n") == 1


def test_names_are_listed_as_people_do():
    assert listed(["a"]) == "a"
    assert listed("abc", "or") == "a, b or c"
    assert listed(range(20), "or", 3) == "0, 1, 2 and 17 more"
    assert suggestion("Age", ["age", "sex"]) == "; did you mean 'age'?"
    assert suggestion("XYZ", ["xyz"]) == "; did you mean 'xyz'?"
    assert suggestion("q", ["age"]) == "; there is 'age'"
