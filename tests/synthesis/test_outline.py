import math

import numpy as np
import pytest

from microcalc.synthesis.outline import FIELD_MM, SKIN_MM, Outline, chord


def f(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def outline(view: str = "CC") -> Outline:
    return Outline.draw(view, FIELD_MM, np.random.default_rng(1))


def test_a_chord_is_nothing_at_the_rim_and_the_whole_slab_beyond_the_radius():
    # Depth 1 in a circle of radius 5: half chord sqrt(25 - 16) = 3.
    assert chord(f(-1, 0, 1, 5, 40), 5) == pytest.approx([0, 0, 6, 10, 10])


def test_skin_is_two_layers_under_the_paddles_and_all_there_is_at_the_rim():
    shape = outline()
    grazing = 2 * math.sqrt(SKIN_MM * (shape.thickness - SKIN_MM))
    assert shape.skin_thickness(f(SKIN_MM, 60)) == pytest.approx([grazing, 2 * SKIN_MM], rel=1e-4)
    assert shape.tissue_thickness(f(SKIN_MM, 60)) == pytest.approx([grazing, shape.thickness], rel=1e-4)


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_distance_to_the_skin_changes_by_a_millimetre_per_millimetre_at_the_skin(view: str):
    shape = outline(view)
    y, x = np.mgrid[0 : FIELD_MM[0] : 0.5, 0 : FIELD_MM[1] : 0.5]
    distance = shape.skin_distance(x, y)
    slope = np.hypot(*np.gradient(distance, 0.5))
    # The nipple's base is sharper than a first-order distance follows.
    skin = (np.abs(distance) < 0.5) & (np.abs(y - shape.nipple_y) > 12)
    assert np.median(slope[skin]) == pytest.approx(1, abs=0.02)
    assert slope[skin].min() > 0.85
    assert slope[skin].max() < 1.15


def test_both_views_of_a_breast_share_depth_and_thickness_and_only_the_mlo_shows_the_muscle():
    cc, mlo = outline("CC"), outline("MLO")
    assert (cc.depth, cc.thickness) == (mlo.depth, mlo.thickness)
    assert cc.muscle_distance(f(1), f(1)) is None
    top, bottom = mlo.muscle
    assert mlo.muscle_distance(f(top, 0), f(0, bottom)) == pytest.approx([0, 0], abs=1e-4)
    assert mlo.muscle_distance(f(1), f(1))[0] > 0
    assert mlo.muscle_distance(f(mlo.depth), f(mlo.nipple_y))[0] < 0


def test_a_place_lies_across_the_nipple_line_by_its_lateral_offset_on_cc_and_its_height_on_mlo():
    for view, across in (("CC", 7.0), ("MLO", -4.0)):
        shape = outline(view)
        assert shape.locate(20.0, 7.0, -4.0) == (shape.depth - 20, shape.nipple_y - across)


def test_a_small_field_holds_a_small_breast():
    small = Outline.draw("CC", (FIELD_MM[0] / 2, FIELD_MM[1]), np.random.default_rng(1))
    assert small.depth == pytest.approx(outline().depth / 2)


def test_the_taper_follows_the_skin_and_stops_short_of_the_nipple():
    outline = Outline.draw("CC", FIELD_MM, np.random.default_rng(0))
    at = np.array([-outline.behind, 0.5 * outline.depth, outline.depth], np.float32)
    upper, lower = (outline.taper(at, np.full(3, outline.nipple_y + side, np.float32)) for side in (-1, 1))
    for taper in (upper, lower):
        assert taper[0] == pytest.approx((1 + 0.5**3) ** (1 / 3))
        assert taper[0] > taper[1] > taper[2] == pytest.approx(0.5, abs=1e-3)
