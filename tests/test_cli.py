"""The front door of the shell: manual pages, exit codes, streams, and what is imported when."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import newtonkit as nk
from newtonkit import cli
from newtonkit.shell.iterations_page import ITERATIONS
from newtonkit.shell.manual import Page, section
from newtonkit.shell.pages import BENCH, COMPARE, PREDICT, PROBLEMS_PAGE, SHELL, SOLVE
from tests.shell_files import ROOT, diabetes, sales, shell, travel, write

COMMANDS = ("solve", "predict", "compare", "bench", "bench iterations", "problems")
PAGES = {"": SHELL, "solve": SOLVE, "predict": PREDICT, "compare": COMPARE, "bench": BENCH}
PAGES |= {"bench iterations": ITERATIONS, "problems": PROBLEMS_PAGE}
HEAVY = "{'numpy', 'scipy', 'sklearn', 'rich', 'numba', 'pyarrow', 'pandas', 'matplotlib'}"
ON_A_TERMINAL = (
    "import os, pty, sys; os.environ.update(COLUMNS='80', TERM='xterm');"
    "sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, '-m', 'newtonkit', *sys.argv[1:]])))"
)


def on_a_terminal(*arguments, cwd=ROOT):
    """Return all that a terminal gets, and then what is still to be seen on it."""
    done = subprocess.run(
        [sys.executable, "-c", ON_A_TERMINAL, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    text = done.stdout.decode()
    left = re.sub(r"[^\n]*\n\x1b\[\?25h\r\x1b\[1A\x1b\[2K", "", text)  # one line up, and wipe it off
    left = re.sub(r"[^\n]*\x1b\[2K", "", left)
    return text, [line.strip("\r") for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", left).split("\n")]


class TestManual:
    @pytest.mark.parametrize("command", PAGES)
    def test_pages_have_all_parts_in_80_columns_of_ascii(self, command, capsys, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        assert cli.main([*([command] if command else []), "--help"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.isascii()
        assert max(map(len, out.splitlines())) <= 79
        titles = re.findall(r"^[A-Z].*$", out, re.MULTILINE)
        wanted = ["NAME", "SYNOPSIS", "DESCRIPTION", "GENERAL OPTIONS", "EXIT STATUS", "EXAMPLES"]
        assert [title for title in titles if title in wanted] == wanted
        assert out.startswith(f"NAME\n    {f'newtonkit {command}'.strip()} - ")

    def test_without_command_and_with_help_are_the_same(self, capsys):
        assert cli.main([]) == cli.main(["--help"]) == 0
        out = capsys.readouterr().out
        assert out[: len(out) // 2] == out[len(out) // 2 :]
        assert all(re.search(rf"^    {name} +\w", out, re.MULTILINE) for name in COMMANDS)

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_option_is_explained(self, command, capsys):
        parser = cli.make_parser()
        (commands,) = (a for a in parser._actions if isinstance(a.choices, dict) and "solve" in a.choices)
        assert all(action.help for action in commands.choices[command]._actions)

    def test_version(self):
        assert shell("--version") == (f"newtonkit {nk.__version__}\n", "")

    def test_paragraphs_are_wrapped_and_tables_are_not(self):
        text = section("TITLE", f"{'word ' * 30}\n\na  b\n  c  d\n\nnewtonkit x")
        assert text.splitlines()[0] == "TITLE"
        assert max(map(len, text.splitlines())) <= 79
        assert "\n\n    a  b\n      c  d\n\n    newtonkit x" in text

    def test_examples_are_found(self):
        page = Page("", "", "", (("EXAMPLES", "Do\n\n    newtonkit a \\\n        --b\n    newtonkit c\n"),))
        assert page.examples == ("newtonkit a --b", "newtonkit c")


class TestExamples:
    @pytest.fixture(scope="class", name="folder")
    @classmethod
    def _folder(cls, tmp_path_factory):
        path = tmp_path_factory.mktemp("examples")
        write(sales(), path / "sales.csv")
        write(sales(5).drop(columns="price"), path / "new.csv")
        frame = travel().rename(columns={"individual": "traveller", "choice": "chosen"})
        write(frame[["traveller", "chosen", "gc", "ttme"]], path / "travel.parquet")
        keys = diabetes()
        np.savez(path / "keys.npz", A=keys.drop(columns="target").to_numpy(), b=keys["target"] > 300)
        return path

    @pytest.mark.parametrize(
        "example", [e for p in (SOLVE, PREDICT, BENCH, ITERATIONS, PROBLEMS_PAGE) for e in p.examples]
    )
    def test_run(self, example, folder, capsys, monkeypatch):
        """In their order, as those that predict read what those that solve have written."""
        monkeypatch.chdir(folder)
        assert cli.main(example.split()[1:]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out or "--output" in example

    @pytest.mark.parametrize("example", [*COMPARE.examples, "newtonkit compare diabetes"])
    def test_of_comparisons_run(self, example, folder, capsys, monkeypatch):
        """With two methods only, so that they are quick."""
        monkeypatch.chdir(folder)
        assert cli.main([*example.split()[1:], "--methods", "newtonkit", "trust-exact"]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        written = re.findall(r"^    (\S+\.(?:png|csv))$", out, re.MULTILINE)
        assert len(written) == sum(option in example for option in ("--plot", "--csv", "--profile p"))
        assert all((folder / name).stat().st_size > 0 for name in written)

    def test_there_are_some_on_every_page(self):
        assert [len(page.examples) for page in PAGES.values()] == [4, 4, 2, 4, 2, 2, 2]
        assert set(SHELL.examples) - {"newtonkit solve diabetes", "newtonkit compare diabetes"} <= {
            *SOLVE.examples, *PREDICT.examples
        }  # fmt: skip


def run_afresh(code, folder):
    """Run Python code in an interpreter of its own, with warnings as errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class TestImports:
    def test_help_version_and_mistakes_import_nothing_heavy(self, tmp_path):
        (tmp_path / "x.csv").write_text("x,y\n1,2\n")
        calls = [
            ["--version"], ["--help"], *([c, "--help"] for c in COMMANDS), ["problems"], ["problems", "exp"],
            ["solve", "none.csv"], ["solve", "iris"], ["solve", "x.csv", "--problem", "tanh"],
            ["solve", "x.csv", "--problem", "exp"], ["solve", "x.csv", "--problem", "exp", "--target", "y",
             "--groups", "g"], ["compare", "--gtol", "0"], ["compare", "iris"],
            ["compare", "--plot", "x.txt"],
            ["predict", "fit.json"], ["predict", "fit.json", "x.csv", "--output", "x.txt"], ["bench", "none"],
            ["bench", "--target", "y"], ["bench", "iterations", "--seeds", "0"], ["surprise"],
        ]  # fmt: skip
        code = (
            f"import sys; from newtonkit.cli import main; codes = [main(call) for call in {calls!r}];"
            f"assert not {HEAVY} & set(sys.modules), {HEAVY} & set(sys.modules);"
            "assert codes == [0] * 10 + [2] * (len(codes) - 10), codes"
        )
        run_afresh(code, tmp_path)

    def test_a_solve_of_a_file_loads_neither_frames_nor_what_it_does_not_need(self, tmp_path):
        write(sales(), tmp_path / "f.csv")
        call = ["solve", "f.csv", "--problem", "exp", "--target", "price", "--features", "size", "--quiet"]
        code = (
            f"import sys; from newtonkit.cli import main; assert main({call!r}) == 0;"
            "assert not {'pandas', 'sklearn', 'numba', 'rich', 'matplotlib'} & set(sys.modules)"
        )
        run_afresh(code, tmp_path)


class TestStreams:
    def test_exit_code_of_the_process(self):
        out, err = shell("compare", "iris", code=2)
        assert out == ""
        assert err.startswith("newtonkit compare: error: there is neither a file nor ready-made data called")
        assert err.count("\n") == 1

    def test_unknown_commands_and_options(self, capsys):
        for arguments in (["surprise"], ["--surprise"], ["solve", "digits", "--surprise"]):
            assert cli.main(arguments) == 2
            out, err = capsys.readouterr()
            assert out == ""
            assert re.fullmatch(r"newtonkit( solve)?: error: .*surprise.*\n", err)

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    def test_a_reader_that_leaves_early(self):
        command = f"{sys.executable} -m newtonkit problems | true"
        done = subprocess.run(
            command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""

    def test_names_that_the_terminal_cannot_show(self, tmp_path):
        write(diabetes()[["bmi", "target"]].rename(columns={"bmi": "größe"}), tmp_path / "f.csv")
        arguments = ["solve", "f.csv", "--problem", "exp", "--target", "target", "--target-scale", "mean"]
        out, err = shell(*arguments, cwd=tmp_path, PYTHONIOENCODING="ascii")
        assert err == ""
        assert re.search(r"^gr\\xf6\\xdfe +\d", out, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_progress_on_a_terminal_is_wiped_off(tmp_path):
    text, lines = on_a_terminal("solve", "digits", "--starts", "3", "--seed", "1")
    assert re.search(
        r"start \d of 3 \[[#.]{8,}\] gradient \d\.\de[-+]\d\d / 1e-08, \d+ passes, <?[?\d]+ s left", text
    )
    assert lines[0] == "digits: softmax attention to the images of an eight"
    assert not any("/ 1e-08" in line for line in lines)
    assert max(map(len, lines)) <= 80


class TestCtrlC:
    def test_before_the_solve(self, monkeypatch, capsys, tmp_path):
        def interrupted(*args, **kwargs):
            raise KeyboardInterrupt

        monkeypatch.setattr("newtonkit.minimizer.minimize", interrupted)
        path = tmp_path / "fit.json"
        path.write_text("kept")
        assert cli.main(["solve", "diabetes", "--output", str(path)]) == 130
        assert capsys.readouterr() == ("", "newtonkit solve: error: interrupted\n")
        assert [p.name for p in tmp_path.iterdir()] == ["fit.json"]
        assert path.read_text() == "kept"

    @pytest.mark.parametrize(("starts", "calls"), [("1", 3), ("9", 40)])
    def test_in_a_descent_the_best_point_is_written(self, starts, calls, tmp_path, monkeypatch, capsys):
        """In the first descent there is no minimum yet; later the best of those before is one."""
        left = iter(range(calls))

        def interrupted():
            if next(left, None) is None:
                raise KeyboardInterrupt
            return 0.0

        monkeypatch.setattr("newtonkit.shell.solve.time.monotonic", interrupted)
        path = tmp_path / "fit.json"
        arguments = ["solve", "digits", "--starts", starts, "--seed", "1", "--output", str(path)]
        assert cli.main(arguments) == 130
        assert capsys.readouterr().err == "newtonkit solve: error: interrupted\n"
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record["interrupted"] is True
        assert record["result"]["success"] is (starts == "9")
        assert record["result"]["fun"] < 0.00259
        assert record["result"]["starts"][-1]["status"] == "INTERRUPTED"

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
    def test_as_a_signal(self, tmp_path):
        path = tmp_path / "fit.json"
        terminal, end = pty.openpty()
        # What runs in the background ignores the signal, and so would its children.
        solve = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import sys; "
        solve += "from newtonkit.cli import main; sys.exit(main(sys.argv[1:]))"
        process = subprocess.Popen(
            [sys.executable, "-c", solve, "solve", "digits", "--starts", "99999", "--output", path],
            cwd=ROOT, env={**os.environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=end, text=True,
        )  # fmt: skip
        os.close(end)
        try:
            seen = b""
            while not re.search(rb"start \d+ of", seen):
                seen += os.read(terminal, 1000)  # OSError at the end
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
        assert process.returncode == 130
        assert re.search(r"^starts +\d+ of 99999; this is the best of them$", out, re.MULTILINE)
        assert json.loads(path.read_text(encoding="utf-8"))["interrupted"] is True
        assert list(tmp_path.iterdir()) == [path]
