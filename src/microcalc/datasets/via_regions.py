"""Regions drawn with the VGG Image Annotator (VIA), as it exports them to CSV: one row a region.

Places count from the corner of the image; half a pixel comes off on the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from microcalc.datasets.outlines import box_of
from microcalc.datasets.rows import Row
from microcalc.datasets.shapes import HALF_PIXEL, ellipse, polygon, rectangle
from microcalc.errors import ReadError
from microcalc.findings import Box
from microcalc.truth import Polygon

FILE, SHAPE, ATTRIBUTES = "#filename", "region_shape_attributes", "region_attributes"
_AREA_CORNERS = 3


@dataclass(frozen=True)
class DrawnRegion:
    """One region, in pixels of the image."""

    #: Centre of its box.
    x: float
    y: float
    #: None: a point, or a line between two.
    polygon: Polygon | None
    bbox: Box
    #: What its attributes call it, in lower case; "" where they call it nothing.
    name: str


def drawn_region(row: Row) -> DrawnRegion | None:
    """The region of a row; None where the row only says that there is none.

    Raises:
        ReadError: the row holds no shape that VIA draws.
    """
    try:
        shape = json.loads(row[SHAPE] or "{}", parse_constant=_refused)
        attributes = json.loads(row[ATTRIBUTES] or "{}")
        corners = _corners(shape) if shape else None
        name = " ".join(str(value) for value in attributes.values() if value).lower()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError(
            expected="a region as VIA exports it: polygon, polyline, ellipse, circle, rect or point",
            found=f"{row[SHAPE][:60]!r}",
            do="export it again, or remove it",
        ) from error
    if not corners:
        return None
    x0, y0, x1, y1 = box = box_of(corners)
    area = len(corners) >= _AREA_CORNERS and x0 < x1 and y0 < y1
    pixel = (x0 - HALF_PIXEL, y0 - HALF_PIXEL, x1 + HALF_PIXEL, y1 + HALF_PIXEL)
    return DrawnRegion((x0 + x1) / 2, (y0 + y1) / 2, corners if area else None, box if area else pixel, name)


def _refused(constant: str) -> float:
    """NaN and infinity, which JSON has no words for."""
    raise ValueError(constant)


def _corners(shape: Mapping[str, Any]) -> Polygon:
    """Corners of a shape's outline; a single one of a point.

    Raises:
        ValueError, KeyError, TypeError: it is no such shape.
    """
    kind = shape["name"]
    if kind in ("polygon", "polyline"):
        x, y = ([float(place) - HALF_PIXEL for place in shape[f"all_points_{axis}"]] for axis in "xy")
        return polygon(x, y)
    if kind == "rect":
        x0, y0 = (float(shape[axis]) - HALF_PIXEL for axis in "xy")
        return rectangle((x0, y0, x0 + float(shape["width"]), y0 + float(shape["height"])))
    x0, y0 = (float(shape[f"c{axis}"]) - HALF_PIXEL for axis in "xy")
    if kind == "point":
        return ((x0, y0),)
    if kind not in ("circle", "ellipse"):
        raise ValueError(kind)
    x_radius, y_radius = (float(shape["r" if kind == "circle" else f"r{axis}"]) for axis in "xy")
    return ellipse(x0, y0, x_radius, y_radius)
