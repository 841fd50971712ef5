"""The gallery: crops of the worst, and what is said where there is none."""

import base64

import cv2
import numpy as np
import pytest
from PIL import Image

from microcalc.comparison import crops
from microcalc.comparison.gallery import make_gallery
from microcalc.imageio import read_mammogram
from microcalc.truth import ImageTruth, TrueCalcification

SPACING = (0.1, 0.1)


@pytest.fixture
def scored(make_scored):
    """A lesion in the middle of one image, a false positive near the skin and two more on a normal one."""
    truths = (
        ImageTruth(
            path="set/a.png", spacing_mm=SPACING, calcifications=(TrueCalcification(x=100, y=200, diameter_mm=1),)
        ),
        ImageTruth(path="set/n.png", spacing_mm=SPACING, normal=True, rows=400, columns=300),
    )
    return make_scored(truths, first=((), ((20, 200, 0.6), (215, 200, 0.9), (100, 150, 0.7))))


@pytest.fixture
def images(tmp_path, breast_png):
    (tmp_path / "set").mkdir()
    for name in "an":
        path = breast_png(tmp_path / "set" / f"{name}.png")
        pixels = np.array(Image.open(path))
        pixels[198:203, 98:103] = 65535
        pixels[150:160, 265:290] = 65535  # a burnt-in label
        Image.fromarray(pixels).save(path)
    return tmp_path


def pixels_of(picture):
    data = base64.b64decode(picture.uri.removeprefix("data:image/png;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_crops_are_9_mm_at_full_resolution_around_the_spot(scored, images):
    (first,) = make_gallery(scored, images).systems
    (miss,) = first.misses.shown
    assert miss.path == "set/a.png"
    assert miss.picture.crop.box == (55, 155, 145, 245)
    grey = pixels_of(miss.picture)
    assert grey.shape == (90, 90)
    # The speck around (100, 200), 45 pixels from the crop's corner.
    np.testing.assert_array_equal(np.argwhere(grey == 255).mean(axis=0), 45)
    # Its disc of 10 pixels across; picture edges are at 0, so that the pixel's centre is at 45.5.
    np.testing.assert_allclose(np.hypot(*(np.array(miss.picture.outline) - 45.5).T), 5)


def test_a_crop_is_square_in_mm_where_pixels_are_not(images, make_scored):
    """Rows of 0.1 mm, columns of 0.05: 9 mm are 90 rows and 180 columns, shown with pixels of 0.05 mm."""
    lesion = TrueCalcification(x=120, y=200, diameter_mm=1)
    truths = (ImageTruth(path="set/a.png", spacing_mm=(0.1, 0.05), calcifications=(lesion,)),)
    (example,) = make_gallery(make_scored(truths, first=((),)), images).systems[0].misses.shown
    assert example.picture.crop.box == (30, 155, 210, 245)
    assert (example.picture.crop.width, example.picture.crop.height) == (180, 180)
    # 1 mm is 20 columns or 10 rows, and 20 pixels of the picture either way.
    np.testing.assert_allclose(np.ptp(np.array(example.picture.outline), axis=0), 20)


def test_a_path_with_backslashes_finds_its_image(images, make_scored):
    lesion = TrueCalcification(x=100, y=200, diameter_mm=1)
    truths = (ImageTruth(path="set\\a.png", spacing_mm=SPACING, calcifications=(lesion,)),)
    gallery = make_gallery(make_scored(truths, first=((),)), images)
    assert gallery.missing == ()
    assert gallery.systems[0].misses.shown[0].picture is not None


def test_a_crop_at_the_border_is_pushed_inside(scored, images):
    (first,) = make_gallery(scored, images).systems
    boxes = [example.picture.crop.box for example in first.false_positives.shown]
    assert boxes == [(170, 155, 260, 245), (55, 105, 145, 195), (0, 155, 90, 245)]


def test_labels_beside_the_breast_are_black(scored, images):
    (first,) = make_gallery(scored, images).systems
    near_the_skin = first.false_positives.shown[0].picture
    # Columns from 245 on, 75 in the crop, are off the breast, which ends at 240.
    assert pixels_of(near_the_skin)[:, 80:].max() == 0


def test_each_image_is_read_once(scored, images, monkeypatch):
    paths = []

    def read(path):
        paths.append(path.name)
        return read_mammogram(path)

    monkeypatch.setattr(crops, "read_mammogram", read)
    make_gallery((scored[0], scored[0]), images)
    assert sorted(paths) == ["a.png", "n.png"]


def test_an_image_that_cannot_be_read_costs_its_pictures_only(scored, images):
    (images / "set" / "a.png").unlink()
    gallery = make_gallery(scored, images)
    (first,) = gallery.systems
    assert first.misses.shown[0].picture is None
    assert first.misses.shown[0].facts[0] == ("score", "not found")
    assert first.false_positives.shown[0].picture is not None
    (line,) = gallery.missing
    assert line.startswith("set/a.png: expected a readable file")
    assert str(images) not in line


def test_an_image_of_another_size_is_not_the_one_that_was_annotated(scored, images, breast_png):
    breast_png(images / "set" / "n.png", columns=320)
    gallery = make_gallery(scored, images)
    assert gallery.missing == (
        "set/n.png: expected 400 x 300 pixels, as the truth says, found 400 x 320; "
        "give the folder of the images that were annotated with --images",
    )
    assert all(example.picture is None for example in gallery.systems[0].false_positives.shown)


def test_without_a_folder_of_images_there_are_captions_only(scored):
    gallery = make_gallery(scored, None)
    assert gallery.missing == ()
    assert [len(examples.shown) for examples in (gallery.systems[0].misses, gallery.systems[0].false_positives)] == [
        1,
        3,
    ]
