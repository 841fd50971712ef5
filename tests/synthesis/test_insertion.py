"""What is put into a finished image arrives as physics has it there, and nothing else changes."""

import dataclasses
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.calcification import Shadow, Speck, cast_shadow
from microcalc.synthesis.device import DEVICES
from microcalc.synthesis.insertion import Insertion, reach_px
from microcalc.synthesis.phantom import Phantom


def disc(x, y, contrast, radius=3.0, half=6):
    """Shadow of a disc of even thickness."""
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1]
    inside = np.hypot(rows, columns) <= radius
    corners = np.array([(x - radius, y), (x, y - radius), (x + radius, y), (x, y + radius)])
    return Shadow(y - half, x - half, inside.astype(np.float32) * np.float32(contrast), corners)


def many(contrast, **size):
    return [disc(x, y, contrast, **size) for x in range(80, 480, 40) for y in range(340, 700, 40)]


@pytest.fixture(scope="module")
def image(drawn):
    return drawn.mammogram()


def inserted(image, shadows, drawn, seed=1):
    """The image's pixels with all shadows in them, and how well each is seen."""
    rng = np.random.default_rng(seed)
    insertion = Insertion.prepare(*image, shadows, drawn.SPACING_MM, rng)
    return SimpleNamespace(pixels=insertion.finish(range(len(shadows)), rng), snr=insertion.snr)


def added(before, after, drawn):
    """ln attenuation that the picture shows more than before, by the tone curve it was drawn with."""
    changed = before != after
    total = drawn.attenuation(after[changed].clip(1e-4, 1 - 1e-4)) - drawn.attenuation(before[changed].clip(1e-4))
    return float(total.sum())


def test_the_picture_gains_the_attenuation_of_the_shadows(image, drawn, monkeypatch):
    monkeypatch.setattr("microcalc.synthesis.insertion.QUANTUM_NOISE", (drawn.NOISE, drawn.NOISE))
    shadows = many(0.2)
    after = inserted(image, shadows, drawn).pixels
    assert added(image[0], after, drawn) == pytest.approx(sum(s.contrast.sum() for s in shadows), rel=0.12)


def test_contrast_scales(image, drawn):
    faint, strong = (added(image[0], inserted(image, many(c), drawn).pixels, drawn) for c in (0.1, 0.3))
    assert strong / faint == pytest.approx(3, rel=0.1)


def test_no_pixel_beyond_the_reach_of_a_shadow_changes(image, drawn):
    shadows = many(0.3)
    after = inserted(image, shadows, drawn).pixels
    reached = np.zeros(after.shape, np.uint8)
    for shadow in shadows:
        reached[shadow.region] |= shadow.contrast > 0
    side = 2 * reach_px(drawn.SPACING_MM) + 1
    reached = cv2.dilate(reached, np.ones((side, side), np.uint8)) > 0
    assert np.array_equal(after[~reached], image[0][~reached])
    assert not np.array_equal(after[reached], image[0][reached])


def test_noise_behind_calcium_is_what_fewer_photons_leave(image, drawn):
    """A wide even shadow: inside it, the variance of ln exposure is larger by exp(contrast)."""
    contrast, half = 0.35, 90
    wide = Shadow(320 - half, 250 - half, np.full((2 * half, 2 * half), contrast, np.float32), np.zeros((3, 2)))
    after = inserted(image, [wide], drawn).pixels
    window = (slice(250, 390), slice(180, 320))
    before_ln, after_ln = drawn.attenuation(image[0][window]), drawn.attenuation(after[window])
    slope = np.arange(140)[:, None] * 0.8 / 1024
    # What was there stays, and noise of variance exp(contrast) - 1 comes on top.
    assert np.var(after_ln - slope) / np.var(before_ln - slope) == pytest.approx(np.exp(contrast), rel=0.12)


def test_without_its_noise_a_shadow_would_give_itself_away(image, drawn):
    """The difference to the picture before is no smooth blob: it varies inside an even shadow."""
    wide = Shadow(460, 200, np.full((100, 100), 0.6, np.float32), np.zeros((3, 2)))
    difference = (inserted(image, [wide], drawn).pixels - image[0])[480:540, 220:280]
    assert np.std(np.diff(difference, axis=1)) > 0.02


def test_snr_grows_with_contrast(image, drawn):
    """As long as the background is the image without calcium, the matched filter's SNR is linear in contrast."""
    faint, strong = (np.array(inserted(image, many(c), drawn).snr) for c in (0.1, 0.2))
    assert strong / faint == pytest.approx(np.full(len(faint), 2.0), rel=1e-4)


def test_dense_calcium_is_never_brighter_than_the_picture_was(image, drawn):
    after = inserted(image, many(8.0), drawn).pixels
    assert after.max() <= image[0].max()
    assert after.dtype == np.float32


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("name", ["direct-70", "csi-100", "cr-50"])
def test_specks_are_as_soft_as_the_unit_makes_them(name, stated):
    """The share of a speck's mean contrast in its middle pixel, put in before the exposure and afterwards."""
    device = DEVICES[name](np.random.default_rng(2))
    shape = tuple(round(side / device.spacing_mm) for side in (90, 60))
    device = dataclasses.replace(device, shape=shape, look=dataclasses.replace(device.look, unsharp=0.0))
    phantom = Phantom("CC", "L", 1, "A", shape, device.spacing_mm)
    tissue, noise = phantom.render(), device.unit_noise(shape, np.random.default_rng(2))
    places = [(x, y) for y in range(40, shape[0] - 40, 60) for x in range(40, shape[1] - 40, 60)]
    places = [(x, y) for x, y in places if tissue.skin_distance[y, x] > 10]
    speck = Speck((0, 0, 0), 0.15, 2.0, "punctate", "benign", 1)
    shadows = [cast_shadow(speck, "CC", x, y, device.spacing_mm) for x, y in places]
    without, exposed = (
        device.store(acquire(phantom, tissue, device, noise, held)).astype(np.float32) / device.full
        for held in ((), shadows)
    )
    detector = device.detector if stated else ""
    insertion = Insertion.prepare(
        without, tissue.skin_distance > 0, shadows, device.spacing_mm, np.random.default_rng(2), detector
    )
    put_in = np.zeros(shape, np.float32)
    for shadow in insertion.shadows:
        put_in[shadow.region] += shadow.contrast
    middles = []
    for contrast in (put_in, exposed - without):
        mean = np.mean([contrast[y - 10 : y + 11, x - 10 : x + 11] for x, y in places], axis=0)
        middles.append(mean[10, 10] / mean.sum())
    assert middles[0] == pytest.approx(middles[1], rel=0.2)


def test_a_hole_is_no_shadow(image, drawn):
    with pytest.raises(AssertionError):
        inserted(image, many(-0.1), drawn)


def test_left_out_shadows_leave_no_trace(image, drawn):
    shadows = [disc(200, 500, 0.3), disc(300, 500, 0.3)]
    insertion = Insertion.prepare(*image, shadows, drawn.SPACING_MM, np.random.default_rng(1))
    after = insertion.finish([1], np.random.default_rng(2))
    assert np.array_equal(after[:, :250], image[0][:, :250])
    assert not np.array_equal(after[:, 250:], image[0][:, 250:])


def test_equal_seeds_insert_equally(image, drawn):
    first, second, third = (inserted(image, many(0.2), drawn, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.pixels, second.pixels)
    assert not np.array_equal(first.pixels, third.pixels)


def test_a_shadow_beyond_the_image_is_refused(image, drawn):
    with pytest.raises(UsageError, match="shadows inside the image"):
        inserted(image, [disc(3, 500, 0.3)], drawn)
