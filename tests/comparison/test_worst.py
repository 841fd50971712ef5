"""Which lesions and false positives are the worst of a system: worked by hand at 0.1 mm a pixel."""

import dataclasses

import numpy as np
import pytest

from microcalc.comparison.worst import worst_false_positives, worst_misses
from microcalc.evaluation.matching import parse_rule
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

LESIONS = (
    TrueCalcification(x=100, y=200, diameter_mm=0.4, snr=6.0, morphology="punctate"),
    TrueCalcification(x=160, y=100, polygon=((158, 98), (163, 98), (163, 102), (158, 102))),
    TrueCalcification(x=200, y=300, diameter_mm=0.2, snr=9.0),
    TrueCalcification(x=50, y=350, snr=12.0),
    TrueCalcification(x=240, y=350, diameter_mm=0.8),
)
#: Two hits, below and above the threshold 0.5.
FOUND = ((200, 300, 0.2), (50, 350, 0.9))
FALSE = ((100, 100, 0.8), (144, 100, 0.95), (100, 250, 0.7))


@pytest.fixture
def score(make_scored):
    def score(**of_image):
        truths = (
            ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), calcifications=LESIONS),
            ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),
        )
        return make_scored(truths, **of_image)

    return score


def facts(spot):
    return dict(spot.facts)


def test_never_found_come_first_then_by_snr_then_by_size(score):
    worst = worst_misses(score(first=(FOUND, FALSE)), 0)
    # SNR 6; then without SNR the disc of 0.8 mm before the outline of 0.5 mm; last the one found at 0.2.
    assert [spot.centre for spot in worst.spots] == [(100, 200), (240, 350), (160.5, 100), (200, 300)]
    assert worst.total == 4
    assert facts(worst.spots[0]) == {
        **{"score": "not found", "size": "0.40 mm", "SNR": "6.0", "morphology": "punctate", "x, y": "100, 200"},
    }
    assert facts(worst.spots[2]) == {"score": "not found", "size": "0.50 mm", "x, y": "160, 100"}
    assert facts(worst.spots[3])["score"] == "0.200"


def test_without_a_threshold_only_what_is_never_found_is_missed(score):
    assert worst_misses(score(first=(FOUND, FALSE), threshold=None), 0).total == 3


def test_what_others_score_a_missed_lesion_is_said(score):
    scored = score(first=(FOUND, FALSE), second=(((100, 200, 0.75),), ()))
    assert facts(worst_misses(scored, 0).spots[0])["score of second"] == "0.750"
    assert facts(worst_misses(scored, 1).spots[0])["score of first"] == "0.900"


def test_false_positives_come_by_score_and_one_within_anothers_crop_is_counted_only(score):
    worst = worst_false_positives(score(first=(FOUND, FALSE))[0])
    # Half a crop is 4.5 mm, 45 pixels: that at (100, 100) lies 44 from the best.
    assert [(spot.image, spot.centre, facts(spot)["score"]) for spot in worst.spots] == [
        (1, (144, 100), "0.950"),
        (1, (100, 250), "0.700"),
    ]
    assert worst.total == 3
    assert facts(worst.spots[0])["false on this image"] == "3"


def test_at_most_three_false_positives_of_one_image_are_shown(make_scored):
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), calcifications=LESIONS),
        *(ImageTruth(path=f"n{i}.png", spacing_mm=(0.1, 0.1), normal=True) for i in range(2)),
    )
    # 100 pixels apart, farther than any crop reaches.
    bad = [(100 * i, 0, 0.9 - i / 100) for i in range(5)]
    worst = worst_false_positives(make_scored(truths, first=((), bad, ((7, 7, 0.1),)))[0])
    assert [(spot.image, spot.centre) for spot in worst.spots] == [
        (1, (0, 0)),
        (1, (100, 0)),
        (1, (200, 0)),
        (2, (7, 7)),
    ]
    assert [facts(spot)["false on this image"] for spot in worst.spots] == ["5", "5", "5", "1"]
    assert worst.total == 6


def test_without_a_normal_image_those_that_the_curve_counts_are_shown(make_scored):
    truths = (ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), calcifications=LESIONS),)
    worst = worst_false_positives(make_scored(truths, first=(((20, 20, 0.99),),))[0])
    assert ([spot.centre for spot in worst.spots], worst.total) == ([(20, 20)], 1)


def test_false_positives_elsewhere_are_not_shown(score):
    beside = ((20, 20, 0.99),)
    assert worst_false_positives(score(first=(beside, ()))[0]).total == 0


def test_the_outline_is_the_lesions_own_or_a_disc(score):
    misses = worst_misses(score(first=(FOUND, FALSE)), 0).spots
    assert misses[2].outline.tolist() == [[158, 98], [163, 98], [163, 102], [158, 102]]
    # 0.4 mm are 4 pixels across.
    np.testing.assert_allclose(np.hypot(*(misses[0].outline - (100, 200)).T), 2)
    mark = worst_false_positives(score(first=(FOUND, FALSE))[0]).spots[0]
    # disc14: 14 pixels of 0.07 mm.
    np.testing.assert_allclose(np.hypot(*(mark.outline - mark.centre).T), 4.9)


def test_a_large_cluster_is_shown_whole(make_scored):
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), clusters=(TrueCluster(bbox=(50, 50, 250, 150)),)),
        ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),
    )
    (spot,) = worst_misses(make_scored(truths, rule="cluster", first=((), ())), 0).spots
    # 20 mm and a margin of 2 mm on each side.
    assert (spot.centre, spot.shown_mm) == ((150, 100), 24)
    assert spot.outline.tolist() == [[50, 50], [250, 50], [250, 150], [50, 150]]


def test_what_lies_within_a_large_clusters_crop_is_not_shown_again(make_scored):
    """A crop of 24 mm reaches 120 pixels to each side of (150, 100)."""
    boxes = ((50, 50, 250, 150), (230, 90, 250, 110), (280, 90, 300, 110))
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), clusters=tuple(TrueCluster(bbox=box) for box in boxes)),
        ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),
    )
    worst = worst_misses(make_scored(truths, rule="cluster", first=((), ())), 0)
    assert ([spot.centre for spot in worst.spots], worst.total) == ([(150, 100), (290, 100)], 3)


def test_lengths_keep_to_the_axis_of_their_spacing(make_scored):
    """Rows of 0.1 mm, columns of 0.05: a disc of 0.4 mm is 8 pixels wide and 4 high."""
    lesions = (
        TrueCalcification(x=100, y=200, diameter_mm=0.4, snr=9.0),
        # 6 mm to the right, beyond the 4.5 that a crop shows; 12 were the axes exchanged, and 3 mm below: 30 rows.
        TrueCalcification(x=220, y=200, diameter_mm=0.4, snr=8.0),
        TrueCalcification(x=100, y=230, diameter_mm=0.4, snr=7.0),
    )
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.05), calcifications=lesions),
        ImageTruth(path="n.png", spacing_mm=(0.1, 0.05), normal=True),
    )
    spots = worst_misses(make_scored(truths, first=((), ())), 0).spots
    assert [spot.centre for spot in spots] == [(100, 200), (220, 200)]
    assert facts(spots[0])["size"] == "0.40 mm"
    np.testing.assert_allclose(np.ptp(spots[0].outline, axis=0), [8, 4])


def test_a_false_positive_is_drawn_as_the_rule_takes_it(make_scored):
    lesion = TrueCalcification(x=100, y=200, diameter_mm=0.4)
    truths = (
        ImageTruth(path="a.png", spacing_mm=(0.1, 0.1), calcifications=(lesion,)),
        ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),
    )

    def size(scored):
        (spot,) = worst_false_positives(scored).spots
        return np.ptp(spot.outline, axis=0)

    def of_rule(rule):
        return make_scored(truths, rule=rule, first=((), ((50, 60, 0.9),)))[0]

    # The disc of 14 pixels of 0.07 mm, and one of 2 mm in radius.
    np.testing.assert_allclose(size(of_rule("disc14")), 9.8)
    np.testing.assert_allclose(size(of_rule("distance:2")), 40)
    scored = of_rule("disc14")
    lesion_image, normal = scored.images
    boxed = dataclasses.replace(
        normal,
        detections=dataclasses.replace(normal.detections, boxes=np.array([[47.0, 58, 53, 62]])),
        scores=dataclasses.replace(normal.scores, rule=parse_rule("iou:0.5")),
    )
    np.testing.assert_allclose(size(dataclasses.replace(scored, images=(lesion_image, boxed))), [6, 4])


def test_no_lesion_and_no_detection(make_scored):
    truths = (ImageTruth(path="n.png", spacing_mm=(0.1, 0.1), normal=True),)
    scored = make_scored(truths, first=((),))
    assert worst_misses(scored, 0).spots == worst_false_positives(scored[0]).spots == ()
