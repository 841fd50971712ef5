import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.explain.li import binarise, overlaps


def test_a_bright_square_stands_out():
    # Levels 0.1 and 0.9 alone: any threshold between them gives the square.
    values = np.full((12, 12), 0.1)
    values[3:6, 4:9] = 0.9
    np.testing.assert_array_equal(binarise(values), values > 0.5)


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_nothing_stands_out_of_a_level_map(level):
    assert not binarise(np.full((8, 8), level, np.float32)).any()


def test_scores_against_a_mask_worked_by_hand():
    # Found: 2 x 4 = 8 pixels. Truth: 3 x 3 = 9, of which columns 3 and 4 of both rows, 4 pixels, are found.
    values = np.zeros((10, 10), np.float32)
    values[2:4, 1:5] = 1
    truth = np.zeros((10, 10), bool)
    truth[2:5, 3:6] = True
    (found,) = overlaps([values], [truth])
    assert (found.recall, found.precision) == (4 / 9, 4 / 8)
    assert found.dice == pytest.approx(2 * 4 / (8 + 9))


def test_points_are_dilated_by_the_papers_square():
    # A point at 12, 12 becomes 10 x 10 pixels, from 8 to 17 or from 7 to 16: all of them are found.
    values = np.zeros((30, 30), np.float32)
    values[5:20, 5:20] = 1
    point = np.zeros((30, 30), bool)
    point[12, 12] = True
    (found,) = overlaps([values], [point], points=True)
    assert (found.truth, found.truth_found, found.found) == (100, 100, 225)


def test_a_map_of_another_shape_is_refused():
    with pytest.raises(UsageError, match="of one shape"):
        overlaps([np.eye(4)], [np.zeros((5, 5), bool)])
