"""INbreast as laid out by the package itself, as other copies have it, and as downloads go wrong."""

import plistlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from microcalc.datasets import open_data
from microcalc.datasets.inbreast import InbreastOptions, read
from microcalc.datasets.inbreast_partition import partition
from microcalc.datasets.table import Table
from microcalc.errors import MicrocalcError, ReadError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match, parse_rule

#: A picture of patient 1's left breast.
LEFT_CC = "AllDICOMs/20000101_*.dcm"


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, lay_out):
    """(folder, truth by path) as the package lays INbreast out."""
    root = tmp_path_factory.mktemp("laid-out") / "INbreast Release 1.0"
    return root, lay_out(root, "inbreast")


@pytest.fixture
def copy(laid_out, tmp_path):
    """The same set, to be changed."""
    return Path(shutil.copytree(laid_out[0], tmp_path / "INbreast Release 1.0"))


def listing(root, **options):
    return read(root, InbreastOptions(**options), None)


def listed(root, **options):
    return {record.path.name[:8]: record for record in listing(root, **options).records}


def problems(root, **options):
    return {(problem.kind, problem.path, problem.found) for problem in listing(root, **options).problems}


def renumber(root, **images):
    """Give pictures the numbers of real ones: real number -> number in the layout."""
    for real, number in images.items():
        picture = next(root.glob(f"AllDICOMs/{number}_*"))
        picture.rename(picture.with_name(real[1:] + picture.name[8:]))
        if (root / f"AllXML/{number}.xml").exists():
            (root / f"AllXML/{number}.xml").rename(root / f"AllXML/{real[1:]}.xml")


def rois_of(root, **changed):
    """The only list of regions of the left CC view, with another content."""
    path = root / "AllXML/20000101.xml"
    path.write_bytes(plistlib.dumps({"Images": [{"ROIs": [changed]}]}))
    return path


# ---- what is laid out comes back


def test_everything_laid_out_comes_back(laid_out):
    root, truths = laid_out
    records = listing(root).records
    assert [record.truth.path for record in records] == sorted(truths)
    for record in records:
        found, known = record.truth, truths[record.truth.path]
        assert record.path == root / known.path
        same = ("sop_instance_uid", "side", "view", "rows", "columns", "spacing_mm", "density", "age")
        stated = known.model_copy(update={"sop_instance_uid": found.sop_instance_uid})
        assert {name: getattr(found, name) for name in same} == {name: getattr(stated, name) for name in same}
        assert found.sop_instance_uid
        assert len(found.calcifications) == len(known.calcifications)


def test_calcifications_come_back_to_half_a_pixel_and_clusters_with_their_members(laid_out):
    root, truths = laid_out
    for record in listing(root).records:
        known = truths[record.truth.path]
        places, true = ([(m.x, m.y) for m in truth.calcifications] for truth in (record.truth, known))
        np.testing.assert_allclose(np.array(places).reshape(-1, 2), np.array(true).reshape(-1, 2), atol=0.5)
        assert [c.members for c in record.truth.clusters] == [c.members for c in known.clusters]
        # The layout draws outlines along outer edges; read as rim pixels they grow by one to the right and below.
        for found, drawn in zip(record.truth.calcifications, known.calcifications, strict=True):
            if found.polygon:
                assert found.diameter_mm == pytest.approx(drawn.diameter_mm, abs=1.3 * 0.07)


def test_patients_keep_their_pictures_together(laid_out):
    root, truths = laid_out
    groups = {}
    for record in listing(root).records:
        groups.setdefault(record.truth.patient, set()).add(truths[record.truth.path].patient)
    assert sorted(map(sorted, groups.values())) == [["p1"], ["p2"]]


def test_large_calcifications_and_clusters_are_ignored_but_stay(laid_out):
    left = listed(laid_out[0])["20000101"].truth
    assert [part.reason for part in left.ignore] == ["calcification over 1 mm", "outline of a cluster"]
    # 21 px of 0.07 mm are 1.47 mm; those of 9 px are not.
    assert left.ignore[0].polygon == left.calcifications[6].polygon


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        # By default those of the report: of its own, and small enough. The others are the five of the cluster.
        ({}, [False] * 5 + [True, False, True]),
        ({"ignore_clusters": False}, [True] * 5 + [True, False, True]),
        ({"ignore_clusters": False, "ignore_over_mm": 3.0}, [True] * 8),
    ],
)
def test_what_a_detector_is_asked_for(laid_out, options, asked):
    truth = listed(laid_out[0], **options)["20000101"].truth
    account = match(Detections.of_marks([], None), truth, parse_rule("disc14"), truth.spacing_mm)
    assert account.target.tolist() == asked


def test_clusters_are_asked_for_unless_ignored(laid_out):
    for ignored in (True, False):
        truth = listed(laid_out[0], ignore_clusters=ignored)["20000101"].truth
        account = match(Detections.of_marks([], None), truth, parse_rule("cluster"), truth.spacing_mm)
        assert account.target.tolist() == [not ignored]


def test_assessments_come_from_the_sheet(laid_out):
    records = listed(laid_out[0])
    assert {records[image].facts.assessment for image in ("20000102", "20000201")} == {"1"}
    assert records["20000101"].facts.assessment[0] in "456"


def test_images_that_no_list_knows_are_told(laid_out):
    expected = ("note", ".", "8 others, such as 20000101")
    assert problems(laid_out[0]) == {expected}
    assert {record.truth.split for record in listing(laid_out[0]).records} == {None}
    assert {record.truth.normal for record in listing(laid_out[0]).records} == {False, None}


def test_what_is_not_marked_can_count_as_normal(laid_out):
    root, truths = laid_out
    found = {record.truth.path: record.truth.normal for record in listing(root, normals="unlabelled").records}
    assert found == {path: truth.normal for path, truth in truths.items()}


# ---- the lists


def test_split_and_normals_by_the_lists(copy):
    # Of test: on both lists, on the longer one alone, on none. Of train: on none.
    test = ["22678622", "22580492", "22427682"]
    renumber(copy, i22678622=20000201, i22580492=20000202, i22427682=20000203, i22580015=20000102)
    checked, provided = (listed(copy, normals=which) for which in ("checked", "provided"))
    assert [checked[image].truth.normal for image in test] == [True, None, None]
    assert [provided[image].truth.normal for image in test] == [True, True, None]
    assert {checked[image].truth.split for image in test} == {"test"}
    assert checked["22580015"].truth.split in ("train", "validation")
    assert {record.truth.split for record in listed(copy, partition="none").values()} == {None}


def test_a_patient_whose_exams_were_drawn_apart_is_wholly_of_train(copy):
    sides = partition()
    train, validation = (next(i for i in sides if sides[i] == side) for side in ("train", "validation"))
    renumber(copy, **{f"i{train}": 20000201, f"i{validation}": 20000202})
    found = listing(copy)
    assert {r.truth.split for r in found.records if r.path.name[:8] in (train, validation)} == {"train"}
    assert len(Table(found.records)) == 8
    assert [p.kind for p in found.problems if p.path == "." and "patient" in p.expected] == ["contradiction"]


def test_a_patient_of_train_and_test_is_left_for_the_table_to_refuse(copy):
    renumber(copy, i22678622=20000201, i22580015=20000202)
    with pytest.raises(MicrocalcError, match="every patient on one side"):
        Table(listing(copy).records)


def test_images_with_displaced_labels_are_left_out_unless_asked_for(copy):
    renumber(copy, i20587294=20000101)
    assert "20587294" not in listed(copy)
    assert any(kind == "left out" and "20587294" in path for kind, path, _ in problems(copy))
    assert "20587294" in listed(copy, displaced_labels=True)


def test_a_listed_normal_with_calcifications_is_none(copy):
    renumber(copy, i22678622=20000101)
    assert listed(copy)["22678622"].truth.normal is False
    assert any(kind == "contradiction" and found == "calcifications" for kind, _, found in problems(copy))


# ---- other copies


def test_folders_may_have_any_names(copy):
    (copy / "AllDICOMs").rename(copy / "ALL-IMGS")
    (copy / "AllXML").rename(copy / "xml")
    assert len(listed(copy)) == 8


def test_a_workbook_stands_in_for_the_csv(copy):
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(
        [
            "Patient ID",
            "Patient age",
            "Laterality",
            "View",
            "Acquisition date",
            "File Name",
            "ACR",
            "Bi-Rads",
            "Micros ",
        ]
    )
    book.active.append(["removed", "removed", "R", "CC", 200902, 20000102.0, 2.0, "4a", "X"])
    book.active.append([None, None, None, None, None, "Total", None, 115, None])
    book.save(copy / "INbreast.xlsx")
    (copy / "INbreast.csv").unlink()
    image = listed(copy, normals="unlabelled")["20000102"]
    assert (image.truth.density, image.facts.assessment, image.truth.normal) == ("B", "4a", None)
    assert ("contradiction", image.truth.path, "none marked") in problems(copy)


@pytest.mark.parametrize(
    "content",
    [
        {"ROIPoints": ["{190, 0}", "{150, 90}"]},
        {"Images": [{"ROIs": [{"Name": "Pectoral Muscle", "Point_px": ["(190, 0)", "(150, 90)"]}]}]},
    ],
)
@pytest.mark.parametrize("folder", ["PectoralMuscle/Pectoral Muscle XML", "Pectoral_Muscle_XML"])
def test_the_pectoral_muscle(copy, content, folder):
    (copy / folder).mkdir(parents=True)
    (copy / folder / "20000204_muscle.xml").write_bytes(plistlib.dumps(content))
    found = listed(copy)
    # Patient 2's right MLO view, 200 columns wide.
    assert found["20000204"].facts.pectoral_muscle == ((199.5, -0.5), (189.5, -0.5), (149.5, 89.5))
    assert found["20000203"].facts.pectoral_muscle is None


# ---- what goes wrong


def test_a_damaged_picture_list_or_muscle_costs_no_more_than_itself(copy):
    next(copy.glob("AllDICOMs/20000102_*")).write_bytes(b"not DICOM")
    (copy / "AllXML/20000101.xml").write_bytes(b"<plist>")
    (copy / "AllXML/20000104_muscle.xml").write_bytes(b"<plist>")
    found = {path.partition("_")[0] for kind, path, _ in problems(copy) if kind == "unreadable"}
    assert found == {"AllDICOMs/20000102", "AllXML/20000101.xml", "AllXML/20000104"}
    assert sorted(listed(copy)) == ["20000103", "20000104", "20000201", "20000202", "20000203", "20000204"]


def test_regions_that_contradict_themselves_or_leave_the_image(copy):
    rois_of(copy, Name="Calcification", NumberOfPoints=2, Point_px=["(900, 900)"])
    found = {found for kind, _, found in problems(copy) if kind == "contradiction"}
    assert found == {
        "region 1: 2 points stated, 1 listed",
        "region 1 (calcification): 1 of 1 points outside the image, left out",
    }
    assert len(listed(copy)["20000101"].facts.remarks) >= 2


def test_a_region_without_a_telling_name_is_told_and_ignored(copy):
    rois_of(copy, Name="Point 1", Point_px=["(90, 90)"])
    found = listed(copy, normals="unlabelled")["20000101"].truth
    assert (len(found.ignore), found.normal, found.calcifications) == (1, None, ())
    assert any(kind == "note" and "1 regions without a name" in text for kind, _, text in problems(copy))


def test_a_sheet_that_disagrees_with_the_name(copy):
    sheet = copy / "INbreast.csv"
    sheet.write_text(sheet.read_text().replace("L;CC;", "R;MLO;"))
    said = {found for kind, _, found in problems(copy) if kind == "contradiction"}
    assert said == {"R in the sheet", "MLO in the sheet"}
    assert (listed(copy)["20000101"].truth.side, listed(copy)["20000101"].truth.view) == ("L", "CC")


def test_a_partial_download_is_told(copy):
    next(copy.glob(LEFT_CC)).unlink()
    assert ("missing", "AllDICOMs/20000101_*.dcm", "none") in problems(copy)
    shutil.rmtree(copy / "AllDICOMs")
    with pytest.raises(ReadError, match="expected the 8 images that the data set names, found none of them"):
        listing(copy)


def test_pictures_without_lists_are_refused(copy):
    shutil.rmtree(copy / "AllXML")
    with pytest.raises(ReadError, match="expected AllXML, the lists of what is marked, found 8 pictures without any"):
        listing(copy)


def test_a_second_copy_of_a_picture_is_left_out(copy):
    picture = next(copy.glob(LEFT_CC))
    (copy / "more").mkdir()
    shutil.copy(picture, copy / "more" / picture.name)
    assert len(listed(copy)) == 8
    assert {path for kind, path, _ in problems(copy) if kind == "left out"} == {f"more/{picture.name}"}


def test_the_sheet_may_be_missing_but_not_its_columns(copy):
    sheet = copy / "INbreast.csv"
    text = sheet.read_text()
    sheet.unlink()
    assert ("missing", "INbreast.csv", "none") in problems(copy)
    assert listed(copy)["20000101"].truth.density is None
    sheet.write_text(text.replace("ACR", "density"))
    with pytest.raises(ReadError, match=r"INbreast\.csv: expected the columns .* found no acr among"):
        listing(copy)


@pytest.mark.parametrize("given", ["INbreast Release 1.0/AllDICOMs", "."])
def test_the_wrong_level_names_the_right_one(copy, given):
    with pytest.raises(ReadError, match=r"name .*INbreast Release 1\.0"):
        listing(copy.parent / given)


def test_an_archive_left_unpacked_is_named(tmp_path):
    (tmp_path / "INbreast.zip").write_bytes(b"PK")
    with pytest.raises(ReadError, match=r"found the archive INbreast\.zip; unpack it first"):
        listing(tmp_path)


def test_through_its_spec(laid_out, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path))
    table = open_data(f"inbreast:{laid_out[0]}?normals=unlabelled&classes=terrassin&ignore_over_mm=3")
    first = table[0].truth
    assert len(table.filter(lambda truth: bool(truth.normal))) == 6
    assert [mark.pathology for mark in first.calcifications] == ["malignant"] * 5 + ["benign"] * 3
    assert [part.reason for part in first.ignore] == ["outline of a cluster"]
    assert table[0].read().shape == (300, 200)
