"""A folder of images without a word about them."""

import shutil

import pydicom
import pytest

from microcalc.datasets import list_data, open_data
from microcalc.errors import ReadError, UsageError


@pytest.fixture
def folder(breast_png, tmp_path, monkeypatch):
    """Two patients by the names of three files, a file of text, and an overlay that a run has left."""
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "smith clinic"
    for name in ("a/SMITH_L_CC.png", "a/SMITH_R_CC.png", "b/SMITH_L_CC.png", "pictures/x-0123456789/overlay.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        breast_png(root / name, columns=120)
    (root / "notes.txt").write_text("nothing")
    return root


def test_images_are_listed_and_nothing_is_known_of_them(folder):
    table = open_data(f"images:{folder}")
    assert [record.truth.path for record in table] == ["a/SMITH_L_CC.png", "a/SMITH_R_CC.png", "b/SMITH_L_CC.png"]
    assert {record.truth.normal for record in table} == {None}
    assert [(record.truth.rows, record.truth.columns) for record in table] == [(400, 120)] * 3


def test_patients_go_by_names_and_are_hashes(folder):
    first, second, other = (record.truth.patient for record in open_data(f"images:{folder}"))
    assert first == second != other
    assert len(first) == 12
    assert set(first) <= set("0123456789abcdef")


def test_images_of_one_study_are_one_patients(study):
    table = open_data(f"images:{study[0]}")
    assert len(table) == 4
    assert len(table.patients) == 1


@pytest.mark.parametrize(
    ("ids", "alike"),
    [
        (("A1", "A1", "B2"), [(0, 1)]),  # two studies of one woman
        (("", "A1", "B2"), []),
        (("", "", "B2"), []),  # nothing stated says nothing
        (("ANON", "ANON", "ANON"), []),  # one for all stands for nobody
    ],
)
def test_studies_under_one_patient_id_are_one_patients(study, tmp_path, monkeypatch, ids, alike):
    monkeypatch.setenv("MICROCALC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "clinic").mkdir()
    image = pydicom.dcmread(study[0] / study[1].images[0].path)
    image.PixelData, image.Rows, image.Columns = image.PixelData[: 2 * 64 * 64], 64, 64
    for number, patient in enumerate(ids):
        image.PatientID, image.StudyInstanceUID, image.SOPInstanceUID = patient, f"1.2.3.{number}", f"1.2.4.{number}"
        image.save_as(tmp_path / "clinic" / f"{number}.dcm")
    patients = [record.truth.patient for record in open_data(f"images:{tmp_path / 'clinic'}")]
    pairs = [(i, j) for i in range(3) for j in range(i + 1, 3) if patients[i] == patients[j]]
    assert pairs == alike
    assert not set(patients) & set(ids)


def test_all_of_them_may_be_normal(folder):
    table = open_data(f"images:{folder}?normal=true&spacing_mm=0.1&split=train")
    assert {record.truth.normal for record in table} == {True}
    assert {record.truth.spacing_mm for record in table} == {(0.1, 0.1)}
    assert {record.truth.split for record in table} == {"train"}


def test_not_where_files_mark_calcifications(study, tmp_path):
    shutil.copytree(study[0], tmp_path / "study")
    with pytest.raises(UsageError, match=r"a truth\.json that lists calcifications"):
        open_data(f"images:{tmp_path / 'study'}?normal=true")


def test_a_file_that_cannot_be_read_is_a_problem(folder):
    (folder / "broken.png").write_bytes(b"\x89PNG")
    listing = list_data(f"images:{folder}")
    assert len(listing.records) == 3
    assert [(problem.path, problem.kind) for problem in listing.problems] == [("broken.png", "unreadable")]


def test_a_file_is_no_folder(folder):
    with pytest.raises(ReadError, match="expected a folder of images"):
        open_data(f"images:{folder / 'notes.txt'}")
