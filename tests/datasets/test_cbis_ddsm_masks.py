import cv2
import numpy as np
import pytest
from PIL import Image

from microcalc.datasets.cbis_ddsm_masks import Sought, died, find_mask, hull, locate, outline_of
from microcalc.datasets.outlines import box_of
from microcalc.errors import ReadError
from microcalc.evaluation.regions import region_of
from microcalc.truth import TrueCluster

SHAPE = (200, 160)


def square(shape=SHAPE, x=40, y=60, side=20):
    mask = np.zeros(shape, np.uint8)
    mask[y : y + side, x : x + side] = 255
    return mask


def film(shape):
    return np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)


@pytest.fixture
def save(tmp_path):
    """Writes pixels as a PNG of a given name."""

    def write(name, pixels):
        Image.fromarray(pixels).save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.mark.parametrize("names", [("1-1.png", "1-2.png"), ("1-2.png", "1-1.png")])
@pytest.mark.parametrize("crop", [(30, 30), (180, 150)])
def test_the_mask_is_found_by_content_whatever_it_is_called(save, names, crop):
    mask, other = save(names[0], square()), save(names[1], film(crop))
    for candidates in ((mask, other), (other, mask)):
        path, found = find_mask(candidates, SHAPE)
        assert path == mask
        np.testing.assert_array_equal(found, square() > 0)


def test_a_mask_of_another_size_is_one(save):
    path, found = find_mask((save("a.png", film((90, 70))), save("b.png", square((174, 139)))), SHAPE)
    assert (path.name, found.shape) == ("b.png", (174, 139))


def test_a_crop_of_two_values_is_no_mask(save):
    # Less than half of the mammogram.
    with pytest.raises(ReadError, match=r"crop\.png: expected a mask: two values, about the size.*none in 1 file;"):
        find_mask((save("crop.png", square((99, 79), 10, 10)),), SHAPE)


def test_a_mask_with_a_blurred_rim_is_one(save):
    mask = square()
    mask[59, 40:60] = 128  # 20 of 32,000 pixels: 0.06 %
    assert find_mask((save("mask.png", mask),), SHAPE)[1].sum() >= 400
    mask[100, :] = 128  # 180 of them: 0.56 %
    with pytest.raises(ReadError, match="two values"):
        find_mask((save("mask.png", mask),), SHAPE)


def test_a_damaged_crop_does_not_hide_the_mask(save, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert find_mask((tmp_path / "broken.png", save("mask.png", square())), SHAPE)[0].name == "mask.png"
    with pytest.raises(ReadError, match=r"broken\.png: "):
        find_mask((tmp_path / "broken.png", save("crop.png", film((30, 30)))), SHAPE)


def test_an_empty_mask_is_an_error(save):
    with pytest.raises(ReadError, match=r"mask\.png: .*0 in every pixel"):
        find_mask((save("mask.png", np.zeros(SHAPE, np.uint8)),), SHAPE)


def test_corners_lie_on_outer_pixel_edges():
    assert set(outline_of(square() > 0, SHAPE)) == {(39.5, 59.5), (59.5, 59.5), (59.5, 79.5), (39.5, 79.5)}


def test_a_smaller_mask_is_stretched_in_rows_and_columns():
    # Half the rows, a quarter of the columns: from pixel edge e to 2e and 4e, where pixel 0 begins at edge 0.
    outline = outline_of(square((100, 40), 10, 20, 4) > 0, SHAPE)
    assert set(outline) == {(39.5, 39.5), (55.5, 39.5), (55.5, 47.5), (39.5, 47.5)}


def test_several_regions_are_one_abnormality_without_strays():
    mask = (square() | square(x=100)) > 0
    mask[5, 5] = mask[190, 150] = True  # 1 of 400 px each: 0.25 %
    assert set(outline_of(mask, SHAPE)) == {(39.5, 59.5), (119.5, 59.5), (119.5, 79.5), (39.5, 79.5)}


@pytest.mark.parametrize("radius", [5, 40, 300])
def test_a_smoothed_outline_keeps_the_area_with_far_fewer_corners(radius):
    y, x = np.mgrid[-radius - 2 : radius + 3, -radius - 2 : radius + 3]
    disc = np.hypot(x, y) <= radius
    outline = outline_of(disc, disc.shape)
    assert cv2.contourArea(np.array(outline, np.float32)) == pytest.approx(disc.sum(), rel=0.01)
    assert len(outline) <= 160
    region = region_of(TrueCluster(bbox=box_of(outline), polygon=outline))
    held = np.zeros(disc.shape, np.uint8)
    rows, columns = region.mask.shape
    held[region.y0 : region.y0 + rows, region.x0 : region.x0 + columns] = region.mask
    # No pixel is gained or lost but on the rim.
    ring = np.ones((3, 3), np.uint8)
    assert not (cv2.erode(disc.astype(np.uint8), ring) & ~held).any()
    assert not (held & ~cv2.dilate(disc.astype(np.uint8), ring)).any()


def test_a_hull_lies_around_all_outlines():
    first, second = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.2), (1.0, 1.0), (0.0, 1.0)), ((3.0, 0.0), (3.0, 1.0), (2.0, 0.5))
    assert set(hull([first, second])) == {(0.0, 0.0), (3.0, 0.0), (3.0, 1.0), (0.0, 1.0)}


def test_locating_the_masks_of_an_image(save, tmp_path):
    image = save("image.png", film(SHAPE))
    whole, small = save("whole.png", square()), save("small.png", square((100, 80), 20, 30, 10))
    stretched = save("stretched.png", square((200, 140)))
    lone = save("lone.png", film((20, 20)))
    found = locate(Sought(tmp_path, image, ((whole,), (small,), (stretched,), (lone,), ())))
    assert (found.stated.rows, found.stated.columns) == SHAPE
    assert set(found.outlines[0]) == set(found.outlines[1])
    assert found.outlines[3:] == (None, None)
    # What is not there at all is counted elsewhere.
    assert [(problem.kind, problem.path) for problem in found.problems] == [
        ("note", "small.png"),
        ("contradiction", "stretched.png"),
        ("unreadable", "lone.png"),
    ]


def test_an_image_that_cannot_be_read_is_a_problem(tmp_path):
    (tmp_path / "image.dcm").write_bytes(b"no image")
    for found in (
        locate(Sought(tmp_path, tmp_path / "image.dcm", ())),
        died(Sought(tmp_path, tmp_path / "image.dcm", ())),
    ):
        assert found.stated is None
        assert [(problem.kind, problem.path) for problem in found.problems] == [("unreadable", "image.dcm")]
