import math

import numpy as np
import pytest

from microcalc.synthesis.imaging import MAX_GREY, blur, burn_marker, expose, present, unit_noise
from microcalc.synthesis.phantom import FAT, Tissue


def test_noise_has_unit_variance_and_touches_only_its_neighbours():
    noise = unit_noise((400, 500), np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.01)
    # Kernel (a, 1, a) with a = exp(-1 / (2 * 0.43^2)) = 0.0669: lag 1 correlates by 2 a / (1 + 2 a^2).
    assert np.mean(noise[:, 1:] * noise[:, :-1]) == pytest.approx(0.1326, abs=0.01)
    assert np.mean(noise[3:] * noise[:-3]) == pytest.approx(0, abs=0.01)


def test_noise_doubles_behind_four_times_the_attenuation():
    level = np.zeros((300, 300), np.float32)
    level[:, 150:] = math.log(4)
    added = expose(level, unit_noise(level.shape, np.random.default_rng(0)), 0.0, 0.07) - level
    assert added[:, 150:].std() / added[:, :150].std() == pytest.approx(2, rel=0.03)


def test_blur_spreads_a_point_by_its_sigma_and_keeps_its_sum():
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    blurred = blur(point, 0.01)
    offset = np.arange(-20, 21) * 0.01
    assert blurred.sum() == pytest.approx(1, rel=1e-5)
    assert math.sqrt((blurred.sum(0) * offset**2).sum()) == pytest.approx(0.035, rel=0.02)


def test_the_tone_curve_equalises_thickness_and_is_black_outside():
    thickness = np.array([[20, 50, 50, 50]], np.float32)
    exposed = np.float32(FAT) * thickness + np.array([[0.1, 0.1, 0.3, 0.3]], np.float32)
    skin_distance = np.array([[5, 20, 20, -1]], np.float32)
    grey = present(exposed, Tissue(exposed, thickness, skin_distance))
    assert grey.dtype == np.uint16
    assert grey[0, 0] == grey[0, 1] < grey[0, 2] < MAX_GREY
    assert grey[0, 3] == 0


@pytest.mark.parametrize(("side", "dark"), [("L", np.s_[:, :200]), ("R", np.s_[:, 200:])])
def test_the_marker_lies_in_the_upper_corner_away_from_the_chest_wall(side: str, dark: tuple[slice, slice]):
    picture = np.zeros((600, 400), np.uint16)
    burn_marker(picture, side, "MLO")
    rows, _ = np.nonzero(picture)
    assert picture.max() > 4000
    assert rows.max() < 120
    assert not picture[dark].any()
