import dataclasses

import numpy as np
import pytest

from microcalc.synthesis.look import Look
from microcalc.synthesis.phantom import FAT, Tissue

FULL = 4095
PLAIN = Look(contrast=4.5, middle=0.7)


def show(look: Look, above_fat: float | np.ndarray, thickness: float = 50, skin_distance: float | np.ndarray = 40):
    """Grey of a 40 x 40 picture of so much ln attenuation above that of fat of the same thickness."""
    thick = np.full((40, 40), thickness, np.float32)
    exposed = (FAT * thick + above_fat).astype(np.float32)
    depth = np.broadcast_to(np.float32(skin_distance), thick.shape)
    return look.present(exposed, Tissue(exposed, thick, depth), 0.1, FULL).astype(int)


def test_the_middle_of_the_sigmoid_is_half_of_white_and_a_quarter_is_ln_three_steps_darker():
    # sigmoid(-ln 3) = 1 / (1 + 3) = 0.25; the toe's end, e^-8, is taken off.
    assert show(PLAIN, 0.7)[0, 0] == pytest.approx(FULL / 2, abs=2)
    assert show(PLAIN, 0.7 - np.log(3) / 4.5)[0, 0] == pytest.approx(FULL / 4, abs=2)
    whiter = dataclasses.replace(PLAIN, white=0.5, black=0.1)
    assert show(whiter, 0.7)[0, 0] == pytest.approx(0.3 * FULL, abs=2)


@pytest.mark.parametrize("skew", [0.5, 2.0])
@pytest.mark.parametrize("straight", [0.0, 1.0])
def test_every_tone_curve_rises_through_the_same_middle(skew: float, straight: float):
    look = dataclasses.replace(PLAIN, skew=skew, straight=straight)
    ramp = np.broadcast_to(np.linspace(-1, 2, 40), (40, 40))
    grey = show(look, ramp)[0]
    assert np.all(np.diff(grey) >= 0)
    assert grey[0] < 5
    assert grey[-1] > 0.95 * FULL
    assert show(look, 0.7)[0, 0] == pytest.approx(FULL / 2, abs=5)


def test_equalisation_takes_thickness_away():
    assert show(PLAIN, 0.5, thickness=20)[0, 0] == pytest.approx(show(PLAIN, 0.5, thickness=60)[0, 0], abs=1)


def test_without_equalisation_the_periphery_is_dark_and_the_inside_is_the_same():
    unequalised = dataclasses.replace(PLAIN, rolloff=2.0, rolloff_mm=20)
    # At half way in, the rim is sqrt(0.5 * (2 - 0.5)) = 0.866 of full height: 2 (1 - 0.866) = 0.268 darker.
    assert show(unequalised, 0.7, skin_distance=10)[0, 0] == pytest.approx(show(PLAIN, 0.7 - 0.268)[0, 0], abs=2)
    assert show(unequalised, 0.7, skin_distance=25)[0, 0] == show(PLAIN, 0.7)[0, 0]


def test_air_is_black_and_the_picture_fades_in_from_the_skin_line():
    depth = np.broadcast_to(np.linspace(-1, 3, 40, dtype=np.float32), (40, 40))
    grey = show(dataclasses.replace(PLAIN, fade_mm=2.0), 0.7, skin_distance=depth)[0]
    assert not grey[depth[0] <= 0].any()
    assert np.all(np.diff(grey) >= 0)
    assert 0 < grey[np.argmin(abs(depth[0] - 1))] < grey[-1] == pytest.approx(FULL / 2, abs=2)


def test_coarse_steps_leave_grey_values_out():
    ramp = np.linspace(0.5, 0.9, 1600).reshape(40, 40)
    assert len(np.unique(show(dataclasses.replace(PLAIN, steps=100), ramp))) == pytest.approx(40, abs=1)
    assert len(np.unique(show(PLAIN, ramp))) > 1200


def test_unsharp_masking_doubles_a_small_step_at_its_edge_and_leaves_the_rest():
    step = np.where(np.arange(40) < 20, 0.6, 0.62)
    flat, sharp = (
        show(dataclasses.replace(PLAIN, unsharp=amount, unsharp_mm=0.5), np.broadcast_to(step, (40, 40)))[0]
        for amount in (0.0, 1.0)
    )
    plain = flat[-1] - flat[0]
    # The mean at the edge lies close to half way, so that each side gains half a step.
    assert sharp[20] - sharp[19] == pytest.approx(2 * plain, rel=0.12)
    assert sharp[0] == flat[0]
    assert sharp[-1] == flat[-1]
