import io

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets.bmcd_marks import Sought, died, find_marks, red_pixels
from microcalc.errors import ReadError

SHAPE = (200, 160)
RED = (255, 0, 0)


def picture(shape=SHAPE):
    return np.full((*shape, 3), 90, np.uint8)


def jpeg(pixels, quality=95, subsampling=0):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=quality, subsampling=subsampling)
    return content.getvalue()


@pytest.fixture
def find(tmp_path):
    """The marks on a picture, as a JPEG, of a mammogram of SHAPE."""
    Image.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / "image.png")

    def write(pixels, **how):
        (tmp_path / "marked.jpg").write_bytes(jpeg(pixels, **how))
        return find_marks(Sought(tmp_path, tmp_path / "image.png", tmp_path / "marked.jpg"))

    return write


def box(outline):
    corners = np.array(outline)
    return (*corners.min(axis=0), *corners.max(axis=0))


def test_each_connected_region_is_a_calcification(find):
    marked = picture()
    marked[40:46, 30:38] = RED
    marked[100:103, 90:93] = RED
    marked[103:106, 93:96] = RED  # touches the last one at a corner
    first, second = find(marked).marks
    assert box(first) == pytest.approx((29.5, 39.5, 37.5, 45.5), abs=1)
    assert box(second) == pytest.approx((89.5, 99.5, 95.5, 105.5), abs=1)


def test_a_drawn_outline_is_filled(find):
    marked = picture()
    marked[40:60, 30:50] = RED
    marked[43:57, 33:47] = 90
    (mark,) = find(marked).marks
    assert box(mark) == pytest.approx((29.5, 39.5, 49.5, 59.5), abs=1)
    assert len(mark) < 20  # of the outer rim alone


def test_one_pixel_can_be_a_mark(find):
    marked = picture()
    marked[50, 60] = RED
    (mark,) = find(marked, quality=100).marks
    x0, y0, x1, y1 = box(mark)
    assert (x0 <= 60 <= x1, y0 <= 50 <= y1) == (True, True)


def test_halved_colour_moves_a_mark_by_a_pixel_or_two(find):
    marked = picture()
    marked[41:51, 31:41] = RED
    (mark,) = find(marked, subsampling=2).marks
    assert box(mark) == pytest.approx((30.5, 40.5, 40.5, 50.5), abs=2)


@pytest.mark.parametrize(("colour", "is_red"), [((200, 30, 20), True), ((160, 0, 30), True), ((120, 80, 80), False)])
@pytest.mark.parametrize("other", [(0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)])
def test_red_alone_is_a_mark(tmp_path, colour, is_red, other):
    marked = picture()
    marked[:50] = other
    marked[150:] = colour
    Image.fromarray(marked).save(tmp_path / "marked.png")
    red = red_pixels(tmp_path / "marked.png")
    assert (red[150:].all(), red[150:].any()) == (is_red, is_red)
    assert not red[:150].any()


def test_a_smaller_picture_is_stretched(find):
    marked = picture((100, 80))
    marked[20:24, 10:16] = RED
    found = find(marked)
    # Pixels 10 to 15 and 20 to 23 are 20 to 31 and 40 to 47.
    assert box(found.marks[0]) == pytest.approx((19.5, 39.5, 31.5, 47.5), abs=2)
    assert found.problems == ()


def test_a_picture_of_another_shape_is_a_contradiction(find):
    marked = picture((100, 100))
    marked[20:24, 10:16] = RED
    (problem,) = find(marked).problems
    assert (problem.kind, problem.path, problem.found) == ("contradiction", "marked.jpg", "100 x 100")


def test_no_mark_and_no_picture_are_not_the_same(find, tmp_path):
    assert find(picture()).marks == ()
    assert find_marks(Sought(tmp_path, tmp_path / "image.png", None)).marks is None


@pytest.mark.parametrize("damage", ["cut", "text", "missing"])
def test_a_damaged_picture_says_nothing_about_marks(tmp_path, damage):
    Image.fromarray(np.zeros(SHAPE, np.uint8)).save(tmp_path / "image.png")
    path = tmp_path / "marked.jpg"
    if damage != "missing":
        path.write_bytes(jpeg(picture())[:300] if damage == "cut" else b"no picture")
    found = find_marks(Sought(tmp_path, tmp_path / "image.png", path))
    assert found.stated is not None
    assert found.marks is None
    assert [(problem.kind, problem.path) for problem in found.problems] == [("unreadable", "marked.jpg")]
    with pytest.raises(ReadError, match=r"marked\.jpg: expected a picture with the marks"):
        red_pixels(path)


def test_a_mammogram_that_cannot_be_read_is_a_problem(tmp_path):
    (tmp_path / "image.dcm").write_bytes(b"no image")
    task = Sought(tmp_path, tmp_path / "image.dcm", None)
    for found in (find_marks(task), died(task)):
        assert (found.stated, found.marks) == (None, None)
        assert [(problem.kind, problem.path) for problem in found.problems] == [("unreadable", "image.dcm")]
