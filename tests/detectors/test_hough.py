"""``hough`` as a detector: its marks come back in pixels of the original, and it says how little is known of it."""

import numpy as np
import pytest

from microcalc.candidates.hough import propose
from microcalc.detectors import load_detector


@pytest.mark.parametrize("side", ["L", "R"])
def test_dots_are_found_where_they_are(look_for_dots, side):
    """All but one, whose outline the second search loses."""
    assert np.count_nonzero(look_for_dots(load_detector("hough"), side) < 3) == 11


def test_it_is_the_papers(specks):
    image, breast, _ = specks
    np.testing.assert_array_equal(
        load_detector("hough").propose(image, breast, 0.07).centres, propose(image, breast, 0.07).centres
    )


def test_every_operating_point_says_what_it_was_measured_on():
    detector = load_detector("hough")
    assert [point.name for point in detector.operating_points] == ["sensitive", "balanced", "specific"]
    assert all("not measured on patients" in point.false_positives for point in detector.operating_points)
    assert not detector.calibrated
