"""Patches made ready for a network: worked by hand, and beside OpenCV's own filters."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.models.normalise import prepare, prepare_tile
from microcalc.recipe import PatchInput
from microcalc.recipe.network import Context

NORMALISATIONS = ("none", "max", "min-max", "z-score", "imagenet")


def patch(*rows):
    return np.array([rows], np.float32)


@pytest.mark.parametrize(
    ("normalisation", "expected"),
    [
        ("none", [[0.1, 0.1], [0.5, 0.5]]),
        ("max", [[0.2, 0.2], [1, 1]]),
        ("min-max", [[0, 0], [1, 1]]),
        ("z-score", [[-1, -1], [1, 1]]),  # mean 0.3, deviation 0.2
        # ImageNet's grey: mean (0.485 + 0.456 + 0.406) / 3 = 0.449, deviation (0.229 + 0.224 + 0.225) / 3 = 0.226.
        ("imagenet", [[(0.1 - 0.449) / 0.226] * 2, [(0.5 - 0.449) / 0.226] * 2]),
    ],
)
def test_each_normalisation_by_hand(normalisation, expected):
    found = prepare(patch([0.1, 0.1], [0.5, 0.5]), PatchInput(size_px=2, normalisation=normalisation), 1)
    np.testing.assert_allclose(found, [[expected]], rtol=1e-5, atol=1e-6)


def test_imagenet_has_numbers_of_its_own_for_each_colour():
    found = prepare(patch([0.5]), PatchInput(size_px=1, normalisation="imagenet"), 3)
    np.testing.assert_allclose(found.ravel(), [0.015 / 0.229, 0.044 / 0.224, 0.094 / 0.225], rtol=1e-5)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_patch_never_makes_nan(normalisation, value):
    spec = PatchInput(size_px=5, blur_sigma_px=1.0, resize_px=7, normalisation=normalisation)
    found = prepare(np.full((1, 5, 5), value, np.float32), spec, 1)
    assert np.isfinite(found).all()
    wanted = {"none": value, "max": float(value > 0), "min-max": 0, "z-score": 0, "imagenet": (value - 0.449) / 0.226}
    np.testing.assert_allclose(found, wanted[normalisation], atol=1e-5)


def test_one_step_of_16_bits_is_no_constant_patch():
    values = np.full((1, 4, 4), 0.5, np.float32)
    values[0, 1, 1] += 1 / 65535
    assert prepare(values, PatchInput(size_px=4, normalisation="min-max"), 1).max() == 1


def test_shrinking_averages_over_areas():
    """Of three pixels, two new ones cover one and a half each: (0 + 0.3 / 2) / 1.5 and (0.3 / 2 + 0.9) / 1.5."""
    found = prepare(
        np.repeat(patch([0, 0.3, 0.9]), 3, axis=1), PatchInput(size_px=3, resize_px=2, normalisation="none"), 1
    )
    np.testing.assert_allclose(found[0, 0], [[0.1, 0.7], [0.1, 0.7]], atol=1e-6)


def test_enlarging_is_linear_between_pixel_centres():
    """Centres of four pixels over two: -0.25, 0.25, 0.75, 1.25."""
    found = prepare(patch([0, 0], [0.8, 0.8]), PatchInput(size_px=2, resize_px=4, normalisation="none"), 1)
    np.testing.assert_allclose(found[0, 0, :, 0], [0, 0.2, 0.6, 0.8], atol=1e-6)


@pytest.mark.parametrize(("resize_px", "way"), [(13, cv2.INTER_AREA), (32, cv2.INTER_LINEAR)])
def test_blur_comes_first_then_resizing(resize_px, way):
    """As OpenCV's filters do on the patch itself; its kernel cut off at four deviations, as ours is."""
    values = np.random.default_rng(0).random((24, 24), np.float32)
    spec = PatchInput(size_px=24, blur_sigma_px=1.5, resize_px=resize_px, normalisation="none")
    blurred = cv2.GaussianBlur(values, (13, 13), 1.5, borderType=cv2.BORDER_REFLECT)
    expected = cv2.resize(blurred, (resize_px, resize_px), interpolation=way)
    np.testing.assert_allclose(prepare(values[np.newaxis], spec, 1)[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_a_network_takes(normalisation, channels):
    values = np.random.default_rng(1).random((2, 6, 6), np.float32)
    found = prepare(values, PatchInput(size_px=6, resize_px=4, normalisation=normalisation), channels)
    assert (found.shape, found.dtype, found.flags.c_contiguous) == ((2, channels, 4, 4), np.float32, True)
    assert prepare(values[:0], PatchInput(size_px=6, normalisation=normalisation), channels).shape[0] == 0


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
@settings(max_examples=30, deadline=None)
def test_contrast_and_brightness_do_not_reach_the_network(seed, contrast):
    """z-score and min-max undo both."""
    values = np.random.default_rng(seed).random((1, 8, 8), np.float32)
    for normalisation in ("z-score", "min-max"):
        spec = PatchInput(size_px=8, normalisation=normalisation)
        changed = np.float32(contrast) * values + np.float32(0.05)
        np.testing.assert_allclose(prepare(changed, spec, 1), prepare(values, spec, 1), atol=1e-4)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((2, 100, 100), np.float32), r"expected patches \(n, 6, 6\), found \(2, 100, 100\)"),
        (np.zeros((6, 6), np.float32), r"found \(6, 6\)"),
        (np.full((1, 6, 6), 255, np.float32), r"expected patches of values 0\.\.1, as read, found 255 to 255"),
        (np.full((1, 6, 6), np.nan, np.float32), "found nan to nan"),
    ],
)
def test_what_is_no_patch(values, says):
    with pytest.raises(UsageError, match=says):
        prepare(values, PatchInput(size_px=6, normalisation="none"), 1)


def by_moments(size_px, margin_px, moments_px):
    context = Context(margin_px=margin_px, moments_px=moments_px, stride_px=1)
    return PatchInput(size_px=size_px, normalisation="local-moments", context=context)


def test_local_moments_by_hand():
    """A window of 1 px without more than its box of 3: of 0.1 eight times and 1.0 once the mean is 0.2, the deviation
    sqrt((8 * 0.01 + 1) / 9 - 0.04) = sqrt(0.08), and (1 - 0.2) / sqrt(0.08) = sqrt(8)."""
    values = np.full((1, 5, 5), 0.1, np.float32)
    values[0, 2, 2] = 1.0
    found = prepare(values, by_moments(1, 1, 3), 1)
    assert found.shape == (1, 1, 3, 3)
    np.testing.assert_allclose(found[0, 0, 1, 1], np.sqrt(8), rtol=1e-5)
    np.testing.assert_allclose(found[0, 0, 0, 0], -0.1 / np.sqrt(0.08), rtol=1e-5)  # 0.1 less 0.2


def test_what_is_level_is_not_blown_up():
    """A step of 0.0009 in nine: mean 0.0001 above, deviation below the least one of 0.001."""
    values = np.full((1, 5, 5), 0.5, np.float32)
    values[0, 2, 2] += 0.0009
    assert prepare(values, by_moments(1, 1, 3), 1)[0, 0, 1, 1] == pytest.approx(0.8, abs=1e-4)
    assert not prepare(np.full((1, 5, 5), 0.7, np.float32), by_moments(1, 1, 3), 1).any()


def test_a_tile_is_normalised_as_its_patches_are():
    spec = by_moments(4, 3, 5)  # cut at 4 + 2 * 3 + 2 * 2 = 14 px
    tile = np.random.default_rng(0).random((30, 27), np.float32)
    tile[:12, :9] = 0
    found = prepare_tile(tile, spec)
    assert found.shape == (26, 23)
    for y, x in ((0, 0), (7, 9), (16, 13)):
        patch = prepare(tile[None, y : y + 14, x : x + 14], spec, 1)[0, 0]
        np.testing.assert_allclose(found[y : y + 10, x : x + 10], patch, atol=1e-5)
