"""Which files count as images, in which order."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from microcalc.imageio import find_images, read_mammogram
from microcalc.imageio.walk import Found

DICM = b"\0" * 128 + b"DICM"
BARE_IMPLICIT = b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR 100" + b"\0" * 20
BARE_EXPLICIT = b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100" + b"\0" * 20
BARE_BIG_ENDIAN = b"\x00\x08\x00\x05CS\x00\x0aISO_IR 100" + b"\0" * 20


def put(root: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names(root: Path, *inputs: Path) -> list[str]:
    return [found.path.relative_to(root).as_posix() for found in find_images(inputs or [root])]


@pytest.mark.parametrize("name", ["a.png", "a.PNG", "a.tif", "a.tiff", "a.pgm", "a.pnm", "a.dcm", "a.DCM", "a.dicom"])
def test_suffixes(tmp_path, name):
    put(tmp_path, **{name: b"anything"})
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("content", [DICM, BARE_IMPLICIT, BARE_EXPLICIT, BARE_BIG_ENDIAN])
def test_dicom_by_content(tmp_path, content):
    put(tmp_path, IM000001=content)
    assert names(tmp_path) == ["IM000001"]


@pytest.mark.parametrize("name", [".hidden.png", "._a.dcm", "DICOMDIR", "notes.txt", "a.csv", "a.jpg", "empty"])
def test_passed_over(tmp_path, name):
    content = b"" if name == "empty" else DICM if name == "DICOMDIR" else b"any text\n" * 40
    put(tmp_path, **{name: content})
    assert names(tmp_path) == []


def test_hidden_folders_are_passed_over(tmp_path):
    put(tmp_path, **{".cache__a.png": b""})
    assert names(tmp_path) == []


def test_order(tmp_path):
    put(tmp_path, b__2=DICM, b__1=DICM, a=DICM, c=DICM)
    assert names(tmp_path) == ["a", "b/1", "b/2", "c"]
    assert names(tmp_path, tmp_path / "c", tmp_path / "b") == ["c", "b/1", "b/2"]


def test_named_outright_is_always_kept(tmp_path):
    put(tmp_path, DICOMDIR=DICM, **{"notes.txt": b"text"})
    named = [tmp_path / name for name in ("notes.txt", "DICOMDIR", "missing.png")]
    assert find_images(named) == [Found(path, named=True) for path in named]


def test_found_in_a_folder_is_not_named(tmp_path):
    put(tmp_path, a=DICM)
    assert find_images([tmp_path]) == [Found(tmp_path / "a", named=False)]


def test_each_file_once_and_named_wins(tmp_path):
    put(tmp_path, a=DICM, b=DICM)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = find_images([tmp_path, tmp_path / "b", tmp_path / "." / "b", tmp_path])
    assert found == [Found(tmp_path / "a", named=False), Found(tmp_path / "b", named=True)]


def test_loops_of_links_end(tmp_path):
    put(tmp_path, sub__a=DICM)
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert names(tmp_path) == ["sub/a"]


def test_a_link_to_nothing_is_kept(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == ["gone"]


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == []


def test_what_cannot_even_be_looked_at_is_kept(tmp_path):
    """As in a folder that may be listed but not entered; a name too long shows it to root, too."""
    (tmp_path / "link").symlink_to("x" * 300)
    too_long = tmp_path / ("y" * 300)
    assert find_images([tmp_path, too_long]) == [Found(tmp_path / "link", named=False), Found(too_long, named=True)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter everything")
def test_a_folder_that_may_be_listed_but_not_entered(tmp_path):
    put(tmp_path, shut__a=DICM, shut__b__c=DICM)
    (tmp_path / "shut").chmod(0o600)
    kept = names(tmp_path)
    (tmp_path / "shut").chmod(0o700)
    assert kept == ["shut/a", "shut/b"]


def test_names_that_are_no_utf_8(tmp_path):
    for name in (b"caf\xe9.pgm", b"b.pgm", b"\xff_R_CC.pgm"):
        try:
            Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"P5 2 1 255 \x00\xff")
        except OSError:
            pytest.skip("this file system takes UTF-8 names only")
    found = find_images([tmp_path])
    assert [os.fsencode(image.path.name) for image in found] == [b"b.pgm", b"caf\xe9.pgm", b"\xff_R_CC.pgm"]
    assert [read_mammogram(image.path).view for image in found] == [None, None, "CC"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_opened_is_kept(tmp_path):
    put(tmp_path, secret=DICM, shut__a=DICM)
    (tmp_path / "secret").chmod(0)
    (tmp_path / "shut").chmod(0)
    kept = names(tmp_path)
    (tmp_path / "shut").chmod(0o700)
    assert kept == ["secret", "shut"]


def test_large_files_are_not_read(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.write(np.zeros(200, "u1"))
        file.truncate(1 << 40)  # sparse: reading it would end in a memory error
    assert names(tmp_path) == []
