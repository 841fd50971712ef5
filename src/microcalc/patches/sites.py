"""Where patches may lie: counts over every window of an image, grids, centring, drawing at random.

Windows are squares; a window is named by the (x, y) of its first pixel, its corner. None leaves the image.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Corners = NDArray[np.intp]


def sums(values: NDArray[Any], size: int) -> NDArray[Any]:
    """(rows - size + 1, columns - size + 1) sum of the values in each window of ``size`` x ``size``, by its corner.

    Args:
        values: (rows, columns) bool or float32, at least ``size`` x ``size``.

    Returns:
        int32 for bool: how many pixels are true; else float64.
    """
    table = cv2.integral(values.view(np.uint8) if values.dtype == np.bool_ else values)
    total: NDArray[Any] = table[size:, size:] - table[:-size, size:] - table[size:, :-size] + table[:-size, :-size]
    return total


def grid(shape: tuple[int, int], size: int, stride: int, first: tuple[int, int] = (0, 0)) -> Corners:
    """(n, 2) corners, row by row, of all windows at a stride that lie within (rows, columns).

    Args:
        first: x, y of the first corner.
    """
    y, x = (np.arange(start, length - size + 1, stride) for start, length in zip(first[::-1], shape, strict=True))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.intp)


def centred(points: NDArray[np.float64], size: int, shape: tuple[int, int]) -> Corners:
    """(n, 2) corners of the windows centred on (n, 2) x, y, shifted inside (rows, columns) where they would leave it.

    A window of even size has no middle pixel: its centre lies half a pixel before a point on a pixel's centre, and less
    than a pixel before any other.
    """
    corners = np.floor(points + 0.5).astype(np.intp) - size // 2
    return corners.clip(0, np.array(shape[::-1]) - size)


def drawn(allowed: NDArray[np.bool_], count: int, rng: Generator) -> Corners:
    """(n, 2) corners of ``count`` windows drawn without replacement out of those allowed; fewer where fewer are.

    Args:
        allowed: (rows - size + 1, columns - size + 1) by corner.
    """
    places = np.flatnonzero(allowed)
    chosen = places[rng.choice(places.size, min(count, places.size), replace=False)]
    y, x = np.unravel_index(chosen, allowed.shape)
    return np.column_stack([x, y]).astype(np.intp)


def at(values: NDArray[Any], corners: Corners) -> NDArray[Any]:
    """(n,) values of windows, as :func:`sums` gives them, at (n, 2) corners."""
    picked: NDArray[Any] = values[corners[:, 1], corners[:, 0]]
    return picked
