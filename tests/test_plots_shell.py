"""``newtonkit solve --plot``: a picture beside the summary and the JSON."""

import json

import pytest

import newtonkit as nk
from newtonkit import cli
from tests.pictures import _no_figures_left

__all__ = ["_no_figures_left"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "begins"), [("way.png", b"\x89PNG"), ("way.svg", b"<?xml"), ("way.pdf", b"%PDF")]
)
def test_files(folder, capsys, name, begins):
    assert cli.main(["solve", "diabetes", "--plot", name]) == 0
    assert capsys.readouterr().out.endswith(f"\nWritten to {name}.\n")
    assert (folder / name).read_bytes().startswith(begins)
    assert [path.name for path in folder.iterdir()] == [name]


def test_what_is_drawn_is_the_solve_with_its_tolerance(folder, capsys, monkeypatch):
    drawn = {}

    def spy(self, path=None, **options):
        drawn.update(options, history=self.history)
        return plot(self, path, **options)

    plot = nk.MinimizeResult.plot
    monkeypatch.setattr(nk.MinimizeResult, "plot", spy)
    arguments = ["--gtol", "1e-5", "--plot", "way.png", "--output", "fit.json"]
    assert cli.main(["solve", "digits", *arguments]) == 0
    assert "\nWritten to fit.json and way.png.\n" in capsys.readouterr().out
    record = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    assert [r.value for r in drawn["history"]] == [r["value"] for r in record["history"]]
    assert drawn["gtol"] == 1e-5


def test_a_solve_without_success_and_a_tolerance_of_zero_are_drawn_too(folder, capsys):
    assert (
        cli.main(["solve", "digits", "--max-iter", "1", "--gtol", "0", "--plot", "way.png", "--quiet"]) == 1
    )
    assert "MAX_ITER" in capsys.readouterr().err
    assert (folder / "way.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "way.gif"], "--plot way.gif must end in .png, .svg or .pdf"),
        (["--plot", "no/way.png"], "cannot write no/way.png: No such file or directory"),
        (["--plot", "way.png", "--output", "./way.png"], "--output and --plot are both "),
        (["--picture", "leverage"], "--picture needs --plot FILE"),
        (
            ["--plot", "way.png", "--picture", "frontier"],
            "--picture frontier is for a softmax with squared loss, not for ExpRegression",
        ),
    ],
)
def test_mistakes(arguments, message, folder, capsys):
    assert cli.main(["solve", "diabetes", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"newtonkit solve: error: {message}")
    assert list(folder.iterdir()) == []


def test_without_matplotlib(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert cli.main(["solve", "diabetes", "--plot", "way.png"]) == 2
    assert (
        "--plot needs matplotlib: install it, or newtonkit with its extra 'plot'" in capsys.readouterr().err
    )


@pytest.mark.parametrize("subject", ["predictions", "leverage", "frontier"])
def test_other_pictures_are_those_of_the_functions(folder, capsys, monkeypatch, subject):
    drawn = []
    function = getattr(nk.plots, subject)

    def spy(problem, *given, **options):
        drawn.append((problem, given, function(problem, *given, **options)))
        return drawn[-1][2]

    monkeypatch.setattr(nk.plots, subject, spy)
    arguments = ["--problem", "softmax", "--plot", "other.png", "--picture", subject, "--output", "fit.json"]
    assert cli.main(["solve", "digits", *arguments]) == 0
    assert (folder / "other.png").read_bytes().startswith(b"\x89PNG")
    [(problem, given, axes)] = drawn
    assert isinstance(problem, nk.SoftmaxRegression)
    if subject != "frontier":
        x = json.loads((folder / "fit.json").read_text(encoding="utf-8"))["solution"]["coefficients"]
        assert given[0].tolist() == list(x.values())
    assert axes.get_xlabel()
    assert axes.get_ylabel()
