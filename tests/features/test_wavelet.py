import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kurtosis, skew
from skimage.feature import graycomatrix, graycoprops

from microcalc.features.wavelet import NAMES, decompose, wavelet

CENTRE = np.array([[7.0, 7.0]])


def reference(window):
    """The features of one window by PyWavelets, SciPy and scikit-image, by name."""
    found = {}
    approximation = window.astype(np.float64)
    for depth in (1, 2):
        approximation, details = pywt.dwt2(approximation, "haar")
        for band, image in zip(("LL", "LH", "HL", "HH"), (approximation, *details), strict=True):
            # PyWavelets' own rounding would count as structure in a flat band.
            image = np.round(image, 12)
            statistics = band_statistics(image, step=1 / 4095 / 2**depth)
            found |= {f"wavelet_{band}{depth}_{name}": value for name, value in statistics.items()}
            if depth == 1 and band != "LL":
                found |= {f"wavelet_{band}1_glcm_{name}": value for name, value in co_occurrence(image).items()}
    return found


def band_statistics(image, step):
    values, deviation = image.ravel(), image.std()
    _, counts = np.unique(np.round(values / step), return_counts=True)
    share = counts / values.size
    return {
        "mean": values.mean(),
        "skewness": skew(values) if np.ptp(values) else 0.0,
        "standard_deviation": deviation,
        "kurtosis": kurtosis(values) if np.ptp(values) else 0.0,
        "entropy": -(share * np.log2(share)).sum(),
        "uniformity": (share**2).sum(),
        "relative_smoothness": 1 - 1 / (1 + deviation),
    }


def co_occurrence(image):
    span = np.ptp(image) or 1.0
    levels = ((image - image.min()) / span * 255).astype(np.uint8)
    matrix = graycomatrix(levels, [2], np.deg2rad([0, 45, 90]), normed=True)
    return {
        f"{angle}_{name}": value
        for name in ("correlation", "homogeneity", "contrast", "dissimilarity")
        for angle, value in zip((0, 45, 90), graycoprops(matrix, name)[0], strict=True)
    }


def window_of(kind):
    """A 14 x 14 window with little in it."""
    window = np.zeros((14, 14), np.float32)
    match kind:
        case "constant":
            window[:] = 0.3
        case "one pixel":
            window[6, 7] = 1.0
        case "one row":
            window[6] = 1.0
        case "a row by the border":
            window[12] = 1.0
        case "checkerboard":
            window[::2, ::2] = window[1::2, 1::2] = 1.0
    return window


def test_92_names_in_the_order_of_the_table():
    assert len(set(NAMES)) == len(NAMES) == 92
    assert NAMES[:2] == ("wavelet_LL1_mean", "wavelet_LL1_skewness")
    assert NAMES[55:57] == ("wavelet_HH2_relative_smoothness", "wavelet_LH1_glcm_0_correlation")
    assert NAMES[-1] == "wavelet_HH1_glcm_90_dissimilarity"


def test_against_the_libraries_on_a_noisy_image():
    rng = np.random.default_rng(5)
    # A spread of about 12 of the 4096 grey levels: coefficients fall together, and entropy has something to count.
    image = rng.normal(0.5, 0.003, (60, 50)).astype(np.float32)
    # No window reaches beyond the image.
    centres = rng.integers(7, 44, (4, 2)).astype(np.float64)
    got = wavelet(image, centres)
    assert got.shape == (4, 92)
    assert got.dtype == np.float32
    for (x, y), row in zip(centres.astype(int), got, strict=True):
        expected = reference(image[y - 7 : y + 7, x - 7 : x + 7])
        np.testing.assert_allclose(row, [expected[name] for name in NAMES], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["constant", "one pixel", "one row", "a row by the border", "checkerboard"])
def test_against_the_libraries_on_windows_with_little_in_them(kind):
    window = window_of(kind)
    expected = reference(window)
    np.testing.assert_allclose(wavelet(window, CENTRE)[0], [expected[name] for name in NAMES], rtol=1e-6, atol=1e-7)


def test_a_constant_window_has_the_documented_values():
    got = dict(zip(NAMES, wavelet(window_of("constant"), CENTRE)[0].tolist(), strict=True))
    means = {"wavelet_LL1_mean": pytest.approx(0.6), "wavelet_LL2_mean": pytest.approx(1.2)}
    ones = ("uniformity", "correlation", "homogeneity")
    assert got == {name: 1.0 if name.endswith(ones) else 0.0 for name in NAMES} | means


def test_bands_worked_by_hand():
    # LL (1+2+3+5)/2, LH (1+2-3-5)/2, HL (1-2+3-5)/2, HH (1-2-3+5)/2
    assert decompose(np.array([[[1.0, 2.0], [3.0, 5.0]]])).ravel().tolist() == [5.5, -2.5, -1.5, 0.5]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_bands_of_any_shape_are_those_of_pywavelets(rows, columns, seed):
    images = np.random.default_rng(seed).random((3, rows, columns))
    approximation, details = pywt.dwt2(images, "haar", mode="symmetric", axes=(1, 2))
    np.testing.assert_allclose(decompose(images), np.stack([approximation, *details], axis=1), atol=1e-15)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (14, 14), elements=st.sampled_from([0.0, 0.25, 0.375, 1.0])))
def test_transposing_a_window_exchanges_horizontal_and_vertical(window):
    def exchanged(name):
        swaps = {"LH1": "HL1", "HL1": "LH1", "LH2": "HL2", "HL2": "LH2", "0": "90", "90": "0"}
        return "_".join(swaps.get(part, part) for part in name.split("_"))

    upright, transposed = (dict(zip(NAMES, wavelet(w, CENTRE)[0], strict=True)) for w in (window, window.T.copy()))
    np.testing.assert_allclose(
        [transposed[exchanged(name)] for name in NAMES], list(upright.values()), rtol=1e-5, atol=1e-6
    )


def test_co_occurrence_ignores_brightness_and_contrast():
    window = np.random.default_rng(1).integers(0, 512, (14, 14)).astype(np.float32) / 1024
    # Both steps are exact in binary.
    np.testing.assert_array_equal(wavelet(window / 2 + 0.25, CENTRE)[:, 56:], wavelet(window, CENTRE)[:, 56:])


def test_an_image_without_candidates():
    assert wavelet(np.zeros((20, 20), np.float32), np.empty((0, 2))).shape == (0, 92)
