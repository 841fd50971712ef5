"""Specimens: pictures of either origin in one form, so that whatever looks at them cannot know which is which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.breast import find_breast
from microcalc.mammogram import Mammogram, Side
from microcalc.truth import ImageTruth

Array = NDArray[np.float32]
Kind = Literal["real", "phantom", "crude"]

#: Pitch of the real images (their files are silent), and of the phantoms set beside them, mm.
SPACING_MM = 0.07
#: Grey levels are counted on this scale, that of the real images' 12 bits.
MAX_GREY = 4095
#: The skin line is where the grey, smoothed over 3 px, first passes this level over air.
_SKIN_GREY = 20
#: A skin line this far from the outline that ``find_breast`` gives is not believed, mm.
_OUTLINE_MM = 3.0
#: Clear distance from any known calcium or doubtful spot, mm.
_CLEAR_MM = 0.7

#: Grey is compared deeper than this, mm.
LEVEL_DEPTH_MM = 10.0


@dataclass(frozen=True, eq=False)
class Specimen:
    """A CC view with the chest wall at column 0, cropped to the rows and columns of the breast."""

    name: str
    kind: Kind
    #: Whose breast it is: pictures of one woman never stand on both sides of a fold.
    woman: str
    side: Side
    #: (rows, columns) float32, 0..``MAX_GREY``.
    grey: Array
    #: (rows, columns) float32: distance to the skin line in mm, 0 outside the breast.
    depth: Array
    #: (n, 4) x0, y0, x1, y1 of calcium that is known or suspected, with a margin.
    calcium: NDArray[np.float64]

    @classmethod
    def of(cls, mammogram: Mammogram, truth: ImageTruth | None, *, kind: Kind, woman: str, name: str) -> Specimen:
        """Hang and crop a mammogram; what its truth lists counts as calcium."""
        breast = find_breast(mammogram)
        grey = mammogram.pixels * np.float32(MAX_GREY)
        skin = _skin_mask(grey, breast.mask)
        boxes = _calcium_boxes(truth)
        if breast.chest_wall == "right":
            grey, skin = np.ascontiguousarray(grey[:, ::-1]), np.ascontiguousarray(skin[:, ::-1])
            last = grey.shape[1] - 1
            boxes = np.column_stack((last - boxes[:, 2], boxes[:, 1], last - boxes[:, 0], boxes[:, 3]))
        (rows, columns) = ndimage.find_objects(skin.astype(np.uint8))[0]
        crop = (slice(max(rows.start - 20, 0), rows.stop + 20), slice(0, columns.stop + 20))
        # A pixel of air around the crop on all sides but the chest wall: the picture's edge is no skin.
        walled = np.pad(skin[crop].astype(np.uint8), ((0, 0), (0, 1)))
        depth = cv2.distanceTransform(walled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[:, :-1] * np.float32(SPACING_MM)
        boxes -= np.array((0, crop[0].start, 0, crop[0].start))
        return cls(name, kind, woman, breast.side, np.ascontiguousarray(grey[crop]), depth, boxes)


def _skin_mask(grey: Array, outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The breast to the pixel: brighter than air, in one piece, near the outline found on the overview."""
    reach = round(_OUTLINE_MM / SPACING_MM)
    near = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 3) < reach
    air = float(np.median(grey[~near])) if not near.all() else 0.0
    bright = (cv2.GaussianBlur(grey, (0, 0), 1.5) > air + _SKIN_GREY) & near
    labels, _ = ndimage.label(bright)
    largest = 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return np.asarray(ndimage.binary_fill_holes(labels == largest))


def _calcium_boxes(truth: ImageTruth | None) -> NDArray[np.float64]:
    if truth is None:
        return np.empty((0, 4))
    points = [(c.x, c.y, c.x, c.y) for c in truth.calcifications]
    boxes = np.array(points + [i.bbox for i in truth.ignore] + [c.bbox for c in truth.clusters], float).reshape(-1, 4)
    return boxes + np.array((-1, -1, 1, 1)) * _CLEAR_MM / SPACING_MM
