"""What a truth says of every pixel of a view: calcium, none, or nothing that a network could be asked."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Frame
from microcalc.detectors.view import WorkingView
from microcalc.evaluation.regions import Region, lesion_region, outline, region_of
from microcalc.findings import Box, Spacing
from microcalc.patches.calcium import asked_for
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

#: Diameter of a calcification that is no more than a point, mm, and of the disc around it that nothing is said of: how
#: large it is nobody knows, nor where exactly its middle lies.
POINT_MM, POINT_DOUBT_MM = 0.3, 0.7
#: (n,) of (x, y).
Sites = tuple[tuple[float, float], ...]


def target_of(truth: ImageTruth, view: WorkingView) -> tuple[NDArray[np.int8], Sites]:
    """What is asked of every pixel of a view, and where calcium is to be found.

    Calcium is where an outline says so, else in the disc of the diameter, else in one of ``POINT_MM``. Nothing is asked
    in regions to ignore, in clusters whose calcifications nobody has listed, and close around mere points.

    Returns:
        (rows, columns) int8: 1 calcium, 0 none, -1 not asked; centres (x, y) of the calcifications asked for.
    """
    rows, columns = view.image.shape
    pitch = (view.working_spacing_mm, view.working_spacing_mm)
    target = np.zeros((rows, columns), np.int8)
    asked = zip(truth.calcifications, asked_for(truth, view.spacing_mm), strict=True)
    lesions = [_moved(lesion, view.frame) for lesion, is_asked in asked if is_asked]
    unsaid = [_moved_part(part, view.frame) for parts in (truth.ignore, _unlisted(truth)) for part in parts]
    _paint(target, -1, (region_of(part) for part in unsaid))
    points = [lesion for lesion in lesions if _is_point(lesion)]
    _paint(target, -1, (_disc(point, POINT_DOUBT_MM, pitch) for point in points))
    _paint(target, 1, (_disc(point, POINT_MM, pitch) for point in points))
    _paint(target, 1, (lesion_region(lesion, pitch) for lesion in lesions if not _is_point(lesion)))
    return target, tuple((lesion.x, lesion.y) for lesion in lesions if 0 <= lesion.x < columns and 0 <= lesion.y < rows)


def _is_point(lesion: TrueCalcification) -> bool:
    return not (lesion.polygon or lesion.diameter_mm)


def _unlisted(truth: ImageTruth) -> list[TrueCluster]:
    """Clusters that no listed calcification belongs to or lies in."""
    centres = np.array([(part.x, part.y) for part in truth.calcifications], np.float64).reshape(-1, 2)
    return [part for part in truth.clusters if not (part.members or region_of(part).holds(centres).any())]


def _moved(lesion: TrueCalcification, frame: Frame) -> TrueCalcification:
    """The calcification in pixels of a view."""
    (x, y), *corners = frame.to_working([(lesion.x, lesion.y), *(lesion.polygon or ())]).tolist()
    polygon = tuple((px, py) for px, py in corners) or None
    return lesion.model_copy(update={"x": x, "y": y, "polygon": polygon})


def _moved_part(part: Ignored | TrueCluster, frame: Frame) -> Ignored:
    """The region in pixels of a view."""
    corners = frame.to_working(outline(part))
    (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    box: Box = (x0, y0, x1, y1)
    return Ignored(bbox=box, polygon=tuple((x, y) for x, y in corners.tolist()) if part.polygon else None)


def _disc(point: TrueCalcification, diameter_mm: float, pitch: Spacing) -> Region:
    return lesion_region(point.model_copy(update={"diameter_mm": diameter_mm}), pitch)


def _paint(target: NDArray[np.int8], value: int, regions: Iterable[Region]) -> None:
    """Set the pixels of regions, which may reach beyond the view."""
    for region in regions:
        (rows, columns), x, y = region.mask.shape, region.x0, region.y0
        here = target[max(y, 0) : max(y + rows, 0), max(x, 0) : max(x + columns, 0)]
        here[region.mask[max(-y, 0) :, max(-x, 0) :][: here.shape[0], : here.shape[1]]] = value
