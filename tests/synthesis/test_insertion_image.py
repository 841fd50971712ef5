"""A real image as background: what it is, where it has room, and what is bright in it already."""

import numpy as np
import pytest
from PIL import Image

from microcalc.errors import MicrocalcError, ReadError
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.insertion_image import Background


def square(x, y, half=4):
    """Shadow of an even square about x, y."""
    corners = np.array([(x - 3.0, y - 3.0), (x + 3.0, y - 3.0), (x + 3.0, y + 3.0), (x - 3.0, y + 3.0)])
    return Shadow(y - half, x - half, np.full((2 * half + 1, 2 * half + 1), 0.2, np.float32), corners)


def with_speck(path, x, y):
    """Draw a bright disc of 0.5 mm into a picture's pixels at x, y."""
    grey = np.array(Image.open(path))
    rows, columns = np.indices(grey.shape)
    grey[np.hypot(rows - y, columns - x) < 3.5] = 65000
    Image.fromarray(grey).save(path)
    return path


@pytest.fixture(scope="module")
def left(drawn, tmp_path_factory):
    return Background.read(with_speck(drawn.write(tmp_path_factory.mktemp("own") / "9_L_CC.png"), 300, 400))


@pytest.fixture(scope="module")
def right(drawn, tmp_path_factory):
    path = drawn.write(tmp_path_factory.mktemp("own") / "9_R_CC.png", mirrored=True)
    return Background.read(with_speck(path, 767 - 300, 400))


def test_pixels_come_back_as_they_were(right, drawn):
    assert right.mirrored
    assert not left_is_brighter(right.stored(right.pixels))
    assert left_is_brighter(right.pixels)


def left_is_brighter(pixels):
    half = pixels.shape[1] // 2
    return pixels[:, :half].mean() > pixels[:, half:].mean()


def test_an_image_without_pitch_is_taken_to_have_the_usual_one(left):
    assert left.assumed
    assert left.ground.spacing_mm == 0.07


def test_the_bright_speck_of_the_image_is_known(left, right):
    for background, x in ((left, 300), (right, 767 - 300)):
        boxes = [region.bbox for region in background.bright]
        assert any(x0 < x < x1 and y0 < 400 < y1 and x1 - x0 < 30 for x0, y0, x1, y1 in boxes)
        assert {region.reason for region in background.bright} == {"bright speck already in the image"}


def test_calcium_keeps_two_millimetres_from_it(left, right):
    for background in (left, right):  # both seen with the chest wall at the left
        assert not background.has_room(square(300, 400 + 25))
        assert background.has_room(square(300, 400 + 45))


def test_there_is_no_room_outside_the_breast_or_the_image(left):
    assert not left.has_room(square(740, 512))
    assert not left.has_room(square(5, 512))
    assert left.has_room(square(30, 512))


def test_other_views_are_refused(drawn, tmp_path):
    with pytest.raises(ReadError, match="plain CC or MLO view, found XCCL"):
        Background.read(drawn.write(tmp_path / "9_L_XCCL.png"))


def test_a_picture_without_a_breast_is_refused(tmp_path):
    grey = np.zeros((400, 300), np.uint16)
    grey[10:14, 10:14] = 60000
    Image.fromarray(grey).save(tmp_path / "1_L_CC.png")
    with pytest.raises(MicrocalcError, match="breast"):
        Background.read(tmp_path / "1_L_CC.png")
