"""Regions worked by hand, and against matplotlib's paths and plain sums over pixels."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from microcalc.evaluation.regions import (
    all_within,
    inside,
    lesion_box,
    lesion_region,
    outline,
    region_of,
    shared_area,
)
from microcalc.truth import Ignored, TrueCalcification, TrueCluster

SPACING = (0.07, 0.07)
#: Pixel centres 100..102 in both directions.
BOX = ((99.5, 99.5), (102.5, 99.5), (102.5, 102.5), (99.5, 102.5))
TRIANGLE = np.array([(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)])


def pixels(region):
    y, x = np.nonzero(region.mask)
    return sorted(zip((x + region.x0).tolist(), (y + region.y0).tolist(), strict=True))


def points(*xy):
    return np.array(xy, np.float64).reshape(-1, 2)


def star(rng, corners=9, centre=20.0):
    """A jagged polygon; no corner or edge on a pixel's centre."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = rng.uniform(3, 18, corners)
    return np.stack([centre + reach * np.cos(angles), centre + reach * np.sin(angles)], axis=1)


def polygon_region(corners):
    return region_of(Ignored(bbox=(0, 0, 1, 1), polygon=tuple(map(tuple, corners.tolist()))))


# ---- pixels


def test_a_point_is_the_pixel_it_lies_in():
    assert pixels(lesion_region(TrueCalcification(x=7.4, y=8.6), SPACING)) == [(7, 9)]
    # Halves go to the right and down everywhere, not to even numbers.
    assert pixels(lesion_region(TrueCalcification(x=2.5, y=3.5), SPACING)) == [(3, 4)]


def test_a_disc_holds_the_pixels_whose_centres_it_covers():
    # Radius 2 columns, 1 row: along the row 8..12, above and below only the middle.
    lesion = TrueCalcification(x=10, y=5, diameter_mm=0.28)
    assert pixels(lesion_region(lesion, (0.14, 0.07))) == sorted([(10, 4), (10, 6), *((x, 5) for x in range(8, 13))])


def test_what_holds_no_pixel_centre_is_the_nearest_pixel():
    sliver = ((100.2, 100.2), (100.4, 100.2), (100.3, 100.4))
    assert pixels(lesion_region(TrueCalcification(x=100.3, y=100.3, polygon=sliver), SPACING)) == [(100, 100)]
    assert pixels(lesion_region(TrueCalcification(x=5.4, y=5.4, diameter_mm=0.01), SPACING)) == [(5, 5)]
    assert pixels(region_of(TrueCluster(bbox=(3.1, 3.1, 3.3, 3.3)))) == [(3, 3)]
    assert pixels(region_of(Ignored(bbox=(0, 0, 9, 9), polygon=((4.0, 4.0),)))) == [(4, 4)]


def test_a_box_holds_the_pixels_whose_centres_it_covers():
    assert pixels(region_of(Ignored(bbox=(1.5, 2.5, 3.5, 3.5)))) == [(2, 3), (3, 3)]
    assert pixels(region_of(TrueCluster(bbox=(2, 3, 3, 3)))) == [(2, 3), (3, 3)]


def test_outlines_that_share_an_edge_through_pixel_centres_share_no_pixel():
    left, right = points((0, 0), (5, 0), (5, 4), (0, 4)), points((5, 0), (9, 0), (9, 4), (5, 4))
    first, second = pixels(polygon_region(left)), pixels(polygon_region(right))
    assert first == [(x, y) for x in range(5) for y in range(4)]
    assert second == [(x, y) for x in range(5, 9) for y in range(4)]


@pytest.mark.parametrize("seed", range(10))
def test_an_outline_holds_the_pixels_that_matplotlib_says(seed):
    corners = star(np.random.default_rng(seed))
    grid = [(x, y) for x in range(45) for y in range(45)]
    expected = [xy for xy, held in zip(grid, Outline(corners).contains_points(grid), strict=True) if held]
    assert pixels(polygon_region(corners)) == expected


def test_an_outline_that_crosses_itself_is_read_by_the_even_odd_rule():
    # Two squares in one line, the second within the first: a frame.
    frame = points((0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (2, 2), (4, 2), (4, 4), (2, 4), (2, 2))
    held = pixels(polygon_region(frame - 0.5))
    assert held == [(x, y) for x in range(6) for y in range(6) if not (2 <= x < 4 and 2 <= y < 4)]


# ---- points in outlines


def test_a_point_on_the_edge_or_at_a_corner_lies_inside():
    on_edge = points((5, 5), (0, 5), (5, 0), (0, 0), (10, 0), (0, 10), (2.5, 7.5))
    assert inside(on_edge, TRIANGLE).all()
    assert not inside(points((-0.001, 5), (5, -0.001), (5.001, 5)), TRIANGLE).any()


def test_a_corner_given_twice_changes_nothing():
    closed = np.concatenate([TRIANGLE, TRIANGLE[:1]])
    where = points((5, 5), (1, 1), (5.01, 5), (0, 0), (11, 11))
    assert inside(where, closed).tolist() == inside(where, TRIANGLE).tolist() == [True, True, False, True, False]


def test_the_outline_of_a_box_is_its_corners():
    corners = outline(TrueCluster(bbox=(1, 2, 3, 5)))
    where = points((1, 2), (3, 5), (2, 3.5), (3.1, 3), (2, 5.1))
    assert inside(where, corners).tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("seed", range(5))
def test_points_lie_where_matplotlib_says(seed):
    rng = np.random.default_rng(seed)
    corners, where = star(rng), rng.uniform(0, 40, (200, 2))
    assert inside(where, corners).tolist() == Outline(corners).contains_points(where).tolist()


def test_an_edge_through_pixel_centres_is_one_whatever_its_rounding():
    # The left edge of the second square is at 5, but for the rounding of some earlier sum.
    square = points((5 + 1e-12, 0), (9, 0), (9, 4), (5 + 1e-12, 4))
    assert pixels(polygon_region(square)) == [(x, y) for x in range(5, 9) for y in range(4)]


# ---- distances


def test_what_is_near_is_measured_to_the_nearest_pixel_centre_in_mm():
    square = lesion_region(TrueCalcification(x=101, y=101, polygon=BOX), SPACING)
    # Beside it 2 px, within it, off a corner by 3 and 4 px.
    where = points((104, 101), (101, 101), (105, 106))
    found = [square.near(where, px * 0.07, SPACING).tolist() for px in (1.99, 2, 4.99, 5)]
    assert found == [[False, True, False], [True, True, False], [True, True, False], [True, True, True]]


def test_deep_in_a_large_region_is_near_it():
    breast = region_of(Ignored(bbox=(0, 0, 3000, 2000)))
    assert breast.near(points((1500, 1000)), 0.07, SPACING).tolist() == [True]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_near_is_what_looking_at_every_pixel_finds(seed):
    rng = np.random.default_rng(seed)
    regions = [polygon_region(star(rng)) for _ in range(3)]
    where = rng.uniform(-5, 45, (50, 2))
    found = np.stack([region.near(where, 0.5, (0.1, 0.2)) for region in regions], axis=1)
    for i, (x, y) in enumerate(where):
        for j, region in enumerate(regions):
            gaps = [np.hypot((x - u) * 0.2, (y - v) * 0.1) for u, v in pixels(region)]
            assert found[i, j] == (min(gaps) <= 0.5)


# ---- areas


def test_the_area_within_counts_parts_of_pixels():
    # Pixels 100..102; the box covers the left half of one column, 1.5 rows of it, and what lies beyond.
    region = lesion_region(TrueCalcification(x=101, y=101, polygon=BOX), SPACING)
    boxes = np.array([(90, 101, 100, 110), (0, 0, 200, 200), (0, 0, 50, 50), (100.5, 100.5, 101.5, 101.5)], np.float64)
    assert region.area_within(boxes) == pytest.approx([0.5 * 1.5, 9, 0, 1])
    assert region.area_within(np.full((1, 4), np.nan)).tolist() == [0]


@pytest.mark.parametrize("seed", range(3))
def test_the_area_within_is_the_sum_over_pixels(seed):
    rng = np.random.default_rng(seed)
    region = polygon_region(star(rng))
    corner = rng.uniform(-5, 40, (20, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.1, 20, (20, 2))], axis=1)
    for (x0, y0, x1, y1), area in zip(boxes, region.area_within(boxes), strict=True):
        overlaps = [
            max(min(x1, u + 0.5) - max(x0, u - 0.5), 0) * max(min(y1, v + 0.5) - max(y0, v - 0.5), 0)
            for u, v in pixels(region)
        ]
        assert area == pytest.approx(sum(overlaps))


def test_boxes_that_only_touch_share_no_area():
    boxes = np.array([(0, 0, 2, 2), (2, 0, 4, 2), (1, 1, 3, 3)], np.float64)
    assert shared_area(boxes, boxes).tolist() == [[4, 0, 1], [0, 4, 1], [1, 1, 4]]


def test_the_box_of_a_lesion_is_that_of_its_outline_or_disc_or_one_pixel():
    triangle = ((0.25, 1), (10, 0), (0.25, 10))
    assert lesion_box(TrueCalcification(x=1, y=1, polygon=triangle), SPACING).tolist() == [0.25, 0, 10, 10]
    disc = TrueCalcification(x=10, y=20, diameter_mm=0.28)
    assert lesion_box(disc, (0.07, 0.14)) == pytest.approx([9, 18, 11, 22])
    assert lesion_box(TrueCalcification(x=3.3, y=4.4), SPACING).tolist() == [2.5, 3.5, 3.5, 4.5]
    line = TrueCalcification(x=3, y=4, polygon=((3.0, 4.0), (3.0, 4.3)))
    assert lesion_box(line, SPACING).tolist() == [2.5, 3.5, 3.5, 4.5]


# ---- regions in regions


def test_a_region_lies_within_several_together():
    # Pixels 100..105, of which upper and lower leave (104, 104), (105, 104), (104, 105), (105, 105): the last of them
    # is two away from both.
    square = region_of(TrueCluster(bbox=(99.5, 99.5, 105.5, 105.5)))
    upper, lower = Ignored(bbox=(90.5, 90.5, 110.5, 103.5)), Ignored(bbox=(99.5, 103.5, 103.5, 120.5))
    last = Ignored(bbox=(104.5, 104.5, 105.5, 105.5))
    parts = [region_of(part) for part in (upper, lower, last)]
    assert all_within([square], parts[:2]).tolist() == [False]
    assert all_within([square], parts).tolist() == [True]
    assert all_within([square], []).tolist() == [False]
    assert all_within([], parts).tolist() == []


def test_a_region_does_not_lie_within_a_hole():
    frame = points((0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (2, 2), (4, 2), (4, 4), (2, 4), (2, 2)) - 0.5
    hole = region_of(TrueCluster(bbox=(1.5, 1.5, 3.5, 3.5)))
    side = region_of(TrueCluster(bbox=(-0.5, -0.5, 1.5, 5.5)))
    assert all_within([hole, side], [polygon_region(frame)]).tolist() == [False, True]


def test_a_disc_lies_within_an_outline_of_the_same_disc():
    # 20 px across around a pixel's centre: pixels on its very edge belong to it, but not to the polygon of 200 corners
    # on that edge, whose sides cut a thousandth of a pixel off.
    disc = lesion_region(TrueCalcification(x=100, y=100, diameter_mm=1.4), SPACING)
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    same = polygon_region(100 + 10 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert disc.mask.sum() > same.mask.sum()
    assert disc.lies_within([same])
    smaller = polygon_region(100 + 8 * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    assert not disc.lies_within([smaller])


def test_a_pixel_beside_a_region_does_not_lie_within_it():
    box = region_of(Ignored(bbox=(99.5, 99.5, 102.5, 102.5)))
    pixels = [lesion_region(TrueCalcification(x=x, y=101), SPACING) for x in (102, 103)]
    assert all_within(pixels, [box]).tolist() == [True, False]


def test_a_box_of_any_size_costs_nothing():
    everything = region_of(Ignored(bbox=(-1e6, -1e6, 1e6, 1e6)))
    where = points((5, 5), (1e6 + 7, 5), (1e6 + 7.01, 5), (-1e6, -1e6))
    assert everything.near(where, 0.49, SPACING).tolist() == [True, True, False, True]
    assert everything.area_within(np.array([(0, 0, 2, 3), (1e6 - 1, 0, 1e6 + 1, 1), (np.nan,) * 4])).tolist() == [
        6,
        1,
        0,
    ]
    assert lesion_region(TrueCalcification(x=5, y=5, diameter_mm=1), SPACING).lies_within([everything])
