"""Candidates' windows: the square of pixels around each candidate that its features are computed from.

Cortina Uribe et al., section 2.2.1: windows of 14 x 14 pixels at 0.07 mm, centred on the candidate. A side of 14 has no
middle pixel: the window reaches from 7 pixels before the candidate's pixel to 6 after it, and is shifted inside where
it would leave the image (as in the paper's public code).
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError

#: Side of a window, pixels of 0.07 mm.
SIDE = 14


def windows(
    image: NDArray[np.float32], centres: NDArray[np.float64], side: int = SIDE, margin: int = 0
) -> NDArray[np.float32]:
    """Cut out every candidate's window.

    Args:
        image: (rows, columns).
        centres: (N, 2) x, y in pixels of the image.
        side: of a window, pixels.
        margin: pixels around each window to cut out with it; beyond the image they mirror it (without repeating its
            edge).

    Returns:
        (N, side + 2 margin, side + 2 margin) copies, from row round(y) - side // 2 - margin (halves round up) and
        the like column on.

    Raises:
        UsageError: the image is smaller than a window, or a centre lies outside the image.
    """
    first = _first_pixels(image.shape, centres, side)
    if margin:
        mirrored = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
        image = mirrored.astype(np.float32, copy=False)
    whole = side + 2 * margin
    every: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(image, (whole, whole))
    return every[first[:, 0], first[:, 1]]


def blocks(count: int, size: int = 256) -> Iterator[slice]:
    """Slices that cover 0 .. count - 1 in turn (one empty slice of nothing), so that a block's work fits the cache."""
    for start in range(0, max(count, 1), size):
        yield slice(start, start + size)


def _first_pixels(shape: tuple[int, ...], centres: NDArray[np.float64], side: int) -> NDArray[np.intp]:
    """(N, 2) row and column of each window's first pixel."""
    if min(shape) < side:
        raise UsageError(
            expected=f"an image of at least {side} x {side} pixels",
            found=f"{shape[0]} x {shape[1]}",
            do="give the whole mammogram at 0.07 mm",
        )
    limits = np.array(shape)
    pixel = np.floor(centres[:, ::-1] + 0.5)
    inside = np.all((pixel >= 0) & (pixel < limits), axis=1)
    if not inside.all():
        x, y = centres[~inside][0]
        raise UsageError(
            expected=f"centres (x, y) in an image of {shape[1]} columns and {shape[0]} rows",
            found=f"({x:g}, {y:g})",
            do="give centres in pixels of this very image",
        )
    return np.clip(pixel.astype(np.intp) - side // 2, 0, limits - side)
