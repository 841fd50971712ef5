"""Wavelet features: 92 numbers from the two-level Haar decomposition of a candidate's window.

Cortina Uribe et al., section 2.2.1 and Table 1. The window is split into approximation (LL) and horizontal (LH),
vertical (HL) and diagonal (HH) detail, and LL1 once more, by the decimated orthonormal Haar transform: from 14 x 14 to
7 x 7 to 4 x 4 coefficients. Of each 2 x 2 block (a b / c d)

    LL = (a + b + c + d) / 2    LH = (a + b - c - d) / 2    HL = (a - b + c - d) / 2    HH = (a - b - c + d) / 2.

Seven being odd, the last row and column of LL1 enter the second level twice (half-sample symmetric boundary): the last
row of LH2, the last column of HL2 and both of HH2 are zero.

Columns 0..55, for LL1, LH1, HL1, HH1, LL2, LH2, HL2, HH2 in turn, over the coefficients of the band:

    mean, skewness, standard_deviation, kurtosis, entropy, uniformity, relative_smoothness

and columns 56..91, for LH1, HL1, HH1 in turn, for the angles 0, 45, 90 degrees in turn, from the co-occurrence matrix
(:mod:`microcalc.features.glcm`) of the band stretched to 256 grey levels:

    correlation, homogeneity, contrast, dissimilarity.

The paper names the statistics and leaves boundary, formulas, grey levels and offsets open; these are those of its
public code. There an offset of 2 at 45 degrees is sqrt(2) down and to the right, which rounds to the diagonal
neighbour, and relative smoothness is 1 - 1 / (1 + standard deviation), where textbooks take the variance. One thing
differs: entropy and uniformity there count distinct coefficients, but after resampling, and already by rounding within
the transform, too few are equal. Here coefficients are first rounded to the step they have in an image of
:data:`~microcalc.features.first_order.LEVELS` grey levels.

In a window of one value v, LL1 has the mean 2 v and LL2 4 v; every other statistic of every band is 0, skewness and
kurtosis (undefined) too, but uniformity is 1; of the co-occurrence, contrast and dissimilarity are 0, homogeneity and
correlation (undefined) 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.features import glcm
from microcalc.features.first_order import LEVELS
from microcalc.features.statistics import entropy_and_uniformity, moments
from microcalc.features.windows import windows

BANDS = ("LL", "LH", "HL", "HH")
STATISTICS = (
    "mean",
    "skewness",
    "standard_deviation",
    "kurtosis",
    "entropy",
    "uniformity",
    "relative_smoothness",
)
#: Angle, degrees -> (rows down, columns right): round(2 sin), round(2 cos).
OFFSETS = {0: (0, 2), 45: (1, 1), 90: (2, 0)}
NAMES = (
    *(f"wavelet_{band}{depth}_{statistic}" for depth in (1, 2) for band in BANDS for statistic in STATISTICS),
    *(f"wavelet_{band}1_glcm_{angle}_{prop}" for band in BANDS[1:] for angle in OFFSETS for prop in glcm.PROPERTIES),
)


def wavelet(image: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.float32]:
    """Wavelet and co-occurrence features of every candidate's window.

    Args:
        image: (rows, columns) in 0..1, at 0.07 mm.
        centres: (N, 2) x, y in pixels of the image.

    Returns:
        (N, 92), columns as :data:`NAMES`.

    Raises:
        UsageError: the image is smaller than a window, or a centre lies outside the image.
    """
    # In double precision the sums of the transform are exact: equal coefficients stay equal, flat bands flat.
    first = decompose(windows(image, centres).astype(np.float64))
    second = decompose(first[:, 0])
    columns = [_statistics(first, 1), _statistics(second, 2), _co_occurrence(first[:, 1:])]
    return np.concatenate(columns, axis=1).astype(np.float32)


def decompose(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """One level of the decimated orthonormal Haar transform of many images at once.

    Args:
        images: (N, rows, columns); an odd last row or column is repeated.

    Returns:
        (N, 4, ceil(rows / 2), ceil(columns / 2)), bands as :data:`BANDS`.
    """
    _, rows, columns = images.shape
    even = np.pad(images, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    left, right = even[:, :, 0::2], even[:, :, 1::2]
    across, along = left + right, left - right
    bands = [across[:, 0::2] + across[:, 1::2], across[:, 0::2] - across[:, 1::2]]
    bands += [along[:, 0::2] + along[:, 1::2], along[:, 0::2] - along[:, 1::2]]
    return np.stack(bands, axis=1) / 2.0


def _statistics(bands: NDArray[np.float64], depth: int) -> NDArray[np.float64]:
    """(N, 4 * 7): :data:`STATISTICS` of each of the bands (N, 4, rows, columns) of one depth."""
    count, _, rows, columns = bands.shape
    coefficients = bands.reshape(-1, rows * columns)
    mean, deviation, skewness, kurtosis = moments(coefficients).T
    # A coefficient is half of a sum of four whole numbers of steps: at each depth the step halves.
    steps = np.rint(coefficients * (2**depth * (LEVELS - 1))).astype(np.int32)
    entropy, uniformity = entropy_and_uniformity(np.sort(steps, axis=1)).T
    smoothness = 1.0 - 1.0 / (1.0 + deviation)
    statistics = [mean, skewness, deviation, kurtosis, entropy, uniformity, smoothness]
    return np.stack(statistics, axis=1).reshape(count, len(BANDS) * len(STATISTICS))


def _co_occurrence(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3 * 3 * 4): for each of the bands (N, 3, 7, 7), each angle, the properties of the co-occurrence matrix."""
    count, details, rows, columns = bands.shape
    levels = glcm.grey_levels(bands.reshape(-1, rows, columns))
    found = np.stack([glcm.properties(levels, offset) for offset in OFFSETS.values()], axis=1)
    return found.reshape(count, details * len(OFFSETS) * len(glcm.PROPERTIES))
