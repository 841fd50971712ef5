"""Dehazing and its guided filter against their definitions, done plainly in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter, minimum_filter

from microcalc.candidates.dehazing import dehaze, guided_by_itself

IMAGES = arrays(np.float32, st.tuples(st.integers(6, 16), st.integers(6, 16)), elements=st.floats(0, 1, width=16))


def plain_guided(image, radius, epsilon):
    """He, Sun and Tang 2013, equations 5, 6 and 8: the mean of the lines fitted in all squares that hold a pixel."""
    square = (2 * radius + 1, 2 * radius + 1)
    squares = sliding_window_view(np.pad(image.astype(np.float64), 2 * radius, mode="symmetric"), square)
    slope = squares.var(axis=(2, 3)) / (squares.var(axis=(2, 3)) + epsilon)
    offset = (1 - slope) * squares.mean(axis=(2, 3))
    slope, offset = (sliding_window_view(values, square).mean(axis=(2, 3)) for values in (slope, offset))
    return slope * image + offset


def tissue(shape=(40, 50)):
    rng = np.random.default_rng(1)
    return np.clip(0.4 + gaussian_filter(rng.normal(0, 1, shape), 3) + rng.normal(0, 0.02, shape), 0, 1).astype("f4")


@settings(max_examples=15, deadline=None)
@given(IMAGES, st.integers(1, 2), st.sampled_from([1e-3, 1e-1]))
def test_the_guided_filter_is_its_definition(image, radius, epsilon):
    np.testing.assert_allclose(
        guided_by_itself(image, radius, epsilon), plain_guided(image, radius, epsilon), atol=1e-4
    )


def test_dehazing_is_its_definition():
    image = tissue()
    haze = minimum_filter(image.astype(np.float64), 11, mode="constant", cval=np.inf)
    clear = 1 - (1 - image) / (1 - 0.9 * haze)
    np.testing.assert_allclose(dehaze(image, 0.9, 11, 5, 1e-3), plain_guided(clear, 5, 1e-3), atol=1e-5)


def test_even_fog_is_taken_away_up_to_the_share():
    # Everywhere 0.5: 1 - (1 - 0.5) / (1 - 0.9 * 0.5) = 1 - 0.5 / 0.55 = 0.0909.
    flat = np.full((30, 30), 0.5, np.float32)
    np.testing.assert_allclose(dehaze(flat, 0.9, 11, 4, 1e-5), 1 / 11, atol=1e-5)


def test_a_speck_on_bright_tissue_gains_contrast():
    image = np.full((60, 60), 0.6, np.float32)
    image[28:32, 28:32] = 0.7
    # In the speck 1 - 0.3 / 0.46 = 0.348, beside it 1 - 0.4 / 0.46 = 0.130: 0.217 apart instead of 0.1.
    found = dehaze(image, 0.9, 11, 10, 1e-7)
    assert found[30, 30] - found[30, 20] == pytest.approx(0.217, abs=0.01)


@settings(max_examples=30, deadline=None)
@given(IMAGES)
def test_it_stays_in_range(image):
    found = dehaze(image, 0.9, 11, 3, 1e-5)
    assert found.dtype == np.float32
    assert found.min() > -1e-3
    assert found.max() < 1 + 1e-3


def test_the_guided_filter_keeps_edges_and_smooths_noise():
    rng = np.random.default_rng(2)
    step = np.where(np.arange(60) < 30, 0.2, 0.8) * np.ones((60, 1))
    noisy = (step + rng.normal(0, 0.01, step.shape)).astype(np.float32)
    found = guided_by_itself(noisy, 5, 1e-2)
    assert found[:, 5:20].std() < 0.2 * noisy[:, 5:20].std()
    assert (found[:, 30] - found[:, 29]).mean() > 0.5
