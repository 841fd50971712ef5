"""Regions of the truth: the pixels they hold, and what lies in them or near them.

A region holds the pixels whose centres lie inside its outline; one that holds no pixel's centre is the pixel nearest to
it, since a speck of one pixel counts. A box to ignore may be as large as an image at no cost; an outline costs time and
memory by the pixels of the box around it. Coordinates are pixels of the original image: x = column, y = row, pixel
centres at integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from microcalc.evaluation.detections import disc_boxes
from microcalc.findings import Box
from microcalc.truth import Ignored, Polygon, TrueCalcification, TrueCluster

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Lengths, in mm or px, and shares of an area that differ by less are equal.
TOLERANCE = 1e-9

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


@dataclass(frozen=True, eq=False)
class Region:
    """The pixels of one region; never none."""

    #: Column and row of the window's first pixel.
    x0: int
    y0: int
    #: (rows, columns) window; which of its pixels belong to the region.
    mask: Flags
    #: (4,) x0, y0, x1, y1 where the region is a box, whose area is exact and whose window is full.
    box: Array | None = None

    @property
    def area(self) -> float:
        """Of the box, or of the pixels, px2."""
        return float(self.mask.sum() if self.box is None else area(self.box))

    @property
    def bounds(self) -> Array:
        """(4,) x0, y0, x1, y1: outer edges of the window."""
        rows, columns = self.mask.shape
        return np.array([self.x0, self.y0, self.x0 + columns, self.y0 + rows]) - 0.5

    def holds(self, points: Array) -> Flags:
        """(N,) whether the pixels nearest to (N, 2) points belong to the region."""
        column, row = (nearest_pixel(points) - (self.x0, self.y0)).T
        rows, columns = self.mask.shape
        held: Flags = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
        held[held] = self.mask[row[held], column[held]]
        return held

    def rim(self) -> NDArray[np.intp]:
        """(N, 2) x, y of the pixels with a neighbour, above, below, left or right, outside the region."""
        mask = self.mask.astype(np.uint8)
        inner = cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
        rim: NDArray[np.intp] = cv2.findNonZero(mask - inner).reshape(-1, 2) + np.array([self.x0, self.y0])
        return rim

    def lies_within(self, others: Sequence[Region]) -> bool:
        """Whether it shares pixels with the others, and none of its pixels lies more than one beyond theirs.

        One pixel is forgiven because a disc, a box and an outline of the same thing may differ by those on their edges.
        """
        high, wide = self.mask.shape
        held = np.zeros((high + 2, wide + 2), np.uint8)
        for other in others:
            x, y = other.x0 - self.x0 + 1, other.y0 - self.y0 + 1
            rows, columns = other.mask.shape
            here = held[max(y, 0) : max(y + rows, 0), max(x, 0) : max(x + columns, 0)]
            here |= other.mask[max(-y, 0) : max(high + 2 - y, 0), max(-x, 0) : max(wide + 2 - x, 0)]
        within = held[1:-1, 1:-1].astype(bool)
        around = cv2.dilate(held, _CROSS)[1:-1, 1:-1].astype(bool)
        return bool((self.mask & within).any() and not (self.mask & ~around).any())

    def near(self, points: Array, radius_mm: float, spacing_mm: tuple[float, float]) -> Flags:
        """(P,) whether one of its pixels has its centre within a radius of each of (P, 2) points."""
        step, reach = np.array(spacing_mm[::-1]), radius_mm + TOLERANCE
        first, last = self.bounds[:2] + 0.5, self.bounds[2:] - 0.5  # centres of the outermost pixels
        close: Flags = np.hypot(*((points - points.clip(first, last)) * step).T) <= reach
        if self.box is None and close.any():
            # The pixel nearest to a point is the one it lies in, or else one on the rim.
            rim = cKDTree(self.rim() * step)
            gap, _ = rim.query(points[close] * step, distance_upper_bound=reach + TOLERANCE)
            close[close] = self.holds(points[close]) | (gap <= reach)
        return close

    def area_within(self, boxes: Array) -> Array:
        """(N,) px2 that (N, 4) boxes share with the region: with its box, or with its pixels, each a unit square.

        0 for boxes of NaN.
        """
        if self.box is not None:
            return np.nan_to_num(shared_area(boxes, self.box[None])[:, 0])
        shared = np.zeros(len(boxes))
        meeting = shared_area(boxes, self.bounds[None])[:, 0] > 0
        if not meeting.any():
            return shared
        # Between the corners of pixels a summed-area table is bilinear, so that interpolating it is exact.
        table = cv2.integral(self.mask.astype(np.uint8))
        left, top, right, bottom = (boxes[meeting] - np.tile(self.bounds[:2], 2)).T

        def up_to(x: Array, y: Array) -> Array:
            summed: Array = map_coordinates(table, (y, x), output=np.float64, order=1, mode="nearest")
            return summed

        shared[meeting] = up_to(right, bottom) - up_to(left, bottom) - up_to(right, top) + up_to(left, top)
        return shared


def lesion_region(lesion: TrueCalcification, spacing_mm: tuple[float, float]) -> Region:
    """Pixels of a calcification: of its outline, else of the disc of its diameter, else the one it is in."""
    if lesion.polygon:
        return _polygon_region(lesion.polygon)
    centre = np.array([lesion.x, lesion.y])
    if not lesion.diameter_mm:
        return _one_pixel(centre)
    ends = _disc_box(lesion, spacing_mm).reshape(2, 2)
    reach = (ends[1] - ends[0]) / 2
    low, high = np.ceil(ends[0] - TOLERANCE).astype(np.intp), np.floor(ends[1] + TOLERANCE).astype(np.intp)
    x, y = ((np.arange(a, b + 1) - c) / r for a, b, c, r in zip(low, high, centre, reach, strict=True))
    return _window(low, x**2 + y[:, None] ** 2 <= 1 + TOLERANCE, centre)


def region_of(part: TrueCluster | Ignored) -> Region:
    """Pixels of a cluster or of a region to ignore: of its outline, else of its box."""
    return _polygon_region(part.polygon) if part.polygon else _box_region(part.bbox)


def nearest_pixel(points: Array) -> NDArray[np.intp]:
    """(..., 2) pixels that (..., 2) points lie in; a point on the edge of two lies in the right or lower one."""
    return np.floor(points + 0.5).astype(np.intp)  # not np.round: halves would go to even pixels


def _window(low: NDArray[np.intp], mask: Flags, centre: Array) -> Region:
    """The pixels of a mask whose first is ``low``, or the one nearest to a centre where it has none."""
    return Region(int(low[0]), int(low[1]), mask) if mask.any() else _one_pixel(centre)


def _one_pixel(point: Array) -> Region:
    x, y = nearest_pixel(point)
    return Region(int(x), int(y), np.ones((1, 1), bool))


def _box_region(box: Box) -> Region:
    corners = np.array(box).reshape(2, 2)
    low, high = np.ceil(corners[0]).astype(np.intp), np.floor(corners[1]).astype(np.intp)
    if (high < low).any():
        low = high = nearest_pixel(corners.mean(axis=0))
    columns, rows = high - low + 1
    return Region(int(low[0]), int(low[1]), np.broadcast_to(True, (rows, columns)), corners.ravel())


def _polygon_region(polygon: Polygon) -> Region:
    """Pixels whose centres lie in a polygon by the even-odd rule; of those on its edge, the left and upper ones."""
    start = np.array(polygon, np.float64)
    low, high = np.floor(start.min(axis=0)).astype(np.intp), np.ceil(start.max(axis=0)).astype(np.intp)
    (x0, y0), (x1, y1) = start.T, np.roll(start, -1, axis=0).T
    first, last = np.ceil(np.minimum(y0, y1)).astype(np.intp), np.ceil(np.maximum(y0, y1)).astype(np.intp)
    crossed = last - first  # rows that each edge crosses
    edge = np.repeat(np.arange(len(start)), crossed)
    row = np.arange(crossed.sum()) + (first - crossed.cumsum() + crossed)[edge]
    crossing = x0[edge] + (x1 - x0)[edge] * (row - y0[edge]) / (y1 - y0)[edge]
    # A pixel is inside if an odd number of edges cross its row to the right of its centre.
    columns, rows = high - low + 1
    crossings = np.zeros((rows, columns + 1), bool)
    np.logical_xor.at(crossings, (row - low[1], np.ceil(crossing - TOLERANCE).astype(np.intp) - low[0]), True)
    odd = np.logical_xor.accumulate(crossings[:, ::-1], axis=1)[:, ::-1]
    return _window(low, odd[:, 1:], start[0])


def outline(part: TrueCluster | Ignored) -> Array:
    """(N, 2) x, y of the corners of its polygon, else of its box."""
    x0, y0, x1, y1 = part.bbox
    return np.array(part.polygon or ((x0, y0), (x1, y0), (x1, y1), (x0, y1)), np.float64)


def lesion_box(lesion: TrueCalcification, spacing_mm: tuple[float, float]) -> Array:
    """(4,) x0, y0, x1, y1 of its outline, else of the disc of its diameter; of one without extent, its one pixel."""
    if lesion.polygon:
        corners = np.array(lesion.polygon, np.float64)
        box = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
    else:
        box = _disc_box(lesion, spacing_mm)
    return box if area(box) > 0 else lesion_region(lesion, spacing_mm).bounds


def _disc_box(lesion: TrueCalcification, spacing_mm: tuple[float, float]) -> Array:
    centre, diameter = np.array([[lesion.x, lesion.y]]), np.array([lesion.diameter_mm or 0.0])
    box: Array = disc_boxes(centre, diameter, spacing_mm)[0]
    return box


def area(boxes: Array) -> Array:
    """(...,) px2 of (..., 4) boxes."""
    product: Array = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return product


def shared_area(boxes: Array, others: Array) -> Array:
    """(N, M) px2 that (N, 4) and (M, 4) boxes share; NaN where a box is."""
    low = np.maximum(boxes[:, None, :2], others[:, :2])
    high = np.minimum(boxes[:, None, 2:], others[:, 2:])
    product: Array = np.maximum(high - low, 0).prod(axis=-1)
    return product


def all_within(regions: Sequence[Region], others: Sequence[Region]) -> Flags:
    """(R,) whether each region lies within the others together (:meth:`Region.lies_within`)."""
    bounds, around = (np.array([region.bounds for region in part]).reshape(-1, 4) for part in (regions, others))
    meeting = shared_area(bounds, around) > 0
    near_by = ([others[i] for i in np.flatnonzero(row).tolist()] for row in meeting)
    return np.array([region.lies_within(part) for region, part in zip(regions, near_by, strict=True)], bool)


def inside(points: Array, polygon: Array) -> Flags:
    """(P,) whether (P, 2) points lie in a polygon of (N, 2) corners, by the even-odd rule, or on its edge."""
    close: Flags = ((points >= polygon.min(axis=0) - TOLERANCE) & (points <= polygon.max(axis=0) + TOLERANCE)).all(
        axis=1
    )
    edge_x, edge_y = (np.roll(polygon, -1, axis=0) - polygon).T
    x, y = np.moveaxis(points[close, None] - polygon, -1, 0)  # (P, N) from each corner
    with np.errstate(divide="ignore", invalid="ignore"):  # of level edges, which cross no row, and of edges of length 0
        crossed = ((y < 0) != (y < edge_y)) & (x < edge_x * y / edge_y)
        along = np.nan_to_num((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2)).clip(0, 1)
    on_edge = np.hypot(x - along * edge_x, y - along * edge_y) <= TOLERANCE
    close[close] = (crossed.sum(axis=1) % 2 == 1) | on_edge.any(axis=1)
    return close
