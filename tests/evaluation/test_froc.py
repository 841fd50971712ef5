"""FROC on cases worked by hand."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.froc import ImageScores, auc50_interval, froc, froc_by_snr, score_image
from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, TrueCalcification

SPACING = (0.07, 0.07)
MISS = -np.inf


def lesion_image(*scores, patient="p", snr=None):
    snr = np.full(len(scores), np.nan) if snr is None else np.array(snr, np.float64)
    return ImageScores(patient, False, np.array(scores, np.float64), snr, np.empty(0))


def normal_image(*false_positives, patient="p"):
    return ImageScores(patient, True, np.empty(0), np.empty(0), np.array(false_positives, np.float64))


def mark(x, score):
    return Calcification(x=x, y=100, score=score)


def lesion(x, snr=None):
    return TrueCalcification(x=x, y=100, snr=snr)


def test_three_lesions_and_two_normal_images():
    curve = froc([lesion_image(0.9, MISS), lesion_image(0.6), normal_image(0.8, 0.5), normal_image(0.5)])
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.6, 0.5]
    assert curve.false_positives.tolist() == [0, 0, 0.5, 0.5, 1.5]
    assert curve.sensitivity == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert (curve.lesions, curve.normal_images) == (3, 2)
    # A third up to 0.5 false positives, two thirds from there on, level beyond the last point.
    assert curve.auc50 == pytest.approx((0.5 / 3 + 49.5 * 2 / 3) / 50)


@pytest.mark.parametrize(("false_positives", "sensitivity"), [(0, 1 / 3), (0.49, 1 / 3), (0.5, 2 / 3), (10, 2 / 3)])
def test_sensitivity_at_a_number_of_false_positives(false_positives, sensitivity):
    curve = froc([lesion_image(0.9, 0.6, MISS), normal_image(0.8), normal_image()])
    assert curve.sensitivity_at(false_positives) == pytest.approx(sensitivity)


def test_a_lesion_and_a_false_positive_of_equal_score_enter_together():
    curve = froc([lesion_image(0.5), normal_image(0.5)])
    assert curve.thresholds.tolist() == [np.inf, 0.5]
    assert curve.sensitivity_at(0.99) == 0
    assert curve.auc50 == pytest.approx(49 / 50)


def test_what_is_found_beyond_fifty_false_positives_adds_nothing():
    curve = froc([lesion_image(0.1), normal_image(*np.linspace(0.3, 0.9, 60))])
    assert curve.auc50 == 0
    assert curve.sensitivity_at(59) == 0
    assert curve.sensitivity_at(60) == 1


def test_without_a_mark_nothing_is_found():
    assert froc([lesion_image(MISS), normal_image()]).auc50 == 0


def test_a_curve_needs_normal_images_and_lesions():
    with pytest.raises(UsageError, match=r"expected an image marked normal.*found none in 1 images"):
        froc([lesion_image(0.5)])
    with pytest.raises(UsageError, match="expected a target lesion"):
        froc([normal_image(0.5)])
    with pytest.raises(UsageError, match="found none in 0 images"):
        froc([])


def test_of_two_hits_on_one_lesion_the_better_counts():
    truth = ImageTruth(path="a", normal=False, calcifications=(lesion(100), lesion(500)))
    scores = score_image([mark(100, 0.4), mark(103, 0.9), mark(300, 0.7)], truth, SPACING)
    assert scores.lesions.tolist() == [0.9, MISS]
    assert scores.false_positives.size == 0  # only normal images count them


@pytest.mark.parametrize("normal", [False, None])
def test_false_positives_count_only_on_images_known_to_be_normal(normal):
    marks = [mark(100, 0.4), mark(300, 0.7), mark(700, 0.8)]
    ignore = (Ignored(bbox=(690, 90, 710, 110)),)
    known = score_image(marks, ImageTruth(path="a", normal=True, ignore=ignore), SPACING)
    other = score_image(marks, ImageTruth(path="a", normal=normal, ignore=ignore), SPACING)
    assert (known.normal, known.false_positives.tolist()) == (True, [0.4, 0.7])
    assert (other.normal, other.false_positives.size) == (False, 0)


def test_a_calcification_within_an_ignored_region_is_no_target():
    big = TrueCalcification(x=100, y=100, snr=20)
    ignore = (Ignored(bbox=(80, 80, 120, 120), reason="over 1 mm"),)
    truth = ImageTruth(path="a", normal=False, calcifications=(big, lesion(500, snr=4)), ignore=ignore)
    scores = score_image([mark(100, 0.9), mark(500, 0.8)], truth, SPACING)
    assert scores.lesions.tolist() == [0.8]
    assert scores.snr.tolist() == [4]


def test_bands_hold_their_lower_end_and_share_the_false_positives():
    images = [lesion_image(0.9, MISS, 0.6, 0.3, snr=[3, 4.9, 5, np.nan]), normal_image(0.7, 0.5)]
    faint, clear = froc_by_snr(images).items()
    assert (faint[0], clear[0]) == ((3, 5), (5, 8))
    assert (faint[1].lesions, clear[1].lesions) == (2, 1)
    assert [faint[1].sensitivity_at(n) for n in (0, 1, 2)] == [0.5, 0.5, 0.5]
    assert [clear[1].sensitivity_at(n) for n in (0, 1, 2)] == [0, 1, 1]


def test_the_curve_is_what_counting_at_every_threshold_gives():
    rng = np.random.default_rng(0)
    lesions, marks = rng.integers(0, 30, (6, 5)) / 30, rng.integers(0, 30, (4, 8)) / 30
    curve = froc([*(lesion_image(*row) for row in lesions), *(normal_image(*row) for row in marks)])
    for threshold, rate, sensitivity in zip(curve.thresholds, curve.false_positives, curve.sensitivity, strict=True):
        assert rate == (marks >= threshold).sum() / 4
        assert sensitivity == pytest.approx((lesions >= threshold).sum() / 30)


def patient(name, score):
    return [lesion_image(score, patient=name), normal_image(patient=name)]


def test_the_interval_resamples_patients():
    # AUC50 is 1, a half or 0 as the first patient is drawn twice, once or never: with odds 1, 2, 1 in 4.
    images = [*patient("a", 0.5), *patient("b", MISS)]
    assert auc50_interval(images) == (0, 1)
    assert auc50_interval(images, level=0.4) == (0.5, 0.5)
    # Images of one patient are always drawn together.
    together = [*patient("a", 0.5), *patient("a", MISS)]
    assert auc50_interval(together) == (0.5, 0.5)


def test_resamples_without_a_curve_are_left_out():
    # Only the draws with both have a curve.
    images = [lesion_image(0.5, patient="a"), normal_image(0.7, patient="b")]
    assert auc50_interval(images) == pytest.approx((49 / 50, 49 / 50))


def test_the_interval_needs_the_patients():
    with pytest.raises(UsageError, match=r"expected a patient for every image.*found 2 without"):
        auc50_interval([*patient(None, 0.5), *patient("b", 0.5)])
