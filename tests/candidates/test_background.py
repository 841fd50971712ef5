"""The rolling ball against scikit-image's, which looks at every neighbour under the whole ball."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from skimage.restoration import ellipsoid_kernel
from skimage.restoration import rolling_ball as witness

from microcalc.candidates import background
from microcalc.candidates.background import rolling_ball


def textured(shape=(70, 90), seed=0):
    """Smooth tissue with noise, a few bright and dark pixels, and a black margin; float32 in 0..1."""
    rng = np.random.default_rng(seed)
    image = gaussian_filter(rng.normal(0, 4, shape), 4) + 0.4 + rng.normal(0, 0.02, shape)
    image[rng.random(shape) < 0.01] += 0.4
    image[rng.random(shape) < 0.005] -= 0.4
    image[:, -25:] = 0
    return np.clip(image, 0, 1).astype(np.float32)


def exact(image, **ball):
    """In double precision: scikit-image's own float32 subtracts large numbers."""
    return witness(image.astype(np.float64), workers=1, **ball)


@pytest.mark.parametrize("tile", [16, 256])
def test_it_is_scikit_images_ball_of_radius_50(monkeypatch, tile):
    monkeypatch.setattr(background, "TILE_PX", tile)
    image = textured()
    np.testing.assert_allclose(rolling_ball(image, 50, 50.0), exact(image, radius=50), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.floats(0, 1, width=16)),
    st.integers(2, 12),
    st.sampled_from([0.3, 1.0, 5.0, 40.0]),
)
def test_it_is_scikit_images_ellipsoid_whatever_the_image(image, radius, height):
    kernel = ellipsoid_kernel((2 * radius + 1, 2 * radius + 1), height)
    np.testing.assert_allclose(rolling_ball(image, radius, height), exact(image, kernel=kernel), atol=1e-6)


def test_around_a_pit_it_rises_as_the_ball_does():
    image = np.ones((15, 15), np.float32)
    image[7, 7] = 0
    # A ball of radius and height 5 drops by 5 - sqrt(25 - d^2): 0, 0.1010 at 1, 0.4174 at 2, exactly 1 at 3.
    expected = [0, 0.1010, 0.4174, 1, 1]
    found = rolling_ball(image, 5, 5.0)
    np.testing.assert_allclose(found[7, 7:12], expected, atol=1e-4)
    np.testing.assert_allclose(found[7:12, 7], expected, atol=1e-4)
    assert found[8, 8] == pytest.approx(5 - np.sqrt(23))  # at distance sqrt(2)


def test_a_speck_narrower_than_the_ball_stays_out_of_the_background():
    image = np.full((40, 40), 0.3, np.float32)
    image[19:22, 19:22] = 0.8
    # One pixel from the flat ground the ball drops by 0.01, two pixels from it by 0.04 (radius and height 50).
    found = rolling_ball(image, 50, 50.0)
    assert found[19, 19] == pytest.approx(0.31, abs=1e-3)
    assert found[20, 20] == pytest.approx(0.34, abs=1e-3)
    assert found[10, 10] == np.float32(0.3)
