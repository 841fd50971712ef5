import numpy as np
import pytest

from microcalc.evaluation.polygons import area_and_centroid, equal_disc, largest_feret


def test_a_triangle():
    """Legs of 3 and 4: area 6, centroid a third of the way along each leg, longest side 5."""
    corners = np.array([(10.0, 20.0), (13.0, 20.0), (10.0, 24.0)])
    assert area_and_centroid(corners) == pytest.approx((6.0, 11.0, 20 + 4 / 3))
    assert area_and_centroid(corners[::-1]) == pytest.approx((6.0, 11.0, 20 + 4 / 3))
    assert largest_feret(corners) == pytest.approx(5.0)


@pytest.mark.parametrize("corners", [[(3.0, 4.0)], [(2.0, 4.0), (4.0, 4.0)], [(1.0, 4.0), (3.0, 4.0), (5.0, 4.0)]])
def test_without_area_the_middle_is_the_mean_of_the_corners(corners):
    assert area_and_centroid(np.array(corners)) == (0.0, 3.0, 4.0)


def test_one_corner_has_no_extent():
    assert largest_feret(np.array([(3.0, 4.0)])) == 0.0


def test_the_disc_of_equal_area():
    assert equal_disc(np.pi) == pytest.approx(2.0)
