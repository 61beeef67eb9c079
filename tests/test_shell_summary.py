"""The summary of ``newtonkit solve``: every coefficient by name, and what one has to know to read them."""

import re

import numpy as np
import pytest
from rich.cells import cell_len

import newtonkit as nk
from newtonkit import cli
from tests.shell_files import diabetes, matrix, travel, write


class TestSummary:
    def test_names_every_coefficient(self, tmp_path, capsys):
        frame = diabetes()
        path = write(frame, tmp_path / "diabetes.csv")
        arguments = ["--problem", "exp", "--target", "target", "--intercept", "--target-scale", "mean"]
        assert cli.main(["solve", path, *arguments]) == 0
        A, b = matrix(frame.drop(columns="target")), frame["target"].to_numpy()
        expected = nk.minimize(nk.ExpRegression(A, b / b.mean(), fit_intercept=True))
        out = capsys.readouterr().out
        rows = dict(re.findall(r"^(\S+) +(-?[\d.e+-]+)$", out, re.MULTILINE))
        shown = [float(rows[name]) for name in [*diabetes().columns[:-1], "(intercept)"]]
        np.testing.assert_allclose(shown, expected.x, rtol=1e-5)
        assert "The target was divided by its mean, 152.133." in out

    def test_shows_the_largest_of_many(self, capsys):
        assert cli.main(["solve", "digits", "--problem", "softmax"]) == 0
        out = capsys.readouterr().out
        assert "... and 41 smaller in size; --output FILE writes them all" in out
        x = nk.minimize(nk.datasets.digits_softmax()).x
        largest = sorted(f"x{k + 1}" for k in np.argsort(-np.abs(x))[:20])
        assert sorted(re.findall(r"^(x\d+) ", out, re.MULTILINE)) == largest

    @pytest.mark.parametrize(
        ("more", "hint"),
        [
            (["--groups", "individual"], "but the target sums to 4 in some group: --target-scale sum?"),
            ([], "but the target sums to 840: --target-scale sum?"),
            (["--target-scale", "sum"], ""),
        ],
    )
    def test_hints_at_a_target_that_is_no_share(self, tmp_path, more, hint, capsys):
        path = write(travel().assign(one=1.0), tmp_path / "ones.csv")
        arguments = ["--problem", "softmax", "--target", "one", "--features", "gc", "--ridge", "1", *more]
        assert cli.main(["solve", path, *arguments]) in (0, 1)
        out = " ".join(capsys.readouterr().out.split())
        assert hint in out
        assert ("Predictions sum to 1" in out) is bool(hint)

    @pytest.mark.parametrize("intercept", [True, False])
    def test_tells_what_becomes_of_the_first_level(self, tmp_path, intercept, capsys):
        frame = diabetes()[["bmi", "sex", "target"]].assign(
            sex=lambda f: np.where(f["sex"] > f["sex"].mean(), "f", "m")
        )
        path = write(frame, tmp_path / "diabetes.csv")
        arguments = [
            "--problem",
            "exp",
            "--target",
            "target",
            "--categorical",
            "sex",
            "--target-scale",
            "mean",
        ]
        assert cli.main(["solve", path, *arguments, "--standardise", *["--intercept"] * intercept]) == 0
        assert ("Without --intercept, the first level" in capsys.readouterr().out) is not intercept

    def test_tells_of_groups_starts_and_rank(self, tmp_path, capsys):
        frame = travel().assign(twice=2.0 * travel()["gc"])
        path = write(frame, tmp_path / "twice.csv")
        arguments = ["solve", path, "--problem", "cross-entropy", "--target", "choice", "--starts", "2"]
        arguments += ["--groups", "individual", "--features", "gc", "twice", "--standardise", "--seed", "1"]
        assert cli.main(arguments) == 0
        out = capsys.readouterr().out
        assert "n = 840, d = 2, 210 groups" in out
        assert "starts      2 of 2; this is the best of them" in out
        assert "rank        1 of 2" in out
        assert "Coefficients are for one standard deviation of their column." in out
        assert max(len(line) for line in out.splitlines()[1:]) <= 80

    def test_names_of_columns_that_break_lines_or_are_wide(self, tmp_path, capsys):
        """A newline within quotes is an ordinary header of a spreadsheet."""
        (tmp_path / "f.csv").write_text(
            '"x\n(cm)",\x1b[31mz,東京都の人口,"y\n[m]"\n1,0,2,1\n2,1,0,2\n0,2,1,4\n1,1,2,3\n',
            encoding="utf-8",
        )
        assert cli.main(["solve", str(tmp_path / "f.csv"), "--problem", "exp", "--target", "y\n[m]"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].endswith("f.csv: exp regression of y [m]")
        rows = lines[lines.index(next(line for line in lines if line.startswith("---"))) + 1 :]
        assert [row.split("  ")[0] for row in rows] == ["x (cm)", "?[31mz", "東京都の人口"]
        assert {cell_len(row) for row in rows} == {len("東京都の人口") * 2 + 2 + 14}
