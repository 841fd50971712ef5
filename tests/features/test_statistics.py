"""The statistics that the families share, against SciPy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from microcalc.features.statistics import entropy_and_uniformity, moments


def test_moments_by_hand():
    # 0 0 0 4: mean 1, deviations -1 -1 -1 3; m2 = 12/4 = 3, m3 = (27 - 3)/4 = 6, m4 = (81 + 3)/4 = 21.
    # Skewness 6 / 3^1.5 = 2 / sqrt(3), kurtosis 21/9 - 3 = -2/3.
    np.testing.assert_allclose(moments(np.array([[0.0, 0, 0, 4]])), [[1, 3**0.5, 2 / 3**0.5, -2 / 3]])


def test_moments_agree_with_scipy():
    values = np.random.default_rng(0).gamma(2.0, size=(600, 50)).astype(np.float32)
    wide = values.astype(np.float64)
    witness = [wide.mean(axis=1), wide.std(axis=1), stats.skew(wide, axis=1), stats.kurtosis(wide, axis=1)]
    np.testing.assert_allclose(moments(values), np.transpose(witness), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, -3.3e-5])
def test_equal_values_have_neither_skewness_nor_kurtosis(value, kind):
    """Even where rounding tells the mean apart from them, as that of six times 0.1."""
    values = np.full((2, 6), value, dtype=kind)
    np.testing.assert_array_equal(moments(values), [[kind(value), 0, 0, 0]] * 2)


def test_entropy_and_uniformity_by_hand():
    # Shares 1/2, 1/4, 1/4: entropy 1/2 + 2/4 + 2/4 = 1.5 bits, uniformity 1/4 + 1/16 + 1/16 = 0.375.
    values = np.array([[1, 1, 2, 3], [5, 5, 5, 5], [1, 2, 3, 4]])
    np.testing.assert_allclose(entropy_and_uniformity(values), [[1.5, 0.375], [0, 1], [2, 0.25]])


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_entropy_and_uniformity_agree_with_counting(count, size, levels, seed):
    values = np.sort(np.random.default_rng(seed).integers(0, levels, (count, size)), axis=1)
    for row, (entropy, uniformity) in zip(values, entropy_and_uniformity(values), strict=True):
        _, counts = np.unique(row, return_counts=True)
        assert entropy == pytest.approx(stats.entropy(counts, base=2), abs=1e-12)
        assert uniformity == pytest.approx(((counts / size) ** 2).sum())


def test_no_samples_no_statistics():
    assert moments(np.zeros((0, 5))).shape == (0, 4)
    assert entropy_and_uniformity(np.zeros((0, 5))).shape == (0, 2)
