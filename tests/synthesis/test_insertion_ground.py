"""Distances in a real breast, on one whose shape is known."""

import numpy as np
import pytest

from microcalc.breast import Breast
from microcalc.errors import UsageError
from microcalc.synthesis.insertion_ground import Ground

SPACING_MM = 0.1


def half_disc(chest_wall="left", radius=500, pectoral=None):
    """A breast of 50 mm radius about (0, 60 mm) on 120 x 80 mm."""
    y, x = np.mgrid[:1200, :800]
    mask = np.hypot(x, y - 600) < radius
    nipple = (radius - 0.5, 600.0)
    if chest_wall == "right":
        mask, nipple = mask[:, ::-1], (800.5 - radius - 1, 600.0)
    return Breast(mask, chest_wall, "L" if chest_wall == "left" else "R", nipple, pectoral, ())


@pytest.mark.parametrize("chest_wall", ["left", "right"])
def test_distances_are_the_half_discs_whichever_way_it_lies(chest_wall):
    ground = Ground.of(half_disc(chest_wall), "CC", SPACING_MM)
    x, y = np.array([10.0, 30.0, 0.5]), np.array([60.0, 60.0, 40.0])
    # The chest wall and the image's edge are no skin.
    assert ground.skin_distance(x, y) == pytest.approx([40, 20, 30], abs=0.7)
    assert ground.skin_distance(np.array([70.0, -5.0]), np.array([60.0, 60.0])) == pytest.approx([0, 0])
    assert ground.depth == pytest.approx(50, abs=0.2)


def test_places_are_counted_from_the_nipple():
    cc, mlo = (Ground.of(half_disc(), view, SPACING_MM) for view in ("CC", "MLO"))
    assert cc.locate(20.0, 5.0, 9.0) == pytest.approx((30, 55), abs=0.2)
    assert mlo.locate(20.0, 5.0, 9.0) == pytest.approx((30, 51), abs=0.2)


def test_the_muscle_is_positive_inside():
    triangle = ((0.0, 0.0), (300.0, 0.0), (0.0, 300.0))
    ground = Ground.of(half_disc(pectoral=triangle), "MLO", SPACING_MM)
    # The edge runs through (15, 15) mm, square to the diagonal.
    distance = ground.muscle_distance(np.array([10.0, 20.0]), np.array([10.0, 20.0]))
    assert distance == pytest.approx([50**0.5, -(50**0.5)], abs=0.7)
    assert Ground.of(half_disc(), "CC", SPACING_MM).muscle_distance(np.array([1.0]), np.array([1.0])) is None


def test_a_breast_without_room_is_refused():
    with pytest.raises(UsageError, match="room for calcium"):
        Ground.of(half_disc(radius=100), "CC", SPACING_MM)
