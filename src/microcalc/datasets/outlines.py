"""From masks, and from outlines as data sets draw them, to polygons on outer pixel edges.

Corners are x, y in pixels of the image, whose centres are at integers: one pixel at (7, 9) is outlined from (6.5, 8.5)
to (7.5, 9.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.polygons import area_and_centroid, equal_disc, largest_feret
from microcalc.evaluation.regions import nearest_pixel
from microcalc.findings import Box, Spacing
from microcalc.truth import Polygon, TrueCalcification


def outlines(mask: NDArray[np.bool_]) -> list[Polygon]:
    """The outline of each connected region (8 neighbours) of a mask, holes filled, in the order of its first pixel.

    Args:
        mask: (rows, columns); a region is read from its first pixel, row by row from the left. Where two of its pixels
            share a corner only, the outline passes there twice.
    """
    return [tuple((x, y) for x, y in rim.tolist()) for rim in rims(mask)]


def rims(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """The corners (N, 2) x, y of each of the :func:`outlines` of a mask."""
    box = box_of_mask(mask)
    if box is None:
        return []
    x0, y0, x1, y1 = (round(edge + 0.5) for edge in box)
    # Twice as fine, each half pixel lies at one corner of one pixel, and the rim of a region runs through those at its
    # corners. OpenCV's own contours run through the centres of pixels.
    fine = np.repeat(np.repeat(mask[y0:y1, x0:x1], 2, axis=0), 2, axis=1).astype(np.uint8)
    contours, hierarchy = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = [c[:, 0] for c, parent in zip(contours, hierarchy[0, :, 3].tolist(), strict=True) if parent < 0]
    corners = _corners([(rim + 1) // 2 for rim in sorted(outer, key=lambda rim: (rim[0, 1], rim[0, 0]))])
    return [rim + np.array([x0 - 0.5, y0 - 0.5]) for rim in corners]


def box_of(polygon: Polygon) -> Box:
    """The box around a polygon."""
    corners = np.array(polygon, np.float64)
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return x0, y0, x1, y1


def box_of_mask(mask: NDArray[np.bool_]) -> Box | None:
    """The box, on outer pixel edges, around what is set in a (rows, columns) mask; None where nothing is."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return None
    return float(columns[0]) - 0.5, float(rows[0]) - 0.5, float(columns[-1]) + 0.5, float(rows[-1]) + 0.5


def area_mm2(polygon: Polygon, spacing_mm: Spacing) -> float:
    """Area of a polygon, mm2, at a (row, column) spacing in mm."""
    return area_and_centroid(_in_mm(polygon, spacing_mm))[0]


def diameter_mm(polygon: Polygon, spacing_mm: Spacing) -> float:
    """Diameter of the disc of equal area, mm, at a (row, column) spacing in mm."""
    return equal_disc(area_mm2(polygon, spacing_mm))


def feret_mm(polygon: Polygon, spacing_mm: Spacing) -> float:
    """Largest Feret diameter, mm, at a (row, column) spacing in mm."""
    return largest_feret(_in_mm(polygon, spacing_mm))


def widened(polygon: Polygon) -> Polygon:
    """An outline drawn through the centres of rim pixels, moved to the outer edges of those pixels.

    Corners count as the pixels they lie in; the pixels on the lines between them, and those inside, are the region. Two
    corners are a line of pixels, one is a pixel.
    """
    pixels = nearest_pixel(np.array(polygon, np.float64))
    first = pixels.min(axis=0)
    columns, rows = (pixels.max(axis=0) - first + 1).tolist()
    region = np.zeros((rows, columns), np.uint8)
    cv2.fillPoly(region, [(pixels - first).astype(np.int32)], 1)
    [outline] = outlines(region.astype(bool))
    return tuple((x + float(first[0]), y + float(first[1])) for x, y in outline)


def calcification(points: NDArray[np.float64], spacing_mm: Spacing | None, **what: Any) -> TrueCalcification:
    """A calcification that a reader marked.

    Args:
        points: (n, 2) x, y, n at least 1: one is a point without extent; more are corners of an outline through rim
            pixels (:func:`widened`), from which centre and diameter come.
        spacing_mm: (row, column), mm; None: the diameter is not known.
        what: other fields of the calcification: pathology, morphology.
    """
    if len(points) == 1:
        x, y = points[0].tolist()
        return TrueCalcification(x=x, y=y, **what)
    return outlined(widened(tuple((x, y) for x, y in points.tolist())), spacing_mm, **what)


def outlined(polygon: Polygon, spacing_mm: Spacing | None, **what: Any) -> TrueCalcification:
    """A calcification by its outline on outer pixel edges: centroid, and diameter of the disc of equal area.

    Args:
        polygon: as :func:`outlines` and :func:`widened` give it.
        spacing_mm: (row, column), mm; None: the diameter is not known.
        what: other fields of the calcification: pathology, morphology.
    """
    _, x, y = area_and_centroid(np.array(polygon))
    diameter = None if spacing_mm is None else diameter_mm(polygon, spacing_mm)
    return TrueCalcification(x=x, y=y, diameter_mm=diameter, polygon=polygon, **what)


def rescaled(polygon: Polygon, of: tuple[int, int], to: tuple[int, int]) -> Polygon:
    """An outline drawn on a copy of an image, in pixels of the image itself.

    Args:
        polygon: in pixels of the copy.
        of: (rows, columns) of the copy.
        to: (rows, columns) of the image.
    """
    scale = np.array(to[::-1]) / of[::-1]
    corners = (np.array(polygon, np.float64) + 0.5) * scale - 0.5
    return tuple((x, y) for x, y in corners.tolist())


def _corners(paths: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Closed paths (N, 2) along pixel edges, which may rest on a point, without the points on straight lines."""
    points, path = np.concatenate(paths), np.repeat(np.arange(len(paths)), [len(one) for one in paths])
    moves = (points != points[_before(path)]).any(axis=1)
    points, path = points[moves], path[moves]
    before = _before(path)
    steps = np.sign(points - points[before])
    turns = np.empty(len(points), np.bool_)
    turns[before] = (steps[before] != steps).any(axis=1)
    return np.split(points[turns], np.flatnonzero(np.diff(path[turns])) + 1)


def _before(path: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each point, given the number of its path, which never falls, the one before it; of the first the last."""
    before = np.arange(len(path)) - 1
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    before[starts] = np.append(starts[1:], len(path)) - 1
    return before


def _in_mm(polygon: Polygon, spacing_mm: Spacing) -> NDArray[np.float64]:
    """(N, 2) x, y of the corners, mm."""
    corners: NDArray[np.float64] = np.array(polygon, np.float64) * spacing_mm[::-1]
    return corners
