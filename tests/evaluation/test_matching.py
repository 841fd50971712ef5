"""Every rule on cases worked by hand. At 0.07 mm the disc of disc14 has a radius of 7 px."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import RULES, match, parse_rule
from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

SPACING = (0.07, 0.07)
#: Pixel centres 100..102 in both directions.
BOX = ((99.5, 99.5), (102.5, 99.5), (102.5, 102.5), (99.5, 102.5))


def mark(x, y, score=0.5, diameter_mm=None):
    return Calcification(x=x, y=y, score=score, diameter_mm=diameter_mm)


def boxes(*corners, scores=None):
    """Detections of the given boxes."""
    corners = np.array(corners, np.float64).reshape(-1, 4)
    scores = np.full(len(corners), 0.5) if scores is None else np.array(scores, np.float64)
    return Detections((corners[:, :2] + corners[:, 2:]) / 2, scores, corners, np.full(len(corners), np.nan))


def truth(*calcifications, clusters=(), ignore=()):
    return ImageTruth(path="a", calcifications=calcifications, clusters=clusters, ignore=ignore)


def point(x, y):
    return TrueCalcification(x=x, y=y)


def by(rule, detections, known, spacing_mm=SPACING, threshold=None):
    if not isinstance(detections, Detections):
        detections = Detections.of_marks(detections, spacing_mm)
    return match(detections, known, parse_rule(rule), spacing_mm, threshold)


def disc14(detections, known, spacing_mm=SPACING, threshold=None):
    return by("disc14", detections, known, spacing_mm, threshold)


def places(account):
    """Where each detection falls, in a word."""
    names = ("hit", "duplicate", "false_positive", "ignored")
    flags = np.array([getattr(account, name) for name in names])
    assert (flags.sum(axis=0) <= 1).all()
    return ["".join(name for name, flag in zip(names, column, strict=True) if flag) for column in flags.T]


# ---- names


@pytest.mark.parametrize(
    ("name", "lesions", "detections", "limit"),
    [
        ("disc14", "calcification", "marks", 0.49),
        ("distance:1.5", "calcification", "marks", 1.5),
        ("iou:1", "calcification", "marks", 1),
        ("cluster", "cluster", "clusters", 0.2),
        ("cluster:marks=3", "cluster", "marks", 3),
    ],
)
def test_a_name_says_what_is_asked_for_and_of_what(name, lesions, detections, limit):
    rule = parse_rule(name)
    assert (rule.name, rule.lesions, rule.detections) == (name, lesions, detections)
    assert rule.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    "name",
    [
        *("", "disc", "disc14:1", "distance", "distance:", "distance:0", "distance:-1", "distance:inf", "distance:nan"),
        *(
            "distance:1_0",
            "distance:1e1",
            "distance: 1",
            "iou:\u0660.\u0665",
            "iou:0",
            "iou:1.01",
            "iou:x",
            "cluster:3",
            "cluster:marks=0",
            "cluster:marks=1.5",
            "cluster:marks=inf",
        ),
    ],
)
def test_a_name_of_no_rule_is_refused_with_all_that_exist(name):
    with pytest.raises(UsageError) as caught:
        parse_rule(name)
    assert repr(name) in str(caught.value)
    assert all(form in str(caught.value) for form in RULES)


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("iou:0.50", "iou:0.5"),
        ("iou:.5", "iou:0.5"),
        ("distance:1.0", "distance:1"),
        ("cluster:marks=03", "cluster:marks=3"),
    ],
)
def test_the_same_rule_has_one_name(name, normal):
    assert parse_rule(name) == parse_rule(normal)
    assert parse_rule(name).name == normal


# ---- disc14


@pytest.mark.parametrize(("distance", "place"), [(0, "hit"), (7, "hit"), (7.01, "false_positive")])
def test_a_point_is_hit_up_to_seven_pixels(distance, place):
    assert places(disc14([mark(100 + distance, 100)], truth(point(100, 100)))) == [place]


def test_the_disc_is_in_mm():
    # Columns 0.14 mm apart: 3.5 of them, or 7 rows, are 0.49 mm.
    account = disc14([mark(103.5, 100), mark(100, 107), mark(103.6, 100)], truth(point(100, 100)), (0.07, 0.14))
    assert account.false_positive.tolist() == [False, False, True]


def test_a_lesion_with_a_diameter_is_hit_at_its_rim():
    # 0.7 mm across: its outermost pixel centre lies 5 px from the middle.
    lesion = TrueCalcification(x=100, y=100, diameter_mm=0.7)
    assert disc14([mark(112, 100)], truth(lesion)).hits == 1
    assert disc14([mark(112.1, 100)], truth(lesion)).hits == 0


def test_a_lesion_with_an_outline_is_hit_at_its_pixels():
    lesion = TrueCalcification(x=101, y=101, polygon=BOX)
    assert disc14([mark(109, 101)], truth(lesion)).hits == 1
    assert disc14([mark(109.1, 101)], truth(lesion)).hits == 0


def test_an_outline_between_pixels_still_counts_as_one_pixel():
    sliver = ((100.2, 100.2), (100.4, 100.2), (100.3, 100.4))
    lesion = TrueCalcification(x=100.3, y=100.3, polygon=sliver)
    assert places(disc14([mark(107, 100)], truth(lesion))) == ["hit"]
    assert places(disc14([mark(107.1, 100)], truth(lesion))) == ["false_positive"]


def test_a_concave_outline_is_not_filled_in():
    # A U of arms 3 px wide around an opening at x = 103..117.
    u = ((99.5, 99.5), (102.5, 99.5), (102.5, 150.5), (117.5, 150.5), (117.5, 99.5), (120.5, 99.5), (120.5, 153.5))
    lesion = TrueCalcification(x=110, y=130, polygon=(*u, (99.5, 153.5)))
    assert disc14([mark(110, 120)], truth(lesion)).hits == 0
    assert disc14([mark(109, 120)], truth(lesion)).hits == 1  # 7 px from the arm at 102


# ---- the account, the same for all rules


def test_two_hits_on_one_lesion_count_once_with_the_better_score():
    account = disc14([mark(100, 100, 0.4), mark(103, 100, 0.9)], truth(point(100, 100)))
    assert account.hit_by.tolist() == [1]
    assert places(account) == ["duplicate", "hit"]
    assert (account.hits, account.misses) == (1, 0)


def test_of_equal_scores_the_first_listed_hits():
    account = disc14([mark(103, 100, 0.9), mark(100, 100, 0.9)], truth(point(100, 100)))
    assert account.hit_by.tolist() == [0]
    assert places(account) == ["hit", "duplicate"]


def test_one_detection_hits_every_lesion_it_touches():
    account = disc14([mark(100, 100)], truth(point(96, 100), point(104, 100)))
    assert account.hit_by.tolist() == [0, 0]
    assert places(account) == ["hit"]


def test_a_detection_outdone_on_every_lesion_is_a_duplicate():
    marks = [mark(100, 100, 0.1), mark(92, 100, 0.9), mark(108, 100, 0.8)]
    account = disc14(marks, truth(point(96, 100), point(104, 100)))
    assert places(account) == ["duplicate", "hit", "hit"]


def test_detections_below_the_threshold_take_no_part():
    marks = [mark(100, 100, 0.3), mark(300, 300, 0.3), mark(500, 500, 0.31)]
    account = disc14(marks, truth(point(100, 100)), threshold=0.31)
    assert (account.hits, account.misses) == (0, 1)
    assert places(account) == ["", "", "false_positive"]


@pytest.mark.parametrize("rule", ["disc14", "distance:1", "iou:0.5", "cluster", "cluster:marks=2"])
def test_without_detections_or_lesions(rule):
    something = boxes((99, 99, 101, 101))
    speck = TrueCalcification(x=100, y=100, diameter_mm=0.1)
    known = truth(speck, clusters=[TrueCluster(bbox=(90, 90, 110, 110))])
    for detections, image in ((boxes(), known), (boxes(), truth()), (something, truth())):
        account = by(rule, detections, image)
        lesions = len(image.calcifications)
        assert (account.hits, account.misses) == (0, lesions)
        assert account.hit_by.tolist() == [-1] * lesions
        assert places(account) == ["false_positive"] * len(detections)


# ---- what is to be ignored


def test_what_touches_only_an_ignored_region_counts_for_nothing():
    region = Ignored(bbox=(200.5, 200.5, 210.5, 210.5))  # pixels 201..210
    assert places(disc14([mark(194, 205), mark(193.9, 205)], truth(ignore=[region]))) == ["ignored", "false_positive"]


def test_a_large_region_to_ignore_is_filled():
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    circle = tuple(zip((2000 + 1500 * np.cos(angles)).tolist(), (2000 + 1500 * np.sin(angles)).tolist(), strict=True))
    region = Ignored(bbox=(500, 500, 3500, 3500), polygon=circle)
    account = disc14([mark(2000, 2000), mark(2000, 491), mark(600, 600)], truth(ignore=[region]))
    assert account.ignored.tolist() == [True, False, False]


def test_a_hit_that_also_touches_an_ignored_region_is_a_hit():
    region = Ignored(bbox=(100.5, 90.5, 130.5, 110.5))
    assert places(disc14([mark(100, 100)], truth(point(98, 100), ignore=[region]))) == ["hit"]


def test_a_calcification_whose_pixels_are_all_ignored_is_no_target():
    large = TrueCalcification(x=101, y=101, polygon=BOX, morphology="popcorn")
    region = Ignored(bbox=(99.5, 99.5, 102.5, 102.5), polygon=BOX, reason="typically benign")
    account = disc14([mark(101, 101, 0.9), mark(400, 400)], truth(large, point(300, 300), ignore=[region]))
    assert account.target.tolist() == [False, True]
    assert account.hit_by.tolist() == [-1, -1]
    assert (account.hits, account.misses) == (0, 1)
    assert places(account) == ["ignored", "false_positive"]


def test_a_calcification_that_reaches_out_of_the_ignored_regions_is_a_target():
    # Pixels 100..102, of which the regions leave (101, 101), which borders on them, and (102, 102), which does not.
    large = TrueCalcification(x=101, y=101, polygon=BOX)
    regions = [Ignored(bbox=(99.5, 99.5, 102.5, 100.5)), Ignored(bbox=(99.5, 100.5, 100.5, 102.5))]
    account = disc14([mark(101, 101)], truth(large, ignore=regions))
    assert account.target.tolist() == [True]
    assert account.hits == 1
    last = Ignored(bbox=(101.5, 101.5, 102.5, 102.5))
    assert not disc14([], truth(large, ignore=[*regions, last])).target.any()


def test_a_mark_on_what_is_no_target_still_hits_a_target_it_touches():
    large = TrueCalcification(x=101, y=101, polygon=BOX)
    known = truth(large, point(110, 101), ignore=[Ignored(bbox=(99, 99, 103, 103))])
    account = disc14([mark(105, 101)], known)
    assert account.hit_by.tolist() == [-1, 0]
    assert places(account) == ["hit"]


# ---- distance


def test_a_mark_hits_at_most_so_far_from_the_centre():
    # 1.5 mm are 15 columns or 7.5 rows; the outline, which reaches further, does not matter.
    lesion = TrueCalcification(x=100, y=100, polygon=((70, 70), (130, 70), (130, 130), (70, 130)))
    marks = [mark(115, 100), mark(115.1, 100), mark(100, 107.5), mark(100, 107.6)]
    account = by("distance:1.5", marks, truth(lesion), (0.2, 0.1))
    assert places(account) == ["hit", "false_positive", "duplicate", "false_positive"]


def test_a_mark_so_far_from_a_region_to_ignore_counts_for_nothing():
    region = Ignored(bbox=(200.5, 200.5, 210.5, 210.5))
    account = by("distance:1", [mark(191, 205), mark(190.9, 205)], truth(ignore=[region]), (0.1, 0.1))
    assert places(account) == ["ignored", "false_positive"]


# ---- iou


def test_boxes_hit_from_the_least_iou_on():
    # Pixels 100..102 are a box of 9 px2. One of 3 x 2 px on it: 6 / 9; one of 3 x 3 moved by 1 px: 6 / 12.
    lesion = TrueCalcification(x=101, y=101, polygon=BOX)
    found = boxes((99.5, 99.5, 102.5, 101.5), (100.5, 99.5, 103.5, 102.5), scores=(0.5, 0.6))
    assert places(by("iou:0.5", found, truth(lesion))) == ["duplicate", "hit"]
    assert places(by("iou:0.51", found, truth(lesion))) == ["hit", "false_positive"]
    assert places(by("iou:0.67", found, truth(lesion))) == ["false_positive", "false_positive"]


def test_an_outline_without_area_is_a_box_of_one_pixel():
    found = boxes((99.5, 99.5, 100.5, 100.5))
    speck = TrueCalcification(x=100.2, y=99.9, polygon=((100.2, 99.9), (100.2, 100.1)))
    assert places(by("iou:1", found, truth(speck))) == ["hit"]


def test_an_iou_that_rounding_takes_below_the_least_still_hits():
    # 0.3 px2 of 1 px2, but for the rounding of some earlier sum.
    lesion = TrueCalcification(x=0, y=0, polygon=((0, 0), (1, 0), (1, 1), (0, 1)))
    found = boxes((0, 0, 0.1 + 0.2 - 1e-12, 1))
    assert places(by("iou:0.3", found, truth(lesion))) == ["hit"]


def test_points_have_no_box_to_compare():
    disc = TrueCalcification(x=200, y=100, diameter_mm=0.3)
    ignored = Ignored(bbox=(300, 90, 320, 110))  # the point in it is no target, and need not have a box
    with pytest.raises(
        UsageError, match=r"an outline or a diameter for every target, .*iou:0.5, found 1 points; match by"
    ):
        by("iou:0.5", boxes(), truth(disc, point(100, 100), point(310, 100), ignore=[ignored]))
    assert by("iou:0.5", boxes(), truth(disc, point(310, 100), ignore=[ignored])).target.tolist() == [True, False]


def test_a_mark_of_the_lesions_own_disc_has_an_iou_of_one():
    lesion = TrueCalcification(x=100.3, y=99.6, diameter_mm=0.11)
    assert places(by("iou:1", [mark(100.3, 99.6, diameter_mm=0.11)], truth(lesion))) == ["hit"]


def test_marks_without_a_box_are_an_error_that_names_another_rule():
    marks = [mark(100, 100), mark(100, 100, diameter_mm=0.3)]
    with pytest.raises(UsageError, match=r"a: expected a box.*iou:0.5, found 1 of 2 marks without; match by disc14"):
        by("iou:0.5", marks, truth(point(100, 100)))


def test_a_box_with_that_share_to_ignore_counts_for_nothing():
    # Half of the first, a quarter of the second lies in the region, which is far larger than either.
    region = Ignored(bbox=(-0.5, -0.5, 999.5, 999.5))
    found = boxes((990, 998.5, 994, 1000.5), (990, 997.5, 994, 998.5), (990, 999, 994, 1001))
    assert places(by("iou:0.5", found, truth(ignore=[region]))) == ["ignored", "ignored", "false_positive"]


def test_a_box_without_area_touches_nothing():
    known = truth(TrueCalcification(x=100, y=100, polygon=BOX), ignore=[Ignored(bbox=(0, 0, 50, 50))])
    assert places(by("iou:0.5", boxes((100, 99, 100, 101), (20, 20, 20, 25)), known)) == ["false_positive"] * 2


# ---- cluster

#: A triangle that fills the upper left half of its box.
CORNER = ((100.0, 100.0), (140.0, 100.0), (100.0, 140.0))


def test_a_found_cluster_hits_with_its_centre_in_the_true_one():
    known = truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140), polygon=CORNER)])
    # Centres on the long edge, beyond it, and at a corner.
    found = boxes((118, 118, 122, 122), (119, 119, 123, 123), (98, 98, 102, 102))
    assert places(by("cluster", found, known)) == ["hit", "false_positive", "duplicate"]


def test_a_cluster_without_an_outline_is_its_box():
    known = truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140))])
    found = boxes((119, 119, 123, 123), (138, 138, 142, 142), (138, 138, 142.1, 142))
    assert places(by("cluster", found, known)) == ["hit", "duplicate", "false_positive"]


def test_a_found_cluster_hits_with_an_iou_of_a_fifth():
    # 10 x 10 px; boxes that start 5 px in and end 20 px on share 5 x 10 with it: 50 / (100 + 200 - 50) = 0.2.
    known = truth(clusters=[TrueCluster(bbox=(99.5, 99.5, 109.5, 109.5))])
    found = boxes((104.5, 99.5, 124.5, 109.5), (104.5, 99.5, 124.6, 109.5))
    assert places(by("cluster", found, known)) == ["hit", "false_positive"]


def test_the_overlap_counts_the_pixels_of_the_outline_not_of_its_box():
    # In the empty half: an IoU with the box of 19 x 19 / (40 x 40 + 20 x 20 - 19 x 19) = 0.22, with the triangle of 0.
    known = truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140), polygon=CORNER)])
    assert places(by("cluster", boxes((121, 121, 141, 141)), known)) == ["false_positive"]


def test_the_overlap_with_a_box_is_that_of_boxes_not_of_pixels():
    # 0.4 x 0.4 px on one pixel, found exactly but for its members' mean: an IoU of 1, with the pixel it would be 0.16.
    box = (99.8, 99.8, 100.2, 100.2)
    found = Detections(np.array([[500.0, 500.0]]), np.array([0.5]), np.array([box]), np.array([np.nan]))
    assert places(by("cluster", found, truth(clusters=[TrueCluster(bbox=box)]))) == ["hit"]


def test_found_clusters_without_a_box_hit_by_their_centres():
    known = truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140))])
    assert places(by("cluster", [mark(120, 120), mark(141, 120)], known)) == ["hit", "false_positive"]


def test_a_cluster_within_a_region_to_ignore_is_no_target():
    clusters = [TrueCluster(bbox=(99.5, 99.5, 109.5, 109.5)), TrueCluster(bbox=(299.5, 99.5, 309.5, 109.5))]
    known = truth(clusters=clusters, ignore=[Ignored(bbox=(90.5, 90.5, 120.5, 120.5))])
    account = by("cluster", boxes((100, 100, 109, 109), (300, 100, 309, 109), (110, 110, 119, 119)), known)
    assert account.target.tolist() == [False, True]
    assert places(account) == ["ignored", "hit", "ignored"]


def test_a_cluster_is_no_target_if_none_of_its_known_members_is():
    members = [TrueCalcification(x=x, y=100, diameter_mm=0.2) for x in (100, 150, 200)]
    whole = {"bbox": (90, 90, 210, 110)}
    clusters = [TrueCluster(members=(0, 1), **whole), TrueCluster(members=(1, 2), **whole), TrueCluster(**whole)]
    ignore = [Ignored(bbox=(x - 5, 95, x + 5, 105)) for x in (100, 150)]
    account = by("cluster", boxes(), truth(*members, clusters=clusters, ignore=ignore))
    assert account.target.tolist() == [False, True, True]
    # What is found there is not false.
    known = truth(*members, clusters=clusters[:1], ignore=ignore)
    assert places(by("cluster", boxes((120, 95, 130, 105)), known)) == ["ignored"]


# ---- cluster:marks

FIVE = [mark(120, 120, 0.5), mark(140, 110, 0.9), mark(100, 100, 0.7), mark(130, 130, 0.2), mark(150, 120, 1.0)]


@pytest.mark.parametrize(
    ("needed", "hit_by", "expected"),
    [
        (1, 1, ["duplicate", "hit", "duplicate", "duplicate"]),
        (2, 2, ["duplicate", "hit", "hit", "duplicate"]),
        (3, 0, ["hit", "hit", "hit", "duplicate"]),
        (4, 3, ["hit", "hit", "hit", "hit"]),
        (5, -1, ["duplicate", "duplicate", "duplicate", "duplicate"]),
    ],
)
def test_a_cluster_is_found_by_its_nth_best_mark(needed, hit_by, expected):
    # Four marks lie inside, on the edge and at a corner; the best lies outside.
    account = by(f"cluster:marks={needed}", FIVE, truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140))]))
    assert account.hit_by.tolist() == [hit_by]
    assert places(account) == [*expected, "false_positive"]


def test_of_marks_with_equal_scores_the_first_listed_come_first():
    marks = [mark(110, 110), mark(120, 120), mark(130, 130)]
    account = by("cluster:marks=2", marks, truth(clusters=[TrueCluster(bbox=(100, 100, 140, 140))]))
    assert account.hit_by.tolist() == [1]
    assert places(account) == ["hit", "hit", "duplicate"]


def test_marks_in_a_region_to_ignore_count_for_nothing():
    region = Ignored(bbox=(199.5, 199.5, 209.5, 209.5))
    account = by("cluster:marks=2", [mark(209.5, 205), mark(209.6, 205)], truth(ignore=[region]))
    assert places(account) == ["ignored", "false_positive"]
