import json

import pytest
from PIL import Image

from microcalc.datasets import list_data, open_data
from microcalc.datasets.coco import CocoOptions, read
from microcalc.errors import MicrocalcError, ReadError

CATEGORIES = [{"id": 1, "name": "Calcification"}, {"id": 2, "name": "cluster"}, {"id": 3, "name": "mass"}]


def mark(category=1, image=7, **what):
    return {"id": 1, "image_id": image, "category_id": category} | what


@pytest.fixture
def coco(tmp_path):
    """Writes an annotation file and its pictures of 60 x 40 pixels; lists them."""

    def write(*annotations, images=({},), categories=CATEGORIES, folder="", name="a.json", **options):
        entries = [{"id": 7 + n, "file_name": f"{n}.png", "width": 40, "height": 60} | i for n, i in enumerate(images)]
        (tmp_path / folder).mkdir(exist_ok=True)
        for entry in entries:
            Image.new("L", (40, 60)).save(tmp_path / folder / entry["file_name"])
        content = {"images": entries, "annotations": annotations, "categories": categories}
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
        return read(tmp_path / name, CocoOptions(**options), None)

    return write


def only(listing):
    (record,) = listing.records
    return record


def test_boxes_count_from_the_corner_of_the_image(coco):
    (calcification,) = only(coco(mark(bbox=[3, 1, 1, 1]))).truth.calcifications
    assert (calcification.x, calcification.y) == (3, 1)
    assert calcification.polygon == ((2.5, 0.5), (3.5, 0.5), (3.5, 1.5), (2.5, 1.5))
    assert calcification.diameter_mm is None


def test_a_box_without_extent_is_a_point(coco):
    (calcification,) = only(coco(mark(bbox=[3.5, 1.5, 0, 0]))).truth.calcifications
    assert (calcification.x, calcification.y, calcification.polygon) == (3, 1, None)


def test_categories_say_what_is_what(coco):
    box = [10, 10, 20, 20]
    listing = coco(mark(2, bbox=box, pathology="malignant", distribution="linear"), mark(3, bbox=box, pathology="b"))
    record = only(listing)
    (cluster,), (mass,) = record.truth.clusters, record.facts.others
    assert (cluster.bbox, cluster.pathology, cluster.distribution) == ((9.5, 9.5, 29.5, 29.5), "malignant", "linear")
    assert (mass.kind, mass.pathology) == ("mass", "benign")
    (note,) = listing.problems
    assert (note.kind, note.found) == ("note", "other categories as well: mass")


def test_categories_by_other_names(coco):
    names = [{"id": 1, "name": "MC"}, {"id": 2, "name": "spot"}, {"id": 3, "name": "clip"}]
    box = [10, 10, 20, 20]
    listing = coco(
        *(mark(number, bbox=box) for number in (1, 2, 3)), categories=names, calcification="mc, Spot", ignore="clip"
    )
    truth = only(listing).truth
    assert (len(truth.calcifications), len(truth.ignore)) == (2, 1)
    assert listing.problems == ()


def test_polygons_become_outlines(coco):
    (calcification,) = only(coco(mark(segmentation=[[10, 10, 14, 10, 14, 12, 10, 12]]))).truth.calcifications
    assert calcification.polygon == ((9.5, 9.5), (13.5, 9.5), (13.5, 11.5), (9.5, 11.5))
    assert (calcification.x, calcification.y) == (11.5, 10.5)


def test_an_outline_has_a_diameter_where_the_spacing_is_known(coco):
    # 4 x 4 px of 0.1 mm are 0.16 mm2, the area of a disc of 0.4 * 2 / sqrt(pi) mm.
    square = mark(segmentation=[[10, 10, 14, 10, 14, 14, 10, 14]])
    (outlined,) = only(coco(square, spacing_mm=0.1)).truth.calcifications
    assert outlined.diameter_mm == pytest.approx(0.4514, abs=1e-4)
    (boxed,) = only(coco(mark(bbox=[10, 10, 4, 4]), spacing_mm=0.1)).truth.calcifications
    assert boxed.diameter_mm is None


def test_several_parts_become_their_hull(coco):
    parts = [[10, 10, 12, 10, 12, 12, 10, 12], [20, 10, 22, 10, 22, 12, 20, 12]]
    (cluster,) = only(coco(mark(2, segmentation=parts))).truth.clusters
    assert sorted(cluster.polygon) == [(9.5, 9.5), (9.5, 11.5), (21.5, 9.5), (21.5, 11.5)]


def test_masks_become_outlines(coco):
    # Column 2 of 60 rows: rows 3 to 5. 2 * 60 + 3 off, 3 on, the rest off.
    mask = {"counts": [123, 3, 60 * 40 - 126], "size": [60, 40]}
    (calcification,) = only(coco(mark(segmentation=mask))).truth.calcifications
    assert sorted(calcification.polygon) == [(1.5, 2.5), (1.5, 5.5), (2.5, 2.5), (2.5, 5.5)]
    assert (calcification.x, calcification.y) == (2, 4)


def test_a_crowd_is_a_region_to_ignore(coco):
    truth = only(coco(mark(bbox=[10, 10, 20, 20], iscrowd=1))).truth
    assert (len(truth.ignore), truth.calcifications, truth.normal) == (1, (), None)


def test_keys_beside_cocos_own(coco):
    said = {"patient_id": 12, "split": "val", "laterality": "Left", "view": "mlo", "spacing_mm": 0.1, "age": 51}
    record = only(coco(images=[said | {"breast_density": "b", "birads": "2", "normal": True}]))
    truth = record.truth
    assert (truth.patient, truth.split, truth.side, truth.view) == ("12", "validation", "L", "MLO")
    assert (truth.spacing_mm, truth.density, truth.age, truth.normal) == ((0.1, 0.1), "B", 51, True)
    assert record.facts.assessment == "2"


@pytest.mark.parametrize(("normals", "expected"), [("stated", [False, None, None]), ("unmarked", [False, True, True])])
def test_which_images_count_as_normal(coco, normals, expected):
    box = [10, 10, 20, 20]
    listing = coco(mark(1, bbox=box), mark(3, 8, bbox=box), images=[{}, {}, {}], normals=normals)
    assert [record.truth.normal for record in listing.records] == expected


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (mark(9, bbox=[1, 1, 2, 2]), "9"),
        (mark(), "neither"),
        (mark(bbox=[90, 1, 2, 2]), "calcification at x = 90.5, y = 1.5"),
        (mark(2, bbox=[9, 9, 0, 0]), "the point x = 8.5, y = 8.5"),
        (mark(bbox=[1, 1, 2, 2], pathology="odd"), "'odd'"),
        (mark(segmentation={"counts": [1], "size": [60, 40]}), "runs of 1 pixels for 60 x 40"),
        (mark(segmentation=[[1, 2, 3]]), "an x without a y"),
    ],
)
def test_an_image_with_an_annotation_that_makes_no_sense_is_left_out(coco, wrong, found):
    listing = coco(wrong, images=[{}, {}])
    assert [record.truth.path for record in listing.records] == ["1.png"]
    (problem,) = (problem for problem in listing.problems if problem.kind == "contradiction")
    assert (problem.path, problem.found) == ("0.png", found)


def test_an_image_that_is_said_to_be_normal_and_is_not(coco):
    (problem,) = coco(mark(bbox=[1, 1, 2, 2]), images=[{"normal": 1}]).problems
    assert "normal means free of calcifications" in problem.found


def test_images_of_another_size_or_damaged_or_missing(coco, tmp_path):
    coco(images=[{}, {"width": 41}, {}, {}])
    (tmp_path / "2.png").write_bytes(b"no picture")
    (tmp_path / "3.png").unlink()
    listing = read(tmp_path / "a.json", CocoOptions(), None)
    assert [record.truth.path for record in listing.records] == ["0.png"]
    kinds = {problem.path: problem.kind for problem in listing.problems}
    assert kinds == {"1.png": "contradiction", "2.png": "unreadable", "3.png": "missing"}


def test_a_damaged_entry_is_named(coco):
    with pytest.raises(ReadError, match=r"found annotations\[0\] bbox\[2\]: .* equal to 0; write x, y, width and"):
        coco(mark(bbox=[1, 1, -2, 2]))


def test_annotations_of_images_that_are_not_listed(coco):
    (problem,) = coco(mark(image=99, bbox=[1, 1, 2, 2])).problems
    assert (problem.kind, problem.found) == ("contradiction", "99")


@pytest.mark.parametrize(
    ("folder", "name"), [("images", "a.json"), ("", "annotations/a.json"), ("images", "annotations/a.json")]
)
def test_images_are_found_beside_their_annotations(coco, tmp_path, folder, name):
    assert only(coco(folder=folder, name=name)).path == tmp_path / folder / "0.png"
    assert len(open_data(f"coco:{tmp_path / name}")) == 1


def test_the_folder_of_the_images_may_be_named(coco, tmp_path):
    with pytest.raises(ReadError, match="found none of them, such as 0"):
        coco(folder="elsewhere")
    assert open_data(f"coco:{tmp_path / 'a.json'}?images=elsewhere")[0].path == tmp_path / "elsewhere" / "0.png"


def test_a_split_for_the_whole_file_needs_patients(coco, tmp_path):
    coco(images=[{"patient": "a"}])
    assert open_data(f"coco:{tmp_path / 'a.json'}?split=test")[0].truth.split == "test"
    coco(images=[{}])
    with pytest.raises(MicrocalcError, match="the patient of every image of a split"):
        open_data(f"coco:{tmp_path / 'a.json'}?split=test")


def test_a_byte_order_mark_does_no_harm(coco, tmp_path):
    coco()
    content = (tmp_path / "a.json").read_bytes()
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + content)
    assert len(open_data(f"coco:{tmp_path / 'a.json'}")) == 1


def test_no_annotation_file(tmp_path):
    with pytest.raises(ReadError, match="found a folder; name the file itself"):
        list_data(f"coco:{tmp_path}")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ReadError, match=r"a COCO annotation file with images.*found images: Field required"):
        list_data(f"coco:{tmp_path / 'a.json'}")
