import math

import numpy as np
import pytest

from microcalc.synthesis.solids import Dust, Line, Lump, Solid, Vessel

NIPPLEWARD = np.array((1.0, 0.0, 0.0))


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_axes_of_the_views():
    # One cubic millimetre, 2 mm behind, 1 mm lateral and 3 mm above the place.
    solid = Solid(np.array([(2.0, 1.0, 3.0)]), np.array([1.0]), pitch=0.5)
    for view, up in (("CC", 1.0), ("MLO", 3.0)):
        image = solid.thickness(view)
        rows, columns = (np.arange(size) - size // 2 for size in image.shape)
        assert image.sum() * 0.5**2 == pytest.approx(1)
        # Columns run towards the nipple; rows run medially or downwards.
        assert (image.sum(0) @ columns) * 0.5 / image.sum() == pytest.approx(-2)
        assert (image.sum(1) @ rows) * 0.5 / image.sum() == pytest.approx(-up)


@pytest.mark.parametrize("lump", [Lump(0.15, 0.85), Lump(0.8, 0.3), Lump(0.9, 0.5, grain=0.22, samples=49)])
def test_a_lump_has_the_volume_of_its_ball(lump: Lump):
    solid = lump.solid(0.3, rng())
    assert solid.volumes.sum() == pytest.approx(math.pi / 6 * 0.3**3, rel=1e-3)
    assert np.linalg.norm(solid.points, axis=1).max() < 0.3 * 2


def test_a_shell_has_the_volume_between_two_balls():
    solid = Lump(0.0, 1.0, wall=0.2, samples=81).solid(2.0, rng())
    # Its wall varies about 0.2 of the radius by up to half.
    assert solid.volumes.sum() == pytest.approx(4 / 3 * math.pi * (1 - 0.8**3), rel=0.2)
    assert np.linalg.norm(solid.points, axis=1).min() > 0.6


def test_dust_fills_its_share_of_the_ball_and_stays_near():
    solid = Dust(grains=(15, 15), filling=(0.2, 0.2)).solid(0.4, rng())
    assert solid.volumes.sum() == pytest.approx(0.2 * math.pi / 6 * 0.4**3)
    assert len(solid.points) == 15
    assert np.linalg.norm(solid.points, axis=1).max() < 0.5


def test_a_straight_even_line_is_a_cylinder():
    solid = Line(winding=0.0, unevenness=0.0, gaps=0.0, branches=0).solid(0.2, NIPPLEWARD, 5.0, rng())
    # Less its rounded ends: two half balls for the last half calibres.
    assert solid.volumes.sum() == pytest.approx(math.pi * 0.1**2 * (4.8 + 4 / 3 * 0.1), rel=0.02)
    assert np.ptp(solid.points, axis=0) == pytest.approx((5.0, 0.2, 0.2), abs=0.1)
    # The thickest ray is the calibre.
    assert solid.thickness("CC").max() == pytest.approx(0.2, rel=0.1)


def test_gaps_take_their_share_and_branches_add():
    whole, gappy, branched = (
        Line(0.0, 0.0, gaps, branches).solid(0.1, NIPPLEWARD, 4.0, rng()).volumes.sum()
        for gaps, branches in ((0.0, 0), (0.3, 0), (0.0, 6))
    )
    assert gappy == pytest.approx(0.7 * whole, rel=0.1)
    assert branched > 1.2 * whole


def test_a_straight_vessel_shows_two_parallel_tracks():
    vessel = Vessel(plaque=(0.1, 0.1), calcified=(1.0, 1.0), winding=0.0).solid(2.0, NIPPLEWARD, 10.0, rng())
    profile = vessel.thickness("CC").sum(axis=1)
    half = len(profile) // 2
    tracks = [np.argmax(profile[:half]), half + np.argmax(profile[half:])]
    assert (tracks[1] - tracks[0]) * vessel.pitch == pytest.approx(2.0, abs=0.15)
    assert profile[half] < 0.5 * profile[tracks].min()
