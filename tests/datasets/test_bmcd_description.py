import sys

import pytest

from microcalc.datasets.bmcd_description import read_descriptions
from microcalc.errors import ReadError

openpyxl = pytest.importorskip("openpyxl", reason="the package openpyxl is not installed")

COLUMNS = (
    "Folder #",
    "Breast (Right/Left)",
    "Age (at the time of the recent mammogram)",
    "BI-RADS categories for breast density",
    "BI-RADS categories for classification ",
    "Biopsy results",
)


@pytest.fixture
def described(tmp_path):
    """Writes a workbook of sheets by name, each a list of rows, and reads it."""

    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "Description.xlsx")
        return read_descriptions(tmp_path / "Description.xlsx", "set/Description.xlsx")

    return write


@pytest.mark.parametrize("above", [[], [["Normal cases"], []], [["Version 3"], ["", "of the set"], ["", ""]]])
def test_column_names_may_stand_below_others(described, above):
    rows = [*above, COLUMNS[:5], [3, "Left", 61, "C", "2"], [12, "Right", None, "a", 1], ["Sum", 2]]
    found, problems = described(Normal_cases=rows, Suspicious_cases=[COLUMNS])
    assert problems == []
    assert set(found) == {("normal", 3), ("normal", 12)}
    third, twelfth = found["normal", 3], found["normal", 12]
    recent = third.exams["recent"]
    assert (third.side, recent.age, recent.density, recent.assessment) == ("L", 61, "C", "2")
    assert (twelfth.side, twelfth.exams["recent"].density, twelfth.exams["recent"].age) == ("R", "A", None)


def test_the_two_groups_have_folders_of_their_own(described):
    found, _ = described(Normal_cases=[COLUMNS[:1], [1]], Suspicious_cases=[COLUMNS[:2], [1, "Right"]])
    assert [found[group, 1].side for group in ("normal", "suspicious")] == [None, "R"]


@pytest.mark.parametrize(
    ("written", "pathology"),
    [
        ("MALIGNANT", "malignant"),
        ("DCIS", "malignant"),
        ("Malignant (invasive)", "malignant"),
        ("BENIGN", "benign"),
        ("NOT AVAILABLE", "unknown"),
        ("ADH", "unknown"),
        ("NOT MALIGNANT", "unknown"),
        (None, "unknown"),
    ],
)
def test_malignant_are_malignant_and_dcis_alone(described, written, pathology):
    found, _ = described(Normal_cases=[COLUMNS], Suspicious_cases=[COLUMNS, [1, "Left", 50, "B", "4a", written]])
    assert found["suspicious", 1].biopsy == pathology


def test_a_prior_has_columns_of_its_own_alone(described):
    columns = ("Folder #", "BI-RADS density of the prior", "BI-RADS density of the recent", "Age", "Classification")
    found, _ = described(Normal_cases=[columns, [1, "A", "B", 60, "BI-RADS 4A"]], Suspicious_cases=[columns])
    exams = found["normal", 1].exams
    assert (exams["recent"].density, exams["prior"].density) == ("B", "A")
    assert (exams["recent"].age, exams["prior"].age) == (60, None)
    assert (exams["recent"].assessment, exams["prior"].assessment) == ("4a", None)


def test_a_cell_with_something_else_is_said_and_left_out(described):
    found, (problem,) = described(Normal_cases=[COLUMNS[:5], [7, "both", 50, "C", "1"]], Suspicious_cases=[COLUMNS])
    assert found["normal", 7].side is None
    assert found["normal", 7].exams["recent"].density == "C"
    assert (problem.path, problem.found) == ("set/Description.xlsx, folder 7", "'both'")


def test_a_sheet_that_is_missing_is_an_error(described):
    with pytest.raises(ReadError, match=r"Description\.xlsx: .*Normal_cases"):
        described(Suspicious_cases=[COLUMNS, [1, "Left"]])


def test_a_damaged_workbook_is_an_error(tmp_path):
    (tmp_path / "Description.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(ReadError, match=r"Description\.xlsx: "):
        read_descriptions(tmp_path / "Description.xlsx", "Description.xlsx")


def test_without_the_package_the_error_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "Description.xlsx").write_bytes(b"PK\x03\x04")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ReadError, match=r'pip install "microcalc\[data\]"'):
        read_descriptions(tmp_path / "Description.xlsx", "Description.xlsx")
