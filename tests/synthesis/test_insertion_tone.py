"""Gain, noise and noise colour are those of a drawn image, where all three are known."""

import cv2
import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.synthesis.insertion_tone import GreyScale

LN = np.array([0.4, 0.5, 0.6, 0.7, 0.8])


@pytest.fixture(scope="module")
def measure(drawn):
    def of(**how):
        return GreyScale.measure(*drawn.mammogram(**how), drawn.SPACING_MM, drawn.NOISE)

    return of


@pytest.fixture(scope="module")
def scale(measure):
    return measure()


def test_grey_levels_lie_as_far_apart_in_ln_units_as_the_tone_curve_puts_them(scale, drawn):
    steps = np.diff(scale.attenuation(drawn.tone(LN)))
    assert steps == pytest.approx(np.diff(LN), rel=0.12)


def test_the_way_back_is_the_inverse(scale, drawn):
    grey = drawn.tone(LN).astype(np.float32)
    assert scale.grey(scale.attenuation(grey)) == pytest.approx(grey, abs=1e-4)


def test_no_attenuation_is_brighter_than_the_brightest_pixel(scale):
    assert scale.grey(np.array([1e6], np.float32))[0] == pytest.approx(1.0)


def test_noise_is_the_quantum_noise_it_was_scaled_by(scale, drawn):
    noise = scale.noise_at(np.array([300, 512, 700]), np.array([200, 300, 200]))
    assert noise == pytest.approx([drawn.NOISE] * 3, rel=0.08)


def test_half_the_noise_is_half_the_gain_for_the_same_quanta(measure, drawn):
    step = np.diff(measure(noise=drawn.NOISE / 2).attenuation(drawn.tone(np.array([0.5, 0.7]))))
    assert step == pytest.approx([0.4], rel=0.12)


def lag_one(kernel):
    return float((kernel * np.roll(kernel, 1, axis=1)).sum() / (kernel**2).sum())


def test_white_noise_stays_white_and_blurred_noise_blurred(scale, drawn):
    assert abs(lag_one(scale.colour)) < 0.05
    pixels, breast = drawn.mammogram()
    # Neighbours of noise through (1, 2, 1) / 4 correlate by (1 * 2 + 2 * 1) / (1 + 4 + 1) = 2 / 3.
    blurred = cv2.sepFilter2D(pixels, -1, *[np.array([1, 2, 1], np.float32) / 4] * 2)
    assert lag_one(GreyScale.measure(blurred, breast, drawn.SPACING_MM, drawn.NOISE).colour) == pytest.approx(
        2 / 3, abs=0.1
    )


def test_an_image_without_noise_still_has_a_scale(measure):
    scale = measure(noise=0)
    assert np.all(np.diff(scale.attenuations) > 0)
    assert np.isfinite(scale.colour).all()


def test_a_breast_of_a_few_tiles_cannot_be_measured(measure):
    with pytest.raises(UsageError, match="tiles"):
        measure(shape=(256, 192))
