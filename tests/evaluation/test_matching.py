"""The rule disc14 on cases worked by hand. At 0.07 mm the disc has a radius of 7 px."""

import numpy as np
import pytest

from microcalc.evaluation.matching import match_disc14
from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, TrueCalcification

SPACING = (0.07, 0.07)


def mark(x, y, score=0.5):
    return Calcification(x=x, y=y, score=score)


def truth(*calcifications, ignore=()):
    return ImageTruth(path="a", calcifications=calcifications, ignore=ignore)


def point(x, y):
    return TrueCalcification(x=x, y=y)


@pytest.mark.parametrize(("distance", "hit"), [(0, True), (7, True), (7.01, False)])
def test_a_point_is_hit_up_to_seven_pixels(distance, hit):
    match = match_disc14([mark(100 + distance, 100)], truth(point(100, 100)), SPACING)
    assert (match.hits == 1) is hit
    assert match.false_positive.tolist() == [not hit]


def test_the_disc_is_in_mm():
    match = match_disc14([mark(103.5, 100), mark(100, 107)], truth(point(100, 100)), (0.07, 0.14))
    assert match.false_positive.tolist() == [False, False]
    assert match_disc14([mark(103.6, 100)], truth(point(100, 100)), (0.07, 0.14)).hits == 0


def test_two_hits_on_one_lesion_count_once_with_the_better_score():
    match = match_disc14([mark(100, 100, 0.4), mark(103, 100, 0.9)], truth(point(100, 100)), SPACING)
    assert match.hit_by.tolist() == [1]
    assert not match.false_positive.any()


def test_one_detection_hits_every_lesion_it_touches():
    match = match_disc14([mark(100, 100)], truth(point(96, 100), point(104, 100)), SPACING)
    assert match.hit_by.tolist() == [0, 0]


def test_a_lesion_with_a_diameter_is_hit_at_its_rim():
    # 0.7 mm across: its outermost pixel centre lies 5 px from the middle.
    lesion = TrueCalcification(x=100, y=100, diameter_mm=0.7)
    assert match_disc14([mark(112, 100)], truth(lesion), SPACING).hits == 1
    assert match_disc14([mark(112.1, 100)], truth(lesion), SPACING).hits == 0


def test_a_lesion_with_an_outline_is_hit_at_its_pixels():
    # Pixel centres 100..102 lie inside.
    box = ((99.5, 99.5), (102.5, 99.5), (102.5, 102.5), (99.5, 102.5))
    lesion = TrueCalcification(x=101, y=101, polygon=box)
    assert match_disc14([mark(109, 101)], truth(lesion), SPACING).hits == 1
    assert match_disc14([mark(109.1, 101)], truth(lesion), SPACING).hits == 0


def test_an_outline_between_pixels_still_counts_as_one_pixel():
    sliver = ((100.2, 100.2), (100.4, 100.2), (100.3, 100.4))
    assert match_disc14([mark(107, 100)], truth(TrueCalcification(x=100.3, y=100.3, polygon=sliver)), SPACING).hits == 1


def test_a_concave_outline_is_not_filled_in():
    # A U of arms 2 px wide around an opening at x = 103..117.
    u = ((99.5, 99.5), (102.5, 99.5), (102.5, 150.5), (117.5, 150.5), (117.5, 99.5), (120.5, 99.5), (120.5, 153.5))
    u += ((99.5, 153.5),)
    lesion = TrueCalcification(x=110, y=130, polygon=u)
    assert match_disc14([mark(110, 120)], truth(lesion), SPACING).hits == 0
    assert match_disc14([mark(109, 120)], truth(lesion), SPACING).hits == 1  # 7 px from the arm at 102


def test_a_large_outline_takes_little_time_and_is_filled():
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = tuple(zip((2000 + 1500 * np.cos(angles)).tolist(), (2000 + 1500 * np.sin(angles)).tolist(), strict=True))
    region = Ignored(bbox=(500, 500, 3500, 3500), polygon=circle)
    match = match_disc14([mark(2000, 2000), mark(2000, 491), mark(600, 600)], truth(ignore=(region,)), SPACING)
    assert match.ignored.tolist() == [True, False, False]


def test_what_touches_only_an_ignored_region_counts_for_nothing():
    region = Ignored(bbox=(200.5, 200.5, 210.5, 210.5))  # pixels 201..210
    match = match_disc14([mark(194, 205), mark(193.9, 205)], truth(ignore=(region,)), SPACING)
    assert match.ignored.tolist() == [True, False]
    assert match.false_positive.tolist() == [False, True]


def test_a_hit_that_also_touches_an_ignored_region_is_a_hit():
    region = Ignored(bbox=(100.5, 90.5, 130.5, 110.5))
    match = match_disc14([mark(100, 100)], truth(point(98, 100), ignore=(region,)), SPACING)
    assert match.hits == 1
    assert not match.ignored.any()


#: Pixel centres 100..102 in both directions.
BOX = ((99.5, 99.5), (102.5, 99.5), (102.5, 102.5), (99.5, 102.5))


def test_a_calcification_whose_pixels_are_all_ignored_is_no_target():
    large = TrueCalcification(x=101, y=101, polygon=BOX, morphology="popcorn")
    region = Ignored(bbox=(99.5, 99.5, 102.5, 102.5), polygon=BOX, reason="typically benign")
    match = match_disc14(
        [mark(101, 101, 0.9), mark(400, 400)], truth(large, point(300, 300), ignore=(region,)), SPACING
    )
    assert match.target.tolist() == [False, True]
    assert match.hit_by.tolist() == [-1, -1]
    assert match.ignored.tolist() == [True, False]
    assert match.false_positive.tolist() == [False, True]


def test_a_calcification_with_one_pixel_outside_the_ignored_region_is_a_target():
    large = TrueCalcification(x=101, y=101, polygon=BOX)
    regions = (
        Ignored(bbox=(99.5, 99.5, 102.5, 101.5)),
        Ignored(bbox=(99.5, 101.5, 101.5, 102.5)),
    )  # all but (102, 102)
    match = match_disc14([mark(101, 101)], truth(large, ignore=regions), SPACING)
    assert match.target.tolist() == [True]
    assert match.hits == 1
    last = Ignored(bbox=(101.5, 101.5, 102.5, 102.5))
    assert not match_disc14([], truth(large, ignore=(*regions, last)), SPACING).target.any()


def test_a_mark_on_what_is_no_target_still_hits_a_target_it_touches():
    large = TrueCalcification(x=101, y=101, polygon=BOX)
    match = match_disc14(
        [mark(105, 101)], truth(large, point(110, 101), ignore=(Ignored(bbox=(99, 99, 103, 103)),)), SPACING
    )
    assert match.hit_by.tolist() == [-1, 0]
    assert not match.ignored.any()


def test_detections_below_the_threshold_take_no_part():
    match = match_disc14([mark(100, 100, 0.3), mark(300, 300, 0.3)], truth(point(100, 100)), SPACING, threshold=0.31)
    assert match.hits == 0
    assert not match.false_positive.any()


def test_without_detections_or_lesions():
    assert match_disc14([], truth(point(1, 1)), SPACING).hit_by.tolist() == [-1]
    assert match_disc14([mark(5, 5)], truth(), SPACING).false_positive.tolist() == [True]
    assert match_disc14([], truth(), SPACING).hits == 0


def test_every_detection_falls_into_one_place():
    rng = np.random.default_rng(0)
    marks = [mark(*xy, score=s) for xy, s in zip(rng.uniform(0, 200, (60, 2)), rng.random(60), strict=True)]
    lesions = [point(*xy) for xy in rng.uniform(0, 200, (20, 2))]
    match = match_disc14(marks, truth(*lesions, ignore=(Ignored(bbox=(0, 0, 80, 80)),)), SPACING)
    gaps = np.array([(m.x, m.y) for m in marks])[:, None] - np.round([(p.x, p.y) for p in lesions])
    touches = np.hypot(gaps[..., 0], gaps[..., 1]) <= 7
    assert match.hits == touches.any(axis=0).sum()
    assert not (match.false_positive & match.ignored).any()
    assert ((match.false_positive | match.ignored) == ~touches.any(axis=1)).all()
