"""What is asked of every pixel, worked by hand on small views."""

import numpy as np
import pytest

from microcalc.breast import Frame
from microcalc.detectors.view import WorkingView
from microcalc.training.targets import target_of
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

PITCH = 0.1
#: Corners on outer pixel edges: the pixels of columns 4 and 5, rows 2 to 4.
SQUARE = ((3.5, 1.5), (5.5, 1.5), (5.5, 4.5), (3.5, 4.5))


def view(frame=None):
    """20 x 20 pixels of 0.1 mm, or what a frame makes of them."""
    frame = frame or Frame((20, 20), (0, 0, 20, 20), spacing_mm=PITCH)
    image = frame.apply(np.zeros(frame.original_shape, np.float32))
    return WorkingView(None, (PITCH, PITCH), None, frame, image, image == 0)


def pixels(target, value):
    """(x, y) of the pixels with a value."""
    return {(int(x), int(y)) for y, x in np.argwhere(target == value)}


def truth(*calcifications, **others):
    return ImageTruth(path="a.png", calcifications=calcifications, **others)


def test_an_outline_is_calcium_within():
    target, sites = target_of(truth(TrueCalcification(x=4.5, y=3, polygon=SQUARE)), view())
    assert pixels(target, 1) == {(x, y) for x in (4, 5) for y in (2, 3, 4)}
    assert pixels(target, -1) == set()
    assert sites == ((4.5, 3.0),)


def test_a_diameter_is_a_disc():
    """0.2 mm: radius 1 px, the pixel and its four neighbours."""
    target, _ = target_of(truth(TrueCalcification(x=8, y=9, diameter_mm=0.2)), view())
    assert pixels(target, 1) == {(8, 9), (7, 9), (9, 9), (8, 8), (8, 10)}


def test_a_point_is_a_small_disc_with_doubt_around_it():
    """0.3 mm: radius 1.5 px holds the neighbours at 1 and sqrt 2, not those at 2; 0.7 mm: 3.5 px."""
    target, _ = target_of(truth(TrueCalcification(x=8, y=9)), view())
    assert pixels(target, 1) == {(x, y) for x in (7, 8, 9) for y in (8, 9, 10)}
    away = {(x, y) for x in range(20) for y in range(20) if np.hypot(x - 8, y - 9) <= 3.5}
    assert pixels(target, -1) == away - pixels(target, 1)


def test_a_speck_between_pixel_centres_is_the_pixel_it_lies_in():
    tiny = ((8.1, 9.1), (8.3, 9.1), (8.3, 9.3), (8.1, 9.3))
    target, _ = target_of(truth(TrueCalcification(x=8.2, y=9.2, polygon=tiny)), view())
    assert pixels(target, 1) == {(8, 9)}


def test_nothing_is_asked_in_regions_to_ignore():
    ignore = Ignored(bbox=(9.5, 9.5, 12.5, 11.5))
    within = TrueCalcification(x=11, y=10, diameter_mm=0.1)
    target, sites = target_of(truth(within, ignore=(ignore,)), view())
    assert pixels(target, -1) == {(x, y) for x in (10, 11, 12) for y in (10, 11)}
    assert (pixels(target, 1), sites) == (set(), ())


def test_a_cluster_asks_only_where_its_calcifications_are_listed():
    box = (9.5, 9.5, 11.5, 11.5)
    alone, _ = target_of(truth(clusters=(TrueCluster(bbox=box),)), view())
    assert pixels(alone, -1) == {(10, 10), (10, 11), (11, 10), (11, 11)}
    listed = TrueCalcification(x=10, y=10, diameter_mm=0.1)
    for members in (None, (0,)):
        target, _ = target_of(truth(listed, clusters=(TrueCluster(bbox=box, members=members),)), view())
        assert (pixels(target, 1), pixels(target, -1)) == ({(10, 10)}, set())


@pytest.mark.parametrize(
    ("frame", "expected", "site"),
    [
        # Cropped at x 2, y 1, and flipped: x' = 15 - (x - 2) of 16 columns.
        (Frame((20, 20), (2, 1, 18, 20), flipped=True, spacing_mm=0.1), {(12, 3), (13, 3)}, (12.5, 2.0)),
        # Half as fine: x' = (x + 0.5) / 2 - 0.5. Columns 4 and 5 are column 2; rows 2 to 4, row 1 and half of row 2.
        (Frame((20, 20), (0, 0, 20, 20), factors=(2.0, 2.0), spacing_mm=0.2), {(2, 1)}, (2.0, 1.25)),
    ],
    ids=["flipped", "shrunk"],
)
def test_it_goes_the_way_of_the_image(frame, expected, site):
    target, sites = target_of(truth(TrueCalcification(x=4.5, y=3, polygon=SQUARE)), view(frame))
    assert expected <= pixels(target, 1)
    assert sites == (site,)


def test_flipped_all_of_it():
    frame = Frame((20, 20), (2, 1, 18, 20), flipped=True, spacing_mm=0.1)
    target, _ = target_of(truth(TrueCalcification(x=4.5, y=3, polygon=SQUARE)), view(frame))
    assert pixels(target, 1) == {(x, y) for x in (12, 13) for y in (1, 2, 3)}


def test_what_lies_beyond_the_view_is_cut_off():
    outside = TrueCalcification(x=30, y=30, diameter_mm=0.2)
    at_the_edge = TrueCalcification(x=0, y=0, diameter_mm=0.2)
    target, sites = target_of(truth(outside, at_the_edge), view())
    assert pixels(target, 1) == {(0, 0), (1, 0), (0, 1)}
    assert sites == ((0.0, 0.0),)
