"""Boxes of 14 px: cases worked by hand, and COCO's own code as the outside witness."""

import contextlib
import io

import numpy as np
import pytest

from microcalc.evaluation.average_precision import IOUS, MOST, SIDE_MM, BoxRanking, match_boxes
from microcalc.evaluation.detections import Detections
from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, TrueCalcification

#: Boxes of 0.98 mm are 14 px here.
SPACING = (0.07, 0.07)


def marks(*rows):
    return Detections.of_marks([Calcification(x=x, y=y, score=score) for x, y, score in rows], None)


def truth(*centres, ignore=()):
    lesions = tuple(TrueCalcification(x=x, y=y) for x, y in centres)
    parts = tuple(Ignored(bbox=box) for box in ignore)
    return ImageTruth(path="a.png", calcifications=lesions, ignore=parts)


def matched(found, known, spacing=SPACING):
    return match_boxes(found, known, np.arange(len(known.calcifications)), spacing)


def at_half(match):
    return match.hit[0].tolist(), match.ignored[0].tolist()


def precision(*images):
    return BoxRanking.of(images).average_precision(np.ones(len(images)))


class TestOneImage:
    def test_the_overlap_decides(self):
        """Shifted by s of 14 px along x, the IoU is (14 - s) / (14 + s): 0.556 for 4 px, 0.474 for 5."""
        match = matched(marks((104, 100, 0.9), (205, 100, 0.8)), truth((100, 100), (200, 100)))
        assert at_half(match)[0] == [True, False]
        assert match.hit[:, 0].sum() == 2  # at 0.5 and 0.55
        assert pytest.approx(14 * 0.07) == SIDE_MM

    def test_a_second_mark_on_a_calcification_is_false(self):
        match = matched(marks((100, 100, 0.6), (101, 100, 0.9)), truth((100, 100)))
        assert match.scores.tolist() == [0.9, 0.6]
        assert at_half(match) == ([True, False], [False, False])

    def test_a_mark_takes_what_it_overlaps_most_with_of_what_is_left(self):
        """The best mark takes the right one, the next, nearer to that too, has to take the left one."""
        match = matched(marks((104, 100, 0.9), (103, 100, 0.8)), truth((100, 100), (105, 100)))
        assert at_half(match)[0] == [True, True]
        assert match.hit[1].tolist() == [True, True]  # 3 px from the left one: 11 / 17 = 0.647
        assert match.hit[3].tolist() == [True, False]

    def test_a_long_queue_is_worked_off_in_order(self):
        """Marks 2 px apart before calcifications 2 px apart: each mark finds its own, whoever comes first."""
        centres = [(100 + 2 * i, 100) for i in range(12)]
        queue = [(x, y, 0.9 - 0.01 * ((5 * i) % 12)) for i, (x, y) in enumerate(centres)]
        assert matched(marks(*queue), truth(*centres)).hit.all()

    def test_regions_to_ignore_are_at_least_as_large_as_the_boxes(self):
        """A speck to ignore of 2 px; the mark 6 px from it shares 8 of 14 columns, that 8 px from it 6."""
        speck = (299, 99, 301, 101)
        match = matched(marks((306, 100, 0.9), (308, 100, 0.8)), truth((100, 100), ignore=[speck]))
        assert at_half(match) == ([False, False], [True, False])

    def test_a_large_region_to_ignore_takes_any_number_of_marks(self):
        found = marks((250, 250, 0.9), (252, 250, 0.8), (150, 250, 0.7))
        assert at_half(matched(found, truth((100, 100), ignore=[(200, 200, 300, 300)])))[1] == [True, True, False]

    def test_boxes_are_of_mm_whatever_the_pixels_are(self):
        """At 0.14 mm a row the box is 7 px high: 2 px off give 5 / 9 = 0.556, 3 px 4 / 10."""
        match = matched(marks((100, 102, 0.9), (200, 103, 0.8)), truth((100, 100), (200, 100)), (0.14, 0.07))
        assert at_half(match)[0] == [True, False]

    def test_the_best_hundred_take_part(self):
        rows = [(20.0 * i, 100, 0.9 - i / 1000) for i in range(MOST + 1)]
        match = matched(marks(*rows), truth((20.0 * MOST, 100)))
        assert (match.scores.size, match.hit.any()) == (MOST, False)


class TestOfASet:
    def test_a_mean_over_101_recalls(self):
        """Of two calcifications the first and third mark hit: precision 1 up to a recall of 1/2, 2/3 up to 1.

        51 recalls reach 0.50, 50 more reach 1: (51 + 50 x 2/3) / 101 = 0.8350.
        """
        found = marks((100, 100, 0.9), (500, 500, 0.8), (200, 100, 0.7))
        assert precision(matched(found, truth((100, 100), (200, 100)))) == pytest.approx((51 + 100 / 3) / 101)

    def test_what_is_not_found_counts_as_precision_0(self):
        """One of two found, and nothing false: 51 of 101."""
        found = marks((100, 100, 0.9))
        assert precision(matched(found, truth((100, 100), (200, 100)))) == pytest.approx(51 / 101)

    def test_images_weigh_as_often_as_they_are_drawn(self):
        """The first image is all right, the second has a false mark alone, that comes first."""
        first = matched(marks((100, 100, 0.5)), truth((100, 100)))
        second = matched(marks((100, 100, 0.9)), truth())
        ranking = BoxRanking.of([first, second])
        drawn = [ranking.average_precision(np.array(weights, float)) for weights in ([1, 0], [1, 1], [1, 2], [0, 2])]
        assert drawn[:3] == pytest.approx([1, 1 / 2, 1 / 3])
        assert np.isnan(drawn[3])

    def test_recall_is_a_mean_over_ten_overlaps(self):
        """4 px off: found at two of ten; right on: at all."""
        image = matched(marks((104, 100, 0.9), (200, 100, 0.8)), truth((100, 100), (200, 100)))
        ranking = BoxRanking.of([image, matched(marks(), truth())])
        assert ranking.recalled().tolist() == pytest.approx([1.2, 0])
        assert ranking.targets.tolist() == [2, 0]

    def test_nothing_found(self):
        assert precision(matched(marks(), truth((100, 100)))) == 0.0


def test_coco_says_the_same():
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    rng = np.random.default_rng(5)
    matches, annotations, results = [], [], []
    for number in range(1, 5):
        lesions = rng.uniform(50, 150, (30, 2))
        found = np.concatenate([lesions[:25] + rng.normal(0, 2.5, (25, 2)), rng.uniform(50, 250, (95, 2))])
        scores = rng.permutation(len(found)) / len(found)
        large, small = (180.0, 180.0, 260.0, 230.0), (209.0, 79.0, 211.0, 81.0)  # the latter is grown to 14 px
        matches.append(
            matched(marks(*np.column_stack([found, scores]).tolist()), truth(*lesions.tolist(), ignore=[large, small]))
        )
        annotations += [(number, [x - 7, y - 7, 14, 14], 0) for x, y in lesions.tolist()]
        annotations += [(number, [180, 180, 80, 50], 1), (number, [203, 73, 14, 14], 1)]
        results += [
            {"image_id": number, "category_id": 1, "bbox": [x - 7, y - 7, 14, 14], "score": score}
            for (x, y), score in zip(found.tolist(), scores.tolist(), strict=True)
        ]
    truths = coco.COCO()
    truths.dataset = {
        "info": {},
        "images": [{"id": number} for number in range(1, 5)],
        "categories": [{"id": 1}],
        "annotations": [
            {"id": i, "image_id": image, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": crowd}
            for i, (image, box, crowd) in enumerate(annotations, 1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truths.createIndex()
        judge = evaluation.COCOeval(truths, truths.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ranking = BoxRanking.of(matches)
    np.testing.assert_array_equal(IOUS, judge.params.iouThrs)
    assert ranking.average_precision(np.ones(4)) == pytest.approx(judge.stats[1], abs=1e-12)
    assert ranking.recalled().sum() / ranking.targets.sum() == pytest.approx(judge.stats[8], abs=1e-12)
    assert ranking.ignored[0].sum() > 20  # regions to ignore had a say
