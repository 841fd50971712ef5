"""Where a real breast has room for calcium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.breast import Breast
from microcalc.errors import UsageError
from microcalc.synthesis.outline import Length, Lengths, View

Array = NDArray[np.float32]

#: Step of the grids of distances, mm, and how deep some tissue must lie for there to be room for calcium.
_STEP_MM, _ROOM_MM = 0.5, 12.0


@dataclass(frozen=True, eq=False)
class Ground:
    """A real breast in one view, as far as the placing of calcium needs to know it.

    Stands for a :class:`Phantom` and its outline where a real image is what calcium goes into.

    The frame is the outline's: that of the left breast, in mm, chest wall at x = 0.
    """

    view: View
    #: (rows, columns) of the image.
    shape: tuple[int, int]
    spacing_mm: float
    #: Of the nipple: distance from the chest wall, and height.
    depth: float
    nipple_y: float
    #: Distance in mm to the skin (0 outside) and into the muscle (negative before it; None: none seen), in steps.
    _skin: Array
    _muscle: Array | None
    _step_px: int

    @classmethod
    def of(cls, breast: Breast, view: View, spacing_mm: float) -> Ground:
        """The ground that a breast gives.

        Raises:
            UsageError: the breast is too small.
        """
        step = max(1, round(_STEP_MM / spacing_mm))
        skin = _depth(upright(breast.mask, breast)[::step, ::step], step * spacing_mm)
        if skin.max() < _ROOM_MM:
            raise UsageError(
                expected=f"a breast with room for calcium, {_ROOM_MM:g} mm inside its skin",
                found=f"{skin.max():.0f} mm at most",
                do="leave the image out",
            )
        muscle = None
        if breast.pectoral is not None:
            inside = np.zeros(breast.mask.shape, np.uint8)
            cv2.fillPoly(inside, [np.rint(breast.pectoral).astype(np.int32)], 1)
            inside = upright(inside, breast)[::step, ::step]
            muscle = _depth(inside > 0, step * spacing_mm) - _depth(inside == 0, step * spacing_mm)
        x, y = breast.nipple
        rows, columns = breast.mask.shape
        if breast.chest_wall == "right":
            x = columns - 1 - x
        return cls(
            view, (rows, columns), spacing_mm, (x + 0.5) * spacing_mm, (y + 0.5) * spacing_mm, skin, muscle, step
        )

    @property
    def outline(self) -> Ground:
        """Itself: what a phantom asks its outline is answered here."""
        return self

    def locate(self, behind: Length, lateral: Length, superior: Length) -> tuple[Length, Length]:
        """x, y in mm of places in the breast, as ``Outline.locate``."""
        return self.depth - behind, self.nipple_y - (lateral if self.view == "CC" else superior)

    def skin_distance(self, x: Lengths, y: Lengths) -> Array:
        """Distance to the skin in mm; 0 outside the breast."""
        return self._sample(self._skin, x, y)

    def muscle_distance(self, x: Lengths, y: Lengths) -> Array | None:
        """Distance to the pectoral edge in mm, positive inside the muscle; None where none is seen."""
        return None if self._muscle is None else self._sample(self._muscle, x, y)

    def _sample(self, grid: Array, x: Lengths, y: Lengths) -> Array:
        at = np.stack((y, x)) / (self.spacing_mm * self._step_px)
        sampled: Array = ndimage.map_coordinates(grid, at, order=1).astype(np.float32, copy=False)
        return sampled


def upright(image: NDArray[Any], breast: Breast) -> NDArray[Any]:
    """A view of a stored image with the chest wall at the left; of such an image, the stored one."""
    return image[:, ::-1] if breast.chest_wall == "right" else image


def _depth(inside: NDArray[np.bool_], step_mm: float) -> Array:
    """Distance in mm to where the mask ends; edges of the image are no end."""
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return distance.astype(np.float32, copy=False) * np.float32(step_mm)
