"""Breast: where the breast is on one mammogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.mammogram import Side

ChestWall = Literal["left", "right"]


@dataclass(frozen=True, eq=False)
class Breast:
    """Where the breast is; coordinates are pixels of the original image."""

    #: (rows, columns) of the original image: breast and pectoral muscle, no labels, markers or film borders.
    mask: NDArray[np.bool_]
    #: The edge of the image at which the chest wall lies.
    chest_wall: ChestWall
    #: The side the file states; where it is silent the picture's (chest wall left = L, as images are hung and stored).
    side: Side
    #: (x, y) estimate: the point of the outline farthest from the chest wall, from 1 mm to about 1 cm from the truth.
    nipple: tuple[float, float]
    #: Polygon (x, y) of the pectoral muscle, on MLO-like views only; None where not sure.
    pectoral: tuple[tuple[float, float], ...] | None
    warnings: tuple[str, ...]

    def area_cm2(self, spacing_mm: tuple[float, float]) -> float:
        """Area of the mask in cm2, from the (row, column) spacing in mm."""
        return float(np.count_nonzero(self.mask) * spacing_mm[0] * spacing_mm[1] / 100.0)
