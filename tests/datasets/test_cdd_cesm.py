import csv
import json

import openpyxl
import pytest
from PIL import Image

from microcalc.datasets.cdd_cesm import CddCesmOptions, read
from microcalc.errors import ReadError

COLUMNS = ["Image_name", "Patient_ID", "Side", "Type", "Age", "Breast density (ACR)", "BIRADS", "Findings", "View"]
COLUMNS += ["Tags", "Machine", "Pathology Classification/ Follow up"]
LOW, SUBTRACTED = "Low energy images of CDD-CESM", "Subtracted images of CDD-CESM"
SQUARE = {"name": "polygon", "all_points_x": [10, 30, 30, 10], "all_points_y": [20, 20, 50, 50]}
POINT = {"name": "point", "cx": 12, "cy": 34}


def row(name, findings="Normal", pathology="Normal", birads="1", density="C", age=48):
    patient, side, kind, view = name.split("_")
    kind = {"DM": "DM", "CM": "CESM"}[kind]
    return [name, int(patient[1:]), side, kind, age, density, birads, findings, view, "tag", 1, pathology]


@pytest.fixture
def cesm(tmp_path):
    """Writes sheet, regions and pictures of 60 x 40 pixels; lists them."""

    def write(*rows, regions=(), sheet="Radiology-manual-annotations.xlsx", suffix=".jpg", **options):
        book = openpyxl.Workbook()
        book.active.title = "all"
        for line in (COLUMNS, *rows):
            book.active.append(line)
        book.save(tmp_path / sheet)
        with (tmp_path / "Radiology_hand_drawn_segmentations_v2.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["#filename", "file_size", "region_id", "region_shape_attributes", "region_attributes"])
            table.writerows([f"{name}{suffix}", 1, 0, json.dumps(shape), "{}"] for name, shape in regions)
        for line in rows:
            folder = tmp_path / (LOW if line[3] == "DM" else SUBTRACTED)
            folder.mkdir(exist_ok=True)
            Image.new("L", (40, 60)).save(folder / f"{line[0]}{suffix}")
        return read(tmp_path, CddCesmOptions(**options), None)

    return write


def only(listing):
    (record,) = listing.records
    return record


def test_an_image_as_the_sheet_describes_it(cesm):
    record = only(cesm(row("P1_L_DM_MLO")))
    truth = record.truth
    assert truth.path == f"{LOW}/P1_L_DM_MLO.jpg"
    assert (truth.patient, truth.side, truth.view, truth.age, truth.density) == ("P1", "L", "MLO", 48, "C")
    assert (truth.rows, truth.columns, truth.spacing_mm, truth.normal) == (60, 40, None, True)
    assert (record.facts.assessment, record.facts.pathology, record.facts.film) == ("1", None, False)
    assert record.facts.remarks == ("machine 1",)


def test_regions_of_calcifications_alone_are_clusters_and_points(cesm):
    marked = row("P2_R_DM_CC", "Calcifications", "Malignant", "4c")
    truth = only(cesm(marked, regions=[("P2_R_DM_CC", SQUARE), ("P2_R_DM_CC", POINT)])).truth
    (cluster,), (point,) = truth.clusters, truth.calcifications
    assert cluster.bbox == (9.5, 19.5, 29.5, 49.5)
    assert (point.x, point.y, point.polygon) == (11.5, 33.5, None)
    assert cluster.pathology == point.pathology == "malignant"
    assert truth.normal is False
    assert truth.ignore == ()


def test_regions_of_anything_else_are_facts(cesm):
    record = only(cesm(row("P2_R_DM_CC", "Mass", "Benign", "3"), regions=[("P2_R_DM_CC", SQUARE)]))
    (mass,) = record.facts.others
    assert (mass.kind, mass.pathology, mass.assessment, mass.bbox) == ("mass", "benign", "3", (9.5, 19.5, 29.5, 49.5))
    assert record.truth.normal is None


def test_regions_that_may_be_either_are_ignored(cesm):
    record = only(cesm(row("P2_R_DM_CC", "Mass$Calcifications", "Malignant", "5$2"), regions=[("P2_R_DM_CC", SQUARE)]))
    (region,) = record.truth.ignore
    assert region.reason == "one of mass, calcifications"
    assert region.polygon is not None
    assert record.truth.clusters == record.facts.others == ()
    assert record.truth.normal is False
    assert record.facts.assessment == "5"
    assert "findings: mass, calcifications" in record.facts.remarks


def test_calcifications_that_nobody_has_drawn_make_the_image_a_region_to_ignore(cesm):
    (region,) = only(cesm(row("P2_R_DM_CC", "Calcifications", "Benign", "2"))).truth.ignore
    assert region.bbox == (-0.5, -0.5, 39.5, 59.5)


@pytest.mark.parametrize(
    ("images", "names"),
    [("low_energy", ["P1_L_DM_CC"]), ("subtracted", ["P1_L_CM_CC"]), ("both", ["P1_L_DM_CC", "P1_L_CM_CC"])],
)
def test_which_images_are_read(cesm, images, names):
    listing = cesm(row("P1_L_DM_CC"), row("P1_L_CM_CC", density="_"), images=images)
    assert [record.path.stem for record in listing.records] == names
    # The density of a breast stands in the row of its low-energy image.
    assert {record.truth.density for record in listing.records} == {"C"}
    assert [("subtracted image" in record.facts.remarks) for record in listing.records] == [
        "CM" in name for name in names
    ]


def test_names_with_a_blank_and_another_spelling_of_the_sheet(cesm):
    marked = row("P2_R_DM_CC", "Calcifications", "Benign", "2")
    listing = cesm(marked, regions=[("P2_R_DM_CC", SQUARE)], suffix=" .jpg", sheet="Radiology manual annotations.xlsx")
    assert len(only(listing).truth.clusters) == 1
    assert only(listing).path.name == "P2_R_DM_CC .jpg"


def test_a_spacing_that_a_user_knows(cesm):
    assert only(cesm(row("P1_L_DM_CC"), spacing_mm=0.1)).truth.spacing_mm == (0.1, 0.1)


def test_what_is_wrong_with_single_images(cesm, tmp_path):
    good, damaged, gone, odd = (row(f"P{number}_L_DM_CC") for number in (1, 2, 3, 4))
    cesm(good, damaged, gone, odd, regions=[("P4_L_DM_CC", {"name": "star"})])
    (tmp_path / LOW / "P2_L_DM_CC.jpg").write_bytes(b"no picture")
    (tmp_path / LOW / "P3_L_DM_CC.jpg").unlink()
    listing = read(tmp_path, CddCesmOptions(), None)
    assert [record.path.stem for record in listing.records] == ["P1_L_DM_CC"]
    assert {problem.path: problem.kind for problem in listing.problems} == {
        f"{LOW}/P2_L_DM_CC.jpg": "unreadable",
        "P3_L_DM_CC.jpg": "missing",
        f"{LOW}/P4_L_DM_CC.jpg": "contradiction",
    }


def test_rows_without_an_image_are_counted(cesm):
    nameless = row("P1_L_DM_CC")
    nameless[0] = "total"
    (problem,) = cesm(row("P2_L_DM_CC"), nameless).problems
    assert problem.found == "'total' (1 such)"


def test_without_the_table_of_regions_images_are_known_as_a_whole(cesm, tmp_path):
    cesm(row("P1_L_DM_CC", "Calcifications", "Benign", "2"))
    (tmp_path / "Radiology_hand_drawn_segmentations_v2.csv").unlink()
    listing = read(tmp_path, CddCesmOptions(), None)
    assert only(listing).truth.normal is False
    assert [problem.kind for problem in listing.problems] == ["missing"]


def test_another_folder(cesm, tmp_path):
    cesm(row("P1_L_DM_CC"))
    with pytest.raises(ReadError, match=f"the root of CDD-CESM.*name {tmp_path}$"):
        read(tmp_path / LOW, CddCesmOptions(), None)
