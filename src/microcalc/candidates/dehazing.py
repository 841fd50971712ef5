"""Dehazing by the dark channel prior: small bright specks stand out of tissue as things do when fog is taken away.

He, Sun and Tang 2011, for mammograms Bria et al. 2017: on an image of one channel the fog at a pixel is the lowest
value around it, and its colour is white (1).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def dehaze(
    image: NDArray[np.float32], omega: float, window_px: int, radius_px: int, epsilon: float
) -> NDArray[np.float32]:
    """What is left of an image when its fog is taken away, smoothed along its edges.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        omega: share of the fog that is taken away, in 0..1.
        window_px: side of the square in which the lowest value is looked for; beyond the edge there is none.
        radius_px: of the guided filter's square.
        epsilon: variance of the grey values below which the guided filter smooths.

    Returns:
        (rows, columns) float32 in 0..1.
    """
    fog = cv2.erode(image, np.ones((window_px, window_px), dtype=np.uint8))
    clear = 1.0 - (1.0 - image) / (1.0 - omega * fog)
    return guided_by_itself(np.asarray(clear, dtype=np.float32), radius_px, epsilon)


def guided_by_itself(image: NDArray[np.float32], radius_px: int, epsilon: float) -> NDArray[np.float32]:
    """The guided filter with the image as its own guide (He, Sun and Tang 2013, algorithm 1; edges mirrored).

    Args:
        image: (rows, columns) float32 in 0..1.
        radius_px: the squares are 2 radius_px + 1 wide.
        epsilon: see :func:`dehaze`.
    """
    mean = _mean(image, radius_px)
    variance = _mean(image * image, radius_px) - mean * mean
    slope = np.asarray(variance / (variance + epsilon), dtype=np.float32)
    return _mean(slope, radius_px) * image + _mean(mean - slope * mean, radius_px)


def _mean(values: NDArray[np.float32], radius_px: int) -> NDArray[np.float32]:
    side = 2 * radius_px + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), dtype=np.float32)
