"""The shapes of annotation tools as polygons and boxes on outer pixel edges; x, y in pixels of the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from microcalc.findings import Box
from microcalc.truth import Ignored, Polygon

#: From the scale of annotation tools, which begins at the corner of the image, to one that begins at the centre of its
#: first pixel: this comes off.
HALF_PIXEL = 0.5
#: Corners of the polygon that stands for an ellipse; with 32 of them its area is 0.6 % smaller.
_CORNERS = 32


def ellipse(x: float, y: float, x_radius: float, y_radius: float) -> Polygon:
    """A polygon inscribed in an upright ellipse, its four outermost points among the corners."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    return polygon((x + x_radius * np.cos(angle)).round(3).tolist(), (y + y_radius * np.sin(angle)).round(3).tolist())


def polygon(x: Sequence[float], y: Sequence[float]) -> Polygon:
    """The polygon with corners at x, y, in their order."""
    return tuple(zip(x, y, strict=True))


def rectangle(box: Box) -> Polygon:
    """The four corners of a box, clockwise from the upper left one."""
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def clipped(box: Box, rows: int, columns: int) -> Box | None:
    """The part of a box that lies in an image; None where none of it does."""
    x0, y0 = max(box[0], -0.5), max(box[1], -0.5)
    x1, y1 = min(box[2], columns - 0.5), min(box[3], rows - 0.5)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def everywhere(rows: int, columns: int, reason: str) -> Ignored:
    """A whole image as a region to ignore: it holds what nobody has outlined."""
    return Ignored(bbox=(-0.5, -0.5, columns - 0.5, rows - 0.5), reason=reason)
