"""Average precision and recall of a detector, with intervals."""

import pytest

from microcalc.benchmark.boxes import box_numbers
from microcalc.evaluation.bootstrap import resample
from microcalc.truth import ImageTruth, TrueCalcification


def truth(name, *centres):
    lesions = tuple(TrueCalcification(x=x, y=y, diameter_mm=0.3) for x, y in centres)
    return ImageTruth(
        path=f"{name}.png", patient=name, spacing_mm=(0.07, 0.07), normal=not lesions, calcifications=lesions
    )


def test_numbers_worked_by_hand(make_scored):
    """The first image is all right: one mark 4 px off, at 2 of 10 IoUs. The second has a false mark alone, which leads.

    By falling score: false, hit. Precision 1/2 up to a recall of 1; recall 2/10.
    """
    truths = [truth("a", (100, 100)), truth("b")]
    (system,) = make_scored(truths, first=(((104, 100, 0.5),), ((300, 300, 0.9),)))
    numbers = box_numbers(system, resample(truths, draws=100))
    assert (numbers.average_precision.value, numbers.average_recall.value) == pytest.approx((0.5, 0.2))
    assert numbers.average_precision.n == numbers.average_recall.n == 1
    assert numbers.average_precision.low is None
    assert numbers.average_precision.remark == "no interval: all lesions are of one patient"


def test_intervals_draw_patients(make_scored):
    """Of four patients each alike, two are all found and two not at all: a draw has k of 4 found, 0 to 4.

    With k found in front of 4 - k false, precision is 1 up to a recall of k/4, that is for 25 k + 1 of the 101 recalls,
    but for none where k = 0. One draw in 16 has k = 0 and as many k = 4: more than the 2.5 % beyond either end.
    """
    truths = [truth(name, (100, 100)) for name in "abcd"]
    right, wrong = ((100, 100, 0.9),), ((300, 300, 0.1),)
    (system,) = make_scored(truths, first=(right, right, wrong, wrong))
    numbers = box_numbers(system, resample(truths, draws=400))
    ap, recall = numbers.average_precision, numbers.average_recall
    assert (ap.low, ap.value, ap.high) == pytest.approx((0, 51 / 101, 1))
    assert (recall.low, recall.value, recall.high) == pytest.approx((0, 0.5, 1))
