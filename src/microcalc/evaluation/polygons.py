"""Measures of polygons: (N, 2) x, y of their corners, in one unit; the last corner is joined to the first."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def area_and_centroid(corners: Points) -> tuple[float, float, float]:
    """Area, and x, y of the centroid; of a polygon without area, of the mean of its corners."""
    x, y = (corners - corners[0]).T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    twice = cross.sum()
    if twice == 0:
        middle_x, middle_y = corners.mean(axis=0).tolist()
        return 0.0, middle_x, middle_y
    middle = [float(((a + b) * cross).sum() / (3 * twice)) for a, b in ((x, next_x), (y, next_y))]
    return abs(float(twice)) / 2, float(corners[0, 0]) + middle[0], float(corners[0, 1]) + middle[1]


def equal_disc(area: float) -> float:
    """Diameter of the disc of an area."""
    return float(2 * (area / np.pi) ** 0.5)


def largest_feret(corners: Points) -> float:
    """The largest distance between two corners."""
    hull = corners[cv2.convexHull(corners.astype(np.float32), returnPoints=False)[:, 0]]
    gaps = hull[:, None] - hull[None]
    return float(np.sqrt((gaps**2).sum(axis=-1).max()))
