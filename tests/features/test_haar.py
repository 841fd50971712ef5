"""The Haar-like features, against plain loops over pixels, scikit-image's features and OpenCV's integral images."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import haar_like_feature, haar_like_feature_coord
from skimage.transform import integral_image

from microcalc.errors import UsageError
from microcalc.features.haar import haar, names
from microcalc.features.haar_prototypes import KINDS, pictures, prototypes

#: The middle of a 14 x 14 image: its window is all of it.
MIDDLE = np.array([[7.0, 7.0]])


def noise(shape=(14, 14), seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def indices(wanted):
    return np.array([index for index, prototype in enumerate(prototypes()) if wanted(prototype)])


def sample(kind, count=25):
    every = indices(lambda prototype: prototype.kind == kind)
    return np.random.default_rng(len(every)).choice(every, count, replace=False)


def pixels(rectangle):
    """Column and row of every pixel of a rectangle; of a rotated one step by step along its two sides."""
    for a in range(rectangle.width):
        for b in range(rectangle.height):
            if rectangle.rotated:
                yield rectangle.x + a - b, rectangle.y + a + b
                yield rectangle.x + a - b, rectangle.y + a + b + 1
            else:
                yield rectangle.x + a, rectangle.y + b


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_brute_force(kind):
    image = noise()
    chosen = sample(kind)
    expected = [
        sum(
            rectangle.weight * float(image[row, column])
            for rectangle in prototypes()[index].rectangles
            for column, row in pixels(rectangle)
        )
        for index in chosen
    ]
    np.testing.assert_allclose(haar(image, MIDDLE, chosen)[0], expected, rtol=0, atol=2e-5)


def upright_sums(x, y, w, h):
    table, _, _ = cv2.integral3(noise(), sdepth=cv2.CV_64F)
    return table[y, x] + table[y + h, x + w] - table[y, x + w] - table[y + h, x]


def rotated_sums(x, y, w, h):
    """OpenCV's rotated integral image has at (row, column) what Lienhart's has at (row - 1, column - 1)."""
    _, _, table = cv2.integral3(noise(), sdepth=cv2.CV_64F)
    x = x + 1
    return table[y, x] - table[y + w, x + w] - table[y + h, x - h] + table[y + w + h, x + w - h]


@pytest.mark.parametrize(("group", "sums"), [("concentric", upright_sums), ("rotated", rotated_sums)])
def test_all_of_a_group_agree_with_opencv(group, sums):
    chosen = indices(lambda prototype: prototype.kind.group == group)
    owners, rectangles = zip(
        *[(k, rectangle) for k, index in enumerate(chosen) for rectangle in prototypes()[index].rectangles],
        strict=True,
    )
    x, y, w, h, _, weights = np.array(rectangles).T
    expected = np.bincount(owners, weights * sums(x, y, w, h))
    np.testing.assert_allclose(haar(noise(), MIDDLE, chosen)[0], expected, rtol=0, atol=3e-5)


def test_all_adjacent_ones_agree_with_scikit_image():
    """Feature by feature, over the same rectangles; theirs weigh -1, 1, -1 ... as one goes along or round."""
    image = noise(seed=2)
    table = integral_image(image.astype(np.float64))
    for kind, theirs, sign in zip(KINDS, ("2-x", "2-y", "3-x", "3-y", "4"), (-1, -1, 1, 1, -1), strict=False):
        coordinates, types = haar_like_feature_coord(14, 14, f"type-{theirs}")
        values = haar_like_feature(table, 0, 0, 14, 14, feature_type=types, feature_coord=coordinates)
        places = [min(map(tuple, feature)) + max(map(tuple, feature)) for feature in coordinates]
        expected = {place: sign * value for place, value in zip(places, values, strict=True)}
        chosen = indices(lambda prototype, kind=kind: prototype.kind == kind)
        for index, value in zip(chosen, haar(image, MIDDLE, chosen)[0], strict=True):
            corners = [((r.y, r.x), (r.y + r.height - 1, r.x + r.width - 1)) for r in prototypes()[index].rectangles]
            assert value == pytest.approx(expected[min(corners) + max(corners)], abs=3e-5)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(-4, 4, width=32),
    st.floats(-4, 4, width=32),
)
def test_linear_in_the_image(seed, a, b):
    one, other = noise(seed=seed), noise(seed=seed + 1)
    chosen = np.arange(0, len(prototypes()), 97)
    combined = haar(np.float32(a) * one + np.float32(b) * other, MIDDLE, chosen)
    parts = a * haar(one, MIDDLE, chosen) + b * haar(other, MIDDLE, chosen)
    np.testing.assert_allclose(combined, parts, rtol=0, atol=5e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 30))
def test_moves_with_the_window(right, down):
    image = noise(seed=3)
    larger = noise((14 + 30, 14 + 40), seed=4)
    larger[down : down + 14, right : right + 14] = image
    chosen = np.arange(0, len(prototypes()), 97)
    np.testing.assert_allclose(
        haar(larger, MIDDLE + np.array([right, down]), chosen), haar(image, MIDDLE, chosen), rtol=0, atol=2e-5
    )


def test_precise_to_single_precision():
    """In bright windows, against double precision: 2e-4 is 17 roundings (2^-24) of the largest sum there is, 196."""
    image, centres = 0.8 + 0.2 * noise((60, 60), seed=5), np.random.default_rng(6).integers(7, 53, (40, 2))
    chosen = np.arange(0, len(prototypes()), 7)
    weights = pictures([prototypes()[index] for index in chosen]).astype(np.float64)
    cut = np.stack([image[y - 7 : y + 7, x - 7 : x + 7] for x, y in centres]).astype(np.float64)
    exact = np.tensordot(cut, weights, axes=((1, 2), (1, 2)))
    assert np.abs(haar(image, centres.astype(float), chosen) - exact).max() < 2e-4


def test_a_flat_window_shows_only_what_is_out_of_balance():
    values = haar(np.full((14, 14), 0.5, np.float32), MIDDLE)[0]
    balance = {"edge": 0, "checker": 0, "wide_line": 0, "line": -1, "centre": -7}
    for prototype, value in zip(prototypes()[::53], values[::53], strict=True):
        kind = prototype.kind.name.removeprefix("rotated_").removesuffix("_x").removesuffix("_y")
        area = prototype.width * prototype.height * (2 if prototype.kind.rotated else 1)
        assert value == balance[kind] * area * 0.5


def test_chosen_ones_are_those_of_all():
    image, centres = noise((40, 50), seed=7), np.array([[0.0, 0.0], [49.4, 39.4], [25.0, 20.0]])
    chosen = np.random.default_rng(8).permutation(len(prototypes()))[:500]
    every = haar(image, centres)
    assert every.shape == (3, 28_643)
    assert every.dtype == np.float32
    np.testing.assert_allclose(haar(image, centres, chosen), every[:, chosen], rtol=0, atol=2e-5)
    all_names = names()
    assert names(chosen) == tuple(all_names[index] for index in chosen)
    assert len(set(all_names)) == 28_643


def test_nothing_to_do():
    image = noise()
    assert haar(image, np.empty((0, 2)), np.arange(3)).shape == (0, 3)
    assert haar(image, MIDDLE, np.empty(0, dtype=np.intp)).shape == (1, 0)


@pytest.mark.parametrize("wrong", [-1, 28_643])
def test_there_is_no_such_prototype(wrong):
    chosen = np.array([0, wrong])
    with pytest.raises(UsageError, match=rf"0 to 28642, found {wrong};"):
        haar(noise(), MIDDLE, chosen)
    with pytest.raises(UsageError, match=rf"0 to 28642, found {wrong};"):
        names(chosen)
