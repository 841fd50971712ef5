import os
from pathlib import Path

import pytest

from microcalc.datasets import index
from microcalc.datasets.folders import ended
from microcalc.datasets.index import indexed
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.truth import ImageTruth, TrueCalcification


class MyOptions(Options):
    mm: float = 0.05
    sheet: Path | None = None


DEFAULT = MyOptions()
PROBLEM = Problem(kind="missing", path="b.png", expected="a file", found="none", do="fetch it")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder, and what lists it: with a count of how often it was read."""
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "a.png").write_bytes(b"pixels")
    truth = ImageTruth(path="deep/a.png", calcifications=[TrueCalcification(x=1.5, y=2)])
    facts = Facts(others=(OtherFinding(kind="mass", bbox=(1, 2, 3, 4)),), remarks=("odd",))
    listing = Listing(root, (Record(root / "deep" / "a.png", truth, facts),), (PROBLEM,))
    reads = []

    def lists(options=DEFAULT, **more):
        def read():
            reads.append(options)
            return listing

        assert indexed("mine", root, options, read, **more) == listing
        return len(reads)

    return root, lists


def kept(tmp_path):
    return list((tmp_path / "cache" / "index").iterdir())


def test_a_listing_is_read_once_and_comes_back_as_it_was(data, tmp_path):
    _, lists = data
    assert [lists(), lists(), lists(fresh=True), lists()] == [1, 1, 2, 2]
    assert [path.name[:5] for path in kept(tmp_path)] == ["mine-"]


@pytest.mark.parametrize("change", ["touch", "content", "new file", "removed"])
def test_a_changed_file_makes_it_anew(data, change):
    root, lists = data
    lists()
    file = root / "deep" / "a.png"
    if change == "touch":
        os.utime(file, ns=(1, 1))
    elif change == "content":
        stamp = file.stat().st_mtime_ns
        file.write_bytes(b"other pixels")
        os.utime(file, ns=(stamp, stamp))
    elif change == "new file":
        (root / "deep" / "b.png").touch()
    else:
        file.unlink()
    assert [lists(), lists()] == [2, 2]


def test_other_options_are_kept_beside(data, tmp_path):
    _, lists = data
    assert [lists(), lists(MyOptions(mm=0.1)), lists(), lists(MyOptions(mm=0.1))] == [1, 2, 2, 2]
    assert len(kept(tmp_path)) == 2


def test_files_that_options_name_count_too(data, tmp_path):
    _, lists = data
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("a")
    options = MyOptions(sheet=sheet)
    assert [lists(options), lists(options)] == [1, 1]
    sheet.write_text("ab")
    assert lists(options) == 2


@pytest.mark.parametrize("damage", [b"", b"no JSON", b'{"schema": "microcalc.index/1"}'])
def test_a_damaged_one_is_made_anew(data, tmp_path, damage):
    _, lists = data
    lists()
    kept(tmp_path)[0].write_bytes(damage)
    assert [lists(), lists()] == [2, 2]


def test_another_version_of_the_readers_makes_it_anew(data, monkeypatch):
    _, lists = data
    lists()
    monkeypatch.setattr(index, "_readers", lambda: "other source")
    assert lists() == 2


def test_every_file_of_the_readers_counts(tmp_path, monkeypatch):
    """The lists that come with them, too; not what Python compiles on the way."""
    (tmp_path / "lists").mkdir()
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(index, "__file__", str(tmp_path / "index.py"))
    hashes = []
    for name in ("index.py", "lists/normals.txt", "__pycache__/index.pyc"):
        (tmp_path / name).write_text(name)
        hashes.append(index._readers.__wrapped__())
    assert hashes[0] != hashes[1] == hashes[2]


def test_one_made_while_a_process_ended_is_not_kept(tmp_path, monkeypatch):
    """The memory may have been full for a moment: the next call tries again."""
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "data"
    root.mkdir()
    whole = Listing(root, (), (PROBLEM,))
    listings = iter((Listing(root, (), (PROBLEM, ended("a.png"))), whole))
    read = [indexed("mine", root, DEFAULT, lambda: next(listings)).lasting for _ in range(3)]
    assert read == [False, True, True]


def test_a_cache_that_cannot_be_written_costs_time_only(data, tmp_path):
    _, lists = data
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert [lists(), lists()] == [1, 2]


def test_links_in_circles_and_dangling_ones(data):
    root, lists = data
    (root / "deep" / "up").symlink_to(root)
    (root / "nowhere").symlink_to(root / "not there")
    assert [lists(), lists()] == [1, 1]


def test_a_single_file_is_read_every_time(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "images.csv").touch()
    empty = Listing(tmp_path, ())
    assert indexed("table", tmp_path / "images.csv", Options(), lambda: empty) is empty
    assert not (tmp_path / "cache").exists()
