"""From INbreast's regions of interest to the truth: what is calcium, what is to be ignored, and what is something else.

The calcification report (Cortina Uribe et al., section 2) asks nobody for calcifications over 1 mm, mostly calcified
ducts and popcorn, nor for what lies within an ellipse around a whole cluster: they stay in the truth, and are regions
to ignore besides. INbreast has BI-RADS categories and no histology; the classes of Terrassin et al. (section 4.1) call
clusters malignant and calcifications of their own benign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.datasets.inbreast_rois import Roi
from microcalc.datasets.outlines import box_of, calcification, feret_mm, widened
from microcalc.datasets.record import OtherFinding
from microcalc.evaluation.regions import inside, nearest_pixel
from microcalc.findings import Box, Spacing
from microcalc.mammogram import Side
from microcalc.truth import Ignored, Pathology, Polygon, TrueCalcification, TrueCluster

Array = NDArray[np.float64]
Classes = Literal["none", "terrassin"]

_SINGLE = frozenset({"calcification", "unnamed", "point 3"})
_CLUSTER = frozenset({"cluster", "clusters", "calcifications"})
_OTHERS: Mapping[str, str] = {
    "mass": "mass",
    **dict.fromkeys(("spiculated region", "espiculated region"), "spiculated region"),
    "distortion": "architectural distortion",
    **dict.fromkeys(("asymmetry", "assymetry"), "asymmetry"),
}


@dataclass(frozen=True)
class Labels:
    """What is marked on one image."""

    calcifications: tuple[TrueCalcification, ...] = ()
    clusters: tuple[TrueCluster, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    others: tuple[OtherFinding, ...] = ()
    #: What could not be taken as it stands, in words.
    remarks: tuple[str, ...] = ()
    #: Regions without a name that says what they are: they may be calcium.
    doubtful: int = 0
    #: Whether anything is marked that is, or may be, calcium, even if it cannot be placed in the image.
    calcium: bool = False


@dataclass(frozen=True)
class Reading:
    """How regions are taken."""

    spacing_mm: Spacing
    #: (rows, columns) of the image.
    shape: tuple[int, int]
    ignore_over_mm: float
    ignore_clusters: bool
    classes: Classes


@dataclass
class _Sorted:
    """Regions by what they are."""

    single: list[Array] = field(default_factory=list)
    clusters: list[Polygon] = field(default_factory=list)
    others: list[OtherFinding] = field(default_factory=list)
    doubtful: list[tuple[str, Polygon]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def labels_of(rois: Sequence[Roi], reading: Reading) -> Labels:
    """The truth that the regions of an image state.

    What leaves the image is cut off at its edge; a region wholly outside is left out. Both are remarked upon.
    """
    parts = _sorted(rois, reading.shape)
    marks = [calcification(points, reading.spacing_mm) for points in parts.single]
    members = [_members(polygon, marks) for polygon in parts.clusters]
    if reading.classes == "terrassin":
        clustered = {index for group in members for index in group}
        marks = [_of_class(mark, "malignant" if i in clustered else "benign") for i, mark in enumerate(marks)]
    cluster_class: Pathology | None = "malignant" if reading.classes == "terrassin" else None
    large = [m.polygon for m in marks if m.polygon and feret_mm(m.polygon, reading.spacing_mm) > reading.ignore_over_mm]
    ignored = [(f"calcification over {reading.ignore_over_mm:g} mm", polygon) for polygon in large]
    if reading.ignore_clusters:
        ignored += [("outline of a cluster", polygon) for polygon in parts.clusters]
    ignored += [(f"marked as {name!r}", polygon) for name, polygon in parts.doubtful]
    return Labels(
        tuple(marks),
        tuple(
            TrueCluster(bbox=box_of(polygon), polygon=polygon, members=group or None, pathology=cluster_class)
            for polygon, group in zip(parts.clusters, members, strict=True)
        ),
        tuple(Ignored(bbox=box_of(polygon), polygon=polygon, reason=reason) for reason, polygon in ignored),
        tuple(parts.others),
        tuple(parts.remarks),
        len(parts.doubtful),
        any(roi.name not in _OTHERS for roi in rois),
    )


def muscle_outline(edge: Array, side: Side, shape: tuple[int, int]) -> Polygon:
    """The pectoral muscle from its (n, 2) open edge, closed in the upper corner at the chest wall, within the image."""
    corner: Box = (-0.5, -0.5, shape[1] - 0.5, shape[0] - 0.5)
    places = edge.clip(corner[:2], corner[2:])
    first = (corner[2] if side == "R" else corner[0], corner[1])
    return (first, *((x, y) for x, y in places.tolist()))


def _sorted(rois: Sequence[Roi], shape: tuple[int, int]) -> _Sorted:
    parts = _Sorted()
    last = np.array(shape[::-1]) - 1
    for number, roi in enumerate(rois, 1):
        pixels = nearest_pixel(roi.points)
        within = np.logical_and.reduce((pixels >= 0) & (pixels <= last), axis=1)
        if not within.all():
            outside = f"region {number} ({roi.name or 'no name'}): {(~within).sum()} of {len(within)} points outside"
            parts.remarks.append(f"{outside} the image, {'cut off at its edge' if within.any() else 'left out'}")
        if not within.any():
            continue
        # Single points and pairs outside are no pixel of the image; an outline runs on along the edge.
        points = roi.points.clip(0, last) if len(within) > 2 else roi.points[within]
        if roi.name in _SINGLE:
            parts.single.append(points)
            continue
        polygon = widened(tuple((x, y) for x, y in points.tolist()))
        if roi.name in _CLUSTER:
            parts.clusters.append(polygon)
        elif roi.name in _OTHERS:
            parts.others.append(OtherFinding(kind=_OTHERS[roi.name], bbox=box_of(polygon), polygon=polygon))
        else:
            parts.doubtful.append((roi.name, polygon))
    return parts


def _members(polygon: Polygon, marks: Sequence[TrueCalcification]) -> tuple[int, ...]:
    """Which calcifications have their centres within an outline."""
    centres = np.array([(mark.x, mark.y) for mark in marks], np.float64).reshape(-1, 2)
    return tuple(np.flatnonzero(inside(centres, np.array(polygon))).tolist())


def _of_class(mark: TrueCalcification, pathology: Pathology) -> TrueCalcification:
    return mark.model_copy(update={"pathology": pathology})
