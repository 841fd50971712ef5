import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets.bmcd import BmcdOptions, read
from microcalc.errors import ReadError

openpyxl = pytest.importorskip("openpyxl", reason="the package openpyxl is not installed")

COLUMNS = ("Folder #", "BI-RADS categories for classification ", "Biopsy results")


def listed(root, **options):
    return read(root, BmcdOptions(**options), None)


# ---- the way from truth to layout and back


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory, lay_out):
    root = tmp_path_factory.mktemp("bmcd")
    return root, lay_out(root, "bmcd")


def test_what_was_laid_out_is_read_again(laid_out):
    root, truths = laid_out
    listing = listed(root)
    assert listing.problems == ()
    assert {record.truth.path for record in listing.records} == set(truths)
    for record in listing.records:
        truth, known = record.truth, truths[record.truth.path]
        for name in ("side", "view", "rows", "columns", "spacing_mm", "density", "age", "normal"):
            assert getattr(truth, name) == getattr(known, name), name
        assert (record.facts.exam, record.facts.film) == ("current", False)
        assert len(truth.calcifications) == len(known.calcifications)
        if known.normal:
            assert (record.facts.pathology, record.facts.assessment) == (None, "1")
        order = [sorted(image.calcifications, key=lambda mark: (mark.y, mark.x)) for image in (truth, known)]
        for found, mark in zip(*order, strict=True):
            # Marks are drawn on a picture of half the size, and rounded there.
            assert (found.x, found.y) == pytest.approx((mark.x, mark.y), abs=1)
            assert found.diameter_mm == pytest.approx(mark.diameter_mm, abs=0.2)
            assert found.pathology == "malignant"  # as biopsied: of the whole breast


def test_patients_are_folders_of_a_group(laid_out):
    patients = {record.truth.patient for record in listed(laid_out[0]).records}
    assert patients == {"suspicious-1", "normal-2", "normal-3", "normal-4"}


def test_the_marks_are_the_same_on_a_pool(laid_out):
    root, _ = laid_out
    assert read(root, BmcdOptions(), lambda: ThreadPoolExecutor(2)) == listed(root)


def test_the_side_comes_from_the_header_and_a_contradiction_is_said(laid_out, tmp_path):
    root = shutil.copytree(laid_out[0], tmp_path / "set")
    book = openpyxl.load_workbook(root / "Description.xlsx")
    book["Suspicious_cases"]["B4"] = "Right"
    book.save(root / "Description.xlsx")
    listing = listed(root)
    assert {record.truth.side for record in listing.records if record.truth.patient == "suspicious-1"} == {"L"}
    assert [(problem.kind, problem.expected, problem.found) for problem in listing.problems] == 2 * [
        ("contradiction", "side R, as in Description.xlsx", "side L in its header")
    ]


# ---- pairs, groups and biopsies, on a little set of PNG files


def write_image(folder, name, *, marked=(), picture=True):
    """A mammogram of 60 x 40 pixels, and its picture with red squares of 4 pixels at some x, y."""
    folder.mkdir(parents=True, exist_ok=True)
    grey = np.random.default_rng(0).integers(0, 256, (60, 40)).astype(np.uint8)
    Image.fromarray(grey).save(folder / f"{name}.png")
    colours = np.stack([grey] * 3, axis=2)
    for x, y in marked:
        colours[y : y + 4, x : x + 4] = (255, 0, 0)
    if picture:
        Image.fromarray(colours).save(folder / f"{name}_GT.png")


def write_book(path, normal, suspicious):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in (("Normal_cases", normal), ("Suspicious_cases", suspicious)):
        sheet = book.create_sheet(name)
        for row in (COLUMNS, *rows):
            sheet.append(row)
    book.save(path)


@pytest.fixture
def pairs(tmp_path):
    """One view, two examinations: normal 1 (one mark in the prior), normal 2 (BI-RADS 2), suspicious 1 (DCIS)."""
    cases = tmp_path / "Dataset_v3"
    for exam, marks in (("recent", ()), ("prior", [(5, 6)])):
        write_image(cases / "Normal_cases" / "1", f"CC_{exam}", marked=marks)
    for exam in ("recent", "prior"):
        write_image(cases / "Normal_cases" / "2", f"CC_{exam}")
        write_image(cases / "Suspicious_cases" / "1", f"CC_{exam}", marked=[(5, 6), (20, 30)])
    write_book(cases / "Description.xlsx", [[1, "1", ""], [2, "2", ""]], [[1, "4a", "DCIS"]])
    return tmp_path


def by_name(listing):
    return {f"{record.truth.patient} {record.facts.exam}": record for record in listing.records}


def test_pathology_is_known_of_the_recent_mammogram(pairs):
    found = by_name(listed(pairs, spacing_mm=0.05))
    marks = {name: [mark.pathology for mark in record.truth.calcifications] for name, record in found.items()}
    assert marks == {
        "normal-1 current": [],
        "normal-1 prior": ["benign"],
        "normal-2 current": [],
        "normal-2 prior": [],
        "suspicious-1 current": ["malignant"] * 2,
        "suspicious-1 prior": ["unknown"] * 2,
    }
    proven = {name: record.facts.pathology for name, record in found.items() if record.facts.pathology}
    assert proven == {"suspicious-1 current": "malignant"}
    assert found["suspicious-1 current"].facts.assessment == "4a"
    assert found["suspicious-1 prior"].facts.assessment is None


def test_normal_is_what_was_looked_through_and_has_no_mark_nor_bi_rads_2(pairs):
    assert {name: record.truth.normal for name, record in by_name(listed(pairs)).items()} == {
        "normal-1 current": True,
        "normal-1 prior": False,
        "normal-2 current": None,
        "normal-2 prior": None,
        "suspicious-1 current": False,
        "suspicious-1 prior": False,
    }


def test_marks_have_places_and_sizes(pairs):
    first, second = by_name(listed(pairs, spacing_mm=0.05))["suspicious-1 current"].truth.calcifications
    # Pixels 5 to 8 and 6 to 9, 20 to 23 and 30 to 33; a square of 0.2 mm has the area of a disc of 0.226 mm.
    assert [(mark.x, mark.y) for mark in (first, second)] == [(6.5, 7.5), (21.5, 31.5)]
    assert first.diameter_mm == pytest.approx(0.2 * 2 / np.sqrt(np.pi))
    (unscaled, _) = by_name(listed(pairs))["suspicious-1 current"].truth.calcifications
    assert unscaled.diameter_mm is None


def test_the_examinations_of_a_patient_are_two_studies(pairs):
    studies = {record.truth.study for record in listed(pairs).records if record.truth.patient == "normal-1"}
    assert studies == {"normal-1-recent", "normal-1-prior"}


def test_hidden_and_derived_files_are_passed_over(pairs):
    folder = pairs / "Dataset_v3" / "Normal_cases" / "1"
    for name in ("._CC_recent.dcm", "CC_recent_MASK.png", "notes.txt"):
        (folder / name).write_bytes(b"something else")
    assert len(listed(pairs).records) == 6


def test_the_choice_of_a_paper(pairs):
    cases = pairs / "Dataset_v3"
    for folder in ("2", "3"):
        write_image(cases / "Suspicious_cases" / folder, "CC_recent", marked=[(5, 6)])
    write_book(cases / "Description.xlsx", [], [[1, "4a", "DCIS"], [2, "5", "MALIGNANT"], [3, "4c", "BENIGN"]])
    chosen = listed(pairs, suspicious="malignant", exam="recent").records
    assert [(record.truth.patient, record.facts.exam) for record in chosen] == [
        ("normal-1", "current"),
        ("normal-2", "current"),
        ("suspicious-1", "current"),
        ("suspicious-2", "current"),
    ]
    assert {record.facts.exam for record in listed(pairs, exam="prior").records} == {"prior"}


# ---- bad input


def test_the_folder_above_or_below_is_named(pairs):
    with pytest.raises(ReadError, match=f"expected the root of BMCD.*name {pairs / 'Dataset_v3'}"):
        listed(pairs / "Dataset_v3" / "Normal_cases")
    assert len(listed(pairs / "Dataset_v3").records) == 6  # a root as well


def test_what_a_folder_lacks_is_said(pairs):
    cases = pairs / "Dataset_v3"
    (cases / "Normal_cases" / "2" / "CC_prior.png").unlink()
    (cases / "Suspicious_cases" / "1" / "CC_prior_GT.png").unlink()
    write_book(cases / "Description.xlsx", [[1, "1", ""], [2, "2", ""]], [[1, "4a", "DCIS"], [2, "5", "BENIGN"]])
    listing = listed(pairs)
    assert [(problem.kind, problem.path) for problem in listing.problems] == [
        ("missing", "Dataset_v3/Normal_cases/2/CC_prior.dcm"),
        ("missing", "Dataset_v3/Suspicious_cases/2/CC_prior.dcm"),
        ("missing", "Dataset_v3/Suspicious_cases/2/CC_recent.dcm"),
        ("missing", "Dataset_v3/Suspicious_cases/1/CC_prior_GT.jpg"),
    ]
    prior = by_name(listing)["suspicious-1 prior"].truth
    assert (prior.normal, prior.calcifications) == (None, ())


def test_without_the_workbook_nothing_is_malignant(pairs):
    (pairs / "Dataset_v3" / "Description.xlsx").unlink()
    listing = listed(pairs)
    assert [(problem.kind, problem.path) for problem in listing.problems] == [("missing", "Description.xlsx")]
    found = by_name(listing)
    assert {mark.pathology for mark in found["suspicious-1 current"].truth.calcifications} == {"unknown"}
    assert found["normal-2 current"].truth.normal is True


def test_a_damaged_mammogram_is_a_problem(pairs):
    (pairs / "Dataset_v3" / "Normal_cases" / "1" / "CC_recent.png").write_bytes(b"")
    listing = listed(pairs)
    assert len(listing.records) == 5
    assert [(problem.kind, problem.path) for problem in listing.problems] == [
        ("unreadable", "Dataset_v3/Normal_cases/1/CC_recent.png")
    ]
