"""What is drawn over a picture: circles around marks, outlines, a scale bar; in picture coordinates.

The overlay draws a scene with OpenCV, the report as SVG; where and how large everything is is decided here, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.clusters import hull_mm
from microcalc.findings import Calcification, Cluster, ImageFindings
from microcalc.output.crop import Crop

#: Red, green, blue from the threshold (blue) to score 1 (red), by way of turquoise and yellow, never of the tissue's
#: grey; colour-blind readers still tell the ends apart.
SCORE_COLOURS = ((84, 170, 255), (64, 224, 200), (255, 220, 60), (255, 84, 64))
#: Of cluster outlines and numbers: outside the scale of scores.
CLUSTER_COLOUR = (240, 240, 240)

#: Least radius of a circle, and its least distance from the rim of the speck it must not hide; picture pixels.
_LEAST_RADIUS, _CLEARANCE = 7.5, 5.0
#: Least length of a speck's outline; picture pixels. A shorter one would hide what it surrounds.
_LEAST_OUTLINE = 12.0
#: Between the circles of a cluster and its outline; picture pixels.
_OUTLINE_GAP = 7.0
#: Lengths a scale bar may have, mm, the first preferred.
_BAR_LENGTHS_MM = (10, 5, 2, 1)


@dataclass(frozen=True)
class MarkShape:
    """The open circle around one mark, and its outline; x, y and radius in picture pixels."""

    x: float
    y: float
    radius: float
    colour: tuple[int, int, int]
    mark: Calcification
    #: Number of the cluster it belongs to, from 1; None for a single mark.
    cluster: int | None
    #: (N, 2) x, y in picture pixels of the speck's own outline; None: there is none, or it is too small to be seen.
    outline: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class ClusterShape:
    """The outline of one cluster, a closed polygon around its circles."""

    #: (N, 2) x, y in picture pixels.
    outline: NDArray[np.float64]
    #: From 1, in the order of ``ImageFindings.clusters``.
    number: int
    cluster: Cluster

    @property
    def label(self) -> tuple[float, float]:
        """x, y of the outline's upper right, where its number goes."""
        x, y = self.outline[np.argmax(self.outline @ (1.0, -1.0))]
        return float(x), float(y)


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything drawn over one picture."""

    marks: tuple[MarkShape, ...]
    clusters: tuple[ClusterShape, ...]


def make_scene(image: ImageFindings, threshold: float, crop: Crop) -> Scene:
    """The marks of an image at or above the threshold and its clusters, as far as they lie in the crop."""
    spacing = image.spacing_mm or (1.0, 1.0)
    px_per_unit = crop.px_per_mm or crop.width / (crop.box[2] - crop.box[0])
    number = image.cluster_of
    shown = [
        (index, mark)
        for index, mark in enumerate(image.calcifications)
        if mark.score >= threshold and crop.contains(mark.x, mark.y)
    ]
    centres = crop.to_picture(np.array([(mark.x, mark.y) for _, mark in shown]).reshape(-1, 2))
    marks = tuple(
        MarkShape(
            x=float(x),
            y=float(y),
            radius=_radius(mark, px_per_unit),
            colour=score_colour(mark.score, threshold),
            mark=mark,
            cluster=number.get(index),
            outline=_outline(mark, crop),
        )
        for (index, mark), (x, y) in zip(shown, centres, strict=True)
    )
    clusters = []
    for n, cluster in enumerate(image.clusters, 1):
        members = [image.calcifications[m] for m in cluster.members]
        if any(crop.contains(mark.x, mark.y) for mark in members):
            gap = (_LEAST_RADIUS + _OUTLINE_GAP) / px_per_unit
            outline = crop.to_picture(hull_mm(members, spacing, gap) / np.array(spacing[::-1]))
            clusters.append(ClusterShape(outline=outline, number=n, cluster=cluster))
    return Scene(marks=marks, clusters=tuple(clusters))


def score_colour(score: float, threshold: float) -> tuple[int, int, int]:
    """Red, green, blue of a score: the way from the threshold to 1 along ``SCORE_COLOURS``."""
    share = (score - threshold) / (1.0 - threshold) if threshold < 1.0 else 1.0
    stops = np.linspace(0.0, 1.0, len(SCORE_COLOURS))
    red, green, blue = (round(float(np.interp(share, stops, channel))) for channel in zip(*SCORE_COLOURS, strict=True))
    return red, green, blue


def scale_bar_mm(px_per_mm: float, longest_px: float) -> int:
    """Length in mm of a scale bar: 10 mm, or less where that would be longer than ``longest_px``."""
    return next((mm for mm in _BAR_LENGTHS_MM if mm * px_per_mm <= longest_px), _BAR_LENGTHS_MM[-1])


def _outline(mark: Calcification, crop: Crop) -> NDArray[np.float64] | None:
    if mark.polygon is None:
        return None
    outline = crop.to_picture(np.array(mark.polygon))
    return outline if np.ptp(outline, axis=0).max() >= _LEAST_OUTLINE else None


def _radius(mark: Calcification, px_per_mm: float) -> float:
    return max(_LEAST_RADIUS, (mark.diameter_mm or 0.0) / 2 * px_per_mm + _CLEARANCE)
