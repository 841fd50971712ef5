"""OMI-DB as laid out by the package itself, and as downloads go wrong."""

import builtins
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom
import pytest

from microcalc.datasets import open_data
from microcalc.datasets.omi_db import OmiDbOptions, read
from microcalc.datasets.table import Table
from microcalc.errors import ReadError

pytest.importorskip("omidb")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, lay_out):
    """(folder, truth by path) as the package lays OMI-DB out."""
    root = tmp_path_factory.mktemp("laid-out") / "omi"
    return root, lay_out(root, "omi_db")


@pytest.fixture
def copy(laid_out, tmp_path):
    """The same set, to be changed."""
    return Path(shutil.copytree(laid_out[0], tmp_path / "omi"))


def listing(root, **options):
    return read(root, OmiDbOptions(**options), None)


def problems(root, **options):
    return [(problem.kind, problem.path, problem.found) for problem in listing(root, **options).problems]


def database(root, client, kind="imagedb"):
    """Path and content of a client's ``imagedb`` or ``nbss`` file."""
    [path] = [path for path in (root / f"data/{client}").iterdir() if path.name.lower().startswith(kind)]
    return path, json.loads(path.read_text())


def marks(content):
    """All marks of a client, to be changed."""
    images = [s[i] for study in content["STUDIES"].values() for s in study.values() if isinstance(s, dict) for i in s]
    return [mark for of in images if of for mark in of.values()]


def test_everything_laid_out_comes_back(laid_out):
    root, truths = laid_out
    found = listing(root, benign_kinds=True, validation_share=0)
    assert found.problems == ()
    assert {record.truth.path for record in found.records} == set(truths)
    for record in found.records:
        truth, known = record.truth, truths[record.truth.path]
        same = ("side", "view", "rows", "columns", "spacing_mm", "age")
        assert [getattr(truth, name) for name in same] == [getattr(known, name) for name in same]
        assert (truth.patient, record.path) == ({"p1": "demd1", "p2": "demd2"}[known.patient], root / known.path)
        assert truth.sop_instance_uid == record.path.stem
        assert record.facts.processing == "FOR PRESENTATION"


def test_clusters_and_single_calcifications_come_back_as_boxes(laid_out):
    root, truths = laid_out
    for record in listing(root, benign_kinds=True).records:
        known = truths[record.truth.path]
        single = [mark for index, mark in enumerate(known.calcifications) if index > 4]
        edges = [tuple(edge for i in (0, 2) for edge in mark.polygon[i]) for mark in single]
        boxes = [(cluster.bbox, cluster.pathology) for cluster in known.clusters]
        boxes += [(box, mark.pathology) for box, mark in zip(edges, single, strict=True)]
        assert [(cluster.bbox, cluster.pathology) for cluster in record.truth.clusters] == boxes


def test_by_default_only_proven_suspicious_calcifications_are_targets(laid_out):
    for record in listing(laid_out[0]).records:
        assert [c.pathology for c in record.truth.clusters] == ["malignant"] * len(record.truth.clusters)
        assert len(record.truth.ignore) == 3 * len(record.truth.clusters)


def test_only_clients_without_marks_and_tissue_are_normal(laid_out):
    # Client 1's right breast shows nothing, but her left one does; client 2 has nothing.
    found = {(r.truth.patient, r.truth.side): r.truth.normal for r in listing(laid_out[0]).records}
    assert found == {("demd1", "L"): False, ("demd1", "R"): None, ("demd2", "L"): True, ("demd2", "R"): True}


def test_the_tissue_of_the_breast(laid_out):
    found = {(r.truth.patient, r.truth.side): r.facts.pathology for r in listing(laid_out[0]).records}
    assert found == {
        ("demd1", "L"): "malignant",
        ("demd1", "R"): None,
        ("demd2", "L"): None,
        ("demd2", "R"): None,
    }


def test_clients_are_split_whole_and_the_same_again(laid_out):
    found = [listing(laid_out[0], validation_share=0.5, seed=seed).records for seed in (3, 3)]
    sides = {record.truth.patient: record.truth.split for record in Table(found[0])}
    assert sorted(sides.values()) == ["train", "validation"]
    assert found[0] == found[1]
    assert {record.truth.split for record in listing(laid_out[0], validation_share=0).records} == {None}


def test_a_pool_gives_the_same_listing(laid_out):
    root, _ = laid_out
    assert read(root, OmiDbOptions(), lambda: ThreadPoolExecutor(2)) == listing(root)


def test_pictures_by_processing(copy):
    path = copy / listing(copy).records[0].truth.path
    image = pydicom.dcmread(path)
    image.PresentationIntentType = "FOR PROCESSING"
    image.save_as(path)
    place = path.relative_to(copy).as_posix()
    paths = {
        kind: [record.truth.path for record in listing(copy, processing=kind).records]
        for kind in ("presentation", "processing", "both")
    }
    assert (len(paths["presentation"]), paths["processing"], len(paths["both"])) == (7, [place], 8)
    assert problems(copy) == [("left out", "images", "1 others")]
    assert problems(copy, processing="both") == []


def test_a_mark_that_the_library_loses_costs_the_picture(copy):
    path, content = database(copy, "demd1")
    marks(content)[0]["X1"] = "unknown"
    path.write_text(json.dumps(content))
    found = listing(copy)
    assert (len(found.records), [problem.kind for problem in found.problems]) == (7, ["contradiction"])
    assert found.problems[0].found == "3 of them"


def test_a_lost_mark_makes_no_client_healthy(copy):
    path, content = database(copy, "demd2")
    study = next(iter(content["STUDIES"].values()))
    series = next(part for part in study.values() if isinstance(part, dict))
    series[next(iter(series))] = {"1": {"MarkID": 1}}
    path.write_text(json.dumps(content))
    assert {r.truth.normal for r in listing(copy).records if r.truth.patient == "demd2"} == {None}


def test_a_biopsy_makes_no_client_healthy(copy):
    path, content = database(copy, "demd2", "nbss")
    content["100"]["BIOPSYFINE"] = {"L": {}, "left_opinion": "ON"}
    path.write_text(json.dumps(content))
    assert {r.truth.normal for r in listing(copy).records if r.truth.patient == "demd2"} == {None}


def test_a_box_outside_its_picture_is_told(copy):
    path, content = database(copy, "demd1")
    marks(content)[0]["X2"] = "250"
    path.write_text(json.dumps(content))
    [(kind, _, found)] = problems(copy)
    assert (kind, found.endswith("which would fit with x and y exchanged")) == ("contradiction", True)


def test_damaged_files_are_told_and_the_rest_is_read(copy):
    database(copy, "demd1", "nbss")[0].write_text("{")
    path = next(record.path for record in listing(copy).records)
    path.write_bytes(b"not DICOM")
    assert [kind for kind, *_ in problems(copy)] == ["unreadable", "unreadable"]
    assert problems(copy)[0][1] == "data/demd1"
    assert len(listing(copy).records) == 3


def test_missing_and_unnamed_pictures_are_told(copy):
    first, second = (record.path for record in listing(copy).records[:2])
    first.unlink()
    shutil.copy(second, second.with_name("1.2.3.dcm"))
    assert [(kind, path) for kind, path, _ in problems(copy)] == [
        ("left out", "images/demd1"),
        ("missing", first.relative_to(copy).as_posix()),
    ]
    shutil.rmtree(copy / "images")
    (copy / "images").mkdir()
    with pytest.raises(ReadError, match="expected the 8 images that the data set names, found none of them"):
        listing(copy)


def test_folders_by_other_names(copy):
    (copy / "images").rename(copy / "dicom")
    with pytest.raises(ReadError, match="expected the root of OMI-DB"):
        listing(copy)
    assert len(listing(copy, images="dicom").records) == 8


@pytest.mark.parametrize("given", ["data", "data/demd1", "."])
def test_the_wrong_level_names_the_right_one(copy, given):
    root = copy.parent if given == "." else copy / given
    with pytest.raises(ReadError, match=rf"name {copy}$"):
        listing(root)


def test_without_the_library_the_extra_is_named(laid_out, monkeypatch):
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "omidb":
            raise ModuleNotFoundError("No module named 'omidb'", name="omidb")
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ReadError, match=r'found no omidb; pip install "microcalc\[data\]"'):
        listing(laid_out[0])


def test_through_its_spec(laid_out, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path))
    table = open_data(f"omi_db:{laid_out[0]}?benign_kinds=true&validation_share=0.5&processing=both")
    assert len(table.split("train")) == len(table.split("validation")) == 4
    assert max(len(record.truth.clusters) for record in table) == 4
    assert table[0].read().shape == (300, 200)
