from __future__ import annotations

import re
from pathlib import Path

import pytest

from microcalc.errors import WriteError
from microcalc.output import image_key, replacing


def test_keys_are_unique_even_where_only_punctuation_or_case_differs():
    paths = ["a/b.png", "a-b.png", "a b.png", "A/b.png", "a/b.PNG", "a//b.png", "", "/", "é.png", "è.png"]
    assert len({image_key(path).lower() for path in paths}) == len(paths)


@pytest.mark.parametrize("path", ["../../etc/x", "a\\b:c?.png", "x" * 5000 + ".dcm", "-rf", "...", "日本", "con"])
def test_keys_are_safe_folder_names(path):
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}", image_key(path))


def test_keys_can_be_read():
    assert image_key("study 1/L_CC.dcm").startswith("study-1-L_CC-dcm-")


def test_a_file_appears_whole_and_alone(tmp_path: Path):
    path = tmp_path / "new" / "a.txt"
    with replacing(path) as file:
        file.write(b"one")
        assert not path.exists()
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]


def test_a_broken_write_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError) as error, replacing(tmp_path / "file" / "a.txt"):
        pass
    assert error.value.where == str(tmp_path / "file" / "a.txt")
    assert error.value.do
