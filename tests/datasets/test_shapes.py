import numpy as np
import pytest

from microcalc.datasets import shapes


def test_an_ellipse_touches_its_box_and_nearly_has_its_area():
    corners = np.array(shapes.ellipse(10, 20, 4, 2))
    assert corners.min(axis=0).tolist() == [6, 18]
    assert corners.max(axis=0).tolist() == [14, 22]
    x, y = corners.T
    area = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
    assert area == pytest.approx(np.pi * 4 * 2, rel=0.007)


def test_a_rectangle_runs_clockwise():
    assert shapes.rectangle((0, 1, 2, 3)) == ((0, 1), (2, 1), (2, 3), (0, 3))


def test_boxes_end_at_the_outer_edges_of_an_image():
    assert shapes.clipped((-3, 2, 50, 8), rows=10, columns=20) == (-0.5, 2, 19.5, 8)
    assert shapes.clipped((1, 2, 3, 4), rows=10, columns=20) == (1, 2, 3, 4)
    assert shapes.clipped((19.5, 2, 25, 8), rows=10, columns=20) is None


def test_everywhere_is_the_whole_image():
    assert shapes.everywhere(10, 20, "why").bbox == (-0.5, -0.5, 19.5, 9.5)
