"""Segmentation metrics worked by hand, and beside scikit-learn's."""

import math

import numpy as np
import pytest
from skimage.filters import threshold_li
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from microcalc.errors import UsageError
from microcalc.evaluation.segmentation import (
    Overlap,
    average,
    dilate,
    label_overlaps,
    li_threshold,
    object_overlap,
    pixel_overlap,
)


def mask(*rows):
    """A mask drawn in text: # is inside."""
    return np.array([[pixel == "#" for pixel in row] for row in rows])


EMPTY = mask("...", "...")


def test_pixels():
    overlap = pixel_overlap(mask("##..", "##.."), mask(".##.", ".##."))
    # 2 of 4 on either side: Dice 2 * 2 / (4 + 4), IoU 2 / 6.
    assert overlap == Overlap(truth=4, truth_found=2, found=4, found_true=2)
    assert (overlap.recall, overlap.precision, overlap.dice) == (0.5, 0.5, 0.5)
    assert overlap.iou == pytest.approx(1 / 3)
    assert {type(count) for count in vars(overlap).values()} == {int}


def test_recall_is_of_the_truth_and_precision_of_what_was_found():
    overlap = pixel_overlap(mask("#####"), mask("##..."))
    assert (overlap.recall, overlap.precision) == (1, 0.4)
    assert overlap.dice == pytest.approx(4 / 7)  # 2 * 1 * 0.4 / 1.4


@pytest.mark.parametrize("share_found", [0.02, 0.3, 0.9])
def test_pixels_agree_with_scikit_learn(share_found):
    rng = np.random.default_rng(4)
    found, truth = rng.random((40, 60)) < share_found, rng.random((40, 60)) < 0.1
    overlap, flat = pixel_overlap(found, truth), (truth.ravel(), found.ravel())
    assert overlap.dice == pytest.approx(f1_score(*flat), abs=1e-12)
    assert overlap.iou == pytest.approx(jaccard_score(*flat), abs=1e-12)
    assert overlap.precision == pytest.approx(precision_score(*flat), abs=1e-12)
    assert overlap.recall == pytest.approx(recall_score(*flat), abs=1e-12)


@pytest.mark.parametrize("compare", [pixel_overlap, object_overlap])
def test_nothing_found_and_nothing_to_find_is_undefined(compare):
    overlap = compare(EMPTY, EMPTY)
    assert all(math.isnan(value) for value in (overlap.recall, overlap.precision, overlap.dice, overlap.iou))


@pytest.mark.parametrize("compare", [pixel_overlap, object_overlap])
def test_one_side_empty(compare):
    missed, imagined = compare(EMPTY, ~EMPTY), compare(~EMPTY, EMPTY)
    assert (missed.recall, missed.dice, missed.iou) == (0, 0, 0)
    assert math.isnan(missed.precision)
    assert (imagined.precision, imagined.dice, imagined.iou) == (0, 0, 0)
    assert math.isnan(imagined.recall)


def test_an_average_leaves_out_what_is_undefined_and_says_on_how_many_it_stands():
    overlaps = [Overlap(4, 2, 4, 2), Overlap(0, 0, 0, 0), Overlap(0, 0, 3, 0)]
    assert average(overlaps, "recall") == (0.5, 1)
    assert average(overlaps, "dice") == (0.25, 2)
    value, number = average(overlaps[1:2], "iou")
    assert math.isnan(value)
    assert number == 0


def test_added_up_images_weigh_by_their_pixels():
    pooled = Overlap(4, 2, 4, 2) + Overlap(1, 1, 5, 1)
    assert pooled == Overlap(5, 3, 9, 3)
    assert pooled.recall == 0.6


def test_labels_are_compared_one_by_one():
    found = np.array([[1, 1, 2, 0]])
    truth = np.array([[1, 2, 2, 0]])
    overlaps = label_overlaps(found, truth, (1, 2, 3))
    assert overlaps == {1: Overlap(1, 1, 2, 1), 2: Overlap(2, 1, 1, 1), 3: Overlap(0, 0, 0, 0)}


def test_objects_touch_by_their_corners():
    diagonal = mask("#..", ".#.", "..#")
    assert object_overlap(diagonal, diagonal) == Overlap(1, 1, 1, 1)


def test_an_object_is_found_if_enough_of_it_is_covered():
    truth = mask("####.##.#")
    found = mask("##...#...")
    # Of the truth: 2 of 4 pixels, 1 of 2, 0 of 1 are covered; of what was found: all.
    assert object_overlap(found, truth, share=0.5) == Overlap(3, 2, 2, 2)
    assert object_overlap(found, truth, share=0.51) == Overlap(3, 0, 2, 2)


def test_one_blob_may_find_several_objects_and_be_true_or_not():
    truth = mask("#.#.#....")
    found = mask("#########")
    overlap = object_overlap(found, truth, share=0.3)  # 3 of the blob's 9 pixels are true
    assert overlap == Overlap(3, 3, 1, 1)
    assert object_overlap(found, truth, share=0.4).precision == 0
    # With 2 of 3 found and 1 of 2 true: 2 * (2/3) * (1/2) / (7/6) = 4/7; IoU (4/7) / (10/7).
    assert Overlap(3, 2, 2, 1).dice == pytest.approx(4 / 7)
    assert Overlap(3, 2, 2, 1).iou == pytest.approx(0.4)


@pytest.mark.parametrize("share", [0, -1, 1.01, math.nan])
def test_a_share_outside_its_range_is_refused(share):
    with pytest.raises(UsageError, match="share above 0 and up to 1"):
        object_overlap(EMPTY, EMPTY, share)


def test_masks_of_two_shapes_or_types_are_refused():
    with pytest.raises(UsageError, match=r"\(2, 3\) of bool and \(1, 3\) of bool"):
        pixel_overlap(EMPTY, EMPTY[:1])
    with pytest.raises(UsageError, match="float64"):
        object_overlap(EMPTY, EMPTY.astype(np.float64))
    with pytest.raises(UsageError, match="type integer"):
        label_overlaps(EMPTY, EMPTY, (1,))


def test_a_point_grows_into_a_square_of_ten_pixels():
    point = np.zeros((30, 40), bool)
    point[12, 20] = True
    rows, columns = np.nonzero(dilate(point))
    assert rows.size == 100
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 17, 16, 25)
    assert np.count_nonzero(dilate(point, 3)[11:14, 19:22]) == np.count_nonzero(dilate(point, 3)) == 9


def test_growing_is_cut_at_the_border_and_leaves_nothing_where_nothing_was():
    corner = np.zeros((30, 40), bool)
    corner[0, 0] = True
    assert np.count_nonzero(dilate(corner)) == 36  # 6 x 6: one pixel further right and down than left and up
    assert not dilate(np.zeros((30, 40), bool)).any()
    with pytest.raises(UsageError, match="at least one pixel"):
        dilate(corner, 0)


def test_only_a_mask_grows():
    # In eight bits a label of 256 would be background.
    with pytest.raises(UsageError, match=r"of type bool, found \(2, 3\) of int64"):
        dilate(np.full((2, 3), 256))


def test_li_threshold_of_two_levels():
    # Scaled to 0 and 1 the background's mean is 0, and the mean of all, 1/4, stands: 10 + 20 / 4.
    values = np.array([[10.0, 10, 10, 30]])
    assert li_threshold(values) == pytest.approx(15)


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (1e-6, -3), (500, 1000)])
def test_li_threshold_agrees_with_scikit_image_at_any_scale(scale, shift):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.05, 900), rng.normal(0.7, 0.1, 100)]) * scale + shift
    assert li_threshold(values.reshape(20, 50)) == pytest.approx(threshold_li(values), abs=1e-6 * scale)


def test_li_threshold_of_a_fine_map_solves_its_equation():
    # (b - f) / (log b - log f), of the mean below and the mean above, from the lowest value on.
    values = np.linspace(0, 1, 20_001) ** 2
    threshold = li_threshold(values)
    below, above = values[values <= threshold].mean(), values[values > threshold].mean()
    assert threshold == pytest.approx((below - above) / math.log(below / above), abs=1e-9)


def test_li_threshold_of_a_constant_map_leaves_no_foreground():
    flat = np.full((4, 4), 0.3)
    assert math.isnan(li_threshold(flat))
    assert not (flat > li_threshold(flat)).any()


@pytest.mark.parametrize("high", [1, 8])
def test_li_threshold_tells_neighbouring_numbers_apart(high):
    inside = np.arange(9) < high
    values = np.where(inside, np.nextafter(0.3, 1), 0.3)
    assert (values > li_threshold(values)).tolist() == inside.tolist()


@pytest.mark.parametrize("values", [np.empty((0, 3)), np.array([0.1, np.nan]), np.array([0.1, np.inf])])
def test_li_threshold_of_no_map_is_refused(values):
    with pytest.raises(UsageError, match="Li's threshold"):
        li_threshold(values)
