"""The Hough candidates: circles where discs are drawn, the second search by its words, specks on a drawn breast."""

from functools import partial

import cv2
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter, generic_gradient_magnitude, sobel
from skimage.restoration import rolling_ball as witness_ball

from microcalc.candidates.dehazing import dehaze
from microcalc.candidates.hough import HoughParameters, find_circles, outlines, propose, search_again, strongest

SPACING = 0.07
FIRST_ALONE = HoughParameters(second_pass=False)
SPECKS = [(150, 200), (200, 420), (330.4, 300.7), (90, 350)]


def drawn(specks, shape=(700, 600), sigma=0.01, contrast=0.3, radius_px=2.0):
    """A flat noisy half-disc of breast at the left edge with Gaussian specks; returns the image and the breast."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    breast = (x / (shape[1] - 60)) ** 2 + ((y - shape[0] / 2) / (shape[0] / 2 - 30)) ** 2 < 1
    image = np.where(breast, 0.4, 0.0) + rng.normal(0, sigma, shape) * breast
    for (cx, cy), height in zip(specks, np.broadcast_to(contrast, len(specks)), strict=True):
        image += height * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius_px**2))
    return np.clip(image, 0, 1).astype(np.float32), breast


def misses(centres, specks):
    """Distance of each speck from the nearest candidate, pixels."""
    return np.hypot(*(centres[:, None] - np.array(specks)).transpose(2, 0, 1)).min(axis=0)


def discs(*circles, shape=(120, 160)):
    canvas = np.zeros(shape, np.uint8)
    for x, y, radius in circles:
        cv2.circle(canvas, (x, y), radius, 1, cv2.FILLED)
    return canvas > 0


def test_circles_are_found_where_discs_are_drawn():
    truth = np.array([(30, 40, 3), (80, 60, 5), (120, 90, 8)])
    found = find_circles(discs(*truth), 5, SPACING, HoughParameters())
    found = found[np.argsort(found[:, 0])]
    np.testing.assert_allclose(found[:, :2], truth[:, :2], atol=0.5)
    np.testing.assert_allclose(found[:, 2], truth[:, 2], atol=1)


def test_circles_keep_their_distance_and_their_range_of_radii():
    speckle = np.random.default_rng(4).random((200, 200)) < 0.05
    found = find_circles(speckle, 5, SPACING, HoughParameters())
    assert len(found) > 20
    gaps = np.hypot(*(found[:, None, :2] - found[:, :2]).transpose(2, 0, 1))
    assert gaps[np.triu_indices(len(found), 1)].min() >= 10
    assert found[:, 2].min() >= 2
    assert found[:, 2].max() <= 10
    large = find_circles(discs((80, 60, 30)), 5, SPACING, HoughParameters())
    assert (np.hypot(*(large[:, :2] - (80, 60)).T) > 15).all()  # none is the disc itself
    assert len(find_circles(discs(), 5, SPACING, HoughParameters())) == 0


def test_outlines_are_the_papers_chain_of_filters():
    image, _ = drawn([(60, 50), (20, 90)], shape=(130, 140))
    clear = dehaze(image / image.max(), 0.9, 11, 40, 1e-5).astype(np.float64)
    values = clear - witness_ball(clear, radius=50, workers=1)
    gradient = partial(generic_gradient_magnitude, derivative=sobel, mode="mirror")
    expected = gradient(gaussian_filter(gradient(values), 2, mode="mirror"))
    np.testing.assert_allclose(outlines(image, SPACING, HoughParameters()), expected, atol=1e-3 * expected.max())


def test_strongest_are_what_exceeds_the_quantile_inside():
    values = np.arange(100, dtype=np.float32).reshape(10, 10)
    inside = values < 50
    # Of 0..49 the quantile 0.9 is 44.1: 45 to 49 remain.
    assert sorted(np.unique(strongest(values, inside, 0.9))) == [0, 45, 46, 47, 48, 49]
    assert not strongest(values, np.zeros_like(inside), 0.9).any()


def plainly_searched_again(strong, circles, side):
    """What the module's docstring says of the second search, with explicit pixel sets."""
    p = HoughParameters()
    found = set()
    for x, y, radius in np.floor(circles).astype(int):
        rows = np.arange(side) + np.clip(y - side // 2, 0, strong.shape[0] - side)
        columns = np.arange(side) + np.clip(x - side // 2, 0, strong.shape[1] - side)
        around = strong[np.ix_(rows, columns)].copy()
        in_circle = np.hypot(columns - x, (rows - y)[:, None]) <= radius
        around[in_circle & (around < around.mean())] = around.mean()
        threshold = np.percentile(around[around > 0], 95)
        for cx, cy, r in find_circles(around > threshold, p.second_votes, SPACING, p):
            found.add((cx + columns[0], cy + rows[0], r))
    return np.array(sorted(found))


def test_the_second_search_is_its_definition_even_where_surroundings_overlap_and_reach_the_edge():
    image, breast = drawn([*SPECKS, (12, 350), (210, 430)])
    p = HoughParameters()
    strong = strongest(outlines(image, SPACING, p), breast, p.first_quantile)
    circles = find_circles(strong > 0, p.first_votes, SPACING, p)[:40]
    found = search_again(strong, circles, SPACING, p)
    assert len(found) > 40
    np.testing.assert_allclose(found, plainly_searched_again(strong, circles, 200), atol=1e-9)


@pytest.mark.parametrize("parameters", [HoughParameters(), FIRST_ALONE], ids=["both", "first"])
def test_specks_are_found_and_lead_the_list(parameters):
    image, breast = drawn(SPECKS)
    found = propose(image, breast, SPACING, parameters)
    assert misses(found.centres, SPECKS).max() < 3
    assert misses(found.centres[:8], SPECKS).max() < 4.5
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= 0
    assert found.scores.max() < 1


@pytest.mark.parametrize("contrast", [0.06, 0.15])
def test_recall_of_many_specks(contrast):
    grid = np.stack(np.meshgrid([60, 150, 240, 330], [200, 290, 380, 470]), axis=-1).reshape(-1, 2)
    specks = grid + np.random.default_rng(3).uniform(-20, 20, grid.shape)
    image, breast = drawn(specks, contrast=contrast, radius_px=1.5)
    # As the paper matches them: a disc of 14 px around a candidate holds the speck.
    assert (misses(propose(image, breast, SPACING, FIRST_ALONE).centres, specks) < 7).all()
    assert (misses(propose(image, breast, SPACING).centres, specks) < 7).mean() > 0.8


def test_the_second_search_drops_what_is_weak_beside_the_strong():
    """Surroundings have a threshold of their own: the same weak speck stays where nothing outshines it."""
    crowd = [(x, y) for x in range(80, 200, 30) for y in range(240, 360, 30)]
    weak = [(140, 375), (330, 460)]  # beside the crowd, and more than 100 px from it
    image, breast = drawn([*crowd, *weak], contrast=[0.4] * len(crowd) + [0.1] * 2, sigma=0.005)
    assert (misses(propose(image, breast, SPACING, FIRST_ALONE).centres, weak) < 4).all()
    assert (misses(propose(image, breast, SPACING).centres, weak) < 4).tolist() == [False, True]


def test_nothing_in_the_border_of_the_breast():
    _, breast = drawn([])
    depth = distance_transform_edt(breast)  # from the skin; the border is 2.8 mm, 40 px
    y, x = np.nonzero((depth >= 39.5) & (depth < 40.5))
    image, _ = drawn(np.stack([x, y], axis=1)[::60])  # half in the border, half out of it
    found = propose(image, breast, SPACING, FIRST_ALONE).centres.astype(int)
    depths = depth[found[:, 1], found[:, 0]]
    assert (depths < 45).any()
    assert depths.min() > 40


def test_neither_brightness_nor_margin_matters():
    image, breast = drawn(SPECKS)
    expected = propose(image, breast, SPACING)
    darker = propose(image * np.float32(0.5), breast, SPACING)
    np.testing.assert_array_equal(darker.centres, expected.centres)
    margin = ((0, 50), (0, 80))
    wider = propose(np.pad(image, margin), np.pad(breast, margin), SPACING)
    np.testing.assert_array_equal(np.sort(wider.centres, axis=0), np.sort(expected.centres, axis=0))


def test_lengths_are_in_mm():
    """The same breast at half the pixel pitch gives the same specks."""
    image, breast = drawn(SPECKS, radius_px=2.5)
    fine = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    fine_breast = cv2.resize(breast.astype(np.uint8), None, fx=2, fy=2) > 0
    assert misses(propose(fine, fine_breast, SPACING / 2).centres / 2, SPECKS).max() < 3


def test_threads_do_not_change_the_result():
    image, breast = drawn(SPECKS)
    threads = cv2.getNumThreads()
    try:
        found = []
        for count in (1, 2, 4):
            cv2.setNumThreads(count)
            found.append(propose(image, breast, SPACING))
    finally:
        cv2.setNumThreads(threads)
    for other in found[1:]:
        np.testing.assert_array_equal(other.centres, found[0].centres)
        np.testing.assert_array_equal(other.diameters_mm, found[0].diameters_mm)


@pytest.mark.parametrize("parameters", [HoughParameters(), FIRST_ALONE], ids=["both", "first"])
@pytest.mark.parametrize("side", [30, 300])
def test_a_flat_breast_and_an_empty_mask_give_nothing(side, parameters):
    flat = np.full((side, side), 0.5, np.float32)
    everywhere = np.ones(flat.shape, bool)
    assert len(propose(flat, everywhere, SPACING, parameters).scores) == 0
    assert len(propose(flat, ~everywhere, SPACING, parameters).scores) == 0
    assert len(propose(0 * flat, everywhere, SPACING, parameters).scores) == 0


def test_an_image_smaller_than_the_surroundings():
    image, breast = drawn(SPECKS)
    corner = (slice(250, 400), slice(20, 180))
    centres = propose(image[corner], breast[corner], SPACING).centres
    assert misses(centres + np.array([20, 250]), [(90, 350)])[0] < 3
