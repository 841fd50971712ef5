import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import graycomatrix, graycoprops

from microcalc.features.glcm import PROPERTIES, grey_levels, properties

#: Angle, degrees -> the offset that skimage steps at a distance of 2.
OFFSETS = {0: (0, 2), 45: (1, 1), 90: (2, 0)}
#: Few levels, so that constant images and constant sides of pairs occur.
LEVELS = arrays(np.uint8, (2, 7, 7), elements=st.sampled_from([0, 1, 7, 128, 255]))


@pytest.mark.parametrize("angle", OFFSETS)
@settings(max_examples=50, deadline=None)
@given(levels=LEVELS)
def test_properties_are_those_of_the_matrix(angle, levels):
    down, right = OFFSETS[angle]
    for image, row in zip(levels, properties(levels.astype(np.float32), (down, right)), strict=True):
        matrix = graycomatrix(image, [2], [np.deg2rad(angle)], normed=True)
        expected = [graycoprops(matrix, name).item() for name in PROPERTIES]
        if np.ptp(image[: 7 - down, : 7 - right]) == 0 or np.ptp(image[down:, right:]) == 0:
            # scikit-image means 1, too, but its rounding may leave a constant a little spread, and then anything comes.
            expected[PROPERTIES.index("correlation")] = 1.0
        np.testing.assert_allclose(row, expected, rtol=1e-6, atol=1e-12)


def test_properties_worked_by_hand():
    # 0 1 2    two to the right: (0, 2), (2, 0); distances 2, 2.
    # 2 1 0    diagonal: (0, 1), (1, 0); distances 1, 1. Each first falls as its second rises: correlation -1.
    image = np.array([[[0, 1, 2], [2, 1, 0]]], dtype=np.float32)
    assert properties(image, (0, 2)).tolist() == [[-1.0, pytest.approx(1 / 5), 4.0, 2.0]]
    assert properties(image, (1, 1)).tolist() == [[-1.0, pytest.approx(1 / 2), 1.0, 1.0]]


def test_pairs_count_one_way():
    # Pairs (0, 1), (0, 3): the first never changes, so correlation is 1. Counted both ways it would be -2/3.
    image = np.array([[[0, 0, 1, 3]]], dtype=np.float32)
    assert properties(image, (0, 2))[0, 0] == 1.0


def test_a_constant_image_has_defined_properties():
    assert properties(np.zeros((1, 7, 7), np.float32), (1, 1)).tolist() == [[1.0, 1.0, 0.0, 0.0]]


@settings(max_examples=50, deadline=None)
@given(images=arrays(np.int64, (3, 2, 3), elements=st.integers(-4095, 4095)))
def test_grey_levels_are_exact(images):
    """Against whole-number arithmetic: where the quotient is whole, rounding must not push it to the level below."""
    for image, levels in zip(images, grey_levels(images / 8.0), strict=True):
        low, span = image.min(), max(int(np.ptp(image)), 1)
        assert levels.tolist() == ((image - low) * 255 // span).tolist()
