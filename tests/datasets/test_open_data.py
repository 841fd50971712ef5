from pathlib import Path

import pytest

from microcalc import datasets
from microcalc.datasets import KINDS, Kind, Listing, Options, Problem, Record, list_data, open_data
from microcalc.errors import ReadError, UsageError
from microcalc.truth import ImageTruth, Truth


class MyOptions(Options):
    mm: float = 0.05
    deep: bool = False


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A kind of data set of our own, and what its reader was asked for."""
    asked = []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.png").touch()

    def read(root, options, make_executor):
        asked.append((root, options, make_executor))
        problem = Problem(kind="missing", path="b.png", expected="a file", found="none", do="fetch it")
        records = [Record(root / file.name, ImageTruth(path=file.name)) for file in root.glob("*.png")]
        return Listing(root, tuple(records), (problem,))

    monkeypatch.setitem(KINDS, "mine", Kind("FOLDER", lambda: (MyOptions, read)))
    return tmp_path / "mine", asked


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_can_be_loaded(name):
    options, read = KINDS[name].load()
    assert issubclass(options, Options)
    assert callable(read)


def test_options_come_from_the_spec(mine):
    root, asked = mine
    listing = list_data(f"mine:{root}?mm=0.1&deep=yes", make_executor="pool")
    assert asked == [(root, MyOptions(mm=0.1, deep=True), "pool")]
    assert [r.truth.path for r in listing.records] == ["a.png"]
    assert [problem.path for problem in listing.problems] == ["b.png"]


def test_a_listing_is_kept_until_asked_for_afresh(mine):
    root, asked = mine
    for fresh in (False, False, True):
        list_data(f"mine:{root}", fresh=fresh)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("km=1", r"options of mine: mm, deep, found km=1"),
        ("mm=wide", r"found mm=wide: .*number"),
        ("deep=3", "found deep=3"),
    ],
)
def test_options_that_make_no_sense(mine, options, message):
    with pytest.raises(UsageError, match=message):
        list_data(f"mine:{mine[0]}?{options}")


def test_a_kind_without_options_says_so(tmp_path):
    with pytest.raises(UsageError, match="options of truth: it has none, found mm=1"):
        list_data(f"truth:{tmp_path}?mm=1")


def test_a_place_that_is_not_there(mine):
    with pytest.raises(ReadError, match="no such file or folder"):
        open_data(f"mine:{mine[0]}/deeper")


def test_a_table_needs_images_and_the_error_says_how_to_see_what_is_wrong(mine):
    root, _ = mine
    assert len(open_data(f"mine:{root}")) == 1
    (root / "a.png").unlink()
    with pytest.raises(ReadError, match=r"found none, and 1 problems; see what is wrong: microcalc data check"):
        open_data(f"mine:{root}")


def test_a_home_folder_is_found(mine, monkeypatch):
    root, asked = mine
    monkeypatch.setenv("HOME", str(root.parent))
    open_data("mine:~/mine")
    assert asked[0][0] == root


def test_a_truth_lists_what_is_missing_but_does_not_open_without(tmp_path):
    (tmp_path / "a.png").touch()
    images = (ImageTruth(path="a.png"), ImageTruth(path="b.png"))
    (tmp_path / "truth.json").write_text(Truth(root=".", images=images).to_json())
    listing = list_data(f"truth:{tmp_path}")
    assert [r.path for r in listing.records] == [tmp_path / "a.png"]
    assert [(p.kind, p.path) for p in listing.problems] == [("missing", "b.png")]
    with pytest.raises(ReadError, match=r"b\.png: expected 2 images beside their truth, found 1 missing"):
        open_data(f"truth:{tmp_path}")


def test_a_benchmark_is_told_how_to_make_what_is_not_there(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(datasets, "benchmark_folder", lambda *told: asked.append(told) or tmp_path)
    (tmp_path / "a.png").touch()
    (tmp_path / "truth.json").write_text(Truth(root=".", images=(ImageTruth(path="a.png"),)).to_json())
    [found] = open_data("bench:v1-small", make_executor="pool", on_study="tell")
    assert asked == [("v1-small", "pool", "tell")]
    assert found.path == Path(tmp_path / "a.png")


def test_half_a_download_is_told_of(mine, caplog):
    root, _ = mine
    open_data(f"mine:{root}")
    (said,) = caplog.messages
    assert said.startswith(
        "The data set is not whole: 1 remark about missing or unreadable files, such as b.png: missing"
    )
    assert "microcalc data check" in said
