"""Files that are not what they should be: one clear line, exit code 2, and nothing is left behind."""

import gzip
import os
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from newtonkit import cli
from newtonkit.shell.columns import coded_levels
from newtonkit.shell.mistakes import MistakeError
from newtonkit.shell.reading import DataFile, read
from tests.shell_files import diabetes, write

FIT = ["--problem", "exp", "--target", "y"]
GOOD = "x,y\n0,1\n1,2\n2,5\n"


def pickled(path):
    np.savez(path, y=np.array([1.0, None, "a"], dtype=object), x=np.arange(3.0))


def truncated(path, end):
    whole = path.with_name(f"whole{end}")
    write(pd.DataFrame({"x": np.arange(500.0), "y": np.arange(500.0)}), whole)
    path.write_bytes(whole.read_bytes()[:-300])
    whole.unlink()


def nested(path):
    parquet.write_table(pa.table({"x": [[1.0], [2.0]], "y": [1.0, 2.0]}), path)


def twice(path):
    parquet.write_table(pa.table([[1.0], [2.0], [3.0]], names=["x", "x", "y"]), path)


BYTES = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()
SHAPES = "give one array of shape (n,) for each column, or A of shape (n, d) and b of shape (n,)"
TEXT = {
    "": "f.csv is empty",
    "\n\n": "cannot read f.csv: it is empty",
    "x,y\n": "f.csv has no rows below its header",
    "x,x,y\n1,2,3\n": "f.csv has more than one column called 'x'",
    "x,y\n1,2\n1,2,3\n": "cannot read f.csv: its header has 2 columns, but a row has 3",
    "x;y\n1,5;2\n": "cannot read f.csv: its header has 1 column, but a row has 2; "
    "columns are separated by commas",
    "x\ty\n1\t2\n": r"f.csv has no column 'y'; there is 'x\\ty'",
    ",y\n1,2\n": "column 1 of f.csv has no name; leave it out by --drop '', or choose the --features",
    "x,Y\n1,2\n": "f.csv has no column 'y'; did you mean 'Y'?",
    "x,y\n1,2\n,3\n,4\n": "column 'x' of f.csv has 2 values missing, the first in row 2; "
    "fill them in, or leave those rows or the column out",
    "x,y\n1,NA\n": "column 'y' of f.csv has 1 value missing, the first in row 1; "
    "fill them in, or leave those rows or the column out",
    "x,y\n1,2\ninf,3\n": "column 'x' of f.csv has 1 value not finite, the first in row 2",
    "x,y\n1,2\n3,n.a.\n": "column 'y' of f.csv holds text ('n.a.' in row 2); the target must be numbers",
    "x,y\na,2\nb,3\n": "column 'x' of f.csv holds text ('a' in row 1): "
    "make numbers of it by --categorical x, or leave it out by --drop x",
    "x,w w,y\na,c,2\nb,d,3\n": "columns 'x' and 'w w' of f.csv hold text: make numbers of them by "
    "--categorical x 'w w', or leave them out by --drop x 'w w'",
    "x,y\n2024-01-31,2\n": "column 'x' of f.csv holds dates or times (date32[day]); "
    "leave it out by --drop, or choose the --features",
    "y\n1\n": "f.csv has no column left to be a feature",
}


def refused(path, message, capsys, *more):
    """See that a solve ends with that one line and leaves neither output nor a trace of it."""
    before = sorted(os.listdir("."))
    assert cli.main(["solve", str(path), *FIT, *more, "--output", "fit.json"]) == 2
    assert capsys.readouterr() == ("", f"newtonkit solve: error: {message}\n")
    assert sorted(os.listdir(".")) == before


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", TEXT)
def test_text(text, folder, capsys):
    (folder / "f.csv").write_text(text, encoding="utf-8")
    refused("f.csv", TEXT[text].replace("\\\\", "\\"), capsys)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.csv", BYTES, "f.csv is not a text file"),
        ("f.csv", b"x,y\n1,\xe9\n",
         "column 'y' of f.csv holds bytes that are not UTF-8 text; the target must be numbers"),
        ("f.csv", b"\xe9,y\n1,2\n", "the header of f.csv is not UTF-8 text"),
        ("f.csv.gz", GOOD.encode(), r"cannot read f.csv.gz: Not a gzipped file \(b'x,'\)"),
        ("f.csv.gz", gzip.compress(GOOD.encode(), mtime=0)[:-12], "cannot read f.csv.gz: .*ended before.*"),
        ("f.parquet", BYTES, "cannot read f.parquet as Parquet: .*magic bytes.*"),
        ("f.parquet", GOOD.encode(), "cannot read f.parquet as Parquet: .*"),
        ("f.npz", BYTES, "f.npz is not an NPZ file"),
        ("f.npz", b"PK\x05\x06" + bytes(18), "f.npz holds no arrays"),
        ("f.xlsx", b"1", r"cannot tell what f.xlsx is: its name must end in \.csv, .* or \.npz"),
    ],
)  # fmt: skip
def test_bytes(name, content, message, folder, capsys):
    (folder / name).write_bytes(content)
    assert cli.main(["solve", name, *FIT]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"newtonkit solve: error: {message}\n", err), err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones((2, 2)), "y": np.ones(2)}, f"array 'x' of f.npz has shape (2, 2); {SHAPES}"),
        ({"x": np.ones(3), "y": np.ones(2)}, "the arrays of f.npz differ in length: 'x' 3 and 'y' 2"),
        ({"x": np.ones(2, complex), "y": np.ones(2)},
         "array 'x' of f.npz holds complex128, not numbers or text"),
        ({"x": np.float64(1.0), "y": np.ones(2)}, f"array 'x' of f.npz has shape (); {SHAPES}"),
        ({"x": np.array(["a", "\ud800"]), "y": np.ones(2)},
         "array 'x' of f.npz holds text that is not Unicode"),
        ({"x": np.array(["NaT", "NaT"], "M8[s]"), "y": np.ones(2)},
         "column 'x' of f.npz holds dates or times (timestamp[s]); "
         "leave it out by --drop, or choose the --features"),
        ({"x": np.array([1.0, np.nan]), "y": np.ones(2)},
         "column 'x' of f.npz has 1 value missing (NaN), the first in row 2"),
        ({"A": np.ones((2, 2)), "y": np.ones(2)},
         "f.npz has an array A, beside which b, groups, sample_weight and offset "
         "have a meaning, but 'y' has none"),
    ],
)  # fmt: skip
def test_arrays(arrays, message, capsys):
    np.savez("f.npz", **arrays)
    refused("f.npz", message, capsys)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("f.npz", pickled,
         "array 'y' of f.npz holds Python objects, which are not read: they could run code"),
        ("f.npz", lambda path: truncated(path, ".npz"), "f.npz is not an NPZ file"),
        ("f.parquet", lambda path: truncated(path, ".parquet"), None),
        ("f.parquet", nested, "column 'x' of f.parquet holds list<element: double>, not numbers; "
         "leave it out by --drop, or choose the --features"),
        ("f.parquet", twice, "f.parquet has more than one column called 'x'"),
        ("f.csv", lambda path: path.mkdir(), "cannot read f.csv: it is a directory"),
        ("f.csv", lambda path: None, "cannot read f.csv: No such file or directory"),
    ],
)  # fmt: skip
def test_made(name, make, message, folder, capsys):
    make(folder / name)
    if message is not None:
        refused(name, message, capsys)
    else:
        assert cli.main(["solve", name, *FIT]) == 2
        err = capsys.readouterr().err
        assert err.startswith("newtonkit solve: error: cannot read f.parquet as Parquet: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize("end", [".csv", ".parquet"])
def test_a_name_in_bytes_that_are_no_letters(end, folder, capsys):
    name = os.fsdecode(b"caf\xe9") + end
    (folder / name).write_text(GOOD)
    refused(name, f"cannot read caf?{end}: its name is not UTF-8", capsys)


def test_permission_denied(folder, capsys, monkeypatch):
    (folder / "f.csv").write_text(GOOD)

    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(MistakeError, match=r"^cannot read f\.csv: Permission denied$"):
        read("f.csv")


class TestWhatIsRead:
    def test_a_mark_of_byte_order_and_quoted_names(self, folder):
        (folder / "f.csv").write_bytes(b'\xef\xbb\xbf"x, first",y\n"1",2\n')
        assert read("f.csv").names == ["x, first", "y"]

    def test_numbers_that_become_floats_late(self, folder):
        """The type of a column is not settled by the first megabyte of it."""
        (folder / "f.csv").write_text("x,y\n" + "1,2\n" * 400_000 + "0.5,3\n")
        file = read("f.csv")
        assert file.n_rows == 400_001
        assert file.column("x").to_numpy()[-1] == 0.5

    def test_an_index_of_pandas_is_no_column(self, folder):
        diabetes().iloc[5:9].to_parquet("f.parquet")
        assert read("f.parquet").names == list(diabetes())

    def test_dictionaries_are_decoded(self, folder):
        pd.DataFrame({"x": pd.Categorical(["b", "a", "b"]), "y": [1, 2, 3]}).to_parquet("f.parquet")
        assert read("f.parquet").column("x").to_pylist() == ["b", "a", "b"]

    @pytest.mark.parametrize("kind", [np.float16, np.longdouble, ">f8", ">i4", np.uint8, bool, "U3"])
    def test_arrays_of_every_kind(self, folder, kind):
        values = np.array([1, 0, 1]).astype(kind)
        np.savez("f.npz", x=values)
        got = read("f.npz").column("x").to_pylist()
        assert got == values.tolist() or got == [float(v) for v in values]

    @pytest.mark.parametrize("unit", ["Y", "W", "h", "m"])
    def test_dates_in_units_that_arrow_has_not(self, folder, unit):
        days = np.array(["2024-01-01", "1969-12-04"], "M8[D]").astype(f"M8[{unit}]")
        np.savez("f.npz", x=days)
        np.testing.assert_array_equal(read("f.npz").column("x").to_numpy(), days)

    def test_text_in_views(self):
        """As the Parquet readers of later pyarrows may give."""
        file = DataFile("f.parquet", pa.table({"x": pa.array(["b", "", "a"], pa.string_view())}))
        assert file.column("x").to_pylist() == ["b", "", "a"]
        with pytest.raises(MistakeError, match=r"^column 'x' of f\.parquet has 1 value missing"):
            coded_levels(file, "x")

    def test_levels_that_are_not_finite(self, folder):
        (folder / "f.csv").write_text("x\n1\ninf\n")
        with pytest.raises(MistakeError, match=r"^column 'x' of f\.csv has levels that are not finite$"):
            coded_levels(read("f.csv"), "x")

    def test_a_folder_like_a_partition_adds_no_column(self, folder):
        (folder / "year=2024").mkdir()
        pd.DataFrame({"x": [1.0]}).to_parquet("year=2024/f.parquet")
        assert read("year=2024/f.parquet").names == ["x"]
