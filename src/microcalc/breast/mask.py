"""Mask: what on the overview is breast, and not air, label, marker or film border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.breast.overview import Overview, local_range

#: Air is seen where this part of the field's rim is flat and dark, up to this part of the level of middling tissue;
#: where a broad part is, up to nearly that level: fog and soft windows lift air, but tissue is never so flat.
AIR_RIM, AIR_LEVEL = 0.05, 0.5
BROAD_AIR_RIM, BROAD_AIR_LEVEL = 0.3, 0.9
#: Where none is seen, labels are looked for as if it were as dark as these quantiles of the field: either misses some.
AIR_GUESSES = (0.01, 0.1)

# All levels below are parts of the contrast between air (0) and middling tissue (1).
#: Skin begins at this level, or above the local range of the air where that is more.
SKIN = 0.02
#: What is this dim and flat is fog on the film or glow around a label: the edge of the breast is dim, but a slope.
FOG, FOG_RANGE = 0.1, 0.012
#: Steps this steep are the walls of labels and frames, not of tissue.
WALL = 0.6
#: Bright islands between walls are labels or frames when this deep in overview pixels, up to this part of the deepest.
LABEL_PX, LABEL_DEPTH = 4, 0.3
#: Bridges and bumps narrower than twice this are cut off, notches closed: overview pixels, about 7 mm.
BRIDGE_PX = 12
#: Standard deviation of the smoothing of the outline, overview pixels, about 1 mm.
OUTLINE_PX = 1.5


@dataclass(frozen=True, eq=False)
class Silhouette:
    """The breast on the overview."""

    #: (rows, columns) float32: air 0, middling tissue 1.
    contrast: NDArray[np.float32]
    #: (rows, columns) float32 in 0..1, 0.5 at the outline.
    soft: NDArray[np.float32]
    #: No air was seen, and the breast was taken to fill the exposed field, but for labels.
    fills_field: bool = False

    @classmethod
    def of(cls, overview: Overview) -> Silhouette | None:
        """The breast on an overview; None where nothing stands out from the air."""
        image, field = overview.image, overview.field
        levels, ranges, rim = overview.flat_rim()
        dark = levels <= overview.middle
        tissue = float(np.median(image[field][image[field] > overview.middle]))
        share = np.count_nonzero(dark) / rim
        air = float(np.median(levels[dark])) if share > AIR_RIM else tissue
        soft = np.zeros_like(image)
        if air > (BROAD_AIR_LEVEL if share > BROAD_AIR_RIM else AIR_LEVEL) * tissue:
            soft[field] = _without_labels(image[field], tissue)
            return cls(image / np.float32(tissue), soft, fills_field=True)
        contrast = (image - np.float32(air)) / np.float32(tissue - air)
        noise = float(np.median(ranges[dark])) / (tissue - air)
        inside = _soft_mask(contrast[field], max(SKIN, noise))
        if inside is None:
            return None
        soft[field] = inside
        return cls(contrast, soft)


def _soft_mask(contrast: NDArray[np.float32], threshold: float) -> NDArray[np.float32] | None:
    """The mask within the exposed field."""
    fog = (contrast < FOG) & (local_range(contrast, 5) < FOG_RANGE)
    body = ((contrast > threshold) & ~fog).astype(np.uint8)
    body &= 1 - _labels(contrast, body)
    # Air above and below the field, so that strips along these borders go too; at the sides lies the chest wall.
    opened = cv2.morphologyEx(np.pad(body, ((1, 1), (0, 0))), cv2.MORPH_OPEN, _disc(BRIDGE_PX))
    core = _largest(opened[1:-1])
    if core is None:
        return None
    # What the opening took from the breast itself (corners, the nipple) lies within its own radius.
    whole = body & np.asarray(cv2.dilate(core, _disc(BRIDGE_PX)))
    # Air around the field, so that the gap between a curved outline and the border is not closed.
    closed = cv2.morphologyEx(np.pad(whole, BRIDGE_PX), cv2.MORPH_CLOSE, _disc(BRIDGE_PX))
    inner = slice(BRIDGE_PX, -BRIDGE_PX)
    breast = _largest(closed[inner, inner])
    if breast is None:
        return None
    filled = _without_holes(breast).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), OUTLINE_PX, borderType=cv2.BORDER_REPLICATE))


def _without_labels(image: NDArray[np.float32], tissue: float) -> NDArray[np.uint8]:
    """The mask of a field without air: all of it but labels, and what is narrow between their letters."""
    whole = np.ones(image.shape, np.uint8)
    labels = np.zeros_like(whole)
    for air in np.quantile(image, AIR_GUESSES).tolist():
        labels |= _labels((image - np.float32(air)) / np.float32(max(tissue - air, 1e-6)), whole)
    return np.asarray(cv2.morphologyEx(1 - labels, cv2.MORPH_OPEN, _disc(BRIDGE_PX)))


def _without_holes(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The mask filled, also where a hole opens onto the chest wall: the picture's sides close it."""
    walled = np.pad(mask, ((0, 0), (1, 1)))
    for side, neighbour in ((0, 1), (-1, -2)):
        rows = np.flatnonzero(walled[:, neighbour])
        if rows.size:
            walled[rows[0] : rows[-1] + 1, side] = 1
    return np.asarray(ndimage.binary_fill_holes(walled))[:, 1:-1]


def _labels(contrast: NDArray[np.float32], body: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What belongs to labels and frames: bright shallow islands, and the walls around them."""
    calm = np.zeros_like(body)
    # The border bounds an island too; and along it, where half of each neighbourhood is missing, islands would join.
    inner = slice(2, -2)
    calm[inner, inner] = (body & (local_range(contrast, 5) < WALL))[inner, inner]
    depth = cv2.distanceTransform(calm, cv2.DIST_L2, 5)
    count, islands = cv2.connectedComponents(calm, connectivity=4)
    deepest = np.asarray(ndimage.maximum(depth, islands, np.arange(count)))
    brightness = np.asarray(ndimage.mean(contrast, islands, np.arange(count)))
    labels = (brightness > 1.0) & (deepest >= LABEL_PX) & (deepest < LABEL_DEPTH * deepest.max())
    labels[0] = False
    return np.asarray(cv2.dilate(labels[islands].astype(np.uint8), np.ones((7, 7), np.uint8)))


def _largest(mask: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The component of greatest area."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return None
    return np.asarray(labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)


def _disc(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))
