"""``newtonkit bench iterations``: exit codes, Ctrl-C, progress and mistakes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from newtonkit import cli
from newtonkit.shell import iterations
from tests.iterations_runs import EXACT, SMALL, promising, run
from tests.shell_files import shell


class TestEnds:
    def test_as_a_process_that_writes_files(self, tmp_path):
        files = ["--json", "figures.json", "--picture", "counts.png"]
        out, err = shell(
            "bench", "iterations", *EXACT, "--problems", "exp", "--seeds", "1", *files, cwd=tmp_path
        )
        assert err == ""
        assert out.endswith("\nWritten to figures.json and counts.png.\n")
        assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))["kept"]
        assert (tmp_path / "counts.png").read_bytes().startswith(b"\x89PNG")
        assert len(list(tmp_path.iterdir())) == 2

    def test_more_steps_than_predicted(self, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(1), raising=False)
        out, err = run(capsys, *EXACT, code=1)
        assert err == ""
        assert re.search(r"^EXCEEDED: (\d+) of \d+ step counts in the region are above their", out, re.M)
        assert re.search(r"^  exact +\S+ +\S+ +1 +\d+! ", out, re.MULTILINE)
        out, err = run(capsys, *EXACT, "--json", "-", code=1)
        assert json.loads(out)["kept"] is False
        assert re.fullmatch(r"newtonkit bench iterations: EXCEEDED: .*\n", err)

    def test_a_broken_promise(self, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(99), raising=False)
        monkeypatch.setattr("newtonkit.prediction.figures.Promise.broken", 2)
        out, _ = run(capsys, *SMALL, "--methods", "sampled", "--delta", "0.1", code=1)
        assert "PROMISE BROKEN at epsilon 0.5: by 4 of 4 samples, and delta is 0.1." in out

    @pytest.mark.parametrize("quiet", [False, True])
    def test_ctrl_c_keeps_what_there_is(self, quiet, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("newtonkit.certify", promising(99), raising=False)
        real = iterations._teller

        def teller(show):
            tell = real(show)

            def told(share, what):
                tell(share, what)
                if what == "softmax, condition 10: seed 2 of 2":
                    raise KeyboardInterrupt

            return told

        monkeypatch.setattr(iterations, "_teller", teller)
        path = "-" if quiet else str(tmp_path / "figures.json")
        out, err = run(capsys, *EXACT, "--json", path, code=130)
        assert err == "newtonkit bench iterations: error: interrupted\n"
        found = json.loads(out if quiet else (tmp_path / "figures.json").read_text(encoding="utf-8"))
        assert found["interrupted"]
        assert [problem["seeds"] for problem in found["problems"]] == [2, 1]
        assert quiet or "\nsoftmax, condition 10\n" in out

    def test_progress(self):
        shown = []
        tell = iterations._teller(shown.append)
        tell(0.0, "exp: the minimum")
        tell(0.5, "exp: seed 1 of 3")
        assert shown == [
            "[................] 0 %, exp: the minimum",
            "[########........] 50 %, about 1 s left; exp: seed 1 of 3",
        ]


def test_bench_takes_data_as_before(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("iterations.npz", A=np.eye(3)[:, :2] + 1.0, b=np.ones(3))
    (tmp_path / "iterations.npz").rename("iterations.d.npz")
    assert cli.main(["bench", "./iterations.d.npz", "--problem", "exp", "--runs", "1"]) == 0
    assert "\nsolved: CONVERGED\n" in capsys.readouterr().out
    (tmp_path / "iterations").write_text("x")
    assert cli.main(["bench", "./iterations", "--problem", "exp", "--target", "x"]) == 2
    assert "./iterations" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["iteration", "Iterations", "itertions"])
def test_a_slip_in_its_name_is_seen(word, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["bench", word]) == 2
    err = capsys.readouterr().err
    said = f"there is no file or data {word!r}; did you mean 'newtonkit bench iterations'?"
    assert err == f"newtonkit bench: error: {said}\n"
    (tmp_path / word).write_text("x")
    assert cli.main(["bench", word, "--problem", "exp", "--target", "x"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--problems", "tanh"], "argument --problems: invalid choice: 'tanh' .*"),
        (["--methods", "auto"], "argument --methods: invalid choice: 'auto' .*"),
        (["--epsilons", "1"], "argument --epsilons: must be less than 1, got '1'"),
        (["--epsilons", "0"], "argument --epsilons: must be a positive number, got '0'"),
        (["--delta", "2"], "argument --delta: must be less than 1, got '2'"),
        (
            ["--methods", "exact", "--epsilons", "0.1"],
            "--epsilons belongs to method sampled, which is not .*",
        ),
        (["--seeds", "0"], "argument --seeds: must be a whole number of at least 1, got '0'"),
        (["--rows", "3"], r"--rows must be at least 4 for kind 'exp' and d = 4, got 3"),
        (["--columns", "1"], r"--conditions must be 1 for a single column \(d = 1\), got 100"),
        (["--conditions", "0.5"], r"--conditions must lie within 1 and 1e\+12, got 0\.5"),
        (["--noise", "1e9"], "--noise must lie within 0 and 1000, got .*"),
        (
            ["digits"],
            "unrecognized arguments: digits; this command takes options alone, and no DATA",
        ),
        (["--problem", "exp"], r"unrecognized arguments: --problem exp; did you mean --problems\?"),
        (["--problem=exp"], r"unrecognized arguments: --problem=exp; did you mean --problems\?"),
        (["--surprise"], "unrecognized arguments: --surprise"),
        (["--json", "f.json", "--picture", "f.json"], r"--json and --picture are both f\.json"),
        (["--picture", "f.txt"], r"--picture f\.txt must end in \.png, \.svg or \.pdf"),
        (["--json", "no/such/f.json"], r"cannot write no/such/f\.json: No such file or directory"),
    ],
)
def test_mistakes_take_one_line(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert re.fullmatch(f"newtonkit bench iterations: error: {message}\n", err), err
    assert not list(tmp_path.iterdir())
