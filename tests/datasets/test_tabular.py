import sys

import pyarrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from microcalc.datasets import list_data, open_data
from microcalc.datasets.tabular import TabularOptions, read
from microcalc.errors import ReadError


@pytest.fixture
def table(tmp_path):
    """Writes a table, and pictures of 60 x 40 pixels for all names in its first column; lists them."""

    def write(*lines, name="images.csv", folder=".", **options):
        (tmp_path / name).write_text("\n".join(lines))
        for line in lines[1:]:
            path = tmp_path / folder / line.split(",")[0].strip().replace("\\", "/")
            if path.suffix:
                path.parent.mkdir(exist_ok=True, parents=True)
                Image.new("L", (40, 60)).save(path)
        return read(tmp_path / name, TabularOptions(**options), None)

    return write


def only(listing):
    (record,) = listing.records
    return record


def left_out(listing):
    (problem,) = (problem for problem in listing.problems if problem.kind == "contradiction")
    return problem


def test_a_row_a_finding(table):
    truth = only(table("image,x,y,diameter_mm,pathology", "a.png,10,20.5,0.3,Malignant", "a.png,12,22,,")).truth
    first, second = truth.calcifications
    assert (first.x, first.y, first.diameter_mm, first.polygon, first.pathology) == (10, 20.5, 0.3, None, "malignant")
    assert (second.x, second.y, second.diameter_mm, second.pathology) == (12, 22, None, None)
    assert (truth.path, truth.rows, truth.columns, truth.normal) == ("a.png", 60, 40, False)


def test_boxes_lie_on_outer_pixel_edges(table):
    (calcification,) = only(table("image,x0,y0,x1,y1", "a.png,2.5,0.5,3.5,1.5")).truth.calcifications
    assert (calcification.x, calcification.y) == (3, 1)
    assert calcification.polygon == ((2.5, 0.5), (3.5, 0.5), (3.5, 1.5), (2.5, 1.5))


def test_labels_say_what_a_finding_is(table):
    rows = [f"a.png,1,2,11,12,{label},linear" for label in ("Cluster", "ignore", "Mass", "")]
    record = only(table("Image, X0, Y0, X1, Y1, Label, Distribution", *rows, label="cluster"))
    assert [cluster.distribution for cluster in record.truth.clusters] == ["linear", "linear"]
    assert [region.bbox for region in record.truth.ignore] == [(1, 2, 11, 12)]
    assert [other.kind for other in record.facts.others] == ["mass"]


def test_a_cluster_may_be_a_disc_where_the_spacing_is_known(table):
    # 2 mm at 0.1 mm are 20 pixels: 10 to each side.
    (cluster,) = only(table("image,x,y,diameter_mm,label,spacing_mm", "a.png,20,30,2,cluster,0.1")).truth.clusters
    assert cluster.bbox == pytest.approx((10, 20, 30, 40))
    problem = left_out(table("image,x,y,diameter_mm,label", "a.png,20,30,2,cluster"))
    assert problem.expected == "a box around each cluster, or a diameter in mm and the pixel spacing"


def test_what_is_said_of_an_image_once_holds_for_it(table):
    record = only(
        table(
            "image,patient,split,side,view,density,age,spacing_mm,vendor,birads,x,y",
            "a.png,p1,,,,,,,,,3,4",
            "a.png,,val,r,cc,B,60,0.05,GE,4a,,",
        )
    )
    truth = record.truth
    assert (truth.patient, truth.split, truth.side, truth.view) == ("p1", "validation", "R", "CC")
    assert (truth.density, truth.age, truth.spacing_mm, truth.vendor) == ("B", 60, (0.05, 0.05), "GE")
    assert record.facts.assessment == "4a"
    assert len(truth.calcifications) == 1


def test_headers_fill_in_what_the_table_leaves_out(study, tmp_path):
    folder, known = study
    (tmp_path / "t.csv").write_text("\n".join(["image", *(str(folder / image.path) for image in known.images)]))
    listing = read(tmp_path / "t.csv", TabularOptions(spacing_mm=0.3), None)
    for record, image in zip(listing.records, known.images, strict=True):
        kept = ("sop_instance_uid", "study", "side", "view", "rows", "columns", "spacing_mm")
        assert [getattr(record.truth, name) for name in kept] == [getattr(image, name) for name in kept]


def test_a_spacing_other_than_the_headers_is_refused(study, tmp_path):
    folder, known = study
    (tmp_path / "t.csv").write_text(f"image,spacing_mm\n{folder / known.images[0].path},0.2\n")
    problem = left_out(read(tmp_path / "t.csv", TabularOptions(), None))
    assert (problem.expected, problem.found) == (
        "one pixel spacing of an image, here 0.2 mm",
        "0.1 x 0.1 mm in its header",
    )


@pytest.mark.parametrize(("normals", "expected"), [("stated", [True, None, False]), ("unmarked", [True, True, False])])
def test_which_images_count_as_normal(table, normals, expected):
    listing = table("image,normal,x,y", "a.png,yes,,", "b.png,,,", "c.png,,3,4", normals=normals)
    assert [record.truth.normal for record in listing.records] == expected


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("b.png,1,,,,,,,", "only one in row 3"),
        ("b.png,,,1,2,3,,,", "only some in row 3"),
        ("b.png,,,5,2,3,4,,", "5, 2, 3, 4 in row 3"),
        ("b.png,x,2,,,,,,", "'x' in row 3"),
        ("b.png,90,2,,,,,,", "calcification at x = 90, y = 2"),
        ("b.png,,,,,,,,both", "'both'"),
        ("b.png,1,2,,,,,yes,", "Value error, b.png: normal means free of calcifications, but some are listed"),
    ],
)
def test_an_image_with_a_row_that_makes_no_sense_is_left_out(table, row, found):
    listing = table("image,x,y,x0,y0,x1,y1,normal,side", "a.png,1,2,,,,,,", row)
    assert [record.truth.path for record in listing.records] == ["a.png"]
    assert (left_out(listing).path, left_out(listing).found) == ("b.png", found)


def test_rows_of_an_image_that_disagree(table):
    problem = left_out(table("image,patient", "a.png,Jane", "b.png,x", "a.png,Joan"))
    assert problem.found == "another one in row 4 than above it"
    assert "Jane" not in str(problem)


def test_rows_without_an_image_are_counted(table):
    listing = table("image,x,y", "a.png,1,2", ",3,4", ",5,6")
    assert len(only(listing).truth.calcifications) == 1
    assert left_out(listing).found == "none in row 3 (2 such)"


def test_missing_and_damaged_images(table, tmp_path):
    table("image", "a.png", "b.png", "c.png")
    (tmp_path / "b.png").unlink()
    (tmp_path / "c.png").write_bytes(b"no picture")
    listing = list_data(f"table:{tmp_path / 'images.csv'}")
    assert len(listing.records) == 1
    assert {problem.path: problem.kind for problem in listing.problems} == {"b.png": "missing", "c.png": "unreadable"}


def test_paths_begin_in_the_folder_of_the_table_or_in_another(table, tmp_path):
    assert only(table("image", r"exam1\a.png")).truth.path == "exam1/a.png"
    table("image", "b.png", folder="pictures", images="pictures")
    assert open_data(f"table:{tmp_path / 'images.csv'}?images=pictures")[0].path == tmp_path / "pictures" / "b.png"


def test_parquet_is_read_as_csv_is(table, tmp_path):
    csv = table("image,patient,x,y,normal", "a.png,7,1.5,2.0,", "b.png,8,,,True")
    columns = {
        "Image ": ["a.png", "b.png"],
        "patient": [7, 8],
        "x": [1.5, None],
        "y": [2.0, float("nan")],
        "normal": [None, True],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "images.parquet")
    listing = read(tmp_path / "images.parquet", TabularOptions(), None)
    assert listing.records == csv.records


def test_tables_that_are_none(tmp_path, monkeypatch):
    def refused(content, match):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(ReadError, match=match):
            read(tmp_path / "t", TabularOptions(), None)

    refused(b"path,x,y\na.png,1,2\n", "no image among path, x, y")
    refused(b"PAR1 and nothing", "expected a Parquet table")
    parquet.write_table(pyarrow.table({"x": [1]}), tmp_path / "t")
    refused((tmp_path / "t").read_bytes(), "no image among x")
    with pytest.raises(ReadError, match="found a folder; name the table itself"):
        read(tmp_path, TabularOptions(), None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    refused(b"PAR1 and nothing", r'pip install "microcalc\[data\]", or write the table as CSV')


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(
        st.tuples(st.floats(-0.5, 39.5), st.floats(-0.5, 59.5), st.sampled_from(["calcification", "benign thing"])),
        max_size=6,
    )
)
def test_places_come_back_as_they_were_written(table, places):
    truth = table(
        "image,x,y,label,diameter_mm,spacing_mm", *(f"a.png,{x!r},{y!r},{w},1,0.1" for x, y, w in places), "a.png"
    )
    marks = [(x, y) for x, y, word in places if word == "calcification"]
    assert [(mark.x, mark.y) for mark in only(truth).truth.calcifications] == marks
    assert len(only(truth).facts.others) == len(places) - len(marks)
