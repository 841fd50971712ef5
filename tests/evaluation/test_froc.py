"""FROC on cases worked by hand, and what must hold for any detector."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.froc import LIMIT, POINTS, froc, sensitivity_at
from microcalc.evaluation.matching import match, parse_rule
from microcalc.evaluation.scores import score_image
from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

SPACING = (0.07, 0.07)
MISS = -np.inf


def test_three_lesions_and_two_normal_images(lesion_image, normal_image):
    curve = froc([lesion_image(0.9, MISS), lesion_image(0.6), normal_image(0.8, 0.5), normal_image(0.5)])
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.6, 0.5]
    assert curve.false_positives.tolist() == [0, 0, 0.5, 0.5, 1.5]
    assert curve.sensitivity == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert (curve.lesions, curve.normal_images, curve.denominator, curve.limit) == (3, 2, 2, 50)
    # A third up to 0.5 false positives, two thirds from there on, level beyond the last point.
    assert curve.auc50 == curve.area == pytest.approx((0.5 / 3 + 49.5 * 2 / 3) / 50)


@pytest.mark.parametrize(("false_positives", "sensitivity"), [(0, 1 / 3), (0.49, 1 / 3), (0.5, 2 / 3), (10, 2 / 3)])
def test_sensitivity_at_a_number_of_false_positives(lesion_image, normal_image, false_positives, sensitivity):
    curve = froc([lesion_image(0.9, 0.6, MISS), normal_image(0.8), normal_image()])
    assert curve.sensitivity_at(false_positives) == pytest.approx(sensitivity)


@pytest.mark.parametrize("rate", [-0.1, np.nan])
def test_there_are_no_fewer_than_no_false_positives(lesion_image, normal_image, rate):
    with pytest.raises(UsageError, match="expected a number of false positives, 0 or more"):
        froc([lesion_image(0.9), normal_image(0.8)]).sensitivity_at(rate)


def test_a_lesion_and_a_false_positive_of_equal_score_enter_together(lesion_image, normal_image):
    curve = froc([lesion_image(0.5), normal_image(0.5)])
    assert curve.thresholds.tolist() == [np.inf, 0.5]
    assert curve.sensitivity_at(0.99) == 0
    assert curve.auc50 == pytest.approx(49 / 50)


def test_what_is_found_beyond_fifty_false_positives_adds_nothing(lesion_image, normal_image):
    curve = froc([lesion_image(0.1), normal_image(*np.linspace(0.3, 0.9, 60))])
    assert curve.auc50 == 0
    assert curve.sensitivity_at(59) == 0
    assert curve.sensitivity_at(60) == 1


def test_curves_of_many_false_positives_are_searched_apart():
    # 300, 150 and 300 false positives one by one, lesions found along the way: what a walk down each curve gives.
    steps = np.arange(301.0)
    false = np.stack([steps, np.minimum(steps, 150), steps], axis=1)
    sensitivity = np.stack([steps / 300, steps / 600, steps / 900], axis=1)
    rates = np.array([0.0, 0.5, 1.0, 2.0])  # far from where the curves end
    found = sensitivity_at(false, sensitivity, rates)
    for r, rate in enumerate(rates):
        for c in range(3):
            last = max(i for i in range(301) if false[i, c] <= rate)
            assert found[r, c] == sensitivity[last, c]


def test_without_a_mark_nothing_is_found(lesion_image, normal_image):
    curve = froc([lesion_image(MISS), normal_image()])
    assert (curve.auc50, curve.thresholds.tolist(), curve.sensitivity_at(10)) == (0, [np.inf], 0)


def test_false_positives_count_only_on_images_known_to_be_normal(lesion_image, normal_image):
    curve = froc([lesion_image(0.5, false=[0.9, 0.8]), normal_image(0.7), lesion_image(false=[0.6], normal=None)])
    assert curve.thresholds.tolist() == [np.inf, 0.7, 0.5]
    assert curve.false_positives.tolist() == [0, 1, 1]
    assert curve.normal_images == 1


@pytest.mark.parametrize(
    ("level", "units", "at_none"),
    [
        # What scores above the false positive of 0.5: two of five lesions, in two of four images, two of three breasts
        # and one of two patients.
        ("calcification", 5, 2 / 5),
        ("image", 4, 2 / 4),
        ("breast", 3, 2 / 3),
        ("patient", 2, 1 / 2),
    ],
)
def test_what_holds_lesions_is_found_with_the_best_of_them(lesion_image, normal_image, level, units, at_none):
    images = [
        lesion_image(0.9, 0.2, path="1", patient="p", side="L"),
        lesion_image(MISS, path="2", patient="p", side="L"),
        lesion_image(0.6, path="3", patient="p", side="R"),
        lesion_image(0.3, path="4", patient="q", side="L"),
        normal_image(0.5, path="5", patient="q", side="R"),
    ]
    curve = froc(images, level=level)
    assert curve.lesions == units
    assert curve.sensitivity_at(0) == pytest.approx(at_none)
    assert curve.sensitivity[-1] == (0.8 if level == "calcification" else 0.75 if level == "image" else 1)


def test_a_level_goes_with_a_rule_that_looks_for_it(lesion_image, normal_image):
    clusters = [lesion_image(0.5, rule="cluster"), normal_image(0.7, rule="cluster")]
    assert froc(clusters, level="cluster").lesions == froc(clusters, level="image").lesions == 1
    with pytest.raises(UsageError, match="of the level calcification, found cluster, which looks"):
        froc(clusters, level="calcification")
    with pytest.raises(UsageError, match="found disc14, which"):
        froc([lesion_image(0.5), normal_image(0.7)], level="cluster")


def test_what_would_give_a_plausible_number_is_refused(lesion_image, normal_image):
    images = [lesion_image(0.5, path="a"), normal_image(0.7, path="b")]
    with pytest.raises(UsageError, match=r"expected a level: calcification, .*found 'breasts'"):
        froc(images, level="breasts")
    with pytest.raises(UsageError, match=r"expected a way to count false positives: image, .*found 'images'"):
        froc(images, per="images")
    with pytest.raises(UsageError, match=r"matched by one rule, found disc14 and distance:1"):
        froc([*images, normal_image(0.2, rule="distance:1")])
    with pytest.raises(UsageError, match=r"b: expected each image once, found 1 images listed more than once"):
        froc([*images, normal_image(0.2, path="b")])


def test_false_positives_per_area_of_breast(lesion_image, normal_image):
    images = [normal_image(0.8, 0.5, area=30.0), normal_image(area=70.0)]
    images += [lesion_image(0.6, false=[0.9], area=None), lesion_image(false=[0.7], normal=None, area=25.0)]
    curve = froc(images, per="cm2")
    assert curve.false_positives.tolist() == [0, 0.01, 0.01, 0.02]
    assert (curve.denominator, curve.limit, curve.normal_images) == (100, LIMIT["cm2"], 2)
    # Nothing up to 0.01 per cm2, all from there up to the limit.
    assert curve.area == pytest.approx((LIMIT["cm2"] - 0.01) / LIMIT["cm2"])
    assert [curve.sensitivity_at(point) for point in POINTS["cm2"]] == [0, 1, 1, 1, 1]
    with pytest.raises(UsageError, match="expected false positives per image, for AUC50"):
        _ = curve.auc50


def test_without_normal_images_the_area_of_all_counts(lesion_image):
    images = [lesion_image(0.6, false=[0.9], area=40.0), lesion_image(false=[0.7], normal=None, area=60.0)]
    curve = froc(images, per="cm2")
    assert curve.false_positives.tolist() == [0, 0.01, 0.02, 0.02]
    assert (curve.denominator, curve.normal_images) == (100, 0)


@pytest.mark.parametrize(("area", "found"), [(None, "none"), (0.0, "0 cm2")])
def test_an_area_that_is_needed_has_to_be_known(lesion_image, normal_image, area, found):
    images = [lesion_image(0.5), normal_image(0.7, area=50.0), normal_image(path="b.png", area=area)]
    with pytest.raises(UsageError, match=rf"b\.png: expected the area of the breast.*found {found};.*--per image"):
        froc(images, per="cm2")


@pytest.mark.parametrize("per", ["image", "legacy"])
def test_a_curve_needs_normal_images_and_lesions(lesion_image, normal_image, per):
    with pytest.raises(UsageError, match=r"expected an image marked normal.*found none in 1 images.*--per cm2"):
        froc([lesion_image(0.5)], per=per)
    with pytest.raises(UsageError, match=r"expected a target lesion.*found none in 1 images"):
        froc([normal_image(0.5)], per=per)
    with pytest.raises(UsageError, match="found none in 0 images"):
        froc([], per=per)


def test_legacy_divides_by_all_images_and_stops_at_its_last_point(lesion_image, normal_image):
    images = [
        lesion_image(0.9, MISS),
        lesion_image(0.6, false=[0.7]),
        normal_image(0.8, 0.5),
        normal_image(0.5),
        normal_image(),
    ]
    ours, legacy = froc(images), froc(images, per="legacy")
    # Three normal images against four images on which something is, found or not.
    assert (ours.denominator, legacy.denominator) == (3, 4)
    assert ours.false_positives == pytest.approx([0, 0, 1 / 3, 1 / 3, 1])
    assert legacy.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.6, 0.5]
    assert legacy.false_positives.tolist() == [0, 0, 0.25, 0.25, 0.25, 0.75]
    assert legacy.sensitivity == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    # Ours: a third up to 1/3, two thirds up to 50. Legacy: a third up to 1/4, two thirds up to 3/4, over 3/4.
    assert ours.auc50 == pytest.approx((1 / 3 * 1 / 3 + (50 - 1 / 3) * 2 / 3) / 50)
    assert legacy.auc50 == pytest.approx((1 / 4 * 1 / 3 + 1 / 2 * 2 / 3) / (3 / 4))
    assert legacy.auc50 / ours.auc50 == pytest.approx(250 / 299)  # 5/9 over 299/450


def test_legacy_goes_on_to_the_first_point_beyond_fifty(lesion_image, normal_image):
    # Of 120 false positives on two images, 60 come before the second lesion: the first point beyond 50 is at 50.5.
    images = [lesion_image(0.95, 0.5), normal_image(*np.linspace(0.9, 0.6, 60), *np.linspace(0.4, 0.1, 60))]
    assert froc(images).auc50 == 0.5
    assert froc(images, per="legacy").auc50 == pytest.approx((30 * 0.5 + 20.5) / 50.5)


def test_legacy_joins_its_points_by_straight_lines_from_the_first(lesion_image, normal_image):
    # Points (0.5, 0), (1, 1): the lesion and a false positive enter together. The triangle, over 1.
    images = [lesion_image(0.5), normal_image(0.7, 0.5)]
    assert froc(images, per="legacy").area == pytest.approx(0.25)
    # A point at (0, 0) comes first when the highest score is a mark that is not counted, as in the public code.
    images = [lesion_image(0.5, false=[0.9]), normal_image(0.5, 0.5)]
    assert froc(images, per="legacy").area == pytest.approx(0.5)


@pytest.mark.parametrize("false", [[], [0.4] * 101], ids=["no false positive", "a single point"])
def test_legacy_has_no_area_without_a_width(lesion_image, normal_image, false):
    assert np.isnan(froc([lesion_image(0.4), normal_image(*false)], per="legacy").area)


def mark(x, score):
    return Calcification(x=x, y=100, score=score)


def scored(marks, truth):
    detections, rule = Detections.of_marks(marks, SPACING), parse_rule("disc14")
    return score_image(detections, match(detections, truth, rule, SPACING), truth, rule)


def test_an_image_gives_its_lesions_and_its_false_positives():
    lesions = [TrueCalcification(x=x, y=100) for x in (100, 500, 700)]
    ignore = [Ignored(bbox=(690, 90, 710, 110), reason="over 1 mm")]
    truth = ImageTruth(path="a", patient="p", calcifications=lesions, ignore=ignore, breast_area_cm2=80)
    scores = scored([mark(100, 0.4), mark(103, 0.6), mark(300, 0.5), mark(700, 0.9)], truth)
    assert scores.lesions.tolist() == [0, 1]  # the third lies within what is to be ignored
    assert scores.targets == lesions[:2]
    assert scores.best.tolist() == [0.6, MISS]
    assert scores.false_positives.tolist() == [0.5]
    assert scores.highest == 0.6
    assert (scores.normal, scores.patient, scores.breast_area_cm2) == (False, "p", 80)
    kept = scores.keep(np.array([False, True]))
    assert (kept.lesions.tolist(), kept.best.tolist(), kept.false_positives.tolist()) == ([1], [MISS], [0.5])


def test_a_duplicate_may_be_the_highest_of_an_image():
    # Two marks of the three that a cluster asks for: it is missed, but they are no false positives.
    truth = ImageTruth(path="a", clusters=[TrueCluster(bbox=(90, 90, 110, 110))])
    detections, rule = Detections.of_marks([mark(100, 0.9), mark(105, 0.8)], SPACING), parse_rule("cluster:marks=3")
    scores = score_image(detections, match(detections, truth, rule, SPACING), truth, rule)
    assert (scores.best.tolist(), scores.highest) == ([MISS], 0.9)


def test_a_normal_image_without_a_mark():
    scores = scored([], ImageTruth(path="a", normal=True))
    assert (scores.normal, scores.highest, scores.false_positives.size) == (True, -np.inf, 0)


SCORES = st.integers(1, 20).map(lambda n: n / 20)
LESIONS = st.lists(st.lists(SCORES | st.just(MISS), min_size=1, max_size=4), min_size=1, max_size=5)
FALSE = st.lists(st.lists(SCORES, max_size=5), min_size=1, max_size=5)
PER = st.sampled_from(["image", "cm2", "legacy"])


@pytest.fixture(scope="session")
def build(lesion_image, normal_image):
    """Images from lists of best scores and of false positives, with a mark on an image with lesions besides."""

    def images(lesions, false):
        of_lesions = [lesion_image(*best, path=f"l{i}", false=[0.35], area=50.0) for i, best in enumerate(lesions)]
        return of_lesions + [normal_image(*marks, path=f"n{i}", area=60.0) for i, marks in enumerate(false)]

    return images


@settings(max_examples=50, deadline=None)
@given(lesions=LESIONS, false=FALSE, per=PER)
def test_a_curve_is_what_counting_at_every_threshold_gives_and_never_falls(build, lesions, false, per):
    curve = froc(build(lesions, false), per=per)
    best, marks = np.concatenate(lesions), np.concatenate(false)
    assert curve.sensitivity == pytest.approx([(best >= t).mean() for t in curve.thresholds])
    if per == "legacy":  # marks beside lesions make points too, and all images with anything are divided by
        expected, by = [*marks, 0.35], len(lesions) + sum(map(bool, false))
    else:
        expected, by = marks, len(false) if per == "image" else 60 * len(false)
    distinct = sorted({s for s in [*best, *expected] if np.isfinite(s)}, reverse=True)
    assert curve.thresholds.tolist() == [np.inf, *distinct]
    assert curve.denominator == by
    assert curve.false_positives == pytest.approx([(marks >= t).sum() / by for t in curve.thresholds])
    assert (np.diff(curve.sensitivity) >= 0).all()
    assert (np.diff(curve.false_positives) >= 0).all()
    assert np.isnan(curve.area) if per == "legacy" and not marks.size else 0 <= curve.area <= 1


@settings(max_examples=50, deadline=None)
@given(lesions=LESIONS, false=FALSE, per=PER, order=st.randoms(use_true_random=False))
def test_the_order_of_the_images_does_not_matter(build, lesions, false, per, order):
    images = build(lesions, false)
    curve = froc(images, per=per)
    order.shuffle(images)
    shuffled = froc(images, per=per)
    assert shuffled.false_positives.tolist() == curve.false_positives.tolist()
    assert shuffled.sensitivity.tolist() == curve.sensitivity.tolist()


@settings(max_examples=50, deadline=None)
@given(lesions=LESIONS, false=FALSE, per=PER, power=st.floats(0.1, 10))
def test_only_the_order_of_the_scores_matters(lesion_image, normal_image, build, lesions, false, per, power):
    def mapped(lists):
        return [[s if s == MISS else s**power for s in scores] for scores in lists]

    plain = froc(build(lesions, false), per=per)
    # The mark beside lesions, whose score `build` fixes, has to move along.
    images = [
        lesion_image(*best, path=f"l{i}", false=[0.35**power], area=50.0) for i, best in enumerate(mapped(lesions))
    ] + [normal_image(*marks, path=f"n{i}", area=60.0) for i, marks in enumerate(mapped(false))]
    raised = froc(images, per=per)
    assert raised.false_positives.tolist() == plain.false_positives.tolist()
    assert raised.sensitivity.tolist() == plain.sensitivity.tolist()


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=5), false=FALSE, per=st.sampled_from(["image", "cm2"]))
def test_a_perfect_detector_scores_one_and_a_silent_one_nothing(build, counts, false, per):
    assert froc(build([[2.0] * n for n in counts], false), per=per).area == pytest.approx(1)
    assert froc(build([[MISS] * n for n in counts], false), per=per).area == 0
