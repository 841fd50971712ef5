"""Gabor features: 30 numbers from a candidate's window in the image filtered with six Gabor kernels.

Cortina Uribe et al., section 2.2.1, Table 1 and Figure 7, after Khan et al. 2017. Kernel number 2 o + s has its wave
run in direction theta = 60 o degrees (o = 0, 1, 2; from x towards y) with a length of lambda = 5 sqrt(2)^s pixels
(s = 0, 1):

    g(x, y) = exp(-(u^2 + gamma^2 v^2) / (2 sigma^2)) cos(2 pi u / lambda),
    u = x cos(theta) + y sin(theta), v = y cos(theta) - x sin(theta),

for x, y = -10 .. 10, with sigma = 3 pixels and gamma = 0.5, unscaled. Beyond its borders the image is mirrored. The
n = 196 responses r_i of kernel k in the window give the columns 5 k to 5 k + 4:

| name | formula |
|---|---|
| `energy` | sum r_i^2 |
| `mean` | sum r_i / n |
| `standard_deviation` | sqrt(m_2), where m_k = sum (r_i - mean)^k / n |
| `skewness` | m_3 / m_2^(3/2) |
| `kurtosis` | m_4 / m_2^2 - 3 |

The paper prints no number of a kernel; these are those of its public code, whose three orientations are not quite the
"45 degree rotational invariant" features that the paper speaks of. The code also takes each response's minimum and
maximum, which Table 1 does not list and its count of 30 leaves out.

Where everything around a candidate has one value, skewness and kurtosis (undefined) are 0.

Only the windows are filtered: a window's responses are linear in the 34 x 34 pixels that its kernels reach, so that one
matrix product gives those of all candidates.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.features.statistics import moments
from microcalc.features.windows import SIDE, windows

ORIENTATIONS = (0.0, np.pi / 3, 2 * np.pi / 3)
#: Pixels.
WAVELENGTHS = (5.0, 5.0 * np.sqrt(2.0))
#: Of the envelope along the wave, pixels; across it is SIGMA / GAMMA.
SIGMA = 3.0
GAMMA = 0.5
#: Pixels on either side of a kernel's middle.
REACH = 10

STATISTICS = ("energy", "mean", "standard_deviation", "skewness", "kurtosis")
NAMES = tuple(
    f"gabor_{kernel}_{statistic}" for kernel in range(len(ORIENTATIONS) * len(WAVELENGTHS)) for statistic in STATISTICS
)


@cache
def kernels() -> NDArray[np.float64]:
    """The six kernels (Figure 7): (6, 21, 21), rows y and columns x from -10 to 10, read-only."""
    side = 2 * REACH + 1
    bank = np.stack(
        [
            cv2.getGaborKernel((side, side), SIGMA, orientation, wavelength, GAMMA, 0.0)
            for orientation in ORIENTATIONS
            for wavelength in WAVELENGTHS
        ],
        dtype=np.float64,
    )
    bank.flags.writeable = False
    return bank


def gabor(image: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.float32]:
    """Statistics of the six Gabor responses in every candidate's window.

    Args:
        image: (rows, columns) in 0..1, at 0.07 mm.
        centres: (N, 2) x, y in pixels of the image.

    Returns:
        (N, 30), columns as :data:`NAMES`; about 15 kB a candidate are taken on the way.

    Raises:
        UsageError: the image is smaller than a window, or a centre lies outside the image.
    """
    surroundings = windows(image, centres, margin=REACH).reshape(len(centres), (SIDE + 2 * REACH) ** 2)
    # The local grey level is filtered apart from what varies about it: single precision is then fine enough for the
    # small variations of a bright window, and none stays none.
    level = surroundings.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    varying = ((surroundings - level) @ _bank()).reshape(-1, SIDE * SIDE)
    shape = (len(centres), len(kernels()))
    mean, deviation, skewness, kurtosis = (column.reshape(shape) for column in moments(varying).T)
    mean = mean + level * kernels().sum(axis=(1, 2))
    energy = SIDE * SIDE * (deviation**2 + mean**2)
    columns = np.stack([energy, mean, deviation, skewness, kurtosis], axis=2)
    return columns.reshape(len(centres), len(NAMES)).astype(np.float32)


@cache
def _bank() -> NDArray[np.float32]:
    """(1156, 1176): kernel after kernel, one column for each of its 196 places over the 34 x 34 pixels."""
    whole = SIDE + 2 * REACH
    padded = np.pad(kernels(), ((0, 0), (SIDE - 1, SIDE - 1), (SIDE - 1, SIDE - 1)))
    places = np.lib.stride_tricks.sliding_window_view(padded, (whole, whole), axis=(1, 2))
    return np.ascontiguousarray(places.reshape(-1, whole * whole).T, dtype=np.float32)
