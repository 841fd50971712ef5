"""Crops: a box of the original image, the picture made of it, and the way from one's pixels to the other's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from microcalc.breast import Breast
from microcalc.findings import Box, Record
from microcalc.mammogram import TYPICAL_SPACING_MM, Mammogram

Spacing = tuple[float, float]

#: Black border around the breast, so that a mark at the skin line is seen whole.
_BREAST_MARGIN_MM = 3.0
#: Border around a cluster, and the least width and height of its crop: enough tissue to judge the cluster by.
_CLUSTER_MARGIN_MM, _CLUSTER_LEAST_MM = 4.0, 15.0
#: A cluster crop is doubled in size until its longer side has the first number of pixels, and shrunk to the second.
_SMALL_CROP_PX, _LONGEST_CROP_PX = 400, 1600


class Crop(Record):
    """A box of the original image shown as a picture with square pixels, in the original's orientation."""

    box: tuple[int, int, int, int] = Field(description="x0, y0, x1, y1: half-open pixel indices of the original.")
    width: int = Field(ge=1, description="Of the picture, px.")
    height: int = Field(ge=1, description="Of the picture, px.")
    px_per_mm: float | None = Field(description="Picture pixels per mm at the detector; null without spacing.")

    def to_picture(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) x, y in pixels of the original -> x, y on the picture, whose edges are 0 and width, 0 and height."""
        x0, y0, x1, y1 = self.box
        return (xy + 0.5 - (x0, y0)) * (self.width / (x1 - x0), self.height / (y1 - y0))

    def contains(self, x: float, y: float) -> bool:
        """Whether a point, in pixels of the original, lies in the box."""
        x0, y0, x1, y1 = self.box
        return x0 - 0.5 <= x <= x1 - 0.5 and y0 - 0.5 <= y <= y1 - 0.5


class PictureSet(Record):
    """The pictures of one image that a report is made of, as written to ``geometry.json`` beside them."""

    breast: Crop
    nipple: tuple[float, float] = Field(description="x, y on the picture of the breast.")
    clusters: tuple[Crop, ...] = Field(description="One for each of ``ImageFindings.clusters``.")


def breast_crop(breast: Breast, spacing_mm: Spacing | None, longest_px: int) -> Crop:
    """The breast with a narrow border, as a picture at most ``longest_px`` wide and high, never enlarged."""
    x, y, width, height = cv2.boundingRect(breast.mask.view(np.uint8))
    margin_y, margin_x = (_BREAST_MARGIN_MM / s for s in spacing_mm or TYPICAL_SPACING_MM)
    box = _clipped((x - margin_x, y - margin_y, x + width + margin_x, y + height + margin_y), breast.mask.shape)
    row, column = spacing_mm or (1.0, 1.0)
    longest = max((box[2] - box[0]) * column, (box[3] - box[1]) * row)
    # The coarser of two spacings, so that neither axis is enlarged.
    return _picture(box, spacing_mm, max(longest / longest_px, row, column))


def cluster_crop(bbox: Box, shape: tuple[int, ...], spacing_mm: Spacing | None) -> Crop:
    """A cluster (``bbox`` on outer pixel edges) with a border, at full resolution or, where small, enlarged."""
    margins, least = (
        [mm / s for s in reversed(spacing_mm or TYPICAL_SPACING_MM)] for mm in (_CLUSTER_MARGIN_MM, _CLUSTER_LEAST_MM)
    )
    edges = []
    for axis in (0, 1):
        size = max(bbox[axis + 2] - bbox[axis] + 2 * margins[axis], least[axis])
        length = shape[1 - axis]
        # Pushed inside the image rather than cut, so that a cluster at the chest wall keeps its surroundings.
        start = min(max((bbox[axis] + bbox[axis + 2] + 1 - size) / 2, 0.0), max(length - size, 0.0))
        edges.append((start, start + size))
    (x0, x1), (y0, y1) = edges
    box = _clipped((x0, y0, x1, y1), shape)
    row, column = spacing_mm or (1.0, 1.0)
    longest = max((box[2] - box[0]) * column, (box[3] - box[1]) * row)
    # The finer of two spacings, so that neither axis loses detail.
    pixel = min(row, column)
    while longest / pixel < _SMALL_CROP_PX:
        pixel /= 2
    return _picture(box, spacing_mm, max(pixel, longest / _LONGEST_CROP_PX))


def grey_picture(mammogram: Mammogram, breast: Breast, crop: Crop, *, stretched: bool) -> NDArray[np.uint8]:
    """The crop's picture, (height, width) uint8, black outside the breast, where a burnt-in label could name a patient.

    Args:
        stretched: widen the contrast to the crop's own darkest and brightest tissue, as for a close look.
    """
    x0, y0, x1, y1 = crop.box
    pixels, mask = mammogram.pixels[y0:y1, x0:x1], breast.mask[y0:y1, x0:x1]
    low, high = _window(pixels[mask]) if stretched else (0.0, 1.0)
    scale = 255.0 / (high - low)
    scaled = pixels * np.float32(scale)
    scaled += np.float32(0.5 - low * scale)
    # Masked before it is resized, so that nothing from outside bleeds in; in 8 bits, a quarter of the memory.
    grey = np.where(mask, np.clip(scaled, 0, 255, out=scaled).astype(np.uint8), np.uint8(0))
    size = crop.width, crop.height
    if crop.width <= x1 - x0 and crop.height <= y1 - y0:
        return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    enlarged = cv2.resize(grey, size, interpolation=cv2.INTER_LANCZOS4)
    # Lanczos rings beyond the edge of the mask.
    return np.asarray(enlarged * cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _window(values: NDArray[np.float32]) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 1.0
    # The upper end is high: specks are few pixels, and their brightness is what is looked at.
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.95)))
    return low, max(high, low + 1e-3)


def _clipped(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    rows, columns = shape
    x0, y0 = max(int(box[0]), 0), max(int(box[1]), 0)
    return x0, y0, min(int(np.ceil(box[2])), columns), min(int(np.ceil(box[3])), rows)


def _picture(box: tuple[int, int, int, int], spacing_mm: Spacing | None, pixel: float) -> Crop:
    """The picture of a box with square pixels of side ``pixel``: mm, or original pixels where spacing is unknown."""
    row, column = spacing_mm or (1.0, 1.0)
    return Crop(
        box=box,
        width=max(round((box[2] - box[0]) * column / pixel), 1),
        height=max(round((box[3] - box[1]) * row / pixel), 1),
        px_per_mm=None if spacing_mm is None else 1.0 / pixel,
    )
