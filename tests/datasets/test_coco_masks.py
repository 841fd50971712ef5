import numpy as np
import pytest

from microcalc.datasets.coco_masks import decode_mask

#: 3 rows x 4 columns; down the columns: 1 off, 2 on, 1 off, 2 on, 3 off, 1 on, 2 off.
RUNS = [1, 2, 1, 2, 3, 1, 2]
MASK = np.array([[0, 0, 0, 1], [1, 1, 0, 0], [1, 1, 0, 0]], bool)


def test_runs_go_down_the_columns():
    assert np.array_equal(decode_mask(RUNS, (3, 4)), MASK)


def test_runs_packed_into_a_text():
    # Numbers from the fourth on are differences to the last of their kind: 1, 2, 1, 2-2, 3-1, 1-2, 2-3, which are
    # 1, 2, 1, 0, 2, -1, -1. Five bits a character from "0" on; -1 is 11111, which is 31: "O".
    assert np.array_equal(decode_mask("12102OO", (3, 4)), MASK)


def test_long_runs_take_several_characters():
    # 100 is 3 * 32 + 4: first 4 with "more follows" (32), which is 36: "T"; then 3: "3". 50 is 1 * 32 + 18: 18 + 32 is
    # 50: "b"; then "1". The third, 10, is "10"-th from "0": ":".
    mask = decode_mask("T3b1:", (16, 10))
    assert np.array_equal(mask.T.ravel(), np.repeat([False, True, False], [100, 50, 10]))


@pytest.mark.parametrize("counts", [[1, 2], [-1, 13], "12", ""])
def test_runs_that_do_not_fill_the_mask_are_refused(counts):
    with pytest.raises(ValueError, match="for 3 x 4"):
        decode_mask(counts, (3, 4))
