import numpy as np
import pytest

from microcalc.explain import panels
from microcalc.explain.panels import (
    BREAST_PX,
    SIDE_PX,
    beside,
    breast_picture,
    colour_scale,
    map_picture,
    patch_picture,
)
from microcalc.explain.spot import find_spot


@pytest.fixture(scope="module")
def spot(breast):
    """The blob, at 90, 210, is 10 px right of the spot; the patch reaches from 64 to 95 and from 194 to 225."""
    return find_spot(breast, (80, 210), 32, None)


def is_red(picture):
    return (picture[:, :, 0] > 200) & (picture[:, :, 1] < 120)


def test_the_circle_lies_around_the_spot(spot):
    # The spot is pixel 16 of 32, whose centre is at 16.5 / 32 of the side.
    picture = patch_picture(spot)
    assert picture.shape == (SIDE_PX, SIDE_PX, 3)
    y, x = np.nonzero(is_red(picture))
    assert (x.mean(), y.mean()) == (
        pytest.approx(SIDE_PX * 16.5 / 32, abs=1),
        pytest.approx(SIDE_PX * 16.5 / 32, abs=1),
    )
    assert np.ptp(x) / 2 == pytest.approx(0.14 * SIDE_PX, abs=3)


def test_the_square_on_the_breast_is_the_patch(spot):
    # Never enlarged: 400 rows and the margin stay as they are, so that the square has 32 px.
    picture = breast_picture(spot)
    assert max(picture.shape) <= BREAST_PX
    y, x = np.nonzero(is_red(picture))
    assert (np.ptp(x), np.ptp(y)) == (pytest.approx(32, abs=3), pytest.approx(32, abs=3))


def test_an_empty_map_shows_tissue_alone(spot):
    picture = map_picture(spot, np.zeros((8, 8), np.float32), None)
    assert (picture == picture[:, :, :1]).all()


def test_a_map_lies_over_its_own_place_in_its_own_colour(spot):
    # Of 4 x 4 cells the last of the first row: the upper right of the picture turns red, the lower left stays grey.
    values = np.zeros((4, 4), np.float32)
    values[0, 3] = 1
    picture = map_picture(spot, values, None).astype(int)
    warmth = picture[:, :, 0] - picture[:, :, 2]
    assert warmth[: SIDE_PX // 8, -SIDE_PX // 8 :].min() > 80
    assert not warmth[SIDE_PX // 2 :, : SIDE_PX // 2].any()


def test_the_peak_is_ringed(spot):
    # A peak at 74, 204 is pixel 10, 10 of the patch.
    with_ring, without = (map_picture(spot, np.zeros((4, 4), np.float32), peak) for peak in ((74.0, 204.0), None))
    y, x = np.nonzero((with_ring != without).any(axis=2))
    assert (x.mean(), y.mean()) == (
        pytest.approx(SIDE_PX * 10.5 / 32, abs=1),
        pytest.approx(SIDE_PX * 10.5 / 32, abs=1),
    )


def test_the_scale_runs_from_blue_to_red():
    scale = colour_scale().astype(int)
    assert scale.shape == (256, 3)
    assert scale[0, 2] > scale[0, 0]
    assert scale[-1, 0] > scale[-1, 2]


def test_pictures_stand_beside_each_other_with_gaps():
    black = np.zeros((5, 4, 3), np.uint8)
    row = beside(black, black, black)
    assert row.shape == (5, 3 * 4 + 2 * panels._GAP_PX, 3)
    assert (row[:, 4 : 4 + panels._GAP_PX] == 255).all()


def test_off_the_breast_all_is_black(breast):
    # At the outline: whatever is burnt in beyond it is not shown, though the network sees it.
    spot = find_spot(breast, (180, 100), 96, None)
    off = ~spot.breast.mask[spot.patch.y0 : spot.patch.y0 + 96, spot.patch.x0 : spot.patch.x0 + 96]
    assert off.any()
    shown = patch_picture(spot, circle=False)[::5, ::5, 0]  # 480 / 96
    assert not shown[off].any()
    assert shown[~off].any()
