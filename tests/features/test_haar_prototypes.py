"""The Haar-like prototypes: how many, where, and what each of them weighs."""

from collections import Counter

import numpy as np
import pytest
from skimage.feature import haar_like_feature_coord

from microcalc.features.haar_prototypes import KINDS, Prototype, Rectangle, pictures, prototypes


def kind(name):
    return next(kind for kind in KINDS if kind.name == name)


def test_as_many_as_the_paper_counts():
    assert len(prototypes()) == 28_643
    groups = Counter(prototype.kind.group for prototype in prototypes())
    assert groups == {"adjacent": 18_991, "concentric": 5_310, "rotated": 4_342}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # Two cells of w in a row of 14 stand at 15 - 2w places, w = 1..7: 13 + 11 + 9 + 7 + 5 + 3 + 1 = 49;
        # one of h in a column at 15 - h, h = 1..14: 105. 49 * 105.
        ("edge_x", 5145),
        # Four cells: 11 + 7 + 3 = 21. 105 * 21.
        ("wide_line_y", 2205),
        # Three cells, both ways: 12 + 9 + 6 + 3 = 30. 30 * 30.
        ("centre", 900),
        # What is read reaches over z = 3w + 3h columns and rows beyond the first: 14 - z places each way.
        # z = 6 (1 size), 9 (2), 12 (3): 8 * 8 + 2 * 5 * 5 + 3 * 2 * 2.
        ("rotated_centre", 126),
        # z = 2w + 2h = 4 (1 size), 6 (2), 8 (3), 10 (4), 12 (5): 100 + 2 * 64 + 3 * 36 + 4 * 16 + 5 * 4.
        ("rotated_checker", 420),
    ],
)
def test_count_of_a_kind_by_hand(name, count):
    assert sum(prototype.kind.name == name for prototype in prototypes()) == count


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("edge_x", "2-x"), ("edge_y", "2-y"), ("line_x", "3-x"), ("line_y", "3-y"), ("checker", "4")],
)
def test_adjacent_rectangles_agree_with_scikit_image(name, theirs):
    """The same sets of rectangles, whatever their order."""
    coordinates, _ = haar_like_feature_coord(14, 14, f"type-{theirs}")
    # scikit-image: (row, column) of the first and the last pixel of each rectangle.
    expected = {frozenset(tuple(map(tuple, corners)) for corners in feature) for feature in coordinates}
    found = {
        frozenset(((r.y, r.x), (r.y + r.height - 1, r.x + r.width - 1)) for r in prototype.rectangles)
        for prototype in prototypes()
        if prototype.kind.name == name
    }
    assert found == expected


def test_upright_picture_by_hand():
    """line_x with cells 2 wide and 1 high, the first at column 4 of row 3: columns 4-5, 6-7, 8-9."""
    expected = np.zeros((14, 14))
    expected[3, 4:10] = [-1, -1, 1, 1, -1, -1]
    prototype = Prototype(kind("line_x"), 2, 1, 4, 3)
    np.testing.assert_array_equal(pictures([prototype])[0], expected)
    assert prototype.name == "haar_line_x_2x1_at_4_3"
    assert prototype.rectangles == (
        Rectangle(4, 3, 2, 1, False, -1),
        Rectangle(6, 3, 2, 1, False, 1),
        Rectangle(8, 3, 2, 1, False, -1),
    )


def test_rotated_picture_by_hand():
    """rotated_edge_x with cells of 2 down to the right by 1 down to the left, topmost pixel at column 3 of row 1.

    The rotated cell is a staircase of 2 * 2 * 1 pixels, and the second one begins 2 further down to the right:

        row 1  . . . + . . .
        row 2  . . . + + . .
        row 3  . . . . + - .
        row 4  . . . . . - -
        row 5  . . . . . . -
    """
    expected = np.zeros((14, 14))
    for row, column, weight in [(1, 3, 1), (2, 3, 1), (2, 4, 1), (3, 4, 1)]:
        expected[row, column] = weight
        expected[row + 2, column + 2] = -weight
    prototype = Prototype(kind("rotated_edge_x"), 2, 1, 3, 1)
    np.testing.assert_array_equal(pictures([prototype])[0], expected)
    assert prototype in prototypes()
    assert prototype.name == "haar_rotated_edge_x_2x1_at_3_1"
    assert prototype.rectangles == (Rectangle(3, 1, 2, 1, True, 1), Rectangle(5, 3, 2, 1, True, -1))


def test_every_cell_lies_on_the_window_and_counts_the_same():
    every = prototypes()
    weights = pictures(every)
    cells = np.array([len(prototype.rectangles) for prototype in every])
    area = np.array([prototype.width * prototype.height * (1 + prototype.kind.rotated) for prototype in every])
    balance = np.array([sum(rectangle.weight for rectangle in prototype.rectangles) for prototype in every])
    np.testing.assert_array_equal(np.abs(weights).sum(axis=(1, 2)), cells * area)
    np.testing.assert_array_equal(weights.sum(axis=(1, 2)), balance * area)


def test_what_the_rotated_prototypes_cover():
    covered = pictures([prototype for prototype in prototypes() if prototype.kind.rotated]).any(axis=0)
    rows, columns = np.nonzero(covered)
    assert set(rows) == set(range(1, 14))
    assert set(columns) == set(range(1, 13))


def test_no_two_prototypes_are_the_same():
    assert len({picture.tobytes() for picture in pictures(prototypes())}) == 28_643


def test_order():
    """Kept indices depend on it."""
    keys = [(KINDS.index(p.kind), p.width, p.height, p.y, p.x) for p in prototypes()]
    assert keys == sorted(keys)
    assert prototypes()[1].name == "haar_edge_x_1x1_at_1_0"


def test_no_prototypes_no_pictures():
    assert pictures([]).shape == (0, 14, 14)
