"""The HDoG candidates: each step against a slow reference, the whole on drawn specks."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.feature import hessian_matrix_eigvals
from skimage.feature.blob import _blob_overlap, _prune_blobs

from microcalc.candidates.hdog import (
    HdogParameters,
    Maxima,
    disc_overlap,
    keep_larger,
    propose,
    scale_space_maxima,
)
from microcalc.errors import UsageError

SPACING = 0.07
CONDITIONS = ("eigenvalue-product", "trace-determinant", "roundness")
SIGMAS = np.geomspace(1, 3, 21)
THRESHOLD = 4e-4
#: What single precision and Gaussians cut off at four sigmas make of a response.
ROUNDING = 1e-5


def drawn(specks, sigma_px=1.5, shape=(160, 180), contrast=0.3, noise=0.002, seed=0):
    """Gaussian specks on flat noisy tissue, and the breast: all but 20 columns at the right."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 0.4 + np.random.default_rng(seed).normal(0, noise, shape)
    for cx, cy in specks:
        image += contrast * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma_px**2))
    return np.clip(image, 0, 1).astype(np.float32), x < shape[1] - 20


def reference_levels(image):
    """(20, rows, columns) differences of scipy's Gaussians."""
    smooth = np.stack([gaussian_filter(image.astype(np.float64), s, mode="mirror", truncate=5) for s in SIGMAS])
    return smooth[:-1] - smooth[1:]


def nearest(points, to):
    """(M,) distance of each of M points to the nearest of others."""
    return np.hypot(*(np.asarray(to)[:, None] - points).transpose(2, 0, 1)).min(axis=0)


def found_discs(centres, radii, responses):
    empty = np.zeros((len(radii), 2))
    return Maxima(np.asarray(centres, float), np.asarray(radii, float), np.asarray(responses), empty, empty, empty)


def scales_of(maxima):
    """(N,) index of the level that each maximum lies in: radius sqrt(2) times the mean of two neighbouring sigmas."""
    return np.rint(np.log(maxima.radii_px / np.sqrt(2 * SIGMAS[0] * SIGMAS[1])) / np.log(SIGMAS[1])).astype(int)


@pytest.fixture(scope="module")
def textured():
    """An image with structure at every scale: its maxima, and for comparison scipy's levels, and where was looked."""
    rng = np.random.default_rng(5)
    image = sum(gaussian_filter(rng.normal(size=(120, 110)), s) * s for s in (0.7, 1.5, 3.0))
    image = (0.5 + 0.1 * image / image.std()).clip(0, 1).astype(np.float32)
    inside = np.zeros(image.shape, bool)
    inside[4:-4, 4:-4] = True
    return scale_space_maxima(image, inside, SIGMAS, THRESHOLD), reference_levels(image), inside


def test_responses_are_differences_of_gaussians(textured):
    maxima, levels, _ = textured
    x, y = maxima.centres.astype(int).T
    np.testing.assert_allclose(maxima.responses, levels[scales_of(maxima), y, x], atol=ROUNDING)


def test_maxima_are_those_of_a_plain_maximum_filter(textured):
    maxima, levels, inside = textured
    neighbours = np.ones((3, 3, 3), bool)
    neighbours[1, 1, 1] = False
    ahead = levels - maximum_filter(levels, footprint=neighbours, mode="constant", cval=-np.inf)
    ahead[(levels <= THRESHOLD) | ~inside] = -np.inf
    x, y = maxima.centres.astype(int).T
    found = np.zeros(levels.shape, bool)
    found[scales_of(maxima), y, x] = True
    clear = ahead > 2 * ROUNDING
    assert clear.sum() > 300
    assert clear[[0, -1]].any(axis=(1, 2)).all()  # the ends of the range count
    assert found[clear].all()
    assert (ahead[found] > -2 * ROUNDING).all()


def test_products_are_those_of_whole_images(textured):
    """Equation 3 from scikit-image's eigenvalues of every pixel at every scale; the last scale has the one before."""
    maxima, levels, inside = textured
    down, right = np.gradient(levels, axis=(1, 2))
    elements = np.gradient(down, axis=1), np.gradient(down, axis=2), np.gradient(right, axis=2)
    eigenvalues = np.stack([hessian_matrix_eigvals([e[level] for e in elements]) for level in range(20)])
    products = eigenvalues * eigenvalues[[*range(1, 20), 18]]
    x, y = maxima.centres.astype(int).T
    scales = scales_of(maxima)
    tolerance = 0.01 * np.abs(products).max()
    np.testing.assert_allclose(maxima.products, products[scales, :, y, x], atol=tolerance)
    largest = products[:, :, inside].max(axis=2)
    np.testing.assert_allclose(maxima.largest_products, largest[scales], rtol=0.05)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_specks_are_found_where_they_are(condition):
    specks = np.array([(30, 30), (60.4, 90.7), (110, 50), (130, 130), (25, 120)])
    image, breast = drawn(specks)
    found = propose(image, breast, SPACING, HdogParameters(condition=condition))
    assert nearest(found.centres[: len(specks)], specks).max() < 0.75
    assert (found.scores[: len(specks)] > 0.8).all()
    assert (found.scores[len(specks) :] < 0.6).all()


def test_specks_of_every_size_are_found():
    for sigma_px in (0.6, 1.0, 1.7, 2.5, 3.0):
        image, breast = drawn([(80, 80)], sigma_px=sigma_px)
        assert nearest(propose(image, breast, SPACING).centres[:1], [(80, 80)]) < 0.75


@pytest.mark.parametrize("sigma_px", [1.2, 1.8, 2.6])
def test_the_disc_is_the_one_that_answers_most_strongly(sigma_px):
    """A Gaussian of sigma s answers most strongly where the mean of the two sigmas is s: a disc of radius sqrt(2) s."""
    image, breast = drawn([(80, 80)], sigma_px=sigma_px, noise=0)
    (diameter,) = propose(image, breast, SPACING).diameters_mm
    assert diameter == pytest.approx(2 * np.sqrt(2) * sigma_px * SPACING, rel=0.06)  # a scale is 5.65 % wide


def test_scores_come_sorted_and_in_range():
    image, breast = drawn([(40, 40), (100, 100)])
    scores = propose(image, breast, SPACING).scores
    assert (np.diff(scores) <= 0).all()
    assert 0 <= scores.min() <= scores.max() < 1


def test_lengths_are_in_mm():
    specks = np.array([(40.0, 40.0), (100.0, 90.0)])
    image, breast = drawn(specks, sigma_px=2)
    fine = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    fine_breast = cv2.resize(breast.astype(np.uint8), None, fx=2, fy=2) > 0
    coarse, twice = propose(image, breast, SPACING), propose(fine, fine_breast, SPACING / 2)
    assert nearest((twice.centres[:2] + 0.5) / 2 - 0.5, specks).max() < 1
    np.testing.assert_allclose(twice.diameters_mm[:2], coarse.diameters_mm[:2], rtol=0.1)


def test_the_range_of_the_image_sets_the_threshold():
    image, breast = drawn([(40, 40), (100, 90)])
    whole, half = propose(image, breast, SPACING), propose(0.25 + image / 2, breast, SPACING)
    np.testing.assert_array_equal(half.centres, whole.centres)
    np.testing.assert_allclose(half.scores, whole.scores, rtol=1e-3)


def test_a_label_outside_the_breast_hides_nothing():
    image, breast = drawn([(40, 40), (100, 90)])
    labelled = image.copy()
    labelled[70:80, -10:-4] = 1.0
    plain, beside_label = (propose(picture / picture.max(), breast, SPACING) for picture in (image, labelled))
    assert nearest(beside_label.centres, plain.centres[:2]).max() == 0


def test_roundness_drops_a_ridge_that_the_printed_condition_keeps():
    """A spot 1.5 px by 6 px: bends of 1 : 16 before smoothing, far from 1 : 3.3 after it."""
    y, x = np.mgrid[:100, :100]
    image = (0.3 + 0.3 * np.exp(-((x - 50) ** 2) / 72 - (y - 50) ** 2 / 4.5)).astype(np.float32)
    breast = np.ones(image.shape, bool)
    kept = {c: len(propose(image, breast, SPACING, HdogParameters(condition=c)).scores) for c in CONDITIONS[1:]}
    assert kept == {"trace-determinant": 1, "roundness": 0}


def test_overlap_of_discs_by_hand():
    """Equal discs at one radius: a lens of 2 r^2 arccos(1/2) - (r/2) sqrt(3) r = 1.2284 r^2, 0.3910 of a disc."""
    apart, larger, smaller = np.array([(2, 2, 2), (0, 3, 1), (2, 3, 1), (4, 3, 1), (5, 3, 1), (0, 2, 2)], float).T
    np.testing.assert_allclose(disc_overlap(apart, larger, smaller), [0.3910, 1, 1, 0, 0, 1], atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 10), st.floats(0.5, 5), st.floats(0.2, 1))
def test_overlap_of_discs_is_that_of_scikit_image(apart, larger, ratio):
    smaller = ratio * larger
    blobs = np.array([(0, 0, larger), (apart, 0, smaller)]) / [1, 1, np.sqrt(2)]  # it takes sigmas
    overlap = disc_overlap(*np.array([[apart], [larger], [smaller]]))
    np.testing.assert_allclose(overlap, _blob_overlap(*blobs), atol=1e-6)


def test_isolated_pairs_are_pruned_as_by_scikit_image():
    rng = np.random.default_rng(3)
    first = np.stack([np.arange(50) * 40.0, np.zeros(50)], axis=1)
    centres = np.concatenate([first, first + rng.uniform(-5, 5, (50, 2))])
    sigmas = rng.uniform(1, 3, 100)
    kept = keep_larger(found_discs(centres, np.sqrt(2) * sigmas, rng.random(100)), 0.2, 0.0)
    expected = _prune_blobs(np.column_stack([centres, sigmas]), 0.2)
    assert 50 < len(kept) < 100
    np.testing.assert_array_equal(np.sort(sigmas[kept]), np.sort(expected[:, 2]))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_a_crowd_is_pruned_as_by_a_loop_from_the_largest_down(seed, count):
    rng = np.random.default_rng(seed)
    centres, radii, responses = rng.uniform(0, 40, (count, 2)), rng.choice([2.0, 3.0, 4.0], count), rng.random(count)
    kept = []
    for i in sorted(range(count), key=lambda i: (-radii[i], -responses[i])):
        apart = [np.hypot(*(centres[i] - centres[j])) for j in kept]
        overlaps = [_blob_overlap(*(np.array([*centres[k], radii[k] / np.sqrt(2)]) for k in (i, j))) for j in kept]
        if min(apart, default=np.inf) >= 6 and max(overlaps, default=0) <= 0.2:
            kept.append(i)
    np.testing.assert_array_equal(keep_larger(found_discs(centres, radii, responses), 0.2, 6.0), kept)


def test_the_rim_of_the_image_is_left_out():
    """Two pixels wide: there is no Hessian matrix."""
    image = np.random.default_rng(1).random((60, 50)).astype(np.float32)
    maxima = scale_space_maxima(image, np.ones(image.shape, bool), SIGMAS, THRESHOLD)
    assert (maxima.centres.min(axis=0) == 2).all()
    assert (maxima.centres.max(axis=0) == (47, 57)).all()


def test_nothing_comes_of_nothing():
    flat = np.full((60, 60), 0.5, np.float32)
    image, breast = drawn([(40, 40)])
    assert len(propose(flat, np.ones(flat.shape, bool), SPACING).scores) == 0
    assert len(propose(image, np.zeros_like(breast), SPACING).scores) == 0
    assert len(propose(image[:3, :3], breast[:3, :3], SPACING).scores) == 0


@pytest.mark.parametrize("wrong", [{"scales": 1}, {"min_sigma_mm": 0.3}, {"min_sigma_mm": 0.0}])
def test_parameters_without_a_scale_space_are_refused(wrong):
    with pytest.raises(UsageError, match="two or more scales"):
        HdogParameters(**wrong)
