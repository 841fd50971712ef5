"""Grey-level co-occurrence: how the grey levels of two pixels a fixed step apart go together (Haralick et al., 1973).

The co-occurrence matrix P(i, j) is the share of the pixel pairs at one offset whose first pixel has level i and whose
second has level j. Each property used here is a mean over P of some function of i and j, and therefore the same mean
over the pairs themselves: the 256 x 256 matrix is never built.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Grey levels an image is stretched to.
LEVELS = 256
#: Columns of :func:`properties`.
PROPERTIES = ("correlation", "homogeneity", "contrast", "dissimilarity")


def grey_levels(images: NDArray[np.float64]) -> NDArray[np.float32]:
    """Stretch each image to whole grey levels: floor(255 (v - min) / (max - min)), 0 throughout where all v are equal.

    Args:
        images: (N, rows, columns).

    Returns:
        (N, rows, columns), whole numbers 0..255: in single precision sums over small images are exact, and fast.
    """
    low = images.min(axis=(1, 2), keepdims=True)
    span = images.max(axis=(1, 2), keepdims=True) - low
    share = (images - low) / np.where(span == 0.0, 1.0, span)
    levels: NDArray[np.float32] = np.floor(share * (LEVELS - 1)).astype(np.float32)
    return levels


def properties(levels: NDArray[np.float32], offset: tuple[int, int]) -> NDArray[np.float64]:
    """Properties of each image's co-occurrence matrix at one offset, pairs counted one way (P is not symmetrised).

    Over the pairs (i, j):

    - correlation: covariance of i and j over the product of their standard deviations; undefined where either has
      none, and given as 1 there, scikit-image's convention;
    - homogeneity: mean of 1 / (1 + (i - j)^2);
    - contrast: mean of (i - j)^2;
    - dissimilarity: mean of |i - j|.

    Args:
        levels: (N, rows, columns), as :func:`grey_levels` gives them, at most 16 x 16 pixels.
        offset: (rows down, columns right) from a pair's first pixel to its second; neither negative.

    Returns:
        (N, 4), columns as :data:`PROPERTIES`.
    """
    down, right = offset
    rows, columns = levels.shape[1:]
    pairs = (rows - down) * (columns - right)
    i = levels[:, : rows - down, : columns - right].reshape(-1, pairs)
    j = levels[:, down:, right:].reshape(-1, pairs)
    distance = np.abs(i - j)
    squared = distance * distance
    return np.stack(
        [
            _correlation(i, j),
            (1.0 / (1.0 + squared)).mean(axis=1, dtype=np.float64),
            squared.mean(axis=1, dtype=np.float64),
            distance.mean(axis=1, dtype=np.float64),
        ],
        axis=1,
    )


def _correlation(i: NDArray[np.float32], j: NDArray[np.float32]) -> NDArray[np.float64]:
    """Pearson's correlation of the rows of two arrays of whole numbers, (N, n) each, as in :func:`properties`."""
    spread = _covariance(i, i) * _covariance(j, j)
    flat = spread == 0.0
    return np.where(flat, 1.0, _covariance(i, j) / np.sqrt(np.where(flat, 1.0, spread)))


def _covariance(i: NDArray[np.float32], j: NDArray[np.float32]) -> NDArray[np.float64]:
    """Covariance of the rows, times n^2: a whole number, so that no rounding hides a zero."""
    products = np.einsum("np,np->n", i, j).astype(np.float64)
    totals = np.einsum("np->n", i).astype(np.float64) * np.einsum("np->n", j)
    covariance: NDArray[np.float64] = products * i.shape[1] - totals
    return covariance
