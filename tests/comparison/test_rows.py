from pathlib import Path

import numpy as np
import pytest

from microcalc.comparison.rows import Rows, boxes_around, index_of, rows_by_image, take
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Detections
from microcalc.findings import Calcification


def test_names_are_numbered_in_the_order_of_their_first_rows():
    names, number = index_of(["b", "a", "b"])
    assert (names, number.tolist()) == (["b", "a"], [0, 1, 0])


def test_rows_go_to_their_image_in_their_order():
    split = rows_by_image(np.array([2, 0, 2, 0]), 4)
    assert [rows.tolist() for rows in split] == [[1, 3], [], [0, 2], []]


def test_some_of_the_detections_keep_all_that_is_known_of_them():
    marks = [Calcification(x=n, y=2 * n, diameter_mm=1, score=n / 4, malignancy=n / 8) for n in range(4)]
    some, same = (
        take(Detections.of_marks(marks, (1, 1)), np.array([3, 1])),
        Detections.of_marks([marks[3], marks[1]], (1, 1)),
    )
    for name in ("xy", "scores", "boxes", "malignancy"):
        np.testing.assert_array_equal(getattr(some, name), getattr(same, name))


def test_a_box_lies_around_its_centre():
    np.testing.assert_array_equal(
        boxes_around(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[2.0, 1.0], [np.nan, np.nan]])),
        [[2, 0.5, 4, 1.5], [np.nan] * 4],
    )


def test_no_value_is_neither_too_large_nor_too_small():
    rows = Rows(Path("marks.csv"), lambda row: f"row {row}")
    rows.check_shares("score", np.array([0, 1, np.nan]))
    rows.check_lengths("width", np.array([0, 1e9, np.nan]))


def test_the_first_wrong_row_is_named_and_the_others_counted():
    rows = Rows(Path("marks.csv"), lambda row: f"row {row + 2}")
    with pytest.raises(ReadError) as caught:
        rows.check_lengths("width", np.array([1.0, -2.0, -3.0]))
    assert str(caught.value) == (
        "marks.csv: expected a width of 0 or more, found -2 in row 3 (2 such); "
        "mend it; a detection without extent has none"
    )
