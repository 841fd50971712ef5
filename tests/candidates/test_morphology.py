"""The morphology candidates, step by step and on a drawn breast."""

import cv2
import numpy as np
import pytest
from skimage.morphology import opening as witness_opening

from microcalc.candidates.morphology import (
    OPERATING_POINTS,
    MorphologyParameters,
    opening,
    opening_residue,
    propose,
)

SPACING = 0.07


def drawn(specks, shape=(700, 600), sigma=0.01, seed=0, radius_px=2.0, contrast=0.3):
    """A flat noisy half-disc of breast at the left edge with Gaussian specks; returns the image and the breast."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    breast = (x / (shape[1] - 60)) ** 2 + ((y - shape[0] / 2) / (shape[0] / 2 - 30)) ** 2 < 1
    image = np.where(breast, 0.4, 0.0) + rng.normal(0, sigma, shape) * breast
    for cx, cy in specks:
        image += contrast * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius_px**2))
    return np.clip(image, 0, 1).astype(np.float32), breast


def test_opening_is_an_opening():
    grey = np.random.default_rng(0).integers(0, 65535, (60, 50)).astype(np.uint16)
    for diameter in (3, 14, 15):
        opened = opening(grey, diameter)
        assert (opened <= grey).all()
        assert (opening(opened, diameter) == opened).all()


def test_opening_agrees_with_scikit_image_inside():
    grey = np.random.default_rng(1).integers(0, 65535, (60, 60)).astype(np.uint16)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    inner = (slice(10, -10), slice(10, -10))  # the two treat what lies beyond the edge differently
    np.testing.assert_array_equal(opening(grey, 9)[inner], witness_opening(grey, disc)[inner])


def test_residue_keeps_the_small_and_drops_the_large():
    image = np.full((100, 100), 0.2, np.float32)
    cv2.circle(image, (30, 50), 3, 0.7, -1)  # 7 px across: smaller than the disc
    cv2.circle(image, (70, 50), 14, 0.7, -1)  # 29 px across: larger
    residue = opening_residue(image, 15) / 65535
    assert residue[50, 30] == pytest.approx(0.5, abs=1e-4)
    assert residue[50, 70] == 0
    assert residue[10, 10] == 0


def test_specks_are_found_where_they_are():
    specks = [(150, 200), (200, 420), (330.4, 300.7), (90, 350)]
    image, breast = drawn(specks)
    found = propose(image, breast, SPACING)
    best = found.centres[: len(specks)]
    distance = np.hypot(*(best[:, None] - np.array(specks)).transpose(2, 0, 1))
    assert distance.min(axis=0).max() < 0.6
    assert (found.scores[: len(specks)] > 0.8).all()
    assert (found.scores[len(specks) :] < 0.6).all()


def test_diameter_is_that_of_the_part_above_half_the_peak():
    image, breast = drawn([(200, 350)], sigma=0.002, radius_px=2.0)
    # Half maximum of a Gaussian: radius sigma * sqrt(2 ln 2).
    expected = 2 * 2.0 * np.sqrt(2 * np.log(2)) * SPACING
    assert propose(image, breast, SPACING).diameters_mm[0] == pytest.approx(expected, rel=0.15)


def test_scores_come_sorted_and_in_range():
    image, breast = drawn([(150, 200), (250, 300)])
    scores = propose(image, breast, SPACING).scores
    assert (np.diff(scores) <= 0).all()
    assert scores.min() >= 0
    assert scores.max() < 1


def test_nothing_on_the_skin_line_but_up_to_the_image_edge():
    image, breast = drawn([])
    rim = np.flatnonzero(breast[350])[-1]
    image, breast = drawn([(rim - 20, 350), (6, 350)])  # 1.4 mm from the skin; 0.4 mm from the edge at the chest wall
    strong = propose(image, breast, SPACING)
    strong = strong.centres[strong.scores > 0.7]
    assert np.hypot(*(strong - (6, 350)).T).min() < 2
    assert (strong[:, 0] < rim - 30).all()


def test_a_speck_cut_off_by_the_image_edge_is_dropped():
    image, breast = drawn([(0, 350), (200, 350)])
    found = propose(image, breast, SPACING)
    strong = found.centres[found.scores > 0.7]
    np.testing.assert_allclose(strong, [(200, 350)], atol=0.6)


def test_lengths_are_in_mm():
    """The same breast at half the pixel pitch gives the same specks with the same sizes."""
    specks = np.array([(150.0, 200.0), (250.0, 420.0)])
    image, breast = drawn(specks, radius_px=2.5)
    fine = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    fine_breast = cv2.resize(breast.astype(np.uint8), None, fx=2, fy=2) > 0
    coarse, twice = propose(image, breast, SPACING), propose(fine, fine_breast, SPACING / 2)
    for found, factor in ((coarse, 1), (twice, 2)):
        distance = np.hypot(*(found.centres[:2, None] / factor - specks).transpose(2, 0, 1))
        assert distance.min(axis=0).max() < 1
    np.testing.assert_allclose(coarse.diameters_mm[:2], twice.diameters_mm[:2], rtol=0.1)


def test_a_cluster_does_not_hide_itself():
    """Fifty specks within a square centimetre score as one alone does: the noise is taken over a wide area."""
    rng = np.random.default_rng(2)
    crowd = rng.uniform((180, 280), (320, 420), (50, 2))
    alone, breast = drawn([(250, 350)])
    crowded, _ = drawn(crowd)
    best_alone = propose(alone, breast, SPACING).scores[0]
    assert np.median(propose(crowded, breast, SPACING).scores[:30]) > best_alone - 0.1


def test_large_and_long_components_are_dropped():
    image, breast = drawn([], sigma=0.003)
    cv2.line(image, (150, 300), (150, 330), 0.9, 2)  # 2 mm long
    cv2.circle(image, (250, 350), 6, 0.9, -1)  # 0.9 mm across, fits
    found = propose(image, breast, SPACING, MorphologyParameters())
    strong = found.centres[found.scores > 0.7]
    assert np.hypot(*(strong - (250, 350)).T).min() < 1
    assert (np.abs(strong[:, 0] - 150) > 10).all()


def test_candidates_keep_their_distance():
    image, breast = drawn([(200, 350), (204, 350)], radius_px=1.0)  # 0.28 mm apart, the rule is 0.42 mm
    centres = propose(image, breast, SPACING).centres
    gaps = np.hypot(*(centres[:, None] - centres).transpose(2, 0, 1))[np.triu_indices(len(centres), 1)]
    assert gaps.min() * SPACING > 0.42


def test_a_flat_breast_and_an_empty_mask_give_nothing():
    flat = np.full((300, 300), 0.5, np.float32)
    assert len(propose(flat, np.ones((300, 300), bool), SPACING).scores) == 0
    assert len(propose(flat, np.zeros((300, 300), bool), SPACING).scores) == 0


def test_operating_points_are_ordered_and_say_what_they_let_through():
    assert [point.name for point in OPERATING_POINTS] == ["sensitive", "balanced", "specific"]
    assert OPERATING_POINTS[0].threshold < OPERATING_POINTS[1].threshold < OPERATING_POINTS[2].threshold
    assert all("false marks" in point.false_positives for point in OPERATING_POINTS)
