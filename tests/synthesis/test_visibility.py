import cv2
import numpy as np
import pytest

from microcalc.synthesis.visibility import LOCAL_MEAN_MM, matched_filter_snr

SPACING = 0.07


@pytest.fixture
def signal() -> np.ndarray:
    image = np.zeros((87, 87), np.float32)
    image[42:45, 42:45] = 0.2
    return image


def white(sigma: float) -> np.ndarray:
    return (sigma * np.random.default_rng(3).standard_normal((87, 87))).astype(np.float32)


def test_snr_against_white_noise_is_that_of_the_filter_alone(signal: np.ndarray):
    # White noise of sigma s through a filter h has the deviation s |h|.
    h = signal - cv2.GaussianBlur(signal, (0, 0), LOCAL_MEAN_MM / SPACING)
    expected = (signal * h).sum() / (0.05 * np.linalg.norm(h))
    assert matched_filter_snr(signal, white(0.05), SPACING) == pytest.approx(expected, rel=0.1)


def test_snr_follows_contrast_over_noise(signal: np.ndarray):
    snr = matched_filter_snr(signal, white(0.05), SPACING)
    assert matched_filter_snr(2 * signal, white(0.05), SPACING) == pytest.approx(2 * snr, rel=1e-3)
    assert matched_filter_snr(signal, white(0.1), SPACING) == pytest.approx(snr / 2, rel=1e-3)


def test_a_slow_slope_is_no_noise(signal: np.ndarray):
    slope = np.linspace(0, 0.5, 87, dtype=np.float32)[:, None]
    plain = matched_filter_snr(signal, white(0.05), SPACING)
    assert matched_filter_snr(signal, white(0.05) + slope, SPACING) == pytest.approx(plain, rel=0.1)


def test_something_bright_at_the_window_s_edge_does_not_hide_a_speck(signal: np.ndarray):
    background = white(0.05)
    plain = matched_filter_snr(signal, background, SPACING)
    background[:, :5] += 3  # as a skin line or a marker
    assert matched_filter_snr(signal, background, SPACING) > 0.65 * plain  # a twentieth by the plain deviation
