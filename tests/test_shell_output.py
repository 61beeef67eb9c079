"""Files are replaced only when the new ones are whole, and keep what they are."""

import os
import stat
import sys

import pytest

from newtonkit.shell.mistakes import MistakeError
from newtonkit.shell.output import refuse_clashes, replacing
from newtonkit.shell.record import as_json


class TestReplacing:
    def test_puts_the_file_there_at_the_end(self, tmp_path):
        path = tmp_path / "f.json"
        path.write_text("old")
        with replacing(str(path)) as place:
            assert place.suffix == ".json"
            place.write_text("new")
            assert path.read_text() == "old"
        assert path.read_text() == "new"
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
    def test_leaves_all_as_it_was_if_anything_goes_wrong(self, tmp_path, error):
        path = tmp_path / "f.json"
        path.write_text("old")

        def fail(name):
            with replacing(str(name)) as place:
                place.write_text("half")
                raise error

        with pytest.raises(error):
            fail(path)
        with pytest.raises(error):
            fail(tmp_path / "other.json")
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_follows_a_link_and_keeps_the_mode(self, tmp_path):
        path, link = tmp_path / "f.json", tmp_path / "link.json"
        path.write_text("old")
        path.chmod(0o640)
        link.symlink_to(path)
        with replacing(str(link)) as place:
            place.write_text("new")
        assert link.is_symlink()
        assert path.read_text() == "new"
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_a_new_file_has_the_mode_of_any_other(self, tmp_path):
        (tmp_path / "plain").write_text("")
        with replacing(str(tmp_path / "f.json")) as place:
            place.write_text("new")
        modes = {path.stat().st_mode for path in tmp_path.iterdir()}
        assert len(modes) == 1

    def test_what_is_no_file_is_written_as_it_is(self):
        with replacing(os.devnull) as place:
            place.write_text("gone")
        assert stat.S_ISCHR(os.stat(os.devnull).st_mode)

    @pytest.mark.skipif(sys.platform == "win32", reason="needs pipes that have names")
    def test_a_pipe_by_the_name_of_a_file(self):
        read, write = os.pipe()
        with replacing(f"/dev/fd/{write}") as place:
            place.write_text("through")
        assert os.read(read, 100) == b"through"
        os.close(read)
        os.close(write)

    def test_a_file_that_is_not_to_be_written(self, tmp_path, monkeypatch):
        path = tmp_path / "f.json"
        path.write_text("old")
        monkeypatch.setattr("os.access", lambda path, mode: False)
        with pytest.raises(MistakeError, match=r"cannot write .*f\.json: Permission denied"):
            replacing(str(path)).__enter__()
        assert list(tmp_path.iterdir()) == [path]

    def test_nothing_to_write(self):
        with replacing(None) as place:
            assert place is None


def test_a_mistake_is_one_line_of_what_can_be_shown():
    assert str(MistakeError("no\n  file \x1b[31m\x00")) == "no file ?[31m?"


def test_clashes(tmp_path):
    refuse_clashes({"DATA": None, "--a": os.devnull, "--b": os.devnull, "--c": "x", "--d": "y"})
    with pytest.raises(MistakeError, match="--a and --b are both"):
        refuse_clashes({"--a": "x", "--b": f"{os.getcwd()}/x"})
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(MistakeError, match="--a and --b are both"):
        refuse_clashes({"--a": str(tmp_path / "file"), "--b": str(tmp_path / "link")})


def test_json_has_null_for_what_is_not_finite():
    text = as_json({"a": float("nan"), "b": [float("inf"), 0.1 + 0.2], 3: ("ä", True)})
    assert "".join(text.split()) == '{"a":null,"b":[null,0.30000000000000004],"3":["\\u00e4",true]}'
