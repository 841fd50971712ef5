"""Candidates' windows: where they lie, at the image's borders too, and what cannot be cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.features.windows import blocks, windows

#: 40 rows of 50 columns; every pixel holds 100 row + column.
IMAGE = (100 * np.arange(40)[:, None] + np.arange(50)).astype(np.float32)


def corner(x, y):
    """Row and column of the first pixel of the window around (x, y)."""
    return divmod(windows(IMAGE, np.array([[x, y]]))[0, 0, 0], 100)


def test_a_window_reaches_from_seven_pixels_before_its_candidate_to_six_after():
    (window,) = windows(IMAGE, np.array([[20.0, 15.0]]))
    assert window.shape == (14, 14)
    assert window.dtype == np.float32
    np.testing.assert_array_equal(window, IMAGE[8:22, 13:27])


@pytest.mark.parametrize(
    ("x", "y", "row", "column"),
    [
        (20.49, 15.49, 8, 13),
        (20.5, 15.5, 9, 14),
        (21.5, 16.5, 10, 15),  # halves round up, not to even
        (0.0, 0.0, 0, 0),
        (-0.5, 7.0, 0, 0),
        (7.0, 8.0, 1, 0),
        (43.0, 33.0, 26, 36),
        (49.0, 39.0, 26, 36),  # the last window begins at 40 - 14 and 50 - 14
        (49.4, 20.0, 13, 36),
    ],
)
def test_where_a_window_begins(x, y, row, column):
    assert corner(x, y) == (row, column)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 49), st.integers(0, 39))
def test_every_window_holds_its_candidate(x, y):
    assert 100 * y + x in windows(IMAGE, np.array([[x, y]], dtype=float))


def test_an_image_of_one_window():
    small = IMAGE[:14, :14]
    np.testing.assert_array_equal(windows(small, np.array([[0.0, 13.0], [5.0, 5.0]])), [small, small])


def test_a_margin_mirrors_the_image_beyond_its_borders():
    centres = np.array([[0.0, 0.0], [25.0, 20.0], [49.0, 39.0], [3.0, 38.0]])
    wide = windows(IMAGE, centres, margin=10)
    assert wide.shape == (4, 34, 34)
    np.testing.assert_array_equal(wide[:, 10:-10, 10:-10], windows(IMAGE, centres))
    mirrored = np.pad(IMAGE, 10, mode="reflect")
    np.testing.assert_array_equal(wide[0], mirrored[:34, :34])
    np.testing.assert_array_equal(wide[2], mirrored[-34:, -34:])


def test_no_candidates_no_windows():
    assert windows(IMAGE, np.zeros((0, 2))).shape == (0, 14, 14)


def test_an_image_smaller_than_a_window_is_refused():
    with pytest.raises(UsageError, match="at least 14 x 14 pixels, found 13 x 50"):
        windows(IMAGE[:13], np.array([[5.0, 5.0]]))


@pytest.mark.parametrize("centre", [(50.0, 5.0), (49.5, 5.0), (5.0, 40.0), (-0.6, 5.0), (np.nan, 5.0), (5.0, np.inf)])
def test_a_centre_outside_the_image_is_refused(centre):
    with pytest.raises(UsageError, match="50 columns and 40 rows"):
        windows(IMAGE, np.array([(5.0, 5.0), centre]))


def test_blocks_cover_everything_once():
    assert [len(np.arange(600)[block]) for block in blocks(600)] == [256, 256, 88]
    np.testing.assert_array_equal(np.concatenate([np.arange(512)[block] for block in blocks(512)]), np.arange(512))


def test_nothing_is_one_empty_block():
    assert [len(np.arange(0)[block]) for block in blocks(0)] == [0]
