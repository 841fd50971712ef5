"""A mammogram less its local mean, over its local noise: vendors, tone curves and phantoms come to look alike.

What is left is in units of the noise and texture at the scale of specks, on which a speck stands out by what makes it
visible. Both statistics are taken over areas that a cluster cannot move: it does not normalise itself away.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.candidates.contrast import speck_band

#: Standard deviations of the Gaussians over which mean and noise are taken.
MEAN_MM, NOISE_MM = 1.5, 8.0
#: What stands out by more than so many times the median counts as that much: neither specks nor fibres are noise.
_MOST = 4.0
#: Below it a value is passed on as it is, above it by its logarithm.
_KNEE = 3.0
#: Least noise: one grey level of 16 bits.
_LEAST = 1 / 65535
#: Of a Gaussian, the pixels to which an image is shrunk before it is blurred that widely.
_PER_SIGMA = 4.0

Array = NDArray[np.float32]


def local_contrast(image: Array, breast: NDArray[np.bool_], spacing_mm: float) -> Array:
    """What a network sees of an image.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where the breast is.
        spacing_mm: of the (square) pixels.

    Returns:
        (rows, columns) float32, 0 off the breast; of a plain area's noise about 1 in size, of a clear speck 2 to 3.
    """
    inside = breast.astype(np.float32)
    mean = _around(image, inside, MEAN_MM / spacing_mm)
    above = (image - mean) * inside
    size = np.abs(speck_band(above, spacing_mm))
    median = float(np.median(size[breast])) if breast.any() else 0.0
    noise = _around(np.minimum(size, _MOST * median), inside, NOISE_MM / spacing_mm)
    above /= np.maximum(noise, _LEAST)
    above /= _KNEE
    contrast: Array = np.arcsinh(above, out=above)
    return contrast


def _around(values: Array, inside: Array, sigma_px: float) -> Array:
    """Mean of what is inside, weighted by a Gaussian around each pixel; 0 where nothing is near."""
    rows, columns = values.shape
    factor = max(1.0, sigma_px / _PER_SIGMA)
    coarse = (max(1, round(columns / factor)), max(1, round(rows / factor)))
    sums, weights = (
        cv2.GaussianBlur(cv2.resize(part, coarse, interpolation=cv2.INTER_AREA), (0, 0), sigma_px / factor)
        for part in (values * inside, inside)
    )
    mean = cv2.resize(sums / np.maximum(weights, 1e-6), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(mean, np.float32)
