import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_fill_holes, label

from microcalc.datasets.outlines import (
    area_mm2,
    box_of,
    box_of_mask,
    calcification,
    diameter_mm,
    feret_mm,
    outlines,
    rescaled,
    widened,
)
from microcalc.evaluation.regions import region_of
from microcalc.truth import Ignored


def mask(*rows):
    return np.array([[pixel == "#" for pixel in row] for row in rows])


@pytest.mark.parametrize(
    ("picture", "polygons"),
    [
        (mask("..."), []),
        (mask("...", ".#."), [((0.5, 0.5), (0.5, 1.5), (1.5, 1.5), (1.5, 0.5))]),
        # Down the left edge, along the foot, round the inner corner at (0.5, 1.5), and back up.
        (
            mask("#..", "#..", "###"),
            [((-0.5, -0.5), (-0.5, 2.5), (2.5, 2.5), (2.5, 1.5), (0.5, 1.5), (0.5, -0.5))],
        ),
        # Pixels that share a corner are one region, whose outline passes there twice.
        (
            mask("#.", ".#"),
            [((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, 1.5), (1.5, 1.5), (1.5, 0.5), (0.5, 0.5), (0.5, -0.5))],
        ),
        # The hole of the ring is filled; the speck in it is a region of its own.
        (
            mask("#####", "#...#", "#.#.#", "#...#", "#####"),
            [((-0.5, -0.5), (-0.5, 4.5), (4.5, 4.5), (4.5, -0.5)), ((1.5, 1.5), (1.5, 2.5), (2.5, 2.5), (2.5, 1.5))],
        ),
    ],
)
def test_outlines_run_along_the_outer_edges_of_pixels(picture, polygons):
    assert outlines(picture) == polygons


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_an_outline_holds_its_region_and_no_other_pixel(picture):
    """SciPy, which knows nothing of outlines, names the regions in the same order and fills their holes."""
    regions, number = label(picture, np.ones((3, 3)))
    drawn = outlines(picture)
    assert len(drawn) == number
    for index, polygon in enumerate(drawn, 1):
        held = region_of(Ignored(bbox=box_of(polygon), polygon=polygon))
        y, x = np.indices(picture.shape)
        points = np.stack([x, y], axis=-1).reshape(-1, 2).astype(float)
        assert held.holds(points).reshape(picture.shape).tolist() == binary_fill_holes(regions == index).tolist()


def test_boxes_lie_on_outer_edges():
    assert box_of_mask(mask("....", ".##.", "..#.")) == (0.5, 0.5, 2.5, 2.5)
    assert box_of_mask(mask("..")) is None
    assert box_of(((1.0, 5.0), (4.0, 2.0), (3.0, 7.0))) == (1.0, 2.0, 4.0, 7.0)


def test_measures_in_mm():
    """4 columns of 0.1 mm and 3 rows of 0.2 mm: 0.4 x 0.6 mm."""
    polygon = ((-0.5, -0.5), (3.5, -0.5), (3.5, 2.5), (-0.5, 2.5))
    spacing = (0.2, 0.1)
    assert area_mm2(polygon, spacing) == pytest.approx(0.24)
    assert diameter_mm(polygon, spacing) == pytest.approx((4 * 0.24 / np.pi) ** 0.5)
    assert feret_mm(polygon, spacing) == pytest.approx((0.4**2 + 0.6**2) ** 0.5)


def test_an_outline_through_rim_pixels_is_half_a_pixel_too_narrow():
    """A reader clicked the corner pixels of a lesion of 4 x 3 pixels, here and there within them."""
    clicked = ((-2.0, 7.2), (0.8, 7.0), (1.4, 9.0), (-1.6, 8.6))
    assert widened(clicked) == ((-2.5, 6.5), (-2.5, 9.5), (1.5, 9.5), (1.5, 6.5))


def test_a_line_is_the_pixels_on_it():
    assert widened(((1.0, 1.0), (3.0, 1.0))) == ((0.5, 0.5), (0.5, 1.5), (3.5, 1.5), (3.5, 0.5))
    assert widened(((1.0, 1.0),)) == ((0.5, 0.5), (0.5, 1.5), (1.5, 1.5), (1.5, 0.5))


def test_a_calcification_by_its_points():
    point = calcification(np.array([[7.25, 9.5]]), (0.1, 0.1), pathology="benign")
    assert (point.x, point.y, point.diameter_mm, point.polygon, point.pathology) == (7.25, 9.5, None, None, "benign")
    pair = calcification(np.array([[7.0, 9.0], [8.0, 9.0]]), (0.1, 0.1))
    assert (pair.x, pair.y) == (7.5, 9.0)
    assert pair.diameter_mm == pytest.approx((4 * 2 * 0.01 / np.pi) ** 0.5)
    square = calcification(np.array([[1.0, 1.0], [4.0, 1.0], [4.0, 3.0], [1.0, 3.0]]), (0.1, 0.1))
    assert (square.x, square.y) == pytest.approx((2.5, 2.0))
    assert square.diameter_mm == pytest.approx((4 * 12 * 0.01 / np.pi) ** 0.5)
    assert calcification(np.array([[1.0, 1.0], [4.0, 1.0]]), None).diameter_mm is None


def test_an_outline_drawn_on_a_smaller_copy():
    """One pixel of a copy at half the rows and a quarter of the columns is 2 rows and 4 columns."""
    pixel = ((0.5, 0.5), (1.5, 0.5), (1.5, 1.5), (0.5, 1.5))
    assert rescaled(pixel, (50, 50), (100, 200)) == ((3.5, 1.5), (7.5, 1.5), (7.5, 3.5), (3.5, 3.5))
