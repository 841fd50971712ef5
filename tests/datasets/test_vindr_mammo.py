import csv

import pytest

from microcalc.datasets import list_data
from microcalc.datasets.vindr_mammo import VindrMammoOptions, read
from microcalc.errors import ReadError

BREASTS = ["study_id", "series_id", "image_id", "laterality", "view_position", "height", "width"]
BREASTS += ["breast_birads", "breast_density", "split"]
FINDINGS = [*BREASTS, "finding_categories", "finding_birads", "xmin", "ymin", "xmax", "ymax"]
NOTHING = ("['No Finding']", "", "", "", "", "")


def image(name, study="s1", birads="BI-RADS 1", split="training", side="L", view="CC"):
    return [study, "series", name, side, view, "300", "200", birads, "DENSITY C", split]


@pytest.fixture
def vindr(tmp_path):
    """Writes the two tables, and an empty file for each image; lists them."""

    def write(*images, findings=(), present=None, **options):
        (tmp_path / "images").mkdir(exist_ok=True)
        rows = [(*row, *marks) for row in images for marks in (dict(findings).get(row[2]) or [NOTHING])]
        for name, header, lines in (("breast-level", BREASTS, images), ("finding", FINDINGS, rows)):
            with (tmp_path / f"{name}_annotations.csv").open("w", newline="") as file:
                csv.writer(file).writerows([header, *lines])
        for row in images:
            folder = tmp_path / "images" / row[0]
            folder.mkdir(exist_ok=True)
            if present is None or row[2] in present:
                (folder / f"{row[2]}.dicom").touch()
        return read(tmp_path, VindrMammoOptions(**options), None)

    return write


def only(listing):
    (record,) = listing.records
    return record


def test_an_image_as_the_tables_describe_it(vindr):
    record = only(vindr(image("a", study="s7", split="test", side="R", view="MLO", birads="BI-RADS 2")))
    truth = record.truth
    assert truth.path == "images/s7/a.dicom"
    assert (truth.patient, truth.study, truth.split) == ("s7", "s7", "test")
    assert (truth.side, truth.view, truth.rows, truth.columns, truth.density) == ("R", "MLO", 300, 200, "C")
    assert record.facts.assessment == "2"
    assert truth.sop_instance_uid is None


def test_boxes_of_calcifications_are_clusters_and_others_are_facts(vindr):
    both = ("['Suspicious Calcification', 'Mass']", "BI-RADS 4", "10.5", "20.25", "40", "60.75")
    node = ("['Suspicious Lymph Node']", "BI-RADS 3", "100", "5", "130", "30")
    record = only(vindr(image("a", birads="BI-RADS 4"), findings={"a": [both, node]}))
    # The set counts from the image's corner: half a pixel comes off.
    (cluster,) = record.truth.clusters
    assert cluster.bbox == (10, 19.75, 39.5, 60.25)
    assert cluster.pathology is None
    assert record.truth.normal is False
    assert [(other.kind, other.assessment) for other in record.facts.others] == [
        ("mass", "4"),
        ("suspicious lymph node", "3"),
    ]
    assert record.facts.remarks == ("calcifications of BI-RADS 4",)


def test_a_box_that_leaves_its_image_ends_there(vindr):
    box = ("['Suspicious Calcification']", "BI-RADS 4", "-7.5", "250", "20", "310")
    (cluster,) = only(vindr(image("a"), findings={"a": [box]})).truth.clusters
    assert cluster.bbox == (-0.5, 249.5, 19.5, 299.5)


@pytest.mark.parametrize(
    ("normals", "expected"),
    [("birads1", [True, None, None, False]), ("no_finding", [True, True, None, False]), ("none", [None] * 3 + [False])],
)
def test_which_images_count_as_normal(vindr, normals, expected):
    mass = ("['Mass']", "BI-RADS 3", "1", "1", "9", "9")
    calcium = ("['Suspicious Calcification']", "BI-RADS 4", "1", "1", "9", "9")
    images = [image("a"), image("b", birads="BI-RADS 2"), image("c"), image("d")]
    listing = vindr(*images, findings={"c": [mass], "d": [calcium]}, normals=normals)
    assert [record.truth.normal for record in listing.records] == expected


def test_headers_say_more_where_the_set_has_them(vindr, tmp_path):
    (tmp_path / "metadata.csv").write_text(
        "SOP Instance UID,Manufacturer,Patient's Age,Imager Pixel Spacing\n"
        'a,SIEMENS,053Y,"[0.085, 0.085]"\nb,,,"[85, 85]"\n'
    )
    first, second = (record.truth for record in vindr(image("a"), image("b")).records)
    assert (first.vendor, first.age, first.spacing_mm) == ("Siemens", 53, (0.085, 0.085))
    assert (second.vendor, second.age, second.spacing_mm) == (None, None, None)


@pytest.mark.parametrize(
    ("finding", "found"),
    [
        (("Mass", "BI-RADS 3", "1", "1", "9", "9"), "'Mass'"),
        (("['Mass']", "BI-RADS 3", "", "1", "9", "9"), "nothing, 1, 9, 9"),
        (("['Mass']", "BI-RADS 3", "900", "1", "950", "9"), "900, 1, 950, 9"),
        (("['Mass']", "BI-RADS 3", "x", "1", "9", "9"), "'x'"),
    ],
)
def test_an_image_with_a_finding_that_makes_no_sense_is_left_out(vindr, finding, found):
    listing = vindr(image("a"), image("b"), findings={"a": [finding]})
    assert [record.truth.path for record in listing.records] == ["images/s1/b.dicom"]
    (problem,) = (problem for problem in listing.problems if problem.kind == "contradiction")
    assert (problem.path, problem.found) == ("images/s1/a.dicom", found)


def test_a_partial_download(vindr):
    images = [image("a"), image("b")]
    listing = vindr(*images, present=["b"])
    assert [problem.path for problem in listing.problems if problem.kind == "missing"] == ["images/s1/a.dicom"]
    with pytest.raises(ReadError, match="the 1 images that the data set names, found none of them"):
        vindr(image("c"), present=[])


def test_one_note_says_that_patients_are_studies(vindr):
    (note,) = vindr(image("a")).problems
    assert (note.kind, note.found) == ("note", "studies alone")


def test_another_folder(vindr, tmp_path):
    vindr(image("a"))
    with pytest.raises(ReadError, match=f"the root of VinDr-Mammo.*name {tmp_path}$"):
        list_data(f"vindr_mammo:{tmp_path / 'images'}")
    (tmp_path / "finding_annotations.csv").write_text("image_id,xmin\n")
    with pytest.raises(ReadError, match="found no finding_categories"):
        read(tmp_path, VindrMammoOptions(), None)
