import csv
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets.cbis_ddsm import CbisDdsmOptions, read
from microcalc.datasets.table import Table
from microcalc.errors import ReadError

TABLE = "calc_case_description_train_set.csv"
SHAPE = (60, 40)


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, lay_out):
    """(root, truth by path) of a set of DICOM files; no finding of it has a mask in its place and of its size alone."""
    root = tmp_path_factory.mktemp("cbis")
    return root, lay_out(root, "cbis_ddsm")


@pytest.fixture
def copy(laid_out, tmp_path):
    """A copy of that set, to be damaged."""
    shutil.copytree(laid_out[0], tmp_path / "set")
    return tmp_path / "set"


def listed(root, **options):
    return read(root, CbisDdsmOptions(**options), None)


def about(listing, *kinds):
    """The problems of some kinds, but for the images without a finding that a layout leaves in the tree."""
    return [problem for problem in listing.problems if problem.kind in kinds and problem.path != "."]


# ---- the way from truth to layout and back


def test_what_was_laid_out_is_read_again(laid_out):
    root, truths = laid_out
    listing = listed(root)
    expected = {path: truth for path, truth in truths.items() if not truth.normal}
    assert {record.truth.path for record in listing.records} == set(expected)
    for record in listing.records:
        truth, known = record.truth, expected[record.truth.path]
        for name in ("sop_instance_uid", "study", "side", "view", "rows", "columns", "density", "normal"):
            assert getattr(truth, name) == getattr(known, name), name
        assert (truth.patient, truth.split, truth.spacing_mm) == ("P_00001", "train", (0.05, 0.05))
        cluster, *single = truth.clusters
        assert (cluster.pathology, cluster.morphology, cluster.distribution) == (
            *("malignant", "fine pleomorphic"),
            "grouped",
        )
        # Masks are drawn to whole pixels, and some are shrunk to 0.87 of the size.
        assert cluster.bbox == pytest.approx(known.clusters[0].bbox, abs=1.7)
        alone = [mark for mark in known.calcifications if mark.pathology == "benign"]
        for found, mark in zip(single, alone, strict=True):
            assert (found.pathology, found.morphology, found.distribution) == ("benign", "round", None)
            corners = np.array(mark.polygon)
            assert found.bbox == pytest.approx((*corners.min(axis=0), *corners.max(axis=0)), abs=1.7)
        assert (record.facts.film, record.facts.pathology) == (True, "malignant")
    assert about(listing, "missing", "unreadable", "contradiction") == []


def test_the_layout_holds_what_readers_must_stand(laid_out):
    root, _ = laid_out
    listing = listed(root)
    assert {problem.found for problem in about(listing, "note")} == {"261 x 174"}
    swapped = [path for path in root.rglob("1-2.dcm") if path.stat().st_size > 300 * 200]
    assert swapped  # a mask, of a byte a pixel, where crops of little findings are small


def test_images_that_no_table_names_are_left_out_and_counted(laid_out):
    root, truths = laid_out
    (problem,) = [problem for problem in listed(root).problems if problem.path == "."]
    normal = sum(bool(truth.normal) for truth in truths.values())
    assert problem.found.startswith(f"{normal} that none of them names, such as Calc-Training_P_00001_RIGHT_CC")


def test_a_record_reads_its_image_with_the_spacing_of_the_set(laid_out):
    (record, *_) = listed(laid_out[0], spacing_mm=0.043).records
    mammogram = record.read()
    assert (mammogram.spacing_mm, mammogram.spacing_source) == ((0.043, 0.043), "dataset")


def test_the_masks_are_the_same_on_a_pool(laid_out):
    root, _ = laid_out
    assert read(root, CbisDdsmOptions(), lambda: ThreadPoolExecutor(2)) == listed(root)


# ---- bad input


def test_the_folder_meant_is_named(copy):
    for wrong in (copy / "CBIS-DDSM", copy.parent):
        with pytest.raises(ReadError, match=f"expected the root of CBIS-DDSM.*name {copy}"):
            listed(wrong)


def test_an_archive_left_unpacked_is_named(tmp_path):
    (tmp_path / "CBIS-DDSM.zip").touch()
    with pytest.raises(ReadError, match=r"CBIS-DDSM\.zip.*unpack"):
        listed(tmp_path)


def test_tables_without_images_are_an_error(copy):
    shutil.rmtree(copy / "CBIS-DDSM")
    with pytest.raises(ReadError, match="expected the 2 images that the data set names, found none"):
        listed(copy)


def test_images_without_any_mask_are_an_error(copy):
    for folder in (copy / "CBIS-DDSM").glob("*_CC_?"):
        shutil.rmtree(folder)
    for folder in (copy / "CBIS-DDSM").glob("*_MLO_?"):
        shutil.rmtree(folder)
    with pytest.raises(ReadError, match="expected the 8 masks that the data set names, found none"):
        listed(copy)


def test_a_partial_download_is_listed_as_far_as_it_goes(copy):
    shutil.rmtree(copy / "CBIS-DDSM" / "Calc-Training_P_00001_LEFT_CC")
    shutil.rmtree(copy / "CBIS-DDSM" / "Calc-Training_P_00001_LEFT_MLO_2")
    listing = listed(copy)
    (record,) = listing.records
    assert len(record.truth.clusters) == 3
    assert [region.reason for region in record.truth.ignore] == ["calcifications without a mask"]
    missing = [problem.path for problem in about(listing, "missing") if "P_" in problem.path]
    assert missing == ["Calc-Training_P_00001_LEFT_CC", "Calc-Training_P_00001_LEFT_MLO_2"]


def test_damaged_files_are_problems(copy):
    for case in ("LEFT_CC", "LEFT_MLO_1"):
        for path in (copy / "CBIS-DDSM" / f"Calc-Training_P_00001_{case}").rglob("*.dcm"):
            path.write_bytes(path.read_bytes()[:400])
    listing = listed(copy)
    (record,) = listing.records
    assert record.truth.view == "MLO"
    assert len(record.truth.clusters) == 3
    unreadable = [problem.path.split("/")[1] for problem in about(listing, "unreadable")]
    assert sorted(unreadable) == ["Calc-Training_P_00001_LEFT_CC", "Calc-Training_P_00001_LEFT_MLO_1"]


def test_two_downloads_of_one_image_are_said(copy):
    case = copy / "CBIS-DDSM" / "Calc-Training_P_00001_LEFT_CC"
    shutil.copytree(case, copy / "manifest-2" / case.name)
    listing = listed(copy)
    assert len(listing.records) == 2
    (problem,) = about(listing, "contradiction")
    assert (problem.expected, problem.found) == ("one image of its case", "2")
    assert problem.path.startswith("CBIS-DDSM/")


# ---- parts and splits, on a little set of PNG files

HEADERS = {
    "calc": "patient_id,breast density,left or right breast,image view,abnormality id,abnormality type,calc type,"
    "calc distribution,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path",
    "mass": "patient_id,breast_density,left or right breast,image view,abnormality id,abnormality type,mass shape,"
    "mass margins,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path",
}


def write_part(root, kind, part, *patients, by_series=False):
    """A part with one image, of one abnormality, for each patient; ``by_series``: as the copy in JPEG has it."""
    rows = []
    for patient in patients:
        case = f"{kind.capitalize()}-{'Training' if part == 'train' else 'Test'}_{patient}_LEFT_CC"
        study, image, finding = f"1.{kind}.{patient}", f"2.{kind}.{patient}", f"3.{kind}.{patient}"
        paths = [f"{case}/{study}/{image}/000000.dcm", *(f"{case}_1/{study}/{finding}/00000{n}.dcm" for n in (1, 0))]
        rows.append([patient, "2", "LEFT", "CC", "1", "", "ROUND", "N/A", "4", "BENIGN", "3", *paths])
        mask = np.zeros(SHAPE, np.uint8)
        mask[10:20, 5:15] = 255
        grey = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
        for series, name, pixels in ((image, "a", grey), (finding, "a", grey[:12, :12]), (finding, "b", mask)):
            inner = f"{case}{'' if series == image else '_1'}/{study}/{series}"
            folder = root / (f"jpeg/{series}" if by_series else inner)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{name}.{'jpg' if by_series else 'png'}", quality=95)
    with (root / f"{kind}_case_description_{part}_set.csv").open("w", newline="") as file:
        file.write(HEADERS[kind] + "\n")
        csv.writer(file).writerows(rows)


@pytest.fixture
def both_parts(tmp_path):
    """P_00002 and P_00003 train in one part and test in the other; P_00004 trains in both."""
    write_part(tmp_path, "calc", "train", "P_00001", "P_00002", "P_00004")
    write_part(tmp_path, "calc", "test", "P_00003")
    write_part(tmp_path, "mass", "train", "P_00003", "P_00004")
    write_part(tmp_path, "mass", "test", "P_00002", "P_00005")
    return tmp_path


def sides(listing):
    return {Path(record.truth.path).parts[0][:20]: record.truth.split for record in listing.records}


@pytest.mark.parametrize(
    ("abnormality", "expected"),
    [
        ("calcification", {"train": ["P_00001", "P_00002", "P_00004"], "test": ["P_00003"]}),
        ("mass", {"train": ["P_00003", "P_00004"], "test": ["P_00002", "P_00005"]}),
    ],
)
def test_each_part_has_its_official_split(both_parts, abnormality, expected):
    table = Table(listed(both_parts, abnormality=abnormality).records)
    assert {side: sorted(table.split(side).patients) for side in ("train", "test")} == expected


def test_patients_who_leak_between_the_parts_stand_in_the_test_set(both_parts):
    listing = listed(both_parts, abnormality="both")
    table = Table(listing.records)  # which refuses patients on two sides
    assert sorted(table.split("test").patients) == ["P_00002", "P_00003", "P_00005"]
    assert sorted(table.split("train").patients) == ["P_00001", "P_00004"]
    assert len(table) == 8
    (problem,) = listing.problems
    assert (problem.path, problem.found) == (".", "2 on two")


def test_the_official_test_set_is_a_papers_validation_set(both_parts):
    table = Table(listed(both_parts, abnormality="both", official_test="validation").records)
    assert sorted(table.split("validation").patients) == ["P_00002", "P_00003", "P_00005"]
    assert {record.truth.split for record in table} == {"train", "validation"}


def test_masses_are_other_findings_and_views_in_both_parts_are_remarked(both_parts):
    records = listed(both_parts, abnormality="both").records
    masses = [record for record in records if record.truth.path.startswith("Mass")]
    assert len(masses) == 4
    for record in masses:
        assert (record.truth.clusters, record.truth.normal) == ((), None)
        assert [other.bbox for other in record.facts.others] == [(4.5, 9.5, 14.5, 19.5)]
    twice = {record.truth.patient for record in records if any("both parts" in text for text in record.facts.remarks)}
    assert twice == {"P_00002", "P_00003", "P_00004"}


def test_the_copy_that_lies_by_series(tmp_path):
    write_part(tmp_path, "calc", "train", "P_00001", by_series=True)
    (record,) = listed(tmp_path).records
    assert record.truth.path == "jpeg/2.calc.P_00001/a.jpg"
    assert [cluster.bbox for cluster in record.truth.clusters] == [(4.5, 9.5, 14.5, 19.5)]
