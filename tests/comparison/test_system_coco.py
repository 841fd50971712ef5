import json

import numpy as np
import pytest

from microcalc.comparison.sources import read_system
from microcalc.errors import ReadError, UsageError


@pytest.fixture
def read(tmp_path):
    """Reads what a file of this content would hold; ``images`` is the content of an annotation file beside it."""

    def read(content, images=None):
        path, names = tmp_path / "results.json", tmp_path / "annotations.json"
        path.write_text(json.dumps(content))
        if images is not None:
            names.write_text(json.dumps(images))
        return read_system(path, images=None if images is None else names)

    return read


def result(image="a.png", bbox=(3, 1, 1, 1), score=0.5, **fields):
    return {"image_id": image, "category_id": 1, "bbox": list(bbox), "score": score, **fields}


def test_half_a_pixel_comes_off(read):
    """The pixel (3, 1) is [3, 1, 1, 1] in COCO, whose first pixel is [0, 0, 1, 1], and (2.5, 0.5, 3.5, 1.5) here."""
    (image,) = read([result(bbox=[3, 1, 1, 1]), result(bbox=[0, 0, 1, 1]), result(bbox=[10, 20, 4, 2])]).images
    np.testing.assert_array_equal(image.marks.xy, [[3, 1], [0, 0], [11.5, 20.5]])
    np.testing.assert_array_equal(
        image.marks.boxes, [[2.5, 0.5, 3.5, 1.5], [-0.5, -0.5, 0.5, 0.5], [9.5, 19.5, 13.5, 21.5]]
    )


def test_results_are_gathered_by_image(read):
    system = read([result("b.png", score=0.1), result("a\\1.png", score=0.2), result("b.png", score=0.3)])
    assert [image.path for image in system.images] == ["b.png", "a/1.png"]
    assert [image.marks.scores.tolist() for image in system.images] == [[0.1, 0.3], [0.2]]
    assert all(image.clusters is None and np.isnan(image.marks.malignancy).all() for image in system.images)


def test_numbers_are_explained_by_an_annotation_file(read):
    images = [{"id": 7, "file_name": "a.png", "width": 50, "height": 80}, {"id": 8, "file_name": "b.png"}]
    (image,) = read([result(7)], {"images": images, "annotations": [{"anything": 1}]}).images
    assert (image.path, image.shape) == ("a.png", (80, 50))  # b.png may have been read or not: nothing says so


def test_a_file_with_its_own_images_says_which_were_read(read):
    images = [{"id": 1, "file_name": "b.png"}, {"id": 2, "file_name": "a.png", "license": 3}]
    system = read({"images": images, "annotations": [result(2)], "info": {}})
    assert [(image.path, len(image.marks)) for image in system.images] == [("b.png", 0), ("a.png", 1)]


def test_an_empty_list_names_no_image(read):
    assert read([]).images == ()


@pytest.mark.parametrize("images", [None, {"images": [{"id": 1, "file_name": "a.png"}]}])
def test_a_number_that_nothing_explains_is_refused(read, images):
    with pytest.raises(UsageError, match=r"found the number 41 and 1 others; .*--coco-images"):
        read([result(41), result(42)], images)


@pytest.mark.parametrize(
    "images",
    [
        [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}],
        [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.png"}],
    ],
)
def test_images_listed_twice_are_refused(read, images):
    with pytest.raises(ReadError, match="every id and every file_name once"):
        read([result(1)], {"images": images})


def test_categories_are_kept_apart(read):
    with pytest.raises(ReadError, match=r"found 2: category_id 1, 2; write one file for each"):
        read([result(), result(category_id=2)])


@pytest.mark.parametrize(
    ("wrong", "place", "remedy"),
    [
        ({"score": 1.5}, r"\[1\] score", "sigmoid"),
        ({"score": -3}, r"\[1\] score", "sigmoid"),
        ({"score": float("nan")}, r"\[1\] score", "sigmoid"),
        ({"score": "0.5"}, r"\[1\] score", "sigmoid"),
        ({"score": None}, r"\[1\] score", "truth, not detections"),
        ({"bbox": [1, 2, float("inf"), 1]}, r"\[1\] bbox\[2\]", "write x, y, width and height"),
        ({"bbox": [1, 2, -1, 1]}, r"\[1\] bbox\[2\]", "not negative"),
        ({"bbox": [1, 2, 3]}, r"\[1\] bbox", "write x, y, width and height"),
        ({"image_id": 1.5}, r"\[1\] image_id", "name each image"),
    ],
)
def test_an_entry_that_makes_no_sense_is_named(read, wrong, place, remedy):
    with pytest.raises(ReadError, match=rf"found {place}.*; .*{remedy}"):
        read([result(), result() | wrong])


@pytest.mark.parametrize(
    "content", [{}, {"images": []}, [3], {"annotations": [{"image_id": "a.png", "bbox": [1, 1, 1, 1]}]}]
)
def test_what_is_no_results_file_is_refused(read, content):
    with pytest.raises(ReadError, match="expected COCO results"):
        read(content)


@pytest.mark.parametrize("names", [{"annotations": []}, [], {"images": [{"id": 1}]}])
def test_what_is_no_annotation_file_is_refused(read, names):
    with pytest.raises(ReadError, match=r"annotations\.json: expected a COCO annotation file with images"):
        read([result(1)], names)
