"""The contrast-to-noise ratio on specks and noise whose band response is known in closed form, and its score."""

import numpy as np
import pytest

from microcalc.candidates.contrast import contrast_to_noise, score

SPACING = 0.07
#: Gaussians of the band, in pixels of 0.07 mm.
FINE, COARSE = 1.2, 3.5


def speckled(contrast, speck_sigma=2.0, noise=0.01, size=700, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = 0.4 + rng.normal(0, noise, (size, size))
    image += contrast * np.exp(-((x - 350) ** 2 + (y - 340) ** 2) / (2 * speck_sigma**2))
    return image.astype(np.float32)


def test_it_is_the_bands_response_over_the_bands_noise():
    # A Gaussian speck of variance v keeps v / (v + s) of its peak under a Gaussian of variance s.
    v, fine, coarse = 2.0**2, FINE**2, COARSE**2
    peak = 0.1 * (v / (v + fine) - v / (v + coarse))
    # White noise keeps the integral of the squared kernel; of Gaussians of variances s and t, 1 / (2 pi (s + t)).
    kept = (1 / (2 * fine) + 1 / (2 * coarse) - 2 / (fine + coarse)) / (2 * np.pi)
    expected = peak / (0.01 * np.sqrt(kept))
    image = speckled(0.1)
    found = contrast_to_noise(image, np.ones(image.shape, bool), np.array([[350.0, 340.0]]), SPACING, 0.07)
    assert found[0] == pytest.approx(expected, rel=0.1)


def test_the_peak_may_lie_within_reach_of_the_centre():
    image = speckled(0.3)
    everywhere = np.ones(image.shape, bool)
    centre, off = np.array([[350.0, 340.0]]), np.array([[353.0, 337.0]])
    on_peak = contrast_to_noise(image, everywhere, centre, SPACING, 0.07)
    assert contrast_to_noise(image, everywhere, off, SPACING, 0.21) == pytest.approx(on_peak, rel=1e-4)
    assert contrast_to_noise(image, everywhere, off, SPACING, 0.07)[0] < 0.8 * on_peak[0]


def test_no_candidates_no_ratios():
    image = speckled(0.1, size=400)
    assert contrast_to_noise(image, np.ones(image.shape, bool), np.empty((0, 2)), SPACING, 0.07).shape == (0,)


def test_score_is_monotone_one_half_at_seven_and_never_saturates():
    cnr = np.array([-1.0, 0.0, 3.0, 7.0, 20.0, 500.0])
    scores = score(cnr)
    assert scores[0] == scores[1] == 0
    assert scores[3] == 0.5
    assert (np.diff(scores[1:]) > 0).all()
    assert scores[-1] < 1
