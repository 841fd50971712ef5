"""Which detections hit which lesions, by the rule ``disc14``.

A detection is a disc of 14 px at 0.07 mm (0.98 mm) diameter and hits every lesion of which it covers at least one pixel
(Cortina Uribe et al., section 2.1.5). Per lesion the best-scoring hit counts, further hits on it count for nothing. A
detection that touches a lesion is a hit even if it also touches a region to ignore; one that touches only such a region
counts for nothing. A lesion whose pixels all lie in regions to ignore is no target, neither hit nor missed: nobody is
asked for calcifications over 1 mm or of a typically benign kind, but a mark on one is not false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from microcalc.findings import Calcification
from microcalc.truth import Ignored, ImageTruth, Polygon, TrueCalcification

DISC14_RADIUS_MM = 7 * 0.07


@dataclass(frozen=True)
class ImageMatch:
    """The account of one image: every lesion and every detection falls into exactly one place."""

    #: (lesions,) whether a detector is asked for it: some of its pixels lie outside the regions to ignore.
    target: NDArray[np.bool_]
    #: (lesions,) index of the best-scoring detection that hits each target; -1 for a miss and for what is no target.
    hit_by: NDArray[np.intp]
    #: (detections,) touches no target and nothing to ignore.
    false_positive: NDArray[np.bool_]
    #: (detections,) touches only what is to be ignored.
    ignored: NDArray[np.bool_]

    @property
    def hits(self) -> int:
        """Targets found."""
        return int((self.hit_by >= 0).sum())


def match_disc14(
    detections: Sequence[Calcification], truth: ImageTruth, spacing_mm: tuple[float, float], threshold: float = 0.0
) -> ImageMatch:
    """Match the detections at or above ``threshold`` with the calcifications of one image.

    Args:
        detections: marks in pixels of the image.
        truth: lesions (polygon, disc of a diameter, or a single pixel) and regions to ignore.
        spacing_mm: (row, column) pixel spacing, mm.
        threshold: detections below it take no part; they are neither hits nor false.
    """
    centres = np.array([(d.x, d.y) for d in detections], dtype=np.float64).reshape(-1, 2)
    scores = np.array([d.score for d in detections], dtype=np.float64)
    taking_part = scores >= threshold
    lesions = [_lesion_pixels(lesion, spacing_mm) for lesion in truth.calcifications]
    to_ignore = [_ignored_pixels(region) for region in truth.ignore]
    target = _outside(lesions, to_ignore)
    touches = _touches(centres, lesions, spacing_mm) & taking_part[:, None] & target
    touches_ignored = _touches(centres, to_ignore, spacing_mm).any(axis=1)
    hit_by = np.full(len(lesions), -1, dtype=np.intp)
    if len(centres) and len(lesions):
        best = np.where(touches, scores[:, None], -1.0).argmax(axis=0)
        hit_by = np.where(touches.any(axis=0), best, -1)
    loose = taking_part & ~touches.any(axis=1)
    return ImageMatch(target, hit_by, loose & ~touches_ignored, loose & touches_ignored)


def _touches(
    centres: NDArray[np.float64], regions: Sequence[NDArray[np.float64]], spacing_mm: tuple[float, float]
) -> NDArray[np.bool_]:
    """(detections, regions): whether the disc around each centre covers a pixel centre of each region."""
    touches = np.zeros((len(centres), len(regions)), dtype=bool)
    if touches.size == 0:
        return touches
    step = np.array(spacing_mm[::-1])
    owner = np.repeat(np.arange(len(regions)), [len(region) for region in regions])
    near = cKDTree(np.concatenate(regions) * step).query_ball_point(centres * step, DISC14_RADIUS_MM + 1e-9)
    for i, pixels in enumerate(near):
        touches[i, owner[pixels]] = True
    return touches


def _outside(lesions: Sequence[NDArray[np.float64]], to_ignore: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """(lesions,): whether any pixel of each lies outside all regions to ignore."""
    if not lesions or not to_ignore:
        return np.ones(len(lesions), dtype=bool)
    ignored = _codes(np.concatenate(to_ignore))
    return np.array([not np.isin(_codes(pixels), ignored).all() for pixels in lesions])


def _codes(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    """One number for each (N, 2) pixel."""
    x, y = pixels.astype(np.int64).T
    codes: NDArray[np.int64] = (y << 32) + x
    return codes


def _lesion_pixels(lesion: TrueCalcification, spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """(N, 2) x, y of the pixels of a lesion; never none, since a speck of one pixel counts."""
    if lesion.polygon is not None:
        return _polygon_pixels(lesion.polygon)
    nearest = np.round([[lesion.x, lesion.y]])
    if not lesion.diameter_mm:
        return nearest
    pixel = np.array(spacing_mm[::-1]) / (0.5 * lesion.diameter_mm)  # in radii of the lesion
    reach = np.ceil(1.0 / pixel).astype(int) + 1
    grid = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach)), axis=-1).reshape(-1, 2) + nearest
    inside = grid[(((grid - (lesion.x, lesion.y)) * pixel) ** 2).sum(axis=1) <= 1.0 + 1e-9]
    return inside if len(inside) else nearest


def _ignored_pixels(region: Ignored) -> NDArray[np.float64]:
    if region.polygon is not None:
        return _polygon_pixels(region.polygon)
    x0, y0, x1, y1 = region.bbox
    columns, rows = np.arange(np.ceil(x0), np.floor(x1) + 1), np.arange(np.ceil(y0), np.floor(y1) + 1)
    return np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)


def _polygon_pixels(polygon: Polygon) -> NDArray[np.float64]:
    """(N, 2) x, y of the pixels whose centres lie in a polygon (even-odd), or the one nearest its first vertex."""
    start = np.array(polygon, dtype=np.float64)
    low, high = np.floor(start.min(axis=0)).astype(int), np.ceil(start.max(axis=0)).astype(int)
    columns = np.arange(low[0], high[0] + 1)
    inside = np.zeros((high[1] - low[1] + 1, len(columns)), dtype=bool)
    for (x0, y0), (x1, y1) in zip(start, np.roll(start, -1, axis=0), strict=True):
        rows = np.arange(np.ceil(min(y0, y1)), np.ceil(max(y0, y1)), dtype=int)  # those the edge crosses
        if rows.size:
            crossing = x0 + (x1 - x0) * (rows - y0) / (y1 - y0)
            inside[rows - low[1]] ^= columns < crossing[:, None]
    y, x = np.nonzero(inside)
    return np.stack([x, y], axis=1) + low.astype(np.float64) if x.size else np.round(start[:1])
