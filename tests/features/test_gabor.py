"""The Gabor features, against scikit-image's kernels, SciPy's filter and SciPy's statistics."""

import numpy as np
import pytest
from scipy import ndimage, stats
from skimage.filters import gabor_kernel

from microcalc.features.gabor import NAMES, gabor, kernels


@pytest.fixture(scope="module")
def witness_kernels():
    """The six kernels by scikit-image, which scales them to unit volume and cuts them elsewhere."""
    bank = []
    for degrees in (0, 60, 120):
        for wavelength in (5.0, 5.0 * 2**0.5):
            whole = gabor_kernel(1 / wavelength, np.radians(degrees), sigma_x=3, sigma_y=6, n_stds=5).real
            y, x = (side // 2 for side in whole.shape)
            bank.append(whole[y - 10 : y + 11, x - 10 : x + 11] * 2 * np.pi * 3 * 6)
    return bank


def witness(image, centres, bank):
    """(N, 6, 5) features: the whole image filtered in double precision, then each window cut out of it."""
    corners = np.clip(centres[:, ::-1].astype(int) - 7, 0, np.array(image.shape) - 14)
    features = []
    for kernel in bank:
        filtered = ndimage.correlate(image.astype(np.float64), kernel, mode="mirror")
        r = np.stack([filtered[row : row + 14, column : column + 14].ravel() for row, column in corners])
        features.append([(r**2).sum(1), r.mean(1), r.std(1), stats.skew(r, axis=1), stats.kurtosis(r, axis=1)])
    return np.transpose(features, (2, 0, 1))


def textured(shape=(80, 90), seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(0.5 + 0.3 * ndimage.gaussian_filter(rng.standard_normal(shape), 1.0), 0, 1).astype(np.float32)


def test_kernels_by_hand():
    wave_along_x, wider = kernels()[:2]
    assert kernels().shape == (6, 21, 21)
    assert wave_along_x[10, 10] == 1.0
    # Five columns on: a whole wavelength, so cos = 1, under exp(-25/18); five rows on: exp(-0.25 * 25/18).
    assert wave_along_x[10, 15] == pytest.approx(np.exp(-25 / 18))
    assert wave_along_x[15, 10] == pytest.approx(np.exp(-25 / 72))
    assert wider[10, 15] == pytest.approx(np.exp(-25 / 18) * np.cos(2 * np.pi / 2**0.5))


def test_kernels_agree_with_scikit_image(witness_kernels):
    np.testing.assert_allclose(kernels(), witness_kernels, atol=1e-12)


def test_agrees_with_filtering_the_whole_image(witness_kernels):
    """Clear of the borders, at every border, and at every corner; more candidates than a block holds."""
    image = textured()
    rng = np.random.default_rng(1)
    edges = [(0, 0), (89, 0), (0, 79), (89, 79), (40, 0), (40, 79), (0, 40), (89, 40), (8, 17)]
    centres = np.concatenate([np.array(edges, dtype=float), rng.integers(0, 80, (300, 2)).astype(float)])
    features = gabor(image, centres)
    assert features.shape == (309, 30)
    assert features.dtype == np.float32
    np.testing.assert_allclose(
        features.reshape(-1, 6, 5), witness(image, centres, witness_kernels), rtol=2e-5, atol=2e-6
    )


def test_faint_texture_in_a_bright_window_keeps_its_shape(witness_kernels):
    """Single precision must not drown a contrast of a thousandth in the grey level it stands on."""
    image = (0.9 + 0.003 * (textured() - 0.5)).astype(np.float32)
    centres = np.array([[45.0, 40.0], [20.0, 30.0]])
    features = gabor(image, centres).reshape(-1, 6, 5)
    np.testing.assert_allclose(
        features[..., 2:], witness(image, centres, witness_kernels)[..., 2:], rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("value", [0.0, 0.7, 1.0])
def test_one_grey_value_is_defined(value):
    features = gabor(np.full((40, 40), value, dtype=np.float32), np.array([[20.0, 20.0], [0.0, 39.0]]))
    mean = value * kernels().sum(axis=(1, 2))
    expected = np.stack([196 * mean**2, mean, 0 * mean, 0 * mean, 0 * mean], axis=1)
    np.testing.assert_allclose(features.reshape(2, 6, 5), [expected, expected], rtol=1e-6, atol=0)


@pytest.mark.parametrize(("kernel", "degrees"), [(0, 0), (2, 60), (4, 120)])
def test_stripes_answer_to_the_kernel_of_their_direction(kernel, degrees):
    y, x = np.mgrid[:60, :60]
    along = x * np.cos(np.radians(degrees)) + y * np.sin(np.radians(degrees))
    stripes = (0.5 + 0.4 * np.cos(2 * np.pi * along / 5)).astype(np.float32)
    (features,) = gabor(stripes, np.array([[30.0, 30.0]]))
    deviations = dict(zip(NAMES, features, strict=True))
    assert max(range(6), key=lambda k: deviations[f"gabor_{k}_standard_deviation"]) == kernel


def test_names_stand_in_column_order():
    assert len(set(NAMES)) == 30
    statistics = ("energy", "mean", "standard_deviation", "skewness", "kurtosis")
    assert NAMES[:5] == tuple(f"gabor_0_{statistic}" for statistic in statistics)
    assert NAMES[5 * 2 + 3] == "gabor_2_skewness"
